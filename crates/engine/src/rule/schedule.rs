//! The windows of a rule.
//!
//! Window starts lie on the wall clock: `from`, `from + every`, `from + 2 every`, ... on each active day in
//! the rule's time zone. A window always lasts `window` of elapsed time, so that a count over 30 minutes is
//! comparable on every day. Where clocks go forward, starts that no clock showed yield no window; where they
//! go back, starts shown twice yield two windows, told apart by UTC. A window belongs to the active interval
//! when it ends by the interval's end (or, with `edge: start`, when it starts before it).
//!
//! Without an active interval and without a time zone, windows end at multiples of `every` since the epoch.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Span, Timestamp};
pub use lanner_core::Days;
use lanner_core::TimeRange;
use lanner_core::time::{DAY_MS, HOUR_MS};

/// Which edge of a window must lie inside the active interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The window ends by the interval's end.
    End,
    /// The window starts before the interval's end.
    Start,
}

/// The part of the day in which a rule is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Active {
    /// Milliseconds after midnight, wall clock.
    pub from_ms: i64,
    /// Milliseconds after midnight, at most 24 h; not after `from_ms` means the next day.
    pub to_ms: i64,
    /// The days on which the interval begins.
    pub days: Days,
    /// Which edge counts.
    pub edge: Edge,
}

impl Active {
    /// Length of the interval by the wall clock; 24 h when both ends are equal.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        let length_ms = self.to_ms - self.from_ms;
        if length_ms > 0 { length_ms } else { length_ms + DAY_MS }
    }
}

/// When a rule is evaluated, and on what.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Length of a window, milliseconds.
    pub window_ms: i64,
    /// Distance of window starts, milliseconds.
    pub every_ms: i64,
    /// The wall clock; `None` for a grid of UTC instants.
    pub tz: Option<TimeZone>,
    /// The parts of the day; empty for all of it.
    pub active: Vec<Active>,
    /// Windows outside are not evaluated.
    pub valid: TimeRange,
}

impl Schedule {
    /// The first window that ends after `after_ms`, or `None` when no further window is valid.
    ///
    /// Cost: O(1) on the UTC grid, else a few time-zone look-ups.
    #[must_use]
    pub fn next_ending_after(&self, after_ms: i64) -> Option<TimeRange> {
        let earliest_ms =
            (after_ms.saturating_add(1)).saturating_sub(self.window_ms).max(self.valid.start_ms);
        let start_ms = if self.tz.is_none() && self.active.is_empty() {
            let end_ms = earliest_ms.checked_add(self.window_ms)?;
            round_up(end_ms, self.every_ms)? - self.window_ms
        } else {
            match self.active.as_slice() {
                [] => self.next_wall_clock_start(None, earliest_ms)?,
                // A window that two parts have is one window.
                parts => {
                    let start = |part: &Active| self.next_wall_clock_start(Some(*part), earliest_ms);
                    parts.iter().filter_map(start).min()?
                }
            }
        };
        let window = TimeRange::new(start_ms, start_ms.checked_add(self.window_ms)?);
        (window.end_ms <= self.valid.end_ms).then_some(window)
    }

    /// The wall clock of the rule: UTC where none was given.
    #[must_use]
    pub fn wall_clock(&self) -> TimeZone {
        self.tz.clone().unwrap_or(TimeZone::UTC)
    }

    /// Whether window starts recur on the same wall-clock times every day.
    #[must_use]
    pub(crate) const fn repeats_daily(&self) -> bool {
        !self.active.is_empty() || self.tz.is_some() || DAY_MS % self.every_ms == 0
    }

    fn next_wall_clock_start(&self, active: Option<Active>, earliest_ms: i64) -> Option<i64> {
        let tz = self.wall_clock();
        let first = tz.to_datetime(Timestamp::from_millisecond(earliest_ms).ok()?).date();
        let mut date = first.checked_sub(Span::new().days(1)).ok()?;
        // An interval reaches at most one day on, each set of days holds one of seven, and a day can be lost
        // whole to a clock change: a fortnight and a bit always meets the next window.
        for _ in 0..16 {
            let next_date = date.checked_add(Span::new().days(1)).ok()?;
            if let Some(start_ms) = self.first_start_on(active, date, earliest_ms, &tz) {
                // Clocks that go back over the end of an interval show part of it again after the next began.
                let next_ms = if nearly_touches(active) {
                    self.first_start_on(active, next_date, earliest_ms, &tz)
                } else {
                    None
                };
                return Some(next_ms.map_or(start_ms, |next_ms| next_ms.min(start_ms)));
            }
            date = next_date;
        }
        None
    }

    /// The first start at or after `earliest_ms` of the interval that begins on `date`, if one does.
    fn first_start_on(
        &self,
        active: Option<Active>,
        date: Date,
        earliest_ms: i64,
        tz: &TimeZone,
    ) -> Option<i64> {
        if active.is_some_and(|active| !active.days.contains(date)) {
            return None;
        }
        let (from_ms, length_ms) = active.map_or((0, DAY_MS), |active| (active.from_ms, active.length_ms()));
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let from = midnight.checked_add(SignedDuration::from_millis(from_ms)).ok()?;
        let to = from.checked_add(SignedDuration::from_millis(length_ms)).ok()?;
        let last_end_ms = match active {
            Some(Active { edge: Edge::End, .. }) => latest_instant_ms(to, tz)?,
            _ => i64::MAX,
        };
        let (from_civil_ms, to_civil_ms) = (civil_ms(from)?, civil_ms(to)?);
        for segment in segments(from, to, tz)? {
            let lower_ms = earliest_ms.max(segment.start_ms).checked_add(segment.offset_ms)?;
            let steps = (lower_ms - from_civil_ms).max(0);
            let civil_start_ms = from_civil_ms + round_up(steps, self.every_ms)?;
            let start_ms = civil_start_ms - segment.offset_ms;
            let fits = civil_start_ms < to_civil_ms && start_ms.checked_add(self.window_ms)? <= last_end_ms;
            if fits && start_ms < segment.end_ms {
                return Some(start_ms);
            }
        }
        None
    }
}

/// Whether an interval ends so late that the next can begin before it when clocks go back.
fn nearly_touches(active: Option<Active>) -> bool {
    active.is_none_or(|active| active.length_ms() + 3 * HOUR_MS > DAY_MS)
}

/// A stretch of time with one UTC offset.
struct Segment {
    start_ms: i64,
    end_ms: i64,
    offset_ms: i64,
}

/// The stretches of one offset that can hold wall-clock times of `[from, to)`, in order.
fn segments(from: DateTime, to: DateTime, tz: &TimeZone) -> Option<Vec<Segment>> {
    const WIDEST_OFFSET_MS: i64 = 26 * 3_600_000;
    let start_ms = civil_ms(from)? - WIDEST_OFFSET_MS;
    let end_ms = civil_ms(to)? + WIDEST_OFFSET_MS;
    let mut segments = Vec::with_capacity(2);
    let mut at = Timestamp::from_millisecond(start_ms).ok()?;
    loop {
        let next = tz.following(at).next().map(|transition| transition.timestamp());
        let next_ms = next.map_or(i64::MAX, Timestamp::as_millisecond);
        let offset_ms = i64::from(tz.to_offset(at).seconds()) * 1_000;
        segments.push(Segment { start_ms: at.as_millisecond(), end_ms: next_ms, offset_ms });
        match next {
            Some(next) if next_ms < end_ms => at = next,
            _ => return Some(segments),
        }
    }
}

/// The wall-clock time as if it were UTC, milliseconds.
fn civil_ms(civil: DateTime) -> Option<i64> {
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_millisecond())
}

/// The last instant at which clocks show `civil`; where they skip it, the instant of the change.
fn latest_instant_ms(civil: DateTime, tz: &TimeZone) -> Option<i64> {
    let instant = match tz.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok()?,
        AmbiguousOffset::Fold { after, .. } => after.to_timestamp(civil).ok()?,
        AmbiguousOffset::Gap { before, .. } => {
            let beyond = before.to_timestamp(civil).ok()?;
            let just_after = beyond.checked_add(SignedDuration::from_millis(1)).ok()?;
            tz.preceding(just_after).next().map_or(beyond, |transition| transition.timestamp())
        }
    };
    Some(instant.as_millisecond())
}

/// The smallest multiple of `step_ms` at or above `time_ms`.
fn round_up(time_ms: i64, step_ms: i64) -> Option<i64> {
    time_ms.div_euclid(step_ms).checked_add(i64::from(time_ms.rem_euclid(step_ms) > 0))?.checked_mul(step_ms)
}

#[cfg(test)]
mod tests {
    use lanner_core::time::{
        MAX_TIME_MS, MIN_TIME_MS, MINUTE_MS, format_time, parse_duration_ms, parse_time_ms,
    };
    use proptest::prelude::*;

    use super::*;

    fn schedule(
        window: &str,
        every: &str,
        active: Option<(i64, i64, &str, Edge)>,
        tz: Option<&str>,
    ) -> Schedule {
        Schedule {
            window_ms: parse_duration_ms(window).unwrap(),
            every_ms: parse_duration_ms(every).unwrap(),
            tz: tz.map(|name| TimeZone::get(name).unwrap()),
            active: active
                .map(|(from, to, days, edge)| Active {
                    from_ms: from * MINUTE_MS,
                    to_ms: to * MINUTE_MS,
                    days: Days::parse(days).unwrap(),
                    edge,
                })
                .into_iter()
                .collect(),
            valid: TimeRange::new(MIN_TIME_MS, MAX_TIME_MS),
        }
    }

    /// Window starts in `[from, to)` by end, as UTC text.
    fn walk(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
        let (mut at, to) = (parse_time_ms(from).unwrap(), parse_time_ms(to).unwrap());
        let mut starts = Vec::new();
        while let Some(window) = schedule.next_ending_after(at) {
            if window.end_ms > to {
                break;
            }
            assert!(window.end_ms > at && window.length_ms() == schedule.window_ms);
            starts.push(format_time(window.start_ms)[5..16].to_owned());
            at = window.end_ms;
        }
        starts
    }

    #[test]
    fn windows_on_the_wall_clock() {
        #[track_caller]
        fn check(schedule: &Schedule, from: &str, to: &str, starts: &[&str]) {
            assert_eq!(walk(schedule, from, to), starts);
        }
        let h = 60;
        // 10:00-15:00, 30 minutes every 10: the last window is 14:30-15:00, never 15:00-15:30.
        let seed = schedule("30m", "10m", Some((10 * h, 15 * h, "daily", Edge::End)), None);
        let all = walk(&seed, "2026-06-01T00:00Z", "2026-06-02T00:00Z");
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (28, "06-01T10:00", "06-01T10:10"));
        assert_eq!(all[27], "06-01T14:30");
        // The same, counted by starts: 14:50 is the last.
        let seed = schedule("30m", "10m", Some((10 * h, 15 * h, "daily", Edge::Start)), None);
        assert_eq!(walk(&seed, "2026-06-01T00:00Z", "2026-06-02T00:00Z").last().unwrap(), "06-01T14:50");
        // Weekdays only: Friday's last window, then Monday's first.
        let week = schedule("1h", "4h", Some((8 * h, 17 * h, "mon-fri", Edge::End)), Some("Europe/Berlin"));
        check(
            &week,
            "2026-06-05T10:00Z",
            "2026-06-08T08:00Z",
            &["06-05T10:00", "06-05T14:00", "06-08T06:00"],
        );
        // Across midnight: the interval belongs to the day on which it begins.
        let night = schedule("2h", "2h", Some((22 * h, 4 * h, "sat", Edge::End)), None);
        check(
            &night,
            "2026-06-06T00:00Z",
            "2026-06-08T00:00Z",
            &["06-06T22:00", "06-07T00:00", "06-07T02:00"],
        );
        // No interval, no zone: ends at multiples of `every` since the epoch.
        check(
            &schedule("5m", "10m", None, None),
            "2026-06-01T00:01Z",
            "2026-06-01T00:30Z",
            &["06-01T00:05", "06-01T00:15", "06-01T00:25"],
        );
        // A zone alone: the grid starts at local midnight.
        let local = schedule("1d", "1d", None, Some("Asia/Kolkata"));
        check(&local, "2026-06-01T00:00Z", "2026-06-03T00:00Z", &["05-31T18:30", "06-01T18:30"]);
    }

    #[test]
    fn clock_changes() {
        #[track_caller]
        fn check(schedule: &Schedule, from: &str, to: &str, starts: &[&str]) {
            assert_eq!(walk(schedule, from, to), starts);
        }
        let h = 60;
        let early = schedule("30m", "30m", Some((h, 4 * h, "daily", Edge::End)), Some("Europe/Berlin"));
        // Forward: 02:00 and 02:30 did not exist. 01:30 lasts until the change, 03:00 begins at it.
        check(
            &early,
            "2026-03-29T00:00Z",
            "2026-03-29T12:00Z",
            &["03-29T00:00", "03-29T00:30", "03-29T01:00", "03-29T01:30"],
        );
        // Back: 02:00 and 02:30 happened twice.
        check(
            &early,
            "2026-10-24T23:00Z",
            "2026-10-25T12:00Z",
            &[
                "10-24T23:00",
                "10-24T23:30",
                "10-25T00:00",
                "10-25T00:30",
                "10-25T01:00",
                "10-25T01:30",
                "10-25T02:00",
                "10-25T02:30",
            ],
        );
        // An interval that lies inside the skipped hour has no window that day, and returns the next.
        let lost = schedule("30m", "30m", Some((2 * h, 3 * h, "daily", Edge::End)), Some("Europe/Berlin"));
        check(&lost, "2026-03-29T00:00Z", "2026-03-30T02:00Z", &["03-30T00:00", "03-30T00:30"]);
        // Back over the border of two days' intervals: the second 02:30-03:00 belongs to the later one again.
        let whole = schedule(
            "15m",
            "15m",
            Some((2 * h + 30, 2 * h + 30, "daily", Edge::Start)),
            Some("Europe/Berlin"),
        );
        check(
            &whole,
            "2026-10-25T00:00Z",
            "2026-10-25T02:00Z",
            &[
                "10-25T00:00",
                "10-25T00:15",
                "10-25T00:30",
                "10-25T00:45",
                "10-25T01:00",
                "10-25T01:15",
                "10-25T01:30",
                "10-25T01:45",
            ],
        );
        // Samoa skipped a whole day: 30 December 2011.
        let samoa = schedule("12h", "12h", Some((0, 24 * h, "daily", Edge::End)), Some("Pacific/Apia"));
        check(
            &samoa,
            "2011-12-29T10:00Z",
            "2011-12-31T10:00Z",
            &["12-29T10:00", "12-29T22:00", "12-30T10:00", "12-30T22:00"],
        );
    }

    #[test]
    fn days_read_as_written() {
        for (text, days) in [
            ("fri-mon", "mon,fri,sat,sun"),
            ("daily", "mon,tue,wed,thu,fri,sat,sun"),
            ("Sat, sun", "sat,sun"),
        ] {
            assert_eq!(Days::parse(text).unwrap().to_string(), days);
        }
        assert!(Days::parse("").is_err() && Days::parse("mon-").is_err());
    }

    proptest! {
        /// Each window is the first after any instant before its end, and starts show the wall-clock grid.
        #[test]
        fn next_is_the_first(
            from in 0_i64..24, to in 1_i64..=24, window in 1_i64..120, every in 1_i64..120,
            zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
            at in 1_774_000_000_000_i64..1_800_000_000_000,
        ) {
            let mut schedule = schedule("1m", "1m", Some((from * 60, to * 60, "daily", Edge::End)), Some(zone));
            schedule.window_ms = window * MINUTE_MS;
            schedule.every_ms = every * MINUTE_MS;
            if let Some(window) = schedule.next_ending_after(at) {
                prop_assert!(window.end_ms > at);
                prop_assert_eq!(schedule.next_ending_after(window.end_ms - 1), Some(window));
                prop_assert_eq!(schedule.next_ending_after(at.max(window.end_ms - 5_000)), Some(window));
                let tz = schedule.wall_clock();
                let civil = tz.to_datetime(Timestamp::from_millisecond(window.start_ms).unwrap());
                let minute = i64::from(civil.hour()) * 60 + i64::from(civil.minute());
                let since_from = (minute - from * 60).rem_euclid(24 * 60);
                prop_assert_eq!(since_from % every, 0);
            }
        }
    }
}
