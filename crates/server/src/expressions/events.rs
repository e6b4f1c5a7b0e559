//! Graphite's events: what happened, when, with tags. They are events of the stream `graphite.events`.

use std::ops::ControlFlow;

use lanner_core::TimeRange;
use lanner_io::data::{DataStore, StoreError};
use serde::Serialize;
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

/// The tags, each once, in the order in which they came: in a list, or in one text.
fn tags(written: &Value) -> Option<Vec<String>> {
    let texts: Vec<&str> = match written {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    let mut tags: Vec<String> = Vec::new();
    for tag in texts.into_iter().flat_map(split_tags) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    Some(tags)
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

/// What was sent, or is stored.
#[derive(Debug, PartialEq)]
pub(crate) struct Posted {
    pub(crate) what: String,
    /// Each once.
    pub(crate) tags: Vec<String>,
    /// What was sent along: text as it is, nothing as no text, and anything else as JSON.
    pub(crate) data: String,
    /// Seconds since the Unix epoch; `None` for now.
    pub(crate) when: Option<f64>,
}

impl Posted {
    /// # Errors
    /// A sentence that says what to write.
    pub(crate) fn read(json: &[u8]) -> Result<Self, String> {
        let sent: Value = serde_json::from_slice(json)
            .map_err(|error| format!("the body should be JSON with what, tags, data and when: {error}"))?;
        let Value::Object(sent) = sent else {
            return Err("the body should be one JSON object with what, tags, data and when".to_owned());
        };
        let field = |name: &str| sent.get(name).unwrap_or(&Value::Null);
        let what = field("what").as_str().ok_or("what should be a text: what happened")?.to_owned();
        let tags = tags(field("tags"))
            .ok_or("tags should be a list of texts, or a text with spaces between them")?;
        let when = match field("when") {
            Value::Null => None,
            when => Some(when.as_f64().ok_or("when should be a number: seconds since the Unix epoch")?),
        };
        let data = match field("data") {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok(Self { what, tags, data, when })
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
        let Ok(Posted { what, tags, data, .. }) = Posted::read(json) else {
            return ControlFlow::Continue(());
        };
        each(Event { when: time_ms / 1000, what, tags, data })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_split_as_graphite_splits_them() {
        #[track_caller]
        fn check(posted: &Value, expected: &[&str]) {
            assert_eq!(tags(posted).unwrap(), expected);
        }
        check(&json!("deploy web"), &["deploy", "web"]);
        check(&json!("deploy,web"), &["deploy", "web"]);
        check(&json!(" deploy , big release,"), &["deploy", "big release"]);
        check(&json!("\"big, release\" web"), &["big, release", "web"]);
        check(&json!("\"big release\", web"), &["big release", "web"]);
        check(&json!("\"never closed"), &["never", "closed"]);
        check(&json!(["deploy", "web,big", "deploy"]), &["deploy", "web", "big"]);
        check(&json!(""), &[]);
        check(&Value::Null, &[]);
    }

    #[test]
    fn what_is_no_event_is_told_in_words() {
        for (sent, expected) in [
            (json!(["deployed", "web", null, null]), "one JSON object"),
            (json!({}), "what should be a text"),
            (json!({ "what": 7 }), "what should be a text"),
            (json!({ "what": "a", "tags": 7 }), "tags should be a list of texts"),
            (json!({ "what": "a", "tags": ["a", 7] }), "tags should be a list of texts"),
            (json!({ "what": "a", "when": "1737374400" }), "when should be a number"),
        ] {
            let why = Posted::read(sent.to_string().as_bytes()).unwrap_err();
            assert!(why.contains(expected), "{sent}: {why}");
        }
        assert!(Posted::read(b"what=deployed").unwrap_err().contains("JSON with what, tags, data and when"));
    }
}
