//! Both tails of a stream, as they are ([`BiSpot`]) or around a moving mean ([`BiDSpot`]).

use super::drift::Drift;
use super::spot::upper_rank;
use super::tail::{InTail, Tail};
use super::{Place, PotParams, Side, ThresholdError, pareto::Pareto};

/// Thresholds for both tails, each with the chosen risk.
///
/// ```
/// use lanner_detect::threshold::{BiSpot, PotParams};
///
/// // A thousand values of a logistic distribution, the same on both sides of 0.
/// let share = |i: i32| (f64::from(i) + 0.5) / 1000.0;
/// let normal: Vec<f64> = (0..1000).map(|i| (share(i) / (1.0 - share(i))).ln()).collect();
/// let mut bispot = BiSpot::calibrate(PotParams::default(), &normal)?;
/// let (lower, upper) = bispot.values();
/// assert!((-10.0..-8.0).contains(&lower) && (8.0..10.0).contains(&upper));
/// assert!(bispot.push(-11.0).is_alarm() && bispot.push(11.0).is_alarm());
/// assert!(!bispot.push(5.0).is_alarm());
/// # Ok::<(), lanner_detect::threshold::ThresholdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BiSpot {
    upper: Tail,
    /// Of the negated values.
    lower: Tail,
    n: u64,
}

impl BiSpot {
    /// Calibrates on `values` of normal times, in any order; gaps are left out.
    ///
    /// The lower tail begins at the quantile that mirrors [`PotParams::initial_quantile`].
    ///
    /// # Errors
    /// [`ThresholdError`]: a parameter out of range, or fewer than 10 finite values.
    pub fn calibrate(params: PotParams, values: &[f64]) -> Result<Self, ThresholdError> {
        let values = params.calibration(values)?;
        let n = values.len();
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        let rank_from_below = ((1.0 - params.initial_quantile) * n as f64) as usize;
        Ok(Self {
            upper: Tail::new(params, &values, upper_rank(&params, n))?,
            lower: Tail::new(params, &negated, (n - 1).saturating_sub(rank_from_below))?,
            n: n as u64,
        })
    }

    /// Judges a value against [`BiSpot::values`], then learns from it unless it is an alarm.
    pub fn push(&mut self, value: f64) -> Place {
        if value.is_nan() {
            return Place::Bulk;
        }
        let place = match (self.upper.place(value), self.lower.place(-value)) {
            (InTail::Alarm, _) => return Place::Alarm(Side::Upper),
            (InTail::Peak, _) => Place::Peak(Side::Upper),
            (InTail::Bulk, InTail::Alarm) => return Place::Alarm(Side::Lower),
            (InTail::Bulk, InTail::Peak) => Place::Peak(Side::Lower),
            (InTail::Bulk, InTail::Bulk) => Place::Bulk,
        };
        if value.is_infinite() || !self.upper.learns() {
            return place;
        }
        self.n += 1;
        match place {
            Place::Peak(Side::Upper) => self.upper.learn(value, self.n),
            Place::Peak(Side::Lower) => self.lower.learn(-value, self.n),
            _ => {}
        }
        place
    }

    /// The thresholds now, lower and upper: the next value outside them is an alarm.
    #[must_use]
    pub fn values(&self) -> (f64, f64) {
        (-self.lower.threshold, self.upper.threshold)
    }

    /// Where the tails begin, lower and upper.
    #[must_use]
    pub fn initial(&self) -> (f64, f64) {
        (-self.lower.initial(), self.upper.initial())
    }

    /// The distributions of the peaks, lower (as distances below its beginning) and upper.
    #[must_use]
    pub fn fits(&self) -> (Option<Pareto>, Option<Pareto>) {
        (self.lower.fit(), self.upper.fit())
    }

    /// Values learned from, and how many of them were peaks: lower, upper.
    #[must_use]
    pub fn counts(&self) -> (u64, (u64, u64)) {
        (self.n, (self.lower.n_peaks, self.upper.n_peaks))
    }
}

/// Thresholds for both tails around the mean of the last `depth` values that were no alarms.
#[derive(Debug, Clone)]
pub struct BiDSpot {
    bispot: BiSpot,
    drift: Drift,
}

impl BiDSpot {
    /// Calibrates on `values` of normal times, oldest first; gaps are left out.
    ///
    /// # Errors
    /// [`ThresholdError`]: a parameter out of range, or fewer than `depth` + 10 finite values.
    pub fn calibrate(params: PotParams, values: &[f64], depth: usize) -> Result<Self, ThresholdError> {
        let (drift, differences) = Drift::new(&params.calibration(values)?, depth)?;
        Ok(Self { bispot: BiSpot::calibrate(params, &differences)?, drift })
    }

    /// Judges a value against [`BiDSpot::values`], then learns from it unless it is an alarm.
    pub fn push(&mut self, value: f64) -> Place {
        let place = self.bispot.push(value - self.drift.mean());
        if !place.is_alarm() && value.is_finite() {
            self.drift.accept(value);
        }
        place
    }

    /// The thresholds now, lower and upper: the next value outside them is an alarm.
    #[must_use]
    pub fn values(&self) -> (f64, f64) {
        let (lower, upper) = self.bispot.values();
        (lower + self.mean(), upper + self.mean())
    }

    /// The mean of the last `depth` values that were no alarms.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.drift.mean()
    }

    /// The thresholds of the differences from the mean.
    #[must_use]
    pub fn differences(&self) -> &BiSpot {
        &self.bispot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_alike() {
        let values: Vec<f64> = (0..2_000).map(|i| (f64::from(i * 7919 % 2_003) / 300.0).exp()).collect();
        let negated: Vec<f64> = values.iter().map(|value| -value).collect();
        let mut one = BiSpot::calibrate(PotParams::default(), &values).unwrap();
        let mut other = BiSpot::calibrate(PotParams::default(), &negated).unwrap();
        let ((lower, upper), (other_lower, other_upper)) = (one.values(), other.values());
        // Not to the last digit: the two tails begin one rank apart from mirrored.
        let alike = |a: f64, b: f64| assert!((a + b).abs() < 0.05 * a.abs(), "{a} {b}");
        alike(upper, other_lower);
        alike(lower, other_upper);
        assert_eq!(one.push(2.0 * upper), Place::Alarm(Side::Upper));
        assert_eq!(other.push(-2.0 * upper), Place::Alarm(Side::Lower));
    }

    #[test]
    fn gaps_change_nothing() {
        let mut bispot = BiSpot::calibrate(PotParams::default(), &[1.0; 20]).unwrap();
        assert!(bispot.push(f64::INFINITY).is_alarm() && bispot.push(f64::NEG_INFINITY).is_alarm());
        assert_eq!((bispot.push(f64::NAN), bispot.counts().0), (Place::Bulk, 20));
    }
}
