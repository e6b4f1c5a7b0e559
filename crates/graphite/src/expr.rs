//! What was written: the tree of an expression, with its functions named and its arguments bound.

use super::function::Function;

/// An expression that was parsed: every function is known, every argument bound to its parameter.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A path with wildcards: the series that match it.
    Path {
        /// Its text; the `$variables` of a template are replaced.
        text: String,
        /// Where it begins.
        column: usize,
    },
    /// A function of arguments.
    Call {
        /// Which.
        function: &'static Function,
        /// What it is given, in the order written.
        arguments: Vec<Argument>,
        /// The text of the call, as written.
        text: String,
        /// The first argument was piped into it (`a | scale(2)`), and Graphite's reading was asked for: there, a
        /// function that asks for its argument again, in another time, is given what stands before all pipes.
        piped: bool,
        /// Where it begins.
        column: usize,
    },
    /// A number, a text, a word.
    Literal {
        /// Its value.
        value: Literal,
        /// Where it begins.
        column: usize,
    },
}

impl Expr {
    /// Where it begins, in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        match self {
            Self::Path { column, .. } | Self::Call { column, .. } | Self::Literal { column, .. } => *column,
        }
    }
}

/// One argument, bound to its parameter.
#[derive(Debug, Clone)]
pub struct Argument {
    /// Index into the function's parameters.
    pub parameter: usize,
    /// What was written.
    pub expr: Expr,
}

/// A value that needs no series.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A whole number.
    Int(i64),
    /// Any other number; infinity too.
    Float(f64),
    /// `'text'` or `"text"`.
    Text(String),
    /// `true` or `false`.
    Bool(bool),
    /// `none`.
    None,
}

impl Literal {
    /// What a word without quotes says, if it is no path.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        if let Ok(int) = word.parse() {
            return Some(Self::Int(int));
        }
        match word.to_ascii_lowercase().as_str() {
            "true" => Some(Self::Bool(true)),
            "false" => Some(Self::Bool(false)),
            "none" => Some(Self::None),
            "inf" | "infinity" => Some(Self::Float(f64::INFINITY)),
            "-inf" | "-infinity" => Some(Self::Float(f64::NEG_INFINITY)),
            // Not "nan", which Rust would read as well.
            number if number.starts_with(|c: char| c.is_ascii_digit() || "-+.".contains(c)) => {
                number.parse().ok().filter(|value: &f64| value.is_finite()).map(Self::Float)
            }
            _ => None,
        }
    }
}
