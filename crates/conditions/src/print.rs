//! The canonical text of a condition: one spelling per operator, all texts in double quotes, no
//! parentheses that are not needed. It reads back as the same tree.

use std::fmt::{self, Display, Formatter};

use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::operand::{Argument, Call, Operand};
use crate::words::{is_bare_key, quote};
use crate::{Expr, Literal, Op, Predicate};

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(text, &mut out);
    out
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Time(time) => write!(f, "d\"{time}\""),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Call(call) => write!(f, "{call}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.function.word(), Joined(&self.arguments))?;
        match &self.key {
            Some(key) if is_bare_key(key) => write!(f, "[{key}]"),
            Some(key) => write!(f, "[{}]", quoted(key)),
            None => Ok(()),
        }
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operand(operand) => write!(f, "{operand}"),
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::List(members) => write!(f, "({})", Joined(members)),
        }
    }
}

impl Display for Right {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Operand(operand) => write_right(f, operand),
        }
    }
}

impl Display for Set {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(items) => write!(f, "({})", Joined(items)),
            Self::Operand(operand) => write_right(f, operand),
        }
    }
}

/// A field on the right needs `val`, or it would be a text.
fn write_right(f: &mut Formatter<'_>, operand: &Operand) -> fmt::Result {
    match operand {
        Operand::Field(field) => write!(f, "val({field})"),
        Operand::Call(call) => write!(f, "{call}"),
    }
}

/// Members with commas between them.
struct Joined<'m, T>(&'m [T]);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, member) in self.0.iter().enumerate() {
            write!(f, "{}{member}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let left = &self.left;
        match &self.op {
            Op::Truthy => write!(f, "{left}"),
            Op::Exists => write!(f, "{left} exists"),
            Op::Compare(comparison, right) => write!(f, "{left} {} {right}", comparison.symbol()),
            Op::In(set) => write!(f, "{left} in {set}"),
            Op::NotIn(set) => write!(f, "{left} not in {set}"),
            Op::Holds(item) => write!(f, "{item} in {left}"),
            Op::NotHolds(item) => write!(f, "{item} not in {left}"),
            Op::Intersects(set) => write!(f, "{left} intersects {set}"),
            Op::Pmatch(set) => write!(f, "{left} pmatch {set}"),
            Op::Text(op, right) => write!(f, "{left} {} {right}", op.word()),
            Op::Match(pattern) => {
                write!(f, "{left} {} {}", pattern.op().symbol(), quoted(pattern.text()))
            }
            Op::GlobOf(any_case, right) => {
                write!(f, "{left} {} ", if *any_case { "iglob" } else { "glob" })?;
                write_right(f, right)
            }
            Op::Each(quantifier, tests) => write_each(f, left, *quantifier, tests),
        }
    }
}

/// `x startswith anyof (a, b)`. Without tests any operator says the same.
fn write_each(
    f: &mut Formatter<'_>,
    left: &Operand,
    quantifier: Quantifier,
    tests: &[EachOp],
) -> fmt::Result {
    let symbol = match tests.first() {
        Some(EachOp::Compare(comparison, _)) => comparison.symbol(),
        Some(EachOp::Text(op, _)) => op.word(),
        Some(EachOp::Match(pattern)) => pattern.op().symbol(),
        None => "==",
    };
    write!(f, "{left} {symbol} {} ({})", quantifier.word(), Joined(tests))
}

/// The value alone: the operator stands before the list.
impl Display for EachOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(_, literal) => write!(f, "{literal}"),
            Self::Text(_, text) => f.write_str(&quoted(text)),
            Self::Match(pattern) => f.write_str(&quoted(pattern.text())),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Test(predicate) => write!(f, "{predicate}"),
            Self::Not(inner) => {
                f.write_str("not ")?;
                write_member(f, inner, matches!(**inner, Self::And(_) | Self::Or(_)))
            }
            Self::And(members) => write_joined(f, members, " and "),
            Self::Or(members) => write_joined(f, members, " or "),
        }
    }
}

/// `and` binds tighter than `or`, so only an `or` inside an `and` needs parentheses.
fn write_joined(f: &mut Formatter<'_>, members: &[Expr], word: &str) -> fmt::Result {
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        write_member(f, member, word == " and " && matches!(member, Expr::Or(_)))?;
    }
    Ok(())
}

fn write_member(f: &mut Formatter<'_>, member: &Expr, in_parentheses: bool) -> fmt::Result {
    if in_parentheses { write!(f, "({member})") } else { write!(f, "{member}") }
}
