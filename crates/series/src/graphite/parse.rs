//! Text to expression: reads, looks up functions, binds and checks arguments; every mistake has its column.
//!
//! Two readings. [`parse()`] is for what people save: all must be right. [`parse_as_graphite`] is for clients that
//! expect Graphite: where a call is not closed, or something follows the expression, Graphite silently reads the
//! part that it understands, and so does this.

use super::expr::{Argument, Expr, Literal};
use super::functions::{self, Function, Kind, Parameter};
use super::problem::Problem;

/// Calls may lie in calls this deep.
pub const MAX_DEPTH: usize = 100;

/// Characters of an expression.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Characters that end a name in a path.
const SYMBOLS: &str = "(){},.'\"\\|";

/// Reads `text`, all of it.
///
/// # Errors
/// The first mistake in the writing, or every mistake in functions and arguments.
///
/// ```
/// use lanner_series::graphite::parse;
/// assert!(parse("absolute(app.*.latency)").is_ok());
/// let problems = parse("stdev(app.latency)").unwrap_err();
/// assert_eq!(problems[0].to_string(), "column 1: stdev() needs points: stdev(seriesList, points, windowTolerance=0.1)");
/// ```
pub fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    read(text, false)
}

/// Reads `text` as Graphite does: what cannot be read further is left.
///
/// # Errors
/// As [`parse()`], but not for calls that are not closed and for what follows the expression.
///
/// ```
/// use lanner_series::graphite::{Expr, parse_as_graphite};
/// assert!(matches!(parse_as_graphite("sumSeries(a.b"), Ok(Expr::Path { text, .. }) if text == "sumSeries"));
/// ```
pub fn parse_as_graphite(text: &str) -> Result<Expr, Vec<Problem>> {
    read(text, true)
}

fn read(text: &str, lenient: bool) -> Result<Expr, Vec<Problem>> {
    let chars: Vec<char> = text.chars().take(MAX_LENGTH + 1).collect();
    if chars.len() > MAX_LENGTH {
        return Err(vec![Problem::new(
            MAX_LENGTH,
            format!("an expression may have {MAX_LENGTH} characters"),
        )]);
    }
    let mut parser = Parser { chars, at: 0, depth: 0, lenient, too_deep: false, problems: Vec::new() };
    let read = parser.expression();
    let expr = match read {
        Ok(expr) => expr,
        Err(problem) => return Err(vec![problem]),
    };
    parser.space();
    if !lenient && let Some(&next) = parser.chars.get(parser.at) {
        return Err(vec![parser.problem(format!("'{next}' after the end of the expression"))]);
    }
    if parser.problems.is_empty() { Ok(expr) } else { Err(parser.problems) }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    lenient: bool,
    too_deep: bool,
    /// Mistakes in functions and arguments; those in the writing end the reading.
    problems: Vec<Problem>,
}

type Read<T> = Result<T, Problem>;

impl Parser {
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
    fn expression(&mut self) -> Read<Expr> {
        if self.depth >= MAX_DEPTH {
            self.too_deep = true;
            return Err(self.problem(format!("calls may lie in calls {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        let read = self.piped();
        self.depth -= 1;
        read
    }

    fn piped(&mut self) -> Read<Expr> {
        let mut expr = self.call_or_path()?;
        loop {
            let before = self.at;
            if !self.take('|') {
                self.at = before;
                return Ok(expr);
            }
            self.space();
            let start = self.at;
            match self.call(start, Some(expr.clone())) {
                Ok(Some(call)) => expr = call,
                Ok(None) if !self.lenient => {
                    return Err(self.problem("a function must follow '|', such as | scale(2)"));
                }
                Err(problem) if !self.lenient || self.too_deep => return Err(problem),
                _ => {
                    self.at = before;
                    return Ok(expr);
                }
            }
        }
    }

    fn call_or_path(&mut self) -> Read<Expr> {
        self.space();
        let start = self.at;
        let known = self.problems.len();
        match self.call(start, None) {
            Ok(Some(call)) => return Ok(call),
            Err(problem) if !self.lenient || self.too_deep => return Err(problem),
            _ => {}
        }
        self.problems.truncate(known);
        self.at = start;
        self.path()
    }

    /// A call, if a name and `(` are here. `piped` comes first among its arguments.
    fn call(&mut self, start: usize, piped: Option<Expr>) -> Read<Option<Expr>> {
        let Some(name) = self.name() else { return Ok(None) };
        if !self.take('(') {
            return Ok(None);
        }
        if name == "template" && piped.is_none() {
            return self.template().map(Some);
        }
        let mut given: Vec<(Option<String>, Expr)> = piped.map(|expr| (None, expr)).into_iter().collect();
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
        let text = self.text(start);
        let Some(function) = functions::named(&name) else {
            self.problems.push(Problem::new(start + 1, unknown(&name)));
            return Ok(Some(Expr::Path { text, column: start + 1 }));
        };
        let arguments = self.bind(function, given, start + 1);
        Ok(Some(Expr::Call { function, arguments, text, column: start + 1 }))
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
    fn argument(&mut self, before: &[(Option<String>, Expr)]) -> Read<(Option<String>, Expr)> {
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

    fn value(&mut self) -> Read<Expr> {
        let column = self.at + 1;
        match self.literal()? {
            Some(value) => Ok(Expr::Literal { value, column }),
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
            None | Some(',' | ')') => word_literal(&word),
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

    /// `template(` was read.
    fn template(&mut self) -> Read<Expr> {
        let body = Box::new(self.expression()?);
        let mut variables = Vec::new();
        while self.take(',') {
            self.space();
            let start = self.at;
            let name = match self.name() {
                Some(name) if self.take('=') => name,
                _ => {
                    self.at = start;
                    (variables.len() + 1).to_string()
                }
            };
            self.space();
            let Some(value) = self.literal()? else {
                return Err(self.problem("a variable of template() stands for a number or a text in quotes"));
            };
            variables.push((name, plain(&value)));
        }
        if !self.take(')') {
            return Err(self.unclosed("template", self.at));
        }
        Ok(Expr::Template { body, variables })
    }

    /// A path: names, wildcards and `{a,b}`, joined by dots.
    fn path(&mut self) -> Read<Expr> {
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
        Ok(Expr::Path { text: self.text(start), column: start + 1 })
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

    /// Which argument is for which parameter; what does not fit becomes a problem.
    fn bind(
        &mut self,
        function: &'static Function,
        given: Vec<(Option<String>, Expr)>,
        column: usize,
    ) -> Vec<Argument> {
        let mut bound: Vec<Argument> = Vec::with_capacity(given.len());
        for (place, (name, expr)) in given.into_iter().enumerate() {
            match place_of(function, place, name.as_deref(), &bound) {
                Ok(parameter) => {
                    if let Some(wrong) = mismatch(&function.parameters[parameter], &expr) {
                        self.problems
                            .push(Problem::new(expr.column(), format!("{}(): {wrong}", function.name)));
                    }
                    bound.push(Argument { parameter, expr });
                }
                Err(message) => self.problems.push(Problem::new(expr.column(), message)),
            }
        }
        let missing: Vec<&str> = (0..)
            .zip(function.parameters)
            .filter(|(i, parameter)| {
                parameter.required && !bound.iter().any(|argument| argument.parameter == *i)
            })
            .map(|(_, parameter)| parameter.name)
            .collect();
        // A list that may be empty (`sumSeries()`) is for Graphite to complain about, or not.
        let empty_list = bound.is_empty() && function.parameters.first().is_some_and(|first| first.multiple);
        if !missing.is_empty() && !empty_list {
            let Function { name, signature, .. } = function;
            let message = format!("{name}() needs {}: {name}{signature}", missing.join(" and "));
            self.problems.push(Problem::new(column, message));
        }
        bound
    }
}

/// Index of the parameter for the argument at `place`, or why there is none.
fn place_of(
    function: &Function,
    place: usize,
    name: Option<&str>,
    bound: &[Argument],
) -> Result<usize, String> {
    let Function { name: of, signature, parameters, .. } = function;
    let Some(name) = name else {
        let last = parameters.len().saturating_sub(1);
        return match parameters.get(place.min(last)) {
            Some(parameter) if place <= last || parameter.multiple => Ok(place.min(last)),
            _ => Err(format!("{of}() takes {} arguments: {of}{signature}", parameters.len())),
        };
    };
    let index = parameters.iter().position(|parameter| parameter.name == name);
    let Some(index) = index else { return Err(format!("{of}() has no parameter {name}: {of}{signature}")) };
    if bound.iter().any(|argument| argument.parameter == index) {
        return Err(format!("{of}() is given {name} twice"));
    }
    Ok(index)
}

/// Why `expr` cannot be given for `parameter`, if so.
fn mismatch(parameter: &Parameter, expr: &Expr) -> Option<String> {
    use Literal::{Bool, Float, Int, None as Nothing, Text};
    let Parameter { name, kind, .. } = parameter;
    let Expr::Literal { value, .. } = expr else {
        return match (kind, expr) {
            (Kind::SeriesList | Kind::SeriesLists | Kind::Any, _) => None,
            (_, Expr::Path { text, .. }) => {
                Some(format!("{name} is {}: write \"{text}\" in quotes?", wanted(*kind)))
            }
            _ => Some(format!("{name} is {}", wanted(*kind))),
        };
    };
    let fits = match (kind, value) {
        (_, Nothing) => !parameter.required,
        (Kind::Any, _) => true,
        (Kind::SeriesList | Kind::SeriesLists, _) => false,
        (Kind::Float | Kind::IntOrInf, value) => matches!(value, Int(_) | Float(_)),
        (Kind::Integer | Kind::Node, value) => matches!(value, Int(_) | Float(_)),
        (Kind::Interval | Kind::Date | Kind::IntOrInterval, value) => {
            matches!(value, Int(_) | Float(_) | Text(_))
        }
        (Kind::NodeOrTag | Kind::Tag, value) => matches!(value, Int(_) | Text(_)),
        (Kind::Boolean, value) => matches!(value, Bool(_)),
        (Kind::Text, value) => {
            !matches!(value, Bool(_)) || parameter.options.contains(&functions::Default::Bool(true))
        }
        (Kind::AggFunc | Kind::AggOrSeriesFunc, value) => matches!(value, Text(_)),
    };
    (!fits).then(|| format!("{name} is {}, not {}", wanted(*kind), plain(value)))
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::SeriesList | Kind::SeriesLists => "a metric or an expression",
        Kind::Float => "a number",
        Kind::Integer | Kind::Node => "a whole number",
        Kind::IntOrInf => "a whole number or inf",
        Kind::Text => "a text",
        Kind::Interval => "a length of time such as '7d'",
        Kind::IntOrInterval => "a number of points or a length of time such as '1h'",
        Kind::AggFunc => "the name of an aggregate such as 'sum'",
        Kind::AggOrSeriesFunc => "the name of an aggregate or function such as 'sum'",
        Kind::NodeOrTag => "the number of a node or the name of a tag",
        Kind::Tag => "the name of a tag",
        Kind::Boolean => "true or false",
        Kind::Date => "a time such as '-1h'",
        Kind::Any => "anything",
    }
}

fn word_literal(word: &str) -> Option<Literal> {
    if let Ok(int) = word.parse() {
        return Some(Literal::Int(int));
    }
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        "none" => Some(Literal::None),
        "inf" | "infinity" => Some(Literal::Float(f64::INFINITY)),
        "-inf" | "-infinity" => Some(Literal::Float(f64::NEG_INFINITY)),
        // Not "nan", which Rust would read as well.
        number if number.starts_with(|c: char| c.is_ascii_digit() || "-+.".contains(c)) => {
            number.parse().ok().filter(|value: &f64| value.is_finite()).map(Literal::Float)
        }
        _ => None,
    }
}

/// A literal as it stands in a path.
fn plain(value: &Literal) -> String {
    match value {
        Literal::Int(value) => value.to_string(),
        Literal::Float(value) => value.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Bool(value) => value.to_string(),
        Literal::None => "none".to_owned(),
    }
}

/// The message for a function that does not exist, with the nearest that does.
fn unknown(name: &str) -> String {
    let near = functions::GROUPS
        .iter()
        .flat_map(|(_, functions)| functions.iter())
        .map(|function| (distance(name, function.name), function.name))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    match near {
        Some((_, near)) => format!("there is no function {name}(); did you mean {near}()?"),
        None => format!("there is no function {name}()"),
    }
}

/// Edits between two names, without regard to case (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<u8> = b.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x.to_ascii_lowercase() != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
