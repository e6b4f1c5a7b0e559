//! A circuit breaker: a source that keeps failing is left alone, and tried now and then. Pure: time is an argument.

use lanner_core::time::{MINUTE_MS, SECOND_MS};

/// Failures in a row after which a source is left alone.
const N_FAILURES: u32 = 5;
/// For how long at first; each further failure doubles it.
const FIRST_PAUSE_MS: i64 = 5 * SECOND_MS;
/// For how long at most.
const MAX_PAUSE_MS: i64 = 5 * MINUTE_MS;

/// Failures in a row, and until when the source is left alone.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    n_failures: u32,
    closed_from_ms: i64,
}

impl Breaker {
    /// Whether the source may be asked at `now_ms`; else how long it is still left alone, milliseconds.
    ///
    /// Once a pause is over, one ask is let through and the pause begins anew: the others wait for what becomes of it,
    /// and nothing hangs if it is given up.
    pub(super) fn admit(&mut self, now_ms: i64) -> Result<(), i64> {
        if self.n_failures < N_FAILURES {
            return Ok(());
        }
        if now_ms < self.closed_from_ms {
            return Err(self.closed_from_ms - now_ms);
        }
        self.closed_from_ms = now_ms.saturating_add(self.pause_ms());
        Ok(())
    }

    /// Whether the source is left alone at `now_ms`.
    pub(super) const fn is_paused(&self, now_ms: i64) -> bool {
        self.n_failures >= N_FAILURES && now_ms < self.closed_from_ms
    }

    /// The source answered.
    pub(super) fn succeeded(&mut self) {
        self.n_failures = 0;
    }

    /// The source failed at `now_ms`.
    pub(super) fn failed(&mut self, now_ms: i64) {
        self.n_failures = self.n_failures.saturating_add(1);
        self.closed_from_ms = now_ms.saturating_add(self.pause_ms());
    }

    fn pause_ms(&self) -> i64 {
        let doublings = self.n_failures.saturating_sub(N_FAILURES).min(20);
        (FIRST_PAUSE_MS << doublings).min(MAX_PAUSE_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `f` fails and `s` succeeds at once, `a` is let through, `w` has to wait; a number passes so many seconds.
    #[track_caller]
    fn check(script: &str) {
        let (mut breaker, mut now_ms) = (Breaker::default(), 0);
        for step in script.split(' ') {
            match step {
                "f" => breaker.failed(now_ms),
                "s" => breaker.succeeded(),
                "a" => assert_eq!(breaker.admit(now_ms), Ok(()), "{script}, after {now_ms} ms"),
                "w" => assert!(breaker.admit(now_ms).is_err(), "{script}, after {now_ms} ms"),
                seconds => now_ms += seconds.parse::<i64>().unwrap() * SECOND_MS,
            }
        }
    }

    #[test]
    fn a_source_that_keeps_failing_is_left_alone() {
        check("f f f f a"); // four in a row are not enough
        check("f f f f s f a"); // nor are five with a success between
        check("f f f f f w 4 w 1 a");
        check("f f f f f 5 a w"); // one at a time
        check("f f f f f 5 a s a a");
        check("f f f f f 5 a f 5 w 5 a"); // twice as long
        check("f f f f f 5 a 5 a"); // whoever was let through has given up
        check("f f f f f f f f f f f f f f f f 299 w 1 a"); // never longer than five minutes
    }
}
