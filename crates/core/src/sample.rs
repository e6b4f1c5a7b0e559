//! A value at a time, and the aggregate of a window of values.

use serde::{Deserialize, Serialize};

/// One value at one time. `value` is finite: NaN and infinity are refused where data comes in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Milliseconds since the Unix epoch, UTC.
    pub time_ms: i64,
    /// The value, in the series' own unit.
    pub value: f64,
}

impl Sample {
    /// A sample from its two parts.
    #[must_use]
    pub const fn new(time_ms: i64, value: f64) -> Self {
        Self { time_ms, value }
    }
}

/// What any number of samples come to; a roll-up keeps one of these per step.
///
/// Merging is associative, and exact for all but `sum`, which is a plain floating-point sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// How many samples.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The value of the latest.
    pub last: f64,
    /// The time of the latest, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

impl Aggregate {
    /// The aggregate of one sample, which is each of its own statistics.
    #[must_use]
    pub const fn of(sample: Sample) -> Self {
        let Sample { time_ms, value } = sample;
        Self { count: 1, sum: value, min: value, max: value, last: value, last_ms: time_ms }
    }

    /// Adds what `other` holds. Of two samples at the same instant `other`'s counts as the latest.
    ///
    /// ```
    /// use lanner_core::{Aggregate, Sample};
    /// let mut both = Aggregate::of(Sample::new(0, 4.0));
    /// both.merge(&Aggregate::of(Sample::new(1_000, 2.0)));
    /// assert_eq!((both.count, both.mean(), both.last), (2, 3.0, 2.0));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last_ms >= self.last_ms {
            (self.last, self.last_ms) = (other.last, other.last_ms);
        }
    }

    /// The arithmetic mean. An aggregate holds at least one sample, so this is always defined.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }
}
