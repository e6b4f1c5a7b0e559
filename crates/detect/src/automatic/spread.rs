//! How far values scatter around a forecast, whichever side.

use super::share::Share;
use super::tail::Tail;

/// So many of the samples that are looked at for shifts are enough.
const PART: f64 = 0.5;
/// A sample counts for at most so many edges of the tail: however far off, it is no scatter.
const CLIP: f64 = 2.0;
/// The scale is at least this part of what the edge of the tail would be for means of independent samples.
const LEAST_SCALE: f64 = 0.3;
/// A shift scatters, too, so that what only scatters has to be so much less probable.
const WEIGHT: f64 = 0.9;

/// The mean distance of the last samples without signs, and how improbable it is.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    tail: Tail,
    mean: f64,
    over: f64,
    share: Share,
    /// The scale is at least so many edges.
    least_scale: f64,
    n_seen: f64,
}

impl Spread {
    /// Beside a watch that looks at `together` samples.
    pub(super) fn new(together: f64) -> Self {
        let over = (PART * together).max(1.0);
        let (share, least_scale) = (Share::over(over), LEAST_SCALE / over.sqrt());
        Self { tail: Tail::default(), mean: 0.0, over, share, least_scale, n_seen: 0.0 }
    }

    /// How improbable the mean distance is with the newest one, where one in fifty samples is farther off than `edge`; as
    /// minus the logarithm of the probability.
    pub(super) fn judge(&mut self, off: f64, edge: f64) -> f64 {
        let off = if edge > 0.0 { off.min(CLIP * edge) } else { off };
        self.mean += (off - self.mean) * self.share.of(self.n_seen + 1.0);
        if self.n_seen <= 2.0 * self.over {
            return 0.0;
        }
        WEIGHT * self.tail.surprise_at_scale(self.mean, self.least_scale * edge)
    }

    /// Takes in what was judged last.
    pub(super) fn learn(&mut self) {
        self.n_seen += 1.0;
        if self.n_seen >= self.over {
            self.tail.learn(self.mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// The surprise after so many samples of usual noise and as many times `factor` of it.
    fn after(n_usual: u64, n: u64, factor: f64) -> f64 {
        let mut spread = Spread::new(24.0);
        let mut surprise = 0.0;
        for t in 0..n_usual + n {
            let off = noise(t).abs() * if t < n_usual { 1.0 } else { factor };
            surprise = spread.judge(off, 0.98);
            spread.learn();
        }
        surprise
    }

    #[test]
    fn more_noise_is_strange() {
        assert!(after(5_000, 0, 1.0) < 5.0, "{}", after(5_000, 0, 1.0));
        assert!(after(5_000, 24, 3.0) > 10.0, "{}", after(5_000, 24, 3.0));
        assert!(after(5_000, 1, 1e9) < 6.0, "{}", after(5_000, 1, 1e9)); // one sample
    }
}
