//! How a Kafka is told who asks: the mechanism of SASL that a name and a password take.

use lanner_core::document::Node;
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use serde::{Deserialize, Serialize};

/// The field `mechanism` of whatever is a Kafka.
pub(crate) const MECHANISM_FIELD: Field = Field::new(
    "mechanism",
    "scram-sha-512",
    "mechanism of SASL for a name and a password; a token (`bearer`) is told by OAUTHBEARER",
)
.of(Type::OneOf(&["plain", "scram-sha-256", "scram-sha-512"]))
.or("plain");

/// The mechanism for a name and a password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// The password itself.
    #[default]
    Plain,
    /// A proof of the password, with SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// The same with SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

impl Mechanism {
    /// Reads one as it is written.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub(crate) fn read(node: &Node) -> Result<Self, String> {
        match text(node)?.as_str() {
            "plain" => Ok(Self::Plain),
            "scram-sha-256" => Ok(Self::ScramSha256),
            "scram-sha-512" => Ok(Self::ScramSha512),
            other => {
                Err(format!("\"{other}\" is not known here; write plain, scram-sha-256 or scram-sha-512"))
            }
        }
    }

    /// Whether it is the one that nobody has to write.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The name of a topic, as Kafka allows them.
///
/// # Errors
/// A sentence that says what to write.
pub(crate) fn check_topic(topic: &str) -> Result<(), &'static str> {
    let is_right = (1..=249).contains(&topic.len())
        && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !matches!(topic, "." | "..");
    if is_right { Ok(()) } else { Err("is no topic of Kafka; write 1 to 249 letters, digits, dots, _ and -") }
}
