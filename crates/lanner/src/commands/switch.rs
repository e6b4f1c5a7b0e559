//! `lanner switch`: kill switches, shown, changed and asked.

mod change;
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
use crate::yaml::yaml;

/// Show, change and ask kill switches, which block what they match.
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
    /// List the switches, what each does now, and how many contexts it blocked, or would have in shadow, since the server
    /// started.
    #[command(after_help = "\
Examples:
  lanner switch list
  lanner switch list --phase blocking --label team=payments
  lanner switch list bank --format json")]
    List(listing::Args),
    /// List the programs that hold the switches, which revision each holds, and which of them disbelieve the server.
    #[command(after_help = "\
Examples:
  lanner switch clients")]
    Clients {
        #[command(flatten)]
        shared: Shared,
    },
    /// Raise the revision of the switches, so that programs follow a server again that was set back.
    #[command(after_help = "\
Examples:
  lanner switch bump
  lanner switch bump --to 5000

A program never goes back to an older revision. After a backup was restored programs hold a later one than the server
has, and refuse its switches until its revision is higher: without --to, it becomes one more than any program told.")]
    Bump {
        /// To what; else above what any program holds.
        #[arg(long, value_name = "REVISION")]
        to: Option<u64>,
        #[command(flatten)]
        shared: Shared,
    },
    /// Show one switch as it was written, and what it does now.
    #[command(after_help = "\
Examples:
  lanner switch show block-bank")]
    Show {
        /// Its id.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// Say what a switch would block, tried on the contexts that the server was asked last, or on a stream's events.
    #[command(after_help = "\
Examples:
  lanner switch preview block-bank
  lanner switch preview --file switches.yaml
  lanner switch preview block-bank --stream purchases --last 10000

Only contexts count that the server itself was asked since it started, at most the last 100000.")]
    Preview(second_look::PreviewArgs),
    /// Make the switches of files those of the server: all of them, or none if one is wrong.
    #[command(after_help = "\
Examples:
  lanner switch apply switches.yaml -m 'HSBC is down'
  lanner switch apply switches.yaml --prune --dry-run")]
    Apply(ApplyArgs),
    /// Write the switches that a file of another program comes to, as YAML, for `lanner switch apply`.
    #[command(after_help = "\
Examples:
  lanner switch import flags.flagd.json > switches.yaml
  lanner switch import rules.txt > switches.yaml

Exit codes: 0 when all of the file could be imported, 1 when some of it could not.")]
    Import(import::Args),
    /// Turn one switch on, now.
    #[command(after_help = "\
Examples:
  lanner switch activate block-bank
  lanner switch activate block-bank --for 2h -m 'HSBC is down'
  lanner switch activate block-all --request -m 'all is on fire'

What would block more of the last contexts than the server's guard lets pass (50 % by default) is refused: --force
does it all the same and is noted, --request asks a second person.")]
    Activate {
        /// For how long, such as 30m or 2h; else as its validity says.
        #[arg(long = "for", value_parser = super::shared::duration, value_name = "DURATION")]
        duration: Option<String>,
        /// Only ask for it; somebody else approves.
        #[arg(long, conflicts_with = "force")]
        request: bool,
        /// Do it though it would block more than the guard lets pass.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// List the switches that wait for somebody's approval.
    #[command(after_help = "\
Examples:
  lanner switch requests")]
    Requests {
        #[command(flatten)]
        shared: Shared,
    },
    /// Turn on a switch that somebody else, or an alert, asked for.
    #[command(after_help = "\
Examples:
  lanner switch approve block-all -m 'I see it too'")]
    Approve(ChangeArgs),
    /// Turn down what was asked for.
    #[command(after_help = "\
Examples:
  lanner switch deny block-all -m 'the bank is up again'")]
    Deny(ChangeArgs),
    /// Turn one switch off, now.
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
    /// Take the last change of one switch back, also its deletion.
    #[command(after_help = "\
Examples:
  lanner switch revert block-bank -m 'it was the wrong bank'")]
    Revert {
        /// Do it though it would block more than the guard lets pass.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Delete one switch.
    #[command(after_help = "\
Examples:
  lanner switch delete block-bank -m 'not needed any more'")]
    Delete {
        /// Its id.
        id: String,
        /// Why, for the history.
        #[arg(long, short, value_name = "TEXT")]
        message: Option<String>,
        #[command(flatten)]
        expect: Expect,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List the versions of one switch, the newest first.
    #[command(after_help = "\
Examples:
  lanner switch history block-bank
  lanner switch history block-bank --format json")]
    History {
        /// Its id.
        id: String,
        #[command(flatten)]
        shared: Shared,
    },
    /// List who changed switches, or prove that the whole audit is as it was written.
    #[command(after_help = "\
Examples:
  lanner switch audit
  lanner switch audit --verify

Exit codes: with --verify 0 when the chain of hashes is whole, 1 when it is broken.")]
    Audit {
        /// Follow the chain of hashes through the whole audit.
        #[arg(long)]
        verify: bool,
        /// At most this many entries.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        shared: Shared,
    },
    /// Ask whether a context is blocked.
    #[command(after_help = "\
Examples:
  lanner switch evaluate WORKFLOW=PURCHASE BANK=HSBC
  lanner switch evaluate --json '{\"WORKFLOW\": \"PURCHASE\", \"amount\": 12.5}'

Exit codes: 0 when it is not blocked, 1 when it is.")]
    Evaluate(ContextArgs),
    /// Ask why a context is blocked, or why not: every switch, test by test.
    #[command(after_help = "\
Examples:
  lanner switch explain WORKFLOW=PURCHASE BANK=HSBC
  lanner switch explain BANK=HSBC --format json")]
    Explain(ContextArgs),
}

#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// YAML files with `switches:`, or folders of them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// Delete switches of the server that are in none of the files.
    #[arg(long)]
    prune: bool,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Do it though a switch would block more than the guard lets pass.
    #[arg(long)]
    force: bool,
    /// Why, for the history.
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Change nothing if this switch is not at this version any more, as `lanner switch list` shows it; 0 for one that is
    /// not there yet. May be given several times.
    #[arg(long = "expect", value_name = "ID=VERSION", value_parser = expectation)]
    expect: Vec<(String, u32)>,
    #[command(flatten)]
    shared: Shared,
}

/// Which version was looked at.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Expect {
    /// Change nothing if it is not at this version any more, as `lanner switch list` shows it.
    #[arg(long = "expect", value_name = "VERSION")]
    version: Option<u32>,
}

fn expectation(text: &str) -> std::result::Result<(String, u32), String> {
    let read = text.rsplit_once('=').and_then(|(id, version)| Some((id.to_owned(), version.parse().ok()?)));
    read.ok_or_else(|| "should be ID=VERSION, such as block-bank=7".to_owned())
}

#[derive(Debug, clap::Args)]
struct ContextArgs {
    /// Fields of the context; numbers, true, false and null count as such, all else as text.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// The context as a JSON object; fields are put over it.
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
        Command::Requests { shared } => second_look::requests(shared),
        Command::Approve(change) => second_look::approve(change),
        Command::Deny(change) => second_look::deny(change),
        Command::Revert { force, expect, change } => revert(change, *force, *expect),
        Command::Delete { id, message, expect, server } => {
            client::with_access(server, Access::Change, async |client| {
                let version = expect.version.map(|version| version.to_string());
                let parameters = [("message", message.as_deref()), ("expect", version.as_deref())];
                client.act_with(Method::DELETE, &[&SWITCHES[..], &[id]].concat(), &parameters).await?;
                remark(&format!("the switch {id} is deleted; `lanner switch revert {id}` brings it back"));
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
            list::list(shared.format, &entries, "Nobody has changed a switch.")?;
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
            let what = if version.document.is_null() { "is deleted again" } else { "is what it was before" };
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
                "{} entries, all as written; last hash {}",
                check.entries, check.last_hash
            ))?,
            (_, Some(problem)) => output::line(&format!("the audit is not as it was written: {problem}"))?,
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
            |error: serde_json::Error| Failure::program(format!("the answer cannot be read: {error}"));
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
