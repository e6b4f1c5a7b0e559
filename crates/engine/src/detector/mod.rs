//! Detectors: each turns what was measured into a score. None decides.
//!
//! To add one: a file here, an entry in [`KINDS`], a golden script in `testdata/detectors`. The entry's name
//! is the field of a rule that chooses the detector; its example and text are checked and shown in manuals. One
//! that learns is a streaming scorer in [`lanner_series::detect`], which `replayed` turns into a detector.

mod absolute;
mod band;
mod expression;
mod holt_winters;
mod level;
mod relative;
mod replayed;
mod time_shift;
mod variation;

use lanner_core::{Outcome, Score, Shift, Threshold};

use crate::document::{Check, Fields};

pub use expression::{Level, Levels};

/// The earlier windows that a detector looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bases {
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
    /// The windows before over `count` seasons, as far apart as the rule's windows start.
    Spanning {
        /// The length of a season, milliseconds; a multiple of that distance.
        season_ms: i64,
        /// How many seasons.
        count: u32,
    },
}

/// No detector looks at more earlier windows: each is read, and held for each group, at every evaluation.
pub const MAX_BASES: u32 = 1_500;

impl Bases {
    /// The distance of one window from the next, and how many there are, for a rule whose windows start
    /// `every_ms` apart.
    #[must_use]
    pub fn resolve(self, every_ms: i64) -> (Shift, u32) {
        match self {
            Self::Shifted { shift, count } => (shift, count),
            Self::Preceding { count } => (Shift::Elapsed(every_ms), count),
            Self::Spanning { season_ms, count } => {
                let length = u32::try_from(season_ms / every_ms.max(1)).unwrap_or(u32::MAX);
                (Shift::Elapsed(every_ms), length.saturating_mul(count))
            }
        }
    }

    /// What is wrong with them for a rule whose windows start `every_ms` apart, if something is.
    #[must_use]
    pub fn misfit(self, every_ms: i64) -> Option<String> {
        if let Self::Spanning { season_ms, .. } = self
            && let Some(message) = holt_winters::misfit(season_ms, every_ms)
        {
            return Some(message);
        }
        let (_, count) = self.resolve(every_ms);
        (count > MAX_BASES).then(|| {
            format!("looks back over {count} windows, at most {MAX_BASES} can be; make every longer or look back less")
        })
    }
}

/// What is known of one earlier window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Base {
    /// Its value.
    Value(f64),
    /// Nothing was measured in it, or a clock change skipped it.
    Missing,
    /// It lies before the first data.
    TooEarly,
}

/// What a detector says of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// What the value was compared with.
    pub base: Option<f64>,
    /// How strange it is, or why that cannot be said.
    pub score: Result<Score, Outcome>,
}

/// Turns a value, and the values of earlier windows, into a score.
pub trait Detector: std::fmt::Debug + Send + Sync {
    /// The earlier windows it needs, if any.
    fn bases(&self) -> Option<Bases> {
        None
    }

    /// Scores `value` (finite, in the unit of the query). `bases` are those of [`Detector::bases`], nearest
    /// first. `firing` chooses the limits of recovery where the rule has some (hysteresis).
    fn score(&self, value: f64, bases: &[Base], firing: bool) -> Judgement;

    /// The score above which a value is a finding.
    fn threshold(&self) -> Threshold;

    /// Whether it tells findings of different severity apart.
    fn grades(&self) -> bool {
        false
    }

    /// How severe a finding with this score is; the label `severity` of its alert.
    fn grade(&self, _: Score) -> Option<&'static str> {
        None
    }
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
    /// The fields it knows.
    pub fields: &'static [&'static str],
}

/// Every detector there is.
pub const KINDS: &[Kind] = &[
    absolute::KIND,
    relative::KIND,
    time_shift::KIND,
    band::KIND,
    holt_winters::KIND,
    level::KIND,
    variation::KIND,
    expression::KIND,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Node;

    #[test]
    fn every_example_is_accepted() {
        for kind in KINDS {
            let node = Node::from_yaml(kind.example).unwrap();
            let mut check = Check::default();
            let mut fields = check.map(&node, kind.name).unwrap();
            let detector = (kind.read)(&mut fields, &mut check);
            fields.finish(kind.fields, &mut check);
            assert!(detector.is_some() && check.problems.is_empty(), "{}: {:?}", kind.name, check.problems);
        }
    }
}
