//! The canonical text of a condition: one spelling per operator, all texts in double quotes, no
//! parentheses that are not needed. It reads back as the same tree.

use std::fmt::{self, Display, Formatter};

use crate::{Expr, Literal, Op, Predicate};

/// Appends `text` in double quotes, with escapes that the parser reads back.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

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
        }
    }
}

impl Display for Predicate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.op {
            Op::Truthy => write!(f, "{field}"),
            Op::Exists => write!(f, "{field} exists"),
            Op::Compare(comparison, literal) => write!(f, "{field} {} {literal}", comparison.symbol()),
            Op::In(items) => write_list(f, format_args!("{field} in ("), items),
            Op::NotIn(items) => write_list(f, format_args!("{field} not in ("), items),
            Op::Holds(item) => write!(f, "{item} in {field}"),
            Op::NotHolds(item) => write!(f, "{item} not in {field}"),
            Op::Text(op, text) => write!(f, "{field} {} {}", op.word(), quoted(text)),
            Op::Match(pattern) => {
                write!(f, "{field} {} {}", pattern.op().symbol(), quoted(pattern.text()))
            }
        }
    }
}

fn write_list(f: &mut Formatter<'_>, start: fmt::Arguments<'_>, items: &[Literal]) -> fmt::Result {
    f.write_fmt(start)?;
    for (at, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
    }
    f.write_str(")")
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
