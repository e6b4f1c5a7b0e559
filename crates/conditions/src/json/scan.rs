//! Scans and validates a JSON text (RFC 8259) without building a tree.

use crate::Number;

/// Why a text is no JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset}: {message}")]
pub struct JsonError {
    /// Where, bytes from the start of the text.
    pub offset: usize,
    /// What is wrong: a lower-case fragment without a final stop.
    pub message: String,
}

/// An error on its way out, as small as a pointer: what comes back from each text and each value fits into registers.
pub(super) type Fault = Box<JsonError>;

impl JsonError {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Fault {
        Box::new(Self { offset, message: message.into() })
    }
}

impl From<Fault> for JsonError {
    fn from(fault: Fault) -> Self {
        *fault
    }
}

/// Where the inside of a quoted text lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) start: u32,
    pub(super) end: u32,
    /// Whether it has escapes in it, all of them right; else it is what it stands for.
    pub(super) has_escapes: bool,
}

impl Found {
    /// Its place in the text.
    #[inline]
    pub(super) const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Lists and objects inside of each other; `serde_json` refuses one more.
const MAX_NESTING: u32 = 127;

/// A place in a text.
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nesting: u32,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, Fault> {
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError::new(0, "the text has more than four gibibytes"));
        }
        Ok(Self { text, bytes: text.as_bytes(), at: 0, nesting: 0 })
    }

    #[inline]
    pub(super) fn pos(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    #[cold]
    pub(super) fn error(&self, message: &str) -> Fault {
        let message = if self.at < self.bytes.len() {
            message.to_owned()
        } else {
            let inside = if self.nesting > 0 { " inside an object or a list" } else { "" };
            format!("the text ends{inside}: {message}")
        };
        JsonError::new(self.at, message)
    }

    /// Goes inside the `{` or `[` that stands here.
    pub(super) fn enter(&mut self) -> Result<(), Fault> {
        if self.nesting == MAX_NESTING {
            return Err(self.error("lists and objects are nested too deep"));
        }
        self.nesting += 1;
        self.at += 1;
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Whether there is another member; goes to its start, or behind `close`.
    #[inline]
    pub(super) fn next_member(&mut self, close: u8, is_first: &mut bool) -> Result<bool, Fault> {
        self.skip_space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::take(is_first) {
            if self.peek() != Some(b',') {
                return Err(self.error(if close == b'}' {
                    "expected `,` or `}`"
                } else {
                    "expected `,` or `]`"
                }));
            }
            self.at += 1;
            self.skip_space();
        }
        Ok(true)
    }

    /// A key and the `:` behind it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Found, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key in double quotes"));
        }
        let key = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected `:`"));
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    /// The quoted text that stands here.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Found, Fault> {
        let start = self.at as u32 + 1;
        let has_escapes = self.pass_string()?;
        Ok(Found { start, end: self.at as u32 - 1, has_escapes })
    }

    /// Goes behind the quoted text that stands here; whether it has escapes in it.
    fn pass_string(&mut self) -> Result<bool, Fault> {
        self.at += 1;
        let mut has_escapes = false;
        loop {
            self.pass_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return Err(self.error("a control character in a text must be escaped")),
                None => return Err(self.error("this text is never closed")),
            }
        }
    }

    /// Goes over a text eight bytes at a time, up to the first that ends it or is more than itself. Less than eight are left as they
    /// are.
    #[inline]
    fn pass_plain(&mut self) {
        while let Some(bytes) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let special = special(u64::from_le_bytes(*bytes));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
    }

    /// One escape, checked; `\ud83d\ude00` counts as one.
    #[cold]
    fn escape(&mut self) -> Result<(), Fault> {
        let wrong = "no escape of JSON";
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let first = self.hex4()?;
                let is_pair = match first {
                    0xD800..=0xDBFF => {
                        self.bytes[self.at..].starts_with(b"\\u") && {
                            self.at += 1;
                            matches!(self.hex4()?, 0xDC00..=0xDFFF)
                        }
                    }
                    0xDC00..=0xDFFF => false,
                    _ => true,
                };
                if !is_pair {
                    return Err(self.error("half of a pair of escapes"));
                }
            }
            _ => return Err(self.error(wrong)),
        }
        Ok(())
    }

    /// The four digits behind the `u` that stands here.
    fn hex4(&mut self) -> Result<u32, Fault> {
        self.at += 1;
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value << 4 | digit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(value)
    }

    /// Appends what a checked text with escapes stands for.
    #[cold]
    pub(super) fn unescape(&self, found: Found, out: &mut String) {
        let mut rest = &self.text[found.range()];
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
            rest = rest.get(at + 2..).unwrap_or_default();
            out.push(match escape {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => {
                    let mut unit = take_hex4(&mut rest);
                    if (0xD800..0xDC00).contains(&unit) {
                        rest = rest.get(2..).unwrap_or_default();
                        unit = 0x1_0000
                            + ((unit - 0xD800) << 10)
                            + (take_hex4(&mut rest).wrapping_sub(0xDC00) & 0x3FF);
                    }
                    char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                other => char::from(other),
            });
        }
        out.push_str(rest);
    }

    pub(super) fn word(&mut self, word: &str) -> Result<(), Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// The number that stands here.
    #[inline]
    pub(super) fn number(&mut self) -> Result<Number, Fault> {
        let start = self.at;
        let is_whole = self.pass_number()?;
        let text = &self.text[start..self.at];
        if is_whole {
            if let Ok(value) = text.parse::<i64>() {
                return Ok(Number::from(value));
            }
            if let Ok(value) = text.parse::<u64>() {
                return Ok(Number::from(value));
            }
        }
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.and_then(Number::from_f64).ok_or_else(|| JsonError::new(start, "the number is out of range"))
    }

    /// Goes behind the number that stands here; whether it has neither fraction nor exponent.
    #[inline]
    fn pass_number(&mut self) -> Result<bool, Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.pass_digits()?,
            _ => return Err(self.error("expected a value")),
        }
        let mut is_whole = true;
        if self.peek() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.pass_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            is_whole = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.pass_digits()?;
        }
        Ok(is_whole)
    }

    #[inline]
    fn pass_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.error("expected a digit")) } else { Ok(()) }
    }

    /// Goes behind the value that stands here, whatever it is, and checks it.
    #[inline]
    pub(super) fn skip_value(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b'"') => self.pass_string().map(drop),
            Some(b'{' | b'[') => self.skip_nested(),
            _ => self.skip_word(),
        }
    }

    fn skip_word(&mut self) -> Result<(), Fault> {
        match self.peek() {
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => {
                let start = self.at;
                let is_whole = self.pass_number()?;
                // What is short cannot be out of range without an exponent.
                if is_whole && self.at - start < 300 {
                    return Ok(());
                }
                self.at = start;
                self.number().map(drop)
            }
        }
    }

    /// A list or an object, with everything in it. As deep as its nesting, at most 127.
    fn skip_nested(&mut self) -> Result<(), Fault> {
        let close = if self.peek() == Some(b'{') { b'}' } else { b']' };
        self.enter()?;
        let mut is_first = true;
        while self.next_member(close, &mut is_first)? {
            if close == b'}' {
                self.key()?;
            }
            self.skip_value()?;
        }
        self.leave();
        Ok(())
    }
}

/// Has the highest bit of the first byte set that is a quote, a backslash or a control character, and of none before it; 0 if there is
/// none. What it says of bytes further on is not to be trusted: a difference may borrow from them.
///
/// Source: "Determine if a word has a byte less than n", in S. E. Anderson, "Bit Twiddling Hacks".
#[inline]
const fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let (quote, backslash) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
    let is_control = word.wrapping_sub(ONES * 0x20) & !word;
    let is_quote = quote.wrapping_sub(ONES) & !quote;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (is_control | is_quote | is_backslash) & HIGHEST
}

/// Takes four hexadecimal digits that were checked before.
fn take_hex4(rest: &mut &str) -> u32 {
    let digits = rest.get(..4).unwrap_or_default();
    *rest = rest.get(4..).unwrap_or_default();
    u32::from_str_radix(digits, 16).unwrap_or_default()
}
