//! An event of Lanner: the fields of the event that was flagged, with what the profile says.

use lanner_core::time::format_time;
use serde_json::Value;

use super::finding::Finding;

/// A finding as an event for a stream, on which rules count it.
#[must_use]
pub fn as_event(finding: &Finding<'_>) -> Value {
    let mut fields = finding.event.clone();
    fields.insert("time".to_owned(), format_time(finding.time_ms).into());
    fields.insert("profile".to_owned(), finding.answer.profile.into());
    fields.insert("message".to_owned(), finding.message().into());
    fields.insert("anomaly".to_owned(), finding.answer.to_fields(finding.time_ms).into());
    Value::Object(fields)
}
