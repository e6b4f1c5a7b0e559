//! The columns of a table, and what their values are as fields of an event.

use std::collections::BTreeMap;

use lanner_core::nearest;

use super::super::Refused;
use crate::FieldPath;

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Texts.
    Text,
    /// Whole numbers.
    Whole,
    /// Floating-point numbers of 64 bits.
    Float,
    /// Floating-point numbers of 32 bits, which are read as they are shown: 0.1 is 0.1.
    Single,
    /// Decimals, some of which have digits behind the point.
    Decimal,
    /// True or false.
    Truth,
    /// Points in time.
    Instant,
    /// Something else, by the name that the database has for it.
    Other(String),
}

impl Kind {
    /// What a value of it is, for people.
    pub(super) fn phrase(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Whole => "a whole number".to_owned(),
            Self::Float | Self::Single => "a floating-point number".to_owned(),
            Self::Decimal => "a decimal".to_owned(),
            Self::Truth => "true or false".to_owned(),
            Self::Instant => "a time".to_owned(),
            Self::Other(name) => format!("of the type {name}"),
        }
    }
}

/// The columns that fields can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Columns {
    /// Nobody has looked: each column is there, and of the type that it is asked as.
    Assumed,
    /// Those of a table.
    Of {
        /// Its name, for people.
        table: String,
        /// Their kinds by name.
        kinds: BTreeMap<String, Kind>,
    },
}

impl Columns {
    /// The column of this name, and its kind.
    pub(super) fn find(&self, name: &str, assumed: &Kind) -> Result<Kind, Refused> {
        let Self::Of { table, kinds } = self else { return Ok(assumed.clone()) };
        if let Some(kind) = kinds.get(name) {
            return Ok(kind.clone());
        }
        let names = || kinds.keys().map(String::as_str);
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", names().take(20).collect::<Vec<_>>().join(", ")),
        };
        Err(Refused::new(format!("{table} has no column `{name}`"), hint))
    }
}

/// The column that a field is: the whole name as one.
pub(super) fn column_of(path: &FieldPath) -> &str {
    path.holders().next().unwrap_or_else(|| path.as_str())
}
