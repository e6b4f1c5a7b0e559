//! `avg`: the arithmetic mean.

use lanner_core::Aggregate;
use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "avg",
    about: "the mean",
    example: "avg(ms)",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Mean::default())),
    of_events: Some(Takes::Number),
    of_series: Some(Reads::Aggregates),
    value_when_empty: None,
    counts: false,
    is_total: false,
    only_grows: false,
};

/// As exact as its sum.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Mean {
    count: u64,
    sum: f64,
}

impl Accumulator for Mean {
    fn add(&mut self, _: i64, taken: Taken) {
        self.count += 1;
        self.sum += taken.number();
    }

    fn add_aggregate(&mut self, samples: &Aggregate) {
        self.count += samples.count;
        self.sum += samples.sum;
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
