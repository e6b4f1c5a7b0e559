//! What `cargo xtask stack up --seed` starts: events in InfluxDB, workers that ask it, results in PostgreSQL, alerts by webhook,
//! mail and queue, and a switch that blocks.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_testkit::stack::{Course, Programs, Stack};

use crate::program::PATIENCE;

/// Fails at once, for as long as the test looks.
const COURSE: Course = Course { fails_after_s: 0, fails_for_s: 600, every_s: 1_200 };

#[test]
fn a_bank_that_fails_is_told_of_in_every_way_and_blocked() {
    let Some(programs) = Programs::of_tests(Path::new(env!("CARGO_BIN_EXE_lanner"))) else { return };
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start(&programs, folder.path(), Some(COURSE)).unwrap();
    let begun = Instant::now();
    // Each way is told of both rules.
    let mut told = BTreeSet::new();
    while told.len() < 6 {
        let Some(message) = stack.told(PATIENCE) else { panic!("only {told:?}:\n{}", stack.log()) };
        assert!(begun.elapsed() < 2 * PATIENCE, "only {told:?}:\n{}", stack.log());
        for rule in ["payments-floor", "payments-drop"] {
            if message.title.contains(rule) {
                assert!(message.title.starts_with("FIRING") && message.text.contains("HSBC"), "{message:?}");
                assert!(!message.text.contains("HDFC") && !message.text.contains("ICICI"), "{message:?}");
                told.insert((message.by, rule));
            }
        }
    }
    println!("told of both rules in every way after {:?}", begun.elapsed());
    let blocked = |bank: &str| {
        let context = format!("{{\"context\":{{\"WORKFLOW\":\"PURCHASE\",\"BANK\":\"{bank}\"}}}}");
        stack.ask("POST", "/api/v1/switches/evaluate", &context).unwrap()
    };
    while !blocked("HSBC").1.contains("\"blocked\":true") {
        assert!(begun.elapsed() < 2 * PATIENCE, "{:?}\n{}", blocked("HSBC"), stack.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(blocked("HDFC").1.contains("\"blocked\":false"), "{:?}", blocked("HDFC"));

    // Each window once, of three banks and two rules; the baselines are yesterday's.
    let twice = "SELECT count(*) FROM (SELECT rule, grp, start_ms FROM lanner.evaluation
                 GROUP BY rule, grp, start_ms HAVING count(*) > 1) AS twice";
    assert_eq!(stack.state(twice), "0");
    let groups = "SELECT count(DISTINCT (rule, grp)) FROM lanner.evaluation WHERE value IS NOT NULL";
    assert_eq!(stack.state(groups), "6");
    let bases =
        "SELECT DISTINCT base FROM lanner.evaluation WHERE rule = 'payments-drop' AND base IS NOT NULL";
    assert_eq!(stack.state(bases), "60");
    // Workers evaluated, nobody else.
    assert_eq!(stack.state("SELECT count(*) FROM lanner.shard WHERE id >= 0 AND holder IS NULL"), "0");
    let log = stack.log();
    drop(stack);
    assert!(!log.contains("panicked"), "{log}");
    let left = std::process::Command::new("pgrep").arg("-f").arg(folder.path()).output();
    let left = left.map(|it| it.stdout).unwrap_or_default(); // where there is no such program nobody can tell
    assert!(left.is_empty(), "something goes on in {}", folder.path().display());
}
