//! One thread beside two, in one profile: `cargo run --release -p lanner-profile --example threads`.
//!
//! Two thousand behaviours come again and again. The threads begin together; what is printed is the fastest of many short runs in
//! turn, so that a busy machine does not decide.

#![allow(clippy::disallowed_methods, reason = "it measures time, prints, and starts threads")]

use std::sync::Barrier;
use std::time::{Duration, Instant};

use lanner_core::document::{Check, Node};
use lanner_profile::{Hashes, Profile, Seed, Spec};
use serde_json::{Map, Value, json};

const N_BEHAVIOURS: usize = 2_000;
const N_EVENTS: usize = 40_000;
const N_RUNS: usize = 400;

fn main() {
    let document = json!({ "id": "exec", "memory": 8, "fields": ["proc.exepath", "lineage(proc.aname)", "template(proc.cmdline)"] });
    let spec = Spec::read_document(&Node::from_json(&document), "", &|_, _, _| None, &mut Check::default());
    let Some(spec) = spec else { return };
    let mut profile = Profile::new(spec, &Seed::new(1));
    let mut buffer = Vec::new();
    let all: Vec<Hashes> = (0..N_BEHAVIOURS).filter_map(|n| profile.hashes(&event(n), &mut buffer)).collect();
    for round in 0..20 {
        all.iter().for_each(|hashes| _ = profile.look_up(*hashes, round, true, |_| "a name".to_owned()));
    }
    let mut exclusive = Duration::MAX;
    let (mut one, mut two) = (Duration::MAX, Duration::MAX);
    for run in 1..=N_RUNS as i64 {
        exclusive = exclusive.min(alone(&mut profile, &all, run));
        one = one.min(together(&profile, &all, run, 1));
        two = two.min(together(&profile, &all, run, 2));
    }
    let each = |time: Duration, n: usize| time.as_secs_f64() * 1e9 / n as f64;
    println!("a profile for itself: {:.0} ns an event", each(exclusive, N_EVENTS));
    println!("shared, one thread:   {:.0} ns an event", each(one, N_EVENTS));
    println!("shared, two threads:  {:.0} ns an event", each(two, 2 * N_EVENTS));
    println!("two threads are {:.2} times as fast as one", 2.0 * one.as_secs_f64() / two.as_secs_f64());
}

fn event(n: usize) -> Map<String, Value> {
    let event = json!({
        "proc.exepath": format!("/usr/bin/program{n}"), "proc.aname": ["sh", "cron", "systemd"], "proc.cmdline": format!("program{n} -c id"),
    });
    event.as_object().cloned().unwrap_or_default()
}

fn alone(profile: &mut Profile, all: &[Hashes], run: i64) -> Duration {
    let begun = Instant::now();
    for hashes in all.iter().cycle().take(N_EVENTS) {
        std::hint::black_box(profile.look_up(*hashes, 1_000 + run, true, |_| "a name".to_owned()));
    }
    begun.elapsed()
}

/// How long it takes until each of so many threads has passed its events.
fn together(profile: &Profile, all: &[Hashes], run: i64, n_threads: usize) -> Duration {
    let begin = Barrier::new(n_threads);
    let pass = |thread: usize| {
        begin.wait();
        let begun = Instant::now();
        for hashes in all.iter().cycle().skip(thread * N_BEHAVIOURS / 2).take(N_EVENTS) {
            let name = |_: &Spec| "a name".to_owned();
            std::hint::black_box(profile.look_up_shared(thread, *hashes, 1_000 + run, true, name));
        }
        (begun, Instant::now())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads)
            .map(|thread| {
                let pass = &pass;
                scope.spawn(move || pass(thread))
            })
            .collect();
        let times: Vec<_> = threads.into_iter().filter_map(|thread| thread.join().ok()).collect();
        let (begun, ended) = (times.iter().map(|it| it.0).min(), times.iter().map(|it| it.1).max());
        ended.zip(begun).map_or(Duration::ZERO, |(ended, begun)| ended - begun)
    })
}
