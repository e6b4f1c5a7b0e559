//! The JSON that Alertmanager's `webhook_config` sends, version 4, so that tools made for it accept Lanner.
//!
//! Source: Prometheus documentation, "Alerting / Configuration / webhook_config". Differences that are kept
//! on purpose: `alertname` is the rule's id unless a label says otherwise; the content becomes annotations.

use std::collections::BTreeMap;

use lanner_core::time::format_time;
use lanner_core::{Labels, Notification, NotifiedAlert};
use serde::Serialize;
use serde_json::Value;

use super::Links;
use super::message::{status, value_text};

/// What Alertmanager writes as the end of an alert that has none.
const NO_END: &str = "0001-01-01T00:00:00Z";

type Pairs = BTreeMap<String, String>;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message<'a> {
    receiver: &'a str,
    status: &'static str,
    alerts: Vec<Alert<'a>>,
    group_labels: &'a Labels,
    common_labels: Pairs,
    common_annotations: Pairs,
    #[serde(rename = "externalURL")]
    external_url: &'a str,
    version: &'static str,
    group_key: String,
    truncated_alerts: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Alert<'a> {
    status: &'static str,
    labels: Pairs,
    annotations: Pairs,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    fingerprint: &'a str,
}

impl<'a> Message<'a> {
    pub(super) fn new(notification: &'a Notification, links: &'a Links) -> Self {
        let alerts: Vec<Alert<'a>> =
            notification.alerts.iter().map(|alert| Alert::new(alert, links)).collect();
        Self {
            receiver: &notification.receiver,
            status: status(notification.is_resolved()),
            group_labels: &notification.group,
            common_labels: common(alerts.iter().map(|alert| &alert.labels)),
            common_annotations: common(alerts.iter().map(|alert| &alert.annotations)),
            alerts,
            external_url: links.home().unwrap_or_default(),
            version: "4",
            group_key: format!("{{}}:{}", spaced(&notification.group)),
            truncated_alerts: notification.omitted.total(),
        }
    }
}

impl<'a> Alert<'a> {
    fn new(alert: &'a NotifiedAlert, links: &Links) -> Self {
        let mut labels = Pairs::from([("alertname".to_owned(), alert.rule.to_string())]);
        labels.extend(alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self {
            status: status(alert.is_resolved()),
            labels,
            annotations: annotations(alert),
            starts_at: format_time(alert.started_ms),
            ends_at: alert.resolved_ms.map_or_else(|| NO_END.to_owned(), format_time),
            generator_url: links.rule(&alert.rule).unwrap_or_default(),
            fingerprint: &alert.fingerprint,
        }
    }
}

/// The rule's annotations, and what stands in for those that it lacks: the title is the `summary`, content the
/// `description`; the fields of an object become annotations of their names.
fn annotations(alert: &NotifiedAlert) -> Pairs {
    let mut pairs = Pairs::from([("summary".to_owned(), alert.title())]);
    pairs.extend(value_text(alert).map(|value| ("value".to_owned(), value)));
    match &alert.content {
        Value::Null => {}
        Value::String(text) => {
            pairs.insert("description".to_owned(), text.clone());
        }
        Value::Object(fields) => {
            pairs.extend(fields.iter().map(|(name, value)| (name.clone(), text_of(value))));
        }
        other => {
            pairs.insert("description".to_owned(), other.to_string());
        }
    }
    pairs.extend(alert.annotations.clone());
    pairs.extend(alert.resolved_reason.map(|reason| ("resolved_reason".to_owned(), reason.to_string())));
    pairs
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The pairs that all sets share.
fn common<'p>(mut sets: impl Iterator<Item = &'p Pairs>) -> Pairs {
    let mut shared = sets.next().cloned().unwrap_or_default();
    for set in sets {
        shared.retain(|name, value| set.get(name) == Some(value));
    }
    shared
}

/// `{a="b", c="d"}`, as Alertmanager writes a label set.
fn spaced(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::message::tests::{check_golden, links, sample};

    #[test]
    fn json_is_what_alertmanager_sends() {
        let notification = sample();
        check_golden("alertmanager-v4.json", &Message::new(&notification, &links()));
    }

    /// `alertmanager-0.25.0.json` was sent by Alertmanager 0.25.0 about the alerts of [`sample`].
    #[test]
    fn json_equals_what_alertmanager_itself_sent() {
        let real: Value =
            serde_json::from_str(include_str!("../../testdata/receiver/alertmanager-0.25.0.json")).unwrap();
        let notification = sample();
        let links = links();
        let ours = serde_json::to_value(Message::new(&notification, &links)).unwrap();
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&ours), names(&real));
        for name in names(&real).into_iter().filter(|name| name != "alerts" && name != "commonAnnotations") {
            assert_eq!(ours[&name], real[&name], "{name}");
        }
        for (ours, real) in ours["alerts"].as_array().unwrap().iter().zip(real["alerts"].as_array().unwrap())
        {
            assert_eq!(names(ours), names(real));
            for name in ["status", "labels", "startsAt"] {
                assert_eq!(ours[name], real[name], "{name}");
            }
        }
        assert_eq!(ours["alerts"][0]["endsAt"], real["alerts"][0]["endsAt"]); // of an alert that lasts
    }
}
