//! How often a key was seen: count-min with conservative update, in small cells that saturate.
//!
//! Whether something is rare is known long before its count is. So [`Rarity`] has cells of four bits, which makes it as exact as
//! sixteen times the memory in cells of 64 bits. Where counts are wanted there are wider cells.

use crate::cells::Cell64;
use crate::line::{Line, N_ROWS, cell_of, line_of, lines};
use crate::merge::{MergeError, Merged, same};
use crate::seed::{Hash, Seed};
use crate::size::Size;

/// Counts up to 14, and "at least 15".
pub type Rarity = Counts<4>;

/// How often each key was seen, in cells of `BITS` bits: 4, 8, 16 or 32.
///
/// A count is never too low. It is too high where others occupy all four cells of a key, see [`Size::for_keys`].
///
/// # Source
/// G. Cormode, S. Muthukrishnan, "An improved data stream summary: the count-min sketch and its applications", Journal of
/// Algorithms 55, 2005. Conservative update: C. Estan, G. Varghese, "New directions in traffic measurement and accounting",
/// SIGCOMM 2002.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts<const BITS: u32> {
    lines: Vec<Line<Words>>,
    /// Of the seed under which keys were hashed.
    seed_check: u64,
}

/// How often something was seen: at most this often, or, once the cells are full, at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    value: u32,
    is_saturated: bool,
}

/// The words of a line.
pub(crate) type Words = [Cell64; 8];

/// Where a cell lies: a word of the line, and the bits in it.
#[derive(Clone, Copy)]
struct Spot {
    word: usize,
    shift: u32,
}

impl<const BITS: u32> Counts<BITS> {
    /// The largest count that a cell holds; from there on a count says "at least".
    pub const MOST: u32 = (u32::MAX) >> (32 - BITS);

    /// Bits that choose a cell of a row.
    const CELL_BITS: u32 = {
        assert!(BITS == 4 || BITS == 8 || BITS == 16 || BITS == 32, "cells have 4, 8, 16 or 32 bits");
        (128 / BITS).ilog2()
    };

    /// Counts of nothing yet, in `size` bytes, for keys hashed under `seed`. Allocates all of its memory now.
    #[must_use]
    pub fn new(size: Size, seed: &Seed) -> Self {
        Self { lines: lines(size.n_lines()), seed_check: seed.check() }
    }

    /// Notes one sighting, and returns the count with it. Cost: one line of memory, no allocation.
    #[inline]
    pub fn add(&mut self, key: Hash) -> Count {
        self.add_shared(key)
    }

    /// As [`Self::add`], while other threads may count: they find what was before or after. Threads that add take turns, else
    /// sightings are lost.
    #[inline]
    pub fn add_shared(&self, key: Hash) -> Count {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        let spots = spots::<BITS>(key);
        let before = least::<BITS>(line, spots);
        // All of its cells are full: what is frequent costs no writing.
        if before >= u64::from(Self::MOST) {
            return Self::told(before);
        }
        let after = before + 1;
        for spot in spots {
            raise::<BITS>(line, spot, after);
        }
        Self::told(after)
    }

    /// How often a key was seen: never too low, and too high where other keys share all of its cells. Cost: one line of
    /// memory.
    #[inline]
    #[must_use]
    pub fn count(&self, key: Hash) -> Count {
        let line = &self.lines[line_of(key, self.lines.len())].0;
        Self::told(least::<BITS>(line, spots::<BITS>(key)))
    }

    /// Adds what another has seen. The counts of the result are bounds from above for both together, and may be higher than
    /// those of one sketch that saw all.
    ///
    /// # Errors
    /// Another seed, another size.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        same("seed", self.seed_check, other.seed_check)?;
        same("size", self.lines.len() as u64, other.lines.len() as u64)?;
        for (word, other) in self.words().zip(other.words()) {
            word.set(add_cells::<BITS>(word.get(), other.get()));
        }
        Ok(Merged::UpperBound)
    }

    /// The share of cells that are not zero, from 0 to 1: beyond a half it is too small for what it sees.
    #[must_use]
    pub fn load(&self) -> f64 {
        let cells = self.lines.len() * (512 / BITS) as usize;
        let used: u32 = self.words().map(|word| used_cells::<BITS>(word.get())).sum();
        f64::from(used) / cells as f64
    }

    /// Memory of the cells, bytes; the same for its whole life.
    #[must_use]
    pub const fn n_bytes(&self) -> usize {
        self.lines.len() * size_of::<Line<Words>>()
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &Cell64> {
        self.lines.iter().flat_map(|line| &line.0)
    }

    pub(crate) const fn from_words(seed_check: u64, lines: Vec<Line<Words>>) -> Self {
        Self { lines, seed_check }
    }

    const fn told(value: u64) -> Count {
        Count { value: value as u32, is_saturated: value >= Self::MOST as u64 }
    }
}

#[inline]
fn spots<const BITS: u32>(key: Hash) -> [Spot; N_ROWS] {
    std::array::from_fn(|row| {
        let cell = cell_of(key, row, Counts::<BITS>::CELL_BITS) as u32;
        Spot { word: 2 * row + (cell * BITS / 64) as usize, shift: cell * BITS % 64 }
    })
}

#[inline]
fn cell<const BITS: u32>(line: &Words, Spot { word, shift }: Spot) -> u64 {
    (line[word % 8].get() >> shift) & u64::from(Counts::<BITS>::MOST)
}

#[inline]
fn least<const BITS: u32>(line: &Words, [a, b, c, d]: [Spot; N_ROWS]) -> u64 {
    let cell = |spot| cell::<BITS>(line, spot);
    cell(a).min(cell(b)).min(cell(c).min(cell(d)))
}

/// Makes a cell at least `value`.
#[inline]
fn raise<const BITS: u32>(line: &Words, spot: Spot, value: u64) {
    let before = cell::<BITS>(line, spot);
    let word = &line[spot.word % 8];
    word.set(word.get() ^ (before ^ before.max(value)) << spot.shift);
}

/// Adds cell by cell; a cell that would overflow is full.
fn add_cells<const BITS: u32>(a: u64, b: u64) -> u64 {
    let most = u64::from(Counts::<BITS>::MOST);
    (0..64).step_by(BITS as usize).fold(0, |word, shift| {
        let sum = ((a >> shift) & most) + ((b >> shift) & most);
        word | sum.min(most) << shift
    })
}

fn used_cells<const BITS: u32>(word: u64) -> u32 {
    let most = u64::from(Counts::<BITS>::MOST);
    (0..64).step_by(BITS as usize).map(|shift| u32::from((word >> shift) & most != 0)).sum()
}

impl Count {
    /// Of cells of four bits.
    pub(crate) const fn up_to_15(value: u8) -> Self {
        Self { value: value as u32, is_saturated: value >= 15 }
    }

    /// The count; of a saturated one, the largest that fits.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.value
    }

    /// Whether it is "at least" instead of "at most".
    #[must_use]
    pub const fn is_saturated(self) -> bool {
        self.is_saturated
    }

    /// Whether the key was never seen. A true answer is always right; a false one may be due to other keys.
    #[must_use]
    pub const fn is_never(self) -> bool {
        self.value == 0
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_saturated { write!(f, "at least {}", self.value) } else { write!(f, "{}", self.value) }
    }
}
