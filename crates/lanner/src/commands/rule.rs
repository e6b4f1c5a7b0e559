//! `lanner rule`: the rules of a server, shown, changed, compared.

use std::path::PathBuf;

use clap::Subcommand;
use lanner_wire::api::{ApplyRequest, ApplyResponse, RuleDocument, RuleView, StateCounts};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Shared, check};
use crate::client::{self, Access, Client, ServerArgs};
use crate::differences::{Differences, differences};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::files;
use crate::list::{self, Cell, Format, Row};
use crate::output;
use crate::yaml::yaml;

/// Show, change and compare the rules of a server.
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
    /// List the rules and how they fare.
    #[command(after_help = "\
Examples:
  lanner rule list
  lanner rule list --format csv")]
    List {
        #[command(flatten)]
        shared: Shared,
    },
    /// Show one rule as it was written, and how it fares.
    #[command(after_help = "\
Examples:
  lanner rule show payments-floor
  lanner rule show payments-floor --format json")]
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Make the rules, receivers and inhibitions of files those of the server: all of them, or none if one is wrong.
    #[command(after_help = "\
Examples:
  lanner rule apply payments.yaml -m 'more banks'
  lanner rule apply /etc/lanner/rules --prune --dry-run")]
    Apply(ApplyArgs),
    /// Compare the rules of files with those of the server.
    #[command(after_help = "\
Examples:
  lanner rule diff payments.yaml
  lanner rule diff /etc/lanner/rules --prune --format json

Exit codes: 0 without differences, 1 with.")]
    Diff {
        /// YAML files, or folders of them.
        #[arg(required = true, value_name = "FILE|FOLDER")]
        files: Vec<PathBuf>,
        /// Also show rules of the server that are in none of the files.
        #[arg(long)]
        prune: bool,
        /// How to show the result.
        #[arg(long, value_enum, default_value_t)]
        format: output::ReportFormat,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the versions of one rule, the newest first.
    #[command(after_help = "\
Examples:
  lanner rule history payments-floor
  lanner rule history payments-floor --format json")]
    History {
        /// Its id.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Delete one rule; its running alerts end, and people are told.
    #[command(after_help = "\
Examples:
  lanner rule delete payments-floor")]
    Delete {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files, or folders of them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// Delete rules of the server that are in none of the files.
    #[arg(long)]
    prune: bool,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Why, for the history.
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

const RULES: [&str; 3] = ["api", "v1", "rules"];

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
                .map(|state| counts(&state.states))
                .or_else(|| is_inactive.then(|| "inactive".to_owned()))
                .into(),
            state.and_then(|state| state.next).into(),
            prefill.into(),
            self.rule.changed.into(),
            self.rule.actor.as_str().into(),
        ]
    }
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
            let rules: Vec<RuleView> = client.get(&RULES, &[]).await?;
            list::list(shared.format, &rules, "No rules; `lanner rule apply FILE` makes some.")?;
            Ok(Outcome::Fine)
        }),
        Command::Show { id, shared } => {
            client::with(&shared.server, async |client| show(client, id, shared.format).await)
        }
        Command::Apply(args) => apply(args),
        Command::Diff { files, prune, format, server } => diff(files, *prune, *format, server),
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
        if let Some(last) = rule.state.and_then(|state| state.last) {
            let value = last.value.map_or_else(|| "nothing".to_owned(), list::short);
            let window = list::time_text(last.window.end);
            output::line(&format!("last     {}: {value} in the window until {window}", last.outcome))?;
        }
        output::line("")?;
        output::text(&yaml(&rule.rule.document))?;
    }
    Ok(Outcome::Fine)
}

/// The configuration of files, or a failure after every problem was shown.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Map<String, Value>> {
    let mut loaded = files::load(paths)?;
    // Receivers may be described on the server already; it says so if not.
    let is_local = |problem: &lanner_engine::Problem| !problem.message.starts_with("names the receiver ");
    loaded.problems.retain(|located| is_local(&located.problem));
    if !loaded.problems.is_empty() {
        output::text(&check::rendered(&loaded))?;
        return Err(
            Failure::user(check::summary(&loaded)).hint("nothing was changed; mend what is listed above")
        );
    }
    Ok(loaded.document())
}

fn section(document: &Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    Some(document.get(name)?.as_array()?.clone())
}

fn apply(args: &ApplyArgs) -> Result<Outcome> {
    let document = read(&args.files)?;
    let request = ApplyRequest {
        rules: section(&document, "rules").unwrap_or_default(),
        receivers: section(&document, "receivers").unwrap_or_default(),
        inhibit: section(&document, "inhibit"),
        prune: args.prune,
        dry_run: args.dry_run,
        message: args.message.clone(),
    };
    let access = if args.dry_run { Access::Read } else { Access::Change };
    client::with_access(&args.shared.server, access, async |client| {
        let applied: ApplyResponse = client.post(&["api", "v1", "apply"], &request).await?;
        tell(&applied, args.shared.format)?;
        Ok(Outcome::Fine)
    })
}

/// Shows what changed.
pub(crate) fn tell(applied: &ApplyResponse, format: Format) -> Result<()> {
    match format {
        Format::Json => output::json(applied)?,
        Format::Csv => list::csv(&["change", "id"], &mut rows(applied))?,
        Format::Table => {
            let is_change = |row: &Vec<Cell>| row[0] != Cell::from("unchanged");
            let mut changes = rows(applied).filter(is_change).peekable();
            if changes.peek().is_some() {
                list::table(&["change", "id"], &mut changes)?;
            }
            remark(&applied_text(applied));
        }
    }
    Ok(())
}

fn rows(applied: &ApplyResponse) -> impl Iterator<Item = Vec<Cell>> {
    let ApplyResponse { created, changed, unchanged, deleted, .. } = applied;
    let named = [("created", created), ("changed", changed), ("deleted", deleted), ("unchanged", unchanged)];
    named
        .into_iter()
        .flat_map(|(change, ids)| ids.iter().map(move |id| vec![change.into(), id.as_str().into()]))
}

fn applied_text(applied: &ApplyResponse) -> String {
    let ApplyResponse { created, changed, unchanged, deleted, dry_run } = applied;
    let (c, d, u) = (changed.len(), deleted.len(), unchanged.len());
    let counts = format!("{} created, {c} changed, {d} deleted, {u} unchanged", created.len());
    if *dry_run { format!("would be: {counts}; nothing was changed") } else { counts }
}

/// How a rule of the files differs from the server's.
#[derive(Debug, Serialize)]
struct Difference {
    id: String,
    /// `created`, `changed` or `deleted`.
    change: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldDifference>,
}

#[derive(Debug, Serialize)]
struct FieldDifference {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Value>,
}

fn fields(found: Differences) -> Vec<FieldDifference> {
    found.into_iter().map(|(path, (old, new))| FieldDifference { path, old, new }).collect()
}

fn diff(
    files: &[PathBuf],
    prune: bool,
    format: output::ReportFormat,
    server: &ServerArgs,
) -> Result<Outcome> {
    let document = read(files)?;
    let written = section(&document, "rules").unwrap_or_default();
    client::with(server, async |client| {
        let stored: Vec<RuleView> = client.get(&RULES, &[]).await?;
        let found = compare(&stored, &written, prune);
        match format {
            output::ReportFormat::Json => output::json(&found)?,
            output::ReportFormat::Text if found.is_empty() => remark("no differences"),
            output::ReportFormat::Text => found.iter().try_for_each(|d| output::text(&d.text()))?,
        }
        Ok(Outcome::found(!found.is_empty()))
    })
}

fn compare(stored: &[RuleView], written: &[Value], prune: bool) -> Vec<Difference> {
    let id_of = |document: &Value| document["id"].as_str().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for document in written {
        let id = id_of(document);
        let old = stored.iter().find(|view| view.rule.id == id);
        let (change, fields) = match old {
            None => ("created", Vec::new()),
            Some(old) => ("changed", fields(differences(&old.rule.document, document))),
        };
        if old.is_none() || !fields.is_empty() {
            found.push(Difference { id, change, fields });
        }
    }
    if prune {
        let gone =
            stored.iter().filter(|view| !written.iter().any(|document| id_of(document) == view.rule.id));
        found.extend(gone.map(|view| Difference {
            id: view.rule.id.clone(),
            change: "deleted",
            fields: Vec::new(),
        }));
    }
    found
}

impl Difference {
    fn text(&self) -> String {
        let sign = match self.change {
            "created" => '+',
            "deleted" => '-',
            _ => '~',
        };
        let mut text = format!("{sign} {}\n", self.id);
        for FieldDifference { path, old, new } in &self.fields {
            let line = match (old, new) {
                (Some(old), Some(new)) => format!("~ {path}: {old} -> {new}"),
                (Some(old), None) => format!("- {path}: {old}"),
                (None, Some(new)) => format!("+ {path}: {new}"),
                (None, None) => continue,
            };
            text.push_str(&format!("    {line}\n"));
        }
        text
    }
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
    fn rules_are_compared_field_by_field() {
        let views = [RuleView { rule: stored(1, json!({"id": "a", "for": 1, "tz": "UTC"})), state: None }];
        let written = [json!({"id": "a", "for": 2, "labels": {"x": "y"}}), json!({"id": "b"})];
        let text: String = compare(&views, &written, true).iter().map(Difference::text).collect();
        let expected = "~ a\n    ~ for: 1 -> 2\n    + labels: {\"x\":\"y\"}\n    - tz: \"UTC\"\n+ b\n";
        assert_eq!(text, expected);
        assert_eq!(compare(&views, std::slice::from_ref(&views[0].rule.document), true).len(), 0);
        let gone: String = compare(&views, &[], true).iter().map(Difference::text).collect();
        assert_eq!(gone, "- a\n");
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
