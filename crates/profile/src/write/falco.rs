//! Falco's JSON output, so that whatever takes Falco's alerts takes these.

use lanner_core::time::format_time;
use serde_json::{Value, json};

use super::finding::Finding;

pub(super) fn write(finding: &Finding<'_>) -> Value {
    let mut fields = finding.event.clone();
    for (name, value) in finding.answer.to_fields(finding.time_ms) {
        fields.insert(format!("anomaly.{name}"), value);
    }
    let time = format_time(finding.time_ms);
    json!({
        "hostname": finding.text("evt.hostname").unwrap_or_default(),
        "output": format!("{time}: Warning {}", finding.message()),
        "output_fields": fields,
        "priority": "Warning",
        "rule": format!("Unusual behaviour ({})", finding.answer.profile),
        "source": finding.text("evt.source").unwrap_or("syscall"),
        "tags": ["anomaly"],
        "time": time,
    })
}
