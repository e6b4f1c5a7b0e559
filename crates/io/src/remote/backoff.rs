//! When to retry, and when to give up. Pure: time and randomness are arguments.

use lanner_core::time::{DAY_MS, MINUTE_MS, SECOND_MS};

/// Waits that double from `first_ms` up to `cap_ms`, each shortened by up to half at random so that what
/// failed together is not retried together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failed attempt, in milliseconds. Default 1 s.
    pub first_ms: i64,
    /// The longest wait, in milliseconds. Default 5 min.
    pub cap_ms: i64,
    /// Attempts after which to give up. Default 1000, so that `max_age_ms` decides.
    pub max_attempts: u32,
    /// Age of a message at which to give up, in milliseconds. Default 24 h.
    pub max_age_ms: i64,
    /// Decides the random part; each installation has its own.
    pub seed: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first_ms: SECOND_MS, cap_ms: 5 * MINUTE_MS, max_attempts: 1000, max_age_ms: DAY_MS, seed: 0 }
    }
}

/// A failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The message's idempotency key.
    pub key: &'a str,
    /// Attempts so far, this one included.
    pub n_attempts: u32,
    /// When the message was written.
    pub created_ms: i64,
    /// When the message is given up, if it says so itself; otherwise its age decides.
    pub give_up_ms: Option<i64>,
    /// When the attempt ended.
    pub now_ms: i64,
    /// How long the other side asked to be left alone.
    pub retry_after_ms: Option<i64>,
}

impl Backoff {
    /// When to try again, or `None` to give up. Never earlier than the receiver asked for.
    #[must_use]
    pub(crate) fn next_attempt_ms(&self, attempt: Attempt<'_>) -> Option<i64> {
        if attempt.n_attempts >= self.max_attempts {
            return None;
        }
        let doublings = attempt.n_attempts.saturating_sub(1).min(40);
        let wait_ms = self.first_ms.saturating_mul(1 << doublings).min(self.cap_ms).max(1);
        let wait_ms = wait_ms - self.random(attempt, wait_ms / 2);
        let wait_ms = wait_ms.max(attempt.retry_after_ms.unwrap_or(0));
        let next_ms = attempt.now_ms.saturating_add(wait_ms);
        let give_up_ms = attempt.give_up_ms.unwrap_or(attempt.created_ms.saturating_add(self.max_age_ms));
        (next_ms <= give_up_ms).then_some(next_ms)
    }

    /// A number in `[0, below]`, the same for the same seed, key and attempt.
    fn random(&self, attempt: Attempt<'_>, below: i64) -> i64 {
        let mut bytes = attempt.key.as_bytes().to_vec();
        bytes.extend_from_slice(&attempt.n_attempts.to_le_bytes());
        let hash = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes, self.seed);
        // Below 2^63, so the remainder fits.
        i64::try_from((hash >> 1) % (below.unsigned_abs() + 1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(n_attempts: u32, now_ms: i64, retry_after_ms: Option<i64>) -> Attempt<'static> {
        Attempt { key: "0123", n_attempts, created_ms: 0, give_up_ms: None, now_ms, retry_after_ms }
    }

    #[test]
    fn waits_double_to_the_cap_and_then_end() {
        let backoff = Backoff { max_attempts: 50, seed: 7, ..Backoff::default() };
        #[track_caller]
        fn check(backoff: Backoff, attempt: Attempt<'_>, expected: Option<(i64, i64)>) {
            let wait = backoff.next_attempt_ms(attempt).map(|next_ms| next_ms - attempt.now_ms);
            match expected {
                None => assert_eq!(wait, None),
                Some((low, high)) => assert!((low..=high).contains(&wait.unwrap()), "{wait:?}"),
            }
        }
        //             attempts now    retry after      wait from, to
        check(backoff, attempt(1, 0, None), Some((500, 1_000)));
        check(backoff, attempt(2, 0, None), Some((1_000, 2_000)));
        check(backoff, attempt(5, 0, None), Some((8_000, 16_000)));
        check(backoff, attempt(20, 0, None), Some((150_000, 300_000)));
        check(backoff, attempt(1, 0, Some(90_000)), Some((90_000, 90_000)));
        check(backoff, attempt(20, 0, Some(10)), Some((150_000, 300_000)));
        check(backoff, attempt(1, 0, Some(2 * DAY_MS)), None); // later than the message is of use
        check(backoff, attempt(50, 0, None), None);
        check(backoff, attempt(1, DAY_MS, None), None);
        check(
            backoff,
            Attempt { give_up_ms: Some(DAY_MS + 1_000), ..attempt(1, DAY_MS, None) },
            Some((500, 1_000)),
        );
        check(backoff, Attempt { give_up_ms: Some(10), ..attempt(1, 0, None) }, None);
        check(
            Backoff { max_attempts: u32::MAX, ..backoff },
            attempt(u32::MAX - 1, 0, None),
            Some((1, 300_000)),
        );
    }

    #[test]
    fn randomness_is_the_seeds_alone() {
        let next = |seed, key| {
            let attempt = Attempt { key, ..attempt(9, 0, None) };
            Backoff { seed, ..Backoff::default() }.next_attempt_ms(attempt)
        };
        assert_eq!(next(1, "a"), next(1, "a"));
        assert_ne!(next(1, "a"), next(2, "a"));
        assert_ne!(next(1, "a"), next(1, "b"));
    }

    proptest::proptest! {
        #[test]
        fn no_numbers_break_it(
            first_ms: i64, cap_ms: i64, n_attempts: u32, now_ms: i64, created_ms: i64, after: Option<i64>,
        ) {
            let backoff = Backoff { first_ms, cap_ms, max_attempts: u32::MAX, ..Backoff::default() };
            let attempt = Attempt { key: "k", n_attempts, created_ms, give_up_ms: None, now_ms, retry_after_ms: after };
            if let Some(next_ms) = backoff.next_attempt_ms(attempt) {
                assert!(next_ms > now_ms || now_ms == i64::MAX);
            }
        }
    }
}
