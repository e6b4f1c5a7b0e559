//! A test whose right side comes from the event as well: `amount > val(limit)`, `name == tolower(user)`.

use std::cmp::Ordering;

use serde_json::Value;

use crate::field::View;
use crate::function::from_hex;
use crate::glob::Glob;
use crate::path::PathPattern;
use crate::test::contains_any_case;
use crate::{Comparison, Network, TextOp, Verdict};

/// What two values are asked. Never negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    /// The left one's order towards the right one, or equal if the flag is set.
    Order(Ordering, bool),
    In,
    Intersects,
    Below,
    Text(TextOp),
    /// `true`: in any case of ASCII letters.
    Glob(bool),
}

impl Relation {
    /// A comparison, and whether it negates the relation.
    pub(crate) const fn of_comparison(comparison: Comparison) -> (Self, bool) {
        match comparison {
            Comparison::Equal => (Self::Equal, false),
            Comparison::NotEqual => (Self::Equal, true),
            Comparison::Less => (Self::Order(Ordering::Less, false), false),
            Comparison::LessEqual => (Self::Order(Ordering::Less, true), false),
            Comparison::Greater => (Self::Order(Ordering::Greater, false), false),
            Comparison::GreaterEqual => (Self::Order(Ordering::Greater, true), false),
        }
    }

    /// `Unknown`: these values could not be asked this.
    pub(crate) fn verdict(self, left: View<'_>, right: View<'_>) -> Verdict {
        match (self, left, right) {
            (Self::Equal, left, right) => equals(left, right).into(),
            (Self::Order(want, or_equal), left, right) => {
                let order = match (left, right) {
                    (View::Number(a), View::Number(b)) => a.cmp(&b),
                    (View::Text(a), View::Text(b)) => a.cmp(b),
                    _ => return Verdict::Unknown,
                };
                (order == want || or_equal && order == Ordering::Equal).into()
            }
            (Self::In, View::List(items), right) => {
                items.iter().fold(Verdict::from(!items.is_empty()), |all, item| {
                    match (all, held(right, item)) {
                        (Verdict::False, _) | (_, Verdict::False) => Verdict::False,
                        (Verdict::True, verdict) => verdict,
                        (Verdict::Unknown, _) => Verdict::Unknown,
                    }
                })
            }
            (Self::Intersects, View::List(items), right) => {
                items.iter().fold(Verdict::False, |any, item| match (any, held(right, item)) {
                    (Verdict::True, _) | (_, Verdict::True) => Verdict::True,
                    (Verdict::False, verdict) => verdict,
                    (Verdict::Unknown, _) => Verdict::Unknown,
                })
            }
            (Self::In | Self::Intersects, left, right) => holds(right, left),
            (Self::Below, View::Text(path), View::Text(pattern)) => below(path, pattern).into(),
            (Self::Below, View::Text(path), View::List(patterns)) => {
                patterns.iter().filter_map(Value::as_str).any(|pattern| below(path, pattern)).into()
            }
            (Self::Text(op), View::Text(text), View::Text(part)) => find(op, text, part),
            (Self::Glob(any_case), View::Text(text), View::Text(pattern)) => {
                Glob::new(pattern, any_case).map_or(Verdict::Unknown, |glob| glob.fits(text).into())
            }
            (Self::Below | Self::Text(_) | Self::Glob(_), ..) => Verdict::Unknown,
        }
    }
}

fn equals(left: View<'_>, right: View<'_>) -> bool {
    match (left, right) {
        (View::Null, View::Null) => true,
        (View::Bool(a), View::Bool(b)) => a == b,
        (View::Number(a), View::Number(b)) => a == b,
        (View::Text(a), View::Text(b)) => {
            a == b || Network::parse(b).is_some_and(|network| network.contains(a))
        }
        _ => false,
    }
}

/// Whether `right` has `item`: among its items, in its text, as one of its keys.
fn holds(right: View<'_>, item: View<'_>) -> Verdict {
    match (right, item) {
        (View::List(items), _) => {
            items.iter().any(|other| View::of(other).is_some_and(|other| equals(item, other))).into()
        }
        (View::Text(text), View::Text(part)) => text.contains(part).into(),
        (View::Object(object), View::Text(key)) => object.contains_key(key).into(),
        (View::Object(_), _) => Verdict::False,
        _ => Verdict::Unknown,
    }
}

fn held(right: View<'_>, item: &Value) -> Verdict {
    View::of(item).map_or(Verdict::False, |item| holds(right, item))
}

fn below(path: &str, pattern: &str) -> bool {
    PathPattern::new(pattern).is_ok_and(|pattern| pattern.holds(path))
}

fn find(op: TextOp, text: &str, part: &str) -> Verdict {
    let bytes = if op.is_hex() { from_hex(part) } else { None };
    match (op, bytes) {
        (TextOp::Contains, _) => text.contains(part).into(),
        (TextOp::Icontains, _) => {
            contains_any_case(text.as_bytes(), part.to_ascii_lowercase().as_bytes()).into()
        }
        (TextOp::StartsWith, _) => text.starts_with(part).into(),
        (TextOp::EndsWith, _) => text.ends_with(part).into(),
        (TextOp::Bcontains, Some(bytes)) => memchr::memmem::find(text.as_bytes(), &bytes).is_some().into(),
        (TextOp::BstartsWith, Some(bytes)) => text.as_bytes().starts_with(&bytes).into(),
        (TextOp::Bcontains | TextOp::BstartsWith, None) => Verdict::Unknown,
    }
}
