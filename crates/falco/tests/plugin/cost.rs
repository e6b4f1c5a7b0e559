//! What an event costs inside the plugin: allocations, and time.
//!
//! The plugin's function for events is called by one that measures it. What is measured includes what the table of threads
//! takes, which here is another plugin's, written with the SDK.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use falco_plugin_runner::PluginRunner;
use serde_json::{Value, json};

use lanner_falco::exports;

use super::loaded::ANOMALY;
use super::{CLONE, EXECVE, OPEN, event, host, threads};

/// Allocations and time of each event.
static SPENT: Mutex<Vec<(u64, Duration)>> = Mutex::new(Vec::new());

unsafe extern "C-unwind" fn measured(
    plugin: *mut falco_plugin::api::ss_plugin_t,
    event: *const falco_plugin::api::ss_plugin_event_input,
    input: *const falco_plugin::api::ss_plugin_event_parse_input,
) -> i32 {
    let (mut code, mut took) = (0, Duration::ZERO);
    let spent = allocation_counter::measure(|| {
        let begun = Instant::now();
        // SAFETY: whoever calls this gives what that function takes.
        code = unsafe { exports::plugin_parse_event(plugin, event, input) };
        took = begun.elapsed();
    });
    SPENT.lock().unwrap().push((spent.count_total, took));
    code
}

/// What each of these events costs, in order.
fn costs(events: Vec<Value>, fields: &[&str]) -> Vec<(u64, Duration)> {
    let mut api = ANOMALY;
    api.__bindgen_anon_3.parse_event = Some(measured);
    let config = json!({ "profiles": [{ "id": "all", "fields": fields, "learn": "1s", "memory": 1 }] });
    let n_events = events.len();
    SPENT.lock().unwrap().clear();
    let mut runner = PluginRunner::new();
    let text = |value: Value| std::ffi::CString::new(value.to_string()).unwrap();
    runner.register_plugin(&host::HOST, &text(json!({ "threads": threads(), "events": events }))).unwrap();
    runner.register_plugin(Box::leak(Box::new(api)), &text(config)).unwrap();
    let mut running = runner.start_capture().unwrap();
    for _ in 0..n_events {
        running.next_event().unwrap();
    }
    std::mem::take(&mut SPENT.lock().unwrap())
}

fn opens(n: i64) -> Vec<Value> {
    (0..n).map(|at| event(OPEN, 21, at * 10, json!([3, "/etc/passwd"]))).collect()
}

/// One test, as both count what the other spends too.
#[test]
fn an_event_costs_little() {
    let lineage = ["proc.exepath", "lineage(proc.aname, 5)", "folder(fd.name)"];
    let spent = costs(opens(4_000), &lineage);
    report("open, five ancestors, the process known", &spent[2_000..]);
    // One for each entry that the other plugin's table hands out, of the thread and of the file, and none of ours.
    assert!(spent[2_000..].iter().all(|(n, _)| *n == 2), "{:?}", &spent[3_990..]);
    // Starts of processes and programs have what is known of them read again.
    let starts = (0..4_000).map(|at| match at % 2 {
        0 => event(CLONE, 31, at * 10, json!([0])),
        _ => event(EXECVE, 31, at * 10, json!([])),
    });
    let spent =
        costs(starts.collect(), &["proc.exepath", "lineage(proc.aname, 5)", "template(proc.cmdline)"]);
    report("a process and a program started, five ancestors", &spent[2_000..]);
}

fn report(what: &str, spent: &[(u64, Duration)]) {
    let mut times: Vec<Duration> = spent.iter().map(|(_, took)| *took).collect();
    times.sort_unstable();
    let allocations: Vec<u64> = spent.iter().map(|(n, _)| *n).collect();
    let most = allocations.iter().max().copied().unwrap_or_default();
    println!(
        "{what}: median {:?}, 95 % below {:?}, at most {most} allocations",
        times[times.len() / 2],
        times[times.len() * 95 / 100]
    );
}
