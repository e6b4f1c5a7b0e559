//! Detects from the first bytes the encoding, the separator, and whether this is a table at all.

use std::io::{self, Cursor, Read};

use super::blanks;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// So much tells whether characters have two bytes each.
const HEAD_BYTES: u64 = 64;

/// So much is looked at.
const START_BYTES: u64 = 64 * 1024;

/// So many lines are.
const START_LINES: usize = 50;

/// Candidates; of equally good ones the last is taken, for a comma may stand within numbers.
const DELIMITERS: [u8; 4] = [b',', b'|', b'\t', b';'];

/// The start of the input, as UTF-8 without a byte order mark and with line feeds, and all of it. An input that fails later
/// than at its beginning fails where the rest is read.
pub(crate) fn peek<'a>(mut input: impl Read + 'a) -> io::Result<(Vec<u8>, Box<dyn Read + 'a>)> {
    let mut head = Vec::new();
    let rest: Box<dyn Read + 'a> = match input.by_ref().take(HEAD_BYTES).read_to_end(&mut head) {
        Ok(_) => Box::new(input),
        Err(error) if head.is_empty() => return Err(error),
        Err(error) => Box::new(Broken(Some(error))),
    };
    let mut decoded = DecodeReaderBytesBuilder::new()
        .encoding(two_bytes_each(&head))
        .utf8_passthru(true)
        .strip_bom(true)
        .build(Cursor::new(head).chain(rest));
    let mut start = Vec::new();
    let rest: Box<dyn Read + 'a> = match decoded.by_ref().take(START_BYTES).read_to_end(&mut start) {
        Ok(_) => Box::new(decoded),
        Err(error) if start.is_empty() => return Err(error),
        Err(error) => Box::new(Broken(Some(error))),
    };
    if !ends_lines_with_returns(&start) {
        return Ok((start.clone(), Box::new(Cursor::new(start).chain(rest))));
    }
    return_to_feed(&mut start);
    Ok((start.clone(), Box::new(Cursor::new(start).chain(Returns(rest)))))
}

/// UTF-16 without the mark that says so: of nearly every character of a table one byte is zero, and always the same one.
fn two_bytes_each(head: &[u8]) -> Option<&'static Encoding> {
    let has_mark = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    let pairs = || head.chunks_exact(2);
    let n_pairs = pairs().len();
    let n_zero = [0, 1].map(|at| pairs().filter(|pair| pair[at] == 0).count());
    match n_zero {
        _ if has_mark => None,
        [0, second] if second * 4 > n_pairs * 3 => Some(UTF_16LE),
        [first, 0] if first * 4 > n_pairs * 3 => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether lines end as they did on a Macintosh, and as some spreadsheets still write them.
fn ends_lines_with_returns(start: &[u8]) -> bool {
    memchr::memchr(b'\r', start).is_some() && memchr::memchr2(b'\n', 0, start).is_none()
}

fn return_to_feed(text: &mut [u8]) {
    text.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
}

/// The rest of a text whose lines end with a carriage return.
struct Returns<R>(R);

impl<R: Read> Read for Returns<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.0.read(buffer)?;
        return_to_feed(buffer.get_mut(..n_read).unwrap_or_default());
        Ok(n_read)
    }
}

/// What is left of an input that failed.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Whether this begins as JSON does.
pub(crate) fn is_json(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    let next = |text: &[u8]| text.trim_ascii_start().first().copied();
    match text.split_first() {
        Some((b'{', rest)) => matches!(next(rest), Some(b'"' | b'}')),
        Some((b'[', rest)) => matches!(next(rest), Some(b'{' | b'[' | b'"' | b']' | b'-' | b'0'..=b'9')),
        _ => false,
    }
}

/// Whether this is no text, or one that only programs read: an archive, a spreadsheet, a document, a page.
pub(super) fn is_no_table(start: &[u8]) -> bool {
    const BEGINS: [&[u8]; 5] = [b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"<!DOCTYPE", b"<html"];
    start.contains(&0) || BEGINS.iter().any(|begin| start.starts_with(begin))
}

/// Whether this is how Lanner exports samples.
pub(super) fn is_own(start: &[u8]) -> bool {
    [&b"time,name,value,"[..], b"time,name,value\n"].iter().any(|first| start.starts_with(first))
}

/// What separates cells, judged by the start of the text.
#[must_use]
pub fn delimiter(start: &[u8]) -> u8 {
    if let Some([delimiter, b'\r' | b'\n', ..]) = start.strip_prefix(b"sep=") {
        return *delimiter;
    }
    if is_own(start) {
        return b',';
    }
    let counts = counts(start);
    let fit = |at: usize| {
        let of_lines = || counts.iter().map(|counts| counts[at]).filter(|count| *count > 0);
        let lines_with = |count: usize| of_lines().filter(|other| *other == count).count();
        of_lines().map(|count| (lines_with(count), count)).max().unwrap_or_default()
    };
    (0..DELIMITERS.len()).max_by_key(|at| fit(*at)).map_or(b',', |at| DELIMITERS[at])
}

/// Whether cells are kept apart by blanks, and by how many: where no other separator is in a third of the lines.
pub(super) fn blanks(start: &[u8]) -> Option<blanks::Apart> {
    let counts = counts(start);
    let is_usual = |at: usize| counts.iter().filter(|counts| counts[at] > 0).count() * 3 > counts.len();
    if is_own(start) || start.starts_with(b"sep=") || (0..DELIMITERS.len()).any(is_usual) {
        return None;
    }
    blanks::apart(start)
}

/// How often each candidate stands in each of the first whole lines, outside quotes.
fn counts(start: &[u8]) -> Vec<[usize; 4]> {
    let mut lines = vec![[0; 4]];
    let mut is_quoted = false;
    for byte in start {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => {
                if lines.len() > START_LINES {
                    break;
                }
                lines.push([0; 4]);
            }
            _ if is_quoted => {}
            byte => {
                if let (Some(at), Some(line)) =
                    (DELIMITERS.iter().position(|known| known == byte), lines.last_mut())
                {
                    line[at] += 1;
                }
            }
        }
    }
    if lines.len() > 1 {
        // It may be cut, or be what follows the last line break.
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        #[track_caller]
        fn check(start: &str, expected: u8) {
            assert_eq!(delimiter(start.as_bytes()), expected, "{start}");
        }
        check("a,b\n1,2\n", b',');
        check("a;b\n1,5;2,5\n", b';');
        check("2026-01-01;1,5\n2026-01-02;2,5\n", b';');
        check("a\tb, c\n1\t2\n", b'\t');
        check("a|b\n1|2\n", b'|');
        check("time;a\n2026-01-01;\"1,5\"\n", b';');
        check("time,a\n2026-01-01,\"1;5;6;7\"\n", b',');
        check("An export, made; by hand\nof 2026\na,b\n1,2\n3,4\n", b',');
        check("a,b", b',');
        check("a,b\n1,2\n1;", b',');
        check("sep=|\na,b|c\n", b'|');
        check("sep=:\na:b,c\n1:2\n", b':'); // one that is never guessed
    }

    #[test]
    fn json_is_told_from_tables() {
        assert!(["{\"a\": 1}", " [{\"a\": 1}]", "[1, 2]", "[]"].iter().all(|text| is_json(text.as_bytes())));
        assert!(["a,b", "{a},b", "[time],b", ""].iter().all(|text| !is_json(text.as_bytes())));
    }
}
