//! How large a sketch is, and what that gives.

use crate::line::{LINE_BYTES, N_ROWS};

/// The largest sketch, in bytes.
pub const MAX_BYTES: usize = 1 << 36;

/// The size of a sketch in lines of 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    n_lines: u32,
}

impl Size {
    /// As much as fits into `n_bytes`: at least one line, at most [`MAX_BYTES`].
    #[must_use]
    pub const fn memory(n_bytes: usize) -> Self {
        let n_lines = n_bytes / LINE_BYTES;
        let most = MAX_BYTES / LINE_BYTES;
        Self {
            n_lines: if n_lines == 0 {
                1
            } else if n_lines > most {
                most as u32
            } else {
                n_lines as u32
            },
        }
    }

    /// Enough that of keys never seen before, at most a share of `error` is taken for seen once `n_keys` different ones
    /// were; for cells of `bits` bits, 4 for [`Rarity`](crate::Rarity), 32 for [`Panes`](crate::Panes) and sightings.
    ///
    /// A new key is taken for seen when others occupy all four of its cells. How many others share its line follows Poisson's
    /// distribution, so this is the error of a blocked Bloom filter (F. Putze, P. Sanders, J. Singler, "Cache-, hash- and
    /// space-efficient Bloom filters", 2007, equation 3); conservative update occupies at most the cells that it would.
    ///
    /// ```
    /// use lanner_sketch::Size;
    /// let size = Size::for_keys(100_000, 0.001, 4);
    /// assert_eq!(size.n_bytes() >> 10, 1_230); // KiB
    /// assert!(size.error(100_000, 4) <= 0.001);
    /// ```
    #[must_use]
    pub fn for_keys(n_keys: u64, error: f64, bits: u32) -> Self {
        let (mut low, mut high) = (1, (MAX_BYTES / LINE_BYTES) as u32);
        while low < high {
            let n_lines = low + (high - low) / 2;
            if (Self { n_lines }).error(n_keys, bits) <= error { high = n_lines } else { low = n_lines + 1 }
        }
        Self { n_lines: low }
    }

    /// Enough that a count is too high by more than `epsilon` times the number of all sightings with a probability of at most
    /// `1 - confidence`; for cells of `bits` bits.
    ///
    /// By Markov's inequality for one row of cells, which holds for every stream; conservative update and the other rows do far
    /// better on real ones.
    #[must_use]
    pub fn for_error(epsilon: f64, confidence: f64, bits: u32) -> Self {
        let cells = 1.0 / (epsilon * (1.0 - confidence)).max(f64::MIN_POSITIVE);
        let n_bytes = (cells / cells_in_row(bits)).ceil() * LINE_BYTES as f64;
        Self::memory(n_bytes as usize)
    }

    /// The share of new keys that are taken for seen once `n_keys` different ones were, as [`Self::for_keys`] says.
    #[must_use]
    pub fn error(self, n_keys: u64, bits: u32) -> f64 {
        let in_line = n_keys as f64 / f64::from(self.n_lines);
        // Nearly all cells are occupied, and the sum below would have too many terms.
        if in_line > 1_000.0 {
            return 1.0;
        }
        let free = 1.0 - 1.0 / cells_in_row(bits);
        let (mut chance, mut error) = ((-in_line).exp(), 0.0);
        for n in 1..3_000 {
            chance *= in_line / f64::from(n);
            error += chance * (1.0 - free.powi(n)).powi(N_ROWS as i32);
        }
        error.min(1.0)
    }

    /// How many different keys it takes until of new ones more than a share of `error` are taken for seen.
    #[must_use]
    pub fn n_keys(self, error: f64, bits: u32) -> u64 {
        let (mut low, mut high) = (0, u64::from(self.n_lines) * 512);
        while low < high {
            let n_keys = low + (high - low).div_ceil(2);
            if self.error(n_keys, bits) <= error { low = n_keys } else { high = n_keys - 1 }
        }
        low
    }

    /// Memory that a sketch of this size takes, bytes: a multiple of 64.
    #[must_use]
    pub const fn n_bytes(self) -> usize {
        self.n_lines as usize * LINE_BYTES
    }

    pub(crate) const fn n_lines(self) -> usize {
        self.n_lines as usize
    }
}

/// Cells of one row in a line.
fn cells_in_row(bits: u32) -> f64 {
    LINE_BYTES as f64 * 8.0 / N_ROWS as f64 / f64::from(bits.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rarity, Seed};

    #[test]
    fn the_error_is_the_one_that_happens() {
        let seed = Seed::new(1);
        for error in [0.1, 0.01] {
            let size = Size::for_keys(20_000, error, 4);
            let mut sketch = Rarity::new(size, &seed);
            (0_u32..20_000).for_each(|key| _ = sketch.add(seed.hash(&key.to_le_bytes())));
            let strangers = (0_u32..50_000).map(|key| seed.hash(&(key + 1_000_000).to_le_bytes()));
            let wrong = strangers.filter(|key| !sketch.count(*key).is_never()).count();
            let found = wrong as f64 / 50_000.0;
            // Conservative update may only do better; a tenth for chance.
            assert!(found <= error * 1.1 && found > error / 3.0, "{found} of {error}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert_eq!(Size::memory(0).n_bytes(), 64);
        assert_eq!(Size::memory(usize::MAX).n_bytes(), MAX_BYTES);
        assert_eq!(Size::for_keys(u64::MAX, 0.0, 4).n_bytes(), MAX_BYTES);
        assert_eq!(Size::for_error(0.0, 1.0, 32).n_bytes(), MAX_BYTES);
        // Four cells of 32 bits in each row of a line.
        assert_eq!(Size::for_error(0.001, 0.99, 32).n_bytes(), 100_000 / 4 * 64);
    }
}
