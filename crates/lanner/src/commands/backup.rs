//! `lanner backup`: a copy of everything, made while the server runs.

use std::path::PathBuf;

use crate::client::{self, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::progress::{self, Progress};
use crate::target::Target;

/// Copy everything into one file, while the server runs.
///
/// To restore it, put the file into a folder of its own under the name lanner.db, and run `lanner serve --data` with that
/// folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner backup /var/backups/lanner-2026-12-01.db
  lanner backup restored/lanner.db && lanner serve --data restored")]
pub(crate) struct Args {
    /// The file to write; it must not exist.
    file: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    client::with(&args.server, async |client| backup(args, client).await)
}

async fn backup(args: &Args, client: &Client) -> Result<Outcome> {
    let mut target = Target::file(&args.file, args.force)?;
    let path = ["api", "v1", "backup"];
    let mut response = progress::waiting("copying the data on the server", client.stream(&path, &[])).await?;
    let expected = response.content_length();
    let mut progress = Progress::new("fetching", "bytes", expected);
    let mut n_bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| client.unreachable(&error))? {
        if n_bytes == 0 && !chunk.starts_with(b"SQLite format 3\0") {
            return Err(Failure::program("what the server sent is not a copy of its data")
                .hint("is it Lanner that answers there?"));
        }
        target.write(&chunk)?;
        n_bytes += chunk.len() as u64;
        progress.at(n_bytes, n_bytes);
    }
    if n_bytes == 0 || expected.is_some_and(|expected| expected != n_bytes) {
        let expected = expected.map_or_else(|| "more".to_owned(), |bytes| bytes.to_string());
        return Err(Failure::program(format!("{n_bytes} bytes came instead of {expected}"))
            .hint("nothing was kept; try again"));
    }
    target.keep()?;
    let took = progress.finish();
    let size = progress::scaled(n_bytes as f64);
    remark(&format!("{} holds {size}B, written in {}", args.file.display(), progress::duration(took)));
    Ok(Outcome::Fine)
}
