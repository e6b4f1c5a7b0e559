//! Walking over a condition's text: blanks, words, quoted texts, bare values, numbers.
//!
//! What a run of characters means depends on where it stands (`/etc` is a value on the right of an
//! operator and a mistake on the left), so the parser asks for what it expects; there is no token list.

use crate::problem::Problems;
use crate::time::read_time;
use crate::words::{continues_name, ends_bare, is_reserved, starts_name};
use crate::{Literal, Number};

/// A place in a text, and the problems found so far.
pub(crate) struct Scanner<'t> {
    pub(crate) text: &'t str,
    /// Bytes from the start; always on a character's border.
    pub(crate) pos: usize,
    pub(crate) problems: Problems,
    /// Whether the rest of the text is lost, so that what it lacks is no news.
    pub(crate) is_lost: bool,
}

/// A value as it stands in the text.
pub(crate) struct Value {
    pub(crate) literal: Literal,
    /// Where it stands, quotes included.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) is_quoted: bool,
}

impl Value {
    /// The value as a text: what the quotes hold, or a bare value as it stands in `text`, number or not.
    pub(crate) fn into_text(self, text: &str) -> String {
        match self.literal {
            Literal::Text(text) => text,
            _ => text[self.start..self.end].to_owned(),
        }
    }
}

/// How escapes in a quoted text are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `\b` is a backspace.
    Text,
    /// `\b` stays, because a pattern means the border of a word by it.
    Pattern,
}

impl<'t> Scanner<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, pos: 0, problems: Problems::default(), is_lost: false }
    }

    pub(crate) fn rest(&self) -> &'t str {
        &self.text[self.pos..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn at_end(&self) -> bool {
        self.pos == self.text.len()
    }

    pub(crate) fn skip_space(&mut self) {
        self.pos = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes `symbol` if it stands here.
    pub(crate) fn eat(&mut self, symbol: &str) -> bool {
        let is_here = self.rest().starts_with(symbol);
        if is_here {
            self.pos += symbol.len();
        }
        is_here
    }

    /// The word that stands here, or nothing.
    pub(crate) fn word(&self) -> &'t str {
        let rest = self.rest();
        if !rest.starts_with(starts_name) {
            return "";
        }
        &rest[..rest.find(|c| !continues_name(c)).unwrap_or(rest.len())]
    }

    /// Takes `word` if it stands here, in any case.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let is_here = self.word().eq_ignore_ascii_case(word);
        if is_here {
            self.pos += word.len();
        }
        is_here
    }

    /// Whether `and` or `or` stands here, or their symbols.
    pub(crate) fn at_joint(&self) -> bool {
        let (word, rest) = (self.word(), self.rest());
        word.eq_ignore_ascii_case("and")
            || word.eq_ignore_ascii_case("or")
            || rest.starts_with("&&")
            || rest.starts_with("||")
    }

    /// Reports `text[start..pos]`.
    pub(crate) fn problem(&mut self, start: usize, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.add(self.text, start, self.pos, message, hint);
    }

    /// Reports what stands here: a word, or one character, or the end.
    pub(crate) fn problem_here(&mut self, message: impl Into<String>, hint: impl Into<String>) {
        let end = self.pos + self.found().len();
        self.problems.add(self.text, self.pos, end, message, hint);
    }

    /// What stands here, for a message: a word or one character; empty at the end.
    pub(crate) fn found(&self) -> &'t str {
        match (self.word(), self.peek()) {
            ("", Some(c)) => &self.rest()[..c.len_utf8()],
            (word, _) => word,
        }
    }

    /// Goes on to where a mistake cannot reach: an `and`, an `or`, a `)` that is not the mistake's own.
    pub(crate) fn synchronise(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                ')' if depth == 0 => return,
                ')' => depth -= 1,
                '(' => depth += 1,
                '"' | '\'' => {
                    self.skip_quoted(c);
                    continue;
                }
                _ if depth == 0 && self.at_joint() => return,
                _ if starts_name(c) => {
                    self.pos += self.word().len();
                    continue;
                }
                _ => {}
            }
            self.pos += c.len_utf8();
        }
    }

    /// Goes behind the `)` of parentheses with a mistake in them.
    pub(crate) fn leave_parentheses(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '"' | '\'' => {
                    self.skip_quoted(c);
                    continue;
                }
                ')' if depth == 0 => {
                    self.pos += 1;
                    return;
                }
                ')' => depth -= 1,
                '(' => depth += 1,
                _ => {}
            }
            self.pos += c.len_utf8();
        }
        self.is_lost = true;
    }

    /// Goes behind the quoted text that begins here, or to the end.
    fn skip_quoted(&mut self, quote: char) {
        let mut is_escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            if c == quote && !is_escaped {
                self.pos += at + 1;
                return;
            }
            is_escaped = c == '\\' && !is_escaped;
        }
        self.pos = self.text.len();
    }

    /// The quoted text that begins here.
    pub(crate) fn quoted(&mut self, escapes: Escapes) -> Option<Value> {
        let start = self.pos;
        let quote = self.peek()?;
        let mut text = String::new();
        let mut chars = self.rest()[1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.pos = start + 1 + at + 1;
                    let (literal, end) = (Literal::Text(text), self.pos);
                    return Some(Value { literal, start, end, is_quoted: true });
                }
                '\\' => unescape(&mut chars, escapes, &mut text),
                c => text.push(c),
            }
        }
        self.pos = self.text.len();
        self.is_lost = true;
        self.problem(start, "this text is never closed", format!("end it with {quote}"));
        None
    }

    /// Whether `d"` stands here.
    pub(crate) fn at_time(&self) -> bool {
        matches!(self.rest().as_bytes(), [b'd', b'"' | b'\'', ..])
    }

    /// The time `d"..."` that stands here.
    pub(crate) fn time(&mut self) -> Option<Value> {
        let start = self.pos;
        self.pos += 1;
        let Value { literal, end, .. } = self.quoted(Escapes::Text)?;
        let Literal::Text(text) = literal else { return None };
        let Some(time) = read_time(&text) else {
            self.problem(start, format!("`{text}` is no time"), "write d\"2026-12-01T08:00:00Z\"");
            return None;
        };
        Some(Value { literal: Literal::Time(time), start, end, is_quoted: true })
    }

    /// The value that stands here: quoted, or a bare run of characters. `closer` ends a bare run as well.
    pub(crate) fn value(&mut self, closer: Option<char>, escapes: Escapes) -> Option<Value> {
        self.skip_space();
        if let Some('"' | '\'') = self.peek() {
            return self.quoted(escapes);
        }
        if self.at_time() {
            return self.time();
        }
        let (start, rest) = (self.pos, self.rest());
        let ends = |(at, c): (usize, char)| {
            ends_bare(c) || Some(c) == closer || rest[at..].starts_with("&&") || rest[at..].starts_with("||")
        };
        let end = rest.char_indices().find(|&here| ends(here)).map_or(rest.len(), |(at, _)| at);
        if end == 0 {
            self.problem_here("expected a value", "");
            return None;
        }
        self.pos += end;
        self.bare_value(start)
    }

    /// `text[start..pos]` as a value: a number, one of the fixed words, or a text.
    fn bare_value(&mut self, start: usize) -> Option<Value> {
        let text = &self.text[start..self.pos];
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        let literal = if is("true") {
            Literal::Bool(true)
        } else if is("false") {
            Literal::Bool(false)
        } else if is("null") {
            Literal::Null
        } else if is_reserved(text) {
            let message = format!("expected a value, found the word `{text}` of the language");
            self.problem(start, message, format!("write \"{text}\" if the text is meant"));
            return None;
        } else {
            self.number_or_text(start)?
        };
        Some(Value { literal, start, end: self.pos, is_quoted: false })
    }

    /// `text[start..pos]` as a number if it is one, otherwise as a text.
    pub(crate) fn number_or_text(&mut self, start: usize) -> Option<Literal> {
        let text = &self.text[start..self.pos];
        match read_number(text) {
            Ok(Some(number)) => Some(Literal::Number(number)),
            Ok(None) => Some(Literal::Text(text.to_owned())),
            Err(message) => {
                self.problem(start, message, format!("write \"{text}\" if the text is meant"));
                None
            }
        }
    }
}

/// Resolves what follows a backslash. What is no escape stays as it is, backslash and all, so that
/// `"\d+"` needs no second backslash.
fn unescape(chars: &mut std::str::CharIndices<'_>, escapes: Escapes, out: &mut String) {
    let rest = chars.as_str();
    let Some((_, c)) = chars.next() else { return };
    match c {
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'f' => out.push('\u{c}'),
        'b' if escapes == Escapes::Text => out.push('\u{8}'),
        '"' | '\'' | '\\' | '/' => out.push(c),
        'x' => match rest.get(1..3).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if rest.as_bytes()[1] != b'+' && byte.is_ascii() => {
                out.push(char::from(byte));
                chars.nth(1);
            }
            _ => out.push_str("\\x"),
        },
        c => out.extend(['\\', c]),
    }
}

/// Reads a number; `None` when `text` is something else, which on the right of an operator is a text.
///
/// # Errors
/// What looks like a number or a calculation but is neither one nor surely a text.
fn read_number(text: &str) -> Result<Option<Number>, String> {
    let Some(end) = number_end(text) else { return Ok(None) };
    if end < text.len() {
        let is_sum = is_calculation(&text[end..]);
        return if is_sum { Err("arithmetic is not supported".to_owned()) } else { Ok(None) };
    }
    let digits = text.trim_start_matches(['+', '-']);
    if digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit() {
        return Err(format!("the number `{text}` begins with a zero"));
    }
    let too_large = || Err(format!("the number `{text}` is too large"));
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let sign = if text.starts_with('-') { "-" } else { "" };
        if let Ok(value) = i64::from_str_radix(&format!("{sign}{hex}"), 16) {
            return Ok(Some(value.into()));
        }
        return u64::from_str_radix(hex, 16)
            .ok()
            .filter(|_| sign.is_empty())
            .map_or_else(too_large, |value| Ok(Some(value.into())));
    }
    if let Ok(value) = text.parse::<i64>() {
        return Ok(Some(value.into()));
    }
    if let Ok(value) = text.parse::<u64>() {
        return Ok(Some(value.into()));
    }
    match text.parse::<f64>() {
        Ok(value) if digits.bytes().all(|byte| byte.is_ascii_digit()) && is_rounded(digits, value) => {
            Err(format!("the number `{text}` would be rounded to {value:e}"))
        }
        Ok(value) if value.is_finite() => Ok(Number::from_f64(value)),
        _ => too_large(),
    }
}

/// Whether a whole number is another one as a float.
fn is_rounded(digits: &str, value: f64) -> bool {
    format!("{:.0}", value.abs()) != digits
}

/// Where the number that `text` begins with ends: `[+-] 0xHEX`, or `[+-] digits [. digits] [e [+-] digits]`.
fn number_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let run = |from: usize, is_part: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| is_part(byte)).count()
    };
    let start = usize::from(text.starts_with(['+', '-']));
    if bytes[start..].starts_with(b"0x") || bytes[start..].starts_with(b"0X") {
        let end = run(start + 2, u8::is_ascii_hexdigit);
        return (end > start + 2).then_some(end);
    }
    let mut end = run(start, u8::is_ascii_digit);
    let mut n_digits = end - start;
    if bytes.get(end) == Some(&b'.') {
        let fraction = run(end + 1, u8::is_ascii_digit);
        n_digits += fraction - (end + 1);
        end = fraction;
    }
    if n_digits == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = run(end + 1 + sign, u8::is_ascii_digit);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    Some(end)
}

/// Whether `text` goes on like `+3` or `*2-1`.
fn is_calculation(mut text: &str) -> bool {
    while let Some(rest) = text.strip_prefix(['+', '-', '*', '/', '%']) {
        match number_end(rest) {
            Some(end) if end == rest.len() => return true,
            Some(end) => text = &rest[end..],
            None => return false,
        }
    }
    false
}
