//! A finding, and what all forms say of it.

use serde_json::{Map, Value};

use crate::answer::Answer;

/// An event that a profile flags, with all that any form writes of it.
#[derive(Debug, Clone)]
pub struct Finding<'f> {
    /// When it happened, milliseconds since 1970.
    pub time_ms: i64,
    /// The event.
    pub event: &'f Map<String, Value>,
    /// What the profile says of it.
    pub answer: &'f Answer<'f>,
    /// The parts of a behaviour, and what the event has there.
    pub behaviour: Vec<(String, String)>,
}

impl<'f> Finding<'f> {
    /// A finding of what a profile says of an event. `time_ms`: when it happened, milliseconds since 1970.
    #[must_use]
    pub fn new(time_ms: i64, event: &'f Map<String, Value>, answer: &'f Answer<'f>) -> Self {
        let behaviour = answer.parts.iter().map(|part| (part.to_string(), part.show(event))).collect();
        Self { time_ms, event, answer, behaviour }
    }

    /// A text field of the event.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.event.get(name)?.as_str()
    }

    /// One sentence: what happened, and why that is unusual.
    #[must_use]
    pub fn message(&self) -> String {
        let what = ["proc.cmdline", "proc.exepath", "proc.name"].iter().find_map(|name| self.text(name));
        let parent =
            self.text("proc.pname").map(|parent| format!(" (started by {parent})")).unwrap_or_default();
        format!("{}{parent}: {}", what.unwrap_or("an event"), self.answer.reason())
    }
}

/// An object of those fields that are there.
pub(super) fn object<'v>(fields: impl IntoIterator<Item = (&'v str, Option<Value>)>) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.filter(|(_, value)| value.as_object().is_none_or(|map| !map.is_empty())).collect())
}
