//! `increase` and `rate`: how much a counter rose, in a window and per second.
//!
//! A counter only rises, until what counts begins again at zero: a sample below the one before it is such a restart, and
//! all of its value is new. Each series is looked at by itself, and only then are those of a group added up: in the sum of
//! several counters the restart of one would be a fall like any other.
//!
//! The first and the last sample of a window seldom lie at its edges. What is missing there is extrapolated at the pace of
//! the window, as Prometheus does, so that rules give the same numbers there and here: up to the edge where it is
//! nearer than 1.1 times the mean distance of samples, else by half of that distance (the series began or ended there);
//! and back no farther than to where the counter would have been zero. So an increase need not be a whole number. One sample
//! says nothing: a window should hold a few.
//!
//! Source: `extrapolatedRate` in `promql/functions.go` of Prometheus 2.42; `testdata/rate.json` holds its answers. Windows
//! end before their last millisecond here, and with it there.

use lanner_core::{Sample, TimeRange};
use serde::{Deserialize, Serialize};

use super::kind::{Kind, Read, Reads};
use super::steps::Steps;
use super::sum::Sum;

pub(super) const INCREASE: Kind = Kind {
    name: "increase",
    about: "how much counters rose",
    example: "increase",
    read: |written| Read::exactly(INCREASE.name, written, Steps::of(Sum(0.0))),
    of_events: None,
    of_series: Some(Reads::EachSeries(increase)),
    value_when_empty: None,
    counts: true,
    is_total: true,
    only_grows: false,
};

pub(super) const RATE: Kind = Kind {
    name: "rate",
    about: "how much counters rose per second",
    example: "rate",
    read: |written| Read::exactly(RATE.name, written, Steps::of(Sum(0.0))),
    of_series: Some(Reads::EachSeries(rate)),
    ..INCREASE
};

/// Beyond so many mean distances of samples a series is taken to have begun or ended.
const THRESHOLD: f64 = 1.1;

/// A stretch of a counter's samples: all that its increase depends on, which is what a step of merged samples would have to
/// keep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Run {
    count: u64,
    first: Sample,
    last: Sample,
    /// From the first sample to the last.
    increase: f64,
}

impl Run {
    /// The stretch of one sample.
    #[must_use]
    pub const fn of(sample: Sample) -> Self {
        Self { count: 1, first: sample, last: sample, increase: 0.0 }
    }

    /// This stretch and the one after it. Stretches that follow each other may be joined in any grouping.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let between = if next.first.value < self.last.value {
            next.first.value
        } else {
            next.first.value - self.last.value
        };
        Self {
            count: self.count + next.count,
            first: self.first,
            last: next.last,
            increase: self.increase + between + next.increase,
        }
    }

    /// What the counter rose in `window`, which the samples lie in; `None` for fewer than two samples.
    #[must_use]
    pub(crate) fn extrapolated(&self, window: TimeRange) -> Option<f64> {
        if self.count < 2 || self.last.time_ms <= self.first.time_ms {
            return None;
        }
        let sampled_ms = (self.last.time_ms - self.first.time_ms) as f64;
        let distance_ms = sampled_ms / (self.count - 1) as f64;
        let mut before_ms = (self.first.time_ms - window.start_ms) as f64;
        if self.increase > 0.0 && self.first.value >= 0.0 {
            before_ms = before_ms.min(sampled_ms * (self.first.value / self.increase));
        }
        let after_ms = (window.end_ms - self.last.time_ms) as f64;
        let missing =
            |edge_ms: f64| if edge_ms < distance_ms * THRESHOLD { edge_ms } else { distance_ms / 2.0 };
        Some(self.increase * (sampled_ms + missing(before_ms) + missing(after_ms)) / sampled_ms)
    }
}

fn increase(samples: &[Sample], window: TimeRange) -> Option<f64> {
    samples.iter().copied().map(Run::of).reduce(Run::then)?.extrapolated(window)
}

fn rate(samples: &[Sample], window: TimeRange) -> Option<f64> {
    Some(increase(samples, window)? / (window.length_ms() as f64 / 1e3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn answers_are_those_of_prometheus() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../testdata/rate.json")).unwrap();
        assert!(cases.len() >= 10);
        for case in cases {
            let samples: Vec<(i64, f64)> = serde_json::from_value(case["samples"].clone()).unwrap();
            let samples: Vec<Sample> =
                samples.into_iter().map(|(ms, value)| Sample::new(ms, value)).collect();
            let (start_ms, end_ms): (i64, i64) = serde_json::from_value(case["window"].clone()).unwrap();
            let window = TimeRange::new(start_ms, end_ms);
            let found = (increase(&samples, window), rate(&samples, window));
            for (found, name) in [(found.0, "increase"), (found.1, "rate")] {
                let expected = case[name].as_f64();
                let is_near = match (found, expected) {
                    (Some(found), Some(expected)) => (found - expected).abs() <= expected.abs() * 1e-12,
                    (found, expected) => found == expected,
                };
                assert!(is_near, "{}: {name} {found:?} for {expected:?}", case["about"]);
            }
        }
    }

    proptest! {
        /// However a counter is cut into stretches, and in whatever grouping they are joined.
        #[test]
        fn stretches_join_to_the_whole(
            values in prop::collection::vec(0_u32..1_000, 2..60), cuts in prop::collection::vec(0_usize..60, 0..6),
            from_right in any::<bool>(),
        ) {
            let runs: Vec<Run> = values.iter().enumerate()
                .map(|(at, value)| Run::of(Sample::new(at as i64 * 1_000, f64::from(*value)))).collect();
            let whole = runs.iter().copied().reduce(Run::then).unwrap();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < runs.len()).chain([0, runs.len()]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let parts: Vec<Run> = cuts.windows(2)
                .map(|cut| {
                    let part = runs[cut[0]..cut[1]].iter().copied().reduce(Run::then).unwrap();
                    serde_json::from_str(&serde_json::to_string(&part).unwrap()).unwrap()
                }).collect();
            let joined = if from_right {
                parts.into_iter().rev().reduce(|later, earlier| earlier.then(later))
            } else {
                parts.into_iter().reduce(Run::then)
            };
            prop_assert_eq!(joined, Some(whole));
        }
    }
}
