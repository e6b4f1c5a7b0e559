//! What fires, as Alertmanager's alerts: those whose episode lasts, each with the receivers of its rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use lanner_core::Labels;
use lanner_core::time::format_time;
use lanner_io::receiver::Links;
use lanner_wire::api::AlertView;
use serde::Serialize;
use serde_json::Value;

use super::form::{Refused, Wanted};
use crate::api::alerts::views;
use crate::evaluate::service::EvaluationService;
use crate::http::Json;
use crate::settings::live::InForce;

/// When an alert would be over for Alertmanager if it heard no more of it, milliseconds from now.
const RESOLVE_TIMEOUT_MS: i64 = 300_000;

type Pairs = BTreeMap<String, String>;

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    annotations: Pairs,
    ends_at: String,
    fingerprint: String,
    receivers: Vec<Receiver>,
    starts_at: String,
    status: Status,
    updated_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
    labels: Pairs,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Receiver {
    pub(super) name: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    inhibited_by: Vec<String>,
    silenced_by: Vec<String>,
    state: &'static str,
}

/// A rule's alerts for one receiver.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    labels: Pairs,
    receiver: Receiver,
    alerts: Vec<Alert>,
}

/// `/api/v2/alerts`: what fires.
pub(super) async fn list(
    State(service): State<Arc<EvaluationService>>,
    State(live): State<Arc<InForce>>,
    wanted: Wanted,
) -> Result<Json<Vec<Alert>>, Refused> {
    Ok(Json(firing(&service, &live, &wanted)))
}

/// `/api/v2/alerts/groups`: what fires, by rule and receiver.
pub(super) async fn groups(
    State(service): State<Arc<EvaluationService>>,
    State(live): State<Arc<InForce>>,
    wanted: Wanted,
) -> Result<Json<Vec<Group>>, Refused> {
    let mut groups: BTreeMap<(String, Receiver), Vec<Alert>> = BTreeMap::new();
    for alert in firing(&service, &live, &wanted) {
        let name = alert.labels.get(ALERT_NAME).cloned().unwrap_or_default();
        for receiver in alert.receivers.iter().filter(|receiver| wanted.receiver(&receiver.name)) {
            groups.entry((name.clone(), receiver.clone())).or_default().push(alert.clone());
        }
    }
    let group = |((name, receiver), alerts)| Group {
        labels: Pairs::from([(ALERT_NAME.to_owned(), name)]),
        receiver,
        alerts,
    };
    Ok(Json(groups.into_iter().map(group).collect()))
}

const ALERT_NAME: &str = "alertname";

fn firing(service: &EvaluationService, live: &InForce, wanted: &Wanted) -> Vec<Alert> {
    let lasting = views(service, |alert| alert.started_ms.is_some() && alert.resolved_ms.is_none());
    let links = Links::new(live.get().external_url.clone(), None);
    let ends_ms = service.now_ms() + RESOLVE_TIMEOUT_MS;
    let alert = |view: AlertView| {
        let receivers = receivers(service, &view.rule);
        let is_wanted = wanted.labels(&labels(&view)) && receivers.iter().any(|it| wanted.receiver(&it.name));
        is_wanted.then(|| Alert::new(view, receivers, ends_ms, &links))
    };
    lasting.into_iter().filter_map(alert).filter(|alert| alert.status.is_wanted(wanted)).collect()
}

/// The receivers of a rule; one without a name where nobody is notified.
fn receivers(service: &EvaluationService, rule: &str) -> Vec<Receiver> {
    let names: Vec<Receiver> = service.engine().rule(rule).map_or_else(Vec::new, |(rule, _)| {
        rule.receivers.iter().map(|name| Receiver { name: name.to_string() }).collect()
    });
    if names.is_empty() { vec![Receiver { name: String::new() }] } else { names }
}

/// The alert's labels; `alertname` is the rule's id unless a label says otherwise, as in messages.
fn labels(view: &AlertView) -> Labels {
    Labels::new([(ALERT_NAME, view.rule.as_str())]).with(&view.labels)
}

impl Alert {
    fn new(view: AlertView, receivers: Vec<Receiver>, ends_ms: i64, links: &Links) -> Self {
        let labels = labels(&view);
        Self {
            labels: labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            annotations: annotations(&view),
            receivers,
            starts_at: format_time(view.started.unwrap_or(view.since).0),
            updated_at: format_time(view.window.end.0),
            ends_at: format_time(ends_ms),
            status: Status::new(&view),
            generator_url: links.rule(&view.rule),
            fingerprint: view.fingerprint,
        }
    }
}

/// The rule's content and annotations, and the value of its last bad window.
fn annotations(view: &AlertView) -> Pairs {
    let mut pairs = Pairs::new();
    pairs.extend(view.bad_value.or(view.value).map(|value| ("value".to_owned(), value.to_string())));
    match &view.content {
        Value::Null => {}
        Value::Object(fields) => {
            pairs.extend(fields.iter().map(|(name, value)| (name.clone(), text_of(value))));
        }
        content => drop(pairs.insert("description".to_owned(), text_of(content))),
    }
    pairs.extend(view.annotations.clone());
    pairs
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Status {
    /// What mutes single receivers says nothing of an alert as a whole.
    fn new(view: &AlertView) -> Self {
        let of_all = view.muted.iter().filter(|muted| muted.receiver.is_none());
        let is_inhibition = |by: &&str| !by.starts_with("silence ");
        let inhibited_by: Vec<String> =
            of_all.map(|muted| muted.by.as_str()).filter(is_inhibition).map(str::to_owned).collect();
        let is_suppressed = !inhibited_by.is_empty() || !view.silenced_by.is_empty();
        Self {
            state: if is_suppressed { "suppressed" } else { "active" },
            silenced_by: view.silenced_by.clone(),
            inhibited_by,
        }
    }

    fn is_wanted(&self, wanted: &Wanted) -> bool {
        (wanted.active || self.state != "active")
            && (wanted.silenced || self.silenced_by.is_empty())
            && (wanted.inhibited || self.inhibited_by.is_empty())
    }
}
