//! Rows of numbers from tables, at equal steps of time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lanner_deep::{Detector, DetectorFile};
use lanner_wire::format::Hints;
use lanner_wire::samples::Samples;
use lanner_wire::table::{Row, TableError};

use super::entities::{Entities, Wanted};
use super::sheet::{Heading, Lesson, Room, Rows, Sheet};
use crate::failure::{Failure, Result};
use crate::input::{self, Meter};
use crate::progress::Progress;
use crate::tables::{self, Named, TableArgs};

/// How often progress is looked at, in rows.
const LOOK_EVERY: u64 = 4_096;

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

/// Rows that one detector judges.
#[derive(Debug)]
pub(super) struct Part {
    /// Whose they are, where each entity has a detector of its own.
    pub(super) entity: Option<String>,
    pub(super) rows: Rows,
}

impl Part {
    /// The detector that judges them.
    pub(super) fn detector<'f>(&self, file: &'f DetectorFile) -> &'f Detector {
        match (file, &self.entity) {
            (DetectorFile::Set(set), Some(entity)) => set.get(entity).unwrap_or_else(|| file.any()),
            _ => file.any(),
        }
    }
}

/// What is named, and where the rows of a file go.
struct Reading<'a> {
    label: Option<&'a str>,
    by: Option<&'a str>,
    /// Columns that are read; all, if empty.
    columns: &'a [String],
    into: Sink,
}

/// Where rows go.
enum Sink {
    Sheet(Sheet),
    /// Nothing was read so far.
    Nothing(Option<Room>),
    Entities(Entities),
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

    /// Reads what a detector is to be trained on; what finds no room in memory goes to disk.
    pub(super) fn lesson(&self, room: Room) -> Result<Lesson> {
        let reading = Reading { label: None, by: None, columns: &[], into: Sink::Nothing(Some(room)) };
        self.sheet(reading)?.into_lesson()
    }

    /// Reads what detectors are to be trained on, one for each value of the column `by`, for so many at most.
    pub(super) fn lessons(&self, by: &str, n_most: usize, room: Room) -> Result<BTreeMap<String, Lesson>> {
        let into = Sink::Entities(Entities::new(by, Wanted::First(n_most), Some(room)));
        let sheets = self.sheets(Reading { label: None, by: Some(by), columns: &[], into })?;
        sheets.into_iter().map(|(entity, sheet)| Ok((entity, sheet.into_lesson()?))).collect()
    }

    /// Reads the columns that a detector looks at, or those of a set, each entity by itself; `only` that one. `label` is the column of
    /// marks.
    pub(super) fn parts(
        &self,
        file: &DetectorFile,
        label: Option<&str>,
        only: Option<&str>,
    ) -> Result<Vec<Part>> {
        let columns = file.any().columns();
        let DetectorFile::Set(set) = file else {
            if let Some(only) = only {
                return Err(Failure::user(format!(
                    "the detector is one for all rows, so --entity {only} says nothing"
                ))
                .hint("leave it out, or train with --by"));
            }
            let reading = Reading { label, by: None, columns, into: Sink::Nothing(None) };
            let rows = rows_for(self.sheet(reading)?, file.any())?;
            return Ok(vec![Part { entity: None, rows }]);
        };
        let known: Vec<String> = set.iter().map(|(entity, _)| entity.to_owned()).collect();
        if let Some(only) = only.filter(|only| set.get(only).is_none()) {
            return Err(Failure::user(format!("there is no detector for {} {only}", set.by()))
                .hint(format!("there are those for {}", tables::few(&known))));
        }
        let into = Sink::Entities(Entities::new(set.by(), Wanted::Known(known), None));
        let sheets = self.sheets(Reading { label, by: Some(set.by()), columns, into })?;
        let is_wanted = |entity: &str| only.is_none_or(|only| only == entity);
        let wanted = sheets.into_iter().filter(|(entity, _)| is_wanted(entity));
        let parts = wanted.filter_map(|(entity, sheet)| {
            let detector = set.get(&entity)?;
            Some(rows_for(sheet, detector).map(|rows| Part { entity: Some(entity), rows }))
        });
        let parts = parts.collect::<Result<Vec<Part>>>()?;
        if parts.is_empty() {
            let message = format!("no row is of a {} that has a detector", set.by());
            return Err(Failure::undecided(message).hint("lanner detector show lists who has one"));
        }
        Ok(parts)
    }

    fn sheet(&self, mut reading: Reading<'_>) -> Result<Sheet> {
        self.read(&mut reading)?;
        match reading.into {
            Sink::Sheet(sheet) => Ok(sheet),
            _ => Err(Failure::program("no table was read")),
        }
    }

    fn sheets(&self, mut reading: Reading<'_>) -> Result<BTreeMap<String, Sheet>> {
        self.read(&mut reading)?;
        match reading.into {
            Sink::Entities(entities) => Ok(entities.finish()),
            _ => Err(Failure::program("no table was read")),
        }
    }

    fn read(&self, reading: &mut Reading<'_>) -> Result<()> {
        let mut first = None;
        for path in &self.files {
            self.read_file(path, &mut first, reading)?;
        }
        Ok(())
    }

    fn read_file(&self, path: &Path, first: &mut Option<Heading>, reading: &mut Reading<'_>) -> Result<()> {
        let name = path.display().to_string();
        let failed = |error: &TableError| tables::failure(&name, error, Failure::user);
        let meter = Arc::new(Meter::default());
        let file = input::open(path, &meter)?;
        let mut table = self.table.clone();
        if table.values.is_empty() {
            table.values = reading.columns.to_vec();
        }
        let named = Named { time: self.time.as_deref(), marks: reading.label, entity: reading.by };
        let samples = table.open(file, named, None, Hints::default());
        let mut samples = samples.map_err(|error| failed(&error))?;
        let heading = heading(&name, &samples, first.as_ref(), reading.by.is_some())?;
        reading.into.begin(&heading);
        let size = std::fs::metadata(path).ok().filter(|file| file.is_file()).map(|file| file.len());
        let mut progress = Progress::new("reading", "rows", size);
        let (mut row, mut n_rows) = (Row::default(), 0_u64);
        while samples.next_row(&mut row).map_err(|error| failed(&TableError::Read(error)))? {
            reading.into.push(&name, &row, &samples, &heading)?;
            n_rows += 1;
            if n_rows.is_multiple_of(LOOK_EVERY) {
                progress.at(meter.n_bytes.load(Ordering::Relaxed), n_rows);
            }
        }
        first.get_or_insert(heading);
        Ok(())
    }
}

impl Sink {
    fn begin(&mut self, heading: &Heading) {
        match self {
            Self::Nothing(room) => *self = Self::Sheet(Sheet::new(heading.clone(), room.take())),
            Self::Sheet(_) => {}
            Self::Entities(entities) => entities.begin(),
        }
    }

    fn push(&mut self, name: &str, row: &Row, samples: &Samples<'_>, heading: &Heading) -> Result<()> {
        match self {
            Self::Entities(entities) => entities.push(name, row, samples, heading),
            Self::Sheet(sheet) if row.group == 0 => sheet.push(name, row),
            _ => {
                let message = format!("{name}:{}: another series begins here", row.line);
                Err(Failure::user(message)
                    .hint("a detector looks at one table of columns: leave out the text columns, or train one for each series with --by COLUMN"))
            }
        }
    }
}

/// Looks at the columns of a file, which are those of the file before.
fn heading(name: &str, samples: &Samples<'_>, first: Option<&Heading>, is_by: bool) -> Result<Heading> {
    let Some(table) = samples.table() else {
        let message = format!("{name} has no columns side by side, but one value in each row");
        return Err(Failure::user(message).hint("a detector needs a table with a column for each metric"));
    };
    tables::tell_layout(name, table);
    let layout = &table.layout;
    let columns: Vec<String> = layout.values.iter().map(|at| layout.names[*at].clone()).collect();
    if let Some(first) = first {
        if columns != first.columns {
            return Err(Failure::user(format!("{name} has other columns than the file before"))
                .hint("name the columns that all files have with --value"));
        }
        return Ok(first.clone());
    }
    let totals = layout.totals.iter().zip(&columns).filter(|(is_total, _)| **is_total);
    let totals = totals.map(|(_, name)| name.clone()).collect();
    let totals = (!is_by).then_some(totals);
    Ok(Heading { columns, totals, has_times: samples.has_times() })
}

/// The rows that a detector looks at, by what its training decided.
fn rows_for(sheet: Sheet, detector: &Detector) -> Result<Rows> {
    let notes = detector.notes();
    let totals = notes["totals"].as_array().into_iter().flatten();
    let totals = totals.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    sheet.into_rows_for(detector.columns(), totals, notes["step_ms"].as_i64())
}

/// The first bytes of a file.
fn start(path: &Path) -> Result<Vec<u8>> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(256).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
