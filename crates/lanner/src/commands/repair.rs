//! `lanner repair`: recovers the intact data of a damaged data folder.

use std::path::PathBuf;

use lanner_io::store::{Repair, Repaired, Store, StoreError, StoreOptions};

use super::shared;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output;

/// Check a data folder and, if anything in it is damaged, copy all intact data into a new file.
///
/// The damaged file is kept as lanner.db.damaged-1. `lanner serve` does the same if it finds damage at startup; this
/// command checks everything and needs no server.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner repair lanner-data
  lanner repair /var/lib/lanner --format json

Exit codes: 0 when nothing is lost, 1 when something is, which is listed.")]
pub(crate) struct Args {
    /// Data folder; no server may be using it.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: output::ReportFormat,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    if !args.folder.is_dir() {
        return Err(Failure::user(format!("there is no folder {}", args.folder.display()))
            .hint("name the folder that `lanner serve --data` uses"));
    }
    let options = StoreOptions::default();
    let repaired = Store::repair(&args.folder, &options).map_err(|error| match error {
        StoreError::InUse { .. }
        | StoreError::NotAStore { .. }
        | StoreError::NotAFile { .. }
        | StoreError::TooNew { .. } => Failure::user(error.to_string()),
        error => Failure::program(error.to_string()),
    })?;
    match (&repaired, args.format) {
        (Repaired { repair: None, set_aside }, output::ReportFormat::Json) if set_aside.is_empty() => {
            output::json(&None::<Repair>)?;
        }
        (_, output::ReportFormat::Json) => output::json(&repaired)?,
        (_, output::ReportFormat::Text) => tell(&repaired)?,
    }
    let folder = args.folder.display();
    match &repaired.repair {
        Some(repair) => {
            remark(&format!("the damaged file is kept as {}", args.folder.join(&repair.kept_as).display()));
        }
        None if repaired.set_aside.is_empty() => remark(&format!("{folder} is intact; nothing was changed")),
        None => remark(&format!(
            "nothing in {folder} was changed; write what is damaged anew, or restore a backup"
        )),
    }
    if let Some(place) = shared::state_elsewhere(&args.folder) {
        remark(&format!("the state of the folder is kept in {place}, which was not looked at"));
    }
    Ok(Outcome::found(!repaired.is_without_loss()))
}

fn tell(Repaired { repair, set_aside }: &Repaired) -> Result<()> {
    repair.as_ref().map_or(Ok(()), tell_of_repair)?;
    set_aside.iter().try_for_each(|line| output::line(&format!("damaged, and set aside: {line}")))
}

fn tell_of_repair(repair: &Repair) -> Result<()> {
    output::line(&format!("damaged: {}", repair.reason))?;
    if repair.is_without_loss() {
        output::line("nothing is lost")?;
    }
    for line in repair.lines() {
        output::line(&format!("lost: {line}"))?;
    }
    let n_kept: u64 = repair.kept.values().sum();
    output::line(&format!("kept: {n_kept} rows of {} tables", repair.kept.len()))
}
