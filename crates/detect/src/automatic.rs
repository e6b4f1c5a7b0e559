//! One detector for any series, without parameters.
//!
//! Use it when nothing is known of a series, or to look through many. It judges a sample only by those before
//! it. Where a limit is known, a rule with that limit is better.
//!
//! How it works, a file each:
//!
//! 1. `forecast`: what the sample should be. Six forecasts compete: two levels, the usual value at this time of the day
//!    and of the week (`calendar`), and both moved to where the series is now. `months` knows days of the month that are
//!    always different, and `clocks` whether days move when clocks are changed.
//! 2. `watch`: how far the sample is from each of them, alone (a spike), as a mean of the last 24 samples (a shift, a drift)
//!    and by how far they scatter (`spread`), in units of how volatile the series is at this hour (`rhythm`).
//! 3. `tail`: how improbable such a distance is. Forecasts that were closer lately count more. `silence` does the same
//!    for missing samples and for values that no longer change.
//! 4. The score is that improbability (its logarithm) in units of one that occurs once a week. So 1 means "about once a week",
//!    whatever the unit, the step, the noise or its distribution.
//!
//! [`Alarms`] decides when a score is worth an alarm, [`Course`] when what was found is over; [`Budgeted`] is all together, for rules. How well that works, and
//! where it does not, is in `docs/detectors.md`.
//!
//! **Invariants:** about 12 KB of state, whatever comes; constants are the same for every series.

mod alarms;
mod budgeted;
mod calendar;
mod clocks;
mod counter;
mod course;
mod forecast;
mod level;
mod months;
mod pace;
mod rhythm;
mod share;
mod silence;
mod spread;
mod tail;
mod view;
mod watch;
mod when;

use lanner_core::{Score, Scorer};

use self::clocks::Clocks;
use self::forecast::{Forecasts, N_FORECASTS, N_LEVELS};
use self::months::Months;
use self::pace::Pace;
use self::rhythm::Rhythm;
use self::silence::Silence;
use self::watch::{Surprise, Watch};
use super::{NotScored, Scored, SeriesDetector, score_of};

pub use alarms::{Alarms, Decision};
pub use budgeted::{Budgeted, Direction};
pub use course::Course;
pub use view::View;
pub use when::{WallClock, When};

/// Larger samples are taken for this large, so that no difference or sum is infinite.
const LARGEST: f64 = 1e300;

/// Days of the month that are always different are known from a few others only: they are taken for so much more volatile.
const FEW_DAYS: f64 = 1.5;

/// A day or a week expects a series elsewhere than a level does if they are so many usual errors of the level apart.
const ELSEWHERE: f64 = 3.0;

/// A detector for any series: how improbable is this sample, in units of what happens once a week?
///
/// - **Score:** 0 as expected, 1 about once a week, infinite for the first change of a series that never changed.
/// - **Rise and drop:** of the same size score the same.
/// - **Zero:** is a value like any other.
/// - **Missing:** gaps are no samples. The sample after an unusual one scores above 1 by [`View::Missing`].
/// - **Band:** outside of `lower..=upper` the best forecast alone gives a score above 1 for this sample alone. Other forecasts
///   and views compete with it, so a score may be above 1 inside as well (a shift, a scatter), or at most 1 outside (another
///   forecast knew). Where a season expects something else than a level does, the band is around the nearer of the two.
/// - **Cost:** about a microsecond a sample. State: 12 KB.
///
/// ```
/// use lanner_detect::automatic::{Alarms, Automatic, Decision};
///
/// let (mut detector, mut alarms) = (Automatic::default(), Alarms::default());
/// let usual = |minute: i64| (minute % 10) as f64; // something that repeats
/// for minute in 0..200 {
///     let time_ms = minute * 60_000;
///     if let Ok(judged) = detector.judge(time_ms, usual(minute)) {
///         assert_eq!(alarms.decide(time_ms, judged.score, detector.view()), Decision::Quiet);
///     }
/// }
/// let judged = detector.judge(200 * 60_000, 40.0)?;
/// assert!(judged.upper < 40.0 && judged.score.value() > 2.0);
/// assert_eq!(alarms.decide(200 * 60_000, judged.score, detector.view()), Decision::Begins);
/// # Ok::<(), lanner_detect::NotScored>(())
/// ```
#[derive(Debug, Clone)]
pub struct Automatic {
    constants: Constants,
    alarms_per_week: f64,
    forecasts: Forecasts,
    /// One a forecast.
    watches: [Watch; N_FORECASTS],
    pace: Pace,
    rhythm: Rhythm,
    silence: Silence,
    months: Months,
    clocks: Clocks,
    view: View,
    n_seen: usize,
    step_ms: Option<i64>,
    last_ms: i64,
}

/// The constants, for measuring how much they matter. The program uses the default ones only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants {
    /// Samples whose mean distance is looked at, to find shifts. The warm-up is twice as long, and 2.
    pub together: usize,
    /// Samples that the slow level, and how well each forecast did, are averaged over.
    pub recent: usize,
    /// Samples that the fast level is averaged over.
    pub fast: usize,
    /// How much more a forecast counts that erred less: the power of the ratio of errors.
    pub power: i32,
}

impl Default for Constants {
    fn default() -> Self {
        Self { together: 24, recent: 300, fast: 10, power: 3 }
    }
}

impl Default for Automatic {
    fn default() -> Self {
        Self::with(Constants::default())
    }
}

/// What was said of a sample, and how far from what was expected it had to be for some other score than 1.
struct Judged {
    scored: Scored,
    reach: f64,
}

/// What the forecasts together say of a sample.
struct Verdict {
    /// Minus the logarithm of its probability.
    surprise: f64,
    /// The best forecast: its number, and what it said.
    best: Option<(usize, Surprise)>,
}

impl Automatic {
    /// A detector whose [`step`](SeriesDetector::step) takes samples as `step_ms` apart, so that it learns days and weeks.
    ///
    /// [`judge`](Self::judge) needs no step. Without step and times there are only the levels.
    #[must_use]
    pub fn every(step_ms: i64) -> Self {
        Self { step_ms: Some(step_ms), ..Self::default() }
    }

    /// A detector with other constants; each is taken for at least 1.
    #[must_use]
    pub fn with(constants: Constants) -> Self {
        let Constants { together, recent, fast, .. } = constants;
        let together = together.max(1);
        Self {
            constants: Constants { together, ..constants },
            alarms_per_week: 1.0,
            forecasts: Forecasts::new(recent, fast),
            watches: std::array::from_fn(|_| Watch::new(together, recent)),
            pace: Pace::default(),
            rhythm: Rhythm::default(),
            silence: Silence::default(),
            months: Months::default(),
            clocks: Clocks::default(),
            view: View::default(),
            n_seen: 0,
            step_ms: None,
            last_ms: 0,
        }
    }

    /// The same, with a score of 1 for what happens so often a week.
    #[must_use]
    pub fn per_week(self, alarms_per_week: f64) -> Self {
        Self { alarms_per_week, ..self }
    }

    /// What is strange of the newest sample, if anything is.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// A time zone whose clocks days have moved with, where nobody said by which clocks people live.
    #[must_use]
    pub fn found_zone(&self) -> Option<&'static str> {
        self.clocks.zone()
    }

    /// Judges the newest sample by those before it, and learns from it.
    ///
    /// - `time_ms`: when it was measured, in milliseconds since the Unix epoch (UTC). Steps need not be equal.
    /// - `y`: the sample, in any unit.
    ///
    /// # Errors
    /// [`NotScored::WarmingUp`] for the first 50 samples, [`NotScored::Gap`] for one that is not finite.
    pub fn judge(&mut self, time_ms: i64, y: f64) -> Result<Scored, NotScored> {
        self.judge_at(When::utc(time_ms), y)
    }

    /// The same, where people live by other clocks than UTC.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn judge_at(&mut self, when: When, y: f64) -> Result<Scored, NotScored> {
        self.judge_reaching(when, y, 1.0).map(|judged| judged.scored)
    }

    /// The same, with the reach for a score of `found`.
    fn judge_reaching(&mut self, when: When, y: f64, found: f64) -> Result<Judged, NotScored> {
        self.last_ms = when.time_ms;
        self.take(Some(when), y, found)
    }

    fn take(&mut self, when: Option<When>, y: f64, found: f64) -> Result<Judged, NotScored> {
        if !y.is_finite() {
            return Err(NotScored::Gap);
        }
        self.n_seen = self.n_seen.saturating_add(1);
        let n_missing = when.map_or(0.0, |when| self.pace.see(when.time_ms) - 1.0);
        let (when, other) = match when.map(|when| self.clocks.at(when)) {
            Some((when, other)) => (Some(when), other),
            None => (None, None),
        };
        // Days that are always different are made like others, for judging and for learning.
        let factor = when.map_or(1.0, |when| self.months.factor(when.clock_ms));
        let y = (y / factor).clamp(-LARGEST, LARGEST);
        let unquiet = self.rhythm.factor(when) * if factor == 1.0 { 1.0 } else { FEW_DAYS };
        let forecasts = self.forecasts.at(when);
        let forecasts = if other.is_some() { self.either_way(y, &forecasts, other) } else { forecasts };
        let forecasts = self.with_seasons(y, forecasts);
        let Verdict { surprise, best } = self.compare(y, unquiet, &forecasts);
        let strange = self.pace.surprise_of(self.alarms_per_week);
        let surprise = self.silences(y, n_missing, surprise, strange);
        let judged = best.map(|(at, _)| {
            let expected = forecasts[at].unwrap_or(y) * factor;
            let reach = |score: f64| self.watches[at].width(score * strange) * unquiet * factor;
            let (score, width) = (Score::new(surprise / strange), reach(1.0));
            let scored = Scored { score, expected, lower: expected - width, upper: expected + width };
            Judged { scored, reach: reach(found) }
        });
        self.learn(when, y, factor, best, &forecasts);
        judged.filter(|_| self.n_seen > self.warm_up()).ok_or(NotScored::WarmingUp)
    }

    /// As long as it is open which clocks are right: those forecasts that are nearer to the sample.
    fn either_way(
        &mut self,
        y: f64,
        forecasts: &[Option<f64>; N_FORECASTS],
        other: Option<When>,
    ) -> [Option<f64>; N_FORECASTS] {
        let others = self.forecasts.at(other);
        let ways = Forecasts::seasonal(forecasts).zip(Forecasts::seasonal(&others));
        if let (Some(when), Some((known, otherwise))) = (other, ways) {
            self.clocks.weigh(when.time_ms, y, known, otherwise);
        }
        if !self.clocks.is_open() {
            return *forecasts;
        }
        std::array::from_fn(|at| nearer(y, forecasts[at], others[at]))
    }

    /// Levels know nothing of what a day or a week brings. Where these expect the series elsewhere, such as at the beginning of office
    /// hours, and it is there, that is what levels are held to.
    fn with_seasons(&self, y: f64, mut forecasts: [Option<f64>; N_FORECASTS]) -> [Option<f64>; N_FORECASTS] {
        let ready = (N_LEVELS..N_FORECASTS).filter(|at| self.watches[*at].is_ready());
        let error = |at: &usize| self.watches[*at].recent_error();
        let best = ready.filter(|at| forecasts[*at].is_some()).min_by(|a, b| error(a).total_cmp(&error(b)));
        let Some(season) = best.and_then(|at| forecasts[at]) else { return forecasts };
        for (at, forecast) in forecasts.iter_mut().enumerate().take(N_LEVELS) {
            let far = ELSEWHERE * error(&at);
            if let Some(level) = forecast
                && (season - *level).abs() > far
                && (y - season).abs() < (y - *level).abs()
            {
                *level = season;
            }
        }
        forecasts
    }

    /// Compares a sample with all forecasts; those that were closer lately count more.
    fn compare(&mut self, y: f64, unquiet: f64, forecasts: &[Option<f64>; N_FORECASTS]) -> Verdict {
        let mut least = f64::INFINITY;
        let (mut found, mut best) = ([None; N_FORECASTS], None);
        for (at, watch) in self.watches.iter_mut().enumerate() {
            let Some(forecast) = forecasts[at] else { continue };
            let (is_ready, error) = (watch.is_ready(), watch.recent_error());
            let surprise = watch.judge(y, forecast, unquiet);
            if is_ready {
                found[at] = Some((surprise, error));
                if error < least {
                    least = error;
                    best = Some((at, surprise));
                }
            }
        }
        let weight =
            |error: f64| if error == least { 1.0 } else { (least / error).powi(self.constants.power) };
        let weighted = found.into_iter().flatten().map(|(surprise, error)| (surprise.most(), weight(error)));
        // A weight of nothing makes nothing of what is infinite.
        let counting = weighted.filter(|(_, weight)| *weight > 0.0);
        let (sum, weights) =
            counting.fold((0.0, 0.0), |(sum, all), (most, weight)| (sum + most * weight, all + weight));
        self.view = best.map_or(View::Value, |(_, surprise)| surprise.view());
        Verdict { surprise: if weights > 0.0 { sum / weights } else { 0.0 }, best }
    }

    /// The surprise, or that of samples that are missing or of a value that is stuck, where that is larger.
    fn silences(&mut self, y: f64, n_missing: f64, surprise: f64, strange: f64) -> f64 {
        let step_ms = self.pace.step_ms();
        let stuck = self.silence.stuck(y, step_ms);
        // At a fixed step somebody else knows of gaps.
        let missing = if self.step_ms.is_none() { self.silence.missing(n_missing, step_ms) } else { 0.0 };
        if stuck > surprise {
            self.view = View::Stuck;
        }
        let surprise = surprise.max(stuck);
        if missing > strange && surprise <= strange {
            self.view = View::Missing;
            return missing;
        }
        surprise
    }

    fn learn(
        &mut self,
        when: Option<When>,
        y: f64,
        factor: f64,
        best: Option<(usize, Surprise)>,
        forecasts: &[Option<f64>; N_FORECASTS],
    ) {
        if let Some((_, surprise)) = best {
            self.rhythm.learn(when, surprise.distance());
        }
        self.watches.iter_mut().for_each(Watch::learn);
        self.forecasts.learn(when, y, forecasts);
        if let (Some(when), Some(usual)) = (when, Forecasts::seasonal(forecasts)) {
            self.months.learn(when.clock_ms, y * factor, usual);
        }
    }
}

/// The one of two forecasts that is nearer to what came.
fn nearer(y: f64, one: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) if (y - other).abs() < (y - one).abs() => Some(other),
        (one, other) => one.or(other),
    }
}

impl SeriesDetector for Automatic {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let time_ms = self.step_ms.map(|step_ms| self.last_ms.saturating_add(step_ms));
        self.last_ms = time_ms.unwrap_or_default();
        self.take(time_ms.map(When::utc), y.unwrap_or(f64::NAN), 1.0).map(|judged| judged.scored)
    }
}

impl Scorer for Automatic {
    /// One sample for a level to be known, then what a watch needs, then one more to judge.
    fn warm_up(&self) -> usize {
        2 * self.constants.together + 2
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests;
