//! Fields and functions.

use super::Parser;
use crate::field::{MAX_SEGMENTS, Segment};
use crate::operand::{Argument, Call, Operand};
use crate::scan::Escapes;
use crate::words::{continues_name, in_bare_key, is_reserved, starts_name};
use crate::{FieldPath, Function, Literal};

impl Parser<'_, '_> {
    /// What a test is about: a field or a function.
    pub(super) fn left(&mut self) -> Option<Operand> {
        if !self.at_call() {
            return self.field().map(Operand::Field);
        }
        if self.at.word().eq_ignore_ascii_case("val") {
            self.at.problem_here("`val` stands on the right of an operator", "write the field alone");
            return None;
        }
        self.call()
    }

    /// Whether a word with `(` right behind it stands here.
    pub(super) fn at_call(&self) -> bool {
        let word = self.at.word();
        !word.is_empty() && self.at.rest()[word.len()..].starts_with('(')
    }

    /// `val(field)` or a function, on the right of an operator.
    pub(super) fn right_operand(&mut self) -> Option<Operand> {
        if !self.at.word().eq_ignore_ascii_case("val") {
            return self.call();
        }
        self.at.pos += "val(".len();
        let field = self.field_in_val();
        if field.is_none() {
            self.at.leave_parentheses();
        }
        field.map(Operand::Field)
    }

    /// What follows `val(`, up to its `)`.
    fn field_in_val(&mut self) -> Option<FieldPath> {
        self.at.skip_space();
        if self.at_call() {
            self.at.problem_here("expected a field in `val`", "a function stands without `val`");
            return None;
        }
        let field = self.field()?;
        self.at.skip_space();
        if !self.at.eat(")") {
            self.at.problem_here("expected `)` behind the field", "");
            return None;
        }
        Some(field)
    }

    /// A function that stands here: its word and `(` were seen.
    fn call(&mut self) -> Option<Operand> {
        let (start, word) = (self.at.pos, self.at.word());
        let Some(function) = Function::named(word) else {
            let known = Function::ALL.map(Function::word);
            let hint = match lanner_core::nearest(word, known) {
                Some(near) => format!("use `{near}`"),
                None => format!("there are {}", known.join(", ")),
            };
            self.at.problem_here(format!("unknown function `{word}`"), hint);
            return None;
        };
        self.at.pos += word.len();
        let arguments = self.arguments()?;
        if let Err(wanted) = function.accepts(&arguments) {
            self.at.problem(start, format!("`{}` cannot be given this", function.word()), wanted);
            return None;
        }
        let key = match self.at.peek() {
            Some('[') => Some(self.key()?),
            _ => None,
        };
        if key.is_some() && function != Function::Getopt {
            self.at.problem(start, format!("`{}` has no parts", function.word()), "leave out `[...]`");
            return None;
        }
        if key.as_ref().is_some_and(|key| key.chars().count() != 1) {
            self.at.problem(
                start,
                "an option of `getopt` is one letter",
                "write `getopt(field, \"ab:\")[b]`",
            );
            return None;
        }
        Some(Operand::Call(Box::new(Call { function, arguments, key })))
    }

    /// `(a, "b", (c, 4))`, from its `(` on.
    fn arguments(&mut self) -> Option<Vec<Argument>> {
        let start = self.at.pos;
        self.at.pos += 1;
        let read = if self.enter(start) { self.arguments_from(start) } else { None };
        self.depth -= 1;
        if read.is_none() {
            self.at.leave_parentheses();
        }
        read
    }

    fn arguments_from(&mut self, start: usize) -> Option<Vec<Argument>> {
        let mut arguments = Vec::new();
        self.at.skip_space();
        while !self.at.eat(")") {
            if !arguments.is_empty() {
                if !self.at.eat(",") {
                    self.after_argument(start);
                    return None;
                }
                self.at.skip_space();
            }
            arguments.push(self.argument()?);
            self.at.skip_space();
        }
        Some(arguments)
    }

    fn after_argument(&mut self, start: usize) {
        if self.at.at_end() {
            self.at.is_lost = true;
            self.at.problems.add(self.at.text, start, start + 1, "this `(` is never closed", "add `)`");
        } else {
            self.at.problem_here("expected `,` or `)`", "");
        }
    }

    fn argument(&mut self) -> Option<Argument> {
        match self.at.peek() {
            Some('(') => self.arguments().map(Argument::List),
            Some('"' | '\'') => Some(Argument::Literal(self.at.quoted(Escapes::Text)?.literal)),
            Some('0'..='9' | '+' | '-' | '.') => match self.at.value(None, Escapes::Text)?.literal {
                number @ Literal::Number(_) => Some(Argument::Literal(number)),
                _ => {
                    self.at.problem_here("expected a number before this", "put a text in quotes");
                    None
                }
            },
            Some(c) if c == '$' || starts_name(c) && !is_reserved(self.at.word()) => {
                self.left().map(Argument::Operand)
            }
            _ => {
                self.at.problem_here("expected a field, a function, a number or a text in quotes", "");
                None
            }
        }
    }

    /// A field's name.
    pub(super) fn field(&mut self) -> Option<FieldPath> {
        let start = self.at.pos;
        let mut segments = vec![self.first_segment()?];
        loop {
            let rest = self.at.rest();
            if rest.starts_with('.') || rest.starts_with("&.") {
                self.at.pos += if rest.starts_with('.') { 1 } else { 2 };
                let rest = self.at.rest();
                let end = rest.find(|c| !continues_name(c)).unwrap_or(rest.len());
                if end == 0 {
                    self.at.problem_here("expected a name after `.`", "");
                    return None;
                }
                self.at.pos += end;
                segments.push(Segment::Name(rest[..end].to_owned()));
            } else if rest.starts_with('[') {
                segments.push(Segment::Key(self.key()?));
            } else {
                break;
            }
        }
        if segments.len() > MAX_SEGMENTS {
            self.at.problem(
                start,
                format!("the name has {} parts", segments.len()),
                format!("at most {MAX_SEGMENTS}"),
            );
            return None;
        }
        Some(FieldPath::new(&segments))
    }

    fn first_segment(&mut self) -> Option<Segment> {
        if self.at.eat("$") {
            if self.at.peek() == Some('[') && self.at.rest()[1..].trim_start().starts_with(['"', '\'']) {
                return Some(Segment::Key(self.key()?));
            }
            self.at.pos -= 1;
            self.at.problem_here("names with `$` are not supported", "an odd field name is $[\"name\"]");
            return None;
        }
        let word = self.at.word();
        if word.is_empty() {
            self.at.problem_here("expected a field", "");
            return None;
        }
        self.at.pos += word.len();
        Some(Segment::Name(word.to_owned()))
    }

    /// `[0]`, `[key]`, `["key"]`.
    fn key(&mut self) -> Option<String> {
        let start = self.at.pos;
        self.at.pos += 1;
        self.at.skip_space();
        let key = if let Some('"' | '\'') = self.at.peek() {
            self.at.quoted(Escapes::Text)?.into_text(self.at.text)
        } else {
            let rest = self.at.rest();
            let end = rest.find(|c| !in_bare_key(c)).unwrap_or(rest.len());
            self.at.pos += end;
            if end == 0 {
                self.at.problem(start, "expected a key between `[` and `]`", "");
                return None;
            }
            rest[..end].to_owned()
        };
        self.at.skip_space();
        if !self.at.eat("]") {
            self.at.problem_here("expected `]`", "");
            return None;
        }
        Some(key)
    }
}
