//! Recorded logs of attacks: each line is read or counted, and attackers are found by their addresses.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "recorded data; a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;

use lanner_traffic::log::detect;
use lanner_traffic::{Baseline, KeyBy, Recording, SessionSettings, find};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    file: String,
    expected_alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    scenario: String,
    sources: Vec<String>,
}

/// Parts of names of scenarios that tell of behaviour, not of one known text.
const BEHAVIOURAL: [&str; 4] = ["bf", "crawl", "probing", "dos"];

/// The findings of a log by client; `None` if it is no access log.
fn findings(path: &Path) -> Option<(BTreeMap<String, Vec<String>>, usize, usize)> {
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let format = detect(&lines)?;
    let mut recording = Recording::new(KeyBy::Client);
    lines.iter().filter_map(|line| format.read(line)).for_each(|request| recording.add(&request));
    let (templates, endpoints) = recording.learn(&[]);
    let traffic = recording.traffic(&templates, &endpoints, SessionSettings::default());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for session in &traffic.sessions {
        let findings = find(session, &endpoints, &Baseline::default())
            .into_iter()
            .map(|finding| finding.kind.name().to_owned());
        found.entry(session.key.to_string()).or_default().extend(findings);
    }
    Some((found, recording.n_calls(), lines.len()))
}

#[test]
fn attackers_are_found() {
    let Some(folder) = lanner_testkit::shared_data("accesslogs/scenarios") else { return };
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(folder.join("labels.json")).unwrap()).unwrap();
    let (mut n_found, mut n_behavioural, mut n_other_found, mut n_other) = (0, 0, 0, 0);
    for case in &cases {
        let found = findings(&folder.join(&case.file));
        for alert in &case.expected_alerts {
            let is_found = found.as_ref().is_some_and(|(found, ..)| {
                alert.sources.iter().any(|source| found.get(source).is_some_and(|kinds| !kinds.is_empty()))
            });
            let is_behavioural =
                BEHAVIOURAL.iter().any(|part| alert.scenario.contains(part)) && found.is_some();
            n_behavioural += u32::from(is_behavioural);
            n_found += u32::from(is_behavioural && is_found);
            n_other += u32::from(!is_behavioural);
            n_other_found += u32::from(!is_behavioural && is_found);
            let read = found.as_ref().map(|(_, n_read, n_lines)| format!("{n_read} of {n_lines}"));
            if !is_found {
                println!(
                    "not found: {} {} {:?} read {read:?}: {:?}",
                    case.file, alert.scenario, alert.sources, found
                );
            }
        }
        if case.expected_alerts.is_empty() {
            println!("no alert expected: {} {found:?}", case.file);
        }
    }
    println!("behavioural: {n_found} of {n_behavioural}; others: {n_other_found} of {n_other}");
    assert!(f64::from(n_found) >= 0.8 * f64::from(n_behavioural), "{n_found} of {n_behavioural}");
}

#[test]
fn crawlers_and_people_of_a_real_log_are_left_alone() {
    let Some(path) = lanner_testkit::shared_data("accesslogs/apache_combined_10k.log") else { return };
    let (found, n_read, n_lines) = findings(&path).unwrap();
    assert_eq!(n_read, n_lines);
    let flagged: Vec<_> = found.iter().filter(|(_, kinds)| !kinds.is_empty()).collect();
    println!("{} of {} clients have findings: {flagged:?}", flagged.len(), found.len());
    assert!(flagged.len() as f64 <= 0.01 * found.len() as f64, "{flagged:?}");
}
