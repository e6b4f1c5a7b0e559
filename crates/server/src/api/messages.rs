//! Messages: receivers, pending messages and dead letters.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::{AlertState, Annotations, Labels, Notification, NotifiedAlert, TimeRange};
use lanner_engine::config::ReceiverDocument;
use lanner_engine::notify::{MutedBy, Route};
use lanner_io::receiver::ReceiverConfig;
use lanner_io::store::{OutboxEntry, OutboxState};
use lanner_wire::api::{DeliveryStatus, MutedView, OutboxView, ReceiverView, Time};
use serde::Deserialize;

use super::alerts::muted_view;
use crate::documents::{self, CONFIGURATION};
use crate::http::{ApiError, Json, Limit, Path, Principal, Query};
use crate::notify::workers::Condition;
use crate::rules::service::RuleService;
use crate::rules::{delete, stored};

fn documents(service: &RuleService) -> Result<Vec<ReceiverDocument>, ApiError> {
    Ok(stored::stored_config(&*service.state)?.receivers)
}

/// What mutes the receiver of a route at `now_ms`, as far as that is a matter of time.
fn muted(route: &Route, now_ms: i64) -> Option<MutedView> {
    let phase = route.mute_phase(now_ms);
    let by = || MutedBy {
        by: route.muted_by(now_ms).join(", "),
        receiver: Some(route.receiver.clone()),
        until_ms: Some(phase.time.end_ms),
    };
    phase.holds.then(|| muted_view(by()))
}

/// List receivers and their health; secrets are never shown.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/receivers", tag = "messages", operation_id = "list_receivers",
    responses((status = 200, body = Vec<ReceiverView>))
))]
pub(crate) async fn receivers(
    State(service): State<Arc<RuleService>>,
) -> Result<Json<Vec<ReceiverView>>, ApiError> {
    let counts = service.state.outbox_counts()?;
    let recent = service.state.outbox_list(None, None, 1_000)?;
    let origins = service.delivery.powers.origins()?;
    let mut conditions = service.delivery.conditions();
    let now_ms = service.now_ms();
    let view = |(document, route): (ReceiverDocument, Route)| {
        let Condition { unusable, health } = conditions.remove(&document.name).unwrap_or_default();
        let (_, pending, dead) =
            counts.iter().find(|(name, ..)| **name == *document.name).cloned().unwrap_or_default();
        let mut own = recent.iter().filter(|entry| entry.notification.receiver == document.name);
        let described = ReceiverConfig::read(&document.config).map(|config| config.describe());
        let described = described.unwrap_or_default();
        let target = ["url", "host", "command", "path", "switch", "instance", "chat_id"]
            .iter()
            .find_map(|field| described.get(field));
        ReceiverView {
            name: document.name.to_string(),
            kind: described.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_owned(),
            target: target
                .map(|target| target.as_str().map_or_else(|| target.to_string(), str::to_owned))
                .unwrap_or_default(),
            origin: origin(origins.actor(&document.name)),
            muted: muted(&route, now_ms),
            pending,
            dead,
            problem: service.set_aside.problem(documents::RECEIVER, &document.name).or(unusable),
            // What this run knows, or else what an earlier one left in the outbox.
            last_sent: own
                .clone()
                .filter(|e| e.state == OutboxState::Sent)
                .filter_map(|e| e.done_ms)
                .chain(health.last_sent_ms)
                .max()
                .map(Time),
            last_failed: health.last_error.as_ref().map(|(failed_ms, _)| Time(*failed_ms)),
            last_error: health
                .last_error
                .map(|(_, why)| why)
                .or_else(|| own.find_map(|entry| entry.error.clone())),
            failing_since: health.failing_since_ms.map(Time),
        }
    };
    let config = stored::stored_config(&*service.state)?;
    let mut views: Vec<ReceiverView> = config.receivers.into_iter().zip(config.routes).map(view).collect();
    // Those that are set aside and have no name that could be read.
    for (kind, name, problem) in service.set_aside.all() {
        if kind == documents::RECEIVER && !views.iter().any(|view| view.name == name) {
            views.push(ReceiverView { name, problem: Some(problem), ..ReceiverView::default() });
        }
    }
    Ok(Json(views))
}

/// Delete one receiver, which no rule may name any more. Its pending messages stay in the outbox.
///
/// # Errors
/// 404; 422 while rules name it.
#[cfg_attr(feature = "openapi", utoipa::path(
    delete, path = "/api/v1/receivers/{name}", tag = "messages", operation_id = "delete_receiver",
    params(("name" = String, Path)),
    responses(
        (status = 204),
    )
))]
pub(crate) async fn delete_receiver(
    State(service): State<Arc<RuleService>>,
    principal: Principal,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    if !service.state.documents(documents::RECEIVER)?.iter().any(|stored| stored.id == name) {
        return Err(ApiError::not_found("receiver", &name));
    }
    delete::delete_receiver(&service, &name, principal.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a receiver of `actor` came from.
fn origin(actor: &str) -> String {
    if actor == CONFIGURATION { "configuration".to_owned() } else { format!("API ({actor})") }
}

/// Send a test message to one receiver and report the result.
///
/// # Errors
/// 404; 502 when the receiver did not take it.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/receivers/{name}/test", tag = "messages", operation_id = "test_receiver", params(("name" = String, Path)),
    responses(
        (status = 204),
    )
))]
pub(crate) async fn test(
    State(service): State<Arc<RuleService>>,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    let document = documents(&service)?.into_iter().find(|document| *document.name == *name);
    let document = document.ok_or_else(|| ApiError::not_found("receiver", &name))?;
    let unusable = |why: String| ApiError::new(StatusCode::BAD_GATEWAY, format!("receiver {name}: {why}"));
    let receiver =
        service.delivery.build(&service.delivery.powers.origins()?, &document).map_err(unusable)?;
    let message = test_message(&document.name, service.now_ms());
    receiver.send(&message).await.map_err(|error| unusable(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

fn test_message(receiver: &Arc<str>, now_ms: i64) -> Notification {
    let rule: Arc<str> = "test-message".into();
    let labels = Labels::new([("rule", "test-message")]);
    let fingerprint = lanner_core::alert::fingerprint(&rule, &Labels::default());
    let alert = NotifiedAlert {
        fingerprint: fingerprint.clone(),
        episode: 1,
        state: AlertState::Firing,
        rule,
        labels: labels.clone(),
        group: Labels::default(),
        content: "this is a test message; nothing is wrong".into(),
        annotations: Annotations::default(),
        started_ms: now_ms,
        resolved_ms: None,
        resolved_reason: None,
        window: TimeRange::new(now_ms - 60_000, now_ms),
        value: None,
        base: None,
        evidence: None,
        late: false,
        acknowledged: None,
    };
    let key = format!("{fingerprint}{now_ms:016x}");
    Notification {
        key,
        receiver: receiver.clone(),
        group: labels,
        alerts: vec![alert],
        omitted: lanner_core::Omitted::default(),
        repeat: false,
        give_up_ms: None,
        created_ms: now_ms,
    }
}

/// Which messages are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutboxQuery {
    status: Option<DeliveryStatus>,
    alert: Option<String>,
    #[serde(default)]
    limit: Limit<100, 10_000>,
}

impl OutboxQuery {
    /// Those that were given up.
    pub(crate) fn dead() -> Self {
        Self { status: Some(DeliveryStatus::Dead), ..Self::default() }
    }
}

/// List messages, newest first: pending, sent, refused, or given up (`dead`).
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/outbox", tag = "messages", operation_id = "list_outbox",
    params(
        ("status" = Option<DeliveryStatus>, Query, description = "only messages with this status"),
        ("alert" = Option<String>, Query, description = "only messages and actions about the alert with this fingerprint"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 10_000, description = "maximum number; default 100"),
    ),
    responses((status = 200, body = Vec<OutboxView>))
))]
pub(crate) async fn outbox(
    State(service): State<Arc<RuleService>>,
    Query(query): Query<OutboxQuery>,
) -> Result<Json<Vec<OutboxView>>, ApiError> {
    let state = query.status.map(|status| match status {
        DeliveryStatus::Pending => OutboxState::Pending,
        DeliveryStatus::Sent => OutboxState::Sent,
        DeliveryStatus::Dead => OutboxState::Dead,
        DeliveryStatus::Refused => OutboxState::Refused,
    });
    let entries = service.state.outbox_list(state, query.alert.as_deref(), query.limit.0)?;
    Ok(Json(entries.iter().map(view).collect()))
}

fn view(entry: &OutboxEntry) -> OutboxView {
    let (status, waits) = match entry.state {
        OutboxState::Pending => (DeliveryStatus::Pending, true),
        OutboxState::Sent => (DeliveryStatus::Sent, false),
        OutboxState::Dead => (DeliveryStatus::Dead, false),
        OutboxState::Refused => (DeliveryStatus::Refused, false),
    };
    OutboxView {
        notification: (&entry.notification).into(),
        status,
        attempts: entry.attempts,
        next_attempt: waits.then_some(Time(entry.due_ms)),
        sent: entry.done_ms.filter(|_| entry.state == OutboxState::Sent).map(Time),
        last_error: entry.error.clone(),
    }
}

/// Retry a message. A pending one is sent now; of one that was refused or given up, the group is notified again as far
/// as it is still true.
///
/// # Errors
/// 404; 409 when the message was taken, or what it says is over.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/outbox/{key}/retry", tag = "messages", operation_id = "retry_message", params(("key" = String, Path)),
    responses(
        (status = 204),
    )
))]
pub(crate) async fn retry(
    State(service): State<Arc<RuleService>>,
    Path(key): Path<String>,
) -> Result<StatusCode, ApiError> {
    let now_ms = service.now_ms();
    let entry = service.state.outbox_entry(&key)?.ok_or_else(|| ApiError::not_found("message", &key))?;
    let conflict = |why: &str| Err(ApiError::new(StatusCode::CONFLICT, format!("message {key}: {why}")));
    let Notification { receiver, group, alerts, .. } = &entry.notification;
    match entry.state {
        OutboxState::Sent => return conflict("the receiver already accepted it; there is nothing to retry"),
        OutboxState::Pending => service.state.outbox_retry(&key, now_ms)?.await?,
        // Not as it was written: its alerts may be over, and a FIRING must not come after its RESOLVED.
        _ if service.evaluation.engine().resend(now_ms, receiver, group) => {
            service.state.outbox_followed(&key)?.await?;
            service.evaluation.wakeup.ring();
        }
        _ => {
            let runs = |alert: &NotifiedAlert| service.evaluation.engine().is_running(&alert.fingerprint);
            if !entry.notification.is_resolved() || alerts.iter().any(runs) {
                return conflict(
                    "its alerts are over, or were sent since; `lanner alert list` shows the current ones",
                );
            }
            service.state.outbox_retry(&key, now_ms)?.await?;
        }
    }
    service.delivery.wake();
    Ok(StatusCode::NO_CONTENT)
}
