//! `lanner api explain`: why a model scores a client's sessions as it does.

use std::path::PathBuf;

use lanner_core::time::format_time;
use lanner_traffic::{Model, Nearest, Passing, Session, in_words};
use serde::Serialize;

use super::log::LogArgs;
use super::outcome::{self, SessionRow};
use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};

/// Explain the score of a client's sessions: the features that raise it, beside their normal ranges, what would have to be
/// different for the session to pass, and the session of the log that is most like it and passes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api explain today.log --model model.json --client 203.0.113.7")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// File of the model, as `lanner api learn` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Address of the client, or another key that --key makes.
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// Reasons given for each session.
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    reasons: usize,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A session and why it has its score.
#[derive(Debug, Serialize)]
struct Explained {
    #[serde(flatten)]
    session: SessionRow,
    /// What would have to be different for it not to be flagged.
    passes_with: Vec<String>,
    /// The session most like it that is not flagged.
    nearest: Option<NearestRow>,
}

/// The session most like a flagged one that passes.
#[derive(Debug, Serialize)]
struct NearestRow {
    client: String,
    start: String,
    /// What it has where the two differ most.
    differences: Vec<String>,
}

impl From<Nearest<'_>> for NearestRow {
    fn from(Nearest { session, differences }: Nearest<'_>) -> Self {
        let in_words = |(feature, value): (usize, f64)| in_words(feature, value, None);
        Self {
            client: outcome::client(&session.key).0,
            start: format_time(session.first_ms),
            differences: differences.into_iter().map(in_words).collect(),
        }
    }
}

impl NearestRow {
    fn cell(&self) -> Cell {
        let head = format!("{} at {}", self.client, self.start);
        std::iter::once(&head)
            .chain(&self.differences)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n")
            .into()
    }
}

impl Row for Explained {
    const COLUMNS: &'static [&'static str] =
        &["client", "start", "calls", "score", "why", "passes with", "nearest that passes"];

    fn cells(&self) -> Vec<Cell> {
        let passes_with =
            if self.passes_with.is_empty() { Cell::Nothing } else { self.passes_with.join("\n").into() };
        let nearest = self.nearest.as_ref().map_or(Cell::Nothing, NearestRow::cell);
        self.session.cells().into_iter().chain([passes_with, nearest]).collect()
    }
}

fn explained(model: &Model, session: &Session, passing: &Passing<'_>, n_reasons: usize) -> Explained {
    let verdict = model.score(session, n_reasons);
    let changes =
        model.counterfactual(session).map(|counterfactual| counterfactual.changes).unwrap_or_default();
    Explained {
        session: SessionRow::scored(session, &verdict),
        passes_with: changes.into_iter().map(|(feature, value)| in_words(feature, value, None)).collect(),
        nearest: passing.nearest(session).filter(|_| verdict.is_flagged).map(NearestRow::from),
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::load(&args.model)?;
    let log = args.log.read()?;
    let sessions = log.recording.traffic(&model.templates, &model.endpoints, log.settings).sessions;
    let is_asked = |key: &str| key == args.client || key.split(' ').next() == Some(args.client.as_str());
    let passing = Passing::new(&model, &sessions);
    let rows: Vec<Explained> = sessions
        .iter()
        .filter(|session| is_asked(&session.key))
        .map(|session| explained(&model, session, &passing, args.reasons))
        .collect();
    if rows.is_empty() {
        return Err(Failure::user(format!("the log has no client \"{}\"", args.client))
            .hint("`lanner api score --all` lists the clients"));
    }
    rows.iter().try_for_each(|row| list::one(args.format, row))?;
    Ok(Outcome::Fine)
}
