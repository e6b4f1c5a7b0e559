//! Models in use: a change is shown first, and made when it is confirmed.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse as _;
use lanner_page::models::{self as page, Change, What};
use lanner_wire::api::{ModelView, PromoteModel, RollBackModel};

use super::answer::{Done, Html, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::http::{ApiError, Json, Path};
use crate::models::handlers as api;
use crate::services::Services;

/// Makes a model champion or challenger.
pub(super) async fn promote(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    let Form { who, fields } = form;
    let service = || State(Arc::clone(&services.models));
    let Json(model) = api::show(service(), Path(id.clone())).await?;
    let to = fields.get("to").to_owned();
    let kind = model.kind.clone();
    let what = match to.as_str() {
        "challenger" => What::Challenger(Box::new(model)),
        _ => What::Champion(Box::new(model)),
    };
    if fields.get("step") != "confirmed" {
        return asked(&services, &who, &fields, (what, kind), None).await;
    }
    let wanted = PromoteModel { to, message: fields.get("message").to_owned() };
    match api::promote(service(), who.principal.clone(), Path(id), Json(wanted)).await {
        Ok(_) => Ok(go(&page::home(&kind))),
        Err(why) => asked(&services, &who, &fields, (what, kind), Some(&why)).await,
    }
}

/// Goes back to the champion before.
pub(super) async fn roll_back(State(services): State<Services>, form: Form) -> Done {
    let Form { who, fields } = form;
    let kind = fields.get("kind").to_owned();
    if fields.get("step") != "confirmed" {
        return asked(&services, &who, &fields, (What::RollBack, kind), None).await;
    }
    let wanted = RollBackModel { kind: kind.clone(), message: fields.get("message").to_owned() };
    match api::roll_back(State(Arc::clone(&services.models)), who.principal.clone(), Json(wanted)).await {
        Ok(_) => Ok(go(&page::home(&kind))),
        Err(why) => asked(&services, &who, &fields, (What::RollBack, kind), Some(&why)).await,
    }
}

/// Asks whether a change is meant, with what went wrong if it was tried.
async fn asked(
    services: &Services,
    who: &Who,
    fields: &Fields,
    (what, kind): (What, String),
    why: Option<&ApiError>,
) -> Done {
    let Json(models) = api::list(State(Arc::clone(&services.models))).await?;
    let decides = |model: &ModelView| model.kind == kind && model.role.as_deref() == Some("champion");
    let champion = models.into_iter().find(decides);
    let change = Change {
        what,
        champion,
        message: fields.get("message").to_owned(),
        problem: why.map(|why| why.reasons().join("; ")),
        kind,
    };
    let page = Html(page::confirm(&who.visitor, &change));
    Ok(match why {
        Some(why) => (why.status(), page).into_response(),
        None => page.into_response(),
    })
}
