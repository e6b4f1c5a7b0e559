//! The list of all kinds of brokers. Configuration, help and tests are made from it.

use lanner_core::document::{Check, Fields};
use lanner_core::field::Field;

use super::kind::KindConfig;
use super::{amqp, kafka, nats};

/// One kind of broker.
#[derive(Debug)]
pub struct Kind {
    /// Its name in a consumer's `kind`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Its fields, beside those that every consumer has.
    pub fields: &'static [Field],
    /// Reads them; the name is that of the consumer.
    pub(super) read: fn(&mut Fields<'_>, &str, &mut Check) -> Option<Box<dyn KindConfig>>,
}

/// All kinds, in the order in which help shows them.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "nats",
        about: "NATS: a stream of JetStream, acknowledged message by message, or a plain subject",
        fields: nats::FIELDS,
        read: nats::read,
    },
    Kind {
        name: "amqp",
        about: "RabbitMQ, or another broker that speaks AMQP 0-9-1: a queue, acknowledged by hand",
        fields: amqp::FIELDS,
        read: amqp::read,
    },
    Kind {
        name: "kafka",
        about: "Kafka: a topic with all its partitions, each read on from the place that is stored with what was read",
        fields: kafka::FIELDS,
        read: kafka::read,
    },
];

/// Their names, as the field `kind` takes them.
pub(super) const NAMES: &[&str] = &names();

const fn names() -> [&'static str; KINDS.len()] {
    let mut names = [""; KINDS.len()];
    let mut at = 0;
    while at < KINDS.len() {
        names[at] = KINDS[at].name;
        at += 1;
    }
    names
}
