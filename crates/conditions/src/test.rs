//! A compiled test of one value: the semantics of every operator.

use std::cmp::Ordering;

use jiff::Timestamp;
use memchr::memmem::Finder;
use serde_json::Value;

use crate::encoding::from_hex;
use crate::field::View;
use crate::path::PathPattern;
use crate::pattern::Compiled;
use crate::time::read_time;
use crate::{Comparison, EachOp, Literal, Network, Number, TextOp, Verdict};

/// What is asked of a value, ready to be asked often. Never negated: `!=` is a negated `==`.
#[derive(Debug)]
pub(crate) enum Test {
    Truthy,
    Exists,
    Equal(Literal),
    /// A text that is equal, or an address in the network.
    Within(Box<str>, Network),
    At(Timestamp),
    /// The value's order towards the literal is `want`, or equal if `or_equal`.
    Order {
        than: Literal,
        want: Ordering,
        or_equal: bool,
    },
    OneOf(Members),
    Holds(Literal),
    Contains(Box<Finder<'static>>),
    /// In small letters.
    Icontains(Box<[u8]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<str>),
    Pattern(Compiled),
    Below(Box<[PathPattern]>),
    /// Exactly one of these, each with whether it is negated.
    ExactlyOne(Box<[(Test, bool)]>),
}

/// The right side of `in` and `intersects`.
#[derive(Debug)]
pub(crate) struct Members {
    /// Sorted, each once.
    pub(crate) items: Box<[Literal]>,
    /// Those of `items` that more than an equal text equals.
    networks: Box<[Network]>,
    times: Box<[Timestamp]>,
    /// Of a list, whether one of its items has to be among them, or all.
    any_item: bool,
}

impl Members {
    /// Of which each equals only itself: a text that names a network is but a text.
    pub(crate) fn plain(mut items: Vec<Literal>, any_item: bool) -> Self {
        items.sort_unstable();
        items.dedup();
        Self { items: items.into(), networks: Box::default(), times: Box::default(), any_item }
    }

    pub(crate) fn new(items: &[Literal], any_item: bool) -> Self {
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        let networks = items.iter().filter_map(Literal::network).collect();
        let times = items.iter().filter_map(|item| match item {
            Literal::Time(time) => Some(*time),
            _ => None,
        });
        Self { times: times.collect(), networks, items: items.into(), any_item }
    }

    /// Whether a single value is among them exactly when it equals one of `items`.
    pub(crate) fn are_plain(&self) -> bool {
        self.networks.is_empty() && self.times.is_empty()
    }

    fn have(&self, value: View<'_>) -> bool {
        // A list or an object has no order towards a literal, and equals none.
        let is_item = |value| {
            let place = |item| order(value, item).unwrap_or(Ordering::Less).reverse();
            self.items.binary_search_by(place).is_ok()
        };
        is_item(value) || !self.are_plain() && self.have_text(value)
    }

    fn have_text(&self, value: View<'_>) -> bool {
        let View::Text(text) = value else { return false };
        self.networks.iter().any(|network| network.contains(text))
            || !self.times.is_empty() && read_time(text).is_some_and(|time| self.times.contains(&time))
    }

    fn verdict(&self, value: View<'_>) -> Verdict {
        let has = |item: &Value| View::of(item).is_some_and(|item| self.have(item));
        match value {
            View::List(items) if self.any_item => items.iter().any(has).into(),
            View::List(items) => (!items.is_empty() && items.iter().all(has)).into(),
            single => self.have(single).into(),
        }
    }
}

impl Test {
    /// A comparison with a literal, and whether it negates the test.
    pub(crate) fn of_comparison(comparison: Comparison, literal: &Literal) -> (Self, bool) {
        let order = |want, or_equal| (Self::Order { than: literal.clone(), want, or_equal }, false);
        match comparison {
            Comparison::Equal => (Self::equal(literal), false),
            Comparison::NotEqual => (Self::equal(literal), true),
            Comparison::Less => order(Ordering::Less, false),
            Comparison::LessEqual => order(Ordering::Less, true),
            Comparison::Greater => order(Ordering::Greater, false),
            Comparison::GreaterEqual => order(Ordering::Greater, true),
        }
    }

    fn equal(literal: &Literal) -> Self {
        match (literal, literal.network()) {
            (Literal::Text(text), Some(network)) => Self::Within(text.as_str().into(), network),
            (Literal::Time(time), _) => Self::At(*time),
            _ => Self::Equal(literal.clone()),
        }
    }

    /// A search for a text. Hexadecimal digits that are none fit nothing; the parser refuses them.
    pub(crate) fn of_text(op: TextOp, text: &str) -> Self {
        let find = |bytes: &[u8]| Self::Contains(Box::new(Finder::new(bytes).into_owned()));
        match (op, from_hex(text)) {
            (TextOp::Contains, _) => find(text.as_bytes()),
            (TextOp::Icontains, _) => Self::Icontains(text.to_ascii_lowercase().into_bytes().into()),
            (TextOp::StartsWith, _) => Self::StartsWith(text.as_bytes().into()),
            (TextOp::EndsWith, _) => Self::EndsWith(text.into()),
            (TextOp::Bcontains, Some(bytes)) => find(&bytes),
            (TextOp::BstartsWith, Some(bytes)) => Self::StartsWith(bytes.into()),
            (TextOp::Bcontains | TextOp::BstartsWith, None) => Self::ExactlyOne(Box::default()),
        }
    }

    /// One test of several, and whether it is negated.
    pub(crate) fn of_each(op: &EachOp) -> (Self, bool) {
        match op {
            EachOp::Compare(comparison, literal) => Self::of_comparison(*comparison, literal),
            EachOp::Text(op, text) => (Self::of_text(*op, text), false),
            EachOp::Match(pattern) => (Self::Pattern(pattern.compiled().clone()), pattern.op().is_negated()),
        }
    }

    /// What the test says of a value. `Unknown`: there is no value, or none that could be asked this.
    #[inline]
    pub(crate) fn verdict(&self, value: Option<View<'_>>) -> Verdict {
        match (self, value) {
            (Self::Exists, value) => value.is_some().into(),
            (_, None) => Verdict::Unknown,
            (Self::Equal(Literal::Text(wanted)), Some(value)) => {
                matches!(value, View::Text(text) if text == wanted).into()
            }
            (Self::Equal(literal), Some(value)) => (order(value, literal) == Some(Ordering::Equal)).into(),
            (Self::OneOf(members), Some(value)) => members.verdict(value),
            (_, Some(value)) => self.rarer(value),
        }
    }

    fn rarer(&self, value: View<'_>) -> Verdict {
        match (self, value) {
            (Self::Truthy, value) => is_truthy(value).into(),
            (Self::Within(text, network), View::Text(value)) => {
                (value == &**text || network.contains(value)).into()
            }
            (Self::At(time), View::Text(text)) => (read_time(text) == Some(*time)).into(),
            (Self::Within(..) | Self::At(_), _) => Verdict::False,
            (Self::Order { than, want, or_equal }, value) => {
                let order = match (value, than) {
                    (View::Number(a), Literal::Number(b)) => a.cmp(b),
                    (View::Text(a), Literal::Text(b)) => a.cmp(b.as_str()),
                    (View::Text(a), Literal::Time(b)) => match read_time(a) {
                        Some(a) => a.cmp(b),
                        None => return Verdict::Unknown,
                    },
                    _ => return Verdict::Unknown,
                };
                (order == *want || *or_equal && order == Ordering::Equal).into()
            }
            (Self::Holds(item), value) => holds(value, item),
            (Self::ExactlyOne(tests), value) => exactly_one(tests, value),
            (_, View::Text(text)) => self.is_in_text(text).into(),
            _ => Verdict::Unknown,
        }
    }

    /// The tests that only texts have.
    fn is_in_text(&self, text: &str) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Self::Icontains(small) => contains_any_case(text.as_bytes(), small),
            Self::StartsWith(start) => text.as_bytes().starts_with(start),
            Self::EndsWith(end) => text.ends_with(&**end),
            Self::Pattern(pattern) => pattern.fits(text),
            Self::Below(paths) => paths.iter().any(|path| path.holds(text)),
            _ => false,
        }
    }

    /// The order of costs: cheap tests are asked first.
    pub(crate) const fn cost(&self) -> u8 {
        match self {
            Self::Truthy | Self::Exists | Self::Equal(_) | Self::Order { .. } => 0,
            Self::OneOf(_) | Self::StartsWith(_) | Self::EndsWith(_) => 1,
            Self::Within(..) | Self::Holds(_) | Self::Contains(_) | Self::Below(_) => 2,
            Self::Icontains(_) | Self::At(_) => 3,
            Self::Pattern(_) | Self::ExactlyOne(_) => 4,
        }
    }
}

/// Two that hold decide, whatever else is unknown; else one unknown makes it unknown.
fn exactly_one(tests: &[(Test, bool)], value: View<'_>) -> Verdict {
    let (mut n_true, mut n_unknown) = (0, 0);
    for (test, is_negated) in tests {
        match test.verdict(Some(value)).negate_if(*is_negated) {
            Verdict::True => n_true += 1,
            Verdict::Unknown => n_unknown += 1,
            Verdict::False => {}
        }
    }
    match (n_true, n_unknown) {
        (2.., _) | (0, 0) => Verdict::False,
        (_, 0) => Verdict::True,
        _ => Verdict::Unknown,
    }
}

/// The order of a value towards a literal: by kind, then by value; `None` for lists and objects.
pub(crate) fn order(value: View<'_>, literal: &Literal) -> Option<Ordering> {
    let kind = |literal: &Literal| match literal {
        Literal::Null => 0_u8,
        Literal::Bool(_) => 1,
        Literal::Number(_) => 2,
        Literal::Text(_) => 3,
        Literal::Time(_) => 4, // of which JSON has none
    };
    let value_kind = match (value, literal) {
        (View::Bool(a), Literal::Bool(b)) => return Some(a.cmp(b)),
        (View::Number(a), Literal::Number(b)) => return Some(a.cmp(b)),
        (View::Text(a), Literal::Text(b)) => return Some(a.cmp(b.as_str())),
        (View::Null, _) => 0,
        (View::Bool(_), _) => 1,
        (View::Number(_), _) => 2,
        (View::Text(_), _) => 3,
        (View::List(_) | View::Object(_), _) => return None,
    };
    Some(value_kind.cmp(&kind(literal)))
}

/// A literal as if it were a field's value; `None` for a time, of which JSON has none.
pub(crate) fn as_view(literal: &Literal) -> Option<View<'_>> {
    Some(match literal {
        Literal::Null => View::Null,
        Literal::Bool(value) => View::Bool(*value),
        Literal::Number(number) => View::Number(*number),
        Literal::Text(text) => View::Text(text),
        Literal::Time(_) => return None,
    })
}

fn is_truthy(value: View<'_>) -> bool {
    match value {
        View::Null => false,
        View::Bool(value) => value,
        View::Number(number) => number != Number::from(0_i64),
        View::Text(text) => !text.is_empty(),
        View::List(items) => !items.is_empty(),
        View::Object(object) => !object.is_empty(),
    }
}

fn holds(value: View<'_>, item: &Literal) -> Verdict {
    let is_item =
        |value: &Value| View::of(value).is_some_and(|view| order(view, item) == Some(Ordering::Equal));
    match (value, item) {
        (View::List(items), _) => items.iter().any(is_item).into(),
        (View::Text(text), Literal::Text(part)) => text.contains(part.as_str()).into(),
        (View::Object(object), Literal::Text(key)) => object.contains_key(key).into(),
        (View::Object(_), _) => Verdict::False,
        _ => Verdict::Unknown,
    }
}

/// Whether `text` contains `small`, whose ASCII letters are small, in any case of ASCII letters.
///
/// Cost: linear in the text's length, and no memory in practice, because the first byte rarely fits. Where it often
/// does, a copy of the text in small letters is searched instead.
pub(crate) fn contains_any_case(text: &[u8], small: &[u8]) -> bool {
    let Some(&first) = small.first() else { return true };
    let Some(last_start) = text.len().checked_sub(small.len()) else { return false };
    let starts = &text[..=last_start];
    let mut left = 8 * text.len();
    for at in memchr::memchr2_iter(first, first.to_ascii_uppercase(), starts) {
        if text[at..at + small.len()].eq_ignore_ascii_case(small) {
            return true;
        }
        match left.checked_sub(small.len()) {
            Some(rest) => left = rest,
            None => return memchr::memmem::find(&text[at..].to_ascii_lowercase(), small).is_some(),
        }
    }
    false
}
