//! Training: epochs over shuffled windows, judged by later ones.

use std::fmt;

use super::adam::Adam;
use super::loss::{Batch, Loss, learn, measure};
use super::network::Network;
use super::shape::Shape;
use crate::random::Random;

/// How a network is trained. The defaults are those of the reference, with four epochs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    pub(crate) n_epochs: usize,
    pub(crate) batch: usize,
    pub(crate) rate: f32,
    /// The share of windows, the last ones, that are not learned from and say which epoch was best.
    pub(crate) validation: f64,
    /// Epochs without a better one before it stops.
    pub(crate) patience: usize,
    pub(crate) seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { n_epochs: 4, batch: 256, rate: 1e-3, validation: 0.1, patience: 5, seed: 0 }
    }
}

/// What one epoch came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Epoch {
    pub(crate) n_done: usize,
    pub(crate) n: usize,
    training: Loss,
    pub(crate) validation: Loss,
}

impl Epoch {
    /// The errors of forecast and reconstruction, and both again on later rows.
    pub(crate) const fn losses(&self) -> [f64; 4] {
        let (training, later) = (self.training, self.validation);
        [training.forecast, training.reconstruction, later.forecast, later.reconstruction]
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (training, validation) = (self.training, self.validation);
        write!(
            f,
            "epoch {} of {}: forecast error {:.4}, reconstruction error {:.4}; on later rows {:.4} and {:.4}",
            self.n_done,
            self.n,
            training.forecast,
            training.reconstruction,
            validation.forecast,
            validation.reconstruction
        )
    }
}

/// Trains a network on rows from about 0 to 1, oldest first. The parameters are those of the best epoch.
///
/// The same rows, settings and seed give the same parameters on any number of threads. Cost of an epoch: about 150 million
/// operations for each window of 100 rows of 38 columns, nearly all of it in the two recurrent layers.
pub(crate) fn train(
    shape: Shape,
    rows: &[f32],
    settings: &Settings,
    progress: &mut dyn FnMut(&Epoch),
) -> (Network, Vec<f32>) {
    let network = Network::new(shape);
    let mut random = Random::new(settings.seed);
    let mut params = network.layout.initial(&mut random);
    let windows = Windows::of(&network.shape, rows);
    let n_validation = (windows.n() as f64 * settings.validation) as usize;
    let (mut order, later): (Vec<usize>, Vec<usize>) =
        (0..windows.n()).partition(|index| index + n_validation < windows.n());
    let mut adam = Adam::new(params.len(), settings.rate);
    let mut best = (f64::INFINITY, params.clone(), 0);
    for epoch in 1..=settings.n_epochs {
        random.shuffle(&mut order);
        let losses = order.chunks(settings.batch).map(|batch| {
            let (loss, grads) = learn(&network, &params, &windows.batch(batch), Some(random.next()));
            adam.step(&mut params, &grads);
            (loss, batch.len())
        });
        let training = mean(&losses.collect::<Vec<_>>());
        let losses = later.chunks(settings.batch);
        let losses = losses.map(|batch| (measure(&network, &params, &windows.batch(batch)), batch.len()));
        let validation = mean(&losses.collect::<Vec<_>>());
        progress(&Epoch { n_done: epoch, n: settings.n_epochs, training, validation });
        let judged = if later.is_empty() { training } else { validation };
        if judged.total() < best.0 {
            best = (judged.total(), params.clone(), epoch);
        } else if epoch >= best.2 + settings.patience {
            break;
        }
    }
    (network, best.1)
}

/// Windows of rows, each with the row after it.
struct Windows<'a> {
    rows: &'a [f32],
    n_columns: usize,
    window: usize,
}

impl<'a> Windows<'a> {
    fn of(shape: &Shape, rows: &'a [f32]) -> Self {
        Self { rows, n_columns: shape.n_features, window: shape.window }
    }

    fn n(&self) -> usize {
        (self.rows.len() / self.n_columns).saturating_sub(self.window)
    }

    fn part(&self, from: usize, n_rows: usize) -> &'a [f32] {
        self.rows.get(from * self.n_columns..(from + n_rows) * self.n_columns).unwrap_or_default()
    }

    fn batch(&self, indexes: &[usize]) -> Batch {
        let windows = indexes.iter().flat_map(|index| self.part(*index, self.window)).copied().collect();
        let next = indexes.iter().flat_map(|index| self.part(index + self.window, 1)).copied().collect();
        Batch { windows, next }
    }
}

/// The mean loss of batches, by their sizes.
fn mean(losses: &[(Loss, usize)]) -> Loss {
    let n: usize = losses.iter().map(|(_, n)| n).sum();
    let mean = |of: fn(&Loss) -> f64| {
        let squares: f64 = losses.iter().map(|(loss, n)| of(loss).powi(2) * *n as f64).sum();
        (squares / n.max(1) as f64).sqrt()
    };
    Loss { forecast: mean(|loss| loss.forecast), reconstruction: mean(|loss| loss.reconstruction) }
}
