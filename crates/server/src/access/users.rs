//! People who sign in with a name and a password. The store holds only hashes.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use lanner_io::state::{StateStore, StoreError, StoredDocument};
use serde::{Deserialize, Serialize};

use super::passwords::Hashed;
use super::tokens::Digest;
use crate::http::{Principal, Scope};

/// The kind of documents that users are.
pub(super) const USER: &str = "user";

/// The users that are known.
#[derive(Debug)]
pub(crate) struct Users {
    stored: RwLock<Arc<Stored>>,
    /// What the password of a name that nobody has is compared with, so that it takes as long.
    pub(super) nobody: Hashed,
}

#[derive(Debug, Default)]
struct Stored {
    by_name: HashMap<String, Arc<User>>,
    by_stamp: HashMap<Digest, Arc<User>>,
    /// Whether there is any, also one that cannot be read: it closes the door all the same.
    is_any: bool,
}

/// A user.
#[derive(Debug)]
pub(crate) struct User {
    /// Who they are, and what they may do.
    pub(crate) principal: Principal,
    /// Their scopes.
    pub(crate) scopes: BTreeSet<Scope>,
    pub(super) password: Hashed,
    /// What their sessions stand for: another one with each password.
    pub(super) stamp: Digest,
    /// When they were last changed, milliseconds since the Unix epoch.
    pub(crate) changed_ms: i64,
    /// By whom.
    pub(crate) changed_by: String,
    /// When they last signed in since the server started; 0 for never.
    signed_in_ms: AtomicI64,
}

/// A user as they are stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) scopes: Vec<String>,
    pub(super) password: Hashed,
}

impl User {
    /// When they last signed in since the server started, milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn signed_in_ms(&self) -> Option<i64> {
        Some(self.signed_in_ms.load(Ordering::Relaxed)).filter(|at_ms| *at_ms != 0)
    }

    pub(super) fn note_sign_in(&self, now_ms: i64) {
        self.signed_in_ms.store(now_ms, Ordering::Relaxed);
    }
}

impl Users {
    /// The users of a store.
    ///
    /// # Errors
    /// Failures of the store; when nothing can be hashed.
    pub(super) fn open(store: &dyn StateStore) -> Result<Self, StoreError> {
        let nobody = Hashed::of_nobody().map_err(|detail| StoreError::Database { detail })?;
        let users = Self { stored: RwLock::default(), nobody };
        users.reload(store)?;
        Ok(users)
    }

    pub(super) fn reload(&self, store: &dyn StateStore) -> Result<(), StoreError> {
        let before = self.stored();
        let documents = store.documents(USER)?;
        let mut stored = Stored { is_any: !documents.is_empty(), ..Stored::default() };
        for document in documents {
            let Some(user) = read(&document) else {
                tracing::error!(user = document.id, "the stored user cannot be read and is ignored");
                continue;
            };
            if let Some(known) = before.by_name.get(&document.id) {
                user.signed_in_ms.store(known.signed_in_ms.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            let user = Arc::new(user);
            stored.by_stamp.insert(user.stamp, Arc::clone(&user));
            stored.by_name.insert(document.id, user);
        }
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stored);
        Ok(())
    }

    fn stored(&self) -> Arc<Stored> {
        Arc::clone(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there is any.
    #[must_use]
    pub(crate) fn is_any(&self) -> bool {
        self.stored().is_any
    }

    /// Whether one of them may do everything.
    #[must_use]
    pub(super) fn has_admin(&self) -> bool {
        self.stored().by_name.values().any(|user| user.scopes.contains(&Scope::Admin))
    }

    /// The user of this name.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<Arc<User>> {
        self.stored().by_name.get(name).cloned()
    }

    /// The user whose sessions stand for this.
    #[must_use]
    pub(super) fn of(&self, stamp: Digest) -> Option<Arc<User>> {
        self.stored().by_stamp.get(&stamp).cloned()
    }

    /// All of them, in order of their names.
    #[must_use]
    pub(super) fn all(&self) -> Vec<Arc<User>> {
        let mut all: Vec<_> = self.stored().by_name.values().cloned().collect();
        all.sort_by(|one, other| one.principal.name().cmp(other.principal.name()));
        all
    }
}

pub(super) fn read(stored: &StoredDocument) -> Option<User> {
    let Written { scopes, password } = serde_json::from_value(stored.document.clone()?).ok()?;
    let scopes: BTreeSet<Scope> = scopes.iter().map(|name| Scope::parse(name).ok()).collect::<Option<_>>()?;
    Some(User {
        principal: Principal::named(&stored.id, scopes.clone()),
        scopes,
        stamp: password.stamp(&stored.id),
        password,
        changed_ms: stored.changed_ms,
        changed_by: stored.actor.clone(),
        signed_in_ms: AtomicI64::new(0),
    })
}
