//! Instants, half-open ranges, and durations as people write them.

use serde::{Deserialize, Serialize};

/// One second in milliseconds.
pub const SECOND_MS: i64 = 1_000;
/// One minute in milliseconds.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// One hour in milliseconds.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// One day of 24 hours in milliseconds. Calendar days may be shorter or longer.
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// One week of 168 hours in milliseconds.
pub const WEEK_MS: i64 = 7 * DAY_MS;

/// The earliest instant accepted from outside: 1900-01-01T00:00:00Z.
pub const MIN_TIME_MS: i64 = -2_208_988_800_000;
/// The first instant no longer accepted from outside: 2200-01-01T00:00:00Z.
///
/// A bound that keeps every sum of an instant and a duration far from overflow, and that catches
/// times sent in the wrong unit.
pub const MAX_TIME_MS: i64 = 7_258_118_400_000;

/// `[start_ms, end_ms)`: the start belongs to the range, the end does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TimeRange {
    /// First instant inside, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// First instant after the range, milliseconds since the Unix epoch.
    pub end_ms: i64,
}

impl TimeRange {
    /// The range `[start_ms, end_ms)`; empty when `end_ms <= start_ms`.
    #[must_use]
    pub const fn new(start_ms: i64, end_ms: i64) -> Self {
        Self { start_ms, end_ms }
    }

    /// Whether `time_ms` lies inside: the start does, the end does not.
    ///
    /// ```
    /// use lanner_core::TimeRange;
    /// let range = TimeRange::new(0, 10);
    /// assert!(range.contains(0) && range.contains(9) && !range.contains(10));
    /// ```
    #[must_use]
    pub const fn contains(&self, time_ms: i64) -> bool {
        self.start_ms <= time_ms && time_ms < self.end_ms
    }

    /// Length in milliseconds, 0 for an empty range.
    #[must_use]
    pub const fn length_ms(&self) -> i64 {
        if self.end_ms > self.start_ms { self.end_ms - self.start_ms } else { 0 }
    }

    /// Whether the two ranges share an instant.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.start_ms < other.end_ms && other.start_ms < self.end_ms
    }

    /// The shortest range that holds both, with whatever lies between them. Empty ranges count by where they stand.
    #[must_use]
    pub fn hull(&self, other: Self) -> Self {
        Self::new(self.start_ms.min(other.start_ms), self.end_ms.max(other.end_ms))
    }
}

/// Why a duration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Nothing was written.
    #[error("a duration is empty; write for example 30m, 1h30m or 1w")]
    Empty,
    /// A number has no unit, or the unit is unknown.
    #[error(
        "\"{text}\" is not a duration; write numbers with units ms, s, m, h, d or w, for example 30m or 1h30m"
    )]
    Malformed {
        /// What was written.
        text: String,
    },
    /// Longer than a hundred years.
    #[error("the duration \"{text}\" is longer than a hundred years")]
    TooLong {
        /// What was written.
        text: String,
    },
}

const UNITS: [(&str, i64); 6] =
    [("w", WEEK_MS), ("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS), ("ms", 1)];

/// Reads a duration such as `30m`, `1h30m`, `500ms` or `1w`, in milliseconds.
///
/// A day is 24 hours and a week 7 such days; calendar lengths are [`Shift`]'s.
///
/// # Errors
/// [`DurationError`] when the text is empty, has a number without a unit, an unknown unit, a sign or
/// a fraction, or exceeds a hundred years. Cost: O(length).
///
/// ```
/// use lanner_core::time::parse_duration_ms;
/// assert_eq!(parse_duration_ms("1h30m"), Ok(5_400_000));
/// assert!(parse_duration_ms("30").is_err());
/// ```
pub fn parse_duration_ms(text: &str) -> Result<i64, DurationError> {
    let malformed = || DurationError::Malformed { text: text.chars().take(40).collect() };
    let too_long = || DurationError::TooLong { text: text.chars().take(40).collect() };
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(DurationError::Empty);
    }
    let mut total_ms: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        if number.is_empty() {
            return Err(malformed());
        }
        let number: i64 = number.parse().map_err(|_| too_long())?;
        total_ms =
            number.checked_mul(*unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(too_long)?;
        rest = tail;
    }
    if total_ms > 100 * 366 * DAY_MS { Err(too_long()) } else { Ok(total_ms) }
}

/// Writes a duration the way [`parse_duration_ms`] reads it, largest units first; 0 is `0s`.
///
/// ```
/// use lanner_core::time::format_duration;
/// assert_eq!(format_duration(5_400_000), "1h30m");
/// assert_eq!(format_duration(-60_000), "-1m");
/// ```
#[must_use]
pub fn format_duration(duration_ms: i64) -> String {
    if duration_ms == 0 {
        return "0s".to_owned();
    }
    let mut text = if duration_ms < 0 { "-".to_owned() } else { String::new() };
    let mut rest = duration_ms.unsigned_abs();
    for (unit, unit_ms) in UNITS {
        let count = rest / unit_ms.unsigned_abs();
        rest %= unit_ms.unsigned_abs();
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

/// How far back a comparison looks, in calendar terms.
///
/// Hours are elapsed time; days, weeks and months move the wall clock of a time zone, so that "the same
/// window a week ago" is at the same time of day on both sides of a clock change. A month back keeps the
/// day's number, clipped to the end of a shorter month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// Elapsed milliseconds.
    Elapsed(i64),
    /// Calendar days (a week is 7).
    Days(i32),
    /// Calendar months.
    Months(i32),
}

impl Shift {
    /// Reads `12h`, `1d`, `2w` or `1mo`.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    ///
    /// ```
    /// use lanner_core::Shift;
    /// assert_eq!(Shift::parse("1w"), Ok(Shift::Days(7)));
    /// assert_eq!(Shift::parse("1mo"), Ok(Shift::Months(1)));
    /// assert!(Shift::parse("0d").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: i32 = number.parse().unwrap_or(0);
        let shift = match unit {
            "mo" if number <= 1_200 => Self::Months(number),
            "w" if number <= 5_200 => Self::Days(number * 7),
            "d" if number <= 36_500 => Self::Days(number),
            "h" if number <= 876_000 => Self::Elapsed(i64::from(number) * HOUR_MS),
            "m" if number <= 50_000_000 => Self::Elapsed(i64::from(number) * MINUTE_MS),
            _ => Self::Days(0),
        };
        match shift {
            Self::Days(0) | Self::Months(0) | Self::Elapsed(0) => Err(format!(
                "\"{}\" is not a distance to look back; write for example 12h, 1d, 1w or 1mo",
                text.chars().take(40).collect::<String>()
            )),
            shift => Ok(shift),
        }
    }

    /// The instant `count` shifts before `time_ms` on the wall clock of `tz`.
    ///
    /// `None` when that wall-clock time was skipped by a clock change, or lies outside the calendar. Of a
    /// repeated time the one with the same UTC offset as `time_ms` is taken, else the first.
    #[must_use]
    pub fn before(self, time_ms: i64, count: u32, tz: &jiff::tz::TimeZone) -> Option<i64> {
        let count = i32::try_from(count).ok()?;
        let span = match self {
            Self::Elapsed(ms) => return time_ms.checked_sub(ms.checked_mul(i64::from(count))?),
            Self::Days(days) => jiff::Span::new().try_days(i64::from(days.checked_mul(count)?)).ok()?,
            Self::Months(months) => {
                jiff::Span::new().try_months(i64::from(months.checked_mul(count)?)).ok()?
            }
        };
        let now = jiff::Timestamp::from_millisecond(time_ms).ok()?;
        let civil = tz.to_datetime(now).checked_sub(span).ok()?;
        let instant = match tz.to_ambiguous_timestamp(civil).offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok()?,
            jiff::tz::AmbiguousOffset::Gap { .. } => return None,
            jiff::tz::AmbiguousOffset::Fold { before, after } => {
                let offset = if tz.to_offset(now) == after { after } else { before };
                offset.to_timestamp(civil).ok()?
            }
        };
        Some(instant.as_millisecond())
    }

    /// The longest elapsed time that `count` shifts can mean, milliseconds; for bounding look-ups.
    #[must_use]
    pub fn at_most_ms(self, count: u32) -> i64 {
        let one = match self {
            Self::Elapsed(ms) => ms,
            Self::Days(days) => i64::from(days) * DAY_MS + 2 * HOUR_MS,
            Self::Months(months) => i64::from(months) * 31 * DAY_MS + 2 * HOUR_MS,
        };
        one.saturating_mul(i64::from(count))
    }
}

impl std::fmt::Display for Shift {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elapsed(ms) => write!(f, "{}", format_duration(*ms)),
            Self::Days(days) if days % 7 == 0 => write!(f, "{}w", days / 7),
            Self::Days(days) => write!(f, "{days}d"),
            Self::Months(months) => write!(f, "{months}mo"),
        }
    }
}

/// Writes an instant as RFC 3339 in UTC, with milliseconds only where there are some.
///
/// Instants outside the calendar (years -9999 to 9999) are written as plain milliseconds.
///
/// ```
/// assert_eq!(lanner_core::time::format_time(1_767_225_600_000), "2026-01-01T00:00:00Z");
/// ```
#[must_use]
pub fn format_time(time_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(time_ms).map_or_else(|_| format!("{time_ms}ms"), |t| t.to_string())
}

/// Reads an instant: RFC 3339, `2026-12-01T00:00Z`, a date alone (midnight UTC), or seconds
/// (up to 11 digits) or milliseconds since the epoch.
///
/// # Errors
/// A sentence that says what to write instead; also for instants outside 1900 to 2200.
///
/// ```
/// use lanner_core::time::parse_time_ms;
/// assert_eq!(parse_time_ms("2026-01-01T00:00Z"), Ok(1_767_225_600_000));
/// assert_eq!(parse_time_ms("1767225600"), Ok(1_767_225_600_000));
/// ```
pub fn parse_time_ms(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong = |why: &str| {
        let shown: String = text.chars().take(40).collect();
        format!("\"{shown}\" {why}; write for example 2026-12-01T08:00:00Z or seconds since 1970")
    };
    let time_ms = if let Ok(number) = text.parse::<i64>() {
        let digits = text.trim_start_matches(['-', '+']).len();
        if digits <= 11 { number.saturating_mul(SECOND_MS) } else { number }
    } else if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        instant.as_millisecond()
    } else if let Ok(civil) = text.trim_end_matches('Z').parse::<jiff::civil::DateTime>() {
        // No offset was written, or only a Z after minutes: UTC.
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| wrong("is not a time"))?;
        zoned.timestamp().as_millisecond()
    } else {
        return Err(wrong("is not a time"));
    };
    if (MIN_TIME_MS..MAX_TIME_MS).contains(&time_ms) {
        Ok(time_ms)
    } else {
        Err(wrong("is outside 1900 to 2200"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for text in ["30m", "1h30m", "1w", "1w2d3h4m5s6ms", "500ms"] {
            assert_eq!(parse_duration_ms(text).map(format_duration).as_deref(), Ok(text));
        }
        for text in ["", "30", "m", "-5m", "1.5h", "5 m", "99999999999999999999h", "200000w", "5é"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shifts_follow_the_wall_clock() {
        #[track_caller]
        fn check(shift: &str, count: u32, from: &str, expected: Option<&str>) {
            let tz = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
            let from_ms = parse_time_ms(from).unwrap();
            let actual = Shift::parse(shift).unwrap().before(from_ms, count, &tz);
            assert_eq!(actual.map(format_time).as_deref(), expected, "{shift} x{count} before {from}");
        }
        // Berlin: clocks went forward on 2026-03-29 at 01:00Z and back on 2026-10-25 at 01:00Z.
        check("1w", 1, "2026-04-01T08:00:00Z", Some("2026-03-25T09:00:00Z"));
        check("168h", 1, "2026-04-01T08:00:00Z", Some("2026-03-25T08:00:00Z"));
        check("1d", 1, "2026-03-30T00:30:00Z", None); // 02:30 did not exist on the 29th
        check("1d", 1, "2026-10-26T01:30:00Z", Some("2026-10-25T01:30:00Z")); // 02:30, same offset
        check("1mo", 1, "2026-03-31T10:00:00Z", Some("2026-02-28T11:00:00Z")); // clipped
        check("1d", 2, "2026-06-10T10:00:00Z", Some("2026-06-08T10:00:00Z"));
    }
}
