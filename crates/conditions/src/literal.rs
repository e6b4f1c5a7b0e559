//! A fixed value.

use jiff::Timestamp;

use crate::{Network, Number};

/// A fixed value. The order is that of kinds, then of values; texts by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `5`, `-2.5`, `0x1F`
    Number(Number),
    /// `"text"`, or a bare word. One that is a [`Network`] equals every address in it.
    Text(String),
    /// `d"2026-12-01T08:00:00+01:00"`. Equals every text that names the same instant.
    Time(Timestamp),
}

impl Literal {
    /// The network that a text names, if it does.
    #[must_use]
    pub fn network(&self) -> Option<Network> {
        match self {
            Self::Text(text) => Network::parse(text),
            _ => None,
        }
    }
}
