//! Effects on switches: each is an action of its own.

use super::*;

fn actor(group_interval_ms: i64) -> Notifier {
    let mut n = Notifier::default();
    let route =
        Route { group_wait_ms: 0, group_interval_ms, acts: true, repeat_ms: None, ..Route::new("pager") };
    n.configure(vec![route], Vec::new());
    n
}

/// An action is no message: each alert has one of its own, with its own result, and its end follows its beginning.
#[test]
fn each_alert_that_acts_is_an_action_of_its_own() {
    let mut n = actor(0);
    for bank in ["a", "b", "c"] {
        n.record(0, alert(bank, 1, None), &pager());
    }
    let actions = look(&mut n, 0);
    let named = |message: &Notification| {
        assert_eq!(message.alerts.len(), 1);
        assert_eq!(message.group.get("alert"), Some(&*message.alerts[0].fingerprint));
        format!("{}{}", if message.is_resolved() { "-" } else { "" }, message.alerts[0].fingerprint)
    };
    assert_eq!(actions.iter().map(named).collect::<Vec<_>>(), ["a", "b", "c"]);
    // One is refused: only that one is tried again. Of another nothing is known yet, so that its end waits.
    n.settle(10, &actions[0].key, DeliveryOutcome::Delivered);
    n.settle(10, &actions[1].key, DeliveryOutcome::Refused);
    for bank in ["a", "b", "c"] {
        n.record(20, alert(bank, 1, Some(20)), &pager());
    }
    let ends: Vec<String> = look(&mut n, 60_000).iter().map(named).collect();
    assert_eq!(ends, ["-a"]); // of what was refused nothing is to be taken back
    n.settle(60_000, &actions[2].key, DeliveryOutcome::Delivered);
    assert_eq!(look(&mut n, 60_000).iter().map(named).collect::<Vec<_>>(), ["-c"]);
    // Labels that change meanwhile make no other action of it.
    let mut n = actor(0);
    n.record(0, alert("a", 1, None), &pager());
    let first = look(&mut n, 0).remove(0);
    n.settle(0, &first.key, DeliveryOutcome::Delivered);
    let mut worse = alert("a", 1, None);
    worse.labels = worse.labels.with(&Labels::new([("severity", "critical")]));
    n.record(10, worse, &pager());
    n.record(20, alert("a", 1, Some(20)), &pager());
    let last = look(&mut n, 20);
    assert_eq!((last.len(), &last[0].group), (1, &first.group));
}

/// An alert that acts is alone: what it contains does not wait for others.
#[test]
fn actions_wait_for_no_company() {
    let text = "receivers: [{ name: stop, kind: switch }, { name: later, kind: switch, group_wait: 3s }, { name: chat, kind: slack }]";
    let mut config = crate::Config::default();
    assert_eq!(config.read(&lanner_core::Node::from_yaml(text).unwrap()), Vec::new());
    let waits: Vec<i64> = config.routes.iter().map(|route| route.group_wait_ms).collect();
    assert_eq!(waits, [0, 3_000, 5_000]);
}

/// Ten times the alerts take ten times as long, and what is written for one does not grow with the others.
#[test]
fn a_storm_of_actions_is_linear() {
    const N: usize = 10_000;
    let mut n = actor(0);
    (0..N).for_each(|bank| n.record(0, alert(&format!("{bank:05}"), 1, None), &pager()));
    let news = n.tick(0);
    assert_eq!((news.messages.len(), news.log.len()), (N, 2 * N));
    let largest = news.messages.iter().map(|it| serde_json::to_string(it).unwrap().len()).max().unwrap();
    assert!(largest < 2_000, "{largest}");
    for message in &news.messages {
        n.settle(1, &message.key, DeliveryOutcome::Delivered);
    }
    (0..N).for_each(|bank| n.record(2, alert(&format!("{bank:05}"), 1, Some(2)), &pager()));
    let news = n.tick(2);
    assert_eq!(news.messages.len(), N);
    for message in &news.messages {
        n.settle(3, &message.key, DeliveryOutcome::Delivered);
    }
    n.take_log();
    assert_eq!((n.tick(1_000_000).messages.len(), n.next_due_ms()), (0, None));
}

/// A silence keeps people from being notified; it does not keep the damage from being contained.
#[test]
fn what_acts_is_held_back_by_nothing() {
    let mut n = Notifier::default();
    let routes = ["pager", "switch"].map(|name| Route {
        group_by: vec!["bank".into()],
        group_wait_ms: 0,
        acts: name == "switch",
        ..Route::new(name)
    });
    let inhibition = Inhibition { source: matching("bank=a"), target: matching("bank=b"), equal: Vec::new() };
    n.configure(routes.to_vec(), vec![inhibition]);
    let silence = Silence {
        id: "s".into(),
        matchers: lanner_core::matchers::parse_matchers("bank=c").unwrap(),
        start_ms: 0,
        end_ms: 1_000_000,
        every: TimeIntervals::default(),
        author: "ann".into(),
        comment: "maintenance".into(),
        created_ms: 0,
    };
    n.set_silences(Silences::compile(&[silence]), 0);
    for bank in ["a", "b", "c"] {
        n.record(0, alert(bank, 1, None), &["pager".into(), "switch".into()]);
    }
    let told: Vec<String> =
        look(&mut n, 0).iter().map(|it| format!("{} {}", it.receiver, it.alerts[0].fingerprint)).collect();
    assert_eq!(told, ["pager a", "switch a", "switch b", "switch c"]);
}
