//! The tree of a filter, and its canonical text.

use std::fmt::{self, Display, Formatter, Write};

/// A filter as Falco has it. `Display` writes the canonical text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them: two or more.
    And(Vec<Filter>),
    /// One of them at least: two or more.
    Or(Vec<Filter>),
    /// Its opposite.
    Not(Box<Filter>),
    /// What a rule file calls by this name.
    Macro(Name),
    /// A test of an event.
    Check(Check),
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Bytes from the start of the filter.
    pub offset: usize,
}

/// A test of an event: `proc.name in (sh, bash)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is tested.
    pub left: Operand,
    /// The operator.
    pub op: Operator,
    /// What it is held against.
    pub right: Right,
    /// Where the check begins, bytes from the start of the filter.
    pub offset: usize,
}

/// A value of an event, or what is made of such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// `proc.name`, `proc.aname[2]`
    Field(Field),
    /// `tolower(proc.name)`, `getopt(proc.args, "nt:")[t]`
    Transformed(Transformed),
    /// A text or number, which only transformers are given.
    Text(String),
    /// `(proc.name, "-", proc.pname)`, which only transformers are given.
    List(Vec<Operand>),
}

/// A field and its argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name, with all its dots.
    pub name: String,
    /// What stands in `[...]`, without quotes; `[""]` is an empty one.
    pub argument: Option<String>,
    /// Where it stands, bytes from the start of the filter.
    pub offset: usize,
}

/// A transformer and what it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transformed {
    /// Which one.
    pub by: Transformer,
    /// What it is given: one or more.
    pub given: Vec<Operand>,
    /// What stands in `[...]` behind it.
    pub argument: Option<String>,
    /// Where it stands, bytes from the start of the filter.
    pub offset: usize,
}

/// A check's operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is its word, and its meaning is in docs/falco.md")]
pub enum Operator {
    Exists,
    /// `=`, which canonical text tells from `==`.
    Equal,
    EqualTwice,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains,
    Icontains,
    Bcontains,
    StartsWith,
    BstartsWith,
    EndsWith,
    Glob,
    Iglob,
    Regex,
    In,
    Intersects,
    Pmatch,
}

/// A transformer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is its word, and its meaning is in docs/falco.md")]
pub enum Transformer {
    ToLower,
    ToUpper,
    B64,
    Basename,
    Len,
    Join,
    Concat,
    Getopt,
}

/// How many of several values a test must hold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HowMany {
    /// Exactly one: `oneof`.
    One,
    /// One at least: `anyof`.
    Any,
    /// All of them: `allof`.
    All,
}

/// What stands on the right of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// Nothing: behind `exists`.
    Nothing,
    /// One value. Behind `in` and its kin it is a name, which counts as a list of this one value.
    Value(String),
    /// `(a, b)`
    List(Vec<String>),
    /// `startswith anyof (a, b)`
    HowMany(HowMany, Vec<String>),
    /// `startswith anyof name`: the name of a list, which counts as a list of this one value.
    HowManyNamed(HowMany, String),
    /// `val(field)`.
    Field {
        /// The field.
        field: Field,
        /// What stands in `[...]` behind it, which Falco reads and then refuses.
        behind: Option<String>,
    },
    /// A transformer.
    Transformed(Transformed),
}

impl Operator {
    /// Those that compare with one text, or with `oneof`, `anyof` or `allof` of several.
    pub const OF_TEXT: [Self; 12] = [
        Self::EqualTwice,
        Self::Equal,
        Self::NotEqual,
        Self::Glob,
        Self::Iglob,
        Self::Contains,
        Self::Icontains,
        Self::Bcontains,
        Self::StartsWith,
        Self::BstartsWith,
        Self::EndsWith,
        Self::Regex,
    ];
    /// Those that compare with a number.
    pub const OF_ORDER: [Self; 4] = [Self::LessEqual, Self::Less, Self::GreaterEqual, Self::Greater];
    /// Those that compare with a list.
    pub const OF_LIST: [Self; 3] = [Self::Intersects, Self::In, Self::Pmatch];

    /// The operator as it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Equal => "=",
            Self::EqualTwice => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Contains => "contains",
            Self::Icontains => "icontains",
            Self::Bcontains => "bcontains",
            Self::StartsWith => "startswith",
            Self::BstartsWith => "bstartswith",
            Self::EndsWith => "endswith",
            Self::Glob => "glob",
            Self::Iglob => "iglob",
            Self::Regex => "regex",
            Self::In => "in",
            Self::Intersects => "intersects",
            Self::Pmatch => "pmatch",
        }
    }
}

impl Transformer {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ToLower,
        Self::ToUpper,
        Self::B64,
        Self::Basename,
        Self::Len,
        Self::Join,
        Self::Concat,
        Self::Getopt,
    ];

    /// The transformer's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ToLower => "tolower",
            Self::ToUpper => "toupper",
            Self::B64 => "b64",
            Self::Basename => "basename",
            Self::Len => "len",
            Self::Join => "join",
            Self::Concat => "concat",
            Self::Getopt => "getopt",
        }
    }
}

impl HowMany {
    /// All three.
    pub const ALL: [Self; 3] = [Self::One, Self::Any, Self::All];

    /// The modifier's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::One => "oneof",
            Self::Any => "anyof",
            Self::All => "allof",
        }
    }
}

impl Filter {
    /// Calls `visit` for each check in it, from left to right.
    pub fn each_check<'f>(&'f self, visit: &mut impl FnMut(&'f Check)) {
        match self {
            Self::And(members) | Self::Or(members) => {
                members.iter().for_each(|member| member.each_check(visit));
            }
            Self::Not(inner) => inner.each_check(visit),
            Self::Macro(_) => {}
            Self::Check(check) => visit(check),
        }
    }

    pub(super) fn joined(mut members: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        if members.len() == 1 { members.remove(0) } else { join(members) }
    }
}

impl Check {
    /// Calls `visit` for each field in it, on both sides.
    pub fn each_field<'c>(&'c self, visit: &mut impl FnMut(&'c Field)) {
        self.left.each_field(visit);
        match &self.right {
            Right::Field { field, .. } => visit(field),
            Right::Transformed(transformed) => {
                transformed.given.iter().for_each(|given| given.each_field(visit));
            }
            _ => {}
        }
    }
}

impl Operand {
    fn each_field<'o>(&'o self, visit: &mut impl FnMut(&'o Field)) {
        match self {
            Self::Field(field) => visit(field),
            Self::Transformed(Transformed { given, .. }) | Self::List(given) => {
                given.iter().for_each(|given| given.each_field(visit));
            }
            Self::Text(_) => {}
        }
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(members) => joined(f, ('(', ')'), members, " and "),
            Self::Or(members) => joined(f, ('(', ')'), members, " or "),
            Self::Not(inner) => write!(f, "not {inner}"),
            Self::Macro(name) => f.write_str(&name.text),
            Self::Check(check) => write!(f, "{check}"),
        }
    }
}

impl Display for Check {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.left, self.op.word())?;
        let list =
            |values: &[String]| values.iter().map(|value| Value(value).to_string()).collect::<Vec<_>>();
        match &self.right {
            Right::Nothing => Ok(()),
            Right::Value(value) => write!(f, " {}", Value(value)),
            Right::List(values) => write!(f, " ({})", list(values).join(", ")),
            Right::HowMany(how_many, values) => {
                write!(f, " {} ({})", how_many.word(), list(values).join(", "))
            }
            Right::HowManyNamed(how_many, name) => write!(f, " {} {name}", how_many.word()),
            Right::Field { field, behind } => write!(f, " val({field}){}", Argument(behind.as_deref())),
            Right::Transformed(transformed) => write!(f, " {transformed}"),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "{field}"),
            Self::Transformed(transformed) => write!(f, "{transformed}"),
            Self::Text(text) => write!(f, "{}", Value(text)),
            Self::List(members) => joined(f, ('(', ')'), members, ","),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, Argument(self.argument.as_deref()))
    }
}

impl Display for Transformed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.by.word())?;
        joined(f, ('(', ')'), &self.given, ",")?;
        write!(f, "{}", Argument(self.argument.as_deref()))
    }
}

fn joined<T: Display>(
    f: &mut Formatter<'_>,
    (open, close): (char, char),
    members: &[T],
    between: &str,
) -> fmt::Result {
    f.write_char(open)?;
    for (at, member) in members.iter().enumerate() {
        write!(f, "{}{member}", if at > 0 { between } else { "" })?;
    }
    f.write_char(close)
}

/// An argument in its brackets, or nothing.
struct Argument<'a>(Option<&'a str>);

impl Display for Argument<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some("") => f.write_str("[\"\"]"),
            Some(argument) => write!(f, "[{}]", Value(argument)),
        }
    }
}

/// A value in canonical text: in quotes only where it needs them. An empty one is empty.
struct Value<'v>(&'v str);

impl Display for Value<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let needs_quotes = |c: char| matches!(c, ' ' | '=' | '"' | '\'' | '\\') || c.is_control();
        if !self.0.contains(needs_quotes) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '\x08' => f.write_str("\\b")?,
                '\x0c' => f.write_str("\\f")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                '"' | '\\' => write!(f, "\\{c}")?,
                c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
