//! `teams`: posts an Adaptive Card to a channel or chat of Microsoft Teams through a workflow.
//!
//! Source: Microsoft documentation, "Create incoming webhooks with Workflows for Microsoft Teams" and "Adaptive Cards
//! schema" 1.4. A workflow answers 202; the older connectors answer 200 whatever Teams said, and tell it in the text.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use lanner_core::{Notification, NotifiedAlert};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{content_text, cut, facts, one, places, to_json};
use super::{Links, Problem, Secret, SendError, Sending, Transport};
use crate::remote::redact::described;

/// Teams refuses messages of more than 28 KB; so much of that are alerts.
const MAX_ALERTS_BYTES: usize = 22 * 1024;
/// Longer content is cut, in characters.
const MAX_CONTENT_CHARS: usize = 2_000;
/// Longer values of facts are cut, in characters.
const MAX_FACT_CHARS: usize = 500;

/// A `teams` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TeamsConfig {
    /// The workflow.
    pub url: Secret,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `teams` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "url",
        "{ env: TEAMS_URL }",
        "address of a workflow that posts when a webhook request is received",
    )
    .of(Type::Secret)
    .required(),
    CA_FILE,
    TIMEOUT,
];

impl TeamsConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: "", ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for TeamsConfig {
    fn check(&self) -> Vec<Problem> {
        self.service().check()
    }

    fn describe(&self) -> Value {
        described(self, &self.url, "")
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let target = self.service().target(context, Vec::new())?;
        Ok(Box::new(Teams { target, links: context.links.clone() }))
    }
}

struct Teams {
    target: Target,
    links: Links,
}

impl Transport for Teams {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let body = to_json(&message(notification, &self.links));
        Box::pin(async move {
            let answer = self.target.send(&notification.key, body).await?;
            if answer.text.contains("HTTP error 429") {
                return Err(SendError::retry(
                    "Teams is asked too often (HTTP error 429 behind the connector)",
                ));
            }
            if answer.text.contains("Webhook message delivery failed") {
                let why = crate::remote::redact::cleaned(&answer.text, &self.target.secrets);
                return Err(SendError::permanent(format!("Teams did not accept the card: {why}")));
            }
            Ok(())
        })
    }
}

fn message(notification: &Notification, links: &Links) -> Value {
    let mut body = vec![json!({
        "type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true,
        "color": if notification.is_resolved() { "Good" } else { "Attention" },
        "text": escaped(&notification.title()),
    })];
    let (mut room, mut n_shown) = (MAX_ALERTS_BYTES, 0);
    for alert in &notification.alerts {
        let shown = container(alert);
        let size = to_json(&shown).len();
        if size > room {
            break;
        }
        room -= size;
        n_shown += 1;
        body.push(shown);
    }
    if let Some(more) = notification.more_after(n_shown) {
        body.push(json!({"type": "TextBlock", "wrap": true, "text": more}));
    }
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "msteams": {"width": "Full"},
    });
    let actions: Vec<Value> = places(notification, links)
        .into_iter()
        .filter(|(_, url)| url.len() <= MAX_CONTENT_CHARS)
        .map(|(what, url)| json!({"type": "Action.OpenUrl", "title": format!("Open {what}"), "url": url}))
        .collect();
    if !actions.is_empty() {
        card["actions"] = actions.into();
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card,
        }],
    })
}

fn container(alert: &NotifiedAlert) -> Value {
    let facts: Vec<Value> = facts(alert)
        .into_iter()
        .chain([("labels".to_owned(), alert.labels.to_string())])
        .map(|(name, value)| json!({"title": escaped(&name), "value": escaped(&cut(&value, MAX_FACT_CHARS, one))}))
        .collect();
    let mut items = vec![json!({
        "type": "TextBlock", "weight": "Bolder", "wrap": true,
        "text": escaped(&cut(&alert.title(), MAX_FACT_CHARS, one)),
    })];
    let content = cut(&content_text(&alert.content), MAX_CONTENT_CHARS, one);
    if !content.is_empty() {
        // A single line break is none in their Markdown.
        items.push(
            json!({"type": "TextBlock", "wrap": true, "text": escaped(&content).replace('\n', "\n\n")}),
        );
    }
    items.push(json!({"type": "FactSet", "facts": facts}));
    json!({"type": "Container", "separator": true, "items": items})
}

/// Text that cannot be taken for Markdown.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '[' | ']' | '`' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
