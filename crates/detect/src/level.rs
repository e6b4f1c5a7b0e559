//! `level`: whether the latest values are on a different level than those before.
//!
//! Use it for steps: a leak that begins, a queue that stops draining, traffic that moved away. Single spikes do
//! not move it, and seasons longer than its windows look like changes of level; use [`super::HoltWinters`] there.

use std::collections::VecDeque;

use lanner_core::{Score, Scorer};

use super::robust::{median, median_and_spread};
use super::{MAX_STATE, NotScored, ParamError, Scored, SeriesDetector, require, require_count, score_of};

/// What [`Level`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `reference` | steps of the window before | 120 | 4 to 1,000,000 |
/// | `recent` | steps of the latest window | 10 | 1 or more, at most `reference` |
/// | `width` | half the band, in standard deviations of the reference | 3 | above 0 |
/// | `min_width` | the least half width, in the unit of the series | 0 | 0 or above |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelParams {
    /// Steps of the window before.
    pub reference: usize,
    /// Steps of the latest window.
    pub recent: usize,
    /// Half the band's width, in (robust) standard deviations of the reference.
    pub width: f64,
    /// The least half width, in the unit of the series.
    pub min_width: f64,
}

impl Default for LevelParams {
    fn default() -> Self {
        Self { reference: 120, recent: 10, width: 3.0, min_width: 0.0 }
    }
}

/// Scores the distance between the medians of two adjacent windows, in widths of the band.
///
/// - **Score:** `|median(recent) - median(reference)|` over `width` standard deviations of the reference,
///   estimated from its median absolute deviation. A step is seen once half of `recent` is on the new level, and
///   until half of `reference` is.
/// - **Rise and drop** of the same size score the same.
/// - **Constant** references have no spread: any change scores very high; `min_width` says what is too little.
/// - **Missing:** each window needs at least half of its values.
/// - **Cost:** O(`reference`) a step. State: both windows.
#[derive(Debug, Clone)]
pub struct Level {
    params: LevelParams,
    /// Both windows, the latest last; NaN is a gap.
    window: VecDeque<f64>,
}

impl Level {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(params: LevelParams) -> Result<Self, ParamError> {
        let LevelParams { reference, recent, width, min_width } = params;
        require_count(reference, 4, MAX_STATE - 48_576, "reference", "4 to 1000000")?;
        require_count(recent, 1, reference, "recent", "1 or more, and at most reference")?;
        require(width > 0.0 && width.is_finite(), "width", "above 0", width)?;
        require(min_width >= 0.0 && min_width.is_finite(), "min_width", "0 or above", min_width)?;
        Ok(Self { params, window: VecDeque::new() })
    }

    fn judge(&self) -> Result<Scored, NotScored> {
        let LevelParams { reference, recent, width, min_width } = self.params;
        let present = |y: &f64| !y.is_nan();
        let mut before: Vec<f64> = self.window.iter().take(reference).copied().filter(present).collect();
        let mut now: Vec<f64> = self.window.iter().skip(reference).copied().filter(present).collect();
        if before.len() * 2 < reference || now.len() * 2 < recent {
            return Err(NotScored::NothingToCompare);
        }
        let (level, spread) = median_and_spread(&mut before).ok_or(NotScored::NothingToCompare)?;
        let now = median(&mut now).ok_or(NotScored::NothingToCompare)?;
        Ok(Scored::in_widths(now, level, (width * spread).max(min_width)))
    }
}

impl SeriesDetector for Level {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let y = y.filter(|y| y.is_finite());
        let full = self.params.reference + self.params.recent;
        self.window.push_back(y.unwrap_or(f64::NAN));
        if self.window.len() > full {
            self.window.pop_front();
        }
        match y {
            None => Err(NotScored::Gap),
            Some(_) if self.window.len() < full => Err(NotScored::WarmingUp),
            Some(_) => self.judge(),
        }
    }
}

impl Scorer for Level {
    fn warm_up(&self) -> usize {
        self.params.reference + self.params.recent - 1
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{last, mirrored_scores_agree};

    fn new() -> Level {
        let params = LevelParams { reference: 8, recent: 4, width: 3.0, min_width: 0.0 };
        Level::try_new(params).unwrap()
    }

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(new);
        lanner_testkit::check_scorer(|| Level::try_new(LevelParams::default()).unwrap());
        mirrored_scores_agree(new, 50.0);
    }

    #[test]
    fn levels() {
        #[track_caller]
        fn check(values: &str, expected: Result<[f64; 2], NotScored>) {
            let found = last(&mut new(), values).map(|judged| judged.score.value());
            let fits = match (found, expected) {
                (Ok(score), Ok([low, high])) => low <= score && score <= high,
                (found, expected) => found.err() == expected.err(),
            };
            assert!(fits, "{values}: {found:?} is not in {expected:?}");
        }
        const BEFORE: &str = "9 11 9 11 10 12 8 10";
        check("9 11 9 11 10 12 8 10 9 11 10", Err(NotScored::WarmingUp));
        let after = |values: &str| format!("{BEFORE} {values}");
        check(&after("9 11 10 10"), Ok([0.0, 0.2]));
        check(&after("10 10 90 10"), Ok([0.0, 0.2])); // a spike is no level
        check(&after("10 10 10 90"), Ok([0.0, 0.2]));
        check(&after("30 30 30 30"), Ok([3.9, 4.1])); // 20 in units of 3 * 1.4826 * 1.129
        check(&after("-10 -10 -10 -10"), Ok([3.9, 4.1]));
        check(&after("0 0 0 0"), Ok([1.9, 2.1])); // an outage
        check(&after("30 _ _ 30"), Ok([3.9, 4.1]));
        check(&after("_ _ _ 30"), Err(NotScored::NothingToCompare));
        check(&after("30 30 30 _"), Err(NotScored::Gap));
        check(&after("30x12"), Ok([0.0, 0.0])); // the new normal
        check("0x12", Ok([0.0, 0.0]));
        check("7x12", Ok([0.0, 0.0]));
        check("7x8 8x4", Ok([1e6, f64::INFINITY])); // never moved before
    }

    #[test]
    fn what_is_too_little_can_be_said() {
        let mut level = Level::try_new(LevelParams { min_width: 2.0, ..new().params }).unwrap();
        assert_eq!(last(&mut level, "7x8 8x4").unwrap().score, Score::new(0.5));
    }

    #[test]
    fn parameters() {
        #[track_caller]
        fn check(change: fn(&mut LevelParams), expected: &str) {
            let mut params = LevelParams::default();
            change(&mut params);
            assert_eq!(Level::try_new(params).unwrap_err().to_string(), expected);
        }
        check(|p| p.reference = 3, "reference should be 4 to 1000000, found 3");
        check(|p| p.recent = 121, "recent should be 1 or more, and at most reference, found 121");
        check(|p| p.width = f64::NAN, "width should be above 0, found NaN");
        check(|p| p.min_width = -1.0, "min_width should be 0 or above, found -1");
    }
}
