//! Alertmanager's own tool, which asks us.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use lanner_server::Server;
use serde_json::{Value, json};

use crate::asking::{apply, evaluations, post, start_at};

fn now_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// amtool, and the server that it asks.
struct Amtool {
    program: PathBuf,
    url: String,
}

impl Amtool {
    /// `None`, and loudly, where there is none.
    fn new(server: &Server) -> Option<Self> {
        let program = std::env::var_os("LANNER_TEST_AMTOOL").map(PathBuf::from);
        if program.is_none() {
            eprintln!("SKIPPED: LANNER_TEST_AMTOOL names no amtool; `cargo xtask test` unpacks it");
        }
        Some(Self { program: program?, url: format!("http://{}", server.http_addr()) })
    }

    /// Whether it is content, and what it says.
    async fn run(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = tokio::process::Command::new(&self.program);
        command.arg(format!("--alertmanager.url={}", self.url)).args(arguments);
        let done = command.output().await.unwrap();
        // It warns of another version, when all is well.
        let said = if done.status.success() { done.stdout } else { done.stderr };
        (done.status.success(), String::from_utf8(said).unwrap())
    }

    async fn fine(&self, arguments: &[&str]) -> String {
        let (is_fine, said) = self.run(arguments).await;
        assert!(is_fine, "{arguments:?}: {said}");
        said
    }

    async fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.fine(&[&["--output=json"], arguments].concat()).await;
        serde_json::from_str(&said).unwrap()
    }

    /// The values of a label of alerts.
    async fn alerts(&self, arguments: &[&str], label: &str) -> Vec<String> {
        let found = self.json(&[&["alert", "query"], arguments].concat()).await;
        let mut values: Vec<String> = found
            .iter()
            .map(|alert| alert["labels"][label].as_str().unwrap_or_default().to_owned())
            .collect();
        values.sort();
        values
    }
}

/// A rule that two banks break, beside one that is kept.
async fn start_firing(folder: &std::path::Path) -> (Server, i64) {
    let now_ms = now_ms();
    let server = start_at(folder, "[]", now_ms).await;
    let rules = json!([
        { "id": "refused", "query": { "stream": "payments", "measure": "count", "by": ["bank"] }, "window": "5m", "every": "1m",
          "absolute": { "max": 1 }, "labels": { "severity": "page" }, "content": "call the bank",
          "annotations": { "runbook": "https://example.test/refused" } },
        { "id": "calm", "query": { "stream": "payments", "measure": "count" }, "window": "1m", "absolute": { "max": 1000 } },
    ]);
    apply(&server, rules).await;
    let event = |bank: &str| json!({ "_time": now_ms + 90_000, "bank": bank });
    let events = json!([event("hsbc"), event("hsbc"), event("ing"), event("ing"), event("dkb")]);
    assert_eq!(post(&server, "/api/v1/events/payments", events.to_string()).await.0, 200);
    step_to(&server, now_ms + 180_000).await;
    (server, now_ms)
}

async fn step_to(server: &Server, at_ms: i64) {
    assert!(server.step_to(at_ms, Duration::from_secs(60)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn amtool_shows_and_silences_what_fires() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start_firing(folder.path()).await;
    let Some(amtool) = Amtool::new(&server) else { return };
    assert_eq!(amtool.alerts(&[], "bank").await, ["hsbc", "ing"]);
    assert_eq!(amtool.alerts(&["bank=hsbc"], "alertname").await, ["refused"]);
    assert_eq!(amtool.alerts(&["alertname=~re.*", "bank!=hsbc"], "bank").await, ["ing"]);
    assert!(amtool.alerts(&["severity=mail"], "bank").await.is_empty());
    let alert = &amtool.json(&["alert", "query", "bank=ing"]).await[0];
    assert_eq!(alert["annotations"]["runbook"], "https://example.test/refused", "{alert}");
    assert_eq!(
        (&alert["annotations"]["description"], &alert["annotations"]["value"]),
        (&json!("call the bank"), &json!("2"))
    );
    assert_eq!((&alert["status"]["state"], &alert["labels"]["severity"]), (&json!("active"), &json!("page")));

    // Silenced, seen so, and no more.
    let silence = ["silence", "add", "bank=hsbc", "--duration=1h", "--comment=we know", "--author=ann"];
    let id = amtool.fine(&silence).await.trim().to_owned();
    assert_eq!(amtool.alerts(&[], "bank").await, ["ing"]);
    assert_eq!(amtool.alerts(&["--silenced"], "bank").await, ["hsbc"]);
    let listed = amtool.json(&["silence", "query", "bank=hsbc"]).await;
    assert_eq!(
        (&listed[0]["id"], &listed[0]["createdBy"], &listed[0]["comment"]),
        (&json!(id), &json!("ann"), &json!("we know"))
    );
    assert!(amtool.json(&["silence", "query", "bank=ing"]).await.is_empty());
    // One that is changed is another. Our clock is ahead of amtool's, for which none is over yet.
    let other = amtool.fine(&["silence", "update", &id, "--duration=2h", "--comment=still"]).await;
    assert!(other.contains("still"), "{other}");
    let listed = amtool.json(&["silence", "query"]).await;
    let mut states: Vec<_> =
        listed.iter().map(|it| (it["status"]["state"].as_str().unwrap(), &it["comment"])).collect();
    states.sort_by_key(|(state, _)| *state);
    assert_eq!(states, [("active", &json!("still")), ("expired", &json!("we know"))]);
    let active = listed.iter().find(|it| it["status"]["state"] == "active").unwrap();
    amtool.fine(&["silence", "expire", active["id"].as_str().unwrap()]).await;
    assert_eq!(amtool.alerts(&[], "bank").await, ["hsbc", "ing"]);
    assert_eq!(amtool.json(&["silence", "query"]).await.len(), 2);

    // What is wrong is said in our words.
    for (arguments, part) in [
        (&["silence", "expire", "nobody"][..], "404"),
        (&["silence", "add", "bank=", "--comment=x"], "matches every alert"),
    ] {
        let (is_fine, said) = amtool.run(arguments).await;
        assert!(!is_fine && said.contains(part), "{said}");
    }
    // amtool knows no words for what does not exist, and shows the status alone.
    let gone = format!("http://{}/api/v2/silence/nobody", server.http_addr());
    let gone = reqwest::Client::new().delete(gone).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    assert_eq!(gone.json::<Value>().await.unwrap(), "there is no silence \"nobody\"");
    amtool.fine(&["config", "show"]).await;
    server.stop().await;
}

/// By hand, as Grafana and karma ask.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_grouped_and_filtered() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _) = start_firing(folder.path()).await;
    let get = async |path: &str| -> (u16, Value) {
        let answer = reqwest::get(format!("http://{}{path}", server.http_addr())).await.unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    };
    let (_, groups) = get("/api/v2/alerts/groups").await;
    assert_eq!(groups[0]["labels"], json!({ "alertname": "refused" }), "{groups}");
    assert_eq!((groups.as_array().unwrap().len(), groups[0]["alerts"].as_array().unwrap().len()), (1, 2));
    assert_eq!(get("/api/v2/alerts?active=false").await.1, json!([]));
    assert_eq!(get("/api/v2/alerts?receiver=mail").await.1, json!([]));
    assert_eq!(get("/api/v2/alerts?filter=%7Bbank%3D%22ing%22%7D").await.1.as_array().unwrap().len(), 1);
    assert_eq!(get("/api/v2/status").await.1["cluster"]["status"], "disabled");
    for (path, part) in [
        ("/api/v2/alerts?filter=bank", "column"),
        ("/api/v2/alerts?silenced=maybe", "silenced"),
        ("/api/v2/alerts?receiver=(", "not usable"),
        ("/api/v2/alerts?filter=bank%3D~%22(%22", "not usable"),
    ] {
        let (status, said) = get(path).await;
        assert!(status == 400 && said.as_str().unwrap().contains(part), "{path}: {said}");
    }
    for body in [
        "{}",
        "[{}]",
        "[7]",
        "",
        r#"[{"labels":{}}]"#,
        r#"[{"labels":{"a":""}}]"#,
        r#"[{"labels":{"a":"b"},"endsAt":"soon"}]"#,
    ] {
        let (status, said) = post(&server, "/api/v2/alerts", body.to_owned()).await;
        assert!(status == 400 && said.is_string(), "{body}: {said}");
    }
    server.stop().await;
}

/// An alert that somebody sends fires here while it is sent, and is over when they say so.
#[tokio::test(flavor = "multi_thread")]
async fn alerts_of_others_can_be_watched() {
    let folder = tempfile::tempdir().unwrap();
    let now_ms = now_ms();
    let server = start_at(folder.path(), "[]", now_ms).await;
    let Some(amtool) = Amtool::new(&server) else { return };
    let query = json!({ "stream": "alerts", "measure": "count", "where": "alert.status == \"firing\"", "by": ["alertname", "instance"] });
    apply(&server, json!([{ "id": "others", "query": query, "window": "1m", "absolute": { "max": 0 } }]))
        .await;
    step_to(&server, now_ms + 60_000).await;
    let end = lanner_core::time::format_time(now_ms + 600_000);
    let add =
        ["alert", "add", "InstanceDown", "instance=db 1", "severity=page", "--annotation=summary=it is down"];
    amtool.fine(&[&add[..], &[&format!("--end={end}")]].concat()).await;
    step_to(&server, now_ms + 240_000).await;
    let found = evaluations(&server, Some("others"));
    assert!(
        found.iter().any(|it| it.value == Some(1.0) && it.group.labels().get("instance") == Some("db 1")),
        "{found:?}"
    );
    let over = json!([{ "labels": { "alertname": "InstanceDown", "instance": "db 1", "alert": "x", "_time": "1" }, "endsAt": "2020-01-01T00:00:00Z" }]);
    assert_eq!(post(&server, "/api/v2/alerts", over.to_string()).await.0, 200);
    let events =
        reqwest::get(format!("http://{}/api/v1/export/events/alerts", server.http_addr())).await.unwrap();
    let events: Vec<Value> =
        events.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |at: usize, name: &str| events[at].pointer(name).cloned().unwrap_or_default();
    assert_eq!(
        (of(0, "/alert/status"), of(0, "/alert/annotations/summary"), of(0, "/severity")),
        (json!("firing"), json!("it is down"), json!("page"))
    );
    assert_eq!(
        (of(1, "/alert/status"), of(1, "/alert/ends")),
        (json!("resolved"), json!("2020-01-01T00:00:00Z"))
    );
    server.stop().await;
}
