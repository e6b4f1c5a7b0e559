//! Times in `from` and `until` as people write them: `-1h30min`, `noon yesterday`, `08:15_20250119`.

use jiff::civil::{Date, DateTime};
use jiff::tz::{Disambiguation, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use super::interval::interval_s;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The moment that `text` names at `now_s` in `zone`, in seconds since the epoch.
///
/// - seconds since the epoch: `1737336719`; eight digits that can be a date are one
/// - back or forward from now: `-1h30min`, `now-5min`, or nothing: now
/// - a day: `today`, `yesterday`, `tomorrow`, `monday` (today or before), `jan05`, `20250119`, `01/19/25`
/// - a time of day, alone or before a day: `06:00_today`, `8am`, `noon yesterday`, `midnight`, `teatime` (16:00)
/// - any of these and a length: `noon yesterday+1h`
///
/// Case does not matter, nor do spaces, commas and `_`. As in Graphite, 12am is noon and 12pm midnight. Where a clock
/// shows a time twice, the later one is meant.
///
/// # Errors
/// For people: what cannot be read.
///
/// ```
/// use jiff::tz::TimeZone;
/// use lanner_graphite::at_time;
/// let at = |text| at_time(text, 1_737_336_719, &TimeZone::UTC); // 2025-01-20 01:31:59
/// assert_eq!(at("-1h30min"), Ok(1_737_331_319));
/// assert_eq!(at("noon yesterday+1h"), Ok(1_737_291_600));
/// assert!(at("a fortnight ago").is_err());
/// ```
pub fn at_time(text: &str, now_s: i64, zone: &TimeZone) -> Result<i64, String> {
    let compact: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, '_' | ',' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let read = || {
        if is_digits(&compact) && !is_date(&compact) {
            return compact.parse().map_err(|_| "it is too far away".to_owned());
        }
        let split = compact.find('+').or_else(|| compact.find('-')).unwrap_or(compact.len());
        let (reference, offset) = compact.split_at_checked(split).unwrap_or((&compact, ""));
        let offset_s = if offset.is_empty() { 0 } else { interval_s(offset)? };
        let reference_s = reference_s(reference, now_s, zone)?;
        reference_s.checked_add(offset_s).ok_or_else(|| "it is too far away".to_owned())
    };
    read()
        .and_then(|seconds| match Timestamp::from_second(seconds) {
            Ok(_) => Ok(seconds),
            Err(_) => Err("it is too far away".to_owned()),
        })
        .map_err(|why| format!("'{text}' is not a time: {why}"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether eight digits are rather a date than seconds.
fn is_date(digits: &str) -> bool {
    let number = |from, to| digits.get(from..to).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    digits.len() == 8 && number(0, 4) > 1900 && number(4, 6) < 13 && number(6, 8) < 32
}

/// A moment without an offset.
fn reference_s(text: &str, now_s: i64, zone: &TimeZone) -> Result<i64, String> {
    if text.is_empty() || text == "now" {
        return Ok(now_s);
    }
    let now = Timestamp::from_second(now_s).map_err(|_| "the present is too far away")?;
    let (hour, minute, rest) = time_of_day(text)?;
    let day = day(rest, zone.to_datetime(now).date())?;
    let moment = DateTime::from_parts(day, jiff::civil::time(hour, minute, 0, 0));
    let zoned = zone
        .to_ambiguous_zoned(moment)
        .disambiguate(Disambiguation::Later)
        .map_err(|_| "it is too far away")?;
    Ok(zoned.timestamp().as_second())
}

/// Hour, minute, and what follows; midnight where no time of day is named.
fn time_of_day(text: &str) -> Result<(i8, i8, &str), String> {
    let (mut hour, mut minute, mut rest) = (0, 0, text);
    if let Some((hours, after)) = before(rest, ":") {
        let (minutes, after) =
            after.split_at_checked(2).ok_or("two digits of minutes come after ':', as in 06:00")?;
        hour = below(hours, 24, "hours")?;
        minute = below(minutes, 60, "minutes")?;
        rest = after;
        if let Some(after) = rest.strip_prefix("am") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("pm") {
            (hour, rest) = ((hour + 12) % 24, after);
        }
    }
    if let Some((hours, after)) = before(rest, "am") {
        (hour, rest) = (below(hours, 24, "hours")?, after);
    }
    if let Some((hours, after)) = before(rest, "pm") {
        (hour, rest) = ((below(hours, 24, "hours")? + 12) % 24, after);
    }
    for (word, at) in [("noon", 12), ("midnight", 0), ("teatime", 16)] {
        if let Some(after) = rest.strip_prefix(word) {
            return Ok((at, 0, after));
        }
    }
    Ok((hour, minute, rest))
}

/// What stands before and after `mark`, if it comes after one or two characters.
fn before<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    text.split_once(mark).filter(|(before, _)| matches!(before.len(), 1 | 2))
}

fn below(digits: &str, limit: i8, what: &str) -> Result<i8, String> {
    let value = if is_digits(digits) { digits.parse::<i8>().ok() } else { None };
    value.filter(|value| *value < limit).ok_or_else(|| format!("'{digits}' are no {what} of a day"))
}

/// The day that `text` names; `today` where it is empty.
fn day(text: &str, today: Date) -> Result<Date, String> {
    let start = text.get(..3).unwrap_or_default();
    let moved = |days: i64| today.checked_add(days.days()).map_err(|_| "it is too far away".to_owned());
    match text {
        "" | "today" => Ok(today),
        "yesterday" => moved(-1),
        "tomorrow" => moved(1),
        _ if text.matches('/').count() == 2 => with_slashes(text),
        _ if text.len() == 8 && is_digits(text) => {
            let number: i32 = text.parse().unwrap_or(0);
            date(number / 10_000, number / 100 % 100, number % 100)
        }
        _ if let Some(month) = (1..).zip(MONTHS).find(|(_, name)| *name == start) => {
            let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let day = text.get(text.len() - digits.min(2)..).and_then(|day| day.parse().ok());
            date(today.year().into(), month.0, day.ok_or("a day follows the month, as in jan05")?)
        }
        _ if let Some(index) = WEEKDAYS.iter().position(|name| *name == start) => {
            let wanted = i64::try_from(index).unwrap_or(0);
            let back = i64::from(today.weekday().to_sunday_zero_offset()) - wanted;
            moved(-back.rem_euclid(7))
        }
        _ => Err(format!("'{text}' is no day; write today, monday, jan05, 20250119 or 01/19/25")),
    }
}

/// `MM/DD/YY` or `MM/DD/YYYY`.
fn with_slashes(text: &str) -> Result<Date, String> {
    let mut parts = text.split('/').map(|part| if is_digits(part) { part.parse().ok() } else { None });
    let (Some(Some(month)), Some(Some(day)), Some(Some(year))) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(format!("'{text}' is no day; write month/day/year, as in 01/19/25"));
    };
    let year: i32 = match year {
        0..70 => 2000 + year,
        70..1900 => 1900 + year,
        1900..1970 => 100 + year,
        _ => year,
    };
    date(year, month, day)
}

fn date(year: i32, month: i32, day: i32) -> Result<Date, String> {
    let part = |value: i32| i8::try_from(value).unwrap_or(0);
    Date::new(i16::try_from(year).unwrap_or(i16::MAX), part(month), part(day))
        .map_err(|_| format!("there is no day {year}-{month}-{day}"))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::at_time;

    /// 2025-01-20 01:31:59 in UTC, a Monday.
    const NOW_S: i64 = 1_737_336_719;

    #[track_caller]
    fn check(zone: &str, text: &str, expected: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let expected: jiff::Timestamp = expected.parse().unwrap();
        assert_eq!(at_time(text, NOW_S, &zone), Ok(expected.as_second()), "{text}");
    }

    #[test]
    fn in_utc() {
        for (text, expected) in [
            ("1737336719", "2025-01-20T01:31:59Z"),
            ("0", "1970-01-01T00:00:00Z"),
            ("now", "2025-01-20T01:31:59Z"),
            ("", "2025-01-20T01:31:59Z"),
            ("-1h30min", "2025-01-20T00:01:59Z"),
            ("now-5min", "2025-01-20T01:26:59Z"),
            ("now+1d", "2025-01-21T01:31:59Z"),
            ("-1mon", "2024-12-21T01:31:59Z"),
            ("today", "2025-01-20T00:00:00Z"),
            ("Noon Yesterday", "2025-01-19T12:00:00Z"),
            ("noon_yesterday+1h", "2025-01-19T13:00:00Z"),
            ("teatime tomorrow", "2025-01-21T16:00:00Z"),
            ("midnight", "2025-01-20T00:00:00Z"),
            ("8am", "2025-01-20T08:00:00Z"),
            ("8pm yesterday", "2025-01-19T20:00:00Z"),
            ("12pm", "2025-01-20T00:00:00Z"), // as Graphite has it
            ("6:30pm today", "2025-01-20T18:30:00Z"),
            ("06:00_20250119", "2025-01-19T06:00:00Z"),
            ("20250119-1d", "2025-01-18T00:00:00Z"),
            ("01/19/25", "2025-01-19T00:00:00Z"),
            ("01/19/2025", "2025-01-19T00:00:00Z"),
            ("01/19/70", "1970-01-19T00:00:00Z"),
            ("monday", "2025-01-20T00:00:00Z"),
            ("tuesday", "2025-01-14T00:00:00Z"),
            ("jan5", "2025-01-05T00:00:00Z"),
            ("noon december24", "2025-12-24T12:00:00Z"),
        ] {
            check("UTC", text, expected);
        }
    }

    #[test]
    fn days_begin_with_the_zone() {
        check("Europe/Amsterdam", "today", "2025-01-19T23:00:00Z");
        check("America/New_York", "today", "2025-01-19T05:00:00Z");
        check("Asia/Kolkata", "8am", "2025-01-20T02:30:00Z");
        // Not there that day, and there twice.
        check("Europe/Amsterdam", "02:30_20250330", "2025-03-30T01:30:00Z");
        check("Europe/Amsterdam", "02:30_20251026", "2025-10-26T01:30:00Z");
        // A length is counted in seconds.
        check("Europe/Amsterdam", "20250330+1d", "2025-03-30T23:00:00Z");
    }

    #[test]
    fn what_is_wrong() {
        for text in [
            "a fortnight ago",
            "now-",
            "-5m",
            "-5parsecs",
            "25:00_today",
            "6:75",
            "6:",
            "xxam",
            "13/45/2025",
            "1/2/x",
            "jan",
            "jan32",
            "20250231",
            "nowish",
            "99999999999999999999",
            "9999999999999999",
            "now-9999999y",
            "né",
            "ja\u{e9}5",
            "+",
            "10:1é",
        ] {
            assert!(at_time(text, NOW_S, &TimeZone::UTC).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text(text in "\\PC{0,20}", now_s in proptest::num::i64::ANY) {
            let _ = at_time(&text, now_s, &TimeZone::UTC);
        }

        #[test]
        fn any_words(words in proptest::collection::vec("noon|today|mon|jan|[0-9/:+-]{1,8}|am|pm|d|h|é", 0..5)) {
            let _ = at_time(&words.concat(), NOW_S, &TimeZone::UTC);
        }
    }
}
