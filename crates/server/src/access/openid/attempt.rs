//! A sign-in that began: a secret in the browser's cookie, from which all else is derived.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lanner_core::content;
use lanner_io::openid::Attempt;
use ring::hmac;
use ring::rand::SystemRandom;

use crate::access::sessions::cookie;
use crate::access::tokens::random;

/// The cookie. It is `SameSite=Lax`, as the browser comes back from another site.
const COOKIE: &str = "lanner_openid";
/// How long somebody may take at the provider, milliseconds.
const LIFETIME_MS: i64 = 600_000;

/// What sign-ins are derived with.
#[derive(Debug)]
pub(super) struct Attempts {
    key: hmac::Key,
    is_secure: bool,
}

/// A sign-in that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begun {
    /// The header that sets the cookie.
    pub(super) cookie: String,
    pub(super) derived: Derived,
    /// Where somebody wanted to go.
    pub(super) next: String,
}

/// What is told to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Derived {
    state: String,
    nonce: String,
    /// 64 hexadecimal digits; RFC 7636 wants 43 to 128 characters.
    verifier: String,
}

impl Derived {
    pub(super) fn attempt<'a>(&'a self, redirect_uri: &'a str) -> Attempt<'a> {
        Attempt { redirect_uri, state: &self.state, nonce: &self.nonce, verifier: &self.verifier }
    }

    /// The hash of the verifier.
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(content::digest(self.verifier.as_bytes()))
    }
}

impl Attempts {
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn new(is_secure: bool) -> Result<Self, String> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        Ok(Self { key: key.map_err(|_| "the operating system gives no random bytes")?, is_secure })
    }

    /// Begins one.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub(super) fn begin(&self, next: &str, now_ms: i64) -> Result<Begun, String> {
        let value = format!("{}.{now_ms}.{}", random()?, BASE64_URL_SAFE_NO_PAD.encode(next));
        let cookie = self.header(&value, LIFETIME_MS / 1_000);
        Ok(Begun { cookie, derived: self.derived(&value), next: next.to_owned() })
    }

    /// The one that a browser began that shows this cookie, if it brings the state that belongs to it.
    pub(super) fn find(&self, headers: &HeaderMap, state: &str, now_ms: i64) -> Option<Begun> {
        let value = cookie(headers, COOKIE)?;
        let shown = content::unhex(state)?;
        hmac::verify(&self.key, named("state", value).as_bytes(), &shown).ok()?;
        // What follows is ours, as the state is derived of all of it.
        let (_, rest) = value.split_once('.')?;
        let (began_ms, next) = rest.split_once('.')?;
        let age_ms = now_ms.saturating_sub(began_ms.parse().ok()?);
        let next = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
        (0..LIFETIME_MS).contains(&age_ms).then(|| Begun {
            cookie: String::new(),
            derived: self.derived(value),
            next,
        })
    }

    pub(super) fn forget(&self) -> String {
        self.header("", 0)
    }

    fn header(&self, value: &str, seconds: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{COOKIE}={value}; Path=/sign-in/openid; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    fn derived(&self, value: &str) -> Derived {
        let of = |name: &str| content::hex(hmac::sign(&self.key, named(name, value).as_bytes()).as_ref());
        Derived { state: of("state"), nonce: of("nonce"), verifier: of("verifier") }
    }
}

fn named(name: &str, value: &str) -> String {
    format!("{name}\n{value}")
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    fn shown(cookie: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, cookie.split(';').next().unwrap().parse().unwrap())])
    }

    #[test]
    fn who_comes_back_is_who_went() {
        let (attempts, other) = (Attempts::new(true).unwrap(), Attempts::new(true).unwrap());
        let begun = attempts.begin("/rules?q=a", 1_000).unwrap();
        assert!(begun.cookie.contains("; HttpOnly; SameSite=Lax; Secure"), "{}", begun.cookie);
        let (cookie, state) = (shown(&begun.cookie), &*begun.derived.state);
        let found = attempts.find(&cookie, state, 1_000 + LIFETIME_MS - 1).unwrap();
        assert_eq!((&found.derived, &*found.next), (&begun.derived, "/rules?q=a"));
        let again = attempts.begin("/rules?q=a", 1_000).unwrap();
        assert!(
            again.derived.state != begun.derived.state && again.derived.verifier != begun.derived.verifier
        );
        let verifier = &begun.derived.verifier;
        assert!(verifier.len() == 64 && begun.derived.nonce != *verifier && state != *verifier);

        // Later, before it began, another's state, another browser, another server, no cookie, and one that was changed.
        assert_eq!(attempts.find(&cookie, state, 1_000 + LIFETIME_MS), None);
        assert_eq!(attempts.find(&cookie, state, 999), None);
        assert_eq!(attempts.find(&cookie, &again.derived.state, 1_000), None);
        assert_eq!(attempts.find(&shown(&again.cookie), state, 1_000), None);
        assert_eq!(other.find(&cookie, state, 1_000), None);
        assert_eq!(attempts.find(&HeaderMap::new(), state, 1_000), None);
        let elsewhere = BASE64_URL_SAFE_NO_PAD.encode("//evil.example");
        let changed = begun.cookie.replace(&BASE64_URL_SAFE_NO_PAD.encode("/rules?q=a"), &elsewhere);
        assert_eq!(attempts.find(&shown(&changed), state, 1_000), None);
        for rubbish in ["", "00", "zz", "ä"] {
            assert_eq!(attempts.find(&cookie, rubbish, 1_000), None);
        }
    }

    /// RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_the_hash_of_the_verifier() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let derived = Derived { state: String::new(), nonce: String::new(), verifier };
        assert_eq!(derived.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
