//! `sum`: all values together.

use lanner_core::Aggregate;
use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "sum",
    about: "all values together",
    example: "sum(amount)",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Sum(0.0))),
    of_events: Some(Takes::Number),
    of_series: Some(Reads::Aggregates),
    value_when_empty: Some(0.0),
    counts: false,
    is_total: true,
    only_grows: false,
};

/// Exact in any order for whole numbers below 2^53; others within the rounding of a floating-point sum.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Sum(pub(super) f64);

impl Accumulator for Sum {
    fn add(&mut self, _: i64, taken: Taken) {
        self.0 += taken.number();
    }

    fn add_aggregate(&mut self, samples: &Aggregate) {
        self.0 += samples.sum;
    }

    fn merge(&mut self, other: &Self) {
        self.0 += other.0;
    }

    fn value(&self) -> Option<f64> {
        Some(self.0)
    }
}
