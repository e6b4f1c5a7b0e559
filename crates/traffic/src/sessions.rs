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

/// When a session had its last call, and a number that makes this unique.
type Place = (i64, u64);

#[derive(Debug)]
struct Open {
    session: Session,
    /// Where it belongs in the order of last calls.
    last: Place,
    /// Where it stands in that order: where it belonged when it was last put in its place, so never after it.
    place: Place,
}

/// The open sessions.
///
/// A session is put in its place only when it comes first, not at each call: what was called since is not the one idle longest.
#[derive(Debug)]
pub struct Sessions {
    settings: SessionSettings,
    open: HashMap<Arc<str>, Open, FixedState>,
    /// Keys by the place of their session, of which each has one.
    by_place: BTreeMap<Place, Arc<str>>,
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
            by_place: BTreeMap::new(),
            n_calls: 0,
            n_open_calls: 0,
            tally: Tally::default(),
        }
    }

    /// Adds a call to the session of `key`, which may begin one. `on_end` is given the sessions that ended.
    /// Cost: constant for each call, and O(log open) for each session that begins or is put in its place.
    pub fn add(&mut self, key: &str, call: &Call, on_end: &mut dyn FnMut(Session)) {
        self.n_calls += 1;
        self.n_open_calls += 1;
        let Self { open, settings, tally, .. } = self;
        match open.get_mut(key) {
            Some(open) if !settings.is_over(&open.session, call.time_ms, tally) => {
                tally.n_late_calls += u64::from(call.time_ms < open.session.last_ms);
                open.session.add(call);
                open.last = (open.session.last_ms, self.n_calls);
            }
            known => {
                if known.is_some() {
                    self.end_of(key, on_end);
                }
                self.begin(key, call);
            }
        }
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
        while !self.by_place.is_empty() {
            self.end_first(on_end);
        }
    }

    /// The open session of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Session> {
        self.open.get(key).map(|open| &open.session)
    }

    /// The open session of a key, to note something about it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Session> {
        self.open.get_mut(key).map(|open| &mut open.session)
    }

    /// Takes over what was noted about sessions of the same keys, and what happened so far.
    pub(crate) fn take_over(&mut self, known: &Self) {
        for (key, open) in &mut self.open {
            if let Some(before) = known.get(key) {
                open.session.take_over(before);
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

    fn begin(&mut self, key: &str, call: &Call) {
        let key: Arc<str> = Arc::from(key);
        let mut session = Session::new(key.clone(), call.time_ms);
        session.add(call);
        let last = (session.last_ms, self.n_calls);
        self.by_place.insert(last, key.clone());
        self.open.insert(key, Open { session, last, place: last });
    }

    fn is_first_idle(&mut self, now_ms: i64) -> bool {
        let is_idle = |(last_ms, _): Place, idle_ms| now_ms - last_ms > idle_ms;
        let idle_ms = self.settings.idle_ms;
        // Whoever stands first was called then or later.
        self.by_place.first_key_value().is_some_and(|(place, _)| is_idle(*place, idle_ms))
            && self.first().is_some_and(|place| is_idle(place, idle_ms))
    }

    /// The place of the session idle longest; puts those in their place that stand before it.
    fn first(&mut self) -> Option<Place> {
        loop {
            let first = self.by_place.first_entry()?;
            let place = *first.key();
            let Some(open) = self.open.get_mut(first.get()) else {
                first.remove();
                continue;
            };
            if open.last == place {
                return Some(place);
            }
            let key = first.remove();
            open.place = open.last;
            self.by_place.insert(open.last, key);
        }
    }

    fn end_first(&mut self, on_end: &mut dyn FnMut(Session)) {
        if self.first().is_some()
            && let Some((_, key)) = self.by_place.pop_first()
            && let Some(Open { session, .. }) = self.open.remove(&key)
        {
            self.end(session, on_end);
        }
    }

    /// Ends the session of a key.
    fn end_of(&mut self, key: &str, on_end: &mut dyn FnMut(Session)) {
        if let Some(Open { session, place, .. }) = self.open.remove(key) {
            self.by_place.remove(&place);
            self.end(session, on_end);
        }
    }

    fn end(&mut self, session: Session, on_end: &mut dyn FnMut(Session)) {
        self.tally.n_ended += 1;
        self.n_open_calls = self.n_open_calls.saturating_sub(u64::from(session.n_calls));
        on_end(session);
    }
}

impl SessionSettings {
    fn is_over(&self, session: &Session, now_ms: i64, tally: &mut Tally) -> bool {
        let is_cut = session.n_calls >= self.max_calls || now_ms - session.first_ms > self.max_ms;
        let is_idle = now_ms - session.last_ms > self.idle_ms;
        tally.n_cut += u64::from(is_cut && !is_idle);
        is_cut || is_idle
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

    /// What [`Sessions`] does, told simply: all sessions are looked through at each call.
    fn simply(settings: SessionSettings, calls: &[(u8, i64)]) -> Vec<(String, u32, i64)> {
        let (mut open, mut ended) = (Vec::<(Session, u64)>::new(), Vec::new());
        let told = |session: &Session| (session.key.to_string(), session.n_calls, session.last_ms);
        let first = |open: &[(Session, u64)]| {
            (0..open.len()).min_by_key(|i| (open[*i].0.last_ms, open[*i].1)).unwrap_or_default()
        };
        for (&(key, time_ms), n) in calls.iter().zip(0..) {
            let is_over = |session: &Session| settings.is_over(session, time_ms, &mut Tally::default());
            let mut at = open.iter().position(|(session, _)| *session.key == *key.to_string());
            if let Some(over) = at.filter(|at| is_over(&open[*at].0)) {
                ended.push(told(&open.remove(over).0));
                at = None;
            }
            let at = at.unwrap_or_else(|| {
                open.push((Session::new(key.to_string().into(), time_ms), n));
                open.len() - 1
            });
            open[at].0.add(&call(time_ms));
            open[at].1 = n;
            if open.len() > settings.max_open {
                let first = first(&open);
                ended.push(told(&open.remove(first).0));
            }
        }
        while !open.is_empty() {
            let first = first(&open);
            ended.push(told(&open.remove(first).0));
        }
        ended
    }

    proptest::proptest! {
        #[test]
        fn sessions_end_as_if_all_were_looked_through(
            calls in proptest::collection::vec((0_u8..6, 0_i64..40), 0..80),
            max_open in 1_usize..5,
            max_calls in 1_u32..6,
        ) {
            let settings = SessionSettings { idle_ms: 12, max_ms: 25, max_calls, max_open, ..SessionSettings::default() };
            let mut sessions = Sessions::new(settings);
            let mut ended = Vec::new();
            let mut on_end = |session: Session| ended.push((session.key.to_string(), session.n_calls, session.last_ms));
            for (key, time_ms) in &calls {
                sessions.add(&key.to_string(), &call(*time_ms), &mut on_end);
            }
            sessions.finish(&mut on_end);
            proptest::prop_assert_eq!(ended, simply(settings, &calls));
        }
    }
}
