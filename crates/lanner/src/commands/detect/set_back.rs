//! Clocks that were set back: times without an offset repeat an hour, and tell by which clocks they were written.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// One of the zones that set their clocks back on one day at one hour; those that share both cannot be told apart.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
];

/// The zone whose clocks showed both times twice; in milliseconds since 1970, as if they were of UTC.
pub(super) fn zone(last_ms: i64, next_ms: i64) -> Option<(&'static str, TimeZone)> {
    ZONES.into_iter().find_map(|name| {
        let zone = TimeZone::get(name).ok()?;
        let is_shown_twice = |wall_ms: i64| {
            let wall = Timestamp::from_millisecond(wall_ms).ok()?;
            let there = zone.to_ambiguous_timestamp(TimeZone::UTC.to_datetime(wall));
            Some(matches!(there.offset(), AmbiguousOffset::Fold { .. }))
        };
        let are_both = is_shown_twice(last_ms)? && is_shown_twice(next_ms)?;
        are_both.then_some((name, zone))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(last: &str, next: &str, expected: Option<&str>) {
        let ms = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(zone(ms(last), ms(next)).map(|(name, _)| name), expected, "{last} {next}");
    }

    #[test]
    fn an_hour_that_clocks_show_twice() {
        check("2025-10-26T02:55:00Z", "2025-10-26T02:00:00Z", Some("Europe/Berlin"));
        check("2025-10-26T01:55:00Z", "2025-10-26T01:00:00Z", Some("Europe/London"));
        check("2025-11-02T01:59:00Z", "2025-11-02T01:00:00Z", Some("America/New_York"));
        check("2025-04-06T02:30:00Z", "2025-04-06T02:00:00Z", Some("Australia/Sydney"));
        check("2025-10-26T04:30:00Z", "2025-10-26T02:00:00Z", None);
        check("2025-10-25T02:55:00Z", "2025-10-25T02:00:00Z", None);
    }
}
