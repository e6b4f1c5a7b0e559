//! The start of a file, by which its format is recognised.

use crate::table::start::is_json;

/// So many lines are looked at.
const MAX_LINES: usize = 20;

/// So much of a file is seen at most; of a longer one the last line may be cut.
const MAX_BYTES: usize = 64 * 1024;

/// What is seen of a file.
pub(crate) struct Start<'a> {
    pub(super) bytes: &'a [u8],
    /// The first lines that are whole and not empty.
    lines: Vec<&'a str>,
}

impl<'a> Start<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let is_cut = bytes.len() >= MAX_BYTES;
        let n_whole = bytes.iter().filter(|byte| **byte == b'\n').count() + usize::from(!is_cut);
        let lines = bytes.split(|byte| *byte == b'\n').take(n_whole);
        let lines = lines.filter_map(|line| std::str::from_utf8(line).ok()).map(str::trim);
        Self { bytes, lines: lines.filter(|line| !line.is_empty()).take(MAX_LINES).collect() }
    }

    /// The text up to the first line break, which may be beyond what is looked at.
    pub(super) fn beginning(&self) -> Option<&'a str> {
        let valid = self.bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        valid.lines().map(str::trim).find(|line| !line.is_empty())
    }

    pub(super) fn first_line(&self) -> Option<&'a str> {
        self.lines.first().copied()
    }

    pub(super) fn is_json(&self) -> bool {
        is_json(self.bytes)
    }

    /// Whether more than half of the lines that are no comments are such, and the text is not JSON.
    pub(super) fn are_most(&self, is_one: fn(&str) -> bool) -> bool {
        let data = || self.lines.iter().filter(|line| !line.starts_with('#'));
        let count = data().filter(|line| is_one(line)).count();
        !self.is_json() && count > 0 && count * 2 > data().count()
    }
}
