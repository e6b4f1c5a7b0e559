//! `amqp`: a message published to an exchange of RabbitMQ, or of another broker that speaks AMQP 0-9-1. It counts as sent once the
//! broker confirms that a queue has it.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::BuildContext;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::{Problem, Secret, Transport};
use crate::broker::place::{AMQP, AUTH_FIELD, Place};
use crate::remote::auth::Auth;

/// An `amqp` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmqpConfig {
    /// Where to, with the virtual host.
    pub url: Secret,
    /// Credentials.
    pub auth: Option<Auth>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The exchange; empty for the one that leads to queues by their names.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub exchange: String,
    /// The routing key: with the default exchange, the name of a queue.
    pub routing_key: String,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of an `amqp` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "url",
        AMQP.example,
        "address, amqp or amqps, with the virtual host; several of one cluster with commas",
    )
    .of(Type::Secret)
    .required(),
    AUTH_FIELD,
    CA_FILE,
    Field::new(
        "exchange",
        "alerts",
        "exchange to publish to; by default the one that leads to queues by their names",
    ),
    Field::new("routing_key", "lanner", "routing key; with the default exchange, the name of a queue")
        .required(),
    TIMEOUT,
];

impl AmqpConfig {
    fn place(&self) -> Place {
        Place { url: self.url.clone(), auth: self.auth.clone(), ca_file: self.ca_file.clone() }
    }
}

impl KindConfig for AmqpConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.place().check(&AMQP);
        if self.routing_key.is_empty() && self.exchange.is_empty() {
            problems.push(Problem::new("routing_key", "is missing; write the name of a queue"));
        }
        for (field, text) in [("exchange", &self.exchange), ("routing_key", &self.routing_key)] {
            if text.len() > 255 {
                problems.push(Problem::new(field, "is longer than 255 bytes, which AMQP does not allow"));
            }
        }
        problems
    }

    fn describe(&self) -> Value {
        self.place().described(self, &AMQP)
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    #[cfg(feature = "amqp")]
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let amqp = crate::broker::amqp::Amqp::resolve(&self.place())?;
        let Self { exchange, routing_key, .. } = self.clone();
        Ok(Box::new(publishing::Publishing { amqp, exchange, routing_key, links: context.links.clone() }))
    }

    #[cfg(not(feature = "amqp"))]
    fn build(&self, _context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("AMQP", "amqp")])
    }
}

/// How messages are published.
#[cfg(feature = "amqp")]
mod publishing {
    use lanner_core::Notification;
    use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
    use lapin::{BasicProperties, Confirmation};

    use super::super::message::{Message, to_json};
    use super::super::{Links, SendError, Sending, Transport};
    use crate::broker::amqp::{Amqp, said, short};

    /// Kept by the broker when it ends, where its queue is durable.
    const PERSISTENT: u8 = 2;

    pub(super) struct Publishing {
        pub(super) amqp: Amqp,
        pub(super) exchange: String,
        pub(super) routing_key: String,
        pub(super) links: Links,
    }

    impl Transport for Publishing {
        fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
            let body = to_json(&Message::new(notification, &self.links));
            Box::pin(self.publish(notification, body))
        }
    }

    impl Publishing {
        async fn publish(&self, notification: &Notification, body: Vec<u8>) -> Result<(), SendError> {
            let connection = self.amqp.connect().await.map_err(SendError::retry)?;
            let at = self.amqp.place();
            let failed = |error: lapin::Error| {
                SendError::retry(format!("{at} does not take the message: {}", said(&error)))
            };
            let channel = connection.create_channel().await.map_err(failed)?;
            channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(failed)?;
            let name = |text: &str| short(text).map_err(SendError::permanent);
            let properties = BasicProperties::default()
                .with_message_id(name(&notification.key)?)
                .with_content_type("application/json".into())
                .with_app_id("lanner".into())
                .with_delivery_mode(PERSISTENT)
                .with_timestamp(u64::try_from(notification.created_ms / 1_000).unwrap_or_default());
            // One that no queue takes comes back instead of being dropped.
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let (exchange, key) = (name(&self.exchange)?, name(&self.routing_key)?);
            let confirming =
                channel.basic_publish(exchange, key, options, &body, properties).await.map_err(failed)?;
            let confirmed = confirming.await.map_err(failed)?;
            // What is confirmed is, however the connection ends.
            let _ = connection.close(200, "sent".into()).await;
            match confirmed {
                Confirmation::Ack(None) => Ok(()),
                Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => Err(SendError::retry(format!(
                    "no queue at {at} takes messages of the exchange \"{}\" with the routing key \"{}\"; bind one",
                    self.exchange, self.routing_key
                ))),
                Confirmation::Nack(None) => {
                    Err(SendError::retry(format!("{at} refuses the message; look at its log")))
                }
                Confirmation::NotRequested => {
                    Err(SendError::retry(format!("{at} does not confirm messages")))
                }
            }
        }
    }
}
