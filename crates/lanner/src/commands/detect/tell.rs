//! What is said beside the findings: how tables were read, and what was left out.

use std::collections::BTreeSet;

use lanner_wire::Report;

use super::detected::Detected;
use super::moment::Moment;
use super::pass::Pass;
use super::sentence::{duration, grouped};
use super::watched::Watched;
use crate::failure::remark;
use crate::output::counted;
use crate::progress;
use crate::tables::few;

/// Problems shown; the others are counted.
const MAX_SHOWN: usize = 10;

/// Says what was wrong with single rows and cells.
fn problems(name: &str, report: &Report) {
    for problem in report.problems.iter().take(MAX_SHOWN) {
        let column = problem.column.map_or_else(String::new, |column| format!("{column}:"));
        remark(&format!("{name}:{}:{column} {}; left out", problem.line, problem.message));
    }
    let rest = report.rejected.saturating_sub(MAX_SHOWN as u64);
    if rest > 0 {
        remark(&format!("{name}: {rest} more like these"));
    }
}

/// Says what a pass over one table came to.
pub(super) fn pass(name: &str, pass: &Pass) {
    if !pass.has_times {
        remark(&format!(
            "{name}: no time column was found, so daily and weekly patterns are not learned; if there is one, name it with --time"
        ));
    }
    let totals = pass.series.iter().filter(|(watched, _)| watched.series.is_total);
    let totals: Vec<String> = totals.map(|(watched, _)| watched.key.to_string()).collect();
    if !totals.is_empty() {
        remark(&format!(
            "{name}: growing totals, scored by their increase from row to row: {}",
            few(&totals)
        ));
    }
    let continued = pass.series.iter().filter(|(_, earlier)| earlier.is_some());
    let continued: Vec<String> = continued.map(|(watched, _)| watched.key.to_string()).collect();
    if !continued.is_empty() {
        remark(&format!("{name}: continues series of the files before: {}", few(&continued)));
    }
    repeated(name, pass);
    problems(name, &pass.report);
    let time = pass.time.as_ref().map_or_else(String::new, |time| format!(", time column {time}"));
    let rate = progress::scaled(pass.n_rows as f64 / pass.took.as_secs_f64().max(1e-3));
    remark(&format!(
        "{name}: {}, {} series{time}, in {}, {rate} rows/s",
        counted(pass.n_rows, "row"),
        pass.series.len(),
        progress::duration(pass.took)
    ));
}

fn repeated(name: &str, pass: &Pass) {
    let Some((line, count)) = pass.repeated else { return };
    // In a table with a row for each series and time, most rows are such.
    let advice = if count * 3 > pass.n_rows {
        "; do they belong to several series? then give each a column or a file of its own"
    } else {
        ", scored in the order of the file"
    };
    let such = counted(count, "such row");
    let line = if line == 0 { String::new() } else { format!("{line}:") };
    remark(&format!("{name}:{line} the time of the row above again; {such}{advice}"));
}

/// Says what could not be scored, and where values are missing.
pub(super) fn series(detected: &Detected, zone: Option<&jiff::tz::TimeZone>) {
    holes(&detected.series, zone);
    zones(&detected.series);
    let short = detected.series.iter().map(|watched| &watched.series).filter(|series| series.n_judged == 0);
    let short: Vec<String> =
        short.map(|series| format!("{} ({})", series.name, counted(series.n_samples, "value"))).collect();
    if !short.is_empty() {
        remark(&format!(
            "too few values to score, because the first 50 are only learned from: {}",
            few(&short)
        ));
    }
}

/// Says whose clocks days were found to move with.
fn zones(series: &[Watched]) {
    let found: BTreeSet<&str> = series.iter().filter_map(|watched| watched.series.found_zone()).collect();
    for zone in found {
        let of = series.iter().filter(|watched| watched.series.found_zone() == Some(zone));
        let of: Vec<String> = of.map(|watched| watched.series.name.clone()).collect();
        remark(&format!(
            "days move when clocks change as in {zone}, which was found in the values of {}; --tz says where they come from",
            few(&of)
        ));
    }
}

/// Says where there are no values for long, the longest first.
fn holes(series: &[Watched], zone: Option<&jiff::tz::TimeZone>) {
    let of = |watched: &Watched| {
        let name = watched.series.name.clone();
        watched.series.holes.found().into_iter().map(move |(from, to)| (from, to, name.clone()))
    };
    let mut holes: Vec<(i64, i64, String)> = series.iter().flat_map(of).collect();
    holes.sort_by_key(|(from, to, _)| from - to);
    for (from, to, series) in holes.iter().take(MAX_SHOWN) {
        let [from_text, to_text] = [*from, *to].map(|at| Moment::new(at, true).text(zone));
        remark(&format!("{series}: no values for {}, from {from_text} to {to_text}", duration(to - from)));
    }
    if holes.len() > MAX_SHOWN {
        remark(&format!("{} more such stretches, all shorter", holes.len() - MAX_SHOWN));
    }
}

/// Says what all files together came to.
pub(super) fn totals(detected: &Detected, n_read: usize, n_failed: usize) {
    let n_findings: usize = detected.series.iter().map(|watched| watched.series.findings.len()).sum();
    let found_in = detected.series.iter().filter(|watched| !watched.series.findings.is_empty()).count();
    let failed = match n_failed {
        0 => String::new(),
        count => format!("; {} could not be read to the end", counted(count as u64, "file")),
    };
    remark(&format!(
        "in all: {}, {}, {} series; {} in {found_in} series{failed}",
        counted(n_read as u64, "file"),
        rows(detected.n_rows),
        detected.series.len(),
        counted(n_findings as u64, "finding"),
    ));
}

fn rows(n_rows: u64) -> String {
    format!("{} {}", grouped(&n_rows.to_string()), if n_rows == 1 { "row" } else { "rows" })
}
