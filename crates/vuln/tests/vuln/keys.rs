//! The contract of keys (`docs/vulnerabilities.md`): what leaves a finding's key alone, and what makes it another one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use crate::common::findings;
use lanner_vuln::{Component, Finding, Host, HostKind, Key, Rated, Severity, key};
use proptest::prelude::*;

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ._-]{0,12}"
}

fn finding() -> impl Strategy<Value = Finding> {
    let place = (
        1u32..60_000,
        0u8..4,
        proptest::option::of(1u16..9_000),
        prop_oneof![Just("tcp"), Just("udp")],
        "(/[a-z]{1,5}){0,3}",
    );
    (place, word(), proptest::option::of("[a-z]{1,8}")).prop_map(
        |((check, host, port, protocol, path), title, package)| Finding {
            scanner: "nessus".to_owned(),
            check: check.to_string(),
            title,
            host: Host { target: format!("192.0.2.{host}"), ..Host::default() },
            port,
            protocol: protocol.to_owned(),
            path,
            component: package.map(|name| Component {
                name,
                version: "1.2.3-4".to_owned(),
                ..Component::default()
            }),
            ..Finding::default()
        },
    )
}

proptest! {
    #[test]
    fn texts_ratings_and_times_leave_a_key_alone(finding in finding(), text in word(), level in 0u8..5, at_ms in any::<i64>()) {
        let mut other = finding.clone();
        other.title = text.clone();
        other.description = text.clone();
        other.evidence = text.clone();
        other.service = text.clone();
        other.family = text.clone();
        other.rated = Rated { severity: Severity::from_level(level).unwrap(), source: text.clone() };
        other.ids = vec![text.clone()];
        other.host.os = text.clone();
        other.host.name = text;
        other.at_ms = Some(at_ms);
        prop_assert_eq!(key(&finding), key(&other));
    }

    #[test]
    fn versions_and_their_suffixes_leave_a_key_alone(finding in finding(), version in "[0-9.]{1,6}(\\+deb12u[0-9])?") {
        let mut other = finding.clone();
        if let Some(component) = &mut other.component {
            component.purl = format!("pkg:deb/debian/{}@{version}?arch=amd64", component.name);
            component.version = version.clone();
            component.fixed = version;
        }
        prop_assert_eq!(key(&finding), key(&other));
    }

    #[test]
    fn another_place_or_check_is_another_key(one in finding(), other in finding()) {
        let place = |finding: &Finding| {
            let package = finding.component.as_ref().map_or(String::new(), |component| component.name.clone());
            let protocol = finding.port.map_or(String::new(), |_| finding.protocol.clone());
            (finding.check.clone(), finding.host.target.clone(), finding.port, protocol, finding.path.clone(), package)
        };
        prop_assert_eq!(place(&one) == place(&other), key(&one) == key(&other));
    }

    #[test]
    fn names_of_hosts_have_one_key_in_all_spellings(name in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}") {
        let on = |target: String| key(&Finding { host: Host { target, ..Host::default() }, check: "1".into(), ..Finding::default() });
        let plain = on(name.clone());
        for spelling in [name.to_uppercase(), format!("{name}."), format!(" {name} "), format!("https://{name}:8443/login")] {
            prop_assert_eq!(plain, on(spelling));
        }
    }

    #[test]
    fn hashes_of_pods_leave_a_key_alone(hash in "[bcdfghjklmnpqrstvwxz]{4}[2456789][bcdfghjklmnpqrstvwxz]{4}", random in "[bcdfghjklmnpqrstvwxz2456789]{5}") {
        let on = |target: String| key(&Finding {
            host: Host { target, kind: HostKind::Container, ..Host::default() }, check: "1".into(), ..Finding::default()
        });
        let plain = on("shop/cart".to_owned());
        prop_assert_eq!(plain, on(format!("shop/cart-{hash}")));
        prop_assert_eq!(plain, on(format!("shop/cart-{hash}-{random}")));
        prop_assert_eq!(plain, on(format!("shop/cart@sha256:{:064x}", hash.len())));
    }

    #[test]
    fn keys_are_read_as_they_are_written(bytes in any::<[u8; 16]>()) {
        let key = Key::from_bytes(bytes);
        prop_assert_eq!(Key::parse(&key.to_string()), Some(key));
    }
}

/// A Nessus report of items in this order, under this name, with the host spelled like this.
fn nessus(name: &str, host: &str, items: &[&str]) -> String {
    let items: String = items.iter().map(|id| {
        format!("<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"2\" pluginID=\"{id}\" pluginName=\"n\"/>")
    }).collect();
    format!(
        "<NessusClientData_v2><Report name=\"{name}\"><ReportHost name=\"{host}\"><HostProperties><tag name=\"host-ip\">192.0.2.7</tag>\
         </HostProperties>{items}</ReportHost></Report></NessusClientData_v2>"
    )
}

fn keys(text: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = findings(text).iter().map(key).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn order_scan_and_spelling_of_the_host_leave_keys_alone() {
    let plain = keys(&nessus("weekly", "192.0.2.7", &["1", "2", "3"]));
    assert_eq!(plain, keys(&nessus("monthly", "192.0.2.7", &["3", "1", "2"])));
    assert_eq!(plain, keys(&nessus("weekly", "web.example.test", &["1", "2", "3"])));
}

#[test]
fn xml_and_csv_of_one_scan_have_the_same_keys() {
    let csv = "Plugin ID,CVE,CVSS,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,Plugin Output\n\
               1,,,Medium,192.0.2.7,tcp,443,n,,,,,\n2,CVE-2024-0001,,High,192.0.2.7,tcp,443,n,,,,,\n\
               2,CVE-2024-0002,,High,192.0.2.7,tcp,443,n,,,,,\n";
    assert_eq!(keys(csv), keys(&nessus("weekly", "192.0.2.7", &["1", "2"])));

    let csv = "IP,Hostname,Port,Port Protocol,CVSS,Severity,NVT Name,NVT OID,CVEs\n192.0.2.7,h,443,tcp,9.8,High,n,1.3.6,\n";
    let xml = "<report><report><results><result><host>192.0.2.7</host><port>https (443/tcp)</port><nvt oid=\"1.3.6\">\
               <name>n</name></nvt><severity>9.8</severity></result></results></report></report>";
    assert_eq!(keys(csv), keys(xml));
}

#[test]
fn compliance_results_of_one_plugin_are_told_apart() {
    let item = |name: &str| {
        format!(
            "<ReportItem port=\"0\" protocol=\"tcp\" severity=\"3\" pluginID=\"21157\" pluginName=\"Compliance\">\
             <cm:compliance-check-name>{name}</cm:compliance-check-name></ReportItem>"
        )
    };
    let text = format!(
        "<NessusClientData_v2><Report name=\"r\"><ReportHost name=\"h\">{}{}</ReportHost></Report></NessusClientData_v2>",
        item("1.1 Remove telnet"),
        item("1.2 Remove rsh"),
    );
    let mut keys = keys(&text);
    keys.dedup();
    assert_eq!(keys.len(), 2);
}
