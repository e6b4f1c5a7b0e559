//! Detectors: each turns measured values into a score. None decides.
//!
//! To add one: a file here, an entry in [`KINDS`], a golden script in `testdata/detectors`. The entry's name
//! is the field of a rule that chooses the detector; its example and text are checked and shown in manuals. One
//! that looks at a series is a streaming scorer in [`lanner_detect`]: `replayed` shows it a few earlier
//! windows for each value, a [`Learner`] is shown every window once.

mod absolute;
mod automatic;
mod band;
mod expression;
mod holt_winters;
mod kinds;
pub(crate) mod learning;
mod level;
mod new;
mod relative;
mod replayed;
mod time_shift;
mod tuning;
mod variation;

use lanner_core::field::{Field, Type};
use lanner_core::{Outcome, Score, Shift, Threshold};
use lanner_detect::{NotScored, Scored, SeriesDetector};

use crate::document::{Check, Fields};
use crate::measure::Remembers;
use crate::rule::schedule::Schedule;

pub use expression::{Level, Levels};
pub use kinds::KINDS;
pub use tuning::{Measured, ScoredValue, Side, Tunable, Tuning};

/// The earlier windows that a detector looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baselines {
    /// The same window one, two, ... `count` shifts ago.
    Shifted {
        /// The distance of one.
        shift: Shift,
        /// How many.
        count: u32,
    },
    /// The `count` windows before, as far apart as the rule's windows start, whatever its active hours are.
    Preceding {
        /// How many.
        count: u32,
    },
}

/// No detector looks at more earlier windows: each is read, and held for each group, at every evaluation.
pub(crate) const MAX_BASELINES: u32 = 1_500;

impl Baselines {
    /// The distance of one window from the next, and how many there are, for a rule whose windows start
    /// `every_ms` apart.
    #[must_use]
    pub fn resolve(self, every_ms: i64) -> (Shift, u32) {
        match self {
            Self::Shifted { shift, count } => (shift, count),
            Self::Preceding { count } => (Shift::Elapsed(every_ms), count),
        }
    }
}

/// What is known of one earlier window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Baseline {
    /// Its value.
    Value(f64),
    /// Nothing was measured in it, or a clock change skipped it.
    Missing,
    /// It lies before the first data.
    TooEarly,
}

/// What a detector says of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreResult {
    /// What the value was compared with.
    pub baseline: Option<f64>,
    /// Between which values nothing would have been found, as far as the detector knows; `None` for an open end.
    pub usual: (Option<f64>, Option<f64>),
    /// How strange it is, or why that cannot be said.
    pub score: Result<Score, Outcome>,
}

impl ScoreResult {
    /// No score, and why; there is no baseline either.
    #[must_use]
    pub const fn none(why: Outcome) -> Self {
        Self::against(None, Err(why))
    }

    /// A score against a baseline, of a detector whose limits stand in the rule.
    #[must_use]
    pub const fn against(baseline: Option<f64>, score: Result<Score, Outcome>) -> Self {
        Self { baseline, usual: (None, None), score }
    }
}

/// Turns a value, and the values of earlier windows, into a score.
pub trait Detector: std::fmt::Debug + Send + Sync {
    /// The name of its kind: the field of a rule that chooses it.
    fn kind(&self) -> &'static str;

    /// Its limits, as what tunes them by looking back sees them.
    fn tuning(&self) -> &dyn Tuning;

    /// The earlier windows it needs for each value, if any.
    fn baselines(&self) -> Option<Baselines> {
        None
    }

    /// How it learns, if it learns from every window instead.
    fn learner(&self) -> Option<&dyn Learner> {
        None
    }

    /// What the measure is to remember of values, if it looks for new ones. The one base is then a moment: where the past
    /// must begin for anything to be new, and what is read there is the answer of what was seen.
    fn remembers(&self) -> Option<&Remembers> {
        None
    }

    /// Whether it fits a rule whose windows start `every_ms` apart.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    fn validate_for(&self, every_ms: i64) -> Result<(), String> {
        let count = self.baselines().map_or(0, |baselines| baselines.resolve(every_ms).1);
        if count <= MAX_BASELINES {
            return Ok(());
        }
        Err(format!(
            "looks back over {count} windows, and at most {MAX_BASELINES} are allowed; make every longer or look back less"
        ))
    }

    /// Scores `value` (finite, in the unit of the query). `baselines` are those of [`Detector::baselines`], nearest
    /// first. `firing` chooses the limits of recovery where the rule has some (hysteresis). One that learns scores
    /// in [`Learner::score_result`] instead.
    fn score(&self, value: f64, baselines: &[Baseline], firing: bool) -> ScoreResult;

    /// The score above which a value is a finding.
    fn threshold(&self) -> Threshold;

    /// Whether it looks for rises by percentages, so that one from nothing at all is a finding.
    fn watches_rises(&self) -> bool {
        false
    }

    /// Whether a finding of `value` is one of too much, so that a larger value would be one as well.
    fn is_too_much(&self, _value: f64, _base: Option<f64>) -> bool {
        false
    }

    /// Whether it tells findings of different severity apart.
    fn grades(&self) -> bool {
        false
    }

    /// How severe a finding with this score is; the label `severity` of its alert.
    fn grade(&self, _: Score) -> Option<&'static str> {
        None
    }
}

/// A detector that is shown every window of a rule, in order, and remembers; `learning` says for how long.
pub trait Learner {
    /// How much it should have been shown at least before it judges, and about half of what it is shown at most,
    /// milliseconds.
    fn generation_ms(&self) -> i64;

    /// One that has seen nothing yet, for the windows of `schedule`, the first at `start_ms`; `None` for windows
    /// that [`Detector::validate_for`] refuses.
    fn fresh(&self, schedule: &Schedule, start_ms: i64) -> Option<Box<dyn SeriesDetector + Send>>;

    /// What it said of a value, as a result.
    fn score_result(&self, judged: Result<Scored, NotScored>, firing: bool) -> ScoreResult;
}

/// One kind of detector, as configuration, manual and tests know it.
pub struct Kind {
    /// The field of a rule that chooses it.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// A value of the field, as YAML.
    pub example: &'static str,
    /// Reads the fields below it.
    pub read: fn(&mut Fields<'_>, &mut Check) -> Option<Box<dyn Detector>>,
    /// The fields below it.
    pub fields: &'static [Field],
}

/// The earlier window that a value is compared with.
const TO: Field = Field::new("to", "1w", "how long ago the baseline window is: 12h, 1d, 1w or 1mo");
/// The limit of detectors that score.
const ABOVE: Field = Field::new("above", "1", "score above which it fires").of(Type::Number).or("1");
/// Their hysteresis.
const RECOVER_AT: Field =
    Field::new("recover_at", "0.8", "score that a firing alert must return to; `above` by default")
        .of(Type::Number);
/// How wide the band is around what is normal.
const WIDTH: Field =
    Field::new("width", "3", "half the width of the band, in standard deviations").of(Type::Number).or("3");
/// How narrow it may be.
const MIN_WIDTH: Field =
    Field::new("min_width", "10", "minimum of half the width of the band, in the unit of the query")
        .of(Type::Number)
        .or("0");
/// The median of several earlier windows.
const MEDIAN_OF: Field = Field::new("median_of", "3", "number of such windows whose median is the baseline")
    .of(Type::Whole)
    .or("1");
