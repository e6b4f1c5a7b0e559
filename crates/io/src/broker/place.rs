//! Where a broker is, and who Lanner says it is, as the operator writes it.

use std::path::PathBuf;

use lanner_core::document::{Check, Fields};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::remote::auth::{AUTH, Auth};
use crate::remote::problem::check_absolute;
use crate::remote::{Problem, Secret};

/// What the addresses of one kind of broker look like.
#[derive(Debug)]
pub(crate) struct Scheme {
    /// The schemes of its addresses; those of `tls` are encrypted.
    pub(crate) plain: &'static str,
    pub(crate) tls: &'static str,
    pub(crate) port: u16,
    /// Whether addresses may hold a name and a password.
    pub(crate) takes_user: bool,
    pub(crate) example: &'static str,
}

/// NATS.
pub(crate) const NATS: Scheme = Scheme {
    plain: "nats",
    tls: "tls",
    port: 4222,
    takes_user: true,
    example: "nats://nats.example.org:4222",
};
/// RabbitMQ, or another broker that speaks AMQP 0-9-1.
pub(crate) const AMQP: Scheme = Scheme {
    plain: "amqp",
    tls: "amqps",
    port: 5672,
    takes_user: true,
    example: "amqps://rabbitmq.example.org/vhost",
};
/// Kafka, whose own tools write addresses without a scheme.
pub(crate) const KAFKA: Scheme = Scheme {
    plain: "kafka",
    tls: "kafkas",
    port: 9092,
    takes_user: false,
    example: "kafka://kafka.example.org:9092",
};

/// The field `auth` of whatever is a broker.
pub(crate) const AUTH_FIELD: Field =
    Field::new("auth", "{ username: lanner, password: { env: BROKER_PASSWORD } }", "credentials")
        .of(Type::Map(AUTH));

/// A broker as the operator writes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// One address, or several of one cluster, separated by commas.
    pub(crate) url: Secret,
    pub(crate) auth: Option<Auth>,
    pub(crate) ca_file: Option<PathBuf>,
}

impl Place {
    /// Reads the fields `url`, `auth` and `ca_file`. What is wrong goes to `check`.
    pub(crate) fn read(fields: &mut Fields<'_>, scheme: &Scheme, check: &mut Check) -> Option<Self> {
        let url = fields.require("url", scheme.example, check);
        let url = url.and_then(|node| {
            let read = Secret::deserialize(Type::Secret.to_json(node));
            read.map_err(|error| check.problem(node, &fields.path_of("url"), error.to_string())).ok()
        });
        let auth: Option<Auth> = fields.read("auth", check, |node| {
            serde_json::from_value(Type::Map(AUTH).to_json(node)).map_err(|error| error.to_string())
        });
        let ca_file = fields.read("ca_file", check, text).map(PathBuf::from);
        let place = Self { url: url?, auth, ca_file };
        let problems = place.check(scheme);
        for problem in &problems {
            let name = problem.field.split('.').next().unwrap_or_default();
            let at = fields.get(name).and_then(|node| node.at);
            check.push(at, &fields.path_of(&problem.field), problem.message.clone(), None);
        }
        problems.is_empty().then_some(place)
    }

    /// Every problem that can be seen without secrets, files or network.
    pub(crate) fn check(&self, scheme: &Scheme) -> Vec<Problem> {
        let url = match self.url.plain() {
            Some("") => {
                Some(Problem::new("url", format!("is missing; write for example {}", scheme.example)))
            }
            Some(text) => addresses(text, scheme).err(),
            None => None,
        };
        let auth = self.auth.as_ref().and_then(Auth::check);
        let ca_file = self.ca_file.as_deref().and_then(|path| check_absolute("ca_file", path));
        [url, auth, ca_file].into_iter().flatten().collect()
    }

    /// A receiver that writes to it, for people: as it is written, but for the address, which has no user, password or path.
    pub(crate) fn described(&self, receiver: &impl Serialize, scheme: &Scheme) -> Value {
        let mut described = serde_json::to_value(receiver).unwrap_or_default();
        if let Some(addresses) = self.url.plain().and_then(|text| addresses(text, scheme).ok()) {
            described["url"] = shown(&addresses, scheme).into();
        }
        described
    }
}

/// Where servers are, for people.
pub(crate) fn shown(addresses: &[Url], scheme: &Scheme) -> String {
    let one = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        format!("{}://{host}:{}", url.scheme(), url.port().unwrap_or(scheme.port))
    };
    addresses.iter().map(one).collect::<Vec<_>>().join(",")
}

/// Reads addresses, which may hold passwords and are not quoted.
pub(crate) fn addresses(text: &str, scheme: &Scheme) -> Result<Vec<Url>, Problem> {
    let wrong = |why: String| Problem::new("url", format!("{why}; write for example {}", scheme.example));
    let mut addresses = Vec::new();
    for text in text.split(',').map(str::trim) {
        let url = Url::parse(text).map_err(|error| wrong(format!("is not a URL ({error})")))?;
        if url.scheme() != scheme.plain && url.scheme() != scheme.tls {
            let Scheme { plain, tls, .. } = scheme;
            return Err(wrong(format!("has the scheme {}, which is not {plain} or {tls}", url.scheme())));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("has no host".to_owned()));
        }
        if !scheme.takes_user && (!url.username().is_empty() || url.password().is_some()) {
            return Err(wrong("holds a name or a password; write them in `auth`".to_owned()));
        }
        addresses.push(url);
    }
    if addresses.iter().any(|url| url.scheme() != addresses[0].scheme()) {
        return Err(wrong("has addresses with and without encryption".to_owned()));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_without_being_quoted() {
        #[track_caller]
        fn check(text: &str, scheme: &Scheme, expected: Result<&str, &str>) {
            match (addresses(text, scheme), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(shown(&found, scheme), expected),
                (Err(problem), Err(part)) => {
                    assert!(problem.message.contains(part), "{problem}");
                    assert!(!problem.message.contains("s3cret"), "{problem}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
        check("nats://u:s3cret@a", &NATS, Ok("nats://a:4222"));
        check("tls://a:1, tls://[::1]:2", &NATS, Ok("tls://a:1,tls://[::1]:2"));
        check("amqps://u:s3cret@a:5671/shop", &AMQP, Ok("amqps://a:5671"));
        check("nats://a,tls://s3cret@b", &NATS, Err("with and without"));
        check("http://u:s3cret@a", &NATS, Err("has the scheme http"));
        check("nats://", &NATS, Err("write for example"));
        check("s3cret", &AMQP, Err("is not a URL"));
        check("kafka://a,kafka://b:9093", &KAFKA, Ok("kafka://a:9092,kafka://b:9093"));
        check("kafkas://u:s3cret@a", &KAFKA, Err("write them in `auth`"));
        check("a:9092", &KAFKA, Err("has the scheme a"));
    }
}
