//! The curves of neurons, written so that the compiler works on several numbers at once.

use crate::wide::{add_product, wide};

/// e to the power of `x`, to about 1e-7 relative; below -87 and above 88 it stays where it is.
///
/// # Source
/// Cody and Waite's reduction to `2^n e^r` with `|r| <= ln(2)/2`, and the minimax polynomial of Cephes' `expf`.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    /// Adding it rounds to whole numbers, which are then the last bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let rounded = add_product::<FUSED>(ROUND, x, std::f32::consts::LOG2_E);
    let n = rounded - ROUND;
    let r = add_product::<FUSED>(add_product::<FUSED>(x, n, -LN2_HIGH), n, -LN2_LOW);
    let p = 1.987_569_1e-4;
    let p = add_product::<FUSED>(1.398_2e-3, p, r);
    let p = add_product::<FUSED>(8.333_452e-3, p, r);
    let p = add_product::<FUSED>(4.166_579_6e-2, p, r);
    let p = add_product::<FUSED>(1.666_666_5e-1, p, r);
    let p = add_product::<FUSED>(0.5, p, r);
    let power = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    add_product::<FUSED>(r + 1.0, p * r, r) * power
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
}

#[inline(always)]
pub(crate) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp::<FUSED>(2.0 * x))
}

wide! {
    /// The curve of each number, in place.
    pub(crate) fn sigmoids(values: &mut [f32]) {
        for value in values {
            *value = sigmoid::<FUSED>(*value);
        }
    }
}

/// Numbers that are compared, or added up, side by side.
const LANES: usize = 16;

wide! {
    /// Turns a row into shares that add up to 1.
    pub(crate) fn softmax(row: &mut [f32]) {
        let (blocks, rest) = row.as_chunks::<LANES>();
        let mut highest = [f32::NEG_INFINITY; LANES];
        for block in blocks {
            for i in 0..LANES {
                highest[i] = if block[i] > highest[i] { block[i] } else { highest[i] };
            }
        }
        let highest = rest.iter().chain(&highest).copied().fold(f32::NEG_INFINITY, f32::max);
        for value in row.iter_mut() {
            *value = exp::<FUSED>(*value - highest);
        }
        let mut sums = [0.0; LANES];
        let (blocks, rest) = row.as_chunks::<LANES>();
        for block in blocks {
            for i in 0..LANES {
                sums[i] += block[i];
            }
        }
        let share = 1.0 / (sums.iter().sum::<f32>() + rest.iter().sum::<f32>());
        for value in row.iter_mut() {
            *value *= share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_library() {
        for i in -2_000..=2_000_i16 {
            let x = f32::from(i) / 50.0;
            let wide = f64::from(x);
            for exp in [exp::<false>(x), exp::<true>(x)] {
                assert!((f64::from(exp) / wide.exp() - 1.0).abs() < 3e-7, "{x}");
            }
            for tanh in [tanh::<false>(x), tanh::<true>(x)] {
                assert!((f64::from(tanh) - wide.tanh()).abs() < 3e-7, "{x}");
            }
            for sigmoid in [sigmoid::<false>(x), sigmoid::<true>(x)] {
                assert!((f64::from(sigmoid) - 1.0 / (1.0 + (-wide).exp())).abs() < 2e-7, "{x}");
            }
        }
        assert!(exp::<false>(f32::INFINITY).is_finite() && exp::<true>(f32::INFINITY).is_finite());
        assert!(exp::<true>(f32::NEG_INFINITY) < 1e-37 && exp::<true>(f32::NAN).is_nan());
    }

    #[test]
    fn shares() {
        let mut row = [0.0, 2.0_f32.ln(), -1e30];
        softmax(&mut row);
        assert!((row[0] - 1.0 / 3.0).abs() < 1e-6 && row[2] < 1e-30);
        // Also where there is a whole block and a rest, in which the highest number is the last.
        let mut row: Vec<f32> = (0..37).map(|at| at as f32 - 1e4).collect();
        softmax(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((row[36] / row[35] - 1.0_f32.exp()).abs() < 1e-5, "{row:?}");
    }
}
