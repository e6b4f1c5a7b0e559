//! Takes values out of the YAML of a rule file, with Falco's words where they are not as it wants them.

use lanner_core::document::{Content, Key, Node};

use super::report::Code;

/// Why an item is refused, and the value that it is about.
#[derive(Debug)]
pub(super) struct Refusal<'n> {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) node: Option<&'n Node>,
}

pub(super) type Taken<'n, T> = Result<T, Refusal<'n>>;

/// A refusal of what stands at `node`.
pub(super) fn refuse<'n, T>(node: &'n Node, message: impl Into<String>) -> Taken<'n, T> {
    Err(Refusal { code: Code::YamlValidate, message: message.into(), node: Some(node) })
}

/// A map of a rule file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'n> {
    pub(super) node: &'n Node,
    pub(super) entries: &'n [(Key, Node)],
}

impl<'n> Item<'n> {
    pub(super) fn of(node: &'n Node) -> Option<Self> {
        match &node.content {
            Content::Map(entries) => Some(Self { node, entries }),
            _ => None,
        }
    }

    /// The value of a key, be it nothing.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(known, _)| known.name == key).map(|(_, value)| value)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str) -> Taken<'n, String> {
        self.value(key, text)
    }

    /// A value that must be there.
    pub(super) fn value<T>(&self, key: &str, read: impl FnOnce(&'n Node) -> Option<T>) -> Taken<'n, T> {
        match self.optional(key, read)? {
            Some(value) => Ok(value),
            None => refuse(self.node, format!("Item has no mapping for key '{key}'")),
        }
    }

    /// A value that may be absent, but not empty.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'n Node) -> Option<T>,
    ) -> Taken<'n, Option<T>> {
        let Some(node) = self.get(key) else { return Ok(None) };
        match &node.content {
            Content::Null => refuse(node, format!("Mapping for key '{key}' is empty")),
            Content::List(_) | Content::Map(_) => refuse(node, "Value is not a scalar value"),
            Content::Text(text) if text.is_empty() => refuse(node, "Value must be non-empty"),
            _ => match read(node) {
                Some(value) => Ok(Some(value)),
                None => refuse(node, "Can't decode YAML scalar value"),
            },
        }
    }

    /// The texts of a list; `None` where the key is absent.
    pub(super) fn texts(&self, key: &str) -> Taken<'n, Option<Vec<String>>> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let Content::List(items) = &node.content else { return refuse(node, "Value is not a sequence") };
        let each =
            |item: &'n Node| text(item).map_or_else(|| refuse(item, "sequence value is not scalar"), Ok);
        items.iter().map(each).collect::<Result<_, _>>().map(Some)
    }
}

/// A scalar as it is written; nothing and an empty text alike.
pub(super) fn text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Null => Some(String::new()),
        _ => node.scalar_text(),
    }
}

/// A truth in any of the words of YAML 1.1.
pub(super) fn truth(node: &Node) -> Option<bool> {
    let word = node.scalar_text()?;
    let is = |words: [&str; 4]| {
        words.iter().any(|known| {
            let first_is_large = known[..1].to_ascii_uppercase() + &known[1..];
            word == *known || word == known.to_ascii_uppercase() || word == first_is_large
        })
    };
    match (is(["true", "yes", "on", "y"]), is(["false", "no", "off", "n"])) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// A whole number of 32 bits.
pub(super) fn number(node: &Node) -> Option<u32> {
    node.scalar_text()?.parse().ok()
}
