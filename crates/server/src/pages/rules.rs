//! Rules: the list, and one with its evaluations over time.

use std::sync::Arc;

use axum::extract::State;
use lanner_core::time::parse_duration_ms;
use lanner_core::{AlertState, Group, Labels, MatchOp};
use lanner_io::state::EvaluationFilter;
use lanner_page::rules::{self as page, List, One};
use lanner_page::text;
use lanner_wire::api::{EvaluationView, RuleView};
use lanner_wire::matchers::parse_matchers;

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::visitor::Who;
use crate::api::alerts;
use crate::http::{ApiError, Json, Limit, Path, Query, blocking};
use crate::rules::handlers::{self, Page};
use crate::services::Services;

/// Rules on a page, and evaluations in a chart.
const PAGE: usize = 500;
const MAX_EVALUATIONS: usize = 1_500;

/// The list.
pub(super) async fn list(State(services): State<Services>, who: Who, fields: Fields) -> Shown {
    let wanted = fields.get("q").to_lowercase();
    let page =
        Page { limit: Limit(if wanted.is_empty() { PAGE } else { 10_000 }), after: fields.some("after") };
    let (_, Json(mut rules)) = handlers::list(State(Arc::clone(&services.rules)), Query(page)).await?;
    let next =
        rules.last().filter(|_| rules.len() == PAGE && wanted.is_empty()).map(|last| last.rule.id.clone());
    rules.retain(|rule| holds(rule, &wanted));
    rules.truncate(PAGE);
    Ok(Html(page::list(&who.visitor, &List { rules, text: fields.get("q").to_owned(), next })))
}

fn holds(rule: &RuleView, wanted: &str) -> bool {
    wanted.is_empty()
        || rule.rule.id.to_lowercase().contains(wanted)
        || rule.rule.document.to_string().to_lowercase().contains(wanted)
}

/// One of them.
pub(super) async fn show(
    State(services): State<Services>,
    who: Who,
    Path(id): Path<String>,
    fields: Fields,
) -> Shown {
    let Json(view) = handlers::show(State(Arc::clone(&services.rules)), Path(id.clone())).await?;
    let Json(history) = handlers::history(State(Arc::clone(&services.rules)), Path(id.clone())).await?;
    let mut alerts = alerts::views(&services.evaluation, |alert| *alert.rule == *id);
    alerts.sort_by_key(|alert| (alert.state == AlertState::Normal, text::labels(&alert.group)));
    let span = fields
        .some("span")
        .filter(|span| parse_duration_ms(span).is_ok())
        .unwrap_or_else(|| "24h".to_owned());
    let labels = group(fields.get("group"))
        .or_else(|| alerts.first().map(|alert| alert.group.clone()))
        .unwrap_or_default();
    let evaluations = evaluations(&services, &id, &labels, &span).await?;
    let title = format!("{id} {}", text::labels(&labels));
    let chart = page::chart(&title, &view.rule.document, &evaluations);
    let one = One { view, alerts, group: text::matchers(&labels, &[]), chart, span, history };
    Ok(Html(page::one(&who.visitor, &one)))
}

/// The labels that equal matchers stand for.
fn group(text: &str) -> Option<Labels> {
    let matchers = parse_matchers(text).ok().filter(|matchers| !matchers.is_empty())?;
    let equal: Vec<_> = matchers.into_iter().filter(|matcher| matcher.op == MatchOp::Equal).collect();
    let by: Vec<String> = equal.iter().map(|matcher| matcher.label.clone()).collect();
    let labels = Labels::new(equal.into_iter().map(|matcher| (matcher.label, matcher.value)));
    Some(Group::of(&by, labels).labels().clone())
}

/// What a rule measured of a group in the last `span`, the newest first.
pub(super) async fn evaluations(
    services: &Services,
    rule: &str,
    group: &Labels,
    span: &str,
) -> Result<Vec<EvaluationView>, ApiError> {
    let from_ms =
        parse_duration_ms(span).ok().map(|span_ms| services.evaluation.now_ms().saturating_sub(span_ms));
    let filter = EvaluationFilter {
        rule: Some(rule.into()),
        group: Some(Group::Of(group.clone())),
        from_ms,
        limit: MAX_EVALUATIONS,
        ..EvaluationFilter::default()
    };
    let state = Arc::clone(&services.evaluation.state);
    let found = blocking(move || state.evaluations(&filter)).await??;
    Ok(found.iter().map(EvaluationView::from).collect())
}
