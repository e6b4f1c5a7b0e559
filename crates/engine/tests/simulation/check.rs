//! What must hold of a run, worked out apart from the engine: which windows were walked, what was measured
//! in each, that replay gives the same, and who was told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lanner_core::time::{DAY_MS, format_time};
use lanner_core::{AlertState, Evaluation, Group, Labels, Outcome, TimeRange};
use lanner_engine::replay;
use lanner_engine::source::{Gaps, Recorded, Source};
use lanner_engine::{Answer, Due, Engine, Rule, SourceError};

use crate::live::Lived;
use crate::store::Entry;
use crate::wall_clock::WallClock;
use crate::world::{RuleSpec, STREAM, What, World};

/// Until which window's end a rule's evaluations can be compared with a replay.
pub(crate) type Comparable = BTreeMap<String, i64>;

pub(crate) fn evaluations(lived: &Lived) -> impl Iterator<Item = &Evaluation> {
    lived.store.log.iter().filter_map(|entry| match entry {
        Entry::Evaluated(_, evaluation) => Some(evaluation),
        _ => None,
    })
}

/// Windows in which ten groups or more of a rule fire.
pub(crate) fn n_storms(lived: &Lived) -> usize {
    let mut firing: BTreeMap<(&str, TimeRange), usize> = BTreeMap::new();
    for evaluation in evaluations(lived).filter(|e| e.state == AlertState::Firing) {
        *firing.entry((&evaluation.rule, evaluation.window)).or_default() += 1;
    }
    firing.values().filter(|n| **n >= 10).count()
}

/// Evaluations for which a detector that learns said what it expects.
pub(crate) fn n_learned(world: &World, lived: &Lived) -> usize {
    let learns = |rule: &str| world.rules.iter().any(|spec| spec.id == rule && spec.generation_ms.is_some());
    evaluations(lived).filter(|e| e.base.is_some() && learns(&e.rule)).count()
}

pub(crate) fn wall_clock(world: &World, zone: Option<&str>) -> WallClock {
    WallClock::new(zone, world.data_from_ms - 30 * DAY_MS, world.end_ms + 2 * DAY_MS)
}

/// Every window that the schedule promises was walked, in order; but for those that lay too far back.
pub(crate) fn windows(world: &World, lived: &Lived) -> Result<Comparable, String> {
    let mut comparable = Comparable::new();
    for (at, spec) in world.rules.iter().enumerate() {
        let rule = Rule::from_json(&spec.document, 1).map_err(|problems| problems.to_string())?;
        let last_end_ms = world.end_ms - spec.delay_ms - rule.spread_ms(world.rules.len());
        let mut promised = wall_clock(world, spec.zone).windows(spec, world.start_ms, last_end_ms);
        // What ended while the server was away waits for late data from its return on.
        let due_ms = |window: TimeRange| {
            let from_ms = if spec.delay_ms == 0 { window.end_ms } else { heard_from_ms(lived, window) };
            from_ms + spec.delay_ms + rule.spread_ms(world.rules.len())
        };
        promised.retain(|window| due_ms(*window) <= world.end_ms);
        let mut of_rule = evaluations(lived).filter(|evaluation| *evaluation.rule == *spec.id);
        if let Some(early) = of_rule.find(|e| e.evaluated_ms < due_ms(e.window)) {
            return Err(format!("{} {} was evaluated too early", spec.id, shown(early.window)));
        }
        let none = Vec::new();
        let walked = lived.store.walked.get(spec.id.as_str()).unwrap_or(&none);
        if at >= lived.n_rules {
            let last_ms = walked.last().map_or(0, |window| window.end_ms);
            promised.retain(|window| window.end_ms <= last_ms);
        }
        let skipped_before_ms = lived
            .skips
            .iter()
            .filter(|skip| *skip.rule == *spec.id)
            .map(|skip| skip.now_ms - spec.max_catchup_ms)
            .max();
        let mut until_ms = i64::MAX;
        let mut rest = walked.iter().peekable();
        for window in &promised {
            if rest.next_if_eq(&window).is_some() || (!spec.walks_gaps && ends_in_a_gap(lived, *window)) {
                continue;
            }
            if skipped_before_ms.is_none_or(|before_ms| window.end_ms >= before_ms) {
                return Err(format!("{} {} was not walked", spec.id, shown(*window)));
            }
            until_ms = until_ms.min(window.end_ms - 1);
        }
        if let Some(window) = rest.next() {
            return Err(format!("{} {} was walked, but not promised", spec.id, shown(*window)));
        }
        comparable.insert(spec.id.clone(), until_ms);
    }
    Ok(comparable)
}

/// Whether the server was away when `window` ended, so that a rule need not walk it.
fn ends_in_a_gap(lived: &Lived, window: TimeRange) -> bool {
    lived.gaps.iter().any(|gap| gap.start_ms < window.end_ms && window.end_ms <= gap.end_ms)
}

/// When the server was there after `window` ended. Of two gaps that touch, the second goes on where the first ends.
fn heard_from_ms(lived: &Lived, window: TimeRange) -> i64 {
    let ends_in_it = |gap: &&TimeRange| gap.start_ms < window.end_ms && window.end_ms <= gap.end_ms;
    let Some(gap) = lived.gaps.iter().find(ends_in_it) else { return window.end_ms };
    let next = |back_ms: &i64| lived.gaps.iter().find(|gap| gap.start_ms == *back_ms).map(|gap| gap.end_ms);
    std::iter::successors(Some(gap.end_ms), next).last().unwrap_or(gap.end_ms)
}

/// Milliseconds of `window` in which the server was away.
fn missed_ms(lived: &Lived, window: TimeRange) -> i64 {
    let inside = |gap: &TimeRange| gap.end_ms.min(window.end_ms) - gap.start_ms.max(window.start_ms);
    lived.gaps.iter().map(|gap| inside(gap).max(0)).sum()
}

fn shown(window: TimeRange) -> String {
    format!("[{}, {})", format_time(window.start_ms), format_time(window.end_ms))
}

/// What was measured is what the recorded events and samples come to.
pub(crate) fn values(world: &World, lived: &Lived) -> Result<(), String> {
    for spec in &world.rules {
        let clock = wall_clock(world, spec.zone);
        let numbers = Numbers::of(spec, world, lived);
        for evaluation in evaluations(lived).filter(|evaluation| *evaluation.rule == *spec.id) {
            let Evaluation { group, window, outcome, .. } = evaluation;
            let nobody = *group == Group::Unknown;
            if *outcome == Outcome::Error || nobody {
                continue;
            }
            let numbers =
                Numbers { n_recorded: lived.reads[&(evaluation.rule.clone(), *window)].1, ..numbers.clone() };
            let value = numbers.value(group, *window);
            if !numbers.knows(*window, value) {
                let grows = ["count", "distinct", "max"].contains(&spec.measure);
                let seen = value.filter(|_| numbers.is_heard(value));
                let may_be = *outcome == Outcome::Unknown || (*outcome == Outcome::Breach && grows);
                if !may_be || !spec.agrees(evaluation.value, seen) {
                    let found = (*outcome, evaluation.value);
                    return Err(format!(
                        "{} {group} {}: {found:?} of what was missed",
                        spec.id,
                        shown(*window)
                    ));
                }
                continue;
            }
            let base = value.and_then(|_| numbers.base(&clock, group, *window));
            // What a detector expects is held against a replay.
            let is_base_odd = spec.generation_ms.is_none() && !spec.agrees(evaluation.base, base);
            if *outcome == Outcome::Unknown || !spec.agrees(evaluation.value, value) || is_base_odd {
                let found = (evaluation.value, evaluation.base);
                return Err(format!(
                    "{} {group} {}: measured {found:?}, should be {:?}",
                    spec.id,
                    shown(*window),
                    (value, base)
                ));
            }
        }
    }
    Ok(())
}

impl RuleSpec {
    /// Whether a measured number is what it should be; quantiles of more than 256 values are estimates.
    fn agrees(&self, measured: Option<f64>, expected: Option<f64>) -> bool {
        match (measured, expected) {
            (Some(a), Some(b)) if self.measure == "p50" => (a - b).abs() <= 0.0101 * b.abs(),
            _ => measured == expected,
        }
    }
}

/// What a rule measures: group, time, number, and its place in the record, in order of time.
#[derive(Clone)]
struct Numbers<'w> {
    spec: &'w RuleSpec,
    lived: &'w Lived,
    of: Arc<Vec<(Group, i64, f64, usize)>>,
    /// By place in the record: the earliest time up to there.
    first_ms: Arc<Vec<Option<i64>>>,
    /// How much of the record was there.
    n_recorded: usize,
}

impl<'w> Numbers<'w> {
    fn of(spec: &'w RuleSpec, world: &World, lived: &'w Lived) -> Self {
        let mut of = Vec::new();
        let (mut first_ms, mut firsts): (Option<i64>, _) = (None, vec![None]);
        for (place, item) in lived.record.iter().map(|at| &world.items[*at]).enumerate() {
            let is_read = matches!(item.what, What::Event(_)) == spec.on_stream;
            if is_read {
                first_ms = Some(first_ms.map_or(item.time_ms, |ms| ms.min(item.time_ms)));
            }
            firsts.push(first_ms);
            let (group, number) = match &item.what {
                What::Event(fields) if spec.on_stream => {
                    if spec.only_ok && fields["status"] != "ok" {
                        continue;
                    }
                    let field = if spec.measure == "distinct" { "user" } else { "amount" };
                    (
                        fields.get("bank").and_then(serde_json::Value::as_str).unwrap_or("").to_owned(),
                        fields[field].as_f64().unwrap_or(0.0),
                    )
                }
                What::Sample(key, sample) if !spec.on_stream => {
                    (key.labels.get("host").unwrap_or("").to_owned(), sample.value)
                }
                _ => continue,
            };
            let by: Vec<String> = spec.grouped.then(|| spec.group_name().to_owned()).into_iter().collect();
            let group = Group::of(&by, Labels::new([(spec.group_name(), group)]));
            of.push((group, item.time_ms, number, place));
        }
        of.sort_by_key(|(_, time_ms, ..)| *time_ms);
        Self { spec, lived, of: Arc::new(of), first_ms: Arc::new(firsts), n_recorded: lived.record.len() }
    }

    fn value(&self, group: &Group, window: TimeRange) -> Option<f64> {
        let from = self.of.partition_point(|(_, time_ms, ..)| *time_ms < window.start_ms);
        let to = self.of.partition_point(|(_, time_ms, ..)| *time_ms < window.end_ms);
        let was_there = |(of, .., place): &&(Group, i64, f64, usize)| of == group && *place < self.n_recorded;
        let all: Vec<f64> = self.of[from..to].iter().filter(was_there).map(|(_, _, n, _)| *n).collect();
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        if all.is_empty() {
            return (self.spec.on_stream && ["count", "sum", "distinct"].contains(&self.spec.measure))
                .then_some(0.0);
        }
        let n = all.len() as f64;
        Some(match self.spec.measure {
            "count" => n,
            "sum" => all.iter().sum(),
            "avg" => all.iter().sum::<f64>() / n,
            "min" => sorted[0],
            "max" => sorted[sorted.len() - 1],
            "last" => all[all.len() - 1],
            "p50" => sorted[(sorted.len() - 1) / 2],
            _ => {
                sorted.dedup();
                sorted.len() as f64
            }
        })
    }

    /// Whether something came into the window after so much was recorded.
    fn has_later(&self, window: TimeRange, n_recorded: usize) -> bool {
        let from = self.of.partition_point(|(_, time_ms, ..)| *time_ms < window.start_ms);
        let to = self.of.partition_point(|(_, time_ms, ..)| *time_ms < window.end_ms);
        self.of[from..to].iter().any(|(.., place)| *place >= n_recorded)
    }

    fn is_total(&self) -> bool {
        ["count", "sum", "distinct"].contains(&self.spec.measure)
    }

    /// Whether anything says that somebody sent something.
    fn is_heard(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| value != 0.0 || !(self.spec.on_stream && self.is_total()))
    }

    /// Whether it can be said what a window came to: as much was received as was sent, as far as anybody knows.
    fn knows(&self, window: TimeRange, value: Option<f64>) -> bool {
        let missed_ms = missed_ms(self.lived, window);
        let whole = missed_ms == window.length_ms();
        missed_ms * 100 <= window.length_ms() || (self.is_heard(value) && (whole || !self.is_total()))
    }

    /// The median of the windows compared with, when at least half of them can be compared with.
    fn base(&self, clock: &WallClock, group: &Group, window: TimeRange) -> Option<f64> {
        let (shift, count) = self.spec.baselines?;
        let value = |at: i64| {
            let start_ms = clock.before(window.start_ms, shift, at)?;
            self.first_ms[self.n_recorded].filter(|first_ms| start_ms >= *first_ms)?;
            let window = TimeRange::new(start_ms, start_ms + self.spec.window_ms);
            self.value(group, window).filter(|value| self.knows(window, Some(*value)))
        };
        let mut values: Vec<f64> = (1..=count).filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        match values.len() {
            n if n == 0 || (n as i64) * 2 < count => None,
            n if n % 2 == 1 => Some(values[n / 2]),
            n => Some((values[n / 2 - 1] + values[n / 2]) / 2.0),
        }
    }
}

/// A record that fails where the source failed.
struct Failing<'r> {
    record: Recorded,
    failed: &'r BTreeMap<(Arc<str>, TimeRange), String>,
}

impl Source for Failing<'_> {
    fn answer(&mut self, due: &Due) -> Answer {
        match self.failed.get(&(due.rule.id.clone(), due.ask.window)) {
            Some(why) => Err(SourceError::Temporary(why.clone())),
            None => self.record.answer(due),
        }
    }
}

/// Walking the record gives what the run gave, up to the first window that the run passed over.
pub(crate) fn replayed(world: &World, lived: &Lived, comparable: &Comparable) -> Result<(), String> {
    let rules = || world.rules.iter().map(|spec| Rule::from_json(&spec.document, 1).unwrap());
    let read_by: Vec<Rule> = rules().collect();
    let mut record = Recorded::new(&read_by, world.seed);
    for item in lived.record.iter().map(|at| &world.items[*at]) {
        match &item.what {
            What::Event(fields) => record.event(STREAM, item.time_ms, fields),
            What::Sample(key, sample) => record.samples(key.clone(), [*sample]),
        }
    }
    let mut source = Failing { record, failed: &lived.store.failed };
    let mut engine = Engine::new();
    engine.set_gaps(Gaps::new(lived.gaps.clone()));
    engine.set_rules(rules().collect(), world.start_ms);
    let replay = replay::run(&mut engine, &mut source, world.start_ms, world.end_ms, |_| true);
    let live: HashMap<&str, &Evaluation> = evaluations(lived).map(|e| (e.id.as_str(), e)).collect();
    let last =
        |spec: &RuleSpec| lived.store.walked.get(spec.id.as_str()).and_then(|w| w.last()).map(|w| w.end_ms);
    let lasts: BTreeMap<&str, i64> =
        world.rules.iter().map(|s| (s.id.as_str(), last(s).unwrap_or(0))).collect();
    let outdated = Outdated::of(world, lived);
    let mut n_same = 0;
    for evaluation in &replay.evaluations {
        let (id, end_ms) = (&*evaluation.rule, evaluation.window.end_ms);
        if end_ms > comparable[id] || end_ms > lasts[id] {
            continue;
        }
        let found = live.get(evaluation.id.as_str()).map(|e| told_apart(e));
        if !outdated.is_before(evaluation) {
            // What came later moved the alert, but a window that it does not touch was measured alike.
            let measured = |e: &Evaluation| (e.value, e.base, e.score);
            let is_learned = world.rules.iter().any(|spec| spec.id == id && spec.generation_ms.is_some());
            let odd = found.filter(|found| match is_learned {
                true => measured(found) != measured(evaluation),
                false => (found.value, found.base) != (evaluation.value, evaluation.base),
            });
            if let Some(found) = odd.filter(|_| !outdated.touches(evaluation)) {
                return Err(format!("replay measures {evaluation:?}, live {found:?}"));
            }
            continue;
        }
        if found.as_ref() != Some(&told_apart(evaluation)) {
            return Err(format!("replay differs: {:?}, live {found:?}", told_apart(evaluation)));
        }
        n_same += 1;
    }
    let is_compared = |e: &&Evaluation| e.window.end_ms <= comparable[&*e.rule] && outdated.is_before(e);
    let n_live = evaluations(lived).filter(is_compared).count();
    if n_same == n_live {
        Ok(())
    } else {
        Err(format!("live had {n_live} evaluations, replay {n_same} of them"))
    }
}

/// Windows that were judged before everything had come that they, or what they are compared with, hold.
struct Outdated(BTreeMap<Arc<str>, BTreeSet<TimeRange>>);

impl Outdated {
    fn of(world: &World, lived: &Lived) -> Self {
        let mut outdated = Self(BTreeMap::new());
        for spec in &world.rules {
            let clock = wall_clock(world, spec.zone);
            let numbers = Numbers::of(spec, world, lived);
            let reads = lived.reads.iter().filter(|((rule, _), _)| **rule == *spec.id);
            for ((rule, window), (n_planned, n_recorded)) in reads {
                let before = |at: i64| {
                    let start_ms = clock.before(window.start_ms, spec.baselines?.0, at)?;
                    Some(TimeRange::new(start_ms, start_ms + spec.window_ms))
                };
                let mut baselines = (1..=spec.baselines.map_or(0, |(_, count)| count)).filter_map(before);
                let began_earlier = spec.baselines.is_some()
                    && numbers.first_ms[*n_recorded] != numbers.first_ms[lived.record.len()];
                let has_later = |window: TimeRange| numbers.has_later(window, *n_recorded);
                // What was learned is corrected when the next window is planned.
                let learned_later = spec.generation_ms.is_some_and(|generation_ms| {
                    let from_ms = (window.start_ms.div_euclid(generation_ms) - 1) * generation_ms;
                    numbers.has_later(TimeRange::new(from_ms - spec.window_ms, window.end_ms), *n_planned)
                });
                if began_earlier || has_later(*window) || baselines.any(has_later) || learned_later {
                    outdated.0.entry(rule.clone()).or_default().insert(*window);
                }
            }
        }
        outdated
    }

    fn touches(&self, evaluation: &Evaluation) -> bool {
        self.0.get(&evaluation.rule).is_some_and(|windows| windows.contains(&evaluation.window))
    }

    /// Whether no window of the rule was outdated up to this one.
    fn is_before(&self, evaluation: &Evaluation) -> bool {
        let first = self.0.get(&evaluation.rule).and_then(|windows| windows.iter().map(|w| w.end_ms).min());
        first.is_none_or(|first_ms| evaluation.window.end_ms < first_ms)
    }
}

/// An evaluation, less when it was made.
fn told_apart(evaluation: &Evaluation) -> Evaluation {
    Evaluation { evaluated_ms: 0, late: false, ..evaluation.clone() }
}
