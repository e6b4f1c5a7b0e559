//! Receivers as they are written.

use lanner_core::Problem;
use lanner_engine::config::ReceiverDocument;
use lanner_io::receiver::ReceiverConfig;

/// Checks receivers' own fields, which the engine does not know.
#[must_use]
pub fn check_receivers(receivers: &[ReceiverDocument]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for receiver in receivers {
        for problem in ReceiverConfig::read(&receiver.config).err().unwrap_or_default() {
            let dot = if problem.field.is_empty() { "" } else { "." };
            let path = format!("receivers.{}{dot}{}", receiver.name, problem.field);
            problems.push(Problem { at: receiver.node.at, path, message: problem.message, hint: None });
        }
    }
    problems
}
