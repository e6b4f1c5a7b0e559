//! Names of fields, and where their values come from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use lanner_core::Event;
use serde_json::{Map, Value};

use crate::Number;
use crate::words::{is_bare_key, is_name, is_reserved};

/// The name of a field: `bank`, `card.bank`, `argv[0]`, `env[HOME]`, `$["odd key"]`. Cheap to clone.
///
/// A name means an exact key of the event first (`"card.bank": 1`), then a path into nested objects and
/// lists. Where neither is there and the name ends in `.length`, it is the length of what stands before.
#[derive(Clone)]
pub struct FieldPath(Arc<Inner>);

struct Inner {
    text: Box<str>,
    steps: Box<[Step]>,
    /// The field whose length this is, should nothing be called so.
    length_of: Option<FieldPath>,
}

/// One segment of a name and all that follows it.
struct Step {
    /// The segment and its followers as one flat key: `card.bank`, `argv[0]`.
    flat: Box<str>,
    /// The segment alone.
    key: Box<str>,
    /// The segment as a position in a list.
    position: Option<usize>,
}

/// One part of a name, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// `name` at the start, or `.name`.
    Name(String),
    /// `$["key"]` at the start, or `[key]`, `[0]`, `["key"]`.
    Key(String),
}

/// More segments than this are refused.
pub(crate) const MAX_SEGMENTS: usize = 64;

impl FieldPath {
    /// Reads a name as it is written in a condition.
    ///
    /// ```
    /// use lanner_rules::FieldPath;
    /// assert_eq!(FieldPath::parse(" card.bank ").unwrap().as_str(), "card.bank");
    /// assert!(FieldPath::parse("card bank").is_err());
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<crate::Problem>> {
        crate::parse::parse_field(text)
    }

    /// A name from its parts: at least one, at most [`MAX_SEGMENTS`].
    pub(crate) fn new(segments: &[Segment]) -> Self {
        let length_of = match segments {
            [before @ .., Segment::Name(last)] if last == "length" && !before.is_empty() => {
                Some(Self::of(before, None))
            }
            _ => None,
        };
        Self::of(segments, length_of)
    }

    fn of(segments: &[Segment], length_of: Option<Self>) -> Self {
        let steps = (0..segments.len()).map(|at| Step::new(&segments[at..])).collect();
        Self(Arc::new(Inner { text: written(segments).into(), steps, length_of }))
    }

    /// The name in its canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The value of this field in a JSON object. Cost: at most two look-ups per segment.
    #[must_use]
    pub fn find<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v Value> {
        find(object, &self.0.steps)
    }

    /// The fields of an object that can hold this one: in an object of only these it is what it is in the whole.
    ///
    /// ```
    /// use lanner_rules::FieldPath;
    /// let path = FieldPath::parse("card.bank").unwrap();
    /// assert_eq!(path.holders().collect::<Vec<_>>(), ["card.bank", "card"]);
    /// ```
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        let paths = [Some(self), self.0.length_of.as_ref()].into_iter().flatten();
        paths.filter_map(|path| path.0.steps.first()).flat_map(|step| [&*step.flat, &*step.key])
    }

    /// The field's value or length among `fields`.
    pub(crate) fn view<'v>(&self, fields: &'v impl Fields) -> Option<View<'v>> {
        match fields.field(self) {
            Some(value) => View::of(value),
            None => View::of(fields.field(self.0.length_of.as_ref()?)?)?.length(),
        }
    }
}

impl Step {
    fn new(segments: &[Segment]) -> Self {
        let (Segment::Name(key) | Segment::Key(key)) = &segments[0];
        let mut flat = key.clone();
        for segment in &segments[1..] {
            match segment {
                Segment::Name(name) => flat.extend([".", name]),
                Segment::Key(key) => flat.extend(["[", key, "]"]),
            }
        }
        Self { flat: flat.into(), key: key.as_str().into(), position: key.parse().ok() }
    }
}

/// The value of `key`. Walking over a few keys is quicker than hashing one, as the map's hash is a secret one.
#[inline]
fn get<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    const FEW: usize = 10;
    if object.len() > FEW {
        return object.get(key);
    }
    object.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value)
}

fn find<'v>(object: &'v Map<String, Value>, steps: &[Step]) -> Option<&'v Value> {
    let (step, rest) = steps.split_first()?;
    if let Some(value) = get(object, &step.flat) {
        return Some(value);
    }
    let (next, _) = rest.split_first()?;
    let mut inner = get(object, &step.key)?;
    let (mut next, mut rest) = (next, rest);
    while let Value::Array(items) = inner {
        inner = items.get(next.position?)?;
        rest = &rest[1..];
        match rest.first() {
            Some(step) => next = step,
            None => return Some(inner),
        }
    }
    find(inner.as_object()?, rest)
}

/// The canonical text of a name.
fn written(segments: &[Segment]) -> String {
    let mut text = String::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Name(name) if at > 0 => text.extend([".", name]),
            Segment::Name(name) if !is_reserved(name) => text.push_str(name),
            Segment::Key(key) if at == 0 && is_name(key) && !is_reserved(key) => text.push_str(key),
            Segment::Key(key) if at > 0 && is_bare_key(key) => text.extend(["[", key, "]"]),
            Segment::Name(key) | Segment::Key(key) => {
                text.push_str(if at == 0 { "$[" } else { "[" });
                crate::print::quote(key, &mut text);
                text.push(']');
            }
        }
    }
    text
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for FieldPath {}

impl Hash for FieldPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.text.hash(state);
    }
}

impl PartialOrd for FieldPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FieldPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.text.cmp(&other.0.text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldPath({})", self.0.text)
    }
}

/// Where a condition finds the values of its fields.
pub trait Fields {
    /// The value of the field called `path`; `None` when it is missing, which JSON's `null` is not.
    fn field(&self, path: &FieldPath) -> Option<&Value>;
}

impl Fields for Map<String, Value> {
    fn field(&self, path: &FieldPath) -> Option<&Value> {
        path.find(self)
    }
}

impl Fields for Event {
    fn field(&self, path: &FieldPath) -> Option<&Value> {
        path.find(&self.fields)
    }
}

/// A field's value as a condition sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'v> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'v str),
    List(&'v [Value]),
    Object(&'v Map<String, Value>),
}

impl<'v> View<'v> {
    /// A JSON value; `None` only for a number that is NaN, which counts as missing.
    pub(crate) fn of(value: &'v Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(Number::from_json(number)?),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items),
            Value::Object(object) => Self::Object(object),
        })
    }

    /// Characters of a text, items of a list, keys of an object.
    fn length(self) -> Option<Self> {
        let length = match self {
            Self::Text(text) => text.chars().count(),
            Self::List(items) => items.len(),
            Self::Object(object) => object.len(),
            Self::Null | Self::Bool(_) | Self::Number(_) => return None,
        };
        Some(Self::Number((length as u64).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_finds_its_value() {
        #[track_caller]
        fn check(name: &str, value: impl Into<Option<Value>>) {
            let json = json!({
                "bank": "ing", "card.no": 1, "card": {"no": 2, "bank": "hsbc", "a.b": 3},
                "l": [10, {"k": 11}, [12]], "argv[0]": "sh", "odd key": 13, "in": 14,
                "env": {"HOME": "/root", "7": 15}, "length": 16,
            });
            let object = json.as_object().unwrap();
            let path = FieldPath::parse(name).unwrap();
            assert_eq!(path.find(object), value.into().as_ref(), "{name}");
            assert_eq!(FieldPath::parse(path.as_str()).unwrap(), path, "{name}");
        }
        check("bank", json!("ing"));
        check("card.no", json!(1)); // the exact key comes first
        check("card[no]", json!(2));
        check("card.bank", json!("hsbc"));
        check("card&.bank", json!("hsbc"));
        check("card.a.b", json!(3)); // as `lanner_core::event::lookup` does
        check("l[0]", json!(10));
        check("l[1].k", json!(11));
        check("l[2][0]", json!(12));
        check("l[3]", None);
        check("l.0", json!(10));
        check("l[1]", json!({"k": 11}));
        check("argv[0]", json!("sh"));
        check(r#"$["odd key"]"#, json!(13));
        check(r#"$["in"]"#, json!(14));
        check(r#"$["bank"]"#, json!("ing"));
        check(r#"env["HOME"]"#, json!("/root"));
        check("env[7]", json!(15));
        check("bank.x", None);
        check("length", json!(16));
    }
}
