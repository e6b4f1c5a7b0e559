//! Text to expression: reads, looks up functions, binds and checks arguments; every mistake has its column.
//!
//! Two readings. [`parse()`](crate::parse()) is for what people save: all must be right. [`parse_as_graphite`](crate::parse_as_graphite) is for clients that
//! expect Graphite: where a call is not closed, or something follows the expression, Graphite silently reads the
//! part that it understands, and so does this. There, pipes go the way they go in Graphite: see [`Expr::Call`].

use super::bind::{MAX_PROBLEMS, Reading, bind, unknown};
use super::expr::{Expr, Literal};
use super::function::Vocabulary;
use super::problem::Problem;
use super::template::Variables;

/// Calls may lie in calls this deep; one that is piped into another lies in it.
pub const MAX_DEPTH: usize = 100;

/// Characters of an expression.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Characters that end a name in a path.
const SYMBOLS: &str = "(){},.'\"\\|";

/// Reads `text`: all of it, or, where `lenient`, as Graphite does.
pub(super) fn read(
    text: &str,
    lenient: bool,
    variables: &[(String, String)],
    vocabulary: &Vocabulary,
) -> Result<Expr, Vec<Problem>> {
    let chars: Vec<char> = text.chars().take(MAX_LENGTH + 1).collect();
    if chars.len() > MAX_LENGTH {
        return Err(vec![Problem::new(
            MAX_LENGTH,
            format!("an expression may have {MAX_LENGTH} characters"),
        )]);
    }
    let mut parser = Parser {
        chars,
        at: 0,
        depth: 0,
        n_templates: 0,
        vocabulary,
        variables,
        lenient,
        too_deep: false,
        problems: Vec::new(),
    };
    let read = parser.expression();
    let expr = match read {
        Ok(tree) => tree.expr,
        Err(problem) => return Err(vec![problem]),
    };
    parser.space();
    if !lenient && let Some(&next) = parser.chars.get(parser.at) {
        return Err(vec![parser.problem(format!("'{next}' after the end of the expression"))]);
    }
    if parser.problems.is_empty() { Ok(expr) } else { Err(parser.problems) }
}

struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    /// Templates around what is read.
    n_templates: usize,
    vocabulary: &'a Vocabulary,
    /// What the request says of variables.
    variables: &'a [(String, String)],
    lenient: bool,
    /// Reading on would go too far: the problem is to be told even where Graphite would read otherwise.
    too_deep: bool,
    /// Mistakes in functions and arguments; those in the writing end the reading.
    problems: Vec<Problem>,
}

type Read<T> = Result<T, Problem>;

/// An expression and how deep calls lie in it.
struct Tree {
    expr: Expr,
    height: usize,
}

/// A call as written.
struct Written {
    name: String,
    start: usize,
    given: Vec<(Option<String>, Tree)>,
    text: String,
}

impl Parser<'_> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.at + 1, message)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Skips white space and then `wanted`, if it is there.
    fn take(&mut self, wanted: char) -> bool {
        self.space();
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn text(&self, from: usize) -> String {
        self.chars.get(from..self.at).unwrap_or_default().iter().collect()
    }

    /// A call, template or path, and the calls that it is piped into.
    fn expression(&mut self) -> Read<Tree> {
        if self.depth >= MAX_DEPTH {
            return Err(self.gone_too_deep());
        }
        self.depth += 1;
        let read = self.piped();
        self.depth -= 1;
        read
    }

    fn gone_too_deep(&mut self) -> Problem {
        self.too_deep = true;
        self.problem(format!("calls may lie in calls {MAX_DEPTH} deep"))
    }

    fn piped(&mut self) -> Read<Tree> {
        let mut tree = self.call_or_path()?;
        loop {
            let before = self.at;
            if !self.take('|') {
                self.at = before;
                return Ok(tree);
            }
            self.space();
            let start = self.at;
            let known = self.problems.len();
            let written = self.opening().map(|name| self.written(name, start)).transpose();
            match written {
                Ok(Some(written)) => tree = self.call(written, Some(tree))?,
                Ok(None) if !self.lenient => {
                    self.at = start;
                    return Err(self.problem("a function must follow '|', such as | scale(2)"));
                }
                Err(problem) if !self.lenient || self.too_deep => return Err(problem),
                _ => {
                    self.problems.truncate(known);
                    self.at = before;
                    return Ok(tree);
                }
            }
        }
    }

    fn call_or_path(&mut self) -> Read<Tree> {
        self.space();
        let start = self.at;
        let known = self.problems.len();
        let read = match self.opening() {
            Some(name) if name == "template" => self.template(start).map(Some),
            Some(name) => self.written(name, start).and_then(|written| self.call(written, None)).map(Some),
            None => Ok(None),
        };
        match read {
            Ok(Some(tree)) => return Ok(tree),
            Err(problem) if !self.lenient || self.too_deep => return Err(problem),
            _ => {}
        }
        self.problems.truncate(known);
        self.at = start;
        self.path()
    }

    /// A name and `(`, if they are here.
    fn opening(&mut self) -> Option<String> {
        let name = self.name()?;
        self.take('(').then_some(name)
    }

    /// The arguments of a call, to its `)`.
    fn written(&mut self, name: String, start: usize) -> Read<Written> {
        let mut given = Vec::new();
        if !self.take(')') {
            loop {
                given.push(self.argument(&given)?);
                if self.take(',') {
                    continue;
                }
                if self.take(')') {
                    break;
                }
                return Err(self.unclosed(&name, start));
            }
        }
        Ok(Written { name, start, given, text: self.text(start) })
    }

    /// Looks a call up and binds its arguments; `piped` comes first among them.
    fn call(&mut self, written: Written, piped: Option<Tree>) -> Read<Tree> {
        let Written { name, start, mut given, text } = written;
        let is_piped = piped.is_some();
        if let Some(piped) = piped {
            given.insert(0, (None, piped));
        }
        let piped = is_piped && self.lenient;
        let height = 1 + given.iter().map(|(_, tree)| tree.height).max().unwrap_or(0);
        if height > MAX_DEPTH {
            return Err(self.gone_too_deep());
        }
        let column = start + 1;
        let Some(function) = self.vocabulary.named(&name) else {
            if self.problems.len() < MAX_PROBLEMS {
                self.problems.push(Problem::new(column, unknown(&name, self.vocabulary)));
            }
            return Ok(Tree { expr: Expr::Path { text, column }, height: 0 });
        };
        let given = given.into_iter().map(|(name, tree)| (name, tree.expr)).collect();
        let reading =
            Reading { vocabulary: self.vocabulary, lenient: self.lenient, in_template: self.n_templates > 0 };
        let arguments = bind(function, given, column, reading, &mut self.problems);
        Ok(Tree { expr: Expr::Call { function, arguments, text, piped, column }, height })
    }

    fn unclosed(&self, name: &str, start: usize) -> Problem {
        match self.peek() {
            Some(other) => self.problem(format!("',' or ')' expected here, not '{other}'")),
            None => Problem::new(start + 1, format!("the ')' of {name}( is missing")),
        }
    }

    /// A function's or parameter's name.
    fn name(&mut self) -> Option<String> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.at += 1;
        }
        let named = self.chars.get(start).is_some_and(|c| c.is_ascii_alphabetic() || *c == '_');
        named.then(|| self.text(start))
    }

    /// One argument, with the name it was given by.
    fn argument(&mut self, before: &[(Option<String>, Tree)]) -> Read<(Option<String>, Tree)> {
        self.space();
        let start = self.at;
        if let Some(name) = self.name()
            && self.take('=')
        {
            self.space();
            return Ok((Some(name), self.value()?));
        }
        self.at = start;
        if before.last().is_some_and(|(name, _)| name.is_some()) {
            return Err(self.problem("arguments without a name come before those with one"));
        }
        Ok((None, self.value()?))
    }

    fn value(&mut self) -> Read<Tree> {
        let column = self.at + 1;
        match self.literal()? {
            Some(value) => Ok(Tree { expr: Expr::Literal { value, column }, height: 0 }),
            None => self.expression(),
        }
    }

    /// A number, text or word, if one is here and ends here.
    fn literal(&mut self) -> Read<Option<Literal>> {
        let start = self.at;
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote).map(Some);
        }
        while self.peek().is_some_and(|c| !c.is_whitespace() && !",()|{}'\"=".contains(c)) {
            self.at += 1;
        }
        let word = self.text(start);
        let end = self.at;
        self.space();
        let literal = match self.peek() {
            None | Some(',' | ')') => Literal::of_word(&word),
            _ => None,
        };
        self.at = if literal.is_some() { end } else { start };
        Ok(literal)
    }

    /// A text in quotes, kept as it is between them; a quote inside is doubled or has a backslash before it.
    fn quoted(&mut self, quote: char) -> Read<Literal> {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            let doubled = c == quote && self.chars.get(self.at + 1) == Some(&quote);
            if c == '\\' || doubled {
                self.at += 2;
            } else if c == quote {
                let text = self.text(start + 1);
                self.at += 1;
                return Ok(Literal::Text(text));
            } else {
                self.at += 1;
            }
        }
        self.at = self.chars.len();
        Err(Problem::new(start + 1, "this text has no closing quote"))
    }

    /// `template(` was read: the expression, and what its `$variables` stand for.
    fn template(&mut self, start: usize) -> Read<Tree> {
        self.n_templates += 1;
        let body = self.expression();
        self.n_templates -= 1;
        let Tree { mut expr, height } = body?;
        let mut variables = Variables::default();
        while self.take(',') {
            self.space();
            let start = self.at;
            let name = match self.name() {
                Some(name) if self.take('=') => Some(name),
                _ => {
                    self.at = start;
                    None
                }
            };
            self.space();
            let Some(value) = self.literal()? else {
                return Err(self.problem("a variable of template() stands for a number or a text in quotes"));
            };
            variables.add(name, value);
        }
        if !self.take(')') {
            return Err(self.unclosed("template", start));
        }
        for (name, value) in self.variables {
            variables.set(name, Literal::Text(value.clone()));
        }
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        let problems =
            variables.fill(&mut expr, self.n_templates == 0).inspect_err(|_| self.too_deep = true)?;
        self.problems.extend(problems.into_iter().take(room));
        Ok(Tree { expr, height })
    }

    /// A path: names, wildcards and `{a,b}`, joined by dots.
    fn path(&mut self) -> Read<Tree> {
        self.space();
        let start = self.at;
        loop {
            match self.peek() {
                Some('\\')
                    if self.chars.get(self.at + 1).is_some_and(|c| SYMBOLS.contains(*c) || *c == '=') =>
                {
                    self.at += 2;
                }
                Some('{') => self.braces()?,
                Some('.') if self.at > start && self.begins_element(self.at + 1) => self.at += 1,
                Some(c) if !c.is_whitespace() && !SYMBOLS.contains(c) => self.at += 1,
                _ => break,
            }
        }
        if self.at == start {
            return Err(match self.peek() {
                Some(other) => self.problem(format!("a metric or a function expected here, not '{other}'")),
                None => self.problem("a metric or a function expected here"),
            });
        }
        let text = without_escapes(&self.text(start));
        Ok(Tree { expr: Expr::Path { text, column: start + 1 }, height: 0 })
    }

    fn begins_element(&self, at: usize) -> bool {
        self.chars
            .get(at)
            .is_some_and(|c| !c.is_whitespace() && (!SYMBOLS.contains(*c) || *c == '{' || *c == '\\'))
    }

    /// `{a,b*}`: names without dots, joined by commas.
    fn braces(&mut self) -> Read<()> {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '}' => return Ok(()),
                ',' | '\\' => {}
                c if SYMBOLS.contains(c) || c.is_whitespace() => {
                    self.at -= 1;
                    return Err(self.problem(format!("'{c}' cannot stand between {{ and }}")));
                }
                _ => {}
            }
        }
        Err(Problem::new(start + 1, "the } of this { is missing"))
    }
}

/// A path without the backslashes before what would end it.
fn without_escapes(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let escaped =
            (c == '\\').then(|| chars.next_if(|next| SYMBOLS.contains(*next) || *next == '=')).flatten();
        plain.push(escaped.unwrap_or(c));
    }
    plain
}
