//! Rules: the list with how each fares, and one rule with its value, baseline, limits and firings over time.

use lanner_core::Outcome;
use lanner_core::document::yaml;
use lanner_wire::api::{AlertView, EvaluationView, RuleDocument, RuleState, RuleView, StateCounts};
use maud::{Markup, html};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::chart::{self, Chart, Line};
use crate::frame::{self, Section, Visitor};
use crate::now::group_name;
use crate::text::{self, ago, count, link, number_or_dash};

/// The list, and what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// The rules.
    pub rules: Vec<RuleView>,
    /// Only rules whose id or text contains this.
    pub text: String,
    /// The id after which the next page begins, if there is one.
    pub next: Option<String>,
}

/// The page of all rules.
#[must_use]
pub fn list(visitor: &Visitor, list: &List) -> String {
    frame::page(
        visitor,
        Section::Rules,
        "Rules",
        Some("/live?brief=1"),
        &html! {
            h1 { "Rules" small { (count(list.rules.len(), "rule")) } }
            @if visitor.may_administer { p { a.button href="/edit" { "New rule…" } } }
            form.filter method="get" action="/rules" role="search" {
                input type="search" name="q" value=(list.text) placeholder="Filter by id or text" aria-label="Filter by id or text";
                button { "Filter" }
            }
            section #list data-fragment {
                @if list.rules.is_empty() { (nothing(list)) } @else { (table(list, visitor.now_ms)) }
                @if let Some(next) = &list.next { p { a href=(link(&["rules"], &[("q", &list.text), ("after", next)])) { "Next page" } } }
            }
        },
    )
}

fn nothing(list: &List) -> Markup {
    html! {
        @if list.text.is_empty() {
            p.empty { "There is no rule yet. " a href="/edit" { "Write one" } " here, or in a file: " code { "lanner rule apply FILE" } "; " code { "lanner demo --rules" } " prints examples." }
        } @else { p.empty { "No rule matches. " a href="/rules" { "Show all" } } }
    }
}

fn table(list: &List, now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Rule" } th scope="col" { "Alerts" } th scope="col" { "What it watches" } th scope="col" { "Next in" } th scope="col" { "Changed" } } }
            tbody { @for rule in &list.rules { (row(rule, now_ms)) } }
        } }
    }
}

fn row(view: &RuleView, now_ms: i64) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(link(&["rules", &view.rule.id], &[])) { (view.rule.id) } }
            td { (standing(view)) }
            td { (view.rule.document.get("description").and_then(Value::as_str).map_or_else(|| query(&view.rule.document), str::to_owned)) }
            td { @if let Some(next) = view.state.as_ref().and_then(|state| state.next) { (text::next(next, now_ms)) } }
            td { (ago(view.rule.changed, now_ms)) " by " (view.rule.actor) }
        }
    }
}

fn standing(view: &RuleView) -> Markup {
    html! {
        @match (&view.problem, &view.state) {
            (Some(problem), _) => { b.bad { "not in force" } " " (problem) }
            (None, None) => { i { "inactive" } }
            (None, Some(state)) => {
                (counts(&state.states))
                @if let Some(warning) = state.warning.as_ref().or(state.limit.as_ref()) { " " small { (warning) } }
            }
        }
    }
}

fn counts(states: &StateCounts) -> Markup {
    let bad = [
        (states.firing, "firing"),
        (states.error, "error"),
        (states.no_data, "no data"),
        (states.pending, "pending"),
        (states.recovering, "recovering"),
    ];
    html! {
        @for (n, state) in bad { @if n > 0 { b class=(state.replace(' ', "_")) { (n) " " (state) } " " } }
        @if bad.iter().all(|(n, _)| *n == 0) { span.normal { (states.normal) " normal" } }
    }
}

/// What a rule asks, in one line.
#[must_use]
pub fn query(document: &Value) -> String {
    match document.get("query") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(fields)) => {
            let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            fields
                .iter()
                .map(|(name, value)| format!("{name}: {}", shown(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        _ => String::new(),
    }
}

/// One rule, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// The rule.
    pub view: RuleView,
    /// Its alerts, those that are not normal first.
    pub alerts: Vec<AlertView>,
    /// The group that is drawn, as labels.
    pub group: String,
    /// Its evaluations.
    pub chart: Chart,
    /// How far back the chart goes, such as `6h`.
    pub span: String,
    /// Versions, the newest first.
    pub history: Vec<RuleDocument>,
}

/// The page of one rule.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let RuleDocument { id, document, version, changed, actor } = &one.view.rule;
    frame::page(
        visitor,
        Section::Rules,
        id,
        Some("/live?brief=1"),
        &html! {
            h1 { (id) }
            @if let Some(text) = document.get("description").and_then(Value::as_str) { p.said { (text) } }
            section #state data-fragment {
                p.state { (standing(&one.view)) }
                (spans(one))
                (chart::figure("chart", &one.chart))
                (groups(one, visitor.now_ms))
            }
            @if let Some(state) = &one.view.state { (facts(state, visitor.now_ms)) }
            h2 { "As written" small { "version " (version) ", " (ago(*changed, visitor.now_ms)) " ago by " (actor) } }
            pre tabindex="0" { (yaml(document)) }
            @if visitor.may_administer { p { a.button href=(link(&["edit"], &[("rule", id)])) { "Change…" } } }
            (history(visitor, one))
        },
    )
}

fn spans(one: &One) -> Markup {
    let id = one.view.rule.id.as_str();
    html! {
        nav.spans aria-label="Time shown" {
            @for span in ["1h", "6h", "24h", "1w", "4w"] {
                a href=(link(&["rules", id], &[("group", &one.group), ("span", span)])) aria-current=[(span == one.span).then_some("true")] { (span) }
            }
        }
    }
}

fn groups(one: &One, now_ms: i64) -> Markup {
    let id = one.view.rule.id.as_str();
    html! {
        @if one.alerts.len() > 1 || one.alerts.iter().any(|alert| !alert.group.is_empty()) {
            h2 { "Groups" small { (count(one.alerts.len(), "group")) } }
            div.scroll { table {
                thead { tr { th scope="col" { "Group" } th scope="col" { "State" } th.n scope="col" { "Value" } th.n scope="col" { "Baseline" } th scope="col" { "Since" } th scope="col" { "Alert" } } }
                tbody { @for alert in one.alerts.iter().take(500) {
                    tr class=(alert.state) {
                        th scope="row" { a href=(link(&["rules", id], &[("group", &text::matchers(&alert.group, &[])), ("span", &one.span)])) { (group_name(alert)) } }
                        td { b class=(alert.state) { (alert.state.name().replace('_', " ")) } }
                        td.n { (number_or_dash(alert.value)) }
                        td.n { (number_or_dash(alert.base)) }
                        td { (ago(alert.since, now_ms)) }
                        td { a href=(link(&["alerts", &alert.fingerprint], &[])) { "open" span.hidden { " " (group_name(alert)) } } }
                    }
                } }
            } }
        }
    }
}

fn facts(state: &RuleState, now_ms: i64) -> Markup {
    html! {
        dl {
            @if let Some(next) = state.next { dt { "Next" } dd { "in " (text::next(next, now_ms)) } }
            @if let Some(prefill) = state.prefill.filter(|prefill| !prefill.finished) { dt { "History" } dd { (prefill.done) " of " (prefill.total) " windows filled" } }
            @if let Some(lateness) = state.lateness { dt { "Late data" } dd { (lateness.late) " of " (lateness.events) " events; half come within " (lateness.median_s) " s" } }
        }
    }
}

/// Earlier versions: who changed what, and the way back.
fn history(visitor: &Visitor, one: &One) -> Markup {
    let id = one.view.rule.id.as_str();
    let earlier = one.history.iter().skip(1).map(Some).chain([None]);
    html! {
        @if one.history.len() > 1 {
            details {
                summary { (count(one.history.len(), "version")) }
                ul.rows { @for (nth, (version, before)) in one.history.iter().zip(earlier).enumerate() {
                    li {
                        "version " (version.version) ", " (ago(version.changed, visitor.now_ms)) " ago by " (version.actor)
                        @if nth > 0 && visitor.may_administer && !version.document.is_null() {
                            " " a href=(link(&["edit"], &[("rule", id), ("version", &version.version.to_string())])) { "go back to it…" }
                        }
                        (change(version, before))
                    }
                } }
            }
        }
    }
}

/// What a version changed, line by line.
fn change(version: &RuleDocument, before: Option<&RuleDocument>) -> Markup {
    let text =
        |rule: &RuleDocument| if rule.document.is_null() { String::new() } else { yaml(&rule.document) };
    let (old, new) = (before.map(text).unwrap_or_default(), text(version));
    let difference = TextDiff::from_lines(&old, &new);
    html! {
        details {
            summary { @if before.is_none() { "as it was made" } @else if version.document.is_null() { "deleted" } @else { "what changed" } }
            pre tabindex="0" {
                @for change in difference.iter_all_changes() {
                    @match change.tag() {
                        ChangeTag::Equal => { "  " (change.value()) }
                        ChangeTag::Insert => ins { "+ " (change.value()) }
                        ChangeTag::Delete => del { "- " (change.value()) }
                    }
                }
            }
        }
    }
}

/// The chart of one group's evaluations, given the newest first.
///
/// - `document`: the rule, for its limits
#[must_use]
pub fn chart(title: &str, document: &Value, evaluations: &[EvaluationView]) -> Chart {
    let oldest_first = || evaluations.iter().rev();
    // What the detector said, or else what the rule's text says.
    let usual = |it: &EvaluationView| {
        let written = || limits(document, it.base);
        if it.lower.is_none() && it.upper.is_none() { written() } else { (it.lower, it.upper) }
    };
    let limits: Vec<_> = oldest_first().map(usual).collect();
    let line = |name: &str, value: &dyn Fn(&EvaluationView) -> Option<f64>| {
        let values: Vec<Option<f64>> = oldest_first().map(value).collect();
        values.iter().any(Option::is_some).then(|| Line { name: name.to_owned(), values })
    };
    let has_band = limits.iter().any(|(low, high)| low.is_some() || high.is_some());
    Chart {
        title: title.to_owned(),
        times: oldest_first().map(|it| it.window.end.0).collect(),
        lines: [line("value", &|it| it.value), line("baseline", &|it| it.base)]
            .into_iter()
            .flatten()
            .collect(),
        others: Vec::new(),
        band: if has_band { limits } else { Vec::new() },
        findings: oldest_first().map(|it| it.outcome == Outcome::Breach).collect(),
    }
}

/// Between which values a rule finds nothing, as far as its text says that in numbers.
pub(crate) fn limits(document: &Value, base: Option<f64>) -> (Option<f64>, Option<f64>) {
    let fixed = |name: &str| document.pointer(&format!("/absolute/{name}")).and_then(Value::as_f64);
    let share = |name: &str| {
        let written = document.pointer(&format!("/relative/{name}"))?;
        let text = written.as_str()?.trim().strip_suffix('%')?.trim().parse::<f64>().ok()?;
        Some(text / 100.0)
    };
    let relative = |share: Option<f64>, sign: f64| Some(base? * (1.0 + sign * share?));
    (
        fixed("min").or_else(|| relative(share("drop").or_else(|| share("change")), -1.0)),
        fixed("max").or_else(|| relative(share("rise").or_else(|| share("change")), 1.0)),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_those_of_the_document() {
        #[track_caller]
        fn check(document: &Value, base: Option<f64>, expected: (Option<f64>, Option<f64>)) {
            assert_eq!(limits(document, base), expected, "{document}");
        }
        check(&json!({"absolute": {"min": 45}}), None, (Some(45.0), None));
        check(&json!({"absolute": {"min": 1, "max": 2.5}}), Some(9.0), (Some(1.0), Some(2.5)));
        check(&json!({"relative": {"drop": "50%"}}), Some(80.0), (Some(40.0), None));
        check(&json!({"relative": {"change": "25 %"}}), Some(80.0), (Some(60.0), Some(100.0)));
        check(&json!({"relative": {"drop": "50%"}}), None, (None, None));
        check(&json!({"relative": {"drop": 3}}), Some(80.0), (None, None));
        check(&json!({}), Some(80.0), (None, None));
    }
}
