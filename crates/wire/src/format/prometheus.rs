//! Prometheus's text format and OpenMetrics, with times: `up{job="api"} 1 1767225600000`.

use super::hints::Hints;
use super::kind::Format;
use super::lines::{Lines, NO_TIME};
use super::points::Points;
use crate::Report;
use crate::prometheus::{series_key, text};

pub(super) const FORMAT: Format = Format {
    name: "prometheus",
    about: "Prometheus's text format, OpenMetrics; each sample with its time",
    endings: &["prom", "om"],
    is_one_series: false,
    example: b"# TYPE up gauge\nup{job=\"api\"} 1 1767225600000\nup{job=\"web\"} 0 1767225600000\n# EOF\n",
    events: None,
    samples: Some(|opening| Ok(Lines::open(opening, read))),
    is_one: |start| start.are_most(is_line),
};

fn is_line(line: &str) -> bool {
    let Ok(Some(sample)) = text::sample(line) else { return false };
    let series = sample.raw_series;
    // A row of a table with a comma as separator has no braces around it.
    let is_row = series.contains(',') && !series.contains('{');
    let begins_like_name = series.starts_with(|c: char| c.is_alphabetic() || "_:{".contains(c));
    begins_like_name && !is_row && series_key(series).is_ok()
}

fn read(piece: &[u8], hints: Hints, points: &mut Points) -> Report {
    let mut report = Report::default();
    text::parse(piece, &mut report, |sample| {
        let time_ms = sample.time_ms.or(hints.received_ms).ok_or(NO_TIME)?;
        let read = || series_key(sample.raw_series).map_err(|(_, why)| why);
        let group = points.group(sample.raw_series.as_bytes(), read)?;
        points.push(0, group, time_ms, sample.value);
        Ok(())
    });
    report
}
