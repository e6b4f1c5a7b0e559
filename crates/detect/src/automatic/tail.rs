//! How improbable a distance is, from the running tail of all distances.

use std::sync::LazyLock;

/// The share of distances that make up the tail.
const SHARE: f64 = 0.02;
/// How fast the edge of the tail follows, per sample; faster while few are known.
const FOLLOW: f64 = 0.02;
const FOLLOW_AT_FIRST: f64 = 0.1;
/// Distances beyond the edge with fewer than so many others between them are one excess: what lasts teaches once. Nor
/// does the edge follow longer than that.
const APART: u32 = 5;
/// Excesses that the scale is averaged over, at most.
const MEMORY: f64 = 35.0;
/// What the scale is taken for before anything is known, in edges, and how many excesses that weighs.
const PRIOR: f64 = 0.3;
const PRIOR_WEIGHT: f64 = 3.0;
/// While fewer samples than this are known, the scale is taken for larger: more than was seen will come.
const YOUNG: f64 = 50.0;
/// The scale is at least this part of the edge, so that what never went far may go a little farther.
const LEAST_SCALE: f64 = 0.1;
/// One excess teaches at most so many scales.
const CLIP: f64 = 5.0;

/// By which factor the edge moves once many distances are known: after one within it, and after one beyond.
static STEADY: LazyLock<[f64; 2]> =
    LazyLock::new(|| [false, true].map(|is_beyond| factor(FOLLOW, is_beyond)));

fn factor(follow: f64, is_beyond: bool) -> f64 {
    (follow * (f64::from(u8::from(is_beyond)) - SHARE)).exp()
}

/// `ln(1 + x)` for small `x`: its series, to 7e-7 for the largest, which is that of the first sample.
fn ln_1p(x: f64) -> f64 {
    x * (1.0 - x * (1.0 / 2.0 - x * (1.0 / 3.0)))
}

/// Distances beyond an edge that one in fifty passes, and how far they go beyond it.
///
/// Peaks over threshold, with an exponential tail: the edge follows the quantile, excesses are averaged, and both forget. An
/// incident teaches one excess, cut to a few times the usual one, so that it does not hide the next.
///
/// # Source
/// J. Pickands, "Statistical inference using extreme order statistics", Annals of Statistics 3(1), 1975. Following a
/// quantile by small steps is stochastic approximation (H. Robbins, S. Monro, 1951); both forget in our own way.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    edge: f64,
    /// How improbable it is to be beyond the edge: minus the logarithm of how often a run beyond it begins, per sample.
    of_edge: f64,
    n: f64,
    n_excesses: f64,
    /// The sum of the excesses, each the farthest of its run.
    excesses: f64,
    /// The excess of the run we are in.
    top: f64,
    /// Samples since the last one beyond the edge.
    since: u32,
    /// Samples beyond the edge in a row.
    run: u32,
}

impl Default for Tail {
    fn default() -> Self {
        let (edge, of_edge) = (0.0, -SHARE.ln());
        Self { edge, of_edge, n: 0.0, n_excesses: 0.0, excesses: 0.0, top: 0.0, since: APART, run: 0 }
    }
}

impl Tail {
    /// How improbable a distance as far as this one is, as minus the logarithm of the probability, per sample. Infinite
    /// where nothing ever was at a distance.
    pub(super) fn surprise(&self, distance: f64) -> f64 {
        self.surprise_at_scale(distance, 0.0)
    }

    /// The same, where the scale is known to be `least` at least.
    pub(super) fn surprise_at_scale(&self, distance: f64, least: f64) -> f64 {
        if distance > self.edge {
            self.of_edge + (distance - self.edge) / self.scale().max(least)
        } else if distance > 0.0 {
            self.of_edge * distance / self.edge
        } else {
            0.0
        }
    }

    /// The distance with this surprise.
    pub(super) fn distance(&self, surprise: f64) -> f64 {
        if surprise > self.of_edge {
            self.edge + (surprise - self.of_edge) * self.scale()
        } else {
            self.edge * surprise / self.of_edge
        }
    }

    /// The distance that one in fifty passes.
    pub(super) fn edge(&self) -> f64 {
        self.edge
    }

    /// How far excesses go on average.
    fn scale(&self) -> f64 {
        let known = (self.excesses + PRIOR_WEIGHT * PRIOR * self.edge) / (self.n_excesses + PRIOR_WEIGHT);
        known.max(LEAST_SCALE * self.edge) * (1.0 + YOUNG / (1.0 + self.n))
    }

    pub(super) fn learn(&mut self, distance: f64) {
        let is_beyond = distance > self.edge && self.n > 0.0;
        if is_beyond {
            self.exceed(distance - self.edge);
            self.since = 0;
            self.run = self.run.saturating_add(1);
        } else {
            self.since = self.since.saturating_add(1);
            self.run = 0;
        }
        self.count(is_beyond);
        if self.edge == 0.0 {
            self.edge = distance;
        } else if self.run <= APART {
            self.edge *= self.step(is_beyond);
        }
    }

    /// One sample more. Nearly all only add a little to a logarithm, which costs less than taking it.
    fn count(&mut self, is_beyond: bool) {
        let samples = self.n + 0.5 / SHARE;
        self.n += 1.0;
        if is_beyond {
            self.of_edge = ((samples + 1.0) / (self.n_excesses + 0.5)).ln();
        } else {
            self.of_edge += ln_1p(1.0 / samples);
        }
    }

    /// By which factor the edge moves after a distance.
    fn step(&self, is_beyond: bool) -> f64 {
        let steps = 1.0 + FOLLOW_AT_FIRST * self.n;
        if steps < 1.0 / FOLLOW { factor(1.0 / steps, is_beyond) } else { STEADY[usize::from(is_beyond)] }
    }

    fn exceed(&mut self, excess: f64) {
        let excess = if self.n_excesses > 0.0 { excess.min(CLIP * self.scale()) } else { excess };
        if self.since < APART {
            let more = (excess - self.top).max(0.0);
            self.excesses += more;
            self.top += more;
            return;
        }
        if self.n_excesses >= MEMORY {
            let keep = 1.0 - 1.0 / MEMORY;
            self.n *= keep;
            self.n_excesses *= keep;
            self.excesses *= keep;
        }
        self.n_excesses += 1.0;
        self.excesses += excess;
        self.top = excess;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// A tail that has learned `n` distances.
    fn learned(n: u64, distance: impl Fn(u64) -> f64) -> Tail {
        let mut tail = Tail::default();
        (0..n).for_each(|t| tail.learn(distance(t)));
        tail
    }

    fn even(t: u64) -> f64 {
        f64::midpoint(noise(t), 1.0)
    }

    #[test]
    fn probabilities_of_exponential_distances() {
        // Minus the logarithm of the probability of an exponential distance is the distance itself.
        let tail = learned(50_000, |t| -even(t).max(1e-12).ln());
        for distance in [4.0, 6.0, 8.0, 10.0] {
            let surprise = tail.surprise(distance);
            assert!((surprise - distance).abs() < 0.15 * distance, "{distance}: {surprise}");
            assert!((tail.distance(surprise) - distance).abs() < 1e-9);
        }
        assert!((tail.edge() - 50.0_f64.ln()).abs() < 0.5, "{}", tail.edge());
    }

    #[test]
    fn the_edge_is_as_improbable_as_was_counted() {
        for n in [1, 2, 30, 500, 20_000] {
            let Tail { of_edge, n_excesses, n, .. } = learned(n, even);
            let counted = -((n_excesses + 0.5) / (n + 0.5 / SHARE)).ln();
            assert!((of_edge - counted).abs() < 1e-5, "{n}: {of_edge} {counted}");
        }
    }

    #[test]
    fn nothing_and_something_out_of_nothing() {
        let mut tail = learned(100, |_| 0.0);
        assert_eq!((tail.surprise(0.0), tail.surprise(1.0)), (0.0, f64::INFINITY));
        assert!(tail.surprise_at_scale(1.0, 1.0) < 10.0);
        tail.learn(1.0);
        assert!(tail.surprise(1.0).is_finite());
    }

    #[test]
    fn an_incident_hides_none_of_the_next() {
        let mut tail = learned(5_000, even);
        let before = tail.surprise(5.0);
        // Twelve samples, however far off.
        (0..12).for_each(|_| tail.learn(1e9));
        assert!(tail.surprise(5.0) > 0.8 * before, "{} {before}", tail.surprise(5.0));
    }
}
