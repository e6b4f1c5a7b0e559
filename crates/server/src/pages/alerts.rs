//! One alert: what happened, and the forms that do something about it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lanner_core::time::{format_time, parse_duration_ms};
use lanner_core::{Alert, Labels};
use lanner_page::alert::{self as page, Block, One};
use lanner_page::rules as rule_page;
use lanner_page::switches::Wanted;
use lanner_page::text::link;
use lanner_wire::api::{AlertView, NewAcknowledgement, ProblemView, SwitchView};
use serde_json::{Value, json};

use super::answer::{Done, Html, Shown, go};
use super::block::{self, block_of};
use super::fields::Form;
use super::rules::evaluations;
use super::switches;
use super::visitor::Who;
use crate::api::alerts;
use crate::documents::ApplyOptions;
use crate::http::{ApiError, Json, Path};
use crate::rules::handlers as rules;
use crate::services::Services;
use crate::switches::{documents, save};

/// Switches that are shown beside an alert.
const MAX_SWITCHES: usize = 20;

/// Its page.
pub(super) async fn show(
    State(services): State<Services>,
    who: Who,
    Path(fingerprint): Path<String>,
) -> Shown {
    Ok(Html(page::one(&who.visitor, &one(&services, &fingerprint).await?)))
}

fn find(services: &Services, fingerprint: &str) -> Result<AlertView, ApiError> {
    let found = alerts::views(&services.evaluation, |alert: &Alert| alert.fingerprint() == fingerprint);
    found.into_iter().next().ok_or_else(|| ApiError::not_found("alert", fingerprint))
}

async fn one(services: &Services, fingerprint: &str) -> Result<One, ApiError> {
    let alert = find(services, fingerprint)?;
    let rule = rules::show(State(Arc::clone(&services.rules)), Path(alert.rule.clone())).await;
    let document = rule.map_or(Value::Null, |Json(rule)| rule.rule.document);
    let evaluations = evaluations(services, &alert.rule, &alert.group, "24h").await?;
    let title = format!("{} {}", alert.rule, lanner_page::now::group_name(&alert));
    let chart = rule_page::chart(&title, &document, &evaluations);
    let switches = matching(services, &alert.group).await;
    let block = block_of(&alert.group);
    Ok(One { alert, chart, switches, block, problem: None })
}

/// The switches that block what has these labels, now or in shadow.
async fn matching(services: &Services, group: &Labels) -> Vec<SwitchView> {
    let mut found = Vec::new();
    for id in ids_matching(services, group) {
        let view = documents::show(State(Arc::clone(&services.switches)), Path(id)).await;
        found.extend(view.ok().map(|Json(view)| view));
    }
    found
}

fn ids_matching(services: &Services, group: &Labels) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for context in block::contexts(group) {
        let verdict = services.switches.current().set.evaluate(&context, services.switches.now_ms());
        let switches = verdict.blocking().iter().chain(verdict.shadow());
        let new = switches.map(|switch| switch.id.to_string()).filter(|id| !ids.contains(id));
        let new: Vec<String> = new.take(MAX_SWITCHES.saturating_sub(ids.len())).collect();
        ids.extend(new);
    }
    ids
}

/// Takes an alert on, or gives it back.
pub(super) async fn acknowledge(
    State(services): State<Services>,
    Path(fingerprint): Path<String>,
    form: Form,
) -> Done {
    let Form { who, fields } = form;
    let service = State(Arc::clone(&services.evaluation));
    let path = Path(fingerprint.clone());
    let done = if fields.get("step") == "give-back" {
        alerts::give_back(service, who.principal.clone(), path).await
    } else {
        let request = NewAcknowledgement {
            comment: fields.get("comment").to_owned(),
            duration: fields.some("for"),
            ..NewAcknowledgement::default()
        };
        alerts::acknowledge(service, who.principal.clone(), path, Json(request)).await
    };
    match done {
        Ok(_) => Ok(go(&link(&["alerts", &fingerprint], &[]))),
        Err(why) => {
            let one = One { problem: Some(why.lines().join("; ")), ..one(&services, &fingerprint).await? };
            Ok((why.status(), Html(page::one(&who.visitor, &one))).into_response())
        }
    }
}

/// Makes a switch that blocks what the alert is about, after a second look. One that exists and blocks just that is turned on
/// instead.
pub(super) async fn block(
    State(services): State<Services>,
    Path(fingerprint): Path<String>,
    form: Form,
) -> Done {
    let Form { who, fields } = form;
    let alert = find(&services, &fingerprint)?;
    let nothing =
        || ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the alert has no labels that say what to block");
    let block = block_of(&alert.group).ok_or_else(nothing)?;
    let wanted = Wanted {
        duration: fields.get("for").to_owned(),
        message: fields.get("message").to_owned(),
        expect: None,
    };
    if let Ok(known) = switches::one(&services, &block.id).await {
        let when = known.view.switch.document.get("when").unwrap_or(&Value::Null);
        if !block::blocks_just(when, &alert.group) {
            return taken(&services, &who, &alert, &block).await;
        }
        let wanted = Wanted { expect: Some(known.view.switch.version), ..wanted };
        return Ok(Html(lanner_page::switches::confirm(&who.visitor, &known, &wanted, None)).into_response());
    }
    if !matches!(fields.get("step"), "confirmed" | "force") {
        return Ok(Html(page::confirm_block(&who.visitor, &alert, &block, &wanted, None)).into_response());
    }
    let switch = switch(&services, &who, &alert, &block, &wanted)?;
    let options = ApplyOptions {
        actor: who.principal.name().to_owned(),
        message: wanted.message.clone(),
        force: fields.get("step") == "force",
        ..ApplyOptions::default()
    };
    match save::apply(&services.switches, vec![switch], &options).await.map_err(ApiError::from) {
        Ok(_) => Ok(go(&link(&["switches", &block.id], &[]))),
        Err(why) => {
            let objection = switches::objection(&why);
            let page = page::confirm_block(&who.visitor, &alert, &block, &wanted, Some(&objection));
            Ok((why.status(), Html(page)).into_response())
        }
    }
}

/// The alert's page, where a switch has the name and blocks something else.
async fn taken(services: &Services, who: &Who, alert: &AlertView, block: &Block) -> Done {
    let problem = format!(
        "there is a switch {} already, and its condition is not `{}`; nothing was changed: look at that switch, and change or delete it",
        block.id, block.condition
    );
    let one = One { problem: Some(problem), ..one(services, &alert.fingerprint).await? };
    Ok((StatusCode::CONFLICT, Html(page::one(&who.visitor, &one))).into_response())
}

fn switch(
    services: &Services,
    who: &Who,
    alert: &AlertView,
    block: &Block,
    wanted: &Wanted,
) -> Result<Value, ApiError> {
    let wrong = |why: String| ApiError::problems(vec![ProblemView::at("for", why)]);
    let for_ms = parse_duration_ms(&wanted.duration).map_err(|error| wrong(error.to_string()))?;
    let end_ms = services.switches.now_ms().saturating_add(for_ms);
    let reason =
        if wanted.message.is_empty() { format!("{} fires", alert.rule) } else { wanted.message.clone() };
    Ok(json!({
        "id": block.id,
        "description": format!("Made from the alert {} {}", alert.rule, block.what),
        "when": block.condition,
        "status": "active",
        "owner": who.principal.name(),
        "reason": reason,
        "valid": { "to": format_time(end_ms) },
    }))
}
