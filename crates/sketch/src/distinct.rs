//! How many different keys were seen: HyperLogLog of Apache DataSketches.

use datasketches::hll::{HllSketch, HllType, HllUnion};

use crate::merge::{MergeError, Merged, same};
use crate::seed::{Hash, Seed};

/// The form in which registers are held: compact enough, and the fastest to add to.
const REGISTERS: HllType = HllType::Hll8;

/// How many different keys were seen.
///
/// With 2^p registers the standard error is 1.04 / sqrt(2^p): 1.6 % for `p` = 12, which takes 4 KiB; exact up to a few keys,
/// and small as long as there are few.
///
/// # Source
/// P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
/// algorithm", AofA 2007; the implementation is Apache DataSketches'.
#[derive(Debug, Clone)]
pub struct Distinct {
    sketch: HllSketch,
    seed_check: u64,
}

impl Distinct {
    /// One that has seen nothing, with 2^`precision` registers; from 4 to 18, else the nearest.
    #[must_use]
    #[expect(clippy::expect_used, reason = "there is a sketch of each precision from 4 to 18")]
    pub fn new(precision: u8, seed: &Seed) -> Self {
        let sketch = HllSketch::new(precision.clamp(4, 18), REGISTERS).expect("a precision from 4 to 18");
        Self { sketch, seed_check: seed.check() }
    }

    /// Notes a sighting. Cost: constant; allocates while it still grows to its bound.
    pub fn add(&mut self, key: Hash) {
        self.sketch.update(key.number());
    }

    /// How many different keys were seen, as an estimate.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.sketch.estimate()
    }

    /// Adds what another has seen.
    ///
    /// # Errors
    /// Another seed, another precision.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, MergeError> {
        same("seed", self.seed_check, other.seed_check)?;
        let precision = self.sketch.lg_config_k();
        same("precision", u64::from(precision), u64::from(other.sketch.lg_config_k()))?;
        if let Ok(mut union) = HllUnion::new(precision) {
            union.update(&self.sketch);
            union.update(&other.sketch);
            self.sketch = union.to_sketch(REGISTERS);
        }
        Ok(Merged::Exact)
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.sketch.serialize()
    }

    pub(crate) fn from_body(seed_check: u64, body: &[u8]) -> Option<Self> {
        Some(Self { sketch: HllSketch::deserialize(body).ok()?, seed_check })
    }
}
