//! A mean that forgets, and that no single value can move far.

use super::share::Share;

/// Values that the usual deviation is averaged over.
const DEVIATIONS: Share = Share::over(300.0);
/// A value teaches at most so many usual deviations. They grow by it too, so that a new level is followed in the end.
const CLIP: f64 = 4.0;
/// So many values teach all they are.
const FREE: f64 = 10.0;

/// The winsorised mean of about the last `most` values.
#[derive(Debug, Clone)]
pub(super) struct Level {
    mean: f64,
    /// The mean distance of values from it.
    deviation: f64,
    n: f64,
    share: Share,
}

impl Level {
    /// Of about `most` values, at least 1.
    pub(super) fn over(most: usize) -> Self {
        Self { mean: 0.0, deviation: 0.0, n: 0.0, share: Share::over(most as f64) }
    }

    pub(super) fn known(&self) -> Option<f64> {
        (self.n > 0.0).then_some(self.mean)
    }

    pub(super) fn learn(&mut self, y: f64) {
        self.n += 1.0;
        if self.n == 1.0 {
            self.mean = y;
            return;
        }
        let off = y - self.mean;
        let is_free = self.n <= FREE || self.deviation == 0.0;
        let most = if is_free { f64::INFINITY } else { CLIP * self.deviation };
        self.deviation += (off.abs().min(most) - self.deviation) * DEVIATIONS.of(self.n - 1.0);
        self.mean += off.clamp(-most, most) * self.share.of(self.n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: impl IntoIterator<Item = f64>, expected: std::ops::Range<f64>) {
        let mut level = Level::over(20);
        values.into_iter().for_each(|y| level.learn(y));
        let found = level.known().unwrap();
        assert!(expected.contains(&found), "{found}");
    }

    #[test]
    fn values_that_are_far_off_count_little() {
        let calm = || (0..200).map(|t| if t % 2 == 0 { 9.0 } else { 11.0 });
        assert_eq!(Level::over(5).known(), None);
        check([3.0], 3.0..3.1);
        check([1.0, 3.0, 5.0], 3.0..3.1);
        check(calm(), 9.9..10.1);
        check(calm().chain([1e9]), 10.1..10.3); // four deviations of 1, over 20
        check(calm().chain([100.0; 500]), 99.0..101.0); // in the end it is followed
        check(calm().chain([20.0; 100]), 19.9..20.1);
    }
}
