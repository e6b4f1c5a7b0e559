//! Whether rules are evaluated.

use std::sync::atomic::Ordering;

use lanner_core::time::format_duration;

use crate::app::App;
use crate::sync::locked;

/// The loop counts as stuck when it has not turned for this long, and a rule as behind, milliseconds.
const STUCK_MS: i64 = 60_000;

/// Why rules are not evaluated, or what they decide cannot be written; `None` while all is well.
pub(crate) fn not_ready(app: &App) -> Option<String> {
    if let Some(why) = locked(&app.stuck).clone() {
        return Some(why);
    }
    let clients = || app.switches.clients.problem(&app.switches.current(), app.now_ms());
    if let Some(why) = app.switches.problem().or_else(clients) {
        return Some(why);
    }
    if !app.settings.evaluate {
        return None;
    }
    let now_ms = app.now_ms();
    let still_ms = now_ms - app.last_turn_ms.load(Ordering::Relaxed);
    if still_ms > STUCK_MS {
        return Some(format!("the evaluation loop has not completed a cycle for {} s", still_ms / 1_000));
    }
    let engine = app.engine();
    let overdue_ms = engine.rules().filter_map(|(_, due_ms)| Some(now_ms - due_ms?));
    let behind_ms: Vec<i64> = overdue_ms.filter(|behind_ms| *behind_ms > STUCK_MS).collect();
    let most_ms = behind_ms.iter().max()?;
    Some(format!(
        "{} rules have windows to evaluate that were due up to {} ago",
        behind_ms.len(),
        format_duration(most_ms / 1_000 * 1_000)
    ))
}
