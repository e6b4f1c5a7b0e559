//! `p50` to `p99.9`: quantiles, exact for few values, within 1 % for many.
//!
//! Source: C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
//! relative-error guarantees", PVLDB 12(12), 2019. Ours keeps the values themselves until there are more
//! than [`EXACT`], so that small windows are exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "p50 to p99.9",
    about: "the value below which this percentage of them lies",
    example: "p99(latency)",
    read,
    of_events: Some(Takes::Number),
    of_series: Some(Reads::Samples),
    value_when_empty: None,
    counts: false,
    is_total: false,
    only_grows: false,
};

fn read(written: &str) -> Option<Read> {
    let percent: f64 = written
        .strip_prefix('p')
        .filter(|p| p.bytes().all(|b| b.is_ascii_digit() || b == b'.'))?
        .parse()
        .ok()?;
    let share = percent / 100.0;
    // Rounded: the share is a hundredth of what was written.
    let name = format!("p{}", (share * 1e8).round() / 1e6);
    (0.0 < percent && percent < 100.0)
        .then(|| Read { name, empty: Steps::of(Quantile { share, values: Quantiles::default() }) })
}

/// One quantile of some values; what [`Quantiles`] says of order and error holds for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Quantile {
    share: f64,
    values: Quantiles,
}

impl Accumulator for Quantile {
    fn add(&mut self, _: i64, taken: Taken) {
        self.values.add(taken.number());
    }

    fn merge(&mut self, other: &Self) {
        self.values.merge(&other.values);
    }

    fn value(&self) -> Option<f64> {
        self.values.quantile(self.share)
    }
}

/// Values kept as they are.
const EXACT: usize = 256;
/// Half the relative width of a cell: the promised relative error.
const ACCURACY: f64 = 0.01;
/// Magnitudes below this count as zero; cells for smaller ones would be without number.
const SMALLEST: f64 = 1e-12;

/// A mergeable summary of numbers.
///
/// State: at most 256 numbers, or one cell per 2 % of magnitude met (some 3,500 cells from 1e-12 to 1e18
/// for each sign). Merging does not depend on order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Quantiles {
    /// The values, unordered.
    Exact(Vec<f64>),
    /// How many fell into each cell; negative magnitudes have negative cells.
    Cells(BTreeMap<i32, u64>),
}

impl Default for Quantiles {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Quantiles {
    /// Adds one finite number. Cost: O(log cells).
    pub fn add(&mut self, value: f64) {
        match self {
            Self::Exact(values) if values.len() < EXACT => values.push(value),
            Self::Exact(values) => {
                let mut cells = BTreeMap::new();
                values.iter().chain([&value]).for_each(|value| *cells.entry(cell(*value)).or_default() += 1);
                *self = Self::Cells(cells);
            }
            Self::Cells(cells) => *cells.entry(cell(value)).or_default() += 1,
        }
    }

    /// Adds what another summary holds.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Exact(mine), Self::Exact(theirs)) if mine.len() + theirs.len() <= EXACT => {
                mine.extend_from_slice(theirs);
            }
            (Self::Cells(mine), Self::Cells(theirs)) => {
                theirs.iter().for_each(|(cell, count)| *mine.entry(*cell).or_default() += count);
            }
            (_, Self::Exact(theirs)) => theirs.iter().for_each(|value| self.add(*value)),
            (Self::Exact(mine), Self::Cells(theirs)) => {
                let mut cells = theirs.clone();
                mine.iter().for_each(|value| *cells.entry(cell(*value)).or_default() += 1);
                *self = Self::Cells(cells);
            }
        }
    }

    /// The value below which `share` of all lie, by the nearest rank; `None` when there are none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        match self {
            Self::Exact(values) => {
                let mut sorted = values.clone();
                sorted.sort_by(f64::total_cmp);
                sorted.get(rank(share, sorted.len() as u64) as usize).copied()
            }
            Self::Cells(cells) => {
                let mut left = rank(share, cells.values().sum());
                for (cell, count) in cells {
                    if left < *count {
                        return Some(middle(*cell));
                    }
                    left -= count;
                }
                None
            }
        }
    }
}

/// The index of the nearest-rank element: `ceil(share * n)`, counted from 0.
fn rank(share: f64, n: u64) -> u64 {
    ((share * n as f64).ceil() as u64).clamp(1, n.max(1)) - 1
}

const OFFSET: i32 = 1 << 20;

fn log_width() -> f64 {
    ((1.0 + ACCURACY) / (1.0 - ACCURACY)).ln()
}

fn cell(value: f64) -> i32 {
    let magnitude = value.abs();
    if magnitude < SMALLEST {
        return 0;
    }
    let cell = (magnitude.ln() / log_width()).ceil() as i32 + OFFSET;
    if value < 0.0 { -cell } else { cell }
}

fn middle(cell: i32) -> f64 {
    if cell == 0 {
        return 0.0;
    }
    let upper = (f64::from(cell.abs() - OFFSET) * log_width()).exp();
    upper * (1.0 - ACCURACY) * f64::from(cell.signum())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Within 1 % of the exact nearest-rank value, however the values were split and merged.
        #[test]
        fn error_is_bounded(values in prop::collection::vec(-1e6_f64..1e6, 1..2_000), split in 0_usize..2_000) {
            let (mut whole, mut part) = (Quantiles::default(), Quantiles::default());
            let split = split.min(values.len());
            values[..split].iter().for_each(|v| whole.add(*v));
            values[split..].iter().for_each(|v| part.add(*v));
            whole.merge(&part);
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            for share in [0.01, 0.5, 0.9, 0.99] {
                let exact = sorted[rank(share, sorted.len() as u64) as usize];
                let found = whole.quantile(share).unwrap();
                prop_assert!((found - exact).abs() <= exact.abs() * (ACCURACY + 1e-9) + SMALLEST, "{found} for {exact}");
            }
        }
    }
}
