//! Training on rows.

use super::loss::{Batch, learn, measure};
use super::network::Network;
use super::shape::Shape;
use crate::checkpoint::Checkpoint;
use crate::net::{Epoch, Learner, Loss, Settings};
use crate::random::Random;

/// Trains a network on rows from about 0 to 1, oldest first. The parameters are those of the best epoch.
///
/// The same rows, settings and seed give the same parameters on any number of threads. Cost of an epoch: about 150 million
/// operations for each window of 100 rows of 38 columns, nearly all of it in the two recurrent layers.
pub(crate) fn train(
    shape: Shape,
    rows: &[f32],
    (settings, seed): (&Settings, u64),
    from: Option<&Checkpoint>,
    progress: &mut dyn FnMut(&Epoch, Checkpoint),
) -> (Network, Vec<f32>) {
    let network = Network::new(shape);
    let mut random = Random::new(seed);
    let initial = network.layout.initial(&mut random);
    let windows = Windows { rows, n_columns: network.shape.n_features, window: network.shape.window };
    let lesson = Lesson { network: &network, windows };
    let params = crate::net::train(&lesson, initial, &mut random, settings, from, progress);
    (network, params)
}

struct Lesson<'a> {
    network: &'a Network,
    windows: Windows<'a>,
}

impl Learner for Lesson<'_> {
    fn n_windows(&self) -> usize {
        self.windows.n()
    }

    fn learn(&self, params: &[f32], windows: &[usize], seed: u64) -> (Loss, Vec<f32>) {
        learn(self.network, params, &self.windows.batch(windows), Some(seed))
    }

    fn measure(&self, params: &[f32], windows: &[usize]) -> Loss {
        measure(self.network, params, &self.windows.batch(windows))
    }
}

/// Windows of rows, each with the row after it.
struct Windows<'a> {
    rows: &'a [f32],
    n_columns: usize,
    window: usize,
}

impl<'a> Windows<'a> {
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
