//! Parses text into a tree by recursive descent, and continues after a mistake, so that all are reported at once.
//!
//! ```text
//! expr  := and (("or"|"||") and)*
//! and   := not (("and"|"&&") not)*
//! not   := ("not"|"!") not | "(" expr ")" | test | "true" | "false" | macro
//! test  := left [ "exists" | compare right | ["not"] "in" set | "intersects" set | "pmatch" set
//!               | textop right | ("glob"|"iglob") right | match value | each quantifier list ]
//!        | value (compare | ["not"] "in") left
//! compare := "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
//! textop  := contains | icontains | bcontains | startswith | bstartswith | endswith
//! match   := "=~" | "!~" | "=~~" | "!~~" | regex
//! each    := "==" | "=" | "!=" | textop | glob | iglob | regex       quantifier := oneof | anyof | allof
//! left  := field | function
//! field := (name | "$[" text "]") ("." name | "&." name | "[" (number|text|bare) "]")*
//! function := (tolower|toupper|b64|basename|len|join|concat|getopt|semver|murmur3|type) "(" [ given ("," given)* ] ")" [ "[" key "]" ]
//! given := field | function | text | number | "(" [ given ("," given)* ] ")"
//! right := value | "val(" field ")" | function
//! set   := list | name of a list | "val(" field ")" | function
//! list  := ("("|"[") [ item ("," item)* ] (")"|"]")      item := value | name of a list
//! value := "text" | 'text' | d"time" | number | true | false | null | bare   bare: no blank ( ) , = " '
//! ```
//!
//! A word of the language means the same in any case. An escape in a quoted text is one of `\\ \" \' \/ \n
//! \r \t \f \b \xHH`; any other backslash stands for itself.
//!
//! Reading order: this file (how tests are joined), `test` (operators and their right sides), `operand`
//! (fields and functions), `list`.

mod list;
mod operand;
mod test;

use crate::scan::{Scanner, Value};
use crate::scope::Size;
use crate::words::{is_reserved, starts_name};
use crate::{Expr, FieldPath, Literal, Problem, Scope};

/// Longest text of a condition, bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Deepest nesting of parentheses, `not` and functions, macros included.
pub const MAX_DEPTH: usize = 128;
/// Most items in one list.
pub const MAX_LIST_ITEMS: usize = 10_000;
/// Most tests in one condition, macros included; an item of an `anyof` and its kin is one.
pub const MAX_TESTS: usize = 20_000;
/// Most regular expressions in one condition, macros included.
pub const MAX_REGEXES: usize = 64;

/// Reads a condition.
///
/// ```
/// let expr = lanner_conditions::parse("BANK = HSBC && !(amount<5)").unwrap();
/// assert_eq!(expr.to_string(), r#"BANK == "HSBC" and not amount < 5"#);
///
/// let problems = lanner_conditions::parse("bank likes hsbc or amount = 5 + 3").unwrap_err();
/// assert_eq!(problems.len(), 2);
/// assert_eq!(problems[0].to_string(), "column 6: unknown operator `likes`; use `glob`");
/// ```
///
/// Cost: linear in the text's length, and compiling the patterns in it.
///
/// # Errors
/// Everything that is wrong with the text, in order of place; at most a hundred problems.
pub fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    parse_in(text, &Scope::default())
}

/// Reads a condition where fields, lists and macros are declared. What is read no longer names them: a list's
/// items and a macro's condition stand in their place.
///
/// # Errors
/// As [`parse`], and what contradicts the declarations.
pub fn parse_in(text: &str, scope: &Scope) -> Result<Expr, Vec<Problem>> {
    parse_sized(text, scope).map(|(expr, _)| expr)
}

/// Reads a condition and says how large it is.
pub(crate) fn parse_sized(text: &str, scope: &Scope) -> Result<(Expr, Size), Vec<Problem>> {
    let mut parser = Parser::new(text, scope)?;
    let expr = parser.whole();
    let size = parser.size;
    parser.finish((expr, size))
}

impl FieldPath {
    /// Reads a name as it is written in a condition.
    ///
    /// ```
    /// use lanner_conditions::FieldPath;
    /// assert_eq!(FieldPath::parse(" card.bank ").unwrap().as_str(), "card.bank");
    /// assert!(FieldPath::parse("card bank").is_err());
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let scope = Scope::default();
        let mut parser = Parser::new(text, &scope)?;
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
}

struct Parser<'t, 's> {
    at: Scanner<'t>,
    /// Where the value on the right of the newest operator stands, if that has one.
    last_right: Option<std::ops::Range<usize>>,
    depth: usize,
    size: Size,
    scope: &'s Scope,
}

/// Stands for what could not be read; never seen outside, because there is a problem beside it.
const LOST: Expr = Expr::Constant(false);

impl<'t, 's> Parser<'t, 's> {
    fn new(text: &'t str, scope: &'s Scope) -> Result<Self, Vec<Problem>> {
        let mut at = Scanner::new(text);
        if text.len() > MAX_TEXT_BYTES {
            at.problem(0, format!("the text has {} bytes", text.len()), format!("at most {MAX_TEXT_BYTES}"));
            return Err(at.problems.into_sorted());
        }
        Ok(Self { at, last_right: None, depth: 0, size: Size::default(), scope })
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
        self.reaches(start, self.depth)
    }

    /// Whether this depth is still allowed.
    fn reaches(&mut self, start: usize, depth: usize) -> bool {
        self.size.depth = self.size.depth.max(depth);
        if depth > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} deep");
            self.give_up(start, message, "split the condition");
        }
        depth <= MAX_DEPTH
    }

    /// Counts tests and regular expressions; at a limit the rest of the text is given up.
    fn counts(&mut self, start: usize, n_tests: usize, n_regexes: usize) -> bool {
        self.size.n_tests += n_tests;
        self.size.n_regexes += n_regexes;
        let (message, hint) = if self.size.n_tests > MAX_TESTS {
            (format!("more than {MAX_TESTS} tests"), "split the condition")
        } else if self.size.n_regexes > MAX_REGEXES {
            (format!("more than {MAX_REGEXES} regular expressions"), "join some with `|`, or use `glob`")
        } else {
            return true;
        };
        self.give_up(start, message, hint);
        false
    }

    fn give_up(&mut self, start: usize, message: String, hint: &str) {
        self.at.problem(start, message, hint);
        self.at.pos = self.at.text.len();
        self.at.is_lost = true;
    }

    fn primary(&mut self) -> Expr {
        let start = self.at.pos;
        match self.at.peek() {
            Some('(') => self.parenthesised(),
            Some('"' | '\'') => {
                let value = self.at.quoted(crate::scan::Escapes::Text);
                self.reversed(value)
            }
            Some('d') if self.at.at_time() => {
                let value = self.at.time();
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
            Some(c) if starts_name(c) || c == '$' => match self.left() {
                Some(left) => self.test(left, start),
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
            '(' => ("unexpected `(`".to_owned(), "put `and` or `or` before it"),
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
}

fn matches_word(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}
