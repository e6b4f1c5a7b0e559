//! `lanner receiver`: lists and tests receivers.

use clap::Subcommand;
use lanner_wire::api::{MutedView, ReceiverView};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Row};

/// List, test and delete receivers.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner receiver list
  lanner receiver test on-call
  lanner receiver delete on-call")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List receivers and the state of their deliveries; secrets are never shown.
    #[command(after_help = "\
Examples:
  lanner receiver list
  lanner receiver list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Delete a receiver; refused while a rule names it.
    #[command(after_help = "\
Examples:
  lanner receiver delete on-call")]
    Delete {
        /// Name of the receiver.
        name: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// Send a test message to a receiver.
    #[command(after_help = "\
Examples:
  lanner receiver test on-call")]
    Test {
        /// Name of the receiver.
        name: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
}

impl Row for ReceiverView {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "kind",
        "target",
        "origin",
        "works",
        "muted",
        "pending",
        "dead",
        "last sent",
        "last failed",
        "last error",
    ];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.name.as_str().into(),
            self.kind.as_str().into(),
            self.target.as_str().into(),
            self.origin.as_str().into(),
            match (&self.problem, self.failing_since) {
                (Some(_), _) => "no",
                (None, Some(_)) => "failing",
                (None, None) => "yes",
            }
            .into(),
            self.muted.as_ref().map(|it| list::muted(&MutedView { receiver: None, ..it.clone() })).into(),
            self.pending.into(),
            self.dead.into(),
            self.last_sent.into(),
            self.last_failed.into(),
            self.problem.clone().or_else(|| self.last_error.clone()).into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { shared } => client::with(&shared.server, async |client| {
            let receivers: Vec<ReceiverView> = client.get(&["api", "v1", "receivers"], &[]).await?;
            list::list(
                shared.format,
                &receivers,
                "No receivers; define them under receivers: and apply that file.",
            )?;
            Ok(Outcome::Fine)
        }),
        Command::Delete { name, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &["api", "v1", "receivers", name]).await?;
            remark(&format!("the receiver {name} is deleted"));
            Ok(Outcome::Fine)
        }),
        Command::Test { name, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::POST, &["api", "v1", "receivers", name, "test"]).await?;
            remark(&format!("{name} accepted the test message"));
            Ok(Outcome::Fine)
        }),
    }
}
