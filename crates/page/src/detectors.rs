//! Trained detectors: which there are, and of one what it looks at, which rules ask it, what it said of late, and its versions.

use lanner_core::Evidence;
use lanner_wire::api::{AlarmsView, AlertView, DetectorEntityView, DetectorView, ModelView, RuleView};
use maud::{Markup, html};

use crate::chart::{self, Chart};
use crate::frame::{self, Section, Visitor};
use crate::models;
use crate::text::{ago, at, count, labels, link, number, number_or_dash, percent};
use crate::training::{self, Training};

/// A name, as the list shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The one that scores; `None` where several are kept and none was chosen.
    pub scores: Option<ModelView>,
    /// Models of this name.
    pub n_models: usize,
    /// Rules that ask it.
    pub n_rules: usize,
}

/// The list.
#[must_use]
pub fn list(visitor: &Visitor, all: &[Named], trainings: &[Training]) -> String {
    frame::page(
        visitor,
        Section::Detectors,
        "Detectors",
        None,
        &html! {
            h1 { "Detectors" small { (count(all.len(), "trained detector")) } }
            (training::list(trainings, visitor.now_ms))
            @if all.is_empty() {
                p.empty { "No trained detector is kept. Train one on usual rows of a table, keep it, and ask it in a rule:" }
                pre tabindex="0" { "lanner detector train usual.csv --name web --out web.detector\nlanner model import web.detector\n\nquery: { model: web, columns: { cpu: { series: cpu, measure: avg } } }" }
            } @else {
                div.scroll { table {
                    thead { tr { th scope="col" { "Detector" } th scope="col" { "Method" } th.n scope="col" { "Columns" } th.n scope="col" { "Trained on" } th.n scope="col" { "Alarms a day" } th scope="col" { "Asked by" } th scope="col" { "Scores since" } } }
                    tbody { @for named in all { (row(named, visitor.now_ms)) } }
                } }
            }
        },
    )
}

fn row(named: &Named, now_ms: i64) -> Markup {
    let fact = |name: &str| named.scores.as_ref().and_then(|model| model.metrics.get(name));
    let figure =
        |name: &str| fact(name).and_then(serde_json::Value::as_f64).map_or_else(|| "–".to_owned(), number);
    html! {
        tr {
            th scope="row" { a href=(link(&["detectors", &named.name], &[])) { (named.name) } }
            td { (fact("method").and_then(serde_json::Value::as_str).unwrap_or("–"))
                @if let (Some(by), Some(n)) = (fact("by").and_then(serde_json::Value::as_str), fact("entities").and_then(serde_json::Value::as_u64)) {
                    small { ", one for each " (by) ": " (n) }
                }
            }
            td.n { (figure("columns")) }
            td.n { (figure("rows")) " rows" }
            td.n { (figure("expected_alarms_per_day")) }
            td { @if named.n_rules == 0 { i { "no rule" } } @else { (count(named.n_rules, "rule")) } }
            td { @match &named.scores {
                Some(model) => { (ago(model.created, now_ms)) " ago" @if named.n_models > 1 { small { ", of " (named.n_models) " kept" } } }
                None => { b.bad { "none was chosen" } " of " (named.n_models) }
            } }
        }
    }
}

/// One name, and what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// The name.
    pub name: String,
    /// The detector that is shown.
    pub detector: DetectorView,
    /// All models of this name, the latest first.
    pub models: Vec<ModelView>,
    /// The model that the shown one is compared with.
    pub other: Option<ModelView>,
    /// Rules that ask it.
    pub rules: Vec<RuleView>,
    /// What a rule got from it of late, where one asks.
    pub scores: Option<Scores>,
    /// The alert that it caused last.
    pub last: Option<AlertView>,
    /// Its last training, as far as that was told.
    pub training: Option<Training>,
}

/// Scores of late.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The rule.
    pub rule: String,
    /// The group.
    pub group: String,
    /// The scores.
    pub chart: Chart,
}

/// The page of one name.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let shown = one.models.iter().find(|model| model.id == one.detector.id);
    frame::page(
        visitor,
        Section::Detectors,
        &one.name,
        None,
        &html! {
            h1 { (one.name) small { (one.detector.method) } }
            p.state { @match shown.and_then(|model| model.role.as_deref()) {
                Some("champion") => { b.normal { "it scores" } " for the rules that ask " code { (one.name) } }
                Some(_) => { b.waiting { "challenger" } ": another one scores" }
                None if one.models.len() == 1 => { b.normal { "it scores" } ", as the only one of its name" }
                None => { b.inactive { "it does not score" } }
            } }
            @if one.detector.too_alike { p.notice { "The rows of training followed a course without any noise, so they do not say how far usual rows stray. Train it on measured rows." } }
            (facts(&one.detector, shown))
            (training::part(one.training.as_ref(), visitor.now_ms))
            @if let Some(by) = &one.detector.by { (entities(by, &one.detector.entities)) }
            h2 #alarms { "Alarms a day" }
            (alarms(&one.detector.alarms))
            h2 #rules { "Rules that ask it" small { (count(one.rules.len(), "rule")) } }
            (rules(one))
            h2 #scores { "Scores" }
            @match &one.scores {
                Some(scores) => { p { "Of " a href=(link(&["rules", &scores.rule], &[])) { (scores.rule) } " " (scores.group) ", in the last day; 1 is the threshold." } (chart::figure("scores", &scores.chart)) }
                None => { p.empty { "No rule has asked it in the last day." } }
            }
            h2 #last { "Its last finding" }
            @match &one.last { Some(alert) => { (finding(alert, visitor.now_ms)) } None => { p.empty { "It has found nothing yet." } } }
            h2 #models { "Versions" small { (count(one.models.len(), "model")) } }
            (models::table(visitor, &one.models))
            (comparison(one, shown))
        },
    )
}

fn facts(detector: &DetectorView, shown: Option<&ModelView>) -> Markup {
    html! {
        dl {
            dt { "Trained on" } dd { (detector.rows) " rows" @if let Some(step) = &detector.step { ", one every " (step) } @if let Some(model) = shown { ", kept " (at(model.created)) } }
            @if let Some(data) = shown.and_then(|model| model.data.as_ref()) { dt { "Data" } dd { code { (data.get(..12).unwrap_or(data)) } } }
            dt { "Looks at" } dd { @if detector.window == 1 { "one row" } @else { (detector.window) " rows" } " for a score" }
            dt { "Threshold" } dd { "set by " (detector.set_by) ", on " (detector.held_out_rows) " rows that it had not seen" }
            dt { "Columns" } dd { details { summary { (count(detector.columns.len(), "column")) }
                div.scroll { table {
                    thead { tr { th scope="col" { "Column" } th.n scope="col" { "Usually from" } th.n scope="col" { "to" } } }
                    tbody { @for column in &detector.columns { tr { th scope="row" { (column.name) } td.n { (number_or_dash(column.low)) } td.n { (number_or_dash(column.high)) } } } }
                } }
            } }
        }
    }
}

/// Whom there is a detector for.
fn entities(by: &str, all: &[DetectorEntityView]) -> Markup {
    html! {
        h2 #entities { "One for each " (by) small { (count(all.len(), "detector")) } }
        p { "A group of a rule is judged by the detector of its " code { (by) } ". Groups of others are not judged, and the rule says so." }
        div.scroll { table {
            thead { tr { th scope="col" { (by) } th.n scope="col" { "Trained on" } th.n scope="col" { "Alarms a day" } } }
            tbody { @for entity in all { tr {
                th scope="row" { (entity.name) }
                td.n { (entity.rows) " rows" }
                td.n { (number((entity.expected_alarms_per_day * 1_000.0).round() / 1_000.0)) @if entity.too_alike { " " small { "rows without noise" } } }
            } } }
        } }
    }
}

fn alarms(all: &[AlarmsView]) -> Markup {
    html! {
        p { "A rule finds something where the score exceeds its limit: " code { "absolute: { max: 1 }" } " is the threshold of the detector. So often would the rows that it had not seen have caused an alarm at other limits:" }
        div.scroll { table.compare {
            thead { tr { th scope="col" { "Limit in the rule" } th.n scope="col" { "Alarms a day" } th.n scope="col" { "One every" } } }
            tbody { @for one in all {
                tr class=[(one.limit == 1.0).then_some("chosen")] {
                    th scope="row" { code { "max: " (number(one.limit)) } @if one.limit == 1.0 { " " small { "the threshold" } } }
                    td.n { (number((one.per_day * 1_000.0).round() / 1_000.0)) }
                    td.n { @if one.per_day > 0.0 { (every(1.0 / one.per_day)) } @else { "not once in those rows" } }
                }
            } }
        } }
    }
}

/// A number of days in the unit in which people say it.
fn every(days: f64) -> String {
    let rounded = |value: f64| number((value * 10.0).round() / 10.0);
    match days {
        _ if days < 1.0 / 24.0 => format!("{} minutes", rounded(days * 1_440.0)),
        _ if days < 2.0 => format!("{} hours", rounded(days * 24.0)),
        _ => format!("{} days", rounded(days)),
    }
}

fn rules(one: &One) -> Markup {
    html! {
        @if one.rules.is_empty() {
            p.empty { "No rule asks it. Write one:" }
            pre tabindex="0" { "query: { model: " (one.name) ", columns: { … } }\nabsolute: { max: 1 }" }
        } @else {
            ul.rows { @for rule in &one.rules { li {
                a href=(link(&["rules", &rule.rule.id], &[])) { (rule.rule.id) }
                @if let Some(problem) = &rule.problem { " " b.bad { "not in force" } " " (problem) }
                @if let Some(warning) = rule.state.as_ref().and_then(|state| state.warning.as_ref()) { " " small { (warning) } }
            } } }
        }
    }
}

fn finding(alert: &AlertView, now_ms: i64) -> Markup {
    html! {
        p { a href=(link(&["alerts", &alert.fingerprint], &[])) { (alert.rule) " " (labels(&alert.group)) } ", "
            @if let Some(started) = alert.started { (ago(started, now_ms)) " ago" }
            @if let Some(score) = alert.bad_value { ", with a score of " b { (number(score)) } } }
        @match alert.evidence.as_deref() {
            Some(Evidence { contributors, .. }) if !contributors.is_empty() => {
                div.scroll { table.compare {
                    thead { tr { th scope="col" { "Column" } th.n scope="col" { "Share of the score" } th.n scope="col" { "Value" } th.n scope="col" { "Usually" } } }
                    tbody { @for part in contributors {
                        tr {
                            th scope="row" { (part.name) }
                            td.n { (percent(part.share)) }
                            td.n { @match part.value { Some(value) => { (number(value)) } None => { "missing" } } }
                            td.n { @if let Some([low, high]) = part.usual { (number(low)) " to " (number(high)) } @else { "–" } }
                        }
                    } }
                } }
            }
            _ => { p { "What each column contributed was not kept." } }
        }
    }
}

fn comparison(one: &One, shown: Option<&ModelView>) -> Markup {
    let others: Vec<&ModelView> = one.models.iter().filter(|model| model.id != one.detector.id).collect();
    html! {
        @if let Some(shown) = shown.filter(|_| !others.is_empty()) {
            h2 #compare { "Compare" }
            form.filter method="get" action=(link(&["detectors", &one.name], &[])) {
                label { "Shown" select name="model" { @for model in &one.models { (choice(model, &one.detector.id)) } } }
                label { "beside" select name="with" { @for model in &one.models { (choice(model, one.other.as_ref().map_or("", |other| &other.id))) } } }
                button { "Compare" }
            }
            @if let Some(other) = &one.other { (models::compare(shown, Some(other))) }
        }
    }
}

fn choice(model: &ModelView, chosen: &str) -> Markup {
    html! { option value=(model.id) selected[model.id == chosen] { (model.id.get(..12).unwrap_or(&model.id)) @if let Some(role) = &model.role { ", " (role) } } }
}

#[cfg(test)]
mod tests {
    use super::every;

    #[test]
    fn days_are_said_in_their_unit() {
        let said = [0.01, 0.5, 1.0, 3.333, 400.0].map(every);
        assert_eq!(said, ["14.4 minutes", "12 hours", "24 hours", "3.3 days", "400 days"]);
    }
}
