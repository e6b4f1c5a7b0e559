//! Not scanned is not fixed: which places a report says that it looked at.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use crate::common::read_all;
use lanner_vuln::{Evidence, Place, Scope, Standing};
use proptest::prelude::*;

const NESSUS: &str = r#"<NessusClientData_v2><Policy><policyName>weekly</policyName><Preferences><ServerPreferences>PREFERENCES
</ServerPreferences></Preferences></Policy><Report name="r"><ReportHost name="192.0.2.7"><HostProperties>
<tag name="HOST_END">Tue Mar 11 10:22:33 2025</tag></HostProperties><ReportItem port="443" protocol="tcp" severity="2" pluginID="7" pluginName="n"/>
</ReportHost><ReportHost name="192.0.2.8"><HostProperties/></ReportHost></Report></NessusClientData_v2>"#;

fn preference(name: &str, value: &str) -> String {
    format!("<preference><name>{name}</name><value>{value}</value></preference>")
}

/// Whether a report covers a place, written as host, check, port and the policy that last saw it.
#[track_caller]
fn check(report: &str, place: (&str, &str, Option<u16>, &str), covered: bool) {
    let report = read_all(report.as_bytes(), false).0.unwrap();
    let (host, check, port, policy) = place;
    let place = Place { host, check, port, level: 2, policy };
    assert_eq!(
        Scope::new(&report.scan, &report.seen).covers(&place),
        covered,
        "{place:?} of {:?}",
        report.scan
    );
}

#[test]
fn hosts_that_were_not_scanned_to_their_end_are_not_covered() {
    let report = NESSUS.replace("PREFERENCES", "");
    check(&report, ("192.0.2.7", "7", Some(443), ""), true);
    check(&report, ("192.0.2.8", "7", Some(443), ""), false);
    check(&report, ("192.0.2.9", "7", Some(443), ""), false);
}

#[test]
fn checks_that_did_not_run_are_not_covered() {
    let plain = NESSUS.replace("PREFERENCES", "");
    check(&plain, ("192.0.2.7", "8", Some(443), "other"), false);
    check(&plain, ("192.0.2.7", "8", Some(443), "weekly"), true);
    let listed = NESSUS.replace("PREFERENCES", &preference("plugin_set", "9;7;12"));
    check(&listed, ("192.0.2.7", "9", Some(443), "other"), true);
    check(&listed, ("192.0.2.7", "8", Some(443), "weekly"), false);
}

#[test]
fn ports_that_were_not_scanned_are_not_covered() {
    let narrow = NESSUS.replace("PREFERENCES", &preference("port_range", "1-100,T:443"));
    check(&narrow, ("192.0.2.7", "7", Some(443), ""), true);
    check(&narrow, ("192.0.2.7", "7", None, ""), true);
    check(&narrow, ("192.0.2.7", "7", Some(8443), ""), false);
}

#[test]
fn a_report_that_breaks_off_covers_nothing() {
    let report = NESSUS.replace("PREFERENCES", "");
    let cut = &report[..report.find("<ReportHost name=\"192.0.2.8\"").unwrap()];
    check(cut, ("192.0.2.7", "7", Some(443), "weekly"), false);
    let killed = r#"<nmaprun><host><status state="up"/><address addr="192.0.2.7" addrtype="ipv4"/><ports><port protocol="tcp" portid="22">
        <state state="open"/></port></ports></host></nmaprun>"#;
    check(killed, ("192.0.2.7", "open-port", Some(22), ""), false);
}

#[test]
fn levels_that_a_filter_hides_are_not_covered() {
    let report = r#"<report><report><filters><term>levels=h rows=-1</term></filters><scan_run_status>Done</scan_run_status><task><name>t</name></task>
        <host><ip>192.0.2.7</ip><end>2025-03-11T10:22:33Z</end></host><results/></report></report>"#;
    check(report, ("192.0.2.7", "1.3.6", None, "t"), false);
    check(&report.replace("levels=h", "levels=hml"), ("192.0.2.7", "1.3.6", None, "t"), true);
    check(
        &report.replace("levels=h rows=-1", "levels=hml rows=50"),
        ("192.0.2.7", "1.3.6", None, "t"),
        false,
    );
}

proptest! {
    /// What scans say of a finding comes to the same in any order, and however often.
    #[test]
    fn evidence_merges_in_any_order(times in prop::collection::vec((0i64..20, any::<bool>()), 1..12), seed in any::<u64>()) {
        let all = |order: &[(i64, bool)]| {
            let mut evidence: Option<Evidence> = None;
            for (at_ms, saw) in order {
                match (&mut evidence, saw) {
                    (None, true) => evidence = Some(Evidence::seen(*at_ms)),
                    (Some(known), true) => known.see(*at_ms),
                    (Some(known), false) => known.miss(*at_ms),
                    (None, false) => {}
                }
            }
            // What was missed before anybody saw it is asked of stored scans.
            if let Some(known) = &mut evidence {
                order.iter().filter(|(_, saw)| !saw).for_each(|(at_ms, _)| known.miss(*at_ms));
            }
            evidence
        };
        let mut other = times.clone();
        let length = other.len();
        other.rotate_left(usize::try_from(seed % length as u64).unwrap());
        other.reverse();
        other.extend(times.clone());
        prop_assert_eq!(all(&times), all(&other));
        let last_seen = times.iter().filter(|(_, saw)| *saw).map(|(at_ms, _)| *at_ms).max();
        let last_missed = times.iter().filter(|(_, saw)| !saw).map(|(at_ms, _)| *at_ms).max();
        if let (Some(evidence), Some(seen)) = (all(&times), last_seen) {
            let fixed = last_missed.is_some_and(|missed| missed > seen);
            prop_assert_eq!(evidence.standing() == Standing::Fixed, fixed);
        }
    }
}
