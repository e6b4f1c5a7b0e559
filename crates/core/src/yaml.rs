//! YAML text into a located tree. The only file that knows the YAML library.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::document::{Content, Key, Node, Position, Problem};

/// Reads one YAML document; an empty one is an empty map.
///
/// The library bounds depth, aliases and size, so hostile input is an error, not a burden.
///
/// # Errors
/// The first place where the text is not YAML; nothing after it can be trusted.
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { at: None, content: Content::Map(Vec::new()) });
    }
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options(text)) {
        Ok(tree) => Ok(node(tree)),
        Err(error) => Err(problem(&error)),
    }
}

/// A file may hold as much as it has bytes for: the library's own bounds are below ten thousand rules. What aliases
/// repeat stays bounded by the library, whatever the size of the file.
fn options(text: &str) -> serde_saphyr::Options {
    let bounds = serde_saphyr::Budget::default();
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: bounds.max_nodes.max(text.len()),
            max_events: bounds.max_events.max(text.len().saturating_mul(2)),
            max_total_scalar_bytes: bounds.max_total_scalar_bytes.max(text.len()),
        },
    }
}

fn problem(error: &serde_saphyr::Error) -> Problem {
    let at = error.location().map(|at| Position { line: at.line() as u32, column: at.column() as u32 });
    // The first line says what is wrong; the rest repeats the source text.
    let rendered = error.without_snippet().to_string();
    let message = rendered.lines().next().unwrap_or("is not readable").to_owned();
    Problem { at, path: String::new(), message: format!("this is not YAML: {message}"), hint: None }
}

fn node(tree: Spanned<Tree>) -> Node {
    let at = Position { line: tree.referenced.line() as u32, column: tree.referenced.column() as u32 };
    let content = match tree.value {
        Tree::Scalar(content) => content,
        Tree::List(items) => Content::List(items.into_iter().map(node).collect()),
        Tree::Map(entries) => Content::Map(entries.into_iter().map(|(k, v)| (key(k), node(v))).collect()),
    };
    Node { at: (at.line > 0).then_some(at), content }
}

fn key(key: Spanned<String>) -> Key {
    let at = Position { line: key.referenced.line() as u32, column: key.referenced.column() as u32 };
    Key { at: (at.line > 0).then_some(at), name: key.value }
}

enum Tree {
    Scalar(Content),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<String>, Spanned<Tree>)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value, a list or a map")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Int(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(i64::try_from(value).map_or(Content::Float(value as f64), Content::Int)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Text(value.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Content::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Tree::Map(entries))
    }
}
