//! An object a line: samples as Lanner or VictoriaMetrics exports them, and events.

use lanner_core::SeriesKey;

use super::kind::{EventReader, Format};
use super::lines::Lines;
use super::points::Points;
use super::start::Start;
use crate::pieces::Ends;
use crate::{Report, events, ndjson, prometheus};

pub(super) const FORMAT: Format = Format {
    name: "ndjson",
    about: "one JSON object per line: events, or samples as Lanner and VictoriaMetrics export them",
    endings: &["ndjson", "jsonl"],
    is_one_series: false,
    example: br#"{"name":"cpu","labels":{"host":"a"},"time":"2026-01-01T00:00:00Z","value":1.5}
{"name":"cpu","labels":{"host":"b"},"time":"2026-01-01T00:00:00Z","value":2}
"#,
    events: Some(EventReader {
        ends: Ends::Events,
        parse: |piece, options, report, on_event| events::parse(piece, options, report, on_event),
    }),
    samples: Some(|opening| Ok(Lines::open(opening, |piece, _, points| read(piece, points)))),
    is_one,
};

fn is_one(start: &Start<'_>) -> bool {
    // A line of VictoriaMetrics' holds a whole series, and may be longer than the start.
    start.is_json()
        && (is_exported(start.bytes.trim_ascii_start(), b"{\"metric\":")
            || start.first_line().is_some_and(is_own))
}

fn is_exported(line: &[u8], by: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(by)
}

fn is_own(line: &str) -> bool {
    let mut report = Report::default();
    // Reading a slice cannot fail.
    let _ = ndjson::read(line.as_bytes(), &mut report, |_, _| Ok(()));
    report.rejected == 0
}

fn read(piece: &[u8], points: &mut Points) -> Report {
    let mut report = Report::default();
    for (at, line) in piece.split(|byte| *byte == b'\n').enumerate() {
        let number = at as u64 + 1;
        if is_exported(line, b"{\"metric\"") {
            match prometheus::json::exported(line) {
                Ok((key, samples)) => add(points, number, &key, &samples),
                Err(why) => report.reject(number, None, why),
            }
            continue;
        }
        let mut of_line = Report::default();
        // Reading a slice cannot fail.
        let _ = ndjson::read(line, &mut of_line, |key, sample| {
            let group = points.group_of(key);
            points.push(number, group, sample.time_ms, sample.value);
            Ok(())
        });
        report.absorb(of_line, at as u64);
    }
    report
}

fn add(points: &mut Points, line: u64, key: &SeriesKey, samples: &[(i64, f64)]) {
    let group = points.group_of(key);
    for (time_ms, value) in samples {
        points.push(line, group, *time_ms, *value);
    }
}
