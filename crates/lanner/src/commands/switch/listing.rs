//! `lanner switch list` and `lanner switch clients`: switches, and the programs that hold them.

use lanner_wire::api::{BumpSwitches, BumpedSwitches, SwitchClient, SwitchView};

use super::change::SWITCHES;
use crate::client::{self, Access, Client};
use crate::commands::shared::Shared;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only switches with this text in their id, description, condition, reason or owner, ignoring case.
    text: Option<String>,
    /// Only switches in this phase: blocking, shadow, inactive, waiting, paused, expired or unreadable.
    #[arg(long)]
    phase: Option<String>,
    /// Only switches with this label; repeatable.
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
    /// Maximum number of switches.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    shared: Shared,
}

/// How many switches are asked for at once.
const PAGE: usize = 1_000;

impl Args {
    /// The switches that are asked for, page by page.
    async fn switches(&self, client: &Client) -> Result<Vec<SwitchView>> {
        let mut switches: Vec<SwitchView> = Vec::new();
        let limit = self.limit.unwrap_or(usize::MAX);
        loop {
            let size = PAGE.min(limit - switches.len());
            let (count, after) = (size.to_string(), switches.last().map(|last| last.switch.id.clone()));
            let mut parameters = vec![
                ("limit", Some(count.as_str())),
                ("after", after.as_deref()),
                ("text", self.text.as_deref()),
                ("phase", self.phase.as_deref()),
            ];
            parameters.extend(self.labels.iter().map(|label| ("label", Some(label.as_str()))));
            let page: Vec<SwitchView> = client.get(&SWITCHES, &parameters).await?;
            let is_last = page.len() < size;
            switches.extend(page);
            if is_last || switches.len() >= limit {
                return Ok(switches);
            }
        }
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    if args.limit == Some(0) {
        return Err(Failure::user("--limit 0 lists nothing").hint("omit it to list all switches"));
    }
    client::with(&args.shared.server, async |client| {
        let switches = args.switches(client).await?;
        let all = args.text.is_none() && args.phase.is_none() && args.labels.is_empty();
        let none = if all {
            "No switches; `lanner switch apply FILE` creates some."
        } else {
            "No matching switches."
        };
        list::list(args.shared.format, &switches, none)?;
        Ok(Outcome::Fine)
    })
}

impl Row for SwitchClient {
    const COLUMNS: &'static [&'static str] = &["client", "state", "revision", "seen", "problem"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.client.as_str().into(),
            self.state.as_str().into(),
            self.revision.into(),
            self.seen.into(),
            problems(self).into(),
        ]
    }
}

fn problems(client: &SwitchClient) -> Option<String> {
    let problems: Vec<&str> =
        [&client.problem, &client.file_problem].into_iter().flatten().map(String::as_str).collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

pub(super) fn clients(shared: &Shared) -> Result<Outcome> {
    client::with(&shared.server, async |client| {
        let clients: Vec<SwitchClient> = client.get(&[&SWITCHES[..], &["clients"]].concat(), &[]).await?;
        list::list(shared.format, &clients, "No program has reported within the last two minutes.")?;
        if clients.iter().any(|client| client.state == "refuses") {
            remark(
                "some programs hold a later revision than the server's and reject it; `lanner switch bump` raises it",
            );
        }
        Ok(Outcome::Fine)
    })
}

pub(super) fn bump(to: Option<u64>, shared: &Shared) -> Result<Outcome> {
    client::with_access(&shared.server, Access::Change, async |client| {
        let request = BumpSwitches { revision: to };
        let bumped: BumpedSwitches = client.post(&[&SWITCHES[..], &["bump"]].concat(), &request).await?;
        match shared.format {
            Format::Json => output::json(&bumped)?,
            _ => remark(&format!(
                "the switches are at revision {}, raised from {}",
                bumped.revision, bumped.from
            )),
        }
        Ok(Outcome::Fine)
    })
}
