//! What a check asks of a value, by the kind of the value.

use std::cmp::Ordering;

use super::fields::Kind;
use super::posix;
use super::tree::{HowMany, Operator};
use crate::field::View;
use crate::glob::Glob;
use crate::operand::Held;
use crate::pattern::{Compiled, MatchOp, Pattern};
use crate::relation::Relation;
use crate::test::{Members, Test};
use crate::{Comparison, Literal, Network, Number, TextOp, Verdict};

/// What is asked of a value.
#[derive(Debug)]
pub(super) enum Ask {
    /// One test, negated where the flag is set.
    One(Test, bool),
    /// As many of these as it says; of none at all none.
    Several(HowMany, Box<[(Test, bool)]>),
    /// All items of a list are among these, which those of an empty one are; or a single value is.
    In(Test),
    /// The value is one of these paths, or below one.
    Below(Box<[Path]>),
}

impl Ask {
    /// An operator with one value on its right.
    ///
    /// # Errors
    /// Why the value cannot stand there.
    pub(super) fn of_value(op: Operator, kind: Kind, value: &str) -> Result<Self, String> {
        if Operator::OF_LIST.contains(&op) {
            return Self::of_list(op, kind, &[value.to_owned()]);
        }
        test(op, kind, value).map(|(test, is_negated)| Self::One(test, is_negated))
    }

    /// `in`, `intersects` or `pmatch`.
    ///
    /// # Errors
    /// As [`Self::of_value`].
    pub(super) fn of_list(op: Operator, kind: Kind, values: &[String]) -> Result<Self, String> {
        match (op, kind) {
            (Operator::Pmatch, _) => {
                values.iter().map(|value| Path::new(value)).collect::<Result<_, _>>().map(Self::Below)
            }
            (_, Kind::Address | Kind::Network) => {
                Self::of_several(HowMany::Any, Operator::Equal, kind, values)
            }
            _ => {
                let items: Result<Vec<_>, _> = values.iter().map(|value| literal(kind, value)).collect();
                Ok(match op {
                    Operator::Intersects => Self::One(Test::OneOf(Members::plain(items?, true)), false),
                    _ => Self::In(Test::OneOf(Members::plain(items?, false))),
                })
            }
        }
    }

    /// `startswith oneof (a, b)` and its kin.
    ///
    /// # Errors
    /// As [`Self::of_value`].
    pub(super) fn of_several(
        how_many: HowMany,
        op: Operator,
        kind: Kind,
        values: &[String],
    ) -> Result<Self, String> {
        let tests: Result<_, _> = values.iter().map(|value| test(op, kind, value)).collect();
        tests.map(|tests| Self::Several(how_many, tests))
    }

    /// Whether it holds for a value.
    pub(super) fn holds(&self, value: View<'_>) -> bool {
        let fits = |(test, is_negated): &(Test, bool)| {
            test.verdict(Some(value)).negate_if(*is_negated) == Verdict::True
        };
        match self {
            Self::One(test, is_negated) => test.verdict(Some(value)).negate_if(*is_negated) == Verdict::True,
            Self::In(_) if matches!(value, View::List([])) => true,
            Self::In(test) => test.verdict(Some(value)) == Verdict::True,
            Self::Several(_, tests) if tests.is_empty() => false,
            Self::Several(HowMany::Any, tests) => tests.iter().any(fits),
            Self::Several(HowMany::All, tests) => tests.iter().all(fits),
            Self::Several(HowMany::One, tests) => tests.iter().filter(|test| fits(test)).take(2).count() == 1,
            Self::Below(paths) => {
                matches!(value, View::Text(text) if paths.iter().any(|path| path.holds(text)))
            }
        }
    }
}

fn test(op: Operator, kind: Kind, value: &str) -> Result<(Test, bool), String> {
    let positive = |test| Ok((test, false));
    let text_op = |op| positive(Test::of_text(op, value));
    match op {
        Operator::Contains => text_op(TextOp::Contains),
        Operator::Icontains => text_op(TextOp::Icontains),
        Operator::StartsWith => text_op(TextOp::StartsWith),
        Operator::EndsWith => text_op(TextOp::EndsWith),
        Operator::Bcontains | Operator::BstartsWith => {
            let is_hex = value.len().is_multiple_of(2) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            let op = if op == Operator::Bcontains { TextOp::Bcontains } else { TextOp::BstartsWith };
            if is_hex { text_op(op) } else { Err(format!("`{value}` are no pairs of hexadecimal digits")) }
        }
        Operator::Glob => positive(Test::Pattern(glob(value, false)?)),
        Operator::Iglob => positive(Test::Pattern(glob(value, true)?)),
        Operator::Regex => {
            let pattern =
                Pattern::new(MatchOp::Regex, &posix::translate(value)?).map_err(|error| error.to_string())?;
            positive(Test::Pattern(pattern.compiled().clone()))
        }
        Operator::Equal | Operator::EqualTwice => equal(kind, value).map(|test| (test, false)),
        Operator::NotEqual => equal(kind, value).map(|test| (test, true)),
        Operator::Less => ordered(Comparison::Less, kind, value),
        Operator::LessEqual => ordered(Comparison::LessEqual, kind, value),
        Operator::Greater => ordered(Comparison::Greater, kind, value),
        Operator::GreaterEqual => ordered(Comparison::GreaterEqual, kind, value),
        Operator::In | Operator::Intersects | Operator::Pmatch | Operator::Exists => {
            Err(format!("`{}` takes a list", op.word()))
        }
    }
}

/// A pattern of `glob`. To fnmatch(3) a `[` that nothing closes is a bracket.
fn glob(pattern: &str, any_case: bool) -> Result<Compiled, String> {
    let read = |pattern: &str| Glob::new(pattern, any_case).map(Compiled::Glob);
    read(pattern).or_else(|error| match error.as_str() {
        "`[` without `]`" => read(&pattern.replace('[', "\\[")),
        _ => Err(error),
    })
}

fn equal(kind: Kind, value: &str) -> Result<Test, String> {
    match kind {
        Kind::Address => {
            let n_bits = if value.contains('.') { 32 } else { 128 };
            let address = Network::parse(&format!("{value}/{n_bits}"));
            let address = address.filter(|_| !value.contains('/'));
            let network = address.ok_or_else(|| format!("`{value}` is no IP address"))?;
            Ok(Test::Within(value.into(), network))
        }
        Kind::Network => {
            let network = Network::parse(value).filter(|_| value.contains('/'));
            let network = network.ok_or_else(|| format!("`{value}` is no network such as 10.0.0.0/8"))?;
            Ok(Test::Within(value.into(), network))
        }
        _ => literal(kind, value).map(Test::Equal),
    }
}

fn ordered(comparison: Comparison, kind: Kind, value: &str) -> Result<(Test, bool), String> {
    literal(kind, value).map(|literal| Test::of_comparison(comparison, &literal))
}

/// A value as its kind has it.
fn literal(kind: Kind, value: &str) -> Result<Literal, String> {
    if value.contains('\0') {
        return Err("a value cannot contain a NUL byte".to_owned());
    }
    let whole = |bits: u32, is_signed: bool| {
        let number =
            whole(value, bits, is_signed).ok_or_else(|| format!("`{value}` is not a valid number"))?;
        Ok(Literal::Number(number))
    };
    match kind {
        Kind::Text | Kind::Bytes | Kind::Address | Kind::Network => Ok(Literal::Text(value.to_owned())),
        Kind::Bool => match value {
            "true" => Ok(Literal::Bool(true)),
            "false" => Ok(Literal::Bool(false)),
            _ => Err(format!("`{value}` is neither `true` nor `false`")),
        },
        Kind::I16 => whole(16, true),
        Kind::I32 => whole(32, true),
        Kind::I64 => whole(64, true),
        Kind::U32 => whole(32, false),
        Kind::U64 | Kind::Time | Kind::Span => whole(64, false),
        Kind::Double => {
            let number =
                value.parse().ok().filter(|number: &f64| number.is_finite()).and_then(Number::from_f64);
            number.map(Literal::Number).ok_or_else(|| format!("`{value}` is not a valid number"))
        }
        Kind::Port => port(value)
            .map(|port| Literal::Number(u64::from(port).into()))
            .ok_or_else(|| format!("`{value}` is neither a port nor a service that is known here")),
        Kind::Any => Ok(match whole(64, true) {
            Ok(number) => number,
            Err(_) => Literal::Text(value.to_owned()),
        }),
    }
}

/// A whole number of so many bits; one below zero wraps around where there is no sign, as in C.
fn whole(digits: &str, bits: u32, is_signed: bool) -> Option<Number> {
    let number: i128 = digits.parse().ok()?;
    let size = 1_i128 << bits;
    let (least, most) = if is_signed { (-size / 2, size / 2 - 1) } else { (-size / 2, size - 1) };
    if number < least || most < number {
        return None;
    }
    let number = if number < 0 && !is_signed { number + size } else { number };
    match i64::try_from(number) {
        Ok(number) => Some(number.into()),
        Err(_) => u64::try_from(number).ok().map(Number::from),
    }
}

/// The services that rules name.
const SERVICES: [(&str, u16); 14] = [
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("pop3", 110),
    ("ntp", 123),
    ("imap2", 143),
    ("snmp", 161),
    ("ldap", 389),
    ("https", 443),
    ("ldaps", 636),
    ("mysql", 3306),
];

fn port(value: &str) -> Option<u16> {
    let service = SERVICES.iter().find(|(name, _)| *name == value).map(|(_, port)| *port);
    match value {
        "" => Some(0),
        _ if value.bytes().all(|byte| byte.is_ascii_digit()) => value.parse().ok(),
        _ => service,
    }
}

/// A path of `pmatch`, whose components may be globs. Slashes at the ends do not matter.
#[derive(Debug)]
pub(super) struct Path(Box<[Compiled]>);

impl Path {
    fn new(path: &str) -> Result<Self, String> {
        components(path).map(|component| glob(component, false)).collect::<Result<_, _>>().map(Self)
    }

    fn holds(&self, path: &str) -> bool {
        let mut components = components(path);
        self.0.iter().all(|glob| components.next().is_some_and(|component| glob.fits(component)))
    }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// Whether a check holds of two values of an event.
pub(super) fn related(op: Operator, kind: Kind, left: View<'_>, right: View<'_>) -> bool {
    let holds = |relation: Relation| relation.verdict(left, right) == Verdict::True;
    let order = |want, or_equal| holds(Relation::Order(want, or_equal));
    match op {
        Operator::Equal | Operator::EqualTwice => same(kind, left, right),
        Operator::NotEqual => !same(kind, left, right),
        Operator::Less => order(Ordering::Less, false),
        Operator::LessEqual => order(Ordering::Less, true),
        Operator::Greater => order(Ordering::Greater, false),
        Operator::GreaterEqual => order(Ordering::Greater, true),
        Operator::Contains => holds(Relation::Text(TextOp::Contains)),
        Operator::Icontains => holds(Relation::Text(TextOp::Icontains)),
        Operator::StartsWith => holds(Relation::Text(TextOp::StartsWith)),
        Operator::EndsWith => holds(Relation::Text(TextOp::EndsWith)),
        Operator::Bcontains => holds(Relation::Text(TextOp::Bcontains)),
        Operator::BstartsWith => holds(Relation::Text(TextOp::BstartsWith)),
        Operator::Glob => holds(Relation::Glob(false)),
        Operator::Iglob => holds(Relation::Glob(true)),
        Operator::In => among(kind, left, right, false),
        Operator::Intersects => among(kind, left, right, true),
        Operator::Regex | Operator::Pmatch | Operator::Exists => false,
    }
}

/// Whether all items of `left`, or one of them, are items of `right`. A single value is a list of one.
fn among(kind: Kind, left: View<'_>, right: View<'_>, is_one_enough: bool) -> bool {
    let has = |item: View<'_>| match right {
        View::List(others) => others.iter().filter_map(View::of).any(|other| same(kind, item, other)),
        one => same(kind, item, one),
    };
    match left {
        View::List(items) if is_one_enough => items.iter().filter_map(View::of).any(has),
        View::List(items) => items.iter().filter_map(View::of).all(has),
        one => has(one),
    }
}

fn same(kind: Kind, left: View<'_>, right: View<'_>) -> bool {
    match (kind, left, right) {
        (Kind::Address, View::Text(left), View::Text(right)) => {
            left == right
                || equal(kind, right).is_ok_and(|test| test.verdict(Some(View::Text(left))) == Verdict::True)
        }
        _ => left == right,
    }
}

/// A value of an event as its kind has it, whatever it is written as; `None` for what is not of that kind.
pub(super) fn as_kind(kind: Kind, value: View<'_>) -> Option<Held<'_>> {
    match (kind, value) {
        (_, View::List(_)) | (Kind::Text | Kind::Bytes | Kind::Address | Kind::Network, View::Text(_)) => {
            Some(Held::View(value))
        }
        (Kind::Text | Kind::Bytes, View::Number(number)) => Some(Held::Text(number.to_string())),
        (Kind::Text | Kind::Bytes, View::Bool(truth)) => Some(Held::Text(truth.to_string())),
        (Kind::Bool, View::Bool(_)) => Some(Held::View(value)),
        (Kind::Bool, View::Text("true")) => Some(Held::View(View::Bool(true))),
        (Kind::Bool, View::Text("false")) => Some(Held::View(View::Bool(false))),
        (Kind::Any, View::Text(text)) => Some(whole(text, 64, true).map_or(Held::View(value), Held::Number)),
        (Kind::Any, View::Number(_) | View::Bool(_)) => Some(Held::View(value)),
        (kind, View::Number(_)) if kind.is_number() => Some(Held::View(value)),
        (Kind::Port, View::Text(text)) => port(text).map(|port| Held::Number(u64::from(port).into())),
        (kind, View::Text(text)) if kind.is_number() => {
            whole(text, 64, true).or_else(|| whole(text, 64, false)).map(Held::Number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap_around_without_a_sign() {
        #[track_caller]
        fn check(kind: Kind, value: &str, number: Option<i128>) {
            let read = match literal(kind, value) {
                Ok(Literal::Number(number)) => Some(number.to_string().parse().unwrap()),
                _ => None,
            };
            assert_eq!(read, number, "{value} as {kind:?}");
        }
        check(Kind::U32, "-1", Some(4_294_967_295));
        check(Kind::U32, "4294967296", None);
        check(Kind::U64, "-1", Some(18_446_744_073_709_551_615));
        check(Kind::I64, "-1", Some(-1));
        check(Kind::I16, "40000", None);
        check(Kind::U64, "0x1F", None);
        check(Kind::U64, "", None);
        check(Kind::Port, "https", Some(443));
        check(Kind::Port, "70000", None);
        check(Kind::Port, "nonsense", None);
    }

    #[test]
    fn paths() {
        #[track_caller]
        fn check(pattern: &str, below: &[&str], beside: &[&str]) {
            let pattern = Path::new(pattern).unwrap();
            assert!(below.iter().all(|path| pattern.holds(path)), "{pattern:?} {below:?}");
            assert!(!beside.iter().any(|path| pattern.holds(path)), "{pattern:?} {beside:?}");
        }
        check("/opt/dir", &["/opt/dir", "/opt/dir/x", "//opt//dir/"], &["/opt/dir2", "/opt", ""]);
        check("/", &["/", "/etc", "", "x"], &[]);
        check("/etc/*", &["/etc/x", "/etc/x/y"], &["/etc", "/usr/x"]);
        check("/usr/[!b]*/lib", &["/usr/a/lib/x"], &["/usr/b/lib"]);
        check("a[", &["a["], &["a"]);
    }
}
