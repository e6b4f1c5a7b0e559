//! Documents of JSON, read whole: answers of Prometheus, Graphite and InfluxDB, and lists of flat objects.

use std::io::Read;

use super::points::Points;
use super::{graphite, influx, records};
use crate::prometheus;
use crate::table::{Options, ReadError, Table, TableError};

/// Larger documents are refused.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// So much of the start tells what a document is.
const LOOK_BYTES: usize = 4 * 1024;

/// What a document holds.
pub(super) enum Document<'a> {
    Points(Points),
    Table(Box<Table<'a>>),
}

/// Reads a document.
pub(super) fn open<'a>(
    input: impl Read,
    start: &[u8],
    options: &Options<'_>,
) -> Result<Document<'a>, TableError> {
    let mut body = Vec::new();
    let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
    input.take(MAX_BYTES + 1).read_to_end(&mut body).map_err(failed)?;
    if body.len() as u64 > MAX_BYTES {
        return Err(TableError::Json { why: "it is larger than 512 MiB".to_owned() });
    }
    let start = &start[..start.len().min(LOOK_BYTES)];
    let has = |key: &str| memchr::memmem::find(start, format!("\"{key}\"").as_bytes()).is_some();
    let series = if has("metric") || has("resultType") || (has("status") && has("error")) {
        prometheus::json::answer(&body)
    } else if has("datapoints") {
        graphite::answer(&body)
    } else if has("results") {
        influx::answer(&body)
    } else {
        return records::open(&body, options).map(|table| Document::Table(Box::new(table)));
    };
    let mut points = Points::default();
    for (key, samples) in series.map_err(|why| TableError::Json { why })? {
        let group = points.group_of(&key);
        samples.into_iter().for_each(|(time_ms, value)| points.push(0, group, time_ms, value));
    }
    Ok(Document::Points(points))
}
