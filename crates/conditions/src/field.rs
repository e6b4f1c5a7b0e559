//! Names of fields, and where their values come from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use lanner_core::Event;
use serde_json::{Map, Value};

use crate::Number;
use crate::short::Short;
use crate::words::{is_bare_key, is_name, is_reserved, quote};

/// The name of a field: `bank`, `card.bank`, `argv[0]`, `env[HOME]`, `$["odd key"]`. Cheap to clone.
///
/// A name means an exact key of the event first (`"card.bank": 1`), then a path into nested objects and
/// lists. Where neither is there and the name ends in `.length`, it is the length of what stands before.
#[derive(Clone)]
pub struct FieldPath(Arc<Inner>);

struct Inner {
    /// The whole name as one key: the first step's, here for the quickest way to it.
    flat: Short,
    text: Arc<str>,
    steps: Box<[Step]>,
    /// The field whose length this is, should nothing be called so.
    length_of: Option<FieldPath>,
}

/// One segment of a name and all that follows it.
pub(crate) struct Step {
    /// The segment and its followers as one flat key: `card.bank`, `argv[0]`.
    pub(crate) flat: Short,
    /// The segment alone.
    pub(crate) key: Short,
    /// The segment as a position in a list.
    pub(crate) position: Option<usize>,
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
        let steps: Box<[Step]> = (0..segments.len()).map(|at| Step::new(&segments[at..])).collect();
        let flat = steps.first().map_or_else(|| Short::new(""), |step| step.flat.clone());
        let text = match segments {
            [Segment::Name(name)] if !is_reserved(name) => flat.shared(),
            _ => written(segments).into(),
        };
        Self(Arc::new(Inner { flat, text, steps, length_of }))
    }

    /// The name in its canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The value of this field in a JSON object. Cost: at most two look-ups per segment.
    #[must_use]
    #[inline(always)] // what is found is looked at at once: apart, it would go through memory
    pub fn find<'v>(&self, object: &'v Map<String, Value>) -> Option<&'v Value> {
        let Inner { flat, steps, .. } = &*self.0;
        match get(object, flat) {
            None if steps.len() > 1 => find_inside(object, steps),
            found => found,
        }
    }

    /// The fields of an object that can hold this one: in an object of only these it is what it is in the whole.
    ///
    /// ```
    /// use lanner_conditions::FieldPath;
    /// let path = FieldPath::parse("card.bank").unwrap();
    /// assert_eq!(path.holders().collect::<Vec<_>>(), ["card.bank", "card"]);
    /// ```
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        let paths = [Some(self), self.0.length_of.as_ref()].into_iter().flatten();
        paths.filter_map(|path| path.0.steps.first()).flat_map(|step| [step.flat.as_str(), step.key.as_str()])
    }

    /// The way to the value: each segment, first as one flat key with all that follows, then alone.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The field whose length this is, should nothing be called so.
    pub(crate) fn length_of(&self) -> Option<&Self> {
        self.0.length_of.as_ref()
    }

    /// The field's value or length among `fields`.
    #[inline]
    pub(crate) fn view<'v>(&self, fields: &'v impl Fields) -> Option<View<'v>> {
        match fields.view(self) {
            Some(value) => Some(value),
            None => fields.view(self.0.length_of.as_ref()?)?.length().map(View::Number),
        }
    }
}

impl Step {
    fn new(segments: &[Segment]) -> Self {
        let (Segment::Name(key) | Segment::Key(key)) = &segments[0];
        // Written in one way only, so that a key and a position never mean the same place.
        let is_position = key == "0" || key.bytes().all(|c| c.is_ascii_digit()) && !key.starts_with('0');
        let position = if is_position { key.parse().ok() } else { None };
        let key = Short::new(key.as_str());
        let flat = if segments.len() == 1 { key.clone() } else { Short::new(flat(segments)) };
        Self { flat, key, position }
    }
}

/// Segments as one key.
fn flat(segments: &[Segment]) -> String {
    let mut flat = String::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Name(name) | Segment::Key(name) if at == 0 => flat.push_str(name),
            Segment::Name(name) => flat.extend([".", name]),
            Segment::Key(key) => flat.extend(["[", key, "]"]),
        }
    }
    flat
}

/// The value of `key`. Walking over a few keys is quicker than hashing one, as the map's hash is a secret one.
#[inline(always)]
fn get<'v>(object: &'v Map<String, Value>, key: &Short) -> Option<&'v Value> {
    const FEW: usize = 10;
    if object.len() > FEW {
        return object.get(key.as_str());
    }
    object.iter().find(|(name, _)| key.is(name)).map(|(_, value)| value)
}

/// The value that the first step's key leads to, and the others inside of it.
#[inline(never)]
fn find_inside<'v>(object: &'v Map<String, Value>, steps: &[Step]) -> Option<&'v Value> {
    let (step, rest) = steps.split_first()?;
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
    let (object, step) = (inner.as_object()?, rest.first()?);
    get(object, &step.flat).or_else(|| find_inside(object, rest))
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
                quote(key, &mut text);
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
    fn view(&self, path: &FieldPath) -> Option<View<'_>>;

    /// The same, for who only wants a text: most tests do, and what they get goes through registers.
    #[inline]
    fn text(&self, path: &FieldPath) -> Found<'_> {
        match self.view(path) {
            Some(View::Text(text)) => Found::Text(text),
            Some(_) => Found::Other,
            None => Found::Nothing,
        }
    }
}

/// A field that is asked for its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'v> {
    /// It is missing.
    Nothing,
    /// It is one.
    Text(&'v str),
    /// It is something else.
    Other,
}

impl Fields for Map<String, Value> {
    #[inline(always)]
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        path.find(self).and_then(View::of)
    }

    #[inline(always)]
    fn text(&self, path: &FieldPath) -> Found<'_> {
        match path.find(self) {
            Some(Value::String(text)) => Found::Text(text),
            Some(_) => Found::Other,
            None => Found::Nothing,
        }
    }
}

impl Fields for Event {
    fn view(&self, path: &FieldPath) -> Option<View<'_>> {
        self.fields.view(path)
    }
}

/// A field's value as a condition sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View<'v> {
    /// `null`, which is a value.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// Any number.
    Number(Number),
    /// A text.
    Text(&'v str),
    /// A list.
    List(&'v [Value]),
    /// An object.
    Object(&'v Map<String, Value>),
}

impl<'v> View<'v> {
    /// A JSON value; `None` only for a number that is NaN, which counts as missing.
    #[must_use]
    #[inline(always)]
    pub fn of(value: &'v Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(Number::from_json(number)?),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items),
            Value::Object(object) => Self::Object(object),
        })
    }
}

/// What `type` and `len` say of a value; the latter is also for names that end in `.length`.
impl View<'_> {
    /// The word for its kind.
    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) => "list",
            Self::Object(_) => "object",
        }
    }

    /// Characters of a text, items of a list, keys of an object.
    pub(crate) fn length(self) -> Option<Number> {
        let length = match self {
            Self::Text(text) => text.chars().count(),
            Self::List(items) => items.len(),
            Self::Object(object) => object.len(),
            Self::Null | Self::Bool(_) | Self::Number(_) => return None,
        };
        Some(Number::from(length as u64))
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
