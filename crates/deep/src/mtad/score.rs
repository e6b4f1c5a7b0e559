//! Scoring: a pass that gives the same results as that of training, and leaves nothing behind.

use rayon::prelude::*;

use super::network::{Network, reorder, turn};
use super::stretch::Stretched;
use crate::net::{Dense, Gru};

/// Windows that one thread passes at once: enough that weights are packed for many rows, few enough that a step stays in the cache.
const SHARD: usize = 128;

/// Rows that are mapped at once.
const BLOCK: usize = 128;

/// A network with its parameters, laid out for scoring.
#[derive(Debug)]
pub(crate) struct Scoring {
    pub(crate) network: Network,
    pub(crate) params: Vec<f32>,
    kernel: Vec<f32>,
    /// `None` for several layers of recurrent units, which pass as in training.
    layers: Option<Layers>,
}

/// The weights of both recurrent layers, rows as columns.
#[derive(Debug)]
struct Layers {
    encoder: Gru,
    encoder_input: Vec<f32>,
    encoder_states: Vec<f32>,
    decoder: Gru,
    decoder_input: Stretched,
    decoder_states: Vec<f32>,
}

impl Layers {
    fn new(network: &Network, params: &[f32]) -> Option<Self> {
        let ([encoder], [decoder]) = (&network.encoder[..], &network.decoder[..]) else { return None };
        Some(Self {
            encoder_input: encoder.input.turned(params),
            encoder_states: encoder.turned(params),
            encoder: encoder.clone(),
            decoder_input: Stretched::new(&decoder.input, params, network.shape.window),
            decoder_states: decoder.turned(params),
            decoder: decoder.clone(),
        })
    }
}

impl Scoring {
    pub(crate) fn new(network: Network, params: Vec<f32>) -> Self {
        let kernel = reorder(network.kernel.of(&params), network.shape.n_features, network.shape.kernel);
        let layers = Layers::new(&network, &params);
        Self { network, params, kernel, layers }
    }

    /// The forecast of the row after each window, and the reconstruction of its last row.
    pub(crate) fn forward(&self, windows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let length = self.network.shape.window * self.network.shape.n_features;
        let passed: Vec<(Vec<f32>, Vec<f32>)> =
            windows.par_chunks(SHARD * length).map(|windows| self.pass(windows)).collect();
        let (forecasts, reconstructions): (Vec<Vec<f32>>, Vec<Vec<f32>>) = passed.into_iter().unzip();
        (forecasts.concat(), reconstructions.concat())
    }

    fn pass(&self, windows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Self { network, params, .. } = self;
        let Some(layers) = &self.layers else { return self.pass_as_in_training(windows) };
        let n = network.shape.window;
        let n_windows = windows.len() / (n * network.shape.n_features);
        let convolved = network.convolve(params, &self.kernel, &network.pad(windows));
        let turned = turn(&convolved, n, network.shape.n_features);
        let features = network.features.forward(params, &turned, None);
        let steps = network.steps.forward(params, &convolved, None);
        let joined = network.join(&convolved, &features.nodes, &steps.nodes);
        let Layers { encoder, decoder, .. } = layers;
        let mut input = Blocks::new(&encoder.input, &layers.encoder_input, &joined);
        let encoded = encoder.last(params, &layers.encoder_states, (n_windows, n), &mut |step, driven| {
            input.copy(params, step, driven);
        });
        let (_, _, forecast) = network.look_ahead(params, &encoded, None);
        let decoded = decoder.last(params, &layers.decoder_states, (n_windows, n), &mut |step, driven| {
            layers.decoder_input.drive(&decoder.input, params, &encoded, step, driven);
        });
        (forecast, network.reconstruct.forward(params, &decoded))
    }

    fn pass_as_in_training(&self, windows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let shape = &self.network.shape;
        let trace = self.network.forward(&self.params, windows, None);
        let n_last = windows.len() / (shape.window * shape.n_features) * shape.n_outputs;
        let last = trace.reconstruction.len().saturating_sub(n_last);
        let reconstruction = trace.reconstruction.get(last..).unwrap_or_default().to_vec();
        (trace.forecast, reconstruction)
    }
}

/// Rows that are mapped some steps at once, when the first of these is wanted.
struct Blocks<'a> {
    dense: &'a Dense,
    turned: &'a [f32],
    rows: &'a [f32],
    mapped: Vec<f32>,
    /// The first step that is mapped.
    first: usize,
}

impl<'a> Blocks<'a> {
    fn new(dense: &'a Dense, turned: &'a [f32], rows: &'a [f32]) -> Self {
        Self { dense, turned, rows, mapped: Vec::new(), first: 0 }
    }

    /// Writes the mapped rows of a step; steps come in order.
    fn copy(&mut self, params: &[f32], step: usize, driven: &mut [f32]) {
        let n_rows = driven.len() / self.dense.n_out;
        let at = (step - self.first) * driven.len();
        if let Some(mapped) = self.mapped.get(at..at + driven.len()) {
            driven.copy_from_slice(mapped);
            return;
        }
        let from = step * n_rows * self.dense.n_in;
        let n = (BLOCK.div_ceil(n_rows) * n_rows * self.dense.n_in).min(self.rows.len() - from);
        let rows = self.rows.get(from..from + n).unwrap_or_default();
        self.mapped.resize(n / self.dense.n_in * self.dense.n_out, 0.0);
        self.dense.apply(params, self.turned, rows, &mut self.mapped);
        self.first = step;
        driven.copy_from_slice(self.mapped.get(..driven.len()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mtad::shape::{Layers, Shape};
    use crate::random::Random;

    #[test]
    fn the_same_as_in_training() {
        for (n_windows, n_layers) in [(1, 1), (2, 1), (150, 1), (3, 2)] {
            let layers = |width| Layers { n: n_layers, width };
            let shape = Shape { gru: layers(70), decoder: layers(80), ..Shape::new(4, 9) };
            let network = Network::new(shape);
            let mut random = Random::new(4);
            let params = network.layout.initial(&mut random);
            let scoring = Scoring::new(network, params);
            let windows: Vec<f32> = (0..n_windows * 36).map(|_| random.unit()).collect();
            let (short, long) = (scoring.forward(&windows), scoring.pass_as_in_training(&windows));
            let is_same = |a: &[f32], b: &[f32]| {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
            };
            assert!(is_same(&short.0, &long.0) && is_same(&short.1, &long.1), "{n_windows} {n_layers}");
        }
    }
}
