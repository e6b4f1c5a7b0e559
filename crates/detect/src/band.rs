//! `band`: the values of the last seasons at this time, as a median with a robust spread.
//!
//! Use it where a metric repeats and some of the past was wrong: up to half of the seasons it looks back to may
//! hold anomalies. It follows no trend; [`super::HoltWinters`] does, with less memory.

use std::collections::VecDeque;

use lanner_core::{Score, Scorer};

use super::robust::{MEAN_TO_STDDEV, median_and_spread};
use super::{
    MAX_STATE, NotScored, OUTSIDE_COUNTS, ParamError, Scored, SeriesDetector, require, require_count,
    score_of,
};

/// What [`Band`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `season_length` | steps of a season | 1440 (a day of minutes) | 1 or more |
/// | `n_seasons` | seasons to look back | 7 | 2 to 60; times `season_length` at most 2^20 |
/// | `width` | half the band, in standard deviations | 3 | above 0 |
/// | `min_width` | the least half width, in the unit of the series | 0 | 0 or above |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BandParams {
    /// Steps of a season.
    pub season_length: usize,
    /// Seasons to look back.
    pub n_seasons: usize,
    /// Half the band's width, in (robust) standard deviations.
    pub width: f64,
    /// The least half width, in the unit of the series.
    pub min_width: f64,
}

impl Default for BandParams {
    fn default() -> Self {
        Self { season_length: 1440, n_seasons: 7, width: 3.0, min_width: 0.0 }
    }
}

/// The few values at one time of the season say little of their spread: what is typical of all times weighs as
/// much as so many of them.
const N_TYPICAL: f64 = 6.0;

/// Scores the distance from the median of the last seasons at this time, in widths of the band.
///
/// - **Score:** `|y - median|` over `width` standard deviations. The spread at this time of the season (median
///   absolute deviation) is mixed with the mean deviation of recent values from their medians, because a
///   handful of values alone makes bands that are too narrow here and too wide there.
/// - **Rise and drop** of the same size score the same; a drop to 0 is one.
/// - **New levels** are anomalies until half of the seasons looked back to have them.
/// - **Missing:** at least half of the seasons, and two, need a value at this time.
/// - **Cost:** O(`n_seasons`) a step. State: `season_length * n_seasons` values.
#[derive(Debug, Clone)]
pub struct Band {
    params: BandParams,
    /// The latest last; NaN is a gap.
    past: VecDeque<f64>,
    /// Mean absolute deviation of recent values from their medians.
    typical: f64,
    n_typical: usize,
}

impl Band {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(params: BandParams) -> Result<Self, ParamError> {
        let BandParams { season_length, n_seasons, width, min_width } = params;
        require_count(n_seasons, 2, 60, "n_seasons", "2 to 60")?;
        let requirement = "1 to 1048576, divided by n_seasons";
        require_count(season_length, 1, MAX_STATE / n_seasons, "season_length", requirement)?;
        require(width > 0.0 && width.is_finite(), "width", "above 0", width)?;
        require(min_width >= 0.0 && min_width.is_finite(), "min_width", "0 or above", min_width)?;
        Ok(Self { params, past: VecDeque::new(), typical: 0.0, n_typical: 0 })
    }

    /// The values at this time of the last seasons.
    fn same_time(&self) -> Vec<f64> {
        let BandParams { season_length, n_seasons, .. } = self.params;
        let reached = (1..=n_seasons).map_while(|k| self.past.len().checked_sub(k * season_length));
        reached.map(|index| self.past[index]).filter(|y| !y.is_nan()).collect()
    }

    /// Standard deviation, of `n` values at this time and of typical ones.
    fn spread(&self, own: f64, n: usize) -> f64 {
        let n = n as f64 - 1.0; // one is used up by the median
        let weight = n / (n + N_TYPICAL);
        weight * own + (1.0 - weight) * self.typical * MEAN_TO_STDDEV
    }

    /// Lets `typical` follow over about one season.
    fn learn(&mut self, deviation: f64) {
        self.n_typical = (self.n_typical + 1).min(self.params.season_length.max(20));
        self.typical += (deviation.min(f64::MAX) - self.typical) / self.n_typical as f64;
    }

    fn remember(&mut self, y: f64) {
        if self.past.len() == self.params.season_length * self.params.n_seasons {
            self.past.pop_front();
        }
        self.past.push_back(y);
    }

    fn judge(&mut self, y: f64) -> Result<Scored, NotScored> {
        let BandParams { n_seasons, width, min_width, .. } = self.params;
        let warm = self.past.len() >= self.warm_up();
        let unjudged = if warm { NotScored::NothingToCompare } else { NotScored::WarmingUp };
        let mut values = self.same_time();
        let n = values.len();
        let (center, own) = median_and_spread(&mut values).ok_or(unjudged)?;
        let half_width = width * self.spread(own, n);
        let judgeable = warm && n >= 2 && n * 2 >= n_seasons;
        let deviation = (y - center).abs();
        let is_outside = judgeable && deviation > half_width;
        self.learn(if is_outside { deviation.min(OUTSIDE_COUNTS * half_width / width) } else { deviation });
        if judgeable { Ok(Scored::in_widths(y, center, half_width.max(min_width))) } else { Err(unjudged) }
    }
}

impl SeriesDetector for Band {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let y = y.filter(|y| y.is_finite());
        let judged = y.map_or(Err(NotScored::Gap), |y| self.judge(y));
        self.remember(y.unwrap_or(f64::NAN));
        judged
    }
}

impl Scorer for Band {
    fn warm_up(&self) -> usize {
        self.params.season_length * self.params.n_seasons.div_ceil(2).max(2)
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mirrored_scores_agree, noise};

    fn new() -> Band {
        Band::try_new(BandParams { season_length: 24, n_seasons: 5, ..BandParams::default() }).unwrap()
    }

    /// A day of 24 steps, with noise.
    fn normal(step: u64) -> f64 {
        100.0 + 50.0 * (step as f64 / 24.0 * std::f64::consts::TAU).sin() + noise(step)
    }

    /// Ten normal days.
    fn learned() -> (Band, u64) {
        let mut band = new();
        for step in 0..240 {
            let judged = band.step(Some(normal(step)));
            assert_eq!(judged.is_ok(), step >= 72);
            assert!(judged.is_err() || judged.unwrap().score.value() < 1.3, "{step}: {judged:?}");
        }
        (band, 240)
    }

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(new);
        mirrored_scores_agree(new, 50.0);
    }

    #[test]
    fn deviations() {
        #[track_caller]
        fn check(change: f64, at_least: f64) {
            let (mut band, step) = learned();
            let up = band.clone().push(normal(step) + change).unwrap().value();
            let down = band.push(normal(step) - change).unwrap().value();
            assert!(up.min(down) >= at_least, "{up} {down}");
        }
        check(10.0, 2.5);
        check(100.0, 30.0); // a drop to 0 among them
    }

    #[test]
    fn gaps_and_anomalies_do_not_spoil_the_next_seasons() {
        let (mut band, first) = learned();
        for step in first..first + 24 {
            let y = if step % 2 == 0 { None } else { Some(5_000.0) };
            assert!(band.step(y).map_or(true, |judged| judged.score.value() > 100.0));
        }
        for step in first + 24..first + 24 * 5 {
            let score = band.push(normal(step)).unwrap().value();
            assert!(score < 1.2, "{step}: {score}");
        }
    }

    #[test]
    fn a_new_level_is_known_after_half_of_the_seasons() {
        let (mut band, first) = learned();
        let scores: Vec<f64> =
            (first..first + 24 * 5).map(|step| band.push(normal(step) + 30.0).unwrap().value()).collect();
        assert!(scores[..48].iter().all(|score| *score > 3.0));
        assert!(scores[24 * 4..].iter().all(|score| *score < 1.5), "{scores:?}");
    }

    #[test]
    fn constant_zero_and_missing() {
        let mut band = new();
        for _ in 0..240 {
            assert!(band.push(0.0).is_none_or(|score| score == Score::ZERO));
        }
        assert!(band.push(1.0).unwrap().value() > 1e6);
        let mut band = new();
        for step in 0..240 {
            let _ = band.step((step % 24 != 7).then_some(5.0));
        }
        let judged: Vec<_> = (0..24).map(|_| band.step(Some(5.0)).map(|judged| judged.score)).collect();
        assert_eq!(judged[7], Err(NotScored::NothingToCompare));
        assert!(judged.iter().enumerate().all(|(step, judged)| step == 7 || *judged == Ok(Score::ZERO)));
    }

    #[test]
    fn parameters() {
        let refused = |season_length, n_seasons, width| {
            let params = BandParams { season_length, n_seasons, width, min_width: 0.0 };
            Band::try_new(params).unwrap_err().to_string()
        };
        assert_eq!(refused(0, 4, 3.0), "season_length should be 1 to 1048576, divided by n_seasons, found 0");
        assert_eq!(refused(24, 1, 3.0), "n_seasons should be 2 to 60, found 1");
        assert_eq!(refused(24, 4, 0.0), "width should be above 0, found 0");
    }
}
