//! Looking back over the API: what a rule did with stored data, and what it would do with what is suggested.

use std::fmt::Write as _;
use std::net::SocketAddr;

use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

/// A Monday.
const START_MS: i64 = 1_767_571_200_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i64 = 1_440;
const DAYS: i64 = 4;

struct Running {
    server: Server,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Running {
    /// A rate of 100 a minute, ten times as much for one minute at each noon.
    async fn start() -> Self {
        lanner_io::receiver::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path());
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.carbon = None;
        settings.carbon_pickle = None;
        settings.clock = Clock::stepped(START_MS + DAYS * DAY_MINUTES * MINUTE_MS);
        let server = Server::start(settings).await.unwrap();
        let running = Self { server, http: reqwest::Client::new(), _folder: folder };
        let mut lines = String::new();
        for minute in 0..DAYS * DAY_MINUTES {
            let value = if minute % DAY_MINUTES == 720 { 1_000 } else { 100 };
            writeln!(lines, "app rate={value} {}", START_MS + minute * MINUTE_MS).unwrap();
        }
        let (status, answer) = running.post("/write?precision=ms", lines).await;
        assert_eq!(status, 204, "{answer}");
        running
    }

    async fn post(&self, path: &str, body: String) -> (u16, Value) {
        let url = format!("http://{}{path}", self.server.http_addr());
        let response = self.http.post(url).body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// The reviews of these rules over all that there is.
    async fn reviews(&self, rules: &[Value], extra: &Value) -> Vec<Value> {
        let mut ask = json!({ "rules": rules, "from": START_MS + 20 * MINUTE_MS });
        ask.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let (status, answer) = self.post("/api/v1/replay", ask.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        answer["reviews"].as_array().unwrap().clone()
    }
}

fn cv() -> Value {
    json!({
        "id": "cv", "window": "10m", "every": "1m", "expression": { "warn": 1.0, "error": 4.0 },
        "query": { "target": "divideSeries(stdev(app.rate,10),movingAverage(app.rate,10))" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_reviewed() {
    let running = Running::start().await;
    let noon_ms = START_MS + 720 * MINUTE_MS;
    let incidents = json!([
        { "start": noon_ms, "end": noon_ms + 5 * MINUTE_MS },
        { "start": noon_ms + DAY_MINUTES * MINUTE_MS, "end": noon_ms + DAY_MINUTES * MINUTE_MS, "labels": { "rule": "cv" } },
        { "start": noon_ms, "end": noon_ms, "labels": { "rule": "somebody else" } },
    ]);
    let variation = json!({
        "id": "unrest", "query": { "series": "app.rate" }, "window": "1m", "variation": { "n": 5, "above": 0.3 },
    });
    let asked = json!({ "incidents": incidents, "alarms_per_week": 3 });
    let reviews = running.reviews(&[cv(), variation.clone()], &asked).await;
    let review = &reviews[0];
    assert_eq!(
        (&review["rule"], &review["fired"], &review["breaches"]),
        (&json!("cv"), &json!(4), &json!(40))
    );
    assert_eq!(review["episodes"][0]["group"]["target"], cv()["query"]["target"]);
    let error = &review["limits"][1];
    assert_eq!((&error["can_fire"], &error["ceiling"]), (&json!(false), &json!(3.0)), "{error}");
    assert!(error["reason"].as_str().unwrap().contains("the square root of n - 1"), "{error}");
    assert_eq!(review["limits"][0]["can_fire"], json!(true));
    let accuracy = &review["accuracy"];
    assert_eq!(
        [&accuracy["incidents"], &accuracy["found"], &accuracy["right"], &accuracy["wrong"]],
        [&json!(2), &json!(2), &json!(2), &json!(2)]
    );
    assert_eq!(accuracy["precision"], json!(0.5));
    // Four equal spikes: no limit lets some of them pass. Three a week are one in four days.
    let suggestion = &review["suggestions"][0];
    assert_eq!((&suggestion["goal"], &suggestion["fired"]), (&json!("alarms_per_week"), &json!(0)));
    assert_eq!(suggestion["settings"][0]["field"], json!("expression.warn"));

    // What is suggested does what is said, also where scores before limits are asked for separately.
    let unrest = &reviews[1];
    let asked = json!({ "alarms_per_week": 10 });
    for (rule, kind) in [(cv(), "expression"), (variation, "variation")] {
        let review = &running.reviews(std::slice::from_ref(&rule), &asked).await[0];
        let suggestion = &review["suggestions"][0];
        assert_eq!(suggestion["fired"], json!(4), "{review}");
        let mut changed = rule.clone();
        changed[kind] = suggestion["detector"].clone();
        let again = &running.reviews(&[changed], &json!({})).await[0];
        for field in ["fired", "per_week", "running"] {
            assert_eq!(again[field], suggestion[field], "{field} of {again}");
        }
    }
    assert_eq!(unrest["limits"][0]["field"], json!("variation.above"));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_at_once() {
    let running = Running::start().await;
    let ask = json!({
        "rules": [cv()], "from": "now-1h", "tolerance": "soon", "alarms_per_week": -1,
        "incidents": [{ "start": "2026-01-02", "end": "2026-01-01" }],
    });
    let (status, answer) = running.post("/api/v1/replay", ask.to_string()).await;
    let paths: Vec<&str> =
        answer["problems"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!((status, &paths[..]), (422, &["incidents[0].end", "tolerance", "alarms_per_week"][..]));
    running.server.stop().await;
}
