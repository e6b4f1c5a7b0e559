//! Scores as probabilities that hold: of rows with 0.8, eight in ten are positive.

use serde::{Deserialize, Serialize};

use crate::ensemble::sigmoid;

/// Steps of Newton's method at most; ten are usual.
const MAX_STEPS: usize = 100;

/// A straight line from the margin to the logarithm of the true odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What a margin is multiplied with.
    pub slope: f64,
    /// What is added then.
    pub shift: f64,
}

impl Default for Calibration {
    /// The margin as it is.
    fn default() -> Self {
        Self { slope: 1.0, shift: 0.0 }
    }
}

impl Calibration {
    /// Fits the line to margins of rows that were not learned from. It never falls, so the order of rows stays.
    ///
    /// Targets are drawn towards each other as for one more row of each class, so that classes which do not overlap give a
    /// finite line. With one class only the margins stay as they are. Cost: O(n) a step, at most 100 steps.
    ///
    /// # Panics
    /// If there is not one label for each margin.
    ///
    /// # Source
    /// J. Platt, "Probabilistic outputs for support vector machines", 1999; the steps as in H.-T. Lin, C.-J. Lin and
    /// R. Weng, "A note on Platt's probabilistic outputs", Machine Learning 68, 2007.
    #[must_use]
    pub fn fit(margins: &[f64], labels: &[bool]) -> Self {
        assert_eq!(margins.len(), labels.len(), "one label for each margin");
        let n_positive = labels.iter().filter(|&&label| label).count() as f64;
        let n_other = labels.len() as f64 - n_positive;
        if n_positive == 0.0 || n_other == 0.0 {
            return Self::default();
        }
        let (high, low) = ((n_positive + 1.0) / (n_positive + 2.0), 1.0 / (n_other + 2.0));
        let targets: Vec<f64> = labels.iter().map(|&label| if label { high } else { low }).collect();
        let mut line = Self { slope: 0.0, shift: (n_positive / n_other).ln() };
        for _ in 0..MAX_STEPS {
            let next = line.step(margins, &targets);
            let is_there = (next.slope - line.slope).abs() + (next.shift - line.shift).abs() < 1e-10;
            line = next;
            if is_there {
                break;
            }
        }
        if line.slope > 0.0 && line.slope.is_finite() && line.shift.is_finite() {
            line
        } else {
            Self::default()
        }
    }

    /// The probability that a row with this margin is positive.
    #[must_use]
    pub fn probability(self, margin: f64) -> f64 {
        sigmoid(self.slope * margin + self.shift)
    }

    /// One step of Newton's method, halved until the loss falls.
    fn step(self, margins: &[f64], targets: &[f64]) -> Self {
        let (mut g, mut h) = ([0.0; 2], [1e-12, 0.0, 1e-12]);
        for (&margin, &target) in margins.iter().zip(targets) {
            let probability = self.probability(margin);
            let (error, weight) = (probability - target, probability * (1.0 - probability));
            g = [g[0] + margin * error, g[1] + error];
            h = [h[0] + margin * margin * weight, h[1] + margin * weight, h[2] + weight];
        }
        let below = h[0] * h[2] - h[1] * h[1];
        if below <= 0.0 {
            return self;
        }
        let (slope, shift) = ((h[2] * g[0] - h[1] * g[1]) / below, (h[0] * g[1] - h[1] * g[0]) / below);
        let loss = self.loss(margins, targets);
        let at = |size: f64| Self { slope: self.slope - size * slope, shift: self.shift - size * shift };
        let sizes = (0..20).map(|halvings| 0.5_f64.powi(halvings));
        sizes.map(at).find(|next| next.loss(margins, targets) < loss).unwrap_or(self)
    }

    fn loss(self, margins: &[f64], targets: &[f64]) -> f64 {
        let of_row = |(&margin, &target): (&f64, &f64)| {
            let odds = self.slope * margin + self.shift;
            // The logarithm of 1 + e^odds, without overflow.
            odds.max(0.0) + (-odds.abs()).exp().ln_1p() - target * odds
        };
        margins.iter().zip(targets).map(of_row).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn a_line_is_found_again() {
        // Labels drawn with the odds of 0.5 x - 1, where the margin says x.
        let mut random = Random::new(7);
        let mut uniform = || random.next() as f64 / u64::MAX as f64;
        let margins: Vec<f64> = (0..20_000).map(|_| uniform() * 10.0 - 5.0).collect();
        let labels: Vec<bool> = margins.iter().map(|x| uniform() < sigmoid(0.5 * x - 1.0)).collect();
        let line = Calibration::fit(&margins, &labels);
        assert!((line.slope - 0.5).abs() < 0.02 && (line.shift + 1.0).abs() < 0.05, "{line:?}");
    }

    #[test]
    fn odd_input_gives_a_finite_line() {
        assert_eq!(Calibration::fit(&[1.0, 2.0], &[true, true]), Calibration::default());
        assert_eq!(Calibration::fit(&[], &[]), Calibration::default());
        let apart = Calibration::fit(&[-3.0, -2.0, 2.0, 3.0], &[false, false, true, true]);
        assert!(
            apart.slope > 0.0 && apart.probability(3.0) > 0.6 && apart.probability(-3.0) < 0.4,
            "{apart:?}"
        );
        // Upside down: a score that falls would reverse the order, so it stays.
        assert_eq!(
            Calibration::fit(&[1.0, -1.0, 2.0, -2.0], &[false, true, false, true]),
            Calibration::default()
        );
    }
}
