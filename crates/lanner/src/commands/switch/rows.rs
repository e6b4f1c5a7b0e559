//! Table rows of switches and their verdicts.

use lanner_wire::api::SwitchVerdict;

use super::*;
use crate::list::{Cell, Row};

impl Row for SwitchView {
    const COLUMNS: &'static [&'static str] =
        &["id", "phase", "hits", "when", "reason", "version", "changed", "by"];
    fn cells(&self) -> Vec<Cell> {
        let SwitchVersion { id, version, document, changed, actor, .. } = &self.switch;
        let when = match document.get("when") {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" and ")
            }
            other => other.and_then(Value::as_str).unwrap_or_default().to_owned(),
        };
        vec![
            id.as_str().into(),
            self.phase.as_str().into(),
            (self.counts.blocked + self.counts.shadow).into(),
            when.into(),
            written(document, "reason").into(),
            u64::from(*version).into(),
            (*changed).into(),
            actor.as_str().into(),
        ]
    }
}

impl Row for SwitchVersion {
    const COLUMNS: &'static [&'static str] = &["version", "status", "changed", "by", "message"];
    fn cells(&self) -> Vec<Cell> {
        let status = if self.document.is_null() {
            "deleted"
        } else {
            written(&self.document, "status").unwrap_or("active")
        };
        vec![
            u64::from(self.version).into(),
            status.into(),
            self.changed.into(),
            self.actor.as_str().into(),
            Some(self.message.as_str()).filter(|message| !message.is_empty()).into(),
        ]
    }
}

impl Row for AuditView {
    const COLUMNS: &'static [&'static str] = &["seq", "time", "by", "action", "subject", "message"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            (self.seq.max(0) as u64).into(),
            self.time.into(),
            self.actor.as_str().into(),
            self.action.as_str().into(),
            self.subject.as_str().into(),
            written(&self.detail, "message").filter(|message| !message.is_empty()).into(),
        ]
    }
}

impl Row for SwitchVerdict {
    const COLUMNS: &'static [&'static str] = &["blocked", "switches", "shadow", "reason", "status"];
    fn cells(&self) -> Vec<Cell> {
        let list = |ids: &[String]| Some(ids.join(", ")).filter(|ids| !ids.is_empty());
        vec![
            if self.blocked { "yes" } else { "no" }.into(),
            list(&self.switches).into(),
            list(&self.shadow).into(),
            self.reason.clone().into(),
            self.answer.as_ref().map(|answer| u64::from(answer.status)).into(),
        ]
    }
}
