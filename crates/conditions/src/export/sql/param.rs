//! Values that stand for placeholders: no value becomes a part of a statement.

/// A value that stands for a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// Where the window begins.
    From,
    /// Where it ends.
    Until,
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A decimal, as it is written.
    Decimal(String),
}
