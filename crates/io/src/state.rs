//! What a store of state does: what rules came to, whom it was told, and what people set up.
//!
//! [`StateStore`] is the contract. The store in one file ([`Store`](crate::store::Store)) keeps it, and so does any other
//! that passes `tests/contract_state`. Samples and events are another matter: [`data`](crate::data).
//!
//! - **Durable.** What a [`Receipt`] answered is there after any end of the process, and readable when it resolves.
//! - **All or nothing.** Each write is atomic: of [`Changes`] and of batches of documents either everything is stored,
//!   each document with its entry in the audit, or nothing. Writes take effect in the order in which they were called.
//! - **Once.** An evaluation's identity is a hash of rule, version, group and window; a second one refuses all that it
//!   came with. So does a claim that somebody else has taken over ([`Claim`]).
//! - **In order.** Messages of one notification group leave in the order in which they were written.
//! - **Nothing is overwritten.** A change of a document is a new version, and the audit is only added to, each entry
//!   with a hash over itself and the one before it.
//! - **No clock.** The current time is an argument.

use std::sync::Arc;

use lanner_core::{
    Alert, Cause, Changes, Cursor, DeliveryOutcome, Evaluation, Group, Measured, NotificationLogEntry,
    Silence, TimeRange,
};
use serde_json::Value;

use crate::receiver::Next;
pub use crate::store::{
    AuditCheck, AuditEntry, Author, DeadLetters, DocumentBatch, DocumentChange, OutboxEntry, OutboxState,
    Receipt, StoreError, StoredDocument,
};

/// The ids of documents that were saved, and the version that each has now.
pub type SavedVersions = Vec<(String, u32)>;

/// Which evaluations to list, newest first. The default lists the latest of all rules.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EvaluationFilter {
    /// Only of this rule.
    pub rule: Option<Arc<str>>,
    /// Only of this group.
    pub group: Option<Group>,
    /// Only windows that end at this time or later.
    pub from_ms: Option<i64>,
    /// Only windows that end before this time.
    pub to_ms: Option<i64>,
    /// At most this many; 0 stands for 1,000.
    pub limit: usize,
}

/// Which part of all rules somebody owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shards {
    /// All of them: the usual case, one server.
    All,
    /// The rules whose cursors name this one.
    One(u8),
}

impl Shards {
    /// Whether a rule of `shard` is among them.
    #[must_use]
    pub fn contain(self, shard: u8) -> bool {
        match self {
            Self::All => true,
            Self::One(own) => own == shard,
        }
    }
}

/// That somebody owns shards, from one call of [`StateStore::claim`] until somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// What is owned.
    pub shards: Shards,
    /// Grows with every claim of anybody: a later owner has a higher one.
    pub epoch: u64,
}

/// The state of the rules of some shards.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoadedState {
    /// Their alerts, in order of rules and groups.
    pub alerts: Vec<Alert>,
    /// How far each was walked, in order of rules.
    pub cursors: Vec<Cursor>,
}

/// What is known of a trained model beside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// The SHA-256 of its body, in hexadecimal digits.
    pub id: String,
    /// The family it belongs to.
    pub kind: String,
    /// The fingerprint of the data that it was trained on.
    pub data: String,
    /// The score from which it finds something.
    pub threshold: f64,
    /// How well it did on data that it was not trained on.
    pub metrics: Value,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: i64,
}

/// A trained model. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What is known of it.
    pub info: ModelInfo,
    /// What its family reads.
    pub body: Vec<u8>,
}

/// Keeps state; see the [module](self).
///
/// Reading is synchronous and sees everything that was acknowledged before it began. Every method fails when the medium
/// does; an "Errors" section says what else can go wrong. Failures of a write that was taken on come from its receipt.
pub trait StateStore: std::fmt::Debug + Send + Sync {
    /// Takes shards over: from now on the claims of others on them are stale. `owner` says who it is, for people.
    ///
    /// # Errors
    /// Failures of the medium.
    fn claim(&self, shards: Shards, owner: &str) -> Result<Receipt<Claim>, StoreError>;

    /// The state of the rules of these shards. Cost: that of these rules, however many others there are.
    ///
    /// # Errors
    /// Failures of the medium.
    fn load(&self, shards: Shards) -> Result<LoadedState, StoreError>;

    /// Writes what one turn of the engine changes in the shards of `claim`: all of it in one transaction, or nothing.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::StaleEpoch`] when somebody else has claimed one of the shards since,
    /// [`StoreError::NotInShard`] for a rule outside them, and as [`StateStore::apply`].
    fn apply_claimed(&self, claim: Claim, changes: Arc<Changes>) -> Result<Receipt, StoreError>;

    /// Writes what nobody owns: values that were measured, and what goes on while there is no owner.
    ///
    /// # Errors
    /// From the receipt: [`StoreError::AlreadyEvaluated`] when one of the evaluations is stored already and
    /// [`StoreError::WrongIdentity`] when an id is not the evaluation's identity. In each case nothing of the set is
    /// written, and other writes are not affected.
    fn apply(&self, changes: Arc<Changes>) -> Result<Receipt, StoreError>;

    /// What the receivers have been sent; of each group its own piece first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn load_notification_log(&self) -> Result<Vec<NotificationLogEntry>, StoreError>;

    /// Evaluations, newest first by the ends of their windows.
    ///
    /// # Errors
    /// Failures of the medium.
    fn evaluations(&self, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, StoreError>;

    /// The values measured in exactly one window, for all groups.
    ///
    /// # Errors
    /// Failures of the medium.
    fn measured_window(&self, query: u64, window: TimeRange) -> Result<Vec<Measured>, StoreError>;

    /// Forgets what was measured for a query in windows that touch a range and are at most so many milliseconds long; each
    /// of `wrong` says so. Blocks until that is durable; others are written in between.
    ///
    /// # Errors
    /// Failures of the medium.
    fn forget_measured(&self, wrong: &[(u64, TimeRange, i64)]) -> Result<(), StoreError>;

    /// Saves or deletes documents of several kinds and silences, each with its entry in the audit. A document that did not
    /// change keeps its version and gets no entry.
    ///
    /// Returns, in the given order, the version that each id has now (0 for deleting what never was).
    ///
    /// # Errors
    /// Failures of the medium.
    fn save_batches(
        &self,
        actor: &str,
        cause: &Cause,
        now_ms: i64,
        batches: Vec<DocumentBatch>,
        silences: Vec<Silence>,
    ) -> Result<Receipt<SavedVersions>, StoreError>;

    /// The latest version of each document of a kind, deleted ones left out, in order of their ids.
    ///
    /// # Errors
    /// Failures of the medium.
    fn documents(&self, kind: &str) -> Result<Vec<StoredDocument>, StoreError>;

    /// As [`StateStore::documents`], of these ids alone, in their order. Cost: a look-up for each.
    ///
    /// # Errors
    /// Failures of the medium.
    fn documents_of(&self, kind: &str, ids: &[&str]) -> Result<Vec<StoredDocument>, StoreError>;

    /// As [`StateStore::documents`], at most `limit`, and only those whose id comes after `after`, if that is given.
    ///
    /// # Errors
    /// Failures of the medium.
    fn documents_after(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StoreError>;

    /// The last `n` versions of one document, deletions included, the latest first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn last_versions(&self, kind: &str, id: &str, n: usize) -> Result<Vec<StoredDocument>, StoreError>;

    /// All versions of documents of a kind that were made after `since_ms`, the oldest first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn documents_since(&self, kind: &str, since_ms: i64) -> Result<Vec<StoredDocument>, StoreError>;

    /// How many versions of documents of a kind were ever made, or what was raised to since: grows with every change.
    ///
    /// # Errors
    /// Failures of the medium.
    fn document_revision(&self, kind: &str) -> Result<u64, StoreError>;

    /// The number of the latest version of each of these documents, in their order; 0 for one that never was. Cost: a
    /// look-up for each.
    ///
    /// # Errors
    /// Failures of the medium.
    fn version_numbers(&self, kind: &str, ids: &[&str]) -> Result<Vec<u32>, StoreError>;

    /// Reserves the revisions of a kind of documents up to `up_to`: any of them may be shown before it is written. They
    /// stay reserved, also after a crash, until they are [released](StateStore::release_revisions).
    ///
    /// # Errors
    /// Failures of the medium.
    fn reserve_revisions(&self, kind: &str, up_to: u64) -> Result<Receipt, StoreError>;

    /// The last revision of a kind of documents that is reserved, where one is.
    ///
    /// # Errors
    /// Failures of the medium.
    fn reserved_revision(&self, kind: &str) -> Result<Option<u64>, StoreError>;

    /// Ends a reservation: the revision is at least `shown`, and none above it was shown.
    ///
    /// # Errors
    /// Failures of the medium.
    fn release_revisions(&self, kind: &str, shown: u64) -> Result<Receipt, StoreError>;

    /// Raises the revision of a kind of documents to `at_least`, with an entry in the audit. Returns what it is then.
    ///
    /// # Errors
    /// Failures of the medium.
    fn raise_revision(
        &self,
        kind: &str,
        at_least: u64,
        actor: &str,
        now_ms: i64,
    ) -> Result<Receipt<u64>, StoreError>;

    /// Notes in the audit that `actor` did `action` to `subject`.
    ///
    /// # Errors
    /// Failures of the medium.
    fn audit(
        &self,
        now_ms: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<Receipt, StoreError>;

    /// The latest `limit` entries of the audit, the newest first; only those about `subject`, and only actions that begin
    /// with `action`, if given.
    ///
    /// # Errors
    /// Failures of the medium.
    fn audit_list(
        &self,
        subject: Option<&str>,
        action: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Walks the whole audit: every entry follows from the one before, and it names every version of every document.
    ///
    /// # Errors
    /// Failures of the medium.
    fn verify_audit(&self) -> Result<AuditCheck, StoreError>;

    /// The messages for `receiver` that are due at `now_ms`, the oldest first, at most `limit`. Of each notification group
    /// only the oldest open message counts: a later one never overtakes it.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<OutboxEntry>, StoreError>;

    /// Messages in one state, or in all, the newest first, at most `limit`; with `alert`, a fingerprint, only those that
    /// list it.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_list(
        &self,
        state: Option<OutboxState>,
        alert: Option<&str>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError>;

    /// How many messages wait and how many were given up, by receiver.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_counts(&self) -> Result<Vec<(String, u64, u64)>, StoreError>;

    /// Dead letters given up at or after `since_ms`, by receiver.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_dead_since(&self, since_ms: i64) -> Result<Vec<DeadLetters>, StoreError>;

    /// One message and what came of it so far.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_entry(&self, key: &str) -> Result<Option<OutboxEntry>, StoreError>;

    /// What became of a message; `None` while it is to be sent. One that is not there counts as refused.
    ///
    /// # Errors
    /// Failures of the medium.
    fn outbox_outcome(&self, key: &str) -> Result<Option<DeliveryOutcome>, StoreError>;

    /// Notes that the message was sent; `remark` says what went wrong even so.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn outbox_sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<Receipt, StoreError>;

    /// Notes that sending failed, and what is next.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn outbox_failed(&self, key: &str, now_ms: i64, error: &str, next: Next) -> Result<Receipt, StoreError>;

    /// Notes that a message that was given up is followed by another one that says what is true now.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn outbox_followed(&self, key: &str) -> Result<Receipt, StoreError>;

    /// Has a message tried again at `now_ms`, whatever came of it before.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn outbox_retry(&self, key: &str, now_ms: i64) -> Result<Receipt, StoreError>;

    /// Adds a silence, or replaces the one with the same id; without an entry in the audit.
    ///
    /// # Errors
    /// Failures of the medium.
    fn add_silence(&self, silence: Silence) -> Result<Receipt, StoreError>;

    /// Ends a silence at `now_ms`, if it would end later. One that cannot be read is deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    fn expire_silence(&self, id: &str, now_ms: i64) -> Result<Receipt, StoreError>;

    /// All silences, those that end last first; ended ones stay listed for a while.
    ///
    /// # Errors
    /// Failures of the medium.
    fn silences(&self) -> Result<Vec<Silence>, StoreError>;

    /// Silences that cannot be read, and why; they mute nobody.
    ///
    /// # Errors
    /// Failures of the medium.
    fn unreadable_silences(&self) -> Result<Vec<(String, String)>, StoreError>;

    /// The last moment at which the server was noted to be there, milliseconds since the Unix epoch; `None` if it never
    /// was.
    ///
    /// # Errors
    /// Failures of the medium.
    fn watched_ms(&self) -> Result<Option<i64>, StoreError>;

    /// The times in which the server was away, as they were noted.
    ///
    /// # Errors
    /// Failures of the medium.
    fn gaps(&self) -> Result<Vec<TimeRange>, StoreError>;

    /// Notes that the server was away.
    ///
    /// # Errors
    /// Failures of the medium.
    fn add_gap(&self, gap: TimeRange) -> Result<Receipt, StoreError>;

    /// Keeps a trained model, and returns its id; keeping one that is kept already changes nothing. Its info's `id` is not
    /// looked at.
    ///
    /// # Errors
    /// Failures of the medium.
    fn put_model(&self, model: Model) -> Result<Receipt<String>, StoreError>;

    /// A model by its id, if it is kept.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not what was written.
    fn model(&self, id: &str) -> Result<Option<Model>, StoreError>;

    /// Drops a model; one that is not kept is dropped already.
    ///
    /// # Errors
    /// Failures of the medium.
    fn delete_model(&self, id: &str) -> Result<Receipt, StoreError>;

    /// The models of a kind, and of the kinds below it (`detector/web` is below `detector`), without their bodies, the latest first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn models(&self, kind: &str) -> Result<Vec<ModelInfo>, StoreError>;

    /// Drops evaluations, measured values, messages, silences and forgotten rules that are too old at `now_ms`, in pieces,
    /// so that others are written in between. Returns how many. How long they are kept is a setting of the store; cursors
    /// and alerts are kept for ever, and so are documents and the audit.
    ///
    /// # Errors
    /// Failures of the medium.
    fn prune(&self, now_ms: i64) -> Result<usize, StoreError>;

    /// A number that keys hashes of what strangers send: random for each installation, and kept with it.
    fn secret(&self) -> u64;

    /// [`StateStore::save_batches`] of documents of one kind.
    ///
    /// # Errors
    /// Failures of the medium.
    fn save_documents_by(
        &self,
        kind: &str,
        author: Author,
        changes: Vec<DocumentChange>,
    ) -> Result<Receipt<SavedVersions>, StoreError> {
        let Author { actor, message, cause, now_ms } = author;
        let batches = vec![DocumentBatch { kind: kind.to_owned(), message, changes }];
        self.save_batches(&actor, &cause, now_ms, batches, Vec::new())
    }

    /// The latest version of one document, also one that deleted it.
    ///
    /// # Errors
    /// Failures of the medium.
    fn document_latest(&self, kind: &str, id: &str) -> Result<Option<StoredDocument>, StoreError> {
        Ok(self.last_versions(kind, id, 1)?.pop())
    }
}
