//! Rules that ask a real Prometheus, and samples that one sends.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use lanner_core::{Evaluation, Outcome};
use lanner_server::Server;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start, start_at, step};
use lanner_testkit::free_port;

/// A Prometheus that runs.
pub(crate) struct Prometheus {
    pub(crate) url: String,
    _program: tokio::process::Child,
}

/// Prometheus' program; `None`, and loudly, where there is none.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("LANNER_TEST_PROMETHEUS").map(PathBuf::from);
    if program.is_none() {
        eprintln!("SKIPPED: LANNER_TEST_PROMETHEUS names no Prometheus; `cargo xtask test` unpacks it");
    }
    program
}

impl Prometheus {
    /// Starts it at a port, with a configuration and a folder of data below `folder`.
    pub(crate) async fn start(program: &Path, folder: &Path, port: u16, config: &str) -> Self {
        lanner_io::receiver::install_crypto_provider();
        let (file, data) = (folder.join("prometheus.yml"), folder.join("data"));
        std::fs::write(&file, config).unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let mut command = tokio::process::Command::new(program);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // A first message is lost where it has not yet looked up whom to tell.
            .arg("--rules.alert.resend-delay=1s")
            .arg("--web.enable-remote-write-receiver")
            .arg("--log.level=error");
        let program = command.kill_on_drop(true).spawn().unwrap();
        let begun = Instant::now();
        while !reqwest::get(format!("{url}/-/ready")).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "Prometheus does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self { url, _program: program }
    }

    /// All samples of an instant query for a range, as they are stored.
    async fn stored(&self, query: &str) -> Samples {
        let answer =
            reqwest::Client::new().get(format!("{}/api/v1/query", self.url)).query(&[("query", query)]);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        let mut all = Samples::new();
        for series in answer["data"]["result"].as_array().unwrap() {
            let labels: BTreeMap<String, String> = serde_json::from_value(series["metric"].clone()).unwrap();
            for point in series["values"].as_array().unwrap() {
                let (time_s, text): (f64, String) = serde_json::from_value(point.clone()).unwrap();
                let value: f64 = text.parse().unwrap();
                // What is no number is kept by Prometheus alone.
                if value.is_finite() {
                    all.insert((labels.clone(), (time_s * 1e3).round() as i64), value.to_bits());
                }
            }
        }
        all
    }
}

/// The bits of values, by labels (the name among them) and time.
type Samples = BTreeMap<(BTreeMap<String, String>, i64), u64>;

/// Prometheus with a counter of two jobs, every 15 seconds from an hour before noon on: 1 and 10 requests a second, until
/// those of the second job fall to 2 at five past noon.
async fn with_history(folder: &Path) -> Option<Prometheus> {
    with_samples(folder, samples_of_two_hours()).await
}

/// Prometheus with these samples, in the format of `OpenMetrics`; `None`, and loudly, where there is none.
pub(crate) async fn with_samples(folder: &Path, text: String) -> Option<Prometheus> {
    let program = program()?;
    let samples = folder.join("samples");
    std::fs::write(&samples, text).unwrap();
    let mut promtool = tokio::process::Command::new(program.with_file_name("promtool"));
    promtool.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&samples).arg(folder.join("data"));
    let made = promtool.output().await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(Prometheus::start(&program, folder, free_port(), "{}").await)
}

fn samples_of_two_hours() -> String {
    let mut text = String::from("# TYPE requests counter\n");
    for (job, rate, later_rate) in [("a", 1, 1), ("b", 10, 2)] {
        let mut total = 0;
        for at_s in (-3_600..3_600).step_by(15) {
            let time_s = NOON_MS / 1_000 + at_s;
            let _ = writeln!(text, "requests_total{{job=\"{job}\"}} {total} {time_s}");
            total += 15 * if at_s < 300 { rate } else { later_rate };
        }
    }
    text + "# EOF\n"
}

fn rule(id: &str, query: &Value) -> Value {
    json!({ "id": id, "query": query, "window": "1m", "absolute": { "min": 5 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_is_a_source() {
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(prometheus) = with_history(data.path()).await else { return };
    let sources = format!("{{ name: prod, kind: prometheus, url: '{}' }}", prometheus.url);
    let server = start(folder.path(), &sources).await;
    let rate =
        json!({ "promql": "sum by (job) (rate(requests_total[2m]))", "source": "prod", "by": ["job"] });
    let total = json!({ "promql": "sum(rate(requests_total[2m]))", "source": "prod" });
    let ambiguous = json!({ "promql": "requests_total", "source": "prod" });
    let wrong = json!({ "promql": "sum by job requests_total", "source": "prod" });
    let foreign = json!({ "target": "requests.total", "source": "prod" });
    let rules = [
        rule("rate", &rate),
        rule("total", &total),
        rule("ambiguous", &ambiguous),
        rule("wrong", &wrong),
        rule("foreign", &foreign),
    ];
    apply(&server, json!(rules)).await;
    step(&server, 11 * 60).await;

    let of_job = |job: &str| -> Vec<Evaluation> {
        let found = evaluations(&server, Some("rate"));
        found.into_iter().filter(|it| it.group.labels().get("job") == Some(job)).collect()
    };
    let values = |found: &[Evaluation]| -> Vec<f64> { found.iter().filter_map(|it| it.value).collect() };
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-6;
    assert!(values(&of_job("a")).iter().all(|value| close(*value, 1.0)), "{:?}", values(&of_job("a")));
    let b = values(&of_job("b"));
    assert!(close(b[3], 10.0) && close(b[8], 2.0) && close(b[9], 2.0), "{b:?}");
    let at_end: Vec<String> =
        ["a", "b"].iter().map(|job| of_job(job).last().unwrap().outcome.name().to_owned()).collect();
    assert_eq!(at_end, ["breach", "breach"]);
    let total = values(&evaluations(&server, Some("total")));
    assert!(close(total[3], 11.0) && close(total[9], 3.0), "{total:?}");

    for (id, said) in [
        ("ambiguous", "by: [instance]"),
        ("wrong", "parse error"),
        ("foreign", "answers queries of the kind `promql`"),
    ] {
        let found = evaluations(&server, Some(id));
        assert!(found.iter().all(|it| it.outcome == Outcome::Error), "{found:?}");
        let reason = found[0].error.clone().unwrap_or_default();
        assert!(reason.contains(said), "{id}: {reason}");
    }
    // More points than Prometheus answers at once: a question over an hour by steps of 100 ms.
    let asked = json!({ "query": rate, "step": "100ms", "from": NOON_MS - 1_800_000, "to": NOON_MS });
    let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["series"][1]["values"].as_array().unwrap().len(), 18_000);
    server.stop().await;
}

/// All samples that Lanner has.
async fn taken(server: &Server) -> Samples {
    let lines = reqwest::get(format!("http://{}/api/v1/export", server.http_addr())).await.unwrap();
    let lines = lines.text().await.unwrap();
    let mut all = Samples::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let mut labels: BTreeMap<String, String> =
            serde_json::from_value(line["labels"].clone()).unwrap_or_default();
        let time_ms = lanner_core::time::parse_time_ms(line["time"].as_str().unwrap()).unwrap();
        labels.insert("__name__".to_owned(), line["name"].as_str().unwrap().to_owned());
        all.insert((labels, time_ms), line["value"].as_f64().unwrap().to_bits());
    }
    all
}

/// Prometheus watches itself, and sends on what it sees: to the last bit of every value of some seconds.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sends_what_it_stores() {
    let Some(program) = program() else { return };
    let now_ms = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start_at(folder.path(), "[]", now_ms).await;
    let port = free_port();
    let config = format!(
        "global: {{ scrape_interval: 1s, external_labels: {{ site: a b }} }}\n\
         scrape_configs: [{{ job_name: self, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n\
         remote_write: [{{ url: 'http://{}/api/v1/write', queue_config: {{ batch_send_deadline: 1s }} }}]",
        server.http_addr()
    );
    let prometheus = Prometheus::start(&program, data.path(), port, &config).await;
    // It does not store the labels that it adds for others.
    let with_site = |((mut labels, time_ms), bits): ((BTreeMap<String, String>, i64), u64)| {
        labels.insert("site".to_owned(), "a b".to_owned());
        ((labels, time_ms), bits)
    };
    let begun = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let stored: Samples =
            prometheus.stored("{job=\"self\"}[10m]").await.into_iter().map(with_site).collect();
        let times = || stored.keys().map(|(_, time_ms)| *time_ms);
        let (Some(first_ms), Some(last_ms)) = (times().min(), times().max()) else { continue };
        let found = taken(&server).await;
        let missing =
            stored.iter().find(|(key, bits)| key.1 < last_ms - 1_500 && found.get(key) != Some(bits));
        if last_ms - first_ms > 5_000 && missing.is_none() {
            let foreign =
                found.iter().find(|(key, bits)| key.1 < last_ms - 1_500 && stored.get(key) != Some(bits));
            assert_eq!(foreign, None);
            assert!(found.len() > 1_000, "{}", found.len());
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "of {}: {missing:?}", stored.len());
    }
    server.stop().await;
}

/// The status, what a sender is told was stored, and the answer.
async fn write(server: &Server, headers: &[(&str, &str)], body: Vec<u8>) -> (u16, String, String) {
    let mut request = reqwest::Client::new().post(format!("http://{}/api/v1/write", server.http_addr()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body).send().await.unwrap();
    let written = answer.headers().get("x-prometheus-remote-write-samples-written");
    let written = written.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), written, answer.text().await.unwrap())
}

/// Requests of version 2.0, as the specification has them, and what is none.
#[tokio::test(flavor = "multi_thread")]
async fn remote_write_is_answered_as_its_senders_expect() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), "[]").await;
    let text = |field: u8, text: &[u8]| [&[field << 3 | 2, text.len() as u8], text].concat();
    let symbols: Vec<u8> =
        ["", "__name__", "up", "job", "a"].iter().flat_map(|it| text(4, it.as_bytes())).collect();
    let time = [0x10, 0x80, 0xac, 0xb7, 0xcb, 0xb7, 0x33]; // noon
    let sample = text(2, &[&[0x09][..], &2.5f64.to_le_bytes(), &time].concat());
    let series = |references: &[u8]| text(5, &[text(1, references), sample.clone()].concat());
    let body = |parts: &[Vec<u8>]| snap::raw::Encoder::new().compress_vec(&parts.concat()).unwrap();
    let snappy = ("content-encoding", "snappy");
    let two = ("content-type", "application/x-protobuf;proto=io.prometheus.write.v2.Request");
    let good = body(&[symbols.clone(), series(&[1, 2, 3, 4])]);
    let (status, written, _) = write(&server, &[snappy, two], good.clone()).await;
    assert_eq!((status, written.as_str()), (204, "1"));
    let found: Vec<_> = taken(&server).await.into_iter().collect();
    let labels = BTreeMap::from(
        [("__name__", "up"), ("job", "a")].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(found, [((labels, NOON_MS), 2.5f64.to_bits())]);

    // A series without a name costs only itself.
    let half = body(&[symbols.clone(), series(&[3, 4]), series(&[1, 2])]);
    let (status, written, answer) = write(&server, &[snappy, two], half).await;
    assert_eq!((status, written.as_str()), (400, "1"));
    assert!(answer.contains("has no name"), "{answer}");
    let one = ("content-type", "application/x-protobuf");
    let bomb = [0x80, 0x80, 0x80, 0x80, 0x04]; // a gigabyte, it says
    for (headers, body, status, part) in [
        (&[snappy, ("content-type", "application/json")][..], good.clone(), 415, "application/x-protobuf"),
        (
            &[snappy, ("content-type", "application/x-protobuf;proto=x.Request")],
            good.clone(),
            415,
            "x.Request",
        ),
        (&[one], good.clone(), 415, "snappy"),
        (&[("content-encoding", "gzip"), one], good.clone(), 415, "snappy"),
        (&[snappy, one], b"rubbish".to_vec(), 400, "not Snappy"),
        (&[snappy, two], body(&[b"rubbish".to_vec()]), 400, "no remote write request"),
        (&[snappy, two], body(&[symbols, series(&[1, 9])]), 400, "a symbol that does not exist"),
        (&[snappy, one], bomb.to_vec(), 413, "max_body"),
        (&[snappy, one], good[..good.len() / 2].to_vec(), 400, "not Snappy"),
    ] {
        let (found, _, answer) = write(&server, headers, body).await;
        assert_eq!(found, status, "{answer}");
        assert!(answer.contains(part), "{answer}");
    }
    server.stop().await;
}

/// Prometheus tells us of an alert as it would tell Alertmanager.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_sends_its_alerts() {
    let Some(program) = program() else { return };
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = start(folder.path(), "[]").await;
    let rules = data.path().join("rules.yml");
    let rule = "{ alert: Always, expr: 'vector(1) > 0', labels: { severity: page }, annotations: { summary: it is }}";
    std::fs::write(&rules, format!("groups: [{{ name: a, interval: 1s, rules: [{rule}] }}]")).unwrap();
    let config = format!(
        "rule_files: ['{}']\nalerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['{}'] }}] }}] }}",
        rules.display(),
        server.http_addr()
    );
    let _prometheus = Prometheus::start(&program, data.path(), free_port(), &config).await;
    let begun = Instant::now();
    let event = loop {
        let url = format!("http://{}/api/v1/export/events/alerts", server.http_addr());
        let events = reqwest::get(url).await.unwrap().text().await.unwrap();
        match events.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok()) {
            Some(event) if event["alertname"] == "Always" => break event,
            _ => assert!(begun.elapsed() < Duration::from_secs(60), "no alert comes: {events}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(
        (&event["severity"], &event["alert"]["status"]),
        (&json!("page"), &json!("firing")),
        "{event}"
    );
    assert_eq!(event["alert"]["annotations"], json!({ "summary": "it is" }));
    assert!(event["alert"]["url"].as_str().unwrap().contains("/graph?"), "{event}");
    server.stop().await;
}
