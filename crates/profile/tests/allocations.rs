//! An event of a behaviour that is known costs no allocation: memory is that of the configuration, and time is not spent on it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lanner_core::document::{Check, Node};
use lanner_profile::{Filter, Profile, Spec};
use lanner_sketch::Seed;
use serde_json::{Map, Value, json};

fn filter(_: &Node, _: &str, _: &mut Check) -> Option<Filter> {
    Some(Filter::new(|event| event.contains_key("proc.name")))
}

fn profile() -> Profile {
    let document = json!({
        "id": "exec", "memory": 1, "where": "proc.name exists", "by": "image(container.image.repository)",
        "fields": ["proc.exepath", "lineage(proc.aname, 5)", "template(proc.cmdline)", "folder(fd.name)", "proc.tty"],
    });
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(&document), "", &filter, &mut check);
    assert_eq!(check.problems, []);
    Profile::new(spec.unwrap(), &Seed::new(1))
}

fn event(n: usize) -> Map<String, Value> {
    let event = json!({
        "proc.name": "sh", "proc.exepath": "/usr/bin/dash", "proc.aname": ["cron", "systemd", "a", "b", "c", "d"], "proc.tty": 34_816,
        "proc.cmdline": format!("sh -c getURL HTMLParser --at 2026-11-{n} --id 6fa459ea-ee8a-3ca4-894e-db77e160355e tmp.XCWnpQtbUa{n}"),
        "container.image.repository": format!("registry:5000/team/app:{n}@sha256:abc"), "fd.name": format!("/var/lib/app/{n}.csv"),
    });
    event.as_object().cloned().unwrap()
}

#[test]
fn an_event_of_a_known_behaviour_costs_no_allocation() {
    let mut profile = profile();
    let events: Vec<Map<String, Value>> = (0..20).map(event).collect();
    for (event, minute) in events.iter().cycle().zip(0..40) {
        profile.observe(event, minute * 60_000).unwrap();
    }
    let mut n_rare = 0;
    let spent = allocation_counter::measure(|| {
        for (event, minute) in events.iter().cycle().zip(40..5_000) {
            let answer = profile.observe(event, minute * 60_000).unwrap();
            n_rare += u32::from(answer.is_rare);
            n_rare += u32::from(profile.ask(event, minute * 60_000).unwrap().is_rare);
        }
    });
    assert_eq!((spent.count_total, n_rare), (0, 0));
}
