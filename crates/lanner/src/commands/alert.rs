//! `lanner alert`: current and past alerts.

use clap::Subcommand;
use lanner_wire::api::{AcknowledgementView, AlertView, EvaluationView, MutedView, NewAcknowledgement};
use reqwest::Method;

use super::shared::Shared;
use crate::client::{self, Access, Client};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};

/// List, show and acknowledge alerts.
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
    /// List alerts that are not normal, latest change first.
    #[command(after_help = "\
Examples:
  lanner alert list
  lanner alert list --all --format csv
  lanner alert list --state firing --rule payments-floor")]
    List {
        /// Include alerts that are normal.
        #[arg(long)]
        all: bool,
        /// Only alerts in this state.
        #[arg(long, value_parser = ["normal", "pending", "firing", "recovering", "no_data", "error"])]
        state: Option<String>,
        /// Only alerts of this rule.
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
        /// Fingerprint of the alert, or its first characters.
        fingerprint: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Acknowledge an alert: it is not repeated until it resolves or gets worse, or until a time is over.
    #[command(after_help = "\
Examples:
  lanner alert ack 0f3a5c77e1d2b498 --comment 'looking into it'
  lanner alert ack 0f3a --for 2h --comment 'after lunch'")]
    Ack {
        /// Fingerprint of the alert, or its first characters.
        fingerprint: String,
        /// Comment, shown with the alert.
        #[arg(long, default_value = "")]
        comment: String,
        /// How long, such as 30m or 2h; by default until the alert resolves.
        #[arg(long = "for", value_parser = super::shared::duration, value_name = "DURATION")]
        duration: Option<String>,
        /// Who acknowledges it; by default you.
        #[arg(long)]
        author: Option<String>,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// Remove an acknowledgement: the alert is repeated again.
    #[command(after_help = "\
Examples:
  lanner alert unack 0f3a5c77e1d2b498")]
    Unack {
        /// Fingerprint of the alert, or its first characters.
        fingerprint: String,
        #[command(flatten)]
        server: client::ServerArgs,
    },
    /// List evaluations, newest first.
    #[command(after_help = "\
Examples:
  lanner alert history
  lanner alert history --rule payments-floor --from now-1d
  lanner alert history --from 2026-12-01 --to 2026-12-02 --limit 10000 --format csv")]
    History {
        /// Only evaluations of this rule.
        #[arg(long, value_name = "ID")]
        rule: Option<String>,
        /// Only windows that end at or after this time: 2026-12-01, or now-1h.
        #[arg(long, value_parser = super::shared::when, value_name = "TIME")]
        from: Option<String>,
        /// Only windows that end before this time.
        #[arg(long, value_parser = super::shared::when, value_name = "TIME")]
        to: Option<String>,
        /// Maximum number of evaluations.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
        #[command(flatten)]
        shared: Shared,
    },
}

impl Row for AlertView {
    const COLUMNS: &'static [&'static str] =
        &["fingerprint", "rule", "group", "state", "since", "value", "base", "muted", "acknowledged"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.fingerprint.as_str().into(),
            self.rule.as_str().into(),
            (&self.group).into(),
            self.state.name().into(),
            self.since.into(),
            self.value.into(),
            self.base.into(),
            muted(&self.muted).into(),
            self.acknowledged.as_ref().map(acknowledged).into(),
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
            list::list(shared.format, &alerts, "No alerts: everything is normal.")?;
            Ok(Outcome::Fine)
        }),
        Command::Show { fingerprint, shared } => {
            client::with(&shared.server, async |client| show(client, fingerprint, shared.format).await)
        }
        Command::Ack { fingerprint, comment, duration, author, server } => {
            client::with_access(server, Access::Change, async |client| {
                let alert = find(client, fingerprint).await?;
                let author = Some(author.clone().unwrap_or_else(|| client.actor().to_owned()));
                let (comment, until) = (comment.clone(), None);
                let request = NewAcknowledgement { author, comment, until, duration: duration.clone() };
                client.tell(&ack_path(&alert), &request).await?;
                let time = duration.as_ref().map_or_else(String::new, |time| format!(", for {time} at most"));
                remark(&format!(
                    "{} {} is not repeated until it resolves or gets worse{time}",
                    alert.rule, alert.group
                ));
                Ok(Outcome::Fine)
            })
        }
        Command::Unack { fingerprint, server } => {
            client::with_access(server, Access::Change, async |client| {
                let alert = find(client, fingerprint).await?;
                client.act(Method::DELETE, &ack_path(&alert)).await?;
                remark(&format!("{} {} is repeated again", alert.rule, alert.group));
                Ok(Outcome::Fine)
            })
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

/// `until 2026-12-01T10:00:00Z by silence 5c1d08a2f7e34b96; pager until 2026-12-01T06:00:00Z by nights`.
fn muted(muted: &[MutedView]) -> Option<String> {
    let texts: Vec<String> = muted.iter().map(list::muted).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// `ann`, `ann until 2026-12-01T10:00:00Z`.
fn acknowledged(it: &AcknowledgementView) -> String {
    match it.until {
        None => it.author.clone(),
        Some(until) => format!("{} until {}", it.author, list::time_text(until)),
    }
}

fn ack_path(alert: &AlertView) -> [&str; 5] {
    ["api", "v1", "alerts", &alert.fingerprint, "ack"]
}

/// The one alert whose fingerprint begins so.
async fn find(client: &Client, fingerprint: &str) -> Result<AlertView> {
    let alerts: Vec<AlertView> = client.get(&["api", "v1", "alerts"], &[("all", Some("true"))]).await?;
    let mut found = alerts.into_iter().filter(|alert| alert.fingerprint.starts_with(fingerprint));
    let Some(alert) = found.next() else {
        let message = format!("there is no alert {fingerprint}");
        return Err(Failure::user(message).hint("`lanner alert list --all` lists all alerts"));
    };
    if found.next().is_some() {
        return Err(Failure::user(format!("several alerts begin with {fingerprint}"))
            .hint("write more characters of it"));
    }
    Ok(alert)
}

async fn show(client: &Client, fingerprint: &str, format: Format) -> Result<Outcome> {
    let alert = &find(client, fingerprint).await?;
    if format != Format::Table {
        list::one(format, alert)?;
        return Ok(Outcome::Fine);
    }
    list::one(format, alert)?;
    let more = [
        ("active", Some(if alert.active { "yes, receivers were notified" } else { "no" }.to_owned())),
        ("started", alert.started.map(list::time_text)),
        ("resolved", alert.resolved.map(list::time_text)),
        ("content", Some(alert.content.as_str().map_or_else(|| alert.content.to_string(), str::to_owned))),
        ("error", alert.error.clone()),
        (
            "acked by",
            alert.acknowledged.as_ref().map(|it| {
                let comment = if it.comment.is_empty() { String::new() } else { format!(": {}", it.comment) };
                let until = it.until.map(|until| format!(" until {}", list::time_text(until)));
                format!("{} at {}{}{comment}", it.author, list::time_text(it.at), until.unwrap_or_default())
            }),
        ),
        ("muted", muted(&alert.muted)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            crate::output::line(&format!("{name:11}  {value}"))?;
        }
    }
    for told in super::outbox::told(client, &alert.fingerprint).await? {
        crate::output::line(&format!("{:11}  {told}", "told"))?;
    }
    Ok(Outcome::Fine)
}
