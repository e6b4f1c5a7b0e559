//! The store in one file as a [`StateStore`].

use std::sync::Arc;

use lanner_core::{
    Cause, Changes, DeliveryOutcome, Evaluation, Measured, NotificationLogEntry, Silence, TimeRange,
};
use serde_json::Value;

use super::{
    AuditCheck, AuditEntry, DeadLetters, DocumentBatch, EvaluationFilter, OutboxEntry, OutboxState, Receipt,
    Store, StoreError, StoredDocument, shards,
};
use crate::receiver::Next;
use crate::state::{Claim, LoadedState, Model, ModelInfo, SavedVersions, Shards, StateStore};

impl StateStore for Store {
    fn claim(&self, shards: Shards, owner: &str) -> Result<Receipt<Claim>, StoreError> {
        let owner = owner.to_owned();
        self.write(300, move |db| shards::claim(db, shards, &owner))
    }

    fn load(&self, shards: Shards) -> Result<LoadedState, StoreError> {
        self.load(shards)
    }

    fn apply_claimed(&self, claim: Claim, changes: Arc<Changes>) -> Result<Receipt, StoreError> {
        self.apply_claimed(claim, changes)
    }

    fn apply(&self, changes: Arc<Changes>) -> Result<Receipt, StoreError> {
        self.apply(changes)
    }

    fn load_notification_log(&self) -> Result<Vec<NotificationLogEntry>, StoreError> {
        self.load_notification_log()
    }

    fn evaluations(&self, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, StoreError> {
        self.evaluations(filter)
    }

    fn measured_window(&self, query: u64, window: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.measured_window(query, window)
    }

    fn forget_measured(&self, wrong: &[(u64, TimeRange, i64)]) -> Result<(), StoreError> {
        self.forget_measured(wrong)
    }

    fn save_batches(
        &self,
        actor: &str,
        cause: &Cause,
        now_ms: i64,
        batches: Vec<DocumentBatch>,
        silences: Vec<Silence>,
    ) -> Result<Receipt<SavedVersions>, StoreError> {
        self.save_batches(actor, cause, now_ms, batches, silences)
    }

    fn documents(&self, kind: &str) -> Result<Vec<StoredDocument>, StoreError> {
        self.documents(kind)
    }

    fn documents_of(&self, kind: &str, ids: &[&str]) -> Result<Vec<StoredDocument>, StoreError> {
        self.documents_of(kind, ids.iter().copied())
    }

    fn documents_after(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.documents_after(kind, after, limit)
    }

    fn last_versions(&self, kind: &str, id: &str, n: usize) -> Result<Vec<StoredDocument>, StoreError> {
        self.last_versions(kind, id, n)
    }

    fn documents_since(&self, kind: &str, since_ms: i64) -> Result<Vec<StoredDocument>, StoreError> {
        self.documents_since(kind, since_ms)
    }

    fn document_revision(&self, kind: &str) -> Result<u64, StoreError> {
        self.document_revision(kind)
    }

    fn version_numbers(&self, kind: &str, ids: &[&str]) -> Result<Vec<u32>, StoreError> {
        self.version_numbers(kind, ids)
    }

    fn reserve_revisions(&self, kind: &str, up_to: u64) -> Result<Receipt, StoreError> {
        self.reserve_revisions(kind, up_to)
    }

    fn reserved_revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        self.reserved_revision(kind)
    }

    fn release_revisions(&self, kind: &str, shown: u64) -> Result<Receipt, StoreError> {
        self.release_revisions(kind, shown)
    }

    fn raise_revision(
        &self,
        kind: &str,
        at_least: u64,
        actor: &str,
        now_ms: i64,
    ) -> Result<Receipt<u64>, StoreError> {
        self.raise_revision(kind, at_least, actor, now_ms)
    }

    fn audit(
        &self,
        now_ms: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<Receipt, StoreError> {
        self.audit(now_ms, actor, action, subject, detail)
    }

    fn audit_list(
        &self,
        subject: Option<&str>,
        action: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.audit_list(subject, action, limit)
    }

    fn verify_audit(&self) -> Result<AuditCheck, StoreError> {
        self.verify_audit()
    }

    fn outbox_due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.outbox_due(receiver, now_ms, limit)
    }

    fn outbox_list(
        &self,
        state: Option<OutboxState>,
        alert: Option<&str>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        self.outbox_list(state, alert, limit)
    }

    fn outbox_counts(&self) -> Result<Vec<(String, u64, u64)>, StoreError> {
        self.outbox_counts()
    }

    fn outbox_dead_since(&self, since_ms: i64) -> Result<Vec<DeadLetters>, StoreError> {
        self.outbox_dead_since(since_ms)
    }

    fn outbox_entry(&self, key: &str) -> Result<Option<OutboxEntry>, StoreError> {
        self.outbox_entry(key)
    }

    fn outbox_outcome(&self, key: &str) -> Result<Option<DeliveryOutcome>, StoreError> {
        self.outbox_outcome(key)
    }

    fn outbox_sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<Receipt, StoreError> {
        self.outbox_sent(key, now_ms, remark)
    }

    fn outbox_failed(&self, key: &str, now_ms: i64, error: &str, next: Next) -> Result<Receipt, StoreError> {
        self.outbox_failed(key, now_ms, error, next)
    }

    fn outbox_followed(&self, key: &str) -> Result<Receipt, StoreError> {
        self.outbox_followed(key)
    }

    fn outbox_retry(&self, key: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        self.outbox_retry(key, now_ms)
    }

    fn add_silence(&self, silence: Silence) -> Result<Receipt, StoreError> {
        self.add_silence(silence)
    }

    fn expire_silence(&self, id: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        self.expire_silence(id, now_ms)
    }

    fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        self.silences()
    }

    fn unreadable_silences(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.unreadable_silences()
    }

    fn watched_ms(&self) -> Result<Option<i64>, StoreError> {
        self.watched_ms()
    }

    fn gaps(&self) -> Result<Vec<TimeRange>, StoreError> {
        self.gaps()
    }

    fn add_gap(&self, gap: TimeRange) -> Result<Receipt, StoreError> {
        self.add_gap(gap)
    }

    fn put_model(&self, model: Model) -> Result<Receipt<String>, StoreError> {
        self.put_model(model)
    }

    fn model(&self, id: &str) -> Result<Option<Model>, StoreError> {
        self.model(id)
    }

    fn delete_model(&self, id: &str) -> Result<Receipt, StoreError> {
        self.delete_model(id)
    }

    fn models(&self, kind: &str) -> Result<Vec<ModelInfo>, StoreError> {
        self.models(kind)
    }

    fn secret(&self) -> u64 {
        self.secret()
    }

    fn prune(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.prune_state(now_ms)
    }
}
