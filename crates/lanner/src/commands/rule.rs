//! `lanner rule`: shows, changes and compares the rules of a server.

use std::path::PathBuf;

use clap::Subcommand;
use lanner_core::time::format_duration;
use lanner_wire::api::{
    ApplyRequest, ApplyResponse, Lateness, RuleDocument, RuleState, RuleView, StateCounts,
};
use serde::Serialize;
use serde_json::Value;

use super::shared::Shared;
use super::{apply, diff};
use crate::client::{self, Access, Client, ServerArgs};
use crate::differences::differences;
use crate::failure::{Outcome, Result, remark};
use crate::files::Loaded;
use crate::list::{self, Cell, Format, Row};
use crate::output;
use lanner_core::document::yaml;

/// Manage the rules of a server.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner rule list
  lanner rule diff payments.yaml
  lanner rule apply payments.yaml -m 'more banks'
  lanner rule history payments-floor")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List rules and their state.
    #[command(after_help = "\
Examples:
  lanner rule list
  lanner rule list --format csv")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Show a rule as it was written, and its state.
    #[command(after_help = "\
Examples:
  lanner rule show payments-floor
  lanner rule show payments-floor --format json")]
    Show {
        /// Id of the rule.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Apply the rules, receivers and inhibitions of files to the server: all of them, or none if one is invalid.
    #[command(after_help = "\
Examples:
  lanner rule apply payments.yaml -m 'more banks'
  lanner rule apply /etc/lanner/rules --prune --dry-run")]
    Apply(ApplyArgs),
    /// Compare the rules, receivers and inhibitions of files with those of the server.
    #[command(after_help = "\
Examples:
  lanner rule diff payments.yaml
  lanner rule diff /etc/lanner/rules --prune --format json

Exit codes: 0 without differences, 1 with.")]
    Diff(diff::Args),
    /// List the versions of a rule, newest first.
    #[command(after_help = "\
Examples:
  lanner rule history payments-floor
  lanner rule history payments-floor --format json")]
    History {
        /// Id of the rule.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Delete a rule; its active alerts end, and their receivers are notified.
    #[command(after_help = "\
Examples:
  lanner rule delete payments-floor")]
    Delete {
        /// Id of the rule.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files, or folders that contain them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// Delete rules of the server that are in none of the files.
    #[arg(long)]
    prune: bool,
    /// Only print what would change.
    #[arg(long)]
    dry_run: bool,
    /// Reason, recorded in the history.
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

const RULES: [&str; 3] = ["api", "v1", "rules"];

/// How many rules are asked for at once.
const PAGE: usize = 1_000;

/// All rules of the server, page by page.
pub(super) async fn all(client: &Client) -> Result<Vec<RuleView>> {
    let (mut rules, limit): (Vec<RuleView>, String) = (Vec::new(), PAGE.to_string());
    loop {
        let after = rules.last().map(|last| last.rule.id.clone());
        let parameters = [("limit", Some(limit.as_str())), ("after", after.as_deref())];
        let page: Vec<RuleView> = client.get(&RULES, &parameters).await?;
        let is_last = page.len() < PAGE;
        rules.extend(page);
        if is_last {
            return Ok(rules);
        }
    }
}

impl Row for RuleView {
    const COLUMNS: &'static [&'static str] = &["id", "version", "alerts", "next", "history", "changed", "by"];
    fn cells(&self) -> Vec<Cell> {
        let state = self.state.as_ref();
        let is_inactive = self.rule.document.get("status").is_some_and(|status| status == "inactive");
        let prefill = state.and_then(|state| state.prefill).map(|prefill| match prefill.total {
            _ if prefill.finished => "complete".to_owned(),
            0 => "begins".to_owned(),
            total => format!("{} of {total} windows", prefill.done),
        });
        vec![
            self.rule.id.as_str().into(),
            u64::from(self.rule.version).into(),
            state
                .map(alerts)
                .or_else(|| self.problem.as_ref().map(|_| "set aside: unreadable".to_owned()))
                .or_else(|| is_inactive.then(|| "inactive".to_owned()))
                .into(),
            state.and_then(|state| state.next).into(),
            prefill.into(),
            self.rule.changed.into(),
            self.rule.actor.as_str().into(),
        ]
    }
}

/// The alerts of a rule by state, and what keeps it from finding more.
fn alerts(state: &RuleState) -> String {
    let remarks = state.limit.iter().chain(&state.warning).cloned();
    std::iter::once(counts(&state.states)).chain(remarks).collect::<Vec<_>>().join("; ")
}

/// `15 of 20 events arrived after a window they belong to was evaluated; half within 2s, 99 % within 2h, at most 3h`
fn lateness(late: &Lateness) -> String {
    let time = |seconds: f64| {
        let ms = if seconds < 10.0 { seconds * 1e3 } else { seconds.round() * 1e3 };
        format_duration(ms as i64)
    };
    format!(
        "{} of {} events arrived after a window they belong to was evaluated; half within {}, 99 % within {}, at most {}",
        late.late,
        late.events,
        time(late.median_s),
        time(late.p99_s),
        time(late.longest_s)
    )
}

/// `2 firing, 14 normal`
fn counts(counts: &StateCounts) -> String {
    let StateCounts { normal, pending, firing, recovering, no_data, error } = *counts;
    let named = [
        (firing, "firing"),
        (error, "error"),
        (no_data, "no data"),
        (pending, "pending"),
        (recovering, "recovering"),
        (normal, "normal"),
    ];
    let parts: Vec<String> =
        named.iter().filter(|(n, _)| *n > 0).map(|(n, name)| format!("{n} {name}")).collect();
    if parts.is_empty() { "none yet".to_owned() } else { parts.join(", ") }
}

/// One version of a rule, and what it changed.
#[derive(Debug, Serialize)]
struct Version {
    #[serde(flatten)]
    rule: RuleDocument,
    changes: String,
}

impl Row for Version {
    const COLUMNS: &'static [&'static str] = &["version", "changed", "by", "what"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            u64::from(self.rule.version).into(),
            self.rule.changed.into(),
            self.rule.actor.as_str().into(),
            self.changes.as_str().into(),
        ]
    }
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List { shared } => client::with(&shared.server, async |client| {
            let rules = all(client).await?;
            list::list(shared.format, &rules, "No rules; `lanner rule apply FILE` creates some.")?;
            Ok(Outcome::Fine)
        }),
        Command::Show { id, shared } => {
            client::with(&shared.server, async |client| show(client, id, shared.format).await)
        }
        Command::Apply(args) => apply_files(args),
        Command::Diff(args) => {
            let loaded = apply::read_only(&args.files, "rule diff", &SECTIONS)?;
            diff::of_request(own_request(&loaded, args.prune), Some("rule"), args)
        }
        Command::History { id, shared } => client::with(&shared.server, async |client| {
            let versions: Vec<RuleDocument> =
                client.get(&[&RULES[..], &[id, "history"]].concat(), &[]).await?;
            list::list(shared.format, &with_changes(versions), "No versions.")?;
            Ok(Outcome::Fine)
        }),
        Command::Delete { id, server } => client::with_access(server, Access::Change, async |client| {
            client.act(reqwest::Method::DELETE, &[&RULES[..], &[id]].concat()).await?;
            remark(&format!("the rule {id} is deleted"));
            Ok(Outcome::Fine)
        }),
    }
}

async fn show(client: &Client, id: &str, format: Format) -> Result<Outcome> {
    let rule: RuleView = client.get(&[&RULES[..], &[id]].concat(), &[]).await?;
    list::one(format, &rule)?;
    if format == Format::Table {
        let state = rule.state.as_ref();
        if let Some(late) = state.and_then(|state| state.lateness) {
            output::line(&format!("late     {}", lateness(&late)))?;
        }
        if let Some(warning) = state.and_then(|state| state.warning.as_ref()) {
            output::line(&format!("warning  {warning}"))?;
        }
        if let Some(last) = rule.state.and_then(|state| state.last) {
            let value = last.value.map_or_else(|| "nothing".to_owned(), list::short);
            let window = list::time_text(last.window.end);
            output::line(&format!("last     {}: {value} in the window until {window}", last.outcome))?;
        }
        if let Some(problem) = &rule.problem {
            output::line(&format!("problem  not in force: {problem}"))?;
        }
        output::line("")?;
        output::text(&yaml(&rule.rule.document))?;
    }
    Ok(Outcome::Fine)
}

/// What `lanner rule` takes of files.
const SECTIONS: [&str; 4] = ["rules", "receivers", "time_intervals", "inhibit"];

/// What is asked of the server; receivers that are in no file stay.
fn own_request(loaded: &Loaded, prune: bool) -> ApplyRequest {
    ApplyRequest { prune, prune_also: Vec::new(), ..apply::request(loaded, false) }
}

fn apply_files(args: &ApplyArgs) -> Result<Outcome> {
    let loaded = apply::read_only(&args.files, "rule apply", &SECTIONS)?;
    let request = ApplyRequest {
        dry_run: args.dry_run,
        message: args.message.clone(),
        ..own_request(&loaded, args.prune)
    };
    let access = if args.dry_run { Access::Read } else { Access::Change };
    client::with_access(&args.shared.server, access, async |client| {
        let applied: ApplyResponse = client.post(&["api", "v1", "apply"], &request).await?;
        apply::tell(&applied, Some("rule"), args.shared.format)?;
        Ok(Outcome::Fine)
    })
}

/// Versions, newest first, each with what it changed in the one before.
fn with_changes(versions: Vec<RuleDocument>) -> Vec<Version> {
    let before: Vec<Option<Value>> =
        versions.iter().skip(1).map(|v| Some(v.document.clone())).chain([None]).collect();
    let changes = |rule: &RuleDocument, before: Option<Value>| match before {
        _ if rule.document.is_null() => "deleted".to_owned(),
        None | Some(Value::Null) => "created".to_owned(),
        Some(before) => differences(&before, &rule.document).into_keys().collect::<Vec<_>>().join(", "),
    };
    let version = |(rule, before)| Version { changes: changes(&rule, before), rule };
    versions.into_iter().zip(before).map(version).collect()
}

#[cfg(test)]
mod tests {
    use lanner_wire::api::Time;
    use serde_json::json;

    use super::*;

    fn stored(version: u32, document: Value) -> RuleDocument {
        RuleDocument { id: "a".to_owned(), version, document, changed: Time(0), actor: "ada".to_owned() }
    }

    #[test]
    fn versions_say_what_they_changed() {
        let versions = vec![
            stored(4, json!({"id": "a"})),
            stored(3, Value::Null),
            stored(2, json!({"id": "a", "for": 2, "tz": "UTC"})),
            stored(1, json!({"id": "a", "for": 1})),
        ];
        let changes: Vec<String> =
            with_changes(versions).into_iter().map(|version| version.changes).collect();
        assert_eq!(changes, ["created", "deleted", "for, tz", "created"]);
    }

    #[test]
    fn states_are_counted_the_worst_first() {
        let states = StateCounts { normal: 14, firing: 2, ..StateCounts::default() };
        assert_eq!(counts(&states), "2 firing, 14 normal");
        assert_eq!(counts(&StateCounts::default()), "none yet");
    }
}
