//! One compiled test of one value: what every operator means.

use std::cmp::Ordering;

use memchr::memmem::Finder;
use regex::Regex;
use serde_json::Value;

use crate::field::View;
use crate::{Comparison, Literal, Number, Op, TextOp, Verdict};

/// What is asked of a value, ready to be asked often. Never negated: `!=` is a negated `==`.
#[derive(Debug)]
pub(crate) enum Test {
    Truthy,
    Exists,
    Equal(Literal),
    /// The literal's order towards the value is `want`, or equal if `or_equal`.
    Order {
        than: Literal,
        want: Ordering,
        or_equal: bool,
    },
    /// Sorted, each once.
    OneOf(Box<[Literal]>),
    Holds(Literal),
    Contains(Box<Finder<'static>>),
    /// In small letters.
    Icontains(Box<[u8]>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Regex(Regex),
}

impl Test {
    /// The test behind an operator, and whether the operator negates it.
    pub(crate) fn of(op: &Op) -> (Self, bool) {
        match op {
            Op::Truthy => (Self::Truthy, false),
            Op::Exists => (Self::Exists, false),
            Op::Compare(comparison, literal) => Self::of_comparison(*comparison, literal),
            Op::In(items) => (Self::one_of(items), false),
            Op::NotIn(items) => (Self::one_of(items), true),
            Op::Holds(item) => (Self::Holds(item.clone()), false),
            Op::NotHolds(item) => (Self::Holds(item.clone()), true),
            Op::Text(op, text) => (Self::of_text(*op, text), false),
            Op::Match(pattern) => (Self::Regex(pattern.regex().clone()), pattern.op().is_negated()),
        }
    }

    fn of_comparison(comparison: Comparison, literal: &Literal) -> (Self, bool) {
        let order = |want, or_equal| (Self::Order { than: literal.clone(), want, or_equal }, false);
        match comparison {
            Comparison::Equal => (Self::Equal(literal.clone()), false),
            Comparison::NotEqual => (Self::Equal(literal.clone()), true),
            Comparison::Less => order(Ordering::Less, false),
            Comparison::LessEqual => order(Ordering::Less, true),
            Comparison::Greater => order(Ordering::Greater, false),
            Comparison::GreaterEqual => order(Ordering::Greater, true),
        }
    }

    fn of_text(op: TextOp, text: &str) -> Self {
        match op {
            TextOp::Contains => Self::Contains(Box::new(Finder::new(text).into_owned())),
            TextOp::Icontains => Self::Icontains(text.to_ascii_lowercase().into_bytes().into()),
            TextOp::StartsWith => Self::StartsWith(text.into()),
            TextOp::EndsWith => Self::EndsWith(text.into()),
        }
    }

    fn one_of(items: &[Literal]) -> Self {
        let mut items = items.to_vec();
        items.sort_unstable();
        items.dedup();
        Self::OneOf(items.into())
    }

    /// What the test says of a field's value. `Unknown`: there is no value, or none that could be asked this.
    #[inline]
    pub(crate) fn verdict(&self, value: Option<View<'_>>) -> Verdict {
        match (self, value) {
            (Self::Exists, value) => value.is_some().into(),
            (_, None) => Verdict::Unknown,
            (Self::Truthy, Some(value)) => is_truthy(value).into(),
            (Self::Equal(literal), Some(value)) => (order(value, literal) == Some(Ordering::Equal)).into(),
            (Self::OneOf(items), Some(value)) => {
                // A list or an object has no order towards a literal, and equals none.
                items
                    .binary_search_by(|item| order(value, item).unwrap_or(Ordering::Less).reverse())
                    .is_ok()
                    .into()
            }
            (Self::Order { than, want, or_equal }, Some(value)) => {
                let order = match (value, than) {
                    (View::Number(a), Literal::Number(b)) => a.cmp(b),
                    (View::Text(a), Literal::Text(b)) => a.cmp(b.as_str()),
                    _ => return Verdict::Unknown,
                };
                (order == *want || *or_equal && order == Ordering::Equal).into()
            }
            (Self::Holds(item), Some(value)) => holds(value, item),
            (_, Some(View::Text(text))) => self.is_in_text(text).into(),
            (_, Some(_)) => Verdict::Unknown,
        }
    }

    /// The tests that only texts have.
    fn is_in_text(&self, text: &str) -> bool {
        match self {
            Self::Contains(finder) => finder.find(text.as_bytes()).is_some(),
            Self::Icontains(small) => contains_any_case(text.as_bytes(), small),
            Self::StartsWith(start) => text.starts_with(&**start),
            Self::EndsWith(end) => text.ends_with(&**end),
            Self::Regex(regex) => regex.is_match(text),
            _ => false,
        }
    }

    /// The order of costs: cheap tests are asked first.
    pub(crate) const fn cost(&self) -> u8 {
        match self {
            Self::Truthy | Self::Exists | Self::Equal(_) | Self::Order { .. } => 0,
            Self::OneOf(_) | Self::StartsWith(_) | Self::EndsWith(_) => 1,
            Self::Holds(_) | Self::Contains(_) => 2,
            Self::Icontains(_) => 3,
            Self::Regex(_) => 4,
        }
    }
}

/// The order of a value towards a literal: by kind, then by value; `None` for lists and objects.
pub(crate) fn order(value: View<'_>, literal: &Literal) -> Option<Ordering> {
    let kind = |literal: &Literal| match literal {
        Literal::Null => 0_u8,
        Literal::Bool(_) => 1,
        Literal::Number(_) => 2,
        Literal::Text(_) => 3,
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

/// A literal as if it were a field's value.
pub(crate) fn as_view(literal: &Literal) -> View<'_> {
    match literal {
        Literal::Null => View::Null,
        Literal::Bool(value) => View::Bool(*value),
        Literal::Number(number) => View::Number(*number),
        Literal::Text(text) => View::Text(text),
    }
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
/// Cost: at most the product of both lengths; in practice one pass, because the first byte rarely fits.
fn contains_any_case(text: &[u8], small: &[u8]) -> bool {
    let Some(&first) = small.first() else { return true };
    let Some(last_start) = text.len().checked_sub(small.len()) else { return false };
    let starts = &text[..=last_start];
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), starts)
        .any(|at| text[at..at + small.len()].eq_ignore_ascii_case(small))
}
