//! `lanner switch dry-run`, `enforce`: what alerts would block, how much of it wrongly, and whether it is enforced.

use lanner_core::time::format_time;
use lanner_wire::api::{ChangeSwitch, DecisionView, DryRunView};

use super::change::{ChangeArgs, path};
use crate::client::{self, Access};
use crate::commands::shared::Shared;
use crate::failure::{Outcome, Result};
use crate::list::{self, Cell, Format, Row};
use crate::output;

impl Row for DryRunView {
    const COLUMNS: &'static [&'static str] =
        &["id", "enforced", "activations", "wrong", "right", "expected wrong a day"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            if self.enforced { "yes" } else { "no" }.into(),
            self.decisions.into(),
            self.wrong.into(),
            self.right.into(),
            format!("{:.1}", self.expected_wrong_per_day).into(),
        ]
    }
}

impl Row for DecisionView {
    const COLUMNS: &'static [&'static str] = &["began", "ends", "switch", "rule", "did", "review"];
    fn cells(&self) -> Vec<Cell> {
        let review = self.review.as_ref().map(|review| match &self.reviewed_by {
            Some(by) => format!("{review}, {by}"),
            None => review.clone(),
        });
        vec![
            self.began.into(),
            self.ends.into(),
            self.id.as_str().into(),
            self.rule.as_str().into(),
            if self.enforced { "block" } else { "report" }.into(),
            review.into(),
        ]
    }
}

pub(super) fn show(id: &str, shared: &Shared) -> Result<Outcome> {
    client::with(&shared.server, async |client| {
        let stands: DryRunView = client.get(&path(id, "dry-run"), &[]).await?;
        tell(&stands, shared.format)
    })
}

pub(super) fn enforce(args: &ChangeArgs, force: bool, ends: bool) -> Result<Outcome> {
    let ChangeArgs { id, message, shared } = args;
    let request = ChangeSwitch { message: message.clone(), force, ..ChangeSwitch::default() };
    let action = if ends { "dry-run" } else { "enforce" };
    client::with_access(&shared.server, Access::Change, async |client| {
        let stands: DryRunView = client.post(&path(id, action), &request).await?;
        tell(&stands, shared.format)
    })
}

fn tell(stands: &DryRunView, format: Format) -> Result<Outcome> {
    if format != Format::Table {
        list::one(format, stands)?;
        return Ok(Outcome::Fine);
    }
    output::text(&text(stands))?;
    if !stands.last.is_empty() {
        output::line("")?;
        list::list(format, &stands.last, "")?;
    }
    Ok(Outcome::Fine)
}

fn text(stands: &DryRunView) -> String {
    let DryRunView { id, enforced, since, by, message, days, wrong_per_day, .. } = stands;
    let what = if *enforced { "is enforced" } else { "is in a dry run: alerts block nothing with it" };
    let mut text = format!("{id} {what}");
    if let (Some(since), Some(by)) = (since, by) {
        text.push_str(&format!(", since {} by {by}", format_time(since.0)));
    }
    if let Some(message) = message {
        text.push_str(&format!(" ({message})"));
    }
    let n_open = stands.decisions.saturating_sub(stands.wrong + stands.right);
    text.push_str(&format!(
        "\nactivations in {days} days: {}, {} wrong, {} right, {n_open} not reviewed; contexts since the server started: {}\n\
         wrong activations a day: {:.1} expected, {wrong_per_day} allowed\n",
        stands.decisions, stands.wrong, stands.right, stands.contexts, stands.expected_wrong_per_day,
    ));
    if let Some(objection) = &stands.objection {
        text.push_str(&format!("should not be enforced: {objection}\n"));
    }
    text
}
