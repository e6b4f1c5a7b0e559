//! The recurring times of day at which a switch is in effect.
//!
//! A window holds while clocks in its zone show a time inside it; so where clocks go back it holds through the
//! repeated hour, and where they skip a time nothing is lost but that time.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use lanner_core::Days;
use lanner_core::time::DAY_MS;

/// A recurring window on the wall clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Milliseconds after midnight.
    pub from_ms: i64,
    /// Milliseconds after midnight, at most 24 h; not after `from_ms` means the next day.
    pub to_ms: i64,
    /// The days on which the window begins.
    pub days: Days,
    /// The wall clock.
    pub tz: TimeZone,
}

impl Window {
    /// Whether clocks show a time inside at `now_ms`. Cost: one look-up of the zone's offset.
    #[must_use]
    pub fn contains(&self, now_ms: i64) -> bool {
        let Ok(now) = Timestamp::from_millisecond(now_ms) else { return false };
        let civil = self.tz.to_datetime(now);
        let time = civil.time();
        let seconds =
            (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
        let time_ms = seconds * 1_000 + i64::from(time.millisecond());
        let today = self.days.contains(civil.date());
        if self.from_ms < self.to_ms {
            return today && self.from_ms <= time_ms && time_ms < self.to_ms;
        }
        let yesterday = civil.date().checked_sub(Span::new().days(1));
        (today && self.from_ms <= time_ms)
            || (yesterday.is_ok_and(|date| self.days.contains(date)) && time_ms < self.to_ms)
    }

    /// The window that holds at all times.
    #[must_use]
    pub fn always() -> Self {
        Self { from_ms: 0, to_ms: DAY_MS, days: Days::ALL, tz: TimeZone::UTC }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanner_core::time::{HOUR_MS, parse_time_ms};

    #[test]
    fn windows_follow_the_wall_clock() {
        #[track_caller]
        fn check(from_h: i64, to_h: i64, days: &str, zone: &str, inside: &[&str], outside: &[&str]) {
            let window = Window {
                from_ms: from_h * HOUR_MS,
                to_ms: to_h * HOUR_MS,
                days: Days::parse(days).unwrap(),
                tz: TimeZone::get(zone).unwrap(),
            };
            for (times, is_in) in [(inside, true), (outside, false)] {
                for time in times {
                    assert_eq!(window.contains(parse_time_ms(time).unwrap()), is_in, "{time}");
                }
            }
        }
        check(
            10,
            17,
            "mon-fri",
            "Europe/Berlin",
            &["2026-06-05T08:00:00Z", "2026-06-05T14:59:59.999Z"], // a Friday in summer
            &["2026-06-05T07:59:59.999Z", "2026-06-05T15:00:00Z", "2026-06-06T09:00:00Z"],
        );
        // Across midnight: it belongs to the day on which it begins.
        check(
            22,
            4,
            "sat",
            "UTC",
            &["2026-06-06T22:00:00Z", "2026-06-07T03:59:00Z"],
            &["2026-06-06T03:00:00Z", "2026-06-07T04:00:00Z", "2026-06-07T22:00:00Z"],
        );
        // Equal ends: a whole day from then on.
        check(
            6,
            6,
            "mon",
            "UTC",
            &["2026-06-01T06:00:00Z", "2026-06-02T05:59:00Z"],
            &["2026-06-02T06:00:00Z"],
        );
        // Clocks go back: 02:30 is shown twice and is inside both times.
        check(
            2,
            3,
            "daily",
            "Europe/Berlin",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"],
            &["2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn no_instant_is_too_far() {
        for now_ms in [i64::MIN, i64::MAX, -377_705_023_201_000, 253_402_207_200_999] {
            let night = Window { from_ms: 5, to_ms: 5, ..Window::always() };
            let _ = (Window::always().contains(now_ms), night.contains(now_ms));
        }
    }
}
