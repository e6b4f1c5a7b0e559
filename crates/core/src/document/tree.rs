//! The tree of what was written, each part with its place, and what may be wrong with it.

use std::fmt;

use serde_json::Value;

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
            Self::Float(value) if !value.is_finite() => "a number that is not finite",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// A value that stands at a place of a file; `None` for one from elsewhere.
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
        let mut node = Self::new(None, content);
        if let Value::Number(number) = value
            && number.is_u64()
        {
            node.keep_written(&number.to_string()); // of those above 63 bits the last digits would be lost
        }
        node
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

    /// `true` or `false`, which may also be written `yes` or `no`, `on` or `off`.
    ///
    /// # Errors
    /// For anything else.
    pub fn truth(&self) -> Result<bool, String> {
        match &self.content {
            Content::Bool(value) => Ok(*value),
            // Plain words are text in YAML 1.2; files written for 1.1 mean a truth where one is expected.
            Content::Text(word) => match word.to_ascii_lowercase().as_str() {
                "yes" | "on" => Ok(true),
                "no" | "off" => Ok(false),
                _ => Err(format!("should be true or false, found \"{word}\"")),
            },
            other => Err(format!("should be true or false, found {}", other.kind())),
        }
    }

    /// The number, if the node is a finite one. Whole numbers beyond 2^53 are rounded; text that looks like a number is
    /// none.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self.content {
            Content::Int(value) => Some(value as f64),
            Content::Float(value) if value.is_finite() => Some(value),
            _ => None,
        }
    }
}
