//! The declared fields and their types, so that mistakes are found when a condition is saved.

use std::collections::BTreeMap;

use crate::expr::{EachOp, Right, Set};
use crate::operand::{Argument, Operand};
use crate::time::read_time;
use crate::{FieldPath, Function, Literal, Network, Op, Predicate, Problem};

/// What a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Anything; nothing is checked.
    Any,
    /// Texts.
    Text,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Bool,
    /// Texts that name an instant, such as `2026-12-01T08:00:00Z`.
    Time,
    /// Texts that are IP addresses.
    Address,
    /// Lists.
    List,
    /// Objects; what is inside may be declared as well.
    Object,
}

impl Kind {
    const fn phrase(self) -> &'static str {
        match self {
            Self::Any => "anything",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Time => "a time",
            Self::Address => "an address",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }

    /// Whether its values are texts.
    const fn is_text(self) -> bool {
        matches!(self, Self::Any | Self::Text | Self::Time | Self::Address)
    }
}

/// The declared fields. A `null` is allowed in each.
///
/// ```
/// use lanner_conditions::{Condition, Kind, Schema, Scope};
/// let fields = [("amount", Kind::Number), ("bank", Kind::Text)];
/// let scope = Scope::default().with_schema(Schema::new(fields).unwrap().strict());
/// assert!(Condition::compile_in("amount > 5 and bank == hsbc", &scope).is_ok());
///
/// let problems = Condition::compile_in("amount == \"5\" or banc == hsbc", &scope).unwrap_err();
/// assert_eq!(problems[0].to_string(), r#"column 11: `amount` is a number, never "5"; leave out the quotes"#);
/// assert_eq!(problems[1].to_string(), "column 18: there is no field `banc`; use `bank`");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Schema {
    fields: BTreeMap<FieldPath, Kind>,
    is_strict: bool,
}

/// Which side of a test is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// What a schema has against a test.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) side: Side,
    pub(crate) message: String,
    pub(crate) hint: String,
}

fn complain<T>(side: Side, message: String, hint: impl Into<String>) -> Result<T, Complaint> {
    Err(Complaint { side, message, hint: hint.into() })
}

impl Schema {
    /// Declares fields, named as in a condition. Fields that are not declared may be anything.
    ///
    /// # Errors
    /// What is wrong with a name.
    pub fn new<'n>(fields: impl IntoIterator<Item = (&'n str, Kind)>) -> Result<Self, Vec<Problem>> {
        let read = |(name, kind)| Ok((FieldPath::parse(name)?, kind));
        Ok(Self {
            fields: fields.into_iter().map(read).collect::<Result<_, Vec<Problem>>>()?,
            is_strict: false,
        })
    }

    /// Refuses fields that are neither declared nor inside of a declared one.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    /// Whether a field is called `word`.
    pub(crate) fn declares(&self, word: &str) -> bool {
        self.fields.keys().any(|field| field.as_str() == word)
    }

    /// What is wrong with a test, if anything is.
    pub(crate) fn complaint(&self, predicate: &Predicate) -> Option<Complaint> {
        self.check(predicate).err()
    }

    fn check(&self, predicate: &Predicate) -> Result<(), Complaint> {
        let left = self.kind(&predicate.left, Side::Left)?;
        let subject = || predicate.left.to_string();
        match &predicate.op {
            Op::Truthy | Op::Exists => Ok(()),
            Op::Compare(comparison, Right::Literal(literal)) => {
                check_literal(&subject(), left, literal, comparison.is_order())
            }
            Op::Compare(comparison, Right::Operand(right)) => {
                let kind = self.kind(right, Side::Right)?;
                check_kinds(&subject(), left, right, kind, comparison.is_order())
            }
            Op::In(Set::Items(items)) | Op::NotIn(Set::Items(items)) | Op::Intersects(Set::Items(items)) => {
                let is_list = matches!(left, Kind::List);
                let each = |item| check_literal(&subject(), left, item, false);
                if is_list { Ok(()) } else { items.iter().try_for_each(each) }
            }
            Op::In(Set::Operand(right))
            | Op::NotIn(Set::Operand(right))
            | Op::Intersects(Set::Operand(right)) => match self.kind(right, Side::Right)? {
                kind @ (Kind::Number | Kind::Bool) => {
                    complain(Side::Right, format!("`{right}` is {}, not a list", kind.phrase()), "use `==`")
                }
                _ => Ok(()),
            },
            Op::Holds(_) | Op::NotHolds(_) => match left {
                Kind::Number | Kind::Bool => complain(
                    Side::Left,
                    format!("`{}` is {}, nothing can be in it", subject(), left.phrase()),
                    "use `==`",
                ),
                _ => Ok(()),
            },
            Op::Pmatch(Set::Operand(right)) | Op::Text(_, Right::Operand(right)) | Op::GlobOf(_, right) => {
                self.check_text(&predicate.left, left, Side::Left)?;
                let kind = self.kind(right, Side::Right)?;
                let is_list = matches!((&predicate.op, kind), (Op::Pmatch(_), Kind::List));
                if is_list { Ok(()) } else { self.check_text(right, kind, Side::Right) }
            }
            Op::Pmatch(_) | Op::Text(..) | Op::Match(_) => self.check_text(&predicate.left, left, Side::Left),
            Op::Each(_, tests) => tests.iter().try_for_each(|test| match test {
                EachOp::Compare(_, literal) => check_literal(&subject(), left, literal, false),
                EachOp::Text(..) | EachOp::Match(_) => self.check_text(&predicate.left, left, Side::Left),
            }),
        }
    }

    fn check_text(&self, operand: &Operand, kind: Kind, side: Side) -> Result<(), Complaint> {
        if kind.is_text() {
            return Ok(());
        }
        let hint = match kind {
            Kind::List => "use `intersects`, or `\"a\" in field`",
            _ => "compare it with `==`, `<`, `in`",
        };
        complain(side, format!("`{operand}` is {}, not a text", kind.phrase()), hint)
    }

    fn kind(&self, operand: &Operand, side: Side) -> Result<Kind, Complaint> {
        match operand {
            Operand::Field(field) => self.kind_of_field(field, side),
            Operand::Call(call) => {
                call.arguments.iter().try_for_each(|given| self.check_given(call.function, given, side))?;
                Ok(match call.function {
                    Function::Len | Function::Murmur3 => Kind::Number,
                    Function::Getopt if call.key.is_none() => Kind::List,
                    Function::Join | Function::Concat | Function::Getopt | Function::Type => Kind::Text,
                    // Of a list they make a list; versions are checked apart.
                    Function::ToLower
                    | Function::ToUpper
                    | Function::B64
                    | Function::Basename
                    | Function::Semver => Kind::Any,
                })
            }
        }
    }

    fn check_given(&self, function: Function, given: &Argument, side: Side) -> Result<(), Complaint> {
        let operand = match given {
            Argument::Literal(_) => return Ok(()),
            Argument::List(members) => {
                return members.iter().try_for_each(|member| self.check_given(function, member, side));
            }
            Argument::Operand(operand) => operand,
        };
        let kind = self.kind(operand, side)?;
        let fits = match function {
            Function::Len => !matches!(kind, Kind::Number | Kind::Bool),
            Function::Join | Function::Concat => !matches!(kind, Kind::Bool | Kind::Object),
            Function::Type => true,
            Function::Murmur3 => kind.is_text(),
            Function::Semver => kind.is_text() || kind == Kind::Number,
            _ => kind.is_text() || kind == Kind::List,
        };
        if fits {
            return Ok(());
        }
        let message =
            format!("`{operand}` is {}; `{}` cannot be asked of it", kind.phrase(), function.word());
        complain(side, message, "")
    }

    fn kind_of_field(&self, field: &FieldPath, side: Side) -> Result<Kind, Complaint> {
        if let Some(kind) = self.fields.get(field) {
            return Ok(*kind);
        }
        let name = field.as_str();
        let holder = |declared: &FieldPath| {
            let inside = name.strip_prefix(declared.as_str())?;
            inside.starts_with(['.', '[']).then_some(inside.to_owned())
        };
        let inside = self.fields.iter().find_map(|(declared, kind)| Some((holder(declared)?, *kind)));
        match inside {
            Some((inside, _)) if inside == ".length" => Ok(Kind::Number),
            Some((_, Kind::Any | Kind::List | Kind::Object)) => Ok(Kind::Any),
            _ if !self.is_strict => Ok(Kind::Any),
            _ => {
                let near = lanner_core::nearest(name, self.fields.keys().map(FieldPath::as_str));
                let hint = near.map(|near| format!("use `{near}`")).unwrap_or_default();
                complain(side, format!("there is no field `{name}`"), hint)
            }
        }
    }
}

fn check_literal(subject: &str, kind: Kind, literal: &Literal, is_order: bool) -> Result<(), Complaint> {
    let never = |hint: &str| {
        complain(Side::Right, format!("`{subject}` is {}, never {literal}", kind.phrase()), hint)
    };
    match (kind, literal) {
        (Kind::Any, _) => Ok(()),
        (Kind::List | Kind::Object, _) => complain(
            Side::Left,
            format!("`{subject}` is {}, which no single value equals", kind.phrase()),
            "use `intersects`, or `value in field`",
        ),
        (_, Literal::Null) => Ok(()),
        (Kind::Bool, Literal::Bool(_)) if is_order => {
            complain(Side::Left, format!("`{subject}` is true or false, without an order"), "use `==`")
        }
        (Kind::Number, Literal::Number(_)) | (Kind::Bool, Literal::Bool(_)) => Ok(()),
        (Kind::Number, Literal::Text(text)) if text.parse::<f64>().is_ok() => never("leave out the quotes"),
        (Kind::Text, Literal::Text(_)) => Ok(()),
        (Kind::Text, Literal::Number(_) | Literal::Bool(_)) => never("put it in quotes"),
        (Kind::Time, Literal::Time(_)) => Ok(()),
        (Kind::Time, Literal::Text(text)) if read_time(text).is_some() => complain(
            Side::Right,
            format!("`{subject}` is a time, this is a text"),
            format!("write d\"{text}\""),
        ),
        (Kind::Address, Literal::Text(text)) if is_address(text) => Ok(()),
        _ => never(""),
    }
}

fn is_address(text: &str) -> bool {
    Network::parse(text).is_some() || text.parse::<std::net::IpAddr>().is_ok()
}

fn check_kinds(
    subject: &str,
    left: Kind,
    right: &Operand,
    kind: Kind,
    is_order: bool,
) -> Result<(), Complaint> {
    let is_comparable = match (left, kind) {
        (Kind::Any, _) | (_, Kind::Any) => true,
        (Kind::List | Kind::Object, _) | (_, Kind::List | Kind::Object) => false,
        (Kind::Bool, Kind::Bool) => !is_order,
        (left, right) => left == right || left.is_text() && right.is_text(),
    };
    if is_comparable {
        return Ok(());
    }
    let message = format!("`{subject}` is {}, `{right}` is {}", left.phrase(), kind.phrase());
    complain(Side::Right, message, "")
}
