//! What a change of one switch costs depends on the change, and not on how many there are beside it.

#![expect(clippy::disallowed_methods, reason = "measures how long something takes")]

use std::time::{Duration, Instant};

use lanner_switch::{Document, Snapshot, SwitchSet};
use serde_json::json;

fn document(at: usize, status: &str) -> Document {
    let when = format!("BANK == \"b{at}\" and amount > 5");
    Document::new(json!({"id": format!("s{at}"), "when": when, "status": status}))
}

/// The shortest time of several changes of one switch among `n`, each of which is put in force and told in what it
/// differs; but for its hash, which is one walk through 32 bytes of each.
fn shortest(n: usize) -> Duration {
    let snapshot = Snapshot::of(1, (0..n).map(|at| document(at, "active")).collect());
    let mut set = SwitchSet::compile(&snapshot).unwrap_or_default();
    let change = |times: u64| {
        let (status, at) = (["active", "inactive"][times as usize % 2], n / 2);
        let later = document(at, status);
        let began = Instant::now();
        let after = set.snapshot().with(times + 2, vec![(format!("s{at}"), Some(later))]);
        set = set.compile_beside(&after).unwrap_or_default();
        let took = began.elapsed();
        assert_eq!(set.get(&format!("s{at}")).map(|switch| switch.status.name()), Some(status));
        took
    };
    (0..40).map(change).min().unwrap_or_default()
}

#[test]
fn a_change_costs_what_changes() {
    let (few, many) = (shortest(2_000), shortest(60_000));
    eprintln!("a change of one switch takes {few:?} among 2,000, and {many:?} among 60,000");
    // Thirty times as many: a walk through all would take thirty times as long.
    assert!(many < 6 * few + Duration::from_micros(100), "{few:?} and {many:?}");
}
