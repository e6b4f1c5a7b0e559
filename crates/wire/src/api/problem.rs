//! Errors, in the same shape everywhere.

use serde::{Deserialize, Serialize};

use crate::{Problem, Report};

/// The body of every answer with a status of 400 or above.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// One sentence: what could not be done, and why.
    #[cfg_attr(feature = "openapi", schema(example = "2 rules have problems; nothing was changed"))]
    pub error: String,
    /// The problems found, at most a thousand, if there are several places to point at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemView>,
}

impl ErrorBody {
    /// A body without single problems.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), problems: Vec::new() }
    }
}

/// One thing that is wrong, where, and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemView {
    /// The place in a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "rules[0].window"))]
    pub path: Option<String>,
    /// The line in what was sent, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The character in that line, or the cell of a CSV row, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What is wrong.
    #[cfg_attr(feature = "openapi", schema(example = "\"30\" is not a duration"))]
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "write for example 30m"))]
    pub hint: Option<String>,
}

impl ProblemView {
    /// A problem at a place in a document.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: Some(path.into()), message: message.into(), ..Self::default() }
    }
}

impl From<Problem> for ProblemView {
    fn from(problem: Problem) -> Self {
        let Problem { line, column, message } = problem;
        Self { line: Some(line), column, message, ..Self::default() }
    }
}

/// What a batch of samples or events came to. What could be read is kept even if some of it was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WriteReport {
    /// Samples or events kept.
    pub accepted: u64,
    /// Values left out on purpose: text fields, empty cells and other gaps.
    pub skipped: u64,
    /// Lines, rows or events refused.
    pub rejected: u64,
    /// Why the first hundred of them were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemView>,
    /// Samples or events kept that are older than the retention allows: they will be dropped soon.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub too_old: u64,
    /// What there is to know of those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl From<Report> for WriteReport {
    fn from(report: Report) -> Self {
        let Report { accepted, skipped, rejected, problems } = report;
        let problems = problems.into_iter().map(Into::into).collect();
        Self { accepted, skipped, rejected, problems, ..Self::default() }
    }
}
