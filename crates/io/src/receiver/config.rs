//! From a document to a receiver: decode, check, build.
//!
//! Each step reports every problem it can see, with the field it is about, so that an operator edits the
//! file once. Secrets are looked up only in [`ReceiverConfig::build`]: a document can be checked on a
//! machine that does not hold them.

use std::sync::Arc;

use lanner_core::Node;
use lanner_core::document::Content;
use lanner_core::field::{self, Field};
use serde_json::{Map, Value};

use super::action::ActionPlan;
use super::context::BuildContext;
use super::kind::KindConfig;
use super::kinds::{self, Kind};
use super::remade::Remade;
use super::{Problem, Receiver, Transport};

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

    /// The kind that its document names, with what is known of such receivers.
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

    /// What is to be done about each alert, where the receiver acts instead of sending messages.
    #[must_use]
    pub fn plan(&self) -> Option<ActionPlan> {
        self.config.plan()
    }

    /// The receiver, with a transport of somebody else's making.
    #[must_use]
    pub fn with(&self, transport: Box<dyn Transport>) -> Receiver {
        Receiver::new(self.kind.name, self.config.timeout().0, transport)
    }

    /// Looks up secrets and certificates, and makes what sends.
    ///
    /// # Errors
    /// Every secret or file that could not be read; a receiver with a [plan](Self::plan) sends nothing.
    pub fn build(&self, context: &BuildContext) -> Result<Receiver, Vec<Problem>> {
        let made = Remade::new(Arc::clone(&self.config), context.clone())?;
        Ok(self.with(Box::new(made)))
    }
}

/// The kind that a document names.
fn kind_of(document: &Node) -> Result<&'static Kind, Problem> {
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
