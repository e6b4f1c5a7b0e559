//! What people read of an end: that it ended and why, in the words of the rule as it was.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use lanner_core::{DeliveryOutcome, Group, Labels, Notification, ResolvedReason};
use lanner_engine::notify::Route;
use lanner_engine::{Engine, Rule};
use lanner_engine::{Reading, Readings};
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;

/// A rule that fires when there are more than two events a minute.
fn rule(version: u32, change: &Value) -> Rule {
    let mut document = json!({
        "id": "floor", "query": {"stream": "s", "measure": "count", "by": ["bank"]}, "window": "1m",
        "absolute": {"max": 2}, "forget": "5m", "receivers": ["on-call"], "labels": {"team": "pay"},
        "annotations": {
            "summary": "{{ bank }} is {{ state }}{% if reason %} ({{ reason }}){% endif %}: {{ value }}",
            "runbook_url": "https://example.org/{{ team }}/{{ rule }}", "page": 7, "seyren": {"id": "x"},
        },
    });
    for (name, value) in change.as_object().unwrap() {
        document[name] = value.clone();
    }
    Rule::from_json(&document, version).unwrap()
}

/// An engine with one firing alert, for `{bank="hsbc"}` with the value 3, of which `on-call` was told.
fn firing(change: &Value) -> (Engine, Notification) {
    let mut engine = Engine::new();
    let route = Route { group_wait_ms: 0, group_interval_ms: 0, ..Route::new("on-call") };
    engine.configure(vec![route], Vec::new());
    engine.set_rules(vec![rule(1, change)], 0);
    let mut messages = walk(&mut engine, MINUTE_MS, Some(3.0));
    (engine, messages.pop().expect("it fired"))
}

/// Evaluates the window that ends at `end_ms`, in which the bank has `value`; returns the messages.
fn walk(engine: &mut Engine, end_ms: i64, value: Option<f64>) -> Vec<Notification> {
    let now_ms = end_ms + 15_000;
    let mut messages = Vec::new();
    for due in engine.plan(now_ms, 10).due {
        let reading = Reading::new(Group::Of(Labels::new([("bank", "hsbc")])), value, Vec::new());
        let groups = if value.is_some() { vec![reading] } else { Vec::new() };
        let readings = Readings { groups, first_data_ms: Some(0) };
        let evaluations = engine.evaluate(&due, &Ok(readings), now_ms);
        messages.extend(engine.apply(now_ms, &due, evaluations).outbox);
    }
    messages.extend(engine.tick(now_ms).outbox);
    messages.iter().for_each(|it| engine.settle(now_ms, &it.key, DeliveryOutcome::Delivered));
    messages.extend(engine.tick(now_ms).outbox); // what follows is written
    messages
}

#[test]
fn annotations_are_filled_in_and_sent() {
    let (_, message) = firing(&json!({}));
    let annotations = &message.alerts[0].annotations;
    let shown: Vec<(&str, &str)> = annotations.iter().map(|(name, text)| (&**name, &**text)).collect();
    let expected = [
        ("page", "7"),
        ("runbook_url", "https://example.org/pay/floor"),
        ("summary", "hsbc is firing: 3"), // what is no text is for other programs and is not sent
    ];
    assert_eq!(shown, expected);
}

#[test]
fn annotations_are_checked_when_the_rule_is() {
    let wrong = json!({
        "id": "r", "query": {"stream": "s", "measure": "count"}, "window": "1m", "absolute": {"max": 2},
        "annotations": {"summary": "{{ bnak }}", "runbook_url": "{{ value", "other": {"x": "{{ value"}},
    });
    let problems = Rule::from_json(&wrong, 1).unwrap_err().to_string();
    for part in ["annotations.summary", "bnak", "annotations.runbook_url", "is not a template"] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
    assert!(!problems.contains("other"), "{problems}");
}

#[test]
fn an_end_says_that_it_ended_and_why() {
    #[track_caller]
    fn check(change: &Value, end: impl Fn(&mut Engine) -> Vec<Notification>, reason: ResolvedReason) {
        let (mut engine, before) = firing(change);
        assert_eq!(before.alerts[0].resolved_reason, None);
        let messages = end(&mut engine);
        let [message] = &messages[..] else { panic!("{reason}: {messages:#?}") };
        let [alert] = &message.alerts[..] else { panic!("{message:#?}") };
        assert!(alert.is_resolved());
        assert_eq!(alert.resolved_reason, Some(reason));
        let text = alert.content.as_str().unwrap();
        assert!(!text.contains("is firing") && text.contains(reason.text()), "{text}");
        assert_eq!(alert.annotations["summary"], format!("hsbc is resolved ({reason}): 3"));
    }
    let none = json!({});
    let changed = |rules: Vec<Rule>| {
        move |engine: &mut Engine| {
            let now_ms = 2 * MINUTE_MS;
            let rules = rules.iter().map(|rule| Rule::from_json(&rule.document(), rule.version).unwrap());
            let mut messages = engine.set_rules(rules.collect(), now_ms).outbox;
            messages.extend(engine.tick(now_ms + 1).outbox);
            messages
        }
    };
    check(&none, |engine| walk(engine, 2 * MINUTE_MS, Some(1.0)), ResolvedReason::Recovered);
    check(
        &json!({"query": {"series": "s", "measure": "last", "by": ["bank"]}, "no_data": "ok"}),
        |engine| walk(engine, 2 * MINUTE_MS, None),
        ResolvedReason::NoLongerMeasured,
    );
    check(
        &json!({"query": {"series": "s", "measure": "last", "by": ["bank"]}, "no_data": "keep"}),
        |engine| (2..9).flat_map(|at| walk(engine, at * MINUTE_MS, None)).collect(),
        ResolvedReason::NoLongerMeasured,
    );
    check(&none, changed(Vec::new()), ResolvedReason::RuleDeleted);
    check(&none, changed(vec![rule(2, &json!({"status": "inactive"}))]), ResolvedReason::RulePaused);
    let other = json!({"query": {"stream": "t", "measure": "count", "by": ["bank"]}});
    check(&none, changed(vec![rule(2, &other)]), ResolvedReason::RuleChanged);
}

#[test]
fn a_change_that_measures_the_same_ends_nothing() {
    let (mut engine, _) = firing(&json!({}));
    let changes = engine.set_rules(vec![rule(2, &json!({"absolute": {"max": 1}}))], 2 * MINUTE_MS);
    assert_eq!((changes.outbox, changes.notification_log), (Vec::new(), Vec::new()));
}

#[test]
fn an_alert_of_a_rule_that_went_while_lanner_was_down_ends_with_a_reason() {
    let (engine, _) = firing(&json!({}));
    let alerts: Vec<_> = engine.alerts().cloned().collect();
    let mut next = Engine::new();
    next.restore(alerts, Vec::new(), Vec::new());
    let changes = next.set_rules(Vec::new(), 2 * MINUTE_MS);
    let [alert] = &changes.alerts[..] else { panic!("{changes:#?}") };
    assert_eq!(alert.resolved_reason, Some(ResolvedReason::RuleDeleted));
    let text = alert.content.as_str().unwrap();
    assert!(text.contains("rule deleted") && text.contains('3'), "{text}");
}

#[test]
fn a_new_episode_forgets_why_the_last_one_ended() {
    let (mut engine, _) = firing(&json!({}));
    walk(&mut engine, 2 * MINUTE_MS, Some(1.0));
    let again = walk(&mut engine, 3 * MINUTE_MS, Some(5.0));
    assert_eq!((again[0].alerts[0].episode, again[0].alerts[0].resolved_reason), (2, None));
}

#[test]
fn names_that_lanner_uses_of_itself_are_refused() {
    let wrong = json!({"id": "lanner:lag", "query": {"stream": "s", "measure": "count"}, "window": "1m",
        "absolute": {"max": 2}});
    let problems = Rule::from_json(&wrong, 1).unwrap_err().to_string();
    assert!(problems.contains("lanner:"), "{problems}");
}
