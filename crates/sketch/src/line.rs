//! Lines of 64 bytes, in which all cells of a key lie.
//!
//! A line has four rows of 16 bytes, and a key has one cell in each. The upper half of a hash chooses the line, the lower half
//! the cells, so 32 bits are left for four cells.

use crate::seed::Hash;

/// The length of a line in bytes: that of a cache line.
pub(crate) const LINE_BYTES: usize = 64;

/// Rows of a line.
pub(crate) const N_ROWS: usize = 4;

/// A line, begun where a cache line begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Line<T>(pub(crate) T);

/// The lines of a sketch, in which nothing was counted.
pub(crate) fn lines<T: Default + Clone>(n_lines: usize) -> Vec<Line<T>> {
    vec![Line(T::default()); n_lines]
}

/// The place of a key's line among `n_lines`, of which there are fewer than 2^32.
#[inline]
pub(crate) fn line_of(hash: Hash, n_lines: usize) -> usize {
    (((hash.0 >> 32) * n_lines as u64) >> 32) as usize
}

/// The place of a key's cell in `row`, which has 2^`bits` cells.
#[inline]
pub(crate) const fn cell_of(hash: Hash, row: usize, bits: u32) -> usize {
    ((hash.0 >> (row as u32 * bits)) & ((1 << bits) - 1)) as usize
}
