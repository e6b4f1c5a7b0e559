//! One alert: what happened, what made it, and what can be done about it.

use lanner_wire::api::{AlertView, SwitchView};
use maud::{Markup, html};

use crate::chart::{self, Chart};
use crate::frame::{self, Section, Visitor};
use crate::now::group_name;
use crate::text::{self, ago, at, link, number, number_or_dash, percent, until};

/// An alert, and what is known around it.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// The alert.
    pub alert: AlertView,
    /// What the rule measured of the group.
    pub chart: Chart,
    /// Switches whose condition is true of the group's labels, or was made for them.
    pub switches: Vec<SwitchView>,
    /// The switch that would block what the alert is about, where its labels say that.
    pub block: Option<Block>,
    /// Why the last change was refused.
    pub problem: Option<String>,
}

/// A switch that could be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its id.
    pub id: String,
    /// Its condition.
    pub condition: String,
    /// The fields that a context must have for it to be true.
    pub fields: Vec<String>,
    /// In a few words: `bank=hsbc`.
    pub what: String,
}

/// The page of one alert.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let (alert, now_ms) = (&one.alert, visitor.now_ms);
    let title = format!("{} {}", alert.rule, group_name(alert));
    frame::page(
        visitor,
        Section::Now,
        &title,
        Some("/live?brief=1"),
        &html! {
            h1 { a href=(link(&["rules", &alert.rule], &[])) { (alert.rule) } " " (group_name(alert)) }
            (frame::complaint(one.problem.as_deref()))
            section #state data-fragment {
                p.state { b class=(alert.state) { (alert.state.name().replace('_', " ")) } " for " (ago(alert.since, now_ms)) ", since " (at(alert.since)) }
                @if let Some(said) = alert.error.as_deref().or_else(|| alert.content.as_str()) { p.said { (said) } }
                (chart::figure("chart", &one.chart))
                (facts(alert, now_ms))
                (blocked(one, now_ms))
            }
            @if visitor.may_operate {
                div.forms {
                    (block(visitor, one))
                    (acknowledge(visitor, alert))
                    (silence(alert))
                }
            }
        },
    )
}

fn facts(alert: &AlertView, now_ms: i64) -> Markup {
    html! {
        dl {
            dt { "Value" } dd { (number_or_dash(alert.value)) @if let Some(base) = alert.base { ", compared with " (number(base)) }
                @if let Some(change) = alert.change { " (" (percent(change)) ")" } }
            dt { "Window" } dd { (at(alert.window.start)) " to " (at(alert.window.end)) ": " a href=(meanwhile(alert)) data-span { "what else changed" } }
            dt { "Labels" } dd { code { (text::matchers(&alert.labels, &[])) } }
            @for (name, text) in &alert.annotations { dt { (name) } dd { (text) } }
            @if let Some(evidence) = &alert.evidence { dt { "Rests on" } dd { (contributors(evidence)) } }
            @if let Some(taken) = &alert.acknowledged { dt { "Taken by" } dd { b { (taken.author) } ", " (ago(taken.at, now_ms)) " ago: " (taken.comment) } }
            @for muted in &alert.muted {
                dt { "Muted by" } dd { (muted.by) @if let Some(receiver) = &muted.receiver { " for " (receiver) }
                    @if let Some(end) = muted.until { ", for " (until(end, now_ms)) } }
            }
        }
    }
}

/// The ranking of all series in the alert's last window.
fn meanwhile(alert: &AlertView) -> String {
    let [from, to] =
        [alert.window.start, alert.window.end].map(|time| lanner_core::time::format_time(time.0));
    link(&["explore", "unlike"], &[("from", &from), ("to", &to)])
}

fn contributors(evidence: &lanner_core::Evidence) -> Markup {
    html! { @for (nth, part) in evidence.contributors.iter().enumerate() { @if nth > 0 { ", " } (part) } }
}

fn blocked(one: &One, now_ms: i64) -> Markup {
    html! {
        @for switch in &one.switches {
            p.contained { b class=(switch.phase) { (switch.phase) } " " a href=(link(&["switches", &switch.switch.id], &[])) { (switch.switch.id) }
                " " code { (crate::switches::condition(&switch.switch.document)) }
                (crate::switches::ending(&switch.switch.document, now_ms)) }
        }
    }
}

fn block(visitor: &Visitor, one: &One) -> Markup {
    let Some(block) = one.block.as_ref().filter(|_| visitor.may_administer) else { return html! {} };
    html! {
        form method="post" action=(link(&["alerts", &one.alert.fingerprint, "block"], &[])) {
            h2 { "Block " (block.what) }
            (frame::token(visitor))
            label for="block-for" { "For" }
            select #block-for name="for" { @for duration in ["30m", "1h", "2h", "8h", "24h"] { option value=(duration) selected[duration == "1h"] { (duration) } } }
            label { "Reason" input name="message" maxlength="500" value={ (one.alert.rule) " fires" }; }
            button.danger { "Block…" }
        }
    }
}

fn acknowledge(visitor: &Visitor, alert: &AlertView) -> Markup {
    if !alert.active {
        return html! {};
    }
    html! {
        form method="post" action=(link(&["alerts", &alert.fingerprint, "acknowledge"], &[])) {
            (frame::token(visitor))
            @if alert.acknowledged.is_some() {
                h2 { "Give back" }
                button name="step" value="give-back" { "Give back" }
            } @else {
                h2 { "Take it on" }
                p { "It is not repeated until it resolves or gets worse." }
                label for="for" { "For" } (frame::durations("for", "", Some("as long as it lasts")))
                label { "Comment" input name="comment" maxlength="500"; }
                button { "Acknowledge" }
            }
        }
    }
}

fn silence(alert: &AlertView) -> Markup {
    html! {
        div {
            h2 { "Silence" }
            p { a.button href=(link(&["silences", "new"], &[("matchers", &text::matchers(&alert.labels, &["severity"]))])) { "Silence this alert…" } }
            p { a.button.plain href=(link(&["silences", "new"], &[("matchers", &format!("rule={}", text::quoted(&alert.rule)))])) { "Silence the rule…" } }
        }
    }
}

/// `a, b and c`
fn names(fields: &[String]) -> Markup {
    html! {
        @for (nth, field) in fields.iter().enumerate() {
            @if nth > 0 { (if nth + 1 == fields.len() { " and " } else { ", " }) }
            code { (field) }
        }
    }
}

/// The second look before a switch is made and turned on.
#[must_use]
pub fn confirm_block(
    visitor: &Visitor,
    alert: &AlertView,
    block: &Block,
    wanted: &crate::switches::Wanted,
    objection: Option<&str>,
) -> String {
    frame::page(
        visitor,
        Section::Now,
        "Block",
        None,
        &html! {
            h1 { "Block " (block.what) "?" }
            (frame::complaint(objection))
            dl {
                dt { "Switch" } dd { (block.id) }
                dt { "Blocks" } dd { code { (block.condition) } }
                dt { "Needs" } dd { "contexts with " (names(&block.fields)) "; one without " (if block.fields.len() == 1 { "it" } else { "all of them" }) " is not blocked" }
                dt { "For" } dd { (wanted.duration) }
                dt { "Reason" } dd { (wanted.message) }
            }
            form.confirm method="post" action=(link(&["alerts", &alert.fingerprint, "block"], &[])) {
                (frame::token(visitor))
                input type="hidden" name="for" value=(wanted.duration);
                input type="hidden" name="message" value=(wanted.message);
                @if objection.is_some() { button.danger name="step" value="force" { "Block all the same" } }
                @else { button.danger name="step" value="confirmed" { "Block now" } }
                a.button.plain href=(link(&["alerts", &alert.fingerprint], &[])) { "Cancel" }
            }
        },
    )
}
