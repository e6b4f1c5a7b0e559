//! What a column of a table is.

use serde::{Deserialize, Serialize};

/// One column: its name, and how it may be split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name, as people read it in explanations.
    pub name: String,
    /// Numbers, or codes of categories.
    pub kind: Kind,
    /// Whether the score may only rise, or only fall, with it. Not for categories.
    pub monotone: Monotone,
}

/// How the values of a column are split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By a threshold.
    #[default]
    Number,
    /// By a set of codes, which are whole numbers from 0; others count as missing.
    Category,
}

/// The direction in which a score may move as a feature grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// Either.
    #[default]
    Free,
    /// It never falls.
    Rising,
    /// It never rises.
    Falling,
}

impl Feature {
    /// A column of numbers, split by thresholds. NaN is a missing value.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), kind: Kind::Number, monotone: Monotone::Free }
    }

    /// A column of codes of categories, whole numbers from 0 to 253, split by sets of them. NaN is a missing value.
    #[must_use]
    pub fn category(name: impl Into<String>) -> Self {
        Self { kind: Kind::Category, ..Self::number(name) }
    }

    /// The same column, with a direction in which alone it may move the score. Has no effect on categories.
    #[must_use]
    pub fn monotone(self, monotone: Monotone) -> Self {
        Self { monotone, ..self }
    }
}
