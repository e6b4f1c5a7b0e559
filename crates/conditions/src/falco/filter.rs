//! A compiled filter.

use std::collections::BTreeSet;

use super::compile::{Mismatch, compile};
use super::node::Node;
use super::parse::parse;
use super::problem::FalcoProblem;
use super::tree::Filter;
use crate::FieldPath;
use crate::field::Fields;

/// A filter of Falco, compiled. Asking it never fails.
///
/// Fields are found in the event under Falco's names; a value that is `null` is not there. What a check says of a value
/// that is not there is false, its negation true.
///
/// ```
/// use lanner_conditions::falco::FalcoFilter;
/// let filter = FalcoFilter::compile("evt.type in (open, openat) and fd.name startswith /etc").unwrap();
/// let event = serde_json::json!({"evt.type": "openat", "fd.name": "/etc/shadow"});
/// assert!(filter.matches(event.as_object().unwrap()));
/// let problems = FalcoFilter::compile("proc.nmae = sh").unwrap_err();
/// assert_eq!(problems[0].to_string(), "line 1, column 1: unknown field `proc.nmae`; did you mean `proc.name`?");
/// ```
#[derive(Debug)]
pub struct FalcoFilter(Node);

impl FalcoFilter {
    /// Reads and compiles a filter.
    ///
    /// # Errors
    /// Where and why Falco would refuse it: the first mistake in its text, or all unknown fields, and operators and
    /// values that do not fit a field.
    pub fn compile(text: &str) -> Result<Self, Vec<FalcoProblem>> {
        let filter = parse(text).map_err(|problem| vec![problem])?;
        let problem = |mismatch: Mismatch| FalcoProblem::at(text, mismatch.offset, mismatch.to_string());
        Self::of(&filter).map_err(|found| found.into_iter().map(problem).collect())
    }

    /// Compiles a filter whose macros were replaced by what they stand for.
    pub(super) fn of(filter: &Filter) -> Result<Self, Vec<Mismatch>> {
        compile(filter).map(Self)
    }

    /// Whether an event is one of those that it selects. Cost: at most a few look-ups and one test per check.
    #[must_use]
    pub fn matches(&self, event: &impl Fields) -> bool {
        self.0.holds(event)
    }

    /// The fields that it reads, each once.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldPath> {
        let mut paths = BTreeSet::new();
        self.0.each_path(&mut |path| {
            paths.insert(path.clone());
        });
        paths.into_iter().collect()
    }
}
