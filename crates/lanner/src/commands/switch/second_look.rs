//! `lanner switch preview`, `requests`, `approve`, `deny`: the effect of a switch, and approvals.

use std::path::PathBuf;

use lanner_core::time::format_time;
use lanner_wire::api::{ChangeSwitch, PreviewSwitch, SwitchPreview, SwitchRequest, SwitchView};
use serde_json::{Map, Value};

use super::change::{ChangeArgs, SWITCHES, path, tell_phase, written};
use crate::client::{self, Access};
use crate::commands::apply;
use crate::commands::shared::Shared;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;

#[derive(Debug, clap::Args)]
pub(super) struct PreviewArgs {
    /// Id of a switch on the server; with --file, only this one.
    #[arg(required_unless_present = "file")]
    id: Option<String>,
    /// YAML file with `switches:`, to evaluate before it is applied.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Use the last events of this stream instead of the contexts that the server was asked.
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Maximum number of contexts.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    last: usize,
    #[command(flatten)]
    shared: Shared,
}

impl Row for SwitchPreview {
    const COLUMNS: &'static [&'static str] = &["id", "contexts", "blocked", "share", "first", "last"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.contexts.into(),
            self.blocked.into(),
            Some(percent(self.share)).filter(|_| self.contexts > 0).into(),
            self.first.into(),
            self.last.into(),
        ]
    }
}

impl Row for SwitchRequest {
    const COLUMNS: &'static [&'static str] = &["id", "asked by", "asked", "for", "because", "message"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.actor.as_str().into(),
            self.asked.into(),
            self.duration.clone().into(),
            self.because.as_str().into(),
            Some(self.message.clone()).filter(|message| !message.is_empty()).into(),
        ]
    }
}

pub(super) fn preview(args: &PreviewArgs) -> Result<Outcome> {
    let questions = questions(args)?;
    client::with(&args.shared.server, async |client| {
        let mut previews: Vec<SwitchPreview> = Vec::new();
        for question in &questions {
            previews.push(client.post(&[&SWITCHES[..], &["preview"]].concat(), question).await?);
        }
        if args.shared.format != Format::Table {
            list::list(args.shared.format, &previews, "No switches.")?;
            return Ok(Outcome::Fine);
        }
        for preview in &previews {
            output::text(&text(preview))?;
        }
        Ok(Outcome::Fine)
    })
}

fn questions(args: &PreviewArgs) -> Result<Vec<PreviewSwitch>> {
    let PreviewArgs { id, file, stream, last, .. } = args;
    let ask = |id: Option<String>, switch: Option<Value>| PreviewSwitch {
        id,
        switch,
        stream: stream.clone(),
        last: Some(*last),
    };
    let Some(file) = file else { return Ok(vec![ask(id.clone(), None)]) };
    let document = apply::read(std::slice::from_ref(file))?.document();
    let switches = document.get("switches").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_wanted = |switch: &Value| id.as_deref().is_none_or(|id| written(switch, "id") == Some(id));
    let wanted: Vec<_> =
        switches.into_iter().filter(is_wanted).map(|switch| ask(None, Some(switch))).collect();
    if wanted.is_empty() {
        let name = file.display();
        return Err(Failure::user(match id {
            Some(id) => format!("{name} has no switch \"{id}\""),
            None => format!("{name} has no switches"),
        }));
    }
    Ok(wanted)
}

/// `3.2 %`.
fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.trim_end_matches(".0"))
}

fn text(preview: &SwitchPreview) -> String {
    let SwitchPreview { id, stream, contexts, blocked, share, first, last, examples } = preview;
    let what = match stream {
        Some(stream) => format!("events of {stream}"),
        None => "contexts that the server was asked".to_owned(),
    };
    if *contexts == 0 {
        let hint = if stream.is_some() { "" } else { "; use the events of a stream with --stream" };
        return format!("{id}: there are no {what}{hint}\n");
    }
    let span: Vec<String> = [first, last].into_iter().flatten().map(|time| format_time(time.0)).collect();
    let mut text = format!(
        "{id} would block {} of the last {contexts} {what} ({blocked}), from {}\n",
        percent(*share),
        span.join(" to "),
    );
    for example in examples {
        text.push_str(&format!("  {}\n", shortened(example)));
    }
    text
}

/// A context on one line of bearable length.
fn shortened(context: &Map<String, Value>) -> String {
    const MAX: usize = 120;
    let text = Value::Object(context.clone()).to_string();
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

pub(super) fn requests(shared: &Shared) -> Result<Outcome> {
    client::with(&shared.server, async |client| {
        let requests: Vec<SwitchRequest> = client.get(&[&SWITCHES[..], &["requests"]].concat(), &[]).await?;
        list::list(shared.format, &requests, "No request is waiting for approval.")?;
        Ok(Outcome::Fine)
    })
}

pub(super) fn request(args: &ChangeArgs, request: &ChangeSwitch) -> Result<Outcome> {
    let ChangeArgs { id, shared, .. } = args;
    client::with_access(&shared.server, Access::Change, async |client| {
        let kept: SwitchRequest = client.post(&path(id, "request"), request).await?;
        if shared.format == Format::Table {
            remark(&format!(
                "the switch {id} is waiting for approval by another person: lanner switch approve {id}\n  ({})",
                kept.because
            ));
        } else {
            list::one(shared.format, &kept)?;
        }
        Ok(Outcome::Fine)
    })
}

pub(super) fn approve(args: &ChangeArgs) -> Result<Outcome> {
    let ChangeArgs { id, message, shared } = args;
    client::with_access(&shared.server, Access::Change, async |client| {
        let request = ChangeSwitch { message: message.clone(), ..ChangeSwitch::default() };
        let switch: SwitchView = client.post(&path(id, "approve"), &request).await?;
        tell_phase(&switch, shared.format)?;
        Ok(Outcome::Fine)
    })
}

pub(super) fn deny(args: &ChangeArgs) -> Result<Outcome> {
    let ChangeArgs { id, message, shared } = args;
    client::with_access(&shared.server, Access::Change, async |client| {
        let request = ChangeSwitch { message: message.clone(), ..ChangeSwitch::default() };
        let denied: SwitchRequest = client.post(&path(id, "deny"), &request).await?;
        remark(&format!("the request for {id} by {} is denied; the switch is unchanged", denied.actor));
        Ok(Outcome::Fine)
    })
}
