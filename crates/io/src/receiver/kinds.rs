//! The list of all kinds of receivers, from which configuration, help and tests are made.

use lanner_core::field::Field;

use super::kind::{self, KindConfig};
use super::{
    AmqpConfig, CommandConfig, DiscordConfig, EmailConfig, KafkaConfig, LogConfig, NatsConfig,
    OpsgenieConfig, PagerDutyConfig, Problem, ServiceNowConfig, SlackConfig, SwitchConfig, TeamsConfig,
    TelegramConfig, WebhookConfig,
};
use super::{
    amqp, command, discord, email, kafka, log, nats, opsgenie, pagerduty, servicenow, slack, switch, teams,
    telegram, webhook,
};

/// One kind of receiver.
#[derive(Debug)]
pub struct Kind {
    /// Its name in a receiver's `kind`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// A document that is accepted, as JSON.
    pub example: &'static str,
    /// Its fields, beside those that every receiver has.
    pub fields: &'static [Field],
    pub(super) decode: kind::Decode,
    /// The fields that its decoder knows.
    #[cfg(test)]
    pub(super) names: fn() -> Vec<&'static str>,
}

/// All kinds, in the order in which help shows them.
pub const KINDS: &[Kind] = &[
    entry::<WebhookConfig>(
        "webhook",
        "sends JSON to a URL: Lanner's own, what Alertmanager would send, or a body of your own",
        r#"{"kind": "webhook", "url": "https://example.org/hook", "auth": {"bearer": {"env": "HOOK_TOKEN"}}}"#,
        webhook::FIELDS,
    ),
    entry::<EmailConfig>(
        "email",
        "sends mail through an SMTP server",
        r#"{"kind": "email", "host": "smtp.example.org", "username": "lanner", "password": {"file": "/etc/lanner/smtp"},
            "from": "Lanner <lanner@example.org>", "to": ["on-call@example.org"]}"#,
        email::FIELDS,
    ),
    entry::<SlackConfig>(
        "slack",
        "posts to an incoming webhook of Slack, Mattermost or Rocket.Chat",
        r#"{"kind": "slack", "url": {"env": "SLACK_URL"}}"#,
        slack::FIELDS,
    ),
    entry::<PagerDutyConfig>(
        "pagerduty",
        "triggers and resolves alerts of PagerDuty (Events API v2)",
        r#"{"kind": "pagerduty", "routing_key": {"env": "PAGERDUTY_KEY"}}"#,
        pagerduty::FIELDS,
    ),
    entry::<OpsgenieConfig>(
        "opsgenie",
        "creates and closes alerts of Opsgenie",
        r#"{"kind": "opsgenie", "api_key": {"env": "OPSGENIE_KEY"}, "responders": [{"type": "team", "name": "payments"}]}"#,
        opsgenie::FIELDS,
    ),
    entry::<TeamsConfig>(
        "teams",
        "posts a card to Microsoft Teams through a workflow",
        r#"{"kind": "teams", "url": {"env": "TEAMS_URL"}}"#,
        teams::FIELDS,
    ),
    entry::<TelegramConfig>(
        "telegram",
        "sends a message of a bot to a chat of Telegram",
        r#"{"kind": "telegram", "token": {"env": "TELEGRAM_TOKEN"}, "chat_id": -1001234567890}"#,
        telegram::FIELDS,
    ),
    entry::<DiscordConfig>(
        "discord",
        "posts to a channel of Discord through a webhook",
        r#"{"kind": "discord", "url": {"env": "DISCORD_URL"}}"#,
        discord::FIELDS,
    ),
    entry::<ServiceNowConfig>(
        "servicenow",
        "sends events to ServiceNow Event Management",
        r#"{"kind": "servicenow", "url": "https://example.service-now.com/api/global/em/jsonv2",
            "auth": {"username": "lanner", "password": {"env": "SERVICENOW_PASSWORD"}}}"#,
        servicenow::FIELDS,
    ),
    entry::<NatsConfig>(
        "nats",
        "publishes to a subject of NATS, confirmed by the stream of JetStream that keeps it",
        r#"{"kind": "nats", "url": "nats://nats.example.org:4222", "subject": "alerts"}"#,
        nats::FIELDS,
    ),
    entry::<AmqpConfig>(
        "amqp",
        "publishes to an exchange or a queue of RabbitMQ (AMQP 0-9-1), confirmed by the broker",
        r#"{"kind": "amqp", "url": "amqps://rabbitmq.example.org/vhost", "routing_key": "alerts"}"#,
        amqp::FIELDS,
    ),
    entry::<KafkaConfig>(
        "kafka",
        "writes to a topic of Kafka, confirmed by all replicas that are in step",
        r#"{"kind": "kafka", "url": "kafka://kafka.example.org:9092", "topic": "alerts"}"#,
        kafka::FIELDS,
    ),
    entry::<CommandConfig>(
        "command",
        "runs a program with the message on its standard input",
        r#"{"kind": "command", "command": ["/usr/local/bin/page", "--team", "payments"]}"#,
        command::FIELDS,
    ),
    entry::<LogConfig>(
        "log",
        "appends a line of JSON to a file",
        r#"{"kind": "log", "path": "/var/log/lanner/notifications.json"}"#,
        log::FIELDS,
    ),
    entry::<SwitchConfig>(
        "switch",
        "activates a kill switch while an alert lasts, with values of the alert",
        r#"{"kind": "switch", "switch": "block-bank", "with": {"BANK": "bank"}, "for": "30m"}"#,
        switch::FIELDS,
    ),
];

const fn entry<C: KindConfig + Default + for<'de> serde::Deserialize<'de> + 'static>(
    name: &'static str,
    about: &'static str,
    example: &'static str,
    fields: &'static [Field],
) -> Kind {
    Kind {
        name,
        about,
        example,
        fields,
        decode: kind::decode::<C>,
        #[cfg(test)]
        names: kind::names_of::<C>,
    }
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
