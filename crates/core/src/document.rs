//! What people write, as a tree that knows where each part stands, and the reader that checks it.
//!
//! Rule files are YAML and API bodies are JSON; both become a [`Node`], and one decoder reads either. It
//! collects every problem instead of stopping at the first, and names line, column and field.

use std::fmt;

use serde_json::Value;

use crate::field::Field;
use crate::nearest;

/// A place in a file, both counted from 1; the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Where in the file, when it came from a file.
    #[serde(flatten)]
    pub at: Option<Position>,
    /// Which field, as in `rules[0].window`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, "line {}, column {}: ", at.line, at.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// Every problem found; never empty when returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A key of a map and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Where it stands.
    pub at: Option<Position>,
    /// The key.
    pub name: String,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands, when it came from a file.
    pub at: Option<Position>,
    /// The value.
    pub content: Content,
    /// What was written, where that differs from how the value is printed: `1.10`, `0x1F`, `True`.
    pub(crate) written: Option<Box<str>>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Nothing, or an explicit null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<(Key, Node)>),
}

impl Content {
    /// The kind of value, as people call it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// A value at a place.
    #[must_use]
    pub const fn new(at: Option<Position>, content: Content) -> Self {
        Self { at, content, written: None }
    }

    /// Keeps what was written where the value alone does not tell it.
    pub(crate) fn keep_written(&mut self, text: &str) {
        let is_told = match &self.content {
            Content::Int(_) | Content::Float(_) | Content::Bool(_) => {
                self.scalar_text().as_deref() == Some(text)
            }
            _ => true,
        };
        self.written = (!is_told).then(|| text.into());
    }

    /// Reads YAML. An empty text is an empty map.
    ///
    /// # Errors
    /// Where the text is not YAML.
    pub fn from_yaml(text: &str) -> Result<Self, Problem> {
        crate::yaml::parse(text)
    }

    /// The tree of a JSON value; without places.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(*value),
            Value::Number(number) => number
                .as_i64()
                .map_or_else(|| Content::Float(number.as_f64().unwrap_or(f64::NAN)), Content::Int),
            Value::String(text) => Content::Text(text.clone()),
            Value::Array(items) => Content::List(items.iter().map(Self::from_json).collect()),
            Value::Object(map) => Content::Map(
                map.iter().map(|(k, v)| (Key { at: None, name: k.clone() }, Self::from_json(v))).collect(),
            ),
        };
        Self::new(None, content)
    }

    /// The JSON value of this tree, whatever its fields mean. Documents are stored by [`crate::field::to_json`], which
    /// keeps what was written where text is expected.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Int(value) => Value::from(*value),
            Content::Float(value) => Value::from(*value),
            Content::Text(text) => Value::from(text.as_str()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|(k, v)| (k.name.clone(), v.to_json())).collect())
            }
        }
    }

    /// Text, or a number or truth value as it was written.
    #[must_use]
    pub fn scalar_text(&self) -> Option<String> {
        if let Some(written) = &self.written {
            return Some(written.to_string());
        }
        match &self.content {
            Content::Text(text) => Some(text.clone()),
            Content::Int(value) => Some(value.to_string()),
            Content::Float(value) => Some(value.to_string()),
            Content::Bool(value) => Some(value.to_string()),
            Content::Null | Content::List(_) | Content::Map(_) => None,
        }
    }

    /// A finite number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.content {
            Content::Int(value) => Some(value as f64),
            Content::Float(value) if value.is_finite() => Some(value),
            _ => None,
        }
    }
}

/// Collects problems while a tree is read.
#[derive(Debug, Default)]
pub struct Check {
    /// What was found so far.
    pub problems: Vec<Problem>,
}

impl Check {
    /// Notes a problem with the value at `node`.
    pub fn problem(&mut self, node: &Node, path: &str, message: impl Into<String>) {
        self.push(node.at, path, message.into(), None);
    }

    /// Notes a problem and what to do about it.
    pub fn push(&mut self, at: Option<Position>, path: &str, message: String, hint: Option<String>) {
        self.problems.push(Problem { at, path: path.to_owned(), message, hint });
    }

    /// Opens the map at `node`; anything else is a problem.
    pub fn map<'n>(&mut self, node: &'n Node, path: &str) -> Option<Fields<'n>> {
        let Content::Map(entries) = &node.content else {
            self.problem(node, path, format!("should be a map of fields, found {}", node.content.kind()));
            return None;
        };
        // No name comes twice: YAML is refused then, and JSON's objects have none.
        let entries = entries.iter().map(|(key, value)| (key, value, false)).collect();
        Some(Fields { node, path: path.to_owned(), entries })
    }

    /// The items of the list at `node`; a single value counts as a list of one.
    pub fn items<'n>(&self, node: &'n Node) -> Vec<&'n Node> {
        match &node.content {
            Content::List(items) => items.iter().collect(),
            Content::Null => Vec::new(),
            _ => vec![node],
        }
    }
}

/// A map being read field by field; [`Fields::finish`] reports what nobody asked for.
#[derive(Debug)]
pub struct Fields<'n> {
    /// The map itself.
    pub node: &'n Node,
    /// Its path.
    pub path: String,
    entries: Vec<(&'n Key, &'n Node, bool)>,
}

impl<'n> Fields<'n> {
    /// The path of a field of this map.
    #[must_use]
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// The value of a field; an explicit null counts as absent.
    pub fn get(&mut self, name: &str) -> Option<&'n Node> {
        let entry = self.entries.iter_mut().find(|(key, _, _)| key.name == name)?;
        entry.2 = true;
        (entry.1.content != Content::Null).then_some(entry.1)
    }

    /// The value of a field that must be there.
    pub fn require(&mut self, name: &str, example: &str, check: &mut Check) -> Option<&'n Node> {
        let found = self.get(name);
        if found.is_none() {
            let message = format!("the field \"{name}\" is missing");
            check.push(
                self.node.at,
                &self.path,
                message,
                Some(format!("write for example {name}: {example}")),
            );
        }
        found
    }

    /// A field read by `read`, whose error becomes a problem at the field.
    pub fn read<T>(
        &mut self,
        name: &str,
        check: &mut Check,
        read: impl FnOnce(&'n Node) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.get(name)?;
        match read(node) {
            Ok(value) => Some(value),
            Err(message) => {
                check.problem(node, &self.path_of(name), message);
                None
            }
        }
    }

    /// The fields nobody has asked for, as a map; they count as asked for afterwards.
    pub fn rest(&mut self) -> Node {
        let mut rest = Vec::new();
        for (key, node, asked) in &mut self.entries {
            if !std::mem::replace(asked, true) {
                rest.push(((*key).clone(), (*node).clone()));
            }
        }
        Node::new(self.node.at, Content::Map(rest))
    }

    /// [`Self::finish`] for a list of fields.
    pub fn finish_of(self, known: &[Field], check: &mut Check) {
        let names: Vec<&str> = known.iter().map(|field| field.name).collect();
        self.finish(&names, check);
    }

    /// Reports fields that nobody asked for, with the nearest known name.
    pub fn finish(self, known: &[&str], check: &mut Check) {
        for (key, _, asked) in &self.entries {
            if !asked {
                let hint = nearest(&key.name, known.iter().copied()).map_or_else(
                    || format!("known fields are {}", known.join(", ")),
                    |name| format!("did you mean \"{name}\"?"),
                );
                let message = format!("the field \"{}\" is not known here", key.name);
                check.push(key.at, &self.path_of(&key.name), message, Some(hint));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_knows_its_places() {
        let node = Node::from_yaml("a: 1\nb:\n  - x\n  - c: 25%\n").unwrap();
        let Content::Map(entries) = &node.content else { panic!("{node:?}") };
        assert_eq!(entries[1].0.at, Some(Position { line: 2, column: 1 }));
        let Content::List(items) = &entries[1].1.content else { panic!("{node:?}") };
        assert_eq!(items[1].at.map(|at| at.line), Some(4));
        assert_eq!(node.to_json(), serde_json::json!({"a": 1, "b": ["x", {"c": "25%"}]}));
        assert_eq!(Node::from_json(&node.to_json()).to_json(), node.to_json());
    }

    #[test]
    fn what_is_not_yaml_says_where() {
        let problem = Node::from_yaml("a: [1, 2\nb: }").unwrap_err();
        assert!(problem.at.is_some_and(|at| at.line >= 1), "{problem}");
        assert!(problem.message.starts_with("this is not YAML"), "{problem}");
    }
}
