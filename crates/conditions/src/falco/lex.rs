//! Characters of Falco's filter language: each function takes one kind of token, or leaves the place as it is.

/// A place in a filter.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The newest token, for messages.
    last: &'t str,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, last: "" }
    }

    pub(super) fn pos(&self) -> usize {
        self.at
    }

    /// Both counted from 1.
    pub(super) fn line_and_column(&self) -> (usize, usize) {
        line_and_column(self.text, self.at)
    }

    pub(super) fn last(&self) -> &'t str {
        self.last
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, length: usize) -> &'t str {
        self.last = &self.rest()[..length];
        self.at += length;
        self.last
    }

    /// Whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let blanks = self.rest().bytes().take_while(|byte| is_blank(*byte)).count();
        self.at += blanks;
        blanks > 0
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let is_here = self.rest().starts_with(token);
        if is_here {
            self.take(token.len());
        }
        is_here
    }

    /// Takes `word` with a blank behind it, and all further blanks.
    pub(super) fn eat_with_blank(&mut self, word: &str) -> bool {
        let is_here =
            self.rest().strip_prefix(word).is_some_and(|rest| rest.bytes().next().is_some_and(is_blank));
        if is_here {
            self.take(word.len());
            self.skip_blanks();
        }
        is_here
    }

    /// `[a-zA-Z][a-zA-Z0-9_]*`
    pub(super) fn identifier(&mut self) -> Option<&'t str> {
        let length = name_length(self.rest())?;
        Some(self.take(length))
    }

    /// Two names or more with dots between them.
    pub(super) fn field_name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let mut length = name_length(rest)?;
        let mut n_names = 1;
        while let Some(next) = rest[length..].strip_prefix('.').and_then(name_length) {
            length += 1 + next;
            n_names += 1;
        }
        (n_names > 1).then(|| self.take(length))
    }

    /// `0x1F`, or `[+-]? digits [.] digits [(e|E) (+|-) digits]`
    pub(super) fn number(&mut self) -> Option<&'t str> {
        let bytes = self.rest().as_bytes();
        let run = |from: usize, is_part: fn(&u8) -> bool| {
            bytes.iter().skip(from).take_while(|byte| is_part(byte)).count()
        };
        if bytes.starts_with(b"0x") || bytes.starts_with(b"0X") {
            let digits = run(2, u8::is_ascii_hexdigit);
            if digits > 0 {
                return Some(self.take(2 + digits));
            }
        }
        let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
        let digits = run(start, u8::is_ascii_digit);
        if digits == 0 {
            return None;
        }
        let mut end = start + digits;
        if bytes.get(end) == Some(&b'.') {
            end += 1 + run(end + 1, u8::is_ascii_digit);
        }
        if let (Some(b'e' | b'E'), Some(b'+' | b'-')) = (bytes.get(end), bytes.get(end + 1)) {
            let digits = run(end + 2, u8::is_ascii_digit);
            end += if digits > 0 { 2 + digits } else { 0 };
        }
        Some(self.take(end))
    }

    /// The inside of a quoted text as it is written, and its quote.
    ///
    /// A quote right behind a backslash is part of the text, whatever stands before the backslash, unless no
    /// other quote would end it.
    pub(super) fn quoted(&mut self) -> Option<(&'t str, char)> {
        let quote = self.rest().chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inside = &self.rest()[1..];
        let mut places = inside.match_indices(quote).map(|(at, _)| at);
        let closing =
            places.clone().find(|&at| !inside[..at].ends_with('\\')).or_else(|| places.next_back())?;
        self.at += closing + 2;
        self.last = &inside[..closing];
        Some((self.last, quote))
    }

    /// A value without quotes.
    pub(super) fn bare(&mut self) -> Option<&'t str> {
        self.run(|c| is_blank_char(c) || matches!(c, '(' | ')' | '"' | '\'' | '=' | ','))
    }

    /// A key in `[...]` without quotes.
    pub(super) fn bare_key(&mut self) -> Option<&'t str> {
        self.run(|c| is_blank_char(c) || matches!(c, '[' | ']' | '"' | '\''))
    }

    fn run(&mut self, ends: fn(char) -> bool) -> Option<&'t str> {
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        (length > 0).then(|| self.take(length))
    }

    /// Goes back to where the lexer was.
    pub(super) fn go_back(&mut self, pos: usize, last: &'t str) {
        (self.at, self.last) = (pos, last);
    }
}

/// The place of a byte of a text, both counted from 1, the column in bytes.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (1 + before.iter().filter(|byte| **byte == b'\n').count(), 1 + before.len() - line_start)
}

fn name_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    bytes.first()?.is_ascii_alphabetic().then(|| bytes.iter().take_while(is_part).count())
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x08' | b'\r' | b'\n')
}

const fn is_blank_char(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x08' | '\r' | '\n' | '\x0b' | '\x0c')
}
