//! One session of an API client: who, why it was flagged, its graph, and what people say of it.

use lanner_wire::api::{ScoreAccountView, SessionDetail, SessionLabelView};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, at, count, link, span};
use crate::{graph, waterfall};

/// The page. `problem` is what was wrong with a label that was sent.
#[must_use]
pub fn page(visitor: &Visitor, detail: &SessionDetail, problem: Option<&str>) -> String {
    let client =
        detail.client.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
    frame::page(
        visitor,
        Section::Sessions,
        &client,
        None,
        &html! {
            h1 { code { (client) } small { a href="/sessions" { "API sessions" } } }
            p.state { @if detail.flagged { b.bad { "flagged" } } @else { b.normal { "not flagged" } } (standing(detail)) }
            (facts(detail, visitor.now_ms))
            (label(visitor, detail, problem))
            @if detail.stored_requests == 0 { p.notice { "None of its requests is stored any more, so there is nothing more to say. How long events are kept is a setting: retention." } }
            @else { (told(detail)) }
        },
    )
}

fn standing(detail: &SessionDetail) -> &'static str {
    match detail.status.as_str() {
        "learning" => "; what is usual was being learned, so only findings counted",
        "incomplete" => "; it may lack its beginning, so only findings counted",
        _ if !detail.over => "; it goes on",
        _ => "",
    }
}

fn facts(detail: &SessionDetail, now_ms: i64) -> Markup {
    html! {
        dl {
            dt { "From" } dd { (at(detail.started)) " (" (ago(detail.started, now_ms)) " ago), for " (span(detail.ended.0 - detail.started.0)) }
            dt { "Requests" } dd { (detail.requests) " on the stream " (detail.stream) @if detail.stored_requests != detail.requests { "; what follows is made of the " (detail.stored_requests) " that are stored now" } @if detail.cut { ", the first ones" } }
            @if let Some(kind) = &detail.client_kind { dt { "Client" } dd { (kind) } }
            dt { "Put together by" } dd { (detail.processor) }
        }
    }
}

fn told(detail: &SessionDetail) -> Markup {
    html! {
        h2 #findings { "Findings" small { (count(detail.findings.len(), "finding")) } }
        @if detail.findings.is_empty() { p.empty { "Nothing that it did has a name." } }
        @else { ul.rows { @for finding in &detail.findings { li { b.bad { (finding.finding) } ": " (finding.evidence) } } } }
        h2 #why { "Why it has its score" }
        @if detail.scores.is_empty() { p.empty { "What is usual is not known yet: the processor learns, and no model is in use." } }
        @for score in &detail.scores { h3 { (by(score)) } (waterfall::figure(score)) }
        h2 #graph { "What it did" small { (count(detail.endpoints.len(), "endpoint")) ", " (count(detail.steps.len(), "step")) } }
        (graph::figure(&detail.endpoints, &detail.steps, detail.usual_sessions))
    }
}

fn by(score: &ScoreAccountView) -> Markup {
    html! {
        @match &score.model {
            Some(model) => { "By the model " code { (model.get(..12).unwrap_or(model)) } }
            None => { "By what is usual in this traffic" }
        }
        @if score.decides { small { " – it decides" } } @else { small { " – it decides nothing" } }
    }
}

fn label(visitor: &Visitor, detail: &SessionDetail, problem: Option<&str>) -> Markup {
    html! {
        h2 #label { "What people say" }
        (frame::complaint(problem))
        @match &detail.label {
            Some(said) => { (said_so(said, visitor.now_ms)) }
            None => { p { "Nobody has said yet what this was. " code { "lanner api learn" } " learns from what you say." } }
        }
        @if visitor.may_operate { (form(visitor, detail)) }
    }
}

fn said_so(said: &SessionLabelView, now_ms: i64) -> Markup {
    html! {
        p.said { b class=(if said.label == "anomalous" { "bad" } else { "normal" }) { (said.label) }
            ", says " (said.who) " " (ago(said.when, now_ms)) " ago: " (said.why) }
    }
}

fn form(visitor: &Visitor, detail: &SessionDetail) -> Markup {
    html! {
        form method="post" action=(link(&["sessions", &detail.id, "label"], &[])) {
            (frame::token(visitor))
            input type="hidden" name="at" value=(detail.started.0);
            label for="why" { "Why" }
            input #why name="why" maxlength="1000" placeholder="walked through orders" autocomplete="off";
            button.danger name="label" value="anomalous" { "It was anomalous" }
            button name="label" value="normal" { "It was normal" }
            @if detail.label.is_some() { button.plain name="label" value="" { "Take it back" } }
        }
    }
}
