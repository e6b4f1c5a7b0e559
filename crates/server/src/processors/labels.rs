//! What people say of sessions: documents, so that each has its author, its time, its versions and its rows in the audit.

use lanner_core::Cause;
use lanner_io::state::{Author, DocumentChange, StoredDocument};
use lanner_io::store::StoreError;
use lanner_wire::api::{NewSessionLabel, ProblemView, SessionLabelView, Time};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::retold::Found;
use super::service::ProcessorService;
use crate::documents::SESSION_LABEL;

/// What a session can have been.
const LABELS: [&str; 2] = ["anomalous", "normal"];

/// The longest reason, characters.
const MAX_WHY: usize = 1_000;

#[derive(Debug, Serialize, Deserialize)]
struct Label {
    client: String,
    started_ms: i64,
    label: String,
    why: String,
    processor: String,
}

/// Refuses what is no label.
pub(super) fn check(new: &NewSessionLabel) -> Result<(), Vec<ProblemView>> {
    let mut problems = Vec::new();
    if !LABELS.contains(&&*new.label) {
        let found: String = new.label.chars().take(40).collect();
        problems.push(ProblemView::at("label", format!("should be anomalous or normal, found \"{found}\"")));
    }
    match new.why.chars().count() {
        _ if new.why.trim().is_empty() => {
            problems.push(ProblemView::at("why", "is empty; say by what the session can be told"));
        }
        n if n > MAX_WHY => {
            problems.push(ProblemView::at("why", format!("has {n} characters; at most {MAX_WHY} are kept")));
        }
        _ => {}
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

impl ProcessorService {
    /// Keeps what somebody says of a session; returns what is kept.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) async fn label(
        &self,
        (id, found): (&str, &Found),
        new: NewSessionLabel,
        actor: &str,
    ) -> Result<Option<SessionLabelView>, StoreError> {
        let NewSessionLabel { label, why } = new;
        let client = found.client().into_iter().next().map(|(_, value)| value).unwrap_or_default();
        let (started_ms, processor) = (found.started_ms(), found.processor().to_owned());
        self.save_label(id, Some(&Label { client, started_ms, label, why, processor }), actor).await?;
        // What was said before in the same words stays whose it is.
        self.label_of(id)
    }

    /// Takes a label back; says whether there was one.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) async fn unlabel(&self, id: &str, actor: &str) -> Result<bool, StoreError> {
        if self.label_of(id)?.is_none() {
            return Ok(false);
        }
        self.save_label(id, None, actor).await?;
        Ok(true)
    }

    async fn save_label(&self, id: &str, label: Option<&Label>, actor: &str) -> Result<(), StoreError> {
        let message = label.map_or_else(|| "taken back".to_owned(), |label| label.why.clone());
        let author = Author { actor: actor.to_owned(), message, cause: Cause::Person, now_ms: self.now_ms() };
        let changes = vec![DocumentChange { id: id.to_owned(), document: label.map(|label| json!(label)) }];
        self.state().save_documents_by(SESSION_LABEL, author, changes)?.await?;
        Ok(())
    }

    /// What was said of a session.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn label_of(&self, id: &str) -> Result<Option<SessionLabelView>, StoreError> {
        Ok(self.state().document_latest(SESSION_LABEL, id)?.and_then(read))
    }

    /// What was said of all sessions, the first session first.
    ///
    /// # Errors
    /// Failures of the store.
    pub(super) fn labels(&self) -> Result<Vec<SessionLabelView>, StoreError> {
        let mut labels: Vec<_> =
            self.state().documents(SESSION_LABEL)?.into_iter().filter_map(read).collect();
        labels.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        Ok(labels)
    }
}

fn read(stored: StoredDocument) -> Option<SessionLabelView> {
    let label = serde_json::from_value(stored.document?).ok()?;
    Some(view(stored.id, label, stored.actor, stored.changed_ms))
}

fn view(id: String, label: Label, who: String, when_ms: i64) -> SessionLabelView {
    let Label { client, started_ms, label, why, .. } = label;
    SessionLabelView { client, started: Time(started_ms), label, who, when: Time(when_ms), why, id }
}
