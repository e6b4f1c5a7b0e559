//! Columns that only blanks keep apart, as programs print them for people.

use std::io::{self, Read};

/// So many lines tell.
const MAX_LINES: usize = 50;
/// What separates the cells that [`Blanks`] gives.
pub(super) const DELIMITER: u8 = b'\t';

/// How many blanks separate two cells at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Apart {
    One = 1,
    /// Where cells hold single blanks themselves.
    Two = 2,
}

/// Whether lines are cells with blanks between them, and how many.
pub(super) fn apart(start: &[u8]) -> Option<Apart> {
    // The last line may be cut.
    let n_whole = memchr::memrchr(b'\n', start).unwrap_or(start.len());
    let lines = start[..n_whole].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !is_rule(line)).take(MAX_LINES).collect();
    let has_text = |line: &&[u8]| line.iter().any(|byte| b"\"[]{}".contains(byte));
    if lines.iter().any(has_text) {
        return None;
    }
    let widths = |apart: Apart| lines.iter().map(|line| n_cells(line, apart)).collect::<Vec<_>>();
    // All lines as wide as the last one, but for some: a heading that names fewer columns, titles and notes.
    let are_even = |apart: Apart, n_others: usize| {
        let widths = widths(apart);
        let of_last = widths.last().copied().unwrap_or(0);
        let n_same = widths.iter().filter(|width| **width == of_last).count();
        of_last > 1 && n_same > 1 && n_same + n_others >= widths.len()
    };
    if are_even(Apart::One, 0) {
        Some(Apart::One)
    } else if are_even(Apart::Two, 0) {
        Some(Apart::Two)
    } else {
        are_even(Apart::One, 2 + lines.len() / 10).then_some(Apart::One)
    }
}

fn n_cells(line: &[u8], apart: Apart) -> usize {
    let (mut n_cells, mut n_blanks) = (1, 0);
    for byte in line {
        if is_blank(*byte) {
            n_blanks += if *byte == b'\t' { 2 } else { 1 };
        } else {
            n_cells += usize::from(n_blanks >= apart as usize);
            n_blanks = 0;
        }
    }
    n_cells
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a line is nothing but lines between rows, or is empty.
pub(super) fn is_rule(line: &[u8]) -> bool {
    line.iter().all(|byte| b"-+=|: \t\r".contains(byte))
}

/// A text with one tab between cells, and none before the first and after the last one.
pub(super) struct Blanks<R> {
    input: R,
    apart: Apart,
    /// Blanks that were read and not given yet.
    n_blanks: usize,
    is_at_start: bool,
    raw: Vec<u8>,
    made: io::Cursor<Vec<u8>>,
}

impl<R: Read> Blanks<R> {
    pub(super) fn new(input: R, apart: Apart) -> Self {
        let raw = vec![0; 64 * 1024];
        Self { input, apart, n_blanks: 0, is_at_start: true, raw, made: io::Cursor::default() }
    }

    fn make(&mut self, n_read: usize) {
        let mut made = std::mem::take(&mut self.made).into_inner();
        made.clear();
        for &byte in self.raw.get(..n_read).unwrap_or_default() {
            if is_blank(byte) {
                self.n_blanks += if byte == b'\t' { 2 } else { 1 };
                continue;
            }
            if matches!(byte, b'\n' | b'\r') {
                self.is_at_start = true;
            } else {
                if self.n_blanks > 0 && !self.is_at_start {
                    // As some write it behind what a line is about.
                    made.pop_if(|last| *last == b':');
                    made.push(if self.n_blanks >= self.apart as usize { DELIMITER } else { b' ' });
                }
                self.is_at_start = false;
            }
            self.n_blanks = 0;
            made.push(byte);
        }
        self.made = io::Cursor::new(made);
    }
}

impl<R: Read> Read for Blanks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n_given = self.made.read(buffer)?;
            if n_given > 0 || buffer.is_empty() {
                return Ok(n_given);
            }
            let n_read = self.input.read(&mut self.raw)?;
            if n_read == 0 {
                return Ok(0);
            }
            self.make(n_read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_blanks_between_them() {
        #[track_caller]
        fn check(text: &str, expected: Option<Apart>, made: &str) {
            let found = apart(text.as_bytes());
            assert_eq!(found, expected, "{text}");
            let mut all = String::new();
            if let Some(apart) = found {
                Blanks::new(text.as_bytes(), apart).read_to_string(&mut all).unwrap();
            }
            assert_eq!(all, made);
        }
        check(" t   v\n 1   2\n 10 20\n3  4\n", Some(Apart::One), "t\tv\n1\t2\n10\t20\n3\t4\n");
        check(
            "time           v\n1 Jan 10:00    2\n1 Jan 10:05   20\n1 Jan 10:10  200\n",
            Some(Apart::Two),
            "time\tv\n1 Jan 10:00\t2\n1 Jan 10:05\t20\n1 Jan 10:10\t200\n",
        );
        check("one\ntwo\nthree\nfour\n", None, "");
        check("this is\na text of\nlines that differ\nin how many words they have\n", None, "");
        check("[a] b\n[c] d\n[e] f\n[g] h\n", None, "");
    }

    #[test]
    fn rules() {
        for rule in ["---+---", "|---|:--:|", "=====", "", "+----+"] {
            assert!(is_rule(rule.as_bytes()), "{rule}");
        }
        assert!(!is_rule(b"-1"));
    }
}
