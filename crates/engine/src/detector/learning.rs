//! The memory of learning detectors from one window to the next.
//!
//! Time is cut into generations of fixed length. In each of them a fresh detector begins for each group, and it
//! judges from the end of its own generation to the end of the next: a value is judged by what at least one
//! generation and at most two have taught.
//!
//! ```text
//!   generation      |    7    |    8    |    9    |
//!   begun in 7      learns.... judges....
//!   begun in 8                learns.... judges....
//! ```
//!
//! Invariant: what a detector has seen depends on the window that it judges and on nothing else. What is
//! remembered is therefore no state but a saving: lost at a restart, it is learned again from stored windows,
//! and a replay judges as was judged live. A step costs the same however long the history is.
//!
//! Late data changes windows that were learned ([`Memory::correct`]): everything is then learned again. Where that is
//! much it waits for a while, so that a source that is always late costs a bounded number of windows to learn for each that is judged.

use std::collections::BTreeMap;

use lanner_core::{Group, Reading, TimeRange};
use lanner_detect::{NotScored, Scored, SeriesDetector};

use crate::detector::Learner;
use crate::rule::Rule;
use crate::rule::schedule::Schedule;
use crate::source::join::joined;
use crate::source::{Due, Gaps, Missed, Query, is_known};

/// Values of earlier windows that are read at once, over all groups: more are learned in several turns, so that
/// a rule with a long memory delays no other.
const VALUES_AT_ONCE: usize = 1_000_000;
/// Windows that are read at once: where no group is known yet, and at most.
const WINDOWS_AT_ONCE: (usize, usize) = (100, 2_000);
/// Windows that are learned again for each window that is judged, on average and at most. Whoever remembers 20,000
/// windows takes up late data after 20 more.
const AGAIN_PER_WINDOW: usize = 1_000;

/// What a detector said of the newest value of a group.
pub(crate) type SeriesScore = Result<Scored, NotScored>;

/// The detectors of one rule, group by group.
#[derive(Default)]
pub(crate) struct Memory {
    /// The start of the first window that was to be learned.
    first_ms: Option<i64>,
    /// The start of the last window that was learned.
    last_ms: Option<i64>,
    /// The end of the window that was asked for last.
    until_ms: i64,
    /// Whether data has come since for windows that may have been learned.
    is_outdated: bool,
    n_learned: usize,
    n_judged: usize,
    groups: BTreeMap<Group, Generations>,
}

/// The detectors of one group.
#[derive(Default)]
struct Generations {
    generation: i64,
    /// Begun in the generation before.
    previous: Option<Box<dyn SeriesDetector + Send>>,
    /// Begun in this generation.
    current: Option<Box<dyn SeriesDetector + Send>>,
}

/// The earlier windows that are to be learned before a window can be judged.
#[derive(Debug, PartialEq)]
pub(crate) struct TrainingBatch {
    /// Nearest first.
    pub windows: Vec<TimeRange>,
    /// Whether more are to follow, before the window can be judged.
    pub more: bool,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Memory {{ {} groups, up to {:?} }}", self.groups.len(), self.last_ms)
    }
}

impl Memory {
    /// What is to be learned before `window`, whatever the rule's active hours are. Forgets everything where
    /// `window` does not continue what was learned, as after a clock change that moved the windows.
    pub(crate) fn next_batch(
        &mut self,
        rule: &Rule,
        learner: &dyn Learner,
        window: TimeRange,
    ) -> TrainingBatch {
        let every_ms = rule.schedule.every_ms;
        let from_ms = (window.start_ms.div_euclid(learner.generation_ms()) - 1) * learner.generation_ms();
        let first_ms = window.start_ms - (window.start_ms - from_ms) / every_ms * every_ms;
        let fits = |last_ms: &i64| {
            (first_ms - every_ms..window.start_ms).contains(last_ms)
                && (window.start_ms - last_ms) % every_ms == 0
        };
        if self.last_ms.as_ref().is_some_and(|last_ms| !fits(last_ms)) || self.is_to_begin_anew() {
            *self = Self::default();
        }
        self.first_ms.get_or_insert(first_ms);
        self.until_ms = window.end_ms;
        let next_ms = self.last_ms.map_or(first_ms, |last_ms| last_ms + every_ms);
        let n_windows = usize::try_from((window.start_ms - next_ms) / every_ms).unwrap_or(0);
        let (few, many) = WINDOWS_AT_ONCE;
        let at_once = match self.groups.len() {
            0 => few,
            n_groups => (VALUES_AT_ONCE / n_groups).clamp(few, many),
        };
        let window_at = |at: usize| {
            let start_ms = next_ms + at as i64 * every_ms;
            TimeRange::new(start_ms, start_ms + rule.schedule.window_ms)
        };
        TrainingBatch {
            windows: (0..n_windows.min(at_once)).rev().map(window_at).collect(),
            more: n_windows > at_once,
        }
    }

    /// Notes that data has come for windows that touch `range`.
    pub(crate) fn correct(&mut self, range: TimeRange) {
        let reaches = self.first_ms.is_some_and(|first_ms| first_ms < range.end_ms);
        self.is_outdated |= reaches && range.start_ms < self.until_ms;
    }

    /// At least one window is judged in between, so that no rule is blind because its data is always late.
    const fn is_to_begin_anew(&self) -> bool {
        self.is_outdated && self.n_judged > 0 && self.n_judged * AGAIN_PER_WINDOW >= self.n_learned
    }

    /// Learns the earlier windows of `due`, and its newest unless more are to come; says what the detectors said of the
    /// newest value of each of `readings`, which are in order of their groups. What does not continue what was learned
    /// teaches nothing, and nothing is said.
    pub(crate) fn learn(
        &mut self,
        due: &Due,
        learner: &dyn Learner,
        gaps: &Gaps,
        readings: &[&Reading],
    ) -> Vec<SeriesScore> {
        let windows: Vec<TrainingWindow> = windows_of(due, gaps).collect();
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else { return Vec::new() };
        let schedule = &due.rule.schedule;
        if self.last_ms.is_some_and(|last_ms| last_ms + schedule.every_ms != first.window.start_ms) {
            return Vec::new();
        }
        let training = Training { learner, schedule, windows: &windows, query: &*due.rule.query };
        let (mut scores, mut begun) = (Vec::with_capacity(readings.len()), Vec::new());
        let found = readings.iter().map(|reading| (&reading.group, *reading));
        for (group, learned, reading) in joined(&mut self.groups, found) {
            let score = match learned {
                Some(learned) => learned.train(&training, reading),
                None => {
                    let mut learned = Generations::default();
                    let score = learned.train(&training, reading);
                    begun.push((group.clone(), learned));
                    score
                }
            };
            scores.extend(reading.map(|_| score));
        }
        self.groups.extend(begun);
        // Nobody else forgets a group: when its alert was forgotten depends on when somebody began to look.
        self.groups.retain(|_, learned| learned.has_begun());
        self.last_ms = Some(last.window.start_ms);
        self.n_learned += windows.len();
        self.n_judged += usize::from(!due.ask.more);
        scores
    }

    /// Leaves out the windows before `first_ms`, where the source's data begins, or all where it has none: nobody is
    /// known that could miss them.
    pub(crate) fn skip(&mut self, due: &Due, first_ms: Option<i64>) {
        let Some(last_ms) = self.last_ms.filter(|_| self.groups.is_empty()) else { return };
        let Schedule { every_ms, window_ms, .. } = due.rule.schedule;
        let n_left = (due.ask.window.start_ms - last_ms) / every_ms - 1;
        let n_empty =
            first_ms.map_or(n_left, |first_ms| (first_ms - window_ms - last_ms).div_euclid(every_ms));
        self.last_ms = Some(last_ms + n_empty.clamp(0, n_left.max(0)) * every_ms);
    }
}

/// One window to learn, and where in a reading its value is: among the earlier windows, or the newest.
struct TrainingWindow {
    window: TimeRange,
    baseline: Option<usize>,
    missed: Missed,
}

/// Oldest first.
fn windows_of(due: &Due, gaps: &Gaps) -> impl Iterator<Item = TrainingWindow> {
    let training = |window, baseline| TrainingWindow { window, baseline, missed: gaps.missed(window) };
    let earlier = due.ask.baselines.iter().enumerate().rev();
    let earlier = earlier.filter_map(move |(at, window)| window.map(|window| training(window, Some(at))));
    let newest = training(due.ask.window, None);
    earlier.chain((!due.ask.more).then_some(newest))
}

/// What all groups go through.
struct Training<'a> {
    learner: &'a dyn Learner,
    schedule: &'a Schedule,
    windows: &'a [TrainingWindow],
    query: &'a dyn Query,
}

impl Generations {
    fn has_begun(&self) -> bool {
        self.previous.is_some() || self.current.is_some()
    }

    /// Learns window by window; returns what was said of the last value.
    fn train(&mut self, training: &Training<'_>, reading: Option<&Reading>) -> SeriesScore {
        let mut score = Err(NotScored::WarmingUp);
        for TrainingWindow { window, baseline, missed } in training.windows {
            let value = reading.and_then(|reading| match baseline {
                Some(at) => reading.baselines.get(*at).copied().flatten(),
                None => reading.value,
            });
            let value = value.or(training.query.value_when_empty());
            score = self.step(
                training,
                window.start_ms,
                value.filter(|_| is_known(*missed, training.query, value)),
            );
        }
        score
    }

    fn step(&mut self, training: &Training<'_>, start_ms: i64, value: Option<f64>) -> SeriesScore {
        let generation = start_ms.div_euclid(training.learner.generation_ms());
        if generation != self.generation {
            let follows = generation == self.generation + 1;
            self.previous = self.current.take().filter(|_| follows);
            self.generation = generation;
        }
        // A group begins with its first value: what comes before is not known to be a gap.
        if self.current.is_none() && value.is_some() && value != training.query.value_when_empty() {
            self.current = training.learner.fresh(training.schedule, start_ms);
        }
        let current = self.current.as_mut().map(|detector| detector.step(value));
        let previous = self.previous.as_mut().map(|detector| detector.step(value));
        previous.or(current).unwrap_or(Err(NotScored::WarmingUp))
    }
}
