//! Training on rows.

use rayon::prelude::*;

use super::network::Network;
use crate::checkpoint::Checkpoint;
use crate::net::{Epoch, Learner, Loss, Settings};
use crate::random::Random;
use crate::rows::Rows;
use crate::unit::to_unit;

/// Every so manieth window is learned from, at most: its neighbours are nearly the same. Of few rows, more are.
const MAX_STEP: usize = 10;
const N_WINDOWS: usize = 2_000;

/// Windows that one thread works on. A constant, so that sums are added up in the same order on any number of threads.
const SHARD: usize = 32;

/// The deviation of the noise that is added to what is learned from.
const NOISE: f32 = 0.1;

/// Trains a network on scaled rows, oldest first. The parameters are those of the best epoch.
///
/// The same rows, settings and seed give the same parameters on any number of threads.
pub(crate) fn train(
    (n_columns, window): (usize, usize),
    rows: &Rows<'_>,
    (settings, seed): (&Settings, u64),
    from: Option<&Checkpoint>,
    progress: &mut dyn FnMut(&Epoch, Checkpoint),
) -> (Network, Vec<f32>) {
    let network = Network::new(n_columns, window);
    let mut random = Random::new(seed);
    let initial = network.layout.initial(&mut random);
    let n = rows.n().saturating_sub(window);
    let lesson = Lesson { network: &network, rows, step: (n / N_WINDOWS).clamp(1, MAX_STEP) };
    let params = crate::net::train(&lesson, initial, &mut random, settings, from, progress);
    (network, params)
}

struct Lesson<'a> {
    network: &'a Network,
    rows: &'a Rows<'a>,
    /// From one window that is learned from to the next.
    step: usize,
}

impl Lesson<'_> {
    fn part(&self, first: usize, n: usize) -> Vec<f32> {
        to_unit(&self.rows.window(first, n))
    }

    /// The errors of the forecasts of some windows, with what led there.
    fn pass(
        &self,
        params: &[f32],
        windows: &[usize],
        seed: Option<(u64, usize)>,
    ) -> (super::network::Trace, Vec<f32>) {
        let n = self.network.window;
        let mut random = seed.map(|(seed, index)| Random::fork(seed, index));
        let prepare = |index: &usize| self.network.prepare(&self.part(index * self.step, n));
        let mut rows: Vec<f32> = windows.iter().flat_map(prepare).collect();
        if let Some(random) = &mut random {
            rows.iter_mut().for_each(|value| *value += NOISE * normal(random));
        }
        let trace = self.network.forward(params, rows, random.as_mut());
        let next = windows.iter().flat_map(|index| self.part(index * self.step + n, 1));
        // A forecast lies between 0 and 1, and so does what is wanted.
        let errors = trace.forecast.iter().zip(next).map(|(forecast, row)| forecast - row.clamp(0.0, 1.0));
        let errors = errors.collect();
        (trace, errors)
    }
}

impl Learner for Lesson<'_> {
    fn n_windows(&self) -> usize {
        self.rows.n().saturating_sub(self.network.window).div_ceil(self.step)
    }

    fn learn(&self, params: &[f32], windows: &[usize], seed: u64) -> (Loss, Vec<f32>) {
        let scale = 2.0 / windows.len().max(1) as f32;
        let shards = windows.par_chunks(SHARD).enumerate().map(|(index, windows)| {
            let (trace, errors) = self.pass(params, windows, Some((seed, index)));
            let forecast: Vec<f32> = errors.iter().map(|error| scale * error).collect();
            let mut grads = vec![0.0; params.len()];
            self.network.backward(params, &mut grads, &trace, &forecast);
            (errors, grads)
        });
        let shards: Vec<(Vec<f32>, Vec<f32>)> = shards.collect();
        let mut sum = vec![0.0; params.len()];
        for (_, grads) in &shards {
            sum.iter_mut().zip(grads).for_each(|(sum, gradient)| *sum += gradient);
        }
        (loss(shards.iter().flat_map(|(errors, _)| errors)), sum)
    }

    fn measure(&self, params: &[f32], windows: &[usize]) -> Loss {
        let shards = windows.par_chunks(SHARD).map(|windows| self.pass(params, windows, None).1);
        let shards: Vec<Vec<f32>> = shards.collect();
        loss(shards.iter().flatten())
    }
}

fn loss<'a>(errors: impl Iterator<Item = &'a f32>) -> Loss {
    let (sum, n) = errors.fold((0.0, 0), |(sum, n), error| (sum + f64::from(*error).powi(2), n + 1));
    Loss { forecast: (sum / f64::from(n.max(1))).sqrt(), reconstruction: 0.0 }
}

/// Nearly normal, with deviation 1: the sum of four even numbers.
fn normal(random: &mut Random) -> f32 {
    3.0_f32.sqrt() * ((0..4).map(|_| random.unit()).sum::<f32>() - 2.0)
}
