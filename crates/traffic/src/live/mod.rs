//! Sessions while they happen: requests come in one by one, and what is said of sessions goes out.
//!
//! Reading order: [`LiveSettings`]; `clock` (what time it is in the stream); `learning` (requests are recorded at first), `learn`
//! (a judge is made of them), `judge` (frozen from then on); `models` (trained ones that judge as well), `recent` (how far the
//! traffic has moved since they were learned); [`Report`] (what is said); [`Live`] (all together); `retell` (one session in full,
//! by a [`Teller`]); `kept` (as bytes).
//!
//! What a client does too slowly for any session to show it is counted over a day, and told with the session in which it shows.
//!
//! The same requests give the same reports, however they come in parts and whenever the clock is asked: the time of a report is
//! that of the request that caused it, or the end of the pause that ended the session.

mod clock;
mod judge;
mod kept;
mod learn;
mod learning;
mod models;
mod recent;
mod report;
mod retell;
mod settings;

use std::sync::Arc;

use clock::StreamClock;
use judge::Judge;
use learning::Learning;
use models::Watches;
pub use models::{ModelsInUse, NamedModel};
pub use recent::{ModelDrift, Role};
pub use report::{ModelVerdict, Report, Standing};
pub use retell::Teller;
pub use settings::LiveSettings;

use crate::call::Call;
use crate::endpoints::{ANYWHERE, EndpointId, UNKNOWN};
use crate::findings::{Finding, find};
use crate::request::Request;
use crate::says::Says;
use crate::session::Session;
use crate::sessions::{Sessions, Tally};
use crate::walks::{Walk, Walks};
use crate::words::in_words;

/// A request ends at most so many sessions of others, so that none costs much. It begins at most one.
const MAX_ENDED: usize = 8;

/// Watches sessions: learns first, then judges each by what was learned, which stays as it is.
///
/// ```
/// use lanner_traffic::{Live, LiveSettings, Request};
///
/// let mut live = Live::new(LiveSettings::default());
/// let login = |time_ms| Request {
///     time_ms, method: "POST".into(), path: "/login".into(), status: Some(401), ..Request::default()
/// };
/// let reports: Vec<_> = (0..8).flat_map(|i| live.add("203.0.113.7", &login(i * 1_000), || false)).flatten().collect();
/// assert_eq!(reports[0].reasons, ["brute_force: 5 attempts to log in, 5 of them refused"]);
/// assert!(reports.len() == 1 && !reports[0].is_over);
/// ```
#[derive(Debug)]
pub struct Live {
    settings: LiveSettings,
    phase: Phase,
    sessions: Sessions,
    /// What is too slow for a session to show it.
    walks: Walks,
    clock: StreamClock,
    /// Sessions that began before are incomplete.
    whole_from_ms: Option<i64>,
    /// Whether it begins with what another learned, whose open sessions are not known.
    is_resumed: bool,
    models: Watches,
}

#[derive(Debug)]
enum Phase {
    Learning(Box<Learning>),
    Judging(Arc<Judge>),
}

impl Live {
    /// Begins to learn.
    #[must_use]
    pub fn new(settings: LiveSettings) -> Self {
        Self {
            sessions: Sessions::new(settings.sessions),
            settings,
            phase: Phase::Learning(Box::new(Learning::new())),
            walks: Walks::default(),
            clock: StreamClock::default(),
            whole_from_ms: None,
            is_resumed: false,
            models: Watches::default(),
        }
    }

    /// Which trained models judge from now on; sessions that are open are not judged by those that are new.
    pub fn use_models(&mut self, models: &ModelsInUse) {
        self.models.replace(models, &self.settings);
    }

    /// A request of the client that is told by `key`. `is_declared` says whether that is a bot known to be one; it is asked once a
    /// session. Returns what is to be said now: of its session, if it is flagged for the first time, and of some that are
    /// over. `None` if its time lies in the future.
    ///
    /// Cost: O(log open sessions), beside a look at the session each time it has grown by a quarter. The request that ends
    /// the learning costs as much as all before it, some seconds at most.
    pub fn add(
        &mut self,
        key: &str,
        request: &Request<'_>,
        is_declared: impl FnOnce() -> bool,
    ) -> Option<Vec<Report>> {
        if !self.clock.is_possible(request.time_ms) {
            return None;
        }
        let seen_ms = self.clock.see(request.time_ms);
        if self.is_resumed {
            let pause_ms = self.settings.sessions.idle_ms;
            self.whole_from_ms.get_or_insert(seen_ms.saturating_add(pause_ms));
        }
        let mut call = Call::new(request, UNKNOWN);
        call.endpoint = match &mut self.phase {
            Phase::Learning(learning) => learning.add(key, request, &call),
            Phase::Judging(judge) => judge.endpoint(request, &call),
        };
        let mut ended = Vec::new();
        let mut on_end = |session| ended.push(session);
        self.sessions.advance_some(self.now_ms(), MAX_ENDED, &mut on_end);
        self.sessions.add(key, &call, &mut on_end);
        self.walk(key, &call);
        let now_ms = self.now_ms();
        self.models.add(key, request, now_ms, MAX_ENDED);
        let mut reports: Vec<Report> = ended.into_iter().map(|session| self.over(session)).collect();
        reports.extend(self.look((key, call.endpoint), request, is_declared));
        self.learn();
        Some(reports)
    }

    /// It is `now_ms` by the clock. Returns what is to be said of sessions that are over. Cost: that of those.
    pub fn advance(&mut self, now_ms: i64) -> Vec<Report> {
        self.clock.tick(now_ms);
        let mut ended = Vec::new();
        self.sessions.advance(self.now_ms(), &mut |session| ended.push(session));
        let now_ms = self.now_ms();
        self.models.advance(now_ms);
        let reports = ended.into_iter().map(|session| self.over(session)).collect();
        self.learn();
        reports
    }

    /// How the sessions of late stand to those that the models in use were learned from.
    #[must_use]
    pub fn drift(&self) -> Vec<ModelDrift> {
        self.models.drift()
    }

    /// What happened to sessions so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.sessions.tally()
    }

    /// How it stands, in words, such as `learning from 120 of 1000 sessions; 3 open`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let phase = match &self.phase {
            Phase::Learning(learning) => {
                format!("learning from {} of {} sessions", learning.n_whole, self.settings.n_learned)
            }
            Phase::Judging(judge) => format!("learned from {} sessions", judge.n_learned()),
        };
        let evicted = match self.tally().n_evicted {
            0 => String::new(),
            n => format!(", {n} closed early for lack of room"),
        };
        let ahead = match self.clock.n_ahead() {
            0 => String::new(),
            1 => ", one request from over a minute ahead of the clock".to_owned(),
            n => format!(", {n} requests from over a minute ahead of the clock"),
        };
        format!("{phase}; {} open{evicted}{ahead}", self.sessions.n_open())
    }

    /// What time it is in the stream, and before it began.
    fn now_ms(&self) -> i64 {
        self.clock.time_ms().unwrap_or(i64::MIN)
    }

    /// Counts a call over the day: at its endpoint, and, if it gives a parameter twice where that is unusual, anywhere.
    fn walk(&mut self, key: &str, call: &Call) {
        let Some(session) = self.sessions.get(key) else { return };
        self.walks.add(&session.key, call, &mut |_| {});
        let is_odd = |judge: &Judge| !judge.baseline.is_pollution_usual(call.endpoint);
        if let (true, Phase::Judging(judge)) = (call.is_polluted, &self.phase)
            && is_odd(judge)
        {
            self.walks.add(&session.key, &Call { endpoint: ANYWHERE, object: None, ..*call }, &mut |_| {});
        }
    }

    /// Looks at a session that has grown, or whose client walks slowly at the endpoint of its last call.
    fn look(
        &mut self,
        (key, endpoint): (&str, EndpointId),
        request: &Request<'_>,
        is_declared: impl FnOnce() -> bool,
    ) -> Option<Report> {
        let session = self.sessions.get_mut(key)?;
        if session.n_calls == 1 {
            session.says = Says::of(&request.agent);
            session.is_declared = is_declared();
        }
        let is_due = session.looks.is_due(session.n_calls);
        let (phase, key) = (&self.phase, &session.key);
        let is_found = |walk: &Walk| walk.may_be_found() && !phase.walk_findings(walk).is_empty();
        let walks = || [endpoint, ANYWHERE].iter().filter_map(|at| self.walks.get(key, *at)).any(is_found);
        if !is_due && (session.looks.is_named || !walks()) {
            return None;
        }
        let known = Known { models: &self.models, walks: &self.walks, whole_from_ms: self.whole_from_ms };
        let report = self.phase.report(session, &known, request.time_ms, false);
        session.looks.is_told |= report.is_flagged();
        session.looks.is_named |= !report.findings.is_empty();
        report.is_news.then_some(report)
    }

    /// What is said of a session that is over.
    fn over(&mut self, mut session: Session) -> Report {
        let ended_ms = session.last_ms.saturating_add(self.settings.sessions.idle_ms).min(self.now_ms());
        if let Phase::Learning(learning) = &mut self.phase {
            learning.count(&session, self.clock.time_ms().unwrap_or(ended_ms), &self.settings);
        }
        self.models.remember(&session);
        let known = Known { models: &self.models, walks: &self.walks, whole_from_ms: self.whole_from_ms };
        self.phase.report(&mut session, &known, ended_ms, true)
    }

    /// Begins to judge, if enough was learned. Sessions that are open go on, at the endpoints that were learned.
    fn learn(&mut self) {
        let now_ms = self.now_ms();
        let Phase::Learning(learning) = &self.phase else { return };
        if !learning.is_enough(now_ms, &self.settings) {
            return;
        }
        let judge = Judge::learn(&learning.recording, &self.settings);
        self.sessions = judge.open(&learning.recording, &self.settings, &self.sessions);
        self.walks = judge.walks(&learning.recording);
        self.phase = Phase::Judging(Arc::new(judge));
    }
}

/// What is known beside a session.
struct Known<'k> {
    models: &'k Watches,
    walks: &'k Walks,
    /// Sessions that began before are incomplete.
    whole_from_ms: Option<i64>,
}

impl Known<'_> {
    /// Findings of what the client of a session did slowly at its endpoints, of kinds that the session does not show itself. Cost:
    /// linear in the endpoints of the session.
    fn slow(&self, session: &Session, of_walk: &dyn Fn(&Walk) -> Vec<Finding>, shown: &mut Vec<Finding>) {
        let mut endpoints: Vec<EndpointId> = session.nodes.keys().copied().chain([ANYWHERE]).collect();
        endpoints.sort_unstable();
        for walk in endpoints.into_iter().filter_map(|endpoint| self.walks.get(&session.key, endpoint)) {
            for finding in of_walk(walk) {
                if !shown.iter().any(|known| known.kind == finding.kind) {
                    shown.push(Finding {
                        evidence: format!("{}, {}", finding.evidence, walk.span()),
                        ..finding
                    });
                }
            }
        }
    }
}

impl Phase {
    /// Looks at a session, and says what was seen.
    fn report(&self, session: &mut Session, known: &Known<'_>, time_ms: i64, is_over: bool) -> Report {
        let Known { models, whole_from_ms, .. } = known;
        let is_incomplete = whole_from_ms.is_some_and(|from_ms| session.first_ms < from_ms);
        let (standing, mut findings) = match self {
            Self::Learning(learning) => (Standing::Learning, learning.findings(session)),
            Self::Judging(judge) => {
                judge.look(session);
                let standing = if is_incomplete { Standing::Incomplete } else { Standing::Active };
                (standing, find(session, &judge.endpoints, &judge.baseline))
            }
        };
        known.slow(session, &|walk| self.walk_findings(walk), &mut findings);
        let mut report = Report { standing, ..Report::of(session, time_ms, is_over) };
        report.score = (standing == Standing::Active).then_some(session.looks.score);
        report.reasons = findings.iter().map(Finding::to_string).collect();
        report.findings = findings;
        if !is_incomplete {
            models.judge(session, &mut report);
        }
        if let Some(champion) = &report.champion {
            report.reasons.extend(champion.reasons.iter().filter(|_| champion.is_flagged).cloned());
        } else if let (Self::Judging(judge), true) = (self, report.is_unusual()) {
            let words =
                |(feature, value): &(usize, f64)| in_words(*feature, *value, judge.baseline.normal(*feature));
            report.reasons.extend(session.looks.features.iter().map(words));
        }
        let is_named = !report.findings.is_empty();
        report.is_news =
            (report.is_flagged() && !session.looks.is_told) || (is_named && !session.looks.is_named);
        report
    }

    fn walk_findings(&self, walk: &Walk) -> Vec<Finding> {
        match self {
            Self::Learning(learning) => learning.walk_findings(walk),
            Self::Judging(judge) => walk.findings(&judge.endpoints, &judge.baseline),
        }
    }
}
