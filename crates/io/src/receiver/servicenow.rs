//! `servicenow`: events for ServiceNow Event Management, one for each alert of a message.
//!
//! Events with the same `message_key` are one alert there; severity 0 clears it. Source: ServiceNow documentation,
//! "Event collection via web service API" and "Event field format for event collection".

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use lanner_core::time::format_time;
use lanner_core::{Notification, NotifiedAlert};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{alert_text, cut, one, to_json};
use super::severity::Severity;
use super::{Links, Problem, Secret, Sending, Transport};
use crate::remote::Credentials;
use crate::remote::auth::{AUTH, Auth};
use crate::remote::redact::described;

/// The longest source, node, type and resource, in characters.
const MAX_NAME_CHARS: usize = 100;
/// The longest description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 4000;

/// A `servicenow` receiver as the operator writes it.
///
/// The label `severity` becomes ServiceNow's: 1 for critical, 2 error, 4 warning, 5 info, and 0 once it is over.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceNowConfig {
    /// Where events are collected.
    pub url: Secret,
    /// Credentials.
    pub auth: Option<Auth>,
    /// The name of the source of events.
    pub source: String,
    /// The label whose value is the event's node.
    pub node: String,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

impl Default for ServiceNowConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            auth: None,
            source: "Lanner".to_owned(),
            node: "host".to_owned(),
            ca_file: None,
            timeout: Timeout::default(),
        }
    }
}

/// The fields of a `servicenow` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "url",
        "https://example.service-now.com/api/global/em/jsonv2",
        "address of the event collector",
    )
    .of(Type::Secret)
    .required(),
    Field::new(
        "auth",
        "{ username: lanner, password: { env: SERVICENOW_PASSWORD } }",
        "a user with the role evt_mgmt_integration, or a bearer token",
    )
    .of(Type::Map(AUTH))
    .required(),
    Field::new("source", "Lanner", "source of the events").or("Lanner"),
    Field::new("node", "host", "label that contains the event's node").or("host"),
    CA_FILE,
    TIMEOUT,
];

impl ServiceNowConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: "", ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for ServiceNowConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.service().check();
        match &self.auth {
            Some(auth) => problems.extend(auth.check()),
            None => {
                problems.push(Problem::new("auth", "is missing; write { username: NAME, password: SECRET }"));
            }
        }
        if !(1..=MAX_NAME_CHARS).contains(&self.source.chars().count()) {
            problems.push(Problem::new("source", "should have 1 to 100 characters"));
        }
        problems
    }

    fn describe(&self) -> Value {
        described(self, &self.url, "")
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let credentials =
            self.auth.as_ref().map(Auth::resolve).transpose().map_err(|problem| vec![problem])?;
        let secrets = credentials.iter().map(Credentials::secret).collect();
        let mut target = self.service().target(context, secrets)?;
        target.credentials = credentials;
        Ok(Box::new(ServiceNow { target, config: self.clone(), links: context.links.clone() }))
    }
}

struct ServiceNow {
    target: Target,
    config: ServiceNowConfig,
    links: Links,
}

impl Transport for ServiceNow {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let event = |alert| event(alert, &self.config, &self.links);
        let mut records: Vec<Value> = notification.alerts.iter().map(event).collect();
        if let (Some(first), Some(more)) = (records.first_mut(), notification.more()) {
            let text = format!("{more}\n{}", first["description"].as_str().unwrap_or_default());
            first["description"] = cut(&text, MAX_DESCRIPTION_CHARS, one).into();
        }
        let body = to_json(&json!({ "records": records }));
        Box::pin(self.target.post_json(&notification.key, body))
    }
}

fn event(alert: &NotifiedAlert, config: &ServiceNowConfig, links: &Links) -> Value {
    let name = |text: &str| cut(text, MAX_NAME_CHARS, one);
    let severity = match Severity::of(alert) {
        _ if alert.is_resolved() => "0",
        Severity::Critical => "1",
        Severity::Error => "2",
        Severity::Warning => "4",
        Severity::Info => "5",
    };
    let text = format!("{}\n{}", alert.title(), alert_text(alert, links));
    let additional_info = json!({
        "labels": alert.labels, "annotations": alert.annotations, "generator_url": links.rule(&alert.rule),
        "value": alert.value, "base": alert.base, "episode": alert.episode,
        "resolved_reason": alert.resolved_reason,
    });
    json!({
        "source": config.source,
        "event_class": "Lanner",
        "node": name(alert.labels.get(&config.node).unwrap_or_default()),
        "type": name(&alert.rule),
        "resource": name(&alert.group.to_string()),
        "metric_name": name(&alert.rule),
        "message_key": alert.fingerprint,
        "severity": severity,
        "resolution_state": if alert.is_resolved() { "Closing" } else { "New" },
        "time_of_event": in_their_form(alert.resolved_ms.unwrap_or(alert.started_ms)),
        "description": cut(&text, MAX_DESCRIPTION_CHARS, one),
        "additional_info": additional_info.to_string(),
    })
}

/// `2026-01-01 00:00:00`, UTC.
fn in_their_form(time_ms: i64) -> String {
    let text = format_time(time_ms);
    text.chars().take("2026-01-01T00:00:00".len()).collect::<String>().replace('T', " ")
}
