//! Measures kept up to date as events arrive equal what counting all events would give.
#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::TimeRange;
use lanner_engine::Rule;
use lanner_engine::source::StreamQuery;
use lanner_engine::stream::{MAX_GROUPS, Measures};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn query(measure: &str, condition: &str, by: &[&str]) -> Arc<StreamQuery> {
    let mut query = json!({ "stream": "s", "measure": measure, "by": by });
    if !condition.is_empty() {
        query["where"] = condition.into();
    }
    let document = json!({ "id": "r", "query": query, "window": "10s", "absolute": { "min": 1 } });
    Rule::from_json(&document, 1).unwrap().query.streams()[0].clone()
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

const STEP_MS: i64 = 1_000;

fn event() -> impl Strategy<Value = (i64, Map<String, Value>)> {
    let bank = prop_oneof![Just(json!("a")), Just(json!("b")), Just(json!(7)), Just(Value::Null)];
    let amount = prop_oneof![(0..9_i64).prop_map(|n| json!(n)), Just(json!("text"))];
    (0..20_000_i64, bank, amount, any::<bool>()).prop_map(|(time_ms, bank, amount, ok)| {
        (time_ms, fields(json!({ "bank": bank, "amount": amount, "ok": ok, "card": { "brand": amount } })))
    })
}

type Events = Vec<(i64, Map<String, Value>)>;

/// Sum of amounts per bank, by looking at every event.
fn brute(events: &Events, window: TimeRange, only_ok: bool) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for (time_ms, event) in events {
        let Some(amount) = event["amount"].as_f64() else { continue };
        if window.contains(*time_ms) && (!only_ok || event["ok"] == json!(true)) {
            *sums.entry(lanner_engine::stream::label(event.get("bank"))).or_default() += amount;
        }
    }
    sums
}

fn read(measures: &Measures, query: &StreamQuery, window: TimeRange) -> Option<BTreeMap<String, f64>> {
    let values = measures.read(query, STEP_MS, window)?;
    let pair = |(group, value): (lanner_core::Group, Option<f64>)| {
        (group.labels().get("bank").unwrap_or_default().to_owned(), value.unwrap_or(f64::NAN))
    };
    Some(values.into_iter().map(pair).collect())
}

proptest! {
    /// However the events were split between before and after registration, and in whatever order they came.
    #[test]
    fn counting_live_and_past_is_counting_all(
        events in prop::collection::vec(event(), 0..60), split in 0_usize..60, from in 0_i64..10, length in 1_i64..12,
    ) {
        let split = split.min(events.len());
        let (sum, ok) = (query("sum(amount)", "", &["bank"]), query("sum(amount)", "ok == true", &["bank"]));
        let rule: Arc<str> = "r".into();
        let mut measures = Measures::new(7);
        for query in [&sum, &ok] {
            prop_assert!(measures.add(&rule, query, STEP_MS, 0));
        }
        prop_assert_eq!(read(&measures, &sum, TimeRange::new(0, 1_000)), None); // its past is not known yet
        let mut past = measures.past();
        events[split..].iter().for_each(|(time_ms, event)| { measures.count(*time_ms, event); });
        events[..split].iter().for_each(|(time_ms, event)| { past.count(*time_ms, event); });
        measures.absorb(past, 0);
        let window = TimeRange::new(from * 1_000, (from + length) * 1_000);
        prop_assert_eq!(read(&measures, &sum, window), Some(brute(&events, window, false)));
        prop_assert_eq!(read(&measures, &ok, window), Some(brute(&events, window, true)));
        // The fields that are wanted are all that matters.
        let mut slim = Measures::new(7);
        for query in [&sum, &ok] {
            slim.add(&rule, query, STEP_MS, 0);
        }
        slim.cover(0);
        let wanted = slim.wanted();
        prop_assert_eq!(&*wanted, ["amount".into(), "bank".into(), "ok".into()]);
        for (time_ms, event) in &events {
            let mut event = event.clone();
            event.retain(|name, _| wanted.binary_search(&name.as_str().into()).is_ok());
            slim.count(*time_ms, &event);
        }
        prop_assert_eq!(read(&slim, &sum, window), read(&measures, &sum, window));
        prop_assert_eq!(read(&slim, &ok, window), read(&measures, &ok, window));
        // What is released is gone, and everything after it is as before.
        measures.release("r", &sum, STEP_MS, window.start_ms);
        prop_assert_eq!(read(&measures, &sum, window), Some(brute(&events, window, false)));
        let earlier = TimeRange::new(window.start_ms - 1_000, window.end_ms);
        prop_assert_eq!(read(&measures, &sum, earlier), None);
    }
}

#[test]
fn late_unmeasured_and_overflowing_events_are_named() {
    let mut measures = Measures::new(7);
    let sum = query("sum(amount)", "", &["bank"]);
    measures.add(&"r".into(), &sum, STEP_MS, 5_000);
    measures.judged(&sum, STEP_MS, TimeRange::new(0, 5_000));
    let mut count = |time_ms, event| measures.count(time_ms, &fields(event));
    assert_eq!(count(5_000, json!({ "bank": "a", "amount": 1 })).added, 1);
    assert_eq!(count(4_999, json!({ "bank": "a", "amount": 1 })).late, 1);
    assert_eq!(count(5_000, json!({ "bank": "a" })).unmeasured, 1);
    assert_eq!(count(5_000, json!({ "bank": "a", "amount": "1" })).unmeasured, 1); // texts are not numbers
    for n in 1..MAX_GROUPS {
        assert_eq!(count(5_000, json!({ "bank": n, "amount": 1 })).added, 1);
    }
    assert_eq!(count(5_000, json!({ "bank": "one more", "amount": 1 })).overflow, 1);
    assert_eq!(count(5_000, json!({ "bank": "a", "amount": 1 })).added, 1); // known groups go on
}

#[test]
fn rules_share_a_measure_until_the_last_is_gone() {
    let mut measures = Measures::new(7);
    let all = query("count", "", &[]);
    assert!(measures.add(&"one".into(), &all, STEP_MS, 0));
    assert!(!measures.add(&"two".into(), &all, STEP_MS, 3_000));
    assert!(measures.add(&"three".into(), &all, 2 * STEP_MS, 0)); // another step is another measure
    measures.cover(0);
    for time_ms in [0, 1_000, 2_000, 3_000] {
        measures.count(time_ms, &Map::new());
    }
    measures.release("two", &all, STEP_MS, 3_000);
    assert!(measures.read(&all, STEP_MS, TimeRange::new(0, 4_000)).is_some()); // "one" still needs it
    measures.remove("one", &all, STEP_MS);
    assert!(measures.read(&all, STEP_MS, TimeRange::new(0, 4_000)).is_some());
    measures.remove("two", &all, STEP_MS);
    assert!(measures.read(&all, STEP_MS, TimeRange::new(0, 4_000)).is_none());
    assert_eq!(measures.size(), (1, 0));
}

#[test]
fn nested_fields_and_lengths_are_wanted_by_what_holds_them() {
    let mut measures = Measures::new(7);
    assert!(measures.wanted().is_empty());
    let query = query("sum(a.b.c)", "card.bank == 'x' and items.length > 2 and argv[0] == 'y'", &["p.q"]);
    measures.add(&"r".into(), &query, STEP_MS, 0);
    let names: Vec<String> = measures.wanted().iter().map(ToString::to_string).collect();
    let holders = ["a", "a.b.c", "argv", "argv[0]", "card", "card.bank", "items", "items.length", "p", "p.q"];
    assert_eq!(names, holders);
}

#[test]
fn distinct_counts_and_quantiles_by_nested_fields() {
    let mut measures = Measures::new(7);
    let (users, p50) = (query("distinct(card.user)", "", &[]), query("p50(ms)", "", &["card.brand"]));
    for query in [&users, &p50] {
        measures.add(&"r".into(), query, STEP_MS, 0);
    }
    measures.cover(0);
    for n in 0..9_i64 {
        let event = json!({ "card": { "user": n % 4, "brand": if n < 6 { "x" } else { "y" } }, "ms": n });
        measures.count(n * 100, &fields(event));
    }
    let window = TimeRange::new(0, 1_000);
    assert_eq!(measures.read(&users, STEP_MS, window).unwrap()[0].1, Some(4.0));
    let mut values = measures.read(&p50, STEP_MS, window).unwrap();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    let values: Vec<(String, Option<f64>)> =
        values.into_iter().map(|(group, value)| (group.to_string(), value)).collect();
    let expected =
        [(r#"{card.brand="x"}"#.to_owned(), Some(2.0)), (r#"{card.brand="y"}"#.to_owned(), Some(7.0))];
    assert_eq!(values, expected);
}

#[test]
fn pasts_that_are_counted_at_once_each_find_their_own_measure() {
    let (all, ok) = (query("count", "", &[]), query("count", "ok", &[]));
    let event = fields(json!({ "ok": true }));
    let mut measures = Measures::new(7);
    let total = |measures: &Measures, query: &StreamQuery| {
        let values = measures.read(query, STEP_MS, TimeRange::new(0, 9_000));
        values.map(|values| values.into_iter().filter_map(|(_, value)| value).sum::<f64>())
    };
    let waiting =
        |measures: &Measures| measures.waiting().iter().map(ToString::to_string).collect::<Vec<_>>();

    // Two events are stored; a third comes while the past of "one" is counted, and is stored before "two" comes.
    measures.add(&"one".into(), &all, STEP_MS, 0);
    let mut first = measures.past();
    measures.count(3_000, &event);
    measures.add(&"two".into(), &ok, STEP_MS, 0);
    let mut second = measures.past();
    assert_eq!(waiting(&measures), ["one", "two"]);
    for time_ms in [1_000, 2_000] {
        first.count(time_ms, &event);
    }
    for time_ms in [1_000, 2_000, 3_000] {
        second.count(time_ms, &event);
    }
    assert_eq!(measures.absorb(second, 0), ["two".into()]);
    assert_eq!((total(&measures, &all), total(&measures, &ok)), (None, Some(3.0)));
    assert_eq!(waiting(&measures), ["one"]);

    // Meanwhile the rule is gone and another of the same query there: the old past is not for it.
    measures.remove("one", &all, STEP_MS);
    measures.add(&"again".into(), &all, STEP_MS, 0);
    let mut third = measures.past();
    for time_ms in [1_000, 2_000, 3_000] {
        third.count(time_ms, &event);
    }
    assert_eq!(measures.absorb(first, 0), []);
    assert_eq!(total(&measures, &all), None);
    assert_eq!(measures.absorb(third, 0), ["again".into()]);
    assert_eq!(total(&measures, &all), Some(3.0));
    assert_eq!(waiting(&measures), Vec::<String>::new());
}

#[test]
fn a_reader_that_looks_farther_back_has_the_past_counted_anew() {
    let all = query("count", "", &[]);
    let mut measures = Measures::new(7);
    measures.add(&"short".into(), &all, STEP_MS, 5_000);
    let past = measures.past();
    measures.absorb(past, 5_000);
    assert_eq!(measures.count(2_000, &Map::new()).added, 0); // stored, and nobody wants it yet
    assert!(!measures.add(&"shorter".into(), &all, STEP_MS, 6_000));
    assert!(measures.add(&"long".into(), &all, STEP_MS, 0));
    assert_eq!(measures.waiting().len(), 3);
    let mut past = measures.past();
    past.count(2_000, &Map::new());
    measures.absorb(past, 0);
    let values = measures.read(&all, STEP_MS, TimeRange::new(0, 9_000)).unwrap();
    assert_eq!(values[0].1, Some(1.0));
}

#[test]
fn late_events_say_where_history_is_wrong() {
    /// Times of events of bank a, and the stretches in which the history of bank a is wrong, kept up to 1,000 s.
    #[track_caller]
    fn check(times_s: &[i64], expected_s: &[(i64, i64)]) {
        let mut measures = Measures::new(7);
        let (a, b) = (query("count", "bank == \"a\"", &[]), query("count", "bank == \"b\"", &[]));
        for (rule, query) in [("a", &a), ("b", &b)] {
            measures.add(&rule.into(), query, STEP_MS, 5_000);
            measures.kept(query, STEP_MS, TimeRange::new(990_000, 1_000_000));
        }
        let event = |time_s: &i64| (time_s * 1_000, fields(json!({ "bank": "a" })));
        let events: Vec<_> = times_s.iter().map(event).collect();
        let found = measures.corrections(&events);
        assert!(found.iter().all(|wrong| (wrong.query, wrong.window_ms) == (a.fingerprint, 10_000)));
        let stretches: Vec<_> = found
            .iter()
            .map(|wrong| (wrong.range.start_ms / 1_000, (wrong.range.end_ms - 1) / 1_000))
            .collect();
        assert_eq!(stretches, expected_s);
    }
    check(&[], &[]);
    check(&[1_000, 5_000], &[]); // nothing is kept of these
    check(&[999, 1_000], &[(999, 999)]);
    check(&[500, 20, 505, 10, 20, 10], &[(10, 20), (500, 505)]); // out of order, and more than once
    let many: Vec<i64> = (0..100_000).map(|n| n * 7_919 % 990).collect();
    check(&many, &[(0, 989)]);
    // Too many to be told apart: what lies between them is forgotten as well.
    let apart: Vec<i64> = (-3_000..0).map(|n| n * 100).collect();
    let mut measures = Measures::new(7);
    let all = query("count", "", &[]);
    measures.add(&"r".into(), &all, STEP_MS, 5_000);
    measures.kept(&all, STEP_MS, TimeRange::new(0, 10_000));
    let events: Vec<_> = apart.iter().map(|time_s| (time_s * 1_000, Map::new())).collect();
    let found = measures.corrections(&events);
    assert!((2..=100).contains(&found.len()), "{} stretches", found.len());
    let is_in = |time_ms: i64| found.iter().any(|wrong| wrong.range.contains(time_ms));
    assert!(events.iter().all(|(time_ms, _)| is_in(*time_ms)));
}
