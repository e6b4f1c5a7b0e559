//! Tiers of risk, converted from RADAR's scenarios: who is told, what is in shadow, what blocks, and how all of it ends.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::program::{eventually, run, serve};

/// The tiers of the example, by the second instead of the minute.
fn configuration() -> String {
    let converted = run(&["import", "radar", "crates/lanner/testdata/moving/radar.yaml"]).expect(1);
    converted
        .replace("every: \"1m\"", "every: \"1s\"")
        .replace("window: \"10m\"", "window: \"1s\"")
        .replace("\"10s\"", "\"1s\"")
}

#[test]
fn tiers_notify_report_in_shadow_and_block_until_the_alert_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("radar.yaml");
    std::fs::write(&file, configuration()).unwrap();
    let server = serve(folder, &["--config", file.to_str().unwrap()]);
    // Alerts of Wazuh for some seconds to come: of a middling risk, and of a high one, which a list makes of the same.
    let now_ms = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let mut lines = String::new();
    for at in 0..80 {
        let alert = |address: &str, user: &str| {
            json!({ "time": now_ms + at * 100, "rule": { "id": "210012" }, "agent": { "name": "web" },
                "data": { "srcip": address, "dstuser": user } })
        };
        let mut listed = alert("203.0.113.66", "root");
        listed["threat"] = json!({ "indicator": { "ip": "203.0.113.66" } });
        writeln!(lines, "{}\n{listed}", alert("203.0.113.5", "ann")).unwrap();
    }
    let events = server.file("alerts.json", lines);
    server.run(&["import", "--stream", "wazuh", &events]).expect(0);
    // Exit status 1 says that it is blocked.
    let evaluate = |context: &str| -> Value {
        serde_json::from_str(&server.run(&["switch", "evaluate", context, "--format", "json"]).out).unwrap()
    };
    let is_blocked = |context: &str| evaluate(context)["blocked"] == true;

    eventually(|| is_blocked("client_ip=203.0.113.66"), "the address on a list is blocked");
    eventually(|| is_blocked("user=root"), "and the user");
    // The middling one would be blocked, and is not.
    eventually(
        || evaluate("client_ip=203.0.113.5")["shadow"] == json!(["radar-firewall-drop-shadow.203.0.113.5"]),
        "in shadow",
    );
    assert!(!is_blocked("client_ip=203.0.113.5") && !is_blocked("client_ip=198.51.100.1"));
    // Every action is undone when its alert is over.
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    eventually(
        || !is_blocked("client_ip=203.0.113.66") && !is_blocked("user=root"),
        "nothing is blocked any more",
    );
    eventually(|| evaluate("client_ip=203.0.113.5")["shadow"] == json!([]), "nothing is in shadow any more");
}
