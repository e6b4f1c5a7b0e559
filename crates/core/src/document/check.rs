//! The reader of a tree: it takes fields one by one, and collects every problem instead of stopping at the first.

use super::tree::{Content, Key, Node, Position, Problem};
use crate::nearest;

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
    /// The path of a field of this map, such as `rules[0].query`; for messages, whether the field is there or not.
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
