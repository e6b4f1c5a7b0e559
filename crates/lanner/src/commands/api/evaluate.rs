//! `lanner api evaluate`: how good a model is on a log with labels.

use std::path::{Path, PathBuf};

use lanner_boost::{Outcomes, outcomes_at};
use lanner_quality::{Scored, auc_pr, auc_roc};
use lanner_traffic::Session;
use serde::Serialize;

use super::labels::Labels;
use super::log::LogArgs;
use super::pictures::Pictures;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};

/// Evaluate a model on an access log with labels that it was not learned from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api evaluate tomorrow.log --model model.json --labels labels.csv
  lanner api evaluate tomorrow.log --model model.json --labels labels.csv --html model.html")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// File of the model, as `lanner api learn` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Table of labels, as for `lanner api learn`.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Also write a report of pictures: thresholds, importance and effect of features; one file, which loads nothing.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How good it is.
#[derive(Debug, Serialize)]
struct Quality {
    sessions: u64,
    anomalous: u64,
    threshold: f64,
    f1: f64,
    precision: f64,
    recall: f64,
    false_alarm_rate: f64,
    auc_roc: f64,
    auc_pr: f64,
}

impl Row for Quality {
    const COLUMNS: &'static [&'static str] = &[
        "sessions",
        "anomalous",
        "threshold",
        "f1",
        "precision",
        "recall",
        "false_alarm_rate",
        "auc_roc",
        "auc_pr",
    ];

    fn cells(&self) -> Vec<Cell> {
        let numbers = [
            self.threshold,
            self.f1,
            self.precision,
            self.recall,
            self.false_alarm_rate,
            self.auc_roc,
            self.auc_pr,
        ];
        let counts = [self.sessions, self.anomalous];
        counts.into_iter().map(Cell::Count).chain(numbers.into_iter().map(Cell::Number)).collect()
    }
}

impl Quality {
    /// Names and values for people.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let cells = self.cells();
        Self::COLUMNS.iter().copied().zip(cells.iter().map(Cell::for_people)).collect()
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::load(&args.model)?;
    let log = args.log.read()?;
    let labels = Labels::read(&args.labels)?;
    let sessions = log.recording.traffic(&model.templates, &model.endpoints, log.settings).sessions;
    let known = labels.of(&sessions, &log.recording);
    let (sessions, labels): (Vec<&Session>, Vec<bool>) =
        sessions.iter().zip(known).filter_map(|(session, label)| Some((session, label?))).unzip();
    let scores: Vec<f64> = sessions.iter().map(|session| model.score(session, 0).probability).collect();
    let scored = Scored::new(&labels, &scores).map_err(|error| Failure::undecided(error.to_string()))?;
    let outcomes: Outcomes = outcomes_at(&scores, &labels, model.threshold);
    let quality = Quality {
        sessions: labels.len() as u64,
        anomalous: labels.iter().filter(|label| **label).count() as u64,
        threshold: model.threshold,
        f1: outcomes.f1(),
        precision: outcomes.precision(),
        recall: outcomes.recall(),
        false_alarm_rate: outcomes.false_alarm_rate(),
        auc_roc: auc_roc(&scored),
        auc_pr: auc_pr(&scored),
    };
    list::one(args.format, &quality)?;
    if let Some(path) = &args.html {
        let pictures = Pictures {
            title: format!("Sessions of {} by {}", args.log.name(), args.model.display()),
            model: &model,
            sessions: &sessions,
            probabilities: &scores,
            labels: &labels,
            facts: quality.facts(),
        };
        write_report(path, &pictures)?;
    }
    Ok(Outcome::Fine)
}

fn write_report(path: &Path, pictures: &Pictures<'_>) -> Result<()> {
    let failed = |error: &std::io::Error| Failure::file("write", path, error);
    let mut page = Vec::new();
    pictures.write(&mut page)?;
    std::fs::write(path, page).map_err(|error| failed(&error))?;
    remark(&format!("the report is in {}, to open in a browser", path.display()));
    Ok(())
}
