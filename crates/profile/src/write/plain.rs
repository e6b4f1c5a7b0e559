//! Lanner's own form: what the profile says, and the event.

use lanner_core::time::format_time;
use serde_json::{Value, json};

use super::finding::Finding;

pub(super) fn write(finding: &Finding<'_>) -> Value {
    let behaviour = finding.behaviour.iter().map(|(part, value)| (part.clone(), Value::from(value.as_str())));
    json!({
        "time": format_time(finding.time_ms),
        "profile": finding.answer.profile,
        "message": finding.message(),
        "behaviour": Value::Object(behaviour.collect()),
        "answer": finding.answer.to_fields(finding.time_ms),
        "event": finding.event,
    })
}
