//! Cases on the clocks of several time zones, and that a phase is as long as it says.

use proptest::prelude::*;

use super::*;
use crate::time::{format_time, parse_time_ms};

fn read(yaml: &str) -> Result<TimeIntervals, String> {
    let node = Node::from_yaml(yaml).unwrap();
    let mut check = Check::default();
    let intervals = TimeIntervals::read(&node, "mute", &mut check);
    match check.problems.first() {
        None => Ok(intervals),
        Some(problem) => Err(problem.to_string()),
    }
}

#[test]
fn intervals_hold_by_the_clock() {
    #[track_caller]
    fn check(yaml: &str, time: &str, expected: bool) {
        assert_eq!(read(yaml).unwrap().contain(parse_time_ms(time).unwrap()), expected, "{yaml} {time}");
    }
    let nights = "{ times: 22:00-06:00, days: mon-fri, tz: Europe/Berlin }";
    check(nights, "2026-01-05T21:00Z", true); // Monday, 22:00 in Berlin
    check(nights, "2026-01-05T20:59:59Z", false);
    check(nights, "2026-01-10T04:59Z", true); // the night that began on Friday
    check(nights, "2026-01-10T05:00Z", false);
    check(nights, "2026-01-10T22:00Z", false); // Saturday
    check(nights, "2026-01-05T04:00Z", false); // Monday morning belongs to Sunday's night
    check(nights, "2026-07-06T20:00Z", true); // summer
    let lunch = "{ times: [09:00-12:00, 13:00-17:00] }";
    check(lunch, "2026-01-05T11:59Z", true);
    check(lunch, "2026-01-05T12:00Z", false);
    check(lunch, "2026-01-05T13:00Z", true);
    check("{ times: 00:00-24:00, days: mon }", "2026-01-05T23:59:59Z", true);
    check("{ times: 10:00-10:00, days: mon }", "2026-01-06T09:59Z", true); // a day from ten
    check("{ times: 10:00-10:00, days: mon }", "2026-01-06T10:00Z", false);
    check("{ days_of_month: [1-2, -1] }", "2026-02-28T12:00Z", true);
    check("{ days_of_month: [1-2, -1] }", "2024-02-28T12:00Z", false); // a leap year
    check("{ days_of_month: '-3:-1' }", "2024-02-27T00:00Z", true);
    check("{ days_of_month: 29, months: february }", "2024-02-29T23:59Z", true);
    check("{ days_of_month: 15:-1 }", "2026-04-30T12:00Z", true);
    check("{ days_of_month: 31 }", "2026-04-30T12:00Z", false);
    check("{ days_of_month: 1-5, months: jan-mar, years: 2026 }", "2026-03-05T00:00Z", true);
    check("{ days_of_month: 1-5, months: jan-mar, years: 2026 }", "2027-03-05T00:00Z", false);
    check("{ months: [12, feb] }", "2026-12-31T23:59Z", true);
    check("{ months: [12, feb] }", "2026-01-01T00:00Z", false);
    check("{ days_of_month: 1, tz: Pacific/Auckland }", "2025-12-31T12:00Z", true);
    check("[sat, 'sun 02:00-04:00']", "2026-01-10T12:00Z", true);
    check("[sat, 'sun 02:00-04:00']", "2026-01-11T03:59Z", true);
    check("[sat, 'sun 02:00-04:00']", "2026-01-11T04:00Z", false);
    check("{ days: 'monday:friday' }", "2026-01-09T12:00Z", true); // Alertmanager's range
    check("'sun 02:00-04:00 Europe/London'", "2026-07-05T01:00Z", true);
    // Clocks go forward from 01:00 to 02:00, and back from 02:00 to 01:00.
    check("'01:15-01:45 Europe/London'", "2026-03-29T01:20Z", false);
    check("'01:15-01:45 Europe/London'", "2026-10-25T00:20Z", true);
    check("'01:15-01:45 Europe/London'", "2026-10-25T00:50Z", false);
    check("'01:15-01:45 Europe/London'", "2026-10-25T01:20Z", true);
}

#[test]
fn what_is_wrong_is_said() {
    #[track_caller]
    fn check(yaml: &str, part: &str) {
        let error = read(yaml).unwrap_err();
        assert!(error.contains(part), "{yaml}: {error}");
    }
    check("{}", "names no time");
    check("{ tz: UTC }", "names no time");
    check("UTC", "names neither days nor hours");
    check("{ months: januar }", "\"januar\" is not a month");
    check("{ days_of_month: 32 }", "is not a day of a month");
    check("{ days_of_month: 0 }", "is not a day of a month");
    check("{ days_of_month: 5-1 }", "ends before it begins");
    check("{ days_of_month: '-1:1' }", "ends before it begins");
    check("{ years: 26 }", "is not a year");
    check("{ times: 25:00-26:00 }", "is not a time of day");
    check("{ times: 24:00-02:00 }", "24:00 is an end");
    check("{ times: ['10:00'] }", "should be hours with a beginning and an end");
    check("{ times: [] }", "at least one");
    check(
        "{ times: [{ start_time: '10:00', end_time: '11:00' }] }",
        "should be text such as \"22:00-06:00\"",
    );
    check("{ weekdays: mon, days: mon }", "is called days here");
    check("{ days: mon, location: UTC }", "is called tz here");
    check("{ name: x, time_intervals: [] }", "beside its name");
    check("{ tmes: 10:00-11:00, days: mon }", "did you mean \"times\"");
    check("[nights]", "\"nights\" is not the name of a time interval");
    check("[[mon]]", "should be text");
    check("{ days: mon, tz: Berlin }", "is not a time zone");
}

#[test]
fn ends_are_found() {
    #[track_caller]
    fn check(yaml: &str, now: &str, holds: bool, end: &str) {
        let phase = read(yaml).unwrap().phase(parse_time_ms(now).unwrap());
        assert_eq!((phase.holds, format_time(phase.time.end_ms)), (holds, end.to_owned()), "{yaml} {now}");
    }
    check("22:00-06:00", "2026-01-05T23:00Z", true, "2026-01-06T06:00:00Z");
    check("22:00-06:00", "2026-01-06T06:00Z", false, "2026-01-06T22:00:00Z");
    check("'sat,sun'", "2026-01-10T12:00Z", true, "2026-01-12T00:00:00Z");
    check("{ months: jan }", "2026-01-10T12:00Z", true, "2026-02-01T00:00:00Z");
    check("{ days_of_month: 29, months: feb }", "2024-03-01T00:00Z", false, "2028-02-29T00:00:00Z");
    check("00:00-12:00 Europe/Berlin", "2026-03-29T00:30Z", true, "2026-03-29T10:00:00Z");
    // 02:30 was skipped: it ends when clocks are changed.
    check("01:30-02:30 Europe/Berlin", "2026-03-29T00:45Z", true, "2026-03-29T01:00:00Z");
    // 02:30 comes twice: until the first, and once more from 02:00 to the second.
    check("01:30-02:30 Europe/Berlin", "2026-10-24T23:45Z", true, "2026-10-25T00:30:00Z");
    check("01:30-02:30 Europe/Berlin", "2026-10-25T00:45Z", false, "2026-10-25T01:00:00Z");
    check("01:30-02:30 Europe/Berlin", "2026-10-25T01:00Z", true, "2026-10-25T01:30:00Z");
    // The nearer of two ends in zones that are a day apart.
    check(
        "[00:00-12:00 Pacific/Kiritimati, 00:00-12:00 Pacific/Pago_Pago]",
        "2026-01-05T15:00Z",
        true,
        "2026-01-05T23:00:00Z",
    );
    check("{ years: 2026 }", "2025-12-31T23:59Z", false, "2026-01-01T00:00:00Z");
}

#[test]
fn intervals_read_back_as_they_were_written() {
    for yaml in [
        "[sat, { times: [22:00-06:00], days: [mon, tue], days_of_month: -1, months: dec, years: 2026, tz: Asia/Kolkata }]",
        "'sun 02:00-04:00 Europe/London'",
        "{ name: nights, times: 22:00-06:00 }",
    ] {
        let intervals = read(yaml).unwrap();
        let text = serde_json::to_string(&intervals).unwrap();
        assert_eq!(serde_json::from_str::<TimeIntervals>(&text).unwrap(), intervals, "{text}");
    }
    assert!(serde_json::from_str::<TimeIntervals>("[\"often\"]").unwrap_err().to_string().contains("often"));
    assert_eq!(
        read("'sun 02:00-04:00,05:00-06:00 Europe/London'").unwrap().names(),
        ["sun 02:00-04:00,05:00-06:00 Europe/London"]
    );
    assert_eq!(read("[{ name: n, days: mon }, { name: n, days: tue }]").unwrap().names(), ["n"]);
}

/// Words that make an interval of some kind.
fn written() -> impl Strategy<Value = String> {
    const ZONES: [&str; 7] = [
        "UTC",
        "Europe/London",
        "America/Havana",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Beirut",
    ];
    let times = (0..24_i64, 0..60_i64, 0..25_i64)
        .prop_map(|(from, minute, to)| format!("{from:02}:{minute:02}-{to:02}:00"));
    let part = prop_oneof![
        times.prop_map(|times| format!("times: ['{times}']")),
        "(mon|tue-thu|fri-sun|wed,sat)".prop_map(|days| format!("days: '{days}'")),
        (1..31_i64, 0..5_i64)
            .prop_map(|(day, more)| format!("days_of_month: {day}-{}", (day + more).min(31))),
        (1..8_i64).prop_map(|day| format!("days_of_month: '-{day}:-1'")),
        "(jan|feb-mar|oct)".prop_map(|months| format!("months: {months}")),
    ];
    (part, prop::sample::select(&ZONES[..]), 0..3_usize, prop::sample::select(&ZONES[..])).prop_map(
        |(part, tz, more, other)| {
            let more =
                ["", ", { times: [23:00-01:30], days: sun-tue, tz: X }", ", { times: [01:10-02:20], tz: X }"]
                    [more];
            format!("[{{ {part}, tz: {tz} }}{}]", more.replace('X', other))
        },
    )
}

proptest! {
    /// Nothing changes within a phase, and something does at its end.
    #[test]
    fn a_phase_is_as_long_as_it_says(yaml in written(), start_ms in 1_514_764_800_000_i64..1_830_000_000_000, step in 1..1_000_i64) {
        let intervals = read(&yaml).unwrap();
        let phase = intervals.phase(start_ms);
        let TimeRange { start_ms, end_ms } = phase.time;
        prop_assert!(end_ms > start_ms);
        prop_assert_eq!(intervals.contain(end_ms - 1), phase.holds, "{} just before {}", yaml, format_time(end_ms));
        prop_assert_ne!(intervals.contain(end_ms), phase.holds, "{} at {}", yaml, format_time(end_ms));
        let step_ms = ((end_ms - start_ms) / 300).max(step * 1_000);
        for at_ms in (start_ms..end_ms).step_by(usize::try_from(step_ms).unwrap()) {
            prop_assert_eq!(intervals.contain(at_ms), phase.holds, "{} at {}", yaml, format_time(at_ms));
        }
    }

    #[test]
    fn any_text_is_answered(text in "([0-9:,-]|mon|tz|UTC| |\\PC){0,30}") {
        let _ = TimeInterval::parse(&text);
        let _ = each(&Node::from_json(&Value::from(text.as_str())), |text| range(text, day_of_month));
    }
}
