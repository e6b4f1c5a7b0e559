//! What is wrong with one field of a document.

use std::fmt;

use serde::Serialize;

/// What is wrong with one field of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The field, such as `url` or `auth.password`; empty for the document as a whole.
    pub field: String,
    /// A lower-case fragment: what is wrong and what to write instead.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// `field: message`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// Complains about a path that is not absolute.
pub(crate) fn check_absolute(field: &str, path: &std::path::Path) -> Option<Problem> {
    (!path.is_absolute()).then(|| {
        let shown = path.display();
        Problem::new(field, format!("\"{shown}\" is relative; write the whole path, starting with /"))
    })
}
