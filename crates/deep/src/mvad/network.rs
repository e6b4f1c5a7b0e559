//! The network, forward and back.

use super::head::{self, Head};
use crate::net::{Dense, Gru, GruTrace, Layout, Outputs, sigmoids};
use crate::random::Random;

/// Rows of the moving mean, steps that are left of a window at most, and numbers of a state.
const SMOOTHED: usize = 7;
const MAX_STEPS: usize = 100;
const N_STATES: usize = 100;

/// Linear maps of the forecast.
const N_MAPS: usize = 3;

/// The parts, and where their parameters lie.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) layout: Layout,
    pub(crate) n_columns: usize,
    /// Rows of a window.
    pub(crate) window: usize,
    n_steps: usize,
    features: Head,
    steps: Head,
    encoder: Gru,
    forecast: Vec<Dense>,
}

/// What a pass leaves behind.
pub(super) struct Trace {
    rows: Vec<f32>,
    turned: Vec<f32>,
    features: head::Trace,
    steps: head::Trace,
    joined: Vec<f32>,
    encoder: GruTrace,
    /// What each linear map reads.
    inputs: Vec<Vec<f32>>,
    /// The next row of each window.
    pub(super) forecast: Vec<f32>,
}

impl Network {
    pub(crate) fn new(n_columns: usize, window: usize) -> Self {
        let n_steps = smoothed(window).min(MAX_STEPS);
        let mut layout = Layout::default();
        let features = Head::new(&mut layout, "features", n_columns, n_steps);
        let steps = Head::new(&mut layout, "steps", n_steps, n_columns);
        let encoder = Gru::new(&mut layout, "gru", 0, 3 * n_columns, N_STATES);
        let forecast = (0..N_MAPS).map(|at| {
            let n_out = if at + 1 == N_MAPS { n_columns } else { N_STATES };
            let (weight, bias) = (format!("forecast.{at}.weight"), format!("forecast.{at}.bias"));
            Dense::new(&mut layout, &weight, &bias, N_STATES, n_out)
        });
        let forecast = forecast.collect();
        Self { layout, n_columns, window, n_steps, features, steps, encoder, forecast }
    }

    /// A window as the network sees it: its moving mean, and of that the highest in each of some steps.
    pub(crate) fn prepare(&self, window: &[f32]) -> Vec<f32> {
        let (k, n) = (self.n_columns, smoothed(self.window));
        let width = self.window + 1 - n;
        let mean = |row: usize, column: usize| {
            let values = window.iter().skip(row * k + column).step_by(k).take(width);
            values.sum::<f32>() / width as f32
        };
        let mut steps = Vec::with_capacity(self.n_steps * k);
        for step in 0..self.n_steps {
            let (from, to) = (step * n / self.n_steps, ((step + 1) * n).div_ceil(self.n_steps));
            let highest = |column| (from..to).map(|row| mean(row, column)).fold(f32::NEG_INFINITY, f32::max);
            steps.extend((0..k).map(highest));
        }
        steps
    }

    /// The next row of each of some windows that were prepared, from 0 to 1.
    pub(crate) fn forecast(&self, params: &[f32], windows: &[f32]) -> Vec<f32> {
        self.forward(params, windows.to_vec(), None).forecast
    }

    pub(super) fn forward(&self, params: &[f32], rows: Vec<f32>, mut random: Option<&mut Random>) -> Trace {
        let turned = turn(&rows, self.n_steps, self.n_columns);
        let features = self.features.forward(params, &turned, random.as_deref_mut());
        let steps = self.steps.forward(params, &rows, random);
        let joined = self.join(&rows, &features.nodes, &steps.nodes);
        let driven = self.encoder.input.forward(params, &joined);
        let encoder = self.encoder.forward(params, &driven, self.n_steps);
        let (mut inputs, mut row) = (Vec::new(), encoder.last().to_vec());
        for map in &self.forecast {
            row.iter_mut().for_each(|value| *value = value.max(0.0));
            let result = map.forward(params, &row);
            inputs.push(std::mem::replace(&mut row, result));
        }
        sigmoids(&mut row);
        Trace { rows, turned, features, steps, joined, encoder, inputs, forecast: row }
    }

    /// Adds the gradients of all parameters to `grads`, given those of the forecast.
    pub(super) fn backward(&self, params: &[f32], grads: &mut [f32], trace: &Trace, forecast: &[f32]) {
        let mut row: Vec<f32> =
            forecast.iter().zip(&trace.forecast).map(|(gradient, y)| gradient * y * (1.0 - y)).collect();
        for (map, input) in self.forecast.iter().zip(&trace.inputs).rev() {
            map.learn(grads, input, &row);
            let mut below = vec![0.0; input.len()];
            map.back(params, &row, &mut below);
            let cut = below.iter_mut().zip(input).filter(|(_, input)| **input <= 0.0);
            cut.for_each(|(gradient, _)| *gradient = 0.0);
            row = below;
        }
        let driven = self.encoder.backward(params, grads, &trace.encoder, Outputs::Last(&row));
        self.encoder.input.learn(grads, &trace.joined, &driven);
        let mut joined = vec![0.0; trace.joined.len()];
        self.encoder.input.back(params, &driven, &mut joined);
        let (by_feature, by_step) = self.part(&joined);
        self.features.backward(grads, &trace.turned, &trace.features, &by_feature);
        self.steps.backward(grads, &trace.rows, &trace.steps, &by_step);
    }

    /// By step, then window: the row, and what both heads made of it.
    fn join(&self, rows: &[f32], features: &[f32], steps: &[f32]) -> Vec<f32> {
        let (k, n) = (self.n_columns, self.n_steps);
        let n_windows = rows.len() / (n * k);
        let features = turn(features, k, n);
        let mut joined = Vec::with_capacity(3 * rows.len());
        for (step, window) in (0..n).flat_map(|step| (0..n_windows).map(move |window| (step, window))) {
            let at = (window * n + step) * k;
            for part in [rows, &features, steps] {
                joined.extend_from_slice(part.get(at..at + k).unwrap_or_default());
            }
        }
        joined
    }

    /// From the gradients of the joined rows, those of what both heads saw.
    fn part(&self, joined: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (k, n) = (self.n_columns, self.n_steps);
        let n_windows = joined.len() / (3 * n * k);
        let (mut by_feature, mut by_step) = (vec![0.0; joined.len() / 3], vec![0.0; joined.len() / 3]);
        for (index, row) in joined.chunks_exact(3 * k).enumerate() {
            let at = (index % n_windows * n + index / n_windows) * k;
            for (grads, part) in [(&mut by_feature, 1), (&mut by_step, 2)] {
                let part = row.get(part * k..(part + 1) * k).unwrap_or_default();
                grads.iter_mut().skip(at).zip(part).for_each(|(gradient, part)| *gradient = *part);
            }
        }
        (turn(&by_feature, n, k), by_step)
    }
}

/// Rows that are left of a window by the moving mean; a short one stays as it is.
const fn smoothed(window: usize) -> usize {
    if window < 2 * SMOOTHED { window } else { window + 1 - SMOOTHED }
}

/// Rows as columns, in each of several matrices of `n_rows` × `n_columns`.
fn turn(rows: &[f32], n_rows: usize, n_columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(rows.len());
    for matrix in rows.chunks_exact(n_rows * n_columns) {
        for column in 0..n_columns {
            turned.extend(matrix.iter().skip(column).step_by(n_columns));
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_slopes() {
        let network = Network::new(3, 9);
        let mut random = Random::new(5);
        let params = network.layout.initial(&mut random);
        let rows: Vec<f32> = (0..4 * 9 * 3).map(|_| random.unit()).collect();
        let wanted: Vec<f32> = (0..12).map(|_| random.unit()).collect();
        for seed in [None, Some(3)] {
            let pass = |params: &[f32]| network.forward(params, rows.clone(), seed.map(Random::new).as_mut());
            let loss = |params: &[f32]| -> f64 {
                pass(params).forecast.iter().zip(&wanted).map(|(a, b)| f64::from(a - b).powi(2)).sum()
            };
            let trace = pass(&params);
            let forecast: Vec<f32> = trace.forecast.iter().zip(&wanted).map(|(a, b)| 2.0 * (a - b)).collect();
            let mut grads = vec![0.0; params.len()];
            network.backward(&params, &mut grads, &trace, &forecast);
            let mut n_off = 0;
            for entry in &network.layout.entries {
                let mut direction = vec![0.0; params.len()];
                entry.slot.of_mut(&mut direction).iter_mut().for_each(|value| *value = random.unit() - 0.5);
                let moved =
                    |by: f32| params.iter().zip(&direction).map(|(p, d)| p + by * d).collect::<Vec<f32>>();
                let slope = (loss(&moved(1e-3)) - loss(&moved(-1e-3))) / 2e-3;
                let expected: f64 = grads.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum();
                if (slope - expected).abs() > 2e-4 + 0.02 * expected.abs() {
                    eprintln!("{} {seed:?}: {slope} is not {expected}", entry.name);
                    n_off += 1;
                }
            }
            // Curves have corners; a step over one is no slope.
            assert!(n_off <= 2, "{n_off} gradients are off ({seed:?})");
        }
    }

    #[test]
    fn windows_are_smoothed_and_shortened() {
        let network = Network::new(1, 200);
        let window: Vec<f32> = (0..200_u8).map(f32::from).collect();
        let steps = network.prepare(&window);
        // Means of 0 to 6, 1 to 7, …: the second of the first two, and the last.
        assert_eq!((steps.len(), steps[0], steps[99]), (100, 4.0, 196.0));
        assert_eq!(Network::new(1, 10).prepare(&window[..10]), &window[..10]);
    }
}
