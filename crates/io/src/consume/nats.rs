//! `nats`: a stream of JetStream through a durable consumer, each message acknowledged when it is stored; or a plain subject,
//! whose messages nobody keeps.

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::{id, text};
use serde::Deserialize;

use super::Connect;
use super::kind::{Common, KindConfig};
use crate::broker::place::{AUTH_FIELD, NATS, Place};
use crate::remote::{Problem, Secret};

/// The fields of one.
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
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "CA certificates to trust besides the system's, PEM"),
    Field::new(
        "jetstream",
        "ORDERS",
        "the stream of JetStream that keeps the messages; without it, plain NATS",
    ),
    Field::new(
        "subject",
        "orders.>",
        "subject, `*` and `>` allowed; of a stream by default all of its subjects",
    ),
    Field::new(
        "durable",
        "lanner-orders",
        "name of the durable consumer of a stream; by default lanner-NAME",
    ),
    Field::new(
        "start",
        "now",
        "where a new durable consumer begins: with the first message that is kept, or now",
    )
    .of(Type::OneOf(&["first", "now"]))
    .or("first"),
    Field::new("group", "lanner", "queue group of a plain subject: each message goes to one of its members"),
];

/// One as the operator writes it.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "nats"), expect(dead_code, reason = "what is written is checked in every build"))]
struct NatsConfig {
    place: Place,
    credentials: Secret,
    what: What,
}

/// What is taken.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "nats"), expect(dead_code, reason = "what is written is checked in every build"))]
enum What {
    Stream { name: String, subject: Option<String>, durable: String, starts_now: bool },
    Subject { subject: String, group: Option<String> },
}

/// Reads the fields of one.
pub(super) fn read(fields: &mut Fields<'_>, name: &str, check: &mut Check) -> Option<Box<dyn KindConfig>> {
    let place = Place::read(fields, &NATS, check);
    let credentials = fields.read("credentials", check, |node| {
        Secret::deserialize(Type::Secret.to_json(node)).map_err(|error| error.to_string())
    });
    let stream = fields.read("jetstream", check, token);
    let subject = fields.read("subject", check, subject);
    let durable = fields.read("durable", check, token);
    let starts_now = fields.read("start", check, |node| match text(node)?.as_str() {
        "first" => Ok(false),
        "now" => Ok(true),
        other => Err(format!("\"{other}\" is not known here; write first or now")),
    });
    let group = fields.read("group", check, token);
    let mut only = |of: &str, names: &[&str]| {
        for name in names {
            if let Some(node) = fields.get(name) {
                check.problem(node, &fields.path_of(name), format!("belongs to {of}; leave it out"));
            }
        }
    };
    let what = match (stream, subject) {
        (Some(stream), subject) => {
            only("a plain subject, not to `jetstream`", &["group"]);
            let durable = durable.unwrap_or_else(|| format!("lanner-{}", name.replace('.', "_")));
            What::Stream { name: stream, subject, durable, starts_now: starts_now.unwrap_or_default() }
        }
        (None, Some(subject)) => {
            only("a stream of JetStream", &["durable", "start"]);
            What::Subject { subject, group }
        }
        (None, None) => {
            check.problem(fields.node, &fields.path, "takes nothing; write jetstream, or subject");
            return None;
        }
    };
    Some(Box::new(NatsConfig { place: place?, credentials: credentials.unwrap_or_default(), what }))
}

/// The name of a stream, a consumer or a group: no part of it means anything in a subject.
fn token(node: &Node) -> Result<String, String> {
    id(node, "_-")
}

fn subject(node: &Node) -> Result<String, String> {
    let subject = text(node)?;
    let is_part = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    if subject.len() <= 1_000 && subject.split('.').all(is_part) {
        Ok(subject)
    } else {
        Err("is no subject; write words with dots between them, for example orders.*.paid".to_owned())
    }
}

impl KindConfig for NatsConfig {
    #[cfg(feature = "nats")]
    fn build(&self, common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        let nats = crate::broker::nats::Nats::resolve(&self.place, &self.credentials)?;
        Ok(Box::new(taking::Taking { nats, what: self.what.clone(), prefetch: common.prefetch.into() }))
    }

    #[cfg(not(feature = "nats"))]
    fn build(&self, _common: Common<'_>) -> Result<Box<dyn Connect>, Vec<Problem>> {
        Err(vec![crate::broker::not_built("NATS", "nats")])
    }
}

/// How messages are taken.
#[cfg(feature = "nats")]
mod taking {
    use std::sync::Arc;
    use std::time::Duration;

    use async_nats::connection::State;
    use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
    use async_nats::jetstream::context::GetStreamErrorKind;
    use async_nats::jetstream::{self, AckKind};
    use async_nats::{Client, Subscriber};

    use super::super::{Connect, Mark, Message, Places, Subscription, Verdict, Working};
    use super::What;
    use crate::broker::gather::gather;
    use crate::broker::nats::Nats;

    /// How long the broker waits for an acknowledgement before it sends a message again.
    const ACK_WAIT: Duration = Duration::from_secs(30);
    /// How often it says that it is there while there are no messages. After two that are missing the connection counts as lost.
    const HEARTBEAT: Duration = Duration::from_secs(3);
    /// How long one request for messages stays with it.
    const EXPIRES: Duration = Duration::from_secs(30);
    /// How often a plain subscription looks at its connection.
    const LOOK: Duration = Duration::from_secs(1);

    pub(super) struct Taking {
        pub(super) nats: Nats,
        pub(super) what: What,
        pub(super) prefetch: usize,
    }

    impl Connect for Taking {
        fn connect<'a>(&'a self, _stored: &'a Places) -> Working<'a, Box<dyn Subscription>> {
            Box::pin(async move {
                let client = self.nats.connect().await?;
                let at_once: Box<dyn Subscription> = match &self.what {
                    What::Stream { name, subject, durable, starts_now } => {
                        let config = pull::Config {
                            durable_name: Some(durable.clone()),
                            description: Some("Lanner".to_owned()),
                            deliver_policy: if *starts_now { DeliverPolicy::New } else { DeliverPolicy::All },
                            ack_policy: AckPolicy::Explicit,
                            ack_wait: ACK_WAIT,
                            filter_subject: subject.clone().unwrap_or_default(),
                            ..pull::Config::default()
                        };
                        Box::new(self.stream(client, name, durable, config).await?)
                    }
                    What::Subject { subject, group } => {
                        Box::new(self.plain(client, subject, group.as_deref()).await?)
                    }
                };
                Ok(at_once)
            })
        }
    }

    impl Taking {
        async fn stream(
            &self,
            client: Client,
            name: &str,
            durable: &str,
            config: pull::Config,
        ) -> Result<Stream, String> {
            let at = self.nats.place();
            let said = |error: &dyn std::error::Error| self.nats.cleaned(&lanner_core::cause::deepest(error));
            let stream = jetstream::new(client.clone()).get_stream(name).await.map_err(
                |error| match error.kind() {
                    GetStreamErrorKind::JetStream(why) if why.code() == 404 => {
                        format!(
                            "{at} has no stream {name}; create it, for example with `nats stream add {name}`"
                        )
                    }
                    GetStreamErrorKind::Request => {
                        format!(
                            "{at} does not answer for JetStream ({}); check that it is enabled there",
                            said(&error)
                        )
                    }
                    _ => format!("{at} does not show the stream {name}: {}", said(&error)),
                },
            )?;
            let created = stream.cached_info().created.unix_timestamp_nanos();
            let wanted = config.filter_subject.clone();
            let consumer = stream.get_or_create_consumer(durable, config).await.map_err(|error| {
                format!("the consumer {durable} of the stream {name} cannot be used: {}", said(&error))
            })?;
            let found = &consumer.cached_info().config.filter_subject;
            if *found != wanted {
                return Err(format!(
                    "the consumer {durable} takes the subject \"{found}\", not \"{wanted}\"; write another `durable`, or delete it"
                ));
            }
            let builder =
                consumer.stream().max_messages_per_batch(self.prefetch).heartbeat(HEARTBEAT).expires(EXPIRES);
            let messages = builder
                .messages()
                .await
                .map_err(|error| format!("{at} sends no messages: {}", said(&error)))?;
            Ok(Stream {
                client,
                messages,
                // A stream that is made anew counts from 1 again.
                log: format!("{name}@{created}").into(),
                prefetch: self.prefetch,
                nats: self.nats.clone(),
                unsettled: Vec::new(),
            })
        }

        async fn plain(&self, client: Client, subject: &str, group: Option<&str>) -> Result<Plain, String> {
            let subscribed = match group {
                Some(group) => client.queue_subscribe(subject.to_owned(), group.to_owned()).await,
                None => client.subscribe(subject.to_owned()).await,
            };
            let failed = |error: &dyn std::error::Error| {
                format!(
                    "cannot subscribe to {subject}: {}",
                    self.nats.cleaned(&lanner_core::cause::deepest(error))
                )
            };
            let subscriber = subscribed.map_err(|error| failed(&error))?;
            client.flush().await.map_err(|error| failed(&error))?;
            Ok(Plain { client, subscriber, prefetch: self.prefetch, nats: self.nats.clone() })
        }
    }

    /// Messages of a stream.
    struct Stream {
        client: Client,
        messages: pull::Stream,
        log: Arc<str>,
        prefetch: usize,
        nats: Nats,
        /// Those that came last.
        unsettled: Vec<jetstream::Message>,
    }

    impl Stream {
        async fn take(&mut self) -> Result<Vec<Message>, String> {
            let lost = |why: &str| format!("the connection to {} is lost: {why}", self.nats.place());
            let Some(taken) = gather(&mut self.messages, self.prefetch).await else {
                return Err(lost("no more messages come"));
            };
            self.unsettled.clear();
            let mut messages = Vec::with_capacity(taken.len());
            for message in taken {
                // What came before an error is not acknowledged, and comes again.
                let message = message.map_err(|error| lost(&self.nats.cleaned(&error.to_string())))?;
                let info = message.info().map_err(|error| lost(&self.nats.cleaned(&error.to_string())))?;
                let mark = Mark::Position { log: Arc::clone(&self.log), number: info.stream_sequence };
                let sent_ms = i64::try_from(info.published.unix_timestamp_nanos() / 1_000_000).ok();
                messages.push(Message { body: message.payload.clone(), mark: Some(mark), sent_ms });
                self.unsettled.push(message);
            }
            Ok(messages)
        }
    }

    impl Subscription for Stream {
        fn next(&mut self) -> Working<'_, Vec<Message>> {
            Box::pin(self.take())
        }

        fn settle<'a>(&'a mut self, verdicts: &'a [Verdict]) -> Working<'a, ()> {
            Box::pin(async move {
                let failed =
                    |why: String| format!("cannot acknowledge messages: {}", self.nats.cleaned(&why));
                for (message, verdict) in std::mem::take(&mut self.unsettled).iter().zip(verdicts) {
                    let kind = match verdict {
                        Verdict::Stored => AckKind::Ack,
                        Verdict::Refused => AckKind::Term,
                    };
                    message.ack_with(kind).await.map_err(|error| failed(error.to_string()))?;
                }
                self.client.flush().await.map_err(|error| failed(error.to_string()))
            })
        }
    }

    /// Messages of a plain subject.
    struct Plain {
        client: Client,
        subscriber: Subscriber,
        prefetch: usize,
        nats: Nats,
    }

    impl Plain {
        async fn take(&mut self) -> Result<Vec<Message>, String> {
            let lost = || {
                format!(
                    "the connection to {} is lost; what is sent meanwhile does not come",
                    self.nats.place()
                )
            };
            loop {
                let taken = tokio::select! {
                    taken = gather(&mut self.subscriber, self.prefetch) => taken,
                    () = tokio::time::sleep(LOOK) => {
                        if self.client.connection_state() == State::Connected {
                            continue;
                        }
                        None
                    }
                };
                let taken = taken.ok_or_else(lost)?;
                let message = |message: async_nats::Message| Message {
                    body: message.payload,
                    mark: None,
                    sent_ms: None,
                };
                return Ok(taken.into_iter().map(message).collect());
            }
        }
    }

    impl Subscription for Plain {
        fn next(&mut self) -> Working<'_, Vec<Message>> {
            Box::pin(self.take())
        }

        fn settle<'a>(&'a mut self, _verdicts: &'a [Verdict]) -> Working<'a, ()> {
            Box::pin(async { Ok(()) })
        }
    }
}
