//! Splits text into tokens exactly as the package's own lexer does.

use std::ops::Range;

use super::refused::Refused;
use super::release::Release;
use crate::time::read_time;
use crate::{Comparison, Literal, MatchOp, Number};

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    Literal(Literal),
    /// A name, or a name with `$` before it.
    Symbol,
    Compare(Comparison),
    Match(MatchOp),
    In,
    And,
    Or,
    Not,
    /// `.name` or `&.name`; the name alone is where the token is.
    Attribute,
    /// `[` or `&[`
    OpenBracket,
    /// `( ) ] { } , ? : ??` and what only calculates: `+ - * ** / // % & | ^ << >>`, `for`, `if`.
    Sign(&'static str),
    /// A value that conditions have not, and why: bytes, a span of time, a number that would be rounded.
    Other(&'static str),
    End,
}

/// Longest first.
const SIGNS: [&str; 22] = [
    "??", "**", "//", "<<", ">>", "(", ")", "]", "{", "}", ",", "?", ":", "+", "-", "*", "/", "%", "&", "|",
    "^", "=",
];

const OPERATORS: [(&str, TokenKind); 10] = [
    ("=~~", TokenKind::Match(MatchOp::Search)),
    ("!~~", TokenKind::Match(MatchOp::NotSearch)),
    ("=~", TokenKind::Match(MatchOp::Start)),
    ("!~", TokenKind::Match(MatchOp::NotStart)),
    ("==", TokenKind::Compare(Comparison::Equal)),
    ("!=", TokenKind::Compare(Comparison::NotEqual)),
    ("<=", TokenKind::Compare(Comparison::LessEqual)),
    (">=", TokenKind::Compare(Comparison::GreaterEqual)),
    ("<", TokenKind::Compare(Comparison::Less)),
    (">", TokenKind::Compare(Comparison::Greater)),
];

/// All tokens of a text, `End` the last.
pub(super) fn tokens(text: &str, release: Release) -> Result<Vec<Token>, Refused> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text[at..].trim_start_matches([' ', '\t', '\n']);
        let start = text.len() - rest.len();
        if rest.is_empty() || release == Release::Five && is_last_comment(rest) {
            tokens.push(Token { kind: TokenKind::End, at: start..start });
            return Ok(tokens);
        }
        let (kind, length) = token(rest, start, start > at || start == 0, release)?;
        at = start + length;
        // The name of an attribute, without the dot before it.
        let start = if kind == TokenKind::Attribute {
            start + rest.find('.').map_or(0, |dot| dot + 1)
        } else {
            start
        };
        tokens.push(Token { kind, at: start..at });
    }
}

/// Whether a comment begins here, behind which nothing comes.
fn is_last_comment(rest: &str) -> bool {
    rest.starts_with('#') && rest.split_once('\n').is_none_or(|(_, after)| after.is_empty())
}

/// The token that `rest` begins with, and its length.
fn token(
    rest: &str,
    start: usize,
    is_after_space: bool,
    release: Release,
) -> Result<(TokenKind, usize), Refused> {
    match rest.as_bytes() {
        [b'"' | b'\'', ..] => return quoted(rest, start, 0),
        [b's' | b'd', b'"' | b'\'', ..] => return quoted(rest, start, 1),
        [b'r' | b'b' | b't', b'"' | b'\'', ..] if release == Release::Five => return quoted(rest, start, 1),
        _ => {}
    }
    let name = name_length(rest.strip_prefix('$').unwrap_or(rest));
    if name > 0 {
        let length = name + usize::from(rest.starts_with('$'));
        return word(&rest[..length], start).map(|kind| (kind, length));
    }
    if let Some(length) = number_length(rest) {
        return Ok((number(&rest[..length], start, release)?, length));
    }
    let dot = if rest.starts_with("&.") { 2 } else { usize::from(rest.starts_with('.')) };
    if dot > 0 && !is_after_space {
        let name = name_length(&rest[dot..]);
        if name > 0 {
            return Ok((TokenKind::Attribute, dot + name));
        }
    }
    if rest.starts_with('[') || rest.starts_with("&[") && !is_after_space {
        return Ok((TokenKind::OpenBracket, if rest.starts_with('[') { 1 } else { 2 }));
    }
    let is_shift = rest.starts_with("<<") || rest.starts_with(">>");
    let operators = OPERATORS.into_iter().filter(|_| !is_shift);
    for (symbol, kind) in operators {
        if rest.starts_with(symbol) {
            return Ok((kind, symbol.len()));
        }
    }
    let is_sign = |sign: &&str| rest.starts_with(*sign) && (*sign != "??" || release == Release::Five);
    if let Some(sign) = SIGNS.into_iter().find(is_sign).filter(|sign| *sign != "=") {
        return Ok((TokenKind::Sign(sign), sign.len()));
    }
    let found = rest.chars().next().unwrap_or(' ');
    let hint = match found {
        '=' => "equality is `==`",
        '!' => "negation is `not`",
        '#' => "comments are not part of the language",
        _ => "",
    };
    Err(Refused::new(start..start + found.len_utf8(), format!("unexpected `{found}`"), hint))
}

fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn word(word: &str, start: usize) -> Result<TokenKind, Refused> {
    Ok(match word {
        "true" => TokenKind::Literal(Literal::Bool(true)),
        "false" => TokenKind::Literal(Literal::Bool(false)),
        "null" => TokenKind::Literal(Literal::Null),
        "and" => TokenKind::And,
        "or" => TokenKind::Or,
        "not" => TokenKind::Not,
        "in" => TokenKind::In,
        "for" => TokenKind::Sign("for"),
        "if" => TokenKind::Sign("if"),
        "inf" | "nan" => {
            let hint = "a number of JSON is never one of these";
            return Err(Refused::new(start..start + word.len(), format!("`{word}` is not supported"), hint));
        }
        "elif" | "else" | "while" => {
            let message = format!("`{word}` is a reserved word");
            return Err(Refused::new(start..start + word.len(), message, ""));
        }
        _ => TokenKind::Symbol,
    })
}

/// `0b101`, `0o7`, `0x1F`, `5`, `5.`, `.5`, `5e-1`
fn number_length(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let run = |from: usize, is_part: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|b| is_part(b)).count()
    };
    let digits = |prefix: &str, is_part: fn(&u8) -> bool| {
        let end = if rest.starts_with(prefix) { run(2, is_part) } else { 0 };
        (end > 2).then_some(end)
    };
    let radix = digits("0b", |b| matches!(b, b'0' | b'1'))
        .or_else(|| digits("0o", |b| matches!(b, b'0'..=b'7')))
        .or_else(|| digits("0x", u8::is_ascii_hexdigit));
    if radix.is_some() {
        return radix;
    }
    let whole = run(0, u8::is_ascii_digit);
    let has_dot = bytes.get(whole) == Some(&b'.');
    let mut end = if has_dot { run(whole + 1, u8::is_ascii_digit) } else { whole };
    if whole == 0 && end < 2 {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent =
            if end + 1 + sign <= bytes.len() { run(end + 1 + sign, u8::is_ascii_digit) } else { 0 };
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    Some(end)
}

/// The number that a text is; one that could not be held exactly is refused.
fn number(text: &str, start: usize, release: Release) -> Result<TokenKind, Refused> {
    let literal = |number| TokenKind::Literal(Literal::Number(number));
    let refuse = |message: String, hint: &str| Refused::new(start..start + text.len(), message, hint);
    let radix = match text.as_bytes() {
        [b'0', b'b', ..] => Some(2),
        [b'0', b'o', ..] => Some(8),
        [b'0', b'x', ..] => Some(16),
        [b'0', rest @ ..]
            if rest.iter().all(u8::is_ascii_digit)
                && (rest.iter().any(|digit| *digit != b'0')
                    || release == Release::Five && !rest.is_empty()) =>
        {
            return Err(refuse(format!("the number `{text}` begins with a zero"), ""));
        }
        _ => None,
    };
    let whole =
        u128::from_str_radix(if radix.is_some() { &text[2..] } else { text }, radix.unwrap_or(10)).ok();
    if let Some(whole) = whole.and_then(|whole| u64::try_from(whole).ok()) {
        // Every number of a rule is a float in release 3, though those of a context are not.
        if release == Release::Three && whole as f64 as u128 != u128::from(whole) {
            return Ok(TokenKind::Other("release 3 rounds this number, and release 5 does not"));
        }
        return Ok(literal(whole.into()));
    }
    let value = whole.map_or_else(|| text.parse().ok(), |whole| Some(whole as f64));
    let Some(value) = value.filter(|value: &f64| value.is_finite()) else {
        return Err(refuse(format!("the number `{text}` is too large"), ""));
    };
    let is_rounded = whole.map_or_else(|| is_rounded(text, value), |whole| value as u128 != whole);
    match Number::from_f64(value) {
        Some(number) if !is_rounded => Ok(literal(number)),
        _ => Err(refuse(format!("the number `{text}` would be rounded to {value:?}"), "write fewer digits")),
    }
}

/// Whether a number of JSON that is written like `text` would have lost digits.
fn is_rounded(text: &str, value: f64) -> bool {
    let (digits, _) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let significant = |digits: &str| {
        let digits: String = digits.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').trim_end_matches('0').to_owned()
    };
    let held = format!("{value:e}");
    significant(digits) != significant(held.split_once('e').map_or(&held, |(digits, _)| digits))
}

/// A text, or a time, whose quote stands at `quote`.
fn quoted(rest: &str, start: usize, quote: usize) -> Result<(TokenKind, usize), Refused> {
    let mark = rest.as_bytes()[quote];
    let mut is_escaped = false;
    let close = rest.bytes().enumerate().skip(quote + 1).find_map(|(at, byte)| {
        let is_end = byte == b'\n' || byte == mark && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end.then_some(at)
    });
    let Some(close) = close.filter(|&close| rest.as_bytes()[close] == mark) else {
        let hint = format!("end it with {}, on the same line", char::from(mark));
        return Err(Refused::new(start..start + quote + 1, "this text is never closed".to_owned(), &hint));
    };
    let place = start..start + close + 1;
    let inside = &rest[quote + 1..close];
    let text = match rest.as_bytes().first() {
        Some(b'r') => inside.to_owned(),
        Some(b'b') => return Ok((TokenKind::Other("bytes are not supported"), close + 1)),
        Some(b't') => return Ok((TokenKind::Other("spans of time are not supported"), close + 1)),
        _ => unescaped(inside, start + quote + 1)?,
    };
    if !rest.starts_with('d') {
        return Ok((TokenKind::Literal(Literal::Text(text)), close + 1));
    }
    match read_time(&text) {
        Some(time) => Ok((TokenKind::Literal(Literal::Time(time)), close + 1)),
        None => Err(Refused::new(place, format!("`{text}` is no time"), "write d\"2026-12-01T08:00:00Z\"")),
    }
}

/// A text with Python's escapes resolved. What is no escape stays as it is.
fn unescaped(text: &str, start: usize) -> Result<String, Refused> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let Some(c) = escape.chars().next() else { break };
        let place = start + (text.len() - escape.len()) - 1;
        let refuse = |length: usize| {
            let message = format!("the escape `\\{}` is not supported", &escape[..length]);
            Refused::new(place..place + 1 + length, message, "write the character itself")
        };
        let hex = |n_digits: usize| {
            let digits =
                escape.get(1..=n_digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
            let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            code.and_then(char::from_u32).map(|c| (c, 1 + n_digits)).ok_or_else(|| refuse(1))
        };
        let (meant, length) = match c {
            '\\' | '\'' | '"' => (c, 1),
            'a' => ('\u{7}', 1),
            'b' => ('\u{8}', 1),
            'f' => ('\u{c}', 1),
            'n' => ('\n', 1),
            'r' => ('\r', 1),
            't' => ('\t', 1),
            'v' => ('\u{b}', 1),
            'x' => hex(2)?,
            'u' => hex(4)?,
            'U' => hex(8)?,
            'N' => return Err(refuse(1)),
            '0'..='7' => {
                let length = escape.bytes().take(3).take_while(|digit| matches!(digit, b'0'..=b'7')).count();
                let code = u32::from_str_radix(&escape[..length], 8).ok().and_then(char::from_u32);
                (code.ok_or_else(|| refuse(length))?, length)
            }
            _ => {
                out.push('\\');
                (c, c.len_utf8())
            }
        };
        out.push(meant);
        rest = &escape[length..];
    }
    out.push_str(rest);
    Ok(out)
}
