//! `lanner man`: the manual pages, for packages.

use std::path::PathBuf;

use crate::failure::{Failure, Outcome, Result};

/// Write a manual page for each command into a folder.
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "\
Examples:
  lanner man ~/.local/share/man/man1"
)]
pub(crate) struct Args {
    /// Folder to write to, created if missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// `program` is the whole command line.
pub(crate) fn run(args: &Args, program: clap::Command) -> Result<Outcome> {
    std::fs::create_dir_all(&args.folder)
        .and_then(|()| clap_mangen::generate_to(program, &args.folder))
        .map_err(|error| Failure::file("write to", &args.folder, &error))?;
    Ok(Outcome::Fine)
}
