//! `lanner api evaluate`: how good a model is on a log with labels.

use std::path::PathBuf;

use lanner_boost::{Outcomes, outcomes_at};
use lanner_quality::{Scored, auc_pr, auc_roc};
use serde::Serialize;

use super::labels::Labels;
use super::log::LogArgs;
use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};

/// Evaluate a model on an access log with labels that it was not learned from.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api evaluate tomorrow.log --model model.json --labels labels.csv")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// File of the model, as `lanner api learn` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Table of labels, as for `lanner api learn`.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
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

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::load(&args.model)?;
    let log = args.log.read()?;
    let labels = Labels::read(&args.labels)?;
    let sessions = log.recording.traffic(&model.templates, &model.endpoints, log.settings).sessions;
    let known = labels.of(&sessions, &log.recording);
    let (scores, labels): (Vec<f64>, Vec<bool>) = sessions
        .iter()
        .zip(known)
        .filter_map(|(session, label)| label.map(|label| (model.score(session, 0).probability, label)))
        .unzip();
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
    Ok(Outcome::Fine)
}
