//! Self-setting thresholds: peaks over threshold, from extreme value theory.
//!
//! Few distributions are known, but the tails of nearly all of them are alike: what exceeds a high initial
//! threshold `t` follows a generalised Pareto distribution. Fitted to those peaks, it says which value `z`
//! is exceeded with a chosen small probability (the risk `q`), also where nothing that large was seen yet.
//!
//! | Type | Watches | For |
//! | --- | --- | --- |
//! | [`Spot`] | the upper tail | scores, and values whose level stays |
//! | [`DSpot`] | the upper tail around a moving mean | values that drift |
//! | [`BiSpot`] | both tails | values that are wrong when high and when low |
//! | [`BiDSpot`] | both tails around a moving mean | the same, when they drift |
//!
//! All are calibrated on values of normal times and then take the stream value by value. A gap (NaN or an
//! infinite value) changes nothing and is never an alarm.
//!
//! Reading order: [`PotParams`] (what can be chosen), [`pareto`] (the fit), `tail` (one tail in a stream),
//! `spot` and `bispot` (the four types).
//!
//! # Cost
//! A value below `t` costs O(1). A peak, by definition rare, costs one fit: about a hundred passes over the
//! peaks. [`PotParams::max_peaks`] bounds peaks, hence memory and time, in streams without end.
//!
//! # Source
//! A. Siffer, P.-A. Fouque, A. Termier, C. Largouet, "Anomaly Detection in Streams with Extreme Value
//! Theory", KDD 2017; the fit is that of S. D. Grimshaw, "Computing Maximum Likelihood Estimates for the
//! Generalized Pareto Distribution", Technometrics 35(2), 1993.

mod bispot;
mod brent;
mod drift;
pub mod pareto;
mod spot;
mod tail;

pub use bispot::{BiDSpot, BiSpot};
pub use spot::{DSpot, Spot};

/// How a threshold is set, and what it learns from the stream.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `risk` | probability that a normal value exceeds the threshold (`q`) | `1e-4` | above 0, below 1 |
/// | `initial_quantile` | quantile of the calibration values where the tail begins | 0.98 | 0 or above, below 1 |
/// | `alarms` | whether values above the threshold are alarms, which are not learned from | true | |
/// | `update` | what peaks do to the threshold | [`Update::Follow`] | |
/// | `max_peaks` | peaks kept for fits, the latest | no bound | 10 or more |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PotParams {
    /// Probability that a normal value exceeds the threshold (`q` in the paper).
    pub risk: f64,
    /// Quantile of the calibration values at which the tail begins.
    pub initial_quantile: f64,
    /// Whether a value above the threshold is an alarm and not learned from. If not, it is a peak like others.
    pub alarms: bool,
    /// What peaks do to the threshold.
    pub update: Update,
    /// How many peaks are kept: the fit then looks at the latest ones, while the share of values that are
    /// peaks is still counted over the whole stream. `None` keeps all, as the paper does.
    pub max_peaks: Option<usize>,
}

impl Default for PotParams {
    fn default() -> Self {
        Self { risk: 1e-4, initial_quantile: 0.98, alarms: true, update: Update::Follow, max_peaks: None }
    }
}

/// What a threshold has learned, for whoever keeps it and goes on later.
#[derive(Debug, Clone, PartialEq)]
pub struct PotState {
    /// Where the tail begins.
    pub initial: f64,
    /// The threshold.
    pub threshold: f64,
    /// The peaks that are kept, as distances from the beginning of the tail, the oldest first.
    pub peaks: Vec<f64>,
    /// Peaks ever seen.
    pub n_peaks: u64,
    /// Values ever seen.
    pub n: u64,
}

/// What peaks do to the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Update {
    /// Every peak is learned, and the threshold follows.
    #[default]
    Follow,
    /// The threshold of the calibration stays for good.
    Freeze,
    /// With alarms, the first value above the initial threshold is an alarm and makes the initial threshold
    /// the final one; without alarms the same as [`Update::Freeze`]. Never what is wanted in new work: it is
    /// the static mode that published results were made with.
    Collapse,
}

/// Why there is no threshold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// A parameter is out of its range.
    #[error("{field} should be {requirement}, found {found}")]
    Parameter {
        /// The field.
        field: &'static str,
        /// What it should be.
        requirement: &'static str,
        /// What it is.
        found: f64,
    },
    /// Too few values to calibrate on.
    #[error("calibration needs at least {required} finite values, found {found}; wait for more history")]
    TooFewValues {
        /// The least number of values.
        required: usize,
        /// How many there were.
        found: usize,
    },
}

/// Which tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// High values.
    Upper,
    /// Low values.
    Lower,
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among most others (or it is a gap).
    Bulk,
    /// Beyond the initial threshold of a side, not beyond the final one.
    Peak(Side),
    /// Beyond the threshold of a side.
    Alarm(Side),
}

impl Place {
    /// Whether it is an alarm, on either side.
    #[must_use]
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::Alarm(_))
    }
}

/// Calibration needs this many values: fewer say nothing of a tail.
const MIN_CALIBRATION: usize = 10;

impl PotState {
    fn check(&self) -> Result<(), ThresholdError> {
        let numbers = [self.initial, self.threshold].into_iter().chain(self.peaks.iter().copied());
        match numbers.into_iter().find(|number| !number.is_finite()) {
            Some(found) => {
                Err(ThresholdError::Parameter { field: "state", requirement: "finite numbers", found })
            }
            None => Ok(()),
        }
    }
}

impl PotParams {
    fn check(&self) -> Result<(), ThresholdError> {
        let refuse = |field, requirement, found| Err(ThresholdError::Parameter { field, requirement, found });
        // Written as `low < x && x < high`, so that NaN is refused as well.
        if !(0.0 < self.risk && self.risk < 1.0) {
            return refuse("risk", "above 0 and below 1", self.risk);
        }
        if !(0.0 <= self.initial_quantile && self.initial_quantile < 1.0) {
            return refuse("initial_quantile", "0 or above, and below 1", self.initial_quantile);
        }
        match self.max_peaks {
            Some(n) if n < 10 => refuse("max_peaks", "10 or more", n as f64),
            _ => Ok(()),
        }
    }

    /// The finite values of a calibration, in order.
    fn calibration(&self, values: &[f64]) -> Result<Vec<f64>, ThresholdError> {
        self.check()?;
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        if finite.len() < MIN_CALIBRATION {
            return Err(ThresholdError::TooFewValues { required: MIN_CALIBRATION, found: finite.len() });
        }
        Ok(finite)
    }
}
