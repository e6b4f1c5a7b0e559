//! `lanner alert`: what is wrong now, and what was.

use clap::Subcommand;
use lanner_wire::api::{AlertView, EvaluationView};

use super::Shared;
use crate::client::{self, Client};
use crate::failure::{Failure, Outcome, Result};
use crate::list::{self, Cell, Format, Row};

/// See what is wrong now, and what was.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner alert list
  lanner alert list --all --rule payments-floor
  lanner alert history --rule payments-floor --from now-1d")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the alerts that are not normal, the latest change first.
    #[command(after_help = "\
Examples:
  lanner alert list
  lanner alert list --all --format csv
  lanner alert list --state firing --rule payments-floor")]
    List {
        /// Also those that are normal.
        #[arg(long)]
        all: bool,
        /// Only those in this state.
        #[arg(long, value_parser = ["normal", "pending", "firing", "recovering", "no_data", "error"])]
        state: Option<String>,
        /// Only those of this rule.
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Show one alert.
    #[command(after_help = "\
Examples:
  lanner alert show 0f3a5c77e1d2b498
  lanner alert show 0f3a --format json")]
    Show {
        /// Its fingerprint, or the beginning of it.
        fingerprint: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// List evaluations, the newest first.
    #[command(after_help = "\
Examples:
  lanner alert history
  lanner alert history --rule payments-floor --from now-1d
  lanner alert history --from 2026-12-01 --to 2026-12-02 --limit 10000 --format csv")]
    History {
        /// Only those of this rule.
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
        /// Only windows that end at or after this time: 2026-12-01, or now-1h.
        #[arg(long, value_parser = super::when, value_name = "TIME")]
        from: Option<String>,
        /// Only windows that end before this time.
        #[arg(long, value_parser = super::when, value_name = "TIME")]
        to: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        shared: Shared,
    },
}

impl Row for AlertView {
    const COLUMNS: &'static [&'static str] =
        &["fingerprint", "rule", "group", "state", "since", "value", "base", "silenced"];
    fn cells(&self) -> Vec<Cell> {
        let silenced = if self.silenced_by.is_empty() { "no" } else { "yes" };
        vec![
            self.fingerprint.as_str().into(),
            self.rule.as_str().into(),
            (&self.group).into(),
            self.state.name().into(),
            self.since.into(),
            self.value.into(),
            self.base.into(),
            silenced.into(),
        ]
    }
}

impl Row for EvaluationView {
    const COLUMNS: &'static [&'static str] =
        &["window", "rule", "group", "outcome", "state", "value", "base", "score", "late"];
    fn cells(&self) -> Vec<Cell> {
        let score = if self.score_infinite { Some(f64::INFINITY) } else { self.score };
        vec![
            self.window.into(),
            self.rule.as_str().into(),
            (&self.group).into(),
            self.outcome.name().into(),
            self.state.name().into(),
            self.value.into(),
            self.base.into(),
            score.into(),
            if self.late { "late" } else { "" }.into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { all, state, rule, shared } => client::with(&shared.server, async |client| {
            let all = all.then_some("true");
            let parameters = [("all", all), ("state", state.as_deref()), ("rule", rule.as_deref())];
            let alerts: Vec<AlertView> = client.get(&["api", "v1", "alerts"], &parameters).await?;
            list::list(shared.format, &alerts, "No alerts: everything that is looked at is normal.")?;
            Ok(Outcome::Fine)
        }),
        Command::Show { fingerprint, shared } => {
            client::with(&shared.server, async |client| show(client, fingerprint, shared.format).await)
        }
        Command::History { rule, from, to, limit, shared } => client::with(&shared.server, async |client| {
            let limit = limit.to_string();
            let parameters = [
                ("rule", rule.as_deref()),
                ("from", from.as_deref()),
                ("to", to.as_deref()),
                ("limit", Some(limit.as_str())),
            ];
            let found: Vec<EvaluationView> = client.get(&["api", "v1", "evaluations"], &parameters).await?;
            list::list(shared.format, &found, "No evaluations.")?;
            Ok(Outcome::Fine)
        }),
    }
}

async fn show(client: &Client, fingerprint: &str, format: Format) -> Result<Outcome> {
    let alerts: Vec<AlertView> = client.get(&["api", "v1", "alerts"], &[("all", Some("true"))]).await?;
    let mut found = alerts.iter().filter(|alert| alert.fingerprint.starts_with(fingerprint));
    let Some(alert) = found.next() else {
        let message = format!("there is no alert {fingerprint}");
        return Err(Failure::user(message).hint("`lanner alert list --all` shows those there are"));
    };
    if found.next().is_some() {
        return Err(
            Failure::user(format!("several alerts begin with {fingerprint}")).hint("write more of it")
        );
    }
    if format != Format::Table {
        list::one(format, alert)?;
        return Ok(Outcome::Fine);
    }
    list::one(format, alert)?;
    let more = [
        ("active", Some(if alert.active { "people have been told" } else { "no" }.to_owned())),
        ("started", alert.started.map(list::time_text)),
        ("resolved", alert.resolved.map(list::time_text)),
        ("content", Some(alert.content.as_str().map_or_else(|| alert.content.to_string(), str::to_owned))),
        ("error", alert.error.clone()),
        ("silences", Some(alert.silenced_by.join(", ")).filter(|ids| !ids.is_empty())),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            crate::output::line(&format!("{name:11}  {value}"))?;
        }
    }
    Ok(Outcome::Fine)
}
