//! The time rules of use cases: units, and which of them a round reads and judges. All times are UTC.

use lanner_core::TimeRange;

const DAY_MS: i64 = 86_400_000;

/// Units that are caught up with in one round.
const MAX_CAUGHT_UP: i64 = 10_000;

/// How long a unit of time is, and how many of them a verdict looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) unit_ms: i64,
    /// Units before the one that is judged.
    pub(crate) window: i64,
}

/// What one round reads, and which of it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) fetch: TimeRange,
    pub(crate) out: TimeRange,
}

impl Grid {
    /// The start of the unit of a time. Units are counted from midnight.
    pub(crate) const fn floor(self, time_ms: i64) -> i64 {
        let midnight_ms = time_ms.div_euclid(DAY_MS) * DAY_MS;
        midnight_ms + (time_ms - midnight_ms) / self.unit_ms * self.unit_ms
    }

    /// The end of the unit of a time; a time between two units is the end of the first.
    pub(crate) fn ceil(self, time_ms: i64) -> i64 {
        let floor_ms = self.floor(time_ms);
        if floor_ms == time_ms { time_ms } else { floor_ms + self.unit_ms }
    }

    /// Once, over a stretch of history. Its end is moved to the grid of its rounded start.
    pub(crate) fn historical(self, start_ms: i64, end_ms: i64) -> Round {
        let start_ms = self.floor(start_ms);
        let n_units = (end_ms.saturating_sub(start_ms)).max(0);
        let n_units = n_units.div_euclid(self.unit_ms) + i64::from(n_units % self.unit_ms > 0);
        let end_ms = start_ms + n_units * self.unit_ms;
        let out_ms = start_ms + self.window * self.unit_ms;
        Round { fetch: TimeRange::new(start_ms, end_ms), out: TimeRange::new(out_ms.min(end_ms), end_ms) }
    }

    /// The units since those that were judged, up to the ones that are due; after a long pause only the first of them, so that
    /// a round is never too large.
    pub(crate) fn next(self, judged_until_ms: i64, due_ms: i64) -> Round {
        let n_open = (due_ms - judged_until_ms).max(0) / self.unit_ms;
        let end_ms = judged_until_ms + n_open.min(MAX_CAUGHT_UP) * self.unit_ms;
        let fetch_ms = judged_until_ms - self.window * self.unit_ms;
        Round { fetch: TimeRange::new(fetch_ms, end_ms), out: TimeRange::new(judged_until_ms, end_ms) }
    }

    /// When the round after one that ended with `end_ms` is due: with the end of its last unit.
    pub(crate) const fn next_due(self, end_ms: i64, n: i64) -> i64 {
        end_ms + n * self.unit_ms
    }
}

/// A unit of time as use cases write it: `30s`, `1min`, `5min`, `1h`, `1hour`, `1day`; a number alone is minutes.
pub(crate) fn granularity(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit.trim() {
        "s" | "S" | "sec" | "second" | "seconds" => 1_000,
        "" | "m" | "T" | "min" | "minute" | "minutes" => 60_000,
        "h" | "H" | "hour" | "hours" => 3_600_000,
        "d" | "D" | "day" | "days" => DAY_MS,
        _ => 0,
    };
    let found = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit_ms));
    found.filter(|ms| (1_000..=31 * DAY_MS).contains(ms)).ok_or_else(|| {
        format!(
            "\"{text}\" is no unit of time; write for example 30s, 1min, 5min, 1h or 1day (at most 31day)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn units_of_time() {
        #[track_caller]
        fn check(text: &str, expected_s: i64) {
            assert_eq!(granularity(text).ok(), (expected_s > 0).then_some(expected_s * 1_000), "{text}");
        }
        for (text, seconds) in [("30s", 30), ("1min", 60), ("5min", 300), ("1h", 3_600), ("1hour", 3_600)] {
            check(text, seconds);
        }
        for (text, seconds) in [("1day", 86_400), ("1d", 86_400), ("7", 420), ("2 hours", 7_200)] {
            check(text, seconds);
        }
        for text in ["", "min", "-1min", "0s", "1.5h", "1week", "99999999999999999999d", "32d"] {
            check(text, 0);
        }
    }

    #[test]
    fn rounds_follow_the_table() {
        let grid = Grid { unit_ms: MINUTE_MS, window: 10 };
        let at = |minute: i64, second: i64| DAY_MS + minute * MINUTE_MS + second * 1_000;
        let round = |fetch: (i64, i64), out: (i64, i64)| Round {
            fetch: TimeRange::new(at(fetch.0, 0), at(fetch.1, 0)),
            out: TimeRange::new(at(out.0, 0), at(out.1, 0)),
        };
        assert_eq!(grid.historical(at(0, 30), at(59, 10)), round((0, 60), (10, 60)));
        assert_eq!(grid.historical(at(0, 0), at(5, 0)), round((0, 5), (5, 5)));
        assert_eq!(grid.historical(at(5, 0), at(0, 0)), round((5, 5), (5, 5)));
        assert_eq!(grid.next(at(59, 0), at(60, 0)), round((49, 60), (59, 60)));
        assert_eq!(grid.next(at(48, 0), at(60, 0)), round((38, 60), (48, 60)));
        assert_eq!(grid.next(at(60, 0), at(60, 0)), round((50, 60), (60, 60)));
        assert_eq!(grid.next_due(at(60, 0), 12), at(72, 0));
        assert_eq!(
            (grid.ceil(at(3, 1)), grid.ceil(at(3, 0)), grid.floor(at(3, 59))),
            (at(4, 0), at(3, 0), at(3, 0))
        );
        // A long pause is caught up with in several rounds, without a unit between them.
        let (mut judged_ms, mut n_units) = (at(0, 0), Vec::new());
        while judged_ms < at(25_000, 0) {
            let next = grid.next(judged_ms, at(25_000, 0));
            assert_eq!(next.out.start_ms, judged_ms);
            n_units.push((next.out.end_ms - judged_ms) / MINUTE_MS);
            judged_ms = next.out.end_ms;
        }
        assert_eq!(n_units, [10_000, 10_000, 5_000]);
        // Seven minutes do not divide a day: units begin anew at midnight.
        let odd = Grid { unit_ms: 7 * MINUTE_MS, window: 1 };
        assert_eq!((odd.floor(at(13, 0)), odd.floor(DAY_MS - 1)), (at(7, 0), DAY_MS - 5 * MINUTE_MS));
    }
}
