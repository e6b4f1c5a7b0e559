//! The numbers of series, and maps by them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A series' number within one run of the program. Not to be stored elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId(pub u32);

/// A hasher for keys that are evenly spread already, or small numbers.
#[derive(Default, Clone, Copy)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxhash_rust::xxh3::xxh3_64_with_seed(bytes, self.0);
    }
    fn write_u32(&mut self, number: u32) {
        self.0 = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
    fn write_i64(&mut self, number: i64) {
        self.0 = number.cast_unsigned().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
    fn write_u128(&mut self, number: u128) {
        self.0 = number as u64;
    }
}

/// A map by series number.
pub(super) type ById<V> = HashMap<SeriesId, V, BuildHasherDefault<Spread>>;
