//! `lanner detect`: finds anomalies in a table of numbers, without configuration.
//!
//! One pass from the first row to the last; each value is scored using only those before it. Reading order: [`Args`],
//! [`run`]; then `finding` (scoring a series), `holes` (stretches without values), and the optional parts: `trace` and
//! `report` (charts), `incidents` and `quality` (evaluation against known incidents).

mod finding;
mod holes;
pub(super) mod incidents;
mod quality;
mod report;
mod trace;

use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lanner_core::{SeriesKey, Threshold};
use lanner_wire::table::{Row, Table, TableError};
use serde_json::json;

use crate::failure::{Failure, Outcome, Result, remark};
use crate::input::{self, Meter};
use crate::list::{self, Format};
use crate::output::{self, counted};
use crate::progress::{self, Progress};
use crate::tables::{self, TableArgs, few};
use finding::{Finding, Moment, Series};
use incidents::Incidents;
use quality::{Judgements, Quality, Terms};
use trace::Trace;

/// How often progress is looked at, in rows.
const LOOK_EVERY: u64 = 4_096;

/// More series are not looked at at once: each takes some memory.
const MAX_SERIES: usize = 10_000;

/// Problems shown; the others are counted.
const MAX_SHOWN: usize = 10;

/// Find anomalies in a table of numbers, without configuration.
///
/// Accepts any CSV and detects the separator, the time column, the numeric columns and their formats. Empty cells, NaN,
/// null and - are gaps. Rows of several series, such as one for each host, are separated by their text columns. Each
/// value is scored using only those before it; a score above 1 is anomalous: farther from the expected value than ever
/// before. docs/detectors.md says how well that works.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner detect measurements.csv
  lanner detect measurements.csv.gz --report report.html    charts, in one file
  lanner detect wide.csv --time when --value cpu --value memory
  lanner query --series queue.length --from now-7d --step 5m --format csv | lanner detect -
  lanner detect taxi.csv --evaluate incidents.csv           precision, recall and other metrics
  lanner detect labelled.csv --label is_anomaly --format json

Exit codes: 0 when nothing was found, 1 when something was, 2 for invalid input, 3 for a failure, 4 when nothing
could be scored.")]
pub(crate) struct Args {
    /// Table to read, gzipped or not; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Time column, by name or number; by default detected.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// Report samples with a score above this.
    #[arg(long, value_name = "SCORE", default_value = "1", value_parser = threshold)]
    threshold: f64,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write charts, as a single HTML file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Known incidents to evaluate the findings against: from,to times as CSV, or JSON. With --format csv only the
    /// evaluation is written.
    #[arg(long, value_name = "FILE", conflicts_with = "label")]
    evaluate: Option<PathBuf>,
    /// Column of 0 and 1 that marks known incidents to evaluate the findings against.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Acceptable alarms per day, for the number of incidents found within that budget.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = threshold)]
    alarms_per_day: f64,
    #[command(flatten)]
    table: TableArgs,
}

fn threshold(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("should be a number above 0".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let known = args
        .evaluate
        .as_deref()
        .map(|path| incidents::load(path, &name(&args.file), &args.table))
        .transpose()?;
    if args.report.as_deref().is_some_and(|report| is_same_file(report, &args.file)) {
        return Err(Failure::user("the report would replace the table").hint("give --report another name"));
    }
    let mut detected = detect(args, known.as_ref(), false)?;
    if let Some(line) = detected.is_unordered_at {
        let (name, line) = (name(&args.file), line);
        // Only a file can be read again.
        if !std::fs::metadata(&args.file).is_ok_and(|file| file.is_file()) {
            return Err(Failure::user(format!("{name}:{line}: the time is before that of the row above"))
                .hint("sort the rows by time, or give them as a file: it is sorted in memory"));
        }
        remark(&format!(
            "{name}:{line}: the time is before that of the row above; rows are sorted in memory"
        ));
        detected = detect(args, known.as_ref(), true)?;
    }
    detected.tell(&name(&args.file));
    let findings = detected.findings();
    let is_judged = detected.series.iter().any(|series| series.n_judged > 0);
    let quality = if is_judged { detected.quality(args, &name(&args.file))? } else { None };
    let nothing = if is_judged { NOTHING } else { "Nothing could be scored." };
    show(args.format, &findings, quality.as_deref(), nothing)?;
    if let Some(path) = &args.report {
        let known = detected.known_spans(known.as_ref());
        write_report(args, path, &detected, &known)?;
    }
    Ok(if is_judged { Outcome::found(!findings.is_empty()) } else { Outcome::Undecided })
}

const NOTHING: &str = "Nothing unusual was found.";

fn show(format: Format, findings: &[Finding], quality: Option<&[Quality]>, nothing: &str) -> Result<()> {
    match (format, quality) {
        (_, None) => list::list(format, findings, nothing),
        (Format::Json, Some(quality)) => output::json(&json!({ "findings": findings, "quality": quality })),
        (Format::Csv, Some(quality)) => quality::show(format, quality),
        (Format::Table, Some(quality)) => {
            list::list(format, findings, nothing)?;
            output::line("")?;
            quality::show(format, quality)
        }
    }
}

/// The name of the table, for messages.
fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What one pass over the table has found.
struct Detected {
    series: Vec<Series>,
    /// For each group of rows its series, in the order of the columns.
    groups: HashMap<usize, Vec<usize>>,
    by_key: HashMap<SeriesKey, usize>,
    /// One a series, if there is to be a report.
    traces: Vec<Trace>,
    /// One a series, if it is to be measured.
    judgements: Vec<Judgements>,
    how: How,
    /// The name of the time column.
    time: Option<String>,
    n_rows: u64,
    took: Duration,
    first: Option<i64>,
    last: i64,
    /// The last time of each group.
    last_of: HashMap<usize, i64>,
    /// The first line whose time was that of the row before, and how many there were.
    repeated: Option<(u64, u64)>,
    /// The line at which the pass broke off, because its time was before that of the row above.
    is_unordered_at: Option<u64>,
}

/// How rows are judged, and what is kept of that.
struct How {
    threshold: Threshold,
    has_times: bool,
    has_report: bool,
    is_measured: bool,
}

/// Reads the table and judges every value.
fn detect(args: &Args, known: Option<&Incidents>, is_again: bool) -> Result<Detected> {
    let name = name(&args.file);
    let meter = Arc::new(Meter::default());
    let file = input::open(&args.file, &meter)?;
    let failed = |error: &TableError| {
        let new = if error.is_empty() { Failure::undecided } else { Failure::user };
        tables::failure(&name, error, new)
    };
    let table = args.table.open(file, args.time.as_deref(), args.label.as_deref());
    let mut table = table.map_err(|error| failed(&error))?;
    if !is_again {
        tables::tell_layout(&name, &table);
    }
    let size = std::fs::metadata(&args.file).ok().filter(|file| file.is_file()).map(|file| file.len());
    let mut progress = Progress::new("scoring", "rows", size);
    let mut detected = Detected::new(args, &table);
    let mut watch = |n_rows: u64| {
        if n_rows.is_multiple_of(LOOK_EVERY) {
            progress.at(meter.n_bytes.load(Ordering::Relaxed), n_rows);
        }
    };
    let broken = |error| failed(&TableError::Read(error));
    let mut row = Row::default();
    if is_again {
        let mut rows = Vec::new();
        while table.next_row(&mut row).map_err(broken)? {
            rows.push(row.clone());
            watch(rows.len() as u64);
        }
        // Those of the same time stay in the order of the file.
        rows.sort_by_key(|row| row.at);
        for row in &rows {
            detected.judge(&table, row, known)?;
        }
    } else {
        while table.next_row(&mut row).map_err(broken)? {
            if detected.last_of.get(&row.group).is_some_and(|last| row.at < *last) {
                detected.is_unordered_at = Some(row.line);
                return Ok(detected);
            }
            detected.judge(&table, &row, known)?;
            watch(detected.n_rows);
        }
    }
    detected.took = progress.finish();
    tell_problems(&name, &table);
    Ok(detected)
}

/// Says what was wrong with single rows and cells.
fn tell_problems(name: &str, table: &Table<'_>) {
    let report = &table.report;
    for problem in report.problems.iter().take(MAX_SHOWN) {
        let column = problem.column.map_or_else(String::new, |column| format!("{column}:"));
        remark(&format!("{name}:{}:{column} {}; left out", problem.line, problem.message));
    }
    let rest = report.rejected.saturating_sub(MAX_SHOWN as u64);
    if rest > 0 {
        remark(&format!("{name}: {rest} more like these"));
    }
}

impl Detected {
    fn new(args: &Args, table: &Table<'_>) -> Self {
        let layout = &table.layout;
        Self {
            series: Vec::new(),
            groups: HashMap::new(),
            by_key: HashMap::new(),
            traces: Vec::new(),
            judgements: Vec::new(),
            how: How {
                threshold: Threshold::above(args.threshold),
                has_times: layout.time.is_some(),
                has_report: args.report.is_some(),
                is_measured: args.evaluate.is_some() || args.label.is_some(),
            },
            time: layout.time.map(|at| layout.names[at].clone()),
            n_rows: 0,
            took: Duration::ZERO,
            first: None,
            last: 0,
            last_of: HashMap::new(),
            repeated: None,
            is_unordered_at: None,
        }
    }

    fn judge(&mut self, table: &Table<'_>, row: &Row, known: Option<&Incidents>) -> Result<()> {
        if self.last_of.insert(row.group, row.at) == Some(row.at) {
            let (_, count) = self.repeated.get_or_insert((row.line, 0));
            *count += 1;
        }
        self.first = Some(self.first.map_or(row.at, |first| first.min(row.at)));
        self.last = self.last.max(row.at);
        self.n_rows += 1;
        if !self.groups.contains_key(&row.group) {
            self.add(table, row.group)?;
        }
        let Some(indexes) = self.groups.get(&row.group) else { return Ok(()) };
        for (&index, &y) in indexes.iter().zip(&row.values) {
            let series = &mut self.series[index];
            let y = series.measured(y);
            let judged = series.judge(row.at, y);
            if let Some(trace) = self.traces.get_mut(index) {
                trace.push(row.at, y, judged);
            }
            if let Some(judgements) = self.judgements.get_mut(index) {
                judgements.scores.push(judged.map_or(0.0, |judged| judged.score.value()));
                judgements.at.push(row.at);
                judgements.is_marked.push(known.map_or(row.is_marked, |known| known.contain(row.at)));
            }
        }
        Ok(())
    }

    /// The series of rows of a group that was not met before.
    fn add(&mut self, table: &Table<'_>, group: usize) -> Result<()> {
        let keys = table.keys(group);
        let mut indexes = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            let next = self.series.len();
            let index = *self.by_key.entry(key.clone()).or_insert(next);
            indexes.push(index);
            if index < next {
                continue;
            }
            if next == MAX_SERIES {
                let message = format!("there are more than {MAX_SERIES} series");
                return Err(Failure::user(message).hint("name the columns to look at with --value"));
            }
            let is_total = table.layout.totals.get(at).copied().unwrap_or(false);
            self.series.push(Series::new(key.to_string(), self.how.has_times, self.how.threshold, is_total));
            if self.how.has_report {
                self.traces.push(Trace::new(report::points_each(keys.len())));
            }
            if self.how.is_measured {
                self.judgements.push(Judgements::default());
            }
        }
        self.groups.insert(group, indexes);
        // Labels that are the same for all tell nothing.
        if self.by_key.len() == keys.len() {
            self.series.iter_mut().zip(keys).for_each(|(series, key)| series.name = key.name.to_string());
        } else {
            for (key, index) in &self.by_key {
                self.series[*index].name = key.to_string();
            }
        }
        Ok(())
    }

    /// All findings, by time.
    fn findings(&self) -> Vec<Finding> {
        let named = |series: &Series| {
            let mut findings = series.findings.clone();
            findings.iter_mut().for_each(|finding| finding.series.clone_from(&series.name));
            findings
        };
        let mut findings: Vec<Finding> = self.series.iter().flat_map(named).collect();
        findings.sort_by_key(|finding| match finding.from {
            Moment::Time(time) => time.0,
            Moment::Line(line) => line,
        });
        findings
    }

    /// Says what was read and how.
    fn tell(&self, name: &str) {
        if self.time.is_none() {
            remark(&format!(
                "{name}: no time column was found, so daily and weekly patterns are not learned; if there is one, name it with --time"
            ));
        }
        self.tell_totals(name);
        self.tell_holes(name);
        if let Some((line, count)) = self.repeated {
            // In a table with a row for each series and time, most rows are such.
            let advice = if count * 3 > self.n_rows {
                "; do they belong to several series? then give each a column or a file of its own"
            } else {
                ", scored in the order of the file"
            };
            let such = counted(count, "such row");
            remark(&format!("{name}:{line}: the time of the row above again; {such}{advice}"));
        }
        let short: Vec<String> = self
            .series
            .iter()
            .filter(|series| series.n_judged == 0)
            .map(|series| format!("{} ({})", series.name, counted(series.n_samples, "value")))
            .collect();
        if !short.is_empty() {
            remark(&format!(
                "{name}: too few values to score, because the first 50 are only learned from: {}",
                few(&short)
            ));
        }
        let time = self.time.as_ref().map_or_else(String::new, |time| format!(", times in {time}"));
        let rate = progress::scaled(self.n_rows as f64 / self.took.as_secs_f64().max(1e-3));
        remark(&format!(
            "{name}: {}, {} series{time}, in {}, {rate} rows/s",
            counted(self.n_rows, "row"),
            self.series.len(),
            progress::duration(self.took)
        ));
    }

    fn tell_totals(&self, name: &str) {
        let totals = self.series.iter().filter(|series| series.is_total);
        let totals: Vec<String> = totals.map(|series| series.name.clone()).collect();
        if !totals.is_empty() {
            remark(&format!(
                "{name}: growing totals, scored by their increase from row to row: {}",
                few(&totals)
            ));
        }
    }

    /// Says where there are no values for long.
    fn tell_holes(&self, name: &str) {
        let mut holes: Vec<(i64, i64, &str)> = self
            .series
            .iter()
            .flat_map(|series| {
                series.holes.found().into_iter().map(|(from, to)| (from, to, series.name.as_str()))
            })
            .collect();
        // The longest first.
        holes.sort_by_key(|(from, to, _)| from - to);
        for (from, to, series) in holes.iter().take(MAX_SHOWN) {
            let [from_text, to_text] = [*from, *to].map(|at| list::time_text(lanner_wire::api::Time(at)));
            let length = lanner_core::time::format_duration(to - from);
            remark(&format!("{name}: {series}: no values for {length}, from {from_text} to {to_text}"));
        }
        if holes.len() > MAX_SHOWN {
            remark(&format!("{name}: {} more such stretches, all shorter", holes.len() - MAX_SHOWN));
        }
    }

    /// How well it did, if that was asked for.
    fn quality(&self, args: &Args, name: &str) -> Result<Option<Vec<Quality>>> {
        if self.judgements.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = self.series.iter().map(|series| series.name.clone()).collect();
        let has_times = self.time.is_some();
        let terms = Terms { threshold: args.threshold, alarms_per_day: args.alarms_per_day, has_times };
        let measured = quality::measure(&self.judgements, &names, terms);
        let (from, to) = (self.first.unwrap_or_default(), self.last);
        let hint = || {
            let text = |at| match Moment::new(at, has_times) {
                Moment::Time(time) => list::time_text(time),
                Moment::Line(line) => format!("line {line}"),
            };
            format!("the table reaches from {} to {}", text(from), text(to))
        };
        measured.map(Some).map_err(|why| Failure::user(format!("{name}: {why}")).hint(hint()))
    }

    /// Known incidents as stretches of time, to be drawn.
    fn known_spans(&self, known: Option<&Incidents>) -> Vec<(i64, i64)> {
        match (known, self.judgements.first()) {
            (Some(known), _) => known.spans.clone(),
            (None, Some(judgements)) => lanner_quality::events(&judgements.is_marked)
                .into_iter()
                .map(|event| (judgements.at[event.start], judgements.at[event.end - 1]))
                .collect(),
            (None, None) => Vec::new(),
        }
    }
}

fn write_report(args: &Args, path: &Path, detected: &Detected, incidents: &[(i64, i64)]) -> Result<()> {
    let failed = |error: &std::io::Error| Failure::file("write", path, error);
    let series = detected.series.iter().zip(&detected.traces);
    let report = report::Report {
        title: &name(&args.file),
        has_times: detected.time.is_some(),
        threshold: args.threshold,
        n_rows: detected.n_rows,
        series: series.collect(),
        incidents,
    };
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(|error| failed(&error))?);
    report.write(&mut file).and_then(|()| file.flush()).map_err(|error| failed(&error))?;
    remark(&format!("{}: charts, to open in a browser", path.display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use lanner_core::Score;
    use lanner_detect::automatic::Alarms;

    #[test]
    fn the_threshold_is_the_detectors_own() {
        assert!(!Alarms::THRESHOLD.exceeded_by(Score::new(1.0)));
        assert!(Alarms::THRESHOLD.exceeded_by(Score::new(1.0 + f64::EPSILON)));
    }
}
