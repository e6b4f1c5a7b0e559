//! Lists and their names.

use super::{MAX_LIST_ITEMS, Parser};
use crate::Literal;
use crate::expr::Set;
use crate::scan::Escapes;
use crate::words::is_reserved;

impl Parser<'_, '_> {
    /// What stands on the right of `in` and its kin. `Err`: a problem was reported.
    pub(super) fn set(&mut self) -> Result<Set, ()> {
        self.at.skip_space();
        let start = self.at.pos;
        let set = if self.at_call() && !is_reserved(self.at.word()) {
            self.right_operand().map(Set::Operand).ok_or(())
        } else {
            self.list().map(Set::Items)
        };
        self.last_right = Some(start..self.at.pos);
        set
    }

    /// A list, or the name of one that is declared. `Err`: a problem was reported.
    pub(super) fn list(&mut self) -> Result<Vec<Literal>, ()> {
        self.at.skip_space();
        let start = self.at.pos;
        let closer = match self.at.peek() {
            Some('(') => ')',
            Some('[') => ']',
            _ => return self.named_list(),
        };
        self.at.pos += 1;
        let mut items = Vec::new();
        self.at.skip_space();
        if self.at.eat(closer.encode_utf8(&mut [0; 4])) {
            return Ok(items);
        }
        loop {
            let Some(item) = self.at.value(Some(closer), Escapes::Text) else {
                self.leave_list(closer);
                return Err(());
            };
            match &item.literal {
                Literal::Text(name) if !item.is_quoted && self.scope.list(name).is_some() => {
                    items.extend_from_slice(self.scope.list(name).unwrap_or_default());
                }
                _ => items.push(item.literal),
            }
            self.at.skip_space();
            if self.at.eat(",") {
                continue;
            }
            if self.at.eat(closer.encode_utf8(&mut [0; 4])) {
                break;
            }
            if self.at.at_end() {
                self.at.is_lost = true;
                let message = "this list is never closed";
                self.at.problems.add(self.at.text, start, start + 1, message, format!("add `{closer}`"));
            } else {
                self.at.problem_here(format!("expected `,` or `{closer}`"), "");
                self.leave_list(closer);
            }
            return Err(());
        }
        self.check_length(start, &items);
        Ok(items)
    }

    fn check_length(&mut self, start: usize, items: &[Literal]) {
        if items.len() > MAX_LIST_ITEMS {
            self.at.problem(
                start,
                format!("the list has {} items", items.len()),
                format!("at most {MAX_LIST_ITEMS}"),
            );
        }
    }

    fn named_list(&mut self) -> Result<Vec<Literal>, ()> {
        let word = self.at.word();
        if let Some(items) = self.scope.list(word) {
            self.at.pos += word.len();
            return Ok(items.to_vec());
        }
        let near = lanner_core::nearest(word, self.scope.list_names());
        let hint = match near {
            Some(near) => format!("use `{near}`"),
            None => "write `field in (a, b)`, or `\"a\" in field`".to_owned(),
        };
        let message = match near {
            Some(_) => format!("no list is called `{word}`"),
            None => "expected a list".to_owned(),
        };
        self.at.problem_here(message, hint);
        Err(())
    }

    /// Goes behind the end of a list with a mistake in it.
    fn leave_list(&mut self, closer: char) {
        match self.at.rest().find(closer) {
            Some(end) => self.at.pos += end + 1,
            None => (self.at.pos, self.at.is_lost) = (self.at.text.len(), true),
        }
    }
}
