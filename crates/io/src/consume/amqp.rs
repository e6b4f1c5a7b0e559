//! `amqp`: a queue of RabbitMQ, or of another broker that speaks AMQP 0-9-1. Messages are acknowledged when they are stored; one that
//! cannot be read is rejected, and goes to the dead-letter exchange of its queue, if that has one.

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;

use super::Connect;
use super::kind::{Common, KindConfig};
use crate::broker::place::{AMQP, AUTH_FIELD, Place};
use crate::remote::Problem;

/// The fields of one.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "url",
        AMQP.example,
        "address, amqp or amqps, with the virtual host; several of one cluster with commas",
    )
    .of(Type::Secret)
    .required(),
    AUTH_FIELD,
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "CA certificates to trust besides the system's, PEM"),
    Field::new("queue", "orders", "queue that messages are taken from; it has to be there").required(),
];

/// One as the operator writes it.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "amqp"), expect(dead_code, reason = "what is written is checked in every build"))]
struct AmqpConfig {
    place: Place,
    queue: String,
}

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, _name: &str, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    let place = Place::read(fields, &AMQP, check);
    fields.require("queue", "orders", check);
    let queue = fields.read("queue", check, short);
    Some(Box::new(AmqpConfig { place: place?, queue: queue? }))
}

/// A name in AMQP.
fn short(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    if (1..=255).contains(&name.len()) { Ok(name) } else { Err("should be 1 to 255 bytes".to_owned()) }
}

impl KindConfig for AmqpConfig {
    #[cfg(feature = "amqp")]
    fn build(&self, common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        let amqp = crate::broker::amqp::Amqp::resolve(&self.place)?;
        let (queue, name) = (self.queue.clone(), format!("lanner-{}", common.name));
        Ok(Box::new(taking::Taking { amqp, queue, name, prefetch: common.prefetch }))
    }

    #[cfg(not(feature = "amqp"))]
    fn build(&self, _common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("AMQP", "amqp")])
    }
}

/// How messages are taken.
#[cfg(feature = "amqp")]
mod taking {
    use lapin::message::Delivery;
    use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
    use lapin::types::FieldTable;
    use lapin::{Channel, Connection, Consumer};

    use super::super::{Connect, Mark, Message, Places, Subscription, Verdict, Working};
    use crate::broker::amqp::{Amqp, said, short};
    use crate::broker::gather::gather;

    pub(super) struct Taking {
        pub(super) amqp: Amqp,
        pub(super) queue: String,
        /// By which people know the consumer at the broker.
        pub(super) name: String,
        pub(super) prefetch: u16,
    }

    impl Connect for Taking {
        fn connect<'a>(&'a self, _stored: &'a Places) -> Working<'a, Box<dyn Subscription>> {
            Box::pin(async move {
                let connection = self.amqp.connect().await?;
                let (queue, at) = (&self.queue, self.amqp.place());
                let failed = |error: lapin::Error| {
                    format!("cannot take messages of the queue {queue} at {at}: {}", said(&error))
                };
                let channel = connection.create_channel().await.map_err(failed)?;
                channel.basic_qos(self.prefetch, BasicQosOptions::default()).await.map_err(failed)?;
                let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
                let consumer = channel
                    .basic_consume(short(queue)?, short(&self.name)?, options, arguments)
                    .await
                    .map_err(failed)?;
                let prefetch = self.prefetch.into();
                Ok(Box::new(Queue {
                    _connection: connection,
                    channel,
                    consumer,
                    prefetch,
                    at,
                    unsettled: Vec::new(),
                }) as Box<dyn Subscription>)
            })
        }
    }

    /// Messages of a queue.
    struct Queue {
        /// Ends with its channel.
        _connection: Connection,
        channel: Channel,
        consumer: Consumer,
        prefetch: usize,
        at: String,
        /// The tags of those that came last.
        unsettled: Vec<u64>,
    }

    impl Queue {
        async fn take(&mut self) -> Result<Vec<Message>, String> {
            let lost = |why: &str| format!("the connection to {} is lost: {why}", self.at);
            let Some(taken) = gather(&mut self.consumer, self.prefetch).await else {
                return Err(lost("the broker ended it, or the queue was deleted"));
            };
            self.unsettled.clear();
            let mut messages = Vec::with_capacity(taken.len());
            for delivery in taken {
                // What came before an error is not acknowledged, and comes again.
                let delivery = delivery.map_err(|error| lost(&said(&error)))?;
                self.unsettled.push(delivery.delivery_tag);
                messages.push(message(delivery));
            }
            Ok(messages)
        }
    }

    fn message(delivery: Delivery) -> Message {
        let Delivery { properties, data, .. } = delivery;
        let mark = properties.message_id().as_ref().and_then(|id| Mark::of_id(id.as_str()));
        // Whole seconds, by the sender's clock.
        let sent_ms = properties.timestamp().and_then(|at_s| i64::try_from(at_s).ok()?.checked_mul(1_000));
        Message { body: data.into(), mark, sent_ms }
    }

    impl Subscription for Queue {
        fn next(&mut self) -> Working<'_, Vec<Message>> {
            Box::pin(self.take())
        }

        fn settle<'a>(&'a mut self, verdicts: &'a [Verdict]) -> Working<'a, ()> {
            Box::pin(async move {
                let failed = |error: lapin::Error| format!("cannot acknowledge messages: {}", said(&error));
                let tags = std::mem::take(&mut self.unsettled);
                for (tag, verdict) in tags.iter().zip(verdicts) {
                    if *verdict == Verdict::Refused {
                        let options = BasicRejectOptions { requeue: false };
                        self.channel.basic_reject(*tag, options).await.map_err(failed)?;
                    }
                }
                let last = tags.iter().zip(verdicts).rfind(|(_, verdict)| **verdict == Verdict::Stored);
                // All up to this one, but for those that are rejected already.
                let Some((tag, _)) = last else { return Ok(()) };
                self.channel.basic_ack(*tag, BasicAckOptions { multiple: true }).await.map_err(failed)
            })
        }
    }
}
