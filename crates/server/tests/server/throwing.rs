//! Alerts that change switches: each for itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::switching::{Running, start, start_with};

/// Comes when it holds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl Running {
    async fn event(&self, event: Value) {
        self.text("/api/v1/events/payments", event.to_string()).await;
    }

    async fn is_blocked(&self, bank: &str) -> bool {
        self.blocks(json!({"BANK": bank})).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_without_the_label_keeps_no_other_from_blocking() {
    // It asks for nobody but those who will be blocked, all of whom the guard would see by then.
    let unguarded = |settings: &mut lanner_server::Settings| settings.guard.share = 1.0;
    let running = start_with(tempfile::tempdir().unwrap(), unguarded).await;
    running.put("block", json!({"when": "BANK exists", "status": "inactive"})).await;
    let rule = json!({
        "id": "fails", "window": "1s", "absolute": {"max": 0}, "receivers": ["stop"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank", "country"]},
    });
    let receiver = json!({
        "name": "stop", "kind": "switch", "switch": "block", "with": {"BANK": "bank"}, "group_wait": "0s",
        "group_interval": "0s", "cooldown": "0s",
    });
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule], "receivers": [receiver]})).await;
    let banks = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all_blocked = async || {
        for bank in banks {
            // The one without a bank is in the middle.
            running.event(json!({"bank": bank, "country": "x"})).await;
            running.event(json!({"country": "m"})).await;
        }
        let mut n = 0;
        for bank in banks {
            n += usize::from(running.is_blocked(bank).await);
        }
        n == banks.len()
    };
    eventually("all banks that fail are blocked", all_blocked).await;
    let failed = async || {
        let outbox = running.fine("GET", "/api/v1/outbox", Value::Null).await;
        outbox.to_string().contains("has no label \\\"bank\\\" for BANK")
    };
    eventually("the alert that changes no switch is shown", failed).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_turned_off_stays_off_whatever_the_person_is_called() {
    let running = start().await;
    running.put("block", json!({"when": "BANK exists", "status": "inactive"})).await;
    let rule = json!({
        "id": "floor", "window": "1s", "absolute": {"max": 0}, "receivers": ["stop"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank"]},
    });
    let receiver = json!({
        "name": "stop", "kind": "switch", "switch": "block", "with": {"BANK": "bank"}, "group_wait": "0s",
        "group_interval": "0s", "cooldown": "0s", "repeat": "1s",
    });
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule], "receivers": [receiver]})).await;
    let fails = async || running.event(json!({"bank": "a"})).await;
    let blocked = async || {
        fails().await;
        running.is_blocked("a").await
    };
    eventually("the alert blocks", blocked).await;
    let history = async || running.fine("GET", "/api/v1/switches/block.a/history", Value::Null).await;
    assert_eq!(history().await[0]["cause"]["rule"], "floor");
    // By a name like the alert's, and in its words.
    let off = json!({"message": "the alert is over"});
    let (status, answer) =
        running.ask_as("alert of floor", "POST", "/api/v1/switches/block.a/deactivate", off).await;
    assert_eq!((status, &answer["cause"]), (200, &json!({"kind": "person"})), "{answer}");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        fails().await;
        assert!(!running.is_blocked("a").await, "it blocks again: {}", history().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    running.server.stop().await;
}

/// A rule that counts failures by bank and country, and the receiver that blocks for it.
fn failures(with: &Value) -> Value {
    let rule = json!({
        "id": "fails", "window": "1s", "absolute": {"max": 0}, "receivers": ["stop"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank", "country"]},
    });
    let receiver = json!({
        "name": "stop", "kind": "switch", "switch": "block", "with": with, "group_wait": "0s",
        "group_interval": "0s", "cooldown": "0s",
    });
    json!({"rules": [rule], "receivers": [receiver]})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alert_is_a_row_of_its_own_with_a_result_of_its_own() {
    let running = start().await;
    running.put("block", json!({"when": "BANK exists", "status": "inactive"})).await;
    running.fine("POST", "/api/v1/apply", failures(&json!({"BANK": "bank"}))).await;
    let rows = async || -> Vec<Value> {
        let outbox = running.fine("GET", "/api/v1/outbox", Value::Null).await;
        outbox.as_array().unwrap().clone()
    };
    let of = |rows: &[Value], bank: &Value| -> Vec<(String, Value)> {
        let own = rows.iter().filter(|row| row["notification"]["alerts"][0]["group"]["bank"] == *bank);
        own.map(|row| (row["status"].as_str().unwrap().to_owned(), row["last_error"].clone())).collect()
    };
    let all_told = async || {
        for bank in ["a", "b", "c"] {
            running.event(json!({"bank": bank, "country": "x"})).await;
        }
        running.event(json!({"country": "m"})).await;
        let rows = rows().await;
        let without = of(&rows, &Value::Null);
        let refused = without.iter().any(|(status, why)| {
            matches!(status.as_str(), "refused" | "dead")
                && why.as_str().unwrap().contains("has no label \"bank\"")
        });
        refused
            && ["a", "b", "c"]
                .iter()
                .all(|bank| of(&rows, &json!(bank)).contains(&("sent".to_owned(), Value::Null)))
    };
    eventually("each alert has its own row and result", all_told).await;
    for row in rows().await {
        let notification = &row["notification"];
        assert_eq!(notification["alerts"].as_array().unwrap().len(), 1, "{row}");
        assert_eq!(notification["group"]["alert"], notification["alerts"][0]["fingerprint"]);
    }
    // What is asked of people is a result as well.
    running
        .fine("POST", "/api/v1/apply", {
            let mut document = failures(&json!({"BANK": "bank"}));
            document["receivers"][0]["approval"] = json!(true);
            document["receivers"][0]["switch"] = json!("block");
            document
        })
        .await;
    let asked = async || {
        running.event(json!({"bank": "z", "country": "x"})).await;
        let rows = rows().await;
        let told = |why: &Value| why.as_str().is_some_and(|why| why.contains("waits for an approval"));
        of(&rows, &json!("z")).iter().any(|(status, why)| status == "sent" && told(why))
    };
    eventually("the row says who has to decide", asked).await;
    running.server.stop().await;
}

/// Two alerts hold one switch: it is on until the last of them is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_on_until_the_last_alert_is_over() {
    let running = start().await;
    running.put("block", json!({"when": "x == 1", "status": "inactive"})).await;
    running.fine("POST", "/api/v1/apply", failures(&json!({}))).await;
    let is_on = async || running.blocks(json!({"x": 1})).await;
    let fails = async |bank: &str| running.event(json!({"bank": bank, "country": "x"})).await;
    let firing = async || {
        let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
        let firing = alerts
            .as_array()
            .unwrap()
            .iter()
            .filter(|alert| alert["rule"] == "fails" && alert["state"] == "firing");
        firing.map(|alert| alert["group"]["bank"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let both = async || {
        fails("a").await;
        fails("b").await;
        firing().await == ["a", "b"] && is_on().await
    };
    eventually("both fire, and it is on", both).await;
    let kept = async || {
        fails("b").await;
        let outbox = running.fine("GET", "/api/v1/outbox", Value::Null).await.to_string();
        firing().await == ["b"] && outbox.contains("another alert of fails keeps the switch block as it is")
    };
    eventually("one is over, and the other keeps it on", kept).await;
    assert!(is_on().await);
    eventually("the last is over, and it is off", async || !is_on().await).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_told_of_what_alerts_do_with_switches() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_with(folder, |settings| {
        settings.allow.insert(lanner_io::receiver::Power::Log);
    })
    .await;
    let told = running.folder.path().join("told.json");
    running.put("block", json!({"when": "BANK exists", "status": "inactive", "reason": "it fails"})).await;
    let mut document = failures(&json!({"BANK": "bank"}));
    let people =
        json!({"name": "self", "kind": "log", "path": told, "group_wait": "0s", "group_interval": "0s"});
    document["receivers"].as_array_mut().unwrap().push(people);
    running.fine("POST", "/api/v1/apply", document).await;
    let has = |parts: &[&str]| {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        text.lines().any(|line| parts.iter().all(|part| line.contains(part)))
    };
    let fails = async || running.event(json!({"bank": "a", "country": "x"})).await;
    let activated = async || {
        fails().await;
        has(&[
            "lanner:switch-activated",
            "the alert of fails activated the switch block.a (it fails), which blocks BANK exists and BANK == \\\"a\\\" until 2",
            "to turn it off: lanner switch deactivate block.a",
        ])
    };
    eventually("people are told of the activation", activated).await;
    running.fine("POST", "/api/v1/switches/block.a/deactivate", json!({"message": "a is up again"})).await;
    let off = async || {
        fails().await;
        has(&[
            "lanner:switch-activated",
            "block.a blocks no more: it was turned off by anonymous (ann): a is up again",
        ])
    };
    eventually("people are told that it is off", off).await;
    // What ends by itself is told before, and when it has; a quarter of its time is long enough to be seen in.
    let now_ms = running.server.now_ms();
    let to = lanner_core::time::format_time(now_ms + 16_000);
    running.put("soon", json!({"when": "y == 1", "valid": {"to": to}})).await;
    let soon = async || {
        has(&["lanner:switch-ends", "the switch soon ends by itself at", "then stops blocking y == 1"])
    };
    assert!(!soon().await);
    eventually("people are told that it ends soon", soon).await;
    let ended = async || has(&["lanner:switch-ends", "soon blocks no more: it ended by itself at"]);
    eventually("people are told that it has ended", ended).await;
    assert!(!running.readyz_warns().await);
    running.server.stop().await;
}

impl Running {
    async fn readyz_warns(&self) -> bool {
        let ready = self.http.get(format!("{}/readyz", self.url)).send().await.unwrap();
        ready.text().await.unwrap().contains("lanner:switch")
    }
}

/// A thousand alerts at once: the switch is on at once, people are asked about a hundred switches at most, and nothing stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_alerts_is_bounded() {
    const N: usize = 1_000;
    let running = start().await;
    running.put("all", json!({"when": "x == 1", "status": "inactive"})).await;
    running.put("each", json!({"when": "BANK exists", "status": "inactive"})).await;
    let rule = json!({
        "id": "fails", "window": "1s", "absolute": {"max": 0}, "receivers": ["all", "each"], "forget": "1h",
        "query": {"stream": "payments", "measure": "count", "by": ["bank"]}, "recover_for": 600,
    });
    let receiver = |name: &str, with: Value| json!({"name": name, "kind": "switch", "switch": name, "with": with, "group_wait": "0s"});
    let receivers = [receiver("all", json!({})), receiver("each", json!({"BANK": "bank"}))];
    let document = json!({"rules": [rule], "receivers": receivers});
    let (status, answer) = running.ask("POST", "/api/v1/apply", document).await;
    assert_eq!(status, 200, "{answer}");
    let events: Vec<String> = (0..N).map(|n| json!({"bank": format!("b{n}")}).to_string()).collect();
    running.text("/api/v1/events/payments", events.join("\n")).await;
    eventually("it is on", async || running.blocks(json!({"x": 1})).await).await;
    let began = Instant::now();
    let states = async || {
        let outbox = running.fine("GET", "/api/v1/outbox?limit=10000", Value::Null).await;
        let mut states = std::collections::BTreeMap::<String, usize>::new();
        for row in outbox.as_array().unwrap() {
            let receiver = row["notification"]["receiver"].as_str().unwrap();
            *states.entry(format!("{receiver} {}", row["status"].as_str().unwrap())).or_default() += 1;
        }
        states
    };
    let settled = async || {
        let states = states().await;
        states.get("all sent").is_some_and(|n| *n >= N)
            && states.get("each sent").is_some_and(|n| *n >= 110)
            && states.get("each refused").is_some_and(|n| *n >= N - 110)
    };
    while !settled().await {
        assert!(began.elapsed() < Duration::from_secs(100), "{:?}", states().await);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    eprintln!("{N} alerts of two receivers settled after {:?}", began.elapsed());
    let waiting = running.fine("GET", "/api/v1/switches/requests", Value::Null).await;
    assert_eq!(waiting.as_array().unwrap().len(), 100);
    running.server.stop().await;
}
