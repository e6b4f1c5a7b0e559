//! What an event costs inside the plugin: allocations, and time.
//!
//! The table of threads is one that finds an entry in a map and hands it out as it is, as Falco's own does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::crowd::{shell, threads};
use super::table::{Event, Falco};
use super::{CLONE, EXECVE, OPEN, event};

/// What each of these events costs, in order.
fn costs(events: Vec<Value>, fields: &[&str]) -> Vec<(u64, Duration)> {
    let config = json!({ "profiles": [{ "id": "all", "fields": fields, "learn": "1s", "memory": 1 }] });
    let falco = Falco::load(&threads(), &config);
    let events: Vec<Event> = events.iter().zip(0..).map(|(of, number)| Event::new(of, number)).collect();
    let cost = |event: &Event| {
        let (mut was_taken, mut took) = (false, Duration::ZERO);
        let spent = allocation_counter::measure(|| {
            let begun = Instant::now();
            was_taken = falco.parse(event);
            took = begun.elapsed();
        });
        assert!(was_taken);
        (spent.count_total, took)
    };
    events.iter().map(cost).collect()
}

/// One test, as both count what the other spends too.
#[test]
fn an_event_costs_little() {
    let opens = (0..20_000).map(|at| event(OPEN, shell(at % 100), at, json!([3, "conf"]))).collect();
    let spent = costs(opens, &["proc.exepath", "lineage(proc.aname, 5)", "folder(fd.name)"]);
    report("a file opened, five ancestors, the process known", &spent[10_000..]);
    assert!(spent[10_000..].iter().all(|(n, _)| *n == 0), "{:?}", &spent[19_990..]);
    // Starts of processes and programs have what is known of them read again.
    let starts = (0..20_000).map(|at| match at % 2 {
        0 => event(CLONE, shell(at / 2 % 100), at, json!([0])),
        _ => event(EXECVE, shell(at / 2 % 100), at, json!([])),
    });
    let spent =
        costs(starts.collect(), &["proc.exepath", "lineage(proc.aname, 5)", "template(proc.cmdline)"]);
    report("a process and a program started, five ancestors", &spent[10_000..]);
    assert!(spent[10_000..].iter().all(|(n, _)| *n == 0), "{:?}", &spent[19_990..]);
}

fn report(what: &str, spent: &[(u64, Duration)]) {
    let mut times: Vec<Duration> = spent.iter().map(|(_, took)| *took).collect();
    times.sort_unstable();
    let most = spent.iter().map(|(n, _)| *n).max().unwrap_or_default();
    let part = |percent: usize| times[times.len() * percent / 100];
    println!(
        "{what}: median {:?}, 5 % below {:?}, 95 % below {:?}, at most {most} allocations",
        part(50),
        part(5),
        part(95)
    );
}
