//! Threads that ask and teach one profile at once leave what a single one would.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and starts threads"
)]

use lanner_core::document::{Check, Node};
use lanner_profile::{Hashes, Profile, Spec};
use lanner_sketch::Seed;
use serde_json::{Map, Value, json};

const N_THREADS: usize = 4;
const DAY_MS: i64 = 86_400_000;

fn profile() -> Profile {
    profile_of(&json!(["parent", "name", "template(args)"]))
}

fn profile_of(fields: &Value) -> Profile {
    let document = json!({ "id": "exec", "memory": 8, "by": "image(image)", "fields": fields });
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(&document), "", &|_, _, _| None, &mut check);
    assert_eq!(check.problems, []);
    Profile::new(spec.unwrap(), &Seed::new(1))
}

fn event(n: u64) -> Map<String, Value> {
    let event = json!({
        "image": format!("app{}:{}", n % 7, n % 11), "parent": format!("p{}", n % 13), "name": format!("program{n}"), "args": "-c id",
    });
    event.as_object().cloned().unwrap()
}

/// One event: which behaviour, and when.
type Sighting = (usize, i64);

/// Behaviours, of which the first come most often, over these days; the time stands still for a while and then goes on.
fn sightings(n: u64, n_behaviours: u64, days: std::ops::Range<i64>) -> Vec<Sighting> {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let length_ms = (days.end - days.start) * DAY_MS;
    (0..n)
        .map(|at| {
            let most = random(n_behaviours) + 1;
            (random(most) as usize, days.start * DAY_MS + length_ms * at as i64 / n as i64)
        })
        .collect()
}

fn hashes(profile: &Profile, n: u64) -> Vec<Hashes> {
    let mut buffer = Vec::new();
    (0..n).map(|n| profile.hashes(&event(n), &mut buffer).unwrap()).collect()
}

fn look(profile: &Profile, thread: usize, all: &[Hashes], (which, time_ms): Sighting) {
    let answer =
        profile.look_up_shared(thread, all[which], time_ms, true, |spec| spec.name_of(&event(which as u64)));
    // Whoever came before was seen.
    assert!(answer.ever().value() <= 15);
}

/// Each thread has the behaviours that leave its number as a remainder, so that those of one come in the order of time.
fn together(profile: &Profile, all: &[Hashes], sightings: &[Sighting]) {
    std::thread::scope(|scope| {
        for thread in 0..N_THREADS {
            scope.spawn(move || {
                let own = sightings.iter().filter(|(which, _)| which % N_THREADS == thread);
                own.for_each(|sighting| look(profile, thread, all, *sighting));
            });
        }
    });
}

fn bytes(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    profile.write(0, &mut bytes);
    bytes
}

/// After a day in which each behaviour was seen often enough, whatever threads see leaves the same bytes as one of them would.
#[test]
fn known_behaviours_leave_the_same_bytes() {
    const N: u64 = 400;
    let (mut alone, shared) = (profile(), profile());
    let all = hashes(&alone, N);
    let begin: Vec<Sighting> = (0..N as usize * 20).map(|at| (at % N as usize, at as i64)).collect();
    let rest = sightings(200_000, N, 0..1);
    for (which, time_ms) in begin.iter().chain(&rest) {
        alone.look_up(all[*which], *time_ms, true, |spec| spec.name_of(&event(*which as u64)));
    }
    begin.iter().for_each(|sighting| look(&shared, 0, &all, *sighting));
    together(&shared, &all, &rest);
    assert!(bytes(&alone) == bytes(&shared));
}

/// From the beginning, with behaviours that are new: all but the order in which they were new. They have one part, as parts that are
/// common to behaviours of several threads share cells, and which of two came first there depends on chance.
#[test]
fn new_behaviours_are_all_learned() {
    const N: u64 = 3_000;
    let [mut alone, shared] = [(); 2].map(|()| profile_of(&json!(["name"])));
    let all = hashes(&alone, N);
    let mut sightings = sightings(100_000, N, 0..1);
    for (which, time_ms) in &sightings {
        alone.look_up(all[*which], *time_ms, true, |spec| spec.name_of(&event(*which as u64)));
    }
    together(&shared, &all, &sightings);
    assert_eq!(alone.advice(), shared.advice());
    assert_eq!((alone.fill(), alone.times_ms()), (shared.fill(), shared.times_ms()));
    sightings.sort_unstable();
    sightings.dedup_by_key(|sighting| sighting.0);
    for (which, _) in sightings {
        let (ours, theirs) = (
            alone.ask(&event(which as u64), DAY_MS - 1).unwrap(),
            shared.look_up_shared(0, all[which], DAY_MS - 1, false, |_| String::new()),
        );
        assert_eq!(ours.seen, theirs.seen, "behaviour {which}");
        assert_eq!(ours.rarity_bits.to_bits(), theirs.rarity_bits.to_bits(), "behaviour {which}");
        assert_eq!((ours.first_seen_ms, ours.last_seen_ms), (theirs.first_seen_ms, theirs.last_seen_ms));
        assert_eq!(ours.is_new_image, theirs.is_new_image);
        // How many there are is an estimate, which depends on the order in which they came.
        let [ours, theirs] = [ours.n_distinct, theirs.n_distinct].map(|n| n.unwrap() as f64);
        assert!((ours - theirs).abs() < 0.13 * ours, "{ours} {theirs}");
    }
}

/// Days end while threads look, and while others read the whole.
#[test]
fn nothing_is_lost_when_days_end() {
    const N: u64 = 50;
    let shared = profile();
    let all = hashes(&shared, N);
    let sightings = sightings(100_000, N, 0..20);
    std::thread::scope(|scope| {
        let whole = scope
            .spawn(|| (0..20).map(|_| shared.advice().n_events + bytes(&shared).len() as u64).sum::<u64>());
        together(&shared, &all, &sightings);
        whole.join().unwrap();
    });
    assert_eq!(shared.advice().n_events, 100_000);
    let rows = shared.top(N as usize);
    let n_seen: u64 = rows.iter().map(|row| row.at_least).sum();
    assert_eq!(n_seen, 100_000);
    for row in rows {
        assert_eq!(row.at_least, row.at_most);
        assert!(row.key.contains("program"), "{row:?}");
    }
    assert_eq!(Profile::read_all(&bytes(&shared), &|_, _, _| None).unwrap()[0].advice(), shared.advice());
}
