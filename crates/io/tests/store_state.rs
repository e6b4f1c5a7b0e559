//! State: what one turn of the engine wrote is there as a whole, once, also after a restart.

use lanner_core::time::{DAY_MS, MINUTE_MS};
use lanner_core::{
    Alert, AlertState, Changes, Cursor, Evaluation, Group, Labels, MatchOp, Matcher, Measured, Notification,
    NotificationLogEntry, Outcome, Score, Silence, TimeRange,
};
use lanner_io::receiver::Next;
use lanner_io::store::{DocumentChange, EvaluationFilter, OutboxState, Store, StoreError, StoreOptions};
use serde_json::json;

const T: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

fn bank(name: &str) -> Group {
    Group::Of(Labels::new([("bank", name)]))
}

/// The `n`th window of ten minutes.
fn window(n: i64) -> TimeRange {
    TimeRange::new(T + 10 * MINUTE_MS * n, T + 10 * MINUTE_MS * (n + 1))
}

fn evaluation(rule: &str, group: Group, window: TimeRange) -> Evaluation {
    Evaluation {
        id: Evaluation::identity(rule, 1, &group, window),
        rule: rule.into(),
        version: 1,
        group,
        window,
        value: Some(12.5),
        base: None,
        score: Some(Score::new(3.0)),
        outcome: Outcome::BelowMinBase,
        error: Some("a reason".into()),
        evidence: None,
        state: AlertState::Pending,
        late: true,
        evaluated_ms: window.end_ms + 5,
    }
}

fn alert(rule: &str, group: Group) -> Alert {
    Alert {
        rule: rule.into(),
        version: 1,
        labels: group.labels().with(&Labels::new([("rule", rule)])),
        group,
        state: AlertState::Firing,
        since_ms: T,
        bad_streak: 2,
        bad_kind: Some(AlertState::Firing),
        good_streak: 0,
        episode: 1,
        active: true,
        started_ms: Some(T),
        resolved_ms: None,
        resolved_reason: None,
        seen_ms: T,
        window: window(0),
        value: Some(1.0),
        base: None,
        bad_value: Some(1.0),
        bad_base: None,
        evidence: None,
        error: None,
        content: json!({"text": "too few"}),
        annotations: lanner_core::Annotations::default(),
        late: false,
        acknowledged: None,
    }
}

fn notification(key: &str, created_ms: i64) -> Notification {
    Notification {
        key: key.into(),
        receiver: "on-call".into(),
        group: bank("hsbc").labels().clone(),
        alerts: Vec::new(),
        omitted: lanner_core::Omitted::default(),
        repeat: false,
        give_up_ms: None,
        created_ms,
    }
}

fn turn(n: i64) -> Changes {
    let measured = Measured { query: u64::MAX - 3, group: bank("hsbc"), window: window(n), value: None };
    Changes {
        evaluations: vec![
            evaluation("drop", bank("hsbc"), window(n)),
            evaluation("drop", bank("ing"), window(n)),
        ],
        history: vec![measured.clone(), Measured { group: bank("ing"), value: Some(0.25), ..measured }],
        alerts: vec![Alert { window: window(n), ..alert("drop", bank("hsbc")) }],
        cursors: vec![Cursor { rule: "drop".into(), window: window(n) }],
        outbox: vec![notification(&format!("key {n}"), window(n).end_ms)],
        notification_log: vec![NotificationLogEntry {
            receiver: "on-call".into(),
            group: bank("hsbc").labels().clone(),
            alert: None,
            record: Some(json!({"turn": n}).to_string()),
        }],
        ..Changes::default()
    }
}

fn of_rule(rule: &str) -> EvaluationFilter {
    EvaluationFilter { rule: Some(rule.into()), ..EvaluationFilter::default() }
}

#[test]
fn a_turn_is_read_back_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    for n in 0..3 {
        store.apply(turn(n)).unwrap().wait().unwrap();
    }
    store.close();
    assert_eq!(store.load_alerts(), Err(StoreError::Closed));
    assert_eq!(store.apply(turn(3)).unwrap_err(), StoreError::Closed);

    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    assert_eq!(store.load_alerts().unwrap(), turn(2).alerts);
    assert_eq!(store.load_cursors().unwrap(), turn(2).cursors);
    assert_eq!(store.load_notification_log().unwrap(), turn(2).notification_log);
    let query = u64::MAX - 3;
    let found = store.measured(query, &bank("ing"), window(1)).unwrap();
    assert_eq!(found.as_ref(), Some(&turn(1).history[1]));
    assert_eq!(store.measured(query, &bank("ing"), window(9)).unwrap(), None);
    let range = TimeRange::new(window(1).start_ms, window(2).start_ms);
    assert_eq!(store.measured_range(query, range).unwrap(), turn(1).history);

    let found = store.evaluations(&of_rule("drop")).unwrap();
    assert_eq!((found.len(), found[0].window, found[5].window), (6, window(2), window(0)));
    let filter = EvaluationFilter {
        group: Some(bank("ing")),
        from_ms: Some(window(1).end_ms),
        to_ms: Some(window(2).end_ms),
        ..of_rule("drop")
    };
    assert_eq!(store.evaluations(&filter).unwrap(), [evaluation("drop", bank("ing"), window(1))]);
    let latest = EvaluationFilter { limit: 1, ..EvaluationFilter::default() };
    assert_eq!(store.evaluations(&latest).unwrap(), [evaluation("drop", bank("ing"), window(2))]);

    let ing = Alert { window: window(2), ..alert("drop", bank("ing")) };
    let both = Changes { alerts: vec![ing.clone()], ..Changes::default() };
    store.apply(both).unwrap().wait().unwrap();
    let forgotten_groups = vec![("drop".into(), bank("hsbc"))];
    store.apply(Changes { forgotten_groups, ..Changes::default() }).unwrap().wait().unwrap();
    assert_eq!(store.load_alerts().unwrap(), [ing]);
    let end = Changes {
        notification_log: vec![NotificationLogEntry { record: None, ..turn(2).notification_log[0].clone() }],
        forgotten_rules: vec!["drop".into()],
        ..Changes::default()
    };
    store.apply(end).unwrap().wait().unwrap();
    assert!(store.load_alerts().unwrap().is_empty() && store.load_cursors().unwrap().is_empty());
    assert!(store.load_notification_log().unwrap().is_empty());
}

#[test]
fn an_alert_that_is_not_written_again_follows_its_evaluations() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let quiet = |n| Changes { alerts: Vec::new(), ..turn(n) };
    let both = Changes { alerts: vec![alert("drop", bank("hsbc")), alert("drop", bank("ing"))], ..turn(0) };
    for changes in [both, quiet(1), quiet(2)] {
        store.apply(changes).unwrap().wait().unwrap();
    }
    let followed = |group: Group| {
        let mut alert = alert("drop", group.clone());
        alert.follow(&evaluation("drop", group, window(2)));
        alert
    };
    assert_eq!(store.load_alerts().unwrap(), [followed(bank("hsbc")), followed(bank("ing"))]);
}

#[test]
fn an_evaluation_happens_once_and_a_refused_turn_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let again = Changes { alerts: vec![alert("other", bank("x"))], ..turn(0) };
    let mut wrong = turn(5);
    wrong.evaluations[1].id = "0".repeat(32);
    // All in flight together, so that they share commits.
    let receipts = [turn(0), again, turn(1), wrong, turn(2)].map(|changes| store.apply(changes).unwrap());
    let [first, again, second, wrong, third] = receipts.map(lanner_io::store::Receipt::wait);
    assert_eq!([first, second, third], [Ok(()), Ok(()), Ok(())]);
    let id = turn(0).evaluations[0].id.clone();
    assert_eq!(again, Err(StoreError::AlreadyEvaluated { id, rule: "drop".into() }));
    assert!(matches!(wrong, Err(StoreError::WrongIdentity { .. })));
    assert_eq!(store.load_alerts().unwrap().len(), 1);
    assert_eq!(store.evaluations(&of_rule("drop")).unwrap().len(), 6);
    assert_eq!(store.outbox_list(None, None, 100).unwrap().len(), 3);
}

#[test]
fn messages_are_sent_tried_again_or_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let outbox = ["a", "b", "c", "a"].iter().enumerate();
    let outbox = outbox.map(|(at, key)| notification(key, T + at as i64));
    // Each in a notification group of its own: none waits for another.
    let outbox = outbox.map(|it| Notification { group: bank(&it.key).labels().clone(), ..it }).collect();
    store.apply(Changes { outbox, ..Changes::default() }).unwrap().wait().unwrap();
    let due = |now_ms| -> Vec<(String, u32)> {
        let due = store.outbox_due("on-call", now_ms, 10).unwrap();
        due.into_iter().map(|entry| (entry.notification.key, entry.attempts)).collect()
    };
    assert_eq!(due(T + 1), [("a".into(), 0), ("b".into(), 0)]); // "a" was added once
    store.outbox_sent("a", T + 10, None).unwrap().wait().unwrap();
    store.outbox_failed("b", T + 10, "refused", Next::TryAgain { at_ms: T + 60 }).unwrap().wait().unwrap();
    store.outbox_failed("c", T + 10, "no such place", Next::GiveUp).unwrap().wait().unwrap();
    assert_eq!(store.outbox_counts().unwrap(), [("on-call".to_owned(), 1, 1)]);
    assert_eq!(store.outbox_due("mail", T + 60, 10).unwrap(), []);
    assert_eq!(due(T + 59), []);
    assert_eq!(due(T + 60), [("b".into(), 1)]);
    let dead = store.outbox_list(Some(OutboxState::Dead), None, 10).unwrap();
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some("no such place")));
    store.outbox_retry("c", T + 20).unwrap().wait().unwrap();
    assert_eq!(due(T + 59), [("c".into(), 0)]);
    let missing = StoreError::NotFound { what: "message", name: "z".into() };
    assert_eq!(store.outbox_sent("z", T, None).unwrap().wait(), Err(missing));
    // Sent messages are forgotten after a week, waiting ones are not.
    store.maintain(T + 8 * DAY_MS).unwrap();
    assert_eq!(store.outbox_list(None, None, 10).unwrap().len(), 2);
}

#[test]
fn a_later_message_never_overtakes_one_of_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let outbox = vec![notification("first", T), notification("second", T + 1)];
    store.apply(Changes { outbox, ..Changes::default() }).unwrap().wait().unwrap();
    let due = |now_ms| -> Vec<String> {
        let due = store.outbox_due("on-call", now_ms, 10).unwrap();
        due.into_iter().map(|entry| entry.notification.key).collect()
    };
    assert_eq!(due(T + 9), ["first"]);
    store.outbox_failed("first", T + 9, "refused", Next::TryAgain { at_ms: T + 60 }).unwrap().wait().unwrap();
    assert_eq!(due(T + 10), [""; 0]);
    store.outbox_sent("first", T + 60, None).unwrap().wait().unwrap();
    assert_eq!(due(T + 60), ["second"]);
}

#[test]
fn rules_have_versions_and_an_audit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let save = |now_ms, changes: &[(&str, Option<i64>)]| -> Vec<u32> {
        let changes = changes
            .iter()
            .map(|(id, min)| DocumentChange {
                id: (*id).into(),
                document: min.map(|min| json!({"min": min})),
            })
            .collect();
        let saved = store.save_rules("ann", "because", now_ms, changes).unwrap().wait().unwrap();
        saved.into_iter().map(|(_, version)| version).collect()
    };
    assert_eq!(save(T, &[("a", Some(1)), ("b", Some(1))]), [1, 1]);
    assert_eq!(save(T + 1, &[("a", Some(1)), ("b", Some(2)), ("none", None)]), [1, 2, 0]); // unchanged: kept
    assert_eq!(save(T + 2, &[("b", None)]), [3]);
    let ids: Vec<String> = store.rules().unwrap().into_iter().map(|rule| rule.id).collect();
    assert_eq!(ids, ["a"]);
    assert_eq!(save(T + 3, &[("b", Some(2))]), [4]); // versions go on after a deletion
    let history = store.rule_history("b").unwrap();
    let bodies: Vec<_> = history.iter().map(|rule| rule.document.clone()).collect();
    assert_eq!(bodies, [Some(json!({"min": 2})), None, Some(json!({"min": 2})), Some(json!({"min": 1}))]);
    assert_eq!((history[1].changed_ms, &*history[1].actor, &*history[1].message), (T + 2, "ann", "because"));

    store.audit(T + 4, "bob", "alert.silence", "b", json!({"for": "1h"})).unwrap().wait().unwrap();
    let actions: Vec<String> =
        store.audit_list(Some("b"), None, 10).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["alert.silence", "rule.create", "rule.delete", "rule.update", "rule.create"]);
    assert_eq!(store.audit_list(None, Some("rule."), 2).unwrap().len(), 2);
    let other = vec![DocumentChange { id: "a".into(), document: Some(json!({"url": "x"})) }];
    store.save_documents("receiver", "ann", "", T, other).unwrap().wait().unwrap();
    assert_eq!(store.documents("receiver").unwrap()[0].document, Some(json!({"url": "x"})));
}

#[test]
fn silences_are_added_replaced_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let silence = Silence {
        id: "00000000000000aa".into(),
        matchers: vec![Matcher { label: "bank".into(), op: MatchOp::Regex, value: "h.*".into() }],
        start_ms: T,
        end_ms: T + DAY_MS,
        every: lanner_core::TimeIntervals::default(),
        author: "ann".into(),
        comment: "maintenance".into(),
        created_ms: T,
    };
    store.add_silence(silence.clone()).unwrap().wait().unwrap();
    assert_eq!(store.silences().unwrap(), std::slice::from_ref(&silence));
    for now_ms in [T + 5, T + 50] {
        store.expire_silence(&silence.id, now_ms).unwrap().wait().unwrap();
        assert_eq!(store.silences().unwrap()[0].end_ms, T + 5); // ending it again changes nothing
    }
    assert!(matches!(store.expire_silence("x", T).unwrap().wait(), Err(StoreError::NotFound { .. })));
}

#[test]
fn old_state_is_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    let day = |n: i64| TimeRange::new(T + n * DAY_MS, T + n * DAY_MS + MINUTE_MS);
    for n in 0..3 {
        let changes = Changes {
            evaluations: vec![evaluation("r", bank("a"), day(n * 30))],
            history: (0..3)
                .map(|query| Measured { query, group: bank("a"), window: day(n * 30), value: Some(1.0) })
                .collect(),
            ..Changes::default()
        };
        store.apply(changes).unwrap().wait().unwrap();
    }
    let left = |now_ms| {
        store.maintain(now_ms).unwrap();
        let ever = TimeRange::new(i64::MIN, i64::MAX);
        let n_history: usize = (0..3).map(|query| store.measured_range(query, ever).unwrap().len()).sum();
        (store.evaluations(&of_rule("r")).unwrap().len(), n_history)
    };
    assert_eq!(left(T + 35 * DAY_MS), (3, 9));
    assert_eq!(left(T + 66 * DAY_MS), (1, 9));
    assert_eq!(left(T + 431 * DAY_MS), (0, 3));
}

#[test]
fn measured_values_are_forgotten_where_they_are_wrong_however_many_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), StoreOptions::default()).unwrap();
    // 250 windows of 100 groups, of two queries: more than one commit forgets.
    for query in [1, 2] {
        let row = |n: i64| Measured {
            query,
            group: bank(&(n % 100).to_string()),
            window: window(n / 100),
            value: Some(n as f64),
        };
        let changes = Changes { history: (0..25_000).map(row).collect(), ..Changes::default() };
        store.apply(changes).unwrap().wait().unwrap();
    }
    let kept = |query| -> Vec<i64> {
        let kept = |n: &i64| !store.measured_window(query, window(*n)).unwrap().is_empty();
        (0..250).filter(kept).collect()
    };
    let at = |n: i64, after_ms: i64| window(n).start_ms + after_ms;
    let length_ms = 10 * MINUTE_MS;
    // One moment, the last of a window, and the first of one; of the other query nothing.
    let moments = [at(3, 1), at(5, length_ms - 1), at(7, 0)];
    let moments = moments.map(|at_ms| (1, TimeRange::new(at_ms, at_ms + 1), length_ms));
    store.forget_measured(&moments).unwrap();
    assert_eq!(kept(1), (0..250).filter(|n| ![3, 5, 7].contains(n)).collect::<Vec<_>>());
    store.forget_measured(&[(1, TimeRange::new(at(10, 0), at(240, 0)), length_ms)]).unwrap();
    assert_eq!(kept(1), [0, 1, 2, 4, 6, 8, 9].into_iter().chain(240..250).collect::<Vec<_>>());
    assert_eq!(kept(2), (0..250).collect::<Vec<_>>());
    store.forget_measured(&[(2, TimeRange::new(i64::MIN, i64::MAX), length_ms)]).unwrap();
    assert_eq!(kept(2), Vec::<i64>::new());
    store.forget_measured(&[]).unwrap();
}
