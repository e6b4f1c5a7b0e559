//! `lanner restore`: puts a backup into a data folder.

use std::path::PathBuf;

use lanner_io::store::{Store, StoreError};

use super::shared;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::progress;

/// Restore a backup into a data folder that no server is using.
///
/// The backup is copied and checked completely before anything in the folder changes; a backup of an earlier release is
/// upgraded. A folder that holds data is refused unless --force is given. Then its data is moved to lanner.replaced-1 inside
/// the folder, which can be served or exported like any data folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner restore /var/backups/lanner-2026-12-01.db --data /var/lib/lanner
  lanner restore backup.db --data restored && lanner serve --data restored
  lanner restore backup.db --data /var/lib/lanner --force

Exit codes: 0 when all of the backup is what was written, 1 when a rule, a switch, another document, a silence or the audit is not,
which is listed; the rest is in force. A backup that is damaged otherwise is refused with 3.")]
pub(crate) struct Args {
    /// File that `lanner backup` wrote.
    #[arg(value_name = "BACKUP")]
    file: PathBuf,
    /// Data folder to restore into, created if missing.
    #[arg(long, env = "LANNER_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Replace the data in the folder; it is moved aside, not deleted.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let restored = Store::restore(&args.file, &args.data, args.force).map_err(failure)?;
    let (file, folder) = (args.file.display(), args.data.display());
    let size = progress::scaled(restored.n_bytes as f64);
    remark(&format!("{folder} now holds the backup {file} ({size}B)"));
    if let Some(replaced) = &restored.replaced {
        remark(&format!("the data that was there is kept in {}", replaced.display()));
    }
    for line in &restored.damaged {
        remark(&format!("damaged in the backup: {line}"));
    }
    if let Some(place) = shared::state_elsewhere(&args.data) {
        remark(&format!(
            "the backup holds no state (rules, alerts, switches, messages): its server kept that in {place}; restore that database as well, and start the server with the configuration that names it"
        ));
    }
    remark(&format!("start the server: lanner serve --data {folder}"));
    Ok(Outcome::found(!restored.damaged.is_empty()))
}

/// What the disk does to us is not the user's mistake; what was named is.
fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::InUse { .. }
        | StoreError::HoldsData { .. }
        | StoreError::NotABackup { .. }
        | StoreError::TooNew { .. } => Failure::user(error.to_string()),
        error => Failure::program(error.to_string()),
    }
}
