//! What else changed in a stretch of time.

use std::sync::Arc;

use axum::extract::State;
use lanner_page::unlike::{self as page, Ranked};
use lanner_wire::api::{ProblemView, UnlikeResponse, When};

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::api::unlike;
use crate::http::{ApiError, Json, Query};
use crate::services::Services;

/// The page.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let or = |name: &str, default: &str| fields.some(name).unwrap_or_else(|| default.to_owned());
    let mut ranked = Ranked { from: or("from", "now-30m"), to: or("to", "now"), ..Ranked::default() };
    match answer(&services, &ranked).await {
        Ok(answer) => ranked.answer = Some(answer),
        Err(why) => ranked.problem = Some(why.reasons().join("; ")),
    }
    Ok(Html(page::page(&who.visitor, &ranked)))
}

async fn answer(services: &Services, ranked: &Ranked) -> Result<UnlikeResponse, ApiError> {
    let when = |name: &str, text: &str| {
        When::parse(text).map_err(|why| ApiError::problems(vec![ProblemView::at(name, why)]))
    };
    let stretches = unlike::Stretches::new(when("from", &ranked.from)?, when("to", &ranked.to)?);
    unlike::rank(State(Arc::clone(&services.expressions)), Query(stretches)).await.map(|Json(answer)| answer)
}
