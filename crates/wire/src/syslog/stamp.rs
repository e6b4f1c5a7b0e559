//! Times in syslog messages.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lanner_core::time::DAY_MS;

use super::message::Received;
use crate::instant::within_bounds;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A time as RFC 3339 has it; without an offset it is one of `zone`.
pub(super) fn iso(text: &str, zone: &TimeZone) -> Option<i64> {
    if !text.get(..5)?.ends_with('-') || !text.contains('T') {
        return None;
    }
    let timestamp = text.parse::<Timestamp>().ok().or_else(|| in_zone(text.parse().ok()?, zone));
    within_bounds(timestamp?.as_millisecond())
}

/// `Mmm dd hh:mm:ss`, as RFC 3164 has it, with what devices add: a mark in front, a year somewhere, a fraction, a zone, a colon
/// behind. Returns the time and what follows it.
///
/// Without a year it is the latest such time that is at most a day after the message was received.
pub(super) fn bsd<'a>(text: &'a str, received: Received<'_>) -> Option<(i64, &'a str)> {
    let (first, rest) = word(text)?;
    // Cisco's clocks: `*` not set, `.` not synchronised.
    let first = first.trim_start_matches(['*', '.']);
    let (mut year, month, rest) = match year_of(first) {
        Some(year) => {
            let (month, rest) = word(rest)?;
            (Some(year), month, rest)
        }
        None => (None, first, rest),
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    let (day, rest) = word(rest)?;
    let day: i8 = day.trim_end_matches(',').parse().ok()?;
    let (mut clock, mut rest) = word(rest)?;
    if let Some(found) = year_of(clock).filter(|_| year.is_none()) {
        year = Some(found);
        (clock, rest) = word(rest)?;
    }
    let clock = clock_of(clock.trim_end_matches(':'))?;
    if let Some((next, after)) = word(rest)
        && year.is_none()
        && let Some(found) = year_of(next.trim_end_matches(':'))
    {
        (year, rest) = (Some(found), after);
    }
    let (zone, rest) = named_zone(rest);
    let zone = if zone { &TimeZone::UTC } else { received.zone };
    let month = i8::try_from(month + 1).ok()?;
    let of_year = |year: i16| {
        let date = Date::new(year, month, day).ok()?;
        within_bounds(in_zone(DateTime::from_parts(date, clock), zone)?.as_millisecond())
    };
    let time_ms = match year {
        Some(year) => of_year(year),
        None => latest(of_year, received, zone),
    };
    Some((time_ms?, rest))
}

/// The latest of the years in which it is at most a day ahead; leap days are at most eight years apart.
fn latest(of_year: impl Fn(i16) -> Option<i64>, received: Received<'_>, zone: &TimeZone) -> Option<i64> {
    let now = Timestamp::from_millisecond(received.time_ms).ok()?;
    let year = now.to_zoned(zone.clone()).year();
    let at_most_ms = received.time_ms.saturating_add(DAY_MS);
    (-8..=1).rev().find_map(|step| of_year(year + step).filter(|time_ms| *time_ms <= at_most_ms))
}

/// Whether the time is followed by `UTC` or `GMT`, and what follows that. Cisco names a zone before the `%` of a message; of
/// others nobody can tell what they stand for.
fn named_zone(rest: &str) -> (bool, &str) {
    match word(rest) {
        Some((zone, after))
            if after.trim_start().starts_with('%')
                && zone.trim_end_matches(':').bytes().all(|b| b.is_ascii_uppercase()) =>
        {
            (matches!(zone.trim_end_matches(':'), "UTC" | "GMT"), after)
        }
        _ => (false, rest),
    }
}

fn in_zone(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    zone.to_timestamp(time).ok()
}

fn year_of(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| word.len() == 4 && (2000..2100).contains(year))
}

/// `hh:mm:ss`, with a fraction after a point or comma.
fn clock_of(word: &str) -> Option<Time> {
    let (whole, fraction) = word.split_once(['.', ',']).unwrap_or((word, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<i8>().ok());
    let time = Time::new(parts.next()??, parts.next()??, parts.next()??, 0).ok()?;
    if parts.next().is_some() || fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let ns: i32 = format!("{fraction:0<9}").parse().ok()?;
    time.checked_add(SignedDuration::from_nanos(ns.into())).ok()
}

/// The next word, and what follows it.
pub(super) fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(' ');
    let end = text.find(' ').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}
