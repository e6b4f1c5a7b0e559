//! `slack`: an incoming webhook of Slack, or of Mattermost or Rocket.Chat, which take the same JSON.
//!
//! The message is a `text` and one attachment per alert; all three services show both.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use lanner_core::{Notification, NotifiedAlert};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::Target;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{content_text, cut, facts, one, to_json};
use super::{Links, Problem, Secret, Sending, Transport};
use crate::remote::problem::check_absolute;
use crate::remote::redact::shown_url;
use crate::remote::url::{check_url, parse_url};

/// Services refuse or fold long messages: further alerts are only counted.
const MAX_ATTACHMENTS: usize = 20;
/// Longer content is cut, in characters.
const MAX_CONTENT_CHARS: usize = 3_000;
/// Longer values of fields are cut, in characters.
const MAX_FIELD_CHARS: usize = 1_000;
/// Two values up to this long stand side by side, in characters.
const MAX_SHORT_CHARS: usize = 40;

/// A `slack` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SlackConfig {
    /// The incoming webhook.
    pub url: Secret,
    /// Another channel than the webhook's own.
    pub channel: Option<String>,
    /// The name to post under.
    pub username: Option<String>,
    /// The picture to post with, such as `:bell:`.
    pub icon_emoji: Option<String>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `slack` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", "{ env: SLACK_URL }", "address of the incoming webhook, which is a secret")
        .of(Type::Secret)
        .required(),
    Field::new(
        "channel",
        "'#payments'",
        "channel to post to, if not the webhook's own; some services ignore it",
    ),
    Field::new("username", "Lanner", "name to post under; some services ignore it"),
    Field::new("icon_emoji", "':bell:'", "icon to post with; some services ignore it"),
    CA_FILE,
    TIMEOUT,
];

impl KindConfig for SlackConfig {
    fn check(&self) -> Vec<Problem> {
        let ca_file = self.ca_file.as_ref().and_then(|path| check_absolute("ca_file", path));
        check_url("url", &self.url).into_iter().chain(ca_file).collect()
    }

    fn describe(&self) -> Value {
        let mut described = serde_json::to_value(self).unwrap_or_default();
        if let Some(url) = self.url.plain() {
            described["url"] = Value::from(shown_url(url));
        }
        described
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let url = self.url.resolve("url").and_then(|text| parse_url("url", &text));
        let url = url.map_err(|problem| vec![problem])?;
        let target = Target::new(context, url, self.ca_file.as_deref(), Vec::new());
        let target = target.map_err(|problem| vec![problem])?;
        Ok(Box::new(Slack { target, config: self.clone(), links: context.links.clone() }))
    }
}

struct Slack {
    target: Target,
    config: SlackConfig,
    links: Links,
}

impl Transport for Slack {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let body = to_json(&post(notification, &self.config, &self.links));
        Box::pin(self.target.post_json(&notification.key, body))
    }
}

fn post(notification: &Notification, config: &SlackConfig, links: &Links) -> Value {
    let shown = notification.alerts.iter().take(MAX_ATTACHMENTS);
    let mut text = escaped(&notification.title());
    let n_shown = notification.alerts.len().min(MAX_ATTACHMENTS) as u64;
    if let Some(more) = notification.n_alerts().checked_sub(n_shown).filter(|more| *more > 0) {
        text.push_str(&format!(" ({more} of them not shown)"));
    }
    let mut post = json!({ "text": text, "attachments": shown.map(|alert| attachment(alert, links)).collect::<Vec<_>>() });
    for (name, value) in
        [("channel", &config.channel), ("username", &config.username), ("icon_emoji", &config.icon_emoji)]
    {
        if let Some(value) = value {
            post[name] = Value::from(value.clone());
        }
    }
    post
}

fn attachment(alert: &NotifiedAlert, links: &Links) -> Value {
    let title = alert.title();
    let content = cut(&content_text(&alert.content), MAX_CONTENT_CHARS, one);
    let fields: Vec<Value> = facts(alert)
        .into_iter()
        .map(|(name, value)| {
            let value = cut(&value, MAX_FIELD_CHARS, one);
            json!({ "title": name, "value": escaped(&value), "short": value.len() <= MAX_SHORT_CHARS })
        })
        .collect();
    let mut attachment = json!({
        "fallback": title,
        "color": if alert.is_resolved() { "good" } else { "danger" },
        "title": escaped(&title),
        "text": escaped(&content),
        "fields": fields,
        "ts": alert.resolved_ms.unwrap_or(alert.started_ms) / 1000,
    });
    if let Some(url) = links.shown_rule(alert) {
        attachment["title_link"] = Value::from(url);
    }
    attachment
}

/// Text that cannot be taken for markup: without this, content could call a whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::message::tests::{links, sample};

    #[test]
    fn a_post_has_a_text_and_an_attachment_per_alert() {
        let config = SlackConfig { channel: Some("#pay".to_owned()), ..SlackConfig::default() };
        let post = post(&sample(), &config, &links());
        assert_eq!(post["text"], "FIRING payments-floor {bank=\"hsbc\"} and 1 more");
        assert_eq!(post["channel"], "#pay");
        assert!(post.get("username").is_none());
        let first = &post["attachments"][0];
        assert_eq!(first["text"], "hsbc: 150 payments &lt;now&gt; &amp; then");
        assert_eq!((&first["color"], &first["ts"]), (&json!("danger"), &json!(1_767_225_600)));
        assert_eq!(first["fields"][0]["value"], "https://runbooks.example.org/hsbc");
        assert_eq!(first["fields"][1]["value"], "150, compared with 200 (-25 %)");
        assert_eq!(first["title_link"], "https://lanner.example.org/api/v1/rules/payments-floor");
        assert_eq!(post["attachments"][1]["color"], "good");
    }

    #[test]
    fn a_long_message_is_cut() {
        let mut notification = sample();
        notification.alerts = vec![notification.alerts[0].clone(); 25];
        notification.alerts[0].content = Value::from("x".repeat(10_000));
        let post = post(&notification, &SlackConfig::default(), &Links::default());
        assert_eq!(post["attachments"].as_array().unwrap().len(), 20);
        assert!(post["text"].as_str().unwrap().ends_with("and 24 more (5 of them not shown)"));
        assert_eq!(post["attachments"][0]["text"].as_str().unwrap().chars().count(), 3_000);
    }
}
