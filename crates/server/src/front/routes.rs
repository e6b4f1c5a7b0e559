//! What a server with the role api answers itself: questions about switches, and whether it is well. All else is handed on, to a server that
//! asks who comes in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use lanner_io::http::NotForwarded;
use lanner_io::metrics::text;

use super::mirror::Mirror;
use crate::access;
use crate::access::service::AccessService;
use crate::base::Base;
use crate::http::ApiError;
use crate::settings::live::InForce;
use crate::switches::service::SwitchService;
use crate::switches::{deliver, evaluate, gate, ofrep};

/// What handlers are given.
#[derive(Debug, Clone)]
struct Seen {
    mirror: Arc<Mirror>,
    live: Arc<InForce>,
    /// Whether other machines can reach this server.
    is_public: bool,
}

impl FromRef<Seen> for Arc<SwitchService> {
    fn from_ref(seen: &Seen) -> Self {
        Arc::clone(&seen.mirror.switches)
    }
}

impl FromRef<Seen> for Arc<InForce> {
    fn from_ref(seen: &Seen) -> Self {
        Arc::clone(&seen.live)
    }
}

pub(super) fn router(mirror: Arc<Mirror>, access: Arc<AccessService>, base: &Base) -> Router {
    let is_public = base.settings.public_address().is_some();
    let live = Arc::clone(&base.live);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/v1/switches/snapshot", get(deliver::snapshot))
        .route("/api/v1/switches/stream", get(deliver::stream))
        .route("/api/v1/switches/key", get(deliver::key))
        .route("/api/v1/switches/evaluate", post(evaluate::evaluate))
        .route("/ks/validate", post(evaluate::validate))
        .route("/ofrep/v1/evaluate/flags", post(ofrep::bulk))
        .route("/ofrep/v1/evaluate/flags/{key}", post(ofrep::single))
        .route("/ofrep/v1/stream", get(ofrep::stream))
        .route("/gate", any(gate::gate))
        .route("/gate/", any(gate::gate_ok))
        .route("/gate/{*path}", any(gate::gate_ok))
        .route_layer(middleware::from_fn_with_state(access, access::admit))
        .method_not_allowed_fallback(hand_on)
        .fallback(hand_on)
        .with_state(Seen { mirror, live, is_public })
}

async fn hand_on(State(seen): State<Seen>, mut request: Request) -> Response {
    let unavailable = |why: String| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    let Some(place) = seen.mirror.place() else {
        return unavailable(
            "no server with the roles api and notify has begun on this state; start one".to_owned(),
        );
    };
    if seen.is_public {
        request.headers_mut().insert(access::FROM_OUTSIDE, HeaderValue::from_static("1"));
    }
    match seen.mirror.forward.send(&place, request).await {
        Ok(answer) => answer,
        Err(NotForwarded::Circle) => {
            ApiError::new(StatusCode::LOOP_DETECTED, NotForwarded::Circle.to_string()).into_response()
        }
        Err(NotForwarded::NoAnswer(why)) => unavailable(format!(
            "the server that notifies, at {place}, does not answer ({why}); switches are judged here all the same"
        )),
    }
}

/// Ready as long as it knows switches, also ones that may be old: it is there for when others are not.
async fn readyz(State(seen): State<Seen>) -> String {
    let revision = seen.mirror.switches.current().set.revision();
    let place = seen.mirror.place().unwrap_or_else(|| "nobody yet".to_owned());
    let problem = seen.mirror.problem().map(|problem| format!("{problem}\n")).unwrap_or_default();
    format!("ready\nholds the switches of revision {revision}\nhands requests on to {place}\n{problem}")
}

async fn metrics() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text()).into_response()
}
