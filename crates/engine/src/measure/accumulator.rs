//! What keeps a measure up to date: values go in one by one, partial results are merged, a number comes out.

use lanner_core::Aggregate;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a measure takes of one event or sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Taken {
    /// A finite number.
    Number(f64),
    /// The hash of any value.
    Hash(u64),
}

impl Taken {
    /// The number; 0 of a hash, which accumulators of numbers are not given.
    #[must_use]
    pub const fn number(self) -> f64 {
        match self {
            Self::Number(value) => value,
            Self::Hash(_) => 0.0,
        }
    }

    /// The hash; of a number its bits.
    #[must_use]
    pub(crate) const fn hash(self) -> u64 {
        match self {
            Self::Number(value) => value.to_bits(),
            Self::Hash(hash) => hash,
        }
    }
}

/// What some values come to, however many they are.
///
/// What every implementation keeps, and a test verifies for each entry of [`MEASURES`](super::MEASURES): merging the
/// accumulators of any split of the values, in any order, gives what adding all of them gives, exactly or within the
/// error that the accumulator states. So parts may be counted apart, by step or by machine; as they are plain data for
/// serde, they may cross the border of a process.
///
/// Adding to one that is not new allocates no memory, but for sketches that grow.
pub trait Accumulator:
    Clone + std::fmt::Debug + Send + Sync + Serialize + DeserializeOwned + 'static
{
    /// Adds a value at a time, milliseconds since the Unix epoch.
    fn add(&mut self, time_ms: i64, taken: Taken);

    /// Adds samples of which only the aggregate is known. Never called for measures that [need more](super::Reads).
    fn add_aggregate(&mut self, _samples: &Aggregate) {}

    /// Adds what `other` holds.
    fn merge(&mut self, other: &Self);

    /// What all of it comes to; `None` when nothing was added.
    fn value(&self) -> Option<f64>;
}
