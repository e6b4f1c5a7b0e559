//! The keys of objects that a set of fields needs.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::FieldPath;
use crate::short::Short;

/// The ways to some fields, in which the common beginnings are one. The root is node 0.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    targets: Vec<Target>,
}

/// An object or a list that matters.
#[derive(Debug)]
struct Node {
    keys: Keys,
    /// Positions in a list, sorted.
    items: Box<[(usize, u32)]>,
}

/// What a key leads to.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// The fields whose value stands here.
    pub(super) values: Box<[u32]>,
    /// Where it goes on, should an object or a list stand here.
    pub(super) child: Option<u32>,
    /// The fields that are reached through `child`.
    pub(super) inside: Box<[u32]>,
}

#[derive(Debug)]
enum Keys {
    /// A few are compared one by one.
    Few(Box<[(Short, u32)]>),
    Many(HashMap<Box<str>, u32, FixedState>),
}

/// A field's number, and how many of its segments are behind.
type Way = (u32, usize);

/// Fewer keys than this are compared faster than hashed.
const FEW: usize = 8;

impl Trie {
    /// A trie of `paths`; a field's number is its place among them.
    pub(super) fn new(paths: &[FieldPath]) -> Self {
        let mut trie = Self { nodes: Vec::new(), targets: Vec::new() };
        let all: Vec<Way> = (0..).take(paths.len()).map(|slot| (slot, 0)).collect();
        trie.node(paths, &all);
        trie
    }

    /// The node for fields of which so many segments are behind.
    fn node(&mut self, paths: &[FieldPath], fields: &[Way]) -> u32 {
        let id = self.nodes.len();
        self.nodes.push(Node { keys: Keys::Few(Box::default()), items: Box::default() });
        let mut keys: BTreeMap<&str, (Vec<u32>, Vec<Way>)> = BTreeMap::new();
        let mut items = BTreeMap::new();
        for &(slot, at) in fields {
            let steps = paths[slot as usize].steps();
            let step = &steps[at];
            keys.entry(step.flat.as_str()).or_default().0.push(slot);
            if at + 1 < steps.len() {
                keys.entry(step.key.as_str()).or_default().1.push((slot, at + 1));
            }
            if let Some(position) = step.position {
                items.insert(position, step.key.as_str());
            }
        }
        let mut target_of = BTreeMap::new();
        for (key, (values, through)) in keys {
            let child = if through.is_empty() { None } else { Some(self.node(paths, &through)) };
            let inside = through.iter().map(|(slot, _)| *slot).collect();
            target_of.insert(key, self.targets.len() as u32);
            self.targets.push(Target { values: values.into(), child, inside });
        }
        let items = items.into_iter().filter_map(|(position, key)| Some((position, *target_of.get(key)?)));
        let items = items.collect();
        let keys = if target_of.len() > FEW {
            Keys::Many(target_of.into_iter().map(|(key, target)| (Box::from(key), target)).collect())
        } else {
            Keys::Few(target_of.into_iter().map(|(key, target)| (Short::new(key), target)).collect())
        };
        self.nodes[id] = Node { keys, items };
        id as u32
    }

    /// Where `key` of the object at `node` leads.
    #[inline]
    pub(super) fn key(&self, node: u32, key: &str) -> Option<u32> {
        match &self.nodes[node as usize].keys {
            Keys::Few(keys) => keys.iter().find(|(known, _)| known.is(key)).map(|(_, target)| *target),
            Keys::Many(keys) => keys.get(key).copied(),
        }
    }

    /// Where the item at `position` of the list at `node` leads.
    pub(super) fn item(&self, node: u32, position: usize) -> Option<u32> {
        let items = &self.nodes[node as usize].items;
        items.binary_search_by_key(&position, |(known, _)| *known).ok().map(|at| items[at].1)
    }

    #[inline]
    pub(super) fn target(&self, target: u32) -> &Target {
        &self.targets[target as usize]
    }
}
