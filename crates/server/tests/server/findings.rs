//! Findings in a running server: scans in any order, what they close, decisions that end, and rules that watch.

use lanner_core::time::parse_time_ms;
use lanner_server::Clock;
use lanner_vuln::{Options, read};
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

/// After all scans.
const NOON: &str = "2026-01-05T12:00:30Z";

async fn start_at(folder: tempfile::TempDir, now: &str) -> Running {
    let now_ms = parse_time_ms(now).unwrap();
    start_with(folder, |settings| settings.clock = Clock::stepped(now_ms)).await
}

async fn start() -> Running {
    start_at(tempfile::tempdir().unwrap(), NOON).await
}

/// A Nessus report of one host, scanned at this minute past eleven with these plugins, which found these: a plugin's number,
/// and its severity.
fn nessus(minute: u32, host: &str, plugins: &str, found: &[(u32, u8)]) -> String {
    let item = |(id, severity): &(u32, u8)| {
        format!(
            "<ReportItem port=\"443\" svc_name=\"www\" protocol=\"tcp\" severity=\"{severity}\" pluginID=\"{id}\" pluginName=\"Finding {id}\">\
             <cve>CVE-2024-000{id}</cve></ReportItem>"
        )
    };
    format!(
        "<NessusClientData_v2><Policy><policyName>weekly</policyName><Preferences><ServerPreferences><preference><name>plugin_set</name>\
         <value>{plugins}</value></preference></ServerPreferences></Preferences></Policy><Report name=\"r\"><ReportHost name=\"{host}\">\
         <HostProperties><tag name=\"HOST_END\">Mon Jan 05 11:{minute:02}:00 2026</tag></HostProperties>{}</ReportHost></Report>\
         </NessusClientData_v2>",
        found.iter().map(item).collect::<String>()
    )
}

/// New, reopened, open, fixed, not looked at.
type Came = [u64; 5];

impl Running {
    /// Begins a scan and sends its findings; its id.
    async fn send(&self, report: &str) -> String {
        let mut lines = String::new();
        let report = read(report.as_bytes(), Options::default(), &mut |finding| {
            lines += &(serde_json::to_string(&finding).unwrap() + "\n");
            Ok(())
        });
        let report = report.unwrap();
        let id = format!("{}-{}", report.scan.at_ms.unwrap(), report.findings);
        let scan = json!({ "id": id, "scan": report.scan, "ran": report.seen });
        self.fine("POST", "/api/v1/findings/scans", scan).await;
        if !lines.is_empty() {
            self.text(&format!("/api/v1/findings/scans/{id}"), lines).await;
        }
        id
    }

    async fn import(&self, report: &str) -> Came {
        let id = self.send(report).await;
        let result = self.fine("POST", &format!("/api/v1/findings/scans/{id}/end"), Value::Null).await;
        ["new", "reopened", "open", "fixed", "not_looked_at"].map(|name| result[name].as_u64().unwrap())
    }

    /// The checks of the findings of a status, in order.
    async fn checks(&self, status: &str) -> Vec<String> {
        let page =
            self.fine("GET", &format!("/api/v1/findings?status={status}&limit=1000"), Value::Null).await;
        let text = |one: &Value| one["finding"]["check"].as_str().unwrap().to_owned();
        let mut checks: Vec<String> = page["findings"].as_array().unwrap().iter().map(text).collect();
        checks.sort();
        checks
    }

    /// The rules whose alerts fire, in order.
    async fn firing(&self) -> Vec<String> {
        let alerts = self.fine("GET", "/api/v1/alerts", Value::Null).await;
        let mut rules: Vec<String> =
            alerts.as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap().to_owned()).collect();
        rules.sort();
        rules.dedup();
        rules
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_come_in_any_order_and_twice() {
    let (all, few) = ("1;2;3", "1;2");
    let first = nessus(1, "192.0.2.7", all, &[(1, 4), (2, 3), (3, 1)]);
    let narrow = nessus(2, "192.0.2.7", few, &[(1, 4)]);
    let again = nessus(3, "192.0.2.7", all, &[(1, 4), (2, 3)]);
    let other = nessus(4, "192.0.2.8", all, &[(1, 4)]);
    let running = start().await;
    assert_eq!(running.import(&first).await, [3, 0, 0, 0, 0]);
    // 2 was looked for and is gone; 3 was not looked for, and so is not fixed.
    assert_eq!(running.import(&narrow).await, [0, 0, 1, 1, 1]);
    assert_eq!(running.checks("open").await, ["1", "3"]);
    assert_eq!(running.import(&again).await, [0, 1, 1, 1, 0]);
    assert_eq!(running.import(&other).await, [1, 0, 0, 0, 2]);
    let (open, fixed) = (running.checks("open").await, running.checks("fixed").await);
    assert_eq!((open.join(" "), fixed.join(" ")), ("1 1 2".to_owned(), "3".to_owned()));
    for report in [&first, &narrow, &again, &other, &other, &again, &narrow, &first] {
        let [new, reopened, _, fixed, _] = running.import(report).await;
        assert_eq!((new, reopened, fixed), (0, 0, 0));
    }

    let reversed = start().await;
    for report in [&other, &again, &narrow, &first] {
        reversed.import(report).await;
    }
    assert_eq!((reversed.checks("open").await, reversed.checks("fixed").await), (open, fixed));
    running.server.stop().await;
    reversed.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_breaks_off_closes_nothing_and_what_is_no_finding_is_refused() {
    let running = start().await;
    let scan = nessus(1, "192.0.2.7", "1;2", &[(1, 4), (2, 4)]);
    running.import(&scan).await;
    let later = running.send(&nessus(2, "192.0.2.7", "1;2", &[(1, 4)])).await;
    assert_eq!(running.checks("open").await, ["1", "2"]);
    let (status, answer) = running.ask("POST", &format!("/api/v1/findings/scans/{later}"), json!({})).await;
    assert_eq!((status, &answer["problems"][0]["line"]), (422, &json!(1)), "{answer}");
    let (status, answer) = running.ask("POST", "/api/v1/findings/scans/never/end", Value::Null).await;
    assert_eq!(status, 404, "{answer}");
    let (status, answer) = running.ask("GET", "/api/v1/findings?filter=sevrity%20%3D%3D", Value::Null).await;
    assert_eq!((status, &answer["problems"][0]["path"]), (422, &json!("filter")), "{answer}");

    // What was begun is forgotten with the process, and can be begun again.
    let Running { server, folder, .. } = running;
    server.stop().await;
    let running = start_at(folder, "2026-01-05T12:01:00Z").await;
    let (status, _) = running.ask("POST", &format!("/api/v1/findings/scans/{later}/end"), Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(running.import(&nessus(2, "192.0.2.7", "1;2", &[(1, 4)])).await, [0, 0, 1, 1, 0]);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn risks_are_accepted_until_a_time() {
    let running = start().await;
    running.import(&nessus(1, "192.0.2.7", "1;2", &[(1, 4), (2, 4)])).await;
    let accept = json!({ "condition": "check == \"1\"", "reason": "replaced soon", "author": "ann", "until": "2026-01-05T13:00:00Z" });
    let accepted = running.fine("POST", "/api/v1/findings/accepted", accept).await;
    assert_eq!((&accepted["author"], &accepted["in_force"]), (&json!("ann"), &json!(true)));
    let statement = json!({ "vulnerability": "CVE-2024-0002", "product": "", "status": "not_affected", "justification": "component_not_present", "author": "vendor" });
    let vex =
        json!({ "statement": statement, "reason": "vendor.openvex.json", "until": "2026-01-05T14:00:00Z" });
    running.fine("POST", "/api/v1/findings/accepted", vex).await;
    let counts = async || {
        let counts = running.fine("GET", "/api/v1/findings/counts", Value::Null).await;
        ["open", "set_aside"].map(|name| counts[0][name].as_u64().unwrap())
    };
    assert_eq!(running.checks("set%20aside").await, ["1", "2"]);
    assert_eq!(counts().await, [0, 2]);
    running.step_to("2026-01-05T13:30:00Z").await;
    assert_eq!(running.checks("set%20aside").await, ["2"]);
    assert_eq!(counts().await, [1, 1]);
    running.step_to("2026-01-05T14:30:00Z").await;
    assert_eq!(counts().await, [2, 0]);
    let listed = running.fine("GET", "/api/v1/findings/accepted", Value::Null).await;
    let in_force: Vec<&Value> = listed.as_array().unwrap().iter().map(|it| &it["in_force"]).collect();
    assert_eq!(in_force, [&json!(false), &json!(false)]);
    running.server.stop().await;
}

fn rule(id: &str, query: &Value) -> Value {
    json!({ "id": id, "query": query, "window": "1m", "absolute": { "max": 0 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_watch_counts_and_changes() {
    let running = start().await;
    let of_stream = |condition: &str| json!({ "stream": "vulnerabilities", "measure": "count", "where": condition, "by": ["host"] });
    let rules = [
        rule(
            "count",
            &json!({ "series": "vulnerabilities.open", "labels": { "severity": "critical" }, "measure": "last" }),
        ),
        rule("new", &of_stream("change in (new, reopened) and severity == \"critical\"")),
        rule("exploited", &of_stream("change == \"known exploited\"")),
    ];
    running.fine("POST", "/api/v1/apply", json!({ "rules": rules })).await;
    running.import(&nessus(1, "192.0.2.7", "1;2", &[(2, 2)])).await;
    running.step_to("2026-01-05T12:01:20Z").await;
    assert_eq!(running.firing().await, Vec::<String>::new());

    running.import(&nessus(2, "192.0.2.7", "1;2", &[(1, 4), (2, 2)])).await;
    running.step_to("2026-01-05T12:02:20Z").await;
    assert_eq!(running.firing().await, ["count", "new"]);

    // Without any scan: a list says that what is open is being exploited.
    let entry = |cve: &str| json!({ "cve": cve, "added": "2026-01-05", "due": "", "ransomware": false });
    let list = json!({ "provenance": "2026.01.05", "first": true, "entries": [entry("CVE-2024-0002"), entry("CVE-2020-0001")] });
    let taken = running.fine("POST", "/api/v1/findings/lists/kev", list.clone()).await;
    assert_eq!(taken["became_exploited"], json!(["CVE-2024-0002"]));
    running.step_to("2026-01-05T12:03:20Z").await;
    assert!(running.firing().await.contains(&"exploited".to_owned()));
    let again = running.fine("POST", "/api/v1/findings/lists/kev", list).await;
    assert_eq!(again["became_exploited"], json!([]));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_known_at_once_and_after_a_restart() {
    let running = start().await;
    running.import(&nessus(1, "192.0.2.7", "1;2", &[(1, 4), (2, 4)])).await;
    let likely = async |running: &Running, above: &str| {
        let path = format!("/api/v1/findings?filter=epss%20%3E%20{above}");
        running.fine("GET", &path, Value::Null).await["total"].as_u64().unwrap()
    };
    let send = async |first: bool, entries: &[(&str, f64)]| {
        let entry = |(cve, probability): &(&str, f64)| json!({ "cve": cve, "probability": probability, "percentile": 0.5 });
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        let part = json!({ "provenance": "v4", "first": first, "entries": entries });
        running.fine("POST", "/api/v1/findings/lists/epss", part).await;
    };
    assert_eq!(likely(&running, "0").await, 0);
    send(true, &[("CVE-2024-0001", 0.9)]).await;
    assert_eq!(likely(&running, "0.5").await, 1);
    send(false, &[("CVE-2024-0002", 0.8)]).await;
    assert_eq!(likely(&running, "0.5").await, 2);
    // A new list takes the place of all of the one before.
    send(true, &[("CVE-2024-0002", 0.7)]).await;
    assert_eq!((likely(&running, "0.5").await, likely(&running, "0.75").await), (1, 0));
    let (status, answer) = running
        .ask("POST", "/api/v1/findings/lists/nvd", json!({ "provenance": "", "first": true, "entries": [] }))
        .await;
    assert_eq!(status, 404, "{answer}");
    let Running { server, folder, .. } = running;
    server.stop().await;
    let running = start_at(folder, "2026-01-05T12:01:00Z").await;
    assert_eq!(likely(&running, "0.5").await, 1);
    running.server.stop().await;
}
