//! The upper tail of a stream, as it is ([`Spot`]) or around a moving mean ([`DSpot`]).

use lanner_core::Threshold;

use super::drift::Drift;
use super::tail::{InTail, Tail};
use super::{Place, PotParams, PotState, Side, ThresholdError, pareto::Pareto};

/// A threshold for the upper tail.
///
/// ```
/// use lanner_detect::threshold::{PotParams, Spot};
///
/// // A thousand values of an exponential distribution: one in 10,000 exceeds ln(10,000), about 9.2.
/// let normal: Vec<f64> = (0..1000).map(|i| -((f64::from(i) + 0.5) / 1000.0).ln()).collect();
/// let mut spot = Spot::calibrate(PotParams { risk: 1e-4, ..PotParams::default() }, &normal)?;
/// assert!((8.0..10.0).contains(&spot.value()));
/// assert!(!spot.push(7.0).is_alarm()); // rare enough to learn from
/// assert!(spot.push(11.0).is_alarm());
/// # Ok::<(), lanner_detect::threshold::ThresholdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Spot {
    tail: Tail,
    n: u64,
}

impl Spot {
    /// Calibrates on `values` of normal times, in any order; gaps are left out.
    ///
    /// Where no value is above the initial threshold (all are equal), that is the threshold until peaks come.
    ///
    /// # Errors
    /// [`ThresholdError`]: a parameter out of range, or fewer than 10 finite values.
    pub fn calibrate(params: PotParams, values: &[f64]) -> Result<Self, ThresholdError> {
        let values = params.calibration(values)?;
        let tail = Tail::new(params, &values, upper_rank(&params, values.len()))?;
        Ok(Self { tail, n: values.len() as u64 })
    }

    /// Goes on where another threshold was.
    ///
    /// # Errors
    /// [`ThresholdError::Parameter`]: a parameter is out of range, or the state holds what is no number.
    pub fn resume(params: PotParams, state: &PotState) -> Result<Self, ThresholdError> {
        params.check()?;
        state.check()?;
        Ok(Self { tail: Tail::resume(params, state), n: state.n })
    }

    /// What it has learned: from there, [`Spot::resume`] goes on as if nothing had happened.
    #[must_use]
    pub fn state(&self) -> PotState {
        self.tail.state(self.n)
    }

    /// Judges a value against [`Spot::value`], then learns from it unless it is an alarm.
    pub fn push(&mut self, value: f64) -> Place {
        if !value.is_finite() && value != f64::INFINITY {
            return Place::Bulk;
        }
        match self.tail.place(value) {
            InTail::Alarm => Place::Alarm(Side::Upper),
            InTail::Peak if value.is_finite() => {
                self.n += 1;
                self.tail.learn(value, self.n);
                Place::Peak(Side::Upper)
            }
            _ => {
                self.n += u64::from(value.is_finite() && self.tail.learns());
                Place::Bulk
            }
        }
    }

    /// The threshold now (`z`): the next value above it is an alarm.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.tail.threshold
    }

    /// The threshold now, for the step that decides about scores.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        Threshold::above(self.value())
    }

    /// Where the tail begins (`t`).
    #[must_use]
    pub fn initial(&self) -> f64 {
        self.tail.initial()
    }

    /// The distribution of the peaks; `None` before there is one.
    #[must_use]
    pub fn fit(&self) -> Option<Pareto> {
        self.tail.fit()
    }

    /// Values learned from, and how many of them were peaks.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.n, self.tail.n_peaks)
    }
}

/// A threshold for the upper tail around the mean of the last `depth` values that were no alarms.
///
/// ```
/// use lanner_detect::threshold::{DSpot, PotParams};
///
/// // Noise with a mean of 1, on a level that rises without end.
/// let rising = |i: i32| f64::from(i) / 100.0 - ((f64::from(i * 7919 % 1000) + 0.5) / 1000.0).ln();
/// let history: Vec<f64> = (0..1000).map(rising).collect();
/// let mut dspot = DSpot::calibrate(PotParams::default(), &history, 20)?;
/// let n_alarms = (1000..3000).filter(|i| dspot.push(rising(*i)).is_alarm()).count();
/// assert!(n_alarms < 5); // of 2000
/// assert!(dspot.push(30.0 + 12.0).is_alarm());
/// # Ok::<(), lanner_detect::threshold::ThresholdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DSpot {
    spot: Spot,
    drift: Drift,
}

impl DSpot {
    /// Calibrates on `values` of normal times, oldest first; gaps are left out.
    ///
    /// # Errors
    /// [`ThresholdError`]: a parameter out of range, or fewer than `depth` + 10 finite values.
    pub fn calibrate(params: PotParams, values: &[f64], depth: usize) -> Result<Self, ThresholdError> {
        let (drift, differences) = Drift::new(&params.calibration(values)?, depth)?;
        Ok(Self { spot: Spot::calibrate(params, &differences)?, drift })
    }

    /// Goes on where another threshold was: `recent` are the last values that were no alarms, the oldest first.
    ///
    /// # Errors
    /// [`ThresholdError`]: a parameter is out of range, the state holds what is no number, or nothing is recent.
    pub fn resume(params: PotParams, state: &PotState, recent: &[f64]) -> Result<Self, ThresholdError> {
        Ok(Self { spot: Spot::resume(params, state)?, drift: Drift::of(recent)? })
    }

    /// The last `depth` values that were no alarms, the oldest first. With the state of [`DSpot::differences`] it is all that
    /// [`DSpot::resume`] needs.
    #[must_use]
    pub fn recent(&self) -> Vec<f64> {
        self.drift.values()
    }

    /// Judges a value against [`DSpot::value`], then learns from it unless it is an alarm.
    pub fn push(&mut self, value: f64) -> Place {
        let place = self.spot.push(value - self.drift.mean());
        if !place.is_alarm() && value.is_finite() {
            self.drift.accept(value);
        }
        place
    }

    /// The threshold now: the next value above it is an alarm.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.spot.value() + self.mean()
    }

    /// The mean of the last `depth` values that were no alarms.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.drift.mean()
    }

    /// The threshold of the differences from the mean.
    #[must_use]
    pub fn differences(&self) -> &Spot {
        &self.spot
    }
}

/// The rank among `n` values at which the upper tail begins.
pub(super) fn upper_rank(params: &PotParams, n: usize) -> usize {
    (params.initial_quantile * n as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::Update;

    fn even(n: i32) -> Vec<f64> {
        (0..n).map(|i| f64::from(i * 7919 % 1009)).collect()
    }

    #[test]
    fn bad_parameters_are_refused() {
        #[track_caller]
        fn check(params: PotParams, values: &[f64], expected: &str) {
            assert_eq!(Spot::calibrate(params, values).unwrap_err().to_string(), expected);
        }
        let good = PotParams::default();
        let values = even(100);
        check(PotParams { risk: 0.0, ..good }, &values, "risk should be above 0 and below 1, found 0");
        check(PotParams { risk: f64::NAN, ..good }, &values, "risk should be above 0 and below 1, found NaN");
        let quantile = PotParams { initial_quantile: 1.0, ..good };
        check(quantile, &values, "initial_quantile should be 0 or above, and below 1, found 1");
        check(PotParams { max_peaks: Some(3), ..good }, &values, "max_peaks should be 10 or more, found 3");
        let few = "calibration needs at least 10 finite values, found 9; wait for more history";
        check(good, &even(9), few);
        assert!(DSpot::calibrate(good, &values, 0).is_err());
        assert!(DSpot::calibrate(good, &values, 95).is_err());
    }

    #[test]
    fn gaps_change_nothing() {
        let mut spot = Spot::calibrate(PotParams::default(), &even(500)).unwrap();
        let before = (spot.value(), spot.counts());
        assert_eq!(spot.push(f64::NAN), Place::Bulk);
        assert_eq!(spot.push(f64::NEG_INFINITY), Place::Bulk);
        assert!(spot.push(f64::INFINITY).is_alarm());
        assert_eq!((spot.value(), spot.counts()), before);
        let mut dspot = DSpot::calibrate(PotParams::default(), &even(500), 10).unwrap();
        let before = dspot.value();
        assert_eq!(dspot.push(f64::NAN), Place::Bulk);
        assert_eq!(dspot.value(), before);
    }

    #[test]
    fn after_constant_calibration_the_first_change_is_an_alarm() {
        let mut spot = Spot::calibrate(PotParams::default(), &[7.0; 50]).unwrap();
        assert_eq!((spot.push(7.0), spot.value()), (Place::Bulk, 7.0));
        assert!(spot.push(7.1).is_alarm());
    }

    #[test]
    fn a_frozen_threshold_stays_and_still_alarms() {
        let params = PotParams { update: Update::Freeze, ..PotParams::default() };
        let mut spot = Spot::calibrate(params, &even(1009)).unwrap();
        let before = spot.value();
        assert!(!spot.push(spot.initial() + 1.0).is_alarm());
        assert!(spot.push(2000.0).is_alarm());
        assert_eq!(spot.value(), before);
    }

    #[test]
    fn what_is_kept_goes_on_as_if_nothing_had_happened() {
        // Values that never repeat, so that sums round differently in different orders.
        let value = |i: i32| f64::from(i * 7919 % 1009) + f64::from(i).sin();
        let params = PotParams { max_peaks: Some(40), risk: 1e-3, ..PotParams::default() };
        let history: Vec<f64> = (0..500).map(value).collect();
        let mut spot = Spot::calibrate(params, &history).unwrap();
        let mut dspot = DSpot::calibrate(params, &history, 7).unwrap();
        for i in 500..900 {
            spot.push(1.01 * value(i));
            dspot.push(1.01 * value(i));
        }
        let mut spot_again = Spot::resume(params, &spot.state()).unwrap();
        let mut dspot_again = DSpot::resume(params, &dspot.differences().state(), &dspot.recent()).unwrap();
        for i in 900..2_000 {
            assert_eq!(spot.push(1.01 * value(i)), spot_again.push(1.01 * value(i)));
            assert_eq!(spot.value(), spot_again.value());
            assert_eq!(dspot.push(1.01 * value(i)), dspot_again.push(1.01 * value(i)));
            // A mean whose sum was formed anew.
            assert!((dspot.value() - dspot_again.value()).abs() < 1e-9 * dspot.value());
        }
        assert!(spot.counts().1 > 20 && DSpot::resume(params, &spot.state(), &[]).is_err());
        let damaged = PotState { initial: f64::NAN, ..spot.state() };
        assert!(Spot::resume(params, &damaged).is_err());
    }

    #[test]
    fn bounded_peaks_follow_what_is_recent() {
        let params = PotParams { max_peaks: Some(50), alarms: false, ..PotParams::default() };
        let mut spot = Spot::calibrate(params, &even(1009)).unwrap();
        let all = PotParams { max_peaks: None, ..params };
        let mut unbounded = Spot::calibrate(all, &even(1009)).unwrap();
        for i in 0..1_500 {
            let value =
                if i < 750 { f64::from(i * 7919 % 2003) } else { spot.initial() + f64::from(1 + i % 10) };
            spot.push(value);
            unbounded.push(value);
        }
        assert!(spot.value() < unbounded.value(), "{} {}", spot.value(), unbounded.value());
        assert_eq!(spot.counts(), unbounded.counts());
    }
}
