//! Falco's filter language exactly as Falco reads it: what it accepts, its canonical text, where it stops.
//!
//! Conditions have one grammar, [`parse`](crate::parse()), which reads nearly everything that Falco reads, and more.
//! Whoever writes rules that Falco itself must load needs to know what Falco says; this module says that and
//! nothing else. It gives no meaning: that is the grammar's, for whatever both read.
//!
//! ```
//! use lanner_conditions::falco;
//! let text = "proc.name in (sh,  'my shell') and(not fd.name exists)";
//! assert_eq!(falco::canonical(text).unwrap(), r#"(proc.name in (sh, "my shell") and not fd.name exists)"#);
//! let problem = falco::canonical("proc.name = a && fd.name = b").unwrap_err();
//! assert_eq!((problem.line, problem.column), (1, 15)); // Falco has no `&&`
//! ```
//!
//! Reading order: this file (how checks are joined), `check` (fields, operators, values), `lex` (characters).
//!
//! Source: the grammar in `falcosecurity/libs`, `userspace/libsinsp/filter/parser.h` (release 0.25), and the verdicts
//! of that parser on 1,180 strings.

mod check;
mod lex;

use std::fmt::{self, Display, Formatter};

use self::lex::Lexer;

/// Where and why Falco refuses a filter. It stops at the first mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct FalcoProblem {
    /// Where Falco's reading stopped, bytes from the start of the text.
    pub offset: usize,
    /// Its line, counted from 1.
    pub line: usize,
    /// Bytes from the start of the line, counted from 1.
    pub column: usize,
    /// What it expected: a lower-case fragment without a final stop.
    pub message: String,
}

/// Falco's canonical text of a filter.
///
/// Cost: linear in the text's length.
///
/// # Errors
/// Where and why Falco would refuse the filter.
pub fn canonical(text: &str) -> Result<String, FalcoProblem> {
    let mut reader = Reader { at: Lexer::new(text), depth: 0 };
    let filter = reader.any()?;
    reader.at.skip_blanks();
    if reader.at.is_at_end() { Ok(filter.to_string()) } else { Err(reader.unexpected()) }
}

/// Parentheses and transformers nested deeper than this are refused.
const MAX_DEPTH: usize = 100;

/// A filter as Falco has it.
enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// A check or a macro's name, in canonical text.
    Check(String),
}

impl Filter {
    fn joined(mut members: Vec<Self>, join: fn(Vec<Self>) -> Self) -> Self {
        if members.len() == 1 { members.remove(0) } else { join(members) }
    }
}

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (members, word) = match self {
            Self::Check(text) => return f.write_str(text),
            Self::Not(inner) => return write!(f, "not {inner}"),
            Self::And(members) => (members, " and "),
            Self::Or(members) => (members, " or "),
        };
        for (at, member) in members.iter().enumerate() {
            write!(f, "{}{member}", if at > 0 { word } else { "(" })?;
        }
        f.write_str(")")
    }
}

struct Reader<'t> {
    at: Lexer<'t>,
    depth: usize,
}

impl Reader<'_> {
    fn problem(&self, message: impl Into<String>) -> FalcoProblem {
        let offset = self.at.pos();
        let (line, column) = self.at.line_and_column();
        FalcoProblem { offset, line, column, message: message.into() }
    }

    fn unexpected(&self) -> FalcoProblem {
        self.problem(format!("expected `and` or `or` after `{}`", self.at.last()))
    }

    /// One level deeper. Nobody comes back from a mistake, so it need not be undone there.
    fn enter(&mut self) -> Result<(), FalcoProblem> {
        if self.depth == MAX_DEPTH {
            return Err(self.problem(format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        Ok(())
    }

    fn any(&mut self) -> Result<Filter, FalcoProblem> {
        self.enter()?;
        let members = self.members("or", Self::all)?;
        self.depth -= 1;
        Ok(Filter::joined(members, Filter::Or))
    }

    fn all(&mut self) -> Result<Filter, FalcoProblem> {
        self.members("and", Self::negated).map(|members| Filter::joined(members, Filter::And))
    }

    /// Members with `word` between them, which a blank or a `(` must follow.
    fn members(
        &mut self,
        word: &str,
        member: fn(&mut Self) -> Result<Filter, FalcoProblem>,
    ) -> Result<Vec<Filter>, FalcoProblem> {
        self.at.skip_blanks();
        let mut members = vec![member(self)?];
        self.at.skip_blanks();
        while self.at.eat(word) {
            if self.at.skip_blanks() {
                members.push(member(self)?);
            } else if self.at.eat("(") {
                members.push(self.rest_of_parentheses()?);
            } else {
                return Err(self.problem(format!("expected a blank or `(` after `{word}`")));
            }
            self.at.skip_blanks();
        }
        Ok(members)
    }

    /// Double negations cancel out, but not across parentheses.
    fn negated(&mut self) -> Result<Filter, FalcoProblem> {
        let mut is_negated = false;
        self.at.skip_blanks();
        let inner = loop {
            if self.at.eat("not(") {
                is_negated = !is_negated;
                break self.rest_of_parentheses()?;
            }
            if !self.at.eat_with_blank("not") {
                break self.primary()?;
            }
            is_negated = !is_negated;
        };
        Ok(if is_negated { Filter::Not(Box::new(inner)) } else { inner })
    }

    /// What follows a `(`.
    fn rest_of_parentheses(&mut self) -> Result<Filter, FalcoProblem> {
        self.at.skip_blanks();
        let inner = self.any()?;
        self.at.skip_blanks();
        if self.at.eat(")") { Ok(inner) } else { Err(self.problem("expected `)`")) }
    }

    fn primary(&mut self) -> Result<Filter, FalcoProblem> {
        if self.at.eat("(") {
            return self.rest_of_parentheses();
        }
        let left = match self.field()? {
            Some(field) => Some(field),
            None => self.transformer()?,
        };
        match left {
            Some(left) => self.condition(&left).map(Filter::Check),
            None => match self.at.identifier() {
                Some(name) => Ok(Filter::Check(name.to_owned())),
                None => Err(self.problem("expected `(`, a field, or a macro's name")),
            },
        }
    }
}
