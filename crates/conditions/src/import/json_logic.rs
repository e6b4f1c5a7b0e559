//! Converts JSONLogic to conditions: rules written in JSON, as in flagd's `targeting`.
//!
//! ```
//! use lanner_conditions::import::json_logic;
//! let logic = serde_json::json!({"and": [
//!     {"in": [{"var": "bank"}, ["hsbc", "ing"]]},
//!     {"!": [{"starts_with": [{"var": "user.email"}, "test@"]}]},
//! ]});
//! assert_eq!(
//!     json_logic(&logic).unwrap().to_string(),
//!     r#"bank == anyof ("hsbc", "ing") and not (user.email exists and type(user.email) == "text" and user.email startswith "test@")"#
//! );
//! let logic = serde_json::json!({"or": [{"%": [{"var": "n"}, 2]}, {"sem_ver": [{"var": "v"}, ">=", "1.2.0"]}]});
//! let problems = json_logic(&logic).unwrap_err();
//! assert_eq!(problems[0].to_string(), "/or/0/%: arithmetic is not supported");
//! ```
//!
//! A missing variable is `null` there, `null` is 0 where an order is asked, and every test is true or false: so a test
//! under a `!` asks whether its field exists, and is of a kind that can be asked this. No other value is converted:
//! `{"==": [{"var": "n"}, "5"]}` holds for the text `5` and not for the number. `==` and `===` are therefore one, and an
//! order of a text and a number holds neither way.

use serde_json::{Map, Value};

use super::terms::{of_field, test};
use super::two_valued::two_valued;
use super::{choose, differs, within_limits};
use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::field::{MAX_SEGMENTS, Segment};
use crate::version::version_key;
use crate::words::is_name;
use crate::{
    Comparison, Expr, FieldPath, Function, Literal, MAX_DEPTH, MAX_LIST_ITEMS, MAX_TESTS, Number, Op,
    Operand, Predicate, TextOp,
};

/// What has no counterpart in a JSON document, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}{}", if self.pointer.is_empty() { "/" } else { self.pointer.as_str() }, self.hint.as_ref().map(|h| format!("; {h}")).unwrap_or_default())]
pub struct PointedProblem {
    /// Where it stands (RFC 6901); empty for the whole.
    pub pointer: String,
    /// What is wrong: a lower-case fragment without a final stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl PointedProblem {
    pub(super) fn new(pointer: &str, message: impl Into<String>, hint: &str) -> Self {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        Self { pointer: pointer.to_owned(), message: message.into(), hint }
    }
}

/// Reads a rule of JSONLogic as a condition: whether what it comes to is true.
///
/// Cost: linear in the rule's size.
///
/// # Errors
/// All that a condition cannot say, each with its place.
pub fn json_logic(logic: &Value) -> Result<Expr, Vec<PointedProblem>> {
    let none = Map::new();
    let mut reading = Logic::new(&none, "");
    let expr = reading.condition(logic, "");
    reading.finish(expr, "")
}

/// Rules of one document on their way to conditions.
pub(super) struct Logic<'l> {
    /// Rules that others refer to by name.
    shared: &'l Map<String, Value>,
    /// What `$flagd.flagKey` stands for.
    flag: &'l str,
    /// Shared rules being read, each used by the one before.
    open: Vec<&'l str>,
    depth: usize,
    n_parts: usize,
    pub(super) problems: Vec<PointedProblem>,
}

/// What can be compared.
pub(super) enum Side {
    Literal(Literal),
    Field(FieldPath),
}

impl<'l> Logic<'l> {
    pub(super) fn new(shared: &'l Map<String, Value>, flag: &'l str) -> Self {
        Self { shared, flag, open: Vec::new(), depth: 0, n_parts: 0, problems: Vec::new() }
    }

    /// The condition, if nothing was wrong with what stands at `pointer`.
    pub(super) fn finish(self, expr: Option<Expr>, pointer: &str) -> Result<Expr, Vec<PointedProblem>> {
        self.finish_with(expr, |expr| settled(expr, pointer))
    }

    /// What `make` makes of what was read, if nothing was wrong with it.
    pub(super) fn finish_with<T, U>(
        mut self,
        read: Option<T>,
        make: impl FnOnce(T) -> Result<U, PointedProblem>,
    ) -> Result<U, Vec<PointedProblem>> {
        match read.filter(|_| self.problems.is_empty()) {
            Some(read) => make(read).map_err(|problem| vec![problem]),
            None => {
                self.problems.truncate(crate::problem::MAX_PROBLEMS);
                Err(self.problems)
            }
        }
    }

    /// What `$flagd.flagKey` stands for.
    pub(super) const fn flag(&self) -> &'l str {
        self.flag
    }

    pub(super) fn refuse<T>(&mut self, at: &str, message: impl Into<String>, hint: &str) -> Option<T> {
        self.problems.push(PointedProblem::new(at, message, hint));
        None
    }

    /// Counts more parts of what is read, unless that is too much already.
    pub(super) fn grow(&mut self, at: &str, n_more: usize) -> Option<()> {
        let before = self.n_parts;
        self.n_parts = before.saturating_add(n_more);
        match (before <= MAX_TESTS, self.n_parts <= MAX_TESTS) {
            (_, true) => Some(()),
            (true, false) => self.refuse(at, "the rule is too large", "split it"),
            // Told once; what is left is given up.
            (false, false) => None,
        }
    }

    /// Calls `read` one level deeper, unless there is too much already: shared rules may use each other often.
    pub(super) fn deeper<T>(&mut self, at: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.grow(at, if self.depth >= MAX_DEPTH { MAX_TESTS } else { 1 })?;
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// Whether what `logic` comes to is true.
    pub(super) fn condition(&mut self, logic: &'l Value, at: &str) -> Option<Expr> {
        self.deeper(at, |reading| match logic {
            Value::Null => Some(Expr::Constant(false)),
            Value::Bool(value) => Some(Expr::Constant(*value)),
            Value::Number(number) => Some(Expr::Constant(number.as_f64() != Some(0.0))),
            Value::String(text) => Some(Expr::Constant(!text.is_empty())),
            Value::Array(items) => Some(Expr::Constant(!items.is_empty())),
            Value::Object(object) => reading.operation(object, at),
        })
    }

    fn operation(&mut self, object: &'l Map<String, Value>, at: &str) -> Option<Expr> {
        let Some((name, arguments)) = only(object) else {
            return self.refuse(at, "an operation is an object with one key", "");
        };
        let at = &below(at, name);
        let arguments = Arguments::new(arguments, at);
        match name {
            "var" => match self.field(&arguments)? {
                Side::Field(field) => Some(test(field, Op::Truthy)),
                Side::Literal(literal) => Some(Expr::Constant(literal != Literal::Text(String::new()))),
            },
            "!" => self.first(&arguments).map(not),
            "!!" => self.first(&arguments),
            "and" => self.all(&arguments).map(Expr::and),
            "or" => self.all(&arguments).map(Expr::or),
            "if" | "?:" => self.branches(&arguments, &mut |reading, part| match part {
                Some((logic, at)) => reading.condition(logic, at),
                None => Some(Expr::Constant(false)),
            }),
            "==" | "===" => self.compare(Comparison::Equal, &arguments),
            "!=" | "!==" => self.compare(Comparison::Equal, &arguments).map(not),
            "<" => self.in_order(Comparison::Less, &arguments),
            "<=" => self.in_order(Comparison::LessEqual, &arguments),
            ">" => self.in_order(Comparison::Greater, &arguments),
            ">=" => self.in_order(Comparison::GreaterEqual, &arguments),
            "in" => self.among(&arguments),
            "starts_with" => self.text(TextOp::StartsWith, &arguments),
            "ends_with" => self.text(TextOp::EndsWith, &arguments),
            "sem_ver" => self.version(&arguments),
            "fractional" => self.share(&arguments),
            "missing" => self.missing(&arguments),
            "$ref" => self.shared(&arguments, |reading, logic, at| reading.condition(logic, at)),
            other => self.unsupported(other, at),
        }
    }

    /// Tells that an operation has no counterpart.
    pub(super) fn unsupported<T>(&mut self, name: &str, at: &str) -> Option<T> {
        match name {
            "+" | "-" | "*" | "/" | "%" | "min" | "max" => self.refuse(at, "arithmetic is not supported", ""),
            "cat" | "substr" | "merge" | "map" | "reduce" | "filter" | "all" | "some" | "none"
            | "missing_some" | "log" => self.refuse(at, format!("`{name}` is not supported"), ""),
            _ => self.refuse(at, format!("there is no operation `{name}`"), ""),
        }
    }

    fn all(&mut self, arguments: &Arguments<'l, '_>) -> Option<Vec<Expr>> {
        let read: Vec<_> = arguments.each().map(|(logic, at)| self.condition(logic, &at)).collect();
        read.into_iter().collect()
    }

    fn first(&mut self, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        match arguments.each().next() {
            Some((logic, at)) => self.condition(logic, &at),
            None => Some(Expr::Constant(false)),
        }
    }

    /// `if`: conditions and what follows from each, in turn. `read` says what a branch comes to; one that is not
    /// there comes to `null`.
    pub(super) fn branches(
        &mut self,
        arguments: &Arguments<'l, '_>,
        read: &mut impl FnMut(&mut Self, Option<(&'l Value, &str)>) -> Option<Expr>,
    ) -> Option<Expr> {
        let parts: Vec<(&'l Value, String)> = arguments.each().collect();
        let mut pairs = parts.chunks_exact(2);
        let mut asked = Vec::new();
        for pair in pairs.by_ref() {
            let condition = self.condition(pair[0].0, &pair[0].1);
            let outcome = read(self, Some((pair[1].0, pair[1].1.as_str())));
            asked.push((condition, outcome));
        }
        let last = pairs.remainder().first().map(|(logic, at)| (*logic, at.as_str()));
        let mut outcome = read(self, last)?;
        for (condition, yes) in asked.into_iter().rev() {
            outcome = choose(condition?, yes?, outcome);
        }
        Some(outcome)
    }

    /// The rule that others refer to by name, read by `read`.
    pub(super) fn shared<T>(
        &mut self,
        arguments: &Arguments<'l, '_>,
        read: impl FnOnce(&mut Self, &'l Value, &str) -> Option<T>,
    ) -> Option<T> {
        let found = arguments.value.as_str().and_then(|name| self.shared.get_key_value(name));
        let Some((name, logic)) = found else {
            return self.refuse(arguments.at, "there is no evaluator of that name", "");
        };
        if self.open.contains(&name.as_str()) {
            return self.refuse(arguments.at, format!("the evaluator `{name}` uses itself"), "");
        }
        self.open.push(name);
        let read = read(self, logic, &below("/$evaluators", name));
        self.open.pop();
        read
    }

    /// The field of `{"var": "a.b"}`.
    fn field(&mut self, arguments: &Arguments<'l, '_>) -> Option<Side> {
        let name = match arguments.parts() {
            [Value::String(name)] => name.clone(),
            [Value::Number(number)] => number.to_string(),
            [_, default] if !default.is_null() => {
                return self.refuse(arguments.at, "a default for a missing field is not supported", "");
            }
            [Value::String(name), _] => name.clone(),
            _ => return self.refuse(arguments.at, "the name of a field is a text", ""),
        };
        match name.as_str() {
            "" => return self.refuse(arguments.at, "only single fields can be asked", ""),
            "$flagd.flagKey" => return Some(Side::Literal(Literal::Text(self.flag.to_owned()))),
            "$flagd.timestamp" => {}
            name if name.starts_with("$flagd.") => {
                return self.refuse(arguments.at, format!("`{name}` is not known here"), "");
            }
            _ => {}
        }
        let segment = |part: &str| {
            if is_name(part) { Segment::Name(part.to_owned()) } else { Segment::Key(part.to_owned()) }
        };
        let segments: Vec<Segment> = name.split('.').map(segment).collect();
        if segments.len() > MAX_SEGMENTS {
            return self.refuse(arguments.at, "the name has too many parts", "");
        }
        Some(Side::Field(FieldPath::new(&segments)))
    }

    /// A value to compare.
    pub(super) fn side(&mut self, logic: &'l Value, at: &str) -> Option<Side> {
        let literal = match logic {
            Value::Null => Literal::Null,
            Value::Bool(value) => Literal::Bool(*value),
            Value::Number(number) => Literal::Number(Number::from_json(number)?),
            Value::String(text) => Literal::Text(text.clone()),
            Value::Array(_) => return self.refuse(at, "a list can only be the second argument of `in`", ""),
            Value::Object(object) => {
                return match only(object) {
                    Some(("var", arguments)) => self.field(&Arguments::new(arguments, &below(at, "var"))),
                    Some((name, _)) => {
                        let before = self.problems.len();
                        self.unsupported::<()>(name, &below(at, name));
                        if let Some(problem) = self.problems.get_mut(before)
                            && problem.message.starts_with("there is no")
                        {
                            problem.message = format!("`{name}` cannot be compared");
                        }
                        None
                    }
                    None => self.refuse(at, "an operation is an object with one key", ""),
                };
            }
        };
        Some(Side::Literal(literal))
    }

    pub(super) fn sides<const N: usize>(&mut self, arguments: &Arguments<'l, '_>) -> Option<[Side; N]> {
        let sides: Vec<Option<Side>> = arguments.each().map(|(logic, at)| self.side(logic, &at)).collect();
        let n = sides.len();
        match <[Side; N]>::try_from(sides.into_iter().collect::<Option<Vec<_>>>()?) {
            Ok(sides) => Some(sides),
            Err(_) => self.refuse(arguments.at, format!("there are {n} arguments"), &format!("write {N}")),
        }
    }

    fn compare(&mut self, comparison: Comparison, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        let [left, right] = self.sides::<2>(arguments)?;
        self.compared(comparison, left, right, arguments.at)
    }

    /// `{"<": [1, x, 5]}` asks twice.
    fn in_order(&mut self, comparison: Comparison, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        if arguments.parts().len() != 3 {
            return self.compare(comparison, arguments);
        }
        let [low, Side::Field(middle), high] = self.sides::<3>(arguments)? else {
            return self.refuse(arguments.at, "a field has to stand in the middle", "");
        };
        let low = self.compared(comparison, low, Side::Field(middle.clone()), arguments.at);
        let high = self.compared(comparison, Side::Field(middle), high, arguments.at);
        Some(Expr::and(vec![low?, high?]))
    }

    fn compared(&mut self, comparison: Comparison, left: Side, right: Side, at: &str) -> Option<Expr> {
        let (field, comparison, literal) = match (left, right) {
            (Side::Field(left), Side::Field(right)) => {
                return Some(compared_fields(comparison, &left, &right));
            }
            (Side::Field(field), Side::Literal(literal)) => (field, comparison, literal),
            (Side::Literal(literal), Side::Field(field)) => (field, comparison.reversed(), literal),
            (Side::Literal(a), Side::Literal(b)) if comparison == Comparison::Equal => {
                return Some(Expr::Constant(a == b));
            }
            _ => return self.refuse(at, "there is no field to ask", ""),
        };
        if let Some(message) = differs(comparison, &literal) {
            return self.refuse(at, message, "");
        }
        if literal == Literal::Null {
            return Some(is_null(&field));
        }
        let is_met_by_null = comparison.is_order() && null_is(comparison, &literal);
        let asked = test(field.clone(), Op::Compare(comparison, Right::Literal(literal)));
        Some(if is_met_by_null { Expr::or(vec![is_null(&field), asked]) } else { asked })
    }

    fn among(&mut self, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        let ([item, container], at) = (arguments.parts(), arguments.at) else {
            return self.refuse(arguments.at, "`in` takes two arguments", "");
        };
        let item = self.side(item, &below(at, "0"));
        let place = below(at, "1");
        let Value::Array(items) = container else {
            return match (item?, self.side(container, &place)?) {
                (Side::Literal(item), Side::Field(field)) => Some(test(field, Op::Holds(item))),
                (Side::Field(item), Side::Field(container)) => {
                    Some(test(item, Op::In(Set::Operand(Operand::Field(container)))))
                }
                _ => self.refuse(&place, "this cannot hold anything", "write a list or a field"),
            };
        };
        if items.len() > MAX_LIST_ITEMS {
            return self.refuse(&place, format!("the list has {} items", items.len()), "split it");
        }
        let mut tests = Vec::with_capacity(items.len());
        for (position, item) in items.iter().enumerate() {
            let place = below(&place, &position.to_string());
            match self.side(item, &place)? {
                Side::Literal(literal) => match differs(Comparison::Equal, &literal) {
                    Some(message) => return self.refuse(&place, message, ""),
                    None => tests.push(EachOp::Compare(Comparison::Equal, literal)),
                },
                Side::Field(_) => return self.refuse(&place, "a list holds fixed values only", ""),
            }
        }
        match item? {
            Side::Field(field) => {
                let has_null = tests.contains(&EachOp::Compare(Comparison::Equal, Literal::Null));
                let absent = has_null.then(|| not(test(field.clone(), Op::Exists)));
                let among = test(field, Op::Each(Quantifier::Any, tests));
                Some(Expr::or(absent.into_iter().chain([among]).collect()))
            }
            Side::Literal(item) => {
                let is_there =
                    tests.iter().any(|test| matches!(test, EachOp::Compare(_, other) if *other == item));
                Some(Expr::Constant(is_there))
            }
        }
    }

    fn text(&mut self, op: TextOp, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        match self.sides::<2>(arguments)? {
            [Side::Field(field), Side::Literal(text @ Literal::Text(_))] => {
                Some(test(field, Op::Text(op, Right::Literal(text))))
            }
            [Side::Field(field), Side::Field(text)] => {
                Some(test(field, Op::Text(op, Right::Operand(Operand::Field(text)))))
            }
            _ => self.refuse(arguments.at, "it takes a field and a text", ""),
        }
    }

    /// `sem_ver`: `~` is the same minor version, `^` the same major one.
    fn version(&mut self, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        let [Side::Field(field), Side::Literal(Literal::Text(op)), Side::Literal(Literal::Text(version))] =
            self.sides::<3>(arguments)?
        else {
            return self.refuse(arguments.at, "it takes a field, an operator and a version", "");
        };
        let Some(ranges) = VersionRanges::around(&version) else {
            return self.refuse(arguments.at, format!("`{version}` is not a version"), "write \"1.10.0\"");
        };
        let compared = |comparison, version| {
            let right = Right::Literal(Literal::Text(version));
            Expr::Test(Predicate {
                left: of_field(Function::Semver, &field),
                op: Op::Compare(comparison, right),
            })
        };
        let within = |[low, high]: [String; 2]| {
            Expr::and(vec![compared(Comparison::GreaterEqual, low), compared(Comparison::Less, high)])
        };
        Some(match op.as_str() {
            "=" => compared(Comparison::Equal, version),
            "!=" => compared(Comparison::NotEqual, version),
            "<" => compared(Comparison::Less, version),
            "<=" => compared(Comparison::LessEqual, version),
            ">" => compared(Comparison::Greater, version),
            ">=" => compared(Comparison::GreaterEqual, version),
            "~" => within(ranges.minor),
            "^" => within(ranges.major),
            _ => {
                return self.refuse(
                    arguments.at,
                    format!("`{op}` compares no versions"),
                    "write =, <, ~ or ^",
                );
            }
        })
    }

    /// Whether one of the fields is missing, `null` or an empty text.
    fn missing(&mut self, arguments: &Arguments<'l, '_>) -> Option<Expr> {
        let mut members = Vec::new();
        for (name, at) in arguments.each() {
            let Side::Field(field) = self.field(&Arguments::new(name, &at))? else {
                return self.refuse(&at, "the name of a field is a text", "");
            };
            let equals = |literal| Op::Compare(Comparison::Equal, Right::Literal(literal));
            members.push(not(test(field.clone(), Op::Exists)));
            members.push(test(field.clone(), equals(Literal::Null)));
            members.push(test(field, equals(Literal::Text(String::new()))));
        }
        Some(Expr::or(members))
    }
}

/// A condition that is false where it would be unknown, and can be written.
pub(super) fn settled(expr: Expr, pointer: &str) -> Result<Expr, PointedProblem> {
    within_limits(two_valued(expr)).map_err(|problem| PointedProblem::new(pointer, problem.message, ""))
}

/// What an operation is given, and where it stands.
pub(super) struct Arguments<'l, 'a> {
    value: &'l Value,
    at: &'a str,
}

impl<'l, 'a> Arguments<'l, 'a> {
    pub(super) fn new(value: &'l Value, at: &'a str) -> Self {
        Self { value, at }
    }

    /// Where it stands.
    pub(super) const fn at(&self) -> &'a str {
        self.at
    }

    /// Its arguments; one need not stand in a list.
    pub(super) fn parts(&self) -> &'l [Value] {
        match self.value {
            Value::Array(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&'l Value, String)> + use<'l, 'a> {
        let (at, is_list) = (self.at, self.value.is_array());
        let place =
            move |position: usize| if is_list { below(at, &position.to_string()) } else { at.to_owned() };
        self.parts().iter().enumerate().map(move |(position, part)| (part, place(position)))
    }
}

/// The key of an object that has one, and what stands there.
pub(super) fn only(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((key, value)), None) => Some((key, value)),
        _ => None,
    }
}

/// The pointer to what stands under `key`.
pub(super) fn below(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Whether a field is missing or `null`, which is one there.
pub(super) fn is_null(field: &FieldPath) -> Expr {
    let null = Op::Compare(Comparison::Equal, Right::Literal(Literal::Null));
    Expr::or(vec![not(test(field.clone(), Op::Exists)), test(field.clone(), null)])
}

/// Whether `null`, which counts as 0, is in that order towards a literal.
fn null_is(comparison: Comparison, literal: &Literal) -> bool {
    let other = match literal {
        Literal::Number(number) => number.to_f64(),
        Literal::Text(text) if text.trim().is_empty() => 0.0,
        Literal::Text(text) => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    is_in_order(comparison, other)
}

/// Whether `null` is in that order towards a number, which it equals in no case.
fn is_in_order(comparison: Comparison, other: f64) -> bool {
    match comparison {
        Comparison::Less | Comparison::LessEqual => 0.0 < other,
        Comparison::Greater | Comparison::GreaterEqual => 0.0 > other,
        Comparison::Equal | Comparison::NotEqual => false,
    }
}

/// Two fields compared, of which both may be `null`.
fn compared_fields(comparison: Comparison, left: &FieldPath, right: &FieldPath) -> Expr {
    let both_null = || Expr::and(vec![is_null(left), is_null(right)]);
    let asked = test(left.clone(), Op::Compare(comparison, Right::Operand(Operand::Field(right.clone()))));
    if !comparison.is_order() {
        return Expr::or(vec![asked, both_null()]);
    }
    let towards_zero = |field: &FieldPath, comparison| {
        let comparison = match comparison {
            Comparison::LessEqual => Comparison::Less,
            Comparison::GreaterEqual => Comparison::Greater,
            other => other,
        };
        let zero = Right::Literal(Literal::Number(Number::from(0_i64)));
        test(field.clone(), Op::Compare(comparison, zero))
    };
    let mut ways = vec![
        asked,
        Expr::and(vec![is_null(left), towards_zero(right, comparison.reversed())]),
        Expr::and(vec![is_null(right), towards_zero(left, comparison)]),
    ];
    if matches!(comparison, Comparison::LessEqual | Comparison::GreaterEqual) {
        ways.push(both_null());
    }
    Expr::or(ways)
}

/// Where versions with the same major, or also minor number begin and end, what comes before their releases included.
struct VersionRanges {
    major: [String; 2],
    minor: [String; 2],
}

impl VersionRanges {
    fn around(version: &str) -> Option<Self> {
        version_key(version)?;
        let release = version.trim_start_matches(['v', 'V']).split(['-', '+']).next()?;
        let mut numbers = release.split('.').map(str::parse::<u64>);
        let mut next = || numbers.next().unwrap_or(Ok(0)).ok();
        let (major, minor) = (next()?, next()?);
        Some(Self {
            major: [format!("{major}.0.0-0"), format!("{}.0.0-0", major.checked_add(1)?)],
            minor: [format!("{major}.{minor}.0-0"), format!("{major}.{}.0-0", minor.checked_add(1)?)],
        })
    }
}

pub(super) fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        Expr::Constant(value) => Expr::Constant(!value),
        other => Expr::Not(Box::new(other)),
    }
}
