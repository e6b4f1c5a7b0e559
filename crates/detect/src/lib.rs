//! Detectors over one series: each a [`lanner_core::Scorer`], one file each. They score; a [`threshold`] decides.
//!
//! | Detector | Finds | Score 1 means | State |
//! | --- | --- | --- | --- |
//! | [`Automatic`] | spikes, shifts, gaps, stuck values | what happens once a week by chance | 14 KB |
//! | [`Variation`] | unrest within the last `n` points | spread as large as the mean | `n` values |
//! | [`TimeShift`] | a change against the same time before | doubled or halved | the shifts it looks back |
//! | [`HoltWinters`] | values off level, trend and season | at the edge of the band | 17 bytes a slot of the season |
//! | [`Band`] | values off what the last seasons had here | at the edge of the band | the seasons it looks back |
//! | [`Level`] | a new level | at the edge of the band | two windows |
//! | [`Spectral`] | short spikes, without a season | twice as salient as its neighbours | one window |
//!
//! They share [`SeriesDetector`]: values come at a fixed step, and a missing one is said, not left out.
//! [`Timed`] does that for values with times. What all keep, and tests verify:
//!
//! - **Rise and drop** of the same size score the same; what size means is each detector's own, and said there.
//! - **Zero** is a value: a drop to 0 scores like any drop, and nothing is divided by the metric alone.
//! - **Missing** values are not judged and poison nothing: state coasts.
//! - **New** series are [`NotScored::WarmingUp`], never anomalies.
//! - **Constant** series score 0 until they change.
//!
//! Reading order: this page, [`time_shift`] (the simplest), [`holt_winters`], the others; [`threshold`] (thresholds
//! that set themselves), [`mod@unlike`] (which of many series changed).
//!
//! **Invariant:** pure functions; no clock, no I/O, no randomness.

pub mod automatic;
pub mod band;
mod fft;
pub mod holt_winters;
pub mod level;
mod robust;
pub mod season;
pub mod spectral;
#[cfg(test)]
mod testing;
pub mod threshold;
pub mod time_shift;
mod timed;
pub mod unlike;
pub mod variation;

use lanner_core::{Score, Scorer};

pub use automatic::Automatic;
pub use band::{Band, BandParams};
pub use holt_winters::{HoltWinters, HoltWintersParams};
pub use level::{Level, LevelParams};
pub use season::Season;
pub use spectral::{Spectral, SpectralParams};
pub use time_shift::{TimeShift, TimeShiftParams};
pub use timed::Timed;
pub use variation::{Variation, VariationParams};

/// A scorer that also takes gaps and says what it expected.
///
/// Steps are equally long; each is one call of [`SeriesDetector::step`], or of [`Scorer::push`] where the
/// value is there. Same steps in, same results out.
pub trait SeriesDetector: Scorer {
    /// Judges the newest value; `None` (or a value that is not finite) is a gap.
    ///
    /// # Errors
    /// Why nothing can be said.
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored>;
}

/// What a detector says of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// How strange the value is.
    pub score: Score,
    /// What was expected, in the unit of the series.
    pub expected: f64,
    /// The lower edge of the range to draw as normal; NaN where a detector has none.
    pub lower: f64,
    /// The upper edge of the range to draw as normal; NaN where a detector has none.
    pub upper: f64,
}

/// Why a step has no score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotScored {
    /// There is no value.
    #[error("no value in this step")]
    Gap,
    /// The series is too new.
    #[error("too little history yet")]
    WarmingUp,
    /// There is history, but gaps lie where it is needed.
    #[error("nothing to compare with: gaps in the history")]
    NothingToCompare,
    /// The time is not after the last one.
    #[error("not after the last value")]
    OutOfOrder,
}

/// A parameter that a detector cannot work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} should be {requirement}, found {found}")]
pub struct ParamError {
    /// The field.
    pub field: &'static str,
    /// What it should be.
    pub requirement: &'static str,
    /// What it is.
    pub found: f64,
}

/// No detector keeps more values of a series than this.
pub const MAX_STATE: usize = 1 << 20;

/// How far off a value outside a band counts when the band's width is learned, in standard deviations: more, and
/// a long anomaly would soon hide in its own band; less, and the band could not follow when a series gets restless.
const OUTSIDE_COUNTS: f64 = 1.5;

/// Differences below this share of the values are taken as rounding, not as change.
const ROUNDING: f64 = 1e-9;

impl Scored {
    /// A value against a band of `width` to each side; the score is the distance in widths.
    fn in_widths(y: f64, expected: f64, width: f64) -> Self {
        let width = width.max(ROUNDING * y.abs().max(expected.abs()));
        let distance = (y - expected).abs();
        let score = if distance == 0.0 { 0.0 } else { distance / width };
        Self { score: Score::new(score), expected, lower: expected - width, upper: expected + width }
    }
}

/// Only the score, for [`Scorer::push`].
fn score_of(judged: Result<Scored, NotScored>) -> Option<Score> {
    judged.ok().map(|judged| judged.score)
}

/// Refuses a parameter unless `ok`.
fn require(
    ok: bool,
    field: &'static str,
    requirement: &'static str,
    found: impl Into<f64>,
) -> Result<(), ParamError> {
    if ok { Ok(()) } else { Err(ParamError { field, requirement, found: found.into() }) }
}

/// Refuses a number of samples outside `low..=high`.
fn require_count(
    found: usize,
    low: usize,
    high: usize,
    field: &'static str,
    requirement: &'static str,
) -> Result<(), ParamError> {
    require((low..=high).contains(&found), field, requirement, found as f64)
}
