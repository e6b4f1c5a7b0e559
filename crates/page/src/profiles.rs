//! Profiles of behaviour: what is usual on hosts, what is not and why, and how far learning is.

use lanner_core::time::DAY_MS;
use lanner_wire::api::{BehaviourView, ProfileDetail, ProfileHostView, ProfileView, Time};
use maud::{Markup, html};

use crate::chart::{self, Chart, Line};
use crate::frame::{self, Section, Visitor};
use crate::text::{ago, at, bytes, count, link, number, percent};
use crate::tree::{self, Tree};

/// How far back a page looks, and the step of its chart in milliseconds.
pub const SPANS: [(&str, i64); 4] =
    [("1h", 60_000), ("24h", 1_800_000), ("1w", 6 * 3_600_000), ("4w", DAY_MS)];

/// The page of all profiles.
#[must_use]
pub fn list(visitor: &Visitor, profiles: &[ProfileView]) -> String {
    frame::page(
        visitor,
        Section::Profiles,
        "Behaviour",
        None,
        &html! {
            h1 { "Behaviour" small { (count(profiles.len(), "profile")) } }
            @if profiles.is_empty() { (nothing()) } @else { (table(profiles, visitor.now_ms)) }
        },
    )
}

fn nothing() -> Markup {
    html! {
        p.empty { "No profile is learned. Add a processor to a stream of events of hosts, such as Falco's:" }
        pre tabindex="0" { "processors:\n  - id: usual\n    stream: falco\n    profile: { fields: [proc.exepath, proc.pname, template(proc.cmdline)], where: 'evt.type in (execve, execveat)' }" }
    }
}

fn table(profiles: &[ProfileView], now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Profile" } th scope="col" { "State" } th.n scope="col" { "Behaviours" } th.n scope="col" { "Events" } th.n scope="col" { "New, of late" } th.n scope="col" { "Flags a day" } th.n scope="col" { "Full" } th.n scope="col" { "Hosts" } th scope="col" { "Last event" } } }
            tbody { @for profile in profiles {
                tr {
                    th scope="row" { a href=(link(&["profiles", &profile.id], &[])) { (profile.id) } " " small { (profile.stream) } }
                    td { (state(profile)) }
                    td.n { (profile.behaviours) }
                    td.n { (profile.events) }
                    td.n { (percent(profile.novelty_rate)) }
                    td.n { (flags(profile)) }
                    td.n { (percent(profile.full)) }
                    td.n { (profile.hosts) }
                    td { @if let Some(latest) = profile.latest { (ago(latest, now_ms)) " ago" } @else { "none yet" } }
                }
            } }
        } }
    }
}

fn flags(profile: &ProfileView) -> String {
    profile.flags_per_day.map_or_else(|| "–".to_owned(), |flags| number((flags * 10.0).round() / 10.0))
}

fn state(profile: &ProfileView) -> Markup {
    let class = match profile.status.as_str() {
        "active" => "normal",
        "incomplete" => "bad",
        _ => "pending",
    };
    html! {
        b class=(class) { (profile.status) }
        @if profile.status == "learning" { " " (percent(profile.learned)) " of the time" }
    }
}

/// One profile, and what its events say.
#[derive(Debug, Clone, PartialEq)]
pub struct One {
    /// The profile.
    pub detail: ProfileDetail,
    /// One of [`SPANS`].
    pub span: String,
    /// Events in each step of the span, the oldest first.
    pub steps: Vec<Step>,
    /// Events that were flagged, the newest first.
    pub rare: Vec<Rare>,
    /// All events, by who started whom.
    pub tree: Tree,
    /// Of how many events at most that is made, if there are more.
    pub cut_at: Option<usize>,
}

/// Events of a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// When it begins, milliseconds since 1970.
    pub start_ms: i64,
    /// Events.
    pub n_events: usize,
    /// Those whose behaviour was new.
    pub n_new: usize,
    /// Those that were flagged.
    pub n_rare: usize,
}

/// An event that was flagged.
#[derive(Debug, Clone, PartialEq)]
pub struct Rare {
    /// When it happened.
    pub time: Time,
    /// The host, if the event names it.
    pub host: Option<String>,
    /// What happened: a command line, or a file.
    pub what: String,
    /// Why it is rare, in one sentence.
    pub reason: String,
    /// The parts of the behaviour, what the event has there, and whether that makes it new.
    pub parts: Vec<(String, String, bool)>,
    /// Ancestors, the nearest first.
    pub ancestors: Vec<String>,
    /// How often it was seen before.
    pub seen: u64,
    /// -log2 of the share of such events.
    pub rarity_bits: f64,
    /// Whether other hosts know it, and how many: `12 of 40 hosts`.
    pub fleet: Option<(bool, String)>,
}

/// The page of one profile.
#[must_use]
pub fn one(visitor: &Visitor, one: &One) -> String {
    let profile = &one.detail.profile;
    frame::page(
        visitor,
        Section::Profiles,
        &profile.id,
        None,
        &html! {
            h1 { (profile.id) small { "of the stream " (profile.stream) } }
            (standing(profile, visitor.now_ms))
            (spans(one))
            @if let Some(most) = one.cut_at { p.notice { "There are more than " (most) " events in this time; what follows is made of the first ones." } }
            h2 { "Novelty" }
            (chart::figure("novelty", &chart(profile, &one.steps)))
            h2 #rare { "Rare" small { (count(one.rare.len(), "event")) " in " (one.span) } }
            @if one.rare.is_empty() { p.empty { (why_none(profile)) } } @else { (rare(&one.rare, visitor.now_ms)) }
            h2 #common { "Common" }
            @if one.detail.frequent.is_empty() { p.empty { "Nothing was seen yet." } } @else { (common(&one.detail.frequent)) }
            h2 #lineage { "Who started what" }
            @if one.tree.is_empty() { p.empty { "No event in this time names its processes (" code { "proc.name" } ", " code { "proc.pname" } ", " code { "proc.aname" } ")." } }
            @else { (tree::figure(&one.tree)) }
            h2 #hosts { "Hosts" small { (count(one.detail.hosts.len(), "host")) } }
            @if one.detail.hosts.is_empty() { (no_hosts(&profile.id)) } @else { (hosts(&one.detail.hosts, visitor.now_ms)) }
        },
    )
}

fn standing(profile: &ProfileView, now_ms: i64) -> Markup {
    html! {
        p.state { (state(profile)) }
        @if profile.status == "learning" {
            p { label for="progress" { "Learning" } " " progress #progress max="1" value=(number(profile.learned)) { (percent(profile.learned)) } " It flags nothing until that is over." }
        }
        dl {
            dt { "Behaviour" } dd { @for (nth, field) in profile.fields.iter().enumerate() { @if nth > 0 { ", " } code { (field) } } }
            dt { "Learned" } dd { (count(profile.behaviours as usize, "behaviour")) " in " (count(profile.events as usize, "event")) @if let Some(first) = profile.first { ", since " (at(first)) } }
            @if let Some(latest) = profile.latest { dt { "Last event" } dd { (ago(latest, now_ms)) " ago" } }
            dt { "New, of late" } dd { (percent(profile.novelty_rate)) " of events" }
            dt { "To expect" } dd { (flags(profile)) " flags a day" }
            dt { "Memory" } dd { (bytes(profile.memory_bytes)) ", " (percent(profile.full)) " full" @if profile.full > 1.0 { b.bad { "; too small, give it more" } } }
        }
    }
}

fn spans(one: &One) -> Markup {
    html! {
        nav.spans aria-label="Time shown" {
            @for (span, _) in SPANS {
                a href=(link(&["profiles", &one.detail.profile.id], &[("span", span)])) aria-current=[(span == one.span).then_some("true")] { (span) }
            }
        }
    }
}

fn chart(profile: &ProfileView, steps: &[Step]) -> Chart {
    let share = |step: &Step| {
        (step.n_events > 0).then(|| (step.n_new as f64 * 1_000.0 / step.n_events as f64).round() / 10.0)
    };
    Chart {
        title: format!("Share of the events of {} whose behaviour was new", profile.id),
        times: steps.iter().map(|step| step.start_ms).collect(),
        lines: vec![Line { name: "new, % of events".to_owned(), values: steps.iter().map(share).collect() }],
        others: Vec::new(),
        band: Vec::new(),
        findings: steps.iter().map(|step| step.n_rare > 0).collect(),
    }
}

fn why_none(profile: &ProfileView) -> &'static str {
    match profile.status.as_str() {
        "learning" => "Nothing is flagged while the profile learns.",
        "incomplete" => {
            "Nothing is flagged while the profile is incomplete: events were lost, or its memory is too small."
        }
        "stale" => "Nothing is flagged after a long time without events, until it has learned again.",
        _ => "Everything in this time was seen before.",
    }
}

fn rare(events: &[Rare], now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "Why" } th scope="col" { "In the fleet" } th scope="col" { "Host" } th scope="col" { "When" } } }
            tbody { @for event in events {
                tr {
                    th scope="row" { code { (event.what) } }
                    td { details { summary { (event.reason) } (why(event)) } }
                    td { @if let Some((is_common, words)) = &event.fleet { @if *is_common { b.normal { "common" } " " } (words) } }
                    td { (event.host.as_deref().unwrap_or_default()) }
                    td { (ago(event.time, now_ms)) " ago" }
                }
            } }
        } }
    }
}

fn why(event: &Rare) -> Markup {
    html! {
        dl {
            dt { "When" } dd { (at(event.time)) }
            @for (part, value, is_new) in &event.parts { dt { code { (part) } } dd { (value) @if *is_new { " " b.bad { "new" } } } }
            @if !event.ancestors.is_empty() { dt { "Started by" } dd { (event.ancestors.join(" ← ")) } }
            dt { "Seen before" } dd { @if event.seen == 0 { "never" } @else if event.seen == 1 { "once" } @else { (event.seen) " times" } }
            dt { "Rarity" } dd { (number(event.rarity_bits)) " bits: one in " (number(event.rarity_bits.exp2().round())) " events" }
        }
    }
}

fn common(behaviours: &[BehaviourView]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Behaviour" } th.n scope="col" { "Seen" } } }
            tbody { @for row in behaviours {
                tr {
                    th scope="row" { code { (row.behaviour) } }
                    td.n { @if row.at_least == row.at_most { (row.at_most) } @else { (row.at_least) " to " (row.at_most) } }
                }
            } }
        } }
    }
}

fn no_hosts(id: &str) -> Markup {
    html! {
        p.empty { "No host tells what it saw. On a host, learn by the terms of this profile, and go on telling:" }
        pre tabindex="0" { "lanner profile learn --fleet " (id) " --out host.profile falco.json\nlanner profile watch host.profile --fleet " (id) " --follow --save 10m falco.json" }
    }
}

fn hosts(hosts: &[ProfileHostView], now_ms: i64) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Host" } th scope="col" { "State" } th.n scope="col" { "Behaviours" } th.n scope="col" { "Events" } th.n scope="col" { "New, of late" } th scope="col" { "Heard" } } }
            tbody { @for host in hosts {
                tr {
                    th scope="row" { (host.host) }
                    td { (host.status) }
                    td.n { (host.behaviours) }
                    td.n { (host.events) }
                    td.n { (percent(host.novelty_rate)) }
                    td { (ago(host.heard, now_ms)) " ago" }
                }
            } }
        } }
    }
}
