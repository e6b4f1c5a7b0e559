//! Brent's method: the root of a function between two points where its sign differs.

/// Steps after which the best point so far is taken. Brent needs about ten for smooth functions.
const MAX_STEPS: usize = 100;

/// A root of `f` between `a` and `b`, where `f(a) = fa` and `f(b) = fb` have different signs (or one is 0).
///
/// To the precision of `f64` relative to the root. Keeps the bracket, so it never leaves it; each step is
/// an inverse quadratic interpolation, or a bisection where that would converge too slowly.
///
/// # Source
/// R. P. Brent, "Algorithms for Minimization without Derivatives", 1973, chapter 4.
pub(super) fn root(f: impl Fn(f64) -> f64, (a, fa): (f64, f64), (b, fb): (f64, f64)) -> f64 {
    let (mut previous, mut f_previous) = (a, fa); // the last but one estimate
    let (mut best, mut f_best) = (b, fb);
    let (mut opposite, mut f_opposite) = (a, fa); // the other end of the bracket
    let mut step = b - a;
    let mut last_step = step;
    for _ in 0..MAX_STEPS {
        if f_opposite.abs() < f_best.abs() {
            (previous, f_previous) = (best, f_best);
            (best, opposite) = (opposite, best);
            (f_best, f_opposite) = (f_opposite, f_best);
        }
        let tolerance = 2.0 * f64::EPSILON * best.abs();
        let half = 0.5 * (opposite - best);
        if f_best == 0.0 || half.abs() <= tolerance {
            break;
        }
        let interpolated = (last_step.abs() >= tolerance && f_previous.abs() > f_best.abs())
            .then(|| interpolation((previous, f_previous), (best, f_best), (opposite, f_opposite), half));
        match interpolated {
            Some((p, q)) if 2.0 * p < (3.0 * half * q - (tolerance * q).abs()).min((last_step * q).abs()) => {
                last_step = step;
                step = p / q;
            }
            _ => {
                step = half;
                last_step = half;
            }
        }
        (previous, f_previous) = (best, f_best);
        best += if step.abs() > tolerance { step } else { tolerance.copysign(half) };
        f_best = f(best);
        if (f_best > 0.0) == (f_opposite > 0.0) {
            (opposite, f_opposite) = (previous, f_previous);
            step = best - previous;
            last_step = step;
        }
    }
    best
}

/// The step to the interpolated root as a fraction `p / q` with `p >= 0`: a secant through two points, or an
/// inverse parabola through three.
fn interpolation((a, fa): (f64, f64), (b, fb): (f64, f64), (c, fc): (f64, f64), half: f64) -> (f64, f64) {
    let s = fb / fa;
    let (p, q) = if a == c {
        (2.0 * half * s, 1.0 - s)
    } else {
        let (q, r) = (fa / fc, fb / fc);
        (s * (2.0 * half * q * (q - r) - (b - a) * (r - 1.0)), (q - 1.0) * (r - 1.0) * (s - 1.0))
    };
    if p > 0.0 { (p, -q) } else { (-p, q) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        #[track_caller]
        fn check(f: fn(f64) -> f64, a: f64, b: f64, expected: f64) {
            let found = root(f, (a, f(a)), (b, f(b)));
            assert!((found - expected).abs() <= 1e-14 * expected.abs().max(1.0), "{found} is not {expected}");
        }
        check(|x| x * x - 2.0, 0.0, 2.0, std::f64::consts::SQRT_2);
        check(|x| 2.0 - x * x, 2.0, 0.0, std::f64::consts::SQRT_2);
        check(|x| x.cos() - x, 0.0, 1.0, 0.739_085_133_215_160_6);
        check(|x| x.exp_m1(), -1.0, 4.0, 0.0);
        check(|x| (x - 1.0).signum(), 0.0, 3.0, 1.0);
        check(|x| x - 1.0, 1.0, 2.0, 1.0);
    }
}
