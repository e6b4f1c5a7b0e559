//! What people say of alerts that this worker evaluates: the server that they said it to asks, and this one writes.

use lanner_io::state::StoreError;

use crate::evaluate::cycle;
use crate::evaluate::held::HeldShards;
use crate::evaluate::service::EvaluationService;
use crate::sync::locked;

/// Writes all that is asked of the shards that are held and known.
pub(super) fn take(service: &EvaluationService, held: &HeldShards) -> Result<(), StoreError> {
    let known: Vec<u8> = held.ids().into_iter().filter(|shard| !held.is_stale(*shard)).collect();
    for asked in held.state.asked(&known)? {
        {
            let _in_order = locked(&service.turns);
            let changes =
                service.engine().acknowledge(service.now_ms(), &asked.fingerprint, asked.acknowledged);
            // Of an episode that has ended meanwhile there is nothing to note.
            cycle::write(service, changes.unwrap_or_default());
        }
        // Whoever took the shard meanwhile takes this as well.
        if held.ids().contains(&asked.shard) && !held.is_stale(asked.shard) {
            held.state.drop_asked(asked.seq)?;
        }
    }
    Ok(())
}
