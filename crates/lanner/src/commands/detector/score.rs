//! `lanner detector score`: what is unusual in a table.

use std::path::{Path, PathBuf};

use lanner_deep::Detector;
use serde::Serialize;

use super::kept;
use super::sheet::{Moment, Rows};
use super::table::{Part, Tables};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Of, Row};
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
    /// Score only the rows of this entity, by a set of detectors.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
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
    let file = kept::load(&args.detector)?;
    let (mut findings, mut scored, mut n_scored) = (Vec::new(), Vec::new(), 0);
    for part in args.tables.parts(&file, None, args.entity.as_deref())? {
        let detector = part.detector(&file);
        let scores = detector.scores(&part.rows.frame).map_err(|error| Failure::user(error.to_string()))?;
        n_scored += scores.iter().filter(|score| score.is_finite()).count();
        let found = self::findings(detector, &part.rows, &scores);
        findings.extend(found.into_iter().map(|row| Of { entity: part.entity.clone(), row }));
        if args.scores.is_some() {
            scored.push((part, scores));
        }
    }
    if n_scored == 0 {
        let window = counted(file.any().window() as u64, "row");
        let message = format!("no row could be scored: a score looks at {window}");
        return Err(Failure::undecided(message).hint("give more rows"));
    }
    if let Some(path) = &args.scores {
        write(path, file.by(), &scored)?;
    }
    if args.scores.as_deref() != Some(Path::new("-")) {
        list::list_by(args.format, file.by(), &findings, "Nothing unusual was found.")?;
        remark(&format!("{} scored by {}", counted(n_scored as u64, "row"), file.any().kind().name));
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

/// Every row with its score; empty where there is none. Of a set, each row says whose it is.
fn write(path: &Path, by: Option<&str>, scored: &[(Part, Vec<f64>)]) -> Result<()> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let out: Box<dyn std::io::Write> = if path == Path::new("-") {
        output::data()
    } else {
        Box::new(std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?))
    };
    let mut out = csv::Writer::from_writer(out);
    // As an error of the output, the kind of which says whether anybody still reads.
    let wrong = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::from(error),
        kind => Failure::program(format!("cannot write CSV: {kind:?}")),
    };
    out.write_record(["time"].into_iter().chain(by).chain(["score"])).map_err(wrong)?;
    for (part, scores) in scored {
        for (moment, score) in part.rows.at.iter().zip(scores) {
            let Some(moment) = moment else { continue };
            let score = if score.is_finite() { score.to_string() } else { String::new() };
            let cells = [moment.text()].into_iter().chain(part.entity.clone()).chain([score]);
            out.write_record(cells).map_err(wrong)?;
        }
    }
    Ok(out.flush()?)
}
