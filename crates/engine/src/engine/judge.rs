//! What one window of one group comes to: known or not, scored, and named by its outcome.

use lanner_core::{Alert, AlertState, Evaluation, Group, Outcome, Score, TimeRange};
use lanner_detect::Unjudged;

use crate::detector::learning::Verdict;
use crate::detector::{Base, Judgement};
use crate::measure::Measure;
use crate::source::{Due, Gaps, Reading, is_known};

/// What was read of a group, and what a learning detector said of it.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) reading: &'a Reading,
    pub(crate) verdict: Option<Verdict>,
}

/// What an evaluation came to, before it has an identity.
pub(crate) struct Judged {
    value: Option<f64>,
    base: Option<f64>,
    score: Option<Score>,
    outcome: Outcome,
    error: Option<String>,
}

impl Judged {
    /// The source failed, and said this.
    pub(crate) fn failed(why: &str) -> Self {
        Self { error: Some(why.to_owned()), ..Self::of(Outcome::Error) }
    }

    pub(crate) const fn of(outcome: Outcome) -> Self {
        Self { value: None, base: None, score: None, outcome, error: None }
    }
}

/// The score of a rise from nothing; no document can hold an infinite number.
const MOST: f64 = 1e9;

/// What is known for the judgement of one group.
pub(crate) struct Asked<'a> {
    pub(crate) due: &'a Due,
    pub(crate) gaps: &'a Gaps,
    pub(crate) first_data_ms: Option<i64>,
    pub(crate) alert: Option<&'a Alert>,
    pub(crate) found: Option<Found<'a>>,
}

impl Asked<'_> {
    /// What the window comes to.
    pub(crate) fn judge(&self) -> Judged {
        let query = &self.due.rule.query;
        let value = self.found.map_or_else(|| query.of_nothing(), |found| found.reading.value);
        if self.found.is_some_and(|found| found.reading.is_new) {
            return Judged { value, ..Judged::of(Outcome::HistoryShort) };
        }
        let missed = self.gaps.missed(self.due.window);
        if is_known(missed, query, value) {
            return value.map_or(Judged::of(Outcome::NoData), |value| self.score(value));
        }
        let seen = value.filter(|_| value != query.of_nothing());
        let unknown = Judged { value: seen, ..Judged::of(Outcome::Unknown) };
        let at_least = seen.filter(|_| query.measure().is_some_and(Measure::only_grows));
        let Some(at_least) = at_least else { return unknown };
        // What is too much already is no less for what was missed.
        let judged = self.score(at_least);
        let stands =
            judged.outcome == Outcome::Breach && self.due.rule.detector.is_too_much(at_least, judged.base);
        if stands { judged } else { unknown }
    }

    fn score(&self, value: f64) -> Judged {
        let detector = &self.due.rule.detector;
        let state = self.alert.map(|alert| alert.state);
        let firing = matches!(state, Some(AlertState::Firing | AlertState::Recovering));
        let judgement = match detector.learner() {
            Some(learner) => {
                let verdict = self.found.and_then(|found| found.verdict);
                learner.judgement(verdict.unwrap_or(Err(Unjudged::WarmingUp)), firing)
            }
            None => self.compare(value, firing),
        };
        let score = match judgement.score {
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
        Judged { value: Some(value), base: judgement.base, score: score.ok(), outcome, error: None }
    }

    /// Scores a value against the earlier windows.
    fn compare(&self, value: f64, firing: bool) -> Judgement {
        let rule = &self.due.rule;
        let base = |(at, window): (usize, &Option<TimeRange>)| match *window {
            None => Base::Missing,
            Some(window) if self.first_data_ms.is_none_or(|first_ms| window.start_ms < first_ms) => {
                Base::TooEarly
            }
            Some(window) => {
                let read = self.found.and_then(|found| found.reading.bases.get(at).copied().flatten());
                let value = read.or_else(|| rule.query.of_nothing());
                let is_known = is_known(self.gaps.missed(window), &rule.query, value);
                value.filter(|_| is_known).map_or(Base::Missing, Base::Value)
            }
        };
        let bases: Vec<Base> = self.due.bases.iter().enumerate().map(base).collect();
        rule.detector.score(value, &bases, firing)
    }
}

/// The evaluation of a group that was judged.
pub(crate) fn evaluation(
    due: &Due,
    group: &Group,
    judged: Judged,
    alert: Option<&Alert>,
    now_ms: i64,
) -> Evaluation {
    Evaluation {
        id: Evaluation::identity(&due.rule.id, due.rule.version, group, due.window),
        rule: due.rule.id.clone(),
        version: due.rule.version,
        group: group.clone(),
        window: due.window,
        value: judged.value,
        base: judged.base,
        score: judged.score,
        outcome: judged.outcome,
        error: judged.error,
        state: alert.map_or(AlertState::Normal, |alert| alert.state),
        late: due.late,
        evaluated_ms: now_ms,
    }
}
