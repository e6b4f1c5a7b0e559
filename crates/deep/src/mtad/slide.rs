//! Rows that many windows share, mapped once.

use super::attention::Maps;
use super::network::{Network, reorder};
use crate::net::Dense;
use crate::packed::Packed;
use crate::product::View;

/// The maps of single rows.
#[derive(Debug)]
pub(super) struct Sliding {
    n_features: usize,
    window: usize,
    /// Rows that the convolution looks at to each side.
    reach: usize,
    kernel: Packed,
    bias: Vec<f32>,
    steps: Maps,
    /// What a row drives the encoder with, by itself.
    row: Dense,
    row_packed: Packed,
}

/// The rows of some windows that follow each other, mapped: first each row as it is inside of windows, then those at the ends of
/// windows, by their place in the window, then by window.
pub(super) struct Rows {
    pub(super) n_windows: usize,
    pub(super) window: usize,
    reach: usize,
    /// After the convolution.
    pub(super) convolved: Vec<f32>,
    /// For attention over steps, by both of its maps.
    pub(super) mapped: [Vec<f32>; 2],
    pub(super) n_mapped: usize,
    /// What drives the encoder.
    driven: Vec<f32>,
    pub(super) n_driven: usize,
}

impl Sliding {
    /// `row` is what a row by itself drives the encoder with.
    pub(super) fn new(network: &Network, params: &[f32], row: Dense) -> Self {
        let shape = &network.shape;
        let (k, length) = (shape.n_features, shape.n_features * shape.kernel);
        let kernel = reorder(network.kernel.of(params), k, shape.kernel);
        Self {
            n_features: k,
            window: shape.window,
            reach: shape.kernel / 2,
            kernel: Packed::new(View::new(&kernel, length, k)),
            bias: network.kernel_bias.of(params).to_vec(),
            steps: Maps::new(&network.steps, params),
            row_packed: row.packed(params),
            row,
        }
    }

    /// The windows of these rows, of which there is at least one.
    pub(super) fn map(&self, params: &[f32], rows: &[f32]) -> Rows {
        let (k, n) = (self.n_features, self.window);
        let n_windows = rows.len() / k + 1 - n;
        let seen = self.seen(rows, n_windows);
        let mut convolved = self.bias.repeat(seen.len() / (k * (2 * self.reach + 1)));
        self.kernel.add_product(&seen, &mut convolved);
        convolved.iter_mut().for_each(|value| *value = value.max(0.0));
        let mapped = self.steps.apply(params, &convolved);
        let n_driven = self.row.n_out;
        let mut driven = vec![0.0; convolved.len() / k * n_driven];
        self.row.apply(params, &self.row_packed, &convolved, &mut driven);
        let n_mapped = mapped[0].len() / (convolved.len() / k);
        Rows { n_windows, window: n, reach: self.reach, convolved, mapped, n_mapped, driven, n_driven }
    }

    /// The rows that the convolution sees for each mapped row, one after the other; beyond the ends of a window they are zeros.
    fn seen(&self, rows: &[f32], n_windows: usize) -> Vec<f32> {
        let (k, n, reach) = (self.n_features, self.window, self.reach);
        let mut seen = Vec::new();
        let mut see = |row: usize, from: usize, to: usize| {
            for at in row..=row + 2 * reach {
                let is_inside = (from + reach..to + reach).contains(&at);
                let rows = rows.get(at.saturating_sub(reach) * k..).filter(|_| is_inside);
                let length = seen.len() + k;
                seen.extend(rows.into_iter().flatten().take(k));
                seen.resize(length, 0.0);
            }
        };
        (0..rows.len() / k).for_each(|row| see(row, 0, rows.len() / k));
        for step in (0..n).filter(|step| is_end(*step, n, reach)) {
            (0..n_windows).for_each(|window| see(window + step, window, window + n));
        }
        seen
    }
}

/// Whether the convolution sees zeros at this step of `n`.
const fn is_end(step: usize, n: usize, reach: usize) -> bool {
    step < reach || step + reach >= n
}

impl Rows {
    /// Where the rows at a step of all windows lie, one after the other.
    fn first(&self, step: usize) -> usize {
        let (n, reach) = (self.window, self.reach);
        if !is_end(step, n, reach) {
            return step;
        }
        // Ends are numbered: first those at the beginning, then the others.
        let end = if step < reach { step } else { step + (2 * reach).min(n) - n };
        self.n_windows + n - 1 + end * self.n_windows
    }

    /// The rows of a window among `rows` of `length` numbers.
    pub(super) fn of(&self, window: usize, rows: &[f32], length: usize) -> Vec<f32> {
        let mut found = Vec::with_capacity(self.window * length);
        if rows.is_empty() {
            return found;
        }
        for step in 0..self.window {
            let at = (self.first(step) + window) * length;
            found.extend_from_slice(rows.get(at..at + length).unwrap_or_default());
        }
        found
    }

    /// What drives the encoder at a step, a row for each window.
    pub(super) fn driven_at(&self, step: usize) -> &[f32] {
        let (first, n) = (self.first(step), self.n_driven);
        self.driven.get(first * n..(first + self.n_windows) * n).unwrap_or_default()
    }
}
