//! `lanner vuln accept`, `accepted` and `unaccept`: findings that are set aside for a time, by somebody, for a reason.

use lanner_wire::api::{AcceptanceView, NewAcceptance, Time};
use reqwest::Method;

use crate::client::{self, Access};
use crate::commands::shared::Shared;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Row};
use crate::output;

/// Set findings aside until a time, with a reason.
///
/// They are no longer counted and listed as open. When the time is over they are again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln accept 'check == \"42873\" and host == \"192.0.2.7\"' --until 2027-03-01 --reason 'replaced in February'
  lanner vuln accept 'key == \"41257a2774cccc89f64e5278fba07f58\"' --until 2027-01-01 --reason 'not reachable'")]
pub(super) struct AcceptArgs {
    /// Which findings; the fields are those of `lanner vuln list --filter`.
    condition: String,
    /// Why they may stay.
    #[arg(long)]
    reason: String,
    /// When the decision ends.
    #[arg(long, value_parser = time, value_name = "TIME")]
    until: Time,
    /// Who decides; by default you.
    #[arg(long)]
    author: Option<String>,
    #[command(flatten)]
    server: client::ServerArgs,
}

/// List the decisions by which findings are set aside.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln accepted
  lanner vuln accepted --format csv")]
pub(super) struct AcceptedArgs {
    #[command(flatten)]
    shared: Shared,
}

/// End a decision now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln unaccept 5c1d08a2f7e34b96")]
pub(super) struct UnacceptArgs {
    /// The decision's id, as shown by `lanner vuln accepted`.
    id: String,
    #[command(flatten)]
    server: client::ServerArgs,
}

/// Where decisions are kept.
pub(super) const PATH: [&str; 4] = ["api", "v1", "findings", "accepted"];

/// Reads a time.
pub(super) fn time(text: &str) -> std::result::Result<Time, String> {
    lanner_core::time::parse_time_ms(text).map(Time)
}

impl Row for AcceptanceView {
    const COLUMNS: &'static [&'static str] = &["id", "findings", "in force", "until", "author", "reason"];
    fn cells(&self) -> Vec<Cell> {
        let statement = || {
            let statement = self.statement.clone().unwrap_or_default();
            let text = |name: &str| statement[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} in {}", text("vulnerability"), text("status"), text("product"))
        };
        vec![
            self.id.as_str().into(),
            (if self.condition.is_empty() { statement() } else { self.condition.clone() }).into(),
            (if self.in_force { "yes" } else { "no" }).into(),
            self.until.into(),
            self.author.as_str().into(),
            self.reason.as_str().into(),
        ]
    }
}

pub(super) fn accept(args: &AcceptArgs) -> Result<Outcome> {
    client::with_access(&args.server, Access::Change, async |client| {
        let new = NewAcceptance {
            condition: args.condition.clone(),
            statement: None,
            reason: args.reason.clone(),
            until: args.until,
            author: Some(args.author.clone().unwrap_or_else(|| client.actor().to_owned())),
        };
        if new.condition.trim().is_empty() {
            return Err(
                Failure::user("the condition is empty").hint("write for example 'check == \"42873\"'")
            );
        }
        let made: AcceptanceView = client.post(&PATH, &new).await?;
        output::line(&made.id)?;
        remark(&format!("set aside until {}", list::time_text(made.until)));
        Ok(Outcome::Fine)
    })
}

pub(super) fn list(args: &AcceptedArgs) -> Result<Outcome> {
    client::with(&args.shared.server, async |client| {
        let decisions: Vec<AcceptanceView> = client.get(&PATH, &[]).await?;
        list::list(args.shared.format, &decisions, "Nothing is set aside.")?;
        Ok(Outcome::Fine)
    })
}

pub(super) fn end(args: &UnacceptArgs) -> Result<Outcome> {
    client::with_access(&args.server, Access::Change, async |client| {
        client.act(Method::DELETE, &[&PATH[..], &[&args.id]].concat()).await?;
        remark(&format!("the decision {} is ended", args.id));
        Ok(Outcome::Fine)
    })
}
