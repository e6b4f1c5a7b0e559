//! `count`: how many events or samples there are.

use lanner_core::Aggregate;
use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "count",
    about: "how many",
    example: "count",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Count(0))),
    of_events: Some(Takes::Presence),
    of_series: Some(Reads::Aggregates),
    value_when_empty: Some(0.0),
    counts: true,
    is_total: true,
    only_grows: true,
};

/// Exact in any order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Count(u64);

impl Accumulator for Count {
    fn add(&mut self, _: i64, _: Taken) {
        self.0 += 1;
    }

    fn add_aggregate(&mut self, samples: &Aggregate) {
        self.0 += samples.count;
    }

    fn merge(&mut self, other: &Self) {
        self.0 += other.0;
    }

    fn value(&self) -> Option<f64> {
        Some(self.0 as f64)
    }
}
