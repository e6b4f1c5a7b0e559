//! What training makes small: the root mean square errors of the forecast and of the reconstruction, added.

use rayon::prelude::*;

use super::network::{Network, Trace};
use crate::net::Loss;
use crate::random::Random;

/// Windows that one thread works on. A constant, so that sums are added up in the same order on any number of threads.
const SHARD: usize = 64;

/// Windows of one length, one after the other, and the row after each.
pub(crate) struct Batch {
    pub(crate) windows: Vec<f32>,
    pub(crate) next: Vec<f32>,
}

/// Part of a batch, passed.
struct Shard {
    trace: Trace,
    /// Errors: result minus truth.
    forecast: Vec<f32>,
    reconstruction: Vec<f32>,
}

/// The loss of a batch, and its gradients. Nothing is left out unless there is a seed.
pub(crate) fn learn(network: &Network, params: &[f32], batch: &Batch, seed: Option<u64>) -> (Loss, Vec<f32>) {
    let shards = pass(network, params, batch, seed);
    let (loss, n) = mean(&shards);
    let grads: Vec<Vec<f32>> = shards
        .into_par_iter()
        .map(|shard| {
            let mut grads = vec![0.0; params.len()];
            let forecast = scaled(&shard.forecast, loss.forecast * n.0);
            let reconstruction = scaled(&shard.reconstruction, loss.reconstruction * n.1);
            network.backward(params, &mut grads, &shard.trace, &forecast, &reconstruction);
            grads
        })
        .collect();
    let mut sum = vec![0.0; params.len()];
    for grads in grads {
        sum.iter_mut().zip(grads).for_each(|(sum, gradient)| *sum += gradient);
    }
    (loss, sum)
}

/// The loss of a batch.
pub(crate) fn measure(network: &Network, params: &[f32], batch: &Batch) -> Loss {
    mean(&pass(network, params, batch, None)).0
}

fn pass(network: &Network, params: &[f32], batch: &Batch, seed: Option<u64>) -> Vec<Shard> {
    let shape = &network.shape;
    let (len, k) = (shape.window * shape.n_features, shape.n_features);
    let shards: Vec<(&[f32], &[f32])> =
        batch.windows.chunks(SHARD * len).zip(batch.next.chunks(SHARD * k)).collect();
    let pass = |(index, (windows, next)): (usize, (&[f32], &[f32]))| {
        let mut random = seed.map(|seed| Random::fork(seed, index));
        let trace = network.forward(params, windows, random.as_mut());
        let forecast = errors(&trace.forecast, next.chunks_exact(k), shape.n_outputs);
        let n_windows = next.len() / k;
        let truth = (0..shape.window).flat_map(|step| {
            (0..n_windows).map(move |window| {
                let at = window * len + step * k;
                windows.get(at..at + k).unwrap_or_default()
            })
        });
        let reconstruction = errors(&trace.reconstruction, truth, shape.n_outputs);
        Shard { trace, forecast, reconstruction }
    };
    shards.into_par_iter().enumerate().map(pass).collect()
}

/// Results minus the first numbers of the true rows.
fn errors<'a>(results: &[f32], truth: impl Iterator<Item = &'a [f32]>, n: usize) -> Vec<f32> {
    let rows = results.chunks_exact(n).zip(truth);
    rows.flat_map(|(result, truth)| result.iter().zip(truth).map(|(result, truth)| result - truth)).collect()
}

/// Both errors of a batch, and how many numbers went into each.
fn mean(shards: &[Shard]) -> (Loss, (f64, f64)) {
    let sum = |errors: fn(&Shard) -> &Vec<f32>| {
        let (sum, n) = shards.iter().fold((0.0, 0), |(sum, n), shard| {
            let squares: f64 = errors(shard).iter().map(|error| f64::from(*error).powi(2)).sum();
            (sum + squares, n + errors(shard).len())
        });
        let n = n.max(1) as f64;
        ((sum / n).sqrt(), n)
    };
    let ((forecast, n_forecast), (reconstruction, n_reconstruction)) =
        (sum(|shard| &shard.forecast), sum(|shard| &shard.reconstruction));
    (Loss { forecast, reconstruction }, (n_forecast, n_reconstruction))
}

/// The gradient of a root mean square: each error over the root and the number of errors. Without any error it is 0.
#[expect(clippy::cast_possible_truncation, reason = "gradients are kept in single precision")]
fn scaled(errors: &[f32], by: f64) -> Vec<f32> {
    let factor = if by > 0.0 { (1.0 / by) as f32 } else { 0.0 };
    errors.iter().map(|error| error * factor).collect()
}
