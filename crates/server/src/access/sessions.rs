//! Sessions of people who signed in on the page: a random cookie, of which only the hash is held, in memory alone.
//!
//! A session stands for the token or the password that was shown, and ends with it; one of somebody whom a provider knows lasts as long
//! as it lasts. Cookies count for pages and nowhere else: programs show
//! tokens, so no page can make a browser call the API with somebody's cookie.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use lanner_core::content;
use ring::hmac;
use ring::rand::SystemRandom;

use super::tokens::{Digest, random};
use crate::http::Principal;
use crate::sync::locked;

/// The cookie.
const COOKIE: &str = "lanner_session";
/// How long somebody stays signed in.
const LIFETIME: Duration = Duration::from_secs(12 * 3_600);
/// Sessions that are held; the oldest makes room for a new one.
const MAX_SESSIONS: usize = 1_000;

/// Who signed in.
#[derive(Debug)]
pub(crate) struct Sessions {
    by_digest: Mutex<HashMap<Digest, Held>>,
    /// Signs what forms must send.
    key: hmac::Key,
    /// Whether cookies may travel encrypted only.
    is_secure: bool,
}

#[derive(Debug, Clone)]
struct Held {
    /// The hash of the token that was shown, the stamp of the user, or of a person whom a provider knows.
    stands_for: Digest,
    /// Whom a provider knows, as it said when they signed in.
    person: Option<Principal>,
    since: Instant,
}

/// A session that a request showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    digest: Digest,
    /// The hash of the token that was shown when it began, or the stamp of the user.
    pub(super) stands_for: Digest,
}

impl Sessions {
    /// None yet.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn new(is_secure: bool) -> Result<Self, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.map_err(|_| "the operating system gives no random bytes")?;
        Ok(Self { by_digest: Mutex::default(), key, is_secure })
    }

    /// Begins a session of whoever showed a token or a password; returns the header that sets the cookie. The secret is a new one,
    /// whatever the browser showed before.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn begin(&self, stands_for: Digest, now: Instant) -> Result<String, String> {
        self.hold(Held { stands_for, person: None, since: now }, now)
    }

    /// As [`Self::begin`], of somebody whom a provider knows.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn begin_as(&self, person: Principal, now: Instant) -> Result<String, String> {
        let stands_for = content::digest(format!("openid\n{}", person.name()).as_bytes());
        self.hold(Held { stands_for, person: Some(person), since: now }, now)
    }

    fn hold(&self, session: Held, now: Instant) -> Result<String, String> {
        let secret = random()?;
        let mut held = locked(&self.by_digest);
        held.retain(|_, held| now.saturating_duration_since(held.since) < LIFETIME);
        if held.len() >= MAX_SESSIONS
            && let Some(oldest) = held.iter().min_by_key(|(_, held)| held.since).map(|(digest, _)| *digest)
        {
            held.remove(&oldest);
        }
        held.insert(content::digest(secret.as_bytes()), session);
        Ok(self.cookie(&secret, LIFETIME.as_secs()))
    }

    /// The session that a request shows, if it lasts.
    pub(super) fn find(&self, headers: &HeaderMap, now: Instant) -> Option<Session> {
        let digest = content::digest(cookie(headers, COOKIE)?.as_bytes());
        let held = locked(&self.by_digest).get(&digest).cloned()?;
        (now.saturating_duration_since(held.since) < LIFETIME)
            .then_some(Session { digest, stands_for: held.stands_for })
    }

    /// Whom a provider knows, where it said who began a session.
    pub(super) fn person(&self, session: Session) -> Option<Principal> {
        locked(&self.by_digest).get(&session.digest)?.person.clone()
    }

    /// Whether a session still lasts.
    pub(super) fn lasts(&self, session: Session, now: Instant) -> bool {
        let since = locked(&self.by_digest).get(&session.digest).map(|held| held.since);
        since.is_some_and(|since| now.saturating_duration_since(since) < LIFETIME)
    }

    /// Ends a session; returns the header that takes the cookie away.
    pub(crate) fn end(&self, session: Option<Session>) -> String {
        if let Some(session) = session {
            locked(&self.by_digest).remove(&session.digest);
        }
        self.cookie("", 0)
    }

    fn cookie(&self, value: &str, seconds: u64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// What forms must send that this session, or somebody without one, was shown. Good until the session or the server
    /// ends.
    #[must_use]
    pub(crate) fn form_token(&self, session: Option<Session>) -> String {
        content::hex(hmac::sign(&self.key, signed(session.as_ref())).as_ref())
    }

    /// Whether a form sent what it was shown.
    #[must_use]
    pub(crate) fn knows_form(&self, session: Option<Session>, shown: &str) -> bool {
        let Some(shown) = content::unhex(shown) else { return false };
        hmac::verify(&self.key, signed(session.as_ref()), &shown).is_ok()
    }
}

fn signed(session: Option<&Session>) -> &[u8] {
    session.map_or(b"nobody", |session| &session.digest)
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(cookie: &str) -> HeaderMap {
        let pair = format!("theme=dark; {}; x=y", cookie.split(';').next().unwrap());
        HeaderMap::from_iter([(header::COOKIE, pair.parse().unwrap())])
    }

    #[test]
    fn sessions_last_until_they_end() {
        let (sessions, start) = (Sessions::new(true).unwrap(), Instant::now());
        let cookie = sessions.begin([7; 32], start).unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
        let session = sessions.find(&shown(&cookie), start).unwrap();
        assert_eq!(session.stands_for, [7; 32]);
        assert!(sessions.lasts(session, start) && !sessions.lasts(session, start + LIFETIME));
        assert_eq!(sessions.find(&shown(&cookie), start + LIFETIME), None);
        assert_eq!(sessions.find(&shown("lanner_session=lanner_0; "), start), None);
        assert_eq!(sessions.find(&HeaderMap::new(), start), None);
        assert!(sessions.end(Some(session)).contains("Max-Age=0"));
        assert_eq!((sessions.find(&shown(&cookie), start), sessions.lasts(session, start)), (None, false));
        assert!(!Sessions::new(false).unwrap().begin([7; 32], start).unwrap().contains("Secure"));
    }

    #[test]
    fn whom_a_provider_knows_is_held() {
        let (sessions, start) = (Sessions::new(true).unwrap(), Instant::now());
        let ann = Principal::named("ann", std::collections::BTreeSet::new());
        let by_provider = sessions.begin_as(ann.clone(), start).unwrap();
        let by_token = sessions.begin([7; 32], start).unwrap();
        let [by_provider, by_token] =
            [by_provider, by_token].map(|it| sessions.find(&shown(&it), start).unwrap());
        assert_eq!((sessions.person(by_provider), sessions.person(by_token)), (Some(ann), None));
        let _ = sessions.end(Some(by_provider));
        assert_eq!(sessions.person(by_provider), None);
    }

    #[test]
    fn the_oldest_makes_room() {
        let (sessions, start) = (Sessions::new(false).unwrap(), Instant::now());
        let first = sessions.begin([1; 32], start).unwrap();
        let later = start + Duration::from_secs(1);
        let others: Vec<String> =
            (0..MAX_SESSIONS).map(|_| sessions.begin([2; 32], later).unwrap()).collect();
        assert_eq!(sessions.find(&shown(&first), later), None);
        assert!(others.iter().all(|cookie| sessions.find(&shown(cookie), later).is_some()));
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let (sessions, start) = (Sessions::new(false).unwrap(), Instant::now());
        let [one, other] = [1, 2].map(|nth| sessions.begin([nth; 32], start).unwrap());
        let [one, other] = [one, other].map(|cookie| sessions.find(&shown(&cookie), start));
        let token = sessions.form_token(one);
        assert!(sessions.knows_form(one, &token));
        for wrong in [sessions.form_token(other), sessions.form_token(None), String::new(), "00".to_owned()] {
            assert!(!sessions.knows_form(one, &wrong), "{wrong}");
        }
        assert!(!sessions.knows_form(None, &token) && sessions.knows_form(None, &sessions.form_token(None)));
    }
}
