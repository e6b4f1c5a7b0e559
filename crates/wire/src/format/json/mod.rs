//! Documents of JSON, read whole: answers of Prometheus, Graphite and InfluxDB, and whatever else holds rows.

mod graphite;
mod influx;
mod records;
mod shapes;

use std::io::Read;

use super::kind::{EventReader, Format, Opening};
use super::points::Points;
use super::rows::Rows;
use crate::events;
use crate::pieces::Ends;
use crate::prometheus;
use crate::table::{ReadError, TableError};

pub(super) const FORMAT: Format = Format {
    name: "json",
    about: "a JSON document: events, an answer of Prometheus, Graphite or InfluxDB, or rows of any other program",
    // What a .json holds is told by what is in it.
    endings: &[],
    is_one_series: false,
    example: br#"[{"target":"cpu","datapoints":[[12.5,1767225600],[7,1767225660]]}]"#,
    events: Some(EventReader {
        ends: Ends::Events,
        parse: |piece, options, report, on_event| events::parse(piece, options, report, on_event),
    }),
    samples: Some(open),
    is_one: |start| start.is_json(),
};

/// Larger documents are refused.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// So much of the start tells what a document is.
const LOOK_BYTES: usize = 4 * 1024;

fn open<'a>(opening: Opening<'a, '_>) -> Result<Box<dyn Rows + 'a>, TableError> {
    let Opening { start, input, options, .. } = opening;
    let mut body = Vec::new();
    let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
    input.take(MAX_BYTES + 1).read_to_end(&mut body).map_err(failed)?;
    if body.len() as u64 > MAX_BYTES {
        return Err(TableError::Json { why: "it is larger than 512 MiB".to_owned() });
    }
    let start = &start[..start.len().min(LOOK_BYTES)];
    let has = |key: &str| memchr::memmem::find(start, format!("\"{key}\"").as_bytes()).is_some();
    let series = if (has("metric") && (has("values") || has("value")))
        || has("resultType")
        || (has("status") && has("error"))
    {
        prometheus::json::answer(&body)
    } else if has("datapoints") {
        graphite::answer(&body)
    } else if has("results") {
        influx::answer(&body)
    } else {
        return Ok(Box::new(records::open(&body, options)?));
    };
    let series = match series {
        Ok(series) => series,
        Err(why) => {
            // Where there are rows with times it only looked like one of them.
            let rows = records::open(&body, options).ok().filter(|rows| rows.need_times().is_ok());
            return rows.map(|rows| Box::new(rows) as _).ok_or(TableError::Json { why });
        }
    };
    let mut points = Points::default();
    for (key, samples) in series {
        let group = points.group_of(&key);
        samples.into_iter().for_each(|(time_ms, value)| points.push(0, group, time_ms, value));
    }
    Ok(Box::new(points))
}
