//! The guard: what would block much of what was asked lately needs `force`, or a second person.
//!
//! It goes by contexts that are known here: asked of this server, or the events of a stream. Where they are few it
//! lets everything pass, as a share of little says little.

use std::sync::Arc;

use lanner_io::store::StoreError;
use lanner_switch::{Status, Switch};
use lanner_wire::api::SwitchPreview;
use serde_json::Value;

use super::preview::{contexts, tried};
use super::recent::Asked;
use crate::app::App;
use crate::blocking::blocking;

/// Fewer contexts than this are no ground for a judgement.
const MIN_CONTEXTS: u64 = 100;
/// How many of the last contexts are looked at.
const N_CONTEXTS: usize = 10_000;

/// How much a switch may block without being asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// The share of contexts, 0 to 1; a switch that would block more is stopped. 1 never stops one.
    pub share: f64,
    /// The stream whose events are the contexts; else those that this server was asked.
    pub stream: Option<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { share: 0.5, stream: None }
    }
}

/// What a switch was, if it was there, and what it is to be.
pub(super) type Before<'a> = (Option<&'a Value>, &'a Value);

/// Why each change wants a second look, if it does: it turns on, or widens, a switch that would block too much.
///
/// # Errors
/// Failures of the store.
pub(super) async fn objections(
    app: &Arc<App>,
    changes: &[Before<'_>],
) -> Result<Vec<Option<String>>, StoreError> {
    let now_ms = app.now_ms();
    let on = |document: &Value| {
        let can_block = |switch: &Switch| {
            switch.status == Status::Active && now_ms < switch.valid.end_ms && switch.flag.is_none()
        };
        Switch::from_json(document).ok().filter(can_block)
    };
    let changes: Vec<_> = changes.iter().map(|(old, new)| (old.and_then(on), on(new))).collect();
    if changes.iter().all(|(_, new)| new.is_none()) {
        return Ok(vec![None; changes.len()]);
    }
    let app = Arc::clone(app);
    let judge = move || -> Result<Vec<Option<String>>, StoreError> {
        let guard = &app.live.get().guard;
        let contexts = contexts(&app, guard.stream.as_deref(), N_CONTEXTS)?;
        let judged = changes.into_iter().map(|(old, new)| guard.objection(old.as_ref(), &new?, &contexts));
        Ok(judged.collect())
    };
    let judged = blocking(judge).await;
    judged.unwrap_or_else(|panic| Err(StoreError::Database { detail: panic.to_string() }))
}

/// As [`objections`], of one change.
///
/// # Errors
/// Failures of the store.
pub(super) async fn objection(
    app: &Arc<App>,
    old: Option<&Value>,
    new: &Value,
) -> Result<Option<String>, StoreError> {
    Ok(objections(app, &[(old, new)]).await?.pop().flatten())
}

impl Guard {
    fn objection(&self, old: Option<&Switch>, new: &Switch, contexts: &[Asked]) -> Option<String> {
        let stream = self.stream.as_deref();
        let would = tried(new, stream, contexts);
        if would.contexts < MIN_CONTEXTS || would.share <= self.share {
            return None;
        }
        let before = old.map_or(0.0, |old| tried(old, stream, contexts).share);
        (would.share > before).then(|| sentence(&would, self.share))
    }
}

fn sentence(tried: &SwitchPreview, allowed: f64) -> String {
    let SwitchPreview { stream, contexts, share, .. } = tried;
    let what = match stream {
        Some(stream) => format!("events of {stream}"),
        None => "contexts".to_owned(),
    };
    format!(
        "it would block {} of the last {contexts} {what}, more than {}",
        percent(*share),
        percent(allowed)
    )
}

/// `3.2 %`, with as many digits as tell something.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let text = if percent < 10.0 { format!("{percent:.1}") } else { format!("{percent:.0}") };
    format!("{} %", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_well() {
        for (share, text) in [(0.032, "3.2 %"), (0.5, "50 %"), (0.999, "100 %"), (0.02, "2 %"), (0.0, "0 %")]
        {
            assert_eq!(percent(share), text);
        }
    }
}
