//! `lanner processor`: lists and deletes processors.

use clap::Subcommand;
use lanner_wire::api::ProcessorView;
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access, ServerArgs};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Row};

/// List and delete processors, which change events before they are stored.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner processor list
  lanner processor delete access")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List processors in the order in which events pass them, and the number of events they have seen.
    #[command(after_help = "\
Examples:
  lanner processor list
  lanner processor list --format json")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Delete a processor; stored events stay as they are.
    #[command(after_help = "\
Examples:
  lanner processor delete access")]
    Delete {
        /// Id of the processor.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

const PROCESSORS: [&str; 3] = ["api", "v1", "processors"];

impl Row for ProcessorView {
    const COLUMNS: &'static [&'static str] =
        &["id", "stream", "kind", "events", "unmatched", "note", "problem"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.stream.as_str().into(),
            self.kind.as_str().into(),
            self.events.into(),
            self.unmatched.into(),
            self.note.clone().into(),
            self.problem.clone().into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { shared } => client::with(&shared.server, async |client| {
            let processors: Vec<ProcessorView> = client.get(&PROCESSORS, &[]).await?;
            let none = "No processors; define them under processors: and apply that file.";
            list::list(shared.format, &processors, none)?;
            Ok(Outcome::Fine)
        }),
        Command::Delete { id, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &[&PROCESSORS[..], &[id]].concat()).await?;
            remark(&format!("the processor {id} is deleted"));
            Ok(Outcome::Fine)
        }),
    }
}
