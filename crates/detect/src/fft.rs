//! The fast Fourier transform, for lengths that are powers of two.

use std::f64::consts::TAU;

/// Real and imaginary part.
pub(super) type Complex = (f64, f64);

/// Transforms in place: `X[k]` is the sum over `j` of `x[j] * exp(-2 pi i j k / n)`. O(n log n).
///
/// `data.len()` is a power of two. Not scaled; [`inverse`] is, so that both together change nothing.
pub(super) fn forward(data: &mut [Complex]) {
    debug_assert!(data.len().is_power_of_two());
    reorder(data);
    let mut half = 1;
    while half < data.len() {
        let turns: Vec<Complex> = (0..half)
            .map(|k| {
                let (sin, cos) = (-TAU * k as f64 / (2 * half) as f64).sin_cos();
                (cos, sin)
            })
            .collect();
        for block in data.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((a, b), turn) in low.iter_mut().zip(high).zip(&turns) {
                let turned = (b.0 * turn.0 - b.1 * turn.1, b.0 * turn.1 + b.1 * turn.0);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        half *= 2;
    }
}

/// Undoes [`forward`].
pub(super) fn inverse(data: &mut [Complex]) {
    let n = data.len() as f64;
    data.iter_mut().for_each(|x| x.1 = -x.1);
    forward(data);
    data.iter_mut().for_each(|x| *x = (x.0 / n, -x.1 / n));
}

/// Puts each item where its index has its bits in reverse.
fn reorder(data: &mut [Complex]) {
    let n_bits = data.len().trailing_zeros();
    if n_bits == 0 {
        return;
    }
    for index in 0..data.len() {
        let mirrored = index.reverse_bits() >> (usize::BITS - n_bits);
        if index < mirrored {
            data.swap(index, mirrored);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn agrees_with_the_definition() {
        for n in [1, 2, 4, 8, 32, 128] {
            let data: Vec<Complex> = (0..n).map(|j| (noise(j), noise(j + 999))).collect();
            let mut fast = data.clone();
            forward(&mut fast);
            for (k, found) in fast.iter().enumerate() {
                let expected = data.iter().enumerate().fold((0.0, 0.0), |sum, (j, x)| {
                    let (sin, cos) = (-TAU * (j * k) as f64 / n as f64).sin_cos();
                    (sum.0 + x.0 * cos - x.1 * sin, sum.1 + x.0 * sin + x.1 * cos)
                });
                let error = (found.0 - expected.0).hypot(found.1 - expected.1);
                assert!(error < 1e-11, "{n} {k}: {error}");
            }
            inverse(&mut fast);
            let error = data.iter().zip(&fast).map(|(a, b)| (a.0 - b.0).hypot(a.1 - b.1)).fold(0.0, f64::max);
            assert!(error < 1e-14, "{n}: {error}");
        }
    }
}
