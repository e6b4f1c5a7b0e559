//! What an index consists of once it is built.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::forest::{Accept, LiteralOf};
use super::tables::{Intervals, Networks, Prefixes, Span, Values};
use crate::FieldPath;
use crate::atom::Atom;
use crate::json::Reader;

/// Finds which of many conditions hold for an event.
///
/// Immutable: build a new one when the conditions change. Building costs a few microseconds a condition;
/// memory is in proportion to the conditions' text.
#[derive(Debug)]
pub struct Index {
    /// The callers' numbers, those of one distinct condition side by side.
    pub(super) ids: Box<[u32]>,
    pub(super) conditions: Box<[Span]>,
    pub(super) fields: Box<[Field]>,
    pub(super) tests: Box<[IndexedTest]>,
    /// Members of trees, those of one tree side by side.
    pub(super) codes: Box<[Code]>,
    pub(super) entries: Box<[Entry]>,
    /// The root is the first; there always is one.
    pub(super) nodes: Box<[Node]>,
    /// What is filed under a node and a value.
    pub(super) points: HashMap<u64, Posting, FixedState>,
    pub(super) unindexed: Box<[u32]>,
    /// Finds the fields in an event's text.
    pub(super) reader: Reader,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) path: FieldPath,
    pub(super) values: Values,
    /// The conditions with an `in` or `intersects` on this field, as a whole: asked where it is a list.
    pub(super) of_lists: Span,
}

/// A distinct test of a field.
#[derive(Debug)]
pub(super) struct IndexedTest {
    pub(super) field: u32,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// The field's value has one of these numbers, sorted; a list is asked for its items.
    OneOf(Box<[u32]>, Arc<Atom>),
    /// Anything else; the verdict is remembered.
    Other(Arc<Atom>),
}

/// A tree to ask.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    /// Nothing is left to ask.
    Done,
    /// The field's value has this number: the test that is by far the commonest, without detour.
    Equal {
        field: u32,
        value: u32,
        accept: Accept,
    },
    Literal(LiteralOf),
    /// All of a run of `Index::codes`.
    All(Span),
    /// Any of them.
    Any(Span),
}

/// A condition filed under a look-up, and what is left to ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) condition: u32,
    pub(super) rest: Code,
}

/// What is filed under a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Posting {
    List(Span),
    Node(u32),
}

/// The conditions that are told apart by further look-ups.
#[derive(Debug)]
pub(super) struct Node {
    /// Those that no look-up finds.
    pub(super) linear: Span,
    pub(super) steps: Box<[Step]>,
}

impl Default for Node {
    fn default() -> Self {
        Self { linear: Span { start: 0, end: 0 }, steps: Box::default() }
    }
}

/// The look-ups of one field.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) field: u32,
    pub(super) has_points: bool,
    pub(super) prefixes: Option<Prefixes>,
    pub(super) networks: Option<Networks>,
    pub(super) numbers: Option<Intervals>,
    pub(super) times: Option<Intervals>,
}

pub(super) const fn point_key(node: u32, value: u32) -> u64 {
    (node as u64) << 32 | value as u64
}
