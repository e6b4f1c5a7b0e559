//! The syntax tree of a condition.

use crate::{Literal, Operand, Pattern};

/// A condition as it was written: [`parse`](crate::parse()) makes it, `Display` writes it in canonical form.
///
/// Build `And` and `Or` with [`Expr::and`] and [`Expr::or`]; they keep the canonical shape (two or more
/// members, no `and` directly in an `and`), without which the printed text reads back as another tree.
/// A tree is at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep; one built by hand should keep to that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// `true` or `false`.
    Constant(bool),
    /// A test.
    Test(Predicate),
    /// `not x`.
    Not(Box<Expr>),
    /// `x and y and ...`
    And(Vec<Expr>),
    /// `x or y or ...`
    Or(Vec<Expr>),
}

impl Expr {
    /// All of `members`; `true` when there are none.
    #[must_use]
    pub fn and(members: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else if flat.is_empty() {
            Self::Constant(true)
        } else {
            Self::And(flat)
        }
    }

    /// One of `members` at least; `false` when there are none.
    #[must_use]
    pub fn or(members: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(members.len());
        for member in members {
            match member {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else if flat.is_empty() {
            Self::Constant(false)
        } else {
            Self::Or(flat)
        }
    }

    /// Calls `visit` for each test in it, from left to right.
    pub fn each_test<'e>(&'e self, visit: &mut impl FnMut(&'e Predicate)) {
        match self {
            Self::Constant(_) => {}
            Self::Test(predicate) => visit(predicate),
            Self::Not(inner) => inner.each_test(visit),
            Self::And(members) | Self::Or(members) => {
                members.iter().for_each(|member| member.each_test(visit));
            }
        }
    }

    /// How many levels it has: 1 for a test alone.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Constant(_) | Self::Test(_) => 1,
            Self::Not(inner) => 1 + inner.depth(),
            Self::And(members) | Self::Or(members) => {
                1 + members.iter().map(Self::depth).max().unwrap_or_default()
            }
        }
    }
}

/// A test of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Predicate {
    /// What is tested: a field, or a function of fields.
    pub left: Operand,
    /// What is asked of it.
    pub op: Op,
}

/// What is asked of a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// The value alone: it is not `false`, `null`, `0`, `""`, `[]` or `{}`.
    Truthy,
    /// `x exists`: the field is there, be it `null`.
    Exists,
    /// `x == y` and its kin.
    Compare(Comparison, Right),
    /// `x in (a, b)`: for a list, each of its items is among them, and it has items.
    In(Set),
    /// `x not in (a, b)`.
    NotIn(Set),
    /// `literal in x`: an item of a list, a part of a text, a key of an object.
    Holds(Literal),
    /// `literal not in x`.
    NotHolds(Literal),
    /// `x intersects (a, b)`: an item of the list is among them, or the value itself.
    Intersects(Set),
    /// `x pmatch (/etc, /usr/*/lib)`: one of the paths is the value's start, by whole components.
    Pmatch(Set),
    /// `x contains "text"` and its kin.
    Text(TextOp, Right),
    /// `x =~ "pattern"` and its kin.
    Match(Pattern),
    /// `x glob val(y)`, `x iglob val(y)`: the pattern comes from the event. `true` for `iglob`.
    GlobOf(bool, Operand),
    /// `x startswith anyof (a, b)`: several tests of one value.
    Each(Quantifier, Vec<EachOp>),
}

/// How many of several tests must hold. With no tests, none of the three does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// Exactly one.
    One,
    /// One at least.
    Any,
    /// All.
    All,
}

impl Quantifier {
    /// The quantifier's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::One => "oneof",
            Self::Any => "anyof",
            Self::All => "allof",
        }
    }
}

/// One of the tests behind a [`Quantifier`]; all of one condition's are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EachOp {
    /// `==`, `!=`
    Compare(Comparison, Literal),
    /// `contains` and its kin.
    Text(TextOp, String),
    /// `glob`, `iglob`, `regex`
    Match(Pattern),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`, or `=`.
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl Comparison {
    /// The operator's canonical text.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    /// The same comparison with its sides exchanged: `5 < x` is `x > 5`.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    /// Whether the comparison asks for an order, which only numbers, texts and times have.
    #[must_use]
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What stands on the right of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Right {
    /// A fixed value.
    Literal(Literal),
    /// `val(field)`, or a function of fields.
    Operand(Operand),
}

/// What stands on the right of `in` and its kin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Set {
    /// `(a, b)`, or a list that was declared.
    Items(Vec<Literal>),
    /// `val(field)`, or a function: the items of a list.
    Operand(Operand),
}

/// How a text is looked for in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// Anywhere in it.
    Contains,
    /// Anywhere in it; the case of ASCII letters does not matter.
    Icontains,
    /// Anywhere in it; the right side is written in hexadecimal digits.
    Bcontains,
    /// At its start.
    StartsWith,
    /// At its start; the right side is written in hexadecimal digits.
    BstartsWith,
    /// At its end.
    EndsWith,
}

impl TextOp {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Contains,
        Self::Icontains,
        Self::Bcontains,
        Self::StartsWith,
        Self::BstartsWith,
        Self::EndsWith,
    ];

    /// The operator's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Icontains => "icontains",
            Self::Bcontains => "bcontains",
            Self::StartsWith => "startswith",
            Self::BstartsWith => "bstartswith",
            Self::EndsWith => "endswith",
        }
    }

    /// Whether the right side is hexadecimal digits that stand for bytes.
    #[must_use]
    pub const fn is_hex(self) -> bool {
        matches!(self, Self::Bcontains | Self::BstartsWith)
    }
}
