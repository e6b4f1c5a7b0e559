//! `kafka`: a topic of Kafka with all its partitions. Each is read on from the place that is stored with what was read; Kafka is told
//! that place as well, so that its tools show how far Lanner is.

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;

use super::Connect;
use super::kind::{Common, KindConfig};
use crate::broker::mechanism::{MECHANISM_FIELD, Mechanism, check_topic};
use crate::broker::place::{AUTH_FIELD, KAFKA, Place};
use crate::remote::Problem;

/// The fields of one.
pub(super) const FIELDS: &[Field] = &[
    Field::new("url", KAFKA.example, "address, kafka or kafkas (TLS); several of one cluster with commas")
        .of(Type::Secret)
        .required(),
    AUTH_FIELD,
    MECHANISM_FIELD,
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "CA certificates to trust besides the system's, PEM"),
    Field::new("topic", "orders", "topic that messages are taken from; it has to be there").required(),
    Field::new(
        "group",
        "lanner-orders",
        "name of the group that Kafka's tools show the place of; by default lanner-NAME",
    ),
    Field::new(
        "start",
        "now",
        "where a partition begins of which no place is known: with the first message that is kept, or now",
    )
    .of(Type::OneOf(&["first", "now"]))
    .or("first"),
];

/// One as the operator writes it.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "kafka"), expect(dead_code, reason = "what is written is checked in every build"))]
struct KafkaConfig {
    place: Place,
    mechanism: Mechanism,
    topic: String,
    group: String,
    starts_now: bool,
}

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    let place = Place::read(fields, &KAFKA, check);
    let mechanism = fields.read("mechanism", check, Mechanism::read).unwrap_or_default();
    fields.require("topic", "orders", check);
    let topic = fields.read("topic", check, |node| {
        let topic = text(node)?;
        check_topic(&topic)?;
        Ok(topic)
    });
    let group = fields.read("group", check, group).unwrap_or_else(|| format!("lanner-{name}"));
    let starts_now = fields.read("start", check, |node| match text(node)?.as_str() {
        "first" => Ok(false),
        "now" => Ok(true),
        other => Err(format!("\"{other}\" is not known here; write first or now")),
    });
    let starts_now = starts_now.unwrap_or_default();
    Some(Box::new(KafkaConfig { place: place?, mechanism, topic: topic?, group, starts_now }))
}

fn group(node: &Node) -> Result<String, String> {
    let group = text(node)?;
    if (1..=255).contains(&group.len()) { Ok(group) } else { Err("should be 1 to 255 bytes".to_owned()) }
}

impl KindConfig for KafkaConfig {
    #[cfg(feature = "kafka")]
    fn build(&self, common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        let kafka = crate::broker::kafka::Kafka::resolve(&self.place, self.mechanism)?;
        let (topic, group) = (self.topic.clone(), self.group.clone());
        let (starts_now, prefetch) = (self.starts_now, common.prefetch);
        Ok(Box::new(super::kafka_topic::Taking { kafka, topic, group, starts_now, prefetch }))
    }

    #[cfg(not(feature = "kafka"))]
    fn build(&self, _common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("Kafka", "kafka")])
    }
}
