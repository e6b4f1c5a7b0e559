//! Silences: who muted what, why and until when, and a form for a new one that says how many alerts it hits.

use lanner_wire::api::{AlertView, SilenceStatus, SilenceView};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::now::group_name;
use crate::text::{ago, count, link, until};

/// A page of silences: those that mute or will, then those that are over, which are kept for a while.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    /// Those on this page.
    pub silences: Vec<SilenceView>,
    /// Only silences that contain this.
    pub text: String,
    /// Whether this is the first page, on which what mutes would be.
    pub is_first: bool,
    /// The id after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// The page.
#[must_use]
pub fn list(visitor: &Visitor, list: &List) -> String {
    let (over, current): (Vec<&SilenceView>, Vec<&SilenceView>) =
        list.silences.iter().partition(|silence| silence.status == SilenceStatus::Expired);
    let is_nothing =
        list.silences.is_empty() || (list.is_first && current.is_empty() && list.text.is_empty());
    frame::page(
        visitor,
        Section::Silences,
        "Silences",
        None,
        &html! {
            h1 { "Silences" small { (count(current.len(), "silence")) } }
            @if visitor.may_operate { p { a.button href="/silences/new" { "New silence…" } } }
            form.filter method="get" action="/silences" role="search" {
                input type="search" name="q" value=(list.text) placeholder="Filter by label, author, reason" aria-label="Filter by label, author, reason";
                button { "Filter" }
            }
            @if is_nothing { (nothing(list)) }
            @if !current.is_empty() { (table(visitor, &current)) }
            @if !over.is_empty() { details open[current.is_empty()] { summary { (count(over.len(), "silence")) " that ended" } (table(visitor, &over)) } }
            @if let Some(next) = &list.next { p { a href=(link(&["silences"], &[("q", &list.text), ("after", next)])) { "Next page" } } }
        },
    )
}

fn nothing(list: &List) -> Markup {
    html! {
        @if list.text.is_empty() {
            p.empty { "Nothing is silenced. Silence an alert from its page, or write matchers such as " code { "bank=\"hsbc\"" } "." }
        } @else {
            p.empty { "No silence matches. " a href="/silences" { "Show all" } }
        }
    }
}

fn table(visitor: &Visitor, silences: &[&SilenceView]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Silences" { table {
            thead { tr { th scope="col" { "Matches" } th scope="col" { "State" } th scope="col" { "Ends in" } th scope="col" { "Author" } th scope="col" { "Why" } th scope="col" { "Made" } th scope="col" { "End it" } } }
            tbody { @for silence in silences { (row(visitor, silence)) } }
        } }
    }
}

fn row(visitor: &Visitor, silence: &SilenceView) -> Markup {
    let state = match silence.status {
        SilenceStatus::Pending => "pending",
        SilenceStatus::Active => "active",
        SilenceStatus::Expired => "expired",
    };
    let is_over = silence.status == SilenceStatus::Expired;
    html! {
        tr {
            th scope="row" { code { (silence.matchers.join(", ")) } }
            td { b class=(state) { (state) } }
            td { @if let Some(end) = silence.end.filter(|_| !is_over) { (until(end, visitor.now_ms)) } }
            td { (silence.author) }
            td { (silence.comment) }
            td { (ago(silence.created, visitor.now_ms)) " ago" }
            td {
                @if visitor.may_operate && !is_over {
                    form method="post" action=(link(&["silences", &silence.id, "end"], &[])) {
                        (frame::token(visitor))
                        button.plain aria-label={ "End the silence of " (silence.matchers.join(", ")) } { "End" }
                    }
                }
            }
        }
    }
}

/// A silence that is being written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    /// What it matches, as text.
    pub matchers: String,
    /// How long it lasts.
    pub duration: String,
    /// Why.
    pub comment: String,
    /// The alerts that it hits now; `None` where the matchers cannot be read.
    pub hits: Option<Vec<AlertView>>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// The form for a new silence.
#[must_use]
pub fn new(visitor: &Visitor, draft: &Draft) -> String {
    frame::page(
        visitor,
        Section::Silences,
        "New silence",
        None,
        &html! {
            h1 { "New silence" }
            (frame::complaint(draft.problem.as_deref()))
            form method="post" action="/silences/new" {
                (frame::token(visitor))
                label for="matchers" { "Alerts with these labels" }
                input #matchers name="matchers" value=(draft.matchers) placeholder="bank=\"hsbc\", app=~\"pay.*\"" spellcheck="false";
                button.plain name="step" value="count" { "Count alerts" }
                (hits(draft))
                label for="for" { "For" } (frame::durations("for", if draft.duration.is_empty() { "2h" } else { &draft.duration }, None))
                label { "Why" input name="comment" value=(draft.comment) maxlength="500" placeholder="what those who find the silence should know"; }
                p { "Author: " b { (visitor.name) } }
                button name="step" value="silence" { "Silence" }
                a.button.plain href="/silences" { "Cancel" }
            }
        },
    )
}

fn hits(draft: &Draft) -> Markup {
    let Some(hits) = draft.hits.as_ref().filter(|_| !draft.matchers.is_empty()) else { return html! {} };
    html! {
        p.hits role="status" { "Hits " b { (count(hits.len(), "alert")) } " now"
            @if !hits.is_empty() { ": " }
            @for (nth, alert) in hits.iter().take(5).enumerate() {
                @if nth > 0 { ", " }
                a href=(link(&["alerts", &alert.fingerprint], &[])) { (alert.rule) " " (group_name(alert)) }
            }
            @if hits.len() > 5 { " and " (hits.len() - 5) " more" }
        }
    }
}
