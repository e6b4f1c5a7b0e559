//! The rate limit of OpenFeature clients; requests beyond it are told when to retry.

use std::sync::Mutex;

use lanner_core::time::SECOND_MS;

use crate::sync::locked;

/// A limit for each second of the clock.
#[derive(Debug, Default)]
pub struct Pace {
    /// `None` for no limit, which costs nothing.
    per_second: Option<usize>,
    now: Mutex<(i64, usize)>,
}

impl Pace {
    /// At most so many a second.
    #[must_use]
    pub fn new(per_second: Option<usize>) -> Self {
        Self { per_second, now: Mutex::default() }
    }

    /// Whether one more is within the limit at `now_ms`.
    #[must_use]
    pub fn allows(&self, now_ms: i64) -> bool {
        let Some(per_second) = self.per_second else { return true };
        let second = now_ms.div_euclid(SECOND_MS);
        let mut now = locked(&self.now);
        if now.0 != second {
            *now = (second, 0);
        }
        now.1 += 1;
        now.1 <= per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_has_its_limit() {
        let pace = Pace::new(Some(2));
        let times_ms = [0, 400, 999, 1_000, 1_001, 1_002, 9_000, -1];
        let allowed = times_ms.map(|now_ms| pace.allows(now_ms));
        assert_eq!(allowed, [true, true, false, true, true, false, true, true]);
        assert!((0..1_000).all(|_| Pace::new(None).allows(0)));
    }
}
