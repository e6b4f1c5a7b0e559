//! What other servers are asked window by window: a measure on documents or events, or a query with the bounds of each window in it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The query of a [`RemoteAsk`](crate::RemoteAsk) in the language `opensearch`, there as JSON. Each asked instant is the last
/// millisecond of a window.
///
/// ```
/// use lanner_core::SearchQuery;
/// let text = r#"{"index":"payments-*","time":"@timestamp","window_ms":60000,"measure":"sum(amount)","by":["bank"]}"#;
/// let query: SearchQuery = serde_json::from_str(text).unwrap();
/// assert_eq!(serde_json::to_string(&query).unwrap(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchQuery {
    /// The index, or a pattern of indices.
    pub index: String,
    /// The field with a document's time.
    pub time: String,
    /// How long each window is, milliseconds; above 0. Windows may lie over one another.
    pub window_ms: i64,
    /// What is measured: `count`, or `sum`, `avg`, `min`, `max`, `distinct` or a percentile of a field, such as `p99(ms)`.
    pub measure: String,
    /// Which documents count: a query in the engine's own language; all without.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub filter: Value,
    /// The fields whose values form groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

/// The query of a [`RemoteAsk`](crate::RemoteAsk) in a language in which each window is asked for by itself, such as `influxql` or `sql`;
/// there as JSON. Each asked instant is the last millisecond of a window.
///
/// ```
/// use lanner_core::WindowQuery;
/// let text = r#"{"query":"SELECT mean(usage) FROM cpu WHERE time >= :from AND time < :until","window_ms":60000}"#;
/// let query: WindowQuery = serde_json::from_str(text).unwrap();
/// assert_eq!(serde_json::to_string(&query).unwrap(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowQuery {
    /// The query; `:from` and `:until` stand for where a window begins and ends.
    pub query: String,
    /// How long each window is, milliseconds; above 0. Windows may lie over one another.
    pub window_ms: i64,
}

/// The query of a [`RemoteAsk`](crate::RemoteAsk) in the language `stream`, there as JSON: a measure on the events of a stream, which
/// the server that holds them counts. Each asked instant is the last millisecond of a window.
///
/// ```
/// use lanner_core::EventsQuery;
/// let text = r#"{"table":"payments","time":"ts","window_ms":60000,"measure":"sum(amount)","condition":"status == \"ok\"","by":["bank"]}"#;
/// let query: EventsQuery = serde_json::from_str(text).unwrap();
/// assert_eq!(serde_json::to_string(&query).unwrap(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsQuery {
    /// Where they are: a table, or an index.
    pub table: String,
    /// The field with an event's time.
    pub time: String,
    /// A field that every event has, where events are counted by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<String>,
    /// How long each window is, milliseconds; above 0. Windows may lie over one another.
    pub window_ms: i64,
    /// What is measured: `count`, or `sum`, `avg`, `min`, `max`, `last`, `distinct` or a percentile of a field, such as `p99(ms)`.
    pub measure: String,
    /// Which events count: a condition in canonical form; all without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The fields whose values form groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

impl EventsQuery {
    /// The language of asks with such a query.
    pub const LANGUAGE: &'static str = "stream";
}
