//! Suggests limits for a rule: for a number of alarms a week, or for the best agreement with incidents.
//!
//! Limits are tried from the laxest on. A rank says how many of the scored windows lie beyond: two limits that are
//! turned together, such as `min` and `max`, have the same rank. A number is taken from between the last window that
//! is let pass and the first that is not, with as few digits as the gap allows.

use serde_json::Value;

use super::accuracy::{Accuracy, Marks, per_week};
use super::ahead::{self, Expected};
use super::edit;
use super::record::{Record, Timeline};
use crate::detector::{Side, Tunable};
use crate::rule::Rule;

/// Limits are not lowered until an alert is the usual state.
const MAX_RUNNING: f64 = 0.5;

/// Evaluations that are walked for the best agreement, over all limits that are tried.
const MAX_WALKED: usize = 40_000_000;

/// So many limits are enough to choose from.
const N_TRIED: usize = 24;

/// Edges that are no farther apart, as a share, are one: rounding made them two, and a limit between them would have as
/// many digits as a number can have.
const SAME: f64 = 1e-9;

/// Scores that were cut are known to be this high at least, and no higher.
const CUT: f64 = 5e8;

/// What limits are suggested for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Goal {
    /// The strictest limits with at most so many alarms a week in the past.
    AlarmsPerWeek(f64),
    /// The limits that agree best with the incidents.
    BestF1,
    /// None: some of the limits from lax to strict, for a person to choose from.
    Choice,
}

/// One field to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// The field below the detector's, such as `max`.
    pub field: &'static str,
    /// What it is now.
    pub was: f64,
    /// What to write.
    pub value: f64,
    /// What is written behind the number.
    pub unit: &'static str,
}

/// Limits, and what they would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// What for.
    pub goal: Goal,
    /// The fields to write.
    pub settings: Vec<Setting>,
    /// The whole detector as it is then written.
    pub detector: Value,
    /// Whether errors are counted, not warnings.
    pub errors_only: bool,
    /// Alarms: the episodes that would have begun.
    pub n_episodes: u64,
    /// The same a week.
    pub per_week: f64,
    /// What to expect from now on, where the past says anything.
    pub expected: Option<Expected>,
    /// The share of evaluations in which one ran.
    pub running: f64,
    /// How well they agree with the incidents, where some are known.
    pub accuracy: Option<Accuracy>,
}

/// Why nothing is suggested.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Nothing {
    /// No window was scored.
    Unscored,
    /// So many alarms come of windows that are not scored.
    NotByLimits(u64),
    /// Every number that the rule takes alarms more often.
    AlwaysMore,
}

/// A rule being tuned.
pub(super) struct Tuner<'r> {
    rule: &'r Rule,
    record: &'r Record,
    marks: &'r Marks<'r>,
    tunables: Vec<Tunable>,
    /// For each tunable where every scored window lies, the farthest first.
    edges: Vec<Vec<f64>>,
}

/// One choice of limits, walked.
struct Trial {
    settings: Vec<Setting>,
    detector: Value,
    timeline: Timeline,
}

impl<'r> Tuner<'r> {
    pub(super) fn new(
        rule: &'r Rule,
        record: &'r Record,
        marks: &'r Marks<'r>,
        tunables: Vec<Tunable>,
    ) -> Self {
        let edges = tunables.iter().map(|tunable| edges(rule, record, tunable)).collect();
        Self { rule, record, marks, tunables, edges }
    }

    fn errors_only(&self) -> bool {
        self.tunables.iter().any(|tunable| tunable.errors_only)
    }

    fn n_ranks(&self) -> usize {
        self.edges.iter().map(Vec::len).min().unwrap_or(0)
    }

    /// The limits that `rank` windows lie beyond; `None` where the rule takes no such numbers.
    fn limits(&self, rank: usize) -> Option<Vec<f64>> {
        let limit = |(tunable, edges): (&Tunable, &Vec<f64>)| {
            let (calm, bad) = around(tunable, edges, rank)?;
            Some(limit_between(tunable, calm, bad))
        };
        self.tunables.iter().zip(&self.edges).map(limit).collect()
    }

    fn trial(&self, rank: usize) -> Option<Trial> {
        let limits = self.limits(rank)?;
        let (detector, rule) = edit::tuned(self.rule, &self.tunables, &limits)?;
        let setting = |(tunable, value): (&Tunable, &f64)| Setting {
            field: tunable.field,
            was: tunable.at,
            value: *value,
            unit: tunable.unit,
        };
        let settings = self.tunables.iter().zip(&limits).map(setting).collect();
        Some(Trial { settings, detector, timeline: self.record.simulated(&rule) })
    }

    /// The episodes that the limits are answerable for.
    fn count(&self, timeline: &Timeline) -> u64 {
        count(timeline, self.errors_only())
    }

    fn suggestion(&self, goal: Goal, trial: Trial) -> Suggestion {
        let n_episodes = self.count(&trial.timeline);
        Suggestion {
            goal,
            n_episodes,
            per_week: per_week(n_episodes, self.record.weeks()),
            expected: ahead::expected(n_episodes, self.record.weeks()),
            running: running(&trial.timeline, self.record),
            accuracy: (!self.marks.is_empty()).then(|| self.marks.accuracy(&trial.timeline)),
            settings: trial.settings,
            detector: trial.detector,
            errors_only: self.errors_only(),
        }
    }

    /// The strictest limits that keep within `wanted` alarms a week, together with all laxer ones that are tried.
    ///
    /// More windows beyond a limit may make fewer alarms, as episodes grow together; so the search begins where
    /// none lies beyond, doubles, and ends at the first limits that alarm too often. Cost: O(n log n).
    pub(super) fn within(&self, wanted: f64) -> Result<Suggestion, Nothing> {
        let n_allowed = wanted * self.record.weeks();
        let fits = |trial: &Trial| {
            self.count(&trial.timeline) as f64 <= n_allowed
                && running(&trial.timeline, self.record) <= MAX_RUNNING
        };
        let n_ranks = self.n_ranks();
        if n_ranks == 0 {
            return Err(Nothing::Unscored);
        }
        let doubled = (0..usize::BITS).map(|bits| (1_usize << bits) - 1).take_while(|rank| *rank < n_ranks);
        let (mut best, mut fitting, mut too_far) = (None, 0, n_ranks);
        for rank in doubled.chain([n_ranks - 1]) {
            match self.trial(rank) {
                // A limit so lax that the rule does not take it.
                None if best.is_none() => fitting = rank,
                Some(trial) if fits(&trial) => (fitting, best) = (rank, Some(trial)),
                _ => {
                    too_far = rank;
                    break;
                }
            }
        }
        while too_far - fitting.min(too_far) > 1 {
            let middle = usize::midpoint(fitting, too_far);
            match self.trial(middle) {
                None if best.is_none() => fitting = middle,
                Some(trial) if fits(&trial) => (fitting, best) = (middle, Some(trial)),
                _ => too_far = middle,
            }
        }
        let goal = Goal::AlarmsPerWeek(wanted);
        best.map(|trial| self.suggestion(goal, trial)).ok_or_else(|| self.why_nothing())
    }

    fn why_nothing(&self) -> Nothing {
        let laxest = self.trial(0).map_or(0, |trial| self.count(&trial.timeline));
        if laxest > 0 { Nothing::NotByLimits(laxest) } else { Nothing::AlwaysMore }
    }

    /// The limits that agree best with the incidents, if any agree at all. Of several that are equally good next to
    /// each other the middle one, which is the farthest from both edges.
    pub(super) fn best(&self) -> Option<Suggestion> {
        let n_trials = (MAX_WALKED / self.record.n_evaluations().max(1)).clamp(24, 200);
        let middle = |ranks: &[usize]| {
            let scores: Vec<f64> = ranks.iter().map(|rank| self.f1(*rank)).collect();
            let (first, last) = plateau(&scores)?;
            Some((first, last, ranks[usize::midpoint(first, last)], scores[first]))
        };
        let ranks = spread(0, self.n_ranks(), n_trials);
        let (first, last, mut rank, coarse) = middle(&ranks)?;
        // Once more between the neighbours of what was best.
        let from = first.checked_sub(1).map_or(0, |before| ranks[before] + 1);
        let to = ranks.get(last + 1).copied().unwrap_or(self.n_ranks());
        if let Some((_, _, finer_rank, fine)) = middle(&linear(from, to, n_trials / 2))
            && fine >= coarse
        {
            rank = finer_rank;
        }
        Some(self.suggestion(Goal::BestF1, self.trial(rank)?))
    }

    /// Limits from lax to strict, until an alert would be the usual state: what a person sees who turns them.
    ///
    /// Cost: a walk over the evaluations for each.
    pub(super) fn tried(&self) -> Vec<Suggestion> {
        let trials = spread(0, self.n_ranks(), N_TRIED).into_iter().filter_map(|rank| self.trial(rank));
        let bearable = trials.take_while(|trial| running(&trial.timeline, self.record) <= MAX_RUNNING);
        let mut tried: Vec<_> = bearable.map(|trial| self.suggestion(Goal::Choice, trial)).collect();
        tried.dedup_by(|later, earlier| later.settings == earlier.settings);
        tried
    }

    fn f1(&self, rank: usize) -> f64 {
        let trial = self.trial(rank).filter(|trial| running(&trial.timeline, self.record) <= MAX_RUNNING);
        trial.map_or(0.0, |trial| self.marks.accuracy(&trial.timeline).f1())
    }
}

/// Where each scored window lies, the farthest first.
fn edges(rule: &Rule, record: &Record, tunable: &Tunable) -> Vec<f64> {
    let mut edges: Vec<f64> = record
        .scored()
        .map(|past| rule.detector.tuning().limit_at(tunable, past))
        .filter(|edge| !edge.is_nan())
        .collect();
    match tunable.bad {
        Side::Above => edges.sort_unstable_by(|a, b| b.total_cmp(a)),
        Side::Below => edges.sort_unstable_by(f64::total_cmp),
    }
    edges
}

/// The farthest edge that is let pass with the one at `rank`, and the next one beyond; `None` where there is no number.
fn around(tunable: &Tunable, edges: &[f64], rank: usize) -> Option<(f64, Option<f64>)> {
    let calm = edges.get(rank).copied().filter(|edge| edge.is_finite())?;
    let is_beyond = |edge: &f64| tunable.is_laxer(*edge, calm) && (edge - calm).abs() > SAME * calm.abs();
    let n_beyond = edges.partition_point(is_beyond);
    let bad = n_beyond.checked_sub(1).map(|last| edges[last]);
    Some((edges[n_beyond], bad))
}

/// The number of episodes, or of those that became an error.
pub(super) fn count(timeline: &Timeline, errors_only: bool) -> u64 {
    timeline.episodes.iter().filter(|episode| !errors_only || episode.was_error).count() as u64
}

/// The share of evaluations in which an episode ran.
pub(super) fn running(timeline: &Timeline, record: &Record) -> f64 {
    timeline.n_running as f64 / record.n_evaluations().max(1) as f64
}

/// The first and the last of the best scores that stand next to each other; `None` if all are 0.
fn plateau(scores: &[f64]) -> Option<(usize, usize)> {
    let best = scores.iter().copied().fold(0.0, f64::max);
    let first = scores.iter().position(|score| best > 0.0 && *score == best)?;
    let n = scores[first..].iter().take_while(|score| **score == best).count();
    Some((first, first + n - 1))
}

/// At most `n` ranks of `[from, to)`, the first ones all, later ones ever farther apart; all, if there are no more.
fn spread(from: usize, to: usize, n: usize) -> Vec<usize> {
    let mut ranks: Vec<usize> = Vec::with_capacity(n);
    let mut rank = from;
    while rank < to && ranks.len() < n {
        ranks.push(rank);
        // So many steps are left, in which the last rank is to be reached.
        let left = (n - ranks.len()).max(1) as f64;
        let growth = ((to - 1) as f64 / rank.max(1) as f64).powf(1.0 / left);
        rank = (rank + 1).max((rank as f64 * growth) as usize);
    }
    ranks
}

/// At most `n` ranks of `[from, to)`, as far apart as each other.
fn linear(from: usize, to: usize, n: usize) -> Vec<usize> {
    let step = to.saturating_sub(from).div_ceil(n.max(1)).max(1);
    (from..to).step_by(step).collect()
}

/// A limit that lets `calm` pass and not `bad`, which lies beyond it; without, one a little beyond `calm`.
fn limit_between(tunable: &Tunable, calm: f64, bad: Option<f64>) -> f64 {
    let sign = if tunable.bad == Side::Above { 1.0 } else { -1.0 };
    let open = || sign * calm + if calm == 0.0 { 1.0 } else { calm.abs() };
    let high = match bad {
        Some(bad) if bad.is_finite() => sign * bad,
        Some(_) => open().min(CUT),
        None => open(),
    };
    let low = sign * calm;
    let exact = if tunable.inclusive { high } else { low };
    sign * round_between(low, high).unwrap_or(exact)
}

/// A number strictly between two, near the lower one, in about two digits of their distance.
fn round_between(low: f64, high: f64) -> Option<f64> {
    let exponent = (high - low).log10().floor();
    if !(-300.0..=300.0).contains(&exponent) {
        return None;
    }
    let exponent = exponent as i32;
    (1..4).find_map(|finer| {
        let power = exponent - finer;
        // Dividing by a power of ten gives the number nearest to the decimal.
        let (up, down) = (10_f64.powi(power.max(0)), 10_f64.powi(-power.min(0)));
        let steps = (low / up * down).floor() + 1.0;
        let number = steps * up / down;
        (steps.abs() < 1e15 && low < number && number < high).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn limits_have_few_digits() {
        #[track_caller]
        fn check(bad: Side, calm: f64, beyond: Option<f64>, expected: f64) {
            let tunable = Tunable { bad, ..Tunable::above("max", 0.0) };
            assert_eq!(limit_between(&tunable, calm, beyond), expected);
        }
        check(Side::Above, 1.2, Some(50.0), 2.0);
        check(Side::Above, 1.368_9, Some(1.371_2), 1.369);
        check(Side::Above, 12.345, None, 13.0);
        check(Side::Above, -3.0, Some(3.0), -2.9);
        check(Side::Above, 0.0, None, 0.1);
        check(Side::Above, 5.0, Some(f64::INFINITY), 5.1);
        check(Side::Above, 4.9e8, Some(f64::INFINITY), 4.91e8);
        check(Side::Above, 9.5e8, Some(f64::INFINITY), 9.5e8); // what was cut may be 1e9
        check(Side::Above, 1.0, Some(1.0_f64.next_up()), 1.0); // nothing lies between
        check(Side::Below, 380.0, Some(120.0), 370.0);
        check(Side::Below, -5.0, None, -5.1);
    }

    #[test]
    fn what_rounding_tells_apart_is_one() {
        #[track_caller]
        fn check(rank: usize, expected: (f64, Option<f64>)) {
            let edges = [f64::INFINITY, 2.0, 0.3, 0.1 + 0.2 - 2e-16, 0.1];
            assert_eq!(around(&Tunable::above("above", 1.0), &edges, rank), Some(expected));
        }
        check(1, (2.0, Some(f64::INFINITY)));
        check(2, (0.3, Some(2.0)));
        check(3, (0.3, Some(2.0)));
        check(4, (0.1, Some(0.1 + 0.2 - 2e-16)));
    }

    proptest! {
        #[test]
        fn limits_lie_between(calm in -1e6..1e6, gap in 1e-9..1e6, is_above: bool, inclusive: bool) {
            let (bad, sign) = if is_above { (Side::Above, 1.0) } else { (Side::Below, -1.0) };
            let tunable = Tunable { bad, inclusive, ..Tunable::above("max", 0.0) };
            let beyond = calm + sign * gap;
            prop_assume!(beyond != calm);
            let limit = limit_between(&tunable, calm, Some(beyond));
            prop_assert!(tunable.is_bad(beyond, limit) && !tunable.is_bad(calm, limit), "{calm} {limit} {beyond}");
        }

        #[test]
        fn ranks_ascend(n_ranks in 0_usize..5000, n in 2_usize..300) {
            let ranks = spread(0, n_ranks, n);
            prop_assert!(ranks.len() <= n && ranks.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(ranks.iter().all(|rank| *rank < n_ranks));
        }

        #[test]
        fn few_ranks_are_all_tried(n_ranks in 0_usize..300, spare in 0_usize..4) {
            let all: Vec<usize> = (0..n_ranks).collect();
            prop_assert_eq!(spread(0, n_ranks, (n_ranks + spare).max(2)), all);
        }
    }
}
