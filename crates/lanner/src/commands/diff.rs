//! `lanner diff`: compares files with the server.

use std::path::PathBuf;

use lanner_wire::api::{AppliedView, ApplyRequest, ApplyResponse, RuleView, SwitchView};
use serde::Serialize;
use serde_json::Value;

use super::apply;
use crate::client::{self, Client, ServerArgs};
use crate::differences::{Differences, differences};
use crate::failure::{Outcome, Result, remark};
use crate::output;

/// Compare the rules, processors, receivers, inhibitions, switches and silences of files with those of the server.
///
/// For rules and switches, shows every field that differs; for receivers only that they differ, because they contain
/// secrets.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner diff lanner.yaml
  lanner diff /etc/lanner --prune --format json

Exit codes: 0 without differences, 1 with.")]
pub(crate) struct Args {
    /// YAML files, or folders that contain them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(super) files: Vec<PathBuf>,
    /// Also show what is on the server and in no file, within the sections that the files contain.
    #[arg(long)]
    pub(super) prune: bool,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: output::ReportFormat,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let loaded = apply::read(&args.files)?;
    of_request(apply::request(&loaded, args.prune), None, args)
}

/// How what is asked for differs from what the server has; things of the kind that a command is about are called by
/// their ids alone.
pub(super) fn of_request(request: ApplyRequest, only: Option<&str>, args: &Args) -> Result<Outcome> {
    let request = ApplyRequest { dry_run: true, force: true, ..request };
    client::with(&args.server, async |client| {
        let applied: ApplyResponse = client.post(&["api", "v1", "apply"], &request).await?;
        let found = found(client, &request, applied).await?;
        match args.format {
            output::ReportFormat::Json => output::json(&found)?,
            output::ReportFormat::Text if found.is_empty() => remark("no differences"),
            output::ReportFormat::Text => found.iter().try_for_each(|d| output::text(&d.text(only)))?,
        }
        Ok(Outcome::found(!found.is_empty()))
    })
}

async fn found(client: &Client, request: &ApplyRequest, applied: ApplyResponse) -> Result<Vec<Difference>> {
    let ApplyResponse {
        created,
        changed,
        unchanged,
        deleted,
        kept,
        processors,
        receivers,
        inhibit,
        switches,
        silences,
        ..
    } = applied;
    let mut found = of_kind("rule", AppliedView { created, changed, unchanged, deleted, kept });
    for difference in found.iter_mut().filter(|difference| difference.change == "changed") {
        let stored: RuleView = client.get(&["api", "v1", "rules", &difference.id], &[]).await?;
        difference.compare(&stored.rule.document, &request.rules);
    }
    found.extend(of_kind("processor", processors));
    found.extend(of_kind("receiver", receivers));
    found.extend(of_kind("inhibit", inhibit));
    let mut of_switches = of_kind("switch", switches);
    for difference in of_switches.iter_mut().filter(|difference| difference.change == "changed") {
        let stored: SwitchView = client.get(&["api", "v1", "switches", &difference.id], &[]).await?;
        difference.compare(&stored.switch.document, request.switches.as_deref().unwrap_or_default());
    }
    found.extend(of_switches);
    found.extend(of_kind("silence", silences));
    Ok(found)
}

fn of_kind(kind: &'static str, view: AppliedView) -> Vec<Difference> {
    let AppliedView { created, changed, deleted, .. } = view;
    let named = [("created", created), ("changed", changed), ("deleted", deleted)];
    let difference = |change, id| Difference { kind, id, change, fields: Vec::new() };
    named
        .into_iter()
        .flat_map(|(change, ids)| ids.into_iter().map(move |id| difference(change, id)))
        .collect()
}

/// How one thing of the files differs from the server's.
#[derive(Debug, Serialize)]
struct Difference {
    /// `rule`, `processor`, `receiver`, `inhibit`, `switch` or `silence`.
    kind: &'static str,
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

impl Difference {
    fn compare(&mut self, old: &Value, written: &[Value]) {
        if let Some(new) = written.iter().find(|document| document["id"] == *self.id) {
            self.fields = fields(differences(old, new));
        }
    }

    fn text(&self, only: Option<&str>) -> String {
        let sign = match self.change {
            "created" => '+',
            "deleted" => '-',
            _ => '~',
        };
        let kind = if only == Some(self.kind) { String::new() } else { format!("{} ", self.kind) };
        let mut text = format!("{sign} {kind}{}\n", self.id);
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn things_are_compared_field_by_field() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let view = AppliedView {
            created: names(&["b"]),
            changed: names(&["a"]),
            unchanged: names(&["u"]),
            deleted: names(&["c"]),
            ..AppliedView::default()
        };
        let mut found = of_kind("rule", view);
        let written = [json!({"id": "a", "for": 2, "labels": {"x": "y"}}), json!({"id": "b"})];
        found[1].compare(&json!({"id": "a", "for": 1, "tz": "UTC"}), &written);
        let text: String = found.iter().map(|difference| difference.text(None)).collect();
        let expected = "+ rule b\n~ rule a\n    ~ for: 1 -> 2\n    + labels: {\"x\":\"y\"}\n    - tz: \"UTC\"\n- rule c\n";
        assert_eq!(text, expected);
    }
}
