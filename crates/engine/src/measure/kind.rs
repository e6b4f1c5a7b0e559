//! What is known of a kind of measure.
//!
//! To add one: a file here with its [`Accumulator`](super::Accumulator), and an entry in [`MEASURES`](super::MEASURES).

use lanner_core::{Sample, TimeRange};

use super::steps::Steps;

/// One kind of measure, as configuration, manual and tests know it.
#[derive(Debug)]
pub struct Kind {
    /// How it is written: `sum`; of a family the first and the last, as in `p50 to p99.9`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// A measure of this kind on a stream, or on series where it measures no events.
    pub example: &'static str,
    /// The name in one form, and what keeps it, if `written` is of this kind.
    pub read: fn(written: &str) -> Option<Read>,
    /// What it takes of an event; `None` where it measures no events.
    pub of_events: Option<Takes>,
    /// What it needs of series; `None` where it measures none.
    pub of_series: Option<Reads>,
    /// What a window without any event comes to.
    pub value_when_empty: Option<f64>,
    /// Whether it counts, so that no value is below 0.
    pub counts: bool,
    /// Whether a part of a window comes to less than the whole, as a count does and an average does not.
    pub is_total: bool,
    /// Whether the whole of a window comes to as much as a part at least.
    pub only_grows: bool,
}

/// A measure's name as it was read.
#[derive(Debug)]
pub struct Read {
    /// In one form, whatever was written: equal measures have equal names.
    pub name: String,
    /// Nothing counted yet.
    pub empty: Steps,
}

impl Read {
    /// What keeps `name`, if that is what was written.
    pub(super) fn exactly(name: &str, written: &str, empty: Steps) -> Option<Self> {
        (written == name).then(|| Self { name: name.to_owned(), empty })
    }
}

/// What of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// That it is there: the measure has no field.
    Presence,
    /// The number in a field.
    Number,
    /// Whatever stands in a field, but for nothing.
    AnyValue,
}

/// What of the samples of a series in a window.
#[derive(Debug, Clone, Copy)]
pub enum Reads {
    /// Count, sum, minimum, maximum and last value are enough.
    Aggregates,
    /// Each sample by itself.
    Samples,
    /// What the samples of each series come to by themselves, in order of time; these are added up then. `None` where they
    /// say nothing.
    EachSeries(fn(&[Sample], TimeRange) -> Option<f64>),
}
