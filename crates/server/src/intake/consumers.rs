//! How consumers of brokers fare, for whoever asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lanner_wire::api::{ConsumerState, ConsumerView};

use super::outcome::Outcome;
use crate::metrics::METRICS;
use crate::sync::locked;

/// How each consumer fares.
#[derive(Debug, Default)]
pub(crate) struct Consumers(Mutex<BTreeMap<Arc<str>, ConsumerView>>);

impl Consumers {
    /// Forgets those before, since others begin.
    pub(crate) fn clear(&self) {
        locked(&self.0).clear();
        METRICS.consumers.up.reset();
    }

    /// Begins one, which has no connection yet.
    pub(crate) fn begin(&self, name: &Arc<str>, kind: &str, problem: Option<String>) {
        let state = if problem.is_some() { ConsumerState::Unusable } else { ConsumerState::Connecting };
        METRICS.consumers.up.with_label_values(&[name]).set(0.0);
        let view = ConsumerView {
            name: name.to_string(),
            kind: kind.to_owned(),
            state,
            stored: 0,
            doubled: 0,
            refused: 0,
            problem,
            refusal: None,
        };
        locked(&self.0).insert(Arc::clone(name), view);
    }

    /// Notes that one has a connection.
    pub(crate) fn connected(&self, name: &str) {
        METRICS.consumers.up.with_label_values(&[name]).set(1.0);
        self.change(name, |view| (view.state, view.problem) = (ConsumerState::Consuming, None));
    }

    /// Notes why one takes nothing at the moment. Says whether that is news.
    pub(crate) fn failed(&self, name: &str, why: &str) -> bool {
        METRICS.consumers.up.with_label_values(&[name]).set(0.0);
        let mut is_news = true;
        self.change(name, |view| {
            is_news = view.problem.as_deref() != Some(why);
            (view.state, view.problem) = (ConsumerState::Failing, Some(why.to_owned()));
        });
        is_news
    }

    /// Counts what became of messages. Returns the first that is refused.
    pub(crate) fn count<'o>(&self, name: &str, outcomes: &'o [Outcome]) -> Option<&'o Outcome> {
        let mut first = None;
        self.change(name, |view| {
            for outcome in outcomes {
                let (count, label) = match outcome {
                    Outcome::Stored => (&mut view.stored, "stored"),
                    Outcome::Doubled => (&mut view.doubled, "doubled"),
                    Outcome::Refused { why, example } => {
                        first = first.or(Some(outcome));
                        view.refusal = Some(format!("{why}: {example}"));
                        (&mut view.refused, "refused")
                    }
                };
                *count += 1;
                METRICS.consumers.messages.with_label_values(&[name, label]).inc();
            }
        });
        first
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut ConsumerView)) {
        if let Some(view) = locked(&self.0).get_mut(name) {
            change(view);
        }
    }

    /// How each of them is, in order of their names.
    pub(crate) fn views(&self) -> Vec<ConsumerView> {
        locked(&self.0).values().cloned().collect()
    }
}
