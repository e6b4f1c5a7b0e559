//! The default profile on a recorded host: 260 benign task runs of 12 kinds, ten attack-like steps among them from step 130 on.
//!
//! Protocol of the recording: learn what comes before a step, then flag and go on learning. The data is not part of the
//! repository; without it the tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its data, and fails by panicking"
)]

use std::collections::BTreeSet;

use lanner_conditions::{Condition, Missing};
use lanner_core::document::{Check, Node};
use lanner_profile::read::{Format, HostEvent, Lines};
use lanner_profile::write::Finding;
use lanner_profile::{DEFAULT, Filter, Profile, Spec};
use lanner_sketch::Seed;

fn filter(node: &Node, path: &str, check: &mut Check) -> Option<Filter> {
    let condition = Condition::read(node, path, check)?;
    Some(Filter::new(move |event| condition.matches(event, Missing::False)))
}

fn default_profile() -> Profile {
    let node = Node::from_yaml(DEFAULT).unwrap();
    let mut check = Check::default();
    let mut fields = check.map(&node, "").unwrap();
    let list = fields.get("profiles").unwrap();
    let spec = Spec::read_document(check.items(list)[0], "profiles[0]", &filter, &mut check);
    assert_eq!(check.problems, []);
    Profile::new(spec.unwrap(), &Seed::new(0x5eed))
}

fn events(path: &str) -> Vec<HostEvent> {
    let Some(path) = lanner_testkit::shared_data(path) else { return Vec::new() };
    let (mut lines, mut events) = (Lines::new(Format::Auto), Vec::new());
    for line in std::fs::read_to_string(path).unwrap().lines() {
        lines.line(line, &mut |event| events.push(event)).unwrap();
    }
    events
}

/// Learns what comes before `step`, and flags what comes from then on.
fn check(events: &[HostEvent], step: i64) {
    let mut profile = default_profile();
    let step_of = |event: &HostEvent| event.fields["step"].as_i64().unwrap();
    let is_attack = |event: &HostEvent| event.fields["label"] == "attack";
    let (before, after): (Vec<&HostEvent>, Vec<&HostEvent>) =
        events.iter().partition(|event| step_of(event) < step);
    for event in before {
        profile.observe(&event.fields, event.time_ms.unwrap());
    }
    let advice = profile.finish();
    let (mut attacks, mut n_benign) = (BTreeSet::new(), 0);
    for event in &after {
        let answer = profile.observe(&event.fields, event.time_ms.unwrap());
        match answer.filter(|answer| answer.is_rare) {
            Some(_) if is_attack(event) => _ = attacks.insert(step_of(event)),
            Some(answer) => {
                println!(
                    "benign, step {}: {}",
                    step_of(event),
                    Finding::new(0, &event.fields, &answer).message()
                );
                n_benign += 1;
            }
            None => {}
        }
    }
    let steps: BTreeSet<i64> =
        after.iter().filter(|event| is_attack(event)).map(|event| step_of(event)).collect();
    let times_ms = [after.first(), after.last()].map(|event| event.unwrap().time_ms.unwrap());
    let per_day = f64::from(n_benign) * 86_400_000.0 / (times_ms[1] - times_ms[0]) as f64;
    println!(
        "from step {step}: {} of {} attack steps flagged, {n_benign} benign events; {per_day:.0} flags a day, {:.0} were told",
        attacks.len(),
        steps.len(),
        advice.flags_per_day[0],
    );
    assert_eq!(attacks, steps);
    assert!(n_benign <= 10, "{n_benign} benign events flagged");
    let ratio = advice.flags_per_day[0] / per_day;
    assert!((1.0 / 3.0..=3.0).contains(&ratio), "told {} a day, and {per_day} came", advice.flags_per_day[0]);
}

#[test]
fn every_attack_step_is_flagged_and_little_else() {
    let events = events("hostevents/linux-lab/run-a.events.jsonl");
    if events.is_empty() {
        return;
    }
    // Before the first attack, and as the published baseline does.
    check(&events, 130);
    check(&events, 136);
}
