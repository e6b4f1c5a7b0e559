//! The contract of [`StateStore`]: what was written is there as a whole, once, in order, also after a restart.
//!
//! Each function is given what opens the store; [`contract!`] names all of them, for the programs that run them.

use std::sync::Arc;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use lanner_core::{
    Alert, AlertState, Cause, Changes, Cursor, Evaluation, Group, Labels, MatchOp, Matcher, Measured,
    Notification, NotificationLogEntry, Outcome, Score, Silence, TimeRange,
};
use lanner_io::receiver::Next;
use lanner_io::state::{
    Claim, DocumentBatch, DocumentChange, EvaluationFilter, LoadedState, Model, ModelInfo, OutboxState,
    SavedVersions, Shards, StateStore, StoreError,
};
use serde_json::json;

/// Opens the store, anew or for the first time.
pub(crate) type Open<'o> = &'o dyn Fn() -> Arc<dyn StateStore>;

/// Hands the names of all functions of the contract to a macro.
macro_rules! contract {
    ($run:ident) => {
        $run! {
            a_turn_is_read_back_after_a_restart
            an_alert_that_is_not_written_again_follows_its_evaluations
            an_evaluation_happens_once_and_a_refused_turn_leaves_nothing
            what_was_told_is_forgotten_by_pieces_or_by_groups
            messages_are_sent_tried_again_or_given_up
            a_later_message_never_overtakes_one_of_its_group
            rules_have_versions_and_an_audit
            silences_are_added_replaced_and_ended
            old_state_is_pruned
            the_range_of_what_is_pruned_is_nobody_elses
            measured_values_are_forgotten_where_they_are_wrong_however_many_they_are
            shards_are_loaded_and_written_alone_by_their_latest_owner
            an_owner_of_all_shards_is_one_until_a_part_is_taken
            documents_and_silences_are_saved_all_or_none_and_the_audit_proves_them
            revisions_stay_reserved_until_they_are_released
            models_are_kept_by_what_they_are
            times_of_absence_are_kept
            evaluations_are_listed_by_time_and_by_rule
        }
    };
}
pub(crate) use contract;

fn apply(store: &dyn StateStore, changes: Changes) -> Result<(), StoreError> {
    store.apply(changes.into()).unwrap().wait()
}

fn alerts(store: &dyn StateStore) -> Vec<Alert> {
    store.load(Shards::All).unwrap().alerts
}

fn cursors(store: &dyn StateStore) -> Vec<Cursor> {
    store.load(Shards::All).unwrap().cursors
}

fn save(
    store: &dyn StateStore,
    kind: &str,
    message: &str,
    now_ms: i64,
    changes: Vec<DocumentChange>,
) -> SavedVersions {
    let batches = vec![DocumentBatch { kind: kind.into(), message: message.into(), changes }];
    store.save_batches("ann", &Cause::Person, now_ms, batches, Vec::new()).unwrap().wait().unwrap()
}

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
        lower: None,
        upper: Some(-20.0),
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
        error: None,
        content: json!({"text": "too few"}),
        annotations: lanner_core::Annotations::default(),
        late: false,
        acknowledged: None,
        evidence: None,
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
        cursors: vec![Cursor { rule: "drop".into(), window: window(n), shard: 7 }],
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

pub(crate) fn a_turn_is_read_back_after_a_restart(open: Open<'_>) {
    let store = open();
    for n in 0..3 {
        apply(&*store, turn(n)).unwrap();
    }
    drop(store);

    let store = open();
    assert_eq!(alerts(&*store), turn(2).alerts);
    assert_eq!(cursors(&*store), turn(2).cursors);
    assert_eq!(store.load_notification_log().unwrap(), turn(2).notification_log);
    let query = u64::MAX - 3;
    assert_eq!(store.measured_window(query, window(1)).unwrap(), turn(1).history);
    assert_eq!(store.measured_window(query, window(9)).unwrap(), []);

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
    apply(&*store, both).unwrap();
    let forgotten_groups = vec![("drop".into(), bank("hsbc"))];
    apply(&*store, Changes { forgotten_groups, ..Changes::default() }).unwrap();
    assert_eq!(alerts(&*store), [ing]);
    let end = Changes {
        notification_log: vec![NotificationLogEntry { record: None, ..turn(2).notification_log[0].clone() }],
        forgotten_rules: vec!["drop".into()],
        ..Changes::default()
    };
    apply(&*store, end).unwrap();
    assert!(alerts(&*store).is_empty() && cursors(&*store).is_empty());
    assert!(store.load_notification_log().unwrap().is_empty());
}

pub(crate) fn an_alert_that_is_not_written_again_follows_its_evaluations(open: Open<'_>) {
    let store = open();
    let quiet = |n| Changes { alerts: Vec::new(), ..turn(n) };
    let both = Changes { alerts: vec![alert("drop", bank("hsbc")), alert("drop", bank("ing"))], ..turn(0) };
    for changes in [both, quiet(1), quiet(2)] {
        apply(&*store, changes).unwrap();
    }
    let followed = |group: Group| {
        let mut alert = alert("drop", group.clone());
        alert.follow(&evaluation("drop", group, window(2)));
        alert
    };
    assert_eq!(alerts(&*store), [followed(bank("hsbc")), followed(bank("ing"))]);
}

pub(crate) fn an_evaluation_happens_once_and_a_refused_turn_leaves_nothing(open: Open<'_>) {
    let store = open();
    let again = Changes { alerts: vec![alert("other", bank("x"))], ..turn(0) };
    let mut wrong = turn(5);
    wrong.evaluations[1].id = "0".repeat(32);
    // All in flight together, so that they share commits.
    let receipts =
        [turn(0), again, turn(1), wrong, turn(2)].map(|changes| store.apply(changes.into()).unwrap());
    let [first, again, second, wrong, third] = receipts.map(lanner_io::state::Receipt::wait);
    assert_eq!([first, second, third], [Ok(()), Ok(()), Ok(())]);
    let id = turn(0).evaluations[0].id.clone();
    assert_eq!(again, Err(StoreError::AlreadyEvaluated { id, rule: "drop".into() }));
    assert!(matches!(wrong, Err(StoreError::WrongIdentity { .. })));
    assert_eq!(alerts(&*store).len(), 1);
    assert_eq!(store.evaluations(&of_rule("drop")).unwrap().len(), 6);
    assert_eq!(store.outbox_list(None, None, 100).unwrap().len(), 3);
}

pub(crate) fn what_was_told_is_forgotten_by_pieces_or_by_groups(open: Open<'_>) {
    let store = open();
    let entry = |alert: Option<&str>, record: Option<&str>| NotificationLogEntry {
        receiver: "on-call".into(),
        group: bank("hsbc").labels().clone(),
        alert: alert.map(Into::into),
        record: record.map(str::to_owned),
    };
    let note = |notification_log: Vec<NotificationLogEntry>| {
        apply(&*store, Changes { notification_log, ..Changes::default() }).unwrap();
        let all = store.load_notification_log().unwrap().into_iter();
        all.map(|it| (it.alert.unwrap_or_default().to_string(), it.record.unwrap())).collect::<Vec<_>>()
    };
    let is = |pieces: &[(&str, &str)]| -> Vec<(String, String)> {
        pieces.iter().map(|(alert, record)| ((*alert).to_owned(), (*record).to_owned())).collect()
    };
    let first = vec![entry(None, Some("1")), entry(Some("a"), Some("2")), entry(Some("b"), Some("3"))];
    assert_eq!(note(first), is(&[("", "1"), ("a", "2"), ("b", "3")]));
    assert_eq!(note(vec![entry(Some("a"), None)]), is(&[("", "1"), ("b", "3")]));
    // In the order of the entries, also within one turn.
    let again = vec![entry(Some("b"), Some("4")), entry(None, None), entry(Some("c"), Some("5"))];
    assert_eq!(note(again), is(&[("c", "5")]));
    assert_eq!(note(vec![entry(Some("c"), Some("6")), entry(None, None)]), is(&[]));
}

pub(crate) fn messages_are_sent_tried_again_or_given_up(open: Open<'_>) {
    let store = open();
    let outbox = ["a", "b", "c", "a"].iter().enumerate();
    let outbox = outbox.map(|(at, key)| notification(key, T + at as i64));
    // Each in a notification group of its own: none waits for another.
    let outbox = outbox.map(|it| Notification { group: bank(&it.key).labels().clone(), ..it }).collect();
    apply(&*store, Changes { outbox, ..Changes::default() }).unwrap();
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
    store.prune(T + 8 * DAY_MS).unwrap();
    assert_eq!(store.outbox_list(None, None, 10).unwrap().len(), 2);
}

pub(crate) fn a_later_message_never_overtakes_one_of_its_group(open: Open<'_>) {
    let store = open();
    let outbox = vec![notification("first", T), notification("second", T + 1)];
    apply(&*store, Changes { outbox, ..Changes::default() }).unwrap();
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

pub(crate) fn rules_have_versions_and_an_audit(open: Open<'_>) {
    let store = open();
    let save_all = |now_ms, changes: &[(&str, Option<i64>)]| -> Vec<u32> {
        let changes = changes
            .iter()
            .map(|(id, min)| DocumentChange {
                id: (*id).into(),
                document: min.map(|min| json!({"min": min})),
            })
            .collect();
        let saved = save(&*store, "rule", "because", now_ms, changes);
        saved.into_iter().map(|(_, version)| version).collect()
    };
    assert_eq!(save_all(T, &[("a", Some(1)), ("b", Some(1))]), [1, 1]);
    assert_eq!(save_all(T + 1, &[("a", Some(1)), ("b", Some(2)), ("none", None)]), [1, 2, 0]); // unchanged: kept
    assert_eq!(save_all(T + 2, &[("b", None)]), [3]);
    let ids: Vec<String> = store.documents("rule").unwrap().into_iter().map(|rule| rule.id).collect();
    assert_eq!(ids, ["a"]);
    assert_eq!(save_all(T + 3, &[("b", Some(2))]), [4]); // versions go on after a deletion
    let history = store.last_versions("rule", "b", 10).unwrap();
    let bodies: Vec<_> = history.iter().map(|rule| rule.document.clone()).collect();
    assert_eq!(bodies, [Some(json!({"min": 2})), None, Some(json!({"min": 2})), Some(json!({"min": 1}))]);
    assert_eq!((history[1].changed_ms, &*history[1].actor, &*history[1].message), (T + 2, "ann", "because"));

    store.audit(T + 4, "bob", "alert.silence", "b", json!({"for": "1h"})).unwrap().wait().unwrap();
    let actions: Vec<String> =
        store.audit_list(Some("b"), None, 10).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["alert.silence", "rule.create", "rule.delete", "rule.update", "rule.create"]);
    assert_eq!(store.audit_list(None, Some("rule."), 2).unwrap().len(), 2);
    let other = vec![DocumentChange { id: "a".into(), document: Some(json!({"url": "x"})) }];
    save(&*store, "receiver", "", T, other);
    assert_eq!(store.documents("receiver").unwrap()[0].document, Some(json!({"url": "x"})));
}

pub(crate) fn silences_are_added_replaced_and_ended(open: Open<'_>) {
    let store = open();
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

pub(crate) fn old_state_is_pruned(open: Open<'_>) {
    let store = open();
    let day = |n: i64| TimeRange::new(T + n * DAY_MS, T + n * DAY_MS + MINUTE_MS);
    for n in 0..3 {
        let changes = Changes {
            evaluations: vec![evaluation("r", bank("a"), day(n * 30))],
            history: (0..3)
                .map(|query| Measured { query, group: bank("a"), window: day(n * 30), value: Some(1.0) })
                .collect(),
            ..Changes::default()
        };
        apply(&*store, changes).unwrap();
    }
    let left = |now_ms| {
        store.prune(now_ms).unwrap();
        let n_history: usize = (0..3)
            .map(|query| {
                (0..3).map(|n| store.measured_window(query, day(n * 30)).unwrap().len()).sum::<usize>()
            })
            .sum();
        (store.evaluations(&of_rule("r")).unwrap().len(), n_history)
    };
    assert_eq!(left(T + 35 * DAY_MS), (3, 9));
    assert_eq!(left(T + 66 * DAY_MS), (1, 9));
    assert_eq!(left(T + 431 * DAY_MS), (0, 3));
}

pub(crate) fn the_range_of_what_is_pruned_is_nobody_elses(open: Open<'_>) {
    let store = open();
    let written = |n: i64, upper: Option<f64>, evaluated_ms: i64| {
        let evaluation = Evaluation { upper, evaluated_ms, ..evaluation("r", bank("a"), window(n)) };
        apply(&*store, Changes { evaluations: vec![evaluation], ..Changes::default() }).unwrap();
    };
    // The clock was a year ahead when the first was made, so the last one is the older.
    written(0, None, T + 365 * DAY_MS);
    written(1, Some(7.0), T);
    store.prune(T + 60 * DAY_MS).unwrap();
    written(2, None, T + 60 * DAY_MS);
    let left = store.evaluations(&EvaluationFilter::default()).unwrap();
    let last = left.iter().find(|it| it.window == window(2)).map(|it| it.upper);
    assert_eq!(last, Some(None), "{left:?}");
}

pub(crate) fn measured_values_are_forgotten_where_they_are_wrong_however_many_they_are(open: Open<'_>) {
    let store = open();
    // 250 windows of 100 groups, of two queries: more than one commit forgets.
    for query in [1, 2] {
        let row = |n: i64| Measured {
            query,
            group: bank(&(n % 100).to_string()),
            window: window(n / 100),
            value: Some(n as f64),
        };
        let changes = Changes { history: (0..25_000).map(row).collect(), ..Changes::default() };
        apply(&*store, changes).unwrap();
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

/// A rule that one shard's owner walked.
fn walked(rule: &str, shard: u8, n: i64) -> Changes {
    Changes {
        evaluations: vec![evaluation(rule, bank("a"), window(n))],
        alerts: vec![Alert { window: window(n), ..alert(rule, bank("a")) }],
        cursors: vec![Cursor { rule: rule.into(), window: window(n), shard }],
        ..Changes::default()
    }
}

pub(crate) fn shards_are_loaded_and_written_alone_by_their_latest_owner(open: Open<'_>) {
    let store = open();
    let claim = |shards, owner| store.claim(shards, owner).unwrap().wait().unwrap();
    let apply = |claim: Claim, changes: Changes| store.apply_claimed(claim, changes.into()).unwrap().wait();
    let (one, two) = (claim(Shards::One(1), "a"), claim(Shards::One(2), "b"));
    assert!(two.epoch > one.epoch);
    assert_eq!(apply(one, walked("first", 1, 0)), Ok(()));
    assert_eq!(apply(two, walked("second", 2, 0)), Ok(()));
    let loaded = |shards| store.load(shards).unwrap();
    let of = |rule: &str, shard, n| LoadedState {
        alerts: walked(rule, shard, n).alerts,
        cursors: walked(rule, shard, n).cursors,
    };
    assert_eq!(loaded(Shards::One(1)), of("first", 1, 0));
    assert_eq!(loaded(Shards::One(2)), of("second", 2, 0));
    assert_eq!(loaded(Shards::One(3)), LoadedState::default());
    assert_eq!(loaded(Shards::All).cursors.len(), 2);

    // Nobody writes what is another's, in no way.
    let not_mine = |rule: &str, shard| Err(StoreError::NotInShard { rule: rule.into(), shard });
    assert_eq!(apply(one, walked("first", 2, 1)), not_mine("first", 2));
    assert_eq!(apply(one, walked("second", 1, 1)), not_mine("second", 2));
    let evaluated = Changes { cursors: Vec::new(), ..walked("second", 2, 1) };
    assert_eq!(apply(one, evaluated), not_mine("second", 2));
    let forgotten = Changes { forgotten_rules: vec!["second".into()], ..Changes::default() };
    assert_eq!(apply(one, forgotten.clone()), not_mine("second", 2));
    let group = Changes { forgotten_groups: vec![("second".into(), bank("a"))], ..Changes::default() };
    assert_eq!(apply(one, group), not_mine("second", 2));
    assert_eq!(loaded(Shards::One(2)), of("second", 2, 0));

    // Whoever claims later owns; what the earlier owner still writes is refused as a whole.
    let later = claim(Shards::One(1), "c");
    let stale = |claim: Claim, now: Claim, owner: &str| {
        let (epoch, current) = (claim.epoch, now.epoch);
        Err(StoreError::StaleEpoch { shard: 1, epoch, current, owner: owner.into() })
    };
    assert_eq!(apply(one, walked("first", 1, 1)), stale(one, later, "c"));
    assert_eq!(loaded(Shards::One(1)), of("first", 1, 0));
    assert_eq!(apply(later, walked("first", 1, 1)), Ok(()));
    assert_eq!(apply(two, walked("second", 2, 1)), Ok(())); // nobody took this one

    // A rule that asks for something else moves when its old owner has forgotten it.
    assert_eq!(apply(two, forgotten), Ok(()));
    assert_eq!(apply(later, walked("second", 1, 2)), Ok(()));
    assert_eq!(loaded(Shards::One(1)).cursors.len(), 2);
}

/// One owner of everything moves rules as it likes, until somebody takes a part; claims outlive a restart.
pub(crate) fn an_owner_of_all_shards_is_one_until_a_part_is_taken(open: Open<'_>) {
    let store = open();
    let claim = |shards, owner| store.claim(shards, owner).unwrap().wait().unwrap();
    let apply = |claim: Claim, changes: Changes| store.apply_claimed(claim, changes.into()).unwrap().wait();
    let one = claim(Shards::One(1), "a");
    assert_eq!(apply(one, walked("rule", 1, 0)), Ok(()));
    let all = claim(Shards::All, "server");
    assert!(matches!(apply(one, walked("rule", 1, 1)), Err(StoreError::StaleEpoch { .. })));
    assert_eq!(apply(all, walked("rule", 5, 1)), Ok(()));
    assert_eq!(store.load(Shards::One(5)).unwrap().cursors.len(), 1);
    assert_eq!(store.load(Shards::One(1)).unwrap(), LoadedState::default());
    drop(store);
    let store = open();
    let part = store.claim(Shards::One(5), "d").unwrap().wait().unwrap();
    let refused = store.apply_claimed(all, walked("rule", 5, 2).into()).unwrap().wait();
    let (epoch, current) = (all.epoch, part.epoch);
    assert_eq!(refused, Err(StoreError::StaleEpoch { shard: 5, epoch, current, owner: "d".into() }));
}

pub(crate) fn revisions_stay_reserved_until_they_are_released(open: Open<'_>) {
    let store = open();
    let change = |document| vec![DocumentChange { id: "a".into(), document }];
    save(&*store, "switch", "why", T, change(Some(json!({}))));
    save(&*store, "switch", "why", T, change(None));
    assert_eq!(store.version_numbers("switch", &["a", "never", "a"]), Ok(vec![2, 0, 2]));
    assert_eq!(store.reserved_revision("switch"), Ok(None));
    store.reserve_revisions("switch", 40).unwrap().wait().unwrap();
    drop(store);
    let store = open();
    assert_eq!((store.reserved_revision("switch"), store.document_revision("switch")), (Ok(Some(40)), Ok(2)));
    assert_eq!(store.reserved_revision("rule"), Ok(None));
    store.release_revisions("switch", 7).unwrap().wait().unwrap();
    assert_eq!((store.reserved_revision("switch"), store.document_revision("switch")), (Ok(None), Ok(7)));
    // What was shown before is not taken back.
    store.release_revisions("switch", 3).unwrap().wait().unwrap();
    assert_eq!(store.document_revision("switch"), Ok(7));
}

pub(crate) fn documents_and_silences_are_saved_all_or_none_and_the_audit_proves_them(open: Open<'_>) {
    let store = open();
    let change = |document| vec![DocumentChange { id: "a".into(), document }];
    for document in [Some(json!({"x": 0.1})), Some(json!({"x": 2})), None] {
        save(&*store, "switch", "why", T, change(document));
    }
    store.audit(T, "bob", "silence", "b", json!({"share": 0.3})).unwrap().wait().unwrap();
    let before = store.verify_audit().unwrap();
    assert_eq!((before.n_entries, before.last_hash.len(), &before.problem), (4, 64, &None));
    drop(store);
    let store = open();
    assert_eq!(store.verify_audit().unwrap(), before);
    assert_eq!(store.document_revision("switch"), Ok(3));
    assert_eq!(store.raise_revision("switch", 10, "ann", T).unwrap().wait(), Ok(10));
    assert_eq!(store.raise_revision("switch", 4, "ann", T).unwrap().wait(), Ok(10));
    save(&*store, "switch", "again", T + 5, change(Some(json!({"x": 3}))));
    assert_eq!(store.document_revision("switch"), Ok(11));
    let after = store.verify_audit().unwrap();
    assert_eq!((after.n_entries, after.problem), (7, None));
    assert_ne!(after.last_hash, before.last_hash);
    let actions: Vec<String> = store
        .audit_list(Some("a"), Some("switch."), 10)
        .unwrap()
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(actions, ["switch.create", "switch.delete", "switch.update", "switch.create"]);
    // Pages, single ones, and what changed since.
    let ids = ["", "b", "c", "a"].map(|id| DocumentChange { id: id.into(), document: Some(json!({})) });
    save(&*store, "page", "", T, ids.to_vec());
    let page = |after, limit| -> Vec<String> {
        store.documents_after("page", after, limit).unwrap().into_iter().map(|found| found.id).collect()
    };
    assert_eq!(
        (page(None, 2), page(Some("a"), 9)),
        (vec![String::new(), "a".into()], vec!["b".into(), "c".into()])
    );
    let of = store.documents_of("page", &["c", "none", "a"]).unwrap();
    assert_eq!(of.iter().map(|found| &*found.id).collect::<Vec<_>>(), ["c", "a"]);
    assert_eq!(store.documents_since("switch", T).unwrap().len(), 1);
    assert_eq!(store.document_latest("switch", "a").unwrap().unwrap().version, 4);
}

pub(crate) fn models_are_kept_by_what_they_are(open: Open<'_>) {
    let store = open();
    let info = |created_ms| ModelInfo {
        id: String::new(),
        kind: "forest".into(),
        data: "5eed".into(),
        threshold: 0.5,
        metrics: json!({"auc": 0.9}),
        created_ms,
    };
    let put = |body: &[u8], created_ms| {
        store.put_model(Model { info: info(created_ms), body: body.to_vec() }).unwrap().wait().unwrap()
    };
    let (old, new) = (put(b"old", T), put(b"new", T + 1));
    assert_eq!(put(b"old", T + 9), old); // the same model
    assert_eq!(old, lanner_core::content::sha256(b"old"));
    let expected = Model { info: ModelInfo { id: old.clone(), ..info(T) }, body: b"old".to_vec() };
    assert_eq!(store.model(&old).unwrap(), Some(expected));
    assert_eq!(store.model("none").unwrap(), None);
    let ids: Vec<String> = store.models("forest").unwrap().into_iter().map(|info| info.id).collect();
    assert_eq!(ids, [new, old]);
    assert!(store.models("tree").unwrap().is_empty());
    for _ in 0..2 {
        store.delete_model(&ids[1]).unwrap().wait().unwrap();
    }
    assert_eq!((store.models("forest").unwrap().len(), store.model(&ids[1]).unwrap()), (1, None));
}

pub(crate) fn times_of_absence_are_kept(open: Open<'_>) {
    let store = open();
    assert_eq!((store.watched_ms(), store.gaps()), (Ok(None), Ok(Vec::new())));
    for watched_ms in [T, T - 5] {
        apply(&*store, Changes { watched_ms: Some(watched_ms), ..Changes::default() }).unwrap();
    }
    assert_eq!(store.watched_ms(), Ok(Some(T))); // a clock may go back
    let gap = TimeRange::new(T, T + 50);
    store.add_gap(gap).unwrap().wait().unwrap();
    let secret = store.secret();
    drop(store);
    let store = open();
    assert_eq!((store.watched_ms(), store.gaps()), (Ok(Some(T + 50)), Ok(vec![gap])));
    assert_eq!(store.secret(), secret);
}

pub(crate) fn evaluations_are_listed_by_time_and_by_rule(open: Open<'_>) {
    let store = open();
    let at = |rule: &str, group: &str, start_ms: i64, length_ms: i64| {
        evaluation(rule, bank(group), TimeRange::new(start_ms, start_ms + length_ms))
    };
    // Three days: one rule every hour, one every day, one that is soon forgotten; then an hour that comes late.
    let hours = (0..72).filter(|n| *n != 30).chain([30]);
    for n in hours {
        let start_ms = T + n * HOUR_MS;
        let mut evaluations =
            vec![at("hourly", "a", start_ms, HOUR_MS), at("hourly", "b", start_ms, HOUR_MS)];
        if n % 24 == 23 {
            evaluations.push(at("daily", "a", start_ms - 23 * HOUR_MS, DAY_MS));
        }
        if n == 2 {
            evaluations.push(at("gone", "a", start_ms, HOUR_MS));
        }
        apply(&*store, Changes { evaluations, ..Changes::default() }).unwrap();
    }
    apply(&*store, Changes { forgotten_rules: vec!["gone".into()], ..Changes::default() }).unwrap();
    let ends = |filter: EvaluationFilter| -> Vec<i64> {
        let hour = |end_ms: i64| (end_ms - T) / HOUR_MS;
        store.evaluations(&filter).unwrap().iter().map(|found| hour(found.window.end_ms)).collect()
    };
    let limited = |rule, limit| EvaluationFilter { limit, ..of_rule(rule) };
    assert_eq!(ends(of_rule("daily")), [72, 48, 24]);
    assert_eq!(ends(limited("daily", 2)), [72, 48]);
    assert_eq!(ends(limited("hourly", 5)), [72, 72, 71, 71, 70]);
    assert_eq!(ends(of_rule("hourly")).len(), 144);
    assert_eq!((ends(of_rule("gone")), ends(of_rule("never"))), (vec![3], vec![]));
    let hours_of = |from: i64, to: i64| EvaluationFilter {
        group: Some(bank("a")),
        from_ms: Some(T + from * HOUR_MS),
        to_ms: Some(T + to * HOUR_MS),
        ..of_rule("hourly")
    };
    assert_eq!(ends(hours_of(30, 33)), [32, 31, 30]); // also the one that came late, in its place
    let latest = EvaluationFilter { limit: 4, ..EvaluationFilter::default() };
    assert_eq!(ends(latest), [72, 72, 72, 71]);
    let all = EvaluationFilter { rule: None, ..hours_of(1, 4) };
    assert_eq!(ends(all), [3, 3, 2, 1]);
}
