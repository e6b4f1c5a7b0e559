//! Long inputs, cut into pieces that end where a line or an event ends.

use std::io::{self, BufRead, Read as _};

/// Pieces are about this large.
const PIECE_BYTES: usize = 1024 * 1024;
/// A line or event that is longer is cut, and then refused as what it is: broken.
const MAX_PIECE_BYTES: usize = 16 * 1024 * 1024;
/// The most that one array of events may take, for it must be held whole.
const MAX_ARRAY_BYTES: u64 = 1024 * 1024 * 1024;

/// Where a piece may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Before a line that begins with `{`: an event may take several lines. An array is one piece.
    Events,
    /// After a line with all its quotes closed: a text may run over line breaks.
    Lines,
}

/// Reads the next piece into `piece`; whether there was one. Memory: one piece, of at most 16 MiB, or 1 GiB for an array.
///
/// # Errors
/// Only those of `input`, and an array of events that is too large.
///
/// ```
/// use lanner_wire::pieces::{Ends, next_piece};
/// let (mut input, mut piece) = (&b"a v=1\nb v=2\n"[..], Vec::new());
/// assert!(next_piece(&mut input, Ends::Lines, &mut piece)?);
/// assert_eq!(piece, b"a v=1\nb v=2\n"); // short inputs are one piece
/// assert!(!next_piece(&mut input, Ends::Lines, &mut piece)?);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn next_piece(input: &mut dyn BufRead, ends: Ends, piece: &mut Vec<u8>) -> io::Result<bool> {
    piece.clear();
    if ends == Ends::Events {
        let start = input.fill_buf()?;
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace() && !b"\xef\xbb\xbf".contains(byte));
        if first == Some(&b'[') {
            let n_read = input.take(MAX_ARRAY_BYTES + 1).read_to_end(piece)? as u64;
            if n_read > MAX_ARRAY_BYTES {
                return Err(io::Error::other(
                    "the array is larger than 1 GiB; write one event a line instead",
                ));
            }
            return Ok(true);
        }
    }
    let mut n_quotes = 0;
    loop {
        let before = piece.len();
        let room = (MAX_PIECE_BYTES - before) as u64;
        let n_read = (&mut *input).take(room).read_until(b'\n', piece)?;
        n_quotes += quotes(&piece[before..]);
        let is_whole = match ends {
            Ends::Events => input.fill_buf()?.first().is_none_or(|next| *next == b'{'),
            Ends::Lines => n_quotes % 2 == 0,
        };
        if n_read == 0 || piece.len() >= MAX_PIECE_BYTES || (piece.len() >= PIECE_BYTES && is_whole) {
            return Ok(!piece.is_empty());
        }
    }
}

/// Quotes that no backslash takes the meaning of.
fn quotes(line: &[u8]) -> usize {
    let mut escaped = false;
    let is_quote = |byte: &&u8| {
        let counts = **byte == b'"' && !escaped;
        escaped = **byte == b'\\' && !escaped;
        counts
    };
    line.iter().filter(is_quote).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, ends: Ends) -> Vec<String> {
        let mut input = text.as_bytes();
        let (mut piece, mut pieces) = (Vec::new(), Vec::new());
        while next_piece(&mut input, ends, &mut piece).unwrap() {
            pieces.push(String::from_utf8(piece.clone()).unwrap());
        }
        pieces
    }

    #[test]
    fn pieces_end_where_things_end() {
        let line = format!("{}\n", "x".repeat(999));
        let many = line.repeat(2_500);
        let found = pieces(&many, Ends::Lines);
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|piece| piece.ends_with('\n')) && found.concat() == many);

        let quoted = format!("a text=\"{}\nb\" 1\nc v=1 2\n", "y".repeat(PIECE_BYTES));
        assert!(pieces(&quoted, Ends::Lines)[0].ends_with("\nb\" 1\n"));

        let event = format!("{{\n  \"a\": \"{}\"\n}}\n", "z".repeat(PIECE_BYTES));
        assert_eq!(pieces(&event.repeat(2), Ends::Events), [event.clone(), event]);

        let array = format!("\n [{}]", "{},\n".repeat(600_000));
        assert_eq!(pieces(&array, Ends::Events).len(), 1);
        assert_eq!(pieces("", Ends::Events).len(), 0);
        assert!(
            pieces(&"\"".repeat(40_000_001), Ends::Lines).iter().all(|piece| piece.len() <= MAX_PIECE_BYTES)
        );
    }
}
