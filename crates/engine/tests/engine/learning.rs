//! Detectors that learn: what they remember changes nothing but the cost.
//!
//! A long-lived engine judges window after window; at random times another one, just started, judges the same
//! window from stored values alone. They must agree to the last bit.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what cannot be goes no further in a test")]

use std::collections::BTreeMap;

use lanner_core::time::{HOUR_MS, MINUTE_MS, parse_time_ms};
use lanner_core::{Alert, Cursor, Evaluation, Labels, Outcome, Sample, SeriesKey, TimeRange};
use lanner_engine::source::{Recorded, Source as _};
use lanner_engine::{Due, Engine, Rule, SourceError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Hours in a season, and seasons in a generation.
const SEASON: i64 = 6;
const SEASONS: i64 = 2;

/// What happens to one group, hour by hour: nothing, or so much.
type Hours = Vec<Option<u8>>;

fn hours(n: usize) -> impl Strategy<Value = Hours> {
    let hour = prop_oneof![4 => (0u8..40).prop_map(Some), 1 => Just(None)];
    let present = proptest::collection::vec(hour, n);
    // Groups that are new, and groups that are gone.
    (present, 0..n, 0..n).prop_map(|(mut hours, born, died)| {
        let (from, to) = (born / 2, hours.len() - died / 3);
        for (at, hour) in hours.iter_mut().enumerate() {
            *hour = hour.filter(|_| (from..to).contains(&at)).map(|n| n / 4 + 5 * (at % 6) as u8);
        }
        hours
    })
}

struct World {
    document: Value,
    record: Recorded,
    begin_ms: i64,
}

impl World {
    fn new(query: &Value, window: &str, groups: &[Hours]) -> Self {
        let document = json!({
            "id": "odd", "query": query, "window": window, "every": "1h", "no_data": "keep",
            "holt_winters": { "season": format!("{SEASON}h"), "seasons": SEASONS, "min_width": 1 },
        });
        let rule = rule(&document);
        let begin_ms = parse_time_ms("2026-01-05T08:00Z").unwrap();
        let mut record = Recorded::new([&rule], 0);
        for (group, hours) in groups.iter().enumerate() {
            let name = format!("g{group}");
            let key = SeriesKey { name: "load".into(), labels: Labels::new([("host", &*name)]) };
            for (hour, n) in hours.iter().enumerate() {
                let Some(n) = n else { continue };
                let time_ms = begin_ms + hour as i64 * HOUR_MS;
                record.samples(key.clone(), [Sample::new(time_ms + 1, f64::from(*n))]);
                for event in 0..i64::from(*n) {
                    let fields: Map<String, Value> = json!({ "host": name }).as_object().unwrap().clone();
                    record.event("calls", time_ms + event, &fields);
                }
            }
        }
        Self { document, record, begin_ms }
    }

    fn engine(&self, state: (Vec<Alert>, Vec<Cursor>), now_ms: i64) -> Engine {
        let mut engine = Engine::new();
        engine.restore(state.0, state.1, Vec::new());
        let _ = engine.set_rules(vec![rule(&self.document)], now_ms);
        engine
    }

    /// What is due at `now_ms`, answered, and what came of it; earlier windows are learned on the way.
    fn turn(&mut self, engine: &mut Engine, now_ms: i64) -> Option<(Due, Vec<Evaluation>)> {
        loop {
            let due = engine.plan(now_ms, 1).due.pop()?;
            let answer = self.record.answer(&due);
            let evaluations = engine.evaluate(&due, &answer, now_ms);
            if !due.ask.more {
                return Some((due, evaluations));
            }
            assert!(evaluations.is_empty());
            let _ = engine.apply(now_ms, &due, evaluations);
        }
    }
}

fn rule(document: &Value) -> Rule {
    Rule::from_json(document, 1).unwrap()
}

/// What must not depend on what is remembered.
fn said(evaluations: &[Evaluation]) -> BTreeMap<String, String> {
    let said = |e: &Evaluation| format!("{:?} against {:?}: {:?}, {}", e.value, e.base, e.score, e.outcome);
    evaluations.iter().map(|e| (e.group.to_string(), said(e))).collect()
}

/// The hour in which something comes late, how many hours late it is, and of which group.
type Late = (usize, usize, usize);

impl World {
    /// Takes what comes late in this hour, and says where it belongs.
    fn late(&mut self, late: &[Late], hour: usize, n_groups: usize) -> Option<TimeRange> {
        let mut range: Option<TimeRange> = None;
        for (at, back, group) in late.iter().filter(|(at, ..)| *at == hour) {
            let name = format!("g{}", group % n_groups);
            let time_ms = self.begin_ms + at.saturating_sub(*back) as i64 * HOUR_MS + 7 * MINUTE_MS;
            let key = SeriesKey { name: "load".into(), labels: Labels::new([("host", &*name)]) };
            self.record.samples(key, [Sample::new(time_ms, 30.0)]);
            let fields: Map<String, Value> = json!({ "host": name }).as_object().unwrap().clone();
            (0..30).for_each(|event| self.record.event("calls", time_ms + event, &fields));
            let here = TimeRange::new(time_ms, time_ms + 30);
            range = Some(range.map_or(here, |range| range.hull(here)));
        }
        range
    }
}

fn check(query: &Value, window: &str, groups: &[Hours], restarts: &[usize], late: &[Late]) {
    check_in(World::new(query, window, groups), groups, restarts, late);
}

fn check_in(mut world: World, groups: &[Hours], restarts: &[usize], late: &[Late]) {
    let fingerprint = rule(&world.document).query.fingerprint();
    let mut engine = world.engine((Vec::new(), Vec::new()), world.begin_ms);
    let mut cursor: Option<TimeRange> = None;
    let mut judged = 0;
    for hour in 0..groups[0].len() {
        let now_ms = world.begin_ms + (hour as i64 + 1) * HOUR_MS + 30_000;
        if let Some(range) = world.late(late, hour, groups.len()) {
            engine.correct(&[(fingerprint, range)].into());
        }
        let alerts: Vec<Alert> = engine.alerts().cloned().collect();
        let Some((due, evaluations)) = world.turn(&mut engine, now_ms) else { continue };
        if restarts.contains(&hour) {
            let cursors = cursor.map(|window| Cursor { rule: "odd".into(), window, shard: 0 });
            let mut fresh = world.engine((alerts, cursors.into_iter().collect()), now_ms - HOUR_MS);
            let (again, found) = world.turn(&mut fresh, now_ms).expect("the same window is due");
            assert_eq!(again.ask.window, due.ask.window);
            assert_eq!(said(&found), said(&evaluations), "hour {hour}");
        }
        judged += evaluations.iter().filter(|e| e.score.is_some()).count();
        cursor = Some(due.ask.window);
        let _ = engine.apply(now_ms, &due, evaluations);
    }
    let longest = groups.iter().map(|hours| hours.iter().flatten().count()).max().unwrap_or(0);
    assert!(judged > 0 || longest < 40, "nothing was ever judged");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_restart_changes_nothing_that_is_said_also_where_data_came_late(
        groups in proptest::collection::vec(hours(100), 1..4),
        restarts in proptest::collection::vec(1usize..100, 6),
        late in proptest::collection::vec((1usize..100, 1usize..60, 0usize..3), 0..6),
        on_stream: bool,
        overlapping: bool,
    ) {
        let query = if on_stream {
            json!({ "stream": "calls", "measure": "count", "by": ["host"] })
        } else {
            json!({ "series": "load", "measure": "sum", "by": ["host"] })
        };
        check(&query, if overlapping { "3h" } else { "1h" }, &groups, &restarts, &late);
    }
}

/// The automatic detector over five weeks, which are more than two of its generations.
#[test]
fn a_restart_changes_nothing_that_the_automatic_detector_says() {
    let usual = |hour: usize| 10 + 3 * (hour % 24).min(12) as u8 + (hour * 7 % 5) as u8;
    let group = |shift: usize| -> Hours {
        (0..840)
            .map(|hour| (hour % 97 != 13).then(|| if hour % 211 == 200 { 90 } else { usual(hour + shift) }))
            .collect()
    };
    let groups = [group(0), group(5)];
    let query = json!({ "series": "load", "measure": "sum", "by": ["host"] });
    let mut world = World::new(&query, "1h", &groups);
    world.document = json!({
        "id": "odd", "query": query, "window": "1h", "no_data": "keep", "automatic": { "alarms_per_week": 2 },
    });
    check_in(world, &groups, &[90, 330, 350, 700, 839], &[(300, 40, 0), (690, 50, 1)]);
}

#[test]
fn a_step_reads_no_earlier_window_and_a_start_reads_in_parts() {
    let groups: Vec<Hours> = vec![(0..400).map(|hour| Some((hour % 6) as u8 + 1)).collect()];
    let query = json!({ "series": "load", "measure": "sum" });
    let mut world = World::new(&query, "1h", &groups);
    world.document = json!({
        "id": "odd", "query": query, "window": "1h", "holt_winters": { "season": "1d", "seasons": 6 },
    });
    let mut engine = world.engine((Vec::new(), Vec::new()), world.begin_ms + 350 * HOUR_MS);
    let mut n_read = Vec::new();
    for hour in 351..360 {
        let now_ms = world.begin_ms + hour * HOUR_MS + 30_000;
        while let Some(due) = engine.plan(now_ms, 1).due.pop() {
            n_read.push(due.ask.baselines.len());
            let answer = world.record.answer(&due);
            let evaluations = engine.evaluate(&due, &answer, now_ms);
            assert_eq!(evaluations.is_empty(), due.ask.more);
            let _ = engine.apply(now_ms, &due, evaluations);
        }
    }
    let (start, steps) = n_read.split_at(n_read.len() - 8);
    assert!(start.len() > 1 && start.iter().sum::<usize>() >= 6 * 24, "{start:?}");
    assert_eq!(steps, [0; 8]);
}

#[test]
fn a_source_that_fails_while_learning_is_said_and_waited_for() {
    let groups: Vec<Hours> = vec![(0..300).map(|hour| Some((hour % 6) as u8 + 1)).collect()];
    let mut world = World::new(&json!({ "series": "load", "measure": "sum" }), "1h", &groups);
    let mut engine = world.engine((Vec::new(), Vec::new()), world.begin_ms + 250 * HOUR_MS);
    let now_ms = world.begin_ms + 251 * HOUR_MS + 30_000;
    let due = engine.plan(now_ms, 1).due.pop().expect("a window is due");
    let evaluations =
        engine.evaluate(&due, &Err(SourceError::Temporary("the disk is away".to_owned())), now_ms);
    assert_eq!(evaluations.iter().map(|e| e.outcome).collect::<Vec<_>>(), [Outcome::Error]);
    let _ = engine.apply(now_ms, &due, evaluations);
    assert!(engine.plan(now_ms, 1).due.is_empty(), "no second try at once");
    let (_, evaluations) = world.turn(&mut engine, now_ms + HOUR_MS).expect("the next window is due");
    assert_eq!(evaluations[0].outcome, Outcome::Normal);
}

/// A source that is late all the time makes nobody blind, and costs a bounded number of windows to learn for each.
#[test]
fn what_is_late_all_the_time_is_learned_again_now_and_then() {
    let groups: Vec<Hours> = vec![(0..4_000).map(|hour| Some((hour % 6) as u8 + 1)).collect()];
    let query = json!({ "series": "load", "measure": "sum" });
    let mut world = World::new(&query, "1h", &groups);
    world.document["holt_winters"] = json!({ "season": "1d", "seasons": 30 });
    let mut engine = world.engine((Vec::new(), Vec::new()), world.begin_ms + 3_900 * HOUR_MS);
    let fingerprint = rule(&world.document).query.fingerprint();
    let (mut n_trained, mut n_judged, mut turns) = (0, 0, 0);
    for hour in 3_901..4_000 {
        let now_ms = world.begin_ms + hour * HOUR_MS + 30_000;
        while let Some(due) = engine.plan(now_ms, 1).due.pop() {
            n_trained += due.ask.baselines.len();
            turns += 1;
            let answer = world.record.answer(&due);
            let evaluations = engine.evaluate(&due, &answer, now_ms);
            n_judged += evaluations.len();
            let _ = engine.apply(now_ms, &due, evaluations);
            let late = TimeRange::new(now_ms - 5 * HOUR_MS, now_ms - 4 * HOUR_MS);
            engine.correct(&[(fingerprint, late)].into());
        }
    }
    assert_eq!(n_judged, 99, "every window is judged");
    assert!(n_trained > 10 * 720, "it is learned again: {n_trained} windows in {turns} turns");
    assert!(n_trained < 1_000 * 100 + 1_440, "{n_trained} windows for 99 windows");
}
