//! `holt_winters`: level, trend and season, each smoothed, and a band that knows its own width.
//!
//! Use it for metrics that repeat daily or weekly while their level drifts, such as payments per minute. One
//! number for the level, one for the trend, two for each step of the season.
//!
//! Differences from the textbook, each for a false alarm or a silence that it causes there:
//!
//! - Everything smoothed starts as a plain mean (`1/n` weighs until the smoothing factor does), so bands are
//!   neither too narrow in the first weeks nor drawn towards a start value that never was.
//! - The few deviations at one time of the season are mixed with those of all times.
//! - A gap changes nothing: the state coasts on its own forecast.
//! - A value outside the band moves the state only a little, so an anomaly neither hides the next one nor is
//!   repeated as a forecast one season later. What stays outside long enough becomes the new normal.
//!
//! # Source
//! P. R. Winters, "Forecasting sales by exponentially weighted moving averages", Management Science 6(3), 1960;
//! for bands, J. D. Brutlag, "Aberrant behavior detection in time series for network monitoring", LISA XIV,
//! 2000; for bounded influence, S. Gelper, R. Fried, C. Croux, "Robust forecasting with exponential and
//! Holt-Winters smoothing", Journal of Forecasting 29(3), 2010.

use lanner_core::{Score, Scorer};

use super::robust::MEAN_TO_STDDEV;
use super::season::{self, Season};
use super::{
    MAX_STATE, NotScored, OUTSIDE_COUNTS, ParamError, Scored, SeriesDetector, require, require_count,
    score_of,
};

/// What [`HoltWinters`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `season_length` | steps of a season; 1 for none | 1440 (a day of minutes) | 1 to 2^20 |
/// | `alpha` | weight of the newest value in the level | 0.1 | 0.001 to 1 |
/// | `beta` | weight of the newest change in the trend | 0.0035 | 0 to 1 |
/// | `gamma` | weight of the newest season in season and deviation | 0.1 | 0.01 to 1 |
/// | `width` | half the band, in standard deviations | 3 | above 0 |
/// | `min_width` | the least half width, in the unit of the series | 0 | 0 or above |
/// | `limit` | how far off a value outside the band counts, in standard deviations | 1 | 0 to `width` |
/// | `accept_after` | values outside on one side in a row that make a new level | 1440 | 1 or more |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoltWintersParams {
    /// Steps of a season; 1 for none.
    pub season_length: usize,
    /// Weight of the newest value in the level.
    pub alpha: f64,
    /// Weight of the newest change of level in the trend.
    pub beta: f64,
    /// Weight of the newest season in the season's shape and in the deviations.
    pub gamma: f64,
    /// Half the band's width, in standard deviations.
    pub width: f64,
    /// The least half width, in the unit of the series.
    pub min_width: f64,
    /// How far off a value outside the band counts for level, trend and season, in standard deviations.
    pub limit: f64,
    /// Values outside on one side, one after the other, that make a new level.
    pub accept_after: usize,
}

impl Default for HoltWintersParams {
    fn default() -> Self {
        Self::seasonal(1440)
    }
}

impl HoltWintersParams {
    /// The defaults for a season of `season_length` steps. A new level is accepted after one season (and after
    /// 60 steps where there is none).
    #[must_use]
    pub fn seasonal(season_length: usize) -> Self {
        Self {
            season_length,
            alpha: 0.1,
            beta: 0.0035,
            gamma: 0.1,
            width: 3.0,
            min_width: 0.0,
            limit: 1.0,
            accept_after: season_length.max(60),
        }
    }
}

/// The deviation over all times weighs as much as this many seasons' at one time.
const N_OVERALL: f64 = 3.0;

/// Steps after the first season before a band is believed, where a season is shorter than this.
const MIN_JUDGED_AFTER: usize = 12;

/// Scores the distance from the forecast of one step ahead, in widths of the band.
///
/// - **Score:** `|y - forecast|` over `width` standard deviations at this time of the season.
/// - **Rise and drop** of the same size score the same; a drop to 0 is one.
/// - **New:** two seasons of warm-up (one, and 12 steps, where seasons are shorter than 12).
/// - **Missing:** the state coasts. A time of the season that never had a value is
///   [`NotScored::NothingToCompare`], once.
/// - **New levels** are anomalies until the level has crept there or `accept_after` values were outside.
/// - **Constant** series have no band: any change scores very high; `min_width` says what is too little.
/// - **Cost:** O(1) a step. State: 17 bytes for each step of the season (24 KB for a day of minutes).
///
/// ```
/// use lanner_core::Scorer;
/// use lanner_detect::{HoltWinters, HoltWintersParams};
///
/// let mut detector = HoltWinters::try_new(HoltWintersParams::seasonal(24))?;
/// let hourly = |hour: i32| f64::from((hour % 24 - 12).abs() + hour * 7919 % 3);
/// assert!((0..480).all(|hour| detector.push(hourly(hour)).is_none_or(|score| score.value() < 1.0)));
/// assert!(detector.push(hourly(480) + 20.0).unwrap().value() > 2.0);
/// # Ok::<(), lanner_detect::ParamError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HoltWinters {
    params: HoltWintersParams,
    /// Steps seen, gaps included.
    n_steps: usize,
    /// Where in the season the next step lies.
    phase: usize,
    level: f64,
    /// Values that made the level; stops counting where that no longer matters.
    n_level: u32,
    trend: f64,
    slots: Slots,
    /// Mean absolute error over about one season.
    overall: f64,
    n_overall: usize,
    /// Values outside the band in a row; negative below it.
    outside: isize,
    /// Gaps in a row.
    n_gaps: usize,
}

/// One entry for each step of the season.
#[derive(Debug, Clone)]
struct Slots {
    /// Offset from the level; in the first season, the value itself.
    season: Vec<f64>,
    /// Mean absolute error.
    deviation: Vec<f64>,
    /// Values seen; stops counting where that no longer matters.
    n_seen: Vec<u8>,
}

impl HoltWinters {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(params: HoltWintersParams) -> Result<Self, ParamError> {
        let p = &params;
        require_count(p.season_length, 1, MAX_STATE, "season_length", "1 to 1048576")?;
        require((0.001..=1.0).contains(&p.alpha), "alpha", "0.001 to 1", p.alpha)?;
        require((0.0..=1.0).contains(&p.beta), "beta", "0 to 1", p.beta)?;
        require((0.01..=1.0).contains(&p.gamma), "gamma", "0.01 to 1", p.gamma)?;
        require(p.width > 0.0 && p.width.is_finite(), "width", "above 0", p.width)?;
        require(p.min_width >= 0.0 && p.min_width.is_finite(), "min_width", "0 or above", p.min_width)?;
        require((0.0..=p.width).contains(&p.limit), "limit", "0 to width", p.limit)?;
        require_count(p.accept_after, 1, isize::MAX as usize, "accept_after", "1 or more")?;
        let n = params.season_length;
        let slots = Slots { season: vec![0.0; n], deviation: vec![0.0; n], n_seen: vec![0; n] };
        Ok(Self {
            params,
            n_steps: 0,
            phase: 0,
            level: 0.0,
            n_level: 0,
            trend: 0.0,
            slots,
            overall: 0.0,
            n_overall: 0,
            outside: 0,
            n_gaps: 0,
        })
    }

    /// A detector that has seen `history` (oldest first at steps of `step_s` seconds; NaN is a gap), with the
    /// season found in it, or none.
    ///
    /// # Errors
    /// None with `params` that [`HoltWinters::try_new`] accepts; `season_length` and `accept_after` are replaced.
    pub fn from_history(
        params: HoltWintersParams,
        history: &[f64],
        step_s: u32,
    ) -> Result<(Self, Option<Season>), ParamError> {
        let season = season::find(history, step_s);
        let HoltWintersParams { season_length, accept_after, .. } =
            HoltWintersParams::seasonal(season.map_or(1, |season| season.length));
        let mut detector = Self::try_new(HoltWintersParams { season_length, accept_after, ..params })?;
        for y in history {
            let _ = detector.step(Some(*y));
        }
        Ok((detector, season))
    }

    /// What the next value is expected to be; `None` in the first season.
    #[must_use]
    pub fn forecast(&self) -> Option<f64> {
        self.started().then(|| self.level + self.trend + self.slots.season[self.phase])
    }

    fn started(&self) -> bool {
        self.n_steps >= self.params.season_length && self.n_level > 0
    }

    /// Learns the first season: its mean becomes the level, its values the season.
    fn first_season(&mut self, slot: usize, y: Option<f64>) {
        if let Some(y) = y {
            self.slots.season[slot] = y;
            self.slots.n_seen[slot] = 1;
            self.n_level += 1;
            self.level += (y - self.level) / f64::from(self.n_level);
        }
        if self.n_steps == self.params.season_length {
            if self.n_level == 0 {
                self.n_steps = 0; // nothing at all in it: this was no season
            }
            for (season, n_seen) in self.slots.season.iter_mut().zip(&self.slots.n_seen) {
                *season = if *n_seen == 0 { 0.0 } else { *season - self.level };
            }
        }
    }

    /// Goes on without a value. Longer than a season, a trend is no longer believed.
    fn coast(&mut self) {
        self.n_gaps += 1;
        if self.n_gaps > self.params.season_length {
            self.trend = 0.0;
        }
        self.level += self.trend;
    }

    /// Standard deviation of the errors at one time of the season.
    fn spread(&self, slot: usize) -> f64 {
        // The first value at a time makes the season; errors begin with the second.
        let n = f64::from(self.slots.n_seen[slot].saturating_sub(1));
        let weight = n / (n + N_OVERALL);
        (weight * self.slots.deviation[slot] + (1.0 - weight) * self.overall) * MEAN_TO_STDDEV
    }

    /// Learns from a value that was `error` above its forecast. For the state it counts as `counted`; for the
    /// deviations as at most `most`.
    fn learn(&mut self, slot: usize, error: f64, counted: f64, most: f64) {
        let HoltWintersParams { alpha, beta, gamma, season_length, .. } = self.params;
        let n_seen = self.slots.n_seen[slot];
        let deviation = error.abs().min(most).min(f64::MAX);
        let of_errors = gamma.max(1.0 / f64::from(n_seen));
        self.slots.deviation[slot] += of_errors * (deviation - self.slots.deviation[slot]);
        self.n_overall = (self.n_overall + 1).min(season_length.max(50));
        self.overall += (deviation - self.overall) / self.n_overall as f64;
        self.slots.n_seen[slot] = n_seen.saturating_add(1);

        self.n_level = self.n_level.saturating_add(1);
        let alpha = alpha.max(1.0 / f64::from(self.n_level));
        let of_seasons = gamma.max(1.0 / (f64::from(n_seen) + 1.0));
        self.level += self.trend + alpha * counted;
        self.trend += alpha * beta * counted;
        if season_length > 1 {
            self.slots.season[slot] += of_seasons * (1.0 - alpha) * counted;
        }
    }

    /// Whether a value outside the band is one too many in a row on this side.
    fn accepted(&mut self, error: f64) -> bool {
        let side = if error < 0.0 { -1 } else { 1 };
        self.outside = if self.outside.signum() == side { self.outside + side } else { side };
        let accepted = self.outside.unsigned_abs() > self.params.accept_after;
        if accepted {
            self.outside = 0;
        }
        accepted
    }

    fn judge(&mut self, slot: usize, y: f64, warm: bool) -> Result<Scored, NotScored> {
        self.n_gaps = 0;
        if self.slots.n_seen[slot] == 0 {
            self.level += self.trend;
            self.slots.season[slot] = y - self.level;
            self.slots.n_seen[slot] = 1;
            return Err(if warm { NotScored::NothingToCompare } else { NotScored::WarmingUp });
        }
        let forecast = self.level + self.trend + self.slots.season[slot];
        let error = y - forecast;
        if !warm {
            self.learn(slot, error, error, f64::INFINITY);
            return Err(NotScored::WarmingUp);
        }
        let HoltWintersParams { width, min_width, limit, .. } = self.params;
        let spread = self.spread(slot);
        let judged = Scored::in_widths(y, forecast, (width * spread).max(min_width));
        if error.abs() <= judged.upper - judged.expected {
            self.outside = 0;
            self.learn(slot, error, error, f64::INFINITY);
        } else if self.accepted(error) {
            self.level += self.trend + error;
        } else {
            self.learn(slot, error, (limit * spread).copysign(error), OUTSIDE_COUNTS * spread);
        }
        Ok(judged)
    }
}

impl SeriesDetector for HoltWinters {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let y = y.filter(|y| y.is_finite());
        let warm = self.n_steps >= self.warm_up();
        let started = self.started();
        let slot = self.phase;
        self.n_steps = self.n_steps.saturating_add(1);
        self.phase = (slot + 1) % self.params.season_length;
        match y {
            _ if !started => {
                self.first_season(slot, y);
                Err(if y.is_some() { NotScored::WarmingUp } else { NotScored::Gap })
            }
            Some(y) => self.judge(slot, y, warm),
            None => {
                self.coast();
                Err(NotScored::Gap)
            }
        }
    }
}

impl Scorer for HoltWinters {
    fn warm_up(&self) -> usize {
        self.params.season_length + self.params.season_length.max(MIN_JUDGED_AFTER)
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mirrored_scores_agree, noise};

    fn new(season_length: usize) -> HoltWinters {
        HoltWinters::try_new(HoltWintersParams::seasonal(season_length)).unwrap()
    }

    /// A day of 24 steps, with noise.
    fn normal(step: u64) -> f64 {
        100.0 + 50.0 * (step as f64 / 24.0 * std::f64::consts::TAU).sin() + noise(step)
    }

    /// Twenty normal days.
    fn learned() -> HoltWinters {
        let mut detector = new(24);
        for step in 0..FIRST {
            let judged = detector.step(Some(normal(step)));
            assert_eq!(judged.is_ok(), step >= 48);
            assert!(judged.is_err() || judged.unwrap().score.value() < 1.0, "{step}: {judged:?}");
        }
        detector
    }

    const FIRST: u64 = 480;

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(|| new(24));
        lanner_testkit::check_scorer(|| new(1));
        mirrored_scores_agree(|| new(12), 50.0);
        mirrored_scores_agree(|| new(1), 0.0);
    }

    #[test]
    fn bands_are_as_wide_as_asked_from_the_start() {
        // Even noise in [-1, 1) has a mean deviation of 0.5; forecasts err a little more.
        let mut detector = new(24);
        let mut half_widths = Vec::new();
        for step in 0..24 * 20 {
            if let Ok(judged) = detector.step(Some(normal(step))) {
                half_widths.push((judged.upper - judged.lower) / 2.0);
            }
        }
        for (day, widths) in half_widths.chunks(24).enumerate() {
            let mean = widths.iter().sum::<f64>() / 24.0;
            assert!((1.8..3.2).contains(&mean), "day {day}: {mean}");
        }
    }

    #[test]
    fn deviations() {
        #[track_caller]
        fn check(change: f64, at_least: f64) {
            let mut detector = learned();
            let up = detector.clone().push(normal(FIRST) + change).unwrap().value();
            let down = detector.push(normal(FIRST) - change).unwrap().value();
            assert!(up.min(down) >= at_least, "{up} {down}");
        }
        check(10.0, 3.0);
        check(100.0, 30.0); // a drop to 0 among them
    }

    #[test]
    fn neither_gaps_nor_spikes_return_a_season_later() {
        let mut detector = learned();
        for step in FIRST..FIRST + 24 {
            let y = if step % 2 == 0 { None } else { Some(normal(step) + 1_000.0) };
            assert!(detector.step(y).map_or(true, |judged| judged.score.value() > 100.0));
        }
        for step in FIRST + 24..FIRST + 24 * 4 {
            let score = detector.push(normal(step)).unwrap().value();
            assert!(score < 1.5, "{step}: {score}");
        }
    }

    #[test]
    fn a_sustained_change_is_not_absorbed_at_once() {
        let mut detector = learned();
        let scores: Vec<f64> =
            (FIRST..FIRST + 480).map(|step| detector.push(normal(step) + 40.0).unwrap().value()).collect();
        assert!(scores[..60].iter().all(|score| *score > 1.0), "{scores:?}");
        assert!(scores[240..].iter().all(|score| *score < 1.0), "{scores:?}");
    }

    #[test]
    fn weekends_are_no_anomalies_with_a_weekly_season() {
        let weekly = |hour: u64| if hour / 24 % 7 < 5 { normal(hour) } else { 20.0 + noise(hour) };
        let mut detector = new(168);
        for hour in 0..168 * 6 {
            let score = detector.push(weekly(hour));
            assert!(score.is_none_or(|score| score.value() < 1.5), "{hour}: {score:?}");
        }
        assert!(detector.push(20.0).unwrap().value() > 3.0); // a Monday like a Sunday
    }

    #[test]
    fn constant_zero_and_new_levels() {
        for constant in [0.0, 0.1, 42.0] {
            let mut detector = new(24);
            assert!((0..200).all(|_| detector.push(constant).is_none_or(|score| score == Score::ZERO)));
            let scores: Vec<f64> = (0..100).map(|_| detector.push(constant + 1.0).unwrap().value()).collect();
            assert!(scores[..60].iter().all(|score| *score > 1.0));
            assert!(scores[61..].iter().all(|score| *score < 1.0), "{scores:?}");
        }
    }

    #[test]
    fn a_first_season_with_gaps() {
        let mut detector = new(24);
        assert!((0..96).all(|_| detector.step(None) == Err(NotScored::Gap)));
        for step in 0..48 {
            let y = (step % 24 != 7).then(|| normal(step));
            assert!(detector.step(y).is_err());
        }
        let judged: Vec<_> = (48..96).map(|step| detector.step(Some(normal(step)))).collect();
        let unknown = judged.iter().position(|judged| *judged == Err(NotScored::NothingToCompare));
        assert_eq!(judged.iter().filter(|judged| judged.is_err()).count(), 1, "at {unknown:?}");
        assert!(judged.iter().flatten().all(|judged| judged.score.value() < 1.5));
    }

    #[test]
    fn the_season_can_be_found() {
        let history: Vec<f64> = (0..480).map(normal).collect();
        let (detector, season) =
            HoltWinters::from_history(HoltWintersParams::default(), &history, 3600).unwrap();
        assert_eq!(season.unwrap().length, 24);
        assert!((detector.forecast().unwrap() - normal(480)).abs() < 2.0);
        let flat = HoltWinters::from_history(HoltWintersParams::default(), &[3.0; 100], 3600).unwrap();
        assert_eq!((flat.0.forecast(), flat.1), (Some(3.0), None));
    }

    #[test]
    fn parameters() {
        #[track_caller]
        fn check(change: fn(&mut HoltWintersParams), expected: &str) {
            let mut params = HoltWintersParams::default();
            change(&mut params);
            assert_eq!(HoltWinters::try_new(params).unwrap_err().to_string(), expected);
        }
        check(|p| p.season_length = 0, "season_length should be 1 to 1048576, found 0");
        check(|p| p.alpha = 0.0, "alpha should be 0.001 to 1, found 0");
        check(|p| p.beta = 2.0, "beta should be 0 to 1, found 2");
        check(|p| p.gamma = f64::NAN, "gamma should be 0.01 to 1, found NaN");
        check(|p| p.limit = 4.0, "limit should be 0 to width, found 4");
        check(|p| p.accept_after = 0, "accept_after should be 1 or more, found 0");
    }
}
