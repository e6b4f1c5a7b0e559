//! `spectral`: the spectral residual, for short spikes in series that nothing is known of.
//!
//! What is left of a window's spectrum when its smooth part is taken away is what stands out. Use it where
//! there is neither a season nor a calm level; it sees single points, not new levels.
//!
//! # Source
//! H. Ren et al., "Time-Series Anomaly Detection Service at Microsoft", KDD 2019, section 4.1. Ours: the
//! window is centred and scaled first, so that level and unit do not matter, and frequencies without energy
//! keep none (in the paper rounding errors come back as noise of full size on cleanly periodic series); and the
//! added points continue what was before the latest one, so that a spike stays a spike.

use std::collections::VecDeque;

use lanner_core::{Score, Scorer};

use super::fft::{self, Complex};
use super::{NotScored, ParamError, ROUNDING, Scored, SeriesDetector, require_count, score_of};

/// Points added after the latest one, so that it does not lie at the border (`kappa`).
const N_ADDED: usize = 5;

/// Slopes whose mean leads to the added points (`m`).
const N_SLOPES: usize = 5;

/// Points before the latest one whose saliency it is compared with (`z`).
const N_NEIGHBORS: usize = 21;

/// Frequencies below this share of the mean amplitude have no say.
const NO_ENERGY: f64 = 1e-3;

/// What [`Spectral`] is told.
///
/// | Field | Meaning | Default | Accepted |
/// | --- | --- | --- | --- |
/// | `window` | points of the transform: the latest, and 5 that are added after them | 64 | a power of two, 32 to 8192 |
/// | `smoothing` | frequencies that the smooth part is averaged over (`q`) | 3 | 1 to `window` |
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpectralParams {
    /// Points of the transform.
    pub window: usize,
    /// Frequencies that the smooth part of the spectrum is averaged over.
    pub smoothing: usize,
}

impl Default for SpectralParams {
    fn default() -> Self {
        Self { window: 64, smoothing: 3 }
    }
}

/// Scores how much more salient the latest point is than the 21 before it.
///
/// - **Score:** `(S - mean(S before)) / mean(S before)`, 0 where it is less; the paper's threshold is 3.
/// - **Rise and drop** of the same size score the same; level and unit of the series do not matter.
/// - **Constant** windows score 0.
/// - **Missing** values count as the value before them; a window needs at least half of its values.
/// - **Cost:** O(window * log window) a step. State: the window.
#[derive(Debug, Clone)]
pub struct Spectral {
    params: SpectralParams,
    /// The latest last; gaps are filled, and marked.
    window: VecDeque<(f64, bool)>,
    n_gaps: usize,
}

impl Spectral {
    /// A detector without history.
    ///
    /// # Errors
    /// A parameter out of its range.
    pub fn try_new(params: SpectralParams) -> Result<Self, ParamError> {
        let SpectralParams { window, smoothing } = params;
        let requirement = "a power of two from 32 to 8192";
        require_count(window, 32, 8192, "window", requirement)?;
        super::require(window.is_power_of_two(), "window", requirement, window as f64)?;
        require_count(smoothing, 1, window, "smoothing", "1 to window")?;
        Ok(Self { params, window: VecDeque::new(), n_gaps: 0 })
    }

    fn n_points(&self) -> usize {
        self.params.window - N_ADDED
    }

    fn remember(&mut self, y: f64, is_gap: bool) {
        self.window.push_back((y, is_gap));
        self.n_gaps += usize::from(is_gap);
        if self.window.len() > self.n_points() {
            let was_gap = self.window.pop_front().is_some_and(|(_, is_gap)| is_gap);
            self.n_gaps -= usize::from(was_gap);
        }
    }

    fn judge(&self) -> Scored {
        let values: Vec<f64> = self.window.iter().map(|(y, _)| *y).collect();
        let n = values.len();
        let expected = values.iter().map(|y| y / n as f64).sum::<f64>();
        let score = centered(values, expected).map_or(0.0, |values| {
            let saliency = saliency(&values, self.params);
            let before = saliency[n - 1 - N_NEIGHBORS..n - 1].iter().sum::<f64>() / N_NEIGHBORS as f64;
            if before > 0.0 { (saliency[n - 1] - before) / before } else { 0.0 }
        });
        Scored { score: Score::new(score), expected, lower: f64::NAN, upper: f64::NAN }
    }
}

/// Values around `mean`, the farthest at distance 1. `None` if there is no more than rounding between them.
fn centered(mut values: Vec<f64>, mean: f64) -> Option<Vec<f64>> {
    let farthest = values.iter().fold(0.0_f64, |farthest, y| farthest.max((y - mean).abs()));
    if !(farthest > ROUNDING * mean.abs() && farthest.is_finite()) {
        return None;
    }
    values.iter_mut().for_each(|y| *y = (*y - mean) / farthest);
    Some(values)
}

/// How much each point stands out.
fn saliency(values: &[f64], SpectralParams { window, smoothing }: SpectralParams) -> Vec<f64> {
    let mut data: Vec<Complex> = values.iter().map(|y| (*y, 0.0)).collect();
    data.resize(window, (continued(values), 0.0));
    fft::forward(&mut data);
    let amplitudes: Vec<f64> = data.iter().map(|x| x.0.hypot(x.1)).collect();
    let no_energy = NO_ENERGY * amplitudes.iter().sum::<f64>() / window as f64;
    let logs: Vec<f64> = amplitudes.iter().map(|amplitude| (amplitude + no_energy).ln()).collect();
    let mut sum = 0.0;
    for (index, x) in data.iter_mut().enumerate() {
        // The mean over a circle of frequencies, `smoothing` of them around this one.
        let first = (index + window - smoothing / 2) % window;
        if index == 0 {
            sum = (0..smoothing).map(|offset| logs[(first + offset) % window]).sum();
        } else {
            sum += logs[(first + smoothing - 1) % window] - logs[(first + window - 1) % window];
        }
        let residual = logs[index] - sum / smoothing as f64;
        let scale = residual.exp() / (amplitudes[index] + no_energy);
        *x = (x.0 * scale, x.1 * scale);
    }
    fft::inverse(&mut data);
    data.iter().map(|x| x.0.hypot(x.1)).collect()
}

/// The value that is added after the latest point: where the mean slope to the point before it leads.
fn continued(values: &[f64]) -> f64 {
    let before = values.len() - 2;
    let slopes = (1..=N_SLOPES).map(|i| (values[before] - values[before - i]) / i as f64);
    let slope = slopes.sum::<f64>() / N_SLOPES as f64;
    values[before + 1 - N_SLOPES] + slope * N_SLOPES as f64
}

impl SeriesDetector for Spectral {
    fn step(&mut self, y: Option<f64>) -> Result<Scored, NotScored> {
        let Some(y) = y.filter(|y| y.is_finite()) else {
            if let Some((last, _)) = self.window.back().copied() {
                self.remember(last, true);
            }
            return Err(NotScored::Gap);
        };
        self.remember(y, false);
        if self.window.len() < self.n_points() {
            return Err(NotScored::WarmingUp);
        }
        if self.n_gaps * 2 > self.n_points() {
            return Err(NotScored::NothingToCompare);
        }
        Ok(self.judge())
    }
}

impl Scorer for Spectral {
    fn warm_up(&self) -> usize {
        self.n_points() - 1
    }

    fn push(&mut self, y: f64) -> Option<Score> {
        score_of(self.step(Some(y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mirrored_scores_agree, noise};

    fn new() -> Spectral {
        Spectral::try_new(SpectralParams::default()).unwrap()
    }

    /// The score of the last of 200 values, whose last ones are `end`.
    fn score(normal: impl Fn(u64) -> f64, end: &[f64]) -> f64 {
        let mut detector = new();
        for index in 0..200 {
            detector.push(normal(index));
        }
        end.iter().map(|y| detector.push(*y).unwrap().value()).last().unwrap()
    }

    #[test]
    fn contract() {
        lanner_testkit::check_scorer(new);
        lanner_testkit::check_scorer(|| {
            Spectral::try_new(SpectralParams { window: 32, smoothing: 8 }).unwrap()
        });
        mirrored_scores_agree(new, 50.0);
    }

    #[test]
    fn spikes_stand_out() {
        let noisy = |index: u64| 100.0 + noise(index);
        assert!(score(noisy, &[110.0]) > 3.0);
        assert!(score(noisy, &[90.0]) > 3.0);
        assert!(score(noisy, &[0.0]) > 3.0);
        assert!(score(noisy, &[100.0]) < 3.0);
        let seasonal = |index: u64| (index as f64 / 24.0 * std::f64::consts::TAU).sin() + 0.05 * noise(index);
        assert!(score(seasonal, &[seasonal(200) + 1.5]) > 3.0);
        assert!(score(seasonal, &[seasonal(200)]) < 3.0);
        assert_eq!(score(|_| 7.0, &[7.0]), 0.0);
        assert!(score(|_| 7.0, &[8.0]) > 3.0);
        assert_eq!(score(|_| 0.0, &[0.0]), 0.0);
    }

    #[test]
    fn gaps() {
        let mut detector = new();
        assert_eq!(detector.step(None), Err(NotScored::Gap));
        for index in 0..58 {
            assert_eq!(detector.step(Some(noise(index))), Err(NotScored::WarmingUp));
        }
        assert!(detector.step(Some(0.5)).is_ok());
        for _ in 0..40 {
            assert_eq!(detector.step(None), Err(NotScored::Gap));
        }
        assert_eq!(detector.step(Some(0.5)), Err(NotScored::NothingToCompare));
    }

    #[test]
    fn parameters() {
        let refused = |window, smoothing| {
            Spectral::try_new(SpectralParams { window, smoothing }).unwrap_err().to_string()
        };
        assert_eq!(refused(48, 3), "window should be a power of two from 32 to 8192, found 48");
        assert_eq!(refused(64, 0), "smoothing should be 1 to window, found 0");
    }
}
