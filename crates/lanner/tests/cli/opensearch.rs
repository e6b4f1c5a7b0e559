//! Reports in a real OpenSearch: sent, sent again, found and counted.

use std::collections::{BTreeMap, BTreeSet};

use lanner_testkit::{OpenSearch, shared_data};
use lanner_vuln::write::{Shape, dashboard};
use lanner_vuln::{Options, key, read};
use serde_json::{Value, json};

use crate::program::run;

/// What the node answers.
fn ask(node: &OpenSearch, method: &str, path: &str, body: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    runtime.block_on(async {
        let address = format!("{}{path}", node.url());
        let request = reqwest::Client::new().request(method.parse().unwrap(), address);
        let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    })
}

/// How many documents there are of each value of a field.
fn counts(node: &OpenSearch, index: &str, field: &str) -> BTreeMap<String, u64> {
    let body = json!({ "size": 0, "aggs": { "a": { "terms": { "field": field, "size": 10_000 } } } });
    let answer = ask(node, "POST", &format!("/{index}/_search"), &body);
    let buckets = answer["aggregations"]["a"]["buckets"].as_array().unwrap();
    let count = |it: &Value| (it["key"].as_str().unwrap().to_owned(), it["doc_count"].as_u64().unwrap());
    buckets.iter().map(count).collect()
}

/// Created, updated, refused, over all reports.
fn ship(node: &OpenSearch, code: i32, arguments: &[&str]) -> [u64; 3] {
    let out =
        run(&[&["vuln", "ship", "--to", node.url(), "--format", "json"], arguments].concat()).expect(code);
    let shipped: Vec<Value> = serde_json::from_str(&out).unwrap();
    ask(node, "POST", "/_refresh", &Value::Null);
    ["created", "updated", "refused"].map(|name| shipped.iter().map(|one| one[name].as_u64().unwrap()).sum())
}

/// The keys of the findings in reports, and how many of them have each severity; the last of a key counts.
fn expected(paths: &[&str]) -> BTreeMap<String, u64> {
    let mut severities = BTreeMap::new();
    for path in paths {
        let report = read(std::fs::File::open(path).unwrap(), Options::default(), &mut |finding| {
            severities.insert(key(&finding), finding.severity().name());
            Ok(())
        });
        report.unwrap();
    }
    let mut counts = BTreeMap::new();
    severities.values().for_each(|severity| *counts.entry((*severity).to_owned()).or_default() += 1);
    counts
}

/// Every field that a picture of a dashboard counts by is there, and can be counted by.
#[track_caller]
fn check_dashboard(node: &OpenSearch, shape: Shape, index: &str) {
    let fields = ask(node, "GET", &format!("/{index}/_field_caps?fields=*"), &Value::Null);
    let mut n_fields = 0;
    for line in dashboard(shape, index).lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        let Some(state) = object["attributes"]["visState"].as_str() else { continue };
        let state: Value = serde_json::from_str(state).unwrap();
        for field in state["aggs"].as_array().unwrap().iter().filter_map(|it| it["params"]["field"].as_str())
        {
            let known = fields["fields"][field].as_object().unwrap_or_else(|| panic!("{field}: {fields}"));
            assert!(known.values().all(|kind| kind["aggregatable"] == true), "{field}: {known:?}");
            n_fields += 1;
        }
    }
    assert!(n_fields > 6, "{n_fields}");
}

const REPORT: &str = r#"<NessusClientData_v2><Report name="r"><ReportHost name="192.0.2.7"><HostProperties>
<tag name="HOST_END">Tue Mar 11 10:01:00 2025</tag><tag name="host-ip">192.0.2.7</tag></HostProperties>
<ReportItem port="443" svc_name="www" protocol="tcp" severity="4" pluginID="1" pluginName="Old server"><cve>CVE-2024-0001</cve></ReportItem>
<ReportItem port="22" svc_name="ssh" protocol="tcp" severity="1" pluginID="2" pluginName="Old keys"/></ReportHost></Report></NessusClientData_v2>"#;

#[test]
fn reports_are_in_opensearch_once_and_can_be_searched() {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let Some(node) = OpenSearch::start(folder.path()) else { return };
    let report = folder.path().join("weekly.nessus");
    std::fs::write(&report, REPORT).unwrap();
    let report = report.to_str().unwrap();
    assert_eq!(ship(&node, 0, &[report]), [2, 0, 0]);
    assert_eq!(ship(&node, 0, &[report]), [0, 2, 0]);
    let found = json!({ "query": { "bool": { "filter": [
        { "term": { "vulnerability.id": "CVE-2024-0001" } }, { "range": { "@timestamp": { "gte": "2025-03-11T10:00:00Z" } } },
        { "term": { "host.ip": "192.0.2.0/24" } },
    ] } } });
    let found = ask(&node, "POST", "/vulnerabilities/_search", &found);
    assert_eq!(found["hits"]["total"]["value"], 1, "{found}");
    assert_eq!(counts(&node, "vulnerabilities", "vulnerability.severity"), expected(&[report]));

    // The documents of VulntoES, with their fields.
    assert_eq!(ship(&node, 0, &["--shape", "vulntoes", report]), [2, 0, 0]);
    let found = json!({ "query": { "bool": { "filter": [{ "term": { "pluginID": "1" } }, { "range": { "time": { "gte": "2025/03/11 10:00:00" } } }] } } });
    let found = ask(&node, "POST", "/vulns/_search", &found);
    assert_eq!(found["hits"]["hits"][0]["_source"]["svcid"], "192.0.2.7/tcp/443", "{found}");
    let fields = ["--index", "dmz", "--field", "labels.site=dmz", "--field", "message=of ours", report];
    assert_eq!(ship(&node, 0, &fields), [2, 0, 0]);
    assert_eq!(counts(&node, "dmz", "labels.site"), BTreeMap::from([("dmz".to_owned(), 2)]));
    check_dashboard(&node, Shape::Ecs, "vulnerabilities");
    check_dashboard(&node, Shape::Vulntoes, "vulns");

    recorded_reports(&node);
    mistakes(&node, report);
}

/// All recorded reports, in both shapes: as many documents as findings with different keys, and all of them again.
fn recorded_reports(node: &OpenSearch) {
    let Some(data) = shared_data("vuln") else { return };
    let mut paths = BTreeSet::new();
    for kind in ["nessus", "openvas", "nmap", "nikto"] {
        for entry in std::fs::read_dir(data.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let read = read(std::fs::File::open(&path).unwrap(), Options::default(), &mut |_| Ok(()));
            if read.is_ok_and(|report| report.findings > 0) {
                paths.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let severities = expected(&paths);
    let n_documents: u64 = severities.values().sum();
    for shape in ["ecs", "vulntoes"] {
        let index = format!("all-{shape}");
        // Some reports break off, by intention.
        let arguments = [&["--shape", shape, "--index", &index][..], &paths].concat();
        let [created, _, refused] = ship(node, 1, &arguments);
        assert_eq!(refused, 0, "{shape}");
        let [created_again, updated, refused] = ship(node, 1, &arguments);
        assert_eq!((created_again, refused), (0, 0), "{shape}");
        assert!(updated >= created && created > 0, "{shape}");
        let count = ask(node, "GET", &format!("/{index}/_count"), &Value::Null);
        assert_eq!(count["count"], created, "{shape}");
        if shape == "ecs" {
            assert_eq!(created, n_documents);
            assert_eq!(counts(node, &index, "vulnerability.severity"), severities);
        }
    }
}

/// What the cluster refuses is said in its words.
fn mistakes(node: &OpenSearch, report: &str) {
    let strict =
        json!({ "mappings": { "dynamic": "strict", "properties": { "message": { "type": "text" } } } });
    ask(node, "PUT", "/strict", &strict);
    run(&["vuln", "ship", "--to", node.url(), "--index", "strict", "--no-template", report])
        .says(2, &["2 documents were refused", "mapping set to strict"]);
    run(&["vuln", "ship", "--to", node.url(), "--index", "Upper", report]).says(3, &["--to", "lower cased"]);
    run(&["vuln", "ship", "--to", "http://127.0.0.1:1", "--no-template", report]).says(3, &["cannot reach"]);
    run(&["vuln", "ship", "--to", node.url(), "--field", "=dmz", report])
        .says(2, &["--field", "labels.site=dmz"]);
    run(&["vuln", "ship", "--to", "nowhere", report]).says(2, &["--to: is not a URL"]);
}
