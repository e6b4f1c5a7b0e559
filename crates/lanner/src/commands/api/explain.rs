//! `lanner api explain`: why a model scores a client's sessions as it does.

use std::path::PathBuf;

use super::log::LogArgs;
use super::outcome::SessionRow;
use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Format};

/// Explain the score of a client's sessions: every feature that raises it, beside its normal range.
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

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::load(&args.model)?;
    let log = args.log.read()?;
    let sessions = log.recording.traffic(&model.templates, &model.endpoints, log.settings).sessions;
    let is_asked = |key: &str| key == args.client || key.split(' ').next() == Some(args.client.as_str());
    let rows: Vec<SessionRow> = sessions
        .iter()
        .filter(|session| is_asked(&session.key))
        .map(|session| SessionRow::scored(session, &model.score(session, args.reasons)))
        .collect();
    if rows.is_empty() {
        return Err(Failure::user(format!("the log has no client \"{}\"", args.client))
            .hint("`lanner api score --all` lists the clients"));
    }
    rows.iter().try_for_each(|row| list::one(args.format, row))?;
    Ok(Outcome::Fine)
}
