//! Trained models that judge sessions while they happen, beside what was learned from the traffic itself.
//!
//! A model names endpoints in its own way, so it has sessions of its own, which begin and end with the others. One that
//! comes into use says nothing of the sessions that are open then: it has not seen their beginning.

use std::sync::Arc;

use super::recent::{ModelDrift, Recent, Role};
use super::report::{ModelVerdict, Report};
use super::settings::LiveSettings;
use crate::call::Call;
use crate::endpoints::{UNKNOWN, new_endpoint};
use crate::model::{Model, Verdict};
use crate::request::Request;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::words::in_words;

/// Reasons that a model gives.
const N_REASONS: usize = 3;

/// A trained model, and the name that it is known by.
#[derive(Debug, Clone)]
pub struct NamedModel {
    /// Its name.
    pub name: Arc<str>,
    /// The model.
    pub model: Arc<Model>,
}

/// The models in use.
#[derive(Debug, Clone, Default)]
pub struct ModelsInUse {
    /// The one that decides whether a session is unusual.
    pub champion: Option<NamedModel>,
    /// One that is asked as well, and decides nothing.
    pub challenger: Option<NamedModel>,
}

/// The models in use, each with the sessions as it sees them.
#[derive(Debug, Default)]
pub(super) struct Watches {
    pub(super) champion: Option<Watch>,
    pub(super) challenger: Option<Watch>,
}

#[derive(Debug)]
pub(super) struct Watch {
    pub(super) named: NamedModel,
    sessions: Sessions,
    /// Those that ended just now.
    ended: Vec<Session>,
    /// The last that ended.
    recent: Recent,
}

impl Watches {
    /// Takes up other models; one that stays keeps its sessions.
    pub(super) fn replace(&mut self, models: &ModelsInUse, settings: &LiveSettings) {
        let mut before = [self.champion.take(), self.challenger.take()];
        let mut watch = |named: &NamedModel| {
            let same = before.iter_mut().find(|it| it.as_ref().is_some_and(|it| it.named.name == named.name));
            same.and_then(Option::take).unwrap_or_else(|| Watch::new(named.clone(), settings))
        };
        self.champion = models.champion.as_ref().map(&mut watch);
        self.challenger = models.challenger.as_ref().map(&mut watch);
    }

    /// A request, at `now_ms`, by which at most `n_ended` sessions of others end. Cost: as that of [`Sessions::add`].
    pub(super) fn add(&mut self, key: &str, request: &Request<'_>, now_ms: i64, n_ended: usize) {
        for Watch { named, sessions, ended, .. } in self.each() {
            ended.clear();
            let mut on_end = |session| ended.push(session);
            sessions.advance_some(now_ms, n_ended, &mut on_end);
            sessions.add(key, &named.model.call(request), &mut on_end);
        }
    }

    /// It is `now_ms`.
    pub(super) fn advance(&mut self, now_ms: i64) {
        for Watch { sessions, ended, .. } in self.each() {
            ended.clear();
            sessions.advance(now_ms, &mut |session| ended.push(session));
        }
    }

    /// Forgets all sessions.
    pub(super) fn begin(&mut self, settings: &LiveSettings) {
        self.each().for_each(|watch| *watch = Watch::new(watch.named.clone(), settings));
    }

    /// Keeps a session that is over, for comparison with those that the models were learned from.
    pub(super) fn remember(&mut self, session: &Session) {
        for watch in self.each() {
            if let Some(seen) = watch.ended.iter().find(|seen| is_same(seen, session)) {
                watch.recent.add(seen, &watch.named.model);
            }
        }
    }

    /// How the sessions of late stand to those that the models were learned from.
    pub(super) fn drift(&self) -> Vec<ModelDrift> {
        let of = |watch: &Option<Watch>, role| {
            let Watch { named: NamedModel { name, model }, recent, .. } = watch.as_ref()?;
            Some(recent.drift((name, model), role))
        };
        let both = [of(&self.champion, Role::Champion), of(&self.challenger, Role::Challenger)];
        both.into_iter().flatten().collect()
    }

    /// Adds what the models say of a session to what is said of it.
    pub(super) fn judge(&self, session: &Session, report: &mut Report) {
        report.champion = self.champion.as_ref().and_then(|watch| watch.verdict(session, report.is_over));
        report.challenger = self.challenger.as_ref().and_then(|watch| watch.verdict(session, report.is_over));
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Watch> {
        [&mut self.champion, &mut self.challenger].into_iter().flatten()
    }
}

impl Watch {
    fn new(named: NamedModel, settings: &LiveSettings) -> Self {
        let sessions = Sessions::new(settings.sessions);
        Self { named, sessions, ended: Vec::new(), recent: Recent::default() }
    }

    /// `None` for a session of which it has not seen all.
    fn verdict(&self, session: &Session, is_over: bool) -> Option<ModelVerdict> {
        let seen = match is_over {
            true => self.ended.iter().find(|seen| is_same(seen, session)),
            false => self.sessions.get(&session.key).filter(|seen| is_same(seen, session)),
        }?;
        let NamedModel { name, model } = &self.named;
        let Verdict { probability, is_flagged, reasons } = model.score(seen, N_REASONS);
        let reasons = reasons.iter().map(|reason| in_words(reason.feature, reason.value, reason.normal));
        Some(ModelVerdict { model: Arc::clone(name), probability, is_flagged, reasons: reasons.collect() })
    }
}

/// Whether a model and the traffic's own judge look at the same session.
fn is_same(seen: &Session, session: &Session) -> bool {
    seen.key == session.key && seen.first_ms == session.first_ms
}

impl Model {
    /// A request as a call of the endpoints that the model knows.
    pub(super) fn call(&self, request: &Request<'_>) -> Call {
        let mut call = Call::new(request, UNKNOWN);
        let known = self.endpoints.get(&request.method, self.templates.of(&request.path).as_deref());
        call.endpoint = if known == UNKNOWN && call.exists() {
            new_endpoint(&request.method, &request.path)
        } else {
            known
        };
        call
    }
}
