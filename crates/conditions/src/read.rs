//! A condition in a document.

use lanner_core::Node;
use lanner_core::document::Check;
use lanner_core::reading::text;

use crate::Condition;

impl Condition {
    /// Reads the condition that stands at `path` of a document; every mistake in it is reported with its column.
    pub fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let written = text(node).map_err(|message| check.problem(node, path, message)).ok()?;
        let problems = match Self::compile(&written) {
            Ok(condition) => return Some(condition),
            Err(problems) => problems,
        };
        for problem in problems {
            let message = format!("character {}: {}", problem.column, problem.message);
            check.push(node.at, path, message, problem.hint);
        }
        None
    }
}
