//! How a baseline is learned: session by session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::baseline::{Baseline, MIN_SESSIONS};
use crate::endpoints::EndpointId;
use crate::features::{FEATURES, features};
use crate::session::Session;

/// Values kept of each feature: enough for a share of one in a thousand.
const N_QUANTILES: usize = 1_001;

/// Sessions with more endpoints teach nothing about what comes before what: they are crawlers.
const MAX_ORDERED: usize = 64;

/// More pairs of endpoints are not remembered.
const MAX_PAIRS: usize = 500_000;

/// What comes before in this share of sessions is a step that should not be skipped.
const STEP_SHARE: f64 = 0.8;

/// Counts sessions, from which a baseline is made.
#[derive(Debug, Default)]
pub struct Learner {
    baseline: Baseline,
    /// Sessions in which the first comes before the second.
    before: BTreeMap<(EndpointId, EndpointId), u32>,
    /// Who gave a parameter of which endpoint twice.
    polluters: BTreeSet<(EndpointId, Arc<str>)>,
}

impl Learner {
    /// Counts a session. Cost: the square of the number of its endpoints, up to 64 of them, and its edges.
    pub fn add(&mut self, session: &Session) {
        self.baseline.n_sessions += 1;
        for (id, node) in &session.nodes {
            *self.baseline.nodes.entry(*id).or_default() += 1;
            if node.n_polluted > 0 && self.polluters.insert((*id, session.key.clone())) {
                *self.baseline.polluted.entry(*id).or_default() += 1;
            }
        }
        for (from, to) in session.edges.keys() {
            *self.baseline.edges.entry(*from).or_default().entry(*to).or_default() += 1;
        }
        if session.nodes.len() > MAX_ORDERED {
            return;
        }
        for (later, later_node) in &session.nodes {
            for (earlier, earlier_node) in &session.nodes {
                let pair = (*earlier, *later);
                if earlier_node.rank < later_node.rank
                    && (self.before.len() < MAX_PAIRS || self.before.contains_key(&pair))
                {
                    *self.before.entry(pair).or_default() += 1;
                }
            }
        }
    }

    /// The baseline, with the spread of features over `sessions`, which should be those that were counted.
    #[must_use]
    pub fn finish(self, sessions: &[Session]) -> Baseline {
        let Self { mut baseline, before, .. } = self;
        for (&(earlier, later), &n) in &before {
            let n_with = baseline.nodes.get(&later).copied().unwrap_or(0);
            if n_with >= MIN_SESSIONS && f64::from(n) >= STEP_SHARE * f64::from(n_with) {
                baseline.steps.entry(later).or_default().push(earlier);
            }
        }
        let rows: Vec<Vec<f64>> = sessions.iter().map(|session| features(session, &baseline, true)).collect();
        baseline.quantiles = (0..FEATURES.len()).map(|i| quantiles(rows.iter().map(|row| row[i]))).collect();
        baseline
    }
}

fn quantiles(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    if values.len() <= N_QUANTILES {
        return values;
    }
    (0..N_QUANTILES).map(|i| values[i * (values.len() - 1) / (N_QUANTILES - 1)]).collect()
}
