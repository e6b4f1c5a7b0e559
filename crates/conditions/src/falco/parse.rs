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
    let mut reader = Reader::new(text, max_depth);
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
    let mut reader = Reader::new(text, MAX_DEPTH);
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
    depth: usize,
    max_depth: usize,
    n_transformers: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, max_depth: usize) -> Self {
        Self { at: Lexer::new(text), depth: 0, max_depth, n_transformers: 0 }
    }
}

/// How a group in parentheses joins the one around it.
#[derive(Clone, Copy, Default)]
struct Joins {
    is_negated: bool,
    /// As an alternative of its own, also where `and` comes next.
    by_or: bool,
}

/// A group while it is read: the whole filter, or what stands in parentheses.
#[derive(Default)]
struct Group {
    joins: Joins,
    alternatives: Vec<Filter>,
    /// Of the last alternative.
    members: Vec<Filter>,
}

impl Group {
    fn take(&mut self, read: Filter, Joins { is_negated, by_or }: Joins) {
        let read = if is_negated { Filter::Not(Box::new(read)) } else { read };
        if by_or { self.alternatives.push(read) } else { self.members.push(read) }
    }

    fn end_members(&mut self) {
        if !self.members.is_empty() {
            self.alternatives.push(Filter::joined(std::mem::take(&mut self.members), Filter::And));
        }
    }

    fn closed(self) -> Filter {
        Filter::joined(self.alternatives, Filter::Or)
    }
}

/// What comes after a member of a group.
enum Next {
    Member,
    Group(Joins),
    End,
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
    fn enter(&mut self) -> Result<(), FalcoProblem> {
        if self.depth == self.max_depth {
            return Err(self.problem(format!("nested more than {} deep", self.max_depth)));
        }
        self.depth += 1;
        Ok(())
    }

    /// Into what a transformer is given, which is read by recursion.
    pub(super) fn enter_transformer(&mut self) -> Result<(), FalcoProblem> {
        self.enter()?;
        self.n_transformers += 1;
        if self.n_transformers > MAX_DEPTH {
            return Err(self.problem(format!("transformers are nested more than {MAX_DEPTH} deep")));
        }
        Ok(())
    }

    pub(super) fn leave_transformer(&mut self) {
        self.depth -= 1;
        self.n_transformers -= 1;
    }

    /// A whole filter. Groups in parentheses are kept on a stack of their own, as files may nest them deeper than threads
    /// have room for.
    fn any(&mut self) -> Result<Filter, FalcoProblem> {
        let (mut around, mut group) = (Vec::new(), self.opened(Joins::default())?);
        loop {
            let mut next = self.member(&mut group)?;
            while let Next::End = next {
                let Group { joins, .. } = group;
                let read = group.closed();
                self.depth -= 1;
                let Some(outer) = around.pop() else { return Ok(read) };
                if !self.at.eat(")") {
                    return Err(self.problem("expected `)`"));
                }
                group = outer;
                group.take(read, joins);
                next = self.next(&mut group)?;
            }
            if let Next::Group(joins) = next {
                around.push(group);
                group = self.opened(joins)?;
            }
        }
    }

    /// What follows a `(`.
    fn opened(&mut self, joins: Joins) -> Result<Group, FalcoProblem> {
        self.at.skip_blanks();
        self.enter()?;
        Ok(Group { joins, ..Group::default() })
    }

    /// Reads a member of a group, and what comes after it. Double negations cancel out, but not across parentheses.
    fn member(&mut self, group: &mut Group) -> Result<Next, FalcoProblem> {
        let mut joins = Joins::default();
        self.at.skip_blanks();
        loop {
            if self.at.eat("not(") {
                joins.is_negated = !joins.is_negated;
                return Ok(Next::Group(joins));
            }
            if !self.at.eat_with_blank("not") {
                break;
            }
            joins.is_negated = !joins.is_negated;
        }
        if self.at.eat("(") {
            return Ok(Next::Group(joins));
        }
        let read = self.primary()?;
        group.take(read, joins);
        self.next(group)
    }

    /// What comes after a member. Behind `and` and `or` there is a blank or a `(`; a group right behind `or` is joined by
    /// `or` alone.
    fn next(&mut self, group: &mut Group) -> Result<Next, FalcoProblem> {
        self.at.skip_blanks();
        let joins_all = !group.members.is_empty() && self.at.eat("and");
        let word = if joins_all { "and" } else { "or" };
        if !joins_all {
            group.end_members();
            if !self.at.eat("or") {
                return Ok(Next::End);
            }
        }
        if self.at.skip_blanks() {
            Ok(Next::Member)
        } else if self.at.eat("(") {
            Ok(Next::Group(Joins { is_negated: false, by_or: !joins_all }))
        } else {
            Err(self.problem(format!("expected a blank or `(` after `{word}`")))
        }
    }

    fn primary(&mut self) -> Result<Filter, FalcoProblem> {
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
