//! Runs history through the engine to find out what would have fired.
//!
//! The engine is the same as live; only the clock is virtual and the source is a record, such as
//! [`Recorded`](crate::source::Recorded).

use std::collections::BTreeMap;

use lanner_core::{DeliveryOutcome, Evaluation, Notification};

use crate::engine::Engine;
use crate::source::Source;

/// What walking history came to.
#[derive(Debug, Default, PartialEq)]
pub struct Replay {
    /// Every evaluation, in the order it was due.
    pub evaluations: Vec<Evaluation>,
    /// Every message that would have been written.
    pub notifications: Vec<Notification>,
}

impl Replay {
    /// The evaluations of each rule, in their order.
    #[must_use]
    pub fn by_rule(&self) -> BTreeMap<&str, Vec<&Evaluation>> {
        let mut rules: BTreeMap<&str, Vec<&Evaluation>> = BTreeMap::new();
        for evaluation in &self.evaluations {
            rules.entry(&evaluation.rule).or_default().push(evaluation);
        }
        rules
    }

    /// Keeps messages, which every receiver takes at once.
    fn deliver(&mut self, engine: &mut Engine, now_ms: i64, written: Vec<Notification>) {
        for message in written {
            engine.settle(now_ms, &message.key, DeliveryOutcome::Delivered);
            self.notifications.push(message);
        }
    }
}

/// Runs `engine` from `from_ms` until everything due by `to_ms` is done.
///
/// The engine's rules are to be set at `from_ms`. `progress` is told the virtual time reached; returning
/// `false` stops the walk.
pub fn run(
    engine: &mut Engine,
    source: &mut impl Source,
    from_ms: i64,
    to_ms: i64,
    mut progress: impl FnMut(i64) -> bool,
) -> Replay {
    let mut replay = Replay::default();
    let mut now_ms = from_ms;
    while let Some(wake_ms) = engine.wake_ms().filter(|wake_ms| *wake_ms <= to_ms) {
        now_ms = now_ms.max(wake_ms);
        if !progress(now_ms) {
            break;
        }
        for due in engine.plan(now_ms, 1_000).due {
            let answer = source.answer(&due);
            let evaluations = engine.evaluate(&due, &answer, now_ms);
            let changes = engine.apply(now_ms, &due, evaluations);
            replay.evaluations.extend(changes.evaluations);
            replay.deliver(engine, now_ms, changes.outbox);
        }
        let written = engine.tick(now_ms).outbox;
        replay.deliver(engine, now_ms, written);
    }
    replay
}
