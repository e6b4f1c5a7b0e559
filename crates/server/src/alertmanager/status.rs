//! What clients ask first: which version this is, and who is notified.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use lanner_core::time::format_time;
use serde_json::{Value, json};

use super::alerts::Receiver;
use crate::evaluate::service::EvaluationService;
use crate::health::service::HealthService;
use crate::http::Json;

/// `/api/v2/status`. There is no cluster of Alertmanagers, and no configuration in its language.
pub(super) async fn status(State(service): State<Arc<HealthService>>) -> Json<Value> {
    Json(json!({
        "cluster": { "status": "disabled", "peers": [] },
        "config": { "original": "" },
        "uptime": format_time(service.started_ms),
        "versionInfo": {
            "version": env!("CARGO_PKG_VERSION"), "branch": "lanner", "revision": "", "buildUser": "",
            "buildDate": "", "goVersion": "",
        },
    }))
}

/// `/api/v2/receivers`: those of rules.
pub(super) async fn receivers(State(service): State<Arc<EvaluationService>>) -> Json<BTreeSet<Receiver>> {
    let engine = service.engine();
    let names = engine.rules().flat_map(|(rule, _)| rule.receivers.iter().map(ToString::to_string));
    Json(names.map(|name| Receiver { name }).collect())
}
