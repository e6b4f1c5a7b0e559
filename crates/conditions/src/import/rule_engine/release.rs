//! The releases of the package whose rules are read.

/// A release of the package: what it reads is not what the others read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// Release 3, last 3.6; the differences are those of 3.4.0.
    Three,
    /// Release 5. It gives `? :` and `==` another precedence, rounds no number, and knows comments and raw texts.
    Five,
}
