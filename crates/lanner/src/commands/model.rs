//! `lanner model`: what a file with a model is.

use std::path::PathBuf;

use clap::Subcommand;
use serde::Serialize;

use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};
use crate::models::{self, Model};

/// Show what a file with a model is.
///
/// Models are written by `lanner api learn` and `lanner profile learn`, and by LightGBM and XGBoost. They never change: the
/// id of one is the SHA-256 of its file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner model show model.json
  lanner model show --format json host.profile model.json")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show kind, id, threshold, the data it was learned from, and how well it did.
    #[command(after_help = "\
Examples:
  lanner model show model.json
  lanner model show --format json host.profile model.json")]
    Show {
        /// Files with models.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// A model in a list.
#[derive(Serialize)]
struct Shown {
    file: String,
    #[serde(flatten)]
    model: Model,
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["file", "kind", "id", "bytes", "about", "data", "threshold", "metrics"];
    fn cells(&self) -> Vec<Cell> {
        let Model { id, kind, bytes, facts } = &self.model;
        let metrics = models::in_words(&facts.metrics);
        vec![
            self.file.as_str().into(),
            (*kind).into(),
            id.as_str().into(),
            (*bytes as u64).into(),
            facts.about.as_str().into(),
            facts.data.clone().into(),
            facts.threshold.into(),
            (!metrics.is_empty()).then_some(metrics).into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let Command::Show { files, format } = &args.command;
    let shown = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
        let file = path.display().to_string();
        let model = models::read(&bytes).map_err(|why| Failure::user(format!("{file} {why}")))?;
        Ok(Shown { file, model })
    };
    let shown: Vec<Shown> = files.iter().map(shown).collect::<Result<_>>()?;
    match &shown[..] {
        [one] => list::one(*format, one)?,
        all => list::list(*format, all, "No models.")?,
    }
    Ok(Outcome::Fine)
}
