//! The editor of rules: a text is checked, previewed over the past, and saved.
//!
//! It does what `lanner check`, `lanner replay` and `lanner rule apply` do, through the same handlers of the API.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use lanner_core::document::{Content, yaml};
use lanner_core::{Labels, Node, Outcome, Problem};
use lanner_engine::Rule;
use lanner_page::chart::MAX_POINTS;
use lanner_page::editor::{self as page, Draft, Preview};
use lanner_page::text::link;
use lanner_page::{explore, rules};
use lanner_wire::api::{
    ApplyRequest, EvaluationView, ProblemView, ReplayRequest, ReplayResponse, RuleDocument, When,
};
use serde_json::Value;

use super::answer::{Done, Html, Shown, go};
use super::fields::{Fields, Form};
use super::visitor::Who;
use crate::api::replay;
use crate::configuration::handlers::apply;
use crate::http::{ApiError, Json, Path, Principal, problem_view};
use crate::rules::handlers;
use crate::services::Services;

/// How far a preview looks back, unless asked otherwise.
const SPAN: &str = "2w";

/// What a new rule begins with.
const EXAMPLE: &str = "\
id: my-rule
description: what it means when this fires, and what to do
query: { stream: payments, measure: count, by: [bank] }
window: 10m
automatic: { alarms_per_week: 1 }
";

/// The editor with a stored rule, an earlier version of it, the text of the address, or an example.
pub(super) async fn show(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let mut draft = draft(&fields);
    if !draft.rule.is_empty() {
        let stored = stored(&services, &draft.rule, fields.get("version").parse().ok()).await?;
        draft.version = latest(&services, &draft.rule).await?.map_or(0, |latest| latest.version);
        draft.text = yaml(&stored.document);
    } else if draft.text.is_empty() {
        EXAMPLE.clone_into(&mut draft.text);
    }
    Ok(Html(page::page(&who.visitor, &draft)))
}

fn draft(fields: &Fields) -> Draft {
    Draft {
        rule: fields.get("rule").to_owned(),
        version: fields.get("version").parse().unwrap_or(0),
        text: fields.whole("text").replace("\r\n", "\n"),
        message: fields.get("message").to_owned(),
        span: fields.some("span").unwrap_or_else(|| SPAN.to_owned()),
        ..Draft::default()
    }
}

async fn versions(services: &Services, id: &str) -> Result<Vec<RuleDocument>, ApiError> {
    handlers::history(State(Arc::clone(&services.rules)), Path(id.to_owned()))
        .await
        .map(|Json(versions)| versions)
}

/// One version of a rule, the last one that has a text where none is named.
async fn stored(services: &Services, id: &str, version: Option<u32>) -> Result<RuleDocument, ApiError> {
    let wanted = |rule: &RuleDocument| {
        !rule.document.is_null() && version.is_none_or(|version| version == rule.version)
    };
    let found = versions(services, id).await?.into_iter().find(wanted);
    found.ok_or_else(|| ApiError::not_found("version of the rule", id))
}

/// The newest version of a rule, if there ever was one.
async fn latest(services: &Services, id: &str) -> Result<Option<RuleDocument>, ApiError> {
    match versions(services, id).await {
        Ok(versions) => Ok(versions.into_iter().next()),
        Err(why) if why.status() == StatusCode::NOT_FOUND => Ok(None),
        Err(why) => Err(why),
    }
}

/// Checks, previews or saves what was sent.
pub(super) async fn edit(State(services): State<Services>, form: Form) -> Done {
    let Form { who, fields } = form;
    let mut draft = draft(&fields);
    let mut document = match read(&draft.text) {
        Ok(document) => document,
        Err(problems) => {
            draft.problems = Some(problems);
            return Ok(
                (StatusCode::UNPROCESSABLE_ENTITY, Html(page::page(&who.visitor, &draft))).into_response()
            );
        }
    };
    if let Some(chosen) = fields.some("detector") {
        document = with_detector(document, &chosen);
        draft.text = yaml(&document);
    }
    let is_saving = fields.get("step") == "save";
    if let Some(theirs) = conflict(&services, &draft).await?.filter(|_| is_saving) {
        draft.refusal = Some(theirs);
        return Ok((StatusCode::CONFLICT, Html(page::page(&who.visitor, &draft))).into_response());
    }
    let id = document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    match applied(&services, &who.principal, &draft, &document, !is_saving).await {
        Ok(_) if is_saving => return Ok(go(&link(&["rules", &id], &[]))),
        Ok(warnings) => (draft.problems, draft.warnings) = (Some(Vec::new()), warnings),
        Err(why) => {
            let status = why.status();
            draft.problems = Some(why.into_problems());
            return Ok((status, Html(page::page(&who.visitor, &draft))).into_response());
        }
    }
    if !draft.rule.is_empty() && draft.rule != id {
        draft
            .warnings
            .push(format!("The id is not {} any more: saving makes another rule beside it.", draft.rule));
    }
    if fields.get("step") != "check" {
        match preview(&services, &draft.span, document).await {
            Ok(found) => draft.preview = Some(found),
            Err(why) => draft.refusal = Some(why.lines().join("; ")),
        }
    }
    Ok(Html(page::page(&who.visitor, &draft)).into_response())
}

/// The rule in a text: alone, or as the only one in a list of `rules`, as files have it.
pub(super) fn read(text: &str) -> Result<Value, Vec<ProblemView>> {
    let view = |problems: Vec<Problem>| problems.into_iter().map(problem_view).collect::<Vec<_>>();
    let node = Node::from_yaml(text).map_err(|problem| view(vec![problem]))?;
    let rule = match listed(&node) {
        None => &node,
        Some([rule]) => rule,
        Some(rules) => {
            let message = format!("holds {} rules; this page changes one at a time", rules.len());
            return Err(vec![ProblemView::at("rules", message)]);
        }
    };
    match Rule::check(rule, "", 1) {
        Ok(_) => Ok(rule.to_json()),
        Err(problems) => Err(view(problems.0)),
    }
}

/// The rules of a file.
fn listed(node: &Node) -> Option<&[Node]> {
    let Content::Map(fields) = &node.content else { return None };
    let (_, rules) = fields.iter().find(|(key, _)| key.name == "rules")?;
    if let Content::List(rules) = &rules.content { Some(rules) } else { None }
}

/// The rule with another detector of its kind.
fn with_detector(mut document: Value, chosen: &str) -> Value {
    let rule = Rule::from_json(&document, 1).ok();
    let chosen = serde_json::from_str::<Value>(chosen).ok().filter(Value::is_object);
    if let (Some(rule), Some(chosen), Some(fields)) = (rule, chosen, document.as_object_mut()) {
        fields.insert(rule.detector.kind().to_owned(), chosen);
    }
    document
}

/// Why a rule cannot be saved over what is stored now.
async fn conflict(services: &Services, draft: &Draft) -> Result<Option<String>, ApiError> {
    if draft.rule.is_empty() {
        return Ok(None);
    }
    let newer = latest(services, &draft.rule).await?.filter(|latest| latest.version > draft.version);
    Ok(newer.map(|newer| {
        format!(
            "{} was changed to version {} by {} meanwhile; open it in another window, take over what you need, and save again from there",
            draft.rule, newer.version, newer.actor
        )
    }))
}

/// Applies the rule, or only says what that would do. Gives what is worth knowing.
async fn applied(
    services: &Services,
    principal: &Principal,
    draft: &Draft,
    document: &Value,
    dry_run: bool,
) -> Result<Vec<String>, ApiError> {
    let message = Some(draft.message.clone()).filter(|message| !message.is_empty());
    let request = ApplyRequest { rules: vec![document.clone()], message, dry_run, ..ApplyRequest::default() };
    let done = apply(State(Arc::clone(&services.configuration)), principal.clone(), Json(request)).await?;
    Ok(done.0.warnings)
}

/// What the rule would have done in `span` until now.
async fn preview(services: &Services, span: &str, document: Value) -> Result<Preview, ApiError> {
    let wrong = |why| ApiError::problems(vec![ProblemView::at("span", why)]);
    let from = When::parse(&format!("now-{span}")).map_err(wrong)?;
    let request =
        ReplayRequest { try_limits: true, ..ReplayRequest::new(vec![document.clone()], from, None) };
    let Json(mut found) = replay::replay(State(Arc::clone(&services.evaluation)), Json(request)).await?;
    let review =
        found.reviews.pop().ok_or_else(|| wrong("the rule is not active, so it does nothing".to_owned()))?;
    let group = busiest(&found);
    let title = format!("{} {}", review.rule, explore::series_name(&group));
    let chart = rules::chart(&title, &document, &thinned(found.evaluations, &group));
    Ok(Preview { review, chart })
}

/// The group that would have fired most often, or else came nearest to it.
pub(super) fn busiest(found: &ReplayResponse) -> Labels {
    let mut by_group: HashMap<&Labels, (usize, f64)> = HashMap::new();
    for evaluation in &found.evaluations {
        let own = by_group.entry(&evaluation.group).or_insert((0, f64::NEG_INFINITY));
        own.0 += usize::from(evaluation.outcome == Outcome::Breach);
        own.1 = own.1.max(evaluation.score.unwrap_or(f64::NEG_INFINITY));
    }
    let rank = |one: &(&Labels, (usize, f64)), other: &(&Labels, (usize, f64))| {
        (one.1.0.cmp(&other.1.0)).then(one.1.1.total_cmp(&other.1.1)).then(other.0.cmp(one.0))
    };
    by_group.into_iter().max_by(rank).map(|(group, _)| group.clone()).unwrap_or_default()
}

/// What a chart can show of one group, the newest first: of many windows in a row the worst.
pub(super) fn thinned(evaluations: Vec<EvaluationView>, group: &Labels) -> Vec<EvaluationView> {
    let mut own: Vec<EvaluationView> = evaluations.into_iter().filter(|it| it.group == *group).collect();
    own.reverse();
    let slot = own.len().div_ceil(MAX_POINTS).max(1);
    let worse = |one: &&EvaluationView, other: &&EvaluationView| {
        let rank =
            |it: &EvaluationView| (it.outcome == Outcome::Breach, it.score.unwrap_or(f64::NEG_INFINITY));
        let (one, other) = (rank(one), rank(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    };
    own.chunks(slot).filter_map(|chunk| chunk.iter().max_by(worse).cloned()).collect()
}
