//! A compiled filter at work.

use std::borrow::Cow;

use super::compare::{Ask, as_kind, related};
use super::fields::Kind;
use super::place::Places;
use super::transform::{joined, transformed};
use super::tree::{Operator, Transformer};
use crate::FieldPath;
use crate::field::{Fields, View};
use crate::getopt::getopt;
use crate::operand::Held;

/// A compiled filter.
#[derive(Debug)]
pub(super) enum Node {
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Not(Box<Node>),
    Check(Check),
}

/// A compiled check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) left: Source,
    pub(super) ask: Asked,
}

/// What is asked of the left side.
#[derive(Debug)]
pub(super) enum Asked {
    Exists,
    /// `true` for `!=`, which must hold of both ends of a connection.
    Value(Ask, bool),
    Right(Operator, Source),
}

/// Where a side's value comes from.
#[derive(Debug)]
pub(super) enum Source {
    Field(Places, Kind),
    Text(String),
    List(Vec<Source>),
    /// A transformer with what it is given.
    Made {
        by: Transformer,
        given: Vec<Source>,
        key: Option<String>,
        kind: Kind,
    },
}

impl Node {
    pub(super) fn holds(&self, event: &impl Fields) -> bool {
        match self {
            Self::And(members) => members.iter().all(|member| member.holds(event)),
            Self::Or(members) => members.iter().any(|member| member.holds(event)),
            Self::Not(inner) => !inner.holds(event),
            Self::Check(check) => check.holds(event),
        }
    }

    /// Calls `visit` with each field that it reads.
    pub(super) fn each_path<'n>(&'n self, visit: &mut impl FnMut(&'n FieldPath)) {
        match self {
            Self::And(members) | Self::Or(members) => {
                members.iter().for_each(|member| member.each_path(visit));
            }
            Self::Not(inner) => inner.each_path(visit),
            Self::Check(Check { left, ask }) => {
                left.each_path(visit);
                if let Asked::Right(_, right) = ask {
                    right.each_path(visit);
                }
            }
        }
    }
}

impl Check {
    fn holds(&self, event: &impl Fields) -> bool {
        match &self.ask {
            Asked::Exists => self.left.value(event).is_some(),
            Asked::Value(ask, is_unequal) => match &self.left {
                Source::Field(places, kind) => asked(places, *kind, ask, *is_unequal, event),
                left => left.value(event).is_some_and(|value| ask.holds(value.view())),
            },
            Asked::Right(op, right) => {
                let (Some(left), Some(value)) = (self.left.value(event), right.value(event)) else {
                    return false;
                };
                related(*op, self.left.kind(), left.view(), value.view())
            }
        }
    }
}

/// Of several values one is enough, but `!=` of a connection must hold of both its ends.
fn asked(places: &Places, kind: Kind, ask: &Ask, is_unequal: bool, event: &impl Fields) -> bool {
    let holds = |view| as_kind(kind, view).is_some_and(|value| ask.holds(value.view()));
    if places.are_ends() && is_unequal {
        return places.first(event).is_some() && !places.each(event, &mut |view| !holds(view));
    }
    places.each(event, &mut |view| holds(view))
}

impl Source {
    /// Its value; `None` where there is none.
    pub(super) fn value<'v>(&'v self, event: &'v impl Fields) -> Option<Held<'v>> {
        match self {
            Self::Field(places, kind) => as_kind(*kind, places.first(event)?),
            Self::Text(text) => Some(Held::View(View::Text(text))),
            Self::List(members) => {
                let texts = members.iter().map(|member| text(member.value(event)?.view()));
                texts.collect::<Option<_>>().map(Held::List)
            }
            Self::Made { by: Transformer::Getopt, given, key, .. } => {
                let [words, spec] = &**given else { return None };
                let spec = spec.value(event)?;
                let View::Text(spec) = spec.view() else { return None };
                getopt(&words.words(event)?, spec, key.as_deref())
            }
            Self::Made { by: Transformer::Join, given, .. } => {
                let [separator, members] = &**given else { return None };
                let separator = separator.value(event)?;
                let View::Text(separator) = separator.view() else { return None };
                joined(separator, &members.values(event)?)
            }
            Self::Made { by: Transformer::Concat, given, .. } => {
                joined("", &given.iter().map(|part| part.value(event)).collect::<Option<Vec<_>>>()?)
            }
            Self::Made { by, given, .. } => transformed(*by, given.first()?.value(event)?.view()),
        }
    }

    /// The members of a list.
    fn values<'v>(&'v self, event: &'v impl Fields) -> Option<Vec<Held<'v>>> {
        match self {
            Self::List(members) => members.iter().map(|member| member.value(event)).collect(),
            other => match other.value(event)? {
                Held::View(View::List(items)) => {
                    Some(items.iter().filter_map(View::of).map(Held::View).collect())
                }
                Held::List(items) => {
                    let text =
                        |item: serde_json::Value| item.as_str().map(|text| Held::Text(text.to_owned()));
                    items.into_iter().map(text).collect()
                }
                one => Some(vec![one]),
            },
        }
    }

    /// The words of a command line.
    fn words<'v>(&'v self, event: &'v impl Fields) -> Option<Vec<Cow<'v, str>>> {
        let word = |value: Held<'v>| match value.view() {
            View::Text(text) => Some(Cow::Owned(text.to_owned())),
            View::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        };
        Some(self.values(event)?.into_iter().filter_map(word).collect())
    }

    /// The kind of its value.
    fn kind(&self) -> Kind {
        match self {
            Self::Field(_, kind) | Self::Made { kind, .. } => *kind,
            Self::Text(_) | Self::List(_) => Kind::Text,
        }
    }

    fn each_path<'s>(&'s self, visit: &mut impl FnMut(&'s FieldPath)) {
        match self {
            Self::Field(places, _) => places.each_path(visit),
            Self::Text(_) => {}
            Self::List(given) | Self::Made { given, .. } => {
                given.iter().for_each(|given| given.each_path(visit));
            }
        }
    }
}

fn text(value: View<'_>) -> Option<serde_json::Value> {
    match value {
        View::Text(text) => Some(text.into()),
        View::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}
