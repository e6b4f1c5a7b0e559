//! Rows that are too many for memory, in files without a name: they are gone when the program ends, however it ends.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lanner_deep::RowStore;
use sha2::{Digest as _, Sha256};

use crate::failure::{Failure, Result};

/// Different distances of rows that are counted; the usual one is among the first.
const MAX_DISTANCES: usize = 100_000;

/// Rows as they come, with their times.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    file: BufWriter<File>,
    is_total: Vec<bool>,
    /// The last value of each column.
    last: Vec<f64>,
    last_at: Option<i64>,
    /// How often rows were so far apart.
    distances: BTreeMap<i64, u64>,
}

/// What was added to a total since `last`, which it becomes; nothing is known where it starts again.
pub(super) fn added(value: f64, last: &mut f64) -> f64 {
    let difference = value - std::mem::replace(last, value);
    if difference >= 0.0 { difference } else { f64::NAN }
}

impl Spool {
    /// Rows of columns, of which some are totals; in a file in `folder`.
    pub(super) fn new(folder: &Path, is_total: Vec<bool>) -> Result<Self> {
        let last = vec![f64::NAN; is_total.len()];
        let file = BufWriter::new(new_file(folder)?);
        let distances = BTreeMap::new();
        Ok(Self { folder: folder.to_owned(), file, is_total, last, last_at: None, distances })
    }

    #[expect(clippy::cast_possible_truncation, reason = "rows are kept in single precision")]
    pub(super) fn push(&mut self, at: i64, values: &[f64]) -> Result<()> {
        let mut record = at.to_le_bytes().to_vec();
        for ((value, last), is_total) in values.iter().zip(&mut self.last).zip(&self.is_total) {
            let value = if *is_total { added(*value, last) } else { *value };
            record.extend((value as f32).to_le_bytes());
        }
        if let Some(last) = self.last_at.replace(at) {
            let distance = at.saturating_sub(last);
            if self.distances.len() < MAX_DISTANCES || self.distances.contains_key(&distance) {
                *self.distances.entry(distance).or_default() += 1;
            }
        }
        self.file.write_all(&record).map_err(|error| full(&self.folder, &error))
    }

    /// The middle of the distances between neighbours.
    pub(super) fn usual_step(&self) -> Option<i64> {
        let n: u64 = self.distances.values().sum();
        let mut n_before = 0;
        let mut steps = self.distances.iter();
        let middle = steps.find(|(_, count)| {
            n_before += **count;
            n_before > n / 2
        });
        middle.map(|(step, _)| *step).filter(|step| *step > 0)
    }

    /// The rows without their times, and with gaps where some are missing.
    pub(super) fn finish(
        self,
        columns: &[String],
        step_ms: Option<i64>,
        n_missing: &dyn Fn(i64, i64) -> i64,
    ) -> Result<StoredRows> {
        let failed = |error: io::Error| full(&self.folder, &error);
        let mut file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.rewind().map_err(failed)?;
        let mut from = BufReader::new(file);
        let mut to = BufWriter::new(new_file(&self.folder)?);
        let gap: Vec<u8> = columns.iter().flat_map(|_| f32::NAN.to_le_bytes()).collect();
        let (mut time, mut row) = ([0; 8], vec![0; gap.len()]);
        let (mut last, mut hash) = (None, Sha256::new());
        let (mut n_rows, mut n_gaps) = (0, 0);
        while is_read(&mut from, &mut time).map_err(failed)? {
            from.read_exact(&mut row).map_err(failed)?;
            // As in memory: what is infinite is a gap.
            for cell in row.as_chunks_mut::<4>().0 {
                if f32::from_le_bytes(*cell).is_infinite() {
                    *cell = f32::NAN.to_le_bytes();
                }
            }
            let at = i64::from_le_bytes(time);
            let n = last.replace(at).zip(step_ms).map_or(0, |(last, step_ms)| n_missing(at - last, step_ms));
            for bytes in (0..n).map(|_| &gap).chain([&row]) {
                hash.update(bytes);
                to.write_all(bytes).map_err(failed)?;
            }
            n_rows += 1;
            n_gaps += usize::try_from(n).unwrap_or_default();
        }
        let file = to.into_inner().map_err(|error| failed(error.into_error()))?;
        Ok(StoredRows {
            columns: columns.to_vec(),
            n_rows: n_rows + n_gaps,
            n_missing: n_gaps,
            step_ms,
            totals: Vec::new(),
            data: lanner_core::content::hex(&hash.finalize()),
            file: Mutex::new(file),
            failure: Mutex::new(None),
        })
    }
}

/// Fills `bytes`; false at the end of the file.
fn is_read(from: &mut impl io::Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn new_file(folder: &Path) -> Result<File> {
    tempfile::tempfile_in(folder).map_err(|error| full(folder, &error))
}

fn full(folder: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot keep rows in {}: {error}", folder.display());
    Failure::program(message)
        .hint("rows that find no room in memory need room there; raise --memory, or give fewer rows")
}

/// Rows in a file.
#[derive(Debug)]
pub(super) struct StoredRows {
    columns: Vec<String>,
    n_rows: usize,
    /// Rows that were put in as gaps.
    pub(super) n_missing: usize,
    pub(super) step_ms: Option<i64>,
    pub(super) totals: Vec<String>,
    /// A fingerprint of the rows.
    pub(super) data: String,
    file: Mutex<File>,
    /// The first failure to read some.
    failure: Mutex<Option<String>>,
}

impl StoredRows {
    /// Whether all rows could be read whenever they were asked for.
    pub(super) fn check(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(why) => {
                Err(Failure::program(format!("cannot read the rows again that were put on disk: {why}")))
            }
        }
    }

    fn read_bytes(&self, rows: &Range<usize>) -> io::Result<Vec<u8>> {
        let n = 4 * self.columns.len();
        let mut bytes = vec![0; rows.len() * n];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start((rows.start * n) as u64))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl RowStore for StoredRows {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn n_rows(&self) -> usize {
        self.n_rows
    }

    fn read(&self, rows: Range<usize>, into: &mut Vec<f32>) {
        match self.read_bytes(&rows) {
            Ok(bytes) => into.extend(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes))),
            Err(error) => {
                into.extend((0..rows.len() * self.columns.len()).map(|_| f32::NAN));
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.to_string());
            }
        }
    }
}
