//! The rows of one table as they are read, and what becomes of them: totals become differences, missing rows gaps.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use lanner_deep::{Frame, RowSource};
use lanner_wire::api::Time;
use lanner_wire::table::{Growth, Row};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::spool::{Spool, StoredRows};
use crate::failure::{Failure, Result, remark};
use crate::list;

/// More missing rows than this are as good as many.
const MAX_MISSING: i64 = 1_000;

/// Rows by which a total is told from a measurement. So many are always in memory.
const N_TELLING: usize = 1_000;

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

/// Rows to train on.
#[derive(Debug)]
pub(super) enum Lesson {
    Memory(Rows),
    /// Too many for memory.
    Disk(StoredRows),
}

impl Lesson {
    pub(super) fn source(&self) -> RowSource<'_> {
        match self {
            Self::Memory(rows) => RowSource::Memory(&rows.frame),
            Self::Disk(rows) => RowSource::Stored(rows),
        }
    }

    pub(super) fn step_ms(&self) -> Option<i64> {
        match self {
            Self::Memory(rows) => rows.step_ms,
            Self::Disk(rows) => rows.step_ms,
        }
    }

    pub(super) fn totals(&self) -> &[String] {
        match self {
            Self::Memory(rows) => &rows.totals,
            Self::Disk(rows) => &rows.totals,
        }
    }

    /// A fingerprint of the rows.
    pub(super) fn data(&self) -> String {
        match self {
            Self::Memory(rows) => {
                let mut hash = Sha256::new();
                rows.frame.values().iter().for_each(|value| hash.update(value.to_le_bytes()));
                lanner_core::content::hex(&hash.finalize())
            }
            Self::Disk(rows) => rows.data.clone(),
        }
    }

    /// Whether all rows could be read whenever they were asked for.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Disk(rows) => rows.check(),
        }
    }
}

/// How much memory is left for rows, of all tables that are read together; and where others go.
#[derive(Debug, Clone)]
pub(super) struct Room {
    n_bytes: Rc<Cell<u64>>,
    /// The folder in which rows lie that find no room.
    folder: PathBuf,
}

impl Room {
    pub(super) fn new(n_bytes: u64, folder: PathBuf) -> Self {
        Self { n_bytes: Rc::new(Cell::new(n_bytes)), folder }
    }

    fn take(&self, n_bytes: u64) -> bool {
        let left = self.n_bytes.get();
        self.n_bytes.set(left.saturating_sub(n_bytes));
        left >= n_bytes
    }

    fn give_back(&self, n_bytes: u64) {
        self.n_bytes.set(self.n_bytes.get().saturating_add(n_bytes));
    }
}

/// What a table says of its columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Heading {
    pub(super) columns: Vec<String>,
    /// Columns that are totals; `None` where several series share the columns, so that each is looked at by itself.
    pub(super) totals: Option<Vec<String>>,
    pub(super) has_times: bool,
}

/// Rows of one series as they are read.
#[derive(Debug)]
pub(super) struct Sheet {
    heading: Heading,
    growth: Vec<Growth>,
    last_at: Option<i64>,
    rows: Vec<Row>,
    /// Where rows go that find no room; all of them from then on.
    spool: Option<Spool>,
    /// Rows that are only scored are in memory, however many they are.
    room: Option<Room>,
}

impl Sheet {
    pub(super) fn new(heading: Heading, room: Option<Room>) -> Self {
        let growth = vec![Growth::default(); heading.columns.len()];
        Self { heading, growth, last_at: None, rows: Vec::new(), spool: None, room }
    }

    /// Takes the next row of a file.
    pub(super) fn push(&mut self, name: &str, row: &Row) -> Result<()> {
        if self.heading.has_times && self.last_at.is_some_and(|last| row.at < last) {
            let message = format!("{name}:{}: the time is before that of the row above", row.line);
            return Err(Failure::user(message).hint("sort the rows by time, and give files in their order"));
        }
        self.last_at = Some(row.at);
        if let Some(spool) = &mut self.spool {
            return spool.push(row.at, &row.values);
        }
        if self.heading.totals.is_none() && self.rows.len() < N_TELLING {
            let values = self.growth.iter_mut().zip(&row.values).filter(|(_, value)| value.is_finite());
            values.for_each(|(growth, value)| growth.see(*value));
        }
        self.rows.push(row.clone());
        let has_room = self.room.as_ref().is_none_or(|room| room.take(size_of_row(&row.values)));
        if has_room || self.rows.len() < N_TELLING { Ok(()) } else { self.move_out() }
    }

    /// From now on rows lie on disk.
    fn move_out(&mut self) -> Result<()> {
        let Some(room) = self.room.clone() else { return Ok(()) };
        let totals = self.totals();
        let is_total: Vec<bool> = self.heading.columns.iter().map(|name| totals.contains(name)).collect();
        let mut spool = Spool::new(&room.folder, is_total)?;
        for row in std::mem::take(&mut self.rows) {
            spool.push(row.at, &row.values)?;
            room.give_back(size_of_row(&row.values));
        }
        self.spool = Some(spool);
        Ok(())
    }

    fn totals(&self) -> Vec<String> {
        let seen = || {
            let columns = self.heading.columns.iter().zip(&self.growth);
            columns.filter(|(name, growth)| growth.is_total(name)).map(|(name, _)| name.clone()).collect()
        };
        self.heading.totals.clone().unwrap_or_else(seen)
    }

    /// What is trained on.
    pub(super) fn into_lesson(mut self) -> Result<Lesson> {
        match self.spool.take() {
            None => {
                let totals = self.totals();
                Ok(Lesson::Memory(self.into_rows(totals, None)?))
            }
            Some(spool) => {
                let totals = self.totals();
                let step_ms = spool.usual_step().filter(|_| self.heading.has_times);
                let mut rows = spool.finish(&self.heading.columns, step_ms, &|distance_ms, step_ms| {
                    n_missing(distance_ms, step_ms)
                })?;
                tell_missing(rows.n_missing);
                rows.totals = totals;
                Ok(Lesson::Disk(rows))
            }
        }
    }

    /// What is scored: the columns of training in its order, by what training decided.
    pub(super) fn into_rows_for(
        mut self,
        columns: &[String],
        totals: Vec<String>,
        step_ms: Option<i64>,
    ) -> Result<Rows> {
        let place = |name: &String| {
            let found = self.heading.columns.iter().position(|other| other == name);
            found.ok_or_else(|| {
                Failure::user(format!("the column {name} is missing, which the detector looks at"))
            })
        };
        let places: Vec<usize> = columns.iter().map(place).collect::<Result<_>>()?;
        for row in &mut self.rows {
            row.values = places.iter().map(|at| row.values.get(*at).copied().unwrap_or(f64::NAN)).collect();
        }
        self.heading.columns = columns.to_vec();
        self.into_rows(totals, step_ms)
    }

    /// Totals become differences, and missing rows gaps.
    fn into_rows(mut self, totals: Vec<String>, step_ms: Option<i64>) -> Result<Rows> {
        for (at, name) in self.heading.columns.iter().enumerate() {
            if totals.contains(name) {
                differences(&mut self.rows, at);
            }
        }
        let has_times = self.heading.has_times;
        let step_ms = step_ms.or_else(|| usual_step(&self.rows)).filter(|_| has_times);
        let (mut values, mut moments, mut is_marked) = (Vec::new(), Vec::new(), Vec::new());
        let mut last: Option<i64> = None;
        for row in &self.rows {
            let n_missing = last.zip(step_ms).map_or(0, |(last, step)| n_missing(row.at - last, step));
            for _ in 0..n_missing {
                values.extend(self.heading.columns.iter().map(|_| f32::NAN));
                moments.push(None);
                is_marked.push(row.is_marked);
            }
            last = Some(row.at);
            values.extend(row.values.iter().map(|value| *value as f32));
            moments.push(Some(if has_times { Moment::Time(Time(row.at)) } else { Moment::Line(row.at) }));
            is_marked.push(row.is_marked);
        }
        tell_missing(moments.len() - self.rows.len());
        let frame =
            Frame::new(self.heading.columns, values).map_err(|error| Failure::user(error.to_string()))?;
        Ok(Rows { frame, at: moments, is_marked, step_ms, totals })
    }
}

fn tell_missing(n_missing: usize) {
    if n_missing > 0 {
        remark(&format!("{n_missing} rows are missing between the others, and count as gaps"));
    }
}

/// Bytes of a row in memory.
fn size_of_row(values: &[f64]) -> u64 {
    (size_of::<Row>() + size_of_val(values)) as u64
}

/// What was added since the row before; nothing is known where a total starts again.
fn differences(rows: &mut [Row], at: usize) {
    let mut last = f64::NAN;
    for row in rows {
        let Some(value) = row.values.get_mut(at) else { continue };
        *value = super::spool::added(*value, &mut last);
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

    fn sheet(totals: Option<Vec<String>>, room: Option<Room>) -> Sheet {
        let heading = Heading { columns: vec!["n".to_owned()], totals, has_times: true };
        Sheet::new(heading, room)
    }

    #[test]
    fn missing_rows_become_gaps_and_totals_differences() {
        let mut read = sheet(None, None);
        for (at, value) in [(0, 5.0), (60_000, 7.0), (119_000, 8.0), (300_000, 2.0), (360_000, 3.0)] {
            read.push("a.csv", &row(at, value)).unwrap();
        }
        let rows = read.into_rows(vec!["n".to_owned()], None).unwrap();
        assert_eq!(rows.step_ms, Some(60_000));
        let values: Vec<String> = rows.frame.values().iter().map(ToString::to_string).collect();
        assert_eq!(values, ["NaN", "2", "1", "NaN", "NaN", "NaN", "1"]);
        assert_eq!(rows.at[2], Some(Moment::Time(Time(119_000))));
        assert_eq!((rows.at[3], rows.at[4]), (None, None));
    }

    /// What rows come to, with so much room for them.
    fn lesson(rows: &[(i64, f64)], n_bytes: u64) -> Lesson {
        let folder = tempfile::tempdir().unwrap();
        let mut read = sheet(None, Some(Room::new(n_bytes, folder.path().to_owned())));
        rows.iter().try_for_each(|(at, value)| read.push("a.csv", &row(*at, *value))).unwrap();
        read.into_lesson().unwrap()
    }

    #[test]
    fn rows_on_disk_are_those_in_memory() {
        // Once a total, which starts again twice, and once not; with holes, gaps and a distance of 61 seconds now and then.
        let total = |n: i64| (n * 60_000 + n / 50 % 3 * 1_000 + n / 700 * 600_000, (n % 1_400 * 3) as f64);
        let level = |n: i64| (n * 60_000, if n % 9 == 0 { f64::NAN } else { (n * 7 % 31) as f64 / 3.0 });
        for (of, is_total) in [(&total as &dyn Fn(i64) -> (i64, f64), true), (&level, false)] {
            let rows: Vec<(i64, f64)> = (0..3_000).map(of).collect();
            let (held, stored) = (lesson(&rows, u64::MAX), lesson(&rows, 5));
            let (Lesson::Memory(rows), Lesson::Disk(disk)) = (&held, &stored) else { panic!("{stored:?}") };
            assert_eq!(held.totals(), stored.totals());
            assert_eq!(held.totals().is_empty(), !is_total);
            assert_eq!((held.step_ms(), held.data()), (stored.step_ms(), stored.data()));
            let mut values = Vec::new();
            let source = stored.source();
            let RowSource::Stored(store) = source else { panic!("they are on disk") };
            store.read(0..10, &mut values);
            store.read(10..source.n_rows(), &mut values);
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&values), bits(rows.frame.values()));
            assert!(disk.check().is_ok());
            // What is not there is a gap, and told.
            store.read(source.n_rows()..source.n_rows() + 1, &mut values);
            assert!(values.last().unwrap().is_nan() && disk.check().is_err());
        }
    }
}
