//! Switches as the API shows and takes them.

use lanner_core::time::parse_duration_ms;
use lanner_io::store::StoredDocument;
use lanner_switch::Switch;
use lanner_wire::api::{ProblemView, SwitchVersion, SwitchView, Time};
use serde_json::Value;

use super::service::SwitchService;
use crate::documents::{SWITCH, cause};
use crate::http::ApiError;

/// The phase of a switch that cannot be read.
pub(super) const UNREADABLE: &str = "unreadable";

pub(super) fn version(stored: StoredDocument) -> SwitchVersion {
    let cause = serde_json::to_value(cause::of(&stored)).unwrap_or_default();
    SwitchVersion {
        cause,
        id: stored.id,
        version: stored.version,
        document: stored.document.unwrap_or(Value::Null),
        changed: Time(stored.changed_ms),
        actor: stored.actor,
        message: stored.message,
    }
}

pub(super) fn view(service: &SwitchService, stored: StoredDocument) -> SwitchView {
    let switch = version(stored);
    let problem = service.set_aside.problem(SWITCH, &switch.id);
    let read = Switch::from_json(&switch.document).ok().filter(|_| problem.is_none());
    let phase = read.map_or(UNREADABLE, |read| read.phase(service.now_ms()).name());
    let counts = service.counts.of(&switch.id);
    SwitchView { phase: phase.to_owned(), next: None, counts, problem, switch }
}

pub(super) fn find(service: &SwitchService, id: &str) -> Result<SwitchView, ApiError> {
    let latest = service.latest(SWITCH, id)?;
    let stored = latest.filter(|stored| stored.document.is_some());
    let mut view = view(service, stored.ok_or_else(|| ApiError::not_found("switch", id))?);
    let switch = Switch::from_json(&view.switch.document).ok();
    view.next = switch.and_then(|switch| switch.next_ms(service.now_ms())).map(Time);
    Ok(view)
}

/// A duration as it was sent.
pub(super) fn for_ms(duration: Option<&str>) -> Result<Option<i64>, ApiError> {
    let read = duration.map(parse_duration_ms).transpose();
    read.map_err(|error| ApiError::problems(vec![ProblemView::at("for", error.to_string())]))
}
