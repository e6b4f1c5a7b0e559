//! Silences: the list, a new one, and the end of one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse as _;
use lanner_core::AlertState;
use lanner_engine::matcher::Matchers;
use lanner_page::silences::{self as page, Draft, List};
use lanner_wire::api::{AlertView, MatcherText, NewSilence, SilenceView};
use lanner_wire::matchers::parse_matchers;

use super::answer::{Done, Html, Shown, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::api::alerts;
use crate::http::{Json, Path};
use crate::services::Services;
use crate::silences::handlers;

/// Silences on a page.
const PAGE: usize = 500;

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let Json(mut silences) = handlers::list(State(Arc::clone(&services.silences))).await?;
    let wanted = fields.get("q").to_lowercase();
    silences.retain(|silence| holds(silence, &wanted));
    // Those that are over come last already, for they end first.
    let after = silences.iter().position(|silence| silence.id == fields.get("after"));
    let is_first = after.is_none();
    silences.drain(..after.map_or(0, |after| after + 1));
    let next = silences.get(PAGE).and(silences.get(PAGE - 1)).map(|last| last.id.clone());
    silences.truncate(PAGE);
    Ok(Html(page::list(&who.visitor, &List { silences, text: fields.get("q").to_owned(), is_first, next })))
}

fn holds(silence: &SilenceView, wanted: &str) -> bool {
    let texts = silence.matchers.iter().chain([&silence.author, &silence.comment]);
    texts.into_iter().any(|text| text.to_lowercase().contains(wanted))
}

/// The form, with what the address fills in.
pub(super) async fn draft(State(services): State<Services>, who: Who, fields: Fields) -> Html {
    Html(page::new(&who.visitor, &drafted(&services, &fields)))
}

fn drafted(services: &Services, fields: &Fields) -> Draft {
    let matchers = fields.get("matchers").to_owned();
    let (hits, problem) = match hits(services, &matchers) {
        Ok(hits) => (Some(hits), None),
        Err(why) => (None, (!matchers.is_empty()).then_some(why)),
    };
    Draft {
        matchers,
        duration: fields.get("for").to_owned(),
        comment: fields.get("comment").to_owned(),
        hits,
        problem,
    }
}

/// The alerts that are not normal and that matchers hit.
fn hits(services: &Services, text: &str) -> Result<Vec<AlertView>, String> {
    let parsed =
        parse_matchers(text).map_err(|error| format!("character {}: {}", error.column, error.message))?;
    let matchers = Matchers::of_silence(&parsed)?;
    let wanted =
        |alert: &lanner_core::Alert| alert.state != AlertState::Normal && matchers.matches(&alert.labels);
    Ok(alerts::views(&services.evaluation, wanted))
}

/// Makes one, or counts what it would hit.
pub(super) async fn make(State(services): State<Services>, form: Form) -> Done {
    let Form { who, fields } = form;
    if fields.get("step") == "count" {
        return Ok(Html(page::new(&who.visitor, &drafted(&services, &fields))).into_response());
    }
    let silence = NewSilence {
        matchers: fields.some("matchers").map(MatcherText::Text).into_iter().collect(),
        start: None,
        end: None,
        duration: fields.some("for"),
        every: Vec::new(),
        author: None,
        comment: fields.get("comment").to_owned(),
    };
    match handlers::add(State(Arc::clone(&services.silences)), who.principal.clone(), Json(silence)).await {
        Ok(_) => Ok(go("/silences")),
        Err(why) => {
            let problem = Some(why.lines().join("; "));
            let page = page::new(&who.visitor, &Draft { problem, ..drafted(&services, &fields) });
            Ok((why.status(), Html(page)).into_response())
        }
    }
}

/// Ends one.
pub(super) async fn end(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    handlers::expire(State(Arc::clone(&services.silences)), form.who.principal, Path(id)).await?;
    Ok(go("/silences"))
}
