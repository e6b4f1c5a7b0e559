//! From a document to a receiver: decode, check, build.
//!
//! Each step reports every problem it can see, with the field it is about, so that an operator edits the
//! file once. Secrets are looked up only in [`ReceiverConfig::build`]: a document can be checked on a
//! machine that does not hold them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use lanner_core::Node;
use lanner_core::document::Content;
use lanner_core::field::{self, Field, Type};
use lanner_core::time::{format_duration, parse_duration_ms};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::http::Clients;
use super::remade::Remade;
use super::{Kind, Links, Receiver, SwitchHand, Transport, kinds};

/// What is wrong with one field of a receiver's document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The field, such as `url` or `auth.password`; empty for the document as a whole.
    pub field: String,
    /// A lower-case fragment: what is wrong and what to write instead.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// `field: message`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// What receivers share: HTTP clients, trusted certificates, and how people reach Lanner.
#[derive(Debug, Clone, Default)]
pub struct BuildContext {
    /// Where people reach Lanner.
    pub links: Links,
    pub(super) clients: Arc<Clients>,
    pub(super) hand: Arc<OnceLock<Arc<dyn SwitchHand>>>,
}

impl BuildContext {
    /// A context; keep it while receivers may be rebuilt, so that they share their clients.
    #[must_use]
    pub fn new(links: Links) -> Self {
        Self { links, ..Self::default() }
    }

    /// Says who throws kill switches; the first one counts.
    pub fn set_hand(&self, hand: Arc<dyn SwitchHand>) {
        // A second one means that somebody has come before.
        let _ = self.hand.set(hand);
    }
}

/// The document of one kind, as the operator wrote it.
///
/// Implementations also have `Deserialize` with `default` and `deny_unknown_fields`: a field that is needed
/// is missed by `check`, not by decoding, so that all problems can be told at once.
pub trait KindConfig: fmt::Debug + Send + Sync {
    /// Every problem that can be seen without secrets, files or network.
    fn check(&self) -> Vec<Problem>;
    /// The document with defaults filled in and secrets hidden.
    fn describe(&self) -> Value;
    /// How long one attempt may take.
    fn timeout(&self) -> Timeout;
    /// Looks up secrets and makes the transport. Called after `check` found nothing.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>>;
}

pub(super) type Decode = fn(Map<String, Value>) -> (Box<dyn KindConfig>, Vec<Problem>);

/// A receiver's document that was checked.
#[derive(Debug)]
pub struct ReceiverConfig {
    kind: &'static Kind,
    config: Arc<dyn KindConfig>,
}

impl ReceiverConfig {
    /// Reads a document: an object with `kind` and that kind's fields.
    ///
    /// # Errors
    /// Every problem at once.
    ///
    /// ```
    /// use lanner_io::receiver::ReceiverConfig;
    /// let document = serde_json::json!({"kind": "webhook", "url": "ftp://example.org", "tiemout": "5s"});
    /// let problems = ReceiverConfig::from_value(&document).unwrap_err();
    /// assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["tiemout", "url"]);
    /// ```
    pub fn from_value(document: &Value) -> Result<Self, Vec<Problem>> {
        Self::read(&Node::from_json(document))
    }

    /// Reads a document as it was written; where text is expected, a number is what was written.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn read(document: &Node) -> Result<Self, Vec<Problem>> {
        let kind = kind_of(document).map_err(|problem| vec![problem])?;
        let Value::Object(mut document) = field::to_json(document, &[kind.fields]) else {
            return Err(vec![Problem::new("", "a receiver is an object with `kind` and its fields")]);
        };
        document.shift_remove("kind");
        let (config, mut problems) = (kind.decode)(document);
        let decoded: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
        // A field that could not be decoded has its default, about which `check` would complain again.
        problems.extend(config.check().into_iter().filter(|problem| !decoded.contains(&problem.field)));
        if problems.is_empty() { Ok(Self { kind, config: config.into() }) } else { Err(problems) }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The document with defaults filled in and secrets hidden, for people and the API.
    #[must_use]
    pub fn describe(&self) -> Value {
        let mut described = Map::new();
        described.insert("kind".to_owned(), Value::from(self.kind.name));
        if let Value::Object(fields) = self.config.describe() {
            described.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
        }
        Value::Object(described)
    }

    /// Looks up secrets and certificates, and makes what sends.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub fn build(&self, context: &BuildContext) -> Result<Receiver, Vec<Problem>> {
        let made = Remade::new(Arc::clone(&self.config), context.clone())?;
        Ok(Receiver::new(self.kind.name, self.config.timeout().0, Box::new(made)))
    }
}

/// The kind that a document names.
pub(super) fn kind_of(document: &Node) -> Result<&'static Kind, Problem> {
    let Content::Map(entries) = &document.content else {
        return Err(Problem::new("", "a receiver is an object with `kind` and its fields"));
    };
    let named = entries.iter().find(|(key, _)| key.name == "kind").map(|(_, value)| value);
    let named = named.ok_or_else(|| Problem::new("kind", "is missing; write for example kind: webhook"))?;
    let name = named.scalar_text();
    kinds::find(&name.ok_or_else(|| Problem::new("kind", "is not text; write for example webhook"))?)
}

/// The document of a receiver as it is stored, whose fields of every kind `shared` lists: with text where text is
/// expected. One of no known kind is kept as it is read.
#[must_use]
pub fn to_document(node: &Node, shared: &[Field]) -> Value {
    let own = kind_of(node).map_or(&[] as &[Field], |kind| kind.fields);
    field::to_json(node, &[shared, own])
}

/// For receivers that make a connection of their own.
pub(super) const CA_FILE: Field =
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM");
/// For every kind.
pub(super) const TIMEOUT: Field =
    Field::new("timeout", "10s", "for one attempt, 100ms to 10m").of(Type::Duration).or("10s");

/// Decodes one kind's fields, each on its own, so that every bad one is reported.
pub(super) fn decode<C: KindConfig + Default + for<'de> Deserialize<'de> + 'static>(
    document: Map<String, Value>,
) -> (Box<dyn KindConfig>, Vec<Problem>) {
    let mut good = Map::new();
    let mut problems = Vec::new();
    for (field, value) in document {
        let alone = Value::Object(Map::from_iter([(field.clone(), value.clone())]));
        match C::deserialize(alone) {
            Ok(_) => {
                good.insert(field, value);
            }
            Err(error) => problems.push(Problem::new(field, error.to_string())),
        }
    }
    // Fields that are good one by one are good together: no kind has rules between fields before `check`.
    let config = C::deserialize(Value::Object(good)).unwrap_or_else(|error| {
        problems.push(Problem::new("", error.to_string()));
        C::default()
    });
    (Box::new(config), problems)
}

/// How long one attempt may take, in milliseconds; written as a duration. Default 10 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(pub u64);

impl Default for Timeout {
    fn default() -> Self {
        Self(10_000)
    }
}

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let timeout_ms = parse_duration_ms(&text).map_err(D::Error::custom)?;
        match u64::try_from(timeout_ms) {
            Ok(timeout_ms @ 100..=600_000) => Ok(Self(timeout_ms)),
            _ => Err(D::Error::custom(format!("{text} is out of range; write 100ms to 10m"))),
        }
    }
}

impl Serialize for Timeout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(i64::try_from(self.0).unwrap_or(i64::MAX)))
    }
}

/// Complains about a path that is not absolute.
pub(super) fn check_absolute(field: &str, path: &std::path::Path) -> Option<Problem> {
    (!path.is_absolute()).then(|| {
        let shown = path.display();
        Problem::new(field, format!("\"{shown}\" is relative; write the whole path, starting with /"))
    })
}

/// The names of a structure's fields, as its decoder knows them.
#[cfg(test)]
pub(super) fn names_of<C: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
    struct Names<'n>(&'n mut Vec<&'static str>);
    impl<'de> Deserializer<'de> for Names<'_> {
        type Error = serde::de::value::Error;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("only the names are wanted"))
        }
        fn deserialize_struct<V: serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            self.0.extend(fields);
            self.deserialize_any(visitor)
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    let mut names = Vec::new();
    let _ = C::deserialize(Names(&mut names));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::KINDS;

    fn problems(document: &str) -> Vec<String> {
        let document = serde_json::from_str(document).unwrap();
        match ReceiverConfig::from_value(&document) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn every_example_is_accepted_and_described_without_its_secrets() {
        for kind in KINDS {
            assert_eq!(problems(kind.example), Vec::<String>::new(), "{}", kind.name);
            let config = ReceiverConfig::from_value(&serde_json::from_str(kind.example).unwrap()).unwrap();
            assert_eq!(config.describe()["kind"], kind.name);
            assert_eq!(config.describe()["timeout"], "10s", "{}", kind.name);
        }
    }

    #[test]
    fn every_field_is_listed_with_an_example_that_is_accepted() {
        for kind in KINDS {
            let listed: Vec<&str> = kind.fields.iter().map(|field| field.name).collect();
            assert_eq!(listed, (kind.names)(), "{}", kind.name);
            for field in kind.fields {
                let node =
                    Node::from_yaml(&format!("kind: {}\n{}: {}\n", kind.name, field.name, field.example))
                        .unwrap();
                let found = ReceiverConfig::read(&node).err().unwrap_or_default();
                let about = found.iter().find(|problem| problem.field.split('.').next() == Some(field.name));
                assert!(
                    about.is_none_or(|problem| problem.message.contains("beside")),
                    "{}: {found:?}",
                    field.name
                );
            }
        }
    }

    #[test]
    fn text_is_what_was_written() {
        let node = Node::from_yaml(
            "kind: webhook\nurl: https://a/b\nheaders: { X-Build: 1.10 }\nauth: { username: 0123, password: 007 }",
        );
        let document = to_document(&node.unwrap(), &[]);
        assert_eq!(document["headers"]["X-Build"], "1.10");
        assert_eq!(document["auth"], serde_json::json!({"username": "0123", "password": "007"}));
        assert!(ReceiverConfig::from_value(&document).is_ok());
    }

    #[test]
    fn all_problems_at_once_each_with_its_field() {
        #[track_caller]
        fn check(document: &str, fields: &[&str]) {
            let found = problems(document);
            let starts: Vec<&str> = found.iter().map(|p| p.split(": ").next().unwrap()).collect();
            assert_eq!(starts, fields, "{found:#?}");
        }
        check(r#"{"url": "http://a"}"#, &["kind"]);
        check(r#"{"kind": "pigeon"}"#, &["kind"]);
        check(r#"{"kind": [7]}"#, &["kind"]);
        check(r#"{"kind": "webhook"}"#, &["url"]);
        check(r#"{"kind": "webhook", "url": [7], "format": "xml", "x": 1}"#, &["url", "format", "x"]);
        check(r#"{"kind": "webhook", "url": "https:///path", "ca_file": "ca.pem"}"#, &["url", "ca_file"]);
        check(
            r#"{"kind": "webhook", "url": "http://a", "timeout": "1h", "headers": {"a b": "x"}}"#,
            &["timeout", "headers.a b"],
        );
        check(
            r#"{"kind": "webhook", "url": "http://a", "auth": {"bearer": "x", "username": "y"}}"#,
            &["auth"],
        );
        check(r#"{"kind": "email"}"#, &["host", "from", "to"]);
        check(
            r#"{"kind": "email", "host": "a", "from": "nobody", "to": ["a@b", "c"], "cc": ["@"]}"#,
            &["from", "to", "cc"],
        );
        check(
            r#"{"kind": "email", "host": "a", "from": "a@b", "to": ["a@b"], "tls": "none", "username": "u", "password": "p"}"#,
            &["tls"],
        );
        check(
            r#"{"kind": "email", "host": "a", "from": "a@b", "to": ["a@b"], "username": "u"}"#,
            &["password"],
        );
        check(r#"{"kind": "slack", "url": "mailto:a@b"}"#, &["url"]);
        check(r#"{"kind": "command"}"#, &["command"]);
        check(r#"{"kind": "command", "command": ["page"], "env": {"A=B": "x"}}"#, &["command", "env.A=B"]);
        check(r#"{"kind": "log", "path": "x.json"}"#, &["path"]);
    }

    #[test]
    fn secrets_stay_hidden_in_every_view() {
        let document = serde_json::json!({
            "kind": "webhook",
            "url": "https://user:hunter2@example.org/T000/hunter2?token=hunter2",
            "headers": {"X-Token": "hunter2", "X-Other": {"env": "OTHER"}},
            "auth": {"username": "u", "password": "hunter2"},
        });
        let config = ReceiverConfig::from_value(&document).unwrap();
        for view in [config.describe().to_string(), format!("{config:?}")] {
            assert!(!view.contains("hunter2"), "{view}");
            assert!(view.contains("OTHER"), "{view}");
        }
        assert_eq!(config.describe()["url"], "https://example.org/***");
        // Nor is a secret quoted back that cannot be read.
        let found = problems(
            r#"{"kind": "webhook", "url": "https://a/b", "auth": {"username": "u", "password": [123456]}}"#,
        );
        assert!(found.len() == 1 && !found[0].contains("123456"), "{found:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_as_a_field_is_judged_not_feared(text in ".{0,60}", kind in 0..KINDS.len()) {
            let example: Value = serde_json::from_str(KINDS[kind].example).unwrap();
            for field in example.as_object().unwrap().keys() {
                let mut document = example.clone();
                document[field] = Value::from(text.clone());
                let _ = ReceiverConfig::from_value(&document).map(|config| config.describe());
            }
        }
    }
}
