//! The errors of one forecast, and how improbable the newest is.

use super::share::Share;
use super::spread::Spread;
use super::tail::Tail;
use super::view::View;
use crate::ROUNDING;

/// A sample counts for at most so many edges of the tail when it is looked for shifts: however far off, it is none.
const SHIFT_CLIP: f64 = 3.0;
/// The scale of shifts is at least this part of what the edge of the tail would be for means of independent samples.
const LEAST_SHIFT: f64 = 0.1;
/// A sample raises the recent error by at most so many times that error.
const ERROR_CLIP: f64 = 4.0;
/// So many samples count for all they are.
const FREE: f64 = 20.0;

/// How far a forecast was off, alone, and on average over a while: with signs for shifts, without for scatter.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    alone: Tail,
    together: Tail,
    spread: Spread,
    /// The mean distance of the last samples.
    mean: f64,
    over: f64,
    share: Share,
    /// The scale of shifts is at least so many edges: means of alternating values hardly move at all, and what would be little
    /// for independent ones is little for them, too.
    least_shift: f64,
    /// The mean of distances without signs, over a longer time.
    error: f64,
    recent: Share,
    n_seen: f64,
    /// What was judged and is to be learned.
    judged: Option<Surprise>,
}

/// How improbable a sample is by one forecast, as minus the logarithm of the probability.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surprise {
    alone: f64,
    together: f64,
    spread: f64,
    off_alone: f64,
    off_together: f64,
    unquiet: f64,
}

impl Surprise {
    pub(super) fn most(&self) -> f64 {
        self.alone.max(self.together).max(self.spread)
    }

    pub(super) fn view(&self) -> View {
        if self.spread > self.alone.max(self.together) {
            View::Spread
        } else if self.together > self.alone {
            View::Shift
        } else {
            View::Value
        }
    }

    /// How far the sample is from the forecast, in the unit of the series.
    pub(super) fn distance(&self) -> f64 {
        self.off_alone * self.unquiet
    }
}

impl Watch {
    pub(super) fn new(over: usize, recent: usize) -> Self {
        Self {
            alone: Tail::default(),
            together: Tail::default(),
            spread: Spread::new(over as f64),
            mean: 0.0,
            over: over as f64,
            share: Share::over(over as f64),
            least_shift: LEAST_SHIFT / (over as f64).sqrt(),
            error: 0.0,
            recent: Share::over(recent as f64),
            n_seen: 0.0,
            judged: None,
        }
    }

    /// Whether enough distances are known to compare with.
    pub(super) fn is_ready(&self) -> bool {
        self.n_seen >= 2.0 * self.over
    }

    /// How far the forecast was off lately, on average.
    pub(super) fn recent_error(&self) -> f64 {
        self.error
    }

    /// How far off a sample with this surprise is, where the series is as volatile as usual.
    pub(super) fn width(&self, surprise: f64) -> f64 {
        self.alone.distance(surprise)
    }

    /// Compares `y` with all before it, where the series is `unquiet` times as volatile as usual.
    pub(super) fn judge(&mut self, y: f64, expected: f64, unquiet: f64) -> Surprise {
        let (rounding, quiet) = (ROUNDING * y.abs().max(expected.abs()), 1.0 / unquiet);
        let size = |off: f64| if off.abs() > rounding { off.abs() * quiet } else { 0.0 };
        let off = y - expected;
        let most = self.at_most(SHIFT_CLIP * self.alone.edge() * unquiet);
        self.mean += (off.clamp(-most, most) - self.mean) * self.share.of(self.n_seen + 1.0);
        let (off_alone, off_together) = (size(off), size(self.mean));
        let edge = if self.n_seen > FREE { self.alone.edge() } else { 0.0 };
        let surprise = Surprise {
            spread: self.spread.judge(off_alone, edge),
            alone: self.alone.surprise(off_alone),
            together: self.together.surprise_at_scale(off_together, self.least_shift * self.alone.edge()),
            off_alone,
            off_together,
            unquiet,
        };
        self.judged = Some(surprise);
        surprise
    }

    /// Takes in what was judged last.
    pub(super) fn learn(&mut self) {
        let Some(surprise) = self.judged.take() else { return };
        self.n_seen += 1.0;
        let most = self.at_most(ERROR_CLIP * self.error);
        self.error += (surprise.distance().min(most) - self.error) * self.recent.of(self.n_seen);
        self.alone.learn(surprise.off_alone);
        self.spread.learn();
        if self.n_seen >= self.over {
            self.together.learn(surprise.off_together);
        }
    }

    fn at_most(&self, most: f64) -> f64 {
        if self.n_seen > FREE && most > 0.0 { most } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The surprise of the last of `distances` from a forecast of 100.
    fn last(distances: impl IntoIterator<Item = f64>) -> Surprise {
        let mut watch = Watch::new(4, 100);
        let mut judge = |distance: f64| {
            let surprise = watch.judge(100.0 + distance, 100.0, 1.0);
            watch.learn();
            surprise
        };
        distances.into_iter().map(&mut judge).last().unwrap()
    }

    #[test]
    fn spikes_and_shifts() {
        let calm = || (0..2_000).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 });
        assert_eq!(last([0.0; 50]).most(), 0.0);
        assert_eq!(last((0..50).map(|t| if t == 49 { 1.0 } else { 0.0 })).most(), f64::INFINITY);
        assert!(last(calm()).most() < 5.0);
        let spike = last(calm().chain([9.0]));
        assert_eq!(spike.view(), View::Value);
        assert!(spike.most() > 9.0, "{spike:?}");
        // Each is within what samples were, but not all to one side.
        let shift = last(calm().chain([1.0; 8]));
        assert_eq!(shift.view(), View::Shift);
        assert!(shift.most() > 9.0, "{shift:?}");
    }

    #[test]
    fn one_sample_is_no_shift() {
        let calm = (0..2_000).map(|t| if t % 2 == 0 { 1.0 } else { -1.0 });
        let after = |size: f64| last(calm.clone().chain([size]).chain([0.0; 12])).together;
        assert!((after(1e6) - after(10.0)).abs() < 1e-9);
    }
}
