//! Detectors over one series, as detectors of rules: shown the earlier windows, oldest first, then the value.
//!
//! Nothing is remembered between evaluations: a score depends on the windows it looks back over and on nothing
//! else, so a replay scores what was scored live. For those that look back over many windows there is
//! [`super::Learner`].

use lanner_core::{Outcome, Score, Threshold};
use lanner_detect::{ParamError, Scored, SeriesDetector, time_shift};
use serde_json::{Map, Value};

use super::{Baseline, Baselines, Detector, Measured, ScoreResult, ScoredValue, Tunable, Tuning};
use crate::document::{Check, Fields, Node};
use crate::source::Ceiling;

/// Larger scores are cut to this, as no document can hold an infinite number.
const MAX_SCORE: f64 = 1e9;

/// A detector over one series, run from its beginning for each value.
#[derive(Debug)]
pub(super) struct Replayed<D> {
    /// As it is before it has seen anything.
    pub(super) detector: D,
    pub(super) kind: &'static str,
    pub(super) baselines: Baselines,
    pub(super) limit: Limit,
}

/// The scores above which a value is bad.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limit {
    fires: f64,
    recovers: f64,
    /// The farthest that a score can come before limits, where there is an end.
    ceiling: Option<Ceiling>,
    range: Range,
}

/// Between which values a detector finds nothing under other limits than 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Range {
    /// So many times as far from what is expected.
    InWidths,
    /// A multiple or a fraction of what is expected, where smaller values count as `floor`.
    Multiples { floor: f64 },
    /// The detector knows the limit.
    Told,
    /// It does not look at values alone.
    Unknown,
}

impl Range {
    fn at(self, judged: &Scored, limit: f64) -> (Option<f64>, Option<f64>) {
        let Scored { expected, lower, upper, .. } = *judged;
        let (lower, upper) = match self {
            Self::InWidths => (expected + limit * (lower - expected), expected + limit * (upper - expected)),
            Self::Multiples { floor } => time_shift::range(expected, floor, limit),
            Self::Told => (lower, upper),
            Self::Unknown => return (None, None),
        };
        let known = |edge: f64| Some(edge).filter(|edge| edge.is_finite());
        (known(lower), known(upper))
    }
}

impl<D: SeriesDetector + Clone + std::fmt::Debug + Send + Sync> Detector for Replayed<D> {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn tuning(&self) -> &dyn Tuning {
        &self.limit
    }

    fn baselines(&self) -> Option<Baselines> {
        Some(self.baselines)
    }

    fn score(&self, value: f64, baselines: &[Baseline], firing: bool) -> ScoreResult {
        let mut detector = self.detector.clone();
        for base in baselines.iter().rev().skip_while(|base| matches!(base, Baseline::TooEarly)) {
            let _ = detector.step(if let Baseline::Value(value) = base { Some(*value) } else { None });
        }
        let too_early = baselines.iter().any(|base| matches!(base, Baseline::TooEarly));
        let unknown = if too_early { Outcome::HistoryShort } else { Outcome::BaseMissing };
        detector
            .step(Some(value))
            .map_or(ScoreResult::none(unknown), |judged| self.limit.judge(judged, firing))
    }

    /// Scores come in units of the limit.
    fn threshold(&self) -> Threshold {
        Threshold::above(1.0)
    }
}

impl Limit {
    /// The same, of scores that end somewhere.
    pub(super) fn under(self, ceiling: Ceiling) -> Self {
        Self { ceiling: Some(ceiling), ..self }
    }

    /// The same, of a detector whose range is not in widths of its band.
    pub(super) fn ranging(self, range: Range) -> Self {
        Self { range, ..self }
    }

    /// The score above which it fires.
    pub(super) const fn fires(&self) -> f64 {
        self.fires
    }

    /// A score in units of the limit.
    pub(super) fn judge(&self, judged: Scored, firing: bool) -> ScoreResult {
        let score = judged.score.value();
        let score = if score.is_infinite() && judged.expected == 0.0 {
            Err(Outcome::BaseZero)
        } else {
            Ok(self.apply(score, firing))
        };
        let limit = if firing { self.recovers } else { self.fires };
        ScoreResult {
            baseline: Some(judged.expected).filter(|expected| expected.is_finite()),
            usual: self.range.at(&judged, limit),
            score,
        }
    }

    /// A score before limits, in units of this one.
    fn apply(&self, unscaled: f64, firing: bool) -> Score {
        Score::new((unscaled / if firing { self.recovers } else { self.fires }).min(MAX_SCORE))
    }

    /// Whether scores before limits can be told to the last bit: where dividing by the limit only moved the exponent.
    fn is_exact(&self) -> bool {
        let is_power_of_two = self.fires.is_normal() && self.fires.to_bits().trailing_zeros() >= 52;
        self.fires == self.recovers && is_power_of_two
    }
}

impl Tuning for Limit {
    fn tunables(&self) -> Vec<Vec<Tunable>> {
        vec![vec![Tunable::above("above", self.fires)]]
    }

    /// Only where there is one limit.
    fn unscaled(&self, score: Score) -> Option<f64> {
        let is_cut = score.value() >= MAX_SCORE;
        (self.fires == self.recovers).then(|| if is_cut { f64::INFINITY } else { score.value() * self.fires })
    }

    fn limit_at(&self, _: &Tunable, scored: &ScoredValue) -> f64 {
        scored.unscaled
    }

    fn rescore(&self, scored: &ScoredValue, firing: bool) -> Score {
        self.apply(scored.unscaled, firing)
    }

    fn ceiling(&self, _: &Tunable, _: &Measured<'_>) -> Option<Ceiling> {
        self.ceiling.clone()
    }

    fn unscale(&self, document: &mut Map<String, Value>) -> bool {
        if self.is_exact() {
            return false;
        }
        document.remove("recover_at");
        // A power of two, below every limit that a detector may have.
        document.insert("above".to_owned(), Value::from(0.5));
        true
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
    Some(Limit { fires, recovers, ceiling: None, range: Range::InWidths })
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
