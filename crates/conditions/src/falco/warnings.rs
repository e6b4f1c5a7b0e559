//! What a filter may say and hardly means.

use super::fields::kind_of;
use super::tree::{Check, Field, Filter, Operand, Operator, Right, Transformer};

/// Something that is allowed and hardly meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) about: About,
    /// The field or value that it is about, as it is written.
    pub(super) part: String,
    pub(super) message: String,
}

/// What a doubt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// `ka.verb = <NA>`
    NotAvailable,
    Deprecated,
    /// A value that looks like something else.
    Value,
}

/// Fields that Falco fills no more.
pub(super) const DEPRECATED: [&str; 6] =
    ["evt.dir", "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency"];

/// All doubts of a filter: each deprecated field once.
pub(super) fn doubts(filter: &Filter) -> Vec<Doubt> {
    let mut doubts: Vec<Doubt> = Vec::new();
    filter.each_check(&mut |check| {
        for doubt in [deprecated(check), not_available(check)].into_iter().flatten() {
            if !doubts.iter().any(|other| (other.about, &other.part) == (doubt.about, &doubt.part)) {
                doubts.push(doubt);
            }
        }
        doubts.extend(values(check).iter().flat_map(|value| of_value(check.op, value)));
    });
    doubts.sort_by_key(|doubt| doubt.about);
    doubts
}

fn deprecated(check: &Check) -> Option<Doubt> {
    let Operand::Field(Field { name, .. }) = &check.left else { return None };
    let part = *DEPRECATED.iter().find(|deprecated| *deprecated == name)?;
    let message = match part {
        "evt.dir" => {
            "Falco has no enter events any more: `evt.dir = <` is always true, `evt.dir = >` never; leave it out"
        }
        _ => "Falco has no enter events any more, so this field has no value",
    };
    Some(Doubt { about: About::Deprecated, part: part.to_owned(), message: format!("`{part}`: {message}") })
}

fn not_available(check: &Check) -> Option<Doubt> {
    let Operand::Field(Field { name, .. }) = &check.left else { return None };
    let is_unsafe = name.starts_with("ka.") || name.starts_with("jevt.");
    let is_equality = matches!(
        check.op,
        Operator::Equal
            | Operator::EqualTwice
            | Operator::NotEqual
            | Operator::In
            | Operator::Intersects
            | Operator::Pmatch
    );
    let part = values(check).iter().find(|value| *value == "<NA>").filter(|_| is_unsafe && is_equality)?;
    let message = format!("`{name}` never has the value <NA>; ask with `exists` whether it is there");
    Some(Doubt { about: About::NotAvailable, part: part.clone(), message })
}

fn values(check: &Check) -> &[String] {
    match &check.right {
        Right::Value(value) | Right::HowManyNamed(_, value) => std::slice::from_ref(value),
        Right::List(values) | Right::HowMany(_, values) => values,
        Right::Nothing | Right::Field { .. } | Right::Transformed(_) => &[],
    }
}

fn of_value(op: Operator, value: &str) -> impl Iterator<Item = Doubt> {
    let doubt = |message: String| Doubt { about: About::Value, part: value.to_owned(), message };
    let simple = (op == Operator::Regex && is_simple(value)).then(|| {
        doubt(format!(
            "the regular expression `{value}` may be written as `=`, `contains`, `startswith` or `endswith`, which \
             are quicker"
        ))
    });
    let bare: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let is_field = kind_of(bare.split('[').next().unwrap_or_default()).is_some();
    let field = is_field.then(|| {
        doubt(format!("`{value}` is a text here, though there is such a field; its value is `val({bare})`"))
    });
    let begins = |word: &str| bare.strip_prefix(word).is_some_and(|rest| rest.starts_with('('));
    let is_call =
        bare.ends_with(')') && (begins("val") || Transformer::ALL.iter().any(|by| begins(by.word())));
    let call = is_call
        .then(|| doubt(format!("`{value}` is a text here; leave out the quotes to transform a field")));
    [simple, field, call].into_iter().flatten()
}

/// Whether a regular expression has no special characters but anchors, and `.*` and its kin at its ends.
fn is_simple(regex: &str) -> bool {
    let repeated = |rest: &str, at_end: bool| {
        let mut chars = rest.chars();
        let is_any = chars.next() == Some('.') && chars.next().is_some_and(|c| "+*?".contains(c));
        is_any && (!at_end || chars.next().is_none())
    };
    let inner = regex.strip_prefix('^').unwrap_or(regex);
    let inner = if inner.len() == regex.len() && repeated(inner, false) { &inner[2..] } else { inner };
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let end = inner.len().saturating_sub(2);
    let inner = match inner.get(end..) {
        Some(last) if repeated(last, true) => &inner[..end],
        _ => inner,
    };
    !inner.contains(|c| ".+*?^$()[]{}|\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simple_regular_expressions() {
        #[track_caller]
        fn check(regex: &str, is: bool) {
            assert_eq!(is_simple(regex), is, "{regex}");
        }
        check("abc", true);
        check("^abc$", true);
        check(".*abc", true);
        check("abc.+", true);
        check(".*abc.*", true);
        check("a.*c", false);
        check("[a-z]+", false);
        check("a|b", false);
        check("", true);
        check(".", false);
    }
}
