//! Rows of cells, each with its line and of bounded size, whatever they mean.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use ::csv::ByteRecord;

use super::blanks::is_rule;
use super::error::{MAX_ROW_BYTES, ReadError};

/// Reads one row at a time, of at most [`MAX_ROW_BYTES`] each.
///
/// ```
/// use lanner_wire::table::rows::{RowReader, cell};
/// let mut reader = RowReader::new("a;b\r\n1;2\r\n".as_bytes(), b';');
/// let mut row = csv::ByteRecord::new();
/// assert_eq!(reader.next_row(&mut row)?, Some(1));
/// assert_eq!(reader.next_row(&mut row)?, Some(2));
/// assert_eq!(cell(&row, 1), b"2");
/// assert_eq!(reader.next_row(&mut row)?, None);
/// # Ok::<(), lanner_wire::table::ReadError>(())
/// ```
pub struct RowReader<R> {
    reader: ::csv::Reader<io::BufReader<Metered<R>>>,
    /// Bytes that the row being read may still take.
    budget: Rc<Cell<usize>>,
}

impl<R: Read> RowReader<R> {
    /// Nothing read yet; `delimiter` separates cells.
    pub fn new(input: R, delimiter: u8) -> Self {
        let budget = Rc::new(Cell::new(MAX_ROW_BYTES));
        let metered = Metered { input, left: Rc::clone(&budget), last: b'\n' };
        let input = io::BufReader::with_capacity(64 * 1024, metered);
        // Only `\n` ends a row, so that lines are counted rightly; see `cell` for the `\r` before it.
        let reader = ::csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(::csv::Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .from_reader(input);
        Self { reader, budget }
    }

    /// Reads the next row into `row`; the line it begins in, or `None` after the last one.
    ///
    /// # Errors
    /// [`ReadError`] when the row has no end or the input fails.
    pub fn next_row(&mut self, row: &mut ByteRecord) -> Result<Option<u64>, ReadError> {
        self.budget.set(MAX_ROW_BYTES);
        let line = self.reader.position().line().saturating_sub(1);
        match self.reader.read_byte_record(row) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let n_breaks = 1 + memchr::memchr_iter(b'\n', row.as_slice()).count() as u64;
                Ok(Some(self.reader.position().line().saturating_sub(n_breaks)))
            }
            Err(_) if self.budget.get() == 0 => Err(ReadError::RowTooLong { line }),
            Err(error) => Err(ReadError::Input { line, error: error.into() }),
        }
    }
}

/// The cell at `at`; the last one of a row may end in `\r`, which belongs to the line break.
///
/// # Panics
/// When the row has no such cell.
#[must_use]
pub fn cell(row: &ByteRecord, at: usize) -> &[u8] {
    let cell = &row[at];
    if at + 1 == row.len() { cell.strip_suffix(b"\r").unwrap_or(cell) } else { cell }
}

/// Whether nothing stands in the row, or only the line that some draw between rows.
#[must_use]
pub fn is_blank(row: &ByteRecord) -> bool {
    let may_be_rule = row.as_slice().first().is_some_and(|first| b"-+=|: ".contains(first));
    let n_dashes = || row.as_slice().iter().filter(|byte| b"-=".contains(byte)).count();
    (row.len() == 1 && cell(row, 0).is_empty()) || (may_be_rule && n_dashes() > 2 && row.iter().all(is_rule))
}

/// An input that fails once `left` is used up, which bounds the memory that one row can take, and that ends with
/// a line break.
struct Metered<R> {
    input: R,
    left: Rc<Cell<usize>>,
    last: u8,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other("a row is too long"));
        }
        let n_read = self.input.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(n_read));
        match (n_read, buffer) {
            (0, [first, ..]) if self.last != b'\n' => {
                *first = b'\n';
                self.last = b'\n';
                Ok(1)
            }
            (_, buffer) => {
                self.last = buffer[..n_read].last().copied().unwrap_or(self.last);
                Ok(n_read)
            }
        }
    }
}
