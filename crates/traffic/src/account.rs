//! A session in full: its graph beside what is usual, and what its scores are made of.

use std::sync::Arc;

use crate::baseline::{Baseline, MIN_SESSIONS, NormalRange};
use crate::endpoints::{EndpointId, Endpoints, UNKNOWN};
use crate::findings::Finding;
use crate::session::Session;

/// What fewer usual sessions do is unusual: one in a hundred.
const UNUSUAL_SHARE: f64 = 0.01;

/// What can be said of a session once all its requests are at hand.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// The endpoints it called, in the order of their first calls.
    pub endpoints: Vec<EndpointUse>,
    /// The steps between them, in the order of the endpoints where they begin and end.
    pub steps: Vec<Step>,
    /// Usual sessions that both are compared with; 0 while they are being learned.
    pub n_usual: u32,
    /// Behaviour with a name.
    pub findings: Vec<Finding>,
    /// How its scores come about: by the champion, by what was learned from the traffic itself, by the challenger.
    pub scores: Vec<Waterfall>,
}

/// An endpoint of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointUse {
    /// Method and template, such as `GET /orders/{id}`.
    pub name: String,
    /// Calls.
    pub n_calls: u32,
    /// Calls denied or missing.
    pub n_refused: u32,
    /// Different objects that were named.
    pub n_objects: usize,
    /// The share of usual sessions that call it; `None` where that is not known.
    pub share: Option<f64>,
}

/// A step from one endpoint to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it begins, as an index into [`Account::endpoints`].
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// How often it was taken.
    pub n: u32,
    /// The share of the usual sessions with the first endpoint that take it; `None` where that is not known.
    pub share: Option<f64>,
}

impl EndpointUse {
    /// Whether so few usual sessions call it that it tells something.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.share.is_some_and(|share| share < UNUSUAL_SHARE)
    }
}

impl Step {
    /// Whether so few usual sessions take it that it tells something.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.share.is_some_and(|share| share < UNUSUAL_SHARE)
    }
}

/// In what a score adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Logarithms of odds, to the base e: exact Shapley values of a trained model.
    LogOdds,
    /// Bits of surprise: how few usual sessions are like this one in the three respects that are strangest.
    Bits,
}

/// How a score comes about: `base` and all amounts add up to `total`.
#[derive(Debug, Clone, PartialEq)]
pub struct Waterfall {
    /// The model that gave it; `None` for what was learned from the traffic itself.
    pub model: Option<Arc<str>>,
    /// Whether it decides whether the session is flagged.
    pub decides: bool,
    /// In what it adds up.
    pub unit: Unit,
    /// Where it begins: what is said of a session of which nothing is known.
    pub base: f64,
    /// What each feature adds, the largest first; those that add nothing are left out.
    pub amounts: Vec<Amount>,
    /// Where it ends.
    pub total: f64,
    /// From where on a session is flagged.
    pub threshold: f64,
}

/// What a feature adds to a score.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The feature.
    pub feature: usize,
    /// Its value, NaN if there is none.
    pub value: f64,
    /// Where nine of ten usual sessions lie.
    pub normal: Option<NormalRange>,
    /// What it adds, below 0 for what it takes away.
    pub amount: f64,
}

impl Waterfall {
    /// Whether it ends at or above the threshold.
    #[must_use]
    pub fn is_flagged(&self) -> bool {
        self.total >= self.threshold
    }
}

/// Sorts amounts by size, and leaves out those of nothing.
pub(crate) fn largest_first(mut amounts: Vec<Amount>) -> Vec<Amount> {
    amounts.retain(|amount| amount.amount != 0.0);
    amounts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()).then(a.feature.cmp(&b.feature)));
    amounts
}

impl Account {
    /// The graph of a session beside a baseline; without one nothing is known to be usual. Cost: linear in the session's endpoints and
    /// steps.
    pub(crate) fn of_graph(session: &Session, endpoints: &Endpoints, baseline: Option<&Baseline>) -> Self {
        let baseline = baseline.filter(|baseline| baseline.n_sessions >= MIN_SESSIONS);
        let mut nodes: Vec<_> = session.nodes.iter().collect();
        nodes.sort_unstable_by_key(|(id, node)| (node.rank, **id));
        let place = |id: EndpointId| nodes.iter().position(|(known, _)| **known == id);
        let mut steps: Vec<Step> = session
            .edges
            .iter()
            .filter_map(|(&(from, to), &n)| {
                let share = baseline.and_then(|baseline| baseline.share_of_step(from, to));
                Some(Step { from: place(from)?, to: place(to)?, n, share })
            })
            .collect();
        steps.sort_unstable_by_key(|step| (step.from, step.to));
        let uses = nodes.iter().map(|(id, node)| EndpointUse {
            name: endpoints.name(**id).to_owned(),
            n_calls: node.n,
            n_refused: node.n_refused,
            n_objects: node.objects.len(),
            // What does not exist is called by few, and what is new by nobody yet.
            share: baseline.filter(|_| **id != UNKNOWN).and_then(|baseline| baseline.share_of(**id)),
        });
        Self {
            endpoints: uses.collect(),
            steps,
            n_usual: baseline.map_or(0, |baseline| baseline.n_sessions),
            ..Self::default()
        }
    }
}
