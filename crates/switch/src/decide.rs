//! What counts for whoever holds switches that may be stale.

use serde_json::{Map, Value};

use crate::set::SwitchSet;
use crate::switch::OnUnavailable;
use crate::verdict::{Staleness, Verdict};

/// What counts for a program whose switches may be stale, or were never there: `set`, unless `policy` says otherwise of
/// switches that are unknown or too old. All clients decide by this.
///
/// ```
/// use lanner_switch::{OnUnavailable, Staleness, SwitchSet, decide};
/// let nothing_known = decide(None, OnUnavailable::Closed, &serde_json::Map::new(), 0, Staleness::default());
/// assert!(nothing_known.is_blocked());
/// ```
#[must_use]
pub fn decide(
    set: Option<&SwitchSet>,
    policy: OnUnavailable,
    context: &Map<String, Value>,
    now_ms: i64,
    staleness: Staleness,
) -> Verdict {
    match set {
        None => Verdict::unavailable(policy, 0, staleness),
        Some(set) if staleness.is_too_old && policy != OnUnavailable::LastGood => {
            Verdict::unavailable(policy, set.revision(), staleness)
        }
        Some(set) => set.evaluate_stale(context, now_ms, staleness),
    }
}
