//! The spine, end to end: data comes in over HTTP, a rule fires, a webhook is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use lanner_server::{Server, Settings};
use serde_json::{Value, json};

struct Running {
    server: Server,
    http: reqwest::Client,
    url: String,
    _folder: tempfile::TempDir,
}

async fn start() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.carbon_pickle = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let server = Server::start(settings).await.unwrap();
    let url = format!("http://{}", server.http_addr());
    Running { server, http: reqwest::Client::new(), url, _folder: folder }
}

impl Running {
    async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let response = self.http.post(format!("{}{path}", self.url)).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap_or(Value::Null)
    }

    /// Asks until `ready` says so, for ten seconds.
    async fn until(&self, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.get(path).await;
            if ready(&answer) {
                return answer;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{path} stays {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A webhook that remembers what it was sent.
async fn webhook() -> (String, Arc<Mutex<Vec<Value>>>) {
    let received = Arc::new(Mutex::new(Vec::new()));
    let take = |State(received): State<Arc<Mutex<Vec<Value>>>>, body: String| async move {
        received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    };
    let app = axum::Router::new().route("/", axum::routing::post(take)).with_state(Arc::clone(&received));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, received)
}

fn floor(min: u32) -> Value {
    json!({
        "id": "floor", "window": "1s", "absolute": { "min": min }, "receivers": ["hook"],
        "query": { "stream": "payments", "measure": "count", "where": "status == \"ok\"", "by": ["bank"] },
        "content": "{{ bank }}: {{ value }}",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn events_fire_an_alert_that_is_told() {
    lanner_io::receiver::install_crypto_provider();
    let (hook, received) = webhook().await;
    let running = start().await;
    let receivers = json!([{ "name": "hook", "kind": "webhook", "url": hook, "group_wait": "0s", "group_interval": "0s" }]);
    let body = json!({ "rules": [floor(1)], "receivers": receivers });
    let (status, answer) = running.post("/api/v1/apply", body.to_string()).await;
    assert_eq!((status, &answer["created"]), (200, &json!(["floor"])), "{answer}");
    let (status, answer) = running.post("/api/v1/events/payments", r#"{"bank":"hsbc","status":"ok"}"#).await;
    assert_eq!((status, &answer["accepted"]), (200, &json!(1)), "{answer}");
    // The bank sends no more: within two windows its count falls below one.
    let alerts = running.until("/api/v1/alerts?state=firing", |alerts| !alerts[0].is_null()).await;
    assert_eq!((&alerts[0]["group"]["bank"], &alerts[0]["value"]), (&json!("hsbc"), &json!(0.0)));
    let started = Instant::now();
    while received.lock().unwrap().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "no message");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let message = received.lock().unwrap()[0].clone();
    assert_eq!((&message["status"], &message["alerts"][0]["content"]), (&json!("firing"), &json!("hsbc: 0")));
    running.until("/api/v1/outbox?status=sent", |sent| !sent[0].is_null()).await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_cost_only_themselves() {
    lanner_io::receiver::install_crypto_provider();
    let running = start().await;
    let lines =
        "cpu,host=a usage=1 1700000000000\ncpu usage=oops\ncpu,host=b usage=2 1700000000000\ncpu nan=NaN";
    let (status, answer) = running.post("/write?precision=ms", lines).await;
    assert_eq!((status, &answer["accepted"], &answer["rejected"]), (400, &json!(2), &json!(2)), "{answer}");
    assert_eq!(answer["problems"][0]["line"], json!(2));
    let series = running.get("/api/v1/series?name=cpu.*").await;
    assert_eq!(series.as_array().map(Vec::len), Some(2), "{series}");
    let (status, answer) = running.post("/api/v1/events/s", "{\"a\":1}\nrubbish\n{\"a\":2}").await;
    assert_eq!(
        (status, &answer["accepted"], &answer["problems"][0]["line"]),
        (400, &json!(2), &json!(2)),
        "{answer}"
    );
    let (status, answer) = running.post("/api/v1/apply", "{\"rules\": [").await;
    assert_eq!((status, &answer["problems"][0]["line"]), (400, &json!(1)), "{answer}");
    let (status, answer) =
        running.post("/api/v1/apply", json!({ "rules": [{ "id": "a" }] }).to_string()).await;
    assert_eq!(status, 422);
    assert!(answer["problems"].as_array().unwrap().len() >= 3, "{answer}");
    let query = json!({ "query": { "series": "cpu.usage", "measure": "sum" }, "from": "1699999990", "to": "1700000010", "step": "10s" });
    let (status, answer) = running.post("/api/v1/query", query.to_string()).await;
    assert_eq!((status, &answer["series"][0]["values"]), (200, &json!([null, 3.0])), "{answer}");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carbon_lines_arrive() {
    use tokio::io::AsyncWriteExt as _;
    lanner_io::receiver::install_crypto_provider();
    let running = start().await;
    let mut stream = tokio::net::TcpStream::connect(running.server.address("carbon").unwrap()).await.unwrap();
    stream.write_all(b"disk.used;host=a 12.5 1700000000\nrubbish\ndisk.free 1 1700000000\n").await.unwrap();
    drop(stream);
    let series = running
        .until("/api/v1/series?name=disk.*", |found| found.as_array().is_some_and(|f| f.len() == 2))
        .await;
    assert_eq!(series[1]["labels"]["host"], json!("a"));
    let counted = "lanner_ingest_rejected_total{protocol=\"carbon\"} 1";
    let begun = Instant::now();
    loop {
        // Counted once they are stored.
        let metrics = running.http.get(format!("{}/metrics", running.url)).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        if metrics.contains(counted) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{metrics}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_need_a_token() {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.listen = SocketAddr::from(([0, 0, 0, 0], 0));
    let error = Server::start(settings.clone()).await.unwrap_err().to_string();
    assert!(error.contains("token is needed"), "{error}");
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.token = serde_json::from_value(json!("open sesame, please")).ok();
    let server = Server::start(settings).await.unwrap();
    let url = format!("http://{}/api/v1/rules", server.http_addr());
    let http = reqwest::Client::new();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    assert_eq!(http.get(&url).bearer_auth("open sesame, pleas").send().await.unwrap().status(), 401);
    assert_eq!(http.get(&url).bearer_auth("open sesame, please").send().await.unwrap().status(), 200);
    server.stop().await;
}

/// What is wrong with a question is told as everything is: as JSON, and on a line of its own.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_json_that_ends_its_line() {
    lanner_io::receiver::install_crypto_provider();
    let running = start().await;
    let check = async |path: &str, status: u16, part: &str| {
        let answer = running.http.get(format!("{}{path}", running.url)).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.ends_with('\n') && text.contains(part), "{path}: {text:?}");
        serde_json::from_str::<Value>(&text).unwrap();
    };
    check("/api/v1/rules", 200, "[]").await;
    check("/api/v1/rules?limit=many", 400, "invalid query string: limit: invalid digit").await;
    check("/api/v1/rules?limit=0", 400, "write 1 to 10000").await;
    check("/api/v1/rules?lmit=1", 400, "unknown field `lmit`").await;
    check("/api/v1/alerts?state=%ff", 400, "state should be").await;
    check("/api/v1/rules/%ff", 400, "invalid path").await;
    check("/api/v1/rules/none", 404, "there is no rule").await;
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_describes_itself_whole() {
    lanner_io::receiver::install_crypto_provider();
    let running = start().await;
    let document = running.get("/api/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 20 && paths.contains_key("/api/v1/events/{stream}"), "{:?}", paths.keys());
    // Every reference leads somewhere.
    let mut todo = vec![&document];
    while let Some(value) = todo.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
        match value {
            Value::Array(items) => todo.extend(items),
            Value::Object(map) => todo.extend(map.values()),
            _ => {}
        }
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relative_rule_is_prefilled_from_stored_events() {
    lanner_io::receiver::install_crypto_provider();
    let running = start().await;
    let now_ms = running.server.now_ms();
    // Four an hour for two days, the last whole hour with one.
    let this_hour_ms = now_ms - now_ms.rem_euclid(3_600_000);
    let mut events = String::new();
    for hour in 2..50 {
        for n in 0..4 {
            events.push_str(&format!("{{\"time\":{}}}\n", this_hour_ms - hour * 3_600_000 + n * 60_000));
        }
    }
    events.push_str(&format!("{{\"time\":{}}}\n", this_hour_ms - 3_600_000));
    assert_eq!(running.post("/api/v1/events/calls", events).await.0, 200);
    let rule = json!({
        "id": "drop", "query": { "stream": "calls", "measure": "count" }, "window": "1h",
        "relative": { "to": "1d", "drop": "50%" },
    });
    assert_eq!(running.post("/api/v1/apply", json!({ "rules": [rule] }).to_string()).await.0, 200);
    let shown =
        running.until("/api/v1/rules/drop", |rule| rule["state"]["prefill"]["finished"] == json!(true)).await;
    assert!(shown["state"]["prefill"]["total"].as_u64().unwrap() >= 23, "{shown}");
    let query = lanner_engine::Rule::from_json(&rule, 1).unwrap().query.fingerprint();
    let always = lanner_core::TimeRange::new(0, i64::MAX);
    let n_kept = || {
        let kept = running.server.store().measured_range(query, always).unwrap();
        kept.iter().filter(|measured| measured.value == Some(4.0)).count()
    };
    // What was counted is written beside everything else.
    for _ in 0..100 {
        if n_kept() >= 22 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(n_kept() >= 22, "{}", n_kept());
    let replay = json!({ "rules": [rule], "from": this_hour_ms - 2 * 3_600_000, "to": now_ms });
    let (status, replay) = running.post("/api/v1/replay", replay.to_string()).await;
    assert_eq!(status, 200, "{replay}");
    let last = replay["evaluations"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["value"], &last["base"], &last["state"]), (&json!(1.0), &json!(4.0), &json!("firing")));
    running.server.stop().await;
}

/// What comes first finds the configuration in force: until then, who connects waits.
#[tokio::test(flavor = "multi_thread")]
async fn who_connects_early_is_answered_later() {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path());
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    let mut server = Server::open(settings).await.unwrap();
    let asked = reqwest::get(format!("http://{}/healthz", server.http_addr()));
    let mut asked = tokio::spawn(asked);
    let early = tokio::time::timeout(Duration::from_millis(300), &mut asked).await;
    assert!(early.is_err(), "answered before it was time: {early:?}");
    server.accept();
    assert_eq!(asked.await.unwrap().unwrap().status(), 200);
    server.stop().await;
}
