//! Converts rules of the Python package `rule-engine` to conditions.
//!
//! ```
//! use lanner_conditions::import::{Release, rule_engine};
//! let rule = r#"WORKFLOW == "PURCHASE" and BANK in ["HSBC", "ING"] and LIMIT > USED"#;
//! let condition = rule_engine(rule, None).unwrap();
//! assert_eq!(
//!     condition.to_string(),
//!     r#"WORKFLOW == "PURCHASE" and BANK == anyof ("HSBC", "ING") and LIMIT > val(USED)"#
//! );
//! let problems = rule_engine("AMOUNT * 2 > 100 and $now.hour > 8", None).unwrap_err();
//! assert_eq!(problems[0].to_string(), "column 1: arithmetic is not supported");
//! assert_eq!(problems[1].to_string(), "column 22: names with `$` are not supported");
//!
//! // To release 3 this is `A and (B ? C : D)`, to release 5 `(A and B) ? C : D`.
//! let rule = "A and B ? C : D";
//! assert!(rule_engine(rule, None).unwrap_err()[0].message.contains("differently"));
//! assert_eq!(rule_engine(rule, Some(Release::Five)).unwrap().to_string(), "A and B and C or not (A and B) and D");
//! ```
//!
//! Much of that language is read by [`parse`](crate::parse()) as well, but not all of it means the same: a name on the
//! right is a field there and a text here, escapes in texts are Python's. So it is read by a
//! reader of its own. What it answers says the same as the rule of a context that the package can be asked about,
//! whatever JSON that is, with these differences:
//!
//! - Where the package raises an error (a field is missing, a text is compared with a number), the condition is unknown.
//! - Lists and objects equal nothing here, truth values and `null` have no order, and a pattern of `null` is unknown as
//!   well.
//! - What `a&.b` and `a&["b"]` say of `null` is asked for apart: `a&.b == null` becomes `a == null or a.b == null`.
//! - Numbers that would be rounded on the way are refused.
//! - `$` in a pattern matches at the end of the text alone, not before its last line break.
//! - A position in a text (`NAME[0]`) is a missing field here, and an object's own key `length` goes before its length.
//!
//! What has no counterpart is reported, all of it at once, with its column.
//!
//! Reading order: `lex` (tokens), `parse` (the tree), this file (what it means here).
//!
//! Source: the grammars of releases 3.4.0 and 5.1.0, and their verdicts on the rules in `testdata/rule_engine.json`.

mod lex;
mod parse;
mod refused;
mod release;

use std::ops::Range;

use self::parse::{Kind, Node, Part, Way, parse};
use self::refused::Refused;
pub use self::release::Release;
use super::{choose, differs, within_limits};
use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::field::{MAX_SEGMENTS, Segment};
use crate::problem::Problems;
use crate::{
    Argument, Call, Comparison, Expr, FieldPath, Function, Literal, MAX_LIST_ITEMS, MAX_TEXT_BYTES, MatchOp,
    Number, Op, Operand, Pattern, Predicate, Problem,
};

/// Reads a rule of the Python package `rule-engine`; see the module's page for what differs. Without a release, what the
/// releases read alike, and what only one of them can read at all.
///
/// Cost: linear in the text's length, and compiling the patterns in it.
///
/// # Errors
/// The first mistake of a text that the package would refuse; or all that a condition cannot say, in order of place.
pub fn rule_engine(text: &str, release: Option<Release>) -> Result<Expr, Vec<Problem>> {
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the text has {} bytes", text.len());
        return Err(told(text, &Refused::new(0..0, message, &format!("at most {MAX_TEXT_BYTES}"))));
    }
    if let Some(release) = release {
        return read(text, release).unwrap_or_else(|refused| Err(told(text, &refused)));
    }
    match (read(text, Release::Three), read(text, Release::Five)) {
        (Ok(three), Ok(five)) if three == five => five,
        (Ok(Ok(_)), Ok(Ok(_))) => {
            let hint = "say which of them it was written for";
            let message = "releases 3 and 5 of the package read this differently".to_owned();
            Err(told(text, &Refused::new(0..text.len(), message, hint)))
        }
        (Ok(problems @ Err(_)), Ok(_)) | (_, Ok(problems)) => problems,
        (Ok(read), Err(_)) => read,
        (Err(_), Err(refused)) => Err(told(text, &refused)),
    }
}

fn told(text: &str, Refused { at, message, hint }: &Refused) -> Vec<Problem> {
    let mut problems = Problems::default();
    problems.add(text, at.start, at.end, message.clone(), hint.clone());
    problems.into_sorted()
}

/// What `release` reads in a text, and whether a condition can say it.
fn read(text: &str, release: Release) -> Result<Result<Expr, Vec<Problem>>, Refused> {
    let node = parse(text, release)?;
    let mut translation = Translation { text, problems: Problems::default() };
    let expr = translation.condition(&node);
    Ok(match expr.filter(|_| translation.problems.is_empty()) {
        Some(expr) => within_limits(expr).map_err(|problem| vec![problem]),
        None => Err(translation.problems.into_sorted()),
    })
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

/// A field.
#[derive(Clone)]
struct Field {
    path: FieldPath,
    /// When it is not there and yet `null`, not an error.
    is_absent: Option<Expr>,
}

impl Field {
    /// The field of a name that is not too long.
    fn of(parts: &[Part]) -> Self {
        let segments: Vec<Segment> = parts.iter().map(|part| part.segment.clone()).collect();
        Self { path: FieldPath::new(&segments), is_absent: is_absent(parts) }
    }

    fn asked(&self, op: Op) -> Expr {
        Expr::Test(Predicate { left: Operand::Field(self.path.clone()), op })
    }

    /// Whether it is `null`.
    fn is_null(&self) -> Expr {
        let null = self.asked(Op::Compare(Comparison::Equal, Right::Literal(Literal::Null)));
        Expr::or(self.is_absent.iter().cloned().chain([null]).collect())
    }

    /// `asked`, which is false where the field is not there and yet `null`.
    fn is_there_and(&self, asked: Expr) -> Expr {
        Expr::and(self.is_absent.iter().cloned().map(negated).chain([asked]).collect())
    }

    fn test(&self, op: Op) -> Expr {
        match op {
            _ if self.is_absent.is_none() => self.asked(op),
            Op::Compare(Comparison::NotEqual, right) => {
                negated(self.test(Op::Compare(Comparison::Equal, right)))
            }
            Op::Compare(Comparison::Equal, Right::Literal(Literal::Null)) => self.is_null(),
            Op::Each(Quantifier::Any, ref tests) if tests.iter().any(is_null) => {
                Expr::or(self.is_absent.iter().cloned().chain([self.asked(op)]).collect())
            }
            Op::Truthy | Op::Compare(Comparison::Equal, _) | Op::Each(..) | Op::In(Set::Items(_)) => {
                self.is_there_and(self.asked(op))
            }
            // An error there, unknown here, as for every field that is missing.
            op => self.asked(op),
        }
    }

    /// Whether two fields are equal, of which one may not be there and yet be `null`.
    fn equals(&self, other: &Self) -> Expr {
        let right = Right::Operand(Operand::Field(other.path.clone()));
        let equal = self.asked(Op::Compare(Comparison::Equal, right));
        if self.is_absent.is_none() && other.is_absent.is_none() {
            return equal;
        }
        let both_null = Expr::and(vec![self.is_null(), other.is_null()]);
        Expr::or(vec![both_null, self.is_there_and(other.is_there_and(equal))])
    }
}

fn is_null(test: &EachOp) -> bool {
    matches!(test, EachOp::Compare(Comparison::Equal, Literal::Null))
}

/// When the field of a name is not there and yet `null`: where what stands before its last part is `null`, and in
/// `a&[key]` also where that has no such key.
fn is_absent(parts: &[Part]) -> Option<Expr> {
    let [before @ .., Part { way: Way::SafeName | Way::SafeKey, .. }] = parts else { return None };
    let holder = Field::of(before);
    let is_null = holder.is_null();
    if parts.last()?.way == Way::SafeName {
        return Some(is_null);
    }
    let segments: Vec<Segment> = parts.iter().map(|part| part.segment.clone()).collect();
    let exists = Expr::Test(Predicate { left: Operand::Field(FieldPath::new(&segments)), op: Op::Exists });
    let kind = Call {
        function: Function::Type,
        arguments: vec![Argument::Operand(Operand::Field(holder.path))],
        key: None,
    };
    let holds = |kind: &str| EachOp::Compare(Comparison::Equal, Literal::Text(kind.to_owned()));
    let is_holder = Predicate {
        left: Operand::Call(Box::new(kind)),
        op: Op::Each(Quantifier::Any, vec![holds("object"), holds("list")]),
    };
    Some(Expr::or(vec![is_null, Expr::and(vec![Expr::Test(is_holder), negated(exists)])]))
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
            Kind::Path(_) => match self.value(node)? {
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

    /// All of them, so that all problems are reported.
    fn all(&mut self, members: &[Node]) -> Option<Vec<Expr>> {
        let read: Vec<Option<Expr>> = members.iter().map(|member| self.condition(member)).collect();
        read.into_iter().collect()
    }

    fn value(&mut self, node: &Node) -> Option<Value> {
        let parts = match &node.kind {
            Kind::Literal(literal) => return Some(Value::Literal(literal.clone())),
            Kind::List(_) => return self.refuse(&node.at, "a list can only stand on the right of `in`", ""),
            Kind::Path(parts) if parts.len() > MAX_SEGMENTS => {
                return self.refuse(&node.at, "the name has too many parts", "");
            }
            Kind::Path(parts) => parts,
            _ => return self.condition(node).map(Value::Condition),
        };
        match &parts[..] {
            [before @ .., Part { segment: Segment::Name(last), way }]
                if last == "is_empty" && !before.is_empty() =>
            {
                let length = Part { segment: Segment::Name("length".to_owned()), way: *way };
                let zero = Right::Literal(Literal::Number(Number::from(0_i64)));
                let length = Field::of(&[before, &[length]].concat());
                Some(Value::Condition(length.test(Op::Compare(Comparison::Equal, zero))))
            }
            all => Some(Value::Field(Field::of(all))),
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
                return Some(match comparison {
                    Comparison::Equal => left.equals(&right),
                    Comparison::NotEqual if left.is_absent.is_some() || right.is_absent.is_some() => {
                        negated(left.equals(&right))
                    }
                    _ => left.asked(Op::Compare(comparison, Right::Operand(Operand::Field(right.path)))),
                });
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
            (Value::Literal(item), Value::Field(field)) => {
                let alike = as_item(&item).into_iter();
                let held = std::iter::once(item).chain(alike).map(|item| field.test(Op::Holds(item)));
                Some(Expr::or(held.collect()))
            }
            (Value::Field(field), Value::Field(container)) => {
                let null_is_in = container.asked(Op::Holds(Literal::Null));
                let is_in = field.asked(Op::In(Set::Operand(Operand::Field(container.path))));
                let absent = field.is_absent.clone().map(|absent| Expr::and(vec![absent, null_is_in]));
                let members = absent.into_iter().chain([field.is_there_and(is_in)]);
                Some(Expr::or(members.collect()))
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
            Value::Field(field) if items.is_empty() => Some(field.test(Op::In(Set::Items(Vec::new())))),
            Value::Field(field) if literals.len() == items.len() => {
                let mut tests = Vec::with_capacity(literals.len());
                for (literal, place) in literals {
                    if let Some(message) = differs(Comparison::Equal, literal) {
                        return self.refuse(place, message, "");
                    }
                    let alike = [Some(literal.clone()), as_item(literal)].into_iter().flatten();
                    tests.extend(alike.map(|literal| EachOp::Compare(Comparison::Equal, literal)));
                }
                Some(field.test(match <[EachOp; 1]>::try_from(tests) {
                    Ok([EachOp::Compare(comparison, literal)]) => {
                        Op::Compare(comparison, Right::Literal(literal))
                    }
                    Ok([other]) => Op::Each(Quantifier::Any, vec![other]),
                    Err(tests) => Op::Each(Quantifier::Any, tests),
                }))
            }
            Value::Field(Field { is_absent: Some(_), .. }) if items.len() > MAX_SAFE_ITEMS => {
                self.refuse(at, "the list has too many items for `&.`", "split the rule")
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

/// More fields than this are not compared with one that may be `null` at each of its parts.
const MAX_SAFE_ITEMS: usize = 100;

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

/// What an item of a list equals besides: to Python `true` is the number 1, and `false` the number 0.
fn as_item(literal: &Literal) -> Option<Literal> {
    let number = |truth: bool| Number::from(i64::from(truth));
    match literal {
        Literal::Bool(truth) => Some(Literal::Number(number(*truth))),
        Literal::Number(found) => {
            [false, true].into_iter().find(|truth| *found == number(*truth)).map(Literal::Bool)
        }
        _ => None,
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
