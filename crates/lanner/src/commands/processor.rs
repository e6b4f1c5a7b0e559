//! `lanner processor`: lists and deletes processors, and has those that learn forget, learn nothing, or begin with a file.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lanner_core::time::{format_time, parse_time_ms};
use lanner_wire::api::{ForgottenView, ProcessorView, ProfileTimes, ProfileView, Time};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Row};

/// List and delete processors, which change events before they are stored, and see to what profiles learn.
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
    /// Have a profile learn nothing of a time, such as that of an attack or a test.
    #[command(after_help = "\
Examples:
  lanner processor hold usual --from 2026-11-29T10:00Z --to 2026-11-29T11:00Z")]
    Hold {
        #[command(flatten)]
        times: Times,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have a profile forget what it learned in a time, as far as that is still told apart: whole days, of the last two.
    #[command(after_help = "\
Examples:
  lanner processor unlearn usual --from 2026-11-29 --to 2026-11-30")]
    Unlearn {
        #[command(flatten)]
        times: Times,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Have a profile begin with what was learned elsewhere, in the place of what it learned itself.
    #[command(after_help = "\
Examples:
  lanner profile learn --fleet usual --out usual.profile falco.json
  lanner processor teach usual usual.profile")]
    Teach {
        /// Id of the processor.
        id: String,
        /// File of one profile with the same fields, condition and memory.
        #[arg(value_name = "PROFILE")]
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// A time in what a processor learned.
#[derive(Debug, clap::Args)]
struct Times {
    /// Id of the processor.
    id: String,
    /// Start of the time.
    #[arg(long, value_name = "TIME", value_parser = parse_time_ms)]
    from: i64,
    /// End of the time.
    #[arg(long, value_name = "TIME", value_parser = parse_time_ms)]
    to: i64,
}

impl Times {
    const fn body(&self) -> ProfileTimes {
        ProfileTimes { from: Time(self.from), to: Time(self.to) }
    }
}

const PROFILES: [&str; 3] = ["api", "v1", "profiles"];
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
        Command::Hold { times, server } => client::with_access(server, Access::Change, async |client| {
            client.tell(&[&PROFILES[..], &[&times.id, "hold"]].concat(), &times.body()).await?;
            let (from, to) = (format_time(times.from), format_time(times.to));
            remark(&format!("{} learns nothing from {from} to {to}", times.id));
            Ok(Outcome::Fine)
        }),
        Command::Unlearn { times, server } => client::with_access(server, Access::Change, async |client| {
            let path = [&PROFILES[..], &[&times.id, "unlearn"]].concat();
            let forgotten: ForgottenView = client.post(&path, &times.body()).await?;
            remark(&format!("{}: {}", times.id, in_words(&forgotten)));
            Ok(Outcome::Fine)
        }),
        Command::Teach { id, file, server } => teach(id, file, server),
    }
}

/// What a profile forgot.
pub(super) fn in_words(forgotten: &ForgottenView) -> String {
    let what = match (forgotten.from, forgotten.to) {
        (Some(from), Some(to)) => {
            format!("forgot everything from {} to {}", format_time(from.0), format_time(to.0))
        }
        _ => "nothing of that time could be forgotten".to_owned(),
    };
    let rest = if forgotten.all { "" } else { "; what is older is no longer told apart by day" };
    format!("{what}{rest}")
}

fn teach(id: &str, file: &Path, server: &ServerArgs) -> Result<Outcome> {
    let bytes = std::fs::read(file).map_err(|error| Failure::file("read", file, &error))?;
    client::with_access(server, Access::Change, async |client| {
        let now: ProfileView = client.post_lines(&[&PROFILES[..], &[id, "learned"]].concat(), bytes).await?;
        remark(&format!("{id} knows {} behaviours and is {}", now.behaviours, now.status));
        Ok(Outcome::Fine)
    })
}
