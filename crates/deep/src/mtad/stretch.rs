//! The decoder's input, without making it.
//!
//! The reference does not repeat the last state for every step, but stretches it: the input of step `t` at place `c` is number
//! `(t H + c) div n_steps` of the state, where `H` is the state's length. So each step's input holds few different
//! numbers in runs, and its product with a matrix is a sum over these runs of a number times a difference of
//! sums of columns. It is exact, and costs a fiftieth at 100 steps.

use crate::net::{Buffer, Dense, Drive, add_columns};
use crate::product::{add_multiple, dot};

/// A run of equal numbers in the input of a step.
struct Run {
    step: usize,
    /// Which number of the state.
    index: usize,
    /// The places, from and to.
    from: usize,
    to: usize,
}

/// The runs of `n_steps` steps, in order.
fn runs(n: usize, n_steps: usize) -> impl Iterator<Item = Run> {
    (0..n_steps).flat_map(move |step| {
        let first = step * n;
        (first / n_steps..=(first + n - 1) / n_steps).map(move |index| Run {
            step,
            index,
            from: (index * n_steps).max(first) - first,
            to: ((index + 1) * n_steps).min(first + n) - first,
        })
    })
}

/// What `dense` makes of the stretched `states` (a row a window): rows by step, then by window.
pub(crate) fn forward(dense: &Dense, params: &[f32], states: &[f32], n_steps: usize) -> Buffer {
    let (n, n_out) = (dense.n_in, dense.n_out);
    let n_windows = states.len() / n;
    let sums = column_sums(dense, params);
    let mut driven = Buffer::any(n_steps * n_windows * n_out);
    driven.chunks_exact_mut(n_out).for_each(|row| row.copy_from_slice(dense.bias(params)));
    let mut column = vec![0.0; n_out];
    for run in runs(n, n_steps) {
        difference(&sums, &run, &mut column);
        let rows = of_step_mut(&mut driven, run.step, n_windows * n_out).chunks_exact_mut(n_out);
        for (row, state) in rows.zip(states.chunks_exact(n)) {
            let number = state.get(run.index).copied().unwrap_or_default();
            add_multiple(row, number, &column);
        }
    }
    driven
}

/// The runs of all steps with the sums of their columns, made once for many windows.
#[derive(Debug)]
pub(super) struct Stretched {
    /// For each step, its runs: which number of the state, and where the sums lie.
    steps: Vec<Vec<(usize, usize)>>,
    sums: Vec<f32>,
}

impl Stretched {
    pub(super) fn new(dense: &Dense, params: &[f32], n_steps: usize) -> Self {
        let sums = column_sums(dense, params);
        let mut found = Self { steps: vec![Vec::new(); n_steps], sums: Vec::new() };
        let mut column = vec![0.0; dense.n_out];
        for run in runs(dense.n_in, n_steps) {
            difference(&sums, &run, &mut column);
            if let Some(step) = found.steps.get_mut(run.step) {
                step.push((run.index, found.sums.len()));
            }
            found.sums.extend_from_slice(&column);
        }
        found
    }

    /// What `dense` makes of the stretched `states`, step by step: the same as [`forward`].
    pub(super) fn drive<'a>(&'a self, dense: &Dense, params: &'a [f32], states: &'a [f32]) -> Driven<'a> {
        let driven = vec![0.0; states.len() / dense.n_in * dense.n_out];
        Driven { stretched: self, bias: dense.bias(params), states, n: dense.n_in, driven }
    }
}

/// Stretched states that drive a layer.
pub(super) struct Driven<'a> {
    stretched: &'a Stretched,
    bias: &'a [f32],
    states: &'a [f32],
    n: usize,
    driven: Vec<f32>,
}

impl Drive for Driven<'_> {
    fn at(&mut self, step: usize) -> &[f32] {
        let n = self.bias.len();
        let runs = self.stretched.steps.get(step).map(Vec::as_slice).unwrap_or_default();
        for (row, state) in self.driven.chunks_exact_mut(n).zip(self.states.chunks_exact(self.n)) {
            row.copy_from_slice(self.bias);
            for (index, at) in runs {
                let number = state.get(*index).copied().unwrap_or_default();
                add_multiple(row, number, self.stretched.sums.get(*at..at + n).unwrap_or_default());
            }
        }
        &self.driven
    }
}

/// Adds the gradients of `dense`, and gives those of the states.
pub(crate) fn backward(
    dense: &Dense,
    (params, grads): (&[f32], &mut [f32]),
    states: &[f32],
    driven: &[f32],
    n_steps: usize,
) -> Vec<f32> {
    let (n, n_out) = (dense.n_in, dense.n_out);
    let n_windows = states.len() / n;
    let sums = column_sums(dense, params);
    let mut sum_grads = vec![0.0_f64; (n + 1) * n_out];
    let mut state_grads = vec![0.0; states.len()];
    let (mut column, mut column_grads) = (vec![0.0; n_out], vec![0.0; n_out]);
    for run in runs(n, n_steps) {
        difference(&sums, &run, &mut column);
        column_grads.fill(0.0);
        let rows = of_step(driven, run.step, n_windows * n_out).chunks_exact(n_out);
        for ((row, state), gradient) in rows.zip(states.chunks_exact(n)).zip(state_grads.chunks_exact_mut(n))
        {
            let number = state.get(run.index).copied().unwrap_or_default();
            add_multiple(&mut column_grads, number, row);
            if let Some(gradient) = gradient.get_mut(run.index) {
                *gradient += dot(row, &column);
            }
        }
        for (sign, at) in [(1.0, run.to), (-1.0, run.from)] {
            let sums = sum_grads.iter_mut().skip(at * n_out);
            sums.zip(&column_grads).for_each(|(sum, gradient)| *sum += sign * f64::from(*gradient));
        }
    }
    learn(dense, grads, &sum_grads);
    add_columns(dense.bias_mut(grads), driven);
    state_grads
}

/// Sums of the first 0, 1, … `n_in` columns of the weights, a row each.
fn column_sums(dense: &Dense, params: &[f32]) -> Vec<f64> {
    let (n, n_out) = (dense.n_in, dense.n_out);
    let weight = dense.weight().of(params);
    let mut sums = vec![0.0; (n + 1) * n_out];
    for column in 0..n {
        let (before, after) = sums.split_at_mut((column + 1) * n_out);
        let before = before.iter().skip(column * n_out);
        let weights = weight.iter().skip(column).step_by(n);
        for ((after, before), weight) in after.iter_mut().zip(before).zip(weights) {
            *after = before + f64::from(*weight);
        }
    }
    sums
}

/// The sum of the columns of a run.
#[expect(
    clippy::cast_possible_truncation,
    reason = "sums are double only so that their differences are exact enough"
)]
fn difference(sums: &[f64], run: &Run, column: &mut [f32]) {
    let n = column.len();
    let (from, to) = (sums.iter().skip(run.from * n), sums.iter().skip(run.to * n));
    column.iter_mut().zip(from.zip(to)).for_each(|(column, (from, to))| *column = (to - from) as f32);
}

/// A column's gradient is the sum of those of all sums that it is part of.
#[expect(clippy::cast_possible_truncation, reason = "gradients are kept in single precision")]
fn learn(dense: &Dense, grads: &mut [f32], sum_grads: &[f64]) {
    let (n, n_out) = (dense.n_in, dense.n_out);
    let mut total = vec![0.0; n_out];
    let weight = dense.weight().of_mut(grads);
    for column in (0..n).rev() {
        let sums = sum_grads.iter().skip((column + 1) * n_out);
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        let weights = weight.iter_mut().skip(column).step_by(n);
        weights.zip(&total).for_each(|(weight, total)| *weight += *total as f32);
    }
}

fn of_step(rows: &[f32], step: usize, len: usize) -> &[f32] {
    rows.get(step * len..(step + 1) * len).unwrap_or_default()
}

fn of_step_mut(rows: &mut [f32], step: usize, len: usize) -> &mut [f32] {
    rows.get_mut(step * len..(step + 1) * len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Layout;
    use crate::random::Random;

    #[test]
    fn the_same_as_with_the_input_made() {
        for (n, n_steps) in [(150, 100), (150, 10), (16, 20), (7, 7), (3, 1), (1, 5)] {
            let mut layout = Layout::default();
            let dense = Dense::new(&mut layout, "w", "b", n, 6);
            let mut random = Random::new(5);
            let params = layout.initial(&mut random);
            let states: Vec<f32> = (0..2 * n).map(|_| random.unit() - 0.5).collect();
            let made: Vec<f32> = (0..n_steps)
                .flat_map(|step| {
                    states
                        .chunks_exact(n)
                        .flat_map(move |state| (0..n).map(move |c| state[(step * n + c) / n_steps]))
                })
                .collect();
            let (short, long) = (forward(&dense, &params, &states, n_steps), dense.forward(&params, &made));
            assert!(short.iter().zip(long.iter()).all(|(a, b)| (a - b).abs() < 1e-5), "{n} {n_steps}");
            let stretched = Stretched::new(&dense, &params, n_steps);
            let mut driven = stretched.drive(&dense, &params, &states);
            for (step, expected) in long.chunks_exact(2 * 6).enumerate() {
                assert!(
                    driven.at(step).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
                    "{n} {n_steps}"
                );
            }

            let driven: Vec<f32> = short.iter().map(|_| random.unit() - 0.5).collect();
            let (mut short, mut long) = (vec![0.0; params.len()], vec![0.0; params.len()]);
            let states_short = backward(&dense, (&params, &mut short), &states, &driven, n_steps);
            dense.learn(&mut long, &made, &driven);
            let mut made_grads = vec![0.0; made.len()];
            dense.back(&params, &driven, &mut made_grads);
            let mut states_long = vec![0.0; states.len()];
            for (row, grads) in made_grads.chunks_exact(n).enumerate() {
                let (step, window) = (row / 2, row % 2);
                for (c, gradient) in grads.iter().enumerate() {
                    states_long[window * n + (step * n + c) / n_steps] += gradient;
                }
            }
            assert!(short.iter().zip(long.iter()).all(|(a, b)| (a - b).abs() < 1e-4), "{n} {n_steps}");
            assert!(
                states_short.iter().zip(&states_long).all(|(a, b)| (a - b).abs() < 1e-4),
                "{n} {n_steps}"
            );
        }
    }
}
