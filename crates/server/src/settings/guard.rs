//! How much a switch may block without a second look, as it is configured.

use lanner_core::field::{Field, Type};
use lanner_core::reading;
use lanner_engine::document::{Check, Content, Node};

/// `guard` as a map.
pub(crate) const GUARD: &[Field] = &[
    Field::new("share", "30%", "share of contexts").of(Type::Share).or("50%"),
    Field::new(
        "stream",
        "purchases",
        "stream of events to use as contexts; by default the contexts that the server was asked",
    ),
];

/// How much a switch may block without being asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The share of contexts, 0 to 1; a switch that would block more is stopped. 1 never stops one.
    pub share: f64,
    /// The stream whose events are the contexts; else those that this server was asked.
    pub stream: Option<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 0.5, stream: None }
    }
}

/// `off`, a share, or `{ share: 30%, stream: payments }`.
pub(super) fn read_guard(node: &Node, check: &mut Check) -> Option<Guard> {
    if node.scalar_text().is_some_and(|text| matches!(text.as_str(), "off" | "false")) {
        return Some(Guard { share: 1.0, ..Guard::default() });
    }
    if !matches!(node.content, Content::Map(_)) {
        let share =
            reading::share(node).map_err(|why| check.problem(node, "server.guard", format!("{why}, or off")));
        return share.ok().map(|share| Guard { share, ..Guard::default() });
    }
    let mut fields = check.map(node, "server.guard")?;
    let share = fields.read("share", check, reading::share).unwrap_or(Guard::default().share);
    let stream = fields.read("stream", check, reading::text);
    fields.finish_of(GUARD, check);
    Some(Guard { share, stream })
}
