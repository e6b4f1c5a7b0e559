//! Notifications, second by second.

use lanner_core::{AlertState, MatchOp, Matcher, Silence, TimeRange};

use super::*;

mod actions;

pub(super) fn alert(bank: &str, episode: u32, resolved_ms: Option<i64>) -> NotifiedAlert {
    let labels = Labels::new([("bank", bank), ("rule", "floor")]);
    NotifiedAlert {
        fingerprint: bank.to_owned(),
        episode,
        state: if resolved_ms.is_some() { AlertState::Normal } else { AlertState::Firing },
        rule: "floor".into(),
        group: labels.clone(),
        labels,
        content: serde_json::Value::Null,
        annotations: lanner_core::Annotations::default(),
        started_ms: i64::from(episode),
        resolved_ms,
        resolved_reason: None,
        window: TimeRange::new(0, 1),
        value: None,
        base: None,
        evidence: None,
        late: false,
        acknowledged: None,
    }
}

pub(super) fn notifier(wait_ms: i64, interval_ms: i64, repeat_ms: Option<i64>) -> Notifier {
    let mut notifier = Notifier::default();
    let route =
        Route { group_wait_ms: wait_ms, group_interval_ms: interval_ms, repeat_ms, ..Route::new("pager") };
    notifier.configure(vec![route], Vec::new());
    notifier
}

/// Ticks once a second up to `until_ms` and writes each message as `time:alerts`, ended ones with `-`.
pub(super) fn run(notifier: &mut Notifier, from_ms: i64, until_ms: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for now_ms in (from_ms..=until_ms).step_by(1_000) {
        for message in notifier.tick(now_ms).messages {
            notifier.settle(now_ms, &message.key, DeliveryOutcome::Delivered);
            let alerts: Vec<String> = message
                .alerts
                .iter()
                .map(|a| format!("{}{}{}", if a.is_resolved() { "-" } else { "" }, a.fingerprint, a.episode))
                .collect();
            lines.push(format!(
                "{}:{}{}",
                now_ms / 1_000,
                alerts.join("+"),
                if message.repeat { " again" } else { "" }
            ));
        }
    }
    lines
}

pub(super) fn matching(text: &str) -> Matchers {
    Matchers::compile(&lanner_core::matchers::parse_matchers(text).unwrap()).unwrap()
}

pub(super) fn pager() -> Vec<Arc<str>> {
    vec!["pager".into()]
}

#[test]
fn groups_wait_gather_and_repeat() {
    let mut n = notifier(5_000, 10_000, Some(30_000));
    n.record(0, alert("a", 1, None), &pager());
    n.record(2_000, alert("b", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 6_000), ["5:a1+b1"]);
    n.record(7_000, alert("a", 1, Some(7_000)), &pager());
    assert_eq!(run(&mut n, 7_000, 60_000), ["15:b1+-a1", "45:b1 again"]);
    n.record(61_000, alert("b", 1, Some(61_000)), &pager());
    assert_eq!(run(&mut n, 61_000, 200_000), ["61:-b1"]);
    assert!(n.groups.is_empty() && n.due.is_empty());
}

#[test]
fn short_episodes_are_told_too() {
    let mut n = notifier(5_000, 60_000, None);
    n.record(0, alert("a", 1, None), &pager());
    n.record(1_000, alert("a", 1, Some(1_000)), &pager());
    n.record(2_000, alert("a", 2, None), &pager());
    assert_eq!(run(&mut n, 2_000, 9_000), ["5:-a1+a2"]);
    n.record(9_000, alert("a", 2, Some(9_000)), &pager());
    n.record(9_500, alert("a", 3, None), &pager());
    n.record(9_700, alert("b", 1, None), &pager());
    // Whoever works through the list is left with what is true: `a` fires.
    assert_eq!(run(&mut n, 10_000, 90_000), ["65:b1+-a2+a3"]);
}

#[test]
fn severity_is_news_and_chooses_who_is_told() {
    let graded = |severity: &str, resolved_ms| {
        let mut alert = alert("a", 1, resolved_ms);
        alert.labels = alert.labels.with(&Labels::new([("severity", severity)]));
        alert
    };
    #[track_caller]
    fn check(only: &str, news: [&NotifiedAlert; 6], expected: &[&str]) {
        let mut n = Notifier::default();
        let route = Route {
            group_wait_ms: 0,
            group_interval_ms: 0,
            repeat_ms: None,
            only: (!only.is_empty()).then(|| matching(only)),
            ..Route::new("pager")
        };
        n.configure(vec![route], Vec::new());
        let mut told = Vec::new();
        for (at, alert) in news.into_iter().enumerate() {
            let now_ms = at as i64 * 10_000;
            n.record(now_ms, alert.clone(), &pager());
            told.extend(run(&mut n, now_ms, now_ms + 5_000));
        }
        assert_eq!(told, expected);
        assert!(n.groups.is_empty());
    }
    let (warn, error, end) = (graded("warn", None), graded("error", None), graded("warn", Some(50_000)));
    let news = [&warn, &error, &warn, &error, &warn, &end];
    check("", news, &["0:a1", "10:a1", "20:a1", "30:a1", "40:a1", "50:-a1"]);
    check("severity=error", news, &["10:a1", "30:a1", "50:-a1"]);
    check("severity=page", news, &[]);
}

#[test]
fn silences_hold_back_and_let_go() {
    let silence = |end_ms| Silence {
        id: "s".into(),
        matchers: vec![Matcher { label: "bank".into(), op: MatchOp::Equal, value: "a".into() }],
        start_ms: 0,
        end_ms,
        every: TimeIntervals::default(),
        author: "ann".into(),
        comment: "maintenance".into(),
        created_ms: 0,
    };
    let mut n = notifier(0, 0, None);
    n.set_silences(Silences::compile(&[silence(20_000)]), 0);
    n.record(0, alert("a", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 30_000), ["20:a1"]); // told when the silence ends
    n.set_silences(Silences::compile(&[silence(90_000)]), 31_000);
    n.record(31_000, alert("a", 1, Some(31_000)), &pager());
    assert_eq!(run(&mut n, 31_000, 32_000), ["31:-a1"]); // the end of what was told is told
    n.record(40_000, alert("a", 2, None), &pager());
    assert_eq!(run(&mut n, 40_000, 41_000), [""; 0]);
    n.set_silences(Silences::default(), 42_000);
    assert_eq!(run(&mut n, 42_000, 43_000), ["42:a2"]); // expired early
    n.set_silences(Silences::compile(&[silence(90_000)]), 44_000);
    n.record(45_000, alert("a", 2, Some(45_000)), &pager());
    n.record(46_000, alert("a", 3, None), &pager());
    n.record(47_000, alert("a", 3, Some(47_000)), &pager());
    assert_eq!(run(&mut n, 47_000, 99_000), ["47:-a2"]); // an episode muted throughout is not told
}

#[test]
fn inhibition_mutes_what_follows_from_something_else() {
    let mut n = notifier(0, 0, None);
    let route = Route {
        group_by: vec!["bank".into()],
        group_wait_ms: 0,
        group_interval_ms: 0,
        ..Route::new("pager")
    };
    let inhibition =
        Inhibition { source: matching("bank=a"), target: matching("bank=b"), equal: vec!["rule".into()] };
    n.configure(vec![route], vec![inhibition]);
    n.record(0, alert("a", 1, None), &pager());
    n.record(0, alert("b", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 5_000), ["0:a1"]);
    n.record(6_000, alert("a", 1, Some(6_000)), &pager());
    assert_eq!(run(&mut n, 6_000, 9_000), ["6:-a1", "6:b1"]);
}

#[test]
fn an_end_is_told_to_whoever_knows_of_the_beginning() {
    let mut n = notifier(0, 0, None);
    n.record(0, alert("a", 1, None), &pager());
    let mut again = notifier(0, 0, None);
    again.restore(n.take_log());
    for mut n in [n, again] {
        assert_eq!(run(&mut n, 0, 1_000), ["0:a1"]);
        // Its rule tells others now, or nobody because it is gone.
        n.record(2_000, alert("a", 1, Some(2_000)), &["chat".into()]);
        assert_eq!(run(&mut n, 2_000, 9_000), ["2:-a1"]);
        assert!(n.groups.is_empty() && n.running.is_empty());
    }
}

#[test]
fn a_restart_neither_forgets_nor_repeats() {
    let mut n = notifier(5_000, 10_000, None);
    n.record(0, alert("a", 1, None), &pager());
    let mut again = notifier(5_000, 10_000, None);
    again.restore(n.take_log());
    let news = again.tick(5_000);
    assert_eq!(news.messages.len(), 1);
    assert_eq!(news.messages, n.tick(5_000).messages); // the same key, too
    let mut third = notifier(5_000, 10_000, None);
    third.restore(news.log);
    third.settle(5_000, &news.messages[0].key, DeliveryOutcome::Delivered);
    assert_eq!(run(&mut third, 6_000, 60_000), [""; 0]);
}

/// The messages of one look at `now_ms`, as `run` writes them, without saying what became of them.
fn look(notifier: &mut Notifier, now_ms: i64) -> Vec<Notification> {
    notifier.tick(now_ms).messages
}

#[test]
fn alerts_that_match_both_sides_do_not_silence_one_another() {
    /// Which of three alerts, of banks a, b and c, are told when all of them fire.
    #[track_caller]
    fn check(source: &str, target: &str, told: &[&str]) {
        let mut n = Notifier::default();
        let route = Route { group_by: vec!["bank".into()], group_wait_ms: 0, ..Route::new("pager") };
        let inhibition =
            Inhibition { source: matching(source), target: matching(target), equal: vec!["rule".into()] };
        n.configure(vec![route], vec![inhibition]);
        for bank in ["a", "b", "c"] {
            n.record(0, alert(bank, 1, None), &pager());
        }
        assert_eq!(run(&mut n, 0, 0), told, "{source} {target}");
    }
    check("bank=~a|b", "bank=~a|b", &["0:a1", "0:b1", "0:c1"]);
    check("bank=~a|b", "bank=~a|b|c", &["0:a1", "0:b1"]); // c matches the target alone
    check("bank=~a|b|c", "bank=~a|b", &["0:c1"]); // c matches the source alone
    check("bank=a", "bank=a", &["0:a1", "0:b1", "0:c1"]); // nor does one silence itself
    check("bank!=c", "bank=c", &["0:a1", "0:b1"]);
    check("bank=~.+", "bank!~c", &["0:c1"]);
}

#[test]
fn alerts_that_silence_one_another_in_a_circle_are_all_told() {
    /// What is told when three alerts begin a second after another, and each group is sent 1.5 s later.
    #[track_caller]
    fn check(entries: &[(&str, &str)], told: &[&str]) {
        let mut n = Notifier::default();
        let route = Route {
            group_by: vec!["bank".into()],
            group_wait_ms: 1_500,
            group_interval_ms: 0,
            ..Route::new("pager")
        };
        let inhibition = |(source, target): &(&str, &str)| Inhibition {
            source: matching(source),
            target: matching(target),
            equal: vec!["rule".into()],
        };
        n.configure(vec![route], entries.iter().map(inhibition).collect());
        for (at_ms, bank) in [(0, "a"), (1_000, "b"), (2_000, "c")] {
            n.record(at_ms, alert(bank, 1, None), &pager());
        }
        assert_eq!(run(&mut n, 0, 9_000), told, "{entries:?}");
    }
    check(&[("bank=a", "bank=b"), ("bank=b", "bank=a")], &["2:a1", "3:b1", "4:c1"]);
    check(&[("bank=a", "bank=b"), ("bank=b", "bank=c"), ("bank=c", "bank=a")], &["2:a1", "3:b1", "4:c1"]);
    check(&[("bank=a", "bank=b"), ("bank=b", "bank=c")], &["2:a1"]); // a chain is none
    check(&[("bank=~a|b", "bank=b"), ("bank=~b|c", "bank=~b|c"), ("bank=a", "bank=c")], &["2:a1"]); // a holds both
}

#[test]
fn who_wants_no_ends_still_hears_of_what_was_short() {
    let mut n = Notifier::default();
    let route = Route {
        group_by: vec!["bank".into()],
        group_wait_ms: 5_000,
        group_interval_ms: 0,
        send_resolved: false,
        ..Route::new("pager")
    };
    n.configure(vec![route], Vec::new());
    n.record(0, alert("a", 1, None), &pager());
    n.record(2_000, alert("a", 1, Some(2_000)), &pager());
    assert_eq!(run(&mut n, 2_000, 9_000), ["5:-a1"]);
    n.record(10_000, alert("b", 1, None), &pager());
    assert_eq!(run(&mut n, 10_000, 20_000), ["15:b1"]);
    n.record(21_000, alert("b", 1, Some(21_000)), &pager());
    assert_eq!(run(&mut n, 21_000, 30_000), [""; 0]);
}

#[test]
fn a_circle_that_closes_frees_who_was_held_back() {
    let mut n = Notifier::default();
    let route = Route { group_by: vec!["bank".into()], group_wait_ms: 0, ..Route::new("pager") };
    let inhibition =
        |source, target| Inhibition { source: matching(source), target: matching(target), equal: Vec::new() };
    let ring = [("bank=a", "bank=b"), ("bank=b", "bank=c"), ("bank=c", "bank=a")];
    n.configure(vec![route], ring.map(|(source, target)| inhibition(source, target)).to_vec());
    n.record(0, alert("a", 1, None), &pager());
    n.record(0, alert("b", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 1_000), ["0:a1"]);
    n.record(2_000, alert("c", 1, None), &pager());
    assert_eq!(run(&mut n, 2_000, 3_000), ["2:b1", "2:c1"]);
}

#[test]
fn what_was_held_back_is_told_when_the_last_source_ends() {
    let mut n = Notifier::default();
    let route = Route {
        group_by: vec!["bank".into()],
        group_wait_ms: 0,
        group_interval_ms: 0,
        ..Route::new("pager")
    };
    let inhibition =
        Inhibition { source: matching("bank=~a|b"), target: matching("bank=c"), equal: Vec::new() };
    n.configure(vec![route], vec![inhibition]);
    for bank in ["a", "b", "c"] {
        n.record(0, alert(bank, 1, None), &pager());
    }
    assert_eq!(run(&mut n, 0, 1_000), ["0:a1", "0:b1"]);
    // A restart knows what waits for what.
    let mut again = Notifier::default();
    let mut all = Vec::new();
    for (key, record) in &mut n.groups {
        record.changed.extend(record.members.keys().cloned());
        all.extend(record.pieces(key));
    }
    let route = |n: &Notifier| n.routes.values().map(|route| Route::clone(route)).collect::<Vec<_>>();
    let inhibition =
        Inhibition { source: matching("bank=~a|b"), target: matching("bank=c"), equal: Vec::new() };
    again.restore(all);
    again.configure(route(&n), vec![inhibition]);
    for mut n in [n, again] {
        n.record(2_000, alert("a", 1, Some(2_000)), &pager());
        assert_eq!(run(&mut n, 2_000, 3_000), ["2:-a1"]);
        n.record(4_000, alert("b", 1, Some(4_000)), &pager());
        assert_eq!(run(&mut n, 4_000, 5_000), ["4:-b1", "4:c1"]);
    }
}

#[test]
fn what_was_refused_is_told_by_the_next_message() {
    let mut n = notifier(0, 10_000, None);
    n.record(0, alert("a", 1, None), &pager());
    let first = look(&mut n, 0).remove(0);
    n.record(1_000, alert("b", 1, None), &pager());
    assert_eq!(look(&mut n, 60_000), []); // one message at a time
    n.settle(60_000, &first.key, DeliveryOutcome::Refused);
    assert_eq!(run(&mut n, 60_000, 69_000), [""; 0]); // not at once: group_interval
    assert_eq!(run(&mut n, 70_000, 200_000), ["70:a1+b1"]);
    assert_eq!(n.settle(70_000, &first.key, DeliveryOutcome::Delivered), ()); // nobody waits for it any more
    n.record(201_000, alert("a", 1, Some(201_000)), &pager());
    assert_eq!(run(&mut n, 201_000, 300_000), ["201:b1+-a1"]);
}

#[test]
fn refusals_are_followed_ever_more_slowly_and_given_up() {
    let mut n = Notifier::default();
    let route = Route {
        group_wait_ms: 0,
        group_interval_ms: 0,
        give_up_after_ms: 3_600_000,
        repeat_ms: Some(7_200_000),
        ..Route::new("pager")
    };
    n.configure(vec![route], Vec::new());
    n.record(0, alert("a", 1, None), &pager());
    let (mut at_ms, mut keys, mut gaps) = (0, BTreeSet::new(), Vec::new());
    let last = loop {
        let message = look(&mut n, at_ms).remove(0);
        assert!(keys.insert(message.key.clone()), "a key twice");
        assert_eq!(message.give_up_ms, Some(3_600_000)); // since the first one
        if at_ms >= 3_600_000 {
            break message;
        }
        n.settle(at_ms, &message.key, DeliveryOutcome::Refused);
        gaps.push((n.next_due_ms().unwrap() - at_ms) / 1_000);
        at_ms = n.next_due_ms().unwrap();
    };
    assert_eq!(gaps[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    n.settle(at_ms, &last.key, DeliveryOutcome::GivenUp);
    assert_eq!(look(&mut n, at_ms + 600_000), []);
    // It is tried again with the next news, or when it would be repeated, or when somebody asks.
    let group = Labels::new([("rule", "floor")]);
    let mut asked = Notifier::default();
    asked.configure(n.routes.values().map(|route| Route::clone(route)).collect(), Vec::new());
    let (key, record) = n.groups.iter_mut().next().unwrap();
    record.changed.extend(record.members.keys().cloned());
    asked.restore(record.pieces(key));
    assert!(asked.resend(at_ms, &"pager".into(), &group));
    let message = look(&mut asked, at_ms).remove(0);
    assert!(!message.repeat && !asked.resend(at_ms, &"pager".into(), &group));
    assert_eq!(run(&mut n, at_ms + 7_200_000, at_ms + 7_201_000).len(), 1);
}

#[test]
fn nobody_hears_the_end_of_what_they_refused_to_hear() {
    for outcome in [DeliveryOutcome::Refused, DeliveryOutcome::GivenUp] {
        let mut n = notifier(0, 0, None);
        n.record(0, alert("a", 1, None), &pager());
        let message = look(&mut n, 0).remove(0);
        n.record(500, alert("a", 1, Some(500)), &pager()); // while it is under way
        n.settle(600, &message.key, outcome);
        assert_eq!(run(&mut n, 1_000, 100_000), [""; 0]);
        assert!(n.groups.is_empty() && n.due.is_empty() && n.under_way.is_empty());
    }
    // What was taken ends, though it was over by then; and the end that is refused is told again.
    let mut n = notifier(0, 0, None);
    n.record(0, alert("a", 1, None), &pager());
    let began = look(&mut n, 0).remove(0);
    n.record(500, alert("a", 1, Some(500)), &pager());
    n.settle(600, &began.key, DeliveryOutcome::Delivered);
    let ended = look(&mut n, 1_000).remove(0);
    assert!(ended.is_resolved());
    n.settle(1_500, &ended.key, DeliveryOutcome::Refused);
    assert_eq!(run(&mut n, 2_000, 9_000), ["3:-a1"]);
    assert!(n.groups.is_empty());
}

#[test]
fn a_restart_knows_what_is_under_way() {
    for outcome in [DeliveryOutcome::Refused, DeliveryOutcome::Delivered] {
        let mut n = notifier(0, 0, None);
        n.record(0, alert("a", 1, None), &pager());
        let Flushed { messages, log: told } = n.tick(0);
        let mut again = notifier(0, 0, None);
        again.restore(told);
        assert_eq!(again.under_way().collect::<Vec<_>>(), [&messages[0].key]);
        again.settle(0, &messages[0].key, outcome);
        let expected: &[&str] = if outcome == DeliveryOutcome::Refused { &["1:a1"] } else { &[] };
        assert_eq!(run(&mut again, 1_000, 9_000), expected);
    }
}

/// What a release wrote that kept a group's record in one piece.
#[test]
fn a_record_in_one_piece_is_taken_apart() {
    let told = |bank| serde_json::to_value(alert(bank, 1, None)).unwrap();
    let whole = serde_json::json!({
        "running": {"a": told("a"), "b": told("b")}, "ended": [], "known": {"a": [1, "firing"]},
        "severities": {}, "n_sent": 7, "last_sent_ms": 0, "due_ms": 60_000, "muted": false,
    });
    let group = Labels::new([("rule", "floor")]);
    let whole = NotificationLogEntry {
        receiver: "pager".into(),
        group,
        alert: None,
        record: Some(whole.to_string()),
    };
    let mut n = notifier(5_000, 60_000, None);
    n.restore(vec![whole]);
    assert_eq!(n.take_log().len(), 3); // the group and two alerts
    assert_eq!(run(&mut n, 0, 100_000), ["60:a1+b1"]);
}

#[test]
fn a_storm_is_one_message_of_bounded_size_and_linear_cost() {
    let mut n = notifier(5_000, 10_000, None);
    let mut sizes = Vec::new();
    for bank in 0..10_000 {
        n.record(0, alert(&format!("{bank:05}"), 1, None), &pager());
    }
    sizes.push(n.take_log().len());
    let message = look(&mut n, 5_000).remove(0);
    assert_eq!((message.alerts.len(), message.n_alerts(), message.n_firing()), (100, 10_000, 10_000));
    assert_eq!(message.more().unwrap(), "and 9,900 more");
    assert_eq!(message.title(), "FIRING floor {bank=\"00000\",rule=\"floor\"} and 9,999 more");
    n.settle(5_000, &message.key, DeliveryOutcome::Delivered);
    n.take_log();
    // What changes afterwards is written, not the whole group; and it is listed first.
    n.record(6_000, alert("09999", 1, Some(6_000)), &pager());
    n.record(6_000, alert("fresh", 1, None), &pager());
    sizes.push(n.take_log().len());
    assert_eq!(sizes, [10_001, 3]);
    let message = look(&mut n, 15_000).remove(0);
    let listed: Vec<&str> = message.alerts.iter().map(|alert| alert.fingerprint.as_str()).collect();
    assert_eq!((listed.len(), listed[98], listed[99]), (100, "fresh", "09999"));
    assert_eq!((message.omitted.firing, message.omitted.resolved), (9_901, 0));
}

/// Whoever groups by what strangers write, or quotes it, gets no message of megabytes.
#[test]
fn of_very_long_alerts_fewer_are_listed() {
    #[track_caller]
    fn check(lengthen: fn(&mut NotifiedAlert, String)) {
        let mut n = notifier(5_000, 10_000, None);
        for bank in 0..1_000 {
            let mut long = alert(&format!("{bank:05}"), 1, None);
            lengthen(&mut long, "x".repeat(10_000));
            n.record(0, long, &pager());
        }
        let message = look(&mut n, 5_000).remove(0);
        let n_bytes = serde_json::to_string(&message).unwrap().len();
        assert!(n_bytes < 300_000, "{n_bytes}");
        assert!((20..30).contains(&message.alerts.len()), "{}", message.alerts.len());
        assert_eq!(message.n_alerts(), 1_000);
        // One is listed, however long it is, and news before what is known.
        n.settle(5_000, &message.key, DeliveryOutcome::Delivered);
        let mut longest = alert("longest", 1, None);
        lengthen(&mut longest, "x".repeat(1_000_000));
        n.record(6_000, longest, &pager());
        let message = look(&mut n, 15_000).remove(0);
        assert_eq!((message.alerts.len(), &*message.alerts[0].fingerprint), (1, "longest"));
        assert_eq!(message.omitted.firing, 1_000);
    }
    check(|alert, text| alert.labels = alert.labels.with(&Labels::new([("path", text)])));
    check(|alert, text| alert.annotations = [("summary".to_owned(), text)].into());
    check(|alert, text| alert.content = text.into());
}

#[test]
fn what_somebody_has_taken_on_is_not_repeated() {
    let mut n = notifier(0, 10_000, Some(60_000));
    n.record(0, alert("a", 1, None), &pager());
    n.record(0, alert("b", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 30_000), ["0:a1+b1"]);
    n.acknowledge(30_000, "a", taken_on(None));
    assert_eq!(run(&mut n, 30_000, 130_000), ["60:b1 again", "120:b1 again"]);
    n.acknowledge(130_000, "b", taken_on(None));
    assert_eq!(run(&mut n, 130_000, 400_000), [""; 0]);
    // News is told with everything there is to say, and so are ends.
    n.record(400_000, alert("c", 1, None), &pager());
    assert_eq!(run(&mut n, 400_000, 410_000), ["400:a1+b1+c1"]);
    n.record(420_000, alert("c", 1, Some(420_000)), &pager());
    n.record(420_000, alert("b", 1, Some(420_000)), &pager());
    assert_eq!(run(&mut n, 420_000, 600_000), ["420:a1+-b1+-c1"]);
    n.acknowledge(600_000, "a", None); // given back
    assert_eq!(run(&mut n, 600_000, 610_000), ["600:a1 again"]);
    // For a time; it counts from when it ends.
    n.acknowledge(610_000, "a", taken_on(Some(705_000)));
    assert_eq!(run(&mut n, 610_000, 710_000), ["705:a1 again"]);
    assert_eq!(run(&mut n, 711_000, 770_000), ["765:a1 again"]);
    // Who has taken it on is said where it is told beside something else.
    n.acknowledge(771_000, "a", taken_on(Some(1_000_000)));
    n.record(772_000, alert("d", 1, None), &pager());
    let message = look(&mut n, 775_000).remove(0);
    let who = |at: usize| message.alerts[at].acknowledged.as_ref().map(|it| it.author.as_str());
    assert_eq!((who(0), who(1)), (Some("ann"), None));
    n.settle(775_000, &message.key, DeliveryOutcome::Delivered);
    // It ends with the alert, and is nothing to the next one.
    n.record(790_000, alert("a", 1, Some(790_000)), &pager());
    n.record(791_000, alert("a", 2, None), &pager());
    let message = look(&mut n, 800_000).remove(0);
    assert!(message.alerts.iter().all(|alert| alert.acknowledged.is_none()), "{message:?}");
}

fn taken_on(until_ms: Option<i64>) -> Option<Acknowledgement> {
    Some(Acknowledgement { author: "ann".into(), comment: "on it".into(), at_ms: 0, until_ms })
}

/// Of a group that ended and began again before anything was written, nothing old is left behind.
#[test]
fn a_group_that_begins_anew_leaves_nothing_of_the_old_one() {
    let mut n = notifier(0, 0, None);
    n.record(0, alert("a", 1, None), &pager());
    run(&mut n, 0, 0);
    n.record(1_000, alert("a", 1, Some(1_000)), &pager());
    let message = look(&mut n, 1_000).remove(0);
    n.take_log();
    n.settle(1_500, &message.key, DeliveryOutcome::Delivered);
    n.record(1_600, alert("b", 1, None), &pager());
    let told = n.take_log();
    assert!(told[0].alert.is_none() && told[0].record.is_none(), "{told:?}");
    assert_eq!(told.len(), 3);
}

/// A mute that is taken out of the configuration ends at once; one that stays is not looked at before it ends.
#[test]
fn a_mute_ends_when_the_configuration_says_so() {
    let config = |mute: &str| {
        let text = format!(
            "receivers: [{{ name: pager, kind: log, path: /x, group_wait: 0s, group_interval: 0s{mute} }}]"
        );
        crate::Config::from_yaml(&text).unwrap().routes
    };
    let mut n = Notifier::default();
    n.configure(config(", mute_time_intervals: ['00:00-06:00']"), Vec::new());
    n.record(0, alert("a", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 5_000), [""; 0]);
    assert_eq!(n.next_due_ms(), Some(6 * 3_600_000));
    n.configure(config(", mute_time_intervals: ['00:00-06:00']"), Vec::new());
    assert_eq!(n.next_due_ms(), Some(6 * 3_600_000));
    let muted = n.muted_by(&Labels::default(), &pager(), 7_000);
    assert_eq!(muted[0].by, "00:00-06:00");
    n.configure(config(""), Vec::new());
    assert_eq!(run(&mut n, 8_000, 9_000), ["8:a1"]);
    // What acts is not held back.
    let mut route = config(", mute_time_intervals: [daily]").remove(0);
    assert!(route.mute_phase(0).holds);
    route.acts = true;
    assert!(!route.mute_phase(0).holds);
}

/// A silence that recurs mutes at its times alone, and what lasts is told in between.
#[test]
fn a_silence_may_recur() {
    let mut n = notifier(0, 0, None);
    let silence = Silence {
        id: "s".into(),
        matchers: lanner_core::matchers::parse_matchers("bank=a").unwrap(),
        start_ms: 0,
        end_ms: i64::MAX,
        every: serde_json::from_str(r#"["00:00-00:01", "00:02-00:03"]"#).unwrap(),
        author: "ann".into(),
        comment: "maintenance".into(),
        created_ms: 0,
    };
    n.set_silences(Silences::compile(&[silence]), 0);
    n.record(0, alert("a", 1, None), &pager());
    assert_eq!(run(&mut n, 0, 100_000), ["60:a1"]);
    n.record(121_000, alert("a", 1, Some(121_000)), &pager());
    assert_eq!(run(&mut n, 121_000, 125_000), ["121:-a1"]); // what was told, ends
    n.record(130_000, alert("a", 2, None), &pager());
    assert_eq!(run(&mut n, 130_000, 200_000), ["180:a2"]);
    let tomorrow_ms = 24 * 3_600_000;
    n.record(tomorrow_ms, alert("a", 2, Some(tomorrow_ms)), &pager());
    n.record(tomorrow_ms, alert("a", 3, None), &pager());
    assert_eq!(run(&mut n, tomorrow_ms, tomorrow_ms + 70_000), ["86400:-a2", "86460:a3"]);
}
