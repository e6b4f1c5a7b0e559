//! What was learned, frozen: it names endpoints, and says how unusual a session is.

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::call::Call;
use crate::endpoints::{EndpointId, Endpoints, UNKNOWN, new_endpoint};
use crate::ranking::Ranking;
use crate::request::Request;
use crate::session::Session;
use crate::templates::Templates;

/// Fewer sessions do not say where the usual ends, so that nothing is unusual.
const MIN_HELD_OUT: usize = 20;

/// Templates, endpoints, what is usual, and from which score on a session is unusual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Judge {
    pub(super) templates: Templates,
    pub(super) endpoints: Endpoints,
    pub(super) baseline: Baseline,
    /// Scores of sessions that were held out, in bits of surprise, highest first.
    pub(super) held_out: Vec<f64>,
    /// Bits of surprise from which on a session is unusual; above 0.
    pub(super) threshold: f64,
}

impl Judge {
    /// The endpoint of a call. One that exists and was not learned has a number of its own, which tells nothing.
    pub(super) fn endpoint(&self, request: &Request<'_>, call: &Call) -> EndpointId {
        let known = self.endpoints.get(&request.method, self.templates.of(&request.path).as_deref());
        if known != UNKNOWN || !call.exists() {
            return known;
        }
        new_endpoint(&request.method, &request.path)
    }

    /// Sessions that it was learned from, those held out among them.
    pub(super) fn n_learned(&self) -> usize {
        self.baseline.n_sessions as usize + self.held_out.len()
    }

    /// Sets the threshold so that this share of ordinary sessions is unusual.
    pub(super) fn set_share(&mut self, share: f64) {
        let at = (share * (self.held_out.len() + 1) as f64) as usize;
        let score = self.held_out.get(at.saturating_sub(1)).filter(|_| self.held_out.len() >= MIN_HELD_OUT);
        // What equals it is not unusual yet.
        self.threshold = score.map_or(f64::MAX, |score| score.max(1.0) * (1.0 + 1e-9));
    }

    /// Looks at a session, and keeps the score if it is the highest so far. Cost: linear in its endpoints and steps.
    pub(super) fn look(&self, session: &mut Session) {
        let unusual = Ranking::new(&self.baseline).of(session, false);
        session.looks.note(unusual.score / self.threshold, unusual.features);
    }
}
