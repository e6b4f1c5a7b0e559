//! What has no page of its own: messages, receivers, who changed what, and where programs ask.

use lanner_wire::api::{AuditView, OutboxView, ReceiverView};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, count};

/// What the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct More {
    /// Receivers and how they are.
    pub receivers: Vec<ReceiverView>,
    /// Messages that were given up, the newest first.
    pub dead: Vec<OutboxView>,
    /// Changes, the newest first.
    pub audit: Vec<AuditView>,
    /// The version of the program.
    pub version: String,
}

const LINKS: [(&str, &str); 8] = [
    ("/api/v1/status", "status"),
    ("/api/v1/streams", "streams"),
    ("/api/v1/series", "series"),
    ("/api/v1/processors", "processors"),
    ("/api/v1/findings", "findings"),
    ("/api/v1/alerts", "alerts"),
    ("/metrics", "metrics of Lanner"),
    ("/api/openapi.json", "description of the API"),
];

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, more: &More) -> String {
    frame::page(
        visitor,
        Section::More,
        "More",
        None,
        &html! {
            h1 { "More" small { "Lanner " (more.version) } }
            h2 #messages { "Receivers" }
            @if more.receivers.is_empty() { p.empty { "Nobody is notified: no receiver is defined." } } @else { (receivers(more, visitor.now_ms)) }
            @if !more.dead.is_empty() {
                h2 { "Undelivered" small { (count(more.dead.len(), "message")) } }
                ul.rows { @for entry in &more.dead { li { b { (entry.notification.receiver) } " " (entry.notification.title) @if let Some(error) = &entry.last_error { ": " (error) } } } }
            }
            @if visitor.may_administer { h2 { "Access" } p { a href="/access" { "Users and tokens" } ": who may do what" } }
            h2 { "Changes" }
            (audit(more, visitor.now_ms))
            h2 { "For programs" }
            ul.rows { @for (address, name) in LINKS { li { a href=(address) { (name) } " " code { (address) } } } }
        },
    )
}

fn receivers(more: &More, now_ms: i64) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Receivers" { table {
            thead { tr { th scope="col" { "Receiver" } th scope="col" { "State" } th scope="col" { "Kind" } th scope="col" { "Target" } th scope="col" { "Origin" } th.n scope="col" { "To send" } th.n scope="col" { "Given up" } } }
            tbody { @for receiver in &more.receivers { tr {
                th scope="row" { (receiver.name) }
                td { (state(receiver, now_ms)) }
                td { (receiver.kind) } td { (receiver.target) } td { (receiver.origin) } td.n { (receiver.pending) } td.n { (receiver.dead) }
            } } }
        } }
    }
}

/// Whether it takes messages, and why not.
fn state(receiver: &ReceiverView, now_ms: i64) -> Markup {
    html! {
        @if let Some(problem) = &receiver.problem { b.bad { "cannot work" } " " (problem) }
        @else if let Some(since) = receiver.failing_since {
            b.bad { "failing" } " for " (ago(since, now_ms)) @if let Some(error) = &receiver.last_error { ": " (error) }
        }
        @else if let Some(muted) = &receiver.muted { i { "muted by " (muted.by) } }
        @else if let Some(sent) = receiver.last_sent { "took a message " (ago(sent, now_ms)) " ago" }
        @else { "nothing sent yet" }
    }
}

fn audit(more: &More, now_ms: i64) -> Markup {
    html! {
        @if more.audit.is_empty() { p.empty { "Nothing was changed yet." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Changes" { table {
                thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Of" } } }
                tbody { @for entry in &more.audit { tr { td { (ago(entry.time, now_ms)) " ago" } td { (entry.actor) } td { (entry.action) } td { (entry.subject) } } } }
            } }
        }
    }
}
