//! Evaluation cycles: what is planned is read side by side, answers come back in any order, and what follows from them
//! is written, one transaction after the other.
//!
//! ```text
//!   plan ─▶ [Due] ─▶ (read side by side) ─▶ answer ─▶ next, next, ... ─▶ (written in one transaction) ─▶ written
//! ```
//!
//! An answer waits a moment for others, so that rules that are due one shortly after the other share a transaction; it
//! does not wait for what is slow. Nothing here is a clock, a thread or a file: the server drives it with these, the
//! simulation with a seed.

use std::collections::VecDeque;

use lanner_core::Changes;

use crate::engine::{Engine, Plan};
use crate::source::{Answer, Due};

/// How long an answer waits for others at most, milliseconds. With 10,000 rules a minute, commits were most of the work.
pub const GATHER_MS: i64 = 20;
/// Evaluations of one transaction at most: whoever else writes, as who changes a kill switch, waits no longer than for these.
pub const MAX_WRITTEN: usize = 256;

/// What is planned, read and not yet written. `T` is what the reader has to say beside the answer.
#[derive(Debug)]
pub struct Cycle<T> {
    n_in_flight: usize,
    answered: VecDeque<Answered<T>>,
    /// When the first of those that wait was answered.
    first_ms: i64,
    /// Evaluations of the transaction that is being put together, or written.
    n_taken: usize,
}

/// What was due, and what the source said: an evaluation that can be made now.
#[derive(Debug)]
pub struct Answered<T> {
    /// What was due.
    pub due: Due,
    /// What the source said.
    pub answer: Answer,
    /// What the reader says beside it.
    pub beside: T,
}

/// What an answer came to, not written yet.
#[derive(Debug)]
pub struct Evaluated<T> {
    /// What was due, and what the source said.
    pub answered: Answered<T>,
    /// Evaluations made, one a group.
    pub n_evaluations: usize,
    /// What to write.
    pub changes: Changes,
}

impl<T> Default for Cycle<T> {
    fn default() -> Self {
        Self { n_in_flight: 0, answered: VecDeque::new(), first_ms: 0, n_taken: 0 }
    }
}

impl<T> Cycle<T> {
    /// What is due at `now_ms`, at most `limit`: all of it is to be read, and each answered.
    pub fn plan(&mut self, engine: &mut Engine, now_ms: i64, limit: usize) -> Plan {
        let plan = engine.plan(now_ms, limit);
        self.n_in_flight += plan.due.len();
        plan
    }

    /// Takes the answer to something that was planned.
    ///
    /// - `at_ms`: when it came, milliseconds on a clock that nobody sets.
    pub fn answer(&mut self, at_ms: i64, answered: Answered<T>) {
        self.n_in_flight = self.n_in_flight.saturating_sub(1);
        if self.answered.is_empty() {
            self.first_ms = at_ms;
        }
        self.answered.push_back(answered);
    }

    /// Whether nothing is in flight or waits to be evaluated.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.n_in_flight == 0 && self.answered.is_empty()
    }

    /// When the answers that wait are to be evaluated at the latest, on the clock of [`Self::answer`]; `None` when none
    /// waits.
    #[must_use]
    pub fn ready_ms(&self) -> Option<i64> {
        let is_enough = self.n_in_flight == 0 || self.answered.len() >= MAX_WRITTEN;
        let wait_ms = if is_enough { 0 } else { GATHER_MS };
        (!self.answered.is_empty()).then(|| self.first_ms + wait_ms)
    }

    /// Evaluates the next answer, or leaves its window where it is until the source answers; `None` when none waits, or as many were
    /// taken as one transaction holds.
    pub fn next(&mut self, engine: &mut Engine, now_ms: i64) -> Option<Evaluated<T>> {
        if self.n_taken >= MAX_WRITTEN {
            return None;
        }
        let answered = self.answered.pop_front()?;
        if engine.postpone(&answered.due, &answered.answer, now_ms) {
            return Some(Evaluated { answered, n_evaluations: 0, changes: Changes::default() });
        }
        let evaluations = engine.evaluate(&answered.due, &answered.answer, now_ms);
        let n_evaluations = evaluations.len();
        self.n_taken += n_evaluations.max(1);
        let changes = engine.apply(now_ms, &answered.due, evaluations);
        Some(Evaluated { answered, n_evaluations, changes })
    }

    /// What was taken is written: another transaction may be put together.
    pub const fn written(&mut self) {
        self.n_taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use crate::source::{Readings, SourceError};
    use serde_json::json;

    /// An engine with so many rules that are due at 0, and the cycle that planned them.
    fn planned(n_rules: usize) -> (Engine, Cycle<()>, Vec<Due>) {
        let rule = |at: usize| {
            let query = json!({ "stream": "s", "measure": "count", "by": ["a"] });
            let document =
                json!({ "id": format!("r{at}"), "query": query, "window": "1s", "absolute": { "max": 1 } });
            Rule::from_json(&document, 1).unwrap()
        };
        let (mut engine, mut cycle) = (Engine::new(), Cycle::default());
        engine.set_rules((0..n_rules).map(rule).collect(), -1_000);
        let plan = cycle.plan(&mut engine, 900, n_rules);
        assert_eq!(plan.due.len(), n_rules);
        (engine, cycle, plan.due)
    }

    #[test]
    fn a_plan_ends_between_two_questions() {
        let rule = |at: usize| {
            let query = json!({ "influxql": format!("SELECT v FROM m{} WHERE time >= :from AND time < :until", at % 3), "source": "s" });
            let document =
                json!({ "id": format!("r{at}"), "query": query, "window": "1m", "absolute": { "max": 1 } });
            Rule::from_json(&document, 1).unwrap()
        };
        let (mut engine, mut cycle) = (Engine::new(), Cycle::<()>::default());
        engine.set_rules((0..300).map(rule).collect(), -60_000);
        let plans = std::iter::from_fn(|| {
            let due = cycle.plan(&mut engine, 30_000, 30).due;
            (!due.is_empty()).then_some(due)
        });
        let plans: Vec<Vec<u64>> =
            plans.map(|due| due.iter().map(|due| due.rule.query.fingerprint()).collect()).collect();
        assert_eq!(plans.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 100]);
        assert!(plans.iter().all(|plan| plan.iter().all(|question| *question == plan[0])), "{plans:?}");
    }

    fn answered(due: Due) -> Answered<()> {
        Answered { due, answer: Ok(Readings::default()), beside: () }
    }

    #[test]
    fn an_answer_waits_for_others_but_not_for_long() {
        let (mut engine, mut cycle, mut due) = planned(3);
        assert_eq!(cycle.ready_ms(), None);
        cycle.answer(1_000, answered(due.remove(0)));
        assert_eq!(cycle.ready_ms(), Some(1_000 + GATHER_MS)); // two are still being read
        cycle.answer(1_005, answered(due.remove(0)));
        assert_eq!(cycle.ready_ms(), Some(1_000 + GATHER_MS));
        cycle.answer(1_006, answered(due.remove(0)));
        assert_eq!(cycle.ready_ms(), Some(1_000)); // there is nobody left to wait for
        assert_eq!(std::iter::from_fn(|| cycle.next(&mut engine, 1_010)).count(), 3);
        assert!(cycle.is_idle());
    }

    #[test]
    fn a_source_that_hangs_holds_nobody_up() {
        let (mut engine, mut cycle, mut due) = planned(2);
        cycle.answer(5, answered(due.remove(0)));
        assert!(cycle.next(&mut engine, 1_030).is_some());
        cycle.written();
        assert_eq!((cycle.n_in_flight, cycle.ready_ms()), (1, None));
        let plan = cycle.plan(&mut engine, 1_900, 10);
        assert_eq!(plan.due.len(), 1, "the next window of the one that was answered");
        let late =
            Answered { answer: Err(SourceError::Temporary("late".to_owned())), ..answered(due.remove(0)) };
        cycle.answer(9_000, late);
        assert_eq!(cycle.next(&mut engine, 9_000).map(|it| it.changes.cursors.len()), Some(1));
    }

    #[test]
    fn a_transaction_is_bounded() {
        let (mut engine, mut cycle, due) = planned(MAX_WRITTEN + 3);
        due.into_iter().for_each(|due| cycle.answer(0, answered(due)));
        assert_eq!(cycle.ready_ms(), Some(0));
        assert_eq!(std::iter::from_fn(|| cycle.next(&mut engine, 1_000)).count(), MAX_WRITTEN);
        cycle.written();
        assert_eq!(std::iter::from_fn(|| cycle.next(&mut engine, 1_000)).count(), 3);
    }
}
