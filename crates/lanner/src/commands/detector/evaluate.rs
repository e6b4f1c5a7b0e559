//! `lanner detector evaluate`: how well detectors find known incidents.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use lanner_deep::{Detector, DetectorFile, Judged};
use lanner_quality::{Scored, affiliation_f, auc_pr, events, point_adjusted_f1, vus};
use serde::Serialize;

use super::report::Report;
use super::sheet::Rows;
use super::table::{Part, Tables};
use super::{kept, score, tsb};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Of, Row};

/// Edges of incidents are as uncertain as up to so many rows.
const LARGEST_BUFFER: usize = 15;

/// Rows above the threshold with fewer rows between them are one alarm.
const MERGED_WITHIN: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    tables: Tables,
    /// Column of 0 and 1 that marks known incidents.
    #[arg(long, value_name = "COLUMN", required_unless_present = "tsb_ad")]
    label: Option<String>,
    /// Also write a report of charts, for one detector: one file, which loads nothing.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Measure only the detector of this entity, of a set.
    #[arg(long, value_name = "NAME")]
    entity: Option<String>,
    #[command(flatten)]
    tsb: tsb::TsbArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How well a detector did.
#[derive(Debug, Serialize)]
struct Quality {
    detector: String,
    kind: &'static str,
    incidents: usize,
    found: usize,
    false_alarms_per_day: f64,
    expected_alarms_per_day: f64,
    vus_pr: f64,
    vus_roc: f64,
    auc_pr: f64,
    f1: f64,
    affiliation_f1: f64,
    point_adjusted_f1: f64,
}

impl Row for Quality {
    const COLUMNS: &'static [&'static str] = &[
        "detector",
        "kind",
        "incidents",
        "found",
        "false alarms a day",
        "expected",
        "VUS-PR",
        "VUS-ROC",
        "AUC-PR",
        "F1",
        "affiliation F1",
        "point-adjusted F1",
    ];
    fn cells(&self) -> Vec<Cell> {
        // What nothing can be said of, as no incident is marked, is no number.
        let rounded = |value: f64| match value {
            value if value.is_nan() => Cell::Nothing,
            value => Cell::Number((value * 1e3).round() / 1e3),
        };
        vec![
            self.detector.as_str().into(),
            self.kind.into(),
            Cell::Count(self.incidents as u64),
            Cell::Count(self.found as u64),
            rounded(self.false_alarms_per_day),
            rounded(self.expected_alarms_per_day),
            rounded(self.vus_pr),
            rounded(self.vus_roc),
            rounded(self.auc_pr),
            rounded(self.f1),
            rounded(self.affiliation_f1),
            rounded(self.point_adjusted_f1),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    if let Some(folder) = &args.tsb.tsb_ad {
        return tsb::run(folder, &args.tsb, args.format);
    }
    let (detectors, tables) = args.tables.split(lanner_deep::is_detector)?;
    if args.html.is_some() && detectors.len() > 1 {
        let message = format!("--html shows one detector, and {} are given", detectors.len());
        return Err(Failure::user(message).hint("evaluate them one by one"));
    }
    if let Some(html) = args.html.as_deref().filter(|html| args.tables.files.iter().any(|file| file == html))
    {
        return Err(Failure::user(format!("--html would replace {}", html.display())));
    }
    let (mut measured, mut by) = (Vec::new(), None);
    for path in &detectors {
        let file = kept::load(path)?;
        by = by.or_else(|| file.by().map(str::to_owned));
        measured.extend(measure(path, &file, &tables, args)?);
    }
    list::list_by(args.format, by.as_deref(), &measured, "No detectors.")?;
    tell_mean(by.as_deref(), &measured)?;
    Ok(Outcome::Fine)
}

/// The mean over those entities of a set that had incidents.
fn tell_mean(by: Option<&str>, measured: &[Of<Quality>]) -> Result<()> {
    let Some(by) = by else { return Ok(()) };
    let known: Vec<&Quality> = measured.iter().map(|it| &it.row).filter(|it| it.incidents > 0).collect();
    if known.is_empty() {
        return Err(Failure::undecided("no row is labelled as an incident, so there is nothing to find"));
    }
    let mean = |of: fn(&Quality) -> f64| known.iter().map(|it| of(it)).sum::<f64>() / known.len() as f64;
    let (vus_pr, f1) = (mean(|it| it.vus_pr), mean(|it| it.f1));
    remark(&format!("mean over {by}, {} with incidents: VUS-PR {vus_pr:.3}, F1 {f1:.3}", known.len()));
    Ok(())
}

/// How well the detectors of a file did, each on its own rows.
fn measure(path: &Path, file: &DetectorFile, tables: &Tables, args: &Args) -> Result<Vec<Of<Quality>>> {
    let parts = tables.parts(file, args.label.as_deref(), args.entity.as_deref())?;
    if args.html.is_some() && parts.len() > 1 {
        let message = format!("--html shows one detector, and {} has {}", path.display(), parts.len());
        return Err(Failure::user(message).hint("choose one with --entity"));
    }
    let one = |part: &Part| -> Result<Of<Quality>> {
        let (detector, rows) = (part.detector(file), &part.rows);
        let judged = detector.judge(&rows.frame, &mut detector.limit());
        let judged = judged.map_err(|error| Failure::user(error.to_string()))?;
        let quality = quality(path, detector, part, &judged.scores)?;
        if let Some(html) = &args.html {
            write_report(html, detector, rows, &judged, &quality)?;
        }
        Ok(Of { entity: part.entity.clone(), row: quality })
    };
    parts.iter().map(one).collect()
}

/// How well a detector did on rows; of one of several entities also where no incident is marked among them.
fn quality(path: &Path, detector: &Detector, part: &Part, scores: &[f64]) -> Result<Quality> {
    let rows = &part.rows;
    let scores: Vec<f64> = scores.iter().map(|score| if score.is_nan() { 0.0 } else { *score }).collect();
    let incidents = events(&rows.is_marked);
    let is_hit = |incident: &&std::ops::Range<usize>| {
        scores.get((*incident).clone()).is_some_and(|scores| scores.iter().any(|score| *score > 1.0))
    };
    let unknown = Quality {
        detector: path.display().to_string(),
        kind: detector.kind().name,
        incidents: incidents.len(),
        found: incidents.iter().filter(is_hit).count(),
        false_alarms_per_day: false_alarms_per_day(detector, rows, &scores),
        expected_alarms_per_day: detector.expected_alarms_per_day(),
        vus_pr: f64::NAN,
        vus_roc: f64::NAN,
        auc_pr: f64::NAN,
        f1: f64::NAN,
        affiliation_f1: f64::NAN,
        point_adjusted_f1: f64::NAN,
    };
    if incidents.is_empty() && part.entity.is_some() {
        return Ok(unknown);
    }
    let wrong = |error: lanner_quality::MetricError| Failure::undecided(error.to_string());
    let scored = Scored::new(&rows.is_marked, &scores).map_err(wrong)?;
    let vus = vus(&scored, LARGEST_BUFFER);
    Ok(Quality {
        vus_pr: vus.pr,
        vus_roc: vus.roc,
        auc_pr: auc_pr(&scored),
        f1: f1(&rows.is_marked, &scores),
        affiliation_f1: affiliation_f(&scored),
        point_adjusted_f1: point_adjusted_f1(&scored),
        ..unknown
    })
}

fn write_report(
    path: &Path,
    detector: &Detector,
    rows: &Rows,
    judged: &Judged,
    quality: &Quality,
) -> Result<()> {
    let failed = |error: std::io::Error| Failure::file("write", path, &error);
    let facts = Quality::COLUMNS
        .iter()
        .zip(quality.cells())
        .map(|(name, cell)| ((*name).to_owned(), cell.for_people()));
    let report = Report {
        title: format!("{}, {}", quality.detector, detector.kind().name),
        detector,
        rows,
        judged,
        findings: &score::findings(detector, rows, &judged.scores),
        details: detector.details(&rows.frame).map_err(|error| Failure::user(error.to_string()))?,
        facts: facts.collect(),
    };
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(failed)?);
    report.write(&mut file)?;
    file.flush().map_err(failed)?;
    remark(&format!("the report is in {}, to open in a browser", path.display()));
    Ok(())
}

/// Runs of rows above the threshold outside of incidents.
fn false_alarms_per_day(detector: &Detector, rows: &Rows, scores: &[f64]) -> f64 {
    let judged = scores.iter().zip(&rows.is_marked).enumerate();
    let above: Vec<usize> =
        judged.filter(|(_, (score, is_marked))| **score > 1.0 && !**is_marked).map(|(at, _)| at).collect();
    let n = above.chunk_by(|a, b| b - a <= MERGED_WITHIN).count() as f64;
    let n_usual = rows.is_marked.iter().filter(|is_marked| !**is_marked).count().max(1) as f64;
    n / n_usual * detector.trained_on().1
}

/// At the threshold, every row counted.
fn f1(is_marked: &[bool], scores: &[f64]) -> f64 {
    let n_hits =
        is_marked.iter().zip(scores).filter(|(is_marked, score)| **is_marked && **score > 1.0).count();
    let n_found = scores.iter().filter(|score| **score > 1.0).count();
    let n_marked = is_marked.iter().filter(|is_marked| **is_marked).count();
    2.0 * n_hits as f64 / (n_found + n_marked).max(1) as f64
}
