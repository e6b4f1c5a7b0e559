//! `last`: the latest value, and of several at one millisecond the largest.

use lanner_core::Aggregate;
use serde::{Deserialize, Serialize};

use super::accumulator::{Accumulator, Taken};
use super::kind::{Kind, Read, Reads, Takes};
use super::steps::Steps;

pub(super) const KIND: Kind = Kind {
    name: "last",
    about: "the latest",
    example: "last(level)",
    read: |written| Read::exactly(KIND.name, written, Steps::of(Latest(None))),
    of_events: Some(Takes::Number),
    of_series: Some(Reads::Aggregates),
    value_when_empty: None,
    counts: false,
    is_total: false,
    only_grows: false,
};

/// Exact in any order: which of two values at one time arrived first is nobody's to say once they are counted apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Latest(Option<(i64, f64)>);

impl Latest {
    fn note(&mut self, time_ms: i64, value: f64) {
        let is_later = self
            .0
            .is_none_or(|(known_ms, known)| time_ms > known_ms || (time_ms == known_ms && value > known));
        if is_later {
            self.0 = Some((time_ms, value));
        }
    }
}

impl Accumulator for Latest {
    fn add(&mut self, time_ms: i64, taken: Taken) {
        self.note(time_ms, taken.number());
    }

    fn add_aggregate(&mut self, samples: &Aggregate) {
        self.note(samples.last_ms, samples.last);
    }

    fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(time_ms, value)| self.note(*time_ms, *value));
    }

    fn value(&self) -> Option<f64> {
        self.0.map(|(_, value)| value)
    }
}
