//! The count-min sketch of Falco's plugin `anomalydetection`, with the same counts to the last one.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The most cells of one sketch: 512 MiB.
const MAX_CELLS: u64 = 1 << 26;

/// Rows of counters, of which a key touches one each. Threads may count at once: adding up knows no order.
#[derive(Debug)]
pub(crate) struct Sketch {
    n_columns: u64,
    cells: Vec<AtomicU64>,
}

impl Clone for Sketch {
    fn clone(&self) -> Self {
        let cell = |cell: &AtomicU64| AtomicU64::new(cell.load(Relaxed));
        Self { n_columns: self.n_columns, cells: self.cells.iter().map(cell).collect() }
    }
}

impl Sketch {
    /// A sketch of this size.
    ///
    /// # Errors
    /// When it would have no cell, or more than there should be.
    pub(crate) fn new(n_rows: u64, n_columns: u64) -> Result<Self, String> {
        match n_rows.checked_mul(n_columns) {
            Some(n) if (1..=MAX_CELLS).contains(&n) => {
                Ok(Self { n_columns, cells: (0..n).map(|_| AtomicU64::new(0)).collect() })
            }
            _ => Err(format!("{n_rows} rows of {n_columns} cells are not between 1 and {MAX_CELLS} cells")),
        }
    }

    /// The rows and columns for an error of at most `eps` of all events with a probability of at least 1 - `gamma`.
    pub(crate) fn dimensions(gamma: f64, eps: f64) -> (u64, u64) {
        ((1.0 / gamma).ln().ceil() as u64, (std::f64::consts::E / eps).ceil() as u64)
    }

    /// Counts a behaviour; one without a name is none.
    pub(crate) fn add(&self, behaviour: &str) {
        if behaviour.is_empty() {
            return;
        }
        let n_columns = self.n_columns;
        for (row, cells) in self.cells.chunks_exact(n_columns as usize).enumerate() {
            cells[place(behaviour, row, n_columns)].fetch_add(1, Relaxed);
        }
    }

    /// How often a behaviour was counted, at most.
    pub(crate) fn count(&self, behaviour: &str) -> u64 {
        if behaviour.is_empty() {
            return 0;
        }
        let rows = self.cells.chunks_exact(self.n_columns as usize).enumerate();
        rows.map(|(row, cells)| cells[place(behaviour, row, self.n_columns)].load(Relaxed)).min().unwrap_or(0)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.cells.iter().for_each(|cell| cell.store(0, Relaxed));
    }
}

/// The cell of a row; the row's number is the seed of its hash.
fn place(behaviour: &str, row: usize, n_columns: u64) -> usize {
    (xxh3_64_with_seed(behaviour.as_bytes(), row as u64) % n_columns) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_and_forgotten() {
        // The dimensions that the plugin's README names for these bounds.
        assert_eq!(Sketch::dimensions(0.001, 0.0001), (7, 27_183));
        let sketch = Sketch::new(7, 27_183).unwrap();
        for _ in 0..3 {
            sketch.add("bash");
        }
        assert_eq!((sketch.count("bash"), sketch.count("sh"), sketch.count("")), (3, 0, 0));
        sketch.clear();
        assert_eq!(sketch.count("bash"), 0);
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(Sketch::new(0, 10).is_err());
        assert!(Sketch::new(u64::MAX, 2).unwrap_err().contains("not between"));
    }
}
