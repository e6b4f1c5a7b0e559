//! Converts timed values to steps.

use super::{NotScored, Scored, SeriesDetector};

/// Feeds a detector by time: missing steps become gaps, and a very long gap a fresh start.
///
/// ```
/// use lanner_detect::{TimeShift, TimeShiftParams, Timed, NotScored};
///
/// let last_minute = TimeShift::try_new(TimeShiftParams { shift: 1, ..TimeShiftParams::default() })?;
/// let mut timed = Timed::new(last_minute, 60, 1_000);
/// assert_eq!(timed.push(0, Some(5.0)), Err(NotScored::WarmingUp));
/// assert!(timed.push(60, Some(10.0)).is_ok());
/// assert_eq!(timed.push(180, Some(10.0)), Err(NotScored::NothingToCompare)); // nothing at 120
/// assert_eq!(timed.push(180, Some(11.0)), Err(NotScored::OutOfOrder));
/// # Ok::<(), lanner_detect::ParamError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Timed<D> {
    fresh: D,
    detector: D,
    step_s: i64,
    max_gap_steps: u32,
    /// The last step, counted in steps since 1970.
    last: Option<i64>,
}

impl<D: SeriesDetector + Clone> Timed<D> {
    /// `step_s` seconds a step (0 counts as 1). After more than `max_gap_steps` missing steps the detector
    /// starts afresh; this also bounds the cost of one call.
    pub fn new(fresh: D, step_s: u32, max_gap_steps: u32) -> Self {
        Self { detector: fresh.clone(), fresh, step_s: i64::from(step_s.max(1)), max_gap_steps, last: None }
    }

    /// The value at `time_s`, in seconds since 1970; it belongs to the step that holds the time.
    ///
    /// # Errors
    /// Why nothing can be said. A second value in a step, or one of an earlier step, changes nothing.
    pub fn push(&mut self, time_s: i64, y: Option<f64>) -> Result<Scored, NotScored> {
        let now = time_s.div_euclid(self.step_s);
        if let Some(last) = self.last {
            let n_missing = now.saturating_sub(last) - 1;
            if n_missing < 0 {
                return Err(NotScored::OutOfOrder);
            }
            if n_missing > i64::from(self.max_gap_steps) {
                self.detector = self.fresh.clone();
            } else {
                for _ in 0..n_missing {
                    let _ = self.detector.step(None);
                }
            }
        }
        self.last = Some(now);
        self.detector.step(y)
    }

    /// The detector as it is now.
    pub fn detector(&self) -> &D {
        &self.detector
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TimeShift, TimeShiftParams};

    #[test]
    fn long_gaps_start_afresh() {
        let shift = TimeShift::try_new(TimeShiftParams { shift: 2, ..TimeShiftParams::default() }).unwrap();
        let mut timed = Timed::new(shift, 10, 3);
        for step in 0..5 {
            let _ = timed.push(step * 10, Some(1.0));
        }
        assert!(timed.push(55, Some(1.0)).is_ok());
        assert_eq!(timed.push(110, Some(1.0)), Err(NotScored::WarmingUp));
        assert_eq!(timed.push(i64::MAX, Some(1.0)), Err(NotScored::WarmingUp));
        assert_eq!(timed.push(i64::MIN, Some(1.0)), Err(NotScored::OutOfOrder));
    }
}
