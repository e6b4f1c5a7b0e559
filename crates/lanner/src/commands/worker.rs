//! `lanner worker`: who evaluates what, where several servers share the work.

use clap::Subcommand;
use lanner_core::time::format_duration;
use lanner_wire::api::{ShardView, Status, WorkerView};

use super::shared::Shared;
use crate::client;
use crate::failure::{Outcome, Result};
use crate::list::{self, Cell, Row};

/// List the workers that share the rules, and what each holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner worker list
  lanner worker shards --all")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the workers, with how long each counts as being there, and how late it is.
    #[command(after_help = "\
Examples:
  lanner worker list
  lanner worker list --format json

Exit codes: 0 when every shard is held, 1 when some are not.")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// List the shards that have rules: who holds each, its epoch, and how late it is.
    #[command(after_help = "\
Examples:
  lanner worker shards
  lanner worker shards --all --format csv")]
    Shards {
        /// Also shards without rules.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        shared: Shared,
    },
}

impl Row for WorkerView {
    const COLUMNS: &'static [&'static str] = &["worker", "shards", "rules", "lease", "behind", "evaluations"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.shards.into(),
            self.rules.into(),
            format_duration(self.lease_ms.max(0)).into(),
            format_duration(self.lag_ms).into(),
            self.evaluations.into(),
        ]
    }
}

impl Row for ShardView {
    const COLUMNS: &'static [&'static str] = &["shard", "worker", "epoch", "turns", "behind", "rules"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            u64::from(self.shard).into(),
            self.worker.as_deref().unwrap_or("nobody").into(),
            self.epoch.into(),
            self.turns.unsigned_abs().into(),
            format_duration(self.lag_ms).into(),
            self.rules.join(", ").into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { shared } => client::with(&shared.server, async |client| {
            let status: Status = client.get(&["api", "v1", "status"], &[]).await?;
            let sharing = status.sharing.unwrap_or_default();
            list::list(shared.format, &sharing.workers, "no workers")?;
            Ok(Outcome::found(sharing.free > 0))
        }),
        Command::Shards { all, shared } => client::with(&shared.server, async |client| {
            let mut shards: Vec<ShardView> = client.get(&["api", "v1", "shards"], &[]).await?;
            shards.retain(|shard| *all || !shard.rules.is_empty());
            list::list(shared.format, &shards, "no shards with rules")?;
            Ok(Outcome::Fine)
        }),
    }
}
