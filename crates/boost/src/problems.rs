//! Every problem of a text, told at once.

use std::fmt;

/// More are counted, not listed.
const MAX_LISTED: usize = 20;

/// Why a model cannot be read: each problem with the place where it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    listed: Vec<String>,
    n_more: usize,
}

impl Problems {
    /// One problem.
    #[must_use]
    pub fn one(problem: impl Into<String>) -> Self {
        Self { listed: vec![problem.into()], n_more: 0 }
    }

    /// Adds a problem. The first 20 are listed, more are only counted.
    pub fn add(&mut self, problem: impl Into<String>) {
        if self.listed.len() < MAX_LISTED {
            self.listed.push(problem.into());
        } else {
            self.n_more += 1;
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The problems themselves, at most 20.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.listed
    }

    /// `value`, unless there are problems.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.listed.join("\n"))?;
        match self.n_more {
            0 => Ok(()),
            n => write!(f, "\nand {n} more"),
        }
    }
}

impl std::error::Error for Problems {}
