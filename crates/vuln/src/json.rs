//! JSON in constant memory: of a large document only the values at the wanted places are kept, one at a time.

use std::fmt;
use std::io::BufReader;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::error::ReadError;
use crate::input::{Text, WithoutTrailingCommas};
use crate::sink::Sink;

/// Places in a document: names of members, and `*` for all items of a list. `["runs", "*", "tool"]`.
pub(crate) type Place = &'static [&'static str];

/// Takes the value at a place: the place's index in the list of those wanted, and the value.
pub(crate) type Take<'t> = &'t mut dyn FnMut(usize, Value) -> Result<(), ReadError>;

/// Reads all documents of a text, one after the other, and hands out the values at the wanted places in document order.
///
/// A text with trailing commas is read as if they were not there, with a warning.
pub(crate) fn walk(
    text: Text<'_>,
    wanted: &[Place],
    sink: &mut Sink<'_>,
    take: &mut dyn FnMut(&mut Sink<'_>, usize, Value) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let text = WithoutTrailingCommas::new(text);
    let dropped = std::rc::Rc::clone(&text.dropped);
    let mut text = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, text));
    let mut failed = None;
    while text.end().is_err() {
        let active: Vec<(usize, Place)> = wanted.iter().copied().enumerate().collect();
        let mut hand_out = |at: usize, value: Value| take(sink, at, value);
        let walker = Walker { wanted: active, take: &mut hand_out, failed: &mut failed };
        if let Err(error) = walker.deserialize(&mut text) {
            return Err(failed.take().unwrap_or_else(|| failure(&error)));
        }
    }
    if dropped.get() > 0 {
        sink.warn(format!("{} commas before closing brackets were ignored", dropped.get()));
    }
    Ok(())
}

fn failure(error: &serde_json::Error) -> ReadError {
    let at = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Eof => {
            ReadError::Truncated { at, problem: "brackets are still open".to_owned() }
        }
        serde_json::error::Category::Io => ReadError::Io(std::io::Error::other(error.to_string())),
        _ => {
            let text = error.to_string();
            let problem = text.split(" at line ").next().unwrap_or_default().to_owned();
            ReadError::Malformed { at, problem }
        }
    }
}

struct Walker<'w, 't> {
    /// The wanted places below here, with what is left of their paths.
    wanted: Vec<(usize, Place)>,
    take: Take<'t>,
    failed: &'w mut Option<ReadError>,
}

impl Walker<'_, '_> {
    /// The places below a member or an item, and the one that ends there.
    fn below(&self, name: &str) -> (Option<usize>, Vec<(usize, Place)>) {
        let matching = self.wanted.iter().filter_map(|(at, place)| {
            let (first, rest) = place.split_first()?;
            (*first == name).then_some((*at, rest))
        });
        let (ends, rest): (Vec<_>, Vec<_>) = matching.partition(|(_, rest)| rest.is_empty());
        (ends.first().map(|(at, _)| *at), rest)
    }

    fn keep<E: serde::de::Error>(&mut self, at: usize, value: Value) -> Result<(), E> {
        (self.take)(at, value).map_err(|error| {
            let text = error.to_string();
            *self.failed = Some(error);
            E::custom(text)
        })
    }
}

impl<'de> DeserializeSeed<'de> for Walker<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walker<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        if self.wanted.iter().any(|(_, place)| place.is_empty()) {
            // The whole document is wanted.
            let value: Value =
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
            let at = self.wanted.iter().find(|(_, place)| place.is_empty()).map_or(0, |(at, _)| *at);
            return self.keep(at, value);
        }
        while let Some(name) = map.next_key::<String>()? {
            match self.below(&name) {
                (Some(at), _) => {
                    let value = map.next_value()?;
                    self.keep(at, value)?;
                }
                (None, rest) if rest.is_empty() => drop(map.next_value::<IgnoredAny>()?),
                (None, rest) => {
                    map.next_value_seed(Walker {
                        wanted: rest,
                        take: &mut *self.take,
                        failed: &mut *self.failed,
                    })?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let (ends, rest) = self.below("*");
        loop {
            match ends {
                Some(at) => match items.next_element::<Value>()? {
                    Some(value) => self.keep(at, value)?,
                    None => return Ok(()),
                },
                None if rest.is_empty() => {
                    if items.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(());
                    }
                }
                None => {
                    let walker =
                        Walker { wanted: rest.clone(), take: &mut *self.take, failed: &mut *self.failed };
                    if items.next_element_seed(walker)?.is_none() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A member's text; empty if there is none. Numbers are written out.
pub(crate) fn text(value: &Value, path: &[&str]) -> String {
    match at(value, path) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The value at a path.
pub(crate) fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// The items of the list at a path; none if there is no list.
pub(crate) fn items<'v>(value: &'v Value, path: &[&str]) -> impl Iterator<Item = &'v Value> + use<'v> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// The texts of the list at a path, or the one text there.
pub(crate) fn texts(value: &Value, path: &[&str]) -> Vec<String> {
    match at(value, path) {
        Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
