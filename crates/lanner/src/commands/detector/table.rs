//! Rows of numbers from tables, at equal steps of time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lanner_deep::{Detector, Frame};
use lanner_wire::api::Time;
use lanner_wire::format::Hints;
use lanner_wire::samples::Samples;
use lanner_wire::table::{Row, TableError};
use serde::Serialize;

use crate::failure::{Failure, Result, remark};
use crate::input::{self, Meter};
use crate::list;
use crate::progress::Progress;
use crate::tables::{self, TableArgs};

/// How often progress is looked at, in rows.
const LOOK_EVERY: usize = 4_096;

/// More missing rows than this are as good as many.
const MAX_MISSING: i64 = 1_000;

/// What the user says about the tables to read.
#[derive(Debug, clap::Args)]
pub(super) struct Tables {
    /// Tables to read, gzipped or not, one continuing the other; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Time column, by name or number; by default detected.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    #[command(flatten)]
    table: TableArgs,
}

/// When a row was, or its line where the table has no times.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Moment {
    Time(Time),
    Line(i64),
}

impl Moment {
    pub(super) fn text(self) -> String {
        match self {
            Self::Time(time) => list::time_text(time),
            Self::Line(line) => format!("line {line}"),
        }
    }
}

/// Rows, and what is known of each.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) frame: Frame,
    /// `None` for a row that was missing, and was put in as a gap.
    pub(super) at: Vec<Option<Moment>>,
    pub(super) is_marked: Vec<bool>,
    /// The usual distance of two rows; `None` without times.
    pub(super) step_ms: Option<i64>,
    /// Columns that are totals: what was added since the row before is looked at.
    pub(super) totals: Vec<String>,
}

/// What training decided about columns and times, which holds for all later rows.
#[derive(Debug, Clone, Default)]
struct Decided {
    columns: Vec<String>,
    totals: Vec<String>,
    step_ms: Option<i64>,
}

/// Rows as they are read.
#[derive(Debug, Default)]
struct Read {
    columns: Vec<String>,
    totals: Vec<String>,
    has_times: bool,
    rows: Vec<Row>,
}

impl Tables {
    /// The files that begin as `is_other` says, and the tables that are left.
    pub(super) fn split(&self, is_other: fn(&[u8]) -> bool) -> Result<(Vec<PathBuf>, Self)> {
        let (mut others, mut files) = (Vec::new(), Vec::new());
        for path in &self.files {
            let is_other = path != Path::new("-") && is_other(&start(path)?);
            if is_other { &mut others } else { &mut files }.push(path.clone());
        }
        if others.is_empty() || files.is_empty() {
            let missing = if files.is_empty() { "no table is given" } else { "no detector is given" };
            return Err(Failure::user(missing).hint("name one or more detectors, and then the table"));
        }
        Ok((others, Self { files, time: self.time.clone(), table: self.table.clone() }))
    }

    /// Reads what a detector is to be trained on.
    pub(super) fn read(&self) -> Result<Rows> {
        self.rows(&Decided::default(), None)
    }

    /// Reads the columns that a detector looks at; `label` is the column of marks.
    pub(super) fn read_for(&self, detector: &Detector, label: Option<&str>) -> Result<Rows> {
        let notes = detector.notes();
        let totals = notes["totals"].as_array().into_iter().flatten();
        let decided = Decided {
            columns: detector.columns().to_vec(),
            totals: totals.filter_map(|name| name.as_str().map(str::to_owned)).collect(),
            step_ms: notes["step_ms"].as_i64(),
        };
        self.rows(&decided, label)
    }

    fn rows(&self, decided: &Decided, label: Option<&str>) -> Result<Rows> {
        let mut read = Read::default();
        for path in &self.files {
            self.read_file(path, decided, label, &mut read)?;
        }
        if decided.columns.is_empty() {
            return read.finish(read.totals.clone(), None);
        }
        read.reorder(&decided.columns)?;
        read.finish(decided.totals.clone(), decided.step_ms)
    }

    fn read_file(&self, path: &Path, decided: &Decided, label: Option<&str>, read: &mut Read) -> Result<()> {
        let name = path.display().to_string();
        let failed = |error: &TableError| tables::failure(&name, error, Failure::user);
        let meter = Arc::new(Meter::default());
        let file = input::open(path, &meter)?;
        let mut table = self.table.clone();
        if table.values.is_empty() {
            table.values.clone_from(&decided.columns);
        }
        let samples = table.open(file, self.time.as_deref(), label, None, Hints::default());
        let mut samples = samples.map_err(|error| failed(&error))?;
        read.begin(&name, &samples)?;
        let size = std::fs::metadata(path).ok().filter(|file| file.is_file()).map(|file| file.len());
        let mut progress = Progress::new("reading", "rows", size);
        let mut row = Row::default();
        while samples.next_row(&mut row).map_err(|error| failed(&TableError::Read(error)))? {
            if row.group > 0 {
                let message = format!("{name}:{}: another series begins here", row.line);
                return Err(Failure::user(message)
                    .hint("a detector looks at one table of columns: leave out the text columns, or train one for each series"));
            }
            read.push(&name, &row)?;
            if read.rows.len().is_multiple_of(LOOK_EVERY) {
                progress.at(meter.n_bytes.load(Ordering::Relaxed), read.rows.len() as u64);
            }
        }
        Ok(())
    }
}

impl Read {
    /// Looks at the columns of a file.
    fn begin(&mut self, name: &str, samples: &Samples<'_>) -> Result<()> {
        let Some(table) = samples.table() else {
            let message = format!("{name} has no columns side by side, but one value in each row");
            return Err(Failure::user(message).hint("a detector needs a table with a column for each metric"));
        };
        tables::tell_layout(name, table);
        let layout = &table.layout;
        let columns: Vec<String> = layout.values.iter().map(|at| layout.names[*at].clone()).collect();
        if self.columns.is_empty() {
            let totals = layout.totals.iter().zip(&columns).filter(|(is_total, _)| **is_total);
            self.totals = totals.map(|(_, name)| name.clone()).collect();
            self.has_times = samples.has_times();
            self.columns = columns;
        } else if columns != self.columns {
            return Err(Failure::user(format!("{name} has other columns than the file before"))
                .hint("name the columns that all files have with --value"));
        }
        Ok(())
    }

    fn push(&mut self, name: &str, row: &Row) -> Result<()> {
        if self.has_times && self.rows.last().is_some_and(|last| row.at < last.at) {
            let message = format!("{name}:{}: the time is before that of the row above", row.line);
            return Err(Failure::user(message).hint("sort the rows by time, and give files in their order"));
        }
        self.rows.push(row.clone());
        Ok(())
    }

    /// Puts the columns into the order of training.
    fn reorder(&mut self, columns: &[String]) -> Result<()> {
        let place = |name: &String| {
            let found = self.columns.iter().position(|other| other == name);
            found.ok_or_else(|| {
                Failure::user(format!("the column {name} is missing, which the detector looks at"))
            })
        };
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_>>()?;
        for row in &mut self.rows {
            row.values = places.iter().map(|at| row.values.get(*at).copied().unwrap_or(f64::NAN)).collect();
        }
        self.columns = columns.to_vec();
        Ok(())
    }

    /// Totals become differences, and missing rows gaps.
    fn finish(&mut self, totals: Vec<String>, step_ms: Option<i64>) -> Result<Rows> {
        for (at, name) in self.columns.iter().enumerate() {
            if totals.contains(name) {
                differences(&mut self.rows, at);
            }
        }
        let step_ms = step_ms.or_else(|| usual_step(&self.rows)).filter(|_| self.has_times);
        let (mut values, mut moments, mut is_marked) = (Vec::new(), Vec::new(), Vec::new());
        let mut last: Option<i64> = None;
        for row in &self.rows {
            let n_missing = last.zip(step_ms).map_or(0, |(last, step)| n_missing(row.at - last, step));
            for _ in 0..n_missing {
                values.extend(self.columns.iter().map(|_| f32::NAN));
                moments.push(None);
                is_marked.push(row.is_marked);
            }
            last = Some(row.at);
            values.extend(row.values.iter().map(|value| *value as f32));
            moments.push(Some(if self.has_times {
                Moment::Time(Time(row.at))
            } else {
                Moment::Line(row.at)
            }));
            is_marked.push(row.is_marked);
        }
        let n_missing = moments.len() - self.rows.len();
        if n_missing > 0 {
            remark(&format!("{n_missing} rows are missing between the others, and count as gaps"));
        }
        let frame =
            Frame::new(self.columns.clone(), values).map_err(|error| Failure::user(error.to_string()))?;
        Ok(Rows { frame, at: moments, is_marked, step_ms, totals })
    }
}

/// The first bytes of a file.
fn start(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(256).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What was added since the row before; nothing is known where a total starts again.
fn differences(rows: &mut [Row], at: usize) {
    let mut last = f64::NAN;
    for row in rows {
        let Some(value) = row.values.get_mut(at) else { continue };
        let difference = *value - std::mem::replace(&mut last, *value);
        *value = if difference >= 0.0 { difference } else { f64::NAN };
    }
}

/// Rows that are missing in a distance.
fn n_missing(distance_ms: i64, step_ms: i64) -> i64 {
    ((distance_ms + step_ms / 2) / step_ms.max(1) - 1).clamp(0, MAX_MISSING)
}

/// The middle of the distances between neighbours.
fn usual_step(rows: &[Row]) -> Option<i64> {
    let mut steps: Vec<i64> = rows.windows(2).map(|pair| pair[1].at.saturating_sub(pair[0].at)).collect();
    let middle = steps.len() / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1).filter(|step| *step > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: i64, value: f64) -> Row {
        Row { at, values: vec![value], ..Row::default() }
    }

    #[test]
    fn missing_rows_become_gaps_and_totals_differences() {
        let rows =
            vec![row(0, 5.0), row(60_000, 7.0), row(119_000, 8.0), row(300_000, 2.0), row(360_000, 3.0)];
        let mut read = Read { columns: vec!["n".to_owned()], totals: Vec::new(), has_times: true, rows };
        let rows = read.finish(vec!["n".to_owned()], None).unwrap();
        assert_eq!(rows.step_ms, Some(60_000));
        let values: Vec<String> = rows.frame.values().iter().map(ToString::to_string).collect();
        assert_eq!(values, ["NaN", "2", "1", "NaN", "NaN", "NaN", "1"]);
        assert_eq!(rows.at[2], Some(Moment::Time(Time(119_000))));
        assert_eq!((rows.at[3], rows.at[4]), (None, None));
    }
}
