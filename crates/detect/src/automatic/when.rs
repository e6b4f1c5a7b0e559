//! When a sample was measured: the instant, and what people's clocks and calendars made of it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

const DAY_MS: i64 = 86_400_000;
/// 1 January 1970 was a Thursday, the 4th a Sunday.
const SUNDAY: i64 = 3;

/// An instant, and what day and hour it was where people live by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Milliseconds since the Unix epoch (UTC).
    pub time_ms: i64,
    /// What the clock on the wall showed, as if it had shown UTC: `time_ms` and the offset of the time zone.
    pub clock_ms: i64,
    /// Whether the day is like a Sunday, whatever its name.
    pub is_holiday: bool,
    /// Whether somebody said by which clocks people live. Otherwise values tell whether days move when clocks are changed.
    pub is_certain: bool,
}

/// What clocks and calendars show where people live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WallClock {
    /// `None` where nobody said.
    time_zone: Option<TimeZone>,
    /// Days since 1970, in order.
    holidays: Vec<i64>,
}

impl WallClock {
    /// Of a time zone, where these days are like Sundays. Without one: of UTC, but values tell whether days move when clocks
    /// are changed.
    ///
    /// ```
    /// use jiff::civil::date;
    /// use jiff::tz::TimeZone;
    /// use lanner_detect::automatic::{WallClock, When};
    ///
    /// let clock = WallClock::new(Some(TimeZone::fixed(jiff::tz::offset(1))), [date(2026, 12, 25)]);
    /// let time_ms = "2026-12-24T23:30:00Z".parse::<jiff::Timestamp>()?.as_millisecond();
    /// let expected = When { time_ms, clock_ms: time_ms + 3_600_000, is_holiday: true, is_certain: true };
    /// assert_eq!(clock.at(time_ms), expected);
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn new(time_zone: Option<TimeZone>, holidays: impl IntoIterator<Item = Date>) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        let days = |date: Date| date.duration_since(epoch).as_hours() / 24;
        let mut holidays: Vec<i64> = holidays.into_iter().map(days).collect();
        holidays.sort_unstable();
        Self { time_zone, holidays }
    }

    /// What they show at `time_ms`, milliseconds since the Unix epoch (UTC).
    #[must_use]
    pub fn at(&self, time_ms: i64) -> When {
        let Some(time_zone) = &self.time_zone else { return self.show(time_ms, 0, false) };
        // Instants that no calendar has are shown as UTC.
        let offset_ms = Timestamp::from_millisecond(time_ms)
            .map_or(0, |at| 1_000 * i64::from(time_zone.to_offset(at).seconds()));
        self.show(time_ms, offset_ms, true)
    }

    /// What clocks so many milliseconds ahead of UTC show at `time_ms`, whatever the time zone. Times in UTC say nothing of
    /// the clocks that people live by.
    #[must_use]
    pub fn at_offset(&self, time_ms: i64, offset_ms: i64) -> When {
        self.show(time_ms, offset_ms, offset_ms != 0)
    }

    fn show(&self, time_ms: i64, offset_ms: i64, is_certain: bool) -> When {
        let clock_ms = time_ms.saturating_add(offset_ms);
        let is_holiday = self.holidays.binary_search(&clock_ms.div_euclid(DAY_MS)).is_ok();
        When { time_ms, clock_ms, is_holiday, is_certain }
    }
}

impl When {
    /// Where clocks show UTC and no day is a holiday.
    #[must_use]
    pub const fn utc(time_ms: i64) -> Self {
        Self { time_ms, clock_ms: time_ms, is_holiday: false, is_certain: false }
    }

    /// The same, by clocks that are so much ahead of these.
    pub(super) const fn moved(self, by_ms: i64) -> Self {
        Self { clock_ms: self.clock_ms.saturating_add(by_ms), ..self }
    }

    /// The time of a day like this one: on a holiday that of the Sunday of the same week, counted from Monday.
    pub(super) fn of_week(self) -> i64 {
        let days = self.clock_ms.div_euclid(DAY_MS);
        let since_monday = (days + SUNDAY).rem_euclid(7);
        if self.is_holiday {
            self.clock_ms.saturating_add((6 - since_monday) * DAY_MS)
        } else {
            self.clock_ms
        }
    }

    /// The same, where it is an ordinary day.
    pub(super) const fn of_day(self) -> Option<i64> {
        if self.is_holiday { None } else { Some(self.clock_ms) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holiday_is_a_sunday() {
        #[track_caller]
        fn check(at: &str, is_holiday: bool, expected: &str) {
            let [clock_ms, expected_ms] =
                [at, expected].map(|time| time.parse::<Timestamp>().unwrap().as_millisecond());
            assert_eq!(When { is_holiday, ..When::utc(clock_ms) }.of_week(), expected_ms, "{at}");
        }
        check("2026-12-25T10:30:00Z", false, "2026-12-25T10:30:00Z");
        check("2026-12-25T10:30:00Z", true, "2026-12-27T10:30:00Z"); // a Friday
        check("2026-12-21T00:00:00Z", true, "2026-12-27T00:00:00Z"); // a Monday
        check("2026-12-27T23:59:00Z", true, "2026-12-27T23:59:00Z"); // a Sunday already
        check("1969-12-29T01:00:00Z", true, "1970-01-04T01:00:00Z");
    }

    #[test]
    fn clocks_change() {
        let clock = WallClock::new(TimeZone::get("Europe/Berlin").ok(), []);
        let shown = |time: &str| {
            let time_ms = time.parse::<Timestamp>().unwrap().as_millisecond();
            clock.at(time_ms).clock_ms - time_ms
        };
        assert_eq!(shown("2026-03-29T00:59:59Z"), 3_600_000);
        assert_eq!(shown("2026-03-29T01:00:00Z"), 7_200_000);
        assert_eq!(clock.at(i64::MAX), When { is_certain: true, ..When::utc(i64::MAX) });
    }
}
