//! `nats`: a message published to a subject. The stream of JetStream that keeps it confirms that it does, and drops one that comes
//! twice within its window; without a confirmation the message is sent again.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::BuildContext;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::{Problem, Secret, Transport};
use crate::broker::place::{AUTH_FIELD, NATS, Place};
use crate::remote::auth::Auth;

/// A `nats` receiver as the operator writes it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// Where to.
    pub url: Secret,
    /// Credentials.
    pub auth: Option<Auth>,
    /// A token and a key, as NATS' tools write them.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub credentials: Secret,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The subject.
    pub subject: String,
    /// Whether a stream has to confirm that it keeps the message.
    pub confirm: bool,
    /// For one attempt.
    pub timeout: Timeout,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            auth: None,
            credentials: Secret::default(),
            ca_file: None,
            subject: String::new(),
            confirm: true,
            timeout: Timeout::default(),
        }
    }
}

/// The fields of a `nats` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", NATS.example, "address, nats or tls; several of one cluster with commas")
        .of(Type::Secret)
        .required(),
    AUTH_FIELD,
    Field::new(
        "credentials",
        "{ file: /etc/lanner/nats.creds }",
        "file with a token and a key, as NATS' tools make it",
    )
    .of(Type::Secret),
    CA_FILE,
    Field::new("subject", "alerts.lanner", "subject to publish to").required(),
    Field::new("confirm", "false", "whether a stream of JetStream has to confirm that it keeps the message")
        .of(Type::Truth)
        .or("true"),
    TIMEOUT,
];

impl NatsConfig {
    fn place(&self) -> Place {
        Place { url: self.url.clone(), auth: self.auth.clone(), ca_file: self.ca_file.clone() }
    }
}

impl KindConfig for NatsConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.place().check(&NATS);
        let is_part = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c == '*' || c == '>')
        };
        if self.subject.is_empty() {
            problems.push(Problem::new("subject", "is missing; write for example alerts.lanner"));
        } else if self.subject.len() > 1_000 || !self.subject.split('.').all(is_part) {
            let why = "is no subject to publish to; write words with dots between them, without * and >";
            problems.push(Problem::new("subject", why));
        }
        problems
    }

    fn describe(&self) -> Value {
        self.place().described(self, &NATS)
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    #[cfg(feature = "nats")]
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let nats = crate::broker::nats::Nats::resolve(&self.place(), &self.credentials)?;
        let (subject, confirm, links) = (self.subject.clone(), self.confirm, context.links.clone());
        Ok(Box::new(publishing::Publishing { nats, subject, confirm, links }))
    }

    #[cfg(not(feature = "nats"))]
    fn build(&self, _context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("NATS", "nats")])
    }
}

/// How messages are published.
#[cfg(feature = "nats")]
mod publishing {
    use async_nats::header::NATS_MESSAGE_ID;
    use async_nats::jetstream::context::{PublishError, PublishErrorKind};
    use async_nats::{Client, HeaderMap, jetstream};
    use lanner_core::Notification;

    use super::super::message::{Message, to_json};
    use super::super::{Links, SendError, Sending, Transport};
    use crate::broker::nats::Nats;

    pub(super) struct Publishing {
        pub(super) nats: Nats,
        pub(super) subject: String,
        pub(super) confirm: bool,
        pub(super) links: Links,
    }

    impl Transport for Publishing {
        fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
            let body = to_json(&Message::new(notification, &self.links));
            Box::pin(async move {
                let client = self.nats.connect().await.map_err(SendError::retry)?;
                let mut headers = HeaderMap::new();
                headers.insert(NATS_MESSAGE_ID, notification.key.as_str());
                headers.insert("Content-Type", "application/json");
                if self.confirm {
                    self.confirmed(client, headers, body).await
                } else {
                    self.sent(client, headers, body).await
                }
            })
        }
    }

    impl Publishing {
        async fn confirmed(
            &self,
            client: Client,
            headers: HeaderMap,
            body: Vec<u8>,
        ) -> Result<(), SendError> {
            let context = jetstream::new(client);
            let failed = |error: PublishError| self.failed(&error);
            let publishing = context
                .publish_with_headers(self.subject.clone(), headers, body.into())
                .await
                .map_err(failed)?;
            publishing.await.map(drop).map_err(failed)
        }

        fn failed(&self, error: &PublishError) -> SendError {
            let (at, subject) = (self.nats.place(), &self.subject);
            match error.kind() {
                PublishErrorKind::StreamNotFound => SendError::retry(format!(
                    "no stream of {at} keeps the subject {subject}; create one, or write confirm: false"
                )),
                PublishErrorKind::MaxPayloadExceeded => {
                    SendError::permanent(format!("{at} takes only smaller messages; raise its max_payload"))
                }
                _ => {
                    let why = self.nats.cleaned(&lanner_core::cause::deepest(error));
                    SendError::retry(format!("{at} does not confirm a message to {subject}: {why}"))
                }
            }
        }

        async fn sent(&self, client: Client, headers: HeaderMap, body: Vec<u8>) -> Result<(), SendError> {
            let failed = |why: String| {
                SendError::retry(format!(
                    "cannot publish to {}: {}",
                    self.nats.place(),
                    self.nats.cleaned(&why)
                ))
            };
            let published = client.publish_with_headers(self.subject.clone(), headers, body.into()).await;
            published.map_err(|error| failed(error.to_string()))?;
            client.flush().await.map_err(|error| failed(error.to_string()))
        }
    }
}
