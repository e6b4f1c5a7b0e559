//! `kafka`: a message written to a topic of Kafka. It counts as sent once all replicas that are in step have it.

use std::path::PathBuf;

use lanner_core::field::{Field, Type};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::BuildContext;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::{Problem, Secret, Transport};
use crate::broker::mechanism::{MECHANISM_FIELD, Mechanism, check_topic};
use crate::broker::place::{AUTH_FIELD, KAFKA, Place};
use crate::remote::auth::Auth;

/// A `kafka` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct KafkaConfig {
    /// Where to.
    pub url: Secret,
    /// Credentials.
    pub auth: Option<Auth>,
    /// How a name and a password are told.
    #[serde(skip_serializing_if = "Mechanism::is_default")]
    pub mechanism: Mechanism,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// The topic.
    pub topic: String,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `kafka` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", KAFKA.example, "address, kafka or kafkas (TLS); several of one cluster with commas")
        .of(Type::Secret)
        .required(),
    AUTH_FIELD,
    MECHANISM_FIELD,
    CA_FILE,
    Field::new("topic", "alerts", "topic to write to").required(),
    TIMEOUT,
];

impl KafkaConfig {
    fn place(&self) -> Place {
        Place { url: self.url.clone(), auth: self.auth.clone(), ca_file: self.ca_file.clone() }
    }
}

impl KindConfig for KafkaConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.place().check(&KAFKA);
        if self.topic.is_empty() {
            problems.push(Problem::new("topic", "is missing; write for example alerts"));
        } else if let Err(why) = check_topic(&self.topic) {
            problems.push(Problem::new("topic", why));
        }
        problems
    }

    fn describe(&self) -> Value {
        self.place().described(self, &KAFKA)
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    #[cfg(feature = "kafka")]
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let kafka = crate::broker::kafka::Kafka::resolve(&self.place(), self.mechanism)?;
        Ok(Box::new(publishing::Publishing {
            kafka,
            topic: self.topic.clone(),
            links: context.links.clone(),
        }))
    }

    #[cfg(not(feature = "kafka"))]
    fn build(&self, _context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("Kafka", "kafka")])
    }
}

/// How messages are written.
#[cfg(feature = "kafka")]
mod publishing {
    use std::time::Duration;

    use krafka::Record;
    use krafka::admin::DescribeTopicsOptions;
    use krafka::error::{ErrorCode, KrafkaError};
    use krafka::producer::Acks;
    use lanner_core::Notification;

    use super::super::message::{Message, to_json};
    use super::super::{Links, SendError, Sending, Transport};
    use crate::broker::kafka::Kafka;

    pub(super) struct Publishing {
        pub(super) kafka: Kafka,
        pub(super) topic: String,
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
            let failed = |error: KrafkaError| self.failed(&error);
            let client = self.kafka.connect().await.map_err(SendError::retry)?;
            // A producer would wait for a topic that is not there, and say nothing.
            let (admin, options) = (client.admin(), DescribeTopicsOptions::default());
            let topic =
                admin.describe_topics([&self.topic], options).await.map_err(failed)?.remove(&self.topic);
            topic.unwrap_or_else(|| Err(KrafkaError::unknown_topic(&self.topic))).map_err(failed)?;
            // One message, which waits for no other.
            let building = client.producer().acks(Acks::All).linger(Duration::ZERO).metrics_push(false);
            let producer = building.build().await.map_err(failed)?;
            // What is about the same alerts stays in order: a key has one partition.
            let key = serde_json::to_vec(&notification.group).unwrap_or_default();
            let record = Record::new(&*self.topic, body)
                .key(key)
                .timestamp(notification.created_ms)
                .header("Idempotency-Key", notification.key.clone())
                .header("Content-Type", "application/json");
            producer.send(record).await.map(drop).map_err(failed)?;
            // What is confirmed is, however the connection ends.
            let _ = producer.close().await;
            Ok(())
        }

        fn failed(&self, error: &KrafkaError) -> SendError {
            let (at, topic, why) = (self.kafka.place(), &self.topic, self.kafka.said(error));
            match error {
                KrafkaError::UnknownTopic { .. }
                | KrafkaError::Broker { code: ErrorCode::UnknownTopicOrPartition, .. } => {
                    SendError::retry(format!("{at} has no topic {topic}; create it"))
                }
                KrafkaError::Broker {
                    code: ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge,
                    ..
                } => SendError::permanent(format!(
                    "{at} takes only smaller messages; raise max.message.bytes of the topic {topic}"
                )),
                _ => SendError::retry(format!("{at} does not confirm a message to {topic}: {why}")),
            }
        }
    }
}
