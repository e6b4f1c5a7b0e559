//! Detectors over one series, as detectors of rules: shown the earlier windows, oldest first, then the value.
//!
//! Nothing is remembered between evaluations: a score depends on the windows it looks back over and on nothing
//! else, so a replay scores what was scored live.

use lanner_core::{Outcome, Score, Threshold};
use lanner_series::detect::{ParamError, SeriesDetector};

use super::{Base, Bases, Detector, Judgement};
use crate::document::{Check, Fields, Node};

/// Larger scores are cut to this, as no document can hold an infinite number.
const MAX_SCORE: f64 = 1e9;

/// Makes a streaming detector that has seen nothing yet.
pub(super) trait Fresh: std::fmt::Debug + Send + Sync {
    /// For so many earlier windows. `None` if it cannot be used with that number.
    fn fresh(&self, n_bases: usize) -> Option<Box<dyn SeriesDetector>>;
}

/// A detector over one series, run from its beginning for each value.
#[derive(Debug)]
pub(super) struct Replayed<F> {
    pub(super) detector: F,
    pub(super) bases: Bases,
    pub(super) limit: Limit,
}

/// The scores above which a value is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    fires: f64,
    recovers: f64,
}

impl<F: Fresh> Detector for Replayed<F> {
    fn bases(&self) -> Option<Bases> {
        Some(self.bases)
    }

    fn score(&self, value: f64, bases: &[Base], firing: bool) -> Judgement {
        let too_early = bases.iter().any(|base| matches!(base, Base::TooEarly));
        let unknown = if too_early { Outcome::HistoryShort } else { Outcome::BaseMissing };
        let not_judged = Judgement { base: None, score: Err(unknown) };
        let Some(mut detector) = self.detector.fresh(bases.len()) else { return not_judged };
        for base in bases.iter().rev().skip_while(|base| matches!(base, Base::TooEarly)) {
            let _ = detector.step(if let Base::Value(value) = base { Some(*value) } else { None });
        }
        let Ok(judged) = detector.step(Some(value)) else { return not_judged };
        let limit = if firing { self.limit.recovers } else { self.limit.fires };
        let score = judged.score.value();
        let score = if score.is_infinite() && judged.expected == 0.0 {
            Err(Outcome::BaseZero)
        } else {
            Ok(Score::new((score / limit).min(MAX_SCORE)))
        };
        Judgement { base: Some(judged.expected).filter(|expected| expected.is_finite()), score }
    }

    /// Scores come in units of the limit.
    fn threshold(&self) -> Threshold {
        Threshold::above(1.0)
    }
}

/// The fields `above` (1 by default) and `recover_at` (the same by default).
pub(super) fn limit(fields: &mut Fields<'_>, check: &mut Check) -> Option<Limit> {
    let fires = number(fields, "above", 1.0, check)?;
    let recovers = number(fields, "recover_at", fires, check)?;
    if !(recovers > 0.0 && fires > 0.0) {
        check.problem(fields.node, &fields.path_of("above"), "should be above 0, as recover_at");
        return None;
    }
    if recovers > fires {
        let message = "should be at most above, so that an alert does not flap";
        check.problem(fields.node, &fields.path_of("recover_at"), message);
        return None;
    }
    Some(Limit { fires, recovers })
}

/// A number, or `default` where nothing is written. `None` after a problem.
pub(super) fn number(fields: &mut Fields<'_>, name: &str, default: f64, check: &mut Check) -> Option<f64> {
    if fields.get(name).is_none() {
        return Some(default);
    }
    fields.read(name, check, |node: &Node| {
        node.number().ok_or_else(|| format!("should be a number, found {}", node.content.kind()))
    })
}

/// A whole number, or `default` where nothing is written. `None` after a problem.
pub(super) fn count(fields: &mut Fields<'_>, name: &str, default: u32, check: &mut Check) -> Option<u32> {
    if fields.get(name).is_none() {
        return Some(default);
    }
    fields.read(name, check, |node: &Node| match node.number() {
        Some(n) if (1.0..=10_000.0).contains(&n) && n.fract() == 0.0 => Ok(n as u32),
        _ => Err("should be a whole number from 1 to 10000".to_owned()),
    })
}

/// What a detector refuses, as a problem at its field.
pub(super) fn accepted<T>(made: Result<T, ParamError>, fields: &Fields<'_>, check: &mut Check) -> Option<T> {
    made.map_err(|error| {
        let message = format!("should be {}, found {}", error.requirement, error.found);
        check.problem(fields.node, &fields.path_of(error.field), message);
    })
    .ok()
}

/// A streaming detector that needs to know nothing of the number of earlier windows.
impl<D: SeriesDetector + Clone + std::fmt::Debug + Send + Sync + 'static> Fresh for D {
    fn fresh(&self, _: usize) -> Option<Box<dyn SeriesDetector>> {
        Some(Box::new(self.clone()))
    }
}
