//! Kill switches: the list, one switch with what can be done about it, and the second look before one is turned on.

use lanner_core::time::{MAX_TIME_MS, parse_time_ms};
use lanner_wire::api::{SwitchPreview, SwitchRequest, SwitchVerdict, SwitchVersion, SwitchView, Time};
use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, count, link, percent, until};

/// The phases that a list can be filtered by.
const PHASES: [&str; 7] = ["blocking", "shadow", "inactive", "waiting", "expired", "paused", "unreadable"];

/// What a switch blocks, as it was written.
#[must_use]
pub fn condition(document: &Value) -> String {
    match document.get("when") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let parts: Vec<String> = parts.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            parts.join(" and ")
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// When a switch's validity ends, if it does.
#[must_use]
pub fn ends(document: &Value) -> Option<Time> {
    let end_ms = parse_time_ms(document.pointer("/valid/to")?.as_str()?).ok()?;
    (end_ms < MAX_TIME_MS).then_some(Time(end_ms))
}

/// The same in words, after what was said of the switch: `, ends in 25m`.
#[must_use]
pub(crate) fn ending(document: &Value, now_ms: i64) -> Markup {
    html! {
        @if let Some(end) = ends(document) {
            @if end.0 > now_ms { ", ends in " (until(end, now_ms)) } @else { ", ended " (ago(end, now_ms)) " ago" }
        }
    }
}

fn said<'d>(document: &'d Value, field: &str) -> Option<&'d str> {
    document.get(field).and_then(Value::as_str)
}

/// The list, and what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The switches.
    pub switches: Vec<SwitchView>,
    /// Those that wait for a second person.
    pub requests: Vec<SwitchRequest>,
    /// Only switches that contain this.
    pub text: String,
    /// Only switches in this phase.
    pub phase: String,
    /// The id after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// The page of all switches.
#[must_use]
pub fn list(visitor: &Visitor, list: &List) -> String {
    frame::page(
        visitor,
        Section::Switches,
        "Switches",
        Some("/live?brief=1"),
        &html! {
            h1 { "Switches" small { (count(list.switches.len(), "switch").replace("switchs", "switches")) } }
            form.filter method="get" action="/switches" role="search" {
                input type="search" name="q" value=(list.text) placeholder="Filter by id, condition, owner" aria-label="Filter by id, condition, owner";
                select name="phase" aria-label="Phase" {
                    option value="" { "any phase" }
                    @for phase in PHASES { option value=(phase) selected[phase == list.phase] { (phase) } }
                }
                button { "Filter" }
            }
            section #list data-fragment {
                (requests(list, visitor.now_ms))
                @if list.switches.is_empty() { (nothing(list)) } @else { (table(list, visitor.now_ms)) }
                @if let Some(next) = &list.next {
                    p { a href=(link(&["switches"], &[("q", &list.text), ("phase", &list.phase), ("after", next)])) { "Next page" } }
                }
            }
            p { a.button href="/switches/test" { "Test a context" } }
        },
    )
}

fn nothing(list: &List) -> Markup {
    html! {
        @if list.text.is_empty() && list.phase.is_empty() {
            p.empty { "There is no switch yet. An alert's page makes one for what failed; " code { "lanner switch apply FILE" } " makes them from a file." }
        } @else {
            p.empty { "No switch matches. " a href="/switches" { "Show all" } }
        }
    }
}

fn requests(list: &List, now_ms: i64) -> Markup {
    html! {
        @for request in &list.requests {
            p.notice { a href=(link(&["switches", &request.id], &[])) { (request.id) } " waits for a second person: " (request.actor)
                " asked " (ago(request.asked, now_ms)) " ago, because " (request.because) }
        }
    }
}

fn table(list: &List, now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Switch" } th scope="col" { "State" } th scope="col" { "Ends in" } th scope="col" { "Blocks" } th scope="col" { "Owner" }
                th scope="col" { "Reason" } th.n scope="col" { "Blocked" } th.n scope="col" { "Shadow" } th scope="col" { "Changed" } } }
            tbody { @for view in &list.switches { (row(view, now_ms)) } }
        } }
    }
}

fn row(view: &SwitchView, now_ms: i64) -> Markup {
    let document = &view.switch.document;
    html! {
        tr class=(view.phase) {
            th scope="row" { a href=(link(&["switches", &view.switch.id], &[])) { (view.switch.id) } }
            td { b class=(view.phase) { (view.phase) } }
            td { @if let Some(end) = ends(document).filter(|end| end.0 > now_ms) { (until(end, now_ms)) } }
            td { code { (condition(document)) } }
            td { (said(document, "owner").unwrap_or("–")) }
            td { (said(document, "reason").unwrap_or_default()) }
            td.n { (view.counts.blocked) }
            td.n { (view.counts.shadow) }
            td { (ago(view.switch.changed, now_ms)) " by " (view.switch.actor) }
        }
    }
}

/// One switch, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// The switch.
    pub view: SwitchView,
    /// Its versions, the newest first.
    pub history: Vec<SwitchVersion>,
    /// What waits for a second person.
    pub request: Option<SwitchRequest>,
    /// What it would have blocked.
    pub preview: Option<SwitchPreview>,
    /// Why the last change was refused.
    pub problem: Option<String>,
}

/// The page of one switch.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let SwitchVersion { id, document, version, changed, actor, message, .. } = &one.view.switch;
    let now_ms = visitor.now_ms;
    frame::page(
        visitor,
        Section::Switches,
        id,
        Some("/live?brief=1"),
        &html! {
            h1 { (id) }
            (frame::complaint(one.problem.as_deref()))
            section #state data-fragment {
                p.state { b class=(one.view.phase) { (one.view.phase) }
                    (ending(document, now_ms))
                    @if let Some(next) = one.view.next { ", blocks again in " (until(next, now_ms)) } }
                @if let Some(problem) = &one.view.problem { p.problem { "Not in force: " (problem) } }
                dl {
                    dt { "Blocks" } dd { code { (condition(document)) } }
                    @for (name, field) in [("Description", "description"), ("Owner", "owner"), ("Reason", "reason")] {
                        @if let Some(text) = said(document, field) { dt { (name) } dd { (text) } }
                    }
                    dt { "Blocked" } dd { (one.view.counts.blocked) " since the server started; would have blocked in shadow: " (one.view.counts.shadow) }
                    @if let Some(preview) = &one.preview { dt { "Would block" } dd { (would_block(preview)) } }
                    dt { "Changed" } dd { (ago(*changed, now_ms)) " ago by " b { (actor) } ", version " (version) @if !message.is_empty() { ": " (message) } }
                }
            }
            @if visitor.may_operate {
                (pending(visitor, one))
                (change(visitor, one))
            }
            p { a.button href=(link(&["switches", "test"], &[("switch", id)])) { "Test a context" } }
            (history(one, now_ms))
        },
    )
}

fn would_block(preview: &SwitchPreview) -> Markup {
    html! {
        @if preview.contexts == 0 { "nobody knows: no context was asked for yet" }
        @else { (percent(preview.share)) " of the last " (preview.contexts) " contexts" }
    }
}

fn pending(visitor: &Visitor, one: &One) -> Markup {
    let Some(request) = &one.request else { return html! {} };
    let id = one.view.switch.id.as_str();
    html! {
        section.notice {
            h2 { "Waits for a second person" }
            p { (request.actor) " asked " (ago(request.asked, visitor.now_ms)) " ago for: " (condition(&request.document))
                @if let Some(duration) = &request.duration { " for " (duration) } ". " (request.because) }
            form method="post" action=(link(&["switches", id, "decide"], &[])) {
                (frame::token(visitor))
                label { "Reason" input name="message" maxlength="500"; }
                button name="decision" value="approve" { "Approve" }
                button.plain name="decision" value="deny" { "Deny" }
            }
        }
    }
}

fn change(visitor: &Visitor, one: &One) -> Markup {
    let (id, version) = (one.view.switch.id.as_str(), one.view.switch.version);
    let is_on = matches!(one.view.phase.as_str(), "blocking" | "paused" | "waiting");
    html! {
        section.change {
            h2 { @if is_on { "Change" } @else { "Turn on" } }
            form method="post" action=(link(&["switches", id, "activate"], &[])) {
                (frame::token(visitor))
                input type="hidden" name="expect" value=(version);
                label for="for" { "For" } (frame::durations("for", "1h", Some("until somebody ends it")))
                label { "Reason" input name="message" maxlength="500"; }
                button.danger { @if is_on { "Activate anew…" } @else { "Activate…" } }
            }
            @if is_on || one.view.phase == "shadow" {
                form method="post" action=(link(&["switches", id, "deactivate"], &[])) {
                    (frame::token(visitor))
                    input type="hidden" name="expect" value=(version);
                    label { "Reason" input name="message" maxlength="500"; }
                    button { "Deactivate" }
                }
            }
        }
    }
}

fn history(one: &One, now_ms: i64) -> Markup {
    html! {
        h2 { "History" }
        div.scroll tabindex="0" role="region" aria-label="History" { table {
            thead { tr { th.n scope="col" { "Version" } th scope="col" { "Status" } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "Why" } th scope="col" { "Blocks" } } }
            tbody {
                @for version in &one.history {
                    tr {
                        td.n { (version.version) }
                        td { (if version.document.is_null() { "deleted" } else { said(&version.document, "status").unwrap_or("active") }) }
                        td { (ago(version.changed, now_ms)) }
                        td { (version.actor) }
                        td { (version.message) }
                        td { code { (condition(&version.document)) } }
                    }
                }
            }
        } }
    }
}

/// What somebody wants to turn on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For how long; without an end where it is empty.
    pub duration: String,
    /// Why.
    pub message: String,
    /// The version that was looked at.
    pub expect: Option<u32>,
}

/// The second look before a switch is turned on: what it blocks, how much that is, and for how long.
///
/// - `objection`: why it was not turned on at the first try, if it was tried
#[must_use]
pub fn confirm(visitor: &Visitor, one: &One, wanted: &Wanted, objection: Option<&str>) -> String {
    let (id, document) = (one.view.switch.id.as_str(), &one.view.switch.document);
    frame::page(
        visitor,
        Section::Switches,
        id,
        None,
        &html! {
            h1 { "Activate " (id) "?" }
            (frame::complaint(objection))
            dl {
                dt { "Blocks" } dd { code { (condition(document)) } }
                @if let Some(preview) = &one.preview { dt { "That is" } dd { b { (would_block(preview)) } } }
                dt { "For" } dd { (if wanted.duration.is_empty() { "until somebody ends it" } else { &wanted.duration }) }
                dt { "Reason" } dd { (if wanted.message.is_empty() { "–" } else { &wanted.message }) }
            }
            form.confirm method="post" action=(link(&["switches", id, "activate"], &[])) {
                (frame::token(visitor))
                input type="hidden" name="for" value=(wanted.duration);
                input type="hidden" name="message" value=(wanted.message);
                @if let Some(expect) = wanted.expect { input type="hidden" name="expect" value=(expect); }
                @if objection.is_some() {
                    button name="step" value="request" { "Ask a second person" }
                    button.danger name="step" value="force" { "Activate all the same" }
                } @else {
                    button.danger name="step" value="confirmed" { "Activate now" }
                }
                a.button.plain href=(link(&["switches", id], &[])) { "Cancel" }
            }
        },
    )
}

/// A context that is tried on the switches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trial {
    /// The context as it was written.
    pub context: String,
    /// The switch that somebody came from.
    pub switch: String,
    /// What came of it, with the explanation.
    pub verdict: Option<SwitchVerdict>,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// The page that tries a context on the switches, and explains the verdict.
#[must_use]
pub fn test(visitor: &Visitor, trial: &Trial) -> String {
    frame::page(
        visitor,
        Section::Switches,
        "Test a context",
        None,
        &html! {
            h1 { "Test a context" }
            (frame::complaint(trial.problem.as_deref()))
            form method="get" action="/switches/test" {
                input type="hidden" name="switch" value=(trial.switch);
                label for="context" { "A JSON object, as a program sends it" }
                textarea #context name="context" rows="4" spellcheck="false" { (trial.context) }
                button { "Test" }
            }
            @if let Some(verdict) = &trial.verdict { (verdict_of(verdict, &trial.switch)) }
        },
    )
}

fn verdict_of(verdict: &SwitchVerdict, first: &str) -> Markup {
    let is_first = |it: &&Value| it.get("id").and_then(Value::as_str) == Some(first);
    let others = verdict.explanation.iter().filter(|it| !is_first(it));
    html! {
        p.state role="status" {
            @if verdict.blocked { b.blocking { "blocked" } " by " (verdict.switches.join(", ")) } @else { b.inactive { "not blocked" } }
            @if let Some(reason) = &verdict.reason { ": " (reason) }
            @if !verdict.shadow.is_empty() { "; in shadow it would be by " (verdict.shadow.join(", ")) }
        }
        @for explanation in verdict.explanation.iter().filter(is_first).chain(others).take(100) { (explained(explanation)) }
    }
}

fn explained(explanation: &Value) -> Markup {
    let text = |field: &str| explanation.get(field).and_then(Value::as_str).unwrap_or_default();
    let blocks = explanation.get("blocks").and_then(Value::as_bool).unwrap_or_default();
    let tests = explanation.get("tests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    html! {
        h3 { a href=(link(&["switches", text("id")], &[])) { (text("id")) } " "
            small { (if blocks { "blocks this" } else { "does not block this" }) ": it is " (text("phase")) ", its condition is " (text("condition")) } }
        ul.rows { @for test in tests { (tested(test)) } }
    }
}

fn tested(test: &Value) -> Markup {
    let text = |field: &str| test.get(field).and_then(Value::as_str).unwrap_or_default();
    let none = Map::new();
    let values = test.get("values").and_then(Value::as_object).unwrap_or(&none);
    html! {
        li { b { (text("verdict")) } " " code { (text("test")) } " "
            @if values.is_empty() { small { "missing" } }
            @for (name, value) in values { small { (name) " is " (value) " " } } }
    }
}
