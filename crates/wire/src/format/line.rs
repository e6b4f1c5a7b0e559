//! Influx line protocol, `cpu,host=a usage=12.5 1767225600000000000`.

use super::hints::Hints;
use super::kind::Format;
use super::lines::{Lines, NO_TIME};
use super::points::Points;
use crate::Report;
use crate::line_protocol::{self, Options, Precision};

pub(super) const FORMAT: Format = Format {
    name: "line",
    about: "Influx line protocol",
    endings: &["lp", "line", "influx"],
    is_one_series: false,
    example: b"cpu,host=a usage=12.5,idle=80 1767225600000000000\ncpu,host=b usage=7 1767225600000000000\n",
    events: None,
    samples: Some(|opening| Ok(Lines::open(opening, read))),
    is_one: |start| start.are_most(is_line),
};

fn is_line(line: &str) -> bool {
    let (mut report, mut has_fields) = (Report::default(), false);
    let options = Options { precision: Precision::Nanoseconds, received_ms: 0 };
    line_protocol::parse(line.as_bytes(), options, &mut report, |_| {
        has_fields = true;
        Ok(())
    });
    report.rejected == 0 && (has_fields || report.skipped > 0)
}

fn read(piece: &[u8], hints: Hints, points: &mut Points) -> Report {
    let (mut report, mut text) = (Report::default(), Vec::new());
    let received_ms = hints.received_ms.unwrap_or(i64::MIN);
    let options = Options { precision: hints.precision, received_ms };
    line_protocol::parse(piece, options, &mut report, |line| {
        if line.time_ms == i64::MIN {
            return Err(NO_TIME.to_owned());
        }
        for field in line.fields {
            text.clear();
            text.extend_from_slice(line.raw_series.as_bytes());
            text.push(b'\n'); // which no name holds
            text.extend_from_slice(field.raw_key.as_bytes());
            let read = || line_protocol::series_key(line.raw_series, field.raw_key);
            let group = points.group(&text, read).map_err(|error| error.to_string())?;
            points.push(0, group, line.time_ms, field.value);
        }
        Ok(())
    });
    report
}
