//! `pagerduty`: an event of PagerDuty's Events API v2 per message.
//!
//! The alerts of one notification group are one alert there, found again by its `dedup_key`: it is triggered while
//! one of them lasts and resolved with the last. Source: PagerDuty developer documentation, "Events API v2 / Send an
//! alert event".

use std::path::PathBuf;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use lanner_core::time::format_time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{bounded_text, cut, group_key, one, places, to_json};
use super::severity::Severity;
use super::{Links, Problem, Secret, Sending, Transport};
use crate::remote::redact::described;

const URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// The length of every routing key.
const KEY_CHARS: usize = 32;
/// The longest summary, in characters.
const MAX_SUMMARY_CHARS: usize = 1024;
/// An event may have 512 KB; people read less.
const MAX_TEXT_CHARS: usize = 16 * 1024;

/// A `pagerduty` receiver as the operator writes it.
///
/// The label `severity` becomes PagerDuty's: critical, error, warning or info; error without one.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PagerDutyConfig {
    /// The integration key.
    pub routing_key: Secret,
    /// Where to send instead.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub url: Secret,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `pagerduty` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "routing_key",
        "{ env: PAGERDUTY_KEY }",
        "the integration key of an Events API v2 integration",
    )
    .of(Type::Secret)
    .required(),
    Field::new(
        "url",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "address of the API; the example is that of Europe",
    )
    .of(Type::Secret)
    .or(URL),
    CA_FILE,
    TIMEOUT,
];

impl PagerDutyConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: URL, ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for PagerDutyConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.service().check();
        if self.routing_key.is_empty() {
            let message = "is missing; write the integration key of an Events API v2 integration";
            problems.push(Problem::new("routing_key", message));
        } else if self.routing_key.plain().is_some_and(|key| key.chars().count() != KEY_CHARS) {
            problems.push(Problem::new("routing_key", "is not a routing key, which has 32 characters"));
        }
        problems
    }

    fn describe(&self) -> Value {
        described(self, &self.url, URL)
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let routing_key = self.routing_key.resolve("routing_key").map_err(|problem| vec![problem])?;
        let target = self.service().target(context, vec![routing_key.clone()])?;
        Ok(Box::new(PagerDuty { target, routing_key, links: context.links.clone() }))
    }
}

struct PagerDuty {
    target: Target,
    routing_key: String,
    links: Links,
}

impl Transport for PagerDuty {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let event = to_json(&event(notification, &self.routing_key, &self.links));
        Box::pin(self.target.post_json(&notification.key, event))
    }
}

fn event(notification: &Notification, routing_key: &str, links: &Links) -> Value {
    let is_over = notification.is_resolved();
    let first = notification.foremost();
    let mut event = json!({
        "routing_key": routing_key,
        "event_action": if is_over { "resolve" } else { "trigger" },
        "dedup_key": group_key(notification),
        "client": "Lanner",
        "payload": {
            "summary": cut(&notification.title(), MAX_SUMMARY_CHARS, one),
            "source": first.map_or("lanner", |alert| &*alert.rule),
            "severity": Severity::gravest(notification).name(),
            "timestamp": format_time(notification.created_ms),
            "class": first.map_or("", |alert| alert.state.name()),
            "custom_details": {
                "alerts": notification.n_alerts(),
                "text": bounded_text(notification, links, MAX_TEXT_CHARS, String::from),
                "receiver": notification.receiver,
                "group": notification.group,
            },
        },
    });
    let places = places(notification, links);
    if let Some((_, url)) = places.iter().find(|(what, _)| *what == "the rule") {
        event["client_url"] = url.as_str().into();
    }
    if !places.is_empty() {
        let link = |(what, url): &(&str, String)| json!({"href": url, "text": what});
        event["links"] = places.iter().map(link).collect();
    }
    event
}
