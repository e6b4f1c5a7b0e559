//! OCSF: a Detection Finding with an anomaly analysis.
//!
//! # Source
//! The Open Cybersecurity Schema Framework 1.5: class `detection_finding`, objects `anomaly_analysis`, `anomaly`, `baseline`,
//! `observation`.

use serde_json::{Value, json};

use super::finding::{Finding, object};

pub(super) fn write(finding: &Finding<'_>) -> Value {
    let answer = finding.answer;
    let rule = format!("Unusual behaviour ({})", answer.profile);
    let behaviour: Vec<&str> = finding.behaviour.iter().map(|(_, value)| value.as_str()).collect();
    let behaviour = behaviour.join(" | ");
    let pattern = if answer.ever().is_never() { "UNSEEN" } else { "RARE" };
    let host = finding.text("evt.hostname");
    object([
        ("activity_id", Some(json!(1))),
        ("category_uid", Some(json!(2))),
        ("class_uid", Some(json!(2_004))),
        ("type_uid", Some(json!(200_401))),
        ("severity_id", Some(json!(3))),
        ("is_alert", Some(json!(true))),
        ("time", Some(json!(finding.time_ms))),
        ("message", Some(json!(finding.message()))),
        (
            "metadata",
            Some(json!({ "version": "1.5.0", "product": { "name": "Lanner", "vendor_name": "Lanner" } })),
        ),
        (
            "finding_info",
            Some(json!({
                "uid": format!("{}-{}-{behaviour}", answer.profile, finding.time_ms),
                "title": rule,
                "desc": answer.reason(),
                "analytic": { "name": answer.profile, "type": "Behavioral", "type_id": 2 },
            })),
        ),
        (
            "anomaly_analyses",
            Some(json!([{
                "analysis_targets": [{ "name": host.unwrap_or("host"), "type": "Host" }],
                "anomalies": [{
                    "observation_parameter": parameter(finding),
                    "observation_type": "Frequency Analysis",
                    "observed_pattern": pattern,
                    "observations": [{ "value": behaviour, "count": answer.ever().value() + 1 }],
                }],
                "baselines": [{
                    "observation_parameter": "share of events that are new",
                    "observation_type": "Frequency Analysis",
                    "observations": [{ "value": format!("{:.4}", answer.novelty_rate) }],
                }],
            }])),
        ),
        ("device", host.map(|host| json!({ "hostname": host, "type_id": 0 }))),
        ("unmapped", Some(Value::Object(finding.event.clone()))),
    ])
}

/// The parts of a behaviour that make it unusual.
fn parameter(finding: &Finding<'_>) -> String {
    let answer = finding.answer;
    let why = if answer.new_values.is_empty() { &answer.new_with } else { &answer.new_values };
    if why.is_empty() {
        let parts: Vec<&str> = finding.behaviour.iter().map(|(part, _)| part.as_str()).collect();
        return parts.join(", ");
    }
    why.join(", ")
}
