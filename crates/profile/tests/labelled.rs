//! Profiles on recordings of others: how well what is new tells attacks from the rest, and how often it speaks.
//!
//! The data is not part of the repository; without it the tests say so and pass.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test reads its data, and fails by panicking"
)]

use std::collections::BTreeMap;

use lanner_core::document::{Check, Node};
use lanner_profile::read::{Format, HostEvent, Lines};
use lanner_profile::{Profile, Spec};
use lanner_sketch::Seed;
use serde_json::{Map, Value, json};

fn profile(document: &Value) -> Profile {
    let mut check = Check::default();
    let spec = Spec::read_document(&Node::from_json(document), "", &|_, _, _| None, &mut check);
    assert_eq!(check.problems, []);
    Profile::new(spec.unwrap(), &Seed::new(1))
}

/// Traces of system calls: the label, and the numbers.
fn traces(file: &str) -> Vec<(String, Vec<String>)> {
    let Some(path) = lanner_testkit::shared_data(&format!("hostevents/adfa-ld/{file}")) else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).unwrap();
    let trace = |line: &str| {
        let mut columns = line.split('\t').skip(1);
        let label = columns.next().unwrap().to_owned();
        (label, columns.next().unwrap().split(' ').map(str::to_owned).collect())
    };
    text.lines().skip(1).map(trace).collect()
}

/// A call and the five before it, as one behaviour.
fn events(calls: &[String]) -> impl Iterator<Item = Map<String, Value>> {
    calls.windows(6).map(|calls| Map::from_iter([("calls".to_owned(), calls.into())]))
}

/// The share of pairs in which the attack scores higher; half of a pair that scores the same.
fn area_under_curve(normal: &[f64], attacks: &[f64]) -> f64 {
    let beats = |attack: &f64| {
        normal
            .iter()
            .map(|it| {
                if it < attack {
                    1.0
                } else if it == attack {
                    0.5
                } else {
                    0.0
                }
            })
            .sum::<f64>()
    };
    attacks.iter().map(beats).sum::<f64>() / (normal.len() * attacks.len()) as f64
}

/// ADFA-LD (Creech and Hu, UNSW): normal traces are learned, others scored by the share of their behaviours that is new.
#[test]
fn traces_of_attacks_are_newer_than_others() {
    let (train, valid, attacks) =
        (traces("train.tsv"), traces("valid_even.tsv"), traces("attack_runs_odd.tsv"));
    if train.is_empty() {
        return;
    }
    let document = json!({ "id": "calls", "fields": ["lineage(calls, 6)"], "learn": "0s", "memory": 8 });
    let mut profile = profile(&document);
    for (at, (_, calls)) in train.iter().enumerate() {
        events(calls).for_each(|event| _ = profile.observe(&event, at as i64 * 1_000));
    }
    let advice = profile.finish();
    let told = advice.flags_per_day[0] * profile.n_days() / advice.n_events as f64;
    let mut score = |calls: &[String]| {
        let (mut n, mut n_new) = (0, 0);
        for event in events(calls) {
            n += 1;
            n_new += u32::from(profile.ask(&event, 1_000_000).unwrap().ever().is_never());
        }
        (f64::from(n_new) / f64::from(n.max(1)), n, n_new)
    };
    let normal: Vec<_> = valid.iter().map(|(_, calls)| score(calls)).collect();
    let mut by_kind: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (kind, calls) in &attacks {
        by_kind.entry(kind).or_default().push(score(calls).0);
    }
    let scores: Vec<f64> = normal.iter().map(|(score, _, _)| *score).collect();
    let all: Vec<f64> = by_kind.values().flatten().copied().collect();
    for (kind, attacks) in &by_kind {
        println!("{kind}: {} traces, AUC {:.3}", attacks.len(), area_under_curve(&scores, attacks));
    }
    let (n, n_new) = normal.iter().fold((0, 0), |(n, new), it| (n + it.1, new + it.2));
    let came = f64::from(n_new) / f64::from(n);
    let auc = area_under_curve(&scores, &all);
    println!(
        "ADFA-LD: AUC {auc:.3}; of normal events {:.2} % are new, {:.2} % were told",
        came * 100.0,
        told * 100.0
    );
    assert!(auc >= 0.82, "{auc}");
    assert!((1.0 / 3.0..=3.0).contains(&(told / came)), "told {told}, came {came}");
}

/// Attack simulations on Windows, each held against a profile of all others. There are no events without attacks, and a label is that of
/// a whole recording, so what can be said is how many recordings stand out, and how often the profile speaks.
#[test]
fn simulations_on_windows_stand_out() {
    let Some(path) = lanner_testkit::shared_data("hostevents/windows-sysmon/events.jsonl") else { return };
    let (mut lines, mut sets) = (Lines::new(Format::Auto), BTreeMap::<String, Vec<HostEvent>>::new());
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let set = serde_json::from_str::<Value>(line).unwrap()["dataset"].as_str().unwrap().to_owned();
        lines.line(line, &mut |event| sets.entry(set.clone()).or_default().push(event)).unwrap();
    }
    let document = json!({ "id": "windows", "fields": ["evt.type", "proc.exepath", "proc.pname", "template(proc.cmdline)", "folder(fd.name)"], "learn": "0s", "memory": 1 });
    let (mut n_found, mut n_events, mut n_new, mut length_ms) = (0, 0, 0, 0);
    for (held, events) in &sets {
        let mut profile = profile(&document);
        let others = sets.iter().filter(|(name, _)| *name != held).flat_map(|(_, events)| events);
        others.enumerate().for_each(|(at, event)| _ = profile.observe(&event.fields, at as i64));
        let is_new =
            |event: &&HostEvent| profile.clone().ask(&event.fields, 1_000_000).unwrap().ever().is_never();
        let new = events.iter().filter(is_new).count();
        let times: Vec<i64> = events.iter().filter_map(|event| event.time_ms).collect();
        length_ms += times.iter().max().unwrap_or(&0) - times.iter().min().unwrap_or(&0);
        (n_found, n_events, n_new) = (n_found + usize::from(new > 0), n_events + events.len(), n_new + new);
    }
    let per_day = n_new as f64 * 86_400_000.0 / length_ms as f64;
    println!(
        "Sysmon: {n_found} of {} recordings stand out; {n_new} of {n_events} events are new, {per_day:.0} a day",
        sets.len()
    );
    assert!(n_found * 6 >= sets.len() * 5, "{n_found} of {}", sets.len());
}
