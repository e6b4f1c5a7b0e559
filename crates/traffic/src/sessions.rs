//! Calls become sessions: by key, until a client pauses for long.

use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use std::collections::HashMap;

use crate::call::Call;
use crate::session::Session;

/// When a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    /// After a pause of more than this. Default 30 minutes.
    pub idle_ms: i64,
    /// When it has lasted this long. Default 24 hours.
    pub max_ms: i64,
    /// When it has so many calls. Default 10,000.
    pub max_calls: u32,
    /// Sessions open at once; beyond that the one idle longest is closed early. Default 200,000.
    pub max_open: usize,
    /// Calls in all open sessions, which take up to some hundred bytes each; beyond that likewise. Default 5,000,000.
    pub max_open_calls: u64,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            idle_ms: 30 * 60_000,
            max_ms: 24 * 3_600_000,
            max_calls: 10_000,
            max_open: 200_000,
            max_open_calls: 5_000_000,
        }
    }
}

/// What happened to sessions beside ending by a pause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sessions that ended.
    pub n_ended: u64,
    /// Those closed early, because too many were open.
    pub n_evicted: u64,
    /// Those cut because they were too long.
    pub n_cut: u64,
    /// Calls that came before the last of their session.
    pub n_late_calls: u64,
}

/// The open sessions.
#[derive(Debug)]
pub struct Sessions {
    settings: SessionSettings,
    open: HashMap<Arc<str>, (Session, u64), FixedState>,
    /// Keys by their last call, each with a number that makes it unique.
    by_last: BTreeMap<(i64, u64), Arc<str>>,
    n_calls: u64,
    /// Calls in all open sessions.
    n_open_calls: u64,
    tally: Tally,
}

impl Sessions {
    /// None open.
    #[must_use]
    pub fn new(settings: SessionSettings) -> Self {
        Self {
            settings,
            open: HashMap::default(),
            by_last: BTreeMap::new(),
            n_calls: 0,
            n_open_calls: 0,
            tally: Tally::default(),
        }
    }

    /// Adds a call to the session of `key`, which may begin one. `on_end` is given the sessions that ended.
    /// Cost: O(log open).
    pub fn add(&mut self, key: &str, call: &Call, on_end: &mut dyn FnMut(Session)) {
        self.n_calls += 1;
        self.n_open_calls += 1;
        let (key, mut session) = match self.open.remove_entry(key) {
            Some((key, (session, n))) => {
                self.by_last.remove(&(session.last_ms, n));
                (key, Some(session))
            }
            None => (Arc::from(key), None),
        };
        if let Some(ended) = session.take_if(|session| self.is_over(session, call.time_ms)) {
            self.end(ended, on_end);
        }
        let mut session = session.unwrap_or_else(|| Session::new(key.clone(), call.time_ms));
        self.tally.n_late_calls += u64::from(call.time_ms < session.last_ms);
        session.add(call);
        self.by_last.insert((session.last_ms, self.n_calls), key.clone());
        self.open.insert(key, (session, self.n_calls));
        while self.open.len() > self.settings.max_open || self.n_open_calls > self.settings.max_open_calls {
            self.tally.n_evicted += 1;
            self.end_first(on_end);
        }
    }

    /// Ends sessions whose pause is over by `now_ms`. Cost: that of those that end.
    pub fn advance(&mut self, now_ms: i64, on_end: &mut dyn FnMut(Session)) {
        while self.is_first_idle(now_ms) {
            self.end_first(on_end);
        }
    }

    /// Ends at most so many of the sessions whose pause is over by `now_ms`, those idle longest first.
    pub fn advance_some(&mut self, now_ms: i64, most: usize, on_end: &mut dyn FnMut(Session)) {
        for _ in 0..most {
            if !self.is_first_idle(now_ms) {
                return;
            }
            self.end_first(on_end);
        }
    }

    /// Ends all, those idle longest first.
    pub fn finish(&mut self, on_end: &mut dyn FnMut(Session)) {
        while !self.by_last.is_empty() {
            self.end_first(on_end);
        }
    }

    /// The open session of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Session> {
        self.open.get(key).map(|(session, _)| session)
    }

    /// The open session of a key, to note something about it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Session> {
        self.open.get_mut(key).map(|(session, _)| session)
    }

    /// Takes over what was noted about sessions of the same keys, and what happened so far.
    pub(crate) fn take_over(&mut self, known: &Self) {
        for (key, (session, _)) in &mut self.open {
            if let Some(before) = known.get(key) {
                session.take_over(before);
            }
        }
        self.tally = known.tally;
    }

    /// Open sessions.
    #[must_use]
    pub fn n_open(&self) -> usize {
        self.open.len()
    }

    /// What happened so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    fn is_first_idle(&self, now_ms: i64) -> bool {
        let first = self.by_last.first_key_value();
        first.is_some_and(|((last_ms, _), _)| now_ms - last_ms > self.settings.idle_ms)
    }

    fn is_over(&mut self, session: &Session, now_ms: i64) -> bool {
        let is_cut =
            session.n_calls >= self.settings.max_calls || now_ms - session.first_ms > self.settings.max_ms;
        let is_idle = now_ms - session.last_ms > self.settings.idle_ms;
        self.tally.n_cut += u64::from(is_cut && !is_idle);
        is_cut || is_idle
    }

    fn end_first(&mut self, on_end: &mut dyn FnMut(Session)) {
        if let Some((_, key)) = self.by_last.pop_first()
            && let Some((session, _)) = self.open.remove(&key)
        {
            self.end(session, on_end);
        }
    }

    fn end(&mut self, session: Session, on_end: &mut dyn FnMut(Session)) {
        self.tally.n_ended += 1;
        self.n_open_calls = self.n_open_calls.saturating_sub(u64::from(session.n_calls));
        on_end(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Request;

    fn call(time_ms: i64) -> Call {
        Call::new(&Request { time_ms, method: "GET".into(), path: "/a".into(), ..Request::default() }, 1)
    }

    /// Calls of keys at minutes, and the sessions that come of them: key, calls.
    #[track_caller]
    fn check(settings: SessionSettings, calls: &[(&str, i64)], expected: &[(&str, u32)], tally: Tally) {
        let mut sessions = Sessions::new(settings);
        let mut ended = Vec::new();
        for (key, minute) in calls {
            sessions.add(key, &call(minute * 60_000), &mut |session| ended.push(session));
        }
        sessions.finish(&mut |session| ended.push(session));
        let found: Vec<(&str, u32)> = ended.iter().map(|session| (&*session.key, session.n_calls)).collect();
        assert_eq!(
            (&found[..], sessions.tally()),
            (expected, Tally { n_ended: ended.len() as u64, ..tally })
        );
    }

    #[test]
    fn sessions_end() {
        let settings = SessionSettings::default();
        let none = Tally::default();
        check(settings, &[("a", 0), ("b", 1), ("a", 30), ("a", 61)], &[("a", 2), ("b", 1), ("a", 1)], none);
        let late = Tally { n_late_calls: 1, ..none };
        check(settings, &[("a", 10), ("a", 5), ("a", 39)], &[("a", 3)], late);
        let short = SessionSettings { max_ms: 60 * 60_000, ..settings };
        let cut = Tally { n_cut: 1, ..none };
        check(short, &[("a", 0), ("a", 29), ("a", 58), ("a", 61)], &[("a", 3), ("a", 1)], cut);
        let few = SessionSettings { max_calls: 2, ..settings };
        check(few, &[("a", 0), ("a", 1), ("a", 2)], &[("a", 2), ("a", 1)], cut);
        let one = SessionSettings { max_open: 1, ..settings };
        let evicted = Tally { n_evicted: 2, ..none };
        check(one, &[("a", 0), ("b", 1), ("a", 2)], &[("a", 1), ("b", 1), ("a", 1)], evicted);
    }

    #[test]
    fn time_ends_sessions_too() {
        let mut sessions = Sessions::new(SessionSettings::default());
        sessions.add("a", &call(0), &mut |_| {});
        let mut n_ended = 0;
        sessions.advance(30 * 60_000, &mut |_| n_ended += 1);
        assert_eq!((n_ended, sessions.get("a").map(|session| session.n_calls)), (0, Some(1)));
        sessions.advance(30 * 60_000 + 1, &mut |_| n_ended += 1);
        assert_eq!((n_ended, sessions.n_open()), (1, 0));
    }
}
