//! The decision on one window of one group: known or not, scored, and named by its outcome.

use lanner_core::{Alert, AlertState, Evaluation, Evidence, Group, Outcome, Reading, Score, TimeRange};
use lanner_detect::NotScored;

use crate::detector::learning::SeriesScore;
use crate::detector::{Baseline, ScoreResult};
use crate::source::{Due, Gaps, is_known};

/// What was read of a group, and what a learning detector said of it.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) reading: &'a Reading,
    pub(crate) score: Option<SeriesScore>,
}

/// What an evaluation came to, before it has an identity.
pub(crate) struct Decision {
    value: Option<f64>,
    base: Option<f64>,
    usual: (Option<f64>, Option<f64>),
    score: Option<Score>,
    outcome: Outcome,
    error: Option<String>,
    evidence: Option<Box<Evidence>>,
}

impl Decision {
    /// The source failed, and said this.
    pub(crate) fn failed(why: &str) -> Self {
        Self { error: Some(why.to_owned()), ..Self::of(Outcome::Error) }
    }

    pub(crate) const fn of(outcome: Outcome) -> Self {
        Self {
            value: None,
            base: None,
            usual: (None, None),
            score: None,
            outcome,
            error: None,
            evidence: None,
        }
    }
}

/// The score of a rise from nothing; no document can hold an infinite number.
const MOST: f64 = 1e9;

/// What is known of one group, to decide on its window.
pub(crate) struct Case<'a> {
    pub(crate) due: &'a Due,
    pub(crate) gaps: &'a Gaps,
    pub(crate) first_data_ms: Option<i64>,
    pub(crate) alert: Option<&'a Alert>,
    pub(crate) found: Option<Found<'a>>,
}

impl Case<'_> {
    /// What the window comes to.
    pub(crate) fn decide(&self) -> Decision {
        let query = &*self.due.rule.query;
        let value = self.found.map_or_else(|| query.value_when_empty(), |found| found.reading.value);
        if self.found.is_some_and(|found| found.reading.is_new) {
            return Decision { value, ..Decision::of(Outcome::HistoryShort) };
        }
        let missed = self.gaps.missed(self.due.ask.window);
        if is_known(missed, query, value) {
            return value.map_or(Decision::of(Outcome::NoData), |value| self.score(value));
        }
        let seen = value.filter(|_| value != query.value_when_empty());
        let unknown = Decision { value: seen, ..Decision::of(Outcome::Unknown) };
        let at_least = seen.filter(|_| query.only_grows());
        let Some(at_least) = at_least else { return unknown };
        // What is too much already is no less for what was missed.
        let decision = self.score(at_least);
        let stands = decision.outcome == Outcome::Breach
            && self.due.rule.detector.is_too_much(at_least, decision.base);
        if stands { decision } else { unknown }
    }

    fn score(&self, value: f64) -> Decision {
        let detector = &self.due.rule.detector;
        let state = self.alert.map(|alert| alert.state);
        let firing = matches!(state, Some(AlertState::Firing | AlertState::Recovering));
        let result = match detector.learner() {
            Some(learner) => {
                let score = self.found.and_then(|found| found.score);
                learner.score_result(score.unwrap_or(Err(NotScored::WarmingUp)), firing)
            }
            None => self.compare(value, firing),
        };
        let score = match result.score {
            // Nothing is as small a part of it as a percentage could say.
            Err(Outcome::BaseZero)
                if self.due.rule.policies.base_zero.is_none() && detector.watches_rises() =>
            {
                Ok(Score::new(if value > 0.0 { MOST } else { 0.0 }))
            }
            score => score,
        };
        let outcome = match score {
            Ok(score) if detector.threshold().exceeded_by(score) => Outcome::Breach,
            Ok(_) => Outcome::Normal,
            Err(why) => why,
        };
        let evidence = self.found.and_then(|found| found.reading.evidence.clone());
        Decision {
            value: Some(value),
            base: result.baseline,
            usual: result.usual,
            score: score.ok(),
            outcome,
            error: None,
            evidence,
        }
    }

    /// Scores a value against the earlier windows.
    fn compare(&self, value: f64, firing: bool) -> ScoreResult {
        let rule = &self.due.rule;
        let base = |(at, window): (usize, &Option<TimeRange>)| match *window {
            None => Baseline::Missing,
            Some(window) if self.first_data_ms.is_none_or(|first_ms| window.start_ms < first_ms) => {
                Baseline::TooEarly
            }
            Some(window) => {
                let read = self.found.and_then(|found| found.reading.baselines.get(at).copied().flatten());
                let value = read.or_else(|| rule.query.value_when_empty());
                let is_known = is_known(self.gaps.missed(window), &*rule.query, value);
                value.filter(|_| is_known).map_or(Baseline::Missing, Baseline::Value)
            }
        };
        let baselines: Vec<Baseline> = self.due.ask.baselines.iter().enumerate().map(base).collect();
        rule.detector.score(value, &baselines, firing)
    }
}

/// The evaluation of a group that was decided on.
pub(crate) fn evaluation(
    due: &Due,
    group: &Group,
    decision: Decision,
    alert: Option<&Alert>,
    now_ms: i64,
) -> Evaluation {
    Evaluation {
        id: Evaluation::identity(&due.rule.id, due.rule.version, group, due.ask.window),
        rule: due.rule.id.clone(),
        version: due.rule.version,
        group: group.clone(),
        window: due.ask.window,
        value: decision.value,
        base: decision.base,
        lower: decision.usual.0,
        upper: decision.usual.1,
        score: decision.score,
        outcome: decision.outcome,
        error: decision.error,
        evidence: decision.evidence,
        state: alert.map_or(AlertState::Normal, |alert| alert.state),
        late: due.late,
        evaluated_ms: now_ms,
    }
}
