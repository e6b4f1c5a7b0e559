//! The contract of [`FindingStore`]: what was written is there once, also after a restart.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::path::Path;
use std::sync::Arc;

use lanner_io::findings::{FindingFilter, FindingPlace, FindingRow, FindingStore, ScanRow};
use lanner_io::store::{Store, StoreOptions};

fn open(folder: &Path) -> Arc<dyn FindingStore> {
    Arc::new(Store::open(folder, StoreOptions::default()).unwrap())
}

fn row(key: u8, host: &str, last_seen_ms: i64) -> FindingRow {
    let place = FindingPlace {
        key: [key; 16],
        scanner: "nessus".to_owned(),
        host: host.to_owned(),
        check: "42873".to_owned(),
        port: (key > 1).then_some(443),
        level: 3,
        policy: "weekly".to_owned(),
        first_seen_ms: 1,
        last_seen_ms,
        last_missed_ms: None,
    };
    FindingRow { place, body: format!("{{\"key\":{key}}}") }
}

fn hosts(store: &dyn FindingStore, filter: FindingFilter<'_>) -> Vec<String> {
    let mut hosts = Vec::new();
    store
        .each_finding(filter, &mut |row| {
            hosts.push(row.place.host);
            true
        })
        .unwrap();
    hosts
}

#[test]
fn a_finding_has_one_row_however_often_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put_findings(Vec::new(), vec![row(2, "b", 5), row(1, "a", 5)]).unwrap().wait().unwrap();
    store.put_findings(Vec::new(), vec![row(1, "a", 9)]).unwrap().wait().unwrap();
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.findings(&[[1; 16], [7; 16]]).unwrap(), [row(1, "a", 9)]);
    assert_eq!(hosts(&*store, FindingFilter::default()), ["a", "b"]);
    let filter = FindingFilter { scanner: Some("nessus"), host: Some("b") };
    assert_eq!(store.finding_places(filter).unwrap(), [row(2, "b", 5).place]);
    assert!(hosts(&*store, FindingFilter { scanner: Some("nmap"), host: None }).is_empty());
    assert_eq!(hosts(&*store, FindingFilter { scanner: None, host: Some("a") }), ["a"]);
    store.put_findings(vec![[1; 16]], vec![row(3, "c", 5)]).unwrap().wait().unwrap();
    assert_eq!(hosts(&*store, FindingFilter::default()), ["b", "c"]);
}

#[test]
fn the_latest_miss_counts() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put_findings(Vec::new(), vec![row(1, "a", 5)]).unwrap().wait().unwrap();
    store.miss_findings(vec![([1; 16], 9), ([1; 16], 7), ([8; 16], 7)]).unwrap().wait().unwrap();
    assert_eq!(store.findings(&[[1; 16]]).unwrap()[0].place.last_missed_ms, Some(9));
}

#[test]
fn scans_are_listed_from_the_latest() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let scan = |id: &str, scanner: &str, at_ms| ScanRow {
        id: id.into(),
        scanner: scanner.into(),
        at_ms,
        body: "{}".into(),
    };
    for one in [scan("a", "nessus", 1), scan("b", "nessus", 3), scan("c", "nmap", 2), scan("a", "nessus", 2)]
    {
        store.put_finding_scan(one).unwrap().wait().unwrap();
    }
    assert_eq!(store.finding_scan("a").unwrap(), Some(scan("a", "nessus", 2)));
    assert_eq!(store.finding_scan("z").unwrap(), None);
    let ids = |scans: Vec<ScanRow>| scans.into_iter().map(|scan| scan.id).collect::<Vec<_>>();
    assert_eq!(ids(store.finding_scans(Some(("nessus", 2))).unwrap()), ["b"]);
    assert_eq!(ids(store.finding_scans(None).unwrap()), ["b", "a", "c"]);
}

#[test]
fn a_name_keeps_its_first_address_and_a_list_is_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let pair = |id: &str, body: &str| (id.to_owned(), body.to_owned());
    store.put_host_names(vec![pair("web", "192.0.2.7")]).unwrap().wait().unwrap();
    store.put_host_names(vec![pair("web", "192.0.2.8")]).unwrap().wait().unwrap();
    assert_eq!(store.host_address("web").unwrap().as_deref(), Some("192.0.2.7"));
    assert_eq!(store.host_address("mail").unwrap(), None);

    store.put_list("kev", true, vec![pair("CVE-1", "a"), pair("CVE-2", "b")]).unwrap().wait().unwrap();
    store.put_list("kev", false, vec![pair("CVE-3", "c")]).unwrap().wait().unwrap();
    store.put_list("epss", true, vec![pair("CVE-1", "z")]).unwrap().wait().unwrap();
    assert_eq!(store.list_entries("kev", &["CVE-3", "CVE-9"]).unwrap(), [pair("CVE-3", "c")]);
    assert_eq!(store.list_entries("kev", &[]).unwrap().len(), 3);
    store.put_list("kev", true, vec![pair("CVE-4", "d")]).unwrap().wait().unwrap();
    assert_eq!(store.list_entries("kev", &[]).unwrap(), [pair("CVE-4", "d")]);
}
