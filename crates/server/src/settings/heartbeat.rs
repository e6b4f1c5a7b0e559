//! The heartbeat as it is configured.

use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_engine::document::{Check, Node};
use lanner_io::receiver::{ReceiverConfig, Secret};
use serde::Deserialize as _;

/// The `heartbeat`.
pub(crate) const HEARTBEAT: &[Field] = &[
    Field::new(
        "to",
        "https://hc.example.org/ping/TOKEN",
        "URL, which may be a secret, or the name of a receiver",
    )
    .of(Type::Secret)
    .required(),
    Field::new("every", "1m", "interval").of(Type::Duration).or("1m"),
];

/// Where the heartbeat goes, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Where it goes.
    pub to: To,
    /// How often, milliseconds.
    pub every_ms: u64,
}

/// Where the heartbeat goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A URL to POST to; it may hold a token.
    Url(Secret),
    /// A receiver, by name.
    Receiver(String),
}

impl To {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Url(_) => "heartbeat",
            Self::Receiver(name) => name,
        }
    }
}

/// `{ to: https://hc.example.org/TOKEN, every: 1m }`, or the name of a receiver after `to`.
pub(super) fn read_heartbeat(node: &Node, check: &mut Check) -> Option<Heartbeat> {
    let mut fields = check.map(node, "server.heartbeat")?;
    fields.require("to", "https://hc.example.org/TOKEN", check);
    let to = fields.read("to", check, |node| {
        let name = node.scalar_text().filter(|text| !text.contains("://"));
        if let Some(name) = name {
            return Ok(To::Receiver(name));
        }
        let config = serde_json::json!({"kind": "webhook", "url": node.to_json()});
        ReceiverConfig::from_value(&config).map_err(|problems| {
            problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
        })?;
        Secret::deserialize(node.to_json()).map(To::Url).map_err(|error| error.to_string())
    });
    let every_ms = fields.read("every", check, |node| {
        let every_ms =
            lanner_core::time::parse_duration_ms(&text(node)?).map_err(|error| error.to_string())?;
        if every_ms < 1_000 {
            return Err("should be a second at least".to_owned());
        }
        Ok(every_ms.unsigned_abs())
    });
    fields.finish_of(HEARTBEAT, check);
    Some(Heartbeat { to: to?, every_ms: every_ms.unwrap_or(60_000) })
}
