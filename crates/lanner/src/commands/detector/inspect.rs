//! `lanner detector show`, `limit` and `explain`: what a detector is, and why a row has its score.

use std::path::{Path, PathBuf};

use lanner_core::time::parse_time_ms;
use lanner_deep::{Detector, DetectorFile};
use serde::Serialize;

use super::kept;
use super::limit::{LimitArgs, in_words};
use super::sheet::{Moment, Rows};
use super::table::Tables;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Of, Row};

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Detectors.
    #[arg(required = true, value_name = "DETECTOR")]
    files: Vec<PathBuf>,
    /// Show only the detector of this entity, of a set.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Limit {
    /// Detector to read.
    #[arg(value_name = "DETECTOR")]
    detector: PathBuf,
    /// File to write.
    #[arg(long, value_name = "DETECTOR")]
    out: PathBuf,
    #[command(flatten)]
    limit: LimitArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Detector.
    #[arg(value_name = "DETECTOR")]
    detector: PathBuf,
    #[command(flatten)]
    tables: Tables,
    /// Time of the row, or its line where the table has no times; by default the row with the highest score.
    #[arg(long, value_name = "TIME", value_parser = at)]
    at: Option<i64>,
    /// Whose rows are meant, of a set of detectors; by default those of whom a row has the highest score.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn at(text: &str) -> std::result::Result<i64, String> {
    // A small number is a line; times are written otherwise, or have many digits.
    text.parse::<i64>().ok().filter(|line| *line < 1_000_000_000).map_or_else(|| parse_time_ms(text), Ok)
}

/// A detector in a list.
#[derive(Serialize)]
struct Shown {
    file: String,
    kind: &'static str,
    columns: usize,
    window: usize,
    rows: usize,
    limit: String,
    threshold: f64,
    expected_alarms_per_day: f64,
    held_out_rows: usize,
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] = &[
        "file",
        "kind",
        "columns",
        "window",
        "rows",
        "limit",
        "threshold",
        "expected alarms a day",
        "held-out rows",
    ];
    fn cells(&self) -> Vec<Cell> {
        let count = |n: usize| Cell::Count(n as u64);
        vec![
            self.file.as_str().into(),
            self.kind.into(),
            count(self.columns),
            count(self.window),
            count(self.rows),
            self.limit.as_str().into(),
            self.threshold.into(),
            self.expected_alarms_per_day.into(),
            count(self.held_out_rows),
        ]
    }
}

fn shown(path: &Path, detector: &Detector) -> Shown {
    Shown {
        file: path.display().to_string(),
        kind: detector.kind().name,
        columns: detector.columns().len(),
        window: detector.window(),
        rows: detector.trained_on().0,
        limit: in_words(detector.rule(), detector.follow()),
        threshold: detector.threshold(),
        expected_alarms_per_day: detector.expected_alarms_per_day(),
        held_out_rows: detector.n_held_out(),
    }
}

/// Shows what a file holds.
pub(super) fn tell(path: &Path, file: &DetectorFile, format: Format) -> Result<()> {
    show_all(format, file.by(), &of_file(path, file, None)?)
}

pub(super) fn show(args: &Show) -> Result<Outcome> {
    let (mut all, mut by) = (Vec::new(), None);
    for path in &args.files {
        let file = kept::load(path)?;
        all.extend(of_file(path, &file, args.entity.as_deref())?);
        by = by.or_else(|| file.by().map(str::to_owned));
    }
    show_all(args.format, by.as_deref(), &all)?;
    Ok(Outcome::Fine)
}

fn of_file(path: &Path, file: &DetectorFile, entity: Option<&str>) -> Result<Vec<Of<Shown>>> {
    let of = |(entity, detector): (Option<&str>, &Detector)| Of {
        entity: entity.map(str::to_owned),
        row: shown(path, detector),
    };
    Ok(kept::meant(file, entity)?.into_iter().map(of).collect())
}

fn show_all(format: Format, by: Option<&str>, all: &[Of<Shown>]) -> Result<()> {
    match all {
        [Of { entity: None, row }] => list::one(format, row),
        all => list::list_by(format, by, all, "No detectors."),
    }
}

pub(super) fn limit(args: &Limit) -> Result<Outcome> {
    kept::check_new(&args.out)?;
    let file = kept::load(&args.detector)?;
    let (rule, follow) = (args.limit.rule(), args.limit.follow(file.any().trained_on().1));
    if rule.is_none() && follow.is_none() {
        return Err(
            Failure::user("no limit is given").hint("use --alarms-per-day, --risk, --epsilon or --follow")
        );
    }
    let set = |detector: Detector| {
        let (rule, follow) = (rule.unwrap_or(detector.rule()), follow.unwrap_or(detector.follow()));
        detector.with_threshold(rule, follow)
    };
    let file = match file {
        DetectorFile::One(detector) => set(*detector).map(|detector| DetectorFile::One(Box::new(detector))),
        DetectorFile::Set(all) => all.map(&|_, detector| set(detector)).map(DetectorFile::Set),
    };
    let file = file.map_err(Failure::user)?;
    kept::save(&args.out, &file)?;
    tell(&args.out, &file, args.format)?;
    Ok(Outcome::Fine)
}

/// What a column contributes.
#[derive(Serialize)]
struct Contribution {
    column: String,
    /// The value in the row; none for a gap.
    value: Option<f32>,
    contribution: f64,
    share: f64,
}

impl Row for Contribution {
    const COLUMNS: &'static [&'static str] = &["column", "value", "contribution", "share"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.column.as_str().into(),
            self.value.map(f64::from).into(),
            self.contribution.into(),
            format!("{:.0}%", 100.0 * self.share).into(),
        ]
    }
}

pub(super) fn explain(args: &Explain) -> Result<Outcome> {
    let file = kept::load(&args.detector)?;
    let wrong = |error: lanner_deep::ColumnsError| Failure::user(error.to_string());
    let (mut best, mut missed) = (None, None);
    for part in args.tables.parts(&file, None, args.entity.as_deref())? {
        let detector = part.detector(&file);
        let judged = detector.judge(&part.rows.frame, &mut detector.limit()).map_err(wrong)?;
        let found = args.at.map_or_else(|| highest(&judged.scores), |at| index_of(&part.rows, at));
        match found {
            Ok(index) => {
                let score = judged.scores.get(index).copied().unwrap_or(f64::NAN);
                let is_best = best
                    .as_ref()
                    .is_none_or(|(highest, ..): &(f64, _, _, _)| score > *highest || highest.is_nan());
                if is_best {
                    best = Some((score, part, judged, index));
                }
            }
            Err(failure) => missed = Some(failure),
        }
    }
    let Some((score, part, judged, index)) = best else {
        return Err(missed.unwrap_or_else(|| Failure::undecided("no row could be scored")));
    };
    let (rows, detector) = (&part.rows, part.detector(&file));
    let mut parts = detector.explain(&rows.frame, index).map_err(wrong)?;
    // By the threshold of that row.
    let threshold = judged.thresholds.get(index).copied().unwrap_or(detector.threshold());
    parts.iter_mut().for_each(|part| *part *= detector.threshold() / threshold);
    if parts.is_empty() {
        return Err(Failure::user(format!(
            "the row has fewer than {} rows before it",
            detector.window() - 1
        ))
        .hint("give the rows before it, too"));
    }
    let moment = rows.at.get(index).copied().flatten().map(Moment::text).unwrap_or_default();
    let whose = part.entity.as_ref().zip(file.by()).map(|(entity, by)| format!("{by} {entity}, "));
    remark(&format!("{}{moment}: score {}", whose.unwrap_or_default(), list::short(score)));
    list::list(args.format, &contributions(detector, rows.frame.row(index), &parts), "No columns.")?;
    Ok(Outcome::Fine)
}

/// What each column of a row contributes, most first.
fn contributions(detector: &Detector, row: &[f32], parts: &[f64]) -> Vec<Contribution> {
    let sum: f64 = parts.iter().filter(|part| **part > 0.0).sum();
    let values = row.iter().map(|value| Some(*value).filter(|value| value.is_finite()));
    let mut found: Vec<Contribution> = (detector.columns().iter().zip(values).zip(parts))
        .map(|((column, value), part)| Contribution {
            column: column.clone(),
            value,
            contribution: *part,
            share: if sum > 0.0 { part.max(0.0) / sum } else { 0.0 },
        })
        .collect();
    found.sort_by(|a, b| b.contribution.total_cmp(&a.contribution));
    found
}

fn highest(scores: &[f64]) -> Result<usize> {
    let finite = scores.iter().enumerate().filter(|(_, score)| score.is_finite());
    let highest = finite.max_by(|a, b| a.1.total_cmp(b.1)).map(|(index, _)| index);
    highest.ok_or_else(|| {
        Failure::undecided("no row could be scored").hint("give more rows: a score looks at several")
    })
}

fn index_of(rows: &Rows, wanted: i64) -> Result<usize> {
    let is_wanted = |moment: &Option<Moment>| match moment {
        Some(Moment::Time(time)) => time.0 == wanted,
        Some(Moment::Line(line)) => *line == wanted,
        None => false,
    };
    let found = rows.at.iter().position(is_wanted);
    found.ok_or_else(|| {
        Failure::user("no row has the time, or line, that --at names").hint("times must match exactly")
    })
}
