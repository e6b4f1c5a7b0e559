//! Conditions in InfluxQL: points of a measurement are events, and their tags and fields the fields.
//!
//! A point without a field, or without a tag, lacks it, and a tag is never empty. No test of what is missing holds, but `not x` does where `x`
//! does not. InfluxQL has no `NOT` and cannot ask whether a field is missing, so the opposite of a test can only be said of tags, and of a field that every
//! point has.
//!
//! | a key of a measurement | is |
//! | --- | --- |
//! | a tag | that text, compared byte by byte |
//! | a field of integers | that whole number, to the last digit |
//! | a field of floats, of strings, of booleans | that number, that text, `true` or `false` |

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lanner_core::nearest;

use super::Refused;
use crate::atom::each_of;
use crate::{Comparison, Expr, Literal, Number, Op, Operand, Predicate, Quantifier, Right, Set, TextOp};

/// What the values of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Texts, indexed.
    Tag,
    /// Whole numbers.
    Integer,
    /// Floating-point numbers.
    Float,
    /// Texts, not indexed.
    Text,
    /// True or false.
    Truth,
    /// Different things in different points.
    Mixed,
}

/// The keys that a condition can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The measurement's name, for people.
    pub measurement: String,
    /// The field that every point has.
    pub counted: String,
    /// What is known of the keys; `None` where nobody has looked: then each is there, and of the kind that it is asked as.
    pub kinds: Option<BTreeMap<String, Kind>>,
}

/// A condition, as far as it depends on the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Every point.
    Always,
    /// None.
    Never,
    /// Those for which this expression holds.
    Where(String),
}

use Said::{Always, Never, Where};

impl Keys {
    /// What the values of a key are.
    fn find(&self, name: &str, assumed: Kind) -> Result<Kind, Refused> {
        let Some(kinds) = &self.kinds else { return Ok(assumed) };
        kinds.get(name).copied().ok_or_else(|| {
            let hint = match nearest(name, kinds.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "no point has had it yet".to_owned(),
            };
            Refused::new(format!("{} has no tag or field `{name}`", self.measurement), hint)
        })
    }

    /// The tag whose values form groups, quoted.
    ///
    /// # Errors
    /// That it is not there, or no tag.
    pub fn tag(&self, name: &str) -> Result<String, Refused> {
        match self.find(name, Kind::Tag)? {
            Kind::Tag => Ok(quoted(name)),
            kind => Err(Refused::new(
                format!("`{name}` is {}, and its values form no groups", kind.phrase()),
                "group by tags",
            )),
        }
    }

    /// The field whose numbers are measured, quoted, as floating-point numbers.
    ///
    /// # Errors
    /// That it is not there, or holds no numbers.
    pub fn number(&self, name: &str) -> Result<String, Refused> {
        match self.find(name, Kind::Float)? {
            Kind::Integer | Kind::Float => Ok(format!("{}::float", quoted(name))),
            kind => Err(Refused::new(
                format!("`{name}` is {}, and no number", kind.phrase()),
                "measure a field of integers or floats",
            )),
        }
    }

    /// The field whose values are counted, quoted.
    ///
    /// # Errors
    /// That it is not there, or no field.
    pub fn value(&self, name: &str) -> Result<String, Refused> {
        match self.find(name, Kind::Text)? {
            Kind::Integer | Kind::Float | Kind::Text => Ok(quoted(name)),
            kind => Err(Refused::new(
                format!("`{name}` is {}, whose values InfluxQL does not count", kind.phrase()),
                "measure a field of numbers or strings, or write the rule's query as `influxql`",
            )),
        }
    }

    /// A condition.
    ///
    /// # Errors
    /// What cannot be said in InfluxQL with the same meaning.
    pub fn condition(&self, expr: &Expr) -> Result<Said, Refused> {
        self.expr(expr, false)
    }

    /// A condition or its opposite.
    fn expr(&self, expr: &Expr, is_opposite: bool) -> Result<Said, Refused> {
        match expr {
            Expr::Constant(value) => Ok(if *value == is_opposite { Never } else { Always }),
            Expr::Test(predicate) => self.test(predicate, is_opposite),
            Expr::Not(inner) => self.expr(inner, !is_opposite),
            Expr::And(members) | Expr::Or(members) => {
                let said = members.iter().map(|member| self.expr(member, is_opposite));
                let said = said.collect::<Result<Vec<_>, _>>()?;
                Ok(if matches!(expr, Expr::And(_)) == is_opposite { any(said) } else { all(said) })
            }
        }
    }

    fn test(&self, predicate: &Predicate, is_opposite: bool) -> Result<Said, Refused> {
        let refused = |what: &str, hint: &str| {
            Err(Refused::new(format!("`{}`: {what}", Expr::Test(predicate.clone())), hint))
        };
        let Operand::Field(field) = &predicate.left else {
            return refused("InfluxQL has no function that means the same", "write its result as a tag");
        };
        let name = field.holders().next().unwrap_or_else(|| field.as_str());
        let key = Key { keys: self, name, is_opposite };
        match &predicate.op {
            Op::Truthy => key.truthy(),
            Op::Exists => key.exists(self.find(name, Kind::Tag)?),
            Op::Compare(comparison, Right::Literal(literal)) => key.compared(*comparison, literal),
            Op::In(Set::Items(items)) | Op::Intersects(Set::Items(items)) => key.among(items),
            Op::NotIn(Set::Items(items)) => key.not_among(items),
            Op::Holds(Literal::Text(part)) => key.found(TextOp::Contains, part),
            Op::NotHolds(Literal::Text(part)) => key.not_found(part),
            Op::Text(
                op @ (TextOp::Contains | TextOp::StartsWith | TextOp::EndsWith),
                Right::Literal(Literal::Text(part)),
            ) => key.found(*op, part),
            Op::Each(quantifier, _) => {
                let Some((_, members)) = each_of(predicate) else {
                    return refused(
                        "no engine counts how many of several tests hold",
                        "write anyof or allof",
                    );
                };
                let said = members.iter().map(|member| self.test(member, is_opposite));
                let said = said.collect::<Result<Vec<_>, _>>()?;
                let is_all = matches!(quantifier, Quantifier::All) && !said.is_empty();
                Ok(if is_all == is_opposite { any(said) } else { all(said) })
            }
            Op::Match(pattern) if pattern.op().is_regex() => refused(
                "regular expressions mean something else in InfluxQL",
                "write ==, startswith, endswith or contains, or write a tag that says it",
            ),
            _ => refused(
                "InfluxQL has nothing that means the same",
                "write ==, in, startswith, endswith or contains, or write a tag that says it",
            ),
        }
    }
}

/// Refuses a condition that no measurement could be asked, whatever its keys are.
///
/// # Errors
/// What cannot be said there with the same meaning.
pub fn check(expr: &Expr, counted: &str) -> Result<(), Refused> {
    let keys = Keys { measurement: String::new(), counted: counted.to_owned(), kinds: None };
    keys.condition(expr).map(drop)
}

/// A key that is asked something, or the opposite.
#[derive(Clone, Copy)]
struct Key<'k> {
    keys: &'k Keys,
    name: &'k str,
    is_opposite: bool,
}

impl Key<'_> {
    /// A test that never holds for a point without the key; or, in its place, `opposite`, which has to hold for those.
    fn said(&self, kind: Kind, test: String, opposite: String) -> Result<Said, Refused> {
        if !self.is_opposite {
            return Ok(Where(test));
        }
        if kind == Kind::Tag || self.is_counted() {
            return Ok(Where(opposite));
        }
        Err(self.opposite())
    }

    /// Whether every point has it.
    fn is_counted(&self) -> bool {
        self.name == self.keys.counted
    }

    fn opposite(&self) -> Refused {
        Refused::new(
            format!(
                "the opposite of a test of `{}` holds for points without it, which InfluxQL cannot find",
                self.name
            ),
            "say what is wanted, not what is not; or write it as a tag",
        )
    }

    /// That the key is there.
    fn exists(&self, kind: Kind) -> Result<Said, Refused> {
        let key = quoted(self.name);
        if self.is_counted() {
            return Ok(if self.is_opposite { Never } else { Always });
        }
        match kind {
            Kind::Tag => self.said(kind, format!("{key} != ''"), format!("{key} = ''")),
            Kind::Integer | Kind::Float => {
                self.said(kind, format!("({key} < 0 OR {key} >= 0)"), String::new())
            }
            Kind::Text => self.said(kind, format!("{key} =~ /^/"), String::new()),
            Kind::Truth | Kind::Mixed => Err(kind.unfit(self.name)),
        }
    }

    /// That the key is there and something holds; or that it is missing or the opposite holds, which `said` is then.
    fn present_and(&self, kind: Kind, said: Said) -> Result<Said, Refused> {
        let exists = self.exists(kind)?;
        Ok(if self.is_opposite { any(vec![exists, said]) } else { all(vec![exists, said]) })
    }

    fn truthy(&self) -> Result<Said, Refused> {
        let (key, kind) = (quoted(self.name), self.keys.find(self.name, Kind::Tag)?);
        match kind {
            Kind::Tag => self.exists(kind),
            Kind::Text => self.said(kind, format!("{key} != ''"), format!("{key} = ''")),
            Kind::Integer | Kind::Float => self.said(kind, format!("{key} != 0"), format!("{key} = 0")),
            Kind::Truth => self.said(kind, format!("{key} = true"), format!("{key} = false")),
            Kind::Mixed => Err(kind.unfit(self.name)),
        }
    }

    fn compared(&self, comparison: Comparison, literal: &Literal) -> Result<Said, Refused> {
        let kind = self.keys.find(self.name, assumed(Some(literal)))?;
        match comparison {
            Comparison::Equal => self.equal(kind, literal),
            Comparison::NotEqual => {
                if self.knows_neither(kind) {
                    return self.unequal(kind, literal);
                }
                self.present_and(kind, self.other().equal(kind, literal)?)
            }
            _ if matches!(literal, Literal::Null | Literal::Bool(_)) => {
                Ok(if self.is_opposite { Always } else { Never })
            }
            Comparison::Less => self.ordered(kind, ["<", ">="], literal),
            Comparison::LessEqual => self.ordered(kind, ["<=", ">"], literal),
            Comparison::Greater => self.ordered(kind, [">", "<="], literal),
            Comparison::GreaterEqual => self.ordered(kind, [">=", "<"], literal),
        }
    }

    /// As InfluxQL writes a value that is compared with this key for equality.
    fn literal(&self, kind: Kind, literal: &Literal) -> Result<String, Refused> {
        if literal == &Literal::Null {
            return Err(Refused::new(
                format!("`{}` and null: InfluxDB does not keep that a field is null", self.name),
                format!("write {} exists", self.name),
            ));
        }
        if literal.network().is_some() {
            return Err(Refused::new(
                format!("`{}` and {literal}: that is a network, which equals every address in it", self.name),
                "write a tag that says whether an address is in it",
            ));
        }
        match (kind, literal) {
            (Kind::Tag | Kind::Text, Literal::Text(text)) => Ok(single_quoted(text)),
            (Kind::Truth, Literal::Bool(wanted)) => Ok(wanted.to_string()),
            (Kind::Integer | Kind::Float, Literal::Number(number)) => self.number(kind, *number),
            _ => Err(kind.unlike(self.name, literal)),
        }
    }

    fn equal(&self, kind: Kind, literal: &Literal) -> Result<Said, Refused> {
        let (key, value) = (quoted(self.name), self.literal(kind, literal)?);
        match (kind, literal) {
            (Kind::Tag, Literal::Text(text)) if text.is_empty() => {
                Ok(if self.is_opposite { Always } else { Never })
            }
            // A missing one is taken for false there.
            (Kind::Truth, Literal::Bool(false)) if !self.is_counted() => Err(Refused::new(
                format!("InfluxQL takes a missing `{}` for false", self.name),
                format!("write {} == true, or write it as a tag", self.name),
            )),
            _ => self.said(kind, format!("{key} = {value}"), format!("{key} != {value}")),
        }
    }

    /// The opposite.
    fn other(&self) -> Self {
        Self { is_opposite: !self.is_opposite, ..*self }
    }

    /// Whether neither `=` nor `!=` holds there for a point without it.
    fn knows_neither(&self, kind: Kind) -> bool {
        !self.is_opposite && !self.is_counted() && matches!(kind, Kind::Integer | Kind::Float | Kind::Text)
    }

    fn unequal(&self, kind: Kind, literal: &Literal) -> Result<Said, Refused> {
        Ok(Where(format!("{} != {}", quoted(self.name), self.literal(kind, literal)?)))
    }

    fn among(&self, items: &[Literal]) -> Result<Said, Refused> {
        let kind = self.keys.find(self.name, assumed(items.first()))?;
        let each = items.iter().map(|item| self.equal(kind, item)).collect::<Result<Vec<_>, _>>()?;
        Ok(if self.is_opposite { all(each) } else { any(each) })
    }

    fn not_among(&self, items: &[Literal]) -> Result<Said, Refused> {
        let kind = self.keys.find(self.name, assumed(items.first()))?;
        if self.knows_neither(kind) {
            return Ok(all(items.iter().map(|item| self.unequal(kind, item)).collect::<Result<_, _>>()?));
        }
        self.present_and(kind, self.other().among(items)?)
    }

    fn ordered(&self, kind: Kind, [symbol, opposite]: [&str; 2], literal: &Literal) -> Result<Said, Refused> {
        match (kind, literal) {
            (Kind::Integer | Kind::Float, Literal::Number(number)) => {
                let (key, value) = (quoted(self.name), self.number(kind, *number)?);
                self.said(kind, format!("{key} {symbol} {value}"), format!("{key} {opposite} {value}"))
            }
            (Kind::Tag | Kind::Text, Literal::Text(_)) => Err(Refused::new(
                format!("InfluxQL has no order of texts such as `{}`", self.name),
                "write ==, in or startswith",
            )),
            _ => Err(kind.unlike(self.name, literal)),
        }
    }

    /// A number that InfluxQL reads back to the last digit. It knows no exponents.
    fn number(&self, kind: Kind, number: Number) -> Result<String, Refused> {
        let float = number.to_f64();
        let is_exact = Number::from_f64(float) == Some(number) && float.abs() < 1e18;
        match number.as_i64() {
            Some(whole) if kind == Kind::Integer || is_exact => Ok(whole.to_string()),
            None if is_exact => Ok(float.to_string()),
            _ => Err(Refused::new(
                format!("`{}` cannot be compared with {number} exactly", self.name),
                "compare it with a number of fewer digits",
            )),
        }
    }

    fn found(&self, op: TextOp, part: &str) -> Result<Said, Refused> {
        let kind = self.keys.find(self.name, Kind::Tag)?;
        if !matches!(kind, Kind::Tag | Kind::Text) {
            return Err(kind.unfit(self.name));
        }
        if part.is_empty() {
            return self.exists(kind);
        }
        let (start, end) = match op {
            TextOp::StartsWith => ("^", ""),
            TextOp::EndsWith => ("", "$"),
            _ => ("", ""),
        };
        let (key, part) = (quoted(self.name), as_regex(part));
        self.said(kind, format!("{key} =~ /{start}{part}{end}/"), format!("{key} !~ /{start}{part}{end}/"))
    }

    fn not_found(&self, part: &str) -> Result<Said, Refused> {
        let kind = self.keys.find(self.name, Kind::Tag)?;
        if part.is_empty() {
            // Every text holds it.
            return Ok(if self.is_opposite { Always } else { Never });
        }
        if self.knows_neither(kind) && kind == Kind::Text {
            return Ok(Where(format!("{} !~ /{}/", quoted(self.name), as_regex(part))));
        }
        self.present_and(kind, self.other().found(TextOp::Contains, part)?)
    }
}

impl Kind {
    fn phrase(self) -> &'static str {
        match self {
            Self::Tag => "a tag",
            Self::Integer => "a field of integers",
            Self::Float => "a field of floats",
            Self::Text => "a field of strings",
            Self::Truth => "a field of booleans",
            Self::Mixed => "of different types in different points",
        }
    }

    fn unfit(self, name: &str) -> Refused {
        let what = format!("`{name}` is {}, and cannot be asked this", self.phrase());
        Refused::new(what, "compare it with a value of its own kind")
    }

    fn unlike(self, name: &str, literal: &Literal) -> Refused {
        let hint = match (self, literal) {
            (Self::Tag | Self::Text, Literal::Number(_) | Literal::Bool(_)) => {
                format!("write \"{literal}\" in quotes")
            }
            (Self::Integer | Self::Float, Literal::Text(text)) if text.parse::<f64>().is_ok() => {
                format!("write {text} without quotes")
            }
            _ => "compare it with a value of its own kind".to_owned(),
        };
        Refused::new(format!("`{name}` is {}, and {literal} is none", self.phrase()), hint)
    }
}

/// What a key is taken for that is compared with a value, where nobody knows.
const fn assumed(literal: Option<&Literal>) -> Kind {
    match literal {
        Some(Literal::Bool(_)) => Kind::Truth,
        Some(Literal::Number(_)) => Kind::Integer,
        _ => Kind::Tag,
    }
}

fn all(said: Vec<Said>) -> Said {
    joined(said, &Always, &Never, " AND ")
}

fn any(said: Vec<Said>) -> Said {
    joined(said, &Never, &Always, " OR ")
}

/// - `nothing`: what changes nothing, and what none come to
/// - `settled`: what decides alone
fn joined(said: Vec<Said>, nothing: &Said, settled: &Said, between: &str) -> Said {
    if said.contains(settled) {
        return settled.clone();
    }
    let parts: Vec<String> = said
        .into_iter()
        .filter_map(|said| match said {
            Where(part) => Some(part),
            Always | Never => None,
        })
        .collect();
    match parts.as_slice() {
        [] => nothing.clone(),
        [part] => Where(part.clone()),
        parts => Where(format!("({})", parts.join(between))),
    }
}

/// A name between double quotes.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", escaped(name, '"'))
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", escaped(text, '\''))
}

fn escaped(text: &str, quote: char) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            c if c == quote || c == '\\' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A regular expression that finds this text; a slash would end it.
fn as_regex(text: &str) -> String {
    let mut regex = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            regex.push(c);
        } else {
            let _ = write!(regex, "\\x{{{:x}}}", u32::from(c));
        }
    }
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Condition;

    fn said(text: &str) -> Result<Said, String> {
        let kinds = [
            ("bank", Kind::Tag),
            ("n", Kind::Integer),
            ("ratio", Kind::Float),
            ("note", Kind::Text),
            ("ok", Kind::Truth),
            ("each", Kind::Integer),
        ];
        let kinds = Some(kinds.map(|(name, kind)| (name.to_owned(), kind)).into());
        let keys = Keys { measurement: "payments".to_owned(), counted: "each".to_owned(), kinds };
        keys.condition(Condition::compile(text).unwrap().expr()).map_err(|refused| refused.to_string())
    }

    #[test]
    fn conditions_are_written_in_influxql() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(said(text), Ok(Where(expected.to_owned())), "{text}");
        }
        check(r#"bank == "hs\"b'c" and n > 5"#, r#"("bank" = 'hs"b\'c' AND "n" > 5)"#);
        check(r#"not (bank == "a" or bank == "b")"#, r#"("bank" != 'a' AND "bank" != 'b')"#);
        check(r#"bank != "a""#, r#"("bank" != '' AND "bank" != 'a')"#);
        check(r#"not (bank != "a")"#, r#"("bank" = '' OR "bank" = 'a')"#);
        check(r#"bank not in (a, b)"#, r#"("bank" != '' AND ("bank" != 'a' AND "bank" != 'b'))"#);
        check(r#"bank startswith "a/b""#, r#""bank" =~ /^a\x{2f}b/"#);
        check(r#"not (bank contains ".")"#, r#""bank" !~ /\x{2e}/"#);
        check("n not in (1, 2)", r#"("n" != 1 AND "n" != 2)"#);
        check(r#""x" not in note"#, r#""note" !~ /x/"#);
        check("n != 9007199254740993", r#""n" != 9007199254740993"#);
        check("not (each > 5)", r#""each" <= 5"#);
        check("ratio >= 0.5", r#""ratio" >= 0.5"#);
        check("note exists and ok", r#"("note" =~ /^/ AND "ok" = true)"#);
        check(r#"bank == "" or n in (1, 2)"#, r#"("n" = 1 OR "n" = 2)"#);
        assert_eq!(said(r#"bank == "" and n > 1"#), Ok(Never));
        assert_eq!(said("each exists or n > 1"), Ok(Always));
    }

    #[test]
    fn what_would_mean_something_else_is_refused_by_name() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let why = said(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
        check("not (n > 5)", "the opposite of a test of `n` holds for points without it");
        check("ok == false", "InfluxQL takes a missing `ok` for false");
        check(r#"bank < "b""#, "InfluxQL has no order of texts");
        check("bank == 5", "`bank` is a tag, and 5 is none; write \"5\" in quotes");
        check("bnak == a", "payments has no tag or field `bnak`; did you mean `bank`?");
        check("bank == null", "does not keep that a field is null");
        check("ratio == 9007199254740993", "exactly");
        check(r#"bank =~ "a""#, "regular expressions mean something else in InfluxQL");
        check("n == val(each)", "InfluxQL has nothing that means the same");
        check("len(bank) == 5", "InfluxQL has no function that means the same");
        check(r#"bank == "10.0.0.0/8""#, "that is a network");
    }
}
