//! Reads a filter: how checks are joined.

use super::lex::Lexer;
use super::problem::FalcoProblem;
use super::tree::{Field, Filter, Name, Operand};

/// Parentheses and transformers nested deeper than this are refused.
const MAX_DEPTH: usize = 100;

/// Reads a filter.
///
/// Cost: linear in the text's length.
///
/// # Errors
/// Where and why Falco would refuse it.
pub fn parse(text: &str) -> Result<Filter, FalcoProblem> {
    parse_within(text, MAX_DEPTH)
}

/// As [`parse`], with another limit to nesting.
pub(super) fn parse_within(text: &str, max_depth: usize) -> Result<Filter, FalcoProblem> {
    let mut reader = Reader { at: Lexer::new(text), depth: 0, max_depth };
    let filter = reader.any()?;
    reader.at.skip_blanks();
    if reader.at.is_at_end() { Ok(filter) } else { Err(reader.unexpected()) }
}

/// Falco's canonical text of a filter.
///
/// Cost: linear in the text's length.
///
/// # Errors
/// Where and why Falco would refuse the filter.
pub fn canonical(text: &str) -> Result<String, FalcoProblem> {
    parse(text).map(|filter| filter.to_string())
}

/// The field or transformer at the start of a text, and how many bytes it takes.
pub(super) fn operand_at(text: &str) -> Option<(Operand, usize)> {
    let mut reader = Reader { at: Lexer::new(text), depth: 0, max_depth: MAX_DEPTH };
    let operand = match reader.field() {
        // `%proc.name[` and what is no argument behind it is the field alone.
        Err(_) => {
            let mut at = Lexer::new(text);
            let name = at.field_name()?.to_owned();
            return Some((Operand::Field(Field { name, argument: None, offset: 0 }), at.pos()));
        }
        Ok(Some(field)) => Operand::Field(field),
        Ok(None) => Operand::Transformed(reader.transformer().ok()??),
    };
    Some((operand, reader.at.pos()))
}

/// A filter while it is read.
pub(super) struct Reader<'t> {
    pub(super) at: Lexer<'t>,
    pub(super) depth: usize,
    max_depth: usize,
}

impl Reader<'_> {
    pub(super) fn problem(&self, message: impl Into<String>) -> FalcoProblem {
        let offset = self.at.pos();
        let (line, column) = self.at.line_and_column();
        FalcoProblem { offset, line, column, message: message.into() }
    }

    fn unexpected(&self) -> FalcoProblem {
        self.problem(format!("expected `and` or `or` after `{}`", self.at.last()))
    }

    /// One level deeper. Nobody comes back from a mistake, so it need not be undone there.
    pub(super) fn enter(&mut self) -> Result<(), FalcoProblem> {
        if self.depth == self.max_depth {
            return Err(self.problem(format!("nested more than {} deep", self.max_depth)));
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
        let offset = self.at.pos();
        let left = match self.field()? {
            Some(field) => Some(Operand::Field(field)),
            None => self.transformer()?.map(Operand::Transformed),
        };
        match left {
            Some(left) => self.condition(left, offset).map(Filter::Check),
            None => match self.at.identifier() {
                Some(name) => Ok(Filter::Macro(Name { text: name.to_owned(), offset })),
                None => Err(self.problem("expected `(`, a field, or a macro's name")),
            },
        }
    }
}
