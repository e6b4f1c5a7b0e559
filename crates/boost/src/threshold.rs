//! From which probability on somebody should act: a threshold chosen by what mistakes cost.

use std::fmt;

/// What a threshold is chosen for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aim {
    /// The best balance of precision and recall.
    F1,
    /// The least cost, in any unit.
    Cost {
        /// Of a row flagged wrongly.
        false_alarm: f64,
        /// Of a positive row that is not flagged.
        miss: f64,
    },
    /// The most positive rows with so many rows flagged, right or wrong.
    Alarms {
        /// Accepted in a day.
        per_day: f64,
        /// How many days the rows span.
        days: f64,
    },
}

/// What a threshold does to labelled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Positive rows that are flagged.
    pub hits: usize,
    /// Other rows that are flagged.
    pub false_alarms: usize,
    /// Positive rows that are not flagged.
    pub misses: usize,
    /// Other rows that are not flagged.
    pub passes: usize,
}

impl Outcomes {
    /// The share of flagged rows that are positive; 0 if none is flagged.
    #[must_use]
    pub fn precision(self) -> f64 {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// The share of positive rows that are flagged.
    #[must_use]
    pub fn recall(self) -> f64 {
        share(self.hits, self.hits + self.misses)
    }

    /// The harmonic mean of precision and recall, 0 to 1; 0 if no positive row is flagged.
    #[must_use]
    pub fn f1(self) -> f64 {
        share(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses)
    }

    /// The share of other rows that are flagged.
    #[must_use]
    pub fn false_alarm_rate(self) -> f64 {
        share(self.false_alarms, self.false_alarms + self.passes)
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (precision, recall, f1) = (self.precision(), self.recall(), self.f1());
        write!(f, "F1 {f1:.3} (precision {precision:.3}, recall {recall:.3})")
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What flagging scores of `threshold` and more would do. Cost: O(n).
///
/// # Panics
/// If there is not one label for each score.
#[must_use]
pub fn outcomes_at(scores: &[f64], labels: &[bool], threshold: f64) -> Outcomes {
    assert_eq!(scores.len(), labels.len(), "one label for each score");
    let mut outcomes = Outcomes::default();
    for (&score, &label) in scores.iter().zip(labels) {
        match (score >= threshold, label) {
            (true, true) => outcomes.hits += 1,
            (true, false) => outcomes.false_alarms += 1,
            (false, true) => outcomes.misses += 1,
            (false, false) => outcomes.passes += 1,
        }
    }
    outcomes
}

/// The threshold that serves `aim` best on scores of rows that were not learned from; halfway to the next score below it,
/// so that it does not stand on a single row. Of equals the highest. Scores of exactly that much and more are flagged.
/// Cost: O(n log n).
///
/// # Panics
/// If there is not one label for each score.
#[must_use]
pub fn choose_threshold(scores: &[f64], labels: &[bool], aim: Aim) -> f64 {
    assert_eq!(scores.len(), labels.len(), "one label for each score");
    let mut ranked: Vec<(f64, bool)> = scores.iter().copied().zip(labels.iter().copied()).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n_positive = labels.iter().filter(|&&label| label).count();
    let mut outcomes =
        Outcomes { misses: n_positive, passes: labels.len() - n_positive, ..Outcomes::default() };
    let above_all = ranked.first().map_or(1.0, |first| first.0 + 1.0);
    let mut best = (worth(outcomes, aim), above_all);
    let mut begin = 0;
    for equal in ranked.chunk_by(|a, b| a.0 == b.0) {
        let hits = equal.iter().filter(|(_, label)| *label).count();
        outcomes.hits += hits;
        outcomes.misses -= hits;
        outcomes.false_alarms += equal.len() - hits;
        outcomes.passes -= equal.len() - hits;
        begin += equal.len();
        let worth = worth(outcomes, aim);
        if worth > best.0 {
            let score = equal[0].0;
            let below = ranked.get(begin).map_or(score, |next| next.0);
            best = (worth, score / 2.0 + below / 2.0);
        }
    }
    best.1
}

/// The more the better.
fn worth(outcomes: Outcomes, aim: Aim) -> f64 {
    match aim {
        Aim::F1 => outcomes.f1(),
        Aim::Cost { false_alarm, miss } => {
            -(outcomes.false_alarms as f64 * false_alarm + outcomes.misses as f64 * miss)
        }
        Aim::Alarms { per_day, days } => {
            let n_alarms = outcomes.hits + outcomes.false_alarms;
            if n_alarms as f64 <= per_day * days { outcomes.hits as f64 } else { f64::NEG_INFINITY }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_aim() {
        let scores = [0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.1];
        let labels = [true, true, false, true, false, true, false, false];
        #[track_caller]
        fn check(scores: &[f64], labels: &[bool], aim: Aim, threshold: f64, flagged: (usize, usize)) {
            let found = choose_threshold(scores, labels, aim);
            assert!((found - threshold).abs() < 1e-12, "{found}");
            let outcomes = outcomes_at(scores, labels, found);
            assert_eq!((outcomes.hits, outcomes.false_alarms), flagged);
        }
        check(&scores, &labels, Aim::F1, 0.15, (4, 2)); // 0.8, beside 0.75 with three of four
        check(&scores, &labels, Aim::Cost { false_alarm: 3.0, miss: 1.0 }, 0.75, (2, 0));
        check(&scores, &labels, Aim::Cost { false_alarm: 1.0, miss: 9.0 }, 0.15, (4, 2));
        check(&scores, &labels, Aim::Alarms { per_day: 2.0, days: 2.0 }, 0.45, (3, 1));
        check(&scores, &labels, Aim::Alarms { per_day: 0.5, days: 1.0 }, 1.9, (0, 0));
        check(&[0.5; 3], &[true, false, false], Aim::F1, 0.5, (1, 2));
    }
}
