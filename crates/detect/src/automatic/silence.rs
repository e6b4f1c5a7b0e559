//! Samples that stay away, and values that stay the same.

use super::tail::Tail;

/// So much nobody cares about.
#[derive(Clone, Copy)]
struct Ignored {
    samples: f64,
    ms: f64,
}

const MISSING: Ignored = Ignored { samples: 4.0, ms: 7_200_000.0 };
const EQUAL: Ignored = Ignored { samples: 9.0, ms: 3_600_000.0 };
/// Tails have a scale of at least so many samples.
const SCALE_OF_GAPS: f64 = 10.0;
const SCALE_OF_RUNS: f64 = 3.0;

/// Before so many values nothing is known of how they change.
const KNOWN: f64 = 50.0;

/// How long gaps and runs of equal values usually are, in samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Silence {
    gaps: Tail,
    runs: Tail,
    /// Values that were equal to the one before, until now.
    run: f64,
    last: f64,
    /// Values before this run, and how many of them were equal to the one before.
    n: f64,
    n_equal: f64,
}

impl Silence {
    /// How improbable it is that so many samples did not come, as minus the logarithm of the probability.
    pub(super) fn missing(&mut self, n_missing: f64, step_ms: f64) -> f64 {
        let distance = MISSING.beyond(n_missing, step_ms);
        let surprise = self.gaps.surprise_at_scale(distance, SCALE_OF_GAPS);
        self.gaps.learn(distance);
        surprise
    }

    /// How improbable it is that the value is still the same. Both has to be: that values repeat by chance so often in a row,
    /// and that a run is so long.
    pub(super) fn stuck(&mut self, y: f64, step_ms: f64) -> f64 {
        if y == self.last && self.n > 0.0 {
            self.run += 1.0;
        } else {
            self.runs.learn(EQUAL.beyond(self.run, step_ms));
            self.n += self.run + 1.0;
            self.n_equal += self.run;
            self.run = 0.0;
        }
        self.last = y;
        if self.n < KNOWN {
            return 0.0;
        }
        let of_length = self.runs.surprise_at_scale(EQUAL.beyond(self.run, step_ms), SCALE_OF_RUNS);
        let usual = (self.n_equal + 1.0) / (self.n + 2.0);
        of_length.min(-self.run * usual.ln())
    }
}

impl Ignored {
    fn beyond(self, n: f64, step_ms: f64) -> f64 {
        (n - self.samples.max(self.ms / step_ms)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: f64 = 60_000.0;

    #[test]
    fn a_value_is_stuck_where_values_change() {
        #[track_caller]
        fn check(value: fn(u32) -> f64, n_equal: u32, is_strange: bool) {
            let mut silence = Silence::default();
            let mut surprise = 0.0;
            for t in 0..3_000 + n_equal {
                surprise = silence.stuck(value(t.min(3_000)), MINUTE_MS);
            }
            assert_eq!(surprise > 10.0, is_strange, "{surprise}");
        }
        check(f64::from, 360, true);
        check(f64::from, 55, false); // less than an hour
        check(|_| 7.0, 360, false); // it never changed
        check(|t| f64::from(t / 300), 360, false); // it changes every five hours
        check(|t| f64::from(t / 20), 360, true);
    }

    #[test]
    fn gaps_where_there_were_none() {
        let mut silence = Silence::default();
        (0..5_000).for_each(|_| _ = silence.missing(0.0, MINUTE_MS));
        assert_eq!(silence.missing(100.0, MINUTE_MS), 0.0); // less than two hours
        assert!(silence.missing(180.0, MINUTE_MS) > 13.0);
        // Every night.
        for _ in 0..20 {
            silence.missing(480.0, MINUTE_MS);
            (0..960).for_each(|_| _ = silence.missing(0.0, MINUTE_MS));
        }
        assert!(silence.missing(480.0, MINUTE_MS) < 9.2);
    }
}
