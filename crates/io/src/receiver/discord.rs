//! `discord`: posts an embed to a channel through a webhook of Discord.
//!
//! Source: Discord developer documentation, "Execute Webhook", "Embed Limits" and "Rate Limits".

use std::path::PathBuf;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use lanner_core::time::format_time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{bounded_text, cut, to_json};
use super::severity::Severity;
use super::{Links, Problem, Secret, Sending, Transport};
use crate::remote::redact::described;

/// The longest title of an embed, in characters.
const MAX_TITLE_CHARS: usize = 256;
/// The longest description of an embed, in characters. All texts of a message together may have 6,000.
const MAX_DESCRIPTION_CHARS: usize = 4096;
/// The longest name to post under, in characters.
const MAX_NAME_CHARS: usize = 80;

/// A `discord` receiver as the operator writes it.
///
/// What is posted mentions nobody, whatever alerts say.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordConfig {
    /// The webhook.
    pub url: Secret,
    /// The name to post under.
    pub username: Option<String>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `discord` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", "{ env: DISCORD_URL }", "address of a webhook of a channel")
        .of(Type::Secret)
        .required(),
    Field::new("username", "Lanner", "name to post under; by default the webhook's"),
    CA_FILE,
    TIMEOUT,
];

impl DiscordConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: "", ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for DiscordConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.service().check();
        if self.username.as_ref().is_some_and(|name| !(1..=MAX_NAME_CHARS).contains(&name.chars().count())) {
            problems.push(Problem::new("username", "should have 1 to 80 characters"));
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
        let target = self.service().target(context, Vec::new())?;
        Ok(Box::new(Discord { target, username: self.username.clone(), links: context.links.clone() }))
    }
}

struct Discord {
    target: Target,
    username: Option<String>,
    links: Links,
}

impl Transport for Discord {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let mut post = post(notification, &self.links);
        if let Some(username) = &self.username {
            post["username"] = username.clone().into();
        }
        Box::pin(self.target.post_json(&notification.key, to_json(&post)))
    }
}

fn post(notification: &Notification, links: &Links) -> Value {
    let color = match Severity::gravest(notification) {
        _ if notification.is_resolved() => 0x2e_b6_7d,
        Severity::Critical | Severity::Error => 0xe0_1e_5a,
        Severity::Warning => 0xec_b2_2e,
        Severity::Info => 0x36_c5_f0,
    };
    let mut embed = json!({
        "title": cut(&notification.title(), MAX_TITLE_CHARS, char::len_utf16),
        "description": bounded_text(notification, links, MAX_DESCRIPTION_CHARS, escaped),
        "color": color,
        "timestamp": format_time(notification.created_ms),
    });
    if let Some(url) = notification.foremost().and_then(|alert| links.shown_rule(alert)) {
        embed["url"] = url.into();
    }
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}})
}

/// Text that cannot be taken for Markdown.
fn escaped(c: char) -> String {
    if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '#' | '[' | ']') {
        format!("\\{c}")
    } else {
        c.to_string()
    }
}
