//! What was muted to its end, and what was not.

use super::super::tests::{alert, matching, notifier, pager, run};
use super::super::*;
use lanner_core::Silence;

/// A notifier with groups of one alert each, in which `a` mutes `b`.
fn with_inhibition() -> Notifier {
    let mut notifier = notifier(5_000, 10_000, None);
    let by_bank = Route {
        group_by: vec!["bank".to_owned()],
        group_wait_ms: 5_000,
        group_interval_ms: 10_000,
        ..Route::new("pager")
    };
    let inhibition = Inhibition {
        source: matching(r#"bank="a""#),
        target: matching(r#"bank="b""#),
        equal: vec!["rule".to_owned()],
    };
    notifier.configure(vec![by_bank], vec![inhibition]);
    notifier
}

/// Records `alerts` at `now_ms`: banks, ended ones with `-`.
fn record(notifier: &mut Notifier, now_ms: i64, alerts: &[&str]) {
    for text in alerts {
        let ended_ms = text.starts_with('-').then_some(now_ms);
        notifier.record(now_ms, alert(text.trim_start_matches('-'), 1, ended_ms), &pager());
    }
}

#[test]
fn what_ends_with_its_cause_is_unheard() {
    #[track_caller]
    fn check(begin: [&str; 2], lasts_ms: i64, end: [&str; 2], expected: &[&str]) {
        let mut n = with_inhibition();
        record(&mut n, 0, &begin);
        let mut told = run(&mut n, 0, lasts_ms - 1_000);
        record(&mut n, lasts_ms, &end);
        told.extend(run(&mut n, lasts_ms, lasts_ms + 60_000));
        assert_eq!(told, expected, "{begin:?} for {lasts_ms} ms, {end:?}");
    }
    // In whichever order the two are noted, and whether or not the group was looked at between.
    for begin in [["a", "b"], ["b", "a"]] {
        for end in [["-a", "-b"], ["-b", "-a"]] {
            check(begin, 20_000, end, &["5:a1", "20:-a1"]);
            check(begin, 2_000, end, &["5:-a1"]);
        }
    }
}

#[test]
fn what_outlasts_its_cause_is_heard_of() {
    let mut n = with_inhibition();
    record(&mut n, 0, &["a", "b"]);
    assert_eq!(run(&mut n, 0, 19_000), ["5:a1"]);
    record(&mut n, 20_000, &["-a"]);
    assert_eq!(n.next_due_ms(), Some(20_000), "what it muted is looked at now");
    assert_eq!(run(&mut n, 20_000, 29_000), ["20:-a1", "20:b1"]);
    record(&mut n, 30_000, &["-b"]);
    assert_eq!(run(&mut n, 30_000, 90_000), ["30:-b1"]);
}

#[test]
fn the_end_of_what_was_told_is_told_though_it_is_muted_by_then() {
    let mut n = with_inhibition();
    record(&mut n, 0, &["b"]);
    assert_eq!(run(&mut n, 0, 9_000), ["5:b1"]);
    record(&mut n, 10_000, &["a"]);
    record(&mut n, 11_000, &["-b"]);
    assert_eq!(run(&mut n, 10_000, 60_000), ["15:a1", "15:-b1"]);
    // So it is while the message that tells it is under way.
    let mut n = with_inhibition();
    record(&mut n, 0, &["b"]);
    let under_way = n.tick(5_000).messages;
    record(&mut n, 6_000, &["a"]);
    record(&mut n, 7_000, &["-b"]);
    n.settle(8_000, &under_way[0].key, DeliveryOutcome::Delivered);
    assert_eq!(run(&mut n, 8_000, 60_000), ["11:a1", "15:-b1"]);
}

#[test]
fn what_was_silenced_to_its_end_is_unheard() {
    #[track_caller]
    fn check(silenced_until_ms: i64, ended_ms: i64, expected: &[&str]) {
        let mut n = notifier(20_000, 10_000, None);
        let silence = Silence {
            id: "s".into(),
            matchers: lanner_core::matchers::parse_matchers(r#"bank="a""#).unwrap(),
            start_ms: 0,
            end_ms: silenced_until_ms,
            every: TimeIntervals::default(),
            author: "ann".into(),
            comment: "maintenance".into(),
            created_ms: 0,
        };
        n.set_silences(Silences::compile(&[silence]), 0);
        record(&mut n, 1_000, &["a"]);
        record(&mut n, ended_ms, &["-a"]);
        assert_eq!(run(&mut n, ended_ms, 90_000), expected, "{silenced_until_ms} {ended_ms}");
    }
    // The first look comes after 21 s, when the silence is over.
    check(12_000, 11_000, &[]);
    check(12_000, 12_000, &[]); // it ends with the silence
    check(12_000, 13_000, &["21:-a1"]); // for a second nothing muted it
    check(30_000, 13_000, &[]);
}
