//! Rules wait until the past of what they measure is known, and each goes on as soon as its own is; what was missed waits for the
//! present.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::sync::Arc;

use lanner_core::{Answer, Group, Outcome, Reading, Readings, SourceError, TimeRange};
use lanner_engine::cycle::{Answered, Cycle};
use lanner_engine::source::Gaps;
use lanner_engine::{Engine, Rule};
use serde_json::json;

const MINUTE_MS: i64 = 60_000;

fn rule(id: &str) -> Rule {
    let query = json!({"stream": "s", "measure": "count"});
    Rule::from_json(&json!({"id": id, "query": query, "window": "1m", "absolute": {"max": 2}}), 1).unwrap()
}

fn due(engine: &mut Engine, now_ms: i64) -> Vec<String> {
    let due = engine.plan(now_ms, 10).due;
    let mut ids: Vec<String> = due.iter().map(|due| due.rule.id.to_string()).collect();
    for due in due {
        engine.apply(now_ms, &due, Vec::new());
    }
    ids.sort();
    ids
}

#[test]
fn a_rule_goes_on_when_its_own_past_is_known() {
    let mut engine = Engine::new();
    engine.set_rules(vec![rule("a"), rule("b"), rule("c")], 0);
    engine.set_waiting(["a", "b"].map(Arc::from).into());
    let late_ms = MINUTE_MS + 30_000;
    assert_eq!((due(&mut engine, late_ms), engine.n_waiting()), (vec!["c".to_owned()], 2));
    // Also one that does not wait, and one that is gone, may be named.
    engine.resume(["a", "c", "gone"].map(Arc::from));
    assert_eq!((due(&mut engine, late_ms), engine.n_waiting()), (vec!["a".to_owned()], 1));
    // With every window that has passed.
    engine.resume([Arc::from("b")]);
    for _ in 0..2 {
        assert_eq!(due(&mut engine, late_ms + MINUTE_MS).iter().filter(|id| *id == "b").count(), 1);
    }
    assert_eq!(due(&mut engine, late_ms + MINUTE_MS), Vec::<String>::new());
}

/// After a start, until the past is counted, rules that were judged before are late; new ones are not.
#[test]
fn who_waits_for_the_past_is_late() {
    let mut engine = Engine::new();
    let window = TimeRange::new(0, MINUTE_MS);
    engine.restore(Vec::new(), vec![rule("known").cursor(window)], Vec::new());
    engine.set_rules(vec![rule("known"), rule("new")], MINUTE_MS);
    engine.set_waiting(["known", "new"].map(Arc::from).into());
    let overdue = |engine: &Engine, now_ms: i64| -> Vec<(String, i64)> {
        engine.overdue(now_ms).map(|(rule, late_ms)| (rule.id.to_string(), late_ms)).collect()
    };
    assert!(overdue(&engine, MINUTE_MS).is_empty());
    let due_ms = rule("known").due_ms(TimeRange::new(MINUTE_MS, 2 * MINUTE_MS), 2);
    assert_eq!(overdue(&engine, due_ms + MINUTE_MS), [("known".to_owned(), MINUTE_MS)]);
    engine.resume(["known", "new"].map(Arc::from));
    assert_eq!(overdue(&engine, due_ms + MINUTE_MS).len(), 2);
}

/// After a night away two hours of windows wait of rules that ask for them, and the present of all others.
#[test]
fn the_present_comes_before_what_was_missed() {
    const N: usize = 8;
    let mut engine = Engine::new();
    let walks = |n: usize| {
        let query = json!({"stream": "s", "measure": "count"});
        let document = json!({"id": format!("walks-{n}"), "query": query, "window": "1m", "max_catchup": "1d",
            "absolute": {"max": 2}});
        Rule::from_json(&document, 1).unwrap()
    };
    let rules = (0..N).map(walks).chain((0..N).map(|n| rule(&format!("present-{n}"))));
    engine.set_rules(rules.collect(), 0);
    let now_ms = 120 * MINUTE_MS;
    engine.set_gaps(Gaps::new(vec![TimeRange::new(0, now_ms - MINUTE_MS)]));
    let planned = |engine: &mut Engine, limit| {
        let due = engine.plan(now_ms + 30_000, limit).due;
        let ids: Vec<String> = due.iter().map(|due| due.rule.id.to_string()).collect();
        due.iter().for_each(|due| drop(engine.apply(now_ms + 30_000, due, Vec::new())));
        ids
    };
    let mut n_present = 0;
    while n_present < N {
        let ids = planned(&mut engine, N / 2);
        let n = ids.iter().filter(|id| id.starts_with("present")).count();
        assert_eq!(n, ids.len().min(N / 2), "{ids:?} after {n_present}");
        n_present += n;
    }
    // What is left of the room is theirs who walk, window by window.
    assert!(planned(&mut engine, 2 * N).iter().filter(|id| id.starts_with("walks")).count() == N);
}

/// Senders deliver what they kept only when a server is there again, and a rule that waits for late data waits for that. No
/// later window waits longer than it would have.
#[test]
fn what_was_missed_waits_for_what_senders_kept() {
    let back_ms = 120 * MINUTE_MS;
    let rule = |id: &str, more: serde_json::Value| {
        let query = json!({"stream": "s", "measure": "count"});
        let mut document = json!({"id": id, "query": query, "window": "1m", "absolute": {"max": 2}});
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Rule::from_json(&document, 1).unwrap()
    };
    let rules = || {
        vec![
            rule("hasty", json!({"max_catchup": "1d"})),
            rule("patient", json!({"max_catchup": "1d", "delay": "30s"})),
            rule("present", json!({"delay": "30s"})),
        ]
    };
    let mut engine = Engine::new();
    engine.set_rules(rules(), 0);
    engine.set_gaps(Gaps::new(vec![TimeRange::new(MINUTE_MS / 2, back_ms)]));
    let spread_ms = |at: usize| rules()[at].spread_ms(3);
    let [patient_ms, present_ms] = [1, 2].map(|at| back_ms + 30_000 + spread_ms(at));
    let both_ms = patient_ms.max(present_ms);

    assert_eq!(due(&mut engine, back_ms), ["hasty"]);
    assert_eq!(due(&mut engine, patient_ms.min(present_ms) - 1), ["hasty"]); // its next window
    assert_eq!(engine.overdue(both_ms - 1).filter(|(rule, _)| &*rule.id != "hasty").count(), 1);
    let planned = engine.plan(both_ms, 10).due;
    for (id, due_ms) in [("patient", patient_ms), ("present", present_ms)] {
        let first = planned.iter().find(|due| &*due.rule.id == id).unwrap();
        assert_eq!((first.due_ms, first.ask.window), (due_ms, TimeRange::new(0, MINUTE_MS)), "{id}");
        assert!(first.late, "people are told that {id} is late");
    }
    planned.iter().for_each(|due| drop(engine.apply(both_ms, due, Vec::new())));
    // What was missed follows at once, and the present at its time.
    assert!(due(&mut engine, both_ms).contains(&"patient".to_owned()));
    assert_eq!(engine.rule("present").unwrap().1, Some(present_ms + MINUTE_MS));
}

/// Has what is due answered so, and returns the windows that were evaluated, by their ends in minutes, and how.
fn answer(engine: &mut Engine, now_ms: i64, answer: &Answer) -> Vec<(i64, Outcome)> {
    let mut cycle = Cycle::<()>::default();
    for due in cycle.plan(engine, now_ms, 10).due {
        cycle.answer(now_ms, Answered { due, answer: answer.clone(), beside: () });
    }
    let evaluated = std::iter::from_fn(|| cycle.next(engine, now_ms)).flat_map(|it| it.changes.evaluations);
    evaluated.map(|it| (it.window.end_ms / MINUTE_MS, it.outcome)).collect()
}

/// A window whose source does not answer waits for it, and those after it come after it; one that is refused does not wait.
#[test]
fn a_window_waits_until_its_source_answers() {
    let rule = |policy: &str, version: u32| {
        let query = json!({"sql": "SELECT 1 WHERE :from < :until::timestamptz", "source": "shop"});
        let document =
            json!({"id": "r", "query": query, "window": "1m", "absolute": {"max": 2}, "error": policy});
        Rule::from_json(&document, version).unwrap()
    };
    let mut engine = Engine::new();
    engine.set_rules(vec![rule("wait", 1)], 0);
    let due_ms = rule("wait", 1).due_ms(TimeRange::new(0, MINUTE_MS), 1);
    let away: Answer = Err(SourceError::Temporary("it is away".to_owned()));
    let refused: Answer = Err(SourceError::Permanent("no such table".to_owned()));
    let reading = Reading::new(Group::Whole, Some(1.0), Vec::new());
    let found: Answer = Ok(Readings { groups: vec![reading], first_data_ms: None });
    assert_eq!(answer(&mut engine, due_ms, &away), []);
    assert_eq!(engine.plan(due_ms + 4_999, 10).due.len(), 0, "it is not asked again at once");
    // Three windows later it is late, and says since when.
    let late_ms = due_ms + 3 * MINUTE_MS;
    assert_eq!(answer(&mut engine, late_ms, &away), []);
    assert_eq!(engine.postponed_for_ms(late_ms + 1), 3 * MINUTE_MS + 1);
    assert_eq!(engine.overdue(late_ms).map(|(_, late_ms)| late_ms).collect::<Vec<_>>(), [3 * MINUTE_MS]);
    for (n, again_ms) in [5_000, 5_001, 5_002, 5_003].into_iter().enumerate() {
        let window = i64::try_from(n).unwrap() + 1;
        assert_eq!(answer(&mut engine, late_ms + again_ms, &found), [(window, Outcome::Normal)]);
    }
    assert_eq!(
        (engine.postponed_for_ms(late_ms + 6_000), engine.plan(late_ms + 6_000, 10).due.len()),
        (0, 0)
    );
    // A question that is refused is refused for ever.
    assert_eq!(answer(&mut engine, late_ms + MINUTE_MS, &refused), [(5, Outcome::Error)]);
    // A new version does not wait for what the one before waited for.
    assert_eq!(answer(&mut engine, late_ms + 2 * MINUTE_MS, &away), []);
    engine.set_rules(vec![rule("alert", 2)], late_ms + 2 * MINUTE_MS);
    assert_eq!(answer(&mut engine, late_ms + 2 * MINUTE_MS, &away), [(6, Outcome::Error)]);
    assert_eq!(engine.postponed_for_ms(late_ms + 2 * MINUTE_MS), 0);
    // What was missed by more than a day is passed over, as after a downtime.
    engine.set_rules(vec![rule("wait", 3)], late_ms + 2 * MINUTE_MS);
    assert_eq!(answer(&mut engine, late_ms + 3 * MINUTE_MS, &away), []);
    let tomorrow_ms = late_ms + 30 * 60 * MINUTE_MS;
    let evaluated = answer(&mut engine, tomorrow_ms, &found);
    assert!(evaluated.len() == 1 && evaluated[0].0 > 6 * 60, "{evaluated:?}");
    assert_eq!(engine.postponed_for_ms(tomorrow_ms), 0);
}
