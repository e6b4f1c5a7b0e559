//! Consumers as the operator writes them: decoded, checked, built.
//!
//! Secrets are looked up only in [`ConsumeConfig::build`]: a document can be checked on a machine that does not hold
//! them.

use std::sync::Arc;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::{id, name, text};

use super::kind::{Common, KindConfig};
use super::kinds::{KINDS, Kind, NAMES};
use super::{Places, Subscription, Working};
use crate::remote::Problem;

/// The fields that every consumer has.
pub const FIELDS: &[Field] = &[
    Field::new("name", "orders", "unique name of the consumer").of(Type::Id).required(),
    Field::new("kind", "nats", "kind of broker").of(Type::OneOf(NAMES)).required(),
    Field::new("as", "lines", "what messages hold: events (JSON), lines (of text, each an event), samples (line protocol of Influx)")
        .of(Type::OneOf(&["events", "lines", "samples"]))
        .or("events"),
    Field::new("into", "payments", "stream of the events; by default the name of the consumer"),
    Field::new("time", "created_at", "field with the time of an event, instead of the usual ones"),
    Field::new("prefetch", "1000", "messages that may be under way at once, 1 to 10000").of(Type::Whole).or("200"),
];

const DEFAULT_PREFETCH: u16 = 200;
const MAX_PREFETCH: u16 = 10_000;

/// What messages hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum As {
    /// Events in JSON.
    #[default]
    Events,
    /// Lines of text, each of which is an event.
    Lines,
    /// Samples in line protocol.
    Samples,
}

/// A consumer that was checked: it can be built.
#[derive(Debug)]
pub struct ConsumeConfig {
    name: String,
    prefetch: u16,
    content: As,
    into: Arc<str>,
    time_field: Option<String>,
    kind_name: &'static str,
    kind: Box<dyn KindConfig>,
}

impl ConsumeConfig {
    /// Reads the list at `node`, which stands at `path`. What is wrong goes to `check`; such consumers are left out.
    ///
    /// ```
    /// use lanner_core::document::{Check, Node};
    /// use lanner_io::consume::ConsumeConfig;
    /// let node = Node::from_yaml("[{ name: orders, kind: amqp, url: 'amqp://rabbit.example.org', queue: orders }]").unwrap();
    /// let mut check = Check::default();
    /// let consumers = ConsumeConfig::read_all(&node, "consume", &mut check);
    /// assert_eq!((consumers[0].name(), consumers[0].kind(), check.problems.len()), ("orders", "amqp", 0));
    /// ```
    pub fn read_all(node: &Node, path: &str, check: &mut Check) -> Vec<Self> {
        let mut consumers: Vec<Self> = Vec::new();
        for (at, item) in check.items(node).into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(consumer) = Self::read(item, &path, check) else { continue };
            if consumers.iter().any(|other| other.name == consumer.name) {
                check.problem(item, &path, format!("there is another consumer called \"{}\"", consumer.name));
            } else {
                consumers.push(consumer);
            }
        }
        consumers
    }

    fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let n_problems = check.problems.len();
        fields.require("name", "orders", check);
        let own_name = fields.read("name", check, |node| id(node, "_-.")).unwrap_or_default();
        let prefetch = fields.read("prefetch", check, prefetch).unwrap_or(DEFAULT_PREFETCH);
        let content = fields.read("as", check, content).unwrap_or_default();
        let into = fields.read("into", check, stream_name).unwrap_or_else(|| own_name.clone());
        let time_field = fields.read("time", check, name);
        let kind = fields.require("kind", "nats", check).map(|node| (node, kind_of(node)));
        let kind = match kind? {
            (_, Ok(kind)) => kind,
            (node, Err(why)) => {
                check.problem(node, &fields.path_of("kind"), why);
                return None;
            }
        };
        let read = (kind.read)(&mut fields, &own_name, check);
        finish(fields, kind, check);
        let is_right = check.problems.len() == n_problems;
        let (into, kind_name) = (into.into(), kind.name);
        read.filter(|_| is_right).map(|kind| Self {
            name: own_name,
            prefetch,
            content,
            into,
            time_field,
            kind_name,
            kind,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind_name
    }

    /// The stream that its messages go to; `None` where they are samples.
    #[must_use]
    pub fn stream(&self) -> Option<&str> {
        (self.content != As::Samples).then_some(&*self.into)
    }

    /// Looks up secrets and certificates, and makes what connects.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub fn build(&self) -> Result<Consumer, Vec<Problem>> {
        let connect = self.kind.build(Common { name: &self.name, prefetch: self.prefetch })?;
        Ok(Consumer {
            name: self.name.as_str().into(),
            content: self.content,
            into: Arc::clone(&self.into),
            kind: self.kind_name,
            time_field: self.time_field.clone(),
            connect,
        })
    }
}

/// A consumer that can be run.
pub struct Consumer {
    /// Its name.
    pub name: Arc<str>,
    /// The kind of its broker.
    pub kind: &'static str,
    /// What messages hold.
    pub content: As,
    /// The stream that events go to.
    pub into: Arc<str>,
    /// The field with the time of an event, instead of the usual ones.
    pub time_field: Option<String>,
    connect: Box<dyn super::Connect>,
}

impl Consumer {
    /// Makes a connection. `stored` is the last place of each log that is stored.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    #[must_use]
    pub fn connect<'a>(&'a self, stored: &'a Places) -> Working<'a, Box<dyn Subscription>> {
        self.connect.connect(stored)
    }
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer").field("name", &self.name).field("into", &self.into).finish_non_exhaustive()
    }
}

fn finish(fields: Fields<'_>, kind: &Kind, check: &mut Check) {
    let known: Vec<&str> = FIELDS.iter().chain(kind.fields).map(|field| field.name).collect();
    fields.finish(&known, check);
}

fn kind_of(node: &Node) -> Result<&'static Kind, String> {
    let name = text(node)?;
    KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        format!("\"{name}\" is not a kind of broker; write one of {}", names.join(", "))
    })
}

fn content(node: &Node) -> Result<As, String> {
    match text(node)?.as_str() {
        "events" => Ok(As::Events),
        "lines" => Ok(As::Lines),
        "samples" => Ok(As::Samples),
        other => Err(format!("\"{other}\" is not known here; write events, lines or samples")),
    }
}

fn stream_name(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    let is_right = (1..=200).contains(&name.len()) && !name.chars().any(char::is_control);
    if is_right { Ok(name) } else { Err("should be 1 to 200 printable characters".to_owned()) }
}

fn prefetch(node: &Node) -> Result<u16, String> {
    let number = text(node)?.parse().ok().filter(|number| (1..=MAX_PREFETCH).contains(number));
    number.ok_or_else(|| format!("should be a whole number from 1 to {MAX_PREFETCH}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_at_once() {
        #[track_caller]
        fn check(yaml: &str, names: &[&str], problems: &[&str]) {
            let mut check = Check::default();
            let read = ConsumeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "consume", &mut check);
            let found: Vec<&str> = read.iter().map(ConsumeConfig::name).collect();
            let wrong: Vec<&str> = check.problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(
                (found.as_slice(), wrong.as_slice()),
                (names, problems),
                "{yaml}: {:#?}",
                check.problems
            );
        }
        check("{ name: a, kind: nats, url: 'nats://b', subject: orders.> }", &["a"], &[]);
        check("{ name: a, kind: nats, url: { env: NATS }, jetstream: ORDERS, start: now }", &["a"], &[]);
        check(
            "{ name: a, kind: amqp, url: 'amqp://b/', queue: q, as: lines, prefetch: 10, into: x }",
            &["a"],
            &[],
        );
        check("[{}]", &[], &["consume[0]", "consume[0]"]);
        check("[{ name: a, kind: pigeon }]", &[], &["consume[0].kind"]);
        check("[{ name: a, kind: nats }]", &[], &["consume[0]", "consume[0]"]);
        check(
            "[{ name: a b, kind: amqp, url: 'http://b', as: xml, prefetch: 0, into: '', quue: x, ca_file: x }]",
            &[],
            &[
                "consume[0].name",
                "consume[0].prefetch",
                "consume[0].as",
                "consume[0].into",
                "consume[0].url",
                "consume[0].ca_file",
                "consume[0]",
                "consume[0].quue",
            ],
        );
        check(
            "[{ name: a, kind: nats, url: 'nats://b', subject: s, durable: d, start: now },
              { name: b, kind: nats, url: 'nats://b', jetstream: J, group: g, durable: a.b }]",
            &[],
            &["consume[0].durable", "consume[0].start", "consume[1].durable", "consume[1].group"],
        );
        check(
            "[{ name: a, kind: kafka, url: 'kafka://b', topic: orders, mechanism: scram-sha-256 },
              { name: b, kind: kafka, url: 'kafka://u:p@b', topic: a/b, group: '', start: never, mechanism: md5 }]",
            &["a"],
            &["consume[1].url", "consume[1].mechanism", "consume[1].topic", "consume[1].group", "consume[1].start"],
        );
        check(
            "[{ name: a, kind: amqp, url: 'amqp://b', queue: q }, { name: a, kind: amqp, url: 'amqp://b', queue: q }]",
            &["a"],
            &["consume[1]"],
        );
    }

    #[test]
    fn secrets_stay_hidden() {
        let yaml =
            "[{ name: a, kind: nats, url: 'nats://u:hunter2@a', subject: s, auth: { bearer: hunter2 } },
                     { name: b, kind: amqp, url: 'amqp://u:hunter2@a', queue: q },
                     { name: c, kind: kafka, url: 'kafka://a', topic: q, auth: { username: u, password: hunter2 } }]";
        let consumers = ConsumeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "", &mut Check::default());
        assert!(consumers.len() == 3 && !format!("{consumers:?}").contains("hunter2"), "{consumers:?}");
    }
}
