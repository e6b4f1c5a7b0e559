//! `lanner detect`: what is unusual in a table of numbers, with nothing to set.
//!
//! One pass from the first row to the last; each value is judged only by those before it. Reading order: [`Args`],
//! [`run`]; then `table` (rows, by the columns that `layout` finds and the cells that `cell` reads), `finding` (a
//! series being judged), and what is only made when asked for: `trace` and `report` (charts), `incidents` and
//! `quality` (how well it did).

mod cell;
mod finding;
pub(super) mod incidents;
mod layout;
mod quality;
mod report;
mod table;
mod trace;

use std::io::{BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lanner_core::Threshold;
use serde_json::json;

use crate::failure::{Failure, Outcome, Result, remark};
use crate::input::{self, Meter};
use crate::list::{self, Format};
use crate::output;
use crate::progress::{self, Progress};
use finding::{Finding, Moment, Series};
use incidents::Incidents;
use layout::Wanted;
use quality::{Judgements, Quality, Terms};
use table::{Row, Table};
use trace::Trace;

/// How often progress is looked at, in rows.
const LOOK_EVERY: u64 = 4_096;

/// Find what is unusual in a table of numbers, with nothing to set.
///
/// Any CSV will do: the column of times, the separator and the columns of numbers are found. Empty cells, NaN, null and -
/// are gaps. Each value is judged only by those before it; a score above 1 is strange: farther from what was expected
/// than ever. How well that works is in docs/detectors.md.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner detect measurements.csv
  lanner detect measurements.csv.gz --report report.html    charts, in one file
  lanner detect wide.csv --time when --value cpu --value memory
  lanner query --series queue.length --from now-7d --step 5m --format csv | lanner detect -
  lanner detect taxi.csv --evaluate incidents.csv           how well it did
  lanner detect labelled.csv --label is_anomaly --format json

Exit codes: 0 when nothing was found, 1 when something was, 2 for a mistake in what was asked.")]
pub(crate) struct Args {
    /// The table, gzip or not; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The column of times, by name or number; found, if absent.
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// A column to look at; may be repeated. All columns of numbers, if absent.
    #[arg(long = "value", value_name = "COLUMN")]
    values: Vec<String>,
    /// Scores above it are findings.
    #[arg(long, value_name = "SCORE", default_value = "1", value_parser = threshold)]
    threshold: f64,
    /// How to show the findings.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write charts, as one HTML file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Known incidents, to say how well it did: from,to times as CSV, or JSON. With --format csv only that is written.
    #[arg(long, value_name = "FILE", conflicts_with = "label")]
    evaluate: Option<PathBuf>,
    /// A column of 0 and 1 that marks known incidents, to say how well it did.
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Alarms a day that you would accept, for the incidents found in that budget.
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = threshold)]
    alarms_per_day: f64,
}

fn threshold(text: &str) -> std::result::Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("it is a number above 0".to_owned()),
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let known = args.evaluate.as_deref().map(|path| incidents::load(path, &name(&args.file))).transpose()?;
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
    let quality = detected.quality(args, &name(&args.file))?;
    show(args.format, &findings, quality.as_deref())?;
    if let Some(path) = &args.report {
        let known = detected.known_spans(known.as_ref());
        write_report(args, path, &detected, &known)?;
    }
    Ok(Outcome::found(!findings.is_empty()))
}

fn show(format: Format, findings: &[Finding], quality: Option<&[Quality]>) -> Result<()> {
    match (format, quality) {
        (_, None) => list::list(format, findings, "Nothing unusual was found."),
        (Format::Json, Some(quality)) => output::json(&json!({ "findings": findings, "quality": quality })),
        (Format::Csv, Some(quality)) => quality::show(format, quality),
        (Format::Table, Some(quality)) => {
            list::list(format, findings, "Nothing unusual was found.")?;
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
    /// One a series, if there is to be a report.
    traces: Vec<Trace>,
    /// If it is to be measured.
    judgements: Option<Judgements>,
    /// The name of the time column.
    time: Option<String>,
    /// The names of columns that are no series.
    others: Vec<String>,
    n_rows: u64,
    took: Duration,
    first: Option<i64>,
    last: i64,
    /// The first line whose time was that of the row before, and how many there were.
    repeated: Option<(u64, u64)>,
    /// The line at which the pass broke off, because its time was before that of the row above.
    is_unordered_at: Option<u64>,
}

/// Reads the table and judges every value.
fn detect(args: &Args, known: Option<&Incidents>, is_again: bool) -> Result<Detected> {
    let meter = Arc::new(Meter::default());
    let file = input::open(&args.file, &meter)?;
    let wanted = Wanted { time: args.time.clone(), values: args.values.clone(), label: args.label.clone() };
    let mut table = Table::open(&name(&args.file), file, &wanted, is_again)?;
    let size = std::fs::metadata(&args.file).ok().filter(|file| file.is_file()).map(|file| file.len());
    let mut progress = Progress::new("judging", "rows", size);
    let mut detected = Detected::new(args, &table.layout);
    let mut watch = |n_rows: u64| {
        if n_rows.is_multiple_of(LOOK_EVERY) {
            progress.at(meter.n_bytes.load(Ordering::Relaxed), n_rows);
        }
    };
    if is_again {
        for row in sorted(&mut table, &mut watch)? {
            detected.judge(&row, known);
        }
    } else {
        let mut row = Row::default();
        while table.next_row(&mut row)? {
            if detected.first.is_some() && row.at < detected.last {
                detected.is_unordered_at = Some(row.line);
                return Ok(detected);
            }
            detected.judge(&row, known);
            watch(detected.n_rows);
        }
    }
    table.tell_rest();
    detected.took = progress.finish();
    Ok(detected)
}

/// All rows, by time; those of the same time in the order of the file.
fn sorted<R: Read>(table: &mut Table<R>, watch: &mut impl FnMut(u64)) -> Result<Vec<Row>> {
    let (mut row, mut rows) = (Row::default(), Vec::new());
    while table.next_row(&mut row)? {
        rows.push(row.clone());
        watch(rows.len() as u64);
    }
    rows.sort_by_key(|row| row.at);
    Ok(rows)
}

impl Detected {
    fn new(args: &Args, layout: &layout::Layout) -> Self {
        let names = || layout.values.iter().map(|&at| layout.names[at].as_str());
        let n_series = layout.values.len();
        let threshold = Threshold::above(args.threshold);
        let is_measured = args.evaluate.is_some() || args.label.is_some();
        let n_traces = if args.report.is_some() { n_series } else { 0 };
        Self {
            series: names().map(|name| Series::new(name, layout.time.is_some(), threshold)).collect(),
            traces: vec![Trace::new(report::points_each(n_series)); n_traces],
            judgements: is_measured
                .then(|| Judgements { scores: vec![Vec::new(); n_series], ..Judgements::default() }),
            time: layout.time.map(|at| layout.names[at].clone()),
            others: layout.others.iter().map(|&at| layout.names[at].clone()).collect(),
            n_rows: 0,
            took: Duration::ZERO,
            first: None,
            last: 0,
            repeated: None,
            is_unordered_at: None,
        }
    }

    fn judge(&mut self, row: &Row, known: Option<&Incidents>) {
        if self.first.is_some() && row.at == self.last {
            let (_, count) = self.repeated.get_or_insert((row.line, 0));
            *count += 1;
        }
        self.first.get_or_insert(row.at);
        self.last = row.at;
        self.n_rows += 1;
        for (index, (series, &y)) in self.series.iter_mut().zip(&row.values).enumerate() {
            let judged = series.judge(row.at, y);
            if let Some(trace) = self.traces.get_mut(index) {
                trace.push(row.at, y, judged);
            }
            if let Some(judgements) = &mut self.judgements {
                judgements.scores[index].push(judged.map_or(0.0, |judged| judged.score.value()));
            }
        }
        if let Some(judgements) = &mut self.judgements {
            judgements.at.push(row.at);
            judgements.is_marked.push(known.map_or(row.is_marked, |known| known.contain(row.at)));
        }
    }

    /// All findings, by time.
    fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.series.iter().flat_map(|series| series.findings.iter().cloned()).collect();
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
                "{name}: no column of times was found, so days and weeks are not learned; if there is one, name it with --time"
            ));
        }
        if !self.others.is_empty() {
            remark(&format!("{name}: left out, for they hold no numbers: {}", few(&self.others)));
        }
        if let Some((line, count)) = self.repeated {
            // In a table with a row for each series and time, most rows are such.
            let advice = if count * 3 > self.n_rows {
                "; do they belong to several series? then give each a column or a file of its own"
            } else {
                ", judged in the order of the file"
            };
            remark(&format!("{name}:{line}: the time of the row above again; {count} such rows{advice}"));
        }
        let short: Vec<String> = self
            .series
            .iter()
            .filter(|series| series.n_judged == 0)
            .map(|series| format!("{} ({} values)", series.name, series.n_samples))
            .collect();
        if !short.is_empty() {
            remark(&format!("{name}: too few values to judge, for the first 50 only teach: {}", few(&short)));
        }
        let time = self.time.as_ref().map_or_else(String::new, |time| format!(", times in {time}"));
        let rate = progress::scaled(self.n_rows as f64 / self.took.as_secs_f64().max(1e-3));
        let n_series = self.series.len();
        remark(&format!(
            "{name}: {} rows, {n_series} series{time}, in {}, {rate} rows/s",
            self.n_rows,
            progress::duration(self.took)
        ));
    }

    /// How well it did, if that was asked for.
    fn quality(&self, args: &Args, name: &str) -> Result<Option<Vec<Quality>>> {
        let Some(judgements) = &self.judgements else { return Ok(None) };
        let names: Vec<String> = self.series.iter().map(|series| series.name.clone()).collect();
        let has_times = self.time.is_some();
        let terms = Terms { threshold: args.threshold, alarms_per_day: args.alarms_per_day, has_times };
        let measured = quality::measure(judgements, &names, terms);
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
        match (known, &self.judgements) {
            (Some(known), _) => known.spans.clone(),
            (None, Some(judgements)) => lanner_testkit::metrics::events(&judgements.is_marked)
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
        series: series
            .map(|(series, trace)| (series.name.as_str(), trace, series.findings.as_slice()))
            .collect(),
        incidents,
    };
    let mut file = BufWriter::new(std::fs::File::create(path).map_err(|error| failed(&error))?);
    report.write(&mut file).and_then(|()| file.flush()).map_err(|error| failed(&error))?;
    remark(&format!("{}: charts, to open in a browser", path.display()));
    Ok(())
}

/// The first names, and how many more.
fn few(names: &[String]) -> String {
    let shown = names.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 8 { format!("{shown} and {} more", names.len() - 8) } else { shown }
}

#[cfg(test)]
mod tests {
    use lanner_core::Score;
    use lanner_series::detect::automatic::Alarms;

    #[test]
    fn the_threshold_is_the_detectors_own() {
        assert!(!Alarms::THRESHOLD.exceeded_by(Score::new(1.0)));
        assert!(Alarms::THRESHOLD.exceeded_by(Score::new(1.0 + f64::EPSILON)));
    }
}
