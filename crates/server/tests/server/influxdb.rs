//! Rules that ask a real InfluxDB.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lanner_core::{Evaluation, Outcome};
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start, step};
use lanner_testkit::free_port;

/// InfluxDB with the processors of two hosts, every ten seconds from an hour before noon on: 20 and 30, until the second host
/// falls to 3 at five past noon. A third one came and went at ten to twelve.
pub(crate) struct InfluxDb {
    pub(crate) url: String,
    _program: tokio::process::Child,
}

impl InfluxDb {
    /// One without a database; `None`, and loudly, where there is none.
    pub(crate) async fn run(folder: &Path) -> Option<Self> {
        let Some(program) = std::env::var_os("LANNER_TEST_INFLUXDB") else {
            eprintln!("SKIPPED: LANNER_TEST_INFLUXDB names no InfluxDB; `cargo xtask test` unpacks it");
            return None;
        };
        let address = format!("127.0.0.1:{}", free_port());
        let mut command = tokio::process::Command::new(program);
        command
            .env("INFLUXDB_REPORTING_DISABLED", "true")
            .env("INFLUXDB_HTTP_BIND_ADDRESS", &address)
            .env("INFLUXDB_BIND_ADDRESS", format!("127.0.0.1:{}", free_port()))
            .env("INFLUXDB_META_DIR", folder.join("meta"))
            .env("INFLUXDB_DATA_DIR", folder.join("data"))
            .env("INFLUXDB_DATA_WAL_DIR", folder.join("wal"))
            .stderr(std::process::Stdio::null());
        let program = command.kill_on_drop(true).spawn().unwrap();
        let url = format!("http://{address}");
        let begun = Instant::now();
        while !reqwest::get(format!("{url}/ping")).await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "InfluxDB does not start");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(Self { url, _program: program })
    }

    async fn start(folder: &Path) -> Option<Self> {
        let database = Self::run(folder).await?;
        database.send("/query", "q=CREATE+DATABASE+telegraf".to_owned()).await;
        database.send("/write?db=telegraf&precision=s", samples()).await;
        Some(database)
    }

    pub(crate) async fn send(&self, path: &str, body: String) {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

fn samples() -> String {
    let mut lines = String::new();
    for at_s in (-3_600..1_200).step_by(10) {
        let time_s = NOON_MS / 1_000 + at_s;
        let _ = writeln!(lines, "cpu,host=a usage=20 {time_s}");
        let _ = writeln!(lines, "cpu,host=b usage={} {time_s}", if at_s < 300 { 30 } else { 3 });
        if (-660..-600).contains(&at_s) {
            let _ = writeln!(lines, "cpu,host=c usage=50 {time_s}");
        }
    }
    lines
}

fn rule(id: &str, influxql: &str, by: &[&str]) -> Value {
    let query = json!({ "influxql": influxql, "source": "iot", "by": by });
    json!({ "id": id, "query": query, "window": "1m", "absolute": { "min": 5 } })
}

fn values(evaluations: &[Evaluation], group: &str) -> Vec<Option<f64>> {
    let of = evaluations.iter().filter(|it| it.group.to_string().contains(group));
    of.map(|it| it.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn influxdb_is_a_source() {
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = InfluxDb::start(data.path()).await else { return };
    let source = |name: &str, of: &str| {
        format!("{{ name: {name}, kind: influxdb, url: '{}', database: {of} }}", database.url)
    };
    let sources = format!("[{}, {}]", source("iot", "telegraf"), source("elsewhere", "nope"));
    let server = start(folder.path(), &sources).await;
    let within = "WHERE time >= :from AND time < :until";
    let per_host = format!("SELECT mean(usage) FROM cpu {within} GROUP BY host");
    let sliding = json!({
        "id": "sliding", "window": "5m", "every": "1m", "relative": { "to": "10m", "drop": "10%" },
        "query": { "influxql": format!("SELECT sum(usage) FROM cpu {within} AND host = 'b'"), "source": "iot" },
    });
    let rules = json!([
        rule("hosts", &per_host, &["host"]),
        rule("all", &format!("SELECT count(usage) FROM cpu {within}"), &[]),
        rule("ambiguous", &per_host, &[]),
        rule("columns", &format!("SELECT mean(usage), max(usage) FROM cpu {within}"), &[]),
        rule("wrong", &format!("SELECT mean(usage FROM cpu {within}"), &[]),
        rule("missing", &format!("SELECT mean(usage) FROM nothing {within}"), &[]),
        sliding,
    ]);
    apply(&server, rules).await;
    step(&server, 11 * 60).await;

    let hosts = evaluations(&server, Some("hosts"));
    assert_eq!(values(&hosts, "a"), vec![Some(20.0); values(&hosts, "a").len()]);
    assert!(
        values(&hosts, "b").contains(&Some(30.0)) && values(&hosts, "b").contains(&Some(3.0)),
        "{hosts:?}"
    );
    let mut firing = hosts.iter().filter(|it| it.outcome == Outcome::Breach);
    assert!(firing.all(|it| it.group.to_string().contains('b')), "{hosts:?}");
    let all = evaluations(&server, Some("all"));
    assert!(all.iter().all(|it| it.value == Some(12.0)), "{all:?}");
    // Six a minute: 900 in five minutes, and three instead of thirty from five past noon on.
    let sliding = values(&evaluations(&server, Some("sliding")), "");
    assert!(sliding.contains(&Some(900.0)) && sliding.contains(&Some(90.0)), "{sliding:?}");
    for (id, expected) in [
        ("ambiguous", "name the labels that form groups"),
        ("columns", "select one"),
        ("wrong", "error parsing query"),
    ] {
        let evaluations = evaluations(&server, Some(id));
        let why = evaluations.iter().find_map(|it| it.error.clone()).unwrap_or_default();
        assert!(why.contains(expected), "{id}: {why}");
    }
    let missing = evaluations(&server, Some("missing"));
    assert!(missing.iter().all(|it| it.outcome == Outcome::NoData), "{missing:?}");

    // A question is answered by the same query, window by window.
    let ask = async |source: &str| {
        let question = json!({
            "query": { "influxql": per_host, "source": source, "by": ["host"] },
            "from": NOON_MS - 900_000, "to": NOON_MS - 540_000, "step": "1m",
        });
        post(&server, "/api/v1/query", question.to_string()).await
    };
    let (status, answer) = ask("iot").await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.to_string().contains("50"), "{answer}");
    // Asked for several windows, InfluxDB says "not executed" and no more.
    let (_, answer) = ask("elsewhere").await;
    assert!(answer.to_string().contains("database not found: nope"), "{answer}");
    server.stop().await;
}
