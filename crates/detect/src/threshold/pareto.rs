//! The generalised Pareto distribution: its fit to peaks, and the level that a risk asks for.

use super::brent;

/// Below this shape the distribution is taken as exponential.
const EXPONENTIAL_BELOW: f64 = 1e-6;

/// Neighbouring points of the search for roots differ by this factor.
const GRID_RATIO: f64 = 1.6;

/// A generalised Pareto distribution of excesses over a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pareto {
    /// Shape: above 0 heavy tails, 0 exponential, below 0 a tail that ends.
    pub gamma: f64,
    /// Scale, in the unit of the excesses; above 0.
    pub sigma: f64,
}

impl Pareto {
    /// The distribution of highest likelihood for `excesses`, all above 0 and finite.
    ///
    /// With `x = gamma / sigma` fixed, the best shape is the mean of `ln(1 + x*Y)`, so only `x` is searched:
    /// the likelihood is stationary where `(1 + mean ln(1 + x*Y)) * mean(1 / (1 + x*Y)) = 1`. All roots on
    /// both sides of 0 (where the equation holds trivially) are bracketed on a grid that is dense near 0 and
    /// near both ends, refined by Brent's method, and compared with the exponential distribution. Shapes at
    /// or below -1 are refused: the likelihood has no maximum there.
    ///
    /// Invariant to the unit of the excesses. `None` without excesses. Cost: about a hundred passes over them.
    ///
    /// ```
    /// use lanner_detect::threshold::pareto::Pareto;
    ///
    /// // Quantiles of an exponential distribution of mean 2.
    /// let excesses: Vec<f64> = (0..1000).map(|i| -2.0 * (1.0 - (f64::from(i) + 0.5) / 1000.0).ln()).collect();
    /// let fit = Pareto::fit(&excesses).unwrap();
    /// assert!(fit.gamma.abs() < 0.01 && (fit.sigma - 2.0).abs() < 0.02);
    /// ```
    #[must_use]
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let largest = excesses.iter().copied().fold(0.0, f64::max);
        if !(0.0 < largest && largest.is_finite()) {
            return None;
        }
        let profile = Profile::new(excesses, largest);
        let mut best = Self { gamma: 0.0, sigma: profile.mean };
        let mut highest = -(1.0 + profile.mean.ln());
        for x in profile.roots() {
            let gamma = profile.at(x).gamma;
            let sigma = gamma / x;
            let log_likelihood = -(sigma.ln() + 1.0 + gamma);
            if gamma > -1.0 && gamma.abs() >= EXPONENTIAL_BELOW && log_likelihood > highest {
                (best, highest) = (Self { gamma, sigma }, log_likelihood);
            }
        }
        Some(Self { sigma: best.sigma * largest, ..best })
    }

    /// The excess that is exceeded with probability `risk`, when the share `peak_share` of all values are
    /// peaks. Negative where `risk` is above `peak_share`.
    #[must_use]
    pub fn excess_at(&self, risk: f64, peak_share: f64) -> f64 {
        let log_ratio = (risk / peak_share).ln();
        if self.gamma.abs() < EXPONENTIAL_BELOW {
            return -self.sigma * log_ratio;
        }
        self.sigma * ((-self.gamma * log_ratio).exp_m1() / self.gamma)
    }
}

/// The likelihood as a function of `x = gamma / sigma` alone, of excesses divided by the largest.
struct Profile {
    excesses: Vec<f64>,
    mean: f64,
    smallest: f64,
}

/// What one pass over the excesses says at one `x`.
#[derive(Clone, Copy)]
struct Pass {
    /// The best shape.
    gamma: f64,
    /// 0 where the likelihood is stationary.
    slope: f64,
}

impl Profile {
    fn new(excesses: &[f64], largest: f64) -> Self {
        let excesses: Vec<f64> = excesses.iter().map(|excess| excess / largest).collect();
        let mean = excesses.iter().sum::<f64>() / excesses.len() as f64;
        let smallest = excesses.iter().copied().fold(1.0, f64::min);
        Self { excesses, mean, smallest }
    }

    fn at(&self, x: f64) -> Pass {
        let n = self.excesses.len() as f64;
        let (gamma, lost) = if x.abs() < 0.1 { self.sums_near_zero(x) } else { self.sums(x) };
        let (gamma, lost) = (gamma / n, lost / n);
        // (1 + gamma) * (1 - lost) - 1, where `lost` is the mean of x*Y / (1 + x*Y).
        Pass { gamma, slope: gamma - lost - gamma * lost }
    }

    /// Sums of `ln(1 + x*Y)` and `x*Y / (1 + x*Y)`, exact also where both nearly cancel.
    fn sums_near_zero(&self, x: f64) -> (f64, f64) {
        self.excesses.iter().fold((0.0, 0.0), |(logs, lost), excess| {
            let product = x * excess;
            (logs + product.ln_1p(), lost + product / (1.0 + product))
        })
    }

    /// The same sums with one logarithm for many factors.
    fn sums(&self, x: f64) -> (f64, f64) {
        let (mut logs, mut lost, mut factors) = (0.0, 0.0, 1.0_f64);
        for excess in &self.excesses {
            let product = x * excess;
            let factor = 1.0 + product;
            lost += product / factor;
            factors *= factor;
            if !(1e-200..1e200).contains(&factors) {
                logs += factors.ln();
                factors = 1.0;
            }
        }
        (logs + factors.ln(), lost)
    }

    /// Every `x` other than 0 where the likelihood is stationary.
    fn roots(&self) -> Vec<f64> {
        let mut roots = Vec::new();
        self.roots_along(self.negative_grid(), &mut roots);
        self.roots_along(self.positive_grid(), &mut roots);
        roots
    }

    /// From nearly 0 towards -1, where the largest excess would end the tail.
    fn negative_grid(&self) -> impl Iterator<Item = f64> {
        let near_zero = geometric(1e-6, GRID_RATIO).take_while(|x| *x < 0.5).map(|x| -x);
        let near_one =
            geometric(0.5, 1.0 / GRID_RATIO).take_while(|rest| *rest > 1e-14).map(|rest| rest - 1.0);
        near_zero.chain(near_one)
    }

    /// From nearly 0 to the point above which no root can lie: `ln(1 + x*mean) < x*smallest` there, while the
    /// left side is at least the shape and the right side at most what a root asks for.
    fn positive_grid(&self) -> impl Iterator<Item = f64> {
        let end = 2.0 * (self.mean - self.smallest) / self.smallest / self.smallest;
        let end = end.min(1e18);
        geometric(1e-6, GRID_RATIO).take_while(move |x| *x < end).chain((end > 0.0).then_some(end))
    }

    /// Walks a grid away from 0: a change of sign brackets a root, and so may a dip towards 0.
    fn roots_along(&self, grid: impl Iterator<Item = f64>, roots: &mut Vec<f64>) {
        let slope = |x: f64| self.at(x).slope;
        let mut last: Option<(f64, f64)> = None;
        let mut last_but_one: Option<(f64, f64)> = None;
        for x in grid {
            let pass = self.at(x);
            let here = (x, pass.slope);
            if let Some(before) = last {
                if (before.1 > 0.0) != (here.1 > 0.0) {
                    roots.push(brent::root(slope, before, here));
                } else if let Some(first) = last_but_one
                    && let Some(dip) = crossing_dip(slope, first, before, here)
                {
                    roots.push(brent::root(slope, first, dip));
                    roots.push(brent::root(slope, dip, here));
                }
            }
            if pass.gamma <= -1.0 {
                break;
            }
            (last_but_one, last) = (last, Some(here));
        }
    }
}

/// Where three points of one sign have the middle one nearest to 0: a point between them of the other sign,
/// if a short search finds one.
fn crossing_dip(
    f: impl Fn(f64) -> f64,
    (a, fa): (f64, f64),
    (b, fb): (f64, f64),
    (c, fc): (f64, f64),
) -> Option<(f64, f64)> {
    let same_sign = (fa > 0.0) == (fb > 0.0) && (fb > 0.0) == (fc > 0.0);
    if !(same_sign && fb.abs() < fa.abs() && fb.abs() < fc.abs()) {
        return None;
    }
    let (mut low, mut middle, mut f_middle, mut high) = (a, b, fb, c);
    for _ in 0..12 {
        let wider = if (high - middle).abs() > (middle - low).abs() { high } else { low };
        let x = 0.5 * (middle + wider);
        let fx = f(x);
        if (fx > 0.0) != (fb > 0.0) {
            return Some((x, fx));
        }
        let beyond = wider == high;
        if fx.abs() < f_middle.abs() {
            if beyond {
                low = middle;
            } else {
                high = middle;
            }
            (middle, f_middle) = (x, fx);
        } else if beyond {
            high = x;
        } else {
            low = x;
        }
    }
    None
}

fn geometric(first: f64, ratio: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), move |x| Some(x * ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` evenly spread quantiles of a generalised Pareto distribution.
    fn quantiles(gamma: f64, sigma: f64, n: u32) -> Vec<f64> {
        let quantile = |p: f64| sigma * ((1.0 - p).powf(-gamma) - 1.0) / gamma;
        (0..n).map(|i| quantile((f64::from(i) + 0.5) / f64::from(n))).collect()
    }

    #[test]
    fn known_distributions_are_found() {
        #[track_caller]
        fn check(gamma: f64, sigma: f64) {
            let fit = Pareto::fit(&quantiles(gamma, sigma, 5_000)).unwrap();
            assert!((fit.gamma - gamma).abs() < 0.01, "{fit:?}");
            assert!((fit.sigma / sigma - 1.0).abs() < 0.01, "{fit:?}");
        }
        check(0.5, 1.0);
        check(0.1, 1e-9);
        check(1.5, 1e9);
        check(-0.3, 7.0);
        check(-0.6, 1e200);
    }

    #[test]
    fn the_unit_does_not_matter() {
        let peaks = quantiles(0.2, 1.0, 50);
        let scaled: Vec<f64> = peaks.iter().map(|peak| peak * 1024.0).collect();
        let (one, other) = (Pareto::fit(&peaks).unwrap(), Pareto::fit(&scaled).unwrap());
        assert_eq!((one.gamma, one.sigma * 1024.0), (other.gamma, other.sigma));
    }

    #[test]
    fn degenerate_peaks() {
        assert_eq!(Pareto::fit(&[]), None);
        assert_eq!(Pareto::fit(&[f64::INFINITY]), None);
        assert_eq!(Pareto::fit(&[3.0]), Some(Pareto { gamma: 0.0, sigma: 3.0 }));
        assert_eq!(Pareto::fit(&[3.0; 40]), Some(Pareto { gamma: 0.0, sigma: 3.0 }));
        let fit = Pareto::fit(&[1e-300, 1.0, 1e300]).unwrap();
        assert!(fit.gamma.is_finite() && fit.sigma > 0.0, "{fit:?}");
    }

    proptest::proptest! {
        #[test]
        fn any_peaks_have_a_fit(peaks in proptest::collection::vec(1e-12_f64..1e12, 1..40), unit in -20..20) {
            let fit = Pareto::fit(&peaks).unwrap();
            proptest::prop_assert!(fit.gamma > -1.0 && fit.gamma.is_finite() && fit.sigma > 0.0, "{fit:?}");
            let scaled: Vec<f64> = peaks.iter().map(|peak| peak * f64::from(unit).exp2()).collect();
            let other = Pareto::fit(&scaled).unwrap();
            proptest::prop_assert_eq!((fit.gamma, fit.sigma * f64::from(unit).exp2()), (other.gamma, other.sigma));
        }
    }

    #[test]
    fn levels() {
        let exponential = Pareto { gamma: 0.0, sigma: 2.0 };
        assert!((exponential.excess_at(0.01, 0.1) - 2.0 * 10_f64.ln()).abs() < 1e-12);
        assert!(exponential.excess_at(0.1, 0.01) < 0.0);
        let heavy = Pareto { gamma: 0.5, sigma: 1.0 };
        assert!((heavy.excess_at(0.01, 1.0) - 18.0).abs() < 1e-12); // (100^0.5 - 1) / 0.5
    }
}
