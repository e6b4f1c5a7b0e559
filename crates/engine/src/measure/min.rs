//! `min`: the smallest.

use lanner_core::Aggregate;
use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "min",
    about: "the smallest",
    example: "min(ms)",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Smallest(None))),
    of_events: Some(Takes::Number),
    of_series: Some(Reads::Aggregates),
    value_when_empty: None,
    counts: false,
    is_total: false,
    only_grows: false,
};

/// Exact in any order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Smallest(Option<f64>);

impl Smallest {
    fn note(&mut self, value: f64) {
        self.0 = Some(self.0.map_or(value, |known| known.min(value)));
    }
}

impl Accumulator for Smallest {
    fn add(&mut self, _: i64, taken: Taken) {
        self.note(taken.number());
    }

    fn add_aggregate(&mut self, samples: &Aggregate) {
        self.note(samples.min);
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|value| self.note(*value));
    }

    fn value(&self) -> Option<f64> {
        self.0
    }
}
