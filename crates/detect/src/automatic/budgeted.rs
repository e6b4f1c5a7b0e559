//! Score and decision together, for values at a fixed step: what a rule uses.

use lanner_core::{Score, Scorer};

use super::{Alarms, Automatic};
use crate::{NotScored, Scored, SeriesDetector, score_of};

/// Larger scores are cut to this, as no document can hold an infinite number.
const MAX_SCORE: f64 = 1e9;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Anything unusual.
    #[default]
    Both,
    /// Values above what was expected.
    Up,
    /// Values below.
    Down,
}

/// An [`Automatic`] detector whose score is in units of what its budget of alarms allows at the moment: above 1, an alarm.
///
/// Gaps are skipped, and scored by nobody: a rule says itself what missing data means.
///
/// ```
/// use lanner_detect::SeriesDetector;
/// use lanner_detect::automatic::{Budgeted, Direction};
///
/// let mut detector = Budgeted::new(60_000, 0, 1.0, Direction::Up);
/// for minute in 0..200 {
///     let _ = detector.step(Some((minute % 10) as f64));
/// }
/// assert_eq!(detector.step(Some(-50.0))?.score.value(), 0.0); // the other direction
/// assert!(detector.step(Some(50.0))?.score.value() > 1.0);
/// # Ok::<(), lanner_detect::NotScored>(())
/// ```
#[derive(Debug, Clone)]
pub struct Budgeted {
    detector: Automatic,
    alarms: Alarms,
    direction: Direction,
    step_ms: i64,
    next_ms: i64,
}

impl Budgeted {
    /// Of values `step_ms` apart, the first at `start_ms` (milliseconds since the Unix epoch, UTC).
    #[must_use]
    pub fn new(step_ms: i64, start_ms: i64, alarms_per_week: f64, direction: Direction) -> Self {
        Self {
            detector: Automatic::every(step_ms).per_week(alarms_per_week),
            alarms: Alarms::per_week(alarms_per_week),
            direction,
            step_ms,
            next_ms: start_ms,
        }
    }
}

impl SeriesDetector for Budgeted {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let time_ms = self.next_ms;
        self.next_ms = time_ms.saturating_add(self.step_ms);
        let y = y.ok_or(NotScored::Gap)?;
        let judged = self.detector.judge(time_ms, y)?;
        let is_meant = match self.direction {
            Direction::Both => true,
            Direction::Up => y > judged.expected,
            Direction::Down => y < judged.expected,
        };
        let score = if is_meant { judged.score.value().min(MAX_SCORE) } else { 0.0 };
        let limit = self.alarms.limit(time_ms);
        self.alarms.decide(time_ms, Score::new(score), self.detector.view());
        Ok(Scored { score: Score::new(score / limit), ..judged })
    }
}

impl Scorer for Budgeted {
    fn warm_up(&self) -> usize {
        self.detector.warm_up()
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use lanner_testkit::check_scorer;

    use super::*;
    use crate::testing::mirrored_scores_agree;

    #[test]
    fn contract() {
        let new = || Budgeted::new(300_000, 1_767_225_600_000, 1.0, Direction::Both);
        check_scorer(new);
        mirrored_scores_agree(new, 0.0);
    }
}
