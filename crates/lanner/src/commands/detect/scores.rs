//! `--scores`: every sample with its score, as CSV.
//!
//! A pass over a table may have to be repeated, so its rows wait in a temporary file until it is complete.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, Write};
use std::path::Path;

use lanner_core::SeriesKey;
use lanner_detect::Scored;
use tempfile::SpooledTempFile;

use super::moment::Moment;
use crate::failure::{Failure, Result};
use crate::output;

/// So much of one pass is held in memory.
const MAX_HELD_BYTES: usize = 16 * 1024 * 1024;

const COLUMNS: [&str; 7] = ["time", "series", "value", "expected", "lower", "upper", "score"];

/// Where all scores go.
pub(super) struct ScoreFile {
    out: Box<dyn Write>,
    has_files: bool,
}

impl ScoreFile {
    /// Creates the file, or takes standard output for `-`; `has_files` adds a column that names the table.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn create(path: &Path, has_files: bool) -> Result<Self> {
        let out: Box<dyn Write> = if path == Path::new("-") {
            output::data()
        } else {
            Box::new(File::create(path).map_err(|error| Failure::file("write", path, &error))?)
        };
        let mut file = Self { out: Box::new(BufWriter::new(out)), has_files };
        let mut columns = COLUMNS.to_vec();
        columns.extend(has_files.then_some("file"));
        writeln!(file.out, "{}", columns.join(","))?;
        Ok(file)
    }

    /// What one pass over the table `name` writes to.
    pub(super) fn begin(&self, name: &str, has_times: bool) -> Scores {
        let rows = csv::Writer::from_writer(SpooledTempFile::new(MAX_HELD_BYTES));
        let file = self.has_files.then(|| name.to_owned());
        Scores { rows: Some(rows), has_times, file }
    }

    /// Adds the rows of a pass that is complete.
    ///
    /// # Errors
    /// Only those of the output.
    pub(super) fn add(&mut self, scores: Scores) -> io::Result<()> {
        let Some(rows) = scores.rows else { return Ok(()) };
        let mut rows = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        rows.rewind()?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let n_read = rows.read(&mut buffer)?;
            if n_read == 0 {
                return self.out.flush();
            }
            self.out.write_all(&buffer[..n_read])?;
        }
    }
}

/// The scores of one pass over a table.
pub(super) struct Scores {
    rows: Option<csv::Writer<SpooledTempFile>>,
    has_times: bool,
    file: Option<String>,
}

impl Scores {
    /// Nobody wants them.
    pub(super) const fn nowhere() -> Self {
        Self { rows: None, has_times: true, file: None }
    }

    /// Adds one sample; `judged` is `None` for a gap, and while it is too early.
    ///
    /// # Errors
    /// Only those of the temporary file.
    pub(super) fn write(
        &mut self,
        key: &SeriesKey,
        at: i64,
        y: f64,
        judged: Option<Scored>,
    ) -> io::Result<()> {
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let of = |read: fn(&Scored) -> f64| judged.as_ref().map_or_else(String::new, |it| number(read(it)));
        let at = Moment::new(at, self.has_times).text(None);
        let cells = [
            at,
            key.to_string(),
            number(y),
            of(|it| it.expected),
            of(|it| it.lower),
            of(|it| it.upper),
            of(|it| it.score.value()),
        ];
        let cells = cells.iter().chain(&self.file);
        rows.write_record(cells).map_err(io::Error::other)
    }
}

/// Every digit; nothing where there is no number.
fn number(number: f64) -> String {
    if number.is_nan() { String::new() } else { number.to_string() }
}
