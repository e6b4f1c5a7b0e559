//! When a score raises an alarm.

use lanner_core::{Score, Threshold};

/// Raises an alarm for a score above 1, unless the last alarm is less than 24 samples old.
///
/// What is strange stays so for a while; whoever was told once need not be told again at each sample.
///
/// ```
/// use lanner_core::Score;
/// use lanner_detect::automatic::Alarms;
///
/// let mut alarms = Alarms::default();
/// assert!(alarms.raise(Score::new(2.0)));
/// assert!(!alarms.raise(Score::new(5.0))); // said already
/// ```
#[derive(Debug, Clone)]
pub struct Alarms {
    quiet: usize,
    /// Samples since the last alarm.
    since: usize,
}

impl Default for Alarms {
    fn default() -> Self {
        Self::quiet_for(24)
    }
}

impl Alarms {
    /// Scores above it are strange.
    pub const THRESHOLD: Threshold = Threshold::above(1.0);

    /// At most one alarm in `quiet` samples.
    #[must_use]
    pub fn quiet_for(quiet: usize) -> Self {
        Self { quiet, since: usize::MAX }
    }

    /// Whether the score of the newest sample raises an alarm. To be called once a sample.
    pub fn raise(&mut self, score: Score) -> bool {
        self.since = self.since.saturating_add(1);
        let raised = Self::THRESHOLD.exceeded_by(score) && self.since >= self.quiet;
        if raised {
            self.since = 0;
        }
        raised
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarm_in_a_while() {
        #[track_caller]
        fn check(scores: &[f64], expected: &[usize]) {
            let mut alarms = Alarms::quiet_for(3);
            let raised = |index: &usize| alarms.raise(Score::new(scores[*index]));
            assert_eq!((0..scores.len()).filter(raised).collect::<Vec<_>>(), expected);
        }
        check(&[0.0, 1.0, 1.1], &[2]); // as far as ever is not farther
        check(&[2.0, 2.0, 2.0, 2.0, 2.0], &[0, 3]);
        check(&[2.0, 0.0, 9.0, 0.0, 2.0], &[0, 4]);
    }
}
