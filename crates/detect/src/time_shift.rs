//! `time_shift`: a value against the same time before, such as one week ago.
//!
//! Use it when a metric repeats and whoever is notified should be able to check the sum: it needs one season of
//! history, and no model.

use std::collections::VecDeque;

use lanner_core::{Score, Scorer};

use super::robust::median;
use super::{MAX_STATE, NotScored, ParamError, Scored, SeriesDetector, require, require_count, score_of};

/// What [`TimeShift`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `shift` | steps to look back | 10080 (a week of minutes) | 1 or more |
/// | `median_of` | compare with the median of 1, 2, ... shifts ago | 1 | 1 to 60; times `shift` at most 2^20 |
/// | `floor` | smaller values count as this, so that 1 against 3 is no tripling | 0 | 0 or above |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeShiftParams {
    /// Steps to look back.
    pub shift: usize,
    /// How many shifts the median is taken of.
    pub median_of: usize,
    /// Smaller values (of either sign) count as this size when a change is put in proportion.
    pub floor: f64,
}

impl Default for TimeShiftParams {
    fn default() -> Self {
        Self { shift: 10_080, median_of: 1, floor: 0.0 }
    }
}

/// Scores the change in units of the smaller of the two values.
///
/// - **Score:** `|y - base| / max(floor, min(|y|, |base|))`. 1 is doubled or halved, 3 four times or a quarter.
/// - **Rise and drop:** from a to b scores like from b to a, and like from -a to -b.
/// - **Zero:** from or to 0 is infinite where there is no `floor`; from 0 to 0 is 0.
/// - **Missing:** a base needs at least half of the values it is the median of: [`NotScored::NothingToCompare`]
///   where gaps took them, [`NotScored::WarmingUp`] where the series is too short.
/// - **Cost:** O(`median_of`) a step. State: `shift * median_of` values.
#[derive(Debug, Clone)]
pub struct TimeShift {
    params: TimeShiftParams,
    /// The latest last; NaN is a gap.
    past: VecDeque<f64>,
}

impl TimeShift {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(params: TimeShiftParams) -> Result<Self, ParamError> {
        let TimeShiftParams { shift, median_of, floor } = params;
        require_count(median_of, 1, 60, "median_of", "1 to 60")?;
        require_count(shift, 1, MAX_STATE / median_of, "shift", "1 to 1048576, divided by median_of")?;
        require(floor >= 0.0 && floor.is_finite(), "floor", "0 or above", floor)?;
        Ok(Self { params, past: VecDeque::new() })
    }

    fn base(&self) -> Result<f64, NotScored> {
        let TimeShiftParams { shift, median_of, .. } = self.params;
        let len = self.past.len();
        let reached = (1..=median_of).map_while(|k| len.checked_sub(k * shift));
        let mut values: Vec<f64> = reached.map(|index| self.past[index]).filter(|y| !y.is_nan()).collect();
        if values.len() * 2 < median_of {
            let short = len < self.warm_up();
            return Err(if short { NotScored::WarmingUp } else { NotScored::NothingToCompare });
        }
        median(&mut values).ok_or(NotScored::NothingToCompare)
    }

    fn remember(&mut self, y: f64) {
        if self.past.len() == self.params.shift * self.params.median_of {
            self.past.pop_front();
        }
        self.past.push_back(y);
    }
}

/// The change in units of the smaller value.
fn judge(y: f64, base: f64, floor: f64) -> Scored {
    let smaller = |a: f64, b: f64| a.abs().min(b.abs()).max(floor);
    let score = if y == base { 0.0 } else { (y - base).abs() / smaller(y, base) };
    let (lower, upper) = range(base, floor, 1.0);
    Scored { score: Score::new(score), expected: base, lower, upper }
}

/// Between which values the score is at most `score`, which is above 0: from the base, such as 1 doubled or halved.
///
/// - `floor`: as [`TimeShiftParams::floor`]
#[must_use]
pub fn range(base: f64, floor: f64, score: f64) -> (f64, f64) {
    let away = score * base.abs().max(floor);
    let near = (base.abs() * score / (1.0 + score)).max(score * floor);
    // Beyond 0 by more than the floor, values grow as they do on the base's own side.
    let towards = if near > base.abs() + floor { away } else { near };
    let (up, down) = if base < 0.0 { (towards, away) } else { (away, towards) };
    (base - down, base + up)
}

impl SeriesDetector for TimeShift {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let base = self.base();
        let y = y.filter(|y| y.is_finite());
        self.remember(y.unwrap_or(f64::NAN));
        Ok(judge(y.ok_or(NotScored::Gap)?, base?, self.params.floor))
    }
}

impl Scorer for TimeShift {
    fn warm_up(&self) -> usize {
        self.params.shift * self.params.median_of.div_ceil(2)
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{last, mirrored_scores_agree};

    fn new(shift: usize, median_of: usize, floor: f64) -> TimeShift {
        TimeShift::try_new(TimeShiftParams { shift, median_of, floor }).unwrap()
    }

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(|| new(1, 1, 0.0));
        lanner_testkit::check_scorer(|| new(7, 4, 1.0));
        mirrored_scores_agree(|| new(7, 3, 2.0), 0.0);
    }

    #[test]
    fn changes() {
        #[track_caller]
        fn check(detector: &TimeShift, values: &str, expected: Result<f64, NotScored>) {
            let found = last(&mut detector.clone(), values).map(|judged| judged.score.value());
            assert_eq!(found, expected, "{values}");
        }
        let plain = new(2, 1, 0.0);
        check(&plain, "8 1", Err(NotScored::WarmingUp));
        check(&plain, "8 1 8", Ok(0.0));
        check(&plain, "8 1 16", Ok(1.0));
        check(&plain, "16 1 8", Ok(1.0)); // as the rise
        check(&plain, "-8 1 -16", Ok(1.0));
        check(&plain, "8 1 2", Ok(3.0));
        check(&plain, "8 1 0", Ok(f64::INFINITY));
        check(&plain, "0 1 8", Ok(f64::INFINITY));
        check(&plain, "0 1 0", Ok(0.0));
        check(&plain, "-4 1 4", Ok(2.0)); // farther than halved or doubled
        check(&plain, "_ 1 8", Err(NotScored::NothingToCompare));
        check(&plain, "8 1 _", Err(NotScored::Gap));
        let floored = new(2, 1, 10.0);
        check(&floored, "0 1 5", Ok(0.5));
        check(&floored, "1 1 3", Ok(0.2));
        check(&floored, "100 1 0", Ok(10.0));
        let weeks = new(2, 3, 0.0);
        check(&weeks, "8 1 99 1 8", Ok(5.6875));
        check(&weeks, "8 1 99 1 10 1 20", Ok(1.0)); // against 10
        check(&weeks, "8 1 _ 1 10 1 18", Ok(1.0)); // against 9, of two
        check(&weeks, "8 1 _ 1 _ 1 18", Err(NotScored::NothingToCompare));
    }

    #[test]
    fn the_band_is_where_the_score_is_one() {
        for (base, floor) in [(8.0, 0.0), (-8.0, 0.0), (8.0, 6.0), (1.0, 10.0), (0.0, 3.0)] {
            let band = judge(base, base, floor);
            for edge in [band.lower, band.upper] {
                assert_eq!(judge(edge, base, floor).score, Score::new(1.0), "{base} {floor}: {edge}");
            }
            for asked in [0.25, 3.0] {
                let (lower, upper) = range(base, floor, asked);
                let [low, high] = [lower, upper].map(|edge| judge(edge, base, floor).score.value());
                assert!(
                    (low - asked).abs() < 1e-9 && (high - asked).abs() < 1e-9,
                    "{base} {floor}: {low} {high}"
                );
            }
        }
    }

    #[test]
    fn parameters() {
        #[track_caller]
        fn check(shift: usize, median_of: usize, floor: f64, expected: &str) {
            let error = TimeShift::try_new(TimeShiftParams { shift, median_of, floor }).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
        check(0, 1, 0.0, "shift should be 1 to 1048576, divided by median_of, found 0");
        check(500_000, 4, 0.0, "shift should be 1 to 1048576, divided by median_of, found 500000");
        check(1, 61, 0.0, "median_of should be 1 to 60, found 61");
        check(1, 1, f64::NAN, "floor should be 0 or above, found NaN");
    }
}
