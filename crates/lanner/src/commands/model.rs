//! `lanner model`: what a file with a model is, and the models that a server keeps.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lanner_core::time::format_time;
use lanner_wire::api::{ModelView, PromoteModel, RollBackModel};
use reqwest::Method;
use serde::Serialize;

use super::shared::Shared;
use crate::client::{self, Access, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::models::{self, Model};

/// Show what a file with a model is, and manage the models that a server keeps.
///
/// Models are written by `lanner api learn`, `lanner detector train` and `lanner profile learn`, and by LightGBM and XGBoost. They never
/// change: the id of one is the SHA-256 of its file. A server keeps those of the kinds api and trees and detectors, and scores by the
/// champion of a kind. Detectors of one name are a kind, such as detector/web.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner model show model.json
  lanner model import model.json
  lanner model promote 9f86d081
  lanner model list")]
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
    /// Send a file with a model to a server, which keeps it.
    #[command(after_help = "\
Examples:
  lanner model import model.json")]
    Import {
        /// File with the model.
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the models that a server keeps.
    #[command(after_help = "\
Examples:
  lanner model list
  lanner model list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Make a model the champion of its kind, which decides.
    #[command(after_help = "\
Examples:
  lanner model promote 9f86d081 -m 'learned from last week'
  lanner model promote 9f86d081 --challenger")]
    Promote {
        /// Id of the model, or its first digits.
        id: String,
        /// Make it the challenger, which is asked as well and decides nothing.
        #[arg(long)]
        challenger: bool,
        /// Why, for the history.
        #[arg(short, long, default_value = "")]
        message: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Go back to the champion before the present one; once more, to the one before that.
    #[command(after_help = "\
Examples:
  lanner model rollback api -m 'too many alarms'
  lanner model rollback detector/web")]
    Rollback {
        /// Kind of models.
        kind: String,
        /// Why, for the history.
        #[arg(short, long, default_value = "")]
        message: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete a model from a server.
    #[command(after_help = "\
Examples:
  lanner model remove 9f86d081")]
    Remove {
        /// Id of the model, or its first digits.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

const MODELS: [&str; 3] = ["api", "v1", "models"];

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

impl Row for ModelView {
    const COLUMNS: &'static [&'static str] = &["id", "kind", "role", "threshold", "created", "metrics"];
    fn cells(&self) -> Vec<Cell> {
        let metrics = models::in_words(&self.metrics);
        vec![
            self.id.as_str().into(),
            self.kind.as_str().into(),
            self.role.clone().into(),
            self.threshold.into(),
            format_time(self.created.0).as_str().into(),
            (!metrics.is_empty()).then_some(metrics).into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Show { files, format } => show(files, *format),
        Command::List { shared } => client::with(&shared.server, async |client| {
            let models: Vec<ModelView> = client.get(&MODELS, &[]).await?;
            list::list(shared.format, &models, "No models; keep one with lanner model import FILE.")?;
            Ok(Outcome::Fine)
        }),
        Command::Import { file, server } => import(file, server),
        Command::Promote { id, challenger, message, server } => {
            let to = if *challenger { "challenger" } else { "champion" };
            change(server, async |client| {
                let id = whole(client, id).await?;
                let wanted = PromoteModel { to: to.to_owned(), message: message.clone() };
                let view: ModelView =
                    client.post(&[&MODELS[..], &[&id, "promote"]].concat(), &wanted).await?;
                Ok(format!("the model {} is the {to} of the kind {}", view.id, view.kind))
            })
        }
        Command::Rollback { kind, message, server } => change(server, async |client| {
            let wanted = RollBackModel { kind: kind.clone(), message: message.clone() };
            let view: ModelView = client.post(&[&MODELS[..], &["rollback"]].concat(), &wanted).await?;
            Ok(format!("the model {} is the champion of the kind {} again", view.id, view.kind))
        }),
        Command::Remove { id, server } => change(server, async |client| {
            let id = whole(client, id).await?;
            client.act(Method::DELETE, &[&MODELS[..], &[&id]].concat()).await?;
            Ok(format!("the model {id} is deleted"))
        }),
    }
}

/// Changes something, and says what.
fn change(server: &ServerArgs, work: impl AsyncFnOnce(&Client) -> Result<String>) -> Result<Outcome> {
    client::with_access(server, Access::Change, async |client| {
        remark(&work(client).await?);
        Ok(Outcome::Fine)
    })
}

fn import(file: &Path, server: &ServerArgs) -> Result<Outcome> {
    let bytes = std::fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
    change(server, async |client| {
        let view: ModelView = client.post_lines(&MODELS, bytes).await?;
        Ok(format!("the model {} of the kind {} is kept", view.id, view.kind))
    })
}

/// The id that begins so.
async fn whole(client: &Client, start: &str) -> Result<String> {
    let models: Vec<ModelView> = client.get(&MODELS, &[]).await?;
    let mut found = models.into_iter().filter(|model| model.id.starts_with(start)).map(|model| model.id);
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => {
            Err(Failure::user(format!("there is no model \"{start}\"")).hint("see lanner model list"))
        }
        _ => Err(Failure::user(format!("several models begin with \"{start}\"")).hint("write more digits")),
    }
}

fn show(files: &[PathBuf], format: Format) -> Result<Outcome> {
    let shown = |path: &PathBuf| {
        let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
        let file = path.display().to_string();
        let model = models::read(&bytes).map_err(|why| Failure::user(format!("{file} {why}")))?;
        Ok(Shown { file, model })
    };
    let shown: Vec<Shown> = files.iter().map(shown).collect::<Result<_>>()?;
    match &shown[..] {
        [one] => list::one(format, one)?,
        all => list::list(format, all, "No models.")?,
    }
    Ok(Outcome::Fine)
}
