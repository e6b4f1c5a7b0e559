//! Formats with a sample a line, or an object: read in pieces.

use std::io::{BufRead, BufReader};

use lanner_core::SeriesKey;

use super::hints::Hints;
use super::kind::Opening;
use super::points::Points;
use super::rows::Rows;
use crate::Report;
use crate::pieces::{Ends, next_piece};
use crate::table::{ReadError, Row};

/// Why a line is refused whose time nobody knows.
pub(super) const NO_TIME: &str =
    "the sample has no time; a single scrape holds one moment, and a history is needed";

/// Reads the samples of a piece, which ends where a line does. Lines in the report are those of the piece.
pub(super) type ReadPiece = fn(&[u8], Hints, &mut Points) -> Report;

/// Lines being read.
pub(super) struct Lines<'a> {
    input: Box<dyn BufRead + 'a>,
    read_piece: ReadPiece,
    hints: Hints,
    piece: Vec<u8>,
    n_lines: u64,
    /// Why there are no more lines.
    broken: Option<ReadError>,
    points: Points,
}

impl<'a> Lines<'a> {
    pub(super) fn open(opening: Opening<'a, '_>, read_piece: ReadPiece) -> Box<dyn Rows + 'a> {
        let Opening { input, hints, .. } = opening;
        let (input, piece) = (Box::new(BufReader::new(input)), Vec::new());
        Box::new(Self {
            input,
            read_piece,
            hints,
            piece,
            n_lines: 0,
            broken: None,
            points: Points::default(),
        })
    }

    /// Reads the piece; lines in the report are those of the whole.
    fn read(&mut self) {
        let mut report = (self.read_piece)(&self.piece, self.hints, &mut self.points);
        // Samples are counted by whoever takes them.
        report.accepted = 0;
        self.points.report().absorb(report, self.n_lines);
        self.n_lines += memchr::memchr_iter(b'\n', &self.piece).count() as u64;
    }
}

impl Rows for Lines<'_> {
    fn next_row(&mut self, row: &mut Row) -> Result<bool, ReadError> {
        while !self.points.pop(row) {
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

    fn keys(&self, group: usize) -> &[SeriesKey] {
        self.points.keys(group)
    }

    fn report(&mut self) -> &mut Report {
        self.points.report()
    }
}
