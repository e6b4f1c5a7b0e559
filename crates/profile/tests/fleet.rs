//! Many hosts: what each tells counts once, and what is new here is told apart from what is new everywhere.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lanner_core::document::{Check, Node};
use lanner_profile::{Filter, Hosts, Profile, Spec, Status};
use lanner_sketch::Seed;
use serde_json::{Map, Value, json};

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = DAY_MS / 24;

/// No profile here has a condition.
fn filter(_: &Node, _: &str, _: &mut Check) -> Option<Filter> {
    None
}

fn spec() -> Spec {
    let document = json!({ "id": "exec", "fields": ["parent", "name"], "by": "image(image)", "memory": 1, "common": 2, "learn": "1h" });
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(&document), "", &filter, &mut check);
    assert_eq!(check.problems, []);
    spec.unwrap()
}

fn profile() -> Profile {
    Profile::new(spec(), &Seed::new(7))
}

fn event(image: &str, parent: &str, name: &str) -> Map<String, Value> {
    json!({ "image": image, "parent": parent, "name": name }).as_object().cloned().unwrap()
}

/// A host that saw these programs, started by cron, over a day.
fn host(names: &[&str]) -> Profile {
    let mut profile = profile();
    for hour in 0..24 {
        names.iter().for_each(|name| _ = profile.observe(&event("web:1", "cron", name), hour * HOUR_MS));
    }
    profile
}

/// What the server knows after these hosts told.
fn gathered(hosts: &[(&str, &Profile)]) -> (Profile, Hosts) {
    let (mut server, mut gathered) = (profile(), Hosts::default());
    for (name, host) in hosts {
        gathered.hear(&mut server, name, &host.tell(DAY_MS), DAY_MS).unwrap();
    }
    (server, gathered)
}

#[test]
fn what_is_new_here_may_be_common_elsewhere() {
    let (mut a, b, c) = (host(&["backup"]), host(&["backup", "rotate"]), host(&["backup", "rotate"]));
    let (server, hosts) = gathered(&[("a", &a), ("b", &b), ("c", &c)]);
    let known: Vec<(&str, Status)> = hosts.all().map(|(name, host)| (name, host.status)).collect();
    assert_eq!(known, [("a", Status::Active), ("b", Status::Active), ("c", Status::Active)]);
    a.learn_of_fleet(&server.fleet_bytes()).unwrap();
    #[track_caller]
    fn check(a: &mut Profile, name: &str, is_rare: bool, (seen_on, is_common): (u32, bool), reason: &str) {
        let answer = a.ask(&event("web:1", "cron", name), DAY_MS).unwrap();
        let fleet = answer.fleet.unwrap();
        assert_eq!(
            (answer.is_rare, fleet.seen_on, fleet.is_common, fleet.n_hosts),
            (is_rare, seen_on, is_common, 3)
        );
        assert!(answer.reason().ends_with(reason), "{}", answer.reason());
        let fields = answer.to_fields(DAY_MS);
        assert_eq!(fields["fleet"], json!({ "seen_on": seen_on, "hosts": 3, "common": is_common }));
    }
    check(&mut a, "rotate", true, (2, true), "never seen: name; in the fleet on 2 of 3 hosts");
    check(&mut a, "miner", true, (0, false), "never seen: name; in the fleet on none of 3 hosts");
    check(&mut a, "backup", false, (3, true), "in the fleet on 3 of 3 hosts");
}

#[test]
fn a_host_counts_once_however_often_it_tells() {
    let (a, mut b) = (host(&["backup"]), host(&["backup"]));
    let (mut server, mut hosts) = gathered(&[("a", &a), ("b", &b)]);
    let before = server.fleet_bytes();
    for minute in 1..50 {
        hosts.hear(&mut server, "b", &b.tell(DAY_MS), DAY_MS + minute * 60_000).unwrap();
    }
    // Nothing changed, so hosts are not told again.
    assert_eq!(server.fleet_bytes(), before);
    b.observe(&event("web:1", "cron", "rotate"), DAY_MS + HOUR_MS);
    hosts.hear(&mut server, "b", &b.tell(DAY_MS), DAY_MS + HOUR_MS).unwrap();
    let changed_ms = server.fleet().unwrap().changed_ms();
    assert!(changed_ms >= DAY_MS + HOUR_MS && server.fleet_bytes() != before);
    let seen_on = |server: &mut Profile, name: &str| {
        server.ask(&event("web:1", "cron", name), DAY_MS).unwrap().fleet.unwrap().seen_on
    };
    assert_eq!((seen_on(&mut server, "backup"), seen_on(&mut server, "rotate")), (2, 1));

    // After a quarter without a word, a host is no longer counted.
    hosts.hear(&mut server, "a", &a.tell(DAY_MS), 100 * DAY_MS).unwrap();
    assert_eq!(hosts.all().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
    assert_eq!((seen_on(&mut server, "backup"), seen_on(&mut server, "rotate")), (1, 0));
}

#[test]
fn what_hosts_told_is_kept() {
    let (a, b) = (host(&["backup"]), host(&["backup", "rotate"]));
    let (server, hosts) = gathered(&[("a", &a), ("b", &b)]);
    let (mut bytes, mut words) = (Vec::new(), Vec::new());
    server.write(DAY_MS, &mut bytes);
    hosts.write(&server, &mut words);
    let mut again = Profile::read(&mut &bytes[..], &filter).unwrap();
    assert_eq!(Hosts::read(&words, &mut again).unwrap(), hosts);
    assert_eq!(again.fleet(), server.fleet());
    let cut = Hosts::read(&words[..words.len() - 1], &mut again).unwrap_err().to_string();
    assert!(cut.contains("cut short"), "{cut}");
}

#[test]
fn what_cannot_be_used_is_refused_and_changes_nothing() {
    let (mut server, mut hosts) = gathered(&[("a", &host(&["backup"]))]);
    let before = server.fleet_bytes();
    let mut check = |name: &str, bytes: &[u8], expected: &str| {
        let why = hosts.hear(&mut server, name, bytes, DAY_MS).unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
        assert_eq!(server.fleet_bytes(), before, "{expected}");
    };
    let good = host(&["rotate"]).tell(DAY_MS);
    check("", &good, "is not the name of a host");
    check(&"x".repeat(201), &good, "is not the name of a host");
    check("a\nb", &good, "is not the name of a host");
    check("b", b"", "cut short");
    check("b", b"GET / HTTP/1.1", "is not a sketch");
    check("b", &good[..good.len() - 1], "its sketch is cut short");
    check("b", &[&good[..], b"x"].concat(), "more follows");
    let mut damaged = good.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    check("b", &damaged, "its sketch is damaged");
    let other_seed = Profile::new(spec(), &Seed::new(8)).tell(DAY_MS);
    check("b", &other_seed, "learned under another seed");
    let mut other = spec();
    other.parts.truncate(1);
    check("b", &Profile::new(other, &Seed::new(7)).tell(DAY_MS), "learned with other fields");
    let mut larger = spec();
    larger.memory *= 2;
    check("b", &Profile::new(larger, &Seed::new(7)).tell(DAY_MS), "learned with other fields");
}

#[test]
fn what_a_fleet_tells_is_checked() {
    let (server, _) = gathered(&[("a", &host(&["backup"]))]);
    let good = server.fleet_bytes();
    let mut member = profile();
    #[track_caller]
    fn check(member: &mut Profile, bytes: &[u8], expected: &str) {
        let why = member.learn_of_fleet(bytes).unwrap_err().to_string();
        assert!(why.contains(expected), "{why}");
        assert!(member.fleet().is_none());
    }
    check(&mut member, b"", "cut short");
    check(&mut member, &good[..good.len() / 2], "cut short");
    check(&mut Profile::new(spec(), &Seed::new(8)), &good, "another seed");
    member.learn_of_fleet(&good).unwrap();
    assert_eq!(member.fleet().unwrap().n_hosts(), 1);
}

#[test]
fn a_host_joins_by_the_terms_of_its_fleet() {
    let (mut server, mut hosts) = gathered(&[]);
    let text = serde_json::to_vec(&server.terms()).unwrap();
    let terms = lanner_profile::Terms::from_json(&text).unwrap();
    let mut member = Profile::by_terms(&terms, &filter).unwrap();
    member.observe(&event("web:1", "cron", "backup"), 0);
    hosts.hear(&mut server, "new", &member.tell(DAY_MS), DAY_MS).unwrap();
    assert!(lanner_profile::Terms::from_json(b"{}").unwrap_err().contains("not the terms of a fleet"));
    let wrong = lanner_profile::Terms { seed: "xyz".to_owned(), ..terms };
    assert!(Profile::by_terms(&wrong, &filter).is_err());
}

/// A new tag inherits what its image does, and says for an hour that it is new.
#[test]
fn a_new_version_of_an_image_says_so() {
    let mut profile = profile();
    let mut at = |image: &str, time_ms: i64| {
        let answer = profile.observe(&event(image, "cron", "backup"), time_ms).unwrap();
        (answer.is_new_image.unwrap(), answer.is_rare, answer.n_distinct)
    };
    assert_eq!(at("web:1", 0), (false, false, Some(0)));
    assert_eq!(at("web:1", 2 * HOUR_MS), (false, false, Some(1)));
    assert_eq!(at("web:2@sha256:ab", 3 * HOUR_MS), (true, false, Some(1)));
    assert_eq!(at("web:2@sha256:ab", 3 * HOUR_MS + 1), (true, false, Some(1)));
    assert_eq!(at("web:2@sha256:ab", 4 * HOUR_MS), (false, false, Some(1)));
    assert_eq!(at("web:1", 4 * HOUR_MS), (false, false, Some(1)));
    assert_eq!(profile.observe(&event("web:1", "cron", "rotate"), 5 * HOUR_MS).unwrap().n_distinct, Some(1));
    assert_eq!(profile.ask(&event("web:1", "cron", "rotate"), 5 * HOUR_MS).unwrap().n_distinct, Some(2));
}
