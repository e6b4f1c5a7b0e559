//! Several threads of Falco in one plugin: what they learn is what one would, each has its own answers, and none is in the way of
//! others.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use lanner_profile::Profile;
use serde_json::{Value, json};

use super::table::{Event, Falco};
use super::{EXECVE, OPEN, event};

/// The first minute of 2026.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// Two hundred shells, each below five others of its own and `systemd`.
pub(crate) fn threads() -> Value {
    let mut threads =
        vec![json!({"id": 1, "comm": "systemd", "exe": "/sbin/init", "path": "/usr/lib/systemd/systemd"})];
    for number in 0..200 {
        let id = |depth: i64| 1_000 + number * 10 + depth;
        for depth in 0..=5 {
            threads.push(json!({
                "id": id(depth), "parent": if depth == 5 { 1 } else { id(depth + 1) }, "sid": id(5),
                "comm": format!("level{depth}-{}", number % 40), "exe": "sh", "path": format!("/usr/bin/level{depth}"),
                "args": ["-c", format!("job{} --at 2026-11-29 --id {number}", number % 40)],
                "files": {"3": format!("/etc/app{}/conf", number % 40)},
            }));
        }
    }
    threads.into()
}

/// The shell with this number.
pub(crate) fn shell(number: i64) -> i64 {
    1_000 + number * 10
}

fn config() -> Value {
    json!({"profiles": [
        {"id": "exec", "where": "evt.type in (execve, execveat)", "learn": "1s", "memory": 1,
         "fields": ["proc.exepath", "lineage(proc.aname, 5)", "template(proc.cmdline)"]},
        {"id": "files", "where": "evt.type = open", "learn": "1s", "memory": 1,
         "fields": ["proc.exepath", "lineage(proc.aname, 5)", "folder(fd.name)"]},
    ]})
}

/// An event of a shell: it starts a program, or opens a file.
fn event_of(number: i64, at: u64) -> Event {
    let of = match at % 2 {
        0 => event(EXECVE, shell(number), BEGIN_MS + at as i64, json!([])),
        _ => event(OPEN, shell(number), BEGIN_MS + at as i64, json!([3, "conf"])),
    };
    Event::new(&of, at)
}

/// What a thread has to do: the shells whose number leaves its own as a remainder, each so often.
fn work(n_threads: i64, thread: i64, rounds: u64) -> impl Iterator<Item = (i64, u64)> {
    let shells = move || (0..200).filter(move |number| number % n_threads == thread);
    (0..rounds).flat_map(move |round| shells().map(move |number| (number, round * 200 + number as u64)))
}

/// What was learned, as bytes that say nothing of when they were written.
fn learned(path: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read_filter = |node: &lanner_core::document::Node, _: &str, _: &mut lanner_core::document::Check| {
        node.scalar_text().map(|_| lanner_profile::Filter::new(|_| true))
    };
    let profiles = Profile::read_all(&std::fs::read(path).unwrap(), &read_filter).unwrap();
    profiles.iter().for_each(|profile| profile.write(0, &mut bytes));
    bytes
}

#[test]
fn threads_learn_what_one_thread_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let load = |name: &str| {
        let mut config = config();
        config["state"] = path(name).to_str().unwrap().into();
        Falco::load(&threads(), &config)
    };
    // Both begin with the same seed and the same past, in which everything was seen often.
    let begin = load("begin");
    work(1, 0, 20).for_each(|(number, at)| assert!(begin.parse(&event_of(number, at))));
    begin.close();
    for name in ["alone", "together"] {
        std::fs::copy(path("begin"), path(name)).unwrap();
    }
    let (alone, together) = (load("alone"), load("together"));
    let events = |thread: i64| work(4, thread, 300).map(|(number, at)| (number, at + 4_000));
    for (number, at) in (0..4).flat_map(events) {
        assert!(alone.parse(&event_of(number, at)));
    }
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let together = &together;
            scope.spawn(move || {
                for (number, at) in events(thread) {
                    let event = event_of(number, at);
                    assert!(together.parse(&event));
                    // Answers are those of this thread's event.
                    assert_eq!(
                        together.field(&event, "anomaly.rare").as_deref(),
                        if at % 2 == 0 { Some("false") } else { None }
                    );
                    if at % 2 == 0 {
                        let reason = together.field(&event, "anomaly.reason").unwrap();
                        assert!(
                            reason.starts_with("seen 15 times before, last at 2026-01-01T00:0"),
                            "{reason}"
                        );
                    }
                }
            });
        }
    });
    assert_eq!((alone.metric(c"events_total"), together.metric(c"events_total")), (60_000, 60_000));
    alone.close();
    together.close();
    assert!(learned(&path("alone")) == learned(&path("together")));
}

/// A configuration that comes while threads are at it is taken up by all of them, and one with a mistake by none.
#[test]
fn a_new_configuration_reaches_all_threads() {
    let falco = Falco::load(&threads(), &config());
    work(1, 0, 20).for_each(|(number, at)| assert!(falco.parse(&event_of(number, at))));
    let (before, after) = (Barrier::new(5), Barrier::new(5));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (falco, before, after) = (&falco, &before, &after);
            scope.spawn(move || {
                let ask = |at: u64| {
                    let event = event_of(thread, at);
                    assert!(falco.parse(&event));
                    falco.field(&event, "anomaly.status")
                };
                assert_eq!(ask(100_000).as_deref(), Some("active"));
                before.wait();
                after.wait();
                // The first profile is another one now, which learns.
                assert_eq!(ask(100_002).as_deref(), Some("learning"));
            });
        }
        before.wait();
        assert!(!falco.configure(&json!({"profiles": [{"id": "exec", "fields": ["proc.nmae"]}]})));
        assert!(falco.last_error().contains("did you mean proc.name?"), "{}", falco.last_error());
        let mut other = config();
        other["profiles"][0]["fields"] = json!(["proc.exepath", "proc.pname"]);
        assert!(falco.configure(&other), "{}", falco.last_error());
        after.wait();
    });
    // What the other profile learned stays.
    let event = event_of(0, 100_005);
    assert!(falco.parse(&event));
    assert!(falco.metric(c"behaviours") >= 24, "{}", falco.metric(c"behaviours"));
}

#[test]
fn threads_come_and_go() {
    let falco = Falco::load(&threads(), &config());
    for number in 0..200 {
        std::thread::scope(|scope| {
            assert!(scope.spawn(|| falco.parse(&event_of(number, 0))).join().unwrap());
        });
    }
    // All at once they are too many: the others go on.
    let all = Barrier::new(80);
    let one = |number: i64| {
        let was_taken = falco.parse(&event_of(number, 2));
        let why = if was_taken { String::new() } else { falco.last_error() };
        all.wait();
        why
    };
    let told: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..80).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let refused: Vec<&String> = told.iter().filter(|why| !why.is_empty()).collect();
    assert_eq!(refused.len(), 16);
    assert!(refused.iter().all(|why| why.contains("more than 64 threads")), "{refused:?}");
    assert!(falco.parse(&event_of(0, 4)));
    assert_eq!(falco.metric(c"events_total"), 200 + 64 + 1);
}

/// A process that starts another program on one thread is another one for all of them.
#[test]
fn what_one_thread_sees_of_processes_all_know() {
    let falco = Falco::load(&threads(), &config());
    let seen = |at: u64| {
        let event = event_of(3, at);
        assert!(falco.parse(&event));
        falco.field(&event, "anomaly.seen")
    };
    (0..20).for_each(|at| drop(seen(2 * at)));
    assert_eq!(seen(40).as_deref(), Some("15"));
    // The grandparent of that shell starts another program, elsewhere.
    falco.rename(shell(3) + 2, "nc");
    assert_eq!(seen(42).as_deref(), Some("15"), "nobody told yet");
    let exec = Event::new(&event(EXECVE, shell(3) + 2, BEGIN_MS, json!([])), 1);
    assert!(std::thread::scope(|scope| scope.spawn(|| falco.parse(&exec)).join().unwrap()));
    assert_eq!(seen(44).as_deref(), Some("0"));
    assert_eq!(seen(46).as_deref(), Some("1"));
}

/// A process that descends from itself, or from nobody, and one with more arguments than anybody reads.
#[test]
fn odd_processes_are_behaviours_too() {
    let long = "x".repeat(1_000_000);
    let threads = json!([
        {"id": 5, "parent": 6, "comm": "a", "path": "/a"}, {"id": 6, "parent": 5, "comm": "b", "path": "/b"},
        {"id": 7, "parent": 7, "comm": "c", "path": "/c"}, {"id": 8, "parent": 99, "comm": "d", "path": "/d"},
        {"id": 9, "parent": -1, "comm": "e", "path": "/e", "args": vec![long; 3]},
    ]);
    let falco = Falco::load(&threads, &config());
    for round in 0..3_u64 {
        for tid in 5..=10 {
            let event =
                Event::new(&event(EXECVE, tid, BEGIN_MS + round as i64, json!([])), 100 * round + tid as u64);
            assert!(falco.parse(&event));
            // Falco does not know the last one, so all such are one behaviour.
            assert_eq!(falco.field(&event, "anomaly.seen").as_deref(), Some(&*round.to_string()), "{tid}");
        }
    }
}

/// How long `n_threads` take for as many events as they can share; the fastest of several runs.
fn fastest(falco: &Falco, events: &[Vec<Event>], runs: usize) -> Duration {
    let run = || {
        let begin = Barrier::new(events.len());
        let times: Vec<(Instant, Instant)> = std::thread::scope(|scope| {
            let threads: Vec<_> = events
                .iter()
                .map(|events| {
                    let begin = &begin;
                    scope.spawn(move || {
                        events.iter().for_each(|event| assert!(falco.parse(event)));
                        begin.wait();
                        let begun = Instant::now();
                        events.iter().for_each(|event| assert!(falco.parse(event)));
                        (begun, Instant::now())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let begun = times.iter().map(|time| time.0).min().unwrap();
        times.iter().map(|time| time.1).max().unwrap() - begun
    };
    (0..runs).map(|_| run()).min().unwrap()
}

/// One thread beside two, in turn. What is printed is what docs/falco.md says; here only that both do their work.
#[test]
fn two_threads_beside_one() {
    let falco = Falco::load(&threads(), &config());
    let opens = |thread: i64, n_threads: i64| -> Vec<Event> {
        work(n_threads, thread, 20).map(|(number, at)| event_of(number, 2 * at + 1)).collect()
    };
    let (one, two) = ([opens(0, 1)], [opens(0, 2), opens(1, 2)]);
    // Everything was seen often before anything is measured.
    one[0].iter().for_each(|event| assert!(falco.parse(event)));
    let (mut alone, mut together) = (Duration::MAX, Duration::MAX);
    for _ in 0..40 {
        alone = alone.min(fastest(&falco, &one, 5));
        together = together.min(fastest(&falco, &two, 5));
    }
    println!(
        "{} opens: one thread {alone:?}, two {together:?}, {:.2} times as fast",
        one[0].len(),
        alone.as_secs_f64() / together.as_secs_f64()
    );
}
