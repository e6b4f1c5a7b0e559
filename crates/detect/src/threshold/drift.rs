//! The moving mean that drift-aware thresholds subtract.

use std::collections::VecDeque;

use super::ThresholdError;

/// The mean of the last `depth` accepted values.
#[derive(Debug, Clone)]
pub(super) struct Drift {
    values: VecDeque<f64>,
    sum: f64,
    /// Values since the sum was last formed anew, so that rounding errors do not add up.
    n_since_sum: usize,
}

impl Drift {
    /// The state after `values`, and what each value from the `depth`th on differed from the mean before it.
    pub(super) fn new(values: &[f64], depth: usize) -> Result<(Self, Vec<f64>), ThresholdError> {
        if depth == 0 {
            let requirement = "at least 1";
            return Err(ThresholdError::Parameter { field: "depth", requirement, found: 0.0 });
        }
        if values.len() <= depth {
            return Err(ThresholdError::TooFewValues { required: depth + 1, found: values.len() });
        }
        let (first, rest) = values.split_at(depth);
        let mut drift = Self { values: first.iter().copied().collect(), sum: 0.0, n_since_sum: 0 };
        drift.sum = first.iter().sum();
        let differences = rest
            .iter()
            .map(|value| {
                let difference = value - drift.mean();
                drift.accept(*value);
                difference
            })
            .collect();
        Ok((drift, differences))
    }

    /// After these values, of which there is at least one.
    pub(super) fn of(recent: &[f64]) -> Result<Self, ThresholdError> {
        if recent.is_empty() {
            return Err(ThresholdError::TooFewValues { required: 1, found: 0 });
        }
        let values: VecDeque<f64> = recent.iter().copied().collect();
        Ok(Self { sum: values.iter().sum(), values, n_since_sum: 0 })
    }

    /// The values, the oldest first.
    pub(super) fn values(&self) -> Vec<f64> {
        self.values.iter().copied().collect()
    }

    pub(super) fn mean(&self) -> f64 {
        self.sum / self.values.len() as f64
    }

    pub(super) fn accept(&mut self, value: f64) {
        let oldest = self.values.pop_front().unwrap_or(0.0);
        self.values.push_back(value);
        self.sum += value - oldest;
        self.n_since_sum += 1;
        if self.n_since_sum >= self.values.len() || !self.sum.is_finite() {
            self.sum = self.values.iter().sum();
            self.n_since_sum = 0;
        }
    }
}
