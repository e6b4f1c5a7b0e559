//! When a key was seen first and last, to the second.
//!
//! A cell holds the latest time of all keys that share it, and the earliest of a key's four cells is its last sighting; with
//! all turned round, its first. A last sighting is never too early and a first never too late.

use crate::cells::Cell32;
use crate::line::{Line, N_ROWS, cell_of, line_of, lines};
use crate::merge::{MergeError, Merged, same};
use crate::seed::{Hash, Seed};
use crate::size::Size;

/// Bits that choose one of the four cells of a row.
const CELL_BITS: u32 = 2;

/// When each key was seen last, to the second: never too early, and too late where other keys share all of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen(Highest);

/// When each key was seen first, to the second: never too late, and too early where other keys share all of its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSeen(Highest);

/// The highest number of each key; 0 where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Highest {
    lines: Vec<Line<[Cell32; 16]>>,
    seed_check: u64,
}

impl LastSeen {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(size: Size, seed: &Seed) -> Self {
        Self(Highest::new(size, seed))
    }

    /// Notes a sighting at `time_ms` (milliseconds since 1970; kept to the second, from 1970 to 2106), and returns the last one
    /// before it. Cost: one line of memory, no allocation. Any number of threads may do so at once.
    #[inline]
    pub fn add(&self, key: Hash, time_ms: i64) -> Option<i64> {
        let before = self.0.add(key, seconds(time_ms));
        (before > 0).then(|| i64::from(before) * 1_000)
    }

    /// When a key was seen last, in milliseconds since 1970; `None` if never.
    #[must_use]
    pub fn time_ms(&self, key: Hash) -> Option<i64> {
        let last = self.0.get(key);
        (last > 0).then(|| i64::from(last) * 1_000)
    }

    /// Adds what another has seen.
    ///
    /// # Errors
    /// Another seed, another size.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        self.0.merge(&other.0)
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.0.n_bytes()
    }

    pub(crate) const fn inner(&self) -> &Highest {
        &self.0
    }

    pub(crate) const fn of(highest: Highest) -> Self {
        Self(highest)
    }
}

impl FirstSeen {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(size: Size, seed: &Seed) -> Self {
        Self(Highest::new(size, seed))
    }

    /// Notes a sighting at `time_ms`, as [`LastSeen::add`] does, and returns the first one before it.
    #[inline]
    pub fn add(&self, key: Hash, time_ms: i64) -> Option<i64> {
        let before = self.0.add(key, u32::MAX - seconds(time_ms));
        (before > 0).then(|| i64::from(u32::MAX - before) * 1_000)
    }

    /// When a key was seen first, in milliseconds since 1970; `None` if never.
    #[must_use]
    pub fn time_ms(&self, key: Hash) -> Option<i64> {
        let first = self.0.get(key);
        (first > 0).then(|| i64::from(u32::MAX - first) * 1_000)
    }

    /// Adds what another has seen.
    ///
    /// # Errors
    /// Another seed, another size.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        self.0.merge(&other.0)
    }

    /// Bytes of memory.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.0.n_bytes()
    }

    pub(crate) const fn inner(&self) -> &Highest {
        &self.0
    }

    pub(crate) const fn of(highest: Highest) -> Self {
        Self(highest)
    }
}

/// From 1 to the largest less 1, so that neither a time nor its complement is 0.
fn seconds(time_ms: i64) -> u32 {
    time_ms.div_euclid(1_000).clamp(1, i64::from(u32::MAX) - 1) as u32
}

impl Highest {
    fn new(size: Size, seed: &Seed) -> Self {
        Self { lines: lines(size.n_lines()), seed_check: seed.check() }
    }

    /// Raises a key to `value`, and returns what it had.
    #[inline]
    fn add(&self, key: Hash, value: u32) -> u32 {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        (0..N_ROWS).map(|row| line[place(key, row) % 16].raise(value)).fold(u32::MAX, u32::min)
    }

    fn get(&self, key: Hash) -> u32 {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        (0..N_ROWS).map(|row| line[place(key, row) % 16].get()).fold(u32::MAX, u32::min)
    }

    /// Cell by cell the higher: what one that saw both streams would hold.
    fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        same("seed", self.seed_check, other.seed_check)?;
        same("size", self.lines.len() as u64, other.lines.len() as u64)?;
        for (cell, other) in self.cells().zip(other.cells()) {
            cell.raise(other.get());
        }
        Ok(Merged::Exact)
    }

    const fn n_bytes(&self) -> usize {
        self.lines.len() * size_of::<Line<[Cell32; 16]>>()
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &Cell32> {
        self.lines.iter().flat_map(|line| &line.0)
    }

    pub(crate) fn from_lines(seed_check: u64, lines: impl Iterator<Item = [u32; 16]>) -> Self {
        Self { lines: lines.map(|cells| Line(cells.map(Cell32::new))).collect(), seed_check }
    }
}

#[inline]
fn place(key: Hash, row: usize) -> usize {
    4 * row + cell_of(key, row, CELL_BITS)
}
