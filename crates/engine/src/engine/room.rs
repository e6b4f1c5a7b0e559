//! How many groups a rule remembers: at most [`MAX_GROUPS`], however often they change.
//!
//! A group is remembered after its data ends, so that its return or its silence means something. Where each window brings groups
//! of its own, as with the id of a request among the labels, that would fill the memory. So new groups take the places of those
//! that were without data and normal all the same, the longest silent first; where there are none, they are left out and counted.

use std::collections::{BTreeMap, HashSet};

use lanner_core::{Alert, AlertState, Evaluation, Group};

use super::groups::{Alerts, Subject};
use crate::measure::stream::MAX_GROUPS;

/// Leaves as many subjects as may be remembered, and says how many new ones were left out.
///
/// - `is_silent`: whether nothing was found of a subject.
/// - `seen_before_ms`: who was last seen before was silent in the window before as well, so that its silence is no alert.
pub(super) fn make(
    subjects: &mut Vec<Subject<'_>>,
    is_silent: impl Fn(&Subject<'_>) -> bool,
    seen_before_ms: i64,
) -> u64 {
    let Some(n_over) = subjects.len().checked_sub(MAX_GROUPS).filter(|n| *n > 0) else { return 0 };
    let is_idle = |alert: &Alert| alert.state == AlertState::Normal && alert.seen_ms < seen_before_ms;
    let silent = subjects.iter().enumerate().filter(|(_, subject)| is_silent(subject));
    let idle =
        silent.filter_map(|(at, (_, alert, _))| alert.filter(|it| is_idle(it)).map(|it| (it.seen_ms, at)));
    let mut idle: Vec<(i64, usize)> = idle.collect();
    idle.sort_unstable();
    let mut gone: HashSet<usize> = idle.into_iter().take(n_over).map(|(_, at)| at).collect();
    let new =
        subjects.iter().enumerate().rev().filter(|(_, (_, alert, _))| alert.is_none()).map(|(at, _)| at);
    let left_out: Vec<usize> = new.take(n_over - gone.len()).collect();
    gone.extend(&left_out);
    let mut at = 0..;
    subjects.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
    left_out.len() as u64
}

/// Forgets what made room: of more groups than may be remembered those that are normal and were not evaluated.
pub(super) fn forget(alerts: &mut Alerts, evaluations: &[Evaluation]) -> Vec<Group> {
    if alerts.len() <= MAX_GROUPS || evaluations.len() < MAX_GROUPS {
        return Vec::new();
    }
    let evaluated: HashSet<&Group> = evaluations.iter().map(|evaluation| &evaluation.group).collect();
    let made_room = |group: &Group, alert: &mut Box<Alert>| {
        alert.state == AlertState::Normal && !evaluated.contains(group)
    };
    let gone: BTreeMap<Group, Box<Alert>> = alerts.extract_if(.., made_room).collect();
    gone.into_keys().collect()
}
