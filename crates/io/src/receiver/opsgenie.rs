//! `opsgenie`: creates and closes alerts of Opsgenie (and of Jira Service Management, which has the same API).
//!
//! The alerts of one notification group are one alert there, found again by its alias. Every valid request is
//! answered with 202 and done later. Source: Opsgenie documentation, "Alert API".

use std::path::PathBuf;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{bounded_text, cut, group_key, one, to_json};
use super::severity::Severity;
use super::{Links, Problem, Secret, Sending, Transport};
use crate::remote::Credentials;
use crate::remote::redact::described;

const URL: &str = "https://api.opsgenie.com";
const MAX_MESSAGE_CHARS: usize = 130;
const MAX_DESCRIPTION_CHARS: usize = 15_000;
/// The longest note of a closed alert, in characters.
const MAX_NOTE_CHARS: usize = 25_000;
const MAX_ENTITY_CHARS: usize = 512;
/// All names and values of an alert's properties together, in characters.
const MAX_DETAILS_CHARS: usize = 8_000;
const MAX_TAGS: usize = 20;
const MAX_TAG_CHARS: usize = 50;

/// An `opsgenie` receiver as the operator writes it.
///
/// The label `severity` becomes the priority: P1 for critical, P2 error, P3 warning, P5 info; P2 without one.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpsgenieConfig {
    /// The key of an API integration.
    pub api_key: Secret,
    /// Where to send instead.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub url: Secret,
    /// Who is alerted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responders: Vec<Responder>,
    /// Tags of the alert.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// Somebody at Opsgenie.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Responder {
    /// `team`, `user`, `escalation` or `schedule`.
    #[serde(rename = "type")]
    pub kind: ResponderKind,
    /// The name of a team, an escalation or a schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The mail address of a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The id of any of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What a responder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponderKind {
    /// A team.
    Team,
    /// One person.
    User,
    /// An escalation.
    Escalation,
    /// A schedule of those on call.
    Schedule,
}

/// The fields of a `opsgenie` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("api_key", "{ env: OPSGENIE_KEY }", "the key of an API integration")
        .of(Type::Secret)
        .required(),
    Field::new("url", "https://api.eu.opsgenie.com", "address of the API; the example is that of Europe")
        .of(Type::Secret)
        .or(URL),
    Field::new(
        "responders",
        "[{ type: team, name: payments }]",
        "responders of the alert; by default those of the integration",
    )
    .of(Type::List(&Type::Map(RESPONDER))),
    Field::new("tags", "[lanner]", "tags of the alert").of(Type::List(&Type::Text)),
    CA_FILE,
    TIMEOUT,
];

const RESPONDER: &[Field] = &[
    Field::new("type", "team", "type of the responder")
        .of(Type::OneOf(&["team", "user", "escalation", "schedule"]))
        .required(),
    Field::new("name", "payments", "name of a team, an escalation or a schedule"),
    Field::new("username", "ann@example.org", "email address of a user"),
    Field::new("id", "4513b7ea-3b91-438f-b7e4-e3e54af9147c", "id of any of these"),
];

impl OpsgenieConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: URL, ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for OpsgenieConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.service().check();
        if self.api_key.is_empty() {
            problems.push(Problem::new("api_key", "is missing; write the key of an API integration"));
        }
        for responder in &self.responders {
            let names = [&responder.name, &responder.username, &responder.id];
            if names.into_iter().flatten().count() != 1 {
                problems.push(Problem::new("responders", "each needs one of `name`, `username` and `id`"));
            }
        }
        if self.tags.len() > MAX_TAGS || self.tags.iter().any(|tag| tag.chars().count() > MAX_TAG_CHARS) {
            problems.push(Problem::new("tags", "are more than 20, or one is longer than 50 characters"));
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
        let key = self.api_key.resolve("api_key").map_err(|problem| vec![problem])?;
        let mut target = self.service().target(context, vec![key.clone()])?;
        target.credentials = Some(Credentials::Key { scheme: "GenieKey", key });
        Ok(Box::new(Opsgenie { target, config: self.clone(), links: context.links.clone() }))
    }
}

struct Opsgenie {
    target: Target,
    config: OpsgenieConfig,
    links: Links,
}

impl Transport for Opsgenie {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let alias = group_key(notification);
        let mut target = self.target.clone();
        let body = if notification.is_resolved() {
            target.url = path(&target.url, &["v2", "alerts", &alias, "close"]);
            target.url.query_pairs_mut().append_pair("identifierType", "alias");
            closing(notification, &self.links)
        } else {
            target.url = path(&target.url, &["v2", "alerts"]);
            creation(notification, &alias, &self.config, &self.links)
        };
        Box::pin(async move { target.post_json(&notification.key, to_json(&body)).await })
    }
}

fn path(base: &Url, names: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(names);
    }
    url
}

fn creation(notification: &Notification, alias: &str, config: &OpsgenieConfig, links: &Links) -> Value {
    let first = notification.foremost();
    let priority = match Severity::gravest(notification) {
        Severity::Critical => "P1",
        Severity::Error => "P2",
        Severity::Warning => "P3",
        Severity::Info => "P5",
    };
    let mut body = json!({
        "message": cut(&notification.title(), MAX_MESSAGE_CHARS, one),
        "alias": alias,
        "description": bounded_text(notification, links, MAX_DESCRIPTION_CHARS, String::from),
        "details": details(notification, links),
        "entity": cut(first.map_or("", |alert| &*alert.rule), MAX_ENTITY_CHARS, one),
        "source": "Lanner",
        "priority": priority,
    });
    if !config.responders.is_empty() {
        body["responders"] = json!(config.responders);
    }
    if !config.tags.is_empty() {
        body["tags"] = json!(config.tags);
    }
    body
}

/// Labels and annotations of the foremost alert, as many as have room.
fn details(notification: &Notification, links: &Links) -> Map<String, Value> {
    let mut details = Map::new();
    let Some(alert) = notification.foremost() else { return details };
    let url = links.rule(&alert.rule).map(|url| ("generator_url".to_owned(), url));
    let labels = alert.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut room = MAX_DETAILS_CHARS;
    for (name, value) in url.into_iter().chain(labels).chain(alert.annotations.clone()) {
        let size = name.chars().count() + value.chars().count();
        if size <= room {
            room -= size;
            details.insert(name, value.into());
        }
    }
    details
}

fn closing(notification: &Notification, links: &Links) -> Value {
    let note = bounded_text(notification, links, MAX_NOTE_CHARS, String::from);
    json!({"source": "Lanner", "note": note})
}
