//! One detector for any series, without parameters.
//!
//! Use it when nothing is known of a series, or to look through many. It judges a sample only by those before
//! it. Where a limit is known, a rule with that limit is better.
//!
//! How it works, in three steps, a file each:
//!
//! 1. `forecast`: what the sample should be. Three forecasts compete, the recent level, the usual value at this time
//!    of the day, and at this time of the week; the one that erred least lately wins.
//! 2. `watch`: how far the sample is from that, alone and as a mean over the last 24 samples: a spike, or a shift.
//! 3. `limit`: the farthest of the last 6,000 samples. The score is how many times farther we are now, so
//!    that 1 means "as far as ever", whatever the unit, the noise or its distribution.
//!
//! A score above 1 is strange; [`Alarms`] says when to speak of it. How well that works, and where it does not, is in
//! `docs/detectors.md`.
//!
//! **Invariants:** about 14 KB of state, whatever comes; constants were chosen once, with half of the NAB corpus in view,
//! and are the same for every series.

mod alarms;
mod forecast;
mod limit;
mod watch;

use lanner_core::{Score, Scorer};

use self::forecast::{Forecasts, N_FORECASTS};
use self::watch::Watch;
use super::{NotScored, Scored, SeriesDetector, score_of};

pub use alarms::Alarms;

/// Larger samples are taken for this large, so that no difference or sum is infinite.
const LARGEST: f64 = 1e300;

/// A detector for any series: how many times farther from what was expected is this sample than ever in memory?
///
/// - **Score:** 0 as expected, 1 as far as ever, infinite for the first change of a series that never changed.
/// - **Rise and drop:** of the same size score the same.
/// - **Zero:** is a value like any other.
/// - **Missing:** gaps are skipped. A day or a week is still known after a long one, the level is that before.
/// - **Band:** a sample outside of `lower..=upper` scores above 1. When a shift is so large that any sample
///   would, the band is a line.
/// - **Cost:** about a microsecond a sample. State: 14 KB.
///
/// ```
/// use lanner_detect::automatic::{Alarms, Automatic};
///
/// let (mut detector, mut alarms) = (Automatic::default(), Alarms::default());
/// let usual = |minute: i64| (minute % 10) as f64; // something that repeats
/// for minute in 0..200 {
///     if let Ok(judged) = detector.judge(minute * 60_000, usual(minute)) {
///         assert!(!alarms.raise(judged.score));
///     }
/// }
/// let judged = detector.judge(200 * 60_000, 40.0)?;
/// assert!(judged.upper < 40.0 && judged.score.value() > 3.0 && alarms.raise(judged.score));
/// # Ok::<(), lanner_detect::NotScored>(())
/// ```
#[derive(Debug, Clone)]
pub struct Automatic {
    warm_up: usize,
    forecasts: Forecasts,
    /// One a forecast.
    watches: [Watch; N_FORECASTS],
    n_seen: usize,
    step_ms: Option<i64>,
    last_ms: i64,
}

/// The constants, for measuring how much they matter. The program uses the default ones only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constants {
    /// Samples whose mean distance is looked at, to find shifts. The warm-up is twice as long, and 2.
    pub together: usize,
    /// Samples that the level, and how well each forecast did, are averaged over.
    pub recent: usize,
    /// Samples among which none was farther, for a score above 1.
    pub memory: usize,
}

impl Default for Constants {
    fn default() -> Self {
        Self { together: 24, recent: 300, memory: 6_000 }
    }
}

impl Default for Automatic {
    fn default() -> Self {
        Self::with(Constants::default())
    }
}

impl Automatic {
    /// A detector whose [`step`](SeriesDetector::step) takes samples as `step_ms` apart, so that it learns days and weeks.
    ///
    /// [`judge`](Self::judge) needs no step. Without step and times there is only the level.
    #[must_use]
    pub fn every(step_ms: i64) -> Self {
        Self { step_ms: Some(step_ms), ..Self::default() }
    }

    /// A detector with other constants; each is taken for at least 1.
    #[must_use]
    pub fn with(constants: Constants) -> Self {
        let Constants { together, recent, memory } = constants;
        let together = together.max(1);
        Self {
            // One for a level to be known, then what a watch needs, then one more to judge.
            warm_up: 2 * together + 2,
            forecasts: Forecasts::new(recent),
            watches: std::array::from_fn(|_| Watch::new(together, recent, memory)),
            n_seen: 0,
            step_ms: None,
            last_ms: 0,
        }
    }

    /// Judges the newest sample by those before it, and learns from it.
    ///
    /// - `time_ms`: when it was measured, in milliseconds since the Unix epoch (UTC). Steps need not be equal.
    /// - `y`: the sample, in any unit.
    ///
    /// # Errors
    /// [`NotScored::WarmingUp`] for the first 50 samples, [`NotScored::Gap`] for one that is not finite.
    pub fn judge(&mut self, time_ms: i64, y: f64) -> Result<Scored, NotScored> {
        self.last_ms = time_ms;
        self.learn(Some(time_ms), y)
    }

    fn learn(&mut self, time_ms: Option<i64>, y: f64) -> Result<Scored, NotScored> {
        if !y.is_finite() {
            return Err(NotScored::Gap);
        }
        let y = y.clamp(-LARGEST, LARGEST);
        let forecasts = self.forecasts.at(time_ms);
        self.forecasts.learn(time_ms, y);
        self.n_seen = self.n_seen.saturating_add(1);
        let mut best = None;
        for (forecast, watch) in forecasts.into_iter().zip(&mut self.watches) {
            let Some(forecast) = forecast else { continue };
            let (is_ready, error) = (watch.is_ready(), watch.recent_error());
            let judged = watch.judge(y, forecast);
            if is_ready && best.is_none_or(|(_, least)| error < least) {
                best = Some((judged, error));
            }
        }
        match best {
            Some((judged, _)) if self.n_seen > self.warm_up => Ok(judged),
            _ => Err(NotScored::WarmingUp),
        }
    }
}

impl SeriesDetector for Automatic {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let time_ms = self.step_ms.map(|step_ms| self.last_ms.saturating_add(step_ms));
        self.last_ms = time_ms.unwrap_or_default();
        self.learn(time_ms, y.unwrap_or(f64::NAN))
    }
}

impl Scorer for Automatic {
    fn warm_up(&self) -> usize {
        self.warm_up
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use lanner_testkit::check_scorer;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{mirrored_scores_agree, noise};

    const STEP_MS: i64 = 300_000;
    /// Samples of a day.
    const DAY: u64 = 288;

    #[test]
    fn contract() {
        check_scorer(Automatic::default);
        check_scorer(|| Automatic::every(STEP_MS));
        check_scorer(|| Automatic::every(0));
        mirrored_scores_agree(|| Automatic::every(STEP_MS), 0.0);
    }

    /// The samples at which alarms are raised.
    fn alarms(n: u64, sample: impl Fn(u64) -> f64) -> Vec<u64> {
        let (mut detector, mut alarms) = (Automatic::default(), Alarms::default());
        let mut judge = |t: u64| detector.judge(t as i64 * STEP_MS, sample(t));
        (0..n).filter(|&t| judge(t).is_ok_and(|judged| alarms.raise(judged.score))).collect()
    }

    #[test]
    fn quiet_series() {
        #[track_caller]
        fn check(sample: impl Fn(u64) -> f64, expected: &[u64]) {
            assert_eq!(alarms(1_000, sample), expected);
        }
        check(|_| 0.0, &[]);
        check(|_| 0.1, &[]);
        check(|t| (t % 6) as f64, &[]);
        check(|t| if t == 700 { 0.1 + 1e-16 } else { 0.1 }, &[]); // rounding
        check(|t| if t == 700 { f64::NAN } else { 7.0 }, &[]);
        check(|t| if t < 700 { 42.0 } else { 43.0 }, &[700]); // a first change, said once
        check(|t| if t < 700 { 42.0 } else { 0.0 }, &[700]); // an outage
    }

    /// Made series with something at sample 4,000: an alarm is raised there, and seldom before.
    #[test]
    fn noisy_series() {
        #[track_caller]
        fn check(sample: impl Fn(u64) -> f64, at_most: u64) {
            let found = alarms(4_500, |t| noise(t) + sample(t));
            let n_before = found.iter().filter(|&&t| t < 4_000).count();
            let delay = found.iter().find(|&&t| t >= 4_000).map(|t| t - 4_000);
            assert!(n_before <= 4 && delay.is_some_and(|delay| delay <= at_most), "{found:?}");
        }
        let day = |t: u64| 10.0 * (t as f64 * std::f64::consts::TAU / DAY as f64).sin();
        let from = |t: u64, size: f64| if t >= 4_000 { size } else { 0.0 };
        //    something                                     found within
        check(|t| if t == 4_000 { 4.0 } else { 0.0 }, 0); // a spike
        check(|t| if t == 4_000 { -4.0 } else { 0.0 }, 0);
        check(|t| from(t, 1.0), 24); // a shift within the noise
        check(|t| day(t) + from(t, 3.0), 10);
        check(|t| if t < 4_000 { day(t) } else { 5.0 }, DAY / 2); // a day that did not come
        check(|t| if matches!(t, 2_000 | 4_000) { t as f64 / 100.0 } else { 0.0 }, 0); // the second is higher
    }

    proptest! {
        #[test]
        fn samples_outside_the_band_score_above_1(seed in any::<u16>(), shift in -3.0..3.0, now in -9.0..9.0) {
            let mut detector = Automatic::default();
            for t in 0..400 {
                let y = noise(u64::from(seed) * 1_000 + t) + if t > 390 { shift } else { 0.0 };
                let _ = detector.judge(t as i64 * STEP_MS, y);
            }
            let judged = detector.judge(400 * STEP_MS, now).unwrap();
            prop_assert!(judged.lower <= judged.upper);
            prop_assert_eq!(!(judged.lower..=judged.upper).contains(&now), judged.score.value() > 1.0);
        }

        #[test]
        fn nothing_is_ever_not_a_number(
            samples in prop::collection::vec((any::<i64>(), any::<f64>()), 60..200),
            step_ms in any::<i64>(),
        ) {
            let (mut detector, mut stepped) = (Automatic::default(), Automatic::every(step_ms));
            for (time_ms, y) in samples {
                for judged in [detector.judge(time_ms, y), stepped.step(Some(y))].into_iter().flatten() {
                    prop_assert!(!judged.expected.is_nan() && judged.lower <= judged.upper, "{judged:?}");
                }
            }
        }
    }
}
