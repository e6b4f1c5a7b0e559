//! `lanner silence`: mutes alerts for a time.

use clap::Subcommand;
use lanner_core::document::Check;
use lanner_core::{Node, TimeIntervals};
use lanner_wire::api::{MatcherText, NewSilence, SilenceStatus, SilenceView, Time};
use reqwest::Method;
use serde_json::Value;

use super::shared::Shared;
use crate::client::{self, Access};
use crate::failure::{Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;

/// Manage silences, which mute alerts for a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner silence add bank=hsbc --for 2h --comment 'maintenance until noon'
  lanner silence list
  lanner silence expire 5c1d08a2f7e34b96")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Mute alerts with matching labels.
    #[command(after_help = "\
Examples:
  lanner silence add bank=hsbc --for 2h --comment 'maintenance until noon'
  lanner silence add 'rule=~\"payments-.*\"' severity=ticket --for 1d --comment 'known, being fixed'
  lanner silence add bank=hsbc --every 'sun 02:00-04:00 Europe/London' --comment 'weekly maintenance'")]
    Add {
        /// Labels that must all match: label=value, label!=value, label=~regex or label!~regex.
        #[arg(required = true, value_name = "MATCHER")]
        matchers: Vec<String>,
        /// How long, such as 30m, 2h or 1d.
        #[arg(
            long = "for",
            value_parser = super::shared::duration,
            value_name = "DURATION",
            required_unless_present = "every"
        )]
        duration: Option<String>,
        /// Mute repeatedly at these times, such as 'sun 02:00-04:00 Europe/London', until the silence is expired or --for is
        /// over. Repeatable.
        #[arg(long, value_parser = interval, value_name = "TIMES")]
        every: Vec<String>,
        /// Reason, shown with the silence.
        #[arg(long)]
        comment: String,
        /// Author of the silence; by default you.
        #[arg(long)]
        author: Option<String>,
        #[command(flatten)]
        shared: Shared,
    },
    /// List silences, latest end first.
    #[command(after_help = "\
Examples:
  lanner silence list
  lanner silence list --all --format json")]
    List {
        /// Include expired silences.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        shared: Shared,
    },
    /// Expire a silence now.
    #[command(after_help = "\
Examples:
  lanner silence expire 5c1d08a2f7e34b96")]
    Expire {
        /// Id of the silence, as shown by `lanner silence list`.
        id: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
}

impl Row for SilenceView {
    const COLUMNS: &'static [&'static str] =
        &["id", "matchers", "status", "start", "end", "every", "author", "comment"];
    fn cells(&self) -> Vec<Cell> {
        let status = match self.status {
            SilenceStatus::Pending => "pending",
            SilenceStatus::Active => "active",
            SilenceStatus::Expired => "expired",
        };
        vec![
            self.id.as_str().into(),
            self.matchers.join(",").into(),
            status.into(),
            self.start.into(),
            self.end.into(),
            every(self).into(),
            self.author.as_str().into(),
            self.comment.as_str().into(),
        ]
    }
}

/// The times at which a silence mutes, as they are written; those with dates as JSON.
fn every(silence: &SilenceView) -> Option<String> {
    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    let texts: Vec<String> = silence.every.iter().map(text).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// `muted until 2026-12-01T10:00:00Z`; of one that recurs, when next.
fn muted(made: &SilenceView) -> String {
    let until = |time: Time| format!("until {}", list::time_text(time));
    match (&made.status, made.changes, made.end) {
        (SilenceStatus::Pending, Some(next), _) => format!("mutes from {} on", list::time_text(next)),
        (_, Some(next), Some(end)) if next != end => {
            format!("muted {}, and again until {}", until(next), list::time_text(end))
        }
        (_, Some(next), None) => format!("muted {}, and again until somebody expires it", until(next)),
        (_, _, Some(end)) => format!("muted {}", until(end)),
        _ => "muted".to_owned(),
    }
}

/// Checks times that recur; the server reads them again.
fn interval(text: &str) -> std::result::Result<String, String> {
    let mut check = Check::default();
    TimeIntervals::read(&Node::from_json(&Value::from(text)), "", &mut check);
    check.problems.first().map_or_else(|| Ok(text.to_owned()), |problem| Err(problem.message.clone()))
}

const PATH: [&str; 3] = ["api", "v1", "silences"];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Add { matchers, duration, every, comment, author, shared } => {
            client::with_access(&shared.server, Access::Change, async |client| {
                let silence = NewSilence {
                    matchers: matchers.iter().cloned().map(MatcherText::Text).collect(),
                    start: None,
                    end: None,
                    duration: duration.clone(),
                    every: every.iter().cloned().map(Value::from).collect(),
                    author: Some(author.clone().unwrap_or_else(|| client.actor().to_owned())),
                    comment: comment.clone(),
                };
                let made: SilenceView = client.post(&PATH, &silence).await?;
                if shared.format == Format::Table {
                    output::line(&made.id)?;
                    remark(&muted(&made));
                } else {
                    list::one(shared.format, &made)?;
                }
                Ok(Outcome::Fine)
            })
        }
        Command::List { all, shared } => client::with(&shared.server, async |client| {
            let mut silences: Vec<SilenceView> = client.get(&PATH, &[]).await?;
            silences.retain(|silence| *all || silence.status != SilenceStatus::Expired);
            list::list(shared.format, &silences, "No silences.")?;
            Ok(Outcome::Fine)
        }),
        Command::Expire { id, server } => client::with_access(server, Access::Change, async |client| {
            client.act(Method::DELETE, &[&PATH[..], &[id]].concat()).await?;
            remark(&format!("the silence {id} is expired"));
            Ok(Outcome::Fine)
        }),
    }
}
