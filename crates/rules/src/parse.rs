//! From text to tree: recursive descent that goes on after a mistake, so that all are told at once.
//!
//! ```text
//! expr  := and (("or"|"||") and)*
//! and   := not (("and"|"&&") not)*
//! not   := ("not"|"!") not | "(" expr ")" | test | "true" | "false"
//! test  := field [ "exists" | compare value | ["not"] "in" list | textop value | match value ]
//!        | value (compare | ["not"] "in") field
//! compare := "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
//! textop  := contains | icontains | startswith | endswith
//! match   := "=~" | "!~" | "=~~" | "!~~" | regex | glob | iglob
//! field := (name | "$[" text "]") ("." name | "&." name | "[" (number|text|bare) "]")*
//! list  := ("("|"[") [ value ("," value)* ] (")"|"]")
//! value := "text" | 'text' | number | true | false | null | bare      bare: no blank ( ) , = " '
//! ```
//!
//! A word of the language means the same in any case. An escape in a quoted text is one of `\\ \" \' \/ \n
//! \r \t \f \b \xHH`; any other backslash stands for itself.

use crate::expr::Pattern;
use crate::field::{MAX_SEGMENTS, Segment};
use crate::scan::{Escapes, Scanner, Value};
use crate::words::{continues_name, in_bare_key, is_reserved, starts_name};
use crate::{Comparison, Expr, FieldPath, Literal, MatchOp, Op, Predicate, Problem, TextOp};

/// Longest text of a condition, bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Deepest nesting of parentheses and `not`.
pub const MAX_DEPTH: usize = 128;
/// Most items in one list.
pub const MAX_LIST_ITEMS: usize = 10_000;

/// Reads a condition.
///
/// ```
/// let expr = lanner_rules::parse("BANK = HSBC && !(amount<5)").unwrap();
/// assert_eq!(expr.to_string(), r#"BANK == "HSBC" and not amount < 5"#);
///
/// let problems = lanner_rules::parse("bank likes hsbc or amount = 5 + 3").unwrap_err();
/// assert_eq!(problems.len(), 2);
/// assert_eq!(problems[0].to_string(), "column 6: unknown operator `likes`; use `glob`");
/// ```
///
/// Cost: linear in the text's length, and compiling the patterns in it.
///
/// # Errors
/// Everything that is wrong with the text, in order of place; at most a hundred problems.
pub fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    let mut parser = Parser::new(text)?;
    let expr = parser.whole();
    parser.finish(expr)
}

/// Reads the name of a field and nothing else.
pub(crate) fn parse_field(text: &str) -> Result<FieldPath, Vec<Problem>> {
    let mut parser = Parser::new(text)?;
    parser.at.skip_space();
    let field = parser.field();
    parser.at.skip_space();
    if field.is_some() && !parser.at.at_end() {
        parser.at.problem_here("a field's name ends before this", "quote odd names: $[\"odd name\"]");
    }
    match field {
        Some(field) => parser.finish(field),
        None => Err(parser.at.problems.into_sorted()),
    }
}

struct Parser<'t> {
    at: Scanner<'t>,
    depth: usize,
}

/// Stands for what could not be read; never seen outside, because there is a problem beside it.
const LOST: Expr = Expr::Constant(false);

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Vec<Problem>> {
        let mut at = Scanner::new(text);
        if text.len() > MAX_TEXT_BYTES {
            at.problem(0, format!("the text has {} bytes", text.len()), format!("at most {MAX_TEXT_BYTES}"));
            return Err(at.problems.into_sorted());
        }
        Ok(Self { at, depth: 0 })
    }

    fn finish<T>(self, read: T) -> Result<T, Vec<Problem>> {
        if self.at.problems.is_empty() { Ok(read) } else { Err(self.at.problems.into_sorted()) }
    }

    fn whole(&mut self) -> Expr {
        let mut expr = self.any();
        while !self.at.at_end() {
            // `any` stops only at a `)` that nobody opened; what follows may hold more mistakes.
            if !self.at.problems.has_at(self.at.pos) {
                self.at.problem_here("`)` without `(`", "");
            }
            self.at.pos += 1;
            self.at.skip_space();
            if self.at.at_joint() {
                self.at.pos += self.at.word().len().max(2);
                expr = self.any();
            } else {
                self.at.synchronise();
            }
        }
        expr
    }

    /// `or`, the loosest.
    fn any(&mut self) -> Expr {
        let first = self.all();
        if !self.eat_or() {
            return first;
        }
        let mut members = vec![first, self.all()];
        while self.eat_or() {
            members.push(self.all());
        }
        Expr::or(members)
    }

    fn all(&mut self) -> Expr {
        let first = self.negated();
        if !self.eat_and() {
            return first;
        }
        let mut members = vec![first, self.negated()];
        while self.eat_and() {
            members.push(self.negated());
        }
        Expr::and(members)
    }

    fn eat_or(&mut self) -> bool {
        self.at.eat_word("or") || self.at.eat("||")
    }

    fn eat_and(&mut self) -> bool {
        self.at.eat_word("and") || self.at.eat("&&")
    }

    fn negated(&mut self) -> Expr {
        self.at.skip_space();
        let start = self.at.pos;
        if !(self.at.eat_word("not") || self.at.eat("!")) {
            let expr = self.primary();
            self.end_of_member();
            return expr;
        }
        if !self.enter(start) {
            return LOST;
        }
        let inner = self.negated();
        self.depth -= 1;
        Expr::Not(Box::new(inner))
    }

    /// Counts one level of nesting; at the limit the rest of the text is given up.
    fn enter(&mut self, start: usize) -> bool {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return true;
        }
        self.at.problem(start, format!("nested more than {MAX_DEPTH} deep"), "split the condition");
        self.at.pos = self.at.text.len();
        self.at.is_lost = true;
        false
    }

    fn primary(&mut self) -> Expr {
        let start = self.at.pos;
        match self.at.peek() {
            Some('(') => self.parenthesised(),
            Some('"' | '\'') => {
                let value = self.at.quoted(Escapes::Text);
                self.reversed(value)
            }
            Some('0'..='9' | '+' | '-' | '.') => {
                let value = self.left_number();
                self.reversed(value)
            }
            Some(c) if starts_name(c) && matches_word(self.at.word(), &["true", "false", "null"]) => {
                let value = self.fixed_word();
                self.reversed(value)
            }
            Some(c) if starts_name(c) && is_reserved(self.at.word()) => {
                let word = self.at.word();
                let hint = if self.at.at_joint() {
                    String::new()
                } else {
                    format!("a field of that name is $[\"{word}\"]")
                };
                self.at.problem_here(format!("expected a condition, found `{word}`"), hint);
                self.recover()
            }
            Some(c) if starts_name(c) || c == '$' => match self.field() {
                Some(field) => self.test(field, start),
                None => self.recover(),
            },
            found => {
                let message = match found {
                    Some(c) => format!("expected a condition, found `{c}`"),
                    None => "expected a condition".to_owned(),
                };
                if !self.at.is_lost {
                    self.at.problem_here(message, "");
                }
                self.recover()
            }
        }
    }

    fn recover(&mut self) -> Expr {
        self.at.synchronise();
        LOST
    }

    fn parenthesised(&mut self) -> Expr {
        let start = self.at.pos;
        self.at.pos += 1;
        if !self.enter(start) {
            return LOST;
        }
        let expr = self.any();
        self.depth -= 1;
        if !self.at.eat(")") && !self.at.is_lost {
            self.at.problems.add(self.at.text, start, start + 1, "this `(` is never closed", "add `)`");
        }
        expr
    }

    /// What may follow a member: `and`, `or`, `)`, the end. Tells why anything else cannot.
    fn end_of_member(&mut self) {
        self.at.skip_space();
        let Some(c) = self.at.peek() else { return };
        if c == ')' || self.at.at_joint() {
            return;
        }
        let found = self.at.found();
        let (message, hint) = match c {
            '=' | '<' | '>' => ("comparisons cannot be chained".to_owned(), "join two with `and`"),
            '!' if self.at.rest().starts_with("!=") || self.at.rest().starts_with("!~") => {
                ("comparisons cannot be chained".to_owned(), "join two with `and`")
            }
            '+' | '-' | '*' | '/' | '%' => ("arithmetic is not supported".to_owned(), ""),
            '?' => ("`?` is not supported".to_owned(), "join two conditions with `or`"),
            '#' => ("comments are not supported".to_owned(), ""),
            '(' => ("unexpected `(`".to_owned(), "functions are not supported"),
            _ => (format!("expected `and` or `or` before `{found}`"), "put a text with blanks in quotes"),
        };
        self.at.problem_here(message, hint);
        self.at.synchronise();
    }

    /// `true`, `false` or `null` on the left.
    fn fixed_word(&mut self) -> Option<Value> {
        let start = self.at.pos;
        let word = self.at.word();
        self.at.pos += word.len();
        let literal = match word.to_ascii_lowercase().as_str() {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            _ => Literal::Null,
        };
        Some(Value { literal, start, end: self.at.pos, is_quoted: false })
    }

    /// A number on the left, where `<` ends it.
    fn left_number(&mut self) -> Option<Value> {
        let (start, rest) = (self.at.pos, self.at.rest());
        let is_hex = rest.trim_start_matches(['+', '-']).to_ascii_lowercase().starts_with("0x");
        let mut before = ' ';
        let end = rest.find(|c: char| {
            let is_sign = matches!(c, '+' | '-') && (before == ' ' || !is_hex && matches!(before, 'e' | 'E'));
            before = c;
            !(is_sign || c.is_alphanumeric() || matches!(c, '.' | '_'))
        });
        self.at.pos += end.unwrap_or(rest.len());
        let text = &self.at.text[start..self.at.pos];
        match self.at.number_or_text(start)? {
            literal @ Literal::Number(_) => {
                Some(Value { literal, start, end: self.at.pos, is_quoted: false })
            }
            _ => {
                self.at.problem(start, format!("expected a condition, found `{text}`"), "");
                None
            }
        }
    }

    /// `value == field` and its kin; a truth value may also stand alone.
    fn reversed(&mut self, value: Option<Value>) -> Expr {
        let Some(value) = value else { return self.recover() };
        self.at.skip_space();
        let start = self.at.pos;
        if let Some(comparison) = self.comparison() {
            if !self.check_order(comparison, &value) {
                return self.recover();
            }
            let op = Op::Compare(comparison.reversed(), value.literal);
            return self.field_on_the_right(op);
        }
        let is_negated = self.at.eat_word("not");
        self.at.skip_space();
        if self.at.eat_word("in") {
            let op = if is_negated { Op::NotHolds(value.literal) } else { Op::Holds(value.literal) };
            return self.field_on_the_right(op);
        }
        self.at.pos = start;
        match value.literal {
            Literal::Bool(value) => Expr::Constant(value),
            _ => {
                let (from, to) = (value.start, value.end);
                let hint = "compare it with a field: `field == value`, `value in field`";
                self.at.problems.add(self.at.text, from, to, "a value alone is not a condition", hint);
                self.recover()
            }
        }
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

    /// Whether `value` has the order that `comparison` asks for; says so if not.
    fn check_order(&mut self, comparison: Comparison, value: &Value) -> bool {
        let has_order = match value.literal {
            Literal::Number(_) => true,
            Literal::Text(_) => value.is_quoted,
            Literal::Null | Literal::Bool(_) => false,
        };
        if comparison.is_order() && !has_order {
            let message = format!("`{}` needs a number or a text in quotes", comparison.symbol());
            let end = value.end;
            self.at.problems.add(self.at.text, value.start, end, message, "");
            return false;
        }
        true
    }

    fn field_on_the_right(&mut self, op: Op) -> Expr {
        self.at.skip_space();
        let is_field =
            self.at.peek().is_some_and(|c| starts_name(c) || c == '$') && !is_reserved(self.at.word());
        if !is_field {
            self.at.problem_here(
                "expected a field",
                "one side must be a field; the list comes on the right of `in`",
            );
            return self.recover();
        }
        match self.field() {
            Some(field) => Expr::Test(Predicate { field, op }),
            None => self.recover(),
        }
    }

    /// What follows a field.
    fn test(&mut self, field: FieldPath, start: usize) -> Expr {
        if self.at.peek() == Some('(') {
            self.at.problem(start, format!("functions such as `{field}` are not supported"), "");
            return self.recover();
        }
        self.at.skip_space();
        match self.operator() {
            Ok(op) => Expr::Test(Predicate { field, op: op.unwrap_or(Op::Truthy) }),
            Err(()) => self.recover(),
        }
    }

    fn at_member_end(&self) -> bool {
        self.at.at_end() || self.at.peek() == Some(')') || self.at.at_joint()
    }

    /// The operator and its right side. `Ok(None)`: there is none. `Err`: a problem was told.
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
        if let Some(op) = self.match_op() {
            return self.pattern(op).map(Some);
        }
        if let Some(comparison) = self.comparison() {
            let value = self.at.value(None, Escapes::Text).ok_or(())?;
            let is_fine = self.check_order(comparison, &value);
            return if is_fine { Ok(Some(Op::Compare(comparison, value.literal))) } else { Err(()) };
        }
        for op in [TextOp::Contains, TextOp::Icontains, TextOp::StartsWith, TextOp::EndsWith] {
            if self.at.eat_word(op.word()) {
                let value = self.at.value(None, Escapes::Text).ok_or(())?;
                return Ok(Some(Op::Text(op, value.into_text(self.at.text))));
            }
        }
        if self.at.eat_word("exists") {
            return Ok(Some(Op::Exists));
        }
        let is_negated = self.at.eat_word("not");
        self.at.skip_space();
        if self.at.eat_word("in") {
            let items = self.list()?;
            return Ok(Some(if is_negated { Op::NotIn(items) } else { Op::In(items) }));
        }
        self.at.pos = start;
        if self.at_member_end() { Ok(None) } else { self.unknown_operator() }
    }

    fn match_op(&mut self) -> Option<MatchOp> {
        use MatchOp::{Glob, Iglob, NotSearch, NotStart, Regex, Search, Start};
        let symbols = [Search, Start, NotSearch, NotStart];
        let words = [Regex, Glob, Iglob];
        let symbol = symbols.into_iter().find(|op| self.at.eat(op.symbol()));
        symbol.or_else(|| words.into_iter().find(|op| self.at.eat_word(op.symbol())))
    }

    fn pattern(&mut self, op: MatchOp) -> Result<Op, ()> {
        let value = self.at.value(None, Escapes::Pattern).ok_or(())?;
        let start = value.start;
        match Pattern::new(op, &value.into_text(self.at.text)) {
            Ok(pattern) => Ok(Op::Match(pattern)),
            Err(error) => {
                let kind = if op.is_regex() { "regular expression" } else { "glob pattern" };
                self.at.problem(start, format!("{kind}: {error}"), "");
                Ok(Op::Truthy) // the text after it can still be read
            }
        }
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

    fn list(&mut self) -> Result<Vec<Literal>, ()> {
        self.at.skip_space();
        let start = self.at.pos;
        let closer = match self.at.peek() {
            Some('(') => ')',
            Some('[') => ']',
            _ => {
                self.at.problem_here("expected a list", "write `field in (a, b)`, or `\"a\" in field`");
                return Err(());
            }
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
            items.push(item.literal);
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
        if items.len() > MAX_LIST_ITEMS {
            self.at.problem(
                start,
                format!("the list has {} items", items.len()),
                format!("at most {MAX_LIST_ITEMS}"),
            );
        }
        Ok(items)
    }

    /// Goes behind the end of a list with a mistake in it.
    fn leave_list(&mut self, closer: char) {
        match self.at.rest().find(closer) {
            Some(end) => self.at.pos += end + 1,
            None => (self.at.pos, self.at.is_lost) = (self.at.text.len(), true),
        }
    }

    /// A field's name.
    fn field(&mut self) -> Option<FieldPath> {
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

fn matches_word(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}
