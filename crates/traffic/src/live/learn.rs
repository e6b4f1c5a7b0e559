//! How a judge is made of the requests of the learning period.
//!
//! Every other session teaches what is usual; the threshold is set on the rest, by the same looks that sessions get later. So
//! the share of ordinary sessions that will be called unusual is known before anybody is called so: a session like those
//! of the learning period exceeds the k-th highest of n scores with a probability of k / (n + 1).
//!
//! Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in a random world", 2005 (split conformal prediction).

use std::collections::BTreeSet;

use super::judge::Judge;
use super::settings::LiveSettings;
use crate::findings::{FindingKind, find};
use crate::learner::Learner;
use crate::recording::Recording;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::walks::Walks;

impl Judge {
    /// Learns from a recording. Sessions that may lack their beginning or their end, and those with a finding, teach
    /// nothing. Cost: that of making all sessions twice.
    pub(super) fn learn(recording: &Recording, settings: &LiveSettings) -> Self {
        let (templates, endpoints) = recording.learn(&[]);
        let mut judge = Self { templates, endpoints, threshold: 1.0, ..Self::default() };
        let (mut taught, mut held_out) = (Vec::new(), BTreeSet::new());
        let (span_ms, mut n_ended) = (recording.span_ms().unwrap_or_default(), 0_usize);
        judge.replay(recording, settings, &mut |_| {}, &mut |session| {
            n_ended += 1;
            if !is_whole(&session, span_ms, settings.sessions.idle_ms) || judge.is_named(&session) {
                return;
            }
            if taught.len() > held_out.len() {
                held_out.insert(n_ended);
            } else {
                taught.push(session);
            }
        });
        let mut learner = Learner::default();
        taught.iter().for_each(|session| learner.add(session));
        judge.baseline = learner.finish(&taught);
        judge.held_out = judge.scores(recording, settings, &held_out);
        judge.set_share(settings.unusual_share);
        judge
    }

    /// The scores of the sessions in `held_out`, which are known by the order in which they end, highest first.
    fn scores(&self, recording: &Recording, settings: &LiveSettings, held_out: &BTreeSet<usize>) -> Vec<f64> {
        let (mut scores, mut n_ended) = (Vec::with_capacity(held_out.len()), 0);
        let mut on_call = |session: &mut Session| {
            if session.looks.is_due(session.n_calls) {
                self.look(session);
            }
        };
        self.replay(recording, settings, &mut on_call, &mut |mut session| {
            n_ended += 1;
            if held_out.contains(&n_ended) {
                self.look(&mut session);
                scores.push(session.looks.score);
            }
        });
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores
    }

    /// The sessions that are still open, made anew at the endpoints that were learned; what else is known of them stays.
    pub(super) fn open(&self, recording: &Recording, settings: &LiveSettings, known: &Sessions) -> Sessions {
        let mut sessions = Sessions::new(settings.sessions);
        recording.each_call(&self.templates, &self.endpoints, &mut |key, call| {
            if known.get(key).is_some_and(|session| session.first_ms <= call.time_ms) {
                sessions.add(key, call, &mut |_| {});
            }
        });
        sessions.take_over(known);
        sessions
    }

    /// What clients did slowly so far, at the endpoints that were learned.
    pub(super) fn walks(&self, recording: &Recording) -> Walks {
        let mut walks = Walks::default();
        recording.each_call(&self.templates, &self.endpoints, &mut |key, call| {
            walks.add(key, call, &mut |_| {});
        });
        walks
    }

    /// Makes the sessions of a recording; `on_call` is given the session after each of its calls.
    fn replay(
        &self,
        recording: &Recording,
        settings: &LiveSettings,
        on_call: &mut dyn FnMut(&mut Session),
        on_end: &mut dyn FnMut(Session),
    ) {
        let mut sessions = Sessions::new(settings.sessions);
        recording.each_call(&self.templates, &self.endpoints, &mut |key, call| {
            sessions.add(key, call, on_end);
            if let Some(session) = sessions.get_mut(key) {
                on_call(session);
            }
        });
        sessions.finish(on_end);
    }

    /// Whether a session has a finding. That parameters are given twice may turn out to be usual.
    fn is_named(&self, session: &Session) -> bool {
        let findings = find(session, &self.endpoints, &self.baseline);
        findings.iter().any(|finding| finding.kind != FindingKind::ParameterPollution)
    }
}

/// Whether a session surely began after the recording did, and ended before it.
pub(super) const fn is_whole(session: &Session, (first_ms, last_ms): (i64, i64), idle_ms: i64) -> bool {
    session.first_ms - first_ms > idle_ms && last_ms - session.last_ms > idle_ms
}
