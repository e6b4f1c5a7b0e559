//! Convolutions along time, each followed by a cut at 0.

use super::dense::add_columns;
use super::layout::{Layout, Slot};
use crate::product::{View, multiply};

/// A map of `kernel` rows in a row to one; a window of n rows becomes one of n - kernel + 1. What is below 0 becomes 0.
#[derive(Debug, Clone)]
pub(crate) struct Convolution {
    /// `kernel` × `n_in` rows of `n_out` numbers.
    weight: Slot,
    bias: Slot,
    kernel: usize,
    n_in: usize,
    pub(crate) n_out: usize,
}

impl Convolution {
    pub(crate) fn new(layout: &mut Layout, name: &str, kernel: usize, n_in: usize, n_out: usize) -> Self {
        // He's first values keep the size of numbers through the cut.
        let bound = (6.0 / (kernel * n_in) as f32).sqrt();
        let weight = layout.add(format!("{name}.weight"), &[kernel, n_in, n_out], bound);
        let bias = layout.add(format!("{name}.bias"), &[n_out], 0.0);
        Self { weight, bias, kernel, n_in, n_out }
    }

    /// Rows that a window of `n` rows becomes.
    pub(crate) const fn n_rows(&self, n: usize) -> usize {
        (n + 1).saturating_sub(self.kernel)
    }

    /// The rows that each result looks at, one after the other in memory: no copy is needed.
    fn seen<'a>(&self, window: &'a [f32]) -> View<'a> {
        let n_rows = self.n_rows(window.len() / self.n_in);
        View::strided(window, n_rows, self.kernel * self.n_in, self.n_in)
    }

    fn weights<'a>(&self, params: &'a [f32]) -> View<'a> {
        View::new(self.weight.of(params), self.kernel * self.n_in, self.n_out)
    }

    /// Windows of `n` rows, one after the other.
    pub(crate) fn forward(&self, params: &[f32], windows: &[f32], n: usize) -> Vec<f32> {
        let n_windows = windows.len() / (n * self.n_in);
        let mut results = vec![0.0; n_windows * self.n_rows(n) * self.n_out];
        results.chunks_exact_mut(self.n_out).for_each(|row| row.copy_from_slice(self.bias.of(params)));
        let pairs = windows.chunks_exact(n * self.n_in);
        for (window, result) in pairs.zip(results.chunks_exact_mut(self.n_rows(n) * self.n_out)) {
            multiply(self.seen(window), self.weights(params), 1.0, result);
        }
        results.iter_mut().for_each(|value| *value = value.max(0.0));
        results
    }

    /// Adds the gradients of the parameters to `grads`, given the results and their gradients; gives those of the windows.
    pub(crate) fn backward(
        &self,
        (params, grads): (&[f32], &mut [f32]),
        (windows, results): (&[f32], &[f32]),
        mut result_grads: Vec<f32>,
        n: usize,
    ) -> Vec<f32> {
        let cut = result_grads.iter_mut().zip(results).filter(|(_, result)| **result <= 0.0);
        cut.for_each(|(gradient, _)| *gradient = 0.0);
        add_columns(self.bias.of_mut(grads), &result_grads);
        let (length, n_rows) = (self.kernel * self.n_in, self.n_rows(n));
        let mut window_grads = vec![0.0; windows.len()];
        let mut seen_grads = vec![0.0; n_rows * length];
        let of_windows =
            windows.chunks_exact(n * self.n_in).zip(window_grads.chunks_exact_mut(n * self.n_in));
        for ((window, grad), rows) in of_windows.zip(result_grads.chunks_exact(n_rows * self.n_out)) {
            let rows = View::new(rows, n_rows, self.n_out);
            multiply(self.seen(window).transposed(), rows, 1.0, self.weight.of_mut(grads));
            multiply(rows, self.weights(params).transposed(), 0.0, &mut seen_grads);
            for (at, seen) in seen_grads.chunks_exact(length).enumerate() {
                let place = grad.iter_mut().skip(at * self.n_in);
                place.zip(seen).for_each(|(gradient, seen)| *gradient += seen);
            }
        }
        window_grads
    }
}
