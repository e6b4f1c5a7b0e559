//! The cursor over line protocol: one pass, byte by byte, nothing copied.
//!
//! A text may hold line breaks, so where a line ends is known only once it is read. When a line that ran over
//! breaks turns out bad, only its first part is given up and reading resumes after the first break. To keep
//! the whole linear, the bytes read again are limited to the size of the input; after that a bad line costs
//! all that was read of it.

use super::line::{Field, Line, LineError, MAX_SERIES_BYTES, OnLine, Options};
use crate::Report;
use crate::instant::within_bounds;
use crate::report::shown;

/// Reads the lines of `text`; `line_number` is that of its first line, and afterwards of the line after it.
pub(super) fn read_lines<'a>(
    text: &'a str,
    options: Options,
    line_number: &mut u64,
    report: &mut Report,
    on_line: OnLine<'_>,
) {
    let mut fields: Vec<Field<'a>> = Vec::with_capacity(16);
    let mut cursor = Cursor { text, bytes: text.as_bytes(), at: 0, breaks: 0 };
    let mut reread_left = text.len();
    while cursor.at < text.len() {
        let start = cursor.at;
        fields.clear();
        cursor.breaks = 0;
        match cursor.line(options, &mut fields) {
            Ok(parsed) => {
                if let Some((raw_series, time_ms, skipped)) = parsed {
                    report.skipped += skipped;
                    deliver(&Line { raw_series, fields: &fields, time_ms }, *line_number, report, on_line);
                }
                *line_number += cursor.breaks + 1;
            }
            Err(error) => {
                let column = Some(text[start..cursor.at].chars().count() as u64 + 1);
                // A column in a later line of a text would mislead.
                report.reject(*line_number, column.filter(|_| cursor.breaks == 0), error);
                let mut resume_from = start;
                if cursor.breaks > 0 {
                    match reread_left.checked_sub(cursor.at - start) {
                        Some(left) => reread_left = left,
                        None => {
                            resume_from = cursor.at;
                            *line_number += cursor.breaks;
                        }
                    }
                }
                cursor.at = memchr::memchr(b'\n', &cursor.bytes[resume_from..])
                    .map_or(text.len(), |length| resume_from + length + 1);
                *line_number += 1;
            }
        }
    }
}

fn deliver(line: &Line<'_>, line_number: u64, report: &mut Report, on_line: OnLine<'_>) {
    if line.fields.is_empty() {
        return; // texts only
    }
    match on_line(line) {
        Ok(()) => report.accepted += line.fields.len() as u64,
        Err(reason) => report.reject(line_number, None, reason),
    }
}

/// Raw series, time, and how many texts were left out; `None` for an empty line or a comment.
type Parsed<'a> = Option<(&'a str, i64, u64)>;

struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    /// Where reading stands; after an error, the place to report.
    at: usize,
    /// Line breaks inside texts of the current line.
    breaks: u64,
}

impl<'a> Cursor<'a> {
    /// Reads one line with its line break.
    fn line(&mut self, options: Options, fields: &mut Vec<Field<'a>>) -> Result<Parsed<'a>, LineError> {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.peek() == Some(b'#') {
            let rest = &self.bytes[self.at..];
            self.at += memchr::memchr(b'\n', rest).map_or(rest.len(), |length| length + 1);
            return Ok(None);
        }
        if self.line_end() {
            return Ok(None);
        }
        let raw_series = self.series()?;
        let mut skipped = 0;
        loop {
            match self.field()? {
                Some(field) => fields.push(field),
                None => skipped += 1,
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => break,
            }
        }
        let time_ms = self.timestamp(options)?;
        Ok(Some((raw_series, time_ms, skipped)))
    }

    /// Measurement and tags, and the space after them.
    fn series(&mut self) -> Result<&'a str, LineError> {
        let start = self.at;
        self.skip_name(b"=");
        if self.at == start {
            return Err(LineError::NoMeasurement);
        }
        while self.peek() == Some(b',') {
            self.at += 1;
            self.tag()?;
        }
        if self.at - start > MAX_SERIES_BYTES {
            return Err(LineError::SeriesTooLong);
        }
        let raw_series = &self.text[start..self.at];
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        if matches!(self.peek(), None | Some(b'\n' | b'\r')) {
            Err(LineError::NoFields)
        } else {
            Ok(raw_series)
        }
    }

    fn tag(&mut self) -> Result<(), LineError> {
        let start = self.at;
        self.skip_name(b"");
        if self.at == start || self.peek() != Some(b'=') {
            return Err(LineError::MalformedTag);
        }
        self.at += 1;
        let start = self.at;
        self.skip_name(b"");
        match self.peek() {
            Some(b'=') => Err(LineError::EqualsInTagValue),
            _ if self.at == start => Err(LineError::MalformedTag),
            Some(b',' | b' ') => Ok(()),
            _ => Err(LineError::NoFields),
        }
    }

    /// `name=value`; `None` when the value is a text.
    fn field(&mut self) -> Result<Option<Field<'a>>, LineError> {
        let start = self.at;
        self.skip_name(b"");
        let raw_key = &self.text[start..self.at];
        if raw_key.is_empty() || self.peek() != Some(b'=') {
            return Err(LineError::MalformedField);
        }
        self.at += 1;
        if self.peek() == Some(b'"') {
            self.skip_text()?;
            return Ok(None);
        }
        let start = self.at;
        while !matches!(self.peek(), None | Some(b',' | b' ' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let value = number(&self.text[start..self.at]).inspect_err(|_| self.at = start)?;
        Ok(Some(Field { raw_key, value }))
    }

    /// A text in double quotes, in which a backslash escapes a quote or a backslash.
    fn skip_text(&mut self) -> Result<(), LineError> {
        let start = self.at;
        let mut at = start + 1;
        loop {
            match memchr::memchr3(b'"', b'\\', b'\n', &self.bytes[at..]) {
                None => {
                    self.at = self.text.len();
                    return Err(LineError::UnclosedText);
                }
                Some(length) => at += length,
            }
            match self.bytes[at] {
                b'"' => break,
                b'\n' => {
                    self.breaks += 1;
                    at += 1;
                }
                _ if matches!(self.bytes.get(at + 1), Some(b'"' | b'\\')) => at += 2,
                _ => at += 1,
            }
        }
        self.at = at + 1;
        match self.peek() {
            None | Some(b',' | b' ' | b'\n' | b'\r') => Ok(()),
            _ => Err(LineError::AfterText),
        }
    }

    /// The timestamp, if there is one, and the line break.
    fn timestamp(&mut self, options: Options) -> Result<i64, LineError> {
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.line_end() {
            return Ok(options.received_ms);
        }
        let start = self.at;
        while !matches!(self.peek(), None | Some(b' ' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let Ok(number) = text.parse::<i64>() else {
            self.at = start;
            let is_integer = text.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit());
            return Err(if is_integer && text.len() > 18 {
                outside(text, options)
            } else {
                LineError::NotATimestamp { text: shown(text) }
            });
        };
        let Some(time_ms) = options.precision.to_ms(number).and_then(within_bounds) else {
            self.at = start;
            return Err(outside(text, options));
        };
        while self.peek() == Some(b' ') {
            self.at += 1;
        }
        if self.line_end() { Ok(time_ms) } else { Err(LineError::AfterTimestamp) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Moves to the next comma, space, equals sign or line break that no backslash escapes, over those in `also`.
    fn skip_name(&mut self, also: &[u8]) {
        let mut at = self.at;
        while let Some(&byte) = self.bytes.get(at) {
            if !ENDS_NAME[byte as usize] {
                at += 1;
            } else if byte == b'\\' {
                at += if matches!(self.bytes.get(at + 1), Some(b',' | b' ' | b'=')) { 2 } else { 1 };
            } else if also.contains(&byte) {
                at += 1;
            } else {
                break;
            }
        }
        self.at = at;
    }

    /// Whether the line ends here; if so, moves behind its line break.
    fn line_end(&mut self) -> bool {
        let length = match self.bytes.get(self.at..) {
            None | Some([]) => 0,
            Some([b'\n', ..]) => 1,
            Some([b'\r']) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => return false,
        };
        self.at += length;
        true
    }
}

const ENDS_NAME: [bool; 256] = {
    let mut ends = [false; 256];
    ends[b'\\' as usize] = true;
    ends[b',' as usize] = true;
    ends[b' ' as usize] = true;
    ends[b'=' as usize] = true;
    ends[b'\n' as usize] = true;
    ends
};

fn outside(text: &str, options: Options) -> LineError {
    LineError::TimeOutside { text: shown(text), unit: options.precision.name() }
}

/// A field's value that is not a text, as a finite number.
fn number(text: &str) -> Result<f64, LineError> {
    let value = match text.as_bytes() {
        [] => return Err(LineError::NoValue),
        [digits @ .., b'i'] if is_integer(digits) => {
            text[..digits.len()].parse::<i64>().ok().map(|n| n as f64)
        }
        [digits @ .., b'u'] if is_integer(digits) => {
            text[..digits.len()].parse::<u64>().ok().map(|n| n as f64)
        }
        b"t" | b"T" | b"true" | b"True" | b"TRUE" => Some(1.0),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" => Some(0.0),
        _ => {
            let value: f64 = text.parse().map_err(|_| LineError::NotAValue { text: shown(text) })?;
            if value.is_nan() {
                return Err(LineError::Nan);
            }
            let is_word = text.bytes().any(|b| matches!(b, b'i' | b'I'));
            if value.is_infinite() && is_word {
                return Err(LineError::Infinite);
            }
            Some(value).filter(|value| value.is_finite())
        }
    };
    value.ok_or_else(|| LineError::TooLarge { text: shown(text) })
}

/// Whether these are digits, perhaps after a sign.
fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
