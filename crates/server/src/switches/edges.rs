//! Changes by the clock alone: where a switch begins or ends to block, whoever follows the stream is told.
//!
//! Clients that hold the switches judge the time themselves. Those of OpenFeature hold answers, and must ask again.

use std::sync::Arc;
use std::time::Duration;

use lanner_switch::{Phase, SwitchSet};

use super::service::SwitchService;

/// How often the clock is looked at; a change is told this much late at most.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until the app's alarm is stopped.
pub(crate) async fn run(service: Arc<SwitchService>) {
    let mut before = None;
    while !service.shutdown.has_begun() {
        let (current, now_ms) = (service.current(), service.now_ms());
        let now = (current.set.tag().to_owned(), phases(&current.set, now_ms));
        let is_edge = before.as_ref().is_some_and(|(tag, phases)| *tag == now.0 && *phases != now.1);
        if is_edge {
            service.tell_again(now_ms);
        }
        before = Some(now);
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => return,
        }
    }
}

fn phases(set: &SwitchSet, now_ms: i64) -> Vec<Phase> {
    set.iter().map(|switch| switch.phase(now_ms)).collect()
}
