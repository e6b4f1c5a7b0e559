//! `lanner api score`: what a model says of the sessions of a log.

use std::path::PathBuf;

use lanner_traffic::{Drift, Session};

use super::log::LogArgs;
use super::outcome::SessionRow;
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Format};

/// Reasons given for a session.
const N_REASONS: usize = 3;

/// Score the sessions of an access log by a model, and list those that are flagged, with the reasons.
///
/// Says on standard error when traffic has drifted so far that the model should be learned again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner api score today.log --model model.json
  lanner api score today.log --model model.json --all --format csv

Exit codes: 0 when nothing was flagged, 1 when something was, 2 for invalid input or nothing to read, 3 for a
failure.")]
pub(super) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// File of the model, as `lanner api learn` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// List all sessions, not only those flagged.
    #[arg(long)]
    all: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::load(&args.model)?;
    let log = args.log.read()?;
    let sessions = log.recording.traffic(&model.templates, &model.endpoints, log.settings).sessions;
    let mut scored: Vec<_> = sessions.iter().map(|session| (model.score(session, 0), session)).collect();
    scored.sort_by(|a, b| b.0.probability.total_cmp(&a.0.probability).then_with(|| a.1.key.cmp(&b.1.key)));
    let is_any_flagged = scored.iter().any(|(verdict, _)| verdict.is_flagged);
    let shown = scored.iter().filter(|(verdict, _)| args.all || verdict.is_flagged);
    let rows: Vec<SessionRow> =
        shown.map(|(_, session)| SessionRow::scored(session, &model.score(session, N_REASONS))).collect();
    list::list(args.format, &rows, "No session is flagged.")?;
    let usual: Vec<&Session> =
        scored.iter().filter(|(verdict, _)| !verdict.is_flagged).map(|(_, session)| *session).collect();
    if let Some(drift) = Drift::new(&model.baseline, &usual).filter(Drift::is_large) {
        remark(&format!("traffic has drifted since the model was learned, so learn it again: {drift}"));
    }
    Ok(Outcome::found(is_any_flagged))
}
