//! Training on rows.

use super::loss::{Batch, learn, measure};
use super::network::Network;
use super::shape::Shape;
use crate::checkpoint::Checkpoint;
use crate::net::{Epoch, Learner, Loss, Settings};
use crate::random::Random;
use crate::rows::Rows;
use crate::unit::to_unit;

/// Trains a network on scaled rows, oldest first, from given parameters or such by chance. The parameters are those of the best epoch.
///
/// The same rows, settings and seed give the same parameters on any number of threads. Cost of an epoch: about 150 million
/// operations for each window of 100 rows of 38 columns, nearly all of it in the two recurrent layers.
pub(crate) fn train(
    shape: Shape,
    rows: &Rows<'_>,
    (settings, seed, given): (&Settings, u64, Option<&Vec<f32>>),
    from: Option<&Checkpoint>,
    progress: &mut dyn FnMut(&Epoch, Checkpoint),
) -> (Network, Vec<f32>) {
    let network = Network::new(shape);
    let mut random = Random::new(seed);
    let by_chance = network.layout.initial(&mut random);
    let initial = given.cloned().unwrap_or(by_chance);
    let windows = Windows { rows, window: network.shape.window };
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
    rows: &'a Rows<'a>,
    window: usize,
}

impl Windows<'_> {
    fn n(&self) -> usize {
        self.rows.n().saturating_sub(self.window)
    }

    fn batch(&self, indexes: &[usize]) -> Batch {
        let mut batch = Batch { windows: Vec::new(), next: Vec::new() };
        for index in indexes {
            let rows = to_unit(&self.rows.window(*index, self.window + 1));
            let (window, next) = rows.split_at(self.window * self.rows.n_columns);
            batch.windows.extend_from_slice(window);
            batch.next.extend_from_slice(next);
        }
        batch
    }
}
