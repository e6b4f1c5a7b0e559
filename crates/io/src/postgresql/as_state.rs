//! The store in PostgreSQL as a [`StateStore`].

use std::sync::Arc;

use lanner_core::{
    Cause, Changes, DeliveryOutcome, Evaluation, Measured, NotificationLogEntry, Silence, TimeRange, content,
};
use serde_json::Value;

use super::audit::{self, Deed};
use super::cursors::Owned;
use super::documents::Saving;
use super::session::Session;
use super::{
    PostgreSqlState, documents, evaluations, measured, models, outbox, revisions, shards, silences, told,
    turns, watch,
};
use crate::receiver::Next;
use crate::state::{
    AuditCheck, AuditEntry, Claim, DeadLetters, DocumentBatch, EvaluationFilter, LoadedState, Model,
    ModelInfo, OutboxEntry, OutboxState, Receipt, SavedVersions, Shards, StateStore, StoreError,
    StoredDocument,
};
use crate::store::shortened;

impl StateStore for PostgreSqlState {
    fn claim(&self, shards: Shards, owner: &str) -> Result<Receipt<Claim>, StoreError> {
        self.writer.claim(shards, owner)
    }

    fn load(&self, shards: Shards) -> Result<LoadedState, StoreError> {
        self.pool.look(async |db| turns::load(db, Owned::Of(shards)).await)
    }

    fn apply_claimed(&self, claim: Claim, changes: Arc<Changes>) -> Result<Receipt, StoreError> {
        let bytes = turns::rough_size(&changes);
        self.writer.submit_claimed(bytes, async move |db: &Session| {
            shards::hold(db, claim).await?;
            turns::apply(db, &changes, Owned::Of(claim.shards)).await
        })
    }

    fn apply(&self, changes: Arc<Changes>) -> Result<Receipt, StoreError> {
        let bytes = turns::rough_size(&changes);
        self.writer.submit(bytes, async move |db: &Session| turns::apply(db, &changes, Owned::Any).await)
    }

    fn load_notification_log(&self) -> Result<Vec<NotificationLogEntry>, StoreError> {
        self.pool.look(async |db| told::load(db).await)
    }

    fn evaluations(&self, filter: &EvaluationFilter) -> Result<Vec<Evaluation>, StoreError> {
        self.pool.look(async |db| evaluations::list(db, filter).await)
    }

    fn measured_window(&self, query: u64, window: TimeRange) -> Result<Vec<Measured>, StoreError> {
        self.pool.look(async |db| measured::window(db, query, window).await)
    }

    fn forget_measured(&self, wrong: &[(u64, TimeRange, i64)]) -> Result<(), StoreError> {
        let mut rest = wrong;
        while !rest.is_empty() {
            let next = rest[..rest.len().min(1_000)].to_vec();
            let forget = async move |db: &Session| measured::forget_some(db, &next).await;
            let n_done = self.writer.submit(100 * rest.len().min(1_000), forget)?.wait()?;
            rest = &rest[n_done..];
        }
        Ok(())
    }

    fn save_batches(
        &self,
        actor: &str,
        cause: &Cause,
        now_ms: i64,
        batches: Vec<DocumentBatch>,
        silences: Vec<Silence>,
    ) -> Result<Receipt<SavedVersions>, StoreError> {
        let bytes = documents::rough_size(&batches);
        let (actor, cause) = (actor.to_owned(), serde_json::to_value(cause)?);
        let saving = Saving { actor, cause, now_ms, batches, silences };
        self.writer.submit(bytes, async move |db: &Session| documents::save(db, &saving).await)
    }

    fn documents(&self, kind: &str) -> Result<Vec<StoredDocument>, StoreError> {
        self.documents_after(kind, None, usize::MAX)
    }

    fn documents_of(&self, kind: &str, ids: &[&str]) -> Result<Vec<StoredDocument>, StoreError> {
        self.pool.look(async |db| documents::latest_of(db, kind, ids).await)
    }

    fn documents_after(
        &self,
        kind: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StoreError> {
        self.pool.look(async |db| documents::latest(db, kind, after, limit).await)
    }

    fn last_versions(&self, kind: &str, id: &str, n: usize) -> Result<Vec<StoredDocument>, StoreError> {
        self.pool.look(async |db| documents::versions(db, kind, id, n).await)
    }

    fn documents_since(&self, kind: &str, since_ms: i64) -> Result<Vec<StoredDocument>, StoreError> {
        self.pool.look(async |db| documents::since(db, kind, since_ms).await)
    }

    fn document_revision(&self, kind: &str) -> Result<u64, StoreError> {
        self.pool.look(async |db| revisions::revision(db, kind).await)
    }

    fn version_numbers(&self, kind: &str, ids: &[&str]) -> Result<Vec<u32>, StoreError> {
        self.pool.look(async |db| documents::numbers(db, kind, ids).await)
    }

    fn reserve_revisions(&self, kind: &str, up_to: u64) -> Result<Receipt, StoreError> {
        let kind = kind.to_owned();
        self.writer.submit(100, async move |db: &Session| revisions::reserve(db, &kind, up_to).await)
    }

    fn reserved_revision(&self, kind: &str) -> Result<Option<u64>, StoreError> {
        self.pool.look(async |db| revisions::reserved(db, kind).await)
    }

    fn release_revisions(&self, kind: &str, shown: u64) -> Result<Receipt, StoreError> {
        let kind = kind.to_owned();
        self.writer.submit(100, async move |db: &Session| revisions::release(db, &kind, shown).await)
    }

    fn raise_revision(
        &self,
        kind: &str,
        at_least: u64,
        actor: &str,
        now_ms: i64,
    ) -> Result<Receipt<u64>, StoreError> {
        let (kind, actor) = (kind.to_owned(), actor.to_owned());
        self.writer.submit(300, async move |db: &Session| {
            revisions::raise(db, &kind, at_least, &actor, now_ms).await
        })
    }

    fn audit(
        &self,
        now_ms: i64,
        actor: &str,
        action: &str,
        subject: &str,
        detail: Value,
    ) -> Result<Receipt, StoreError> {
        let (actor, action, subject) = (actor.to_owned(), action.to_owned(), subject.to_owned());
        self.writer.submit(300, async move |db: &Session| {
            let deed = Deed {
                time_ms: now_ms,
                actor: actor.clone(),
                action: action.clone(),
                subject: subject.clone(),
                detail: detail.clone(),
            };
            audit::note(db, vec![deed]).await
        })
    }

    fn audit_list(
        &self,
        subject: Option<&str>,
        action: Option<&str>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.pool.look(async |db| audit::list(db, subject, action, limit).await)
    }

    fn verify_audit(&self) -> Result<AuditCheck, StoreError> {
        self.pool.look(async |db| audit::verify(db).await)
    }

    /// Nothing is due while another server may hold the lease: it sends what is.
    fn outbox_due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        if !self.may_deliver() {
            return Ok(Vec::new());
        }
        self.pool.look(async |db| outbox::due(db, receiver, now_ms, limit).await)
    }

    fn outbox_list(
        &self,
        state: Option<OutboxState>,
        alert: Option<&str>,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        self.pool.look(async |db| outbox::list(db, state, alert, limit).await)
    }

    fn outbox_counts(&self) -> Result<Vec<(String, u64, u64)>, StoreError> {
        self.pool.look(async |db| outbox::counts(db).await)
    }

    fn outbox_dead_since(&self, since_ms: i64) -> Result<Vec<DeadLetters>, StoreError> {
        self.pool.look(async |db| outbox::dead_since(db, since_ms).await)
    }

    fn outbox_entry(&self, key: &str) -> Result<Option<OutboxEntry>, StoreError> {
        self.pool.look(async |db| outbox::entry(db, key).await)
    }

    fn outbox_outcome(&self, key: &str) -> Result<Option<DeliveryOutcome>, StoreError> {
        let state = self.pool.look(async |db| outbox::state(db, key).await)?;
        Ok(state.unwrap_or(OutboxState::Refused).outcome())
    }

    fn outbox_sent(&self, key: &str, now_ms: i64, remark: Option<&str>) -> Result<Receipt, StoreError> {
        let (key, remark) = (key.to_owned(), remark.map(shortened));
        self.writer
            .submit(200, async move |db: &Session| outbox::sent(db, &key, now_ms, remark.as_deref()).await)
    }

    fn outbox_failed(&self, key: &str, now_ms: i64, error: &str, next: Next) -> Result<Receipt, StoreError> {
        let (key, error) = (key.to_owned(), shortened(error));
        self.writer
            .submit(200, async move |db: &Session| outbox::failed(db, &key, now_ms, &error, next).await)
    }

    fn outbox_followed(&self, key: &str) -> Result<Receipt, StoreError> {
        let key = key.to_owned();
        self.writer.submit(100, async move |db: &Session| outbox::followed(db, &key).await)
    }

    fn outbox_retry(&self, key: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        let key = key.to_owned();
        self.writer.submit(100, async move |db: &Session| outbox::retry(db, &key, now_ms).await)
    }

    fn add_silence(&self, silence: Silence) -> Result<Receipt, StoreError> {
        self.writer.submit(500, async move |db: &Session| silences::put(db, &silence).await)
    }

    fn expire_silence(&self, id: &str, now_ms: i64) -> Result<Receipt, StoreError> {
        let id = id.to_owned();
        self.writer.submit(100, async move |db: &Session| silences::expire(db, &id, now_ms).await)
    }

    fn silences(&self) -> Result<Vec<Silence>, StoreError> {
        let all = self.pool.look(async |db| silences::all(db).await)?;
        Ok(all.into_iter().filter_map(|(_, silence)| silence.ok()).collect())
    }

    fn unreadable_silences(&self) -> Result<Vec<(String, String)>, StoreError> {
        let all = self.pool.look(async |db| silences::all(db).await)?;
        Ok(all.into_iter().filter_map(|(id, silence)| Some((id, silence.err()?))).collect())
    }

    fn watched_ms(&self) -> Result<Option<i64>, StoreError> {
        self.pool.look(async |db| watch::watched_ms(db).await)
    }

    fn gaps(&self) -> Result<Vec<TimeRange>, StoreError> {
        self.pool.look(async |db| watch::gaps(db).await)
    }

    fn add_gap(&self, gap: TimeRange) -> Result<Receipt, StoreError> {
        self.writer.submit(100, async move |db: &Session| watch::add_gap(db, gap).await)
    }

    fn put_model(&self, model: Model) -> Result<Receipt<String>, StoreError> {
        let id = content::sha256(&model.body);
        self.writer.submit(model.body.len() + 500, async move |db: &Session| {
            models::put(db, &id, &model).await?;
            Ok(id.clone())
        })
    }

    fn model(&self, id: &str) -> Result<Option<Model>, StoreError> {
        self.pool.look(async |db| models::get(db, id).await)
    }

    fn delete_model(&self, id: &str) -> Result<Receipt, StoreError> {
        let id = id.to_owned();
        self.writer.submit(100, async move |db: &Session| models::delete(db, &id).await)
    }

    fn models(&self, kind: &str) -> Result<Vec<ModelInfo>, StoreError> {
        self.pool.look(async |db| models::list(db, kind).await)
    }

    fn secret(&self) -> u64 {
        self.secret
    }

    fn prune(&self, now_ms: i64) -> Result<usize, StoreError> {
        self.drop_old(now_ms)
    }
}
