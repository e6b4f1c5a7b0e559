//! One JSON object with a time.

use serde_json::{Map, Value};

/// The longest event, in bytes of its JSON text.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Objects and arrays inside each other in an event, itself among them, at most.
pub const MAX_EVENT_DEPTH: usize = 64;

/// One event of a stream: when it happened, and its fields as it told them.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Milliseconds since the Unix epoch, UTC.
    pub time_ms: i64,
    /// The fields as they came, the time field among them.
    pub fields: Map<String, Value>,
}

impl Event {
    /// The field called `name`: an exact key first, then a dotted path into nested objects.
    ///
    /// ```
    /// use lanner_core::Event;
    /// let fields = serde_json::json!({"card": {"bank": "ing"}, "a.b": 1});
    /// let event = Event { time_ms: 0, fields: fields.as_object().cloned().unwrap_or_default() };
    /// assert_eq!(event.field("card.bank").and_then(|v| v.as_str()), Some("ing"));
    /// assert!(event.field("a.b").is_some() && event.field("card.x").is_none());
    /// ```
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        lookup(&self.fields, name)
    }
}

/// Finds `name` in `fields`: an exact key first, then a dotted path into nested objects.
///
/// Cost: one map look-up per dotted part.
#[must_use]
pub fn lookup<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = fields.get(name) {
        return Some(value);
    }
    let (head, rest) = name.split_once('.')?;
    lookup(fields.get(head)?.as_object()?, rest)
}
