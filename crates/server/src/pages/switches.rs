//! Kill switches: the list, one with its forms, and contexts that are tried.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lanner_page::switches::{self as page, List, One, Trial, Wanted};
use lanner_page::text::link;
use lanner_wire::api::{ChangeSwitch, EvaluateSwitches, PreviewSwitch};
use serde_json::{Map, Value};

use super::answer::{Done, Html, Shown, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::http::{ApiError, Json, Path};
use crate::services::Services;
use crate::switches::{documents, evaluate, listing, preview, requests};

/// Switches on a page.
const PAGE: usize = 500;

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let Json(switches) =
        listing::list(State(Arc::clone(&services.switches)), RawQuery(Some(query(&fields)))).await?;
    let Json(requests) = requests::list(State(Arc::clone(&services.switches))).await?;
    let next = switches.last().filter(|_| switches.len() == PAGE).map(|last| last.switch.id.clone());
    let (text, phase) = (fields.get("q").to_owned(), fields.get("phase").to_owned());
    Ok(Html(page::list(&who.visitor, &List { switches, requests, text, phase, next })))
}

/// What the API is asked for.
fn query(fields: &Fields) -> String {
    let mut query = form_urlencoded::Serializer::new(format!("limit={PAGE}"));
    for (name, own) in [("text", "q"), ("phase", "phase"), ("after", "after")] {
        fields.some(own).map(|value| query.append_pair(name, &value));
    }
    query.finish()
}

/// One of them.
pub(super) async fn show(State(services): State<Services>, who: Who, Path(id): Path<String>) -> Shown {
    Ok(Html(page::one(&who.visitor, &one(&services, &id).await?)))
}

/// What is known of a switch.
pub(super) async fn one(services: &Services, id: &str) -> Result<One, ApiError> {
    let service = || State(Arc::clone(&services.switches));
    let Json(view) = documents::show(service(), Path(id.to_owned())).await?;
    let Json(history) = documents::history(service(), Path(id.to_owned())).await?;
    let Json(requests) = requests::list(service()).await?;
    let tried = PreviewSwitch { id: Some(id.to_owned()), ..PreviewSwitch::default() };
    let preview = preview::preview(service(), Json(tried)).await.ok().map(|Json(preview)| preview);
    let request = requests.into_iter().find(|request| request.id == id);
    Ok(One { view, history, request, preview, problem: None })
}

fn change(fields: &Fields) -> ChangeSwitch {
    ChangeSwitch {
        duration: fields.some("for"),
        message: fields.some("message"),
        force: fields.get("step") == "force",
        expect: fields.get("expect").parse().ok(),
    }
}

/// Turns one on, after a second look.
pub(super) async fn activate(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    let Form { who, fields } = form;
    let service = || State(Arc::clone(&services.switches));
    let wanted = Wanted {
        duration: fields.get("for").to_owned(),
        message: fields.get("message").to_owned(),
        expect: fields.get("expect").parse().ok(),
    };
    let done = match fields.get("step") {
        "confirmed" | "force" => {
            documents::activate(service(), who.principal.clone(), Path(id.clone()), Json(change(&fields)))
                .await
                .map(drop)
        }
        "request" => {
            requests::request(service(), who.principal.clone(), Path(id.clone()), Json(change(&fields)))
                .await
                .map(drop)
        }
        _ => {
            return Ok(
                Html(page::confirm(&who.visitor, &one(&services, &id).await?, &wanted, None)).into_response()
            );
        }
    };
    match done {
        Ok(()) => Ok(go(&link(&["switches", &id], &[]))),
        // The guard objects; a person may insist, or ask another one.
        Err(why) if why.status() == StatusCode::CONFLICT && fields.get("step") == "confirmed" => {
            let objection = objection(&why);
            let page = page::confirm(&who.visitor, &one(&services, &id).await?, &wanted, Some(&objection));
            Ok((StatusCode::CONFLICT, Html(page)).into_response())
        }
        Err(why) => refused(&services, &who, &id, &why).await,
    }
}

/// What the guard says, without the options of the command line: the page has buttons.
pub(super) fn objection(why: &ApiError) -> String {
    let said = why.lines().join("; ");
    said.split("; force it (--force)").next().unwrap_or(&said).to_owned()
}

/// The switch's page with what went wrong.
async fn refused(services: &Services, who: &Who, id: &str, why: &ApiError) -> Done {
    let problem = Some(why.lines().join("; "));
    let page = page::one(&who.visitor, &One { problem, ..one(services, id).await? });
    Ok((why.status(), Html(page)).into_response())
}

/// Turns one off.
pub(super) async fn deactivate(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    let Form { who, fields } = form;
    let change = ChangeSwitch { duration: None, ..change(&fields) };
    let service = State(Arc::clone(&services.switches));
    match documents::deactivate(service, who.principal.clone(), Path(id.clone()), Json(change)).await {
        Ok(_) => Ok(go(&link(&["switches", &id], &[]))),
        Err(why) => refused(&services, &who, &id, &why).await,
    }
}

/// Approves or denies what somebody else asked for.
pub(super) async fn decide(State(services): State<Services>, Path(id): Path<String>, form: Form) -> Done {
    let Form { who, fields } = form;
    let service = State(Arc::clone(&services.switches));
    let (principal, change) = (
        who.principal.clone(),
        Json(ChangeSwitch { message: fields.some("message"), ..ChangeSwitch::default() }),
    );
    let done = match fields.get("decision") {
        "approve" => requests::approve(service, principal, Path(id.clone()), change).await.map(drop),
        _ => requests::deny(service, principal, Path(id.clone()), change).await.map(drop),
    };
    match done {
        Ok(()) => Ok(go(&link(&["switches", &id], &[]))),
        Err(why) => refused(&services, &who, &id, &why).await,
    }
}

/// Tries a context on all of them.
pub(super) async fn test(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let text = fields.get("context").to_owned();
    let mut trial =
        Trial { context: text.clone(), switch: fields.get("switch").to_owned(), ..Trial::default() };
    if text.is_empty() {
        "{\n  \n}".clone_into(&mut trial.context);
    } else {
        match serde_json::from_str::<Map<String, Value>>(&text) {
            Ok(context) => {
                let asked =
                    EvaluateSwitches { context: Some(context), explain: true, ..EvaluateSwitches::default() };
                let Json(found) =
                    evaluate::evaluate(State(Arc::clone(&services.switches)), Json(asked)).await?;
                trial.verdict = found.verdicts.into_iter().next();
            }
            Err(error) => trial.problem = Some(format!("the context is no JSON object: {error}")),
        }
    }
    Ok(Html(page::test(&who.visitor, &trial)))
}
