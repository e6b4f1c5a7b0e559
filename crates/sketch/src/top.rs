//! Which keys were seen most: frequent items of Apache DataSketches.

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};

use crate::merge::Merged;

/// The keys that were seen most, by name, in bounded memory.
///
/// Every key that makes up more than 1 / (0.75 * `n`) of all sightings is among them, and each comes with the bounds of its count.
///
/// # Source
/// J. Misra, D. Gries, "Finding repeated elements", 1982, in the form of D. Anderson et al., "A high-performance algorithm for
/// identifying frequent items in data streams", IMC 2017; the implementation is Apache DataSketches'.
#[derive(Debug, Clone)]
pub struct Top(FrequentItemsSketch<String>);

/// A frequent key with the bounds of its count, which meet as long as there was room for all keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frequent {
    /// The key.
    pub key: String,
    /// It was seen at least this often.
    pub at_least: u64,
    /// It was seen at most this often.
    pub at_most: u64,
}

impl Top {
    /// One that has seen nothing, with room for `n` keys: a power of two from 8 to 65,536, else the next.
    #[must_use]
    #[expect(clippy::expect_used, reason = "every power of two in these bounds is accepted")]
    pub fn new(n: usize) -> Self {
        let n = n.clamp(8, 65_536).next_power_of_two();
        Self(FrequentItemsSketch::new(n).expect("a power of two"))
    }

    /// Notes a sighting. A key that has room is found without an allocation.
    pub fn add(&mut self, key: &str) {
        self.0.update_ref(key);
    }

    /// The most frequent keys, the most frequent first, at most `n`.
    #[must_use]
    pub fn rows(&self, n: usize) -> Vec<Frequent> {
        let rows = self.0.frequent_items(ErrorType::NoFalseNegatives);
        let row = |row: &datasketches::frequencies::Row<String>| Frequent {
            key: row.item().clone(),
            at_least: row.lower_bound(),
            at_most: row.upper_bound(),
        };
        let mut rows: Vec<Frequent> = rows.iter().map(row).collect();
        rows.sort_by(|a, b| b.at_most.cmp(&a.at_most).then_with(|| a.key.cmp(&b.key)));
        rows.truncate(n);
        rows
    }

    /// Adds what another has seen; the bounds of counts stay bounds.
    pub fn merge(&mut self, other: &Self) -> Merged {
        self.0.merge(&other.0);
        Merged::UpperBound
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.0.serialize()
    }

    pub(crate) fn from_body(body: &[u8]) -> Option<Self> {
        FrequentItemsSketch::deserialize(body).ok().map(Self)
    }
}
