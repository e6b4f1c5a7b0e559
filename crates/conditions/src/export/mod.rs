//! Conditions in the languages of engines that hold events themselves, so that these can count them: the mirror of
//! [`import`](crate::import).
//!
//! What is written means there what the condition means here, of events whose fields may be missing
//! ([`Missing::False`](crate::Missing::False)). What cannot be said with the same meaning is refused by name, and never said
//! approximately.
//!
//! Reading order: [`Refused`], [`sql`], [`search`], [`influxql`].

pub mod influxql;
pub mod search;
pub mod sql;

/// Why something cannot be said in another language with the same meaning: lower-case fragments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}; {hint}")]
pub struct Refused {
    /// What cannot be said.
    pub what: String,
    /// What to do instead.
    pub hint: String,
}

impl Refused {
    /// This cannot be said; that can be done instead.
    pub fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), hint: hint.into() }
    }
}
