//! Parses tests: operators and their right-hand sides.

use std::ops::Range;

use super::{LOST, Parser};
use crate::encoding::from_hex;
use crate::expr::{EachOp, Quantifier, Right, Set};
use crate::operand::Operand;
use crate::path::PathPattern;
use crate::pattern::Pattern;
use crate::scan::{Escapes, Value};
use crate::schema::Side;
use crate::words::{is_reserved, starts_name};
use crate::{Comparison, Expr, Literal, MatchOp, Op, Predicate, TextOp, version};

/// The right side of an operator, and where it stands.
struct RightAt {
    right: Right,
    place: Range<usize>,
    is_quoted: bool,
}

/// An operator that a quantifier may follow.
#[derive(Clone, Copy)]
enum EachKind {
    Compare(Comparison),
    Text(TextOp),
    Match(MatchOp),
}

impl Parser<'_, '_> {
    /// `value == left` and its kin; a truth value may also stand alone.
    pub(super) fn reversed(&mut self, value: Option<Value>) -> Expr {
        let Some(value) = value else { return self.recover() };
        self.at.skip_space();
        let (start, place) = (self.at.pos, value.start..value.end);
        if let Some(comparison) = self.comparison() {
            if !self.has_order(comparison, &value.literal, value.is_quoted, &place) {
                return self.recover();
            }
            let op = Op::Compare(comparison.reversed(), Right::Literal(value.literal));
            return self.left_on_the_right(op, &place);
        }
        let is_negated = self.at.eat_word("not");
        self.at.skip_space();
        if self.at.eat_word("in") {
            let op = if is_negated { Op::NotHolds(value.literal) } else { Op::Holds(value.literal) };
            return self.left_on_the_right(op, &place);
        }
        self.at.pos = start;
        match value.literal {
            Literal::Bool(value) => Expr::Constant(value),
            _ => {
                let hint = "compare it with a field: `field == value`, `value in field`";
                self.at.problems.add(
                    self.at.text,
                    place.start,
                    place.end,
                    "a value alone is not a condition",
                    hint,
                );
                self.recover()
            }
        }
    }

    fn left_on_the_right(&mut self, op: Op, value: &Range<usize>) -> Expr {
        self.at.skip_space();
        let start = self.at.pos;
        let is_field =
            self.at.peek().is_some_and(|c| starts_name(c) || c == '$') && !is_reserved(self.at.word());
        if !is_field {
            self.at.problem_here(
                "expected a field",
                "one side must be a field; the list comes on the right of `in`",
            );
            return self.recover();
        }
        match self.left() {
            Some(left) => {
                let place = start..self.at.pos;
                self.made(Predicate { left, op }, &place, value)
            }
            None => self.recover(),
        }
    }

    /// A finished test, held against the schema and the limits.
    fn made(&mut self, predicate: Predicate, left: &Range<usize>, right: &Range<usize>) -> Expr {
        let of_schema = || self.scope.schema().and_then(|schema| schema.complaint(&predicate));
        if let Some(complaint) = version::complaint(&predicate).or_else(of_schema) {
            let place = if complaint.side == Side::Left { left } else { right };
            self.at.problems.add(self.at.text, place.start, place.end, complaint.message, complaint.hint);
        }
        let (n_tests, n_regexes) = match &predicate.op {
            Op::Each(_, tests) => {
                let is_regex = |test: &&EachOp| matches!(test, EachOp::Match(p) if p.op().is_regex());
                (tests.len(), tests.iter().filter(is_regex).count())
            }
            Op::Match(pattern) => (1, usize::from(pattern.op().is_regex())),
            _ => (1, 0),
        };
        if self.counts(left.start, n_tests, n_regexes) { Expr::Test(predicate) } else { LOST }
    }

    /// What follows a left side that began at `start`.
    pub(super) fn test(&mut self, left: Operand, start: usize) -> Expr {
        let place = start..self.at.pos;
        if self.at.peek() == Some('(') {
            self.at.problem_here("unexpected `(`", "a function's name is one word");
            return self.recover();
        }
        self.at.skip_space();
        let right = self.at.pos;
        self.last_right = None;
        match self.operator() {
            Ok(Some(op)) => {
                let end = self.at.pos;
                let right = self.last_right.take().unwrap_or(right..end);
                self.made(Predicate { left, op }, &place, &right)
            }
            Ok(None) => self.alone(left, &place),
            Err(()) => self.recover(),
        }
    }

    /// A left side without an operator: a macro, or whether the value is true.
    fn alone(&mut self, left: Operand, place: &Range<usize>) -> Expr {
        let Some(meant) = self.scope.named(&self.at.text[place.clone()]) else {
            return self.made(Predicate { left, op: Op::Truthy }, place, place);
        };
        let (expr, size) = meant;
        let (depth, n_tests, n_regexes) = (self.depth + 1 + size.depth, size.n_tests, size.n_regexes);
        let expr = expr.clone();
        if self.reaches(place.start, depth) && self.counts(place.start, n_tests, n_regexes) {
            expr
        } else {
            LOST
        }
    }

    fn at_member_end(&self) -> bool {
        self.at.at_end() || self.at.peek() == Some(')') || self.at.at_joint()
    }

    /// The operator and its right side. `Ok(None)`: there is none. `Err`: a problem was reported.
    fn operator(&mut self) -> Result<Option<Op>, ()> {
        let start = self.at.pos;
        if let Some(wrong) =
            ["===", "!==", "<>", "=!"].into_iter().find(|wrong| self.at.rest().starts_with(wrong))
        {
            self.at.pos += wrong.len();
            let right = if wrong == "===" { "==" } else { "!=" };
            self.at.problem(start, format!("unknown operator `{wrong}`"), format!("use `{right}`"));
            return Err(());
        }
        if let Some(kind) = self.each_kind() {
            return self.right_of(kind).map(Some);
        }
        if self.at.eat_word("exists") {
            return Ok(Some(Op::Exists));
        }
        if self.at.eat_word("intersects") {
            return self.set().map(|set| Some(Op::Intersects(set)));
        }
        if self.at.eat_word("pmatch") {
            return self.paths().map(|set| Some(Op::Pmatch(set)));
        }
        let is_negated = self.at.eat_word("not");
        self.at.skip_space();
        if self.at.eat_word("in") {
            let set = self.set()?;
            return Ok(Some(if is_negated { Op::NotIn(set) } else { Op::In(set) }));
        }
        self.at.pos = start;
        if self.at_member_end() { Ok(None) } else { self.unknown_operator() }
    }

    /// A comparison, a search for a text, or a pattern, if its operator stands here.
    fn each_kind(&mut self) -> Option<EachKind> {
        use MatchOp::{Glob, Iglob, NotSearch, NotStart, Regex, Search, Start};
        let symbols = [Search, Start, NotSearch, NotStart];
        if let Some(op) = symbols.into_iter().find(|op| self.at.eat(op.symbol())) {
            return Some(EachKind::Match(op));
        }
        if let Some(comparison) = self.comparison() {
            return Some(EachKind::Compare(comparison));
        }
        if let Some(op) = [Regex, Glob, Iglob].into_iter().find(|op| self.at.eat_word(op.symbol())) {
            return Some(EachKind::Match(op));
        }
        TextOp::ALL.into_iter().find(|op| self.at.eat_word(op.word())).map(EachKind::Text)
    }

    /// A comparison's symbol, but not that of a pattern.
    fn comparison(&mut self) -> Option<Comparison> {
        use Comparison::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
        if self.at.rest().starts_with("=~") {
            return None;
        }
        let symbols = [
            ("==", Equal),
            ("=", Equal),
            ("!=", NotEqual),
            ("<=", LessEqual),
            (">=", GreaterEqual),
            ("<", Less),
            (">", Greater),
        ];
        symbols.into_iter().find(|(symbol, _)| self.at.eat(symbol)).map(|(_, comparison)| comparison)
    }

    fn right_of(&mut self, kind: EachKind) -> Result<Op, ()> {
        self.at.skip_space();
        let start = self.at.pos;
        for quantifier in [Quantifier::One, Quantifier::Any, Quantifier::All] {
            if self.at.eat_word(quantifier.word()) {
                return self.each(kind, quantifier, start);
            }
        }
        let escapes = match kind {
            EachKind::Match(_) => Escapes::Pattern,
            _ => Escapes::Text,
        };
        let found = self.right(escapes)?;
        let place = found.place.clone();
        self.last_right = Some(place.clone());
        self.check_field_name(&found)?;
        match (kind, found.right) {
            (EachKind::Compare(comparison), Right::Literal(literal)) => {
                if !self.has_order(comparison, &literal, found.is_quoted, &place) {
                    return Err(());
                }
                Ok(Op::Compare(comparison, Right::Literal(literal)))
            }
            (EachKind::Compare(comparison), right) => Ok(Op::Compare(comparison, right)),
            (EachKind::Text(op), Right::Literal(literal)) => {
                let text = self.text_of(literal, &place);
                self.check_hex(op, &text, &place)?;
                Ok(Op::Text(op, Right::Literal(Literal::Text(text))))
            }
            (EachKind::Text(op), right) => Ok(Op::Text(op, right)),
            (EachKind::Match(op), Right::Literal(literal)) => {
                let text = self.text_of(literal, &place);
                Ok(self.pattern(op, &text, &place).map_or(Op::Truthy, Op::Match))
            }
            (EachKind::Match(op), Right::Operand(right)) => match op {
                MatchOp::Glob | MatchOp::Iglob => Ok(Op::GlobOf(op == MatchOp::Iglob, right)),
                _ => {
                    let message = "a regular expression cannot come from the event";
                    self.at.problems.add(
                        self.at.text,
                        place.start,
                        place.end,
                        message,
                        "write it in quotes, or use `glob`",
                    );
                    Err(())
                }
            },
        }
    }

    /// Several tests of one value, behind the quantifier's word.
    fn each(&mut self, kind: EachKind, quantifier: Quantifier, start: usize) -> Result<Op, ()> {
        let has_each = match kind {
            EachKind::Compare(comparison) => !comparison.is_order(),
            EachKind::Text(_) => true,
            EachKind::Match(op) => matches!(op, MatchOp::Regex | MatchOp::Glob | MatchOp::Iglob),
        };
        let word = quantifier.word();
        if !has_each {
            let message = format!("`{word}` cannot follow this operator");
            self.at.problem(start, message, "use it with `==`, `!=`, or an operator that is a word");
            return Err(());
        }
        self.at.skip_space();
        if self.at_member_end() {
            let message = format!("expected a list after `{word}`");
            self.at.problem(start, message, format!("write \"{word}\" if the text is meant"));
            return Err(());
        }
        let (from, items) = (self.at.pos, self.list()?);
        let place = from..self.at.pos;
        self.last_right = Some(place.clone());
        let mut tests = Vec::with_capacity(items.len());
        for item in items {
            let text = match &item {
                Literal::Text(text) => text.clone(),
                other => other.to_string(),
            };
            tests.push(match kind {
                EachKind::Compare(comparison) => EachOp::Compare(comparison, item),
                EachKind::Text(op) => {
                    self.check_hex(op, &text, &place)?;
                    EachOp::Text(op, text)
                }
                EachKind::Match(op) => match self.pattern(op, &text, &place) {
                    Some(pattern) => EachOp::Match(pattern),
                    None => return Ok(Op::Truthy),
                },
            });
        }
        Ok(Op::Each(quantifier, tests))
    }

    /// The right side that stands here.
    fn right(&mut self, escapes: Escapes) -> Result<RightAt, ()> {
        let start = self.at.pos;
        if self.at_call() && !self.at.at_time() {
            let operand = self.right_operand().ok_or(())?;
            let place = start..self.at.pos;
            return Ok(RightAt { right: Right::Operand(operand), place, is_quoted: true });
        }
        let Value { literal, start, end, is_quoted } = self.at.value(None, escapes).ok_or(())?;
        Ok(RightAt { right: Right::Literal(literal), place: start..end, is_quoted })
    }

    /// A value as the text it is written as, number or not.
    fn text_of(&self, literal: Literal, place: &Range<usize>) -> String {
        match literal {
            Literal::Text(text) => text,
            _ => self.at.text[place.clone()].to_owned(),
        }
    }

    fn pattern(&mut self, op: MatchOp, text: &str, place: &Range<usize>) -> Option<Pattern> {
        match Pattern::new(op, text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let kind = if op.is_regex() { "regular expression" } else { "glob pattern" };
                let message = format!("{kind}: {error}");
                self.at.problems.add(self.at.text, place.start, place.end, message, "");
                None // the text after it can still be read
            }
        }
    }

    /// The paths of `pmatch`.
    fn paths(&mut self) -> Result<Set, ()> {
        self.at.skip_space();
        let start = self.at.pos;
        let set = self.set()?;
        if let Set::Items(items) = &set {
            for item in items {
                let problem = match item {
                    Literal::Text(path) => PathPattern::new(path).err(),
                    other => Some(format!("`{other}` is no path")),
                };
                if let Some(message) = problem {
                    self.at.problem(start, format!("path: {message}"), "");
                }
            }
        }
        Ok(set)
    }

    /// Whether a value has the order that `comparison` asks for; says so if not.
    fn has_order(
        &mut self,
        comparison: Comparison,
        literal: &Literal,
        is_quoted: bool,
        place: &Range<usize>,
    ) -> bool {
        let has_order = match literal {
            Literal::Number(_) | Literal::Time(_) => true,
            Literal::Text(_) => is_quoted,
            Literal::Null | Literal::Bool(_) => false,
        };
        if comparison.is_order() && !has_order {
            let message = format!("`{}` needs a number or a text in quotes", comparison.symbol());
            self.at.problems.add(self.at.text, place.start, place.end, message, "");
            return false;
        }
        true
    }

    fn check_hex(&mut self, op: TextOp, text: &str, place: &Range<usize>) -> Result<(), ()> {
        if !op.is_hex() || from_hex(text).is_some() {
            return Ok(());
        }
        let message = format!("`{}` needs pairs of hexadecimal digits, such as 7f454c46", op.word());
        self.at.problems.add(self.at.text, place.start, place.end, message, "");
        Err(())
    }

    /// A bare word on the right is a text; where a field has that name, it has to be said which is meant.
    fn check_field_name(&mut self, found: &RightAt) -> Result<(), ()> {
        let Right::Literal(Literal::Text(word)) = &found.right else { return Ok(()) };
        let is_field = !found.is_quoted && self.scope.schema().is_some_and(|schema| schema.declares(word));
        if is_field {
            let (message, hint) =
                (format!("`{word}` is also a field's name"), format!("write \"{word}\" or val({word})"));
            self.at.problems.add(self.at.text, found.place.start, found.place.end, message, hint);
        }
        if is_field { Err(()) } else { Ok(()) }
    }

    /// Tells what is wrong with what stands where an operator should.
    fn unknown_operator(&mut self) -> Result<Option<Op>, ()> {
        let word = self.at.word();
        if word.is_empty() {
            self.end_of_member();
            return Err(());
        }
        let hint = match word.to_ascii_lowercase().as_str() {
            "like" | "likes" | "ilike" => "use `glob`",
            "matches" | "match" | "rlike" => "use `regex` or `=~~`",
            "is" | "eq" | "equals" => "use `==`",
            "ne" | "neq" => "use `!=`",
            "lt" => "use `<`",
            "le" | "lte" => "use `<=`",
            "gt" => "use `>`",
            "ge" | "gte" => "use `>=`",
            "has" | "include" | "includes" | "contain" => "use `contains`",
            "starts_with" | "startwith" | "beginswith" | "starts" => "use `startswith`",
            "ends_with" | "endwith" | "ends" => "use `endswith`",
            "exist" => "use `exists`",
            "not" => "only `in` may follow `not` here; put `not` before the field",
            _ => "",
        };
        let is_known = is_reserved(word) && hint.is_empty();
        let message = if is_known {
            format!("`{word}` is not supported here")
        } else {
            format!("unknown operator `{word}`")
        };
        self.at.problem_here(message, hint);
        Err(())
    }
}
