//! Detectors: each turns what was measured into a score. None decides.
//!
//! To add one: a file here, an entry in [`KINDS`], a golden script in `testdata/detectors`. The entry's name
//! is the field of a rule that chooses the detector; its example and text are checked and shown in manuals.

mod absolute;
mod relative;

use lanner_core::{Outcome, Score, Shift, Threshold};

use crate::document::{Check, Fields};

/// The earlier windows that a detector compares with: the same window one, two, ... `count` shifts ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bases {
    /// The distance of one.
    pub shift: Shift,
    /// How many.
    pub count: u32,
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
pub const KINDS: &[Kind] = &[absolute::KIND, relative::KIND];

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
