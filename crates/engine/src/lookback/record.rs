//! What a replay left of one rule, and the episodes in it: as they were, or as they would have been under other
//! limits.
//!
//! Which windows are evaluated, for which groups, and what is measured in them does not depend on limits; so only
//! scores and the state machine are walked again, and nothing is measured. What comes out is what replaying the
//! changed rule would give; a property test compares the two.

use std::collections::BTreeMap;

use lanner_core::time::WEEK_MS;
use lanner_core::{AlertState, Evaluation, Group, Labels, Outcome, TimeRange};

use crate::alert::state::StateMachine;
use crate::detector::ScoredValue;
use crate::rule::Rule;

/// From the moment people would have been notified until it was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// Index of the group in [`Record::groups`].
    pub group: usize,
    /// The start of the first bad window that led to it.
    pub from_ms: i64,
    /// When people would have been notified: the end of the window that fired.
    pub alarm_ms: i64,
    /// When it was over; `None` if it goes on at the end.
    pub end_ms: Option<i64>,
    /// What it began as: firing, no data or error.
    pub kind: AlertState,
    /// Whether it was an error at some time, for rules that tell warnings and errors apart.
    pub was_error: bool,
}

/// The episodes of a rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// In order of their alarms.
    pub episodes: Vec<Episode>,
    /// Windows of groups in which an episode ran.
    pub n_running: u64,
}

/// One evaluation.
#[derive(Debug, Clone, Copy)]
struct Point {
    group: usize,
    window: TimeRange,
    /// None when it was not scored; its outcome is then the same under all limits.
    past: Option<ScoredValue>,
    outcome: Outcome,
    state: AlertState,
    /// Whether the group was forgotten after it.
    is_last_of_group: bool,
}

/// What a replay left of one rule.
#[derive(Debug, Clone)]
pub struct Record {
    points: Vec<Point>,
    groups: Vec<Labels>,
    alert_labels: Vec<Labels>,
    span: Option<TimeRange>,
}

impl Record {
    /// The record of `rule`, from its evaluations in a replay, in their order.
    ///
    /// - `bare`: those of [`bare`](super::bare) over the same time, where it gives a rule; scores before limits come
    ///   from them. Without, limits that are tried may be wrong where a rule has limits of recovery
    ///   or a score lies on one.
    ///
    /// Cost: O(n log groups), about a hundred bytes an evaluation.
    #[must_use]
    pub fn new(rule: &Rule, evaluations: &[&Evaluation], bare: Option<(&Rule, &[&Evaluation])>) -> Self {
        let mut raw_of = bare.map(|(bare, evaluations)| {
            evaluations
                .iter()
                .map(|evaluation| evaluation.score.and_then(|score| bare.detector.tuning().unscaled(score)))
        });
        let mut record =
            Self { points: Vec::new(), groups: Vec::new(), alert_labels: Vec::new(), span: None };
        let (mut known, mut seen_ms) = (BTreeMap::new(), Vec::new());
        for evaluation in evaluations {
            let window = evaluation.window;
            let group = *known.entry(evaluation.group.clone()).or_insert_with(|| {
                record.groups.push(evaluation.group.labels().clone());
                record.alert_labels.push(rule.alert_labels(evaluation.group.labels()));
                seen_ms.push(window.start_ms);
                record.groups.len() - 1
            });
            let raw = match &mut raw_of {
                Some(raw_of) => raw_of.next().flatten(),
                None => evaluation.score.and_then(|score| rule.detector.tuning().unscaled(score)),
            };
            let scored = evaluation.value.zip(evaluation.score);
            // What cannot be known is no number, and decides nothing.
            let past =
                scored.map(|(value, _)| ScoredValue::new(value, evaluation.base, raw.unwrap_or(f64::NAN)));
            if rule.query.counts_as_seen(evaluation.outcome, evaluation.value) {
                seen_ms[group] = window.end_ms;
            }
            let is_silent = window.end_ms - seen_ms[group] > rule.forget_ms;
            // What no group is known for is noted on none, until it is over.
            let is_over = evaluation.group == Group::Unknown && evaluation.state == AlertState::Normal;
            let is_last_of_group = is_over || (is_silent && evaluation.group != Group::Whole);
            if is_last_of_group {
                known.remove(&evaluation.group);
            }
            if past.is_some() {
                let start_ms = record.span.map_or(window.start_ms, |span| span.start_ms);
                record.span = Some(TimeRange::new(start_ms.min(window.start_ms), window.end_ms));
            }
            let (outcome, state) = (evaluation.outcome, evaluation.state);
            record.points.push(Point { group, window, past, outcome, state, is_last_of_group });
        }
        record
    }

    /// The groups, in the order in which they appeared; one that was forgotten and came back stands twice.
    #[must_use]
    pub fn groups(&self) -> &[Labels] {
        &self.groups
    }

    /// The labels of a group's alerts.
    pub(super) fn alert_labels(&self, group: usize) -> &Labels {
        &self.alert_labels[group]
    }

    /// From the first to the last window that was scored.
    #[must_use]
    pub const fn span(&self) -> Option<TimeRange> {
        self.span
    }

    /// The length of the span; 0 when nothing was scored.
    #[must_use]
    pub fn weeks(&self) -> f64 {
        self.span.map_or(0.0, |span| span.length_ms() as f64 / WEEK_MS as f64)
    }

    /// Evaluations.
    #[must_use]
    pub fn n_evaluations(&self) -> usize {
        self.points.len()
    }

    /// Evaluations with this outcome.
    #[must_use]
    pub(crate) fn n_of(&self, outcome: Outcome) -> usize {
        self.points.iter().filter(|point| point.outcome == outcome).count()
    }

    /// What is kept of each value that was scored.
    pub fn scored(&self) -> impl Iterator<Item = &ScoredValue> {
        self.points.iter().filter_map(|point| point.past.as_ref())
    }

    /// The episodes that the replay had.
    #[must_use]
    pub fn replayed(&self, rule: &Rule) -> Timeline {
        self.walk(rule, |point, _| point.state)
    }

    /// The episodes that replaying `rule` would have: the rule of this record with other limits.
    ///
    /// Cost: O(evaluations), nothing is measured.
    #[must_use]
    pub fn simulated(&self, rule: &Rule) -> Timeline {
        let threshold = rule.detector.threshold();
        self.walk(rule, |point, machine| {
            let outcome = match &point.past {
                Some(past)
                    if threshold.exceeded_by(rule.detector.tuning().rescore(past, machine.is_firing())) =>
                {
                    Outcome::Breach
                }
                Some(_) => Outcome::Normal,
                None => point.outcome,
            };
            machine.step(rule, outcome);
            let state = machine.state;
            if point.is_last_of_group {
                *machine = StateMachine::NEW;
            }
            state
        })
    }

    /// Episodes, from the state after each evaluation.
    fn walk(
        &self,
        rule: &Rule,
        mut state_after: impl FnMut(&Point, &mut StateMachine) -> AlertState,
    ) -> Timeline {
        let grades = rule.detector.grades();
        let mut timeline = Timeline::default();
        let mut all = vec![Running::NEW; self.groups.len()];
        for point in &self.points {
            let running = &mut all[point.group];
            let state = state_after(point, &mut running.machine);
            if matches!(state, AlertState::Normal | AlertState::Pending) {
                running.end(&mut timeline, point.window.end_ms);
                running.from_ms = match state {
                    AlertState::Pending => running.from_ms.or(Some(point.window.start_ms)),
                    _ => None,
                };
                continue;
            }
            timeline.n_running += 1;
            let at = *running.episode.get_or_insert_with(|| {
                let from_ms = running.from_ms.take().unwrap_or(point.window.start_ms);
                let (group, alarm_ms) = (point.group, point.window.end_ms);
                let began =
                    Episode { group, from_ms, alarm_ms, end_ms: None, kind: state, was_error: !grades };
                timeline.episodes.push(began);
                timeline.episodes.len() - 1
            });
            if grades && !timeline.episodes[at].was_error {
                timeline.episodes[at].was_error = is_error(rule, point, state);
            }
            if point.is_last_of_group {
                running.end(&mut timeline, point.window.end_ms);
            }
        }
        timeline
    }
}

/// A group on the way.
#[derive(Clone, Copy)]
struct Running {
    machine: StateMachine,
    /// Where the windows began that are bad but have not fired.
    from_ms: Option<i64>,
    /// Index of the episode that runs.
    episode: Option<usize>,
}

impl Running {
    const NEW: Self = Self { machine: StateMachine::NEW, from_ms: None, episode: None };

    fn end(&mut self, timeline: &mut Timeline, at_ms: i64) {
        if let Some(at) = self.episode.take() {
            timeline.episodes[at].end_ms = Some(at_ms);
        }
    }
}

/// Whether people are notified of an error rather than of a warning.
fn is_error(rule: &Rule, point: &Point, state: AlertState) -> bool {
    match (state, &point.past) {
        (AlertState::NoData | AlertState::Error, _) => true,
        (AlertState::Firing, Some(past)) => {
            rule.detector.grade(rule.detector.tuning().rescore(past, true)) == Some("error")
        }
        _ => false,
    }
}
