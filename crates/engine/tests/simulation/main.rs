//! Thousands of lives of one server, each from a seed: random rules, data, crashes and clocks.
//!
//! The engine is driven as the server drives it, but everything around it is a model with a virtual clock:
//! `world` is what a seed stands for, `live` runs it, `store` keeps what was committed and refuses what must
//! not happen twice. Afterwards `check` and `messages` hold the run to what it must have been, worked out
//! another way (`wall_clock`): every promised window was walked once and in order, every value is what the
//! record comes to, replay gives the same evaluations, and everybody was notified of what they had to be.
//!
//! A failure prints its seed and its story. `LANNER_SIM_SEED=n` runs that seed alone with the whole story,
//! `LANNER_SIM_SEEDS=n` so many of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what cannot be goes no further in a test")]

mod chance;
mod check;
mod live;
mod messages;
mod store;
mod wall_clock;
mod world;

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicU64, Ordering};

use lanner_core::time::{DAY_MS, format_time};

use live::Live;
use world::World;

const N_SEEDS: u64 = 10_000;

/// How often each thing happened, so that a run that tests nothing is noticed.
type Seen = BTreeMap<String, u64>;

fn life_of(seed: u64, verbose: bool) -> Result<Seen, (String, Vec<String>)> {
    let world = World::of(seed);
    let lived = Live::new(&world, verbose).run()?;
    let checks = || {
        let comparable = check::windows(&world, &lived)?;
        check::values(&world, &lived)?;
        check::replayed(&world, &lived, &comparable)?;
        messages::check(&world, &lived)
    };
    let counts = checks().map_err(|why| (why, lived.story.clone()))?;
    let mut seen = Seen::new();
    let mut count = |what: &str, n: usize| *seen.entry(what.to_owned()).or_default() += n as u64;
    for evaluation in check::evaluations(&lived) {
        count(evaluation.outcome.name(), 1);
        count(&format!("state {}", evaluation.state), 1);
        count("late", usize::from(evaluation.late));
        count("of nobody known", usize::from(evaluation.group == lanner_core::Group::Unknown));
    }
    count("evaluations", check::evaluations(&lived).count());
    count("messages", lived.store.outbox.len());
    count("repetitions", lived.store.outbox.iter().filter(|(_, message)| message.repeat).count());
    count("restarts", lived.lives.len() - 1);
    count("turns lost in a crash", lived.n_lost_turns);
    count("rules skipping windows", lived.skips.len());
    count("data that came too late", lived.n_late);
    count("windows corrected", lived.n_corrected);
    count("rules removed", world.rules.len() - lived.n_rules);
    count(
        "groups forgotten",
        lived.store.log.iter().filter(|e| matches!(e, store::Entry::Forgotten(..))).count(),
    );
    count("episodes", counts.n_episodes);
    count("episodes that must be told", counts.n_must);
    count("episodes muted throughout", counts.n_muted);
    count("episodes refused at first", counts.n_refused);
    count("episodes told after they were refused", counts.n_told_after_refusal);
    count("episodes beside one that matches both sides too", counts.n_two_sided);
    count("episodes that two inhibitions set against each other", counts.n_facing);
    count("windows in which ten groups fire", check::n_storms(&lived));
    count("evaluations by what was learned", check::n_learned(&world, &lived));
    count("windows learned before data came", lived.n_relearned);
    Ok(seen)
}

/// Runs a seed and turns a panic into a failure, too.
fn run(seed: u64, verbose: bool) -> Result<Seen, (String, Vec<String>)> {
    catch_unwind(|| life_of(seed, verbose)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err((text.unwrap_or_else(|| "panicked".to_owned()), Vec::new()))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "which seeds run is chosen from outside; the runs know nothing of it"
)]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn story(seed: u64, why: &str) -> String {
    let again = run(seed, true);
    let lines = again.err().map(|(_, lines)| lines).unwrap_or_default();
    let last = lines.len().saturating_sub(60);
    let world = World::of(seed).story();
    format!(
        "seed {seed}: {why}\n\nthe world:\n{}\n\nthe end of the story:\n{}\n\nLANNER_SIM_SEED={seed} runs it alone",
        world.join("\n"),
        lines[last..].join("\n")
    )
}

#[test]
#[expect(clippy::disallowed_methods, reason = "seeds share nothing, so two of them run at a time")]
fn every_seed_lives_as_it_should() {
    if let Some(seed) = number("LANNER_SIM_SEED") {
        println!("{}\n", World::of(seed).story().join("\n"));
        let world = World::of(seed);
        let outcome = run(seed, true);
        assert!(
            outcome.is_ok(),
            "{} from {}",
            story(seed, &outcome.unwrap_err().0),
            format_time(world.start_ms)
        );
        return;
    }
    let n_seeds = number("LANNER_SIM_SEEDS").unwrap_or(N_SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut seen = Seen::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= n_seeds {
                return seen;
            }
            match run(seed, false) {
                Ok(more) => more.into_iter().for_each(|(what, n)| *seen.entry(what).or_default() += n),
                Err((why, _)) => {
                    next.store(n_seeds, Ordering::Relaxed);
                    panic!("{}", story(seed, &why));
                }
            }
        }
    };
    let mut seen = Seen::new();
    std::thread::scope(|scope| {
        let workers = [scope.spawn(work), scope.spawn(work)];
        for worker in workers {
            let more = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            more.into_iter().for_each(|(what, n)| *seen.entry(what).or_default() += n);
        }
    });
    println!("{seen:#?}");
    if n_seeds >= 1_000 {
        let never: Vec<&String> = seen.iter().filter(|(_, n)| **n == 0).map(|(what, _)| what).collect();
        assert!(
            never.is_empty() && seen.len() >= 30,
            "what should happen sometimes never did: {never:?} of {seen:#?}"
        );
    }
}

/// Schedules alone, more of them: the engine's next windows are those found minute by minute.
#[test]
fn schedules_promise_the_windows_of_the_wall_clock() {
    for seed in 0..2 * N_SEEDS {
        let (spec, span) = World::schedule_of(seed);
        let rule = lanner_engine::Rule::from_json(&spec.document, 1).unwrap();
        let clock =
            wall_clock::WallClock::new(spec.zone, span.start_ms - 30 * DAY_MS, span.end_ms + 2 * DAY_MS);
        let mut at_ms = span.start_ms;
        let mut found = Vec::new();
        while let Some(window) = rule.schedule.next_ending_after(at_ms).filter(|w| w.end_ms <= span.end_ms) {
            found.push(window);
            at_ms = window.end_ms;
        }
        let promised = clock.windows(&spec, span.start_ms, span.end_ms);
        let odd: Vec<_> =
            found.iter().zip(&promised).filter(|(window, other)| window != other).take(1).collect();
        assert!(found == promised, "seed {seed}: {odd:?} of {}", spec.document);
    }
}
