//! When a score raises an alarm: the decision, which changes no score.

use lanner_core::{Score, Threshold};

use super::view::View;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: f64 = 86_400_000.0;

/// Strange samples with less than this between them are one event.
const APART_MS: i64 = 6 * HOUR_MS;
/// An event that gets so many times worse is said again.
const WORSE: f64 = 3.0;
/// After an event the next one has to be so many times as strange as that one was,
const AGAIN: f64 = 1.0;
/// but never stranger than this, so that nothing that is beyond doubt is held back.
const DOUBTFUL: f64 = 1.5;
/// How fast that is forgotten with a budget of one alarm a week.
const FORGET_MS: f64 = 3.0 * DAY_MS;

/// Each alarm is a debt, which is added to the logarithm of the limit, and which time takes off as the budget allows.
const PER_ALARM: f64 = 0.7;
/// So much of it, three alarms, changes nothing.
const FREE: f64 = 2.1;
/// It is never larger, so that a series that alarmed all the time is back to normal after six weeks. The limit is then fifty times
/// as high, which even Cauchy's noise every ten seconds passes less than once a week.
const MOST_DEBT: f64 = 6.0;

/// What there is to say of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Quiet,
    /// Something strange begins: an alarm.
    Begins,
    /// It lasts, and was said.
    Lasts,
}

/// Spends a budget of alarms: says what is strange once while it lasts, and what is hardly strange only now and then.
///
/// - A score above 1 raises an alarm. So do later ones, but after an alarm the limit is higher for some days: what is only
///   just strange is told once, and what is beyond doubt each time it happens.
/// - A series that has more alarms than its budget, because its values are wilder than any tail that was looked for, or because
///   something is always wrong with it, has to be the stranger for another one, until the budget is kept. Three alarms more
///   than that change nothing.
/// - Strange samples less than six hours apart are one event, which is told when it begins, and again if it becomes three
///   times as strange.
///
/// ```
/// use lanner_core::Score;
/// use lanner_detect::automatic::{Alarms, Decision, View};
///
/// let mut alarms = Alarms::default();
/// let mut decide = |minute: i64, score| alarms.decide(minute * 60_000, Score::new(score), View::Value);
/// assert_eq!(decide(0, 2.0), Decision::Begins);
/// assert_eq!(decide(1, 1.5), Decision::Lasts);
/// assert_eq!(decide(2, 0.5), Decision::Quiet);
/// assert_eq!(decide(3, 9.0), Decision::Begins); // much worse
/// ```
#[derive(Debug, Clone)]
pub struct Alarms {
    forget_ms: f64,
    /// The score that has to be exceeded.
    limit: f64,
    /// The highest score of the event we are in.
    top: f64,
    last_strange_ms: Option<i64>,
    last_ms: i64,
    /// What alarms beyond the budget add to the logarithm of the limit.
    debt: f64,
    /// How long it takes to pay for one alarm.
    alarm_ms: f64,
}

impl Default for Alarms {
    fn default() -> Self {
        Self::per_week(1.0)
    }
}

impl Alarms {
    /// Scores above it are strange.
    pub const THRESHOLD: Threshold = Threshold::above(1.0);

    /// For about so many alarms a week, where nothing is wrong; scores have to be in the unit of the same budget
    /// ([`Automatic::per_week`](super::Automatic::per_week)).
    #[must_use]
    pub fn per_week(alarms_per_week: f64) -> Self {
        let alarms_per_week = alarms_per_week.max(f64::MIN_POSITIVE);
        Self {
            forget_ms: FORGET_MS / alarms_per_week,
            limit: 1.0,
            top: 0.0,
            last_strange_ms: None,
            last_ms: 0,
            debt: 0.0,
            alarm_ms: 7.0 * DAY_MS / alarms_per_week,
        }
    }

    /// The score that has to be exceeded at this time for something to be said. At least 1.
    #[must_use]
    pub fn limit(&self, time_ms: i64) -> f64 {
        let Standing { is_in_event, faded, owed, .. } = self.standing(time_ms);
        if is_in_event { 1.0 } else { faded.max(owed) }
    }

    /// What there is to say of the newest sample. To be called once a sample, in order of time.
    pub fn decide(&mut self, time_ms: i64, score: Score, view: View) -> Decision {
        if view == View::Missing {
            // A gap says nothing of values, so nothing is held back because of it.
            return if Self::THRESHOLD.exceeded_by(score) { Decision::Begins } else { Decision::Quiet };
        }
        let standing = self.standing(time_ms);
        let decision = standing.decide(score, self.top);
        (self.limit, self.debt, self.last_ms) = (standing.faded, standing.debt, time_ms);
        if decision == Decision::Begins {
            self.debt = (self.debt + PER_ALARM).min(MOST_DEBT);
        }
        if decision != Decision::Quiet {
            let is_new = decision == Decision::Begins && !standing.is_in_event;
            self.top = if is_new { score.value() } else { self.top.max(score.value()) };
            self.last_strange_ms = Some(time_ms);
            self.limit = self.limit.max((AGAIN * score.value()).min(DOUBTFUL));
        }
        decision
    }

    fn standing(&self, time_ms: i64) -> Standing {
        let passed_ms = time_ms.saturating_sub(self.last_ms).max(0) as f64;
        let debt = (self.debt - PER_ALARM * passed_ms / self.alarm_ms).max(0.0);
        let is_held_back = self.limit > 1.0;
        let faded = |limit: f64| 1.0 + (limit - 1.0) * (-passed_ms / self.forget_ms).exp();
        Standing {
            is_in_event: self.last_strange_ms.is_some_and(|last| time_ms.saturating_sub(last) < APART_MS),
            faded: if is_held_back { faded(self.limit) } else { 1.0 },
            debt,
            owed: if debt > FREE { (debt - FREE).exp() } else { 1.0 },
        }
    }
}

/// Where alarms stand when a sample comes.
struct Standing {
    is_in_event: bool,
    /// The limit, after it fell towards 1 since the last sample.
    faded: f64,
    debt: f64,
    /// The limit that follows from what was spent beyond the budget. At least 1.
    owed: f64,
}

impl Standing {
    /// - `top`: the highest score of the event we are in
    fn decide(&self, score: Score, top: f64) -> Decision {
        let Self { is_in_event, faded, owed, .. } = *self;
        if is_in_event && score.value() > owed.max(WORSE * top) {
            Decision::Begins
        } else if is_in_event && Alarms::THRESHOLD.exceeded_by(score) {
            Decision::Lasts
        } else if !is_in_event && Threshold::above(faded.max(owed)).exceeded_by(score) {
            Decision::Begins
        } else {
            Decision::Quiet
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours and scores, and what is said: `B` begins, `L` lasts, `.` nothing.
    #[track_caller]
    fn check(scores: &[(i64, f64)], expected: &str) {
        let mut alarms = Alarms::default();
        let letter = |&(hour, score): &(i64, f64)| {
            let above_limit = score > alarms.limit(hour * HOUR_MS);
            match alarms.decide(hour * HOUR_MS, Score::new(score), View::Value) {
                Decision::Quiet => '.',
                Decision::Begins => {
                    assert!(above_limit);
                    'B'
                }
                Decision::Lasts => 'L',
            }
        };
        assert_eq!(scores.iter().map(letter).collect::<String>(), expected);
    }

    #[test]
    fn once_while_it_lasts() {
        check(&[(0, 0.0), (1, 1.0), (2, 1.1)], "..B"); // 1 is not above 1
        check(&[(0, 2.0), (1, 2.0), (4, 2.0), (7, 2.0)], "BLLL");
        check(&[(0, 5.0), (1, 0.5), (3, 5.0), (9, 5.0)], "B.LB");
        check(&[(0, 1.5), (1, 4.0), (2, 4.6), (3, 9.0)], "BLLL");
        check(&[(0, 1.5), (1, 4.6), (2, 5.0), (3, 16.0)], "BBLB"); // three times as strange
    }

    #[test]
    fn what_is_hardly_strange_is_said_now_and_then() {
        check(&[(0, 2.0), (24, 1.2), (48, 1.2), (120, 1.25), (144, 1.0)], "B..B.");
        check(&[(0, 1e9), (24, 1.3), (48, 1.6)], "B.B"); // beyond doubt
    }

    #[test]
    fn a_series_that_always_alarms_has_to_be_stranger() {
        // Twice a day, beyond doubt each time: three for nothing, then ever fewer until the budget is kept.
        let alarms_in = |weeks: std::ops::Range<i64>| {
            let mut alarms = Alarms::default();
            let scores = (0..weeks.end * 14).map(|half_day| 1.6 + (half_day * 7 % 13) as f64 / 2.0);
            let hours = (0..).step_by(12);
            let begins = hours.zip(scores).filter(|&(hour, score)| {
                alarms.decide(hour * HOUR_MS, Score::new(score), View::Value) == Decision::Begins
            });
            begins.filter(|(hour, _)| weeks.contains(&(hour / 168))).count()
        };
        assert!((4..=9).contains(&alarms_in(0..1)), "{}", alarms_in(0..1));
        assert!((8..=12).contains(&alarms_in(4..14)), "{}", alarms_in(4..14));
    }

    #[test]
    fn incidents_that_keep_the_budget_are_each_told() {
        let every = |n: i64, n_days: i64| (0..n).map(|at| (at * n_days * 24, 1.6)).collect::<Vec<_>>();
        check(&every(30, 7), &"B".repeat(30));
        check(&every(8, 4), &"B".repeat(8));
        // Six weeks after many all is as before.
        let many = (0..60).map(|n| (n * 12, 1e3));
        let later = [(60 * 12 + 42 * 24, 1.1)];
        let mut alarms = Alarms::default();
        let said: Vec<Decision> = many
            .chain(later)
            .map(|(hour, score)| alarms.decide(hour * HOUR_MS, Score::new(score), View::Value))
            .collect();
        assert_eq!(said.last(), Some(&Decision::Begins));
    }

    #[test]
    fn a_gap_holds_nothing_back() {
        let mut alarms = Alarms::default();
        assert_eq!(alarms.decide(0, Score::new(50.0), View::Missing), Decision::Begins);
        assert_eq!(alarms.decide(1, Score::new(1.1), View::Value), Decision::Begins);
        assert_eq!(alarms.decide(2, Score::new(0.9), View::Missing), Decision::Quiet);
    }
}
