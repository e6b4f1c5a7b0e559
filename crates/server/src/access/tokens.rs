//! Tokens: create, list, revoke. The store holds only their hashes.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use lanner_core::content;
use lanner_io::state::{StateStore, StoreError, StoredDocument};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::http::{ANONYMOUS, Principal, Scope};

/// The kind of documents that tokens are.
pub(super) const TOKEN: &str = "token";
/// How tokens begin that are made here, so that scanners for leaked secrets know them.
const PREFIX: &str = "lanner_";
/// Names that mean somebody else in the audit.
const RESERVED: [&str; 5] = ["config", "configuration", "alert", "api", ANONYMOUS];

/// The hash of a token or of a session.
pub(super) type Digest = [u8; 32];

/// The tokens that are in force.
#[derive(Debug, Default)]
pub struct Tokens {
    pub(super) configured: Option<(Digest, Principal)>,
    stored: RwLock<Arc<Stored>>,
    /// One change at a time.
    pub(super) saving: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Stored {
    by_digest: HashMap<Digest, Arc<Token>>,
    /// Whether there is any, also one that cannot be read: it closes the door all the same.
    is_any: bool,
}

/// A stored token.
#[derive(Debug)]
pub struct Token {
    /// Who shows it, and what it may be used for.
    pub principal: Principal,
    /// Its scopes.
    pub scopes: BTreeSet<Scope>,
    /// When it was made, milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// Who made it.
    pub made_by: String,
    /// When it was last shown since the server started; 0 for never.
    used_ms: AtomicI64,
}

impl Token {
    /// When it was last shown since the server started, milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn used_ms(&self) -> Option<i64> {
        Some(self.used_ms.load(Ordering::Relaxed)).filter(|used_ms| *used_ms != 0)
    }
}

impl Tokens {
    /// The tokens of a store, and the one of the configuration, shown by whom the audit calls `name`.
    ///
    /// # Errors
    /// Failures of the store.
    pub fn open(store: &dyn StateStore, configured: Option<&str>, name: &str) -> Result<Self, StoreError> {
        let admin = || Principal::named(name, BTreeSet::from([Scope::Admin]));
        let tokens = Self {
            configured: configured.map(|token| (content::digest(token.as_bytes()), admin())),
            ..Self::default()
        };
        tokens.reload(store)?;
        Ok(tokens)
    }

    pub(super) fn reload(&self, store: &dyn StateStore) -> Result<(), StoreError> {
        let before = self.stored();
        let documents = store.documents(TOKEN)?;
        let mut stored = Stored { is_any: !documents.is_empty(), ..Stored::default() };
        for document in documents {
            match read(&document) {
                Some((digest, token)) => {
                    if let Some(known) = before.by_digest.get(&digest) {
                        token.used_ms.store(known.used_ms.load(Ordering::Relaxed), Ordering::Relaxed);
                    }
                    stored.by_digest.insert(digest, Arc::new(token));
                }
                None => {
                    tracing::error!(token = document.id, "the stored token cannot be read and is ignored");
                }
            }
        }
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stored);
        Ok(())
    }

    fn stored(&self) -> Arc<Stored> {
        Arc::clone(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether callers must show a token: as soon as there is one.
    #[must_use]
    pub(crate) fn are_wanted(&self) -> bool {
        self.configured.is_some() || self.stored().is_any
    }

    /// Whether somebody can manage this server by a token.
    #[must_use]
    pub(crate) fn has_admin(&self) -> bool {
        self.configured.is_some() || self.all().iter().any(|token| token.scopes.contains(&Scope::Admin))
    }

    /// Who shows this token. Looked up by its hash, so how long that takes tells nothing of any token.
    pub(super) fn principal(&self, token: &str, now_ms: i64) -> Option<Principal> {
        self.principal_of(content::digest(token.as_bytes()), now_ms)
    }

    /// Who shows the token of this hash.
    pub(super) fn principal_of(&self, digest: Digest, now_ms: i64) -> Option<Principal> {
        if let Some((own, principal)) = &self.configured
            && *own == digest
        {
            return Some(principal.clone());
        }
        let stored = self.stored();
        let token = stored.by_digest.get(&digest)?;
        token.used_ms.store(now_ms, Ordering::Relaxed);
        Some(token.principal.clone())
    }

    /// Whether the token of this hash is in force.
    pub(super) fn has(&self, digest: Digest) -> bool {
        self.configured.as_ref().is_some_and(|(own, _)| *own == digest)
            || self.stored().by_digest.contains_key(&digest)
    }

    /// The stored tokens, in order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Token>> {
        let mut all: Vec<_> = self.stored().by_digest.values().cloned().collect();
        all.sort_by(|one, other| one.principal.name().cmp(other.principal.name()));
        all
    }
}

pub(super) fn read(stored: &StoredDocument) -> Option<(Digest, Token)> {
    let document = stored.document.as_ref()?;
    let digest: Digest = content::unhex(document["sha256"].as_str()?)?.try_into().ok()?;
    let scopes = document["scopes"].as_array()?.iter().map(|name| Scope::parse(name.as_str()?).ok());
    let scopes: BTreeSet<Scope> = scopes.collect::<Option<_>>()?;
    let token = Token {
        principal: Principal::named(&stored.id, scopes.clone()),
        scopes,
        made_ms: stored.changed_ms,
        made_by: stored.actor.clone(),
        used_ms: AtomicI64::new(0),
    };
    Some((digest, token))
}

/// A token's name is a name in the audit: no sentence, and nobody else's.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let shown: String = name.chars().take(40).collect();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@+-".contains(c);
    lanner_core::reading::check_step(name)?;
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        return Err(format!(
            "\"{shown}\" is not a valid token name; write 1 to 64 letters, digits and . _ @ + -"
        ));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str()) || lower.starts_with("server.") {
        return Err(format!("the name \"{shown}\" is reserved in the audit log; choose another"));
    }
    Ok(())
}

/// A token of 160 random bits.
///
/// # Errors
/// When the operating system gives no random bytes.
pub fn random() -> Result<String, String> {
    let mut bytes = [0; 20];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the operating system gives no random bytes")?;
    Ok(format!("{PREFIX}{}", content::hex(&bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_nobody_elses() {
        for name in ["ann", "ann@example.org", "telegraf-7", "A.b_c+d", "alerts"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "",
            "alert of floor",
            "config",
            "Config",
            "anonymous",
            "anonymous (ann)",
            "server.token",
            "ä",
            "a\n",
            "..",
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert!(one.starts_with("lanner_") && one.len() == 47, "{one}");
        assert_ne!(one, other);
    }
}
