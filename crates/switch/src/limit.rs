//! A limit of a switch: so many of the contexts that it matches pass, and what comes faster is blocked.
//!
//! It is a generic cell rate algorithm: one time says all, namely until when the contexts so far would take at the allowed rate. So a
//! switch counts in constant memory, and whoever evaluates switches counts for himself: the server what it is asked, each
//! program what it asks.
//!
//! Source: ITU-T Recommendation I.371 (2004), annex A (virtual scheduling).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lanner_core::Node;
use lanner_core::document::{Check, Content};
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::time::{DAY_MS, SECOND_MS, parse_duration_ms};

/// The fields of a limit.
pub const FIELDS: &[Field] = &[
    Field::new("requests", "30", "number of matching contexts that pass within the time")
        .of(Type::Whole)
        .required(),
    Field::new("per", "1m", "the time, from 1s to 1d").of(Type::Duration).or("1m"),
];

/// So many pass within a time, and further ones are blocked. Clones count together.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// Contexts that pass.
    pub n_requests: u32,
    /// Within which time, milliseconds.
    pub per_ms: i64,
    /// Until when what has passed takes at that rate, microseconds since the Unix epoch.
    taken_us: Arc<AtomicI64>,
}

impl RateLimit {
    /// - `n_requests`: 1 or more
    /// - `per_ms`: a second to a day
    #[must_use]
    pub fn new(n_requests: u32, per_ms: i64) -> Self {
        Self { n_requests, per_ms, taken_us: Arc::default() }
    }

    /// Whether one more may pass at `now_ms`; it is counted if so. Cost: constant.
    ///
    /// ```
    /// let limit = lanner_switch::RateLimit::new(2, 60_000);
    /// let passes = [0, 1_000, 2_000, 30_000, 31_000].map(|second| limit.passes(1_767_225_600_000 + second));
    /// assert_eq!(passes, [true, true, false, true, false]);
    /// ```
    #[must_use]
    pub fn passes(&self, now_ms: i64) -> bool {
        let (now_us, per_us) = (now_ms.saturating_mul(1_000), self.per_ms.saturating_mul(1_000));
        let each_us = per_us / i64::from(self.n_requests.max(1));
        let take = |taken_us: i64| {
            // A clock that was set back leaves nobody out for longer than the time itself.
            let taken_us =
                if taken_us.saturating_sub(now_us) > per_us { now_us } else { taken_us.max(now_us) };
            let next_us = taken_us.saturating_add(each_us);
            (next_us.saturating_sub(now_us) <= per_us).then_some(next_us)
        };
        self.taken_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }
}

/// Reads a limit that stands at `path`.
pub(crate) fn read(node: &Node, path: &str, check: &mut Check) -> Option<RateLimit> {
    let mut fields = check.map(node, path)?;
    fields.require("requests", "30", check);
    let n_requests = fields.read("requests", check, |node| match node.content {
        Content::Int(n @ 1..=1_000_000) => Ok(n as u32),
        _ => Err("should be a whole number from 1 to 1000000".to_owned()),
    });
    let per_ms = fields.read("per", check, |node| match parse_duration_ms(&text(node)?) {
        Ok(ms) if (SECOND_MS..=DAY_MS).contains(&ms) => Ok(ms),
        Ok(_) => Err("should be from 1s to 1d".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    fields.finish_of(FIELDS, check);
    Some(RateLimit::new(n_requests?, per_ms.unwrap_or(60 * SECOND_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 1_767_268_800_000;

    #[test]
    fn over_a_long_time_the_rate_is_kept() {
        let limit = RateLimit::new(30, 60_000);
        // Ten a second for ten minutes: the thirty at once, and thirty a minute.
        let n_passed = (0..6_000).filter(|i| limit.passes(NOON_MS + i * 100)).count();
        assert_eq!(n_passed, 30 + 300 - 1);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test of threads")]
    fn threads_share_it() {
        let limit = RateLimit::new(100, 60_000);
        let n_passed: usize = std::thread::scope(|scope| {
            let ask = || (0..1_000).filter(|_| limit.passes(NOON_MS)).count();
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(n_passed, 100);
    }

    #[test]
    fn a_clock_that_is_set_back_blocks_for_no_longer() {
        let limit = RateLimit::new(2, 60_000);
        assert!(limit.passes(NOON_MS) && limit.passes(NOON_MS) && !limit.passes(NOON_MS));
        assert!(limit.passes(NOON_MS - 3_600_000));
        assert!(limit.passes(i64::MIN) && limit.passes(i64::MAX));
    }
}
