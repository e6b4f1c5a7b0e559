//! Sessions of API clients: which are unusual and why, and the models that judge them.

use lanner_core::time::format_time;
use lanner_wire::api::{ModelDriftView, ModelView, Time};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::models;
use crate::text::{ago, count, link, number};

/// What the page shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    /// The processors that put sessions together.
    pub processors: Vec<Processor>,
    /// Sessions that were flagged, the newest first.
    pub flagged: Vec<Session>,
    /// Sessions that were judged in the same time.
    pub n_judged: usize,
    /// Of how many sessions at most that is made, if there are more.
    pub cut_at: Option<usize>,
    /// How far back the page looks.
    pub span: String,
    /// Models that are kept.
    pub models: Vec<ModelView>,
    /// How far traffic has moved from what those in use were learned from.
    pub drift: Vec<ModelDriftView>,
}

/// How far back the page can look.
pub const SPANS: [&str; 3] = ["1h", "24h", "1w"];

/// A processor of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    /// Its id.
    pub id: String,
    /// The stream of requests.
    pub stream: String,
    /// How it stands.
    pub note: Option<String>,
}

/// A session that was flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// When that became known.
    pub time: Time,
    /// Its first request, milliseconds since 1970.
    pub started_ms: i64,
    /// Whose it is: the fields that tell clients apart.
    pub client: Vec<(String, String)>,
    /// Its behaviour's name, if it has one.
    pub finding: Option<String>,
    /// Why, the strongest first.
    pub reasons: Vec<String>,
    /// How unusual it is; from 1 on it is flagged.
    pub score: Option<f64>,
    /// What the client seems to be.
    pub kind: Option<String>,
    /// Requests, those that failed, and different endpoints.
    pub counts: [u64; 3],
    /// Whether it is over.
    pub is_over: bool,
}

/// The page.
#[must_use]
pub fn page(visitor: &Visitor, shown: &Sessions) -> String {
    frame::page(
        visitor,
        Section::Sessions,
        "API sessions",
        None,
        &html! {
            h1 { "API sessions" small { (count(shown.flagged.len(), "unusual session")) " of " (shown.n_judged) } }
            @if shown.processors.is_empty() { (nothing()) } @else {
                ul.rows { @for one in &shown.processors { li { b { (one.id) } " " small { "requests of " (one.stream) } @if let Some(note) = &one.note { ": " (note) } } } }
                (spans(shown))
                @if let Some(most) = shown.cut_at { p.notice { "There are more than " (most) " sessions in this time; what follows is made of the first ones." } }
                @if shown.flagged.is_empty() { p.empty { "No session of this time was unusual." } } @else { (table(&shown.flagged, visitor.now_ms)) }
            }
            h2 #models { "Models" small { (count(shown.models.len(), "model")) } }
            @if shown.models.is_empty() { p.empty { "No model is kept. Learn one from labelled sessions, and keep it:" } pre tabindex="0" { "lanner api learn access.log --labels labels.csv --output model.json\nlanner model import model.json" } }
            @else { (models::table(visitor, &shown.models)) }
            @if !shown.drift.is_empty() {
                h2 #drift { "Has the traffic changed?" small { "population stability index: from 0.25 on something has shifted" } }
                @for it in &shown.drift { (models::drift(it)) }
            }
        },
    )
}

fn nothing() -> Markup {
    html! {
        p.empty { "No processor puts sessions together. Add one to a stream of requests:" }
        pre tabindex="0" { "processors:\n  - { id: sessions, stream: access-log, sessions: { by: [client, agent], idle: 30m } }" }
    }
}

fn spans(shown: &Sessions) -> Markup {
    html! {
        nav.spans aria-label="Time shown" {
            @for span in SPANS { a href=(link(&["sessions"], &[("span", span)])) aria-current=[(span == shown.span).then_some("true")] { (span) } }
        }
    }
}

fn table(sessions: &[Session], now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Client" } th scope="col" { "Behaviour" } th.n scope="col" { "Score" } th.n scope="col" { "Requests" } th.n scope="col" { "Failed" } th.n scope="col" { "Endpoints" } th scope="col" { "When" } } }
            tbody { @for session in sessions { (row(session, now_ms)) } }
        } }
    }
}

fn row(session: &Session, now_ms: i64) -> Markup {
    let client: Vec<String> = session.client.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let what = session.finding.as_deref().unwrap_or("unusual");
    html! {
        tr {
            th scope="row" { (named(session, &client.join(" "))) @if let Some(kind) = &session.kind { " " small { (kind) } } }
            td {
                @if session.reasons.is_empty() { b.bad { (what) } } @else {
                    details { summary { b.bad { (what) } ": " (session.reasons[0]) } (why(&session.reasons)) }
                }
            }
            td.n { @if let Some(score) = session.score { (number(score)) } @else { "–" } }
            @for n in session.counts { td.n { (n) } }
            td { (ago(session.time, now_ms)) " ago" @if !session.is_over { ", goes on" } }
        }
    }
}

/// Its client, as the way to its page.
fn named(session: &Session, client: &str) -> Markup {
    html! {
        @match &session.id {
            Some(id) => { a href=(link(&["sessions", id], &[("at", &format_time(session.started_ms))])) { code { (client) } } }
            None => { code { (client) } }
        }
    }
}

/// Reasons, the strongest first.
fn why(reasons: &[String]) -> Markup {
    html! { ol { @for reason in reasons { li { (reason) } } } }
}
