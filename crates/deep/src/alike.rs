//! Whether rows follow a course without any noise, so that nothing can be learned from them about how far usual rows stray.

use crate::rows::Lesson;
use crate::symmetric::inverse;

/// Values before one that it is foretold by.
const ORDER: usize = 8;

/// What is foretold to this share of its range has no noise; the noise of real measurements is above a thousandth.
const NOISELESS: f64 = 1e-4;

/// Rows that are looked at.
const MAX_ROWS: usize = 20_000;

/// Whether all columns that have values can be foretold from their own past, as constants and waves can.
pub(crate) fn is_too_alike(rows: &Lesson<'_>) -> bool {
    let n_columns = rows.n_columns();
    let mut columns = vec![Vec::new(); n_columns];
    for piece in rows.pieces(0) {
        for (at, column) in columns.iter_mut().enumerate() {
            let values = piece.iter().skip(at).step_by(n_columns).filter(|value| value.is_finite());
            column.extend(values.take(MAX_ROWS - column.len()).map(|value| f64::from(*value)));
        }
        if columns.iter().all(|column| column.len() == MAX_ROWS) {
            break;
        }
    }
    columns.iter().all(|column| is_foretold(column))
}

/// Whether a linear map of the values before foretells each value.
fn is_foretold(values: &[f64]) -> bool {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let range = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
    if values.len() < 4 * ORDER || range <= 0.0 {
        return true;
    }
    let scaled: Vec<f64> = values.iter().map(|value| (value - low) / range - 0.5).collect();
    const N: usize = ORDER + 1;
    let (mut moments, mut products) = (vec![0.0; N * N], [0.0; N]);
    for window in scaled.windows(N) {
        let input = input(window);
        for (at, a) in input.iter().enumerate() {
            products[at] += a * window[ORDER];
            for (other, b) in input.iter().enumerate() {
                moments[at * N + other] += a * b;
            }
        }
    }
    let n = (scaled.len() - ORDER) as f64;
    // A trace of noise, so that there is one answer.
    moments.iter_mut().step_by(N + 1).for_each(|moment| *moment += 1e-10 * n);
    let Some(inverse) = inverse(&moments, N) else { return false };
    let weights: Vec<f64> = inverse.chunks_exact(N).map(|row| dot(row, &products)).collect();
    let squares = scaled.windows(N).map(|window| (window[ORDER] - dot(&weights, &input(window))).powi(2));
    (squares.sum::<f64>() / n).sqrt() < NOISELESS
}

/// The values before the last one, and a constant.
fn input(window: &[f64]) -> [f64; ORDER + 1] {
    let mut input = [1.0; ORDER + 1];
    input.iter_mut().zip(&window[..ORDER]).for_each(|(input, value)| *input = *value);
    input
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
