//! Scoring: a pass over windows that follow each other, with the results of one of training, which leaves nothing behind.
//!
//! What a row becomes before it meets others is the same in all windows that hold it: its convolution, its maps for attention over steps, and
//! what it drives the encoder with. So each row is mapped once ([`Rows`]), and anew for a window only where it is at one of its ends, where
//! the convolution sees zeros. It is exact, and saves 6 of 45 million operations for a window of 100 rows of 38 columns.

use rayon::prelude::*;

use super::attention::Maps;
use super::network::{Network, turn};
use super::slide::{Rows, Sliding};
use super::stretch::Stretched;
use crate::net::{Drive, Gru, sigmoids};
use crate::packed::Packed;
use crate::product::{View, multiply_strided};

/// Windows that one thread passes at once: enough that weights are used for many rows, few enough that a step stays in the cache.
const SHARD: usize = 66;

/// Rows that are mapped for the encoder at once.
const BLOCK: usize = 48;

/// A network with its parameters, laid out for scoring.
#[derive(Debug)]
pub(crate) struct Scoring {
    pub(crate) network: Network,
    pub(crate) params: Vec<f32>,
    /// `None` for several layers of recurrent units, which pass as in training.
    parts: Option<Parts>,
}

/// The weights as passes want them.
#[derive(Debug)]
struct Parts {
    sliding: Sliding,
    features: Maps,
    /// What drives the encoder beside the row itself: what both heads see.
    seen: Packed,
    encoder: Gru,
    encoder_states: Packed,
    decoder: Gru,
    decoder_input: Stretched,
    decoder_states: Packed,
}

impl Parts {
    fn new(network: &Network, params: &[f32]) -> Option<Self> {
        let ([encoder], [decoder]) = (&network.encoder[..], &network.decoder[..]) else { return None };
        let shape = &network.shape;
        let (row, seen) = encoder.input.split(shape.n_features);
        Some(Self {
            sliding: Sliding::new(network, params, row),
            features: Maps::new(&network.features, params),
            seen: seen.packed(params),
            encoder_states: encoder.packed(params),
            encoder: encoder.clone(),
            decoder_input: Stretched::new(&decoder.input, params, shape.window),
            decoder_states: decoder.packed(params),
            decoder: decoder.clone(),
        })
    }
}

impl Scoring {
    pub(crate) fn new(network: Network, params: Vec<f32>) -> Self {
        let parts = Parts::new(&network, &params);
        Self { network, params, parts }
    }

    /// Of each window of these rows, in order: the forecast of the row after it, and the reconstruction of its last row.
    pub(crate) fn forward(&self, rows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (k, n) = (self.network.shape.n_features, self.network.shape.window);
        let n_windows = (rows.len() / k + 1).saturating_sub(n);
        let firsts: Vec<usize> = (0..n_windows).step_by(SHARD).collect();
        let pass = |first: &usize| {
            let end = (first + SHARD).min(n_windows) + n - 1;
            self.pass(rows.get(first * k..end * k).unwrap_or_default())
        };
        let passed: Vec<(Vec<f32>, Vec<f32>)> = firsts.par_iter().map(pass).collect();
        let (forecasts, reconstructions): (Vec<Vec<f32>>, Vec<Vec<f32>>) = passed.into_iter().unzip();
        (forecasts.concat(), reconstructions.concat())
    }

    fn pass(&self, rows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Self { network, params, .. } = self;
        let Some(parts) = &self.parts else { return self.pass_as_in_training(rows) };
        let rows = parts.sliding.map(params, rows);
        let size = (rows.n_windows, network.shape.window);
        let seen = self.see(parts, &rows);
        let mut input = Input { seen: &seen, map: &parts.seen, rows: &rows, mapped: Vec::new(), steps: 0..0 };
        let encoded = parts.encoder.last(params, &parts.encoder_states, size, &mut input);
        let (_, _, forecast) = network.look_ahead(params, &encoded, None);
        let decoder = &parts.decoder;
        let mut stretched = parts.decoder_input.drive(&decoder.input, params, &encoded);
        let decoded = decoder.last(params, &parts.decoder_states, size, &mut stretched);
        (forecast, network.reconstruct.forward(params, &decoded))
    }

    /// What both heads see, by step, then window.
    fn see(&self, parts: &Parts, rows: &Rows) -> Vec<f32> {
        let Self { network, params, .. } = self;
        let (k, n) = (network.shape.n_features, network.shape.window);
        let stride = 2 * k * rows.n_windows;
        let mut seen = vec![0.0; n * stride];
        let (mut by_feature, mut by_step) = (vec![0.0; k * k], vec![0.0; n * n]);
        for window in 0..rows.n_windows {
            let nodes = rows.of(window, &rows.convolved, k);
            let [left, right] = parts.features.apply(params, &turn(&nodes, n, k));
            network.features.weigh(params, &left, &right, &mut by_feature);
            let [left, right] = &rows.mapped;
            let (left, right) = (rows.of(window, left, rows.n_mapped), rows.of(window, right, rows.n_mapped));
            network.steps.weigh(params, &left, &right, &mut by_step);
            let nodes = View::new(&nodes, n, k);
            let shares = View::new(&by_feature, k, k).transposed();
            let here = seen.get_mut(2 * k * window..).unwrap_or_default();
            multiply_strided(nodes, shares, 0.0, here, stride);
            let here = here.get_mut(k..).unwrap_or_default();
            multiply_strided(View::new(&by_step, n, n), nodes, 0.0, here, stride);
        }
        sigmoids(&mut seen);
        seen
    }

    fn pass_as_in_training(&self, rows: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let shape = &self.network.shape;
        let length = shape.window * shape.n_features;
        let windows: Vec<&[f32]> = rows.windows(length).step_by(shape.n_features).collect();
        let trace = self.network.forward(&self.params, &windows.concat(), None);
        let last = trace.reconstruction.len().saturating_sub(windows.len() * shape.n_outputs);
        let reconstruction = trace.reconstruction.get(last..).unwrap_or_default().to_vec();
        (trace.forecast, reconstruction)
    }
}

/// What drives the encoder: mapped some steps at once, when the first of these is wanted.
struct Input<'a> {
    seen: &'a [f32],
    map: &'a Packed,
    rows: &'a Rows,
    mapped: Vec<f32>,
    /// The steps that are mapped.
    steps: std::ops::Range<usize>,
}

impl Drive for Input<'_> {
    fn at(&mut self, step: usize) -> &[f32] {
        let n = self.rows.n_windows;
        let length = n * self.rows.n_driven;
        if !self.steps.contains(&step) {
            self.steps = step..(step + BLOCK.div_ceil(n)).min(self.rows.window);
            self.mapped.clear();
            self.steps.clone().for_each(|step| self.mapped.extend_from_slice(self.rows.driven_at(step)));
            let width = self.seen.len() / self.rows.window;
            let seen = self.seen.get(step * width..self.steps.end * width).unwrap_or_default();
            self.map.add_product(seen, &mut self.mapped);
        }
        let at = (step - self.steps.start) * length;
        self.mapped.get(at..at + length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mtad::shape::{Layers, Shape};
    use crate::random::Random;

    #[test]
    fn the_same_as_in_training() {
        for (n_windows, n_layers, window, is_v2) in [
            (1, 1, 9, true),
            (2, 1, 9, false),
            (150, 1, 12, true),
            (3, 2, 9, true),
            (70, 1, 5, false),
            (4, 1, 1, true),
        ] {
            let layers = |width| Layers { n: n_layers, width };
            let shape = Shape { gru: layers(70), decoder: layers(80), is_v2, ..Shape::new(4, window) };
            let network = Network::new(shape);
            let mut random = Random::new(4);
            let params = network.layout.initial(&mut random);
            let scoring = Scoring::new(network, params);
            let rows: Vec<f32> = (0..(n_windows + window - 1) * 4).map(|_| random.unit()).collect();
            let (short, long) = (scoring.forward(&rows), scoring.pass_as_in_training(&rows));
            let is_same = |a: &[f32], b: &[f32]| {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5)
            };
            assert!(
                is_same(&short.0, &long.0) && is_same(&short.1, &long.1),
                "{n_windows} {n_layers} {window}"
            );
        }
    }
}
