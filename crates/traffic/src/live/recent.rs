//! The last sessions that a trained model saw whole: how far they are from those that it was learned from.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::drift::{Drift, stability_between};
use crate::endpoints::FIRST_NEW;
use crate::features::features;
use crate::model::Model;
use crate::session::Session;

/// Sessions that are kept, each in some 400 bytes.
const MAX_KEPT: usize = 1_000;

/// Parts of the threshold at which probabilities are told apart.
const PARTS: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

/// Which part a model has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It decides.
    Champion,
    /// It is asked as well.
    Challenger,
}

/// How the sessions of late stand to those that a model was learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDrift {
    /// The name of the model.
    pub model: Arc<str>,
    /// Its part.
    pub role: Role,
    /// Sessions that were looked at, of the last thousand.
    pub n_sessions: usize,
    /// The share of them that it flags.
    pub flagged_share: f64,
    /// The share of normal sessions that it flagged when it was learned, of those that it had not seen.
    pub expected_share: Option<f64>,
    /// The population stability index of its probabilities, in fifths of the threshold, beside those of normal sessions then; `None` for a
    /// model that does not hold them, and for too few sessions.
    pub score_index: Option<f64>,
    /// How far what it looks at has moved, over sessions that it does not flag; `None` for too few.
    pub drift: Option<Drift>,
}

#[derive(Debug, Clone)]
struct Row {
    values: Vec<f64>,
    probability: f64,
    is_flagged: bool,
    n_calls: u32,
    n_new_calls: u32,
}

/// The last sessions.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Row>);

impl Recent {
    /// Adds a session that is over, as the model sees it.
    pub(super) fn add(&mut self, session: &Session, model: &Model) {
        let values = features(session, &model.baseline, false);
        let verdict = model.score_row(&values, 0);
        let new = session.nodes.iter().filter(|(id, _)| **id >= FIRST_NEW).map(|(_, node)| node.n);
        self.0.push_back(Row {
            values,
            probability: verdict.probability,
            is_flagged: verdict.is_flagged,
            n_calls: session.n_calls,
            n_new_calls: new.sum(),
        });
        if self.0.len() > MAX_KEPT {
            self.0.pop_front();
        }
    }

    /// How they stand to those that the model was learned from. Cost: that of a comparison for each feature of each session.
    pub(super) fn drift(&self, (name, model): (&Arc<str>, &Model), role: Role) -> ModelDrift {
        let n_sessions = self.0.len();
        let passed: Vec<&Row> = self.0.iter().filter(|row| !row.is_flagged).collect();
        let sum = |of: fn(&Row) -> u32| passed.iter().map(|row| f64::from(of(row))).sum::<f64>();
        let new_share = sum(|row| row.n_new_calls) / sum(|row| row.n_calls).max(1.0);
        let rows: Vec<&[f64]> = passed.iter().map(|row| &*row.values).collect();
        let drift = Drift::of_rows(&model.baseline, &rows, new_share);
        let known = model.normal_probabilities();
        let has_enough = drift.is_some() && !known.is_empty();
        // How near they come to the threshold counts, not which of two small numbers a probability is.
        let cuts = PARTS.map(|part| part * model.threshold);
        let index =
            || stability_between(&cuts, known.iter().copied(), self.0.iter().map(|row| row.probability));
        ModelDrift {
            model: Arc::clone(name),
            role,
            n_sessions,
            flagged_share: (n_sessions - passed.len()) as f64 / n_sessions.max(1) as f64,
            expected_share: model.notes["false_alarm_rate"].as_f64(),
            score_index: has_enough.then(index),
            drift,
        }
    }
}
