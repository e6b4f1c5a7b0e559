//! The first page: what is wrong now, what is contained, and how Lanner is.
//!
//! Its parts are fragments: the server renders each once when it changes, and sends it to everybody who has the page open.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::AlertState;
use lanner_wire::api::{AlertView, SilenceStatus, SilenceView, Status, SwitchRequest, SwitchView};
use maud::{Markup, PreEscaped, html};

use crate::frame::{self, Section, Visitor};
use crate::spark::spark;
use crate::text::{self, ago, count, link, number, until};

/// More alerts are counted and not listed.
pub const MAX_LISTED: usize = 1_000;
/// So many alerts are shown with a picture and a sentence; the others with what tells them apart.
pub const MAX_IN_FULL: usize = 300;
/// More silences are counted, and listed on their own page.
const MAX_SILENCES: usize = 50;
/// A longer sentence is cut.
const MAX_SENTENCE: usize = 90;

/// An alert, and the values that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The alert.
    pub alert: AlertView,
    /// What was measured last, the oldest first.
    pub recent: Vec<Option<f64>>,
}

/// What the first page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Now {
    /// When it was looked at, milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The alerts that are not normal, as [`sorted`] has them.
    pub rows: Vec<Row>,
    /// Switches that block, are in shadow, or did until lately.
    pub switches: Vec<SwitchView>,
    /// Switches that wait for a second person.
    pub requests: Vec<SwitchRequest>,
    /// Silences that are in force or will be.
    pub silences: Vec<SilenceView>,
    /// How Lanner is.
    pub status: Status,
}

/// What a visitor wants to see of the alerts; it stands in the address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only alerts whose rule or labels contain this.
    pub text: String,
    /// Only alerts in this state.
    pub state: Option<AlertState>,
}

impl Filter {
    /// Whether everything is wanted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.text.is_empty() && self.state.is_none()
    }

    fn takes(&self, alert: &AlertView) -> bool {
        let wanted = self.text.to_lowercase();
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        self.state.is_none_or(|state| state == alert.state)
            && (wanted.is_empty() || holds(&alert.rule) || holds(&text::labels(&alert.labels)))
    }
}

/// The worst first.
const fn rank(state: AlertState) -> u8 {
    match state {
        AlertState::Firing => 0,
        AlertState::Error => 1,
        AlertState::NoData => 2,
        AlertState::Pending => 3,
        AlertState::Recovering => 4,
        AlertState::Normal => 5,
    }
}

/// Alerts in the order of the page: rule by rule, those with the worst and then the newest alert first.
#[must_use]
pub fn sorted(mut alerts: Vec<AlertView>) -> Vec<AlertView> {
    let mut rules: BTreeMap<String, (u8, Reverse<i64>)> = BTreeMap::new();
    for alert in &alerts {
        let own = (rank(alert.state), Reverse(alert.since.0));
        rules.entry(alert.rule.clone()).and_modify(|best| *best = own.min(*best)).or_insert(own);
    }
    alerts.sort_by_cached_key(|alert| {
        let of_rule = rules.get(&alert.rule).copied();
        (of_rule, alert.rule.clone(), rank(alert.state), Reverse(alert.since.0), text::labels(&alert.group))
    });
    alerts
}

/// The parts that events replace, by their ids, in the order of the page.
pub const PARTS: [&str; 3] = ["health", "contained", "alerts"];

/// One part of the page; empty for an id that is none of [`PARTS`].
#[must_use]
pub fn part(id: &str, now: &Now, filter: &Filter) -> String {
    match id {
        "health" => frame::fragment(id, &health(now)),
        "contained" => frame::fragment(id, &contained(now)),
        "alerts" => {
            let rows: Vec<&Row> = now.rows.iter().filter(|row| filter.takes(&row.alert)).collect();
            frame::fragment(id, &alerts(&rows, filter, now.now_ms))
        }
        _ => String::new(),
    }
}

/// Whether a part shows the same of both, but for ages.
#[must_use]
pub fn is_same(id: &str, one: &Now, other: &Now) -> bool {
    match id {
        "health" => health(one).into_string() == health(other).into_string(),
        "contained" => {
            (&one.switches, &one.requests, &one.silences)
                == (&other.switches, &other.requests, &other.silences)
        }
        _ => one.rows == other.rows,
    }
}

/// The whole page of these parts.
///
/// - `version`: which look they are of, so that events tell what came after it
#[must_use]
pub fn page(visitor: &Visitor, filter: &Filter, version: u64, parts: &[(&str, Arc<str>)]) -> String {
    let state = filter.state.map_or("", AlertState::name);
    let live = if filter.is_open() { format!("/live?seen={version}") } else { "/live?brief=1".to_owned() };
    frame::page(
        visitor,
        Section::Now,
        "Now",
        Some(&live),
        &html! {
            h1.hidden { "Now" }
            form.filter #filter method="get" action="/" role="search" data-filtered[!filter.is_open()] {
                input type="search" name="q" value=(filter.text) placeholder="Filter by rule or label" aria-label="Filter by rule or label";
                select name="state" aria-label="State" {
                    option value="" { "any state" }
                    @for known in ["firing", "error", "no_data", "pending", "recovering"] {
                        option value=(known) selected[known == state] { (known.replace('_', " ")) }
                    }
                }
                button { "Filter" }
            }
            @for (_, part) in parts { (PreEscaped(part.as_ref())) }
        },
    )
}

fn health(now: &Now) -> Markup {
    let Status { problems, alerts, engine, outbox, ingest, store, set_aside, .. } = &now.status;
    let failing = now.status.sources.iter().filter(|source| source.problem.is_some());
    html! {
        p.counts {
            @for (n, state) in [(alerts.firing, "firing"), (alerts.error, "error"), (alerts.no_data, "no_data"), (alerts.pending, "pending"), (alerts.recovering, "recovering")] {
                @if n > 0 || state == "firing" {
                    a class=(state) href=(link(&[""], &[("state", state)])) { b { (n) } " " (state.replace('_', " ")) }
                }
            }
            a href="/rules" { b { (engine.rules) } " rules" }
            span { b { (ingest.events + ingest.samples) } " values taken" @if ingest.rejected > 0 { ", " b { (ingest.rejected) } " rejected" } }
            a href="/more#messages" { b { (outbox.pending) } " to send" @if outbox.dead > 0 { ", " b.bad { (outbox.dead) } " undelivered" } }
            span { "store " b { (text::bytes(store.bytes)) } }
            span { @if now.status.ready { "ready" } @else { b.bad { "not ready" } } }
        }
        @for problem in problems { p.problem { "Lanner: " (problem) } }
        @for source in failing { p.problem { "Source " (source.name) ": " (source.problem.as_deref().unwrap_or_default()) } }
        @for aside in set_aside { p.problem { (aside.kind) " " (aside.id) " is not in force: " (aside.problem) } }
    }
}

fn contained(now: &Now) -> Markup {
    let active: Vec<&SilenceView> =
        now.silences.iter().filter(|silence| silence.status == SilenceStatus::Active).collect();
    html! {
        @if !now.switches.is_empty() || !now.requests.is_empty() {
            h2 { "Contained" }
            ul.rows {
                @for switch in &now.switches { li { (contained_by(switch, now.now_ms)) } }
                @for request in &now.requests {
                    li { b.pending { "waits" } " " a href=(link(&["switches", &request.id], &[])) { (request.id) }
                        " asked for by " (request.actor) ": " (request.because) }
                }
            }
        }
        @if !active.is_empty() {
            h2 { "Silenced" }
            ul.rows {
                @for silence in active.iter().take(MAX_SILENCES) {
                    li { a href=(link(&["silences"], &[])) { (silence.matchers.join(", ")) } " by " b { (silence.author) } ": " (silence.comment)
                        @if let Some(end) = silence.end { ", ends in " (until(end, now.now_ms)) } }
                }
            }
            @if active.len() > MAX_SILENCES { p { a href="/silences" { "and " (active.len() - MAX_SILENCES) " more" } } }
        }
    }
}

fn contained_by(switch: &SwitchView, now_ms: i64) -> Markup {
    let document = &switch.switch.document;
    let said = |field: &str| document.get(field).and_then(|value| value.as_str());
    html! {
        b class=(switch.phase) { (switch.phase) } " "
        a href=(link(&["switches", &switch.switch.id], &[])) { (switch.switch.id) } " "
        code { (crate::switches::condition(document)) } " by " b { (said("owner").unwrap_or(&switch.switch.actor)) }
        @if let Some(reason) = said("reason") { ": " (reason) }
        (crate::switches::ending(document, now_ms))
        @if switch.counts.blocked > 0 { ", blocked " b { (switch.counts.blocked) } }
        @if switch.counts.shadow > 0 { ", would have blocked " b { (switch.counts.shadow) } }
    }
}

fn alerts(rows: &[&Row], filter: &Filter, now_ms: i64) -> Markup {
    let listed = rows.get(..MAX_LISTED.min(rows.len())).unwrap_or_default();
    let mut groups: Vec<Vec<(usize, &Row)>> = Vec::new();
    for (at, row) in listed.iter().enumerate() {
        match groups.last_mut() {
            Some(group) if group.first().is_some_and(|(_, first)| first.alert.rule == row.alert.rule) => {
                group.push((at, row));
            }
            _ => groups.push(vec![(at, row)]),
        }
    }
    html! {
        h2 { "Alerts" small { (count(rows.len(), "alert")) @if !filter.is_open() { ", filtered; " a href="/" { "show all" } } } }
        @if rows.is_empty() { (nothing(filter)) } @else {
            div.scroll { table.alerts {
                thead { tr { th scope="col" { "Rule" } th scope="col" { "State" } th scope="col" { "Last" } th.n scope="col" { "Value" }
                    th scope="col" { "Group" } th scope="col" { "Since" } th scope="col" { "What" } } }
                @for group in &groups { tbody { (of_rule(group, now_ms)) } }
            } }
            @if rows.len() > listed.len() {
                p { (rows.len() - listed.len()) " more are not listed; filter by rule, label or state." }
            }
        }
    }
}

fn nothing(filter: &Filter) -> Markup {
    html! {
        @if filter.is_open() {
            p.empty { "Nothing is wrong. Alerts appear here when a rule finds something: see " a href="/rules" { "rules" } " for what is watched." }
        } @else {
            p.empty { "No alert matches. " a href="/" { "Show all" } }
        }
    }
}

fn of_rule(group: &[(usize, &Row)], now_ms: i64) -> Markup {
    let rule = group.first().map_or("", |(_, row)| row.alert.rule.as_str());
    html! {
        @for (nth, (at, row)) in group.iter().enumerate() {
            tr class=(row.alert.state) {
                @if nth == 0 {
                    th scope="rowgroup" rowspan=[(group.len() > 1).then_some(group.len())] { a href=(link(&["rules", rule], &[])) { (rule) } }
                }
                (cells(row, *at < MAX_IN_FULL, now_ms))
            }
        }
    }
}

fn cells(row: &Row, is_full: bool, now_ms: i64) -> Markup {
    let alert = &row.alert;
    html! {
        td { (alert.state.name().replace('_', " ")) }
        td { @if is_full { (spark(&row.recent)) } }
        td.n { (value(alert)) }
        td { a href=(link(&["alerts", &alert.fingerprint], &[])) { (group_name(alert)) } (marks(alert)) }
        td { (ago(alert.since, now_ms)) }
        td { @if is_full { (sentence(alert)) } }
    }
}

/// What an alert is about, in a few words.
#[must_use]
pub fn group_name(alert: &AlertView) -> String {
    if alert.group.is_empty() { "all".to_owned() } else { text::labels(&alert.group) }
}

fn value(alert: &AlertView) -> Markup {
    html! {
        @match (alert.value, alert.base) {
            (Some(value), Some(base)) => { (number(value)) small { "/" (number(base)) } }
            (Some(value), None) => (number(value)),
            (None, _) => "–",
        }
    }
}

/// What keeps people from hearing of it.
fn marks(alert: &AlertView) -> Markup {
    html! {
        @if let Some(taken) = &alert.acknowledged { " " i { "taken by " (taken.author) } }
        @if !alert.silenced_by.is_empty() { " " i { "silenced" } } @else if !alert.muted.is_empty() { " " i { "muted" } }
    }
}

/// What the rule says of it, in one line.
#[must_use]
pub fn sentence(alert: &AlertView) -> String {
    let said = alert.error.as_deref().or_else(|| alert.content.as_str()).unwrap_or_default();
    let mut line: String =
        said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SENTENCE).collect();
    if said.chars().count() > MAX_SENTENCE {
        line.push('…');
    }
    line
}
