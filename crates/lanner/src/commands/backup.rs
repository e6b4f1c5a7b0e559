//! `lanner backup`: copies all data while the server runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lanner_io::store::Store;
use lanner_wire::api::Status;

use crate::client::{self, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::progress::{self, Progress};
use crate::target::Target;

/// Copy all data into one file, while the server runs, with what processors learned.
///
/// `lanner restore` puts the file into a data folder. State that is kept in a database (server.state) is not in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner backup /var/backups/lanner-2026-12-01.db
  lanner backup --data lanner-data copy.db            without a server
  lanner backup copy.db && lanner restore copy.db --data copy")]
pub(crate) struct Args {
    /// File to write; it must not exist.
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
    let target = Target::private(&args.file, args.force)?;
    let outcome = match client.store() {
        Some(store) => copied(args, target, store.clone()).await,
        None => fetched(args, target, client).await,
    };
    if outcome.is_ok() {
        tell_what_is_elsewhere(client).await;
    }
    outcome
}

/// Says what the copy does not hold.
async fn tell_what_is_elsewhere(client: &Client) {
    // Who may copy everything may also ask how the server is; whoever may not is told nothing more.
    let status: Option<Status> = client.get(&["api", "v1", "status"], &[]).await.ok();
    if let Some(place) = status.and_then(|status| status.store.state) {
        remark(&format!(
            "it holds series, events and findings; rules, alerts, switches, messages and the audit are not in it: back up {place} \
             as well, for example with pg_dump --schema=lanner"
        ));
    }
}

/// Copies the data folder that this process holds, in which nothing may change.
async fn copied(args: &Args, target: Target, store: Store) -> Result<Outcome> {
    let part = target.part().map(Path::to_owned).unwrap_or_default();
    let file = part.clone();
    let mut progress = Progress::new("copying", "pages", None);
    let copied = tokio::task::spawn_blocking(move || store.backup_file(&file, &mut |_, _| ())).await;
    let copied = copied.map_err(|error| Failure::program(format!("copying failed: {error}")))?;
    copied.map_err(|error| Failure::program(format!("cannot copy the data: {error}")))?;
    let n_bytes = std::fs::metadata(&part).map_or(0, |file| file.len());
    progress.at(n_bytes, n_bytes);
    target.keep()?;
    tell(args, n_bytes, progress.finish());
    Ok(Outcome::Fine)
}

/// Fetches the copy that a running server makes.
async fn fetched(args: &Args, mut target: Target, client: &Client) -> Result<Outcome> {
    let path = ["api", "v1", "backup"];
    let mut response = progress::waiting("copying the data on the server", client.stream(&path, &[])).await?;
    let expected = response.content_length();
    let mut progress = Progress::new("fetching", "bytes", expected);
    let mut n_bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| client.unreachable(&error))? {
        if n_bytes == 0 && !chunk.starts_with(b"SQLite format 3\0") {
            return Err(
                Failure::program("the server did not send a copy of its data").hint("is it a Lanner server?")
            );
        }
        target.write(&chunk)?;
        n_bytes += chunk.len() as u64;
        progress.at(n_bytes, n_bytes);
    }
    if n_bytes == 0 || expected.is_some_and(|expected| expected != n_bytes) {
        let expected = expected.map_or_else(|| "more".to_owned(), |bytes| bytes.to_string());
        return Err(Failure::program(format!("received {n_bytes} bytes instead of {expected}"))
            .hint("nothing was kept; try again"));
    }
    target.keep()?;
    tell(args, n_bytes, progress.finish());
    Ok(Outcome::Fine)
}

fn tell(args: &Args, n_bytes: u64, took: Duration) {
    let size = progress::scaled(n_bytes as f64);
    remark(&format!("{} holds {size}B, written in {}", args.file.display(), progress::duration(took)));
}
