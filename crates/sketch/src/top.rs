//! Which keys were seen most: frequent items of Apache DataSketches.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use datasketches::frequencies::{ErrorType, FrequentItemsSketch, Row};

use crate::merge::Merged;
use crate::seed::Hash;

/// The keys that were seen most, by name, in bounded memory.
///
/// Every key that makes up more than 1 / (0.75 * `n`) of all sightings is among them, and each comes with the bounds of its count.
///
/// # Source
/// J. Misra, D. Gries, "Finding repeated elements", 1982, in the form of D. Anderson et al., "A high-performance algorithm for
/// identifying frequent items in data streams", IMC 2017; the implementation is Apache DataSketches'.
#[derive(Debug, Clone)]
pub struct Top {
    counts: FrequentItemsSketch<u64>,
    /// Of the keys that are counted, and for a while of some that no longer are.
    names: HashMap<u64, String, BuildHasherDefault<Same>>,
    n: usize,
}

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

/// Keys are hashes already, under a seed that nobody knows.
#[derive(Debug, Clone, Copy, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |all, byte| all.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Top {
    /// One that has seen nothing, with room for `n` keys: a power of two from 8 to 65,536, else the next.
    #[must_use]
    #[expect(clippy::expect_used, reason = "every power of two in these bounds is accepted")]
    pub fn new(n: usize) -> Self {
        let n = n.clamp(8, 65_536).next_power_of_two();
        Self { counts: FrequentItemsSketch::new(n).expect("a power of two"), names: HashMap::default(), n }
    }

    /// Notes a sighting. `name` is asked for the name of a key that has none yet. A key that is known costs no allocation.
    pub fn add(&mut self, key: Hash, name: impl FnOnce() -> String) {
        self.counts.update_ref(&key.0);
        if let Entry::Vacant(unnamed) = self.names.entry(key.0) {
            unnamed.insert(name());
            self.forget_names();
        }
    }

    /// As [`Self::add`], of a key whose name should be known; says whether it is. One that has none is counted too, and shown as a
    /// number.
    pub fn add_known(&mut self, key: Hash) -> bool {
        self.counts.update_ref(&key.0);
        self.names.contains_key(&key.0)
    }

    /// Forgets the names of keys that are no longer counted, once there are as many as keys.
    fn forget_names(&mut self) {
        if self.names.len() > 2 * self.n {
            self.names.retain(|key, _| self.counts.upper_bound(key) > self.counts.maximum_error());
        }
    }

    /// The most frequent keys, the most frequent first, at most `n`.
    #[must_use]
    pub fn rows(&self, n: usize) -> Vec<Frequent> {
        let rows = self.counts.frequent_items(ErrorType::NoFalseNegatives);
        let row = |row: &Row<u64>| Frequent {
            key: self.names.get(row.item()).cloned().unwrap_or_else(|| format!("{:016x}", row.item())),
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
        self.counts.merge(&other.counts);
        for (key, name) in &other.names {
            self.names.entry(*key).or_insert_with(|| name.clone());
        }
        self.forget_names();
        Merged::UpperBound
    }

    /// The counts, after their length, and each key with its name, after the name's length.
    pub(crate) fn body(&self, out: &mut Vec<u8>) {
        let counts = self.counts.serialize();
        out.extend((counts.len() as u32).to_le_bytes());
        out.extend(counts);
        let mut names: Vec<(&u64, &String)> = self.names.iter().collect();
        names.sort_unstable();
        for (key, name) in names {
            out.extend(key.to_le_bytes());
            out.extend((name.len() as u32).to_le_bytes());
            out.extend(name.as_bytes());
        }
    }

    pub(crate) fn from_body(mut body: &[u8]) -> Option<Self> {
        let counts = FrequentItemsSketch::deserialize(text(&mut body)?).ok()?;
        let mut names = HashMap::default();
        while let Some((key, rest)) = body.split_first_chunk() {
            body = rest;
            let name = str::from_utf8(text(&mut body)?).ok()?;
            names.insert(u64::from_le_bytes(*key), name.to_owned());
        }
        let n = counts.max_map_size();
        body.is_empty().then_some(Self { counts, names, n })
    }
}

/// Bytes that stand after their length.
fn text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(text)
}
