//! `lanner switch`: manages and evaluates kill switches.

mod change;
mod dry_run;
mod import;
mod listing;
mod rows;
mod second_look;

use std::path::PathBuf;

use clap::Subcommand;
use lanner_wire::api::{
    AppliedView, ApplyResponse, ApplySwitches, AuditCheckView, AuditView, ChangeSwitch, EvaluateSwitches,
    SwitchVerdicts, SwitchVersion, SwitchView,
};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::change::{ChangeArgs, SWITCHES, path, tell_phase, written};
use super::shared::Shared;
use crate::client::{self, Access, Client, ServerArgs};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Format};
use crate::output;
use lanner_core::document::yaml;

/// Manage and evaluate kill switches, which block what they match.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner switch list
  lanner switch apply switches.yaml -m 'HSBC is down'
  lanner switch activate block-bank --for 2h
  lanner switch evaluate WORKFLOW=PURCHASE BANK=HSBC")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List switches, their phase, and how many contexts each has blocked, or would have in shadow, since the server started.
    #[command(after_help = "\
Examples:
  lanner switch list
  lanner switch list --phase blocking --label team=payments
  lanner switch list bank --format json")]
    List(listing::Args),
    /// List the programs that hold switches, the revision each holds, and those that reject the server's revision.
    #[command(after_help = "\
Examples:
  lanner switch clients")]
    Clients {
        #[command(flatten)]
        shared: Shared,
    },
    /// Raise the revision of the switches, so that programs accept a server again that was restored from a backup.
    #[command(after_help = "\
Examples:
  lanner switch bump
  lanner switch bump --to 5000

A program never goes back to an older revision. After a backup was restored, programs hold a later revision than the
server and reject its switches until its revision is higher. Without --to, the new revision is one more than any program
reported.")]
    Bump {
        /// New revision; by default above that of every program.
        #[arg(long, value_name = "REVISION")]
        to: Option<u64>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Show a switch as it was written, and its phase.
    #[command(after_help = "\
Examples:
  lanner switch show block-bank")]
    Show {
        /// Id of the switch.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Show what a switch would block, using recent contexts or the events of a stream.
    #[command(after_help = "\
Examples:
  lanner switch preview block-bank
  lanner switch preview --file switches.yaml
  lanner switch preview block-bank --stream purchases --last 10000

Uses the contexts that the server was asked since it started, at most the last 100000.")]
    Preview(second_look::PreviewArgs),
    /// Apply the switches of files to the server: all of them, or none if one is invalid.
    #[command(after_help = "\
Examples:
  lanner switch apply switches.yaml -m 'HSBC is down'
  lanner switch apply switches.yaml --prune --dry-run")]
    Apply(ApplyArgs),
    /// Convert a file of another program to switches, as YAML for `lanner switch apply`.
    #[command(after_help = "\
Examples:
  lanner switch import flags.flagd.json > switches.yaml
  lanner switch import rules.txt > switches.yaml

Exit codes: 0 when all of the file could be imported, 1 when some of it could not.")]
    Import(import::Args),
    /// Activate a switch now.
    #[command(after_help = "\
Examples:
  lanner switch activate block-bank
  lanner switch activate block-bank --for 2h -m 'HSBC is down'
  lanner switch activate block-all --request -m 'all is on fire'

A switch that would block more of the recent contexts than the server's guard allows (50 % by default) is not activated:
--force activates it anyway and is recorded, --request asks a second person.")]
    Activate {
        /// How long, such as 30m or 2h; by default as long as the switch is valid.
        #[arg(long = "for", value_parser = super::shared::duration, value_name = "DURATION")]
        duration: Option<String>,
        /// Request the activation; another person has to approve it.
        #[arg(long, conflicts_with = "force")]
        request: bool,
        /// Do it even if the switch would block more than the guard allows.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// List requests that are waiting for approval.
    #[command(after_help = "\
Examples:
  lanner switch requests")]
    Requests {
        #[command(flatten)]
        shared: Shared,
    },
    /// Approve a request by another person or an alert, and activate the switch.
    #[command(after_help = "\
Examples:
  lanner switch approve block-all -m 'I see it too'")]
    Approve(ChangeArgs),
    /// Deny a request; the switch stays unchanged.
    #[command(after_help = "\
Examples:
  lanner switch deny block-all -m 'the bank is up again'")]
    Deny(ChangeArgs),
    /// Show what alerts block with a switch, or would in a dry run, and how much of it wrongly.
    #[command(after_help = "\
Examples:
  lanner switch dry-run block-client

A receiver with `dry_run` only reports what it would block, until a person enforces it.")]
    DryRun {
        /// Id of the switch that the receiver names.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Enforce what alerts do with a switch, after a dry run; it steps back by itself when too much of it is wrong.
    #[command(after_help = "\
Examples:
  lanner switch enforce block-client -m 'reviewed 40 of 40'
  lanner switch enforce block-client --end -m 'it blocks the office'

It is refused when more wrong activations a day are to be expected than the receiver allows, and within the first day.")]
    Enforce {
        /// Enforce it all the same; recorded in the history.
        #[arg(long)]
        force: bool,
        /// End enforcement: what alerts activate only reports from now on.
        #[arg(long, conflicts_with = "force")]
        end: bool,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Deactivate a switch now.
    #[command(after_help = "\
Examples:
  lanner switch deactivate block-bank -m 'HSBC is up again'
  lanner switch deactivate block-bank --expect 7")]
    Deactivate {
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Revert the last change of a switch, including its deletion.
    #[command(after_help = "\
Examples:
  lanner switch revert block-bank -m 'it was the wrong bank'")]
    Revert {
        /// Do it even if the switch would block more than the guard allows.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete a switch.
    #[command(after_help = "\
Examples:
  lanner switch delete block-bank -m 'not needed any more'")]
    Delete {
        /// Id of the switch.
        id: String,
        /// Reason, recorded in the history.
        #[arg(long, short, value_name = "TEXT")]
        message: Option<String>,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the versions of a switch, newest first.
    #[command(after_help = "\
Examples:
  lanner switch history block-bank
  lanner switch history block-bank --format json")]
    History {
        /// Id of the switch.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// List the audit log of switches, or verify that it was not tampered with.
    #[command(after_help = "\
Examples:
  lanner switch audit
  lanner switch audit --verify

Exit codes: with --verify 0 when the chain of hashes is intact, 1 when it is broken.")]
    Audit {
        /// Verify the chain of hashes through the whole audit log.
        #[arg(long)]
        verify: bool,
        /// Maximum number of entries.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        shared: Shared,
    },
    /// Evaluate whether a context is blocked.
    #[command(after_help = "\
Examples:
  lanner switch evaluate WORKFLOW=PURCHASE BANK=HSBC
  lanner switch evaluate --json '{\"WORKFLOW\": \"PURCHASE\", \"amount\": 12.5}'

Exit codes: 0 when it is not blocked, 1 when it is.")]
    Evaluate(ContextArgs),
    /// Explain why a context is blocked, or why not: every switch, test by test.
    #[command(after_help = "\
Examples:
  lanner switch explain WORKFLOW=PURCHASE BANK=HSBC
  lanner switch explain BANK=HSBC --format json")]
    Explain(ContextArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with `switches:`, or folders that contain them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// Delete switches of the server that are in none of the files.
    #[arg(long)]
    prune: bool,
    /// Only print what would change.
    #[arg(long)]
    dry_run: bool,
    /// Apply even if a switch would block more than the guard allows.
    #[arg(long)]
    force: bool,
    /// Reason, recorded in the history.
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Change nothing unless this switch is still at this version, as shown by `lanner switch list`; 0 for a switch that does
    /// not exist yet. Repeatable.
    #[arg(long = "expect", value_name = "ID=VERSION", value_parser = expectation)]
    expect: Vec<(String, u32)>,
    #[command(flatten)]
    shared: Shared,
}

/// The version that a change expects.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Expect {
    /// Change nothing unless the switch is still at this version, as shown by `lanner switch list`.
    #[arg(long = "expect", value_name = "VERSION")]
    version: Option<u32>,
}

fn expectation(text: &str) -> std::result::Result<(String, u32), String> {
    let read = text.rsplit_once('=').and_then(|(id, version)| Some((id.to_owned(), version.parse().ok()?)));
    read.ok_or_else(|| "should be ID=VERSION, such as block-bank=7".to_owned())
}

#[derive(Debug, clap::Args)]
struct ContextArgs {
    /// Fields of the context; numbers, true, false and null are read as such, everything else as a string.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Context as a JSON object; fields given as arguments override it.
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
    #[command(flatten)]
    shared: Shared,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::List(args) => listing::run(args),
        Command::Clients { shared } => listing::clients(shared),
        Command::Bump { to, shared } => listing::bump(*to, shared),
        Command::Show { id, shared } => {
            client::with(&shared.server, async |client| show(client, id, shared.format).await)
        }
        Command::Apply(args) => apply(args),
        Command::Import(args) => import::run(args),
        Command::Preview(args) => second_look::preview(args),
        Command::Activate { duration, request: is_request, force, expect, change } => {
            let (duration, message) = (duration.clone(), change.message.clone());
            let request = ChangeSwitch { duration, message, force: *force, expect: expect.version };
            if *is_request {
                second_look::request(change, &request)
            } else {
                changed(change, "activate", &request)
            }
        }
        Command::Deactivate { expect, change } => {
            let (message, expect) = (change.message.clone(), expect.version);
            let request = ChangeSwitch { message, expect, ..ChangeSwitch::default() };
            changed(change, "deactivate", &request)
        }
        Command::DryRun { id, shared } => dry_run::show(id, shared),
        Command::Enforce { force, end, change } => dry_run::enforce(change, *force, *end),
        Command::Requests { shared } => second_look::requests(shared),
        Command::Approve(change) => second_look::approve(change),
        Command::Deny(change) => second_look::deny(change),
        Command::Revert { force, expect, change } => revert(change, *force, *expect),
        Command::Delete { id, message, expect, server } => {
            client::with_access(server, Access::Change, async |client| {
                let version = expect.version.map(|version| version.to_string());
                let parameters = [("message", message.as_deref()), ("expect", version.as_deref())];
                client.act_with(Method::DELETE, &[&SWITCHES[..], &[id]].concat(), &parameters).await?;
                remark(&format!("the switch {id} is deleted; `lanner switch revert {id}` restores it"));
                Ok(Outcome::Fine)
            })
        }
        Command::History { id, shared } => client::with(&shared.server, async |client| {
            let versions: Vec<SwitchVersion> = client.get(&path(id, "history"), &[]).await?;
            list::list(shared.format, &versions, "No versions.")?;
            Ok(Outcome::Fine)
        }),
        Command::Audit { verify: true, shared, .. } => verify(shared),
        Command::Audit { limit, shared, .. } => client::with(&shared.server, async |client| {
            let limit = limit.to_string();
            let parameters = [("limit", Some(limit.as_str()))];
            let entries: Vec<AuditView> =
                client.get(&[&SWITCHES[..], &["audit"]].concat(), &parameters).await?;
            list::list(shared.format, &entries, "No switch has been changed.")?;
            Ok(Outcome::Fine)
        }),
        Command::Evaluate(args) => evaluate(args),
        Command::Explain(args) => explain(args),
    }
}

async fn show(client: &Client, id: &str, format: Format) -> Result<Outcome> {
    let switch: SwitchView = client.get(&[&SWITCHES[..], &[id]].concat(), &[]).await?;
    list::one(format, &switch)?;
    if format == Format::Table {
        if let Some(problem) = &switch.problem {
            output::line(&format!("problem  not in force: {problem}"))?;
        }
        output::line("")?;
        output::text(&yaml(&switch.switch.document))?;
    }
    Ok(Outcome::Fine)
}

fn apply(args: &ApplyArgs) -> Result<Outcome> {
    let loaded = super::apply::read_only(&args.files, "switch apply", &["switches"])?;
    let Some(switches) = super::apply::request(&loaded, false).switches else {
        return Err(Failure::user("no file has switches").hint("write them as a list under switches:"));
    };
    let ApplyArgs { prune, dry_run, force, message, expect, shared, .. } = args;
    let (prune, dry_run, force) = (*prune, *dry_run, *force);
    let expect = expect.iter().cloned().collect();
    let request = ApplySwitches { switches, prune, dry_run, message: message.clone(), force, expect };
    let access = if dry_run { Access::Read } else { Access::Change };
    client::with_access(&shared.server, access, async |client| {
        let applied: ApplyResponse = client.post(&SWITCHES, &request).await?;
        let switches_only = applied.clone();
        let ApplyResponse { created, changed, unchanged, deleted, kept, dry_run, .. } = applied;
        let switches = AppliedView { created, changed, unchanged, deleted, kept };
        let applied = ApplyResponse { switches, dry_run, ..ApplyResponse::default() };
        match shared.format {
            Format::Json => output::json(&switches_only)?,
            format => super::apply::tell(&applied, Some("switch"), format)?,
        }
        Ok(Outcome::Fine)
    })
}

fn changed(args: &ChangeArgs, action: &str, request: &ChangeSwitch) -> Result<Outcome> {
    client::with_access(&args.shared.server, Access::Change, async |client| {
        let switch: SwitchView = client.post(&path(&args.id, action), request).await?;
        tell_phase(&switch, args.shared.format)?;
        Ok(Outcome::Fine)
    })
}

fn revert(args: &ChangeArgs, force: bool, expect: Expect) -> Result<Outcome> {
    let ChangeArgs { id, message, shared } = args;
    client::with_access(&shared.server, Access::Change, async |client| {
        let (message, expect) = (message.clone(), expect.version);
        let request = ChangeSwitch { message, force, expect, ..ChangeSwitch::default() };
        let version: SwitchVersion = client.post(&path(id, "revert"), &request).await?;
        if shared.format == Format::Table {
            let what = if version.document.is_null() { "is deleted again" } else { "is restored" };
            remark(&format!("the switch {id} {what}, as version {}", version.version));
        } else {
            list::one(shared.format, &version)?;
        }
        Ok(Outcome::Fine)
    })
}

fn verify(shared: &Shared) -> Result<Outcome> {
    client::with(&shared.server, async |client| {
        let check: AuditCheckView = client.get(&["api", "v1", "audit", "verify"], &[]).await?;
        match (shared.format, &check.problem) {
            (Format::Json, _) => output::json(&check)?,
            (_, None) => output::line(&format!(
                "{} entries, all intact; last hash {}",
                check.entries, check.last_hash
            ))?,
            (_, Some(problem)) => output::line(&format!("the audit log was modified: {problem}"))?,
        }
        Ok(Outcome::found(!check.valid))
    })
}

impl ContextArgs {
    fn context(&self) -> Result<Map<String, Value>> {
        let mut context = match &self.json {
            None => Map::new(),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| Failure::user(format!("--json is not a JSON object: {error}")))?,
        };
        for field in &self.fields {
            let (name, value) = field.split_once('=').ok_or_else(|| {
                Failure::user(format!("\"{field}\" is not FIELD=VALUE")).hint("write for example BANK=HSBC")
            })?;
            context.insert(name.to_owned(), typed(value));
        }
        Ok(context)
    }
}

/// A number, `true`, `false` or `null` where it is written like one; else text.
fn typed(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
        _ => Value::from(text),
    }
}

fn ask(
    args: &ContextArgs,
    explain: bool,
    tell: impl Fn(&SwitchVerdicts, Format) -> Result<Outcome>,
) -> Result<Outcome> {
    let request = EvaluateSwitches { context: Some(args.context()?), explain, ..EvaluateSwitches::default() };
    client::with(&args.shared.server, async |client| {
        let verdicts: SwitchVerdicts =
            client.post(&[&SWITCHES[..], &["evaluate"]].concat(), &request).await?;
        tell(&verdicts, args.shared.format)
    })
}

fn evaluate(args: &ContextArgs) -> Result<Outcome> {
    ask(args, false, |verdicts, format| {
        let verdict = verdicts.verdicts.first().cloned().unwrap_or_default();
        list::one(format, &verdict)?;
        Ok(Outcome::found(verdict.blocked))
    })
}

/// What the API says of why, as far as it is shown.
#[derive(Deserialize)]
struct Why {
    id: String,
    blocks: bool,
    phase: String,
    condition: String,
    rolled_out: bool,
    tests: Vec<WhyTest>,
}

#[derive(Deserialize)]
struct WhyTest {
    test: String,
    verdict: String,
    values: Map<String, Value>,
}

fn explain(args: &ContextArgs) -> Result<Outcome> {
    ask(args, true, |verdicts, format| {
        let verdict = verdicts.verdicts.first().cloned().unwrap_or_default();
        if format == Format::Json {
            output::json(&verdict)?;
            return Ok(Outcome::Fine);
        }
        let unreadable =
            |error: serde_json::Error| Failure::program(format!("the response cannot be read: {error}"));
        for why in verdict.explanation {
            output::text(&serde_json::from_value::<Why>(why).map_err(unreadable)?.text())?;
        }
        if verdict.switches.is_empty() {
            output::line("not blocked")?;
        } else {
            output::line(&format!("blocked by {}", verdict.switches.join(", ")))?;
        }
        Ok(Outcome::Fine)
    })
}

impl Why {
    fn text(&self) -> String {
        let Self { id, blocks, phase, condition, rolled_out, tests } = self;
        let what = if *blocks { "blocks this" } else { "does not block this" };
        let share = if *rolled_out { "" } else { ", and this is outside its share" };
        let mut text = format!("{id} {what}: it is {}, its condition is {condition}{share}\n", state(phase));
        for WhyTest { test, verdict, values } in tests {
            let mut found: Vec<String> =
                values.iter().map(|(name, value)| format!("{name} is {value}")).collect();
            if found.is_empty() && verdict == "unknown" {
                found.push("missing".to_owned());
            }
            let found = if found.is_empty() { String::new() } else { format!("  [{}]", found.join(", ")) };
            text.push_str(&format!("  {verdict:7}  {test}{found}\n"));
        }
        text
    }
}

/// A phase, after "it is".
fn state(phase: &str) -> &str {
    match phase {
        "blocking" => "on",
        "shadow" => "in shadow",
        "inactive" => "off",
        "waiting" => "not valid yet",
        "expired" => "no longer valid",
        "paused" => "outside its windows",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_explanation_reads_well() {
        let why: Why = serde_json::from_value(json!({
            "id": "block-bank", "blocks": false, "phase": "blocking", "condition": "unknown", "rolled_out": true,
            "missing": ["BANK"],
            "tests": [
                {"test": "WORKFLOW == \"PURCHASE\"", "verdict": "true", "values": {"WORKFLOW": "PURCHASE"}},
                {"test": "BANK == \"HSBC\"", "verdict": "unknown", "values": {}},
            ],
        }))
        .unwrap();
        let expected = "\
block-bank does not block this: it is on, its condition is unknown
  true     WORKFLOW == \"PURCHASE\"  [WORKFLOW is \"PURCHASE\"]
  unknown  BANK == \"HSBC\"  [missing]
";
        assert_eq!(why.text(), expected);
    }
}
