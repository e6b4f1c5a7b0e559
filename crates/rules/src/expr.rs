//! A condition as a tree.

use std::hash::{Hash, Hasher};

use regex::{Regex, RegexBuilder};

use crate::{FieldPath, Number};

/// A condition as it was written: [`parse`](crate::parse()) makes it, `Display` writes it in canonical form.
///
/// Build `And` and `Or` with [`Expr::and`] and [`Expr::or`]; they keep the canonical shape (two or more
/// members, no `and` directly in an `and`), without which the printed text reads back as another tree.
/// A tree is at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep; one built by hand should keep to that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expr {
    /// `true` or `false`.
    Constant(bool),
    /// A test of one field.
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
}

/// A test of one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Predicate {
    /// The field.
    pub field: FieldPath,
    /// What is asked of it.
    pub op: Op,
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Op {
    /// The field alone: it is not `false`, `null`, `0`, `""`, `[]` or `{}`.
    Truthy,
    /// `x exists`: the field is there, be it `null`.
    Exists,
    /// `x == literal` and its kin.
    Compare(Comparison, Literal),
    /// `x in (a, b)`.
    In(Vec<Literal>),
    /// `x not in (a, b)`.
    NotIn(Vec<Literal>),
    /// `literal in x`: an item of a list, a part of a text, a key of an object.
    Holds(Literal),
    /// `literal not in x`.
    NotHolds(Literal),
    /// `x contains "text"` and its kin.
    Text(TextOp, String),
    /// `x =~ "pattern"` and its kin.
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

    /// Whether the comparison asks for an order, which only numbers and texts have.
    #[must_use]
    pub const fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// A fixed value. The order is that of kinds, then of values; texts by bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `5`, `-2.5`, `0x1F`
    Number(Number),
    /// `"text"`, or a bare word
    Text(String),
}

/// How a text is looked for in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// Anywhere in it.
    Contains,
    /// Anywhere in it; the case of ASCII letters does not matter.
    Icontains,
    /// At its start.
    StartsWith,
    /// At its end.
    EndsWith,
}

impl TextOp {
    /// The operator's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::Icontains => "icontains",
            Self::StartsWith => "startswith",
            Self::EndsWith => "endswith",
        }
    }
}

/// How a text is held against a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=~`: a match begins at the text's start.
    Start,
    /// `!~`: no match begins at the text's start.
    NotStart,
    /// `=~~`: there is a match anywhere.
    Search,
    /// `!~~`: there is no match.
    NotSearch,
    /// `regex`: the whole text is a match.
    Regex,
    /// `glob`: the whole text fits `*`, `?` and `[a-z]`.
    Glob,
    /// `iglob`: as `glob`; the case of ASCII letters does not matter.
    Iglob,
}

impl MatchOp {
    /// The operator's text.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Start => "=~",
            Self::NotStart => "!~",
            Self::Search => "=~~",
            Self::NotSearch => "!~~",
            Self::Regex => "regex",
            Self::Glob => "glob",
            Self::Iglob => "iglob",
        }
    }

    /// Whether the pattern is a regular expression.
    #[must_use]
    pub const fn is_regex(self) -> bool {
        !matches!(self, Self::Glob | Self::Iglob)
    }

    /// Whether a match makes the test false.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(self, Self::NotStart | Self::NotSearch)
    }
}

/// A pattern that was checked and compiled, so that holding a text against it cannot fail.
///
/// Cost of a match: linear in the text's length, whatever the pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    op: MatchOp,
    text: String,
    regex: Regex,
}

/// A compiled pattern may take this many bytes.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

impl Pattern {
    /// Checks and compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, or that it would take more than [`MAX_PATTERN_BYTES`].
    pub fn new(op: MatchOp, text: &str) -> Result<Self, PatternError> {
        let regex = match op {
            MatchOp::Search | MatchOp::NotSearch => compile(text)?,
            MatchOp::Start | MatchOp::NotStart => anchored(text, "")?,
            MatchOp::Regex => anchored(text, r"\z")?,
            MatchOp::Glob | MatchOp::Iglob => compile(&glob_regex(text, op == MatchOp::Iglob)?)?,
        };
        Ok(Self { op, text: text.to_owned(), regex })
    }

    /// How a text is held against it.
    #[must_use]
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same expression, held against a text in another way that compiles alike.
    pub(crate) fn with_op(&self, op: MatchOp) -> Self {
        Self { op, ..self.clone() }
    }

    pub(crate) const fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.op == other.op && self.text == other.text
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.op, &self.text).hash(state);
    }
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

fn compile(regex: &str) -> Result<Regex, PatternError> {
    let built = RegexBuilder::new(regex).size_limit(MAX_PATTERN_BYTES).build();
    built.map_err(|error| {
        PatternError(match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large once compiled".to_owned(),
            // The last line says what is wrong; those above it draw the pattern.
            other => {
                other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
            }
        })
    })
}

/// A regular expression that must match at the start and be followed by `end`.
fn anchored(regex: &str, end: &str) -> Result<Regex, PatternError> {
    compile(regex)?; // alone first: `a)|(b` must not become valid by what is put around it
    let around = |gap: &str| compile(&format!(r"\A(?:{regex}{gap}){end}"));
    // A pattern in verbose mode may end in a comment, which only a line break ends.
    around("").or_else(|error| around("\n").map_err(|_| error))
}

/// The regular expression of a glob pattern. A backslash takes the next character as it is.
fn glob_regex(glob: &str, any_case: bool) -> Result<String, PatternError> {
    let mut regex = String::from(r"(?s)\A");
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' => glob_class(&mut chars, any_case, &mut regex)?,
            '\\' => push_char(chars.next().unwrap_or('\\'), any_case, &mut regex),
            c => push_char(c, any_case, &mut regex),
        }
    }
    regex.push_str(r"\z");
    Ok(regex)
}

/// One character, in both cases if asked for.
fn push_char(c: char, any_case: bool, regex: &mut String) {
    if any_case && c.is_ascii_alphabetic() {
        regex.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
    } else {
        regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// What follows `[`: `abc]`, `a-z]`, `!abc]` or `^abc]`. A `]` that comes first is a member.
fn glob_class(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    any_case: bool,
    regex: &mut String,
) -> Result<(), PatternError> {
    let unclosed = || PatternError("`[` without `]`".to_owned());
    regex.push('[');
    if chars.next_if(|c| matches!(c, '!' | '^')).is_some() {
        regex.push('^');
    }
    let mut is_first = true;
    loop {
        let first = match chars.next().ok_or_else(unclosed)? {
            ']' if !is_first => break,
            '\\' => chars.next().ok_or_else(unclosed)?,
            c => c,
        };
        is_first = false;
        let mut last = first;
        if chars.peek() == Some(&'-') {
            chars.next();
            match chars.peek() {
                Some(']') | None => class_range('-', '-', false, regex),
                Some(_) => last = chars.next().ok_or_else(unclosed)?,
            }
        }
        if last < first {
            return Err(PatternError(format!("the range `{first}-{last}` is empty")));
        }
        class_range(first, last, any_case, regex);
    }
    regex.push(']');
    Ok(())
}

/// `first-last` inside a class, and its ASCII letters in the other case if asked for.
fn class_range(first: char, last: char, any_case: bool, regex: &mut String) {
    let mut push = |first: char, last: char| {
        regex.push_str(&format!(r"\x{{{:x}}}-\x{{{:x}}}", u32::from(first), u32::from(last)));
    };
    push(first, last);
    if !any_case {
        return;
    }
    for (start, end) in [('a', 'z'), ('A', 'Z')] {
        let (first, last) = (first.max(start), last.min(end));
        if first <= last {
            let flip = |c: char| char::from((c as u8) ^ 0x20);
            push(flip(first), flip(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        #[track_caller]
        fn check(op: MatchOp, pattern: &str, yes: &[&str], no: &[&str]) {
            let pattern = Pattern::new(op, pattern).unwrap();
            for text in yes {
                assert!(pattern.regex().is_match(text), "{text:?} {pattern:?}");
            }
            for text in no {
                assert!(!pattern.regex().is_match(text), "{text:?} {pattern:?}");
            }
        }
        use MatchOp::{Glob, Iglob, Regex, Search, Start};
        check(Start, "hs", &["hsbc"], &["ahs"]);
        check(Start, "(?m)^b", &["b"], &["a\nb"]);
        check(Search, "sb", &["hsbc"], &["hs"]);
        check(Regex, "a|ab", &["a", "ab"], &["abc", "xa"]);
        check(Regex, "(?x) a # comment", &["a"], &["ab"]);
        check(
            Glob,
            "/usr/*/b?n",
            &["/usr/local/bin", "/usr//ban"],
            &["/usr/bin", "x/usr/a/bin", "/usr/a/bin/"],
        );
        check(Glob, "*", &["", "a\nb"], &[]);
        check(Glob, "[a-c][!x-z].", &["ab."], &["ax.", "db.", "abc"]);
        check(Glob, "[]x-]", &["]", "x", "-"], &["a"]);
        check(Glob, r"\*\[", &["*["], &["a["]);
        check(Glob, "ä?", &["äö"], &["Äö"]);
        check(Iglob, "HS[b-d]*", &["hsbc", "HSC", "HsD1"], &["hsa"]);
        check(Iglob, "[X-b]", &["x", "B", "_", "Z", "a"], &["c", "C", "w"]);
    }

    #[test]
    fn patterns_that_are_refused() {
        #[track_caller]
        fn check(op: MatchOp, pattern: &str, says: &str) {
            let error = Pattern::new(op, pattern).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        check(MatchOp::Regex, "a)|(b", "unopened group");
        check(MatchOp::Search, "(", "unclosed group");
        check(MatchOp::Search, "(a{1000}){1000}", "too large");
        check(MatchOp::Search, r"(a)\1", "backreferences are not supported");
        check(MatchOp::Glob, "[a", "`[` without `]`");
        check(MatchOp::Glob, "[z-a]", "is empty");
    }
}
