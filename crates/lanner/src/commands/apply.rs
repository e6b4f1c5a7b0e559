//! `lanner apply`: puts the contents of files into effect on the server, all at once.

use std::path::PathBuf;

use lanner_engine::config::SECTIONS;
use lanner_wire::api::{AppliedView, ApplyRequest, ApplyResponse, Prunable};
use serde_json::{Map, Value};

use super::check;
use super::shared::Shared;
use crate::client::{self, Access};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::files::{self, Loaded};
use crate::list::{self, Cell, Format};
use crate::output;

/// Apply the rules, processors, receivers, inhibitions, switches and silences of files to the server: all of them, or
/// none if one is invalid.
///
/// Prints what was created, changed or left unchanged. Sections that no file contains stay unchanged. The settings
/// (sources, streams, scrape, consume, remote_write, server, retention) are not applied: they come from the file the server was started with.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner apply lanner.yaml -m 'more banks'
  lanner apply /etc/lanner --dry-run
  lanner apply /etc/lanner --prune")]
pub(crate) struct Args {
    /// YAML files, or folders that contain them.
    #[arg(required = true, value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,
    /// Also delete what is on the server and in no file, within the sections that the files contain.
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
    #[command(flatten)]
    shared: Shared,
}

/// Sections of files that are settings.
const SETTINGS: [&str; 7] =
    ["sources", "streams", "scrape", "consume", "remote_write", "server", "retention"];

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let loaded = read(&args.files)?;
    let request = ApplyRequest {
        message: args.message.clone(),
        dry_run: args.dry_run,
        force: args.force,
        ..request(&loaded, args.prune)
    };
    let access = if args.dry_run { Access::Read } else { Access::Change };
    client::with_access(&args.shared.server, access, async |client| {
        let applied: ApplyResponse = client.post(&["api", "v1", "apply"], &request).await?;
        tell(&applied, None, args.shared.format)?;
        tell_left_out(&loaded);
        Ok(Outcome::Fine)
    })
}

/// What files ask of the server; pruned are the sections that they have.
pub(super) fn request(loaded: &Loaded, prune: bool) -> ApplyRequest {
    let document = loaded.document();
    let prunable = [
        ("processors", Prunable::Processors),
        ("receivers", Prunable::Receivers),
        ("switches", Prunable::Switches),
        ("silences", Prunable::Silences),
    ];
    let also = prunable.into_iter().filter(|(name, _)| prune && loaded.has(name)).map(|(_, section)| section);
    ApplyRequest {
        rules: section(&document, "rules").unwrap_or_default(),
        processors: section(&document, "processors"),
        receivers: section(&document, "receivers").unwrap_or_default(),
        inhibit: section(&document, "inhibit"),
        switches: section(&document, "switches"),
        silences: section(&document, "silences"),
        prune: prune && loaded.has("rules"),
        prune_also: also.collect(),
        ..ApplyRequest::default()
    }
}

fn section(document: &Map<String, Value>, name: &str) -> Option<Vec<Value>> {
    Some(document.get(name)?.as_array()?.clone())
}

/// The configuration of files, or a failure after every problem was shown.
pub(super) fn read(paths: &[PathBuf]) -> Result<Loaded> {
    let mut loaded = files::load(paths)?;
    // Receivers may be described on the server already; it says so if not.
    let is_local = |problem: &lanner_engine::Problem| !problem.message.starts_with("names the receiver ");
    loaded.problems.retain(|located| is_local(&located.problem));
    if !loaded.problems.is_empty() {
        output::styled(&check::rendered(&loaded))?;
        return Err(
            Failure::user(check::summary(&loaded)).hint("nothing was changed; fix the problems above")
        );
    }
    Ok(loaded)
}

/// The configuration of files that hold nothing but these sections, so that no part of a file is left out silently.
pub(super) fn read_only(paths: &[PathBuf], command: &str, sections: &[&str]) -> Result<Loaded> {
    let loaded = read(paths)?;
    let left_out: Vec<&str> =
        SECTIONS.into_iter().filter(|name| loaded.has(name) && !sections.contains(name)).collect();
    if left_out.is_empty() {
        return Ok(loaded);
    }
    let message = format!(
        "`lanner {command}` takes {} and would leave out {}; nothing was changed",
        sections.join(", "),
        left_out.join(", ")
    );
    Err(Failure::user(message).hint("`lanner apply` applies everything in the files"))
}

/// Says what of the files is not for the server to take: settings, which come from elsewhere, and scripts of tests.
fn tell_left_out(loaded: &Loaded) {
    for script in loaded.scripts() {
        remark(&format!("{}: not applied; this is a script of tests, for `lanner test`", script.display()));
    }
    let settings: Vec<&str> = SETTINGS.into_iter().filter(|name| loaded.has(name)).collect();
    if !settings.is_empty() {
        remark(&format!(
            "{}: not applied; these are the server's own settings and come from its configuration file; change them there, \
             then `lanner reload`",
            settings.join(", ")
        ));
    }
}

/// More unchanged things of one kind than this are counted, not listed.
const MAX_UNCHANGED: usize = 20;

/// Shows what changed, of everything or, where a command is about one `kind` of things, of that first.
pub(super) fn tell(applied: &ApplyResponse, kind: Option<&str>, format: Format) -> Result<()> {
    let columns: &[&'static str] = if kind.is_some() { &["change", "id"] } else { &["change", "kind", "id"] };
    if format != Format::Json {
        applied.warnings.iter().for_each(|warning| remark(&format!("warning: {warning}")));
    }
    match format {
        Format::Json => output::json(applied)?,
        Format::Csv => list::csv(columns, &mut rows(applied, kind, usize::MAX))?,
        Format::Table => {
            let mut rows = rows(applied, kind, MAX_UNCHANGED).peekable();
            if rows.peek().is_some() {
                list::table(columns, &mut rows)?;
            }
            remark(&summary(applied, kind));
        }
    }
    Ok(())
}

/// Everything that was looked at, kind by kind.
fn kinds(applied: &ApplyResponse) -> [(&'static str, &'static str, AppliedView); 6] {
    let ApplyResponse { created, changed, unchanged, deleted, kept, .. } = applied.clone();
    [
        ("rule", "rules", AppliedView { created, changed, unchanged, deleted, kept }),
        ("processor", "processors", applied.processors.clone()),
        ("receiver", "receivers", applied.receivers.clone()),
        ("inhibit", "inhibitions", applied.inhibit.clone()),
        ("switch", "switches", applied.switches.clone()),
        ("silence", "silences", applied.silences.clone()),
    ]
}

fn rows<'a>(
    applied: &ApplyResponse,
    only: Option<&'a str>,
    max_unchanged: usize,
) -> impl Iterator<Item = Vec<Cell>> + use<'a> {
    let row = move |change: &'static str, kind: &'static str, id: &str| -> Vec<Cell> {
        match only {
            Some(only) if only == kind => vec![change.into(), id.into()],
            Some(_) => vec![change.into(), format!("{kind} {id}").into()],
            None => vec![change.into(), kind.into(), id.into()],
        }
    };
    let of_kind = move |(kind, _, view): (&'static str, &'static str, AppliedView)| {
        let AppliedView { created, changed, mut unchanged, deleted, kept } = view;
        if unchanged.len() > max_unchanged {
            unchanged.clear();
        }
        let named = [
            ("created", created),
            ("changed", changed),
            ("deleted", deleted),
            ("unchanged", unchanged),
            ("kept", kept),
        ];
        named.into_iter().flat_map(move |(change, ids)| {
            ids.into_iter().map(move |id| row(change, kind, &id)).collect::<Vec<_>>()
        })
    };
    kinds(applied).into_iter().flat_map(of_kind)
}

/// `rules: 1 created, 2 unchanged; receivers: 1 changed`; of the kind that a command is about all four counts.
fn summary(applied: &ApplyResponse, only: Option<&str>) -> String {
    let of_kind = |(kind, name, view): (&'static str, &'static str, AppliedView)| {
        let is_led = only == Some(kind);
        let AppliedView { created, changed, unchanged, deleted, kept } = view;
        let counts = [
            (created.len(), "created", is_led),
            (changed.len(), "changed", is_led),
            (deleted.len(), "deleted", is_led),
            (unchanged.len(), "unchanged", is_led),
            (kept.len(), "kept (--prune deletes them)", false),
        ];
        let told = counts.into_iter().filter(|(n, _, always)| *always || *n > 0);
        let counts: Vec<String> = told.map(|(n, what, _)| format!("{n} {what}")).collect();
        match (counts.is_empty(), is_led) {
            (true, _) => None,
            (_, true) => Some(counts.join(", ")),
            _ => Some(format!("{name}: {}", counts.join(", "))),
        }
    };
    let kinds: Vec<String> = kinds(applied).into_iter().filter_map(of_kind).collect();
    let all = if kinds.is_empty() { "nothing to do".to_owned() } else { kinds.join("; ") };
    if applied.dry_run { format!("would be: {all}; nothing was changed") } else { all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let applied = ApplyResponse {
            created: names(&["a"]),
            unchanged: names(&["b", "c"]),
            receivers: AppliedView { changed: names(&["ops"]), ..AppliedView::default() },
            switches: AppliedView { kept: names(&["s"]), ..AppliedView::default() },
            dry_run: true,
            ..ApplyResponse::default()
        };
        assert_eq!(
            summary(&applied, None),
            "would be: rules: 1 created, 2 unchanged; receivers: 1 changed; switches: 1 kept (--prune deletes them); \
             nothing was changed"
        );
        assert_eq!(rows(&applied, None, 1).count(), 3);
        assert_eq!(
            summary(&ApplyResponse { dry_run: false, ..applied }, Some("rule")),
            "1 created, 0 changed, 0 deleted, 2 unchanged; receivers: 1 changed; switches: 1 kept (--prune deletes them)"
        );
        assert_eq!(summary(&ApplyResponse::default(), None), "nothing to do");
    }
}
