//! One session of an API client, and what people say of it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse as _;
use lanner_core::time::format_time;
use lanner_page::session as page;
use lanner_page::text::link;
use lanner_wire::api::{NewSessionLabel, SessionDetail, When};

use super::answer::{Done, Html, Shown, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::http::{ApiError, Json, Path, Query};
use crate::processors::sessions::{self as api, Where};
use crate::services::Services;

/// The page.
pub(super) async fn show(
    State(services): State<Services>,
    who: Who,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let detail = detail(&services, id, place(&fields)).await?;
    Ok(Html(page::page(&who.visitor, &detail, None)))
}

/// Where the session is looked for. An instant that is none is left out: links are cut off in chats.
fn place(fields: &Fields) -> Where {
    Where { at: When::parse(fields.get("at")).ok() }
}

async fn detail(services: &Services, id: String, place: Where) -> Result<SessionDetail, ApiError> {
    let service = State(Arc::clone(&services.processors));
    api::show(service, Path(id), Query(place)).await.map(|Json(detail)| detail)
}

/// Says what it was, or takes that back.
pub(super) async fn label(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    let Form { who, fields } = form;
    let service = || State(Arc::clone(&services.processors));
    let (label, why) = (fields.get("label").to_owned(), fields.get("why").to_owned());
    let done = if label.is_empty() {
        api::unlabel(service(), who.principal.clone(), Path(id.clone())).await.map(drop)
    } else {
        let new = Json(NewSessionLabel { label, why });
        let place = Query(place(&fields));
        api::label(service(), who.principal.clone(), Path(id.clone()), place, new).await.map(drop)
    };
    let detail = detail(&services, id, place(&fields)).await?;
    match done {
        Ok(()) => {
            let at = format_time(detail.started.0);
            Ok(go(&format!("{}#label", link(&["sessions", &detail.id], &[("at", &at)]))))
        }
        Err(why) => {
            let problem = why.reasons().join("; ");
            Ok((why.status(), Html(page::page(&who.visitor, &detail, Some(&problem)))).into_response())
        }
    }
}
