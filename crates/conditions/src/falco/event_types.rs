//! Which types of events a filter can select, so that others need not be held against it.

use std::collections::BTreeSet;

use super::tree::{Check, Filter, Operand, Operator, Right};

/// The types of events that a filter can select.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTypes {
    /// These: none where nothing can be selected.
    Only(BTreeSet<String>),
    /// All but these.
    AllBut(BTreeSet<String>),
}

/// A rule on more types of events than this is one on nearly all. Falco says it in codes, of which a type has two.
const MANY: usize = 50;

impl EventTypes {
    /// Those of a filter whose macros were replaced by what they stand for.
    ///
    /// ```
    /// use lanner_conditions::falco::{EventTypes, parse};
    /// let types = EventTypes::of(&parse("(evt.type in (open, openat) or evt.num = 0) and not evt.type = open").unwrap());
    /// assert_eq!(types, EventTypes::Only(["openat".to_owned()].into()));
    /// ```
    #[must_use]
    pub fn of(filter: &Filter) -> Self {
        of(filter, &["evt.type"], false)
    }

    /// As [`Self::of`], where `syscall.type` says the type as well: so Falco counts them.
    pub(super) fn counted(filter: &Filter) -> Self {
        of(filter, &["evt.type", "syscall.type"], false)
    }

    /// Whether events of this type can be selected; `None` for an event without a type.
    #[must_use]
    pub fn have(&self, event_type: Option<&str>) -> bool {
        match self {
            Self::Only(types) => event_type.is_some_and(|event_type| types.contains(event_type)),
            Self::AllBut(types) => event_type.is_none_or(|event_type| !types.contains(event_type)),
        }
    }

    /// Whether they are nearly all types, so that every event must be held against the filter.
    #[must_use]
    pub fn are_many(&self) -> bool {
        match self {
            Self::Only(types) => types.len() > MANY,
            Self::AllBut(_) => true,
        }
    }

    const fn all() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    fn inverted_if(self, is_negated: bool) -> Self {
        match (self, is_negated) {
            (Self::Only(types), true) => Self::AllBut(types),
            (Self::AllBut(types), true) => Self::Only(types),
            (types, false) => types,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(&a & &b),
            (Self::Only(a), Self::AllBut(b)) | (Self::AllBut(b), Self::Only(a)) => Self::Only(&a - &b),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(&a | &b),
        }
    }

    fn or(self, other: Self) -> Self {
        self.inverted_if(true).and(other.inverted_if(true)).inverted_if(true)
    }
}

fn of(filter: &Filter, fields: &[&str], is_negated: bool) -> EventTypes {
    let all = |members: &[Filter]| {
        members.iter().fold(EventTypes::all(), |types, member| types.and(of(member, fields, is_negated)))
    };
    let any = |members: &[Filter]| {
        members.iter().fold(EventTypes::none(), |types, member| types.or(of(member, fields, is_negated)))
    };
    match filter {
        Filter::And(members) if is_negated => any(members),
        Filter::Or(members) if is_negated => all(members),
        Filter::And(members) => all(members),
        Filter::Or(members) => any(members),
        Filter::Not(inner) => of(inner, fields, !is_negated),
        // What says nothing of types says nothing of them when it is negated.
        Filter::Macro(_) => EventTypes::all(),
        Filter::Check(check) => {
            of_check(check, fields).map_or_else(EventTypes::all, |types| types.inverted_if(is_negated))
        }
    }
}

fn of_check(check: &Check, fields: &[&str]) -> Option<EventTypes> {
    let Operand::Field(field) = &check.left else { return None };
    let values = match &check.right {
        Right::Value(value) => std::slice::from_ref(value),
        Right::List(values) => values.as_slice(),
        _ => return None,
    };
    match (field.name.as_str(), &field.argument) {
        (name, None) if fields.contains(&name) => {
            let types = EventTypes::Only(values.iter().cloned().collect());
            match check.op {
                Operator::Equal | Operator::EqualTwice | Operator::In => Some(types),
                Operator::NotEqual => Some(types.inverted_if(true)),
                _ => None,
            }
        }
        ("evt.num", None) => of_number(check.op, values),
        _ => None,
    }
}

/// `evt.num` counts from 1, so some tests of it are always false or always true.
fn of_number(op: Operator, values: &[String]) -> Option<EventTypes> {
    let numbers: Option<Vec<u64>> = values.iter().map(|value| value.parse().ok()).collect();
    let numbers = numbers?;
    if op == Operator::In {
        return numbers.iter().all(|number| *number == 0).then(EventTypes::none);
    }
    let number = *numbers.first()?;
    match op {
        Operator::Equal | Operator::EqualTwice | Operator::LessEqual if number == 0 => {
            Some(EventTypes::none())
        }
        Operator::Less if number <= 1 => Some(EventTypes::none()),
        Operator::NotEqual | Operator::Greater if number == 0 => Some(EventTypes::all()),
        Operator::GreaterEqual if number <= 1 => Some(EventTypes::all()),
        _ => None,
    }
}
