//! One pass over one table: each value is scored by those before it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lanner_core::SeriesKey;
use lanner_wire::Report;
use lanner_wire::format::Hints;
use lanner_wire::samples::Samples;
use lanner_wire::table::{Row, TableError};

use super::args::Args;
use super::finding::Series;
use super::incidents::Incidents;
use super::report;
use super::scores::{ScoreFile, Scores};
use super::set_back;
use super::trace::Trace;
use super::watched::{Seen, Watched};
use crate::failure::{Failure, Result, remark};
use crate::input::{self, Meter};
use crate::progress::Progress;
use crate::tables::{self, Named, TableArgs};

/// How often progress is looked at, in rows.
const LOOK_EVERY: u64 = 4_096;

/// More series are not looked at at once: each takes some memory.
const MAX_SERIES: usize = 10_000;

/// One of the files that are read.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) path: &'a Path,
    /// What it is called in messages.
    pub(super) name: &'a str,
    /// Its place among the files.
    pub(super) index: usize,
}

/// What one pass has found.
pub(super) struct Pass {
    /// Each, and which of the earlier files' series it continues.
    pub(super) series: Vec<(Watched, Option<usize>)>,
    scores: Scores,
    pub(super) has_times: bool,
    /// The name of the time column.
    pub(super) time: Option<String>,
    pub(super) n_rows: u64,
    pub(super) took: Duration,
    /// The first line whose time was that of the row before, and how many there were.
    pub(super) repeated: Option<(u64, u64)>,
    /// What was wrong with single rows and cells.
    pub(super) report: Report,
    /// Why it was not read to its end.
    pub(super) broken: Option<Failure>,
    /// For each group of rows its series, in the order of the columns, and the last time.
    groups: HashMap<usize, Group>,
    by_key: HashMap<SeriesKey, usize>,
}

struct Group {
    indexes: Vec<usize>,
    last_at: i64,
}

/// What a pass needs to know.
pub(super) struct Terms<'a> {
    pub(super) args: &'a Args,
    /// The series of the files before.
    pub(super) earlier: &'a [Watched],
    pub(super) known: Option<&'a Incidents>,
    pub(super) scores: Option<&'a ScoreFile>,
}

/// Reads a file and scores every value; where clocks were set back the zone is found, and other rows out of order are sorted, if
/// it can be read again.
///
/// # Errors
/// A table that cannot be read at all, or has too many series.
pub(super) fn run(input: Input<'_>, terms: &Terms<'_>) -> Result<Pass> {
    let Terms { args, .. } = terms;
    let Before { line, last_at, at } = match in_order(input, terms, &args.table)? {
        Ok(pass) => return Ok(pass),
        Err(before) => before,
    };
    let name = input.name;
    // Only tables say in which line.
    let line = if line == 0 { String::new() } else { format!("{line}:") };
    let why = format!("{name}:{line} the time is before that of the row above");
    let is_file = std::fs::metadata(input.path).is_ok_and(|file| file.is_file());
    let zone = args.table.time_zone.is_none().then(|| set_back::zone(last_at, at)).flatten();
    match zone {
        Some((zone_name, zone)) if is_file => {
            let table = args.table.in_zone(zone);
            if let Ok(pass) = in_order(input, terms, &table)? {
                remark(&format!(
                    "{why}, as clocks of {zone_name} were set back: times are read by these; --tz names another zone"
                ));
                return Ok(pass);
            }
        }
        _ => {}
    }
    if !is_file {
        return Err(
            Failure::user(why).hint("sort the rows by time, or give them as a file: it is sorted in memory")
        );
    }
    remark(&format!("{why}; rows are sorted in memory"));
    sorted(input, terms)
}

/// A row whose time is before that of the row above.
struct Before {
    line: u64,
    last_at: i64,
    at: i64,
}

/// A table being read, and how far.
struct Reading<'a> {
    samples: Samples<'a>,
    meter: Arc<Meter>,
    progress: Progress,
}

fn open<'a>(Input { path, name, .. }: Input<'_>, args: &Args, table: &TableArgs) -> Result<Reading<'a>> {
    let meter = Arc::new(Meter::default());
    let file = input::open(path, &meter)?;
    let named = Named { time: args.time.as_deref(), marks: args.label.as_deref(), ..Named::default() };
    let samples = table.open(file, named, None, Hints::default());
    let samples = samples.map_err(|error| tables::failure(name, &error, Failure::user))?;
    let size = std::fs::metadata(path).ok().filter(|file| file.is_file()).map(|file| file.len());
    Ok(Reading { samples, meter, progress: Progress::new("scoring", "rows", size) })
}

impl Reading<'_> {
    /// The next row, or why there are no more.
    fn next(&mut self, row: &mut Row, n_rows: u64) -> std::result::Result<bool, TableError> {
        if n_rows.is_multiple_of(LOOK_EVERY) {
            self.progress.at(self.meter.n_bytes.load(Ordering::Relaxed), n_rows);
        }
        self.samples.next_row(row).map_err(TableError::Read)
    }

    fn finish(mut self, name: &str, mut pass: Pass, broken: Option<TableError>) -> Result<Pass> {
        pass.finish()?;
        pass.took = self.progress.finish();
        pass.broken = broken.map(|error| tables::failure(name, &error, Failure::user));
        pass.report = self.samples.take_report();
        Ok(pass)
    }
}

/// The pass; or the row at which it broke off.
fn in_order(
    input: Input<'_>,
    terms: &Terms<'_>,
    table: &TableArgs,
) -> Result<std::result::Result<Pass, Before>> {
    let mut reading = open(input, terms.args, table)?;
    if let Some(table) = reading.samples.table() {
        tables::tell_layout(input.name, table);
    }
    let mut pass = Pass::new(input, &reading.samples, terms);
    let mut row = Row::default();
    let broken = loop {
        match reading.next(&mut row, pass.n_rows) {
            Ok(true) => match pass.after(&row) {
                Some(last_at) => return Ok(Err(Before { line: row.line, last_at, at: row.at })),
                None => pass.judge(input, &reading.samples, &row, terms)?,
            },
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    reading.finish(input.name, pass, broken).map(Ok)
}

/// The same with all rows in memory. Those of the same time stay in the order of the file.
fn sorted(input: Input<'_>, terms: &Terms<'_>) -> Result<Pass> {
    let mut reading = open(input, terms.args, &terms.args.table)?;
    let mut pass = Pass::new(input, &reading.samples, terms);
    let (mut row, mut rows) = (Row::default(), Vec::new());
    let broken = loop {
        match reading.next(&mut row, rows.len() as u64) {
            Ok(true) => rows.push(row.clone()),
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    rows.sort_by_key(|row| row.at);
    for row in &rows {
        pass.judge(input, &reading.samples, row, terms)?;
    }
    reading.finish(input.name, pass, broken)
}

impl Pass {
    fn new(input: Input<'_>, samples: &Samples<'_>, terms: &Terms<'_>) -> Self {
        let has_times = samples.has_times();
        let time = samples.table().and_then(|table| Some(table.layout.names[table.layout.time?].clone()));
        let scores = terms.scores.map_or_else(Scores::nowhere, |file| file.begin(input.name, has_times));
        Self {
            series: Vec::new(),
            scores,
            has_times,
            time,
            n_rows: 0,
            took: Duration::ZERO,
            repeated: None,
            report: Report::default(),
            broken: None,
            groups: HashMap::new(),
            by_key: HashMap::new(),
        }
    }

    /// The time of the row above it in its group, if that is later.
    fn after(&self, row: &Row) -> Option<i64> {
        self.groups.get(&row.group).map(|group| group.last_at).filter(|last_at| row.at < *last_at)
    }

    fn judge(&mut self, input: Input<'_>, samples: &Samples<'_>, row: &Row, terms: &Terms<'_>) -> Result<()> {
        self.n_rows += 1;
        if !self.groups.contains_key(&row.group) {
            let indexes = self.add(input, samples, row, terms)?;
            self.groups.insert(row.group, Group { indexes, last_at: i64::MIN });
        }
        let Some(group) = self.groups.get_mut(&row.group) else { return Ok(()) };
        if std::mem::replace(&mut group.last_at, row.at) == row.at {
            let (_, count) = self.repeated.get_or_insert((row.line, 0));
            *count += 1;
        }
        let offset_ms = terms.args.table.time_zone.is_none().then_some(row.offset_ms);
        let is_marked = terms.known.map_or(row.is_marked, |known| known.contain(row.at));
        for (&index, &y) in group.indexes.iter().zip(&row.values) {
            let (watched, _) = &mut self.series[index];
            watched
                .see(Seen { at: row.at, offset_ms, y, is_marked }, &mut self.scores)
                .map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The series of rows of a group that was not met before.
    fn add(
        &mut self,
        input: Input<'_>,
        samples: &Samples<'_>,
        row: &Row,
        terms: &Terms<'_>,
    ) -> Result<Vec<usize>> {
        let keys = samples.keys(row.group);
        let mut indexes = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            if let Some(index) = self.by_key.get(key) {
                indexes.push(*index);
                continue;
            }
            if terms.earlier.len() + self.series.len() >= MAX_SERIES {
                let message = format!("there are more than {MAX_SERIES} series");
                return Err(Failure::user(message).hint("name the columns to look at with --value"));
            }
            let index = self.series.len();
            self.by_key.insert(key.clone(), index);
            indexes.push(index);
            let earlier = if self.has_times { continued(terms.earlier, key, row.at) } else { None };
            let watched = match earlier {
                Some(at) => terms.earlier[at].clone(),
                None => self.watched(key, input, samples.is_total(at), keys.len(), terms.args),
            };
            self.series.push((watched, earlier));
        }
        Ok(indexes)
    }

    /// A series that begins here.
    fn watched(
        &self,
        key: &SeriesKey,
        input: Input<'_>,
        is_total: Option<bool>,
        n_beside: usize,
        args: &Args,
    ) -> Watched {
        let series = Series::new(key.to_string(), self.has_times, args.threshold, args.clock());
        let mut watched = Watched::new(key.clone(), input.index, series, is_total);
        watched.trace = args.report.is_some().then(|| Trace::new(report::points_each(n_beside)));
        watched.judgements = args.is_measured().then(Default::default);
        watched
    }

    /// Every value with its score, for whoever wants them.
    pub(super) fn take_scores(&mut self) -> Scores {
        std::mem::replace(&mut self.scores, Scores::nowhere())
    }

    fn finish(&mut self) -> Result<()> {
        let Self { series, scores, .. } = self;
        series.iter_mut().try_for_each(|(watched, _)| watched.decide(scores)).map_err(|error| failed(&error))
    }
}

/// The series of an earlier file that goes on here: of the same name, and over before.
fn continued(earlier: &[Watched], key: &SeriesKey, at: i64) -> Option<usize> {
    // A column that is only called `value` may be anything in another file.
    let is_same = |one: &Watched| one.key == *key && one.last_at < at;
    if tables::is_nameless(&key.name) { None } else { earlier.iter().rposition(is_same) }
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::program(format!("cannot write the scores: {error}"))
}
