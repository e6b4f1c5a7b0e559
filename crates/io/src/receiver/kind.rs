//! One kind of receiver: what its document can be asked, and how it is decoded.

use std::fmt;

use lanner_core::field::{Field, Type};
use lanner_core::time::{format_duration, parse_duration_ms};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::action::ActionPlan;
use super::context::BuildContext;
use super::{Problem, Transport};

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
    /// What is to be done about each alert, if it acts instead of sending messages.
    fn plan(&self) -> Option<ActionPlan> {
        None
    }
    /// Looks up secrets and makes the transport. Called after `check` found nothing.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>>;
}

pub(super) type Decode = fn(Map<String, Value>) -> (Box<dyn KindConfig>, Vec<Problem>);

/// For receivers that make a connection of their own.
pub(super) const CA_FILE: Field =
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "CA certificates to trust besides the system's, PEM");
/// For every kind.
pub(super) const TIMEOUT: Field =
    Field::new("timeout", "10s", "timeout of one attempt, 100ms to 10m").of(Type::Duration).or("10s");

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
