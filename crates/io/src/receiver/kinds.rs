//! The list of all kinds of receivers. Configuration, help and tests are made from it.

use super::config::{self, KindConfig};
use super::{CommandConfig, EmailConfig, LogConfig, Problem, SlackConfig, SwitchConfig, WebhookConfig};

/// One kind of receiver.
#[derive(Debug)]
pub struct Kind {
    /// Its name in a receiver's `kind`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// A document that is accepted, as JSON.
    pub example: &'static str,
    pub(super) decode: config::Decode,
}

/// All kinds, in the order in which help shows them.
pub const KINDS: &[Kind] = &[
    kind::<WebhookConfig>(
        "webhook",
        "POSTs JSON to a URL: Lanner's own, or what Alertmanager would send",
        r#"{"kind": "webhook", "url": "https://example.org/hook", "auth": {"bearer": {"env": "HOOK_TOKEN"}}}"#,
    ),
    kind::<EmailConfig>(
        "email",
        "sends mail through an SMTP server",
        r#"{"kind": "email", "host": "smtp.example.org", "username": "lanner", "password": {"file": "/etc/lanner/smtp"},
            "from": "Lanner <lanner@example.org>", "to": ["on-call@example.org"]}"#,
    ),
    kind::<SlackConfig>(
        "slack",
        "posts to an incoming webhook of Slack, Mattermost or Rocket.Chat",
        r#"{"kind": "slack", "url": {"env": "SLACK_URL"}}"#,
    ),
    kind::<CommandConfig>(
        "command",
        "runs a program with the message on its standard input",
        r#"{"kind": "command", "command": ["/usr/local/bin/page", "--team", "payments"]}"#,
    ),
    kind::<LogConfig>(
        "log",
        "appends a line of JSON to a file",
        r#"{"kind": "log", "path": "/var/log/lanner/notifications.json"}"#,
    ),
    kind::<SwitchConfig>(
        "switch",
        "throws a kill switch while an alert lasts, with values of the alert",
        r#"{"kind": "switch", "switch": "block-bank", "with": {"BANK": "bank"}, "for": "30m"}"#,
    ),
];

const fn kind<C: KindConfig + Default + for<'de> serde::Deserialize<'de> + 'static>(
    name: &'static str,
    about: &'static str,
    example: &'static str,
) -> Kind {
    Kind { name, about, example, decode: config::decode::<C> }
}

/// Finds a kind by the name in a receiver's `kind`.
pub(super) fn find(name: &str) -> Result<&'static Kind, Problem> {
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let shown: String = name.chars().take(40).collect();
        Problem::new(
            "kind",
            format!("\"{shown}\" is not a kind of receiver; write one of {}", names.join(", ")),
        )
    })
}
