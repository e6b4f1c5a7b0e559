//! The result of a batch of lines: how many were accepted, and what was wrong with the others.

use std::fmt::Display;

/// Problems kept of one batch; those after it are counted only.
pub const MAX_PROBLEMS: usize = 100;

/// One line that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line in the batch, counted from 1.
    pub line: u64,
    /// The character in the line (in CSV: the cell), counted from 1, when known.
    pub column: Option<u64>,
    /// What is wrong and what to do: a lower-case fragment.
    pub message: String,
}

/// What a batch came to.
///
/// A batch is never refused as a whole: what can be read is taken, the rest is counted and explained.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Samples or events taken.
    pub accepted: u64,
    /// Values left out on purpose: text fields of line protocol, empty cells and other gaps.
    pub skipped: u64,
    /// Lines, rows or events refused.
    pub rejected: u64,
    /// The first [`MAX_PROBLEMS`] reasons for refusing.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Counts a refusal, and keeps the reason if there is room.
    ///
    /// ```
    /// let mut report = lanner_wire::Report::default();
    /// report.reject(7, Some(3), "a tag has no value");
    /// assert_eq!(report.rejected, 1);
    /// assert_eq!(report.problems[0].to_string(), "line 7, column 3: a tag has no value");
    /// ```
    pub fn reject(&mut self, line: u64, column: Option<u64>, message: impl Display) {
        self.rejected += 1;
        if self.has_room() {
            self.problems.push(Problem { line, column, message: message.to_string() });
        }
    }

    /// Whether the next problem will be kept; a caller may save itself the work of describing it.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.problems.len() < MAX_PROBLEMS
    }

    /// Adds the report on a later part of the same input, before which `lines_before` lines were read.
    pub fn absorb(&mut self, part: Self, lines_before: u64) {
        self.accepted += part.accepted;
        self.skipped += part.skipped;
        self.rejected += part.rejected;
        let room = MAX_PROBLEMS.saturating_sub(self.problems.len());
        let moved = part.problems.into_iter().take(room);
        self.problems.extend(moved.map(|p| Problem { line: p.line + lines_before, ..p }));
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.message),
            None => write!(f, "line {}: {}", self.line, self.message),
        }
    }
}

/// The first 40 characters of what was written, for quoting in a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_capped_and_counted() {
        let mut report = Report::default();
        for line in 1..=150 {
            report.reject(line, None, "bad");
        }
        assert_eq!((report.rejected, report.problems.len()), (150, MAX_PROBLEMS));
    }

    #[test]
    fn parts_keep_the_lines_of_the_whole() {
        let mut whole = Report { accepted: 2, ..Report::default() };
        let mut part = Report { accepted: 3, skipped: 1, ..Report::default() };
        part.reject(4, Some(1), "bad");
        whole.absorb(part, 10);
        assert_eq!((whole.accepted, whole.skipped, whole.rejected), (5, 1, 1));
        assert_eq!(whole.problems[0].line, 14);
    }
}
