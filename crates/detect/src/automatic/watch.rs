//! The error of one forecast, and whether it is larger now than ever before.

use std::collections::VecDeque;

use lanner_core::Score;

use super::forecast::Average;
use super::limit::Limit;
use crate::{ROUNDING, Scored};

/// The distances between one forecast and what came.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// The last distances, oldest first; zeros at first.
    distances: VecDeque<f64>,
    n_seen: usize,
    /// The greatest distance of a sample, and of the mean of the last distances.
    alone: Limit,
    together: Limit,
    error: Average,
}

impl Watch {
    pub(super) fn new(together: usize, recent: usize, memory: usize) -> Self {
        Self {
            distances: VecDeque::from(vec![0.0; together]),
            n_seen: 0,
            alone: Limit::new(memory),
            together: Limit::new(memory),
            error: Average::over(recent),
        }
    }

    /// Whether enough distances are known to compare with.
    pub(super) fn is_ready(&self) -> bool {
        self.n_seen >= 2 * self.distances.len()
    }

    /// How far the forecast was off lately, on average.
    pub(super) fn recent_error(&self) -> f64 {
        self.error.mean
    }

    /// Compares `y` with all before it, then takes it in.
    pub(super) fn judge(&mut self, y: f64, expected: f64) -> Scored {
        let n = self.distances.len() as f64;
        self.distances.pop_front();
        let before: f64 = self.distances.iter().sum();
        self.distances.push_back(y - expected);
        let rounding = ROUNDING * y.abs().max(expected.abs());
        let size = |distance: f64| if distance.abs() > rounding { distance.abs() } else { 0.0 };
        let (alone, together) = (size(y - expected), size((before + y - expected) / n));
        let (most_alone, most_together) = (self.alone.most(), self.together.most());
        self.error.learn(alone);
        self.n_seen = self.n_seen.saturating_add(1);
        if self.n_seen >= self.distances.len() {
            self.alone.learn(alone);
            self.together.learn(together);
        }
        // Both limits, as limits of the sample itself.
        let lower = expected + (-most_alone).max(-most_together * n - before);
        let upper = expected + most_alone.min(most_together * n - before);
        let score = Score::new(times(alone, most_alone).max(times(together, most_together)));
        Scored { score, expected, lower: lower.min(upper), upper }
    }
}

/// How many times `most` is in `distance`; infinite when there was nothing before.
fn times(distance: f64, most: f64) -> f64 {
    if distance == 0.0 { 0.0 } else { distance / most }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges the last of `distances` from a forecast of 100.
    #[track_caller]
    fn check(distances: &[f64], score: f64, lower: f64, upper: f64) {
        let mut watch = Watch::new(2, 10, 100);
        let judged = distances.iter().map(|distance| watch.judge(100.0 + distance, 100.0)).last().unwrap();
        let found = [judged.score.value(), judged.lower, judged.upper];
        let close = |(a, b): (&f64, f64)| *a == b || (a - b).abs() < 1e-9;
        assert!(found.iter().zip([score, lower, upper]).all(close), "{found:?}");
    }

    #[test]
    fn as_far_as_ever() {
        // Of 2,000 distances of 1 and -1 the mean of two is never off.
        let calm: Vec<f64> = (0..2_000).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let after = |more: &[f64]| [&calm[..], more].concat();
        check(&[0.0; 50], 0.0, 100.0, 100.0); // a constant
        check(&[&[0.0; 50][..], &[1.0]].concat(), f64::INFINITY, 100.0, 100.0);
        check(&after(&[1.0]), 1.0, 101.0, 101.0); // the mean allows this one only
        check(&after(&[4.0]), f64::INFINITY, 101.0, 101.0);
    }
}
