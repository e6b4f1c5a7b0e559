//! Alerts of others: each becomes an event of the stream `alerts`, for rules to count.
//!
//! Prometheus sends what fires again and again, and says for some time that it is over. A rule that counts events with
//! `alert.status == "firing"` therefore fires as long as the alert does.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use lanner_core::time::format_time;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::form::Refused;
use crate::http::{ApiError, Received, blocking};
use crate::intake::events::{self, Form};
use crate::intake::service::IntakeService;

/// Where they go.
const STREAM: &str = "alerts";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Posted {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    starts_at: Option<String>,
    #[serde(default)]
    ends_at: Option<String>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
}

/// Takes alerts; all or, if one of them has no labels, none.
pub(super) async fn take(
    State(service): State<Arc<IntakeService>>,
    body: Result<Received, ApiError>,
) -> Result<StatusCode, Refused> {
    let posted: Vec<Posted> = serde_json::from_slice(&body?.0)
        .map_err(|error| Refused::new(format!("the body is no list of alerts: {error}")))?;
    let _permit = service.permit().map_err(ApiError::from)?;
    let now_ms = service.now_ms();
    let events: Vec<Value> =
        posted.iter().enumerate().map(|(at, alert)| alert.event(at, now_ms)).collect::<Result<_, _>>()?;
    if events.is_empty() {
        return Ok(StatusCode::OK);
    }
    let stream = events::stream_name(STREAM).map_err(ApiError::from)?;
    let service = Arc::clone(&service);
    let taken = blocking(move || {
        events::take(&service, &stream, Form::Json, Value::from(events).to_string().as_bytes(), Some(TIME))
    });
    let report = taken.await.map_err(ApiError::from)?.map_err(ApiError::from)?;
    match report.problems.first() {
        None => Ok(StatusCode::OK),
        Some(problem) => Err(Refused::new(problem.message.clone())),
    }
}

/// The field with the event's time.
const TIME: &str = "_time";

impl Posted {
    /// The labels as fields, and the rest in the field `alert`.
    fn event(&self, at: usize, now_ms: i64) -> Result<Value, Refused> {
        if self.labels.values().all(String::is_empty) {
            return Err(Refused::new(format!("alerts[{at}] has no labels")));
        }
        let time = |name: &str, text: &Option<String>| match text.as_deref() {
            // What Go writes for no time.
            None | Some("" | "0001-01-01T00:00:00Z" | "0001-01-01T00:00:00.000Z") => Ok(None),
            Some(text) => lanner_core::time::parse_time_ms(text)
                .map(Some)
                .map_err(|why| Refused::new(format!("alerts[{at}].{name}: {why}"))),
        };
        let (starts_ms, ends_ms) = (time("startsAt", &self.starts_at)?, time("endsAt", &self.ends_at)?);
        let is_over = ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms);
        let mut event: Map<String, Value> =
            self.labels.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let details = json!({
            "status": if is_over { "resolved" } else { "firing" },
            "starts": format_time(starts_ms.unwrap_or(now_ms)),
            "ends": ends_ms.filter(|_| is_over).map(format_time),
            "annotations": self.annotations,
            "url": self.generator_url,
        });
        event.insert("alert".to_owned(), details);
        event.insert(TIME.to_owned(), now_ms.into());
        Ok(event.into())
    }
}
