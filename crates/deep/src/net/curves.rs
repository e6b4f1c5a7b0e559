//! The curves of neurons, written so that the compiler works on several numbers at once.

use crate::wide::wide;

/// e to the power of `x`, to about 1e-7 relative; below -87 and above 88 it stays where it is.
///
/// # Source
/// Cody and Waite's reduction to `2^n e^r` with `|r| <= ln(2)/2`, and the minimax polynomial of Cephes' `expf`.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the power of two lies between -126 and 127"
)]
fn exp(x: f32) -> f32 {
    /// Adding and subtracting it rounds to whole numbers.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    (p * r * r + r + 1.0) * power
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// The curve of each number, in place.
pub(crate) fn sigmoids(values: &mut [f32]) {
    wide(|| values.iter_mut().for_each(|value| *value = sigmoid(*value)));
}

/// Turns a row into shares that add up to 1.
pub(crate) fn softmax(row: &mut [f32]) {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    wide(|| row.iter_mut().for_each(|value| *value = exp(*value - highest)));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_library() {
        for i in -2_000..=2_000_i16 {
            let x = f32::from(i) / 50.0;
            let wide = f64::from(x);
            assert!((f64::from(exp(x)) / wide.exp() - 1.0).abs() < 3e-7, "{x}");
            assert!((f64::from(tanh(x)) - wide.tanh()).abs() < 3e-7, "{x}");
            assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-wide).exp())).abs() < 2e-7, "{x}");
        }
        assert!(exp(f32::INFINITY).is_finite() && exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::NAN).is_nan());
    }

    #[test]
    fn shares() {
        let mut row = [0.0, 2.0_f32.ln(), -1e30];
        softmax(&mut row);
        assert!((row[0] - 1.0 / 3.0).abs() < 1e-6 && row[2] < 1e-30);
    }
}
