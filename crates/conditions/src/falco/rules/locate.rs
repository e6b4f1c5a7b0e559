//! Where in a file something stands that was found wrong in a text made of it.
//!
//! A condition reaches the parser folded, with lists written out and exceptions added, so an offset in it is none in the
//! file. What is looked for is the part that is wrong, between the item's start and its end.

use lanner_core::document::Position;

/// An item of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) at: Option<Position>,
    /// Where the next item begins.
    pub(super) end: Option<Position>,
}

/// The first place of `part` as a word of its own in the item that begins at `place`; of several the `nth`, from 0.
pub(super) fn locate(text: &str, place: Place, part: &str, nth: usize) -> Option<Position> {
    let from = place.at?;
    let first_line = from.line.saturating_sub(1) as usize;
    let n_lines = place.end.map_or(usize::MAX, |end| (end.line.saturating_sub(from.line)) as usize);
    let mut last = None;
    let mut n_found = 0;
    for (at, line) in text.lines().enumerate().skip(first_line).take(n_lines.max(1)) {
        let is_comment = line.trim_start().starts_with('#');
        for (start, _) in line.match_indices(part).filter(|_| !is_comment) {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
            let before = line[..start].chars().next_back();
            let after = line[start + part.len()..].chars().next();
            if before.is_some_and(is_word) || after.is_some_and(is_word) {
                continue;
            }
            let column = line[..start].chars().count() + 1;
            last = Some(Position { line: count(at + 1), column: count(column) });
            if n_found == nth {
                return last;
            }
            n_found += 1;
        }
    }
    last
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
