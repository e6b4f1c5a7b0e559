//! `lanner api pipeline`: from logs and labels to a model and its quality, as one file of steps.
//!
//! Reading order: [`Args`]; `file` (the file of steps), `steps` (what a step is kept under, and what of it is there), `run` (what each step
//! does), `runs` (what earlier runs came to).

mod file;
mod run;
mod runs;
mod steps;

use std::path::PathBuf;

use clap::Subcommand;

use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};
use file::Pipeline;
use steps::Kept;

/// Learn and evaluate models by a file of steps; only what changed is done again.
///
/// The steps are parse (a log), templates (its paths), features (its sessions, with labels), learn (a model), and evaluate (the model on
/// another log). What a step makes is kept in a folder beside the file, under the hash of what went into it: contents of files,
/// settings, and what the step before it made. The same files, settings and seed give the same model, to the last byte. A run that was
/// interrupted goes on where it was. What the last ten runs made is kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api pipeline run pipeline.yaml
  lanner api pipeline status pipeline.yaml
  lanner api pipeline runs pipeline.yaml
  lanner api pipeline compare pipeline.yaml 3 4

A file of steps; all but log and labels may be left out:
  steps:
    parse: { log: access.log, log_format: combined, key: client-agent }
    templates: { openapi: openapi.yaml }
    features: { labels: labels.csv, idle: 30m }
    learn: { aim: f1, trees: 150, tune: 20, seed: 1, output: model.json }
    evaluate: { log: tomorrow.log, labels: tomorrow.csv }")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do the steps of which something changed.
    #[command(after_help = "\
Examples:
  lanner api pipeline run pipeline.yaml
  lanner api pipeline run pipeline.yaml --format json")]
    Run {
        #[command(flatten)]
        which: Which,
    },
    /// Show which steps would be done.
    #[command(after_help = "\
Examples:
  lanner api pipeline status pipeline.yaml

Exit codes: 0 when nothing is to be done, 1 when something is, 2 for invalid input, 3 for a failure.")]
    Status {
        #[command(flatten)]
        which: Which,
    },
    /// List the runs, with what changed in each and how good its model is.
    #[command(after_help = "\
Examples:
  lanner api pipeline runs pipeline.yaml")]
    Runs {
        #[command(flatten)]
        which: Which,
    },
    /// Compare two runs: settings, data and quality that differ.
    #[command(after_help = "\
Examples:
  lanner api pipeline compare pipeline.yaml 3 4

Exit codes: 0 when nothing differs, 1 when something does, 2 for invalid input, 3 for a failure.")]
    Compare {
        #[command(flatten)]
        which: Which,
        /// Number of a run.
        before: u64,
        /// Number of another.
        after: u64,
    },
}

/// Which pipeline.
#[derive(Debug, clap::Args)]
struct Which {
    /// File of steps, in YAML.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder for what steps make; by default the name of the file with .kept at the end.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Which {
    fn read(&self) -> Result<Pipeline> {
        Pipeline::read(&self.file)
    }

    fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| self.file.with_extension("kept"))
    }
}

/// A step, as it is listed.
impl Row for steps::Done {
    const COLUMNS: &'static [&'static str] = &["step", "state", "seconds", "made"];

    fn cells(&self) -> Vec<Cell> {
        vec![
            self.step.as_str().into(),
            self.state.into(),
            self.seconds.into(),
            self.made.as_ref().map(|made| made.chars().take(12).collect::<String>()).into(),
        ]
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Run { which } => {
            let pipeline = which.read()?;
            let mut kept = Kept::open(&which.folder())?;
            let run = run::run(&pipeline, &mut kept)?;
            list::list(which.format, &run.steps, "")?;
            runs::tell(&run);
            Ok(Outcome::Fine)
        }
        Command::Status { which } => {
            let steps = run::status(&which.read()?, &Kept::look(&which.folder()))?;
            list::list(which.format, &steps, "")?;
            Ok(Outcome::found(steps.iter().any(|step| step.state != steps::KEPT)))
        }
        Command::Runs { which } => {
            let runs = runs::all(&which.folder())?;
            list::list(which.format, &runs::rows(&runs), "No runs.")?;
            Ok(Outcome::Fine)
        }
        Command::Compare { which, before, after } => {
            let runs = runs::all(&which.folder())?;
            let find = |number: &u64| {
                let unknown = || Failure::user(format!("there is no run {number}"));
                runs.iter()
                    .find(|run| run.run == *number)
                    .ok_or_else(|| unknown().hint("`lanner api pipeline runs` lists them"))
            };
            let differences = runs::differences(find(before)?, find(after)?);
            list::list(which.format, &differences, "Nothing differs.")?;
            Ok(Outcome::found(!differences.is_empty()))
        }
    }
}
