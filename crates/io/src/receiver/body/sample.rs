//! Sample messages of every kind, to test a template when it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lanner_core::{
    AlertState, Annotations, Labels, Notification, NotifiedAlert, Omitted, ResolvedReason, TimeRange,
};
use minijinja::value::{Enumerator, Object, Serde, Value as Jinja};
use serde_json::Value;

use super::names::names as message_names;
use crate::receiver::Links;

/// The names of a message, and which one it is.
pub(super) struct Sample {
    /// `for a message about one alert that fires`
    pub(super) when: &'static str,
    pub(super) names: Jinja,
}

/// Text that nobody should trust to be harmless.
const HOSTILE: &str = "hostile \"text\" \\ {{ x }} </script> 'and'\n\ta line\u{7}\u{1b}[31m\u{2028}😀";
/// As many alerts as one message lists.
const MANY: usize = 100;

pub(super) fn samples() -> Vec<Sample> {
    let plain = || alert("hsbc", "150 payments".into());
    let sample = |when, alerts, omitted| Sample { when, names: names(&notification(alerts, omitted)) };
    let over = NotifiedAlert {
        state: AlertState::Normal,
        resolved_ms: Some(1_767_229_200_500),
        resolved_reason: Some(ResolvedReason::RuleDeleted),
        ..plain()
    };
    let bare = NotifiedAlert { value: None, base: None, late: true, ..plain() };
    let hostile = NotifiedAlert { rule: HOSTILE.into(), ..alert(HOSTILE, HOSTILE.into()) };
    let fields = alert("ing", serde_json::json!({ "bank": "ing", "list": ["a", 1] }));
    let none = Omitted::default();
    vec![
        sample("for a message about one alert that fires", vec![plain()], none),
        sample("for a message about one alert that is over", vec![over], none),
        sample("for an alert without a value", vec![bare], none),
        sample("for an alert whose texts hold quotes, line ends and control characters", vec![hostile], none),
        sample("for an alert whose content has fields", vec![fields], none),
        sample(
            "for a message about several alerts",
            (0..MANY).map(|_| plain()).collect(),
            Omitted { firing: 9_000, resolved: 900 },
        ),
    ]
}

fn alert(bank: &str, content: Value) -> NotifiedAlert {
    NotifiedAlert {
        fingerprint: "0123456789abcdef".to_owned(),
        episode: 3,
        state: AlertState::Firing,
        rule: "payments-floor".into(),
        labels: Labels::new([("bank", bank), ("severity", "error")]),
        group: Labels::new([("bank", bank)]),
        content,
        annotations: Annotations::from([("summary".to_owned(), bank.to_owned())]),
        started_ms: 1_767_225_600_000,
        resolved_ms: None,
        resolved_reason: None,
        window: TimeRange::new(1_767_223_800_000, 1_767_225_600_000),
        value: Some(150.25),
        base: Some(200.0),
        evidence: None,
        late: false,
        acknowledged: None,
    }
}

fn notification(alerts: Vec<NotifiedAlert>, omitted: Omitted) -> Notification {
    let group = alerts.first().map(|alert| alert.group.clone()).unwrap_or_default();
    Notification {
        key: "000102030405060708090a0b0c0d0e0f".to_owned(),
        receiver: "on-call".into(),
        group,
        alerts,
        omitted,
        repeat: false,
        give_up_ms: None,
        created_ms: 1_767_229_201_000,
    }
}

/// The names of a message in which every label, annotation and field of a content that is asked for is there.
fn names(notification: &Notification) -> Jinja {
    let names = message_names(notification, &Links::default());
    let Value::Object(names) = names else { return Jinja::UNDEFINED };
    let free = |name: &str, value: Value| match (name, value) {
        ("alerts", Value::Array(alerts)) => alerts.into_iter().map(free_alert).collect(),
        ("group", value) => Free::of(value),
        (_, value) => Jinja::from(Serde(value)),
    };
    let names: BTreeMap<String, Jinja> = names
        .into_iter()
        .map(|(name, value)| {
            let value = free(&name, value);
            (name, value)
        })
        .collect();
    names.into()
}

fn free_alert(alert: Value) -> Jinja {
    let Value::Object(alert) = alert else { return Jinja::UNDEFINED };
    let free = |name: &str, value: Value| match name {
        "labels" | "group" | "annotations" | "content" => Free::of(value),
        _ => Jinja::from(Serde(value)),
    };
    let fields: BTreeMap<String, Jinja> = alert
        .into_iter()
        .map(|(name, value)| {
            let value = free(&name, value);
            (name, value)
        })
        .collect();
    fields.into()
}

/// A value that has whatever is asked for.
#[derive(Debug)]
struct Free {
    /// What it is as text.
    shown: String,
    known: BTreeMap<String, Jinja>,
}

impl Free {
    fn of(value: Value) -> Jinja {
        let shown = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let known = match value {
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, Jinja::from(Serde(value)))).collect()
            }
            _ => BTreeMap::new(),
        };
        Jinja::from_object(Self { shown, known })
    }
}

impl Object for Free {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        let known = key.as_str().and_then(|key| self.known.get(key)).cloned();
        Some(
            known
                .or_else(|| self.known.values().next().cloned())
                .unwrap_or_else(|| self.shown.as_str().into()),
        )
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names: Vec<Jinja> = self.known.keys().map(|name| Jinja::from(name.as_str())).collect();
        Enumerator::Iter(Box::new(names.into_iter()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
