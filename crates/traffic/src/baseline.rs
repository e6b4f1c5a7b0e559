//! What is usual: how often endpoints are called, what follows on what, what comes before, and how features are spread.
//!
//! A baseline is learned once and frozen, so that scores mean the same tomorrow and no session is judged by those after it. Everything
//! is counted by sessions: one client that does something a thousand times makes it no more usual than one that does it
//! once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::endpoints::{EndpointId, is_learned};

/// Fewer sessions with an endpoint say nothing about how it is used.
pub(crate) const MIN_SESSIONS: u32 = 20;

/// What is usual among the sessions that it was learned from. It does not change, so no session makes itself usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Sessions it was learned from.
    pub n_sessions: u32,
    /// Sessions with each endpoint.
    pub(crate) nodes: BTreeMap<EndpointId, u32>,
    /// Sessions with each edge, by where it begins.
    pub(crate) edges: BTreeMap<EndpointId, BTreeMap<EndpointId, u32>>,
    /// Clients that gave a parameter of each endpoint twice.
    #[serde(default)]
    pub(crate) polluted: BTreeMap<EndpointId, u32>,
    /// What usually comes before each endpoint.
    pub(crate) steps: BTreeMap<EndpointId, Vec<EndpointId>>,
    /// The values of each feature in even steps from the least to the greatest.
    pub(crate) quantiles: Vec<Vec<f64>>,
}

/// Where nine of ten normal sessions lie, in the unit of the feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NormalRange {
    /// One in twenty lies below.
    pub low: f64,
    /// One in twenty lies above.
    pub high: f64,
}

impl Baseline {
    /// How usual it is to go from one endpoint to another, as a probability; `own` sessions are those that were counted
    /// themselves, which must not make themselves usual.
    pub(crate) fn transition(&self, from: EndpointId, to: EndpointId, own: bool) -> f64 {
        let own = f64::from(u8::from(own));
        let n = (f64::from(self.n_with_edge(from, to)) - own).max(0.0);
        let n_from = (f64::from(self.nodes.get(&from).copied().unwrap_or(0)) - own).max(0.0);
        // As if every endpoint had been seen with half a session more than it was.
        (n + 0.5) / (n_from + 0.5 * self.nodes.len().max(1) as f64)
    }

    /// Whether any other session went this way.
    pub(crate) fn is_seen(&self, from: EndpointId, to: EndpointId, own: bool) -> bool {
        self.n_with_edge(from, to) > u32::from(own)
    }

    fn n_with_edge(&self, from: EndpointId, to: EndpointId) -> u32 {
        self.edges.get(&from).and_then(|to_n| to_n.get(&to)).copied().unwrap_or(0)
    }

    /// The share of sessions with an endpoint.
    pub(crate) fn share_with(&self, node: EndpointId, own: bool) -> f64 {
        let own = u32::from(own);
        let n = self.nodes.get(&node).copied().unwrap_or(0).saturating_sub(own);
        f64::from(n) / f64::from(self.n_sessions.saturating_sub(own).max(1))
    }

    /// The share of sessions with an endpoint; `None` for one that was not learned.
    pub(crate) fn share_of(&self, node: EndpointId) -> Option<f64> {
        is_learned(node).then(|| self.share_with(node, false))
    }

    /// The share of the sessions with one endpoint that went on to another; `None` where one of them was not learned, or too few
    /// sessions had the first.
    pub(crate) fn share_of_step(&self, from: EndpointId, to: EndpointId) -> Option<f64> {
        let n_from = self.nodes.get(&from).copied().unwrap_or(0);
        let is_known = is_learned(from) && is_learned(to) && n_from >= MIN_SESSIONS;
        is_known.then(|| f64::from(self.n_with_edge(from, to)) / f64::from(n_from))
    }

    /// Whether giving a parameter twice is how this endpoint is used: by a client for every ten sessions,
    /// of at least twenty.
    #[must_use]
    pub fn is_pollution_usual(&self, node: EndpointId) -> bool {
        let n = |of: &BTreeMap<EndpointId, u32>| of.get(&node).copied().unwrap_or(0);
        let (n_polluters, n_sessions) = (n(&self.polluted), n(&self.nodes));
        n_sessions >= MIN_SESSIONS && 10 * n_polluters >= n_sessions
    }

    /// What usually comes before an endpoint.
    #[must_use]
    pub fn steps_before(&self, node: EndpointId) -> &[EndpointId] {
        self.steps.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Where feature `i` lies in nine of ten sessions; `None` if that is not known.
    #[must_use]
    pub fn normal(&self, i: usize) -> Option<NormalRange> {
        let values = self.quantiles.get(i)?;
        let at = |share: f64| values.get((share * (values.len().checked_sub(1)?) as f64).round() as usize);
        Some(NormalRange { low: *at(0.05)?, high: *at(0.95)? })
    }

    /// The values of feature `i`, in ascending order.
    pub(crate) fn values(&self, i: usize) -> &[f64] {
        self.quantiles.get(i).map_or(&[], Vec::as_slice)
    }

    /// The share of sessions with at least this value of feature `i`, above 0.
    pub(crate) fn share_from(&self, i: usize, value: f64) -> f64 {
        let values = self.values(i);
        share(values.len() - values.partition_point(|other| *other < value), values.len())
    }

    /// The share of sessions with at most this value of feature `i`, above 0.
    pub(crate) fn share_up_to(&self, i: usize, value: f64) -> f64 {
        let values = self.values(i);
        share(values.partition_point(|other| *other <= value), values.len())
    }
}

/// A sample of values stands for all sessions, so none is rarer than one of them.
fn share(count: usize, n: usize) -> f64 {
    (count as f64 + 0.5) / (n as f64 + 0.5)
}
