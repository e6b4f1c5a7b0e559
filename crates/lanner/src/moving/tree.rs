//! Reading a tree whose fields are another program's: what is not there is nothing.

use lanner_core::document::{Content, Key, Node, Position};

/// The value of a key.
pub(super) fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let found = entries(node).iter().find(|(key, _)| key.name == name).map(|(_, value)| value);
    found.filter(|value| value.content != Content::Null)
}

/// The keys and values of a map.
pub(super) fn entries(node: &Node) -> &[(Key, Node)] {
    match &node.content {
        Content::Map(entries) => entries,
        _ => &[],
    }
}

/// The items of a list; a single value is a list of one.
pub(super) fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| (&node.content, node)) {
        Some((Content::List(items), _)) => items.iter().collect(),
        Some((Content::Null, _)) | None => Vec::new(),
        Some((_, node)) => vec![node],
    }
}

/// The text of a key, as it was written.
pub(super) fn text(node: &Node, name: &str) -> Option<String> {
    get(node, name).and_then(Node::scalar_text)
}

/// The texts of a key that has one or a list of them.
pub(super) fn texts(node: &Node, name: &str) -> Vec<String> {
    items(get(node, name)).into_iter().filter_map(Node::scalar_text).collect()
}

/// Whether a key is true or false, in all words that YAML 1.1 has for that.
pub(super) fn truth(node: &Node, name: &str) -> Option<bool> {
    match text(node, name)?.to_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Some(true),
        "false" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

/// A tree of which so many lines lie above the text that it was read from.
pub(super) fn lines(mut node: Node, n_above: u32) -> Node {
    let moved = |at: Option<Position>| at.map(|at| Position { line: at.line + n_above, ..at });
    node.at = moved(node.at);
    match &mut node.content {
        Content::List(items) => {
            for item in items {
                *item = lines(std::mem::replace(item, Node::new(None, Content::Null)), n_above);
            }
        }
        Content::Map(entries) => {
            for (key, value) in entries {
                key.at = moved(key.at);
                *value = lines(std::mem::replace(value, Node::new(None, Content::Null)), n_above);
            }
        }
        _ => {}
    }
    node
}
