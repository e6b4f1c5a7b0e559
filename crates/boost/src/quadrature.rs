//! Points at which a polynomial is integrated exactly.

use std::f64::consts::PI;

/// More steps are not needed by any number of points: each doubles the digits.
const MAX_STEPS: usize = 20;

/// `n` points from 0 to 1 and their weights, which integrate polynomials of a degree below `2 n` exactly. Cost: O(n²).
///
/// The points are zeros of Legendre's polynomial, found by Newton's method from Chebyshev's, which lie close by.
pub(crate) fn gauss_legendre(n: usize) -> Vec<(f64, f64)> {
    let point = |i: usize| {
        let mut x = (PI * (i as f64 + 0.75) / (n as f64 + 0.5)).cos();
        for _ in 0..MAX_STEPS {
            let (value, slope) = legendre(n, x);
            let step = value / slope;
            x -= step;
            if step.abs() < f64::EPSILON {
                break;
            }
        }
        let (_, slope) = legendre(n, x);
        // From -1 to 1 a weight is twice as large.
        (0.5 - 0.5 * x, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..n).map(point).collect()
}

/// The value and the slope of Legendre's polynomial of degree `n`, from 1 on, inside of -1 to 1.
fn legendre(n: usize, x: f64) -> (f64, f64) {
    let (mut below, mut value) = (0.0, 1.0);
    for k in 1..=n {
        let k = k as f64;
        (below, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * below) / k);
    }
    (value, n as f64 * (below - x * value) / (1.0 - x * x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_integrated_exactly() {
        for n in [1, 2, 3, 4, 8, 64, 256] {
            let rule = gauss_legendre(n);
            assert!(rule.iter().all(|(point, weight)| (0.0..1.0).contains(point) && *weight > 0.0), "{n}");
            for degree in 0..2 * n {
                let found: f64 = rule.iter().map(|(x, weight)| weight * x.powi(degree as i32)).sum();
                let expected = 1.0 / (degree as f64 + 1.0);
                assert!((found - expected).abs() < 1e-14, "{n} {degree}: {found} is not {expected}");
            }
        }
    }
}
