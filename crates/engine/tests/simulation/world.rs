//! What a seed stands for: rules, who is notified, what happens outside, and when the server is killed.

use std::collections::BTreeSet;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_duration, format_time, parse_time_ms};
use lanner_core::{Labels, MatchOp, Matcher, Sample, SeriesKey, Silence, TimeRange};
use lanner_engine::matcher::Matchers;
use lanner_engine::notify::{Inhibition, Route};
use serde_json::{Map, Value, json};

use crate::chance::Chance;

/// Clock changes that most seeds live through.
const CHANGES: [(&str, &str); 6] = [
    ("Europe/Berlin", "2026-03-29T01:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
];
const EVERY_MINUTES: [i64; 15] = [5, 7, 10, 15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 360, 720];
const NAMES: [&str; 3] = ["a", "b", "c"];
pub(crate) const STREAM: &str = "payments";
pub(crate) const SERIES: &str = "queue";

/// A distance back, as the oracle computes it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shift {
    Minutes(i64),
    Days(i64),
}

/// The part of the day in which a rule is evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveSpec {
    pub(crate) from_ms: i64,
    pub(crate) length_ms: i64,
    /// Monday first.
    pub(crate) days: [bool; 7],
    pub(crate) ends_inside: bool,
}

/// A rule as the oracles see it, beside the document that the engine reads.
#[derive(Debug)]
pub(crate) struct RuleSpec {
    pub(crate) id: String,
    pub(crate) document: Value,
    /// On events, or else on samples.
    pub(crate) on_stream: bool,
    pub(crate) measure: &'static str,
    pub(crate) only_ok: bool,
    pub(crate) grouped: bool,
    pub(crate) window_ms: i64,
    pub(crate) every_ms: i64,
    pub(crate) delay_ms: i64,
    pub(crate) max_catchup_ms: i64,
    /// Whether windows in the server's own downtime are walked.
    pub(crate) walks_gaps: bool,
    pub(crate) zone: Option<&'static str>,
    pub(crate) active: Option<ActiveSpec>,
    pub(crate) valid: Option<TimeRange>,
    pub(crate) baselines: Option<(Shift, i64)>,
    /// How long a generation is of what it learns, if it does.
    pub(crate) generation_ms: Option<i64>,
    pub(crate) severity: &'static str,
    pub(crate) receivers: Vec<&'static str>,
}

impl RuleSpec {
    /// The field or label by which a grouped rule groups.
    pub(crate) fn group_name(&self) -> &'static str {
        if self.on_stream { "bank" } else { "host" }
    }

    pub(crate) fn labels(&self, group: &Labels) -> Labels {
        Labels::new([("severity", self.severity), ("rule", &self.id)]).with(group)
    }
}

/// An event or a sample on its way.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) time_ms: i64,
    pub(crate) arrives_ms: i64,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Event(Map<String, Value>),
    Sample(SeriesKey, Sample),
}

/// What kills the server. Counts begin at its start.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    Time(i64),
    /// The turn is over, but nothing of it was written.
    BeforeCommit(i64),
    AfterCommit(i64),
    AfterRead(i64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Crash {
    pub(crate) trigger: Trigger,
    pub(crate) down_ms: i64,
    /// How far the server's clock is behind after the restart.
    pub(crate) behind_ms: i64,
    /// Whether what was sent meanwhile is delivered at the restart; lost otherwise.
    pub(crate) held: bool,
    /// Whether the last rule is gone after the restart.
    pub(crate) drops_rule: bool,
}

/// A silence, and when it is made and taken back.
#[derive(Debug)]
pub(crate) struct SilenceSpec {
    pub(crate) silence: Silence,
    pub(crate) made_ms: i64,
    pub(crate) taken_back_ms: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct InhibitSpec {
    pub(crate) source: (&'static str, String),
    pub(crate) target: (&'static str, String),
    pub(crate) equal: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) data_from_ms: i64,
    pub(crate) rules: Vec<RuleSpec>,
    pub(crate) routes: Vec<Route>,
    pub(crate) inhibit: Vec<InhibitSpec>,
    pub(crate) silences: Vec<SilenceSpec>,
    /// In order of arrival.
    pub(crate) items: Vec<Item>,
    pub(crate) crashes: Vec<Crash>,
    /// When a receiver refuses what it is sent, by its name.
    pub(crate) refusals: Vec<(&'static str, TimeRange)>,
    /// In how many of a hundred readings a source fails.
    pub(crate) error_percent: i64,
}

impl World {
    pub(crate) fn of(seed: u64) -> Self {
        let chance = &mut Chance::new(seed);
        let (zone, span) = span(chance);
        let TimeRange { start_ms, end_ms } = span;
        let n_rules = chance.within(1, 4);
        let rules: Vec<RuleSpec> = (0..n_rules).map(|at| rule(chance, at, zone, span)).collect();
        let reach_ms = rules.iter().map(reach_ms).max().unwrap_or(0);
        let data_from_ms = start_ms - if chance.percent(70) { reach_ms } else { chance.within(0, reach_ms) };
        let items = items(chance, &rules, TimeRange::new(data_from_ms, end_ms));
        Self {
            seed,
            start_ms,
            end_ms,
            data_from_ms,
            routes: vec![route(chance, "pager"), route(chance, "chat")],
            inhibit: inhibitions(chance),
            silences: (0..chance.within(-2, 3)).map(|at| silence(chance, at, span)).collect(),
            crashes: (0..chance.within(0, 4)).map(|_| crash(chance, span)).collect(),
            refusals: (0..chance.within(-1, 2)).map(|_| refusal(chance, span)).collect(),
            error_percent: chance.pick(&[0, 0, 0, 3, 25]),
            items,
            rules,
        }
    }

    /// One rule and a time over which to walk it.
    pub(crate) fn schedule_of(seed: u64) -> (RuleSpec, TimeRange) {
        let chance = &mut Chance::new(seed);
        let (zone, span) = span(chance);
        (rule(chance, 0, zone, span), span)
    }

    pub(crate) fn inhibitions(&self) -> Vec<Inhibition> {
        let matchers = |(label, value): &(&str, String)| {
            let matcher = Matcher { label: (*label).to_owned(), op: MatchOp::Equal, value: value.clone() };
            Matchers::compile(&[matcher]).unwrap()
        };
        let compile = |spec: &InhibitSpec| Inhibition {
            source: matchers(&spec.source),
            target: matchers(&spec.target),
            equal: spec.equal.clone(),
        };
        self.inhibit.iter().map(compile).collect()
    }

    /// The scenario in a few lines.
    pub(crate) fn story(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "from {} to {}, data from {}, {} items, errors {} %",
            format_time(self.start_ms),
            format_time(self.end_ms),
            format_time(self.data_from_ms),
            self.items.len(),
            self.error_percent
        )];
        lines.extend(self.rules.iter().map(|rule| rule.document.to_string()));
        lines.extend(self.routes.iter().map(|route| format!("{route:?}")));
        lines.extend(self.inhibit.iter().map(|inhibit| format!("{inhibit:?}")));
        lines.extend(self.silences.iter().map(|silence| format!("{silence:?}")));
        lines.extend(self.crashes.iter().map(|crash| format!("{crash:?}")));
        lines.extend(self.refusals.iter().map(|(name, span)| {
            format!("{name} refuses from {} to {}", format_time(span.start_ms), format_time(span.end_ms))
        }));
        lines
    }
}

/// A time zone, and some time around one of its clock changes, mostly.
fn span(chance: &mut Chance) -> (&'static str, TimeRange) {
    let span_ms = chance.pick(&[8, 12, 24, 36, 60, 96]) * HOUR_MS;
    let (zone, change) = chance.pick(&CHANGES);
    let change_ms = parse_time_ms(change).unwrap();
    let start_ms = if chance.percent(75) {
        change_ms - chance.within(0, span_ms)
    } else {
        change_ms + chance.within(-100, 100) * DAY_MS + chance.within(0, DAY_MS)
    };
    (zone, TimeRange::new(start_ms, start_ms + span_ms))
}

/// How far back of `start_ms` a rule may look, generously.
fn reach_ms(rule: &RuleSpec) -> i64 {
    let back_ms = rule.baselines.map_or(0, |(shift, count)| match shift {
        Shift::Minutes(minutes) => minutes * MINUTE_MS * count,
        Shift::Days(days) => days * DAY_MS * count + 2 * HOUR_MS,
    });
    rule.window_ms + back_ms + 2 * rule.generation_ms.unwrap_or(0)
}

fn rule(chance: &mut Chance, at: i64, zone: &'static str, span: TimeRange) -> RuleSpec {
    let fitting: Vec<i64> = EVERY_MINUTES
        .into_iter()
        .filter(|minutes| (4..=60).contains(&(span.length_ms() / (minutes * MINUTE_MS))))
        .collect();
    let every = chance.pick(&fitting);
    let window = chance.pick(&[every, every, every * 2, every * 3, (every / 2).max(1)]);
    let on_stream = chance.percent(65);
    let measures = ["count", "count", "sum", "avg", "min", "max", "last", "p50", "distinct"];
    let measure = chance.pick(if on_stream { &measures } else { &measures[..8] });
    let mut rule = RuleSpec {
        id: format!("r{at}"),
        document: Value::Null,
        on_stream,
        measure,
        only_ok: on_stream && chance.percent(30),
        grouped: chance.percent(60),
        window_ms: window * MINUTE_MS,
        every_ms: every * MINUTE_MS,
        delay_ms: chance.pick(&[0, 0, 10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS, 12_345]),
        max_catchup_ms: if chance.percent(25) { chance.within(1, 4) * HOUR_MS } else { DAY_MS },
        walks_gaps: true,
        zone: chance.percent(60).then_some(zone),
        active: None,
        valid: None,
        baselines: None,
        generation_ms: None,
        severity: chance.pick(&["page", "ticket"]),
        receivers: match chance.within(0, 5) {
            0 => vec![],
            1 => vec!["chat"],
            2 => vec!["pager", "chat"],
            _ => vec!["pager"],
        },
    };
    rule.document = document(chance, &mut rule, span);
    rule
}

fn document(chance: &mut Chance, rule: &mut RuleSpec, span: TimeRange) -> Value {
    let mut document = json!({
        "id": rule.id, "query": query(rule), "labels": { "severity": rule.severity },
        "window": format_duration(rule.window_ms), "every": format_duration(rule.every_ms),
        "delay": format_duration(rule.delay_ms), "max_catchup": format_duration(rule.max_catchup_ms),
        "receivers": rule.receivers,
        "for": chance.pick(&[1, 1, 2, 3]), "recover_for": chance.pick(&[1, 1, 2, 3]),
    });
    if rule.max_catchup_ms == DAY_MS && chance.percent(50) {
        document.as_object_mut().unwrap().remove("max_catchup");
        rule.walks_gaps = false;
    }
    if chance.percent(40) {
        document["active"] = active(chance, rule);
    }
    if let Some(zone) = rule.zone {
        document["tz"] = json!(zone);
    }
    if chance.percent(10) {
        let from_ms = span.start_ms + chance.within(-2, 6) * HOUR_MS;
        let valid = TimeRange::new(from_ms, from_ms + chance.within(2, 40) * HOUR_MS);
        document["valid"] = json!({ "from": format_time(valid.start_ms), "to": format_time(valid.end_ms) });
        rule.valid = Some(valid);
    }
    for name in ["no_data", "error", "base_zero", "base_missing", "history_short", "unknown"] {
        if chance.percent(50) {
            let others: &[&str] = if name == "error" { &["wait"] } else { &[] };
            document[name] = json!(chance.pick(&[&["alert", "keep", "ok"], others].concat()));
        }
    }
    if chance.percent(30) {
        document["forget"] = json!(format_duration(rule.every_ms * chance.within(2, 12)));
    }
    let level = chance.within(1, 60);
    if chance.percent(12) && DAY_MS % rule.every_ms == 0 {
        let (season, seasons) = (chance.within(2, 4), chance.within(2, 3));
        document["holt_winters"] = json!({
            "season": format_duration(season * rule.every_ms), "seasons": seasons,
            "width": chance.pick(&[1, 3]), "min_width": chance.within(1, 10),
        });
        rule.generation_ms = Some(season * seasons * rule.every_ms);
    } else if chance.percent(55) {
        document["absolute"] = match chance.within(0, 3) {
            0 => json!({ "min": level }),
            1 => json!({ "max": level }),
            2 => json!({ "min": level / 2, "max": level * 3 }),
            _ => json!({ "min": level, "recover_at": { "min": level + chance.within(0, 10) } }),
        };
    } else {
        document["relative"] = relative(chance, rule);
    }
    document
}

fn query(rule: &RuleSpec) -> Value {
    let mut query = if rule.on_stream {
        let measure = match rule.measure {
            "count" => "count".to_owned(),
            "distinct" => "distinct(user)".to_owned(),
            other => format!("{other}(amount)"),
        };
        json!({ "stream": STREAM, "measure": measure })
    } else {
        json!({ "series": SERIES, "measure": rule.measure })
    };
    if rule.only_ok {
        query["where"] = json!(r#"status == "ok""#);
    }
    if rule.grouped {
        query["by"] = json!([rule.group_name()]);
    }
    query
}

fn active(chance: &mut Chance, rule: &mut RuleSpec) -> Value {
    // Clocks change in the small hours.
    let from_ms =
        if chance.percent(40) { chance.within(4, 14) } else { chance.within(0, 95) } * 15 * MINUTE_MS;
    let ends_inside = chance.percent(70) && rule.window_ms <= DAY_MS;
    let least = if ends_inside { rule.window_ms / (15 * MINUTE_MS) + 1 } else { 1 };
    let length_ms = if chance.percent(30) { 96 } else { chance.within(least.min(96), 96) } * 15 * MINUTE_MS;
    let to_ms = (from_ms + length_ms) % DAY_MS;
    let (days, mask) = chance.pick(&[
        ("daily", [true; 7]),
        ("daily", [true; 7]),
        ("mon-fri", [true, true, true, true, true, false, false]),
        ("sat,sun", [false, false, false, false, false, true, true]),
        ("fri-mon", [true, false, false, false, true, true, true]),
    ]);
    rule.active = Some(ActiveSpec { from_ms, length_ms, days: mask, ends_inside });
    let clock = |ms: i64| format!("{:02}:{:02}", ms / HOUR_MS, ms / MINUTE_MS % 60);
    let edge = if ends_inside { "end" } else { "start" };
    json!({ "from": clock(from_ms), "to": clock(to_ms), "days": days, "edge": edge })
}

fn relative(chance: &mut Chance, rule: &mut RuleSpec) -> Value {
    let (text, shift) = chance.pick(&[
        ("1h", Shift::Minutes(60)),
        ("90m", Shift::Minutes(90)),
        ("6h", Shift::Minutes(360)),
        ("1d", Shift::Days(1)),
        ("1d", Shift::Days(1)),
        ("1w", Shift::Days(7)),
    ]);
    let count = if text == "1w" { 1 } else { chance.pick(&[1, 1, 2, 3]) };
    rule.baselines = Some((shift, count));
    let mut relative = json!({ "to": text, "median_of": count });
    relative[chance.pick(&["drop", "rise", "change"])] = json!(chance.within(5, 60));
    if chance.percent(30) {
        relative["min_base"] = json!(chance.within(1, 10));
    }
    if chance.percent(20) {
        relative["recover_at"] = json!(4);
    }
    relative
}

fn route(chance: &mut Chance, name: &str) -> Route {
    Route {
        group_by: match chance.within(0, 3) {
            0 => vec![],
            1 => vec!["severity".to_owned()],
            2 => vec!["bank".to_owned(), "host".to_owned()],
            _ => vec!["rule".to_owned()],
        },
        group_wait_ms: chance.pick(&[0, 5, 30, 300]) * SECOND_MS,
        group_interval_ms: chance.pick(&[0, 60, 600, 3_600]) * SECOND_MS,
        repeat_ms: chance.percent(60).then(|| chance.within(1, 8) * 30 * MINUTE_MS),
        send_resolved: chance.percent(85),
        ..Route::new(name)
    }
}

/// A label that some alerts have, with a value that some of those have.
fn trait_of_alerts(chance: &mut Chance) -> (&'static str, String) {
    let name = chance.pick(&["severity", "severity", "rule", "bank", "host"]);
    let value = match name {
        "severity" => chance.pick(&["page", "ticket"]),
        "rule" => chance.pick(&["r0", "r1"]),
        _ => chance.pick(&NAMES),
    };
    (name, value.to_owned())
}

/// None, one, or two; some hold back what holds them back.
fn inhibitions(chance: &mut Chance) -> Vec<InhibitSpec> {
    let mut drawn = || {
        let equal = chance.pick(&[&[][..], &["bank"], &["severity"]]).iter();
        let equal = equal.map(|name| (*name).to_owned()).collect();
        let (source, target) = (trait_of_alerts(chance), trait_of_alerts(chance));
        let target = if chance.percent(25) { source.clone() } else { target };
        InhibitSpec { source, target, equal }
    };
    let first = drawn();
    let other = match drawn() {
        _ if chance.percent(50) => {
            let InhibitSpec { source, target, equal } = first.clone();
            InhibitSpec { source: target, target: source, equal }
        }
        other => other,
    };
    let n = chance.pick(&[0, 0, 0, 1, 1, 2]);
    [first, other].into_iter().take(n).collect()
}

/// A receiver, and a time in which it refuses everything.
fn refusal(chance: &mut Chance, span: TimeRange) -> (&'static str, TimeRange) {
    let start_ms = chance.within(span.start_ms, span.end_ms);
    let end_ms = start_ms + chance.pick(&[1, 10, 60, 300]) * MINUTE_MS;
    (chance.pick(&["pager", "pager", "chat"]), TimeRange::new(start_ms, end_ms.min(span.end_ms)))
}

fn silence(chance: &mut Chance, at: i64, span: TimeRange) -> SilenceSpec {
    let made_ms = chance.within(span.start_ms, span.end_ms);
    let start_ms = made_ms + chance.pick(&[0, 0, 10, 90]) * MINUTE_MS;
    let end_ms = start_ms + chance.within(1, 360) * MINUTE_MS;
    let (label, value) = trait_of_alerts(chance);
    let op = if chance.percent(80) { MatchOp::Equal } else { MatchOp::NotEqual };
    let silence = Silence {
        id: format!("{at:016x}"),
        matchers: vec![Matcher { label: label.to_owned(), op, value }],
        start_ms,
        end_ms: end_ms.min(span.end_ms),
        every: lanner_core::TimeIntervals::default(),
        author: "ann".into(),
        comment: String::new(),
        created_ms: made_ms,
    };
    let early = chance.percent(30);
    SilenceSpec {
        silence,
        made_ms,
        taken_back_ms: if early { chance.within(made_ms, end_ms) } else { i64::MAX },
    }
}

fn crash(chance: &mut Chance, span: TimeRange) -> Crash {
    let trigger = match chance.within(0, 3) {
        0 => Trigger::Time(chance.within(span.start_ms, span.end_ms)),
        1 => Trigger::BeforeCommit(chance.within(1, 120)),
        2 => Trigger::AfterCommit(chance.within(1, 120)),
        _ => Trigger::AfterRead(chance.within(1, 60)),
    };
    let down_ms = match chance.within(0, 3) {
        0 => chance.within(1, 300) * SECOND_MS,
        1 => chance.within(1, 60) * MINUTE_MS,
        _ => chance.within(1, 10) * HOUR_MS,
    };
    Crash {
        trigger,
        down_ms,
        behind_ms: if chance.percent(30) { chance.within(1, 600) * SECOND_MS } else { 0 },
        held: chance.percent(60),
        drops_rule: chance.percent(8),
    }
}

/// Events and samples of a few groups, each through good and bad times, in order of arrival.
fn items(chance: &mut Chance, rules: &[RuleSpec], span: TimeRange) -> Vec<Item> {
    let mut items = Vec::new();
    let (late_percent, latest_ms) = (chance.pick(&[0, 3, 3, 15]), chance.pick(&[1, 4, 30]) * HOUR_MS);
    for on_stream in [true, false] {
        let readers = || rules.iter().filter(|rule| rule.on_stream == on_stream);
        let Some(least_delay_ms) = readers().map(|rule| rule.delay_ms).min() else { continue };
        let n_groups = chance.within(1, 3);
        let mut names = NAMES;
        if chance.percent(30) {
            names[0] = ""; // does not say whose it is
        }
        for (at, name) in names.iter().enumerate().take(n_groups as usize) {
            let times = times(chance, span, span.length_ms() * n_groups / 350);
            for (time_ms, level) in times {
                // No two at the same instant: which of them is the last would depend on their arrival.
                let time_ms = time_ms * 3 + at as i64;
                let late_ms = if chance.percent(late_percent) {
                    least_delay_ms + chance.within(1, latest_ms)
                } else {
                    chance.within(0, least_delay_ms)
                };
                let what =
                    if on_stream { event(chance, name, level) } else { sample(chance, name, level, time_ms) };
                items.push(Item { time_ms, arrives_ms: time_ms + late_ms, what });
            }
        }
    }
    if chance.percent(8) {
        storm(chance, rules, span, &mut items);
    }
    items.sort_by_key(|item| (item.arrives_ms, item.time_ms));
    items
}

/// Many groups that are heard of once, all at about the same time; fewer than one message lists.
fn storm(chance: &mut Chance, rules: &[RuleSpec], span: TimeRange, items: &mut Vec<Item>) {
    let on_stream = rules.iter().any(|rule| rule.on_stream && rule.grouped);
    let begin_ms = chance.within((span.start_ms + span.end_ms) / 2, span.end_ms - HOUR_MS);
    let (n_groups, late_percent) = (chance.within(12, 20), chance.pick(&[0, 20]));
    let mut taken: BTreeSet<i64> = items.iter().map(|item| item.time_ms).collect();
    for group in 0..n_groups {
        let name = format!("s{group}");
        for _ in 0..chance.within(1, 3) {
            let mut time_ms = begin_ms + chance.within(0, 3 * MINUTE_MS);
            while !taken.insert(time_ms) {
                time_ms += 1;
            }
            let late_ms = if chance.percent(late_percent) { chance.within(1, 3 * HOUR_MS) } else { 0 };
            let what = if on_stream { event(chance, &name, 90) } else { sample(chance, &name, 90, time_ms) };
            items.push(Item { time_ms, arrives_ms: time_ms + late_ms, what });
        }
    }
}

/// Times at which one group sends, in thirds of their milliseconds, and its level then; stretches of
/// silence, few, many.
fn times(chance: &mut Chance, span: TimeRange, gap_ms: i64) -> Vec<(i64, i64)> {
    let mut times = Vec::new();
    let (mut at_ms, gap_ms) = (span.start_ms / 3 + 1, gap_ms / 3);
    let span = TimeRange::new(span.start_ms / 3, span.end_ms / 3);
    while at_ms < span.end_ms {
        let until_ms = (at_ms + chance.within(span.length_ms() / 20, span.length_ms() / 4)).min(span.end_ms);
        let (share, level) = chance.pick(&[(0, 0), (20, 10), (100, 30), (100, 30), (100, 60), (250, 30)]);
        while at_ms < until_ms && share > 0 {
            times.push((at_ms, level));
            at_ms += chance.within(1, (2 * gap_ms * 100 / share).max(2));
        }
        at_ms = at_ms.max(until_ms);
    }
    times
}

fn event(chance: &mut Chance, bank: &str, level: i64) -> What {
    let status = if chance.percent(80) { "ok" } else { "failed" };
    let amount = chance.within(0, 2 * level);
    let mut event = json!({ "status": status, "amount": amount, "user": chance.within(1, level) });
    match (bank, chance.within(0, 2)) {
        ("", 0) => {}
        ("", 1) => event["bank"] = Value::Null,
        _ => event["bank"] = json!(bank),
    }
    What::Event(event.as_object().cloned().unwrap_or_default())
}

fn sample(chance: &mut Chance, host: &str, level: i64, time_ms: i64) -> What {
    let key = SeriesKey::new(SERIES, Labels::new([("host", host), ("region", "eu")]));
    What::Sample(key, Sample::new(time_ms, chance.within(0, 2 * level) as f64))
}
