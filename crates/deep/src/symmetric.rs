//! Symmetric matrices: covariances, their inverses, their largest components.

use rayon::prelude::*;

use crate::product::{View, dot, multiply};
use crate::random::Random;
use crate::rows::Rows;

/// Rows whose products are summed in single precision before they are added up in double.
const BLOCK_ROWS: usize = 1_024;

/// Rounds of subspace iteration. What two components of nearly the same variance share does not matter.
const N_ROUNDS: usize = 40;

/// The mean products of all pairs of numbers in a window, around 0.
pub(crate) fn second_moments(rows: &Rows<'_>, window: usize) -> Vec<f64> {
    let length = rows.n_columns * window;
    let n = rows.n_windows(window);
    let blocks: Vec<usize> = (0..n).step_by(BLOCK_ROWS).collect();
    let mut sum = vec![0.0; length * length];
    // A few at once, so that a wide table does not take much memory.
    for blocks in blocks.chunks(8) {
        let products: Vec<Vec<f32>> = blocks
            .par_iter()
            .map(|&first| {
                let n_block = BLOCK_ROWS.min(n - first);
                let values = rows.stretch(first..first + n_block + window - 1);
                let view = View::strided(&values, n_block, length, rows.n_columns);
                let mut product = vec![0.0; length * length];
                multiply(view.transposed(), view, 0.0, &mut product);
                product
            })
            .collect();
        for product in products {
            sum.iter_mut().zip(product).for_each(|(sum, product)| *sum += f64::from(product));
        }
    }
    sum.iter_mut().for_each(|sum| *sum /= n.max(1) as f64);
    sum
}

/// The inverse of a symmetric positive definite matrix of `n` rows; `None` if it is not positive definite.
///
/// Cost: O(n³). By Cholesky's factors, in double precision.
pub(crate) fn inverse(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let lower = factor(matrix, n)?;
    let columns: Vec<Vec<f64>> = (0..n).into_par_iter().map(|column| solve(&lower, n, column)).collect();
    Some(columns.concat())
}

/// The lower triangle L with `L Lᵀ = matrix`.
fn factor(matrix: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
    for (i, matrix_row) in matrix.chunks_exact(n).enumerate() {
        let mut row: Vec<f64> = Vec::with_capacity(n);
        for (value, above) in matrix_row.iter().zip(&lower) {
            let rest = value - product(&row, above);
            row.push(rest / above.last()?);
        }
        let rest = matrix_row.get(i)? - product(&row, &row);
        if !(rest > 0.0 && rest.is_finite()) {
            return None;
        }
        row.push(rest.sqrt());
        lower.push(row);
    }
    Some(
        lower
            .into_iter()
            .flat_map(|mut row| {
                row.resize(n, 0.0);
                row
            })
            .collect(),
    )
}

/// Column `column` of the inverse: forward through L, then back through its transpose.
fn solve(lower: &[f64], n: usize, column: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| lower.get(i * n + j).copied().unwrap_or_default();
    let mut x = vec![0.0; n];
    for (i, row) in lower.chunks_exact(n).enumerate().skip(column) {
        let (before, after) = x.split_at_mut(i);
        let right = f64::from(u8::from(i == column));
        let known = row.get(column..i).unwrap_or_default();
        if let Some(x) = after.first_mut() {
            *x = (right - product(known, before.get(column..).unwrap_or_default())) / at(i, i);
        }
    }
    for i in (0..n).rev() {
        let (before, after) = x.split_at_mut(i);
        let Some(x) = after.first_mut() else { continue };
        *x /= at(i, i);
        let row = lower.get(i * n..i * n + i).unwrap_or_default();
        before.iter_mut().zip(row).for_each(|(before, l)| *before -= l * *x);
    }
    x
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The components of largest variance, a row each of length 1, until they hold `share` of the variance; at most `max`.
///
/// Cost: O(rounds × max × n²). Subspace iteration: all are multiplied with the matrix and made orthogonal again.
#[expect(clippy::cast_possible_truncation, reason = "components are kept in single precision")]
pub(crate) fn components(matrix: &[f64], n: usize, share: f64, max: usize, seed: u64) -> Vec<f32> {
    let single: Vec<f32> = matrix.iter().map(|value| *value as f32).collect();
    let total: f64 = matrix.iter().step_by(n + 1).sum();
    let mut random = Random::new(seed);
    let count = max.min(n);
    let mut axes: Vec<f32> = (0..count * n).map(|_| random.unit() - 0.5).collect();
    let mut variances = Vec::new();
    for _ in 0..N_ROUNDS {
        let mut next = vec![0.0; count * n];
        multiply(View::new(&axes, count, n), View::new(&single, n, n), 0.0, &mut next);
        variances = orthogonalise(&mut next, n);
        axes = next;
    }
    let held = variances.iter().scan(0.0, |sum, variance| {
        *sum += f64::from(*variance);
        Some(*sum)
    });
    let n_kept = held.take_while(|held| *held < share * total).count() + 1;
    axes.truncate(n_kept.min(count) * n);
    axes
}

/// Gram and Schmidt's, twice for precision; gives the lengths before.
fn orthogonalise(rows: &mut [f32], n: usize) -> Vec<f32> {
    let mut lengths = Vec::new();
    for i in 0..rows.len() / n {
        let (before, rest) = rows.split_at_mut(i * n);
        let row = rest.get_mut(..n).unwrap_or_default();
        for other in before.chunks_exact(n).chain(before.chunks_exact(n)) {
            let along = dot(other, row);
            row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
        }
        let length = dot(row, row).sqrt();
        let factor = if length > 1e-20 { 1.0 / length } else { 0.0 };
        row.iter_mut().for_each(|value| *value *= factor);
        lengths.push(length);
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_undoes() {
        let matrix = [4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let inverse = inverse(&matrix, 3).unwrap();
        for i in 0..3 {
            for j in 0..3 {
                let entry: f64 = (0..3).map(|k| matrix[i * 3 + k] * inverse[k * 3 + j]).sum();
                assert!((entry - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j} {entry}");
            }
        }
        assert_eq!(super::inverse(&[1.0, 2.0, 2.0, 1.0], 2), None);
        assert_eq!(super::inverse(&[f64::NAN], 1), None);
    }

    #[test]
    fn components_of_a_known_matrix() {
        // Variances 9 and 1 along the diagonals.
        let axes = components(&[5.0, 4.0, 4.0, 5.0], 2, 0.8, 2, 1);
        assert_eq!(axes.len(), 2);
        assert!((axes[0].abs() - 0.5_f32.sqrt()).abs() < 1e-6 && (axes[0] - axes[1]).abs() < 1e-6);
        assert_eq!(components(&[5.0, 4.0, 4.0, 5.0], 2, 0.95, 2, 1).len(), 4);
        assert_eq!(components(&[0.0; 4], 2, 0.9, 2, 1), [0.0, 0.0]);
    }

    #[test]
    fn moments_of_windows() {
        let values = [1.0, 2.0, 3.0, 4.0];
        let rows = Rows::of(&values, 1);
        assert_eq!(second_moments(&rows, 1), [7.5]);
        assert_eq!(second_moments(&rows, 2), [14.0 / 3.0, 20.0 / 3.0, 20.0 / 3.0, 29.0 / 3.0]);
    }
}
