//! Rules and receivers are deleted one by one.

use std::sync::Arc;

use lanner_core::Cause;
use lanner_core::{Problem, Problems};
use lanner_io::store::{Author, DocumentChange, StoredDocument};

use super::plan::receivers_of;
use super::register::{Touched, follow};
use super::service::RuleService;
use crate::documents::{ApplyError, RECEIVER, RULE};

/// Deletes one rule.
///
/// # Errors
/// Failures of the store.
pub(crate) async fn delete_rule(service: &Arc<RuleService>, id: &str, actor: &str) -> Result<(), ApplyError> {
    let rule = || Ok(Touched { rules: vec![id.to_owned()], receivers: false });
    delete(service, RULE, id, actor, rule).await
}

/// Deletes one receiver, if no rule names it.
///
/// # Errors
/// The rules that name it; failures of the store.
pub(crate) async fn delete_receiver(
    service: &Arc<RuleService>,
    name: &str,
    actor: &str,
) -> Result<(), ApplyError> {
    let if_free = || {
        let rules = service.state.documents(RULE)?;
        let naming: Vec<&str> =
            rules.iter().filter(|stored| names(stored, name)).map(|stored| &*stored.id).collect();
        if naming.is_empty() {
            return Ok(Touched { rules: Vec::new(), receivers: true });
        }
        let shown = naming.iter().take(5).map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
        let more = if naming.len() > 5 { format!(" and {} more", naming.len() - 5) } else { String::new() };
        let message = format!("the receiver \"{name}\" is named by the rules {shown}{more}");
        let hint = Some("remove it from them, or delete them, first".to_owned());
        Err(ApplyError::Problems(Problems(vec![Problem { at: None, path: String::new(), message, hint }])))
    };
    delete(service, RECEIVER, name, actor, if_free).await
}

/// Whether a stored rule names a receiver.
fn names(stored: &StoredDocument, receiver: &str) -> bool {
    stored.document.as_ref().is_some_and(|rule| receivers_of(rule).any(|name| name == receiver))
}

async fn delete(
    service: &Arc<RuleService>,
    kind: &str,
    id: &str,
    actor: &str,
    if_free: impl Fn() -> Result<Touched, ApplyError>,
) -> Result<(), ApplyError> {
    let _one_at_a_time = service.changing.lock().await;
    let touched = if_free()?;
    let gone = vec![DocumentChange { id: id.to_owned(), document: None }];
    let author = Author {
        actor: actor.to_owned(),
        message: "deleted".to_owned(),
        cause: Cause::Person,
        now_ms: service.now_ms(),
    };
    service.state.save_documents_by(kind, author, gone)?.await?;
    follow(service, touched).await?;
    Ok(())
}
