//! Models that are kept: which decides, which is asked as well, and the forms that change that.

use lanner_wire::api::{ModelDriftView, ModelView};
use maud::{Markup, html};

use crate::frame::{self, Section, Visitor};
use crate::text::{ago, at, link, number, percent};

/// Features whose shift is shown.
const N_SHIFTS: usize = 5;

/// The table of models, with what may be done with each.
#[must_use]
pub fn table(visitor: &Visitor, models: &[ModelView]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Model" } th scope="col" { "Kind" } th scope="col" { "Role" } th.n scope="col" { "Threshold" } th scope="col" { "How well" } th scope="col" { "Kept" } @if visitor.may_operate { th scope="col" { "Change" } } } }
            tbody { @for model in models {
                tr {
                    th scope="row" { code { (short(&model.id)) } }
                    td { (model.kind) }
                    td { @if let Some(role) = &model.role { b.normal { (role) } } @else { "–" } }
                    td.n { (number(model.threshold)) }
                    td { (metrics(model)) }
                    td { (ago(model.created, visitor.now_ms)) " ago" }
                    @if visitor.may_operate { td { (changes(visitor, model)) } }
                }
            } }
        } }
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// The numbers among a model's metrics.
fn numbers(model: &ModelView) -> Vec<(&str, f64)> {
    let all = model.metrics.as_object().into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?))).collect()
}

/// The first of them, as `auc 0.98, f1 0.94`.
fn metrics(model: &ModelView) -> String {
    let numbers = numbers(model).into_iter().take(6).map(|(name, value)| format!("{name} {}", number(value)));
    numbers.collect::<Vec<_>>().join(", ")
}

fn changes(visitor: &Visitor, model: &ModelView) -> Markup {
    let promote = link(&["models", &model.id, "promote"], &[]);
    html! {
        @if model.role.as_deref() == Some("champion") {
            form method="post" action="/models/rollback" {
                (frame::token(visitor))
                input type="hidden" name="kind" value=(model.kind);
                button.plain { "Go back to the one before…" }
            }
        } @else {
            form method="post" action=(promote) {
                (frame::token(visitor))
                button.plain name="to" value="champion" { "Make it champion…" }
                @if model.role.is_none() { button.plain name="to" value="challenger" { "Make it challenger…" } }
            }
        }
    }
}

/// A change that is to be confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which.
    pub what: What,
    /// The kind of models.
    pub kind: String,
    /// The one that decides now.
    pub champion: Option<ModelView>,
    /// Why, as far as it was written.
    pub message: String,
    /// What was wrong when it was sent.
    pub problem: Option<String>,
}

/// What becomes of which model.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It decides from now on.
    Champion(Box<ModelView>),
    /// It is asked as well.
    Challenger(Box<ModelView>),
    /// The champion before decides again.
    RollBack,
}

/// The page of a kind of models.
#[must_use]
pub fn home(kind: &str) -> String {
    match kind.strip_prefix("detector/") {
        Some(name) => link(&["detectors", name], &[]),
        None => "/sessions#models".to_owned(),
    }
}

/// Asks whether a change is meant.
#[must_use]
pub fn confirm(visitor: &Visitor, change: &Change) -> String {
    let (title, action, button) = match &change.what {
        What::Champion(model) => (
            format!("Make {} the champion of {}?", short(&model.id), change.kind),
            link(&["models", &model.id, "promote"], &[]),
            "Make it the champion",
        ),
        What::Challenger(model) => (
            format!("Make {} the challenger of {}?", short(&model.id), change.kind),
            link(&["models", &model.id, "promote"], &[]),
            "Make it the challenger",
        ),
        What::RollBack => (
            format!("Go back to the champion before of {}?", change.kind),
            "/models/rollback".to_owned(),
            "Go back to the one before",
        ),
    };
    let section = if change.kind.starts_with("detector/") { Section::Detectors } else { Section::Sessions };
    frame::page(
        visitor,
        section,
        &title,
        None,
        &html! {
            h1 { (title) }
            p { (means(&change.what)) }
            @match (&change.what, &change.champion) {
                (What::Champion(model) | What::Challenger(model), champion) => { (compare(model, champion.as_ref().filter(|champion| champion.id != model.id))) }
                (What::RollBack, Some(champion)) => { p { "The champion now is " code { (short(&champion.id)) } ", kept " (ago(champion.created, visitor.now_ms)) " ago." } }
                (What::RollBack, None) => { p { "There is no champion now." } }
            }
            (frame::complaint(change.problem.as_deref()))
            form.confirm method="post" action=(action) {
                (frame::token(visitor))
                @match &change.what {
                    What::Champion(_) => { input type="hidden" name="to" value="champion"; }
                    What::Challenger(_) => { input type="hidden" name="to" value="challenger"; }
                    What::RollBack => { input type="hidden" name="kind" value=(change.kind); }
                }
                label for="message" { "Why, for the history" }
                input #message name="message" value=(change.message) maxlength="1000" autocomplete="off";
                button.danger name="step" value="confirmed" { (button) }
                a.button.plain href=(home(&change.kind)) { "Leave it as it is" }
            }
        },
    )
}

fn means(what: &What) -> &'static str {
    match what {
        What::Champion(_) => {
            "It decides from then on. What is open at that moment is not judged by it, since it has not seen the beginning."
        }
        What::Challenger(_) => {
            "It is asked about everything that the champion is asked, and decides nothing. Its answers stand beside the champion's."
        }
        What::RollBack => {
            "The last champion before this one that is still kept decides from then on. Once more, and it is the one before that."
        }
    }
}

/// Two models beside each other, by what is known of both.
#[must_use]
pub fn compare(one: &ModelView, other: Option<&ModelView>) -> Markup {
    let mut names: Vec<&str> = numbers(one).into_iter().map(|(name, _)| name).collect();
    names.extend(other.into_iter().flat_map(numbers).map(|(name, _)| name));
    names.sort_unstable();
    names.dedup();
    let value = |model: &ModelView, name: &str| {
        numbers(model)
            .into_iter()
            .find(|(known, _)| *known == name)
            .map_or_else(|| "–".to_owned(), |(_, value)| number(value))
    };
    html! {
        div.scroll { table.compare {
            thead { tr { th scope="col" { "" span.hidden { "What" } } th.n scope="col" { code { (short(&one.id)) } @if let Some(role) = &one.role { " " small { (role) } } } @if let Some(other) = other { th.n scope="col" { code { (short(&other.id)) } @if let Some(role) = &other.role { " " small { (role) } } } } } }
            tbody {
                tr { th scope="row" { "kept" } td.n { (at(one.created)) } @if let Some(other) = other { td.n { (at(other.created)) } } }
                tr { th scope="row" { "threshold" } td.n { (number(one.threshold)) } @if let Some(other) = other { td.n { (number(other.threshold)) } } }
                @for name in names { tr { th scope="row" { (name) } td.n { (value(one, name)) } @if let Some(other) = other { td.n { (value(other, name)) } } } }
            }
        } }
    }
}

/// How far traffic has moved from what a model was learned from.
#[must_use]
pub fn drift(it: &ModelDriftView) -> Markup {
    html! {
        h3 { "The " (it.role) " " code { (short(&it.model)) } " on the sessions of " (it.processor) }
        @if it.large == Some(true) { p.notice { b { "Learn it again." } " Traffic is no longer what it was learned from, so its probabilities mean less." } }
        dl {
            dt { "Looked at" } dd { "the last " (it.sessions) " sessions that it saw whole" @if it.large.is_none() { "; from 50 that it does not flag on there is more to say" } }
            @if it.sessions > 0 { dt { "Flagged" } dd { (percent(it.flagged_share)) @if let Some(expected) = it.expected_share { "; of normal sessions " (percent(expected)) " were, when it was learned" } } }
            @if let Some(index) = it.score_index { dt { "Its probabilities" } dd { (meaning(index)) } }
            @if let Some(share) = it.new_share { dt { "New endpoints" } dd { (percent(share)) " of calls" @if share >= 0.05 { " " b.bad { "the application has changed" } } } }
            @if !it.features.is_empty() {
                dt { "Moved most" }
                dd { ul.rows { @for shift in it.features.iter().take(N_SHIFTS) { li { code { (shift.feature) } " " (meaning(shift.index)) } } } }
            }
        }
        @if it.score_index.is_none() && it.large.is_some() { p { small { "The model does not hold the probabilities that it gave when it was learned. One that is learned now does." } } }
    }
}

/// A population stability index, with what it means.
fn meaning(index: f64) -> Markup {
    html! {
        @if index >= 0.25 { b.bad { "shifted" } } @else if index >= 0.1 { "moved a little" } @else { "as they were" }
        " " small { "(PSI " (number((index * 100.0).round() / 100.0)) ")" }
    }
}
