//! Windows that wait for a source which does not answer, of rules that would rather be late than judge without an answer.

use lanner_core::Answer;
use lanner_core::time::SECOND_MS;

use super::{Engine, is_walked};
use crate::rule::Policy;
use crate::source::Due;

/// How long after a failure the source is asked for the window again, milliseconds: as long as one that keeps failing is left alone
/// at first.
const AGAIN_MS: i64 = 5 * SECOND_MS;

impl Engine {
    /// Leaves a window where it is if its source does not answer for now and the rule waits for that; it is due again in
    /// [5 s](AGAIN_MS), and those after it come after it. Returns whether it did.
    pub(crate) fn postpone(&mut self, due: &Due, answer: &Answer, now_ms: i64) -> bool {
        let waits = due.rule.policies.error == Policy::Wait;
        if !waits || !answer.as_ref().is_err_and(lanner_core::SourceError::is_temporary) {
            return false;
        }
        let Some(tracked) = self.tracked.get_mut(&due.rule.id) else { return true };
        // Another version is due by itself, and so is one that was given away and taken back.
        if tracked.rule.version == due.rule.version && !is_walked(tracked.cursor, due.ask.window) {
            let again_ms = now_ms.saturating_add(AGAIN_MS);
            (tracked.in_flight_ms, tracked.postponed_ms) = (None, Some(due.due_ms));
            tracked.due_ms = Some(again_ms);
            self.due.insert((again_ms, due.rule.id.clone()));
        }
        true
    }

    /// Of the rules that wait for a source, for how long the longest overdue one is due, milliseconds.
    #[must_use]
    pub fn postponed_for_ms(&self, now_ms: i64) -> i64 {
        let since = self.tracked.values().filter_map(|tracked| tracked.postponed_ms).min();
        since.map_or(0, |since_ms| (now_ms - since_ms).max(0))
    }
}
