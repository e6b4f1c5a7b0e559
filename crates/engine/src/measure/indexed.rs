//! Which measures of a stream an event belongs to.

use std::collections::BTreeSet;
use std::sync::Arc;

use lanner_conditions::{Condition, FieldPath, Index, Missing, Scratch};
use serde_json::{Map, Value};

use super::member::Member;

/// The conditions of all members, asked at once.
#[derive(Debug)]
pub(super) struct Indexed {
    index: Index,
    unconditional: Vec<u32>,
    /// Names of fields, sorted.
    pub(super) wanted: Arc<[Box<str>]>,
    scratch: Scratch,
    matched: Vec<u32>,
}

impl Indexed {
    pub(super) fn build(members: &[Member]) -> Self {
        let mut conditions: Vec<(u32, Condition, Missing)> = Vec::new();
        let mut unconditional = Vec::new();
        for (at, member) in members.iter().enumerate() {
            match &member.query.condition {
                Some(condition) => conditions.push((at as u32, condition.clone(), Missing::False)),
                None => unconditional.push(at as u32),
            }
        }
        Self {
            index: Index::build(conditions),
            unconditional,
            wanted: wanted(members),
            scratch: Scratch::default(),
            matched: Vec::new(),
        }
    }

    /// Where the members stand that an event belongs to.
    pub(super) fn matches(&mut self, fields: &Map<String, Value>) -> impl Iterator<Item = u32> {
        self.matched.clear();
        self.index.matches(fields, &mut self.scratch, &mut self.matched);
        self.matched.iter().chain(&self.unconditional).copied()
    }

    /// How many conditions are tried on every event.
    pub(super) fn n_unindexed(&self) -> usize {
        self.index.unindexed().len()
    }
}

/// The names, sorted, of the fields in which the members find what they look for.
fn wanted(members: &[Member]) -> Arc<[Box<str>]> {
    let mut names = BTreeSet::new();
    let mut paths = BTreeSet::new();
    for query in members.iter().map(|member| &member.query) {
        paths.extend(query.condition.iter().flat_map(Condition::fields));
        for name in
            query.measure.field.iter().map(|field| &**field).chain(query.by.iter().map(|name| &**name))
        {
            names.insert(name);
            names.extend(name.split_once('.').map(|(head, _)| head));
        }
    }
    names.extend(paths.iter().flat_map(FieldPath::holders));
    names.into_iter().map(Box::from).collect()
}
