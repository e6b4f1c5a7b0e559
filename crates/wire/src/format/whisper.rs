//! Whisper files of Graphite's carbon; [`crate::whisper`] reads them.

use std::io::Read;

use lanner_core::{Labels, SeriesKey};

use super::kind::{Format, Opening};
use super::rows::Rows;
use crate::Report;
use crate::table::{ReadError, Row, TableError};
use crate::whisper::Whisper;

/// The largest file that is read: it lies in memory as a whole.
const MAX_BYTES: u64 = 1 << 30;

pub(super) const FORMAT: Format = Format {
    name: "whisper",
    about: "a Whisper file of Graphite's carbon, which holds one series",
    endings: &["wsp"],
    is_one_series: true,
    // An average over two minutes in two points: 7.5 at 120 s and 2.5 at 60 s.
    example: b"\0\0\0\x01\0\0\0\x78\0\0\0\0\0\0\0\x01\0\0\0\x1c\0\0\0\x3c\0\0\0\x02\
        \0\0\0\x78\x40\x1e\0\0\0\0\0\0\0\0\0\x3c\x40\x04\0\0\0\0\0\0",
    events: None,
    samples: Some(open),
    is_one: |start| is_whisper(start.bytes),
};

/// Whether the header says where the first archive begins, which is behind the descriptions of all. The compressed files of
/// go-carbon are recognised to be refused by name.
fn is_whisper(start: &[u8]) -> bool {
    let word =
        |at: usize| start.get(at..at + 4)?.first_chunk().map(|word| u64::from(u32::from_be_bytes(*word)));
    let is_plain = || Some(word(16)? == 16 + 12 * word(12)? && (1..=8).contains(&word(0)?));
    start.starts_with(b"whisper_compressed") || is_plain() == Some(true)
}

/// The points of a file, oldest first.
struct Points {
    key: [SeriesKey; 1],
    points: std::vec::IntoIter<(i64, f64)>,
    report: Report,
}

fn open<'a>(opening: Opening<'a, '_>) -> Result<Box<dyn Rows + 'a>, TableError> {
    let failed = |error| TableError::Read(ReadError::Input { line: 0, error });
    let mut file = Vec::new();
    opening.input.take(MAX_BYTES + 1).read_to_end(&mut file).map_err(failed)?;
    if file.len() as u64 > MAX_BYTES {
        return Err(TableError::Whisper { why: "it is larger than 1 GiB".to_owned() });
    }
    let whisper = Whisper::read(&file).map_err(|error| TableError::Whisper { why: error.to_string() })?;
    let points: Vec<(i64, f64)> = whisper.points().collect();
    // As a column of a table is called that says nothing of what it measures.
    let key = [SeriesKey::new("value", Labels::default())];
    Ok(Box::new(Points { key, points: points.into_iter(), report: Report::default() }))
}

impl Rows for Points {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        let Some((time_s, value)) = self.points.next() else { return Ok(false) };
        (row.line, row.at, row.group, row.is_marked) = (0, time_s * 1_000, 0, false);
        row.values.clear();
        row.values.push(value);
        Ok(true)
    }

    fn keys(&self, _: usize) -> &[SeriesKey] {
        &self.key
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}
