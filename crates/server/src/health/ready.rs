//! Whether rules are evaluated.

use std::sync::atomic::Ordering;

use lanner_core::time::format_duration;

use super::service::HealthService;
use crate::sync::locked;

/// The loop counts as stuck when it has not turned for this long, and a rule as behind, milliseconds.
const STUCK_MS: i64 = 60_000;

/// Why rules are not evaluated, or what they decide cannot be written; `None` while all is well.
pub(crate) fn not_ready(service: &HealthService) -> Option<String> {
    if let Some(why) = service.evaluation.replaced.why() {
        return Some(why);
    }
    if let Some(why) = locked(&service.evaluation.stuck).clone() {
        return Some(why);
    }
    let clients = || service.switches.clients.problem(&service.switches.current(), service.now_ms());
    let unwritten = || service.switches.unwritten.problem();
    if let Some(why) = service.switches.problem().or_else(unwritten).or_else(clients) {
        return Some(why);
    }
    if !service.settings.evaluate {
        return None;
    }
    let now_ms = service.now_ms();
    let still_ms = now_ms - service.evaluation.last_turn_ms.load(Ordering::Relaxed);
    if still_ms > STUCK_MS {
        return Some(format!("the evaluation loop has not completed a cycle for {} s", still_ms / 1_000));
    }
    let engine = service.evaluation.engine();
    // What another server does not answer says nothing of this one.
    let here = engine.overdue(now_ms).filter(|(rule, _)| rule.query.source().is_none());
    let behind_ms: Vec<i64> =
        here.map(|(_, behind_ms)| behind_ms).filter(|behind_ms| *behind_ms > STUCK_MS).collect();
    let most_ms = behind_ms.iter().max()?;
    Some(format!(
        "{} rules have windows to evaluate that were due up to {} ago",
        behind_ms.len(),
        format_duration(most_ms / 1_000 * 1_000)
    ))
}
