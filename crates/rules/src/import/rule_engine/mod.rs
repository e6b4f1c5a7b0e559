//! Rules of the Python package `rule-engine` as conditions.
//!
//! ```
//! use lanner_rules::import::rule_engine;
//! let condition = rule_engine(r#"WORKFLOW == "PURCHASE" and BANK in ["HSBC", "ING"] and LIMIT > USED"#).unwrap();
//! assert_eq!(
//!     condition.to_string(),
//!     r#"WORKFLOW == "PURCHASE" and BANK == anyof ("HSBC", "ING") and LIMIT > val(USED)"#
//! );
//! let problems = rule_engine("AMOUNT * 2 > 100 and $now.hour > 8").unwrap_err();
//! assert_eq!(problems[0].to_string(), "column 1: arithmetic is not supported");
//! assert_eq!(problems[1].to_string(), "column 22: names with `$` are not supported");
//! ```
//!
//! Much of that language is read by [`parse`](crate::parse()) as well, but not all of it means the same: a name on the
//! right is a field there and a text here, escapes in texts are Python's, every number is a float. So it is read by a
//! reader of its own. What it answers says the same as the rule of a context that the package can be asked about,
//! whatever JSON that is, with these differences:
//!
//! - Where the package raises an error (a field is missing, a text is compared with a number), the condition is unknown.
//! - Lists and objects equal nothing here, truth values have no order, and a pattern of `null` is unknown as well.
//! - `$` in a pattern matches at the end of the text alone, not before its last line break.
//! - A position in a text (`NAME[0]`) is a missing field here, and an object's own key `length` goes before its length.
//!
//! What has no counterpart is told, all of it at once, with its column.
//!
//! Reading order: `lex` (tokens), `parse` (the tree), this file (what it means here).
//!
//! Source: the grammar of release 3.4.0, and its verdicts on the rules in `testdata/rule_engine.json`.

mod lex;
mod parse;

use std::ops::Range;

use self::parse::{Kind, Node, parse};
use super::{choose, differs, within_limits};
use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::field::{MAX_SEGMENTS, Segment};
use crate::problem::Problems;
use crate::{
    Comparison, Expr, FieldPath, Literal, MAX_LIST_ITEMS, MAX_TEXT_BYTES, MatchOp, Number, Op, Operand,
    Pattern, Predicate, Problem,
};

/// Why a text is no rule.
#[derive(Debug)]
struct Refused {
    at: Range<usize>,
    message: String,
    hint: String,
}

impl Refused {
    fn new(at: Range<usize>, message: String, hint: &str) -> Self {
        Self { at, message, hint: hint.to_owned() }
    }
}

/// Reads a rule of the Python package `rule-engine`; see the module's page for what differs.
///
/// Cost: linear in the text's length, and compiling the patterns in it.
///
/// # Errors
/// The first mistake of a text that the package would refuse; or all that a condition cannot say, in order of place.
pub fn rule_engine(text: &str) -> Result<Expr, Vec<Problem>> {
    let mut problems = Problems::default();
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text has {} bytes", text.len());
        problems.add(text, 0, 0, message, format!("at most {MAX_TEXT_BYTES}"));
        return Err(problems.into_sorted());
    }
    let mut translation = Translation { text, problems };
    let expr = match parse(text) {
        Ok(node) => translation.condition(&node),
        Err(Refused { at, message, hint }) => {
            translation.problems.add(text, at.start, at.end, message, hint);
            None
        }
    };
    match expr.filter(|_| translation.problems.is_empty()) {
        Some(expr) => within_limits(expr).map_err(|problem| vec![problem]),
        None => Err(translation.problems.into_sorted()),
    }
}

struct Translation<'t> {
    text: &'t str,
    problems: Problems,
}

/// What can be compared.
enum Value {
    Field(Field),
    Literal(Literal),
    Condition(Expr),
}

/// A field, and whether it is `null` where it is missing.
#[derive(Clone)]
struct Field {
    path: FieldPath,
    is_safe: bool,
}

impl Field {
    fn test(&self, op: Op) -> Expr {
        let asked = |op| Expr::Test(Predicate { left: Operand::Field(self.path.clone()), op });
        match op {
            op if !self.is_safe => asked(op),
            Op::Compare(Comparison::NotEqual, right) => {
                negated(self.test(Op::Compare(Comparison::Equal, right)))
            }
            Op::Compare(Comparison::Equal, Right::Literal(Literal::Null)) => {
                Expr::or(vec![negated(asked(Op::Exists)), asked(op)])
            }
            op => Expr::and(vec![asked(Op::Exists), asked(op)]),
        }
    }
}

impl Translation<'_> {
    /// Tells what is wrong; there is no condition then.
    fn refuse<T>(&mut self, at: &Range<usize>, message: &str, hint: &str) -> Option<T> {
        self.problems.add(self.text, at.start, at.end, message, hint);
        None
    }

    /// A part of which the truth is asked.
    fn condition(&mut self, node: &Node) -> Option<Expr> {
        match &node.kind {
            Kind::Literal(literal) => Some(Expr::Constant(is_true(literal))),
            Kind::List(members) => Some(Expr::Constant(!members.is_empty())),
            Kind::Path(..) => match self.value(node)? {
                Value::Field(field) => Some(field.test(Op::Truthy)),
                Value::Condition(is_empty) => Some(is_empty),
                Value::Literal(literal) => Some(Expr::Constant(is_true(&literal))),
            },
            Kind::Not(inner) => self.condition(inner).map(|inner| Expr::Not(Box::new(inner))),
            Kind::And(members) => self.all(members).map(Expr::and),
            Kind::Or(members) => self.all(members).map(Expr::or),
            Kind::Compare(comparison, sides) => self.compare(*comparison, sides, &node.at),
            Kind::Match(op, sides) => self.fits(*op, sides, &node.at),
            Kind::In { sides, is_negated } => {
                let held = self.held(sides, &node.at)?;
                Some(if *is_negated { negated(held) } else { held })
            }
            Kind::Choice(parts) => {
                let [asked, yes, no] = &**parts;
                let (asked, yes, no) = (self.condition(asked), self.condition(yes), self.condition(no));
                Some(choose(asked?, yes?, no?))
            }
            Kind::Unsupported(message, hint) => self.refuse(&node.at, message, hint),
        }
    }

    /// All of them, so that all problems are told.
    fn all(&mut self, members: &[Node]) -> Option<Vec<Expr>> {
        let read: Vec<Option<Expr>> = members.iter().map(|member| self.condition(member)).collect();
        read.into_iter().collect()
    }

    fn value(&mut self, node: &Node) -> Option<Value> {
        let (segments, is_safe) = match &node.kind {
            Kind::Literal(literal) => return Some(Value::Literal(literal.clone())),
            Kind::List(_) => return self.refuse(&node.at, "a list can only stand on the right of `in`", ""),
            Kind::Path(segments, _) if segments.len() > MAX_SEGMENTS => {
                return self.refuse(&node.at, "the name has too many parts", "");
            }
            Kind::Path(segments, is_safe) => (segments, *is_safe),
            _ => return self.condition(node).map(Value::Condition),
        };
        match &segments[..] {
            [before @ .., Segment::Name(last)] if last == "is_empty" && !before.is_empty() => {
                let length = [before, &[Segment::Name("length".to_owned())]].concat();
                let zero = Right::Literal(Literal::Number(Number::from(0_i64)));
                let length = Field { path: FieldPath::new(&length), is_safe };
                Some(Value::Condition(length.test(Op::Compare(Comparison::Equal, zero))))
            }
            all => Some(Value::Field(Field { path: FieldPath::new(all), is_safe })),
        }
    }

    fn compare(&mut self, comparison: Comparison, sides: &[Node; 2], at: &Range<usize>) -> Option<Expr> {
        let (left, right) = (self.value(&sides[0]), self.value(&sides[1]));
        self.compared(comparison, left?, right?, at)
    }

    fn compared(
        &mut self,
        comparison: Comparison,
        left: Value,
        right: Value,
        at: &Range<usize>,
    ) -> Option<Expr> {
        let (field, comparison, literal) = match (left, right) {
            (Value::Literal(a), Value::Literal(b)) => return self.constant(comparison, &a, &b, at),
            (Value::Condition(asked), Value::Literal(Literal::Bool(wanted)))
            | (Value::Literal(Literal::Bool(wanted)), Value::Condition(asked))
                if !comparison.is_order() =>
            {
                let is_same = wanted == (comparison == Comparison::Equal);
                return Some(if is_same { asked } else { negated(asked) });
            }
            (Value::Condition(_), _) | (_, Value::Condition(_)) => {
                return self.refuse(at, "conditions cannot be compared", "join them with `and` and `or`");
            }
            (Value::Field(left), Value::Field(right)) => {
                let field = Field { is_safe: left.is_safe || right.is_safe, ..left };
                let right = Right::Operand(Operand::Field(right.path));
                return Some(field.test(Op::Compare(comparison, right)));
            }
            (Value::Field(left), Value::Literal(right)) => (left, comparison, right),
            (Value::Literal(left), Value::Field(right)) => (right, comparison.reversed(), left),
        };
        if let Some(message) = differs(comparison, &literal) {
            return self.refuse(at, message, "");
        }
        Some(field.test(Op::Compare(comparison, Right::Literal(literal))))
    }

    /// A comparison that asks for no field.
    fn constant(
        &mut self,
        comparison: Comparison,
        a: &Literal,
        b: &Literal,
        at: &Range<usize>,
    ) -> Option<Expr> {
        let is_ordered = std::mem::discriminant(a) == std::mem::discriminant(b) && *a != Literal::Null;
        let holds = match comparison {
            Comparison::Equal => a == b,
            Comparison::NotEqual => a != b,
            _ if !is_ordered => return self.refuse(at, "these have no order", ""),
            Comparison::Less => a < b,
            Comparison::LessEqual => a <= b,
            Comparison::Greater => a > b,
            Comparison::GreaterEqual => a >= b,
        };
        Some(Expr::Constant(holds))
    }

    fn fits(&mut self, op: MatchOp, sides: &[Node; 2], at: &Range<usize>) -> Option<Expr> {
        let (left, right) = (self.value(&sides[0]), self.value(&sides[1]));
        let place = &sides[1].at;
        let (field, pattern) = match (left?, right?) {
            (Value::Field(field), Value::Literal(Literal::Text(pattern))) => (field, pattern),
            (_, Value::Field(_)) => {
                return self.refuse(place, "a pattern cannot come from the context", "write it in quotes");
            }
            (Value::Field(_), _) => return self.refuse(place, "a pattern is a text", "write it in quotes"),
            _ => return self.refuse(at, "only a field can be held against a pattern", ""),
        };
        if let Some(message) = reads_otherwise(&pattern) {
            return self.refuse(place, message, "");
        }
        match Pattern::new(op, &pattern) {
            Ok(pattern) => Some(field.test(Op::Match(pattern))),
            Err(error) => self.refuse(place, &format!("regular expression: {error}"), ""),
        }
    }

    /// Whether the first is in the second.
    fn held(&mut self, sides: &[Node; 2], at: &Range<usize>) -> Option<Expr> {
        let [member, container] = sides;
        if let Kind::List(items) = &container.kind {
            return self.among(member, items, at);
        }
        let (value, container_value) = (self.value(member), self.value(container));
        match (value?, container_value?) {
            (Value::Literal(item), Value::Field(field)) => Some(field.test(Op::Holds(item))),
            (Value::Field(field), Value::Field(container)) => {
                Some(field.test(Op::In(Set::Operand(Operand::Field(container.path)))))
            }
            (Value::Literal(Literal::Text(part)), Value::Literal(Literal::Text(text))) => {
                Some(Expr::Constant(text.contains(&part)))
            }
            (Value::Condition(_), _) => self.refuse(&member.at, "`in` cannot be asked of a condition", ""),
            _ => {
                let hint = "only a list `[...]` or a field can be";
                self.refuse(&container.at, "this cannot stand on the right of `in`", hint)
            }
        }
    }

    /// Whether `member` equals one of `items`.
    fn among(&mut self, member: &Node, items: &[Node], at: &Range<usize>) -> Option<Expr> {
        if items.len() > MAX_LIST_ITEMS {
            return self.refuse(at, "the list has too many items", "split the rule");
        }
        let mut literals = Vec::with_capacity(items.len());
        for item in items {
            if let Kind::Literal(literal) = &item.kind {
                literals.push((literal, &item.at));
            }
        }
        match self.value(member)? {
            Value::Field(field) if items.len() != 1 && literals.len() == items.len() => {
                let mut tests = Vec::with_capacity(literals.len());
                for (literal, place) in literals {
                    if let Some(message) = differs(Comparison::Equal, literal) {
                        return self.refuse(place, message, "");
                    }
                    tests.push(EachOp::Compare(Comparison::Equal, literal.clone()));
                }
                Some(field.test(Op::Each(Quantifier::Any, tests)))
            }
            _ => {
                let pair = |item: &Node| [member.clone(), item.clone()];
                let equal: Vec<Option<Expr>> =
                    items.iter().map(|item| self.compare(Comparison::Equal, &pair(item), &item.at)).collect();
                equal.into_iter().collect::<Option<Vec<Expr>>>().map(Expr::or)
            }
        }
    }
}

/// `not` of a condition; an operator that says it is clearer.
fn negated(expr: Expr) -> Expr {
    match expr {
        Expr::Test(Predicate { left, op: Op::Holds(item) }) => {
            Expr::Test(Predicate { left, op: Op::NotHolds(item) })
        }
        Expr::Test(Predicate { left, op: Op::In(set) }) => Expr::Test(Predicate { left, op: Op::NotIn(set) }),
        Expr::Constant(value) => Expr::Constant(!value),
        other => Expr::Not(Box::new(other)),
    }
}

fn is_true(literal: &Literal) -> bool {
    match literal {
        Literal::Null => false,
        Literal::Bool(value) => *value,
        Literal::Number(number) => *number != Number::from(0_i64),
        Literal::Text(text) => !text.is_empty(),
        Literal::Time(_) => true,
    }
}

/// What a pattern of Python means something else by than a pattern here, though both can be read.
fn reads_otherwise(pattern: &str) -> Option<&'static str> {
    let (mut chars, mut in_class) = (pattern.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('<' | '>')) => {
                return Some("`\\<` and `\\>` are borders of words here; leave out the `\\`");
            }
            ('\\', _) => _ = chars.next(),
            ('[', _) if in_class => return Some("`[` inside of `[...]` needs a `\\` before it"),
            ('&' | '~' | '-', Some(next)) if in_class && *next == c => {
                return Some(
                    "`&&`, `--` and `~~` inside of `[...]` calculate with classes here; write one of the two",
                );
            }
            ('[', _) => {
                in_class = true;
                // A `]` that comes first is a member.
                chars.next_if_eq(&'^');
                chars.next_if_eq(&']');
            }
            (']', _) => in_class = false,
            _ => {}
        }
    }
    None
}
