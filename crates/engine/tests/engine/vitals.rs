//! Lanner watches itself: each thing that can go wrong is an alert, is told once, ends, and never causes the next.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Changes, DeliveryOutcome, Group, Labels, Notification, ResolvedReason, Silence};
use lanner_engine::Engine;
use lanner_engine::notify::Route;
use lanner_engine::vitals::{self, ReceiverVitals, SwitchNews, SwitchVitals, Vitals, kinds};

const MINUTE_MS: i64 = 60_000;

fn engine() -> Engine {
    let mut engine = Engine::new();
    let route = Route {
        group_wait_ms: 0,
        group_interval_ms: 0,
        group_by: vec!["team".to_owned()], // not heeded for what Lanner says of itself
        ..Route::new(vitals::RECEIVER)
    };
    engine.configure(vec![route, Route::new("on-call")], Vec::new());
    engine
}

fn receivers(name: &str, vitals: ReceiverVitals) -> BTreeMap<Arc<str>, ReceiverVitals> {
    BTreeMap::from([(Arc::from(name), vitals)])
}

/// So many rules with too many groups.
fn wide(n_rules: usize) -> BTreeMap<Arc<str>, String> {
    (0..n_rules).map(|n| (format!("wide{n:02}").into(), "more than 10000 groups".to_owned())).collect()
}

/// Every kind, with vitals in which it alone is wrong and a part of what people read.
fn sicknesses() -> Vec<(&'static str, Vitals, &'static str)> {
    let well = Vitals::default();
    let of = |vitals| Vitals { receivers: receivers("on-call", vitals), ..well.clone() };
    let none = ReceiverVitals::default();
    let limited = wide(1);
    vec![
        ("lanner:store", Vitals { unwritable: Some("disk full".into()), ..well.clone() }, "disk full"),
        (
            "lanner:store",
            Vitals { state_away: Some("no answer".into()), ..well.clone() },
            "incoming data is stored",
        ),
        ("lanner:damage", Vitals { damage: Some("page 7".into()), ..well.clone() }, "page 7"),
        ("lanner:lag", Vitals { lag_ms: 90_500, ..well.clone() }, "1m30s late"),
        (
            "lanner:receiver",
            of(ReceiverVitals { unusable: Some("X is not set".into()), ..none.clone() }),
            "X is not set",
        ),
        (
            "lanner:receiver",
            of(ReceiverVitals {
                failing_since_ms: Some(-9 * MINUTE_MS),
                last_error: Some("502".into()),
                ..none.clone()
            }),
            "502",
        ),
        ("lanner:dead-letters", of(ReceiverVitals { n_dead: 3, ..none }), "3 messages"),
        ("lanner:groups", Vitals { limited, ..well.clone() }, "the rule wide00 has more"),
        ("lanner:heartbeat-lost", Vitals { heartbeat: Some("timed out".into()), ..well }, "timed out"),
        ("lanner:dry-run", switches(SwitchNews::SteppedBack, 1), "switch 0 blocks"),
        ("lanner:switch-activated", switches(SwitchNews::Activated, 1), "switch 0 blocks"),
        ("lanner:switch-waits", switches(SwitchNews::Waits, 1), "switch 0 blocks"),
        ("lanner:switch-ends", switches(SwitchNews::Ends, 1), "switch 0 blocks"),
    ]
}

/// Vitals in which `n` switches are news.
fn switches(news: SwitchNews, n: usize) -> Vitals {
    let told = |n: usize| ((Arc::from(format!("s{n}")), news), format!("the switch {n} blocks"));
    let switches = SwitchVitals { now: (0..n).map(told).collect(), over: BTreeMap::new() };
    Vitals { switches, ..Vitals::default() }
}

#[test]
fn how_a_switch_ended_is_told_and_it_is_no_complaint() {
    let mut engine = engine();
    let message = only(&engine.observe(0, &switches(SwitchNews::Activated, 1))).clone();
    assert_eq!(message.alerts[0].labels.get("switch"), Some("s0"));
    assert_eq!(engine.complaints().count(), 0);
    assert_eq!(engine.switch_news().collect::<Vec<_>>(), [("s0", SwitchNews::Activated)]);
    engine.settle(500, &message.key, DeliveryOutcome::Delivered);
    let over = BTreeMap::from([(("s0".into(), SwitchNews::Activated), "ann turned it off".to_owned())]);
    let over = Vitals { switches: SwitchVitals { over, ..SwitchVitals::default() }, ..Vitals::default() };
    let changes = engine.observe(1_000, &over);
    assert_eq!(only(&changes).alerts[0].content, "ann turned it off");
    // Switches come and go: nothing of them is kept.
    assert_eq!((changes.forgotten_groups.len(), engine.alerts().count()), (1, 0));
}

/// A storm of switches costs what they are, each time anew, and one message.
#[test]
fn thousands_of_switches_are_one_message() {
    let mut engine = engine();
    let many = switches(SwitchNews::Ends, 20_000);
    let message = only(&engine.observe(0, &many)).clone();
    assert_eq!((message.alerts.len(), message.n_alerts()), (100, 20_000));
    engine.settle(500, &message.key, DeliveryOutcome::Delivered);
    engine.observe(600, &many);
    // Looked at again and again without an end in sight, were each compared with all others.
    (1..=20).for_each(|at| assert_eq!(engine.observe(at * 1_000, &many), Changes::default()));
}

#[test]
fn the_manual_lists_every_kind() {
    let manual = include_str!("../../../../docs/receivers.md");
    for kind in kinds() {
        let row = format!("| `{}` | {} | {} |", kind.name, kind.severity, kind.about);
        assert!(manual.contains(&row), "docs/receivers.md lacks {row}");
    }
}

#[track_caller]
fn only(changes: &Changes) -> &Notification {
    let [message] = &changes.outbox[..] else { panic!("one message, not {:#?}", changes.outbox) };
    message
}

#[test]
fn every_kind_is_told_once_and_ends() {
    let told: Vec<&str> = sicknesses().iter().map(|(name, ..)| *name).collect();
    assert!(kinds().all(|kind| told.contains(&kind.name)), "a kind is not tried: {told:?}");
    for (name, sick, part) in sicknesses() {
        let mut engine = engine();
        let well = Vitals { receivers: receivers("on-call", ReceiverVitals::default()), ..Vitals::default() };
        let changes = engine.observe(0, &sick);
        let message = only(&changes);
        let alert = &message.alerts[0];
        assert_eq!((&*message.receiver, &*alert.rule), ("self", name));
        assert!(alert.content.as_str().unwrap().contains(part), "{name}: {}", alert.content);
        assert!(alert.labels.get("severity").is_some() && alert.annotations.contains_key("summary"));
        assert_eq!(engine.alerts().filter(|alert| alert.active).count(), 1);
        engine.settle(500, &message.key, DeliveryOutcome::Delivered);
        engine.observe(600, &sick);
        // Nothing new: nothing to write, however often it is looked at.
        assert_eq!(engine.observe(1_000, &sick), Changes::default(), "{name}");
        let changes = engine.observe(2 * vitals::RECENT_MS, &well);
        let message = only(&changes);
        assert_eq!(message.alerts[0].resolved_reason, Some(ResolvedReason::Recovered), "{name}");
        assert!(message.alerts[0].content.as_str().unwrap().contains("recovered"));
        assert_eq!(engine.complaints().count(), 0);
    }
}

#[test]
fn what_is_short_or_small_is_no_alert() {
    let failing = ReceiverVitals { failing_since_ms: Some(-MINUTE_MS), ..ReceiverVitals::default() };
    for vitals in [
        Vitals { lag_ms: 60_000, ..Vitals::default() },
        Vitals { receivers: receivers("on-call", failing), ..Vitals::default() },
        Vitals::default(),
    ] {
        assert_eq!(engine().observe(0, &vitals), Changes::default(), "{vitals:?}");
    }
}

#[test]
fn each_rule_with_too_many_groups_is_told_and_very_many_are_one_more() {
    let mut engine = engine();
    let named = |changes: &Changes| {
        let alerts = changes
            .alerts
            .iter()
            .map(|alert| alert.labels.get("limited_rule").unwrap_or("others").to_owned());
        alerts.collect::<Vec<_>>()
    };
    let changes = engine.observe(0, &Vitals { limited: wide(2), ..Vitals::default() });
    assert_eq!(named(&changes), ["wide00", "wide01"]);
    let changes = engine.observe(1_000, &Vitals { limited: wide(3), ..Vitals::default() });
    assert_eq!(named(&changes), ["wide02"]); // news though others are told
    engine.observe(2_000, &Vitals { limited: wide(500), ..Vitals::default() });
    assert_eq!(engine.complaints().count(), 21);
    assert!(engine.complaints().any(|alert| alert.content.as_str().unwrap().contains("480 more rules")));
    // What is over is not kept for each rule there ever was.
    engine.observe(3_000, &Vitals::default());
    assert_eq!(engine.alerts().count(), 1);
}

#[test]
fn a_receiver_that_tells_of_itself_causes_no_message() {
    let mut engine = engine();
    let sick =
        ReceiverVitals { unusable: Some("X is not set".into()), n_dead: 5, ..ReceiverVitals::default() };
    let changes = engine.observe(0, &Vitals { receivers: receivers("self", sick), ..Vitals::default() });
    assert_eq!((changes.outbox.len(), changes.alerts.len()), (0, 2), "alerts are seen, not sent");
    let changes = engine.observe(vitals::RECENT_MS, &Vitals::default());
    assert_eq!(changes.outbox, []);
}

#[test]
fn without_a_receiver_alerts_are_seen_all_the_same() {
    let mut engine = Engine::new();
    let changes = engine.observe(0, &Vitals { lag_ms: 100_000, ..Vitals::default() });
    assert_eq!((changes.outbox.len(), changes.alerts.len()), (0, 1));
    assert_eq!(engine.alerts().next().unwrap().labels.get("rule"), Some("lanner:lag"));
}

#[test]
fn a_restart_forgets_and_repeats_nothing() {
    let sick = Vitals { lag_ms: 100_000, ..Vitals::default() };
    let mut before = engine();
    let changes = before.observe(0, &sick);
    let mut after = engine();
    let told = changes.notification_log.into_iter().last().into_iter().collect(); // as the store keeps it: the last of a name
    after.restore(changes.alerts, Vec::new(), told);
    // Rules that are put in force end nothing that is not theirs.
    assert_eq!(after.set_rules(Vec::new(), 0), Changes::default());
    assert_eq!(after.observe(1_000, &sick), Changes::default());
    let ended = after.observe(2_000, &Vitals::default());
    assert_eq!(only(&ended).alerts[0].episode, 1);
    assert!(only(&ended).is_resolved());
}

#[test]
fn people_can_silence_it() {
    let mut engine = engine();
    let silence = Silence {
        id: "s".into(),
        matchers: vec![lanner_core::Matcher {
            label: "rule".into(),
            op: lanner_core::MatchOp::Equal,
            value: "lanner:lag".into(),
        }],
        start_ms: 0,
        end_ms: 10 * MINUTE_MS,
        every: lanner_core::TimeIntervals::default(),
        author: String::new(),
        comment: String::new(),
        created_ms: 0,
    };
    engine.set_silences(&[silence], 0);
    let sick = Vitals { lag_ms: 100_000, ..Vitals::default() };
    assert_eq!(engine.observe(1, &sick).outbox, []);
    assert_eq!(only(&engine.observe(10 * MINUTE_MS, &sick)).alerts[0].rule, "lanner:lag".into());
}

#[test]
fn what_was_said_of_a_receiver_goes_with_it() {
    let mut engine = engine();
    let dead = ReceiverVitals { n_dead: 1, ..ReceiverVitals::default() };
    engine.observe(0, &Vitals { receivers: receivers("on-call", dead), ..Vitals::default() });
    let changes = engine.observe(1_000, &Vitals::default());
    let group = Group::Of(Labels::new([("receiver", "on-call")]));
    assert_eq!(changes.forgotten_groups, [(Arc::from("lanner:dead-letters"), group)]);
    assert_eq!(engine.alerts().count(), 0);
}

#[test]
fn a_heartbeat_has_a_key_of_its_own_each_time() {
    let (first, second) = (vitals::heartbeat("dms", 1), vitals::heartbeat("dms", 2));
    assert_ne!(first.key, second.key);
    assert_eq!(first.key.len(), 32);
    assert!(!first.is_resolved());
}
