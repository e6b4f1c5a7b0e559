//! `lanner detector score`: what is unusual in a table.

use std::path::{Path, PathBuf};

use lanner_deep::Detector;
use serde::Serialize;

use super::kept;
use super::table::{Moment, Rows, Tables};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output::{self, counted};

/// Rows above the threshold with fewer rows between them are one finding.
const MERGED_WITHIN: usize = 10;

/// Columns that a finding names.
const N_NAMED: usize = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Detector.
    #[arg(value_name = "DETECTOR")]
    detector: PathBuf,
    #[command(flatten)]
    tables: Tables,
    /// Also write every row with its score, as CSV; to standard output for -, instead of the findings.
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Rows that are unusual together.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) from: Moment,
    pub(super) to: Moment,
    rows: usize,
    /// The highest score.
    pub(super) score: f64,
    /// When that was.
    at: Moment,
    /// The columns that contributed most then, with their shares.
    pub(super) columns: Vec<Named>,
}

#[derive(Debug, Serialize)]
pub(super) struct Named {
    pub(super) column: String,
    pub(super) share: f64,
}

impl Finding {
    /// The columns that contributed most, in words.
    pub(super) fn what(&self) -> String {
        let columns =
            self.columns.iter().map(|named| format!("{} {:.0}%", named.column, 100.0 * named.share));
        columns.collect::<Vec<_>>().join(", ")
    }
}

impl Row for Finding {
    const COLUMNS: &'static [&'static str] = &["from", "to", "rows", "score", "columns"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.from.text().into(),
            self.to.text().into(),
            Cell::Count(self.rows as u64),
            self.score.into(),
            self.what().into(),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let detector = kept::load(&args.detector)?;
    let rows = args.tables.read_for(&detector, None)?;
    let scores = detector.scores(&rows.frame).map_err(|error| Failure::user(error.to_string()))?;
    let n_scored = scores.iter().filter(|score| score.is_finite()).count();
    if n_scored == 0 {
        let message =
            format!("no row could be scored: a score looks at {}", counted(detector.window() as u64, "row"));
        return Err(Failure::undecided(message).hint("give more rows"));
    }
    if let Some(path) = &args.scores {
        write(path, &rows, &scores)?;
    }
    let findings = findings(&detector, &rows, &scores);
    if args.scores.as_deref() != Some(Path::new("-")) {
        list::list(args.format, &findings, "Nothing unusual was found.")?;
        remark(&format!("{} scored by {}", counted(n_scored as u64, "row"), detector.kind().name));
    }
    Ok(Outcome::found(!findings.is_empty()))
}

/// Each run of rows above the threshold, with what contributed most at its height.
pub(super) fn findings(detector: &Detector, rows: &Rows, scores: &[f64]) -> Vec<Finding> {
    let above: Vec<usize> =
        (0..scores.len()).filter(|at| scores.get(*at).is_some_and(|score| *score > 1.0)).collect();
    let runs = above.chunk_by(|a, b| b - a <= MERGED_WITHIN + 1);
    let finding = |run: &[usize]| {
        let score = |at: usize| scores.get(at).copied().unwrap_or_default();
        let moment = |at: usize| rows.at.get(at).copied().flatten();
        let height = run.iter().copied().max_by(|a, b| score(*a).total_cmp(&score(*b)))?;
        let parts = detector.explain(&rows.frame, height).unwrap_or_default();
        Some(Finding {
            from: moment(*run.first()?)?,
            to: moment(*run.last()?)?,
            rows: run.len(),
            score: score(height),
            at: moment(height)?,
            columns: named(detector.columns(), &parts),
        })
    };
    runs.filter_map(finding).collect()
}

fn named(columns: &[String], parts: &[f64]) -> Vec<Named> {
    let sum: f64 = parts.iter().filter(|part| **part > 0.0).sum();
    let mut named: Vec<Named> = columns
        .iter()
        .zip(parts)
        .filter(|(_, part)| **part > 0.0)
        .map(|(column, part)| Named { column: column.clone(), share: part / sum })
        .collect();
    named.sort_by(|a, b| b.share.total_cmp(&a.share));
    named.truncate(N_NAMED);
    named
}

/// Every row with its score; empty where there is none.
fn write(path: &Path, rows: &Rows, scores: &[f64]) -> Result<()> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let mut out: Box<dyn std::io::Write> = if path == Path::new("-") {
        output::data()
    } else {
        Box::new(std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?))
    };
    writeln!(out, "time,score")?;
    for (moment, score) in rows.at.iter().zip(scores) {
        let Some(moment) = moment else { continue };
        let score = if score.is_finite() { score.to_string() } else { String::new() };
        writeln!(out, "{},{score}", moment.text())?;
    }
    Ok(out.flush()?)
}
