//! Rules that ask a real Prometheus.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::{Evaluation, Outcome};
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, free_port, post, start, step};

/// Prometheus with a counter of two jobs, every 15 seconds from an hour before noon on: 1 and 10 requests a second, until
/// those of the second job fall to 2 at five past noon.
struct Prometheus {
    url: String,
    _program: tokio::process::Child,
}

impl Prometheus {
    /// `None`, and loudly, where there is none.
    async fn start(folder: &Path) -> Option<Self> {
        let Some(program) = std::env::var_os("LANNER_TEST_PROMETHEUS") else {
            eprintln!("SKIPPED: LANNER_TEST_PROMETHEUS names no Prometheus; `cargo xtask test` unpacks it");
            return None;
        };
        let (samples, config, data) =
            (folder.join("samples"), folder.join("prometheus.yml"), folder.join("data"));
        std::fs::write(&samples, samples_of_two_hours()).unwrap();
        std::fs::write(&config, "{}").unwrap();
        let mut promtool = tokio::process::Command::new(Path::new(&program).with_file_name("promtool"));
        promtool.args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&samples).arg(&data);
        let made = promtool.output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let url = format!("http://127.0.0.1:{}", free_port());
        let mut command = tokio::process::Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={}", url.trim_start_matches("http://")))
            .arg("--log.level=error");
        let program = command.kill_on_drop(true).spawn().unwrap();
        let begun = Instant::now();
        while !reqwest::get(format!("{url}/-/ready")).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "Prometheus does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(Self { url, _program: program })
    }
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
    let Some(prometheus) = Prometheus::start(data.path()).await else { return };
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
