//! `distinct`: how many different values there are, exact for few values, within a few percent for many.
//!
//! Source: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal
//! cardinality estimation algorithm", AofA 2007. Ours keeps the hashes themselves until there are more than
//! [`EXACT`], and 64-bit hashes need no correction for large counts.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "distinct",
    about: "how many different ones",
    example: "distinct(user)",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Distinct::default())),
    of_events: Some(Takes::AnyValue),
    of_series: None,
    value_when_empty: Some(0.0),
    counts: true,
    is_total: true,
    only_grows: true,
};

impl Accumulator for Distinct {
    fn add(&mut self, _: i64, taken: Taken) {
        Distinct::add(self, taken.hash());
    }

    fn merge(&mut self, other: &Self) {
        Distinct::merge(self, other);
    }

    fn value(&self) -> Option<f64> {
        Some(self.estimate())
    }
}

/// Hashes kept as they are.
const EXACT: usize = 256;
/// Bits of a hash that choose a register.
const PRECISION: u32 = 12;
const N_REGISTERS: usize = 1 << PRECISION;

/// A mergeable count of different values. State: at most 256 hashes, or 4 KiB; the relative standard error
/// of the latter is `1.04 / sqrt(4096)` = 1.6 %. Merging does not depend on order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Distinct {
    /// The hashes.
    Exact(BTreeSet<u64>),
    /// The longest run of leading zeros met per register.
    Registers(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(BTreeSet::new())
    }
}

impl Distinct {
    /// Adds a value by its hash.
    pub fn add(&mut self, hash: u64) {
        match self {
            Self::Exact(hashes) => {
                hashes.insert(hash);
                if hashes.len() > EXACT {
                    *self = Self::Registers(registers(hashes));
                }
            }
            Self::Registers(registers) => note(registers, hash),
        }
    }

    /// Adds what another count holds.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Exact(hashes)) => hashes.iter().for_each(|hash| self.add(*hash)),
            (Self::Registers(mine), Self::Registers(theirs)) => {
                mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
            }
            (Self::Exact(hashes), Self::Registers(theirs)) => {
                let mut mine = theirs.clone();
                hashes.iter().for_each(|hash| note(&mut mine, *hash));
                *self = Self::Registers(mine);
            }
        }
    }

    /// How many different values were added.
    #[must_use]
    pub(crate) fn estimate(&self) -> f64 {
        let registers = match self {
            Self::Exact(hashes) => return hashes.len() as f64,
            Self::Registers(registers) => registers,
        };
        let m = N_REGISTERS as f64;
        let sum: f64 = registers.iter().map(|zeros| (-f64::from(*zeros)).exp2()).sum();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let empty = registers.iter().filter(|zeros| **zeros == 0).count();
        // Linear counting where it is better, as in the paper.
        let estimate = if raw <= 2.5 * m && empty > 0 { m * (m / empty as f64).ln() } else { raw };
        estimate.round()
    }
}

fn registers(hashes: &BTreeSet<u64>) -> Box<[u8]> {
    let mut registers = vec![0; N_REGISTERS].into_boxed_slice();
    hashes.iter().for_each(|hash| note(&mut registers, *hash));
    registers
}

fn note(registers: &mut [u8], hash: u64) {
    let register = (hash >> (64 - PRECISION)) as usize;
    let zeros = (hash << PRECISION | 1 << (PRECISION - 1)).leading_zeros() as u8 + 1;
    registers[register] = registers[register].max(zeros);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_a_few_percent() {
        for n in [1_u64, 256, 257, 1_000, 10_000, 200_000] {
            let (mut even, mut odd) = (Distinct::default(), Distinct::default());
            for i in 0..n {
                let hash = xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes());
                if i % 2 == 0 { even.add(hash) } else { odd.add(hash) }
            }
            even.merge(&odd);
            let error = (even.estimate() / n as f64 - 1.0).abs();
            assert!(error <= if n <= 256 { 0.0 } else { 4.0 * 0.01625 }, "{n}: {error}");
        }
    }
}
