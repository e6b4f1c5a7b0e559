//! What time it is in a stream of requests.
//!
//! Time goes by the requests, so that a log that is read late gives the sessions that it would have given then. While none
//! comes, it goes on by the clock of whoever runs this. It never passes that clock: a sender whose own clock is ahead would end
//! the sessions of everybody else.

/// Requests whose time lies further ahead of the clock are wrong.
const MAX_AHEAD_MS: i64 = 3_600_000;

/// Requests whose time lies further ahead of the clock are counted: their sender's clock is wrong.
const NOTED_AHEAD_MS: i64 = 60_000;

/// So far the time in the stream may pass the clock, which is asked about once a second.
const MAX_LEAD_MS: i64 = 2_000;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StreamClock {
    /// The latest time of a request, as far as the clock bears it out.
    latest_ms: Option<i64>,
    /// The clock when it was asked last.
    now_ms: Option<i64>,
    /// The latest time of a request, and the clock, when a request had come since it was asked before.
    anchor: Option<(i64, i64)>,
    /// Requests that came from ahead of the clock.
    n_ahead: u64,
}

impl StreamClock {
    /// Whether a request can have come at this time.
    pub(super) fn is_possible(&self, time_ms: i64) -> bool {
        self.now_ms.is_none_or(|now_ms| time_ms <= now_ms.saturating_add(MAX_AHEAD_MS))
    }

    /// A request came. Returns its time, or the latest that the clock bears out.
    pub(super) fn see(&mut self, time_ms: i64) -> i64 {
        let is_ahead = self.now_ms.is_some_and(|now_ms| time_ms > now_ms.saturating_add(NOTED_AHEAD_MS));
        self.n_ahead += u64::from(is_ahead);
        let time_ms = self.borne_out(time_ms);
        self.latest_ms = self.latest_ms.max(Some(time_ms));
        time_ms
    }

    fn borne_out(&self, time_ms: i64) -> i64 {
        self.now_ms.map_or(time_ms, |now_ms| time_ms.min(now_ms.saturating_add(MAX_LEAD_MS)))
    }

    /// How many requests came from more than a minute ahead of the clock.
    pub(super) const fn n_ahead(&self) -> u64 {
        self.n_ahead
    }

    /// It is `now_ms` by the clock.
    pub(super) fn tick(&mut self, now_ms: i64) {
        self.now_ms = Some(now_ms);
        // Before the first tick there was nothing to compare with, and a clock can be set back.
        self.latest_ms = self.latest_ms.map(|latest_ms| self.borne_out(latest_ms));
        let Some(latest_ms) = self.latest_ms else { return };
        if self.anchor.is_none_or(|(known_ms, _)| known_ms != latest_ms) {
            self.anchor = Some((latest_ms, now_ms));
        }
    }

    /// The time in the stream; `None` before the first request.
    pub(super) fn time_ms(&self) -> Option<i64> {
        let latest_ms = self.latest_ms?;
        match (self.anchor, self.now_ms) {
            (Some((known_ms, then_ms)), Some(now_ms)) if known_ms == latest_ms => {
                Some(latest_ms.saturating_add((now_ms - then_ms).max(0)))
            }
            _ => Some(latest_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_by_requests_and_else_by_the_clock() {
        let mut clock = StreamClock::default();
        clock.tick(1_000_000);
        assert_eq!(clock.time_ms(), None);
        clock.see(500);
        assert_eq!(clock.time_ms(), Some(500));
        clock.tick(1_001_000);
        assert_eq!(clock.time_ms(), Some(500));
        clock.tick(1_003_000);
        assert_eq!(clock.time_ms(), Some(2_500));
        clock.see(400);
        assert_eq!(clock.time_ms(), Some(2_500));
        clock.see(2_600);
        clock.tick(1_004_000);
        assert_eq!(clock.time_ms(), Some(2_600));
        assert!(clock.is_possible(1_004_000 + MAX_AHEAD_MS) && !clock.is_possible(1_004_001 + MAX_AHEAD_MS));
    }

    #[test]
    fn time_does_not_pass_the_clock() {
        let mut clock = StreamClock::default();
        // Nobody said yet what time it is.
        assert_eq!((clock.see(9_000_000), clock.time_ms()), (9_000_000, Some(9_000_000)));
        clock.tick(1_000_000);
        assert_eq!(clock.time_ms(), Some(1_002_000));
        let seen = [1_001_000, 1_003_000, 1_060_000, 1_060_001, 4_600_000].map(|time_ms| clock.see(time_ms));
        assert_eq!(seen, [1_001_000, 1_002_000, 1_002_000, 1_002_000, 1_002_000]);
        assert_eq!((clock.time_ms(), clock.n_ahead()), (Some(1_002_000), 2));
        clock.tick(1_010_000);
        assert_eq!(clock.time_ms(), Some(1_012_000));
        // The clock was ahead, and is right now.
        clock.tick(500_000);
        assert_eq!(clock.time_ms(), Some(502_000));
    }
}
