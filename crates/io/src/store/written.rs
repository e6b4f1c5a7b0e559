//! Series by the bytes that clients write for them, so that no key is made for a sample of a series that is known.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_128_with_secret;

use super::series_id::{SeriesId, Spread};

type Shard = RwLock<HashMap<u128, SeriesId, BuildHasherDefault<Spread>>>;

const N_SHARDS: usize = 16;

/// How many are remembered per shard; a full shard starts anew, so odd clients cannot fill the memory.
const SHARD_CAPACITY: usize = 1 << 18;

/// What the bytes of series stand for, such as those of a line up to its value.
///
/// A plain table, because it is asked for every sample: whoever adds a batch takes it from the store once. Memory: some
/// 30 bytes for each way in which a series was written, at most four million of them.
pub struct WrittenSeries {
    shards: [Shard; N_SHARDS],
    secret: Vec<u8>,
}

impl WrittenSeries {
    /// An empty table, keyed by a secret of at least 136 bytes.
    pub(super) fn new(secret: Vec<u8>) -> Self {
        Self { shards: std::array::from_fn(|_| Shard::default()), secret }
    }

    /// The number of the series for which these bytes stand; `None` when they never
    /// [came](crate::data::DataStore::resolve), or were forgotten. Cost: a hash of the bytes, and one look.
    #[must_use]
    pub fn get(&self, written: &[u8]) -> Option<SeriesId> {
        let (hash, shard) = self.place(written);
        shard.read().unwrap_or_else(PoisonError::into_inner).get(&hash).copied()
    }

    /// From now on these bytes stand for the series.
    pub(super) fn insert(&self, written: &[u8], id: SeriesId) {
        let (hash, shard) = self.place(written);
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.len() >= SHARD_CAPACITY {
            shard.clear();
        }
        shard.insert(hash, id);
    }

    /// A number for keyed hashes elsewhere, the same for the same secret always.
    pub(super) fn seed(&self) -> u64 {
        xxhash_rust::xxh3::xxh3_64_with_secret(b"seed", &self.secret)
    }

    /// Where bytes are looked up: 128 secret-keyed bits, so that two with the same hash cannot be found, let alone met.
    fn place(&self, written: &[u8]) -> (u128, &Shard) {
        let hash = xxh3_128_with_secret(written, &self.secret);
        (hash, &self.shards[(hash >> 64) as usize % N_SHARDS])
    }
}

impl std::fmt::Debug for WrittenSeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrittenSeries").finish_non_exhaustive() // not the secret
    }
}
