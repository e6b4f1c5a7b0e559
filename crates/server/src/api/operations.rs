//! Operations: health, metrics, backup, audit.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use lanner_io::store::{OutboxState, Repair, Retention, format_keep};
use lanner_wire::api::operations::{
    EngineStatus, EventRetentionView, IngestStatus, OutboxStatus, RepairView, RetentionView,
    SeriesRetentionView, StoreStatus,
};
use lanner_wire::api::{AuditView, SetAsideView, Status, Time};
use serde::Deserialize;

use super::sharing;
use crate::documents::audit::audit_view;
use crate::health::service::HealthService;
use crate::health::{not_ready, page};
use crate::http::{ApiError, Json, Limit, Query, blocking};

/// The process answers.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Evaluation goes on and can be written.
pub(crate) async fn readyz(State(service): State<Arc<HealthService>>) -> Response {
    match not_ready(&service) {
        None => format!("ready\n{}", complaints(&service).concat()).into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

/// What Lanner says of itself, a line each: it is ready all the same.
fn complaints(service: &HealthService) -> Vec<String> {
    let line = |alert: &lanner_core::Alert| {
        let text = alert.content.as_str().unwrap_or_default();
        format!("warning: {}: {}\n", alert.rule, lanner_core::printable::one_line(text))
    };
    service.evaluation.engine().complaints().map(line).collect()
}

/// Lanner's own metrics, for Prometheus.
pub(crate) async fn metrics(State(service): State<Arc<HealthService>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page(&service)).into_response()
}

/// Show the state of the server.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/status", tag = "operations", operation_id = "server_status",
    responses((status = 200, body = Status))
))]
pub(crate) async fn status(State(service): State<Arc<HealthService>>) -> Result<Json<Status>, ApiError> {
    let stats = service.store.stats()?;
    let damage = service.store.damage()?;
    let counts = service.state.outbox_counts()?;
    let now_ms = service.now_ms();
    let engine = service.evaluation.engine();
    let next_ms = engine.next_due_ms();
    let lag_ms = next_ms.map_or(0, |next_ms| (now_ms - next_ms).max(0));
    let rules = engine.n_rules() as u64;
    let alerts = engine.alerts().map(|alert| alert.state).collect();
    let text = |alert: &lanner_core::Alert| alert.content.as_str().unwrap_or_default().to_owned();
    let problems = engine.complaints().map(text).collect();
    let sharing = service.evaluation.work().map(|work| sharing::status(&work, &engine));
    drop(engine);
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Time(service.started_ms),
        now: Time(now_ms),
        ready: not_ready(&service).is_none(),
        problems,
        store: StoreStatus {
            path: service.settings.folder.display().to_string(),
            state: service.state_place.clone(),
            bytes: stats.folder_bytes,
            series: stats.n_series as u64,
            streams: service.data.streams()?.len() as u64,
            retention: retention_view(&service.retention),
            damage: damage.unreadable,
            repairs: damage.repairs.into_iter().map(repair_view).collect(),
        },
        ingest: IngestStatus {
            samples: service.intake.ingested.samples.load(Ordering::Relaxed),
            events: service.intake.ingested.events.load(Ordering::Relaxed),
            rejected: service.intake.ingested.rejected.load(Ordering::Relaxed),
        },
        processors: service.processors.views(),
        sources: service.sources.views(),
        consumers: service.intake.consumers.views(),
        engine: EngineStatus {
            rules,
            evaluations: service.evaluation.n_evaluations.load(Ordering::Relaxed),
            lag_ms,
            next: next_ms.map(Time),
        },
        sharing,
        alerts,
        outbox: OutboxStatus {
            pending: counts.iter().map(|(_, pending, _)| pending).sum(),
            dead: service.state.outbox_list(Some(OutboxState::Dead), None, 10_000)?.len() as u64,
        },
        set_aside: service
            .set_aside
            .all()
            .into_iter()
            .map(|(kind, id, problem)| SetAsideView { kind: kind.to_owned(), id, problem })
            .collect(),
    }))
}

fn repair_view(repair: Repair) -> RepairView {
    let lost = repair.lines();
    RepairView { reason: repair.reason, kept_as: repair.kept_as, lost }
}

fn retention_view(retention: &Retention) -> RetentionView {
    let series = retention.series.iter().map(|rule| SeriesRetentionView {
        pattern: rule.pattern.as_str().to_owned(),
        regex: rule.pattern.is_regex(),
        keep: rule.keep_list(),
    });
    let events = retention
        .events
        .iter()
        .map(|rule| EventRetentionView { pattern: rule.pattern.clone(), keep: format_keep(rule.keep_ms) });
    RetentionView { series: series.collect(), events: events.collect() }
}

/// Download a consistent copy of the store as one file, while the server goes on.
///
/// # Errors
/// 500, 507.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/backup", tag = "operations", operation_id = "download_backup",
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.sqlite3"))
))]
pub(crate) async fn backup(State(service): State<Arc<HealthService>>) -> Result<Response, ApiError> {
    let folder = service.settings.folder.join(format!("backup-{}", service.now_ms()));
    let copy = {
        let (service, folder) = (Arc::clone(&service), folder.clone());
        blocking(move || {
            service.processors.save_memories();
            service.store.backup(&folder, &mut |_, _| ())
        })
        .await
    };
    copy??;
    let broken = |error: std::io::Error| ApiError::internal(format!("the copy cannot be read: {error}"));
    let file = std::fs::File::open(folder.join("lanner.db")).map_err(broken)?;
    let length = file.metadata().map_err(broken)?.len();
    // The open file outlives its name; nothing is left behind however the reading ends.
    std::fs::remove_dir_all(&folder).map_err(broken)?;
    let body = Body::from_stream(FileChunks(tokio::fs::File::from_std(file)));
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.sqlite3".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, body).into_response())
}

struct FileChunks(tokio::fs::File);

impl futures_core::Stream for FileChunks {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        use tokio::io::AsyncRead as _;
        let mut buffer = vec![0; 256 * 1024];
        let mut space = tokio::io::ReadBuf::new(&mut buffer);
        let file = std::pin::Pin::new(&mut self.0);
        std::task::ready!(file.poll_read(context, &mut space))?;
        let n = space.filled().len();
        buffer.truncate(n);
        std::task::Poll::Ready((n > 0).then(|| Ok(Bytes::from(buffer))))
    }
}

/// Which changes are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    subject: Option<String>,
    #[serde(default)]
    limit: Limit<100, 10_000>,
}

/// List the audit log, newest first.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/audit", tag = "operations", operation_id = "list_audit",
    params(
        ("subject" = Option<String>, Query, description = "only changes of what has this id or name"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 100"),
    ),
    responses((status = 200, body = Vec<AuditView>))
))]
pub(crate) async fn audit(
    State(service): State<Arc<HealthService>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditView>>, ApiError> {
    let entries = service.state.audit_list(query.subject.as_deref(), None, query.limit.0)?;
    Ok(Json(entries.into_iter().map(audit_view).collect()))
}
