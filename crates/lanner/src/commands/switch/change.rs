//! What the commands share that change a switch.

use lanner_core::time::format_time;
use lanner_wire::api::SwitchView;
use serde_json::Value;

use crate::commands::shared::Shared;
use crate::failure::{Result, remark};
use crate::list::{self, Format};

#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
    /// Its id.
    pub(super) id: String,
    /// Why, for the history.
    #[arg(long, short, value_name = "TEXT")]
    pub(super) message: Option<String>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

pub(super) const SWITCHES: [&str; 3] = ["api", "v1", "switches"];

pub(super) fn path<'a>(id: &'a str, action: &'a str) -> Vec<&'a str> {
    [&SWITCHES[..], &[id, action]].concat()
}

pub(super) fn written<'v>(document: &'v Value, name: &str) -> Option<&'v str> {
    document.get(name).and_then(Value::as_str)
}

/// Says what a switch does from now on.
pub(super) fn tell_phase(view: &SwitchView, format: Format) -> Result<()> {
    if format != Format::Table {
        return list::one(format, view);
    }
    let SwitchView { switch, phase, .. } = view;
    let until = switch.document.pointer("/valid/to").and_then(Value::as_str);
    let until = until.filter(|_| phase == "blocking").map(|to| format!(" until {to}"));
    let next = view.next.map(|next| format!(" and blocks next from {}", format_time(next.0)));
    remark(&format!(
        "the switch {} is {phase}{}{}",
        switch.id,
        until.unwrap_or_default(),
        next.unwrap_or_default()
    ));
    Ok(())
}
