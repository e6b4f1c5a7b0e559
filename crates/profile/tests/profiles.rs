//! What a profile keeps: asked before learned, complete or said not to be, the same after a way through a file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lanner_core::TimeRange;
use lanner_core::document::{Check, Node};
use lanner_profile::{Filter, Profile, Spec, StateError, Status};
use lanner_sketch::Seed;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = DAY_MS / 24;

/// Conditions are another crate's; here one names a field that must be there.
fn filter(node: &Node, _: &str, _: &mut Check) -> Option<Filter> {
    let name = node.scalar_text()?;
    Some(Filter::new(move |event| event.contains_key(&name)))
}

fn profile_of(document: &Value, seed: u128) -> Profile {
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(document), "", &filter, &mut check);
    assert_eq!(check.problems, []);
    Profile::new(spec.unwrap(), &Seed::new(seed))
}

fn profile() -> Profile {
    profile_of(
        &json!({ "id": "exec", "fields": ["parent", "name", "args"], "where": "name", "by": "image(image)", "memory": 1 }),
        1,
    )
}

fn event(image: &str, parent: &str, name: &str, args: &str) -> Map<String, Value> {
    json!({ "image": image, "parent": parent, "name": name, "args": args }).as_object().cloned().unwrap()
}

/// Two days of a few behaviours.
fn taught() -> Profile {
    let mut profile = profile();
    for hour in 0..48 {
        for (parent, name, args) in
            [("systemd", "nginx", "-g"), ("cron", "sh", "backup"), ("sh", "tar", "cf")]
        {
            profile.observe(&event("web:1", parent, name, args), hour * HOUR_MS);
        }
    }
    profile
}

#[test]
fn an_event_says_what_makes_it_new() {
    #[track_caller]
    fn check(event: &Map<String, Value>, is_rare: bool, reason: &str) {
        let mut profile = taught();
        let answer = profile.observe(event, 2 * DAY_MS).unwrap();
        assert_eq!((answer.is_rare, answer.reason().as_str()), (is_rare, reason));
    }
    check(
        &event("web:1", "cron", "sh", "backup"),
        false,
        "seen at least 15 times before, last at 1970-01-02T23:00:00Z",
    );
    check(&event("web:1", "cron", "sh", "-i"), true, "never seen: args");
    check(&event("web:1", "nginx", "nc", "-i"), true, "never seen: parent, name, args");
    check(&event("web:1", "systemd", "sh", "backup"), true, "never seen with this parent");
    check(&event("web:1", "systemd", "tar", "backup"), true, "this combination was never seen");
    // A new version of an image inherits; another image learns first.
    check(&event("web:2@sha256:ab", "cron", "sh", "-i"), true, "never seen: args");
    check(&event("db:1", "cron", "sh", "-i"), false, "never seen: parent, name, args");
}

#[test]
fn an_event_of_others_is_none_of_ours() {
    let mut profile = taught();
    assert_eq!(profile.observe(&Map::new(), 0), None);
    assert_eq!(profile.advice().n_events, 3 * 48);
}

#[test]
fn asking_does_not_teach() {
    let mut profile = taught();
    let strange = event("web:1", "nginx", "nc", "-i");
    for _ in 0..3 {
        assert!(profile.ask(&strange, 2 * DAY_MS).unwrap().ever().is_never());
    }
    profile.observe(&strange, 2 * DAY_MS);
    let answer = profile.ask(&strange, 2 * DAY_MS + 5_000).unwrap();
    assert_eq!((answer.ever().value(), answer.is_rare), (1, false));
    assert_eq!(answer.first_seen_ms, Some(2 * DAY_MS));
    assert_eq!(answer.to_fields(2 * DAY_MS + 5_000)["age_s"], 5);
}

#[test]
fn a_profile_says_how_complete_it_is() {
    #[track_caller]
    fn check(profile: &mut Profile, time_ms: i64, expected: Status) {
        let answer = profile.observe(&event("web:1", "a", "b", "c"), time_ms).unwrap();
        assert_eq!(answer.status, expected);
        assert_eq!(profile.status(time_ms), expected);
    }
    let mut profile = profile();
    assert_eq!(profile.status(0), Status::Learning);
    check(&mut profile, HOUR_MS, Status::Learning);
    check(&mut profile, 20 * HOUR_MS, Status::Learning);
    check(&mut profile, 26 * HOUR_MS, Status::Active);
    profile.note_lost(TimeRange::new(26 * HOUR_MS, 27 * HOUR_MS));
    check(&mut profile, 27 * HOUR_MS + 1, Status::Incomplete);
    check(&mut profile, 28 * HOUR_MS, Status::Active);
    assert_eq!(profile.status(60 * DAY_MS), Status::Stale);
    check(&mut profile, 60 * DAY_MS, Status::Stale);
    check(&mut profile, 60 * DAY_MS + 25 * HOUR_MS, Status::Active);
    let mut profile = self::profile();
    check(&mut profile, DAY_MS, Status::Learning);
    profile.finish();
    check(&mut profile, DAY_MS + 1, Status::Active);
}

#[test]
fn a_profile_that_is_too_small_says_so() {
    let mut profile = profile();
    profile.observe(&event("web", "a", "b", "c"), 0);
    for n in 0..100_000 {
        profile.observe(&event("web", "a", "b", &format!("file-{n}-")), 2 * DAY_MS);
    }
    assert!(profile.fill() > 1.0, "{}", profile.fill());
    let answer = profile.observe(&event("web", "x", "y", "z"), 2 * DAY_MS).unwrap();
    assert_eq!((answer.status, answer.is_rare), (Status::Incomplete, false));
}

#[test]
fn what_is_held_or_unlearned_stays_new() {
    let mut profile = taught();
    let strange = event("web:1", "nginx", "nc", "-i");
    profile.hold(TimeRange::new(2 * DAY_MS, 2 * DAY_MS + HOUR_MS));
    for _ in 0..5 {
        assert!(profile.observe(&strange, 2 * DAY_MS + 1).unwrap().is_rare);
    }
    profile.observe(&strange, 2 * DAY_MS + HOUR_MS);
    assert!(!profile.observe(&strange, 2 * DAY_MS + HOUR_MS).unwrap().is_rare);
    let forgotten = profile.unlearn(TimeRange::new(2 * DAY_MS, 3 * DAY_MS));
    assert!(forgotten.is_all);
    assert!(profile.observe(&strange, 2 * DAY_MS + 2 * HOUR_MS).unwrap().is_rare);
    assert!(!profile.observe(&event("web:1", "cron", "sh", "backup"), 2 * DAY_MS).unwrap().is_rare);
}

#[test]
fn files_are_checked() {
    let mut profile = taught();
    profile.finish();
    let mut bytes = Vec::new();
    profile.write(2 * DAY_MS, &mut bytes);
    profile.write(2 * DAY_MS, &mut bytes);
    let again = Profile::read_all(&bytes, &filter).unwrap();
    assert_eq!(again.len(), 2);
    for mut again in again {
        let known = event("web:1", "cron", "sh", "backup");
        assert_eq!(again.ask(&known, 2 * DAY_MS), profile.ask(&known, 2 * DAY_MS));
        let strange = event("web:1", "cron", "sh", "-i");
        assert_eq!(again.ask(&strange, 2 * DAY_MS), profile.ask(&strange, 2 * DAY_MS));
        assert_eq!((again.advice(), again.top(3)), (profile.advice(), profile.top(3)));
    }
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let error = Profile::read_all(bytes, &filter).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(b"", "holds no profile");
    check(b"PK", "the file is not a sketch");
    check(&bytes[..bytes.len() - 1], "a group of the profile exec is cut short");
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    check(&bytes, "is damaged");
    assert_eq!(StateError::Empty.to_string(), "holds no profile");
}

#[test]
fn profiles_of_hosts_are_merged() {
    let mut ours = taught();
    let mut theirs = profile();
    theirs.observe(&event("web:1", "sshd", "bash", "-l"), DAY_MS);
    let _ = ours.merge(&theirs).unwrap();
    let answer = ours.ask(&event("web:1", "sshd", "bash", "-l"), 2 * DAY_MS).unwrap();
    assert_eq!((answer.ever().value(), answer.is_rare), (1, false));
    assert!(ours.ask(&event("web:1", "cron", "sh", "backup"), 2 * DAY_MS).unwrap().ever().is_saturated());
    assert_eq!(ours.advice().n_events, 3 * 48 + 1);
    let other = profile_of(&json!({ "id": "exec", "fields": ["name"], "memory": 1 }), 2);
    assert_eq!(ours.merge(&other).unwrap_err().of, "seed");
}

#[test]
fn all_mistakes_of_a_document_are_told() {
    let mut check = Check::default();
    let document = json!({ "id": "a b", "fields": ["name", "name", "hash(x)"], "learn": "soon", "rare": 16, "memory": 0.5, "were": "x" });
    let spec = Spec::read_document(&Node::from_json(&document), "profiles[0]", &filter, &mut check);
    let found: Vec<String> = check.problems.iter().map(ToString::to_string).collect();
    let expected = [
        "profiles[0].id: should be 1 to 200",
        "profiles[0].fields[1]: name is there already",
        "profiles[0].fields[2]: \"hash\" is not a function",
        "profiles[0].learn: \"soon\" is not a duration",
        "profiles[0].rare: should be a whole number from 1 to 15",
        "profiles[0].memory: should be a whole number from 1 to 4096",
        "profiles[0].were: the field \"were\" is not known",
    ];
    assert!(spec.is_none());
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}

proptest! {
    /// A behaviour is told at least as often as it came, whatever else came, in whatever order of times.
    #[test]
    fn counts_are_never_too_low(events in prop::collection::vec((0..6_u8, 0..3_u8, 0..3_u8, -DAY_MS..400 * DAY_MS), 0..200)) {
        let mut profile = profile();
        let mut seen = std::collections::HashMap::new();
        for (args, name, parent, time_ms) in events {
            let event = event("i", &parent.to_string(), &name.to_string(), &args.to_string());
            let answer = profile.observe(&event, time_ms).unwrap();
            let count: &mut u32 = seen.entry((args, name, parent)).or_default();
            prop_assert!(answer.ever().value() >= (*count).min(15));
            prop_assert!(answer.rarity_bits >= 0.0 && answer.rarity_bits.is_finite());
            *count += 1;
        }
    }
}
