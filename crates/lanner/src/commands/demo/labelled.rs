//! The two real series, and what people labelled in them.

use std::fmt::Write as _;

use lanner_core::TimeRange;
use lanner_core::time::{MINUTE_MS, WEEK_MS, parse_time_ms};
use serde::Deserialize;

use crate::failure::{Failure, Result};

/// A file of the benchmark, and what it is called here.
struct Source {
    file: &'static str,
    csv: &'static str,
    /// Line protocol's measurement and field.
    measurement: &'static str,
    field: &'static str,
    rule: &'static str,
    /// How long after its time stamp a sample is known: counts carry the start of what they count.
    known_after_ms: i64,
}

const SOURCES: [Source; 2] = [
    Source {
        file: "nyc_taxi.csv",
        csv: include_str!("../../../demo/nyc_taxi.csv"),
        measurement: "taxi",
        field: "passengers",
        rule: "taxi-passengers",
        known_after_ms: 30 * MINUTE_MS,
    },
    Source {
        file: "ambient_temperature_system_failure.csv",
        csv: include_str!("../../../demo/ambient_temperature_system_failure.csv"),
        measurement: "office",
        field: "temperature",
        rule: "office-too-warm",
        known_after_ms: 0,
    },
];

/// The end of the taxi data, to which the other series is moved: a Wednesday afternoon.
const DATA_END: &str = "2015-01-28T15:00:00Z";

#[derive(Debug, Deserialize)]
struct LabelEntry {
    label: String,
    window: [String; 2],
    about: String,
}

/// Something that people labelled.
#[derive(Debug, Clone)]
pub(super) struct Label {
    pub(super) at_ms: i64,
    pub(super) window: TimeRange,
    pub(super) about: String,
    /// The label as it stands in the benchmark.
    pub(super) original: String,
}

/// A series of the benchmark, moved by whole weeks.
#[derive(Debug)]
pub(super) struct Labelled {
    pub(super) name: String,
    pub(super) file: &'static str,
    pub(super) rule: &'static str,
    pub(super) weeks_moved: i64,
    pub(super) labels: Vec<Label>,
    /// When each sample is known, and its line; the oldest first.
    lines: std::collections::VecDeque<(i64, String)>,
}

impl Labelled {
    /// Writes the samples that are known at `to_ms`; returns how many.
    pub(super) fn write_until(&mut self, to_ms: i64, lines: &mut String) -> u64 {
        let mut n_samples = 0;
        while let Some((_, line)) = self.lines.pop_front_if(|(known_ms, _)| *known_ms <= to_ms) {
            lines.push_str(&line);
            n_samples += 1;
        }
        n_samples
    }
}

/// The latest end of the story that is not after `now_ms`: the data's own weekday and time of day.
pub(super) fn latest_end_ms(now_ms: i64) -> Result<i64> {
    let end_ms = instant(DATA_END)?;
    Ok(end_ms + (now_ms - end_ms).div_euclid(WEEK_MS) * WEEK_MS)
}

/// The series, moved so that they end at `end_ms`.
pub(super) fn series(end_ms: i64) -> Result<Vec<Labelled>> {
    SOURCES.iter().map(|source| read(source, end_ms)).collect()
}

fn read(source: &Source, end_ms: i64) -> Result<Labelled> {
    let mut samples = Vec::new();
    for line in source.csv.lines().skip(1) {
        let (time, value) = line.split_once(',').ok_or_else(|| broken(line))?;
        samples.push((instant(time)?, value));
    }
    let last_ms = samples.last().map_or(end_ms, |(time_ms, _)| *time_ms);
    let weeks_moved = (end_ms - last_ms).div_euclid(WEEK_MS);
    let shift_ms = weeks_moved * WEEK_MS;
    let mut lines = std::collections::VecDeque::with_capacity(samples.len());
    for (time_ms, value) in samples {
        let time_ms = time_ms + shift_ms;
        let mut line = String::new();
        // Writing to a text cannot fail.
        let _ = writeln!(line, "{} {}={value} {time_ms}", source.measurement, source.field);
        lines.push_back((time_ms + source.known_after_ms, line));
    }
    Ok(Labelled {
        name: format!("{}.{}", source.measurement, source.field),
        file: source.file,
        rule: source.rule,
        weeks_moved,
        labels: labels(source, shift_ms)?,
        lines,
    })
}

fn labels(source: &Source, shift_ms: i64) -> Result<Vec<Label>> {
    let text = include_str!("../../../demo/labels.json");
    let mut all: std::collections::HashMap<String, Vec<LabelEntry>> =
        serde_json::from_str(text).map_err(|error| broken(&error.to_string()))?;
    let own = all.remove(source.file).unwrap_or_default();
    let label = |entry: LabelEntry| -> Result<Label> {
        let [from, to] = entry.window;
        Ok(Label {
            at_ms: instant(&entry.label)? + shift_ms,
            window: TimeRange::new(instant(&from)? + shift_ms, instant(&to)? + shift_ms),
            about: entry.about,
            original: entry.label,
        })
    };
    own.into_iter().map(label).collect()
}

/// Times of the benchmark carry no zone; they are read as UTC.
fn instant(text: &str) -> Result<i64> {
    let text = text.trim_end_matches('Z').replace(' ', "T");
    parse_time_ms(&format!("{text}Z")).map_err(|error| broken(&error))
}

fn broken(what: &str) -> Failure {
    Failure::program(format!("the demo's data is broken: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekday_and_time_of_day_stay() {
        let end_ms = latest_end_ms(instant("2026-12-04 12:00:00").unwrap()).unwrap();
        assert_eq!(end_ms, instant("2026-12-02 15:00:00").unwrap()); // a Wednesday
        let mut series = series(end_ms).unwrap();
        assert_eq!((series[0].weeks_moved, series[1].weeks_moved), (618, 675));
        let mut lines = String::new();
        let counts: Vec<u64> = series.iter_mut().map(|s| s.write_until(end_ms, &mut lines)).collect();
        assert_eq!(counts, [1008, 504]);
        assert!(lines.starts_with("taxi passengers=19029 "), "{}", &lines[..40]);
        assert_eq!(series[0].labels[0].at_ms, instant("2026-12-01 00:00:00").unwrap());
    }
}
