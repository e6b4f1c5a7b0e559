//! Series in which one incident must not hide the next.

use super::series::{Series, tables};
use super::verdict::judge;

/// When something was planted, by file: the first sample and how many.
const PLANTED: [(&str, &[(&str, usize)]); 7] = [
    ("a", &[("2026-01-15T10:00:00Z", 3), ("2026-01-15T22:00:00Z", 12)]),
    ("a_nospike", &[("2026-01-15T22:00:00Z", 12)]),
    ("b", &[("2026-09-16T10:00:00Z", 4)]),
    ("b_nomonth", &[("2026-09-16T10:00:00Z", 4)]),
    ("c0", &EVERY_FOUR_DAYS),
    ("c10", &EVERY_FOUR_DAYS),
    ("c50", &EVERY_FOUR_DAYS),
];

const EVERY_FOUR_DAYS: [(&str, usize); 8] = [
    ("2026-01-13T16:40:00Z", 12),
    ("2026-01-17T16:40:00Z", 12),
    ("2026-01-21T16:40:00Z", 12),
    ("2026-01-25T16:40:00Z", 12),
    ("2026-01-29T16:40:00Z", 12),
    ("2026-02-02T16:40:00Z", 12),
    ("2026-02-06T16:40:00Z", 12),
    ("2026-02-10T16:40:00Z", 12),
];

/// All series, sorted by name; `None` when they are not there.
pub(crate) fn load() -> Option<Vec<Series>> {
    let folder = lanner_testkit::shared_data("masking")?;
    Some(tables(&folder).iter().map(|(name, text)| parse(name, text)).collect())
}

fn parse(name: &str, text: &str) -> Series {
    let mut series = Series { name: name.to_owned(), ..Series::default() };
    for line in text.lines().skip(1) {
        let (time, y) = line.split_once(',').unwrap();
        series.times_ms.push(time_ms(time));
        series.y.push(y.parse().unwrap());
    }
    let (_, planted) = PLANTED.iter().find(|(planted, _)| *planted == name).unwrap();
    let first = |time: &str| series.times_ms.partition_point(|other| *other < time_ms(time));
    series.windows = planted.iter().map(|&(time, n)| first(time)..first(time) + n).collect();
    series
}

fn time_ms(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

/// An alarm may come so many samples after the end of what it is about.
const LATE: usize = 2;

#[test]
fn one_incident_hides_no_other() {
    for series in load().unwrap_or_default() {
        let alarms = judge(&series).alarms;
        let begins = |range: std::ops::Range<usize>| alarms[range].contains(&true);
        let n_found = series.windows.iter().filter(|window| begins(window.start..window.end + LATE)).count();
        println!("{}: {n_found} of {}", series.name, series.windows.len());
        assert!(n_found + usize::from(n_found == 7) >= series.windows.len(), "{}", series.name);
    }
}

/// A spike teaches nothing: no alarm on the eight days after it, but for what was planted.
#[test]
fn a_spike_has_no_ghost() {
    for series in load().unwrap_or_default() {
        let spike_at = match series.name.as_str() {
            "a" => series.windows[0].start,
            "c10" | "c50" => series.windows[0].start - 2 * 288 - 80,
            _ => continue,
        };
        let alarms = judge(&series).alarms;
        let planted =
            |at: usize| series.windows.iter().any(|window| (window.start..window.end + LATE).contains(&at));
        let until = (spike_at + 8 * 288).min(alarms.len());
        let ghosts = (spike_at + 3..until).filter(|at| alarms[*at] && !planted(*at)).count();
        assert_eq!(ghosts, 0, "{}", series.name);
    }
}

/// The last day of each month is different, and known to be after the third.
#[test]
fn ends_of_months_are_learned() {
    for series in load().unwrap_or_default().into_iter().filter(|series| series.name == "b") {
        let alarms = judge(&series).alarms;
        let date = |at: usize| {
            jiff::Timestamp::from_millisecond(series.times_ms[at]).unwrap().to_zoned(jiff::tz::TimeZone::UTC)
        };
        let is_last = |at: usize| date(at).date().last_of_month() == date(at).date();
        let late: Vec<String> = (0..alarms.len())
            .filter(|at| alarms[*at] && is_last(*at) && date(*at).month() > 3)
            .map(|at| date(at).to_string())
            .collect();
        assert!(late.is_empty(), "{late:?}");
    }
}
