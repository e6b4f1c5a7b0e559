//! The network: convolution, two heads of attention, a recurrent encoder, a forecast and a reconstruction.
//!
//! ```text
//! x (n × k) ─▶ convolution ─▶ v ─▶ attention over features ─▶ ┐
//!                              ├─▶ attention over steps ─────▶ ├─▶ GRU ─▶ last state ─▶ linear maps ─▶ the next row
//!                              └─────────────────────────────▶ ┘               └─▶ stretched ─▶ GRU ─▶ the window again
//! ```
//!
//! All products are over many windows at once. Gradients are analytic: each part goes back the way it came.

use super::attention::{self, Attention, Size, mask};
use super::shape::Shape;
use super::stretch;
use crate::net::{Buffer, Dense, Gru, GruTrace, Layout, Outputs, Slot, add_columns};
use crate::product::{View, multiply};
use crate::random::Random;

/// The parts, and where their parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) shape: Shape,
    pub(crate) layout: Layout,
    pub(super) kernel: Slot,
    pub(super) kernel_bias: Slot,
    pub(super) features: Attention,
    pub(super) steps: Attention,
    pub(super) encoder: Vec<Gru>,
    forecast: Vec<Dense>,
    pub(super) decoder: Vec<Gru>,
    pub(super) reconstruct: Dense,
}

/// What a pass over some windows leaves behind.
pub(crate) struct Trace {
    padded: Buffer,
    /// After the convolution: by window, step, feature; and by window, feature, step.
    pub(crate) convolved: Buffer,
    turned: Vec<f32>,
    pub(crate) features: attention::Trace,
    pub(crate) steps: attention::Trace,
    /// What the encoder reads, by step, then window.
    pub(crate) joined: Buffer,
    encoder: Recurrent,
    /// What each linear map of the forecast reads.
    forecast_inputs: Vec<Vec<f32>>,
    forecast_masks: Vec<Vec<f32>>,
    /// The next row of each window.
    pub(crate) forecast: Vec<f32>,
    decoder: Recurrent,
    /// By step, then window.
    pub(crate) reconstruction: Vec<f32>,
}

/// Layers of recurrent units, one on the other.
struct Recurrent {
    layers: Vec<GruTrace>,
    /// What dropout multiplied the states between layers with.
    masks: Vec<Vec<f32>>,
}

impl Network {
    pub(crate) fn new(shape: Shape) -> Self {
        let Shape { n_features: k, window: n, .. } = shape;
        let mut layout = Layout::default();
        let bound = 1.0 / ((k * shape.kernel) as f32).sqrt();
        let kernel = layout.add("conv.conv.weight", &[k, k, shape.kernel], bound);
        let kernel_bias = layout.add("conv.conv.bias", &[k], bound);
        let by_feature = Size { n_nodes: k, n_values: n, n_embed: shape.feature_embed.unwrap_or(n) };
        let by_step = Size { n_nodes: n, n_values: k, n_embed: shape.time_embed.unwrap_or(k) };
        let features = Attention::new(&mut layout, "feature_gat", by_feature, shape.is_v2, shape.alpha);
        let steps = Attention::new(&mut layout, "temporal_gat", by_step, shape.is_v2, shape.alpha);
        let encoder = recurrent(&mut layout, "gru.gru", 3 * k, shape.gru);
        let forecast = forecast(&mut layout, &shape);
        let decoder = recurrent(&mut layout, "recon_model.decoder.rnn", shape.gru.width, shape.decoder);
        let (weight, bias) = ("recon_model.fc.weight", "recon_model.fc.bias");
        let reconstruct = Dense::new(&mut layout, weight, bias, shape.decoder.width, shape.n_outputs);
        Self { shape, layout, kernel, kernel_bias, features, steps, encoder, forecast, decoder, reconstruct }
    }

    /// Passes over windows of `window` × `n_features` numbers, one after the other. With `random`, some numbers are left out.
    pub(crate) fn forward(&self, params: &[f32], windows: &[f32], mut random: Option<&mut Random>) -> Trace {
        let n = self.shape.window;
        let padded = self.pad(windows);
        let kernel = reorder(self.kernel.of(params), self.shape.n_features, self.shape.kernel);
        let convolved = self.convolve(params, &kernel, &padded);
        let turned = turn(&convolved, n, self.shape.n_features);
        let p = self.shape.dropout;
        let features =
            self.features.forward(params, &turned, random.as_deref_mut().map(|random| (p, random)));
        let steps = self.steps.forward(params, &convolved, random.as_deref_mut().map(|random| (p, random)));
        let joined = self.join(&convolved, &features.nodes, &steps.nodes);
        let encoder = self.run(params, &self.encoder, None, &joined, random.as_deref_mut());
        let (forecast_inputs, forecast_masks, forecast) =
            self.look_ahead(params, encoder.last(), random.as_deref_mut());
        let decoder = self.run(params, &self.decoder, Some(encoder.last()), &[], random);
        let reconstruction = self.reconstruct.forward(params, decoder.outputs());
        Trace {
            padded,
            convolved,
            turned,
            features,
            steps,
            joined,
            encoder,
            forecast_inputs,
            forecast_masks,
            forecast,
            decoder,
            reconstruction,
        }
    }

    /// Adds the gradients of all parameters to `grads`, given those of both results.
    pub(crate) fn backward(
        &self,
        params: &[f32],
        grads: &mut [f32],
        trace: &Trace,
        forecast: &[f32],
        reconstruction: &[f32],
    ) {
        let n = self.shape.window;
        let mut last = self.look_back(params, grads, trace, forecast);
        let outputs = trace.decoder.outputs();
        self.reconstruct.learn(grads, outputs, reconstruction);
        let mut states = Buffer::zeros(outputs.len());
        self.reconstruct.back(params, reconstruction, &mut states);
        let driven = run_back((params, grads), &self.decoder, &trace.decoder, Outputs::All(&states));
        if let Some(first) = self.decoder.first() {
            let stretched =
                stretch::backward(&first.input, (params, grads), trace.encoder.last(), &driven, n);
            last.iter_mut().zip(stretched).for_each(|(sum, gradient)| *sum += gradient);
        }
        let driven = run_back((params, grads), &self.encoder, &trace.encoder, Outputs::Last(&last));
        let mut joined = Buffer::zeros(trace.joined.len());
        if let Some(first) = self.encoder.first() {
            first.input.learn(grads, &trace.joined, &driven);
            first.input.back(params, &driven, &mut joined);
        }
        self.part(params, grads, trace, &joined);
    }

    /// Rows of zeros before and after each window, so that the convolution keeps its length.
    fn pad(&self, windows: &[f32]) -> Buffer {
        let len = self.shape.window * self.shape.n_features;
        let pad = self.shape.kernel / 2 * self.shape.n_features;
        let mut padded = Buffer::zeros(windows.len() / len * (len + 2 * pad));
        for (padded, window) in padded.chunks_exact_mut(len + 2 * pad).zip(windows.chunks_exact(len)) {
            padded.iter_mut().skip(pad).zip(window).for_each(|(padded, value)| *padded = *value);
        }
        padded
    }

    /// The rows that the convolution sees at each step, one after the other in memory: no copy is needed.
    fn seen<'a>(&self, padded: &'a [f32], window: usize) -> View<'a> {
        let Shape { n_features: k, window: n, kernel, .. } = self.shape;
        let len = (n + kernel - 1) * k;
        View::strided(padded.get(window * len..(window + 1) * len).unwrap_or_default(), n, kernel * k, k)
    }

    /// `weights` are those of the kernel in our order, see [`reorder`].
    fn convolve(&self, params: &[f32], weights: &[f32], padded: &[f32]) -> Buffer {
        let Shape { n_features: k, window: n, kernel, .. } = self.shape;
        let mut convolved = Buffer::any(padded.len() / ((n + kernel - 1) * k) * n * k);
        convolved.chunks_exact_mut(k).for_each(|row| row.copy_from_slice(self.kernel_bias.of(params)));
        for (window, rows) in convolved.chunks_exact_mut(n * k).enumerate() {
            multiply(self.seen(padded, window), View::new(weights, kernel * k, k), 1.0, rows);
        }
        convolved.iter_mut().for_each(|value| *value = value.max(0.0));
        convolved
    }

    /// By step, then window: the convolved row, and what both heads made of it.
    fn join(&self, convolved: &[f32], features: &[f32], steps: &[f32]) -> Buffer {
        let Shape { n_features: k, window: n, .. } = self.shape;
        let n_windows = convolved.len() / (n * k);
        let mut joined = Buffer::any(3 * convolved.len());
        for (index, row) in joined.chunks_exact_mut(3 * k).enumerate() {
            let (step, window) = (index / n_windows, index % n_windows);
            let (first, rest) = row.split_at_mut(k);
            let (second, third) = rest.split_at_mut(k);
            let at = (window * n + step) * k;
            first.copy_from_slice(convolved.get(at..at + k).unwrap_or_default());
            third.copy_from_slice(steps.get(at..at + k).unwrap_or_default());
            let turned = features.iter().skip(window * n * k + step).step_by(n);
            second.iter_mut().zip(turned).for_each(|(value, turned)| *value = *turned);
        }
        joined
    }

    /// Runs layers over `rows`, or over `stretched` states.
    fn run(
        &self,
        params: &[f32],
        layers: &[Gru],
        stretched: Option<&[f32]>,
        rows: &[f32],
        mut random: Option<&mut Random>,
    ) -> Recurrent {
        let n = self.shape.window;
        let mut run = Recurrent { layers: Vec::new(), masks: Vec::new() };
        for layer in layers {
            let driven = match (run.layers.last(), stretched) {
                (Some(below), _) => {
                    let states = below.outputs();
                    let p = self.shape.dropout;
                    let mask =
                        random.as_deref_mut().map(|random| mask(states.len(), p, random)).unwrap_or_default();
                    let driven = layer.input.map(params, &attention::masked(states, &mask));
                    run.masks.push(mask);
                    driven
                }
                (None, Some(states)) => stretch::forward(&layer.input, params, states, n),
                (None, None) => layer.input.map(params, rows),
            };
            run.layers.push(layer.forward(params, &driven, n));
        }
        run
    }

    /// What each map of the forecast reads, what was left out, and the result.
    pub(super) fn look_ahead(
        &self,
        params: &[f32],
        state: &[f32],
        mut random: Option<&mut Random>,
    ) -> (Vec<Vec<f32>>, Vec<Vec<f32>>, Vec<f32>) {
        let (mut inputs, mut masks, mut row) = (Vec::new(), Vec::new(), state.to_vec());
        for (index, map) in self.forecast.iter().enumerate() {
            let mut result = map.forward(params, &row);
            inputs.push(std::mem::take(&mut row));
            if index + 1 < self.forecast.len() {
                result.iter_mut().for_each(|value| *value = value.max(0.0));
                let p = self.shape.dropout;
                let mask =
                    random.as_deref_mut().map(|random| mask(result.len(), p, random)).unwrap_or_default();
                result = attention::masked(&result, &mask).into_owned();
                masks.push(mask);
            }
            row = result;
        }
        (inputs, masks, row)
    }

    /// The gradients of the encoder's last states, from those of the forecast.
    fn look_back(&self, params: &[f32], grads: &mut [f32], trace: &Trace, forecast: &[f32]) -> Vec<f32> {
        let mut row = forecast.to_vec();
        for (index, map) in self.forecast.iter().enumerate().rev() {
            let Some(input) = trace.forecast_inputs.get(index) else { continue };
            map.learn(grads, input, &row);
            let mut below = vec![0.0; input.len()];
            map.back(params, &row, &mut below);
            if index > 0 {
                // What was cut off at 0, or left out, is 0 here.
                below
                    .iter_mut()
                    .zip(input)
                    .filter(|(_, input)| **input == 0.0)
                    .for_each(|(value, _)| *value = 0.0);
                if let Some(mask) = trace.forecast_masks.get(index - 1).filter(|mask| !mask.is_empty()) {
                    below.iter_mut().zip(mask).for_each(|(value, mask)| *value *= mask);
                }
            }
            row = below;
        }
        row
    }

    /// From the gradients of the joined rows back to the parameters of both heads and the convolution.
    fn part(&self, params: &[f32], grads: &mut [f32], trace: &Trace, joined: &[f32]) {
        let Shape { n_features: k, window: n, kernel, .. } = self.shape;
        let n_windows = trace.convolved.len() / (n * k);
        let n_rows = trace.convolved.len();
        let (mut rows, mut by_feature, mut by_step) =
            (Buffer::any(n_rows), Buffer::any(n_rows), Buffer::any(n_rows));
        for (index, row) in joined.chunks_exact(3 * k).enumerate() {
            let (step, window) = (index / n_windows, index % n_windows);
            let (first, rest) = row.split_at(k);
            let (second, third) = rest.split_at(k);
            let at = (window * n + step) * k;
            rows.iter_mut().skip(at).zip(first).for_each(|(value, gradient)| *value = *gradient);
            by_step.iter_mut().skip(at).zip(third).for_each(|(value, gradient)| *value = *gradient);
            let turned = by_feature.iter_mut().skip(window * n * k + step).step_by(n);
            turned.zip(second).for_each(|(value, gradient)| *value = *gradient);
        }
        let mut turned = Buffer::zeros(rows.len());
        self.features.backward((params, grads), &trace.turned, &trace.features, &by_feature, &mut turned);
        self.steps.backward((params, grads), &trace.convolved, &trace.steps, &by_step, &mut rows);
        let back = turn(&turned, k, n);
        for ((value, back), convolved) in rows.iter_mut().zip(&back).zip(trace.convolved.iter()) {
            *value = if *convolved > 0.0 { *value + back } else { 0.0 };
        }
        add_columns(self.kernel_bias.of_mut(grads), &rows);
        let mut weights = vec![0.0; kernel * k * k];
        for (window, rows) in rows.chunks_exact(n * k).enumerate() {
            multiply(self.seen(&trace.padded, window).transposed(), View::new(rows, n, k), 1.0, &mut weights);
        }
        restore(self.kernel.of_mut(grads), &weights, k, kernel);
    }
}

impl Recurrent {
    /// The states of the last layer after each step.
    fn outputs(&self) -> &[f32] {
        self.layers.last().map(GruTrace::outputs).unwrap_or_default()
    }

    /// Those after the last step.
    fn last(&self) -> &[f32] {
        self.layers.last().map(GruTrace::last).unwrap_or_default()
    }
}

/// The gradients of what drove the first layer.
fn run_back(
    (params, grads): (&[f32], &mut [f32]),
    layers: &[Gru],
    run: &Recurrent,
    outputs: Outputs<'_>,
) -> Buffer {
    let mut driven = Buffer::any(0);
    for (index, (layer, trace)) in layers.iter().zip(&run.layers).enumerate().rev() {
        let is_last = index + 1 == layers.len();
        let above = if is_last { Buffer::any(0) } else { states_below(params, layers, run, index, &driven) };
        driven = layer.backward(params, grads, trace, if is_last { outputs } else { Outputs::All(&above) });
        if let Some(below) = index.checked_sub(1).and_then(|below| run.layers.get(below)) {
            let mask = run.masks.get(index - 1).map(Vec::as_slice).unwrap_or_default();
            layer.input.learn(grads, &attention::masked(below.outputs(), mask), &driven);
        }
    }
    driven
}

/// The gradients of the states of layer `index`, which the next layer read.
fn states_below(params: &[f32], layers: &[Gru], run: &Recurrent, index: usize, driven: &[f32]) -> Buffer {
    let mut states = Buffer::zeros(run.layers.get(index).map_or(0, |trace| trace.outputs().len()));
    if let Some(above) = layers.get(index + 1) {
        above.input.back(params, driven, &mut states);
    }
    let mask = run.masks.get(index).filter(|mask| !mask.is_empty());
    states.iter_mut().zip(mask.into_iter().flatten()).for_each(|(state, mask)| *state *= mask);
    states
}

fn recurrent(layout: &mut Layout, name: &str, n_in: usize, layers: super::shape::Layers) -> Vec<Gru> {
    let width = |index| if index == 0 { n_in } else { layers.width };
    (0..layers.n).map(|index| Gru::new(layout, name, index, width(index), layers.width)).collect()
}

/// One map more than there are layers, as in the reference.
fn forecast(layout: &mut Layout, shape: &Shape) -> Vec<Dense> {
    let layers = shape.forecast;
    let map = |index: usize| {
        let n_in = if index == 0 { shape.gru.width } else { layers.width };
        let n_out = if index == layers.n { shape.n_outputs } else { layers.width };
        let name = |what: &str| format!("forecasting_model.layers.{index}.{what}");
        Dense::new(layout, &name("weight"), &name("bias"), n_in, n_out)
    };
    (0..=layers.n).map(map).collect()
}

/// Rows as columns, in each of several matrices of `n_rows` × `n_columns`.
pub(super) fn turn(rows: &[f32], n_rows: usize, n_columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(rows.len());
    for matrix in rows.chunks_exact(n_rows * n_columns) {
        for column in 0..n_columns {
            turned.extend(matrix.iter().skip(column).step_by(n_columns));
        }
    }
    turned
}

/// The kernel by (step, feature read), then feature written; PyTorch has (feature written, feature read, step).
pub(super) fn reorder(kernel: &[f32], k: usize, n_steps: usize) -> Vec<f32> {
    let mut weights = vec![0.0; kernel.len()];
    for (at, weight) in kernel.iter().enumerate() {
        if let Some(place) = weights.get_mut(place(at, k, n_steps)) {
            *place = *weight;
        }
    }
    weights
}

/// Adds gradients in our order to those in PyTorch's.
fn restore(grads: &mut [f32], weights: &[f32], k: usize, n_steps: usize) {
    for (at, gradient) in grads.iter_mut().enumerate() {
        *gradient += weights.get(place(at, k, n_steps)).copied().unwrap_or_default();
    }
}

fn place(at: usize, k: usize, n_steps: usize) -> usize {
    let (written, read, step) = (at / (k * n_steps), at / n_steps % k, at % n_steps);
    (step * k + read) * k + written
}
