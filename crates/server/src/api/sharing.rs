//! Who shares the work: workers, shards, and how far behind they are.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use lanner_engine::Engine;
use lanner_io::postgresql::sharing::{Present, Work};
use lanner_wire::api::ShardView;
use lanner_wire::api::operations::{SharingStatus, WorkerView};

use crate::evaluate::service::EvaluationService;
use crate::http::{ApiError, Json};

/// List the shards that workers hold, with their epochs, rules and lateness. None where nothing is shared out.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/shards", tag = "operations", operation_id = "list_shards",
    responses((status = 200, body = Vec<ShardView>))
))]
pub(crate) async fn shards(
    State(service): State<Arc<EvaluationService>>,
) -> Result<Json<Vec<ShardView>>, ApiError> {
    let Some(work) = service.work() else { return Ok(Json(Vec::new())) };
    let now_ms = service.now_ms();
    let mut rules: HashMap<u8, (Vec<String>, i64)> = HashMap::new();
    {
        let engine = service.engine();
        for (rule, overdue_ms) in engine.shared_rules(now_ms) {
            let (ids, lag_ms) = rules.entry(rule.shard()).or_default();
            ids.push(rule.id.to_string());
            *lag_ms = (*lag_ms).max(overdue_ms);
        }
    }
    let about = |name: &String| {
        work.workers.iter().find(|it| it.worker.name == *name).map(|it| it.worker.about.clone())
    };
    let view = |shard: &lanner_io::postgresql::sharing::Shard| {
        let (mut rules, lag_ms) = rules.remove(&shard.id).unwrap_or_default();
        rules.sort_unstable();
        let worker = shard.holder.as_ref().and_then(about);
        ShardView { shard: shard.id, worker, epoch: shard.epoch, turns: shard.turns, rules, lag_ms }
    };
    Ok(Json(work.shards.iter().map(view).collect()))
}

/// Who holds how many shards and rules.
pub(super) fn status(work: &Work, engine: &Engine) -> SharingStatus {
    let mut n_rules: HashMap<u8, u64> = HashMap::new();
    for (rule, _) in engine.rules().filter(|(rule, _)| rule.is_shared()) {
        *n_rules.entry(rule.shard()).or_default() += 1;
    }
    let view = |present: &Present| {
        let held: Vec<u8> = work.held_by(&present.worker.name).collect();
        WorkerView {
            name: present.worker.about.clone(),
            shards: held.len() as u64,
            rules: held.iter().filter_map(|shard| n_rules.get(shard)).sum(),
            lease_ms: present.lease_ms,
            lag_ms: present.report.behind_ms,
            evaluations: present.report.evaluations,
        }
    };
    let workers = work.workers.iter().map(view).collect();
    SharingStatus { workers, free: work.n_free() as u64, news: work.n_news }
}
