//! Days that move when clocks are changed, in times that say nothing of it.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lanner_core::Score;
use lanner_detect::automatic::{Alarms, Automatic, Decision, WallClock};

use super::nab;
use super::noise::Random;
use super::series::Series;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// So long after a change its alarms are counted.
const AFTER_MS: i64 = 7 * DAY_MS;

/// What there is at an hour of the day, from 0 to 24, and on which day of the week, from Monday as 0.
type Shape = (&'static str, fn(f64, i64) -> f64);

const SHAPES: [Shape; 4] = [
    ("wave", |hour, _| 100.0 - 40.0 * ((hour - 4.0) / 24.0 * std::f64::consts::TAU).cos()),
    ("office hours", |hour, day| 100.0 + if (9.0..18.0).contains(&hour) && day < 5 { 80.0 } else { 0.0 }),
    ("two peaks", |hour, day| {
        let peak = |at: f64| 70.0 * (-((hour - at) / 1.5).powi(2)).exp();
        100.0 + if day < 5 { peak(8.5) + peak(19.0) } else { 0.7 * peak(14.0) }
    }),
    ("in the noise", |hour, _| 100.0 - 3.0 * (hour / 24.0 * std::f64::consts::TAU).cos()),
];

/// Values by the clocks of a zone, every `step_min` minutes from January 2025 on; noise deviates by 3, and is kept for a while.
fn series(shape: Shape, zone: &TimeZone, step_min: i64, n_days: i64, kept: f64, seed: u64) -> Series {
    let from_ms = "2025-01-06T00:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
    let times_ms: Vec<i64> =
        (0..n_days * 1_440 / step_min).map(|n| from_ms + n * step_min * 60_000).collect();
    let (mut random, mut noise) = (Random(seed), 0.0);
    let value = |time_ms: &i64| {
        let local = zone.to_datetime(Timestamp::from_millisecond(*time_ms).unwrap());
        let hour = f64::from(local.hour()) + f64::from(local.minute()) / 60.0;
        noise = kept * noise + (1.0 - kept * kept).sqrt() * 3.0 * random.normal();
        shape.1(hour, i64::from(local.weekday().to_monday_zero_offset())) + noise
    };
    Series {
        name: shape.0.to_owned(),
        y: times_ms.iter().map(value).collect(),
        times_ms,
        windows: Vec::new(),
    }
}

/// When alarms began, and the zone that was found at last.
fn judge(series: &Series, clock: &WallClock) -> (Vec<i64>, Option<&'static str>) {
    let (mut detector, mut alarms, mut begun) = (Automatic::default(), Alarms::default(), Vec::new());
    for (&time_ms, &y) in series.times_ms.iter().zip(&series.y) {
        let score = detector.judge_at(clock.at(time_ms), y).map_or(Score::ZERO, |judged| judged.score);
        if alarms.decide(time_ms, score, detector.view()) == Decision::Begins {
            begun.push(time_ms);
        }
    }
    (begun, detector.found_zone())
}

/// The week after each change of clocks in a zone, from the fourth week on.
fn weeks(zone: &TimeZone, series: &Series) -> Vec<Range<i64>> {
    let from = Timestamp::from_millisecond(series.times_ms[0] + 21 * DAY_MS).unwrap();
    let changes = zone.following(from).map(|change| change.timestamp().as_millisecond());
    let last_ms = *series.times_ms.last().unwrap();
    changes.take_while(|ms| *ms < last_ms).map(|ms| ms..ms + AFTER_MS).collect()
}

fn within(begun: &[i64], weeks: &[Range<i64>]) -> usize {
    begun.iter().filter(|ms| weeks.iter().any(|week| week.contains(ms))).count()
}

#[test]
fn days_that_move_are_followed() {
    println!("| Days | Zone | Step, min | Alarms in the weeks after, in UTC | found | given | Zone found |");
    println!("|{}", " --- |".repeat(7));
    let [mut n_utc, mut n_found, mut n_given, mut n_wrong] = [0; 4];
    for shape in SHAPES {
        for name in ["Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC"] {
            for (step_min, n_days, kept) in [(1, 100, 0.9), (5, 330, 0.5), (60, 330, 0.0)] {
                if step_min == 1 && !["Europe/Berlin", "UTC"].contains(&name) {
                    continue;
                }
                let zone = TimeZone::get(name).unwrap();
                let series = series(shape, &zone, step_min, n_days, kept, 7);
                // Whoever lives in UTC is tried at every change that others make.
                let weeks = weeks(
                    &TimeZone::get(if name == "UTC" { "Europe/Berlin" } else { name }).unwrap(),
                    &series,
                );
                let in_utc = within(&judge(&series, &WallClock::new(Some(TimeZone::UTC), [])).0, &weeks);
                let (begun, found) = judge(&series, &WallClock::new(None, []));
                let by_itself = within(&begun, &weeks);
                let given = within(&judge(&series, &WallClock::new(Some(zone), [])).0, &weeks);
                println!(
                    "| {} | {name} | {step_min} | {in_utc} | {by_itself} | {given} | {} |",
                    series.name,
                    found.unwrap_or("–")
                );
                n_utc += in_utc;
                n_found += by_itself;
                n_given += given;
                n_wrong += usize::from(found.is_some_and(|found| found != name));
            }
        }
    }
    println!("all: {n_utc} in UTC, {n_found} found, {n_given} given; {n_wrong} wrong zones");
    // Some are there whatever the clocks are.
    assert!(4 * n_found <= 5 * n_given && n_utc >= 3 * n_found, "{n_utc} {n_found} {n_given}");
    assert_eq!(n_wrong, 0);
}

/// What happens on the very Sunday is found all the same, and takes no place for another.
#[test]
fn an_incident_while_clocks_change() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    for shape in &SHAPES[..3] {
        let mut series = series(*shape, &zone, 5, 100, 0.5, 3);
        let noon_ms = "2025-03-30T10:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
        let during = series.times_ms.partition_point(|ms| *ms < noon_ms);
        series.y[during..during + 24].iter_mut().for_each(|y| *y *= 0.5);
        let (begun, found) = judge(&series, &WallClock::new(None, []));
        assert!(begun.iter().any(|ms| (noon_ms..noon_ms + HOUR_MS).contains(ms)), "{}", shape.0);
        assert!(found.is_none_or(|found| found == "Europe/Berlin"), "{}: {found:?}", shape.0);
        assert!(within(&begun, std::slice::from_ref(&(noon_ms..noon_ms + AFTER_MS))) <= 2, "{}", shape.0);
    }
}

/// Taxis of New York, by UTC: their days move in November.
#[test]
fn taxis_in_utc() {
    let Some(corpus) = nab::load() else { return };
    let taxi = corpus.iter().find(|series| series.name.ends_with("nyc_taxi.csv")).unwrap();
    let zone = TimeZone::get("America/New_York").unwrap();
    let mut utc = taxi.clone();
    for ms in &mut utc.times_ms {
        let local: DateTime = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(*ms).unwrap());
        *ms = zone.to_ambiguous_timestamp(local).later().unwrap().as_millisecond();
    }
    // The marathon on that Sunday is one of the benchmark's anomalies; the days from Tuesday on are as usual.
    let tuesday_ms = "2014-11-04T05:00:00Z".parse::<Timestamp>().unwrap().as_millisecond();
    let week = tuesday_ms..tuesday_ms + 7 * DAY_MS;
    let usual = std::slice::from_ref(&week);
    let in_utc = within(&judge(&utc, &WallClock::new(Some(TimeZone::UTC), [])).0, usual);
    let (begun, found) = judge(&utc, &WallClock::new(None, []));
    println!("{in_utc} alarms in UTC, {} by itself, found {found:?}", within(&begun, usual));
    assert_eq!(found, Some("America/New_York"));
    assert!(within(&begun, usual) <= in_utc);
}
