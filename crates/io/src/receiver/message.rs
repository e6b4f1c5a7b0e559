//! What a message says: Lanner's own JSON, version 1, and plain text for people.

use lanner_core::time::format_time;
use lanner_core::{Labels, Notification, NotifiedAlert};
use serde::Serialize;
use serde_json::Value;

/// Lanner's own JSON: what `webhook` sends, `command` reads and `log` writes.
///
/// Times are RFC 3339 in UTC. A field is added without a new version; one that changes its meaning is not.
#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    version: &'static str,
    key: &'a str,
    receiver: &'a str,
    status: &'static str,
    title: String,
    repeat: bool,
    created: String,
    group: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<&'a str>,
    alerts: Vec<MessageAlert<'a>>,
}

#[derive(Debug, Serialize)]
struct MessageAlert<'a> {
    status: &'static str,
    state: &'static str,
    fingerprint: &'a str,
    episode: u32,
    rule: &'a str,
    labels: &'a Labels,
    group: &'a Labels,
    content: &'a Value,
    started: String,
    resolved: Option<String>,
    window: Window,
    value: Option<f64>,
    base: Option<f64>,
    late: bool,
}

#[derive(Debug, Serialize)]
struct Window {
    start: String,
    end: String,
}

/// `resolved` once all is over, `firing` before.
pub(super) const fn status(is_resolved: bool) -> &'static str {
    if is_resolved { "resolved" } else { "firing" }
}

impl<'a> Message<'a> {
    pub(super) fn new(notification: &'a Notification, external_url: Option<&'a str>) -> Self {
        Self {
            version: "1",
            key: &notification.key,
            receiver: &notification.receiver,
            status: status(notification.is_resolved()),
            title: notification.title(),
            repeat: notification.repeat,
            created: format_time(notification.created_ms),
            group: &notification.group,
            external_url,
            alerts: notification.alerts.iter().map(MessageAlert::new).collect(),
        }
    }
}

impl<'a> MessageAlert<'a> {
    fn new(alert: &'a NotifiedAlert) -> Self {
        Self {
            status: status(alert.is_resolved()),
            state: alert.state.name(),
            fingerprint: &alert.fingerprint,
            episode: alert.episode,
            rule: &alert.rule,
            labels: &alert.labels,
            group: &alert.group,
            content: &alert.content,
            started: format_time(alert.started_ms),
            resolved: alert.resolved_ms.map(format_time),
            window: Window {
                start: format_time(alert.window.start_ms),
                end: format_time(alert.window.end_ms),
            },
            value: alert.value,
            base: alert.base,
            late: alert.late,
        }
    }
}

/// Serialises what cannot fail: maps with text keys, text and numbers.
pub(super) fn to_json<T: Serialize>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).unwrap_or_else(|error| format!("{{\"error\":\"{error}\"}}").into_bytes())
}

/// The content as text: itself, or one `name: value` per line.
pub(super) fn content_text(content: &Value) -> String {
    match content {
        Value::Null => String::new(),
        Value::String(text) => text.trim_end().to_owned(),
        Value::Object(fields) => {
            let lines: Vec<String> = fields
                .iter()
                .map(|(name, value)| match value {
                    Value::String(text) => format!("{name}: {text}"),
                    other => format!("{name}: {other}"),
                })
                .collect();
            lines.join("\n")
        }
        other => other.to_string(),
    }
}

/// `FIRING payments-floor {bank="hsbc"}` for one alert.
pub(super) fn alert_title(alert: &NotifiedAlert) -> String {
    let status = match alert.state.name() {
        _ if alert.is_resolved() => "RESOLVED".to_owned(),
        state => state.to_uppercase().replace('_', " "),
    };
    let group = if alert.group.is_empty() { String::new() } else { format!(" {}", alert.group) };
    format!("{status} {}{group}", alert.rule)
}

/// `150, compared with 200 (-25 %)`, if anything was measured.
pub(super) fn value_text(alert: &NotifiedAlert) -> Option<String> {
    let value = alert.value?;
    Some(match alert.base {
        Some(base) if base != 0.0 => {
            // Rounded to a tenth: the exact numbers stand beside it.
            let percent = ((value - base) / base.abs() * 1000.0).round() / 10.0;
            let sign = if percent > 0.0 { "+" } else { "" };
            format!("{value}, compared with {base} ({sign}{percent} %)")
        }
        Some(base) => format!("{value}, compared with {base}"),
        None => value.to_string(),
    })
}

/// What is known about one alert besides its content, as names and values for people.
pub(super) fn facts(alert: &NotifiedAlert) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    facts.extend(value_text(alert).map(|value| ("value", value)));
    let window = alert.window;
    facts.push(("window", format!("{} to {}", format_time(window.start_ms), format_time(window.end_ms))));
    facts.push(("started", format_time(alert.started_ms)));
    facts.extend(alert.resolved_ms.map(|resolved_ms| ("resolved", format_time(resolved_ms))));
    if alert.late {
        facts.push(("late", "Lanner was down when this became due".to_owned()));
    }
    facts
}

/// The whole message as plain text, one paragraph per alert.
pub(super) fn plain_text(notification: &Notification, external_url: Option<&str>) -> String {
    let mut text = String::new();
    for alert in &notification.alerts {
        text.push_str(&alert_title(alert));
        text.push('\n');
        let content = content_text(&alert.content);
        if !content.is_empty() {
            text.push_str(&format!("\n{content}\n"));
        }
        text.push('\n');
        for (name, value) in facts(alert) {
            text.push_str(&format!("{name:<9} {value}\n"));
        }
        text.push_str(&format!("{:<9} {}\n\n", "labels", alert.labels));
    }
    if let Some(external_url) = external_url {
        text.push_str(external_url);
        text.push('\n');
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use lanner_core::{AlertState, TimeRange};

    use super::*;

    /// A message about one running and one resolved alert.
    pub(in crate::receiver) fn sample() -> Notification {
        let alert = |bank: &str, resolved_ms: Option<i64>, content: Value| NotifiedAlert {
            fingerprint: "0123456789abcdef".to_owned(),
            episode: 3,
            state: if resolved_ms.is_some() { AlertState::Normal } else { AlertState::Firing },
            rule: Arc::from("payments-floor"),
            labels: Labels::new([("bank", bank), ("rule", "payments-floor"), ("team", "pay")]),
            group: Labels::new([("bank", bank)]),
            content,
            started_ms: 1_767_225_600_000,
            resolved_ms,
            window: TimeRange::new(1_767_223_800_000, 1_767_225_600_000),
            value: Some(150.0),
            base: Some(200.0),
            late: false,
        };
        Notification {
            key: "000102030405060708090a0b0c0d0e0f".to_owned(),
            receiver: Arc::from("on-call"),
            group: Labels::new([("rule", "payments-floor"), ("team", "pay")]),
            alerts: vec![
                alert("hsbc", None, Value::from("hsbc: 150 payments <now> & then")),
                alert(
                    "ing",
                    Some(1_767_229_200_500),
                    serde_json::json!({"bank": "ing", "runbook": ["a", 1]}),
                ),
            ],
            repeat: false,
            created_ms: 1_767_229_201_000,
        }
    }

    /// Compares with a file in `testdata/receiver`.
    #[track_caller]
    pub(in crate::receiver) fn check_golden(name: &str, message: &impl Serialize) {
        let path = format!("{}/testdata/receiver/{name}", env!("CARGO_MANIFEST_DIR"));
        let actual = serde_json::to_string_pretty(message).unwrap() + "\n";
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        assert_eq!(actual, expected, "{name}: UPDATE_GOLDEN=1, then read the diff");
    }

    #[test]
    fn json_version_1() {
        check_golden("lanner-v1.json", &Message::new(&sample(), Some("https://lanner.example.org")));
    }

    #[test]
    fn text_reads_well() {
        let expected = "FIRING payments-floor {bank=\"hsbc\"}

hsbc: 150 payments <now> & then

value     150, compared with 200 (-25 %)
window    2025-12-31T23:30:00Z to 2026-01-01T00:00:00Z
started   2026-01-01T00:00:00Z
labels    {bank=\"hsbc\",rule=\"payments-floor\",team=\"pay\"}

RESOLVED payments-floor {bank=\"ing\"}

bank: ing
runbook: [\"a\",1]

value     150, compared with 200 (-25 %)
window    2025-12-31T23:30:00Z to 2026-01-01T00:00:00Z
started   2026-01-01T00:00:00Z
resolved  2026-01-01T01:00:00.5Z
labels    {bank=\"ing\",rule=\"payments-floor\",team=\"pay\"}

https://lanner.example.org
";
        assert_eq!(plain_text(&sample(), Some("https://lanner.example.org")), expected);
    }
}
