//! How far apart samples usually are.

const WEEK_MS: f64 = 604_800_000.0;
/// Where no times are known.
const USUAL_STEP_MS: f64 = 300_000.0;
/// Even where samples are rare, what happens once in so many is the least that is strange.
const LEAST: f64 = 50.0;
/// Several views of a sample compete, and the strangest counts: each has to be this much less probable.
const MARGIN: f64 = 1.05;
/// Steps that differ by less than this part of the usual one are the same.
const SAME: u64 = 4;
/// A step that was voted for more often needs no more votes to be overthrown.
const MOST_VOTES: u32 = 1_000;

/// The usual distance of samples: the one that most agree with, by a majority vote in constant memory.
///
/// # Source
/// R. S. Boyer, J. S. Moore, "MJRTY: a fast majority vote algorithm", 1981.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    step_ms: i64,
    votes: u32,
    last_ms: Option<i64>,
}

impl Pace {
    /// Takes in when a sample came, and says how many steps it kept us waiting.
    pub(super) fn see(&mut self, time_ms: i64) -> f64 {
        let Some(last_ms) = self.last_ms.replace(time_ms) else { return 1.0 };
        let step_ms = time_ms.saturating_sub(last_ms);
        if step_ms <= 0 {
            return 1.0;
        }
        let n_steps = if self.votes == 0 { 1.0 } else { step_ms as f64 / self.step_ms() };
        self.vote(step_ms);
        n_steps
    }

    /// The usual distance, milliseconds; five minutes where nothing is known.
    pub(super) fn step_ms(&self) -> f64 {
        if self.step_ms > 0 { self.step_ms as f64 } else { USUAL_STEP_MS }
    }

    /// How improbable a sample has to be so that so many a week are, as minus the logarithm of the probability.
    pub(super) fn surprise_of(&self, alarms_per_week: f64) -> f64 {
        MARGIN * (WEEK_MS / self.step_ms() / alarms_per_week).max(LEAST).ln()
    }

    fn vote(&mut self, step_ms: i64) {
        if self.votes == 0 {
            (self.step_ms, self.votes) = (step_ms, 1);
        } else if step_ms.abs_diff(self.step_ms) <= self.step_ms.unsigned_abs() / SAME {
            self.votes = (self.votes + 1).min(MOST_VOTES);
        } else {
            self.votes -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(times_s: &[i64], step_s: f64, last_waited: f64) {
        let mut pace = Pace::default();
        let waited = times_s.iter().map(|time_s| pace.see(time_s * 1_000)).last();
        assert_eq!((pace.step_ms(), waited), (step_s * 1e3, Some(last_waited)));
    }

    #[test]
    fn most_win() {
        check(&[0], 300.0, 1.0);
        check(&[0, 60], 60.0, 1.0);
        check(&[0, 60, 120, 180, 480], 60.0, 5.0);
        check(&[0, 600, 660, 720, 780, 840], 60.0, 1.0); // a gap at first is overthrown
        check(&[0, 60, 60, 30, 90], 60.0, 1.0); // times that do not go on say nothing
        check(&[i64::MIN / 1_000, i64::MAX / 1_000], (i64::MAX / 1_000) as f64 + 0.807, 1.0);
    }

    #[test]
    fn once_a_week() {
        let mut pace = Pace::default();
        (0..5).for_each(|minute| _ = pace.see(minute * 60_000));
        assert!((pace.surprise_of(1.0) - MARGIN * 10_080.0_f64.ln()).abs() < 1e-12);
        assert!((pace.surprise_of(10.0) - MARGIN * 1_008.0_f64.ln()).abs() < 1e-12);
        assert!((pace.surprise_of(1e9) - MARGIN * LEAST.ln()).abs() < 1e-12);
    }
}
