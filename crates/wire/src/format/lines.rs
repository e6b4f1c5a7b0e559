//! Forms with a sample a line, or an object: read in pieces.

use std::io::BufRead;

use lanner_core::SeriesKey;

use super::form::{Form, Hints};
use super::points::Points;
use crate::Report;
use crate::line_protocol;
use crate::ndjson;
use crate::pieces::{Ends, next_piece};
use crate::prometheus::{self, series_key};
use crate::table::{ReadError, Row};

/// Lines being read.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    form: Form,
    hints: Hints,
    piece: Vec<u8>,
    n_lines: u64,
    /// Why there are no more lines.
    broken: Option<ReadError>,
    pub(super) points: Points,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Box<dyn BufRead + 'a>, form: Form, hints: Hints) -> Self {
        Self { input, form, hints, piece: Vec::new(), n_lines: 0, broken: None, points: Points::default() }
    }

    /// Reads the next sample into `row`; whether there was one.
    pub(super) fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        while !self.points.next_row(row) {
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            match next_piece(&mut *self.input, Ends::Lines, &mut self.piece) {
                Ok(false) => return Ok(false),
                Ok(true) => {}
                Err(error) => {
                    // What was read before counts, up to the last whole line.
                    let n_whole = memchr::memrchr(b'\n', &self.piece).map_or(0, |at| at + 1);
                    self.piece.truncate(n_whole);
                    let n_breaks = memchr::memchr_iter(b'\n', &self.piece).count() as u64;
                    self.broken = Some(ReadError::Input { line: self.n_lines + n_breaks, error });
                }
            }
            self.read();
        }
        Ok(true)
    }

    /// Reads the piece; lines in the report are those of the whole.
    fn read(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        let mut report = match self.form {
            Form::Line => self.line_protocol(&piece),
            Form::Prometheus => self.prometheus(&piece),
            _ => self.objects(&piece),
        };
        // Samples are counted by whoever takes them.
        report.accepted = 0;
        self.points.report.absorb(report, self.n_lines);
        self.n_lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.piece = piece;
    }

    fn line_protocol(&mut self, piece: &[u8]) -> Report {
        let (mut report, mut text) = (Report::default(), Vec::new());
        let received_ms = self.hints.received_ms.unwrap_or(i64::MIN);
        let options = line_protocol::Options { precision: self.hints.precision, received_ms };
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
                let group = self.points.group(&text, read).map_err(|error| error.to_string())?;
                self.points.push(0, group, line.time_ms, field.value);
            }
            Ok(())
        });
        report
    }

    fn prometheus(&mut self, piece: &[u8]) -> Report {
        let mut report = Report::default();
        let received_ms = self.hints.received_ms;
        prometheus::text::parse(piece, &mut report, |sample| {
            let time_ms = sample.time_ms.or(received_ms).ok_or(NO_TIME)?;
            let read = || series_key(sample.raw_series).map_err(|(_, why)| why);
            let group = self.points.group(sample.raw_series.as_bytes(), read)?;
            self.points.push(0, group, time_ms, sample.value);
            Ok(())
        });
        report
    }

    /// Objects of our own, or of VictoriaMetrics.
    fn objects(&mut self, piece: &[u8]) -> Report {
        let mut report = Report::default();
        for (at, line) in piece.split(|byte| *byte == b'\n').enumerate() {
            let number = at as u64 + 1;
            if line.trim_ascii_start().starts_with(b"{\"metric\"") {
                match prometheus::json::exported(line) {
                    Ok((key, samples)) => self.series(number, &key, &samples),
                    Err(why) => report.reject(number, None, why),
                }
                continue;
            }
            let mut of_line = Report::default();
            // Reading a slice cannot fail.
            let _ = ndjson::read(line, &mut of_line, |key, sample| {
                let group = self.points.group_of(key);
                self.points.push(number, group, sample.time_ms, sample.value);
                Ok(())
            });
            report.absorb(of_line, at as u64);
        }
        report
    }

    fn series(&mut self, line: u64, key: &SeriesKey, samples: &[(i64, f64)]) {
        let group = self.points.group_of(key);
        for (time_ms, value) in samples {
            self.points.push(line, group, *time_ms, *value);
        }
    }
}

const NO_TIME: &str = "the sample has no time; a single scrape holds one moment, and a history is needed";
