//! A test whose right side comes from the event as well: `amount > val(limit)`, `name == tolower(user)`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::encoding::from_hex;
use crate::field::View;
use crate::glob::Glob;
use crate::network::address;
use crate::path::PathPattern;
use crate::test::contains_any_case;
use crate::{Comparison, Network, Number, TextOp, Verdict};

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
                each_of(items, right, Verdict::from(!items.is_empty()), Verdict::False)
            }
            (Self::Intersects, View::List(items), right) => {
                each_of(items, right, Verdict::False, Verdict::True)
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

/// More comparisons of a list's items with another list's are made through tables.
const MANY_COMPARISONS: usize = 1 << 12;
/// A list whose items would be looked for in more than this many bytes of text is not asked.
const MAX_SEARCHED_BYTES: usize = 1 << 26;

/// Whether `right` has the items: the first that is `decisive` decides, then one that is unknown, else it is `otherwise`.
fn each_of(items: &[Value], right: View<'_>, otherwise: Verdict, decisive: Verdict) -> Verdict {
    let n_right = match right {
        View::List(others) => others.len(),
        View::Text(text) if items.len().saturating_mul(text.len()) > MAX_SEARCHED_BYTES => {
            return Verdict::Unknown;
        }
        _ => 0,
    };
    let table = match right {
        View::List(others) if items.len().saturating_mul(n_right) > MANY_COMPARISONS => {
            Some(Table::of(others))
        }
        _ => None,
    };
    let mut joined = otherwise;
    for item in items {
        let verdict = View::of(item).map_or(Verdict::False, |item| match &table {
            Some(table) => table.has(item).into(),
            None => holds(right, item),
        });
        if verdict == decisive {
            return decisive;
        }
        if verdict == Verdict::Unknown {
            joined = Verdict::Unknown;
        }
    }
    joined
}

/// The items of a list, to find out at once whether a value equals one of them.
#[derive(Default)]
struct Table<'v> {
    texts: BTreeSet<&'v str>,
    numbers: BTreeSet<Number>,
    truths: BTreeSet<bool>,
    has_null: bool,
    /// Those that texts name, by the length of what their addresses have in common.
    networks: BTreeMap<u128, BTreeSet<u128>>,
}

impl<'v> Table<'v> {
    fn of(items: &'v [Value]) -> Self {
        let mut table = Self::default();
        for item in items.iter().filter_map(View::of) {
            match item {
                View::Null => table.has_null = true,
                View::Bool(truth) => _ = table.truths.insert(truth),
                View::Number(number) => _ = table.numbers.insert(number),
                View::Text(text) => {
                    table.texts.insert(text);
                    if let Some((bits, mask)) = Network::parse(text).as_ref().map(Network::place) {
                        table.networks.entry(mask).or_default().insert(bits);
                    }
                }
                View::List(_) | View::Object(_) => {}
            }
        }
        table
    }

    /// As [`equals`] of one of the items.
    fn has(&self, item: View<'_>) -> bool {
        match item {
            View::Null => self.has_null,
            View::Bool(truth) => self.truths.contains(&truth),
            View::Number(number) => self.numbers.contains(&number),
            View::Text(text) => self.texts.contains(text) || self.has_address(text),
            View::List(_) | View::Object(_) => false,
        }
    }

    fn has_address(&self, text: &str) -> bool {
        if self.networks.is_empty() {
            return false;
        }
        let Some(address) = address(text) else { return false };
        self.networks.iter().any(|(mask, networks)| networks.contains(&(address & mask)))
    }
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
