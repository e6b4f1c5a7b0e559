//! Reports of real scanners, and damaged ones with what is expected of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use std::collections::BTreeMap;

use crate::common::{read_all, recorded, samples};
use lanner_vuln::key;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    expect: String,
    why: String,
    documents: Option<usize>,
}

/// Files that are no reports: the fixtures of their projects for being rejected. Two more break in the middle, as they did
/// for their scanners' own tools.
const REJECTED: &[&str] = &[
    "ruby-nessus--example_v_wrong.nessus",
    "python-libnessus--xxxxxxxx.nessus",
    "python-libnmap--defused_et_included.xml",
    "dradis-nmap--invalid.xml",
];
const BROKEN: &[&str] = &["ruby-nessus--example_v1.nessus", "ruby-nessus--example_v2.nessus"];

#[test]
fn every_recorded_report_is_read() {
    for (kind, scanner) in
        [("nessus", "nessus"), ("openvas", "openvas"), ("nmap", "nmap"), ("nikto", "nikto")]
    {
        for (name, bytes) in samples(kind) {
            let (report, findings) = read_all(&bytes, false);
            if REJECTED.contains(&name.as_str()) {
                assert!(report.is_err(), "{name}");
                continue;
            }
            let report = report.unwrap_or_else(|error| panic!("{name}: {error}"));
            println!(
                "{name}: {} findings, {} hosts, {:?}",
                report.findings,
                report.scan.hosts.len(),
                report.warnings
            );
            assert_eq!(
                report.stopped.is_some(),
                BROKEN.contains(&name.as_str()),
                "{name}: {:?}",
                report.stopped
            );
            assert!(
                findings.iter().all(|finding| finding.scanner == scanner && !finding.title.is_empty()),
                "{name}"
            );
        }
    }
}

#[test]
fn damaged_reports_do_what_is_expected() {
    let Some(expectations) = recorded("malformed/expectations.json") else { return };
    let expectations: BTreeMap<String, Expected> = serde_json::from_slice(&expectations).unwrap();
    for (name, bytes) in samples("malformed") {
        let expected = &expectations[&name];
        let (report, findings) = read_all(&bytes, false);
        let label = format!("{name} ({}): {report:?}", expected.why);
        match expected.expect.as_str() {
            "accept" => {
                let report = report.as_ref().unwrap_or_else(|_| panic!("{label}"));
                assert!(report.stopped.is_none() && report.warnings.is_empty(), "{label}");
                assert_eq!(expected.documents.unwrap_or(findings.len()), findings.len(), "{label}");
            }
            "partial" => {
                let report = report.as_ref().unwrap_or_else(|_| panic!("{label}"));
                assert!(report.stopped.is_some() || !report.warnings.is_empty(), "{label}");
                assert!(!findings.is_empty(), "{label}");
            }
            "reject" => assert!(report.is_err() && findings.is_empty(), "{label}"),
            other => panic!("{name}: unknown expectation {other}"),
        }
    }
}

/// Two formats of one scan, or two reports in one: no key of one report names two things.
#[test]
fn keys_of_recorded_reports_tell_their_findings_apart() {
    for kind in ["nessus", "openvas", "nmap", "nikto"] {
        for (name, bytes) in samples(kind) {
            let mut known = BTreeMap::new();
            for finding in read_all(&bytes, false).1 {
                let place = (finding.check.clone(), finding.port, finding.path.clone(), finding.item.clone());
                let before = known.insert(key(&finding), place.clone());
                assert!(before.is_none_or(|before| before == place), "{name}: {place:?}");
            }
        }
    }
}
