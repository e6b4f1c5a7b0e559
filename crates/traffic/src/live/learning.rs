//! The time in which only is learned: requests are recorded until there are enough whole sessions.

use super::learn::is_whole;
use super::settings::LiveSettings;
use crate::baseline::Baseline;
use crate::call::Call;
use crate::endpoints::{EndpointId, Endpoints};
use crate::findings::{Finding, FindingKind, find};
use crate::recording::{KeyBy, Recording};
use crate::request::Request;
use crate::session::Session;
use crate::shape::shape;
use crate::walks::Walk;

/// No more requests are recorded; they take about 90 bytes each.
const MAX_RECORDED: usize = 300_000;

/// Requests, and endpoints by the shapes of their paths.
#[derive(Debug)]
pub(super) struct Learning {
    pub(super) recording: Recording,
    pub(super) shapes: Endpoints,
    first_ms: Option<i64>,
    /// Sessions that can be learned from.
    pub(super) n_whole: usize,
}

impl Learning {
    pub(super) fn new() -> Self {
        Self::resumed(Recording::new(KeyBy::default()), 0)
    }

    /// Goes on with what was recorded before.
    pub(super) fn resumed(recording: Recording, n_whole: usize) -> Self {
        let first_ms = recording.span_ms().map(|(first_ms, _)| first_ms);
        Self { recording, shapes: Endpoints::default(), first_ms, n_whole }
    }

    /// Records a request, and returns its endpoint for now.
    pub(super) fn add(&mut self, key: &str, request: &Request<'_>, call: &Call) -> EndpointId {
        self.first_ms.get_or_insert(request.time_ms);
        if !self.is_full() {
            self.recording.add_of(key, request);
        }
        let shape = Some(shape(&request.path)).filter(|_| call.exists());
        self.shapes.number(&request.method, shape.as_deref())
    }

    /// Counts a session that ended, if it can be learned from.
    pub(super) fn count(&mut self, session: &Session, ended_ms: i64, settings: &LiveSettings) {
        let Some(first_ms) = self.first_ms else { return };
        let is_whole = is_whole(session, (first_ms, ended_ms), settings.sessions.idle_ms);
        self.n_whole += usize::from(is_whole && self.findings(session).is_empty());
    }

    /// Behaviour with a name, as far as it can be told without knowing what is usual.
    pub(super) fn findings(&self, session: &Session) -> Vec<Finding> {
        findings_by_shape(&self.shapes, session)
    }

    /// The same of what a client does slowly.
    pub(super) fn walk_findings(&self, walk: &Walk) -> Vec<Finding> {
        without_pollution(walk.findings(&self.shapes, &Baseline::default()))
    }

    /// Whether all is recorded that can be.
    pub(super) fn is_full(&self) -> bool {
        self.recording.n_calls() >= MAX_RECORDED
    }

    /// Whether enough was seen by now.
    pub(super) fn is_enough(&self, now_ms: i64, settings: &LiveSettings) -> bool {
        let has_lasted = self.first_ms.is_some_and(|first_ms| now_ms - first_ms >= settings.learn_ms);
        self.is_full() || (has_lasted && self.n_whole >= settings.n_learned)
    }
}

/// The endpoint of a request that was recorded before.
pub(super) fn endpoint_by_shape(shapes: &Endpoints, request: &Request<'_>, call: &Call) -> EndpointId {
    let shape = Some(shape(&request.path)).filter(|_| call.exists());
    shapes.get(&request.method, shape.as_deref())
}

/// Behaviour with a name, as far as it can be told without knowing what is usual.
pub(super) fn findings_by_shape(shapes: &Endpoints, session: &Session) -> Vec<Finding> {
    without_pollution(find(session, shapes, &Baseline::default()))
}

/// That parameters are given twice may turn out to be usual.
fn without_pollution(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.kind != FindingKind::ParameterPollution);
    findings
}
