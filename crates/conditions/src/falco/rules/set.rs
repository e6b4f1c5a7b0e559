//! Many rules and one event: which of them select it.

use std::collections::HashMap;

use super::compiled::Rule;
use crate::FieldPath;
use crate::falco::event_types::EventTypes;
use crate::falco::place::path;
use crate::field::{Fields, Found};

/// Rules in force, looked up by the type of an event.
///
/// An event is held only against the rules that can select its type, in the order in which they were defined.
#[derive(Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// The places of rules that can select a type that some rule names.
    by_type: HashMap<String, Box<[usize]>>,
    /// Those that can select events of any other type, and events without one.
    others: Box<[usize]>,
    event_type: FieldPath,
}

impl RuleSet {
    /// Those of `rules` that are in force.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        let rules: Vec<_> = rules.into_iter().filter(|rule| rule.enabled).collect();
        let with = |event_type: Option<&str>| {
            let places = rules.iter().enumerate().filter(|(_, rule)| rule.event_types.have(event_type));
            places.map(|(at, _)| at).collect::<Box<[usize]>>()
        };
        let mut by_type = HashMap::new();
        for rule in &rules {
            let (EventTypes::Only(types) | EventTypes::AllBut(types)) = &rule.event_types;
            for event_type in types {
                by_type.entry(event_type.clone()).or_insert_with(|| with(Some(event_type)));
            }
        }
        let others = with(None);
        Self { by_type, others, event_type: path("evt.type", None), rules }
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that select an event, in the order in which they were defined; Falco tells only the first.
    pub fn matching<'s>(&'s self, event: &'s impl Fields) -> impl Iterator<Item = &'s Rule> {
        let candidates = match event.text(&self.event_type) {
            Found::Text(event_type) => self.by_type.get(event_type),
            Found::Nothing | Found::Other => None,
        };
        let candidates = candidates.unwrap_or(&self.others);
        candidates.iter().map(|&at| &self.rules[at]).filter(|rule| rule.filter.matches(event))
    }

    /// How many rules must be held against events of any type.
    #[must_use]
    pub fn n_for_all_types(&self) -> usize {
        self.others.len()
    }
}
