//! Tokens and users that another server of the same state makes, changes or revokes: they are in force here soon after.

use std::sync::Arc;
use std::time::Duration;

use lanner_io::state::StoreError;

use super::service::AccessService;
use super::tokens::TOKEN;
use super::users::USER;
use crate::http::blocking;
use crate::shutdown::Shutdown;

/// How often it is looked whether something has changed.
const EVERY: Duration = Duration::from_secs(1);

/// What was read last, by the revisions of the two kinds of documents.
type Revisions = (u64, u64);

/// Follows what others change, until the server stops.
pub(crate) async fn run(service: Arc<AccessService>, shutdown: Arc<Shutdown>) {
    let mut known: Option<Revisions> = None;
    let mut is_failing = false;
    while !shutdown.has_begun() {
        let shared = Arc::clone(&service);
        match blocking(move || look(&shared, known)).await {
            Ok(Ok(now)) => (known, is_failing) = (Some(now), false),
            Ok(Err(error)) if !is_failing => {
                tracing::warn!("whether tokens were changed is not known for now: {error}");
                is_failing = true;
            }
            Ok(Err(_)) => {}
            Err(panic) => tracing::error!("following tokens broke off: {panic}"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = shutdown.begun() => {}
        }
    }
}

/// Reads what has changed.
fn look(service: &AccessService, known: Option<Revisions>) -> Result<Revisions, StoreError> {
    let state = &*service.state;
    let now = (state.document_revision(TOKEN)?, state.document_revision(USER)?);
    if known.is_none_or(|known| known.0 != now.0) {
        service.tokens.reload(state)?;
    }
    if known.is_none_or(|known| known.1 != now.1) {
        service.users.reload(state)?;
    }
    Ok(now)
}
