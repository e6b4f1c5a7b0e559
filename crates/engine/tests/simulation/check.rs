//! What must hold of a run, worked out apart from the engine: which windows were walked, what was measured
//! in each, that replay gives the same, and who was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lanner_core::time::{DAY_MS, format_time};
use lanner_core::{Evaluation, Group, Labels, Outcome, TimeRange};
use lanner_engine::replay::{self, Recorded, Source};
use lanner_engine::watch::Gaps;
use lanner_engine::{Answer, Due, Engine, Rule};

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

pub(crate) fn wall_clock(world: &World, zone: Option<&str>) -> WallClock {
    WallClock::new(zone, world.data_from_ms - 30 * DAY_MS, world.end_ms + 2 * DAY_MS)
}

/// Every window that the schedule promises was walked, in order; but for those that lay too far back.
pub(crate) fn windows(world: &World, lived: &Lived) -> Result<Comparable, String> {
    let mut comparable = Comparable::new();
    for (at, spec) in world.rules.iter().enumerate() {
        let rule = Rule::from_json(&spec.document, 1).map_err(|problems| problems.to_string())?;
        let last_end_ms = world.end_ms - spec.delay_ms - rule.spread_ms();
        let mut promised = wall_clock(world, spec.zone).windows(spec, world.start_ms, last_end_ms);
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
            if *outcome == Outcome::Unknown
                || !spec.agrees(evaluation.value, value)
                || !spec.agrees(evaluation.base, base)
            {
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

/// What a rule measures: group, time, and number, in order of time.
struct Numbers<'w> {
    spec: &'w RuleSpec,
    lived: &'w Lived,
    of: Vec<(Group, i64, f64)>,
    first_ms: Option<i64>,
}

impl<'w> Numbers<'w> {
    fn of(spec: &'w RuleSpec, world: &World, lived: &'w Lived) -> Self {
        let items = || lived.record.iter().map(|at| &world.items[*at]);
        let mut of = Vec::new();
        let mut first_ms: Option<i64> = None;
        for item in items() {
            let (group, number) = match &item.what {
                What::Event(fields) if spec.on_stream => {
                    first_ms = Some(first_ms.map_or(item.time_ms, |ms| ms.min(item.time_ms)));
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
                    first_ms = Some(first_ms.map_or(item.time_ms, |ms| ms.min(item.time_ms)));
                    (key.labels.get("host").unwrap_or("").to_owned(), sample.value)
                }
                _ => continue,
            };
            let by: Vec<String> = spec.grouped.then(|| spec.group_name().to_owned()).into_iter().collect();
            let group = Group::of(&by, Labels::new([(spec.group_name(), group)]));
            of.push((group, item.time_ms, number));
        }
        of.sort_by_key(|(_, time_ms, _)| *time_ms);
        Self { spec, lived, of, first_ms }
    }

    fn value(&self, group: &Group, window: TimeRange) -> Option<f64> {
        let from = self.of.partition_point(|(_, time_ms, _)| *time_ms < window.start_ms);
        let to = self.of.partition_point(|(_, time_ms, _)| *time_ms < window.end_ms);
        let all: Vec<f64> =
            self.of[from..to].iter().filter(|(of, ..)| of == group).map(|(.., n)| *n).collect();
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
        let (shift, count) = self.spec.bases?;
        let value = |at: i64| {
            let start_ms = clock.before(window.start_ms, shift, at)?;
            self.first_ms.filter(|first_ms| start_ms >= *first_ms)?;
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
        match self.failed.get(&(due.rule.id.clone(), due.window)) {
            Some(why) => Err(why.clone()),
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
    let mut n_same = 0;
    for evaluation in &replay.evaluations {
        let (id, end_ms) = (&*evaluation.rule, evaluation.window.end_ms);
        if end_ms > comparable[id] || end_ms > lasts[id] {
            continue;
        }
        let found = live.get(evaluation.id.as_str()).map(|e| told_apart(e));
        if found.as_ref() != Some(&told_apart(evaluation)) {
            return Err(format!("replay differs: {:?}, live {found:?}", told_apart(evaluation)));
        }
        n_same += 1;
    }
    let n_live = evaluations(lived).filter(|e| e.window.end_ms <= comparable[&*e.rule]).count();
    if n_same == n_live {
        Ok(())
    } else {
        Err(format!("live had {n_live} evaluations, replay {n_same} of them"))
    }
}

/// An evaluation, less when it was made.
fn told_apart(evaluation: &Evaluation) -> Evaluation {
    Evaluation { evaluated_ms: 0, late: false, ..evaluation.clone() }
}
