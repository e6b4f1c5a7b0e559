//! Graphite's HTTP API against recorded answers of the real one, over series that lie in a real store.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::Arc;

use lanner_core::Sample;
use lanner_io::store::{Batch, NewEvent, RetentionRule, StoreOptions};
use lanner_server::settings::schemas::Schemas;
use lanner_server::{Server, Settings};
use lanner_wire::carbon;
use serde_json::Value;

struct Running {
    server: Server,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

async fn start(schemas: Schemas) -> Running {
    start_with(|folder| Settings { schemas: Arc::new(schemas), ..Settings::new(folder) }).await
}

async fn start_with(settings: impl FnOnce(&std::path::Path) -> Settings) -> Running {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let settings = Settings {
        listen: any_port,
        carbon: Some(any_port),
        carbon_pickle: Some(any_port),
        store: StoreOptions { retention: vec![RetentionRule::forever("*")], ..StoreOptions::default() },
        ..settings(folder.path())
    };
    let server = Server::start(settings).await.unwrap();
    Running { server, http: reqwest::Client::new(), _folder: folder }
}

impl Running {
    async fn get(&self, path: &str, query: &[(String, String)]) -> (u16, String, String) {
        let url = format!("http://{}{path}", self.server.http_addr());
        let response = self.http.get(url).query(query).send().await.unwrap();
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (status, kind, response.text().await.unwrap())
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let url = format!("http://{}{path}", self.server.http_addr());
        let response = self.http.post(url).form(form).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Puts recorded series and events into the store.
    async fn load(&self, dataset: &[&Value]) {
        let store = self.server.store();
        for line in dataset {
            let mut batch = Batch::default();
            for event in line["events"].as_array().into_iter().flatten() {
                let time_ms = event["when"].as_i64().unwrap() * 1000;
                let json = event.to_string();
                batch.events.push(NewEvent { stream: "graphite.events".into(), time_ms, json: json.into() });
            }
            if let Some(name) = line["name"].as_str() {
                let id = store.series_id(&carbon::series_key(name).unwrap()).unwrap();
                let (start_s, step_s) = (line["start"].as_i64().unwrap(), line["step"].as_i64().unwrap());
                for (at, value) in (0..).zip(line["values"].as_array().unwrap()) {
                    if let Some(value) = value.as_f64() {
                        batch.samples.push((id, Sample::new((start_s + at * step_s) * 1000, value)));
                    }
                }
            }
            if !batch.is_empty() {
                store.append(batch).unwrap().await.unwrap();
            }
        }
    }
}

fn lines(file: &str) -> Option<Vec<Value>> {
    let path = lanner_testkit::shared_data("graphite")?.join(file);
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    // Python's word for infinity is not JSON.
    let text = text.replace(":Infinity", ":\"inf\"").replace(": Infinity", ":\"inf\"");
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Schemas under which each recorded series has its own step, however old it is.
fn schemas(series: &[&Value]) -> Schemas {
    let mut text = String::new();
    for line in series.iter().filter(|line| line["name"].is_string()) {
        let (name, step) = (line["name"].as_str().unwrap(), &line["step"]);
        let pattern: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() { c.to_string() } else { format!("[{c}]") })
            .collect();
        text += &format!("[{name}]\npattern = ^{pattern}$\nretentions = {step}s:50y\n");
    }
    let mut schemas = Schemas::default();
    schemas.read_schemas(&text).unwrap();
    schemas
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_those_of_graphite() {
    let (Some(series), Some(cases)) = (lines("series.jsonl.gz"), lines("http.jsonl.gz")) else { return };
    for dataset in ["d1", "d2"] {
        let of = |line: &&Value| line["dataset"] == dataset;
        let series: Vec<&Value> = series.iter().filter(of).collect();
        let running = start(schemas(&series)).await;
        running.load(&series).await;
        let mut failed = Vec::new();
        for case in cases.iter().filter(of) {
            if let Err(why) = running.compare(case).await {
                failed.push(format!("{} {}: {why}", case["path"], case["query"]));
            }
        }
        assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n"));
        running.server.stop().await;
    }
}

impl Running {
    async fn compare(&self, case: &Value) -> Result<(), String> {
        if case["status"] == 500 {
            return Ok(()); // Graphite crashed: nothing to follow
        }
        let mut query = Vec::new();
        for (name, value) in case["query"].as_object().unwrap() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            match value.as_array() {
                Some(values) => query.extend(values.iter().map(|value| (name.clone(), text(value)))),
                None => query.push((name.clone(), text(value))),
            }
        }
        let (status, kind, body) = self.get(case["path"].as_str().unwrap(), &query).await;
        let short = |text: &str| text.chars().take(300).collect::<String>();
        if i64::from(status) != case["status"].as_i64().unwrap() {
            return Err(format!("status {status}: {}", short(&body)));
        }
        let expected_kind = case["content_type"].as_str().unwrap();
        if expected_kind != "text/html" && !kind.starts_with(expected_kind) {
            return Err(format!("content type {kind}, not {expected_kind}"));
        }
        if let Some(text) = case["text"].as_str() {
            let same = whole_numbers_as_recorded(&body) == whole_numbers_as_recorded(text);
            return if same { Ok(()) } else { Err(format!("{}\nnot\n{}", short(&body), short(text))) };
        }
        // An infinite default is written as 1e9999, and recorded as the word that Python reads it as.
        let body: Value = serde_json::from_str(&body.replace("1e9999", "\"inf\""))
            .map_err(|error| format!("{error}: {}", short(&body)))?;
        let (body, expected) = (comparable(&body), comparable(&case["json"]));
        if same(&body, &expected) {
            Ok(())
        } else {
            Err(format!("{}\nnot\n{}", short(&body.to_string()), short(&expected.to_string())))
        }
    }
}

/// The recording kept some whole numbers as such, which carbon's files and this store cannot: 5 came back as 5, here
/// it is 5.0. Everything else is compared byte for byte.
fn whole_numbers_as_recorded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(".0") {
        let (before, after) = rest.split_at(at + 2);
        let is_number = before[..at].ends_with(|c: char| c.is_ascii_digit());
        let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
        out += if is_number && ends { &before[..at] } else { before };
        rest = after;
    }
    out + rest
}

/// Without what is a database's key or a text of Graphite's manual.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(comparable).collect(),
        Value::Object(fields) => {
            let is_tag = fields.contains_key("tag") || fields.contains_key("count");
            let kept = fields.iter().filter(|(name, _)| *name != "description" && !(is_tag && *name == "id"));
            Value::Object(kept.map(|(name, value)| (name.clone(), comparable(value))).collect())
        }
        other => other.clone(),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        // The catalogue by groups was recorded as names only.
        (Value::Object(a), Value::Array(b)) => {
            let names: BTreeMap<&str, ()> = b.iter().filter_map(|name| Some((name.as_str()?, ()))).collect();
            a.len() == names.len() && a.keys().all(|name| names.contains_key(name.as_str()))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn grafana_is_answered() {
    let running = start(Schemas::default()).await;
    let now_s = running.server.now_ms() / 1000;
    let store = running.server.store();
    let id = store.series_id(&carbon::series_key("app.web.requests").unwrap()).unwrap();
    let samples = (0..120).map(|at| (id, Sample::new((now_s - at * 60) * 1000, at as f64))).collect();
    store.append(Batch { samples, events: Vec::new() }).unwrap().await.unwrap();

    // The health check of the data source.
    let (status, body) = running
        .post("/render", &[("target", "constantLine(100)"), ("from", "-1h"), ("format", "json")])
        .await;
    assert_eq!(status, 200, "{body}");
    // A panel.
    let (from, until) = ((now_s - 3600).to_string(), now_s.to_string());
    let form = [
        ("target", "aliasByNode(movingAverage(app.*.requests, '5min'), 1)"),
        ("from", from.as_str()),
        ("until", until.as_str()),
        ("format", "json"),
        ("maxDataPoints", "100"),
    ];
    let (status, body) = running.post("/render", &form).await;
    let series: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, series[0]["target"].as_str()), (200, Some("web")), "{body}");
    assert_eq!(series[0]["datapoints"].as_array().unwrap().len(), 60);
    // The editor of queries: form in the body, times in the address.
    let (status, body) = running.post("/metrics/find?from=1&until=2", &[("query", "app.*")]).await;
    assert_eq!((status, body.contains("\"text\":\"web\"")), (200, true), "{body}");
    // What is wrong is shown as text.
    let (status, body) =
        running.post("/render", &[("target", "movingAvrage(app.web.requests,5)"), ("format", "json")]).await;
    assert_eq!(status, 400);
    assert!(body.contains("did you mean movingAverage()"), "{body}");
    // Annotations.
    let url = format!("http://{}/events/", running.server.http_addr());
    let event =
        serde_json::json!({"what": "deployed", "tags": ["web", "v2"], "data": "by hand", "when": now_s - 60});
    assert_eq!(running.http.post(url).body(event.to_string()).send().await.unwrap().status(), 200);
    let query = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let (_, _, body) = running
        .get("/events/get_data", &[query("from", "-1h"), query("until", "now"), query("tags", "web")])
        .await;
    let events: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (events[0]["what"].as_str(), events[0]["tags"][1].as_str()),
        (Some("deployed"), Some("v2")),
        "{body}"
    );
    // A picture.
    let (status, kind, body) =
        running.get("/render", &[query("target", "app.web.requests"), query("from", "-1h")]).await;
    assert_eq!((status, kind.as_str()), (200, "image/svg+xml"));
    assert!(body.starts_with("<svg") && body.ends_with("</svg>"));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_those_that_carry_every_tag() {
    let running = start(Schemas::default()).await;
    let now_s = running.server.now_ms() / 1000;
    let url = format!("http://{}/events/", running.server.http_addr());
    for (what, tags, content_type) in [
        // As Graphite's manual posts it: `curl -d` says that it sends a form.
        ("both", serde_json::json!("deploy web"), "application/x-www-form-urlencoded"),
        ("commas", serde_json::json!("web,deploy"), "application/json"),
        ("one", serde_json::json!(["deploy"]), "Application/JSON"),
        ("none", Value::Null, "text/plain"),
    ] {
        let event = serde_json::json!({ "what": what, "tags": tags, "when": now_s - 60 });
        let request = running.http.post(&url).header("content-type", content_type).body(event.to_string());
        assert_eq!(request.send().await.unwrap().status(), 200, "{what}");
    }
    let query = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (target, expected) in [
        ("events('deploy','web')", Some(2.0)),
        ("events('deploy')", Some(3.0)),
        ("events('*')", Some(4.0)),
        ("events('deploy','restart')", None),
        ("events('*','web')", None),
    ] {
        let wanted = [
            query("target", target),
            query("from", "-5min"),
            query("format", "json"),
            query("maxDataPoints", "1"),
        ];
        let (_, _, body) = running.get("/render", &wanted).await;
        let series: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(series[0]["datapoints"][0][0].as_f64(), expected, "{target}: {body}");
    }
    let (_, _, body) = running.get("/events/get_data", &[query("tags", "web deploy")]).await;
    let found: Vec<Value> = serde_json::from_str(&body).unwrap();
    let shown = |event: &Value| format!("{} {} {}", event["what"], event["tags"], event["data"]);
    let shown: Vec<String> = found.iter().map(shown).collect();
    assert_eq!(shown, [r#""both" ["deploy","web"] """#, r#""commas" ["web","deploy"] """#]);
    running.server.stop().await;
}

/// As many as an answer holds, and which of them.
#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_events_the_newest_are_listed() {
    let running = start(Schemas::default()).await;
    let start_s = running.server.now_ms() / 1000 - 20_000;
    let event = |n: i64| NewEvent {
        stream: "graphite.events".into(),
        time_ms: (start_s + n) * 1000,
        json: serde_json::json!({ "what": format!("e{n}"), "tags": ["deploy"], "data": "" })
            .to_string()
            .into(),
    };
    let batch = Batch { samples: Vec::new(), events: (0..10_005).map(event).collect() };
    running.server.store().append(batch).unwrap().await.unwrap();
    let (_, _, body) = running.get("/events/get_data", &[("tags".to_owned(), "deploy".to_owned())]).await;
    let found: Vec<Value> = serde_json::from_str(&body).unwrap();
    let what = |event: Option<&Value>| event.unwrap()["what"].clone();
    assert_eq!(found.len(), 10_000);
    assert_eq!((what(found.first()), what(found.last())), ("e5".into(), "e10004".into()));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_one_however_its_type_is_written() {
    let running = start(Schemas::default()).await;
    for kind in [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-URLencoded",
        "APPLICATION/X-WWW-FORM-URLENCODED; charset=UTF-8",
    ] {
        let url = format!("http://{}/render", running.server.http_addr());
        let form = "target=constantLine(7)&from=-5min&format=json";
        let asked = running.http.post(url).header("content-type", kind).body(form).send().await.unwrap();
        let (status, body) = (asked.status().as_u16(), asked.text().await.unwrap());
        assert!(status == 200 && body.contains("[7.0,"), "{kind}: {status} {body}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_values_a_minute_are_all_seen() {
    let running = start(Schemas::default()).await;
    let store = running.server.store();
    let mut batch = Batch::default();
    let start_s = running.server.now_ms() / 60_000 * 60 - 120;
    for name in ["stats_counts.logins", "stats.timers.login.upper_90", "stats.gauges.users"] {
        let id = store.series_id(&carbon::series_key(name).unwrap()).unwrap();
        // What StatsD flushes every ten seconds.
        batch.samples.extend((0..6).map(|at| (id, Sample::new((start_s + at * 10) * 1000, (at + 1) as f64))));
    }
    store.append(batch).unwrap().await.unwrap();
    for (target, expected) in
        [("stats_counts.logins", 21.0), ("stats.timers.login.upper_90", 6.0), ("stats.gauges.users", 3.5)]
    {
        let until_s = start_s.to_string();
        let from_s = (start_s - 60).to_string();
        let form = [("target", target), ("from", &*from_s), ("until", &*until_s), ("format", "json")];
        let (_, body) = running.post("/render", &form).await;
        let series: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(series[0]["datapoints"], serde_json::json!([[expected, start_s]]), "{target}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_schema_asks_for_outlives_upkeep_and_is_shown() {
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("storage-schemas.conf");
    std::fs::write(&conf, "[fast]\npattern = ^fast\\.\nretentions = 10s:7d\n").unwrap();
    let text = format!(
        "server: {{ listen: \"127.0.0.1:0\", carbon: off, carbon_pickle: off, storage_schemas: \"{}\" }}",
        conf.display()
    );
    let mut config = lanner_engine::Config::default();
    assert_eq!(config.read(&lanner_core::Node::from_yaml(&text).unwrap()), []);
    let mut settings = Settings::new(folder.path().join("data"));
    assert_eq!(settings.read((&config).into()), []);
    let server = Server::start(settings).await.unwrap();
    let running = Running { server, http: reqwest::Client::new(), _folder: folder };

    let store = running.server.store().clone();
    let now_ms = running.server.now_ms();
    let start_s = now_ms / 3_600_000 * 3_600 - 30 * 3_600;
    let mut batch = Batch::default();
    for name in ["fast.orders", "slow.orders"] {
        let id = store.series_id(&carbon::series_key(name).unwrap()).unwrap();
        batch.samples.extend((0..360).map(|at| (id, Sample::new((start_s + at * 10) * 1000, 10.0))));
    }
    store.append(batch).unwrap().await.unwrap();
    // Sealed, and looked through for what is old.
    for hour in 0..3 {
        store.maintain(now_ms + hour * 3_600_000).unwrap();
    }
    for (name, n_values, sum) in [("fast.orders", 360, 3_600.0), ("slow.orders", 60, 600.0)] {
        let (from_s, until_s) = ((start_s - 10).to_string(), (start_s + 3_590).to_string());
        let form = [("target", name), ("from", &*from_s), ("until", &*until_s), ("format", "json")];
        let (_, body) = running.post("/render", &form).await;
        let series: Value = serde_json::from_str(&body).unwrap();
        let values: Vec<f64> = series[0]["datapoints"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|point| point[0].as_f64())
            .collect();
        assert_eq!((values.len(), values.iter().sum::<f64>()), (n_values, sum), "{name}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_day_are_those_of_the_servers_zone() {
    let settings = |folder: &std::path::Path| Settings {
        time_zone: jiff::tz::TimeZone::get("Asia/Kolkata").unwrap(),
        ..Settings::new(folder)
    };
    let running = start_with(settings).await;
    let query = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // 2025-01-20 12:00 UTC; midnight in India was at 18:30 UTC the day before. `now` is text as well.
    for (zone, now, first_s) in [
        (None, "1737374400", 1_737_311_400),
        (Some("UTC"), "1737374400", 1_737_331_200),
        (None, "noon 20250120", 1_737_311_400),
    ] {
        let mut wanted = vec![
            query("target", "timeFunction('t', 60)"),
            query("from", "midnight"),
            query("now", now),
            query("format", "json"),
        ];
        wanted.extend(zone.map(|zone| query("tz", zone)));
        let (_, _, body) = running.get("/render", &wanted).await;
        let series: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(series[0]["datapoints"][0][1], serde_json::json!(first_s), "{zone:?} {now}: {body}");
    }
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_taken_by_udp() {
    let settings = |folder: &std::path::Path| Settings {
        carbon_udp: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..Settings::new(folder)
    };
    let running = start_with(settings).await;
    let now_s = running.server.now_ms() / 1000;
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = running.server.address("carbon_udp").unwrap();
    socket.send_to(b"rubbish\n\xff\xfe 1 2", to).await.unwrap();
    socket.send_to(&[], to).await.unwrap();
    socket.send_to(format!("udp.a 1.5 {now_s}\nudp.b 2.5 {now_s}").as_bytes(), to).await.unwrap();
    let query = [("target", "udp.*"), ("from", "-5min"), ("format", "raw")];
    for _ in 0..100 {
        let (_, body) = running.post("/render", &query).await;
        if body.contains("1.5") && body.contains("2.5") {
            return running.server.stop().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the samples did not arrive");
}

/// A web page can send requests to any port of the machine; their bodies are not samples.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_a_web_page_is_no_sender_of_samples() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let running = start(Schemas::default()).await;
    let now_s = running.server.now_ms() / 1000;
    let to = running.server.address("carbon").unwrap();
    let long = format!("POST /{} HTTP/1.1", "a".repeat(200_000));
    for head in ["POST / HTTP/1.1", "post /x  HTTP/1.0", "POST http://a/ HTTP/1.1", "PRI * HTTP/2.0", &long] {
        let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
        let request = format!("{head}\r\nHost: 127.0.0.1\r\n\r\nevil.metric 42 {now_s}\n");
        // The end may find the connection closed already.
        let _ = stream.write_all(request.as_bytes()).await;
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0, "{head:.40}: the connection stays open");
    }
    let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
    stream.write_all(format!("good.metric 1 {now_s}\n").as_bytes()).await.unwrap();
    drop(stream);
    for _ in 0..100 {
        let (_, body) = running.post("/metrics/find?query=*", &[]).await;
        if body.contains("good") {
            assert!(!body.contains("evil"), "{body}");
            return running.server.stop().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the sample did not arrive");
}

/// A program that ends in the middle of a line has sent half a number or half a time.
#[tokio::test(flavor = "multi_thread")]
async fn half_a_line_is_no_sample() {
    use tokio::io::AsyncWriteExt as _;
    let running = start(Schemas::default()).await;
    let now_s = running.server.now_ms() / 1000;
    let whole = format!("whole.x 5 {now_s}\nhalf.x 123 {now_s}");
    for n_missing in [0, 1, 3] {
        let mut stream =
            tokio::net::TcpStream::connect(running.server.address("carbon").unwrap()).await.unwrap();
        stream.write_all(&whole.as_bytes()[..whole.len() - n_missing]).await.unwrap();
        stream.shutdown().await.unwrap();
    }
    let is_counted = || async {
        let (_, _, text) = running.get("/metrics", &[]).await;
        text.contains("lanner_ingest_rejected_total{protocol=\"carbon\"} 3")
    };
    for _ in 0..100 {
        if is_counted().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, body) = running.post("/metrics/find?query=*", &[]).await;
    assert!(body.contains("whole") && !body.contains("half"), "{body}");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_is_refused_and_harms_nothing() {
    let running = start(Schemas::default()).await;
    let deep = format!("{}a{}", "absolute(".repeat(10_000), ")".repeat(10_000));
    for (name, value) in [
        ("target", deep.as_str()),
        ("target", "nonsense(a)"),
        ("target", "scale(a)"),
        ("target", "scale(a,'x')"),
        ("from", "-99999999999999y"),
        ("from", "yesterdayish"),
        ("maxDataPoints", "many"),
        ("format", "pie"),
        ("tz", "Europe/Atlantis"),
        ("xFilesFactor", "7"),
    ] {
        let target = ("target".to_owned(), "a.b".to_owned());
        let format = ("format".to_owned(), "json".to_owned());
        let (status, _, body) =
            running.get_long("/render", &[target, format, (name.to_owned(), value.to_owned())]).await;
        assert_eq!(status, 400, "{name}: {body}");
        assert!(body.len() < 30_000 && body.starts_with("Invalid parameters ("), "{name}: {body}");
    }
    let (status, _, body) = running
        .get(
            "/render",
            &[
                ("target".to_owned(), "timeShift(a.b,'900y')".to_owned()),
                ("format".to_owned(), "json".to_owned()),
            ],
        )
        .await;
    assert!(status == 200 || status == 400, "{body}");
    running.server.stop().await;
}

impl Running {
    /// As [`Self::get`], by POST: an address may not be this long.
    async fn get_long(&self, path: &str, form: &[(String, String)]) -> (u16, String, String) {
        let form: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, body) = self.post(path, &form).await;
        (status, String::new(), body)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pickles_are_taken() {
    use tokio::io::AsyncWriteExt as _;
    let running = start(Schemas::default()).await;
    let now_s = running.server.now_ms() / 1000;
    let mut stream =
        tokio::net::TcpStream::connect(running.server.address("carbon_pickle").unwrap()).await.unwrap();
    // pickle.dumps([("pickled.a", (now, 1.5))], protocol=2), without memo; before it a frame of rubbish
    let mut pickle = b"\x80\x02](X\x09\0\0\0pickled.aJ".to_vec();
    pickle.extend(i32::try_from(now_s - 60).unwrap().to_le_bytes());
    pickle.extend(b"G?\xf8\0\0\0\0\0\0\x86\x86e.");
    for frame in [b"cos\nsystem\n(S'true'\ntR.".to_vec(), pickle] {
        stream.write_all(&u32::try_from(frame.len()).unwrap().to_be_bytes()).await.unwrap();
        stream.write_all(&frame).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let query = [("target", "pickled.*"), ("from", "-5min"), ("format", "raw")];
    for _ in 0..100 {
        let (_, body) = running.post("/render", &query).await;
        if body.contains("1.5") {
            return running.server.stop().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the sample did not arrive");
}
