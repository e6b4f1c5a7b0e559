//! `lanner api learn`: a model from a log and its labels.

use std::path::PathBuf;

use super::examples::{Examples, Learning};
use super::labels::Labels;
use super::log::LogArgs;
use crate::failure::{Outcome, Result};
use crate::output;

/// Learn a model of anomalous sessions from an access log with labels.
///
/// The labels are a table with the columns label (anomalous or normal) and session (as the log names it) or client (an
/// address), as `lanner api labels` writes it of what was said on a server; where it has a column started, a label is of the session
/// that began then. The model holds the learned paths, what is usual among normal sessions, trees, and a threshold that was
/// chosen by cross-validation; its quality there is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api learn access.log --labels labels.csv --output model.json
  lanner api learn access.log --labels labels.csv --output model.json --aim alarms --alarms-per-day 5
  lanner api learn access.log --labels labels.csv --output model.json --aim cost --miss-cost 20")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Table of labels.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// File for the model.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    how: Learning,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let log = args.log.read()?;
    let labels = Labels::read(&args.labels)?;
    let (templates, endpoints) = log.recording.learn(&log.known_paths);
    let examples = Examples::new(&log.recording, (&templates, &endpoints), log.settings, &labels)?;
    let model = examples.learn(&templates, &endpoints, &args.how)?;
    super::model::save(&model, &args.output)?;
    let (n_anomalous, n_normal) = examples.counts();
    let note = |name: &str| model.notes[name].as_f64().unwrap_or_default();
    output::line(&format!(
        "{}: {n_anomalous} anomalous and {n_normal} normal sessions; unseen ones: F1 {:.3} (precision {:.3}, recall {:.3}), \
         {:.2} % of normal sessions flagged, threshold {:.3}",
        args.output.display(),
        note("f1"),
        note("precision"),
        note("recall"),
        note("false_alarm_rate") * 100.0,
        model.threshold
    ))?;
    Ok(Outcome::Fine)
}
