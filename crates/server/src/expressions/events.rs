//! Graphite's events: what happened, when, with tags. They are events of the stream `graphite.events`.

use std::ops::ControlFlow;

use lanner_core::TimeRange;
use lanner_io::data::{DataStore, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The stream they lie in.
pub(crate) const STREAM: &str = "graphite.events";

/// One event.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Event {
    pub when: i64,
    pub what: String,
    pub tags: Vec<String>,
    pub data: String,
}

/// Tags come as a list, or in one text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Tags {
    List(Vec<String>),
    Text(String),
}

impl Tags {
    /// The tags, each once, in the order in which they came.
    fn list(self) -> Vec<String> {
        let texts = match self {
            Self::List(texts) => texts,
            Self::Text(text) => vec![text],
        };
        let mut tags: Vec<String> = Vec::new();
        for tag in texts.iter().flat_map(|text| split_tags(text)) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }
}

/// Splits a text into tags as django-tagging does for Graphite: at commas where one stands outside of quotes,
/// otherwise at spaces; what double quotes hold is one tag.
fn split_tags(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('"').collect();
    // Every second part is quoted; a quote that is never closed quotes nothing.
    let is_quoted = |at: usize| at % 2 == 1 && at + 1 < parts.len();
    let has_comma = parts.iter().enumerate().any(|(at, part)| !is_quoted(at) && part.contains(','));
    let is_separator = |c: char| if has_comma { c == ',' } else { c.is_whitespace() };
    let split = |(at, part): (usize, &&str)| -> Vec<String> {
        let words = if is_quoted(at) { vec![*part] } else { part.split(is_separator).collect() };
        words.into_iter().map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    parts.iter().enumerate().flat_map(split).collect()
}

#[derive(Debug, Deserialize)]
pub(crate) struct Posted {
    pub(crate) what: String,
    tags: Option<Tags>,
    #[serde(default)]
    data: Value,
    pub(crate) when: Option<f64>,
}

impl Posted {
    /// Its tags, each once.
    pub(crate) fn tags(self) -> Vec<String> {
        self.tags.map(Tags::list).unwrap_or_default()
    }

    /// What was sent along: text as it is, nothing as no text, and anything else as JSON.
    pub(crate) fn data_text(&self) -> String {
        match &self.data {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Visits the stored events in `[from_s, until_s]`, in order of time.
pub(crate) fn visit(
    store: &dyn DataStore,
    from_s: i64,
    until_s: i64,
    mut each: impl FnMut(Event) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let range = TimeRange::new(from_s.saturating_mul(1000), until_s.saturating_add(1).saturating_mul(1000));
    store.events(STREAM, range, &mut |time_ms, json| {
        // Written by `add` below, or by somebody who writes to this stream: what is no such event is skipped.
        let Ok(posted) = serde_json::from_slice::<Posted>(json) else { return ControlFlow::Continue(()) };
        let data = posted.data_text();
        let tags = posted.tags.map(Tags::list).unwrap_or_default();
        each(Event { when: time_ms / 1000, what: posted.what, tags, data })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_split_as_graphite_splits_them() {
        #[track_caller]
        fn check(posted: Value, expected: &[&str]) {
            let tags: Tags = serde_json::from_value(posted).unwrap();
            assert_eq!(tags.list(), expected);
        }
        check(json!("deploy web"), &["deploy", "web"]);
        check(json!("deploy,web"), &["deploy", "web"]);
        check(json!(" deploy , big release,"), &["deploy", "big release"]);
        check(json!("\"big, release\" web"), &["big, release", "web"]);
        check(json!("\"big release\", web"), &["big release", "web"]);
        check(json!("\"never closed"), &["never", "closed"]);
        check(json!(["deploy", "web,big", "deploy"]), &["deploy", "web", "big"]);
        check(json!(""), &[]);
    }
}
