//! One table of rules over the same data, asked of every source there is: the evaluations are the same.
//!
//! Two hosts have a value a minute for twenty minutes: that of `a` is 50, and missing in the seventh; that of `b` falls from 50 to 5
//! after ten. The data lies in Lanner's own series and streams, and in a real server of each kind that is here. Where that counts the events of a
//! stream, the rules of Lanner's own stream are asked of it as well.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lanner_core::{Evaluation, Outcome};
use lanner_server::Server;
use lanner_testkit::{MariaDb, OpenSearch, PostgreSql};
use serde_json::{Value, json};

use crate::asking::{apply, evaluations, post, start_with};
use crate::influxdb::InfluxDb;
use crate::opensearch::put;
use crate::prometheus::with_samples;
use crate::sources::graphite_web;

/// Time of each value, seconds since the Unix epoch, at the beginning of its minute, as Graphite has it; host; value.
fn values(begin_s: i64) -> impl Iterator<Item = (i64, &'static str, f64)> {
    (0..20).flat_map(move |at| {
        let time_s = begin_s + 60 * at;
        let a = (at != 6).then_some((time_s, "a", 50.0));
        a.into_iter().chain([(time_s, "b", if at < 10 { 50.0 } else { 5.0 })])
    })
}

/// A source that is asked.
struct Asked {
    name: &'static str,
    /// As `sources` has it; empty for Lanner itself.
    document: String,
    /// As `streams` has it, if its events are a stream.
    stream: String,
    /// The query for the value of each host, and the one for the sum over all.
    per_host: Value,
    total: Value,
    /// What keeps it running.
    _running: Box<dyn std::any::Any>,
}

impl Asked {
    /// The same rules as those of Lanner's own stream, of events that lie in `table` of a source.
    fn stream(name: &'static str, kind: &str, source: &str, table: &str) -> Self {
        Self {
            name,
            document: format!("{{ name: {name}, kind: {kind}, {source} }}"),
            stream: format!("{name}: {{ source: {name}, {table} }}"),
            per_host: json!({ "stream": name, "measure": "max(value)", "by": ["host"] }),
            total: json!({ "stream": name, "measure": "sum(value)" }),
            _running: Box::new(()),
        }
    }
}

/// The rules of the table: what is asked, and what is thought of the answers.
fn rules(asked: &Asked) -> Vec<Value> {
    let rule = |what: &str, query: &Value, rest: Value| {
        let mut rule = json!({ "id": format!("{}-{what}", asked.name), "query": query, "window": "1m" });
        rule.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        rule
    };
    vec![
        rule("floor", &asked.per_host, json!({ "absolute": { "min": 10 } })),
        rule("drop", &asked.per_host, json!({ "relative": { "to": "5m", "drop": "50%" } })),
        rule("total", &asked.total, json!({ "absolute": { "min": 80 }, "for": 3 })),
    ]
}

/// The evaluations of a rule as text: a line for each group, a word for each window.
fn table(found: &[Evaluation], begin_s: i64) -> String {
    let mut groups: Vec<&Evaluation> = Vec::new();
    for evaluation in found {
        if !groups.iter().any(|other| other.group == evaluation.group) {
            groups.push(evaluation);
        }
    }
    // Graphite knows a host, and a sum, by the name of what it answers; others know a host by a label.
    let name = |evaluation: &Evaluation| {
        let host = evaluation.group.labels().iter().map(|(_, value)| value.to_owned()).next();
        host.filter(|host| !host.contains('(')).unwrap_or_else(|| "all".to_owned())
    };
    let mut lines: Vec<String> = groups
        .iter()
        .map(|group| {
            let mut line = name(group);
            for evaluation in found.iter().filter(|it| it.group == group.group) {
                let at = (evaluation.window.end_ms / 1_000 - begin_s) / 60;
                let value = evaluation.value.map_or_else(|| "-".to_owned(), |value| value.to_string());
                let mark = match evaluation.outcome {
                    Outcome::Normal => String::new(),
                    Outcome::Breach => "!".to_owned(),
                    other => format!("({})", other.name()),
                };
                let _ = write!(line, " {at}:{value}{mark}");
            }
            line
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

/// What is asked of each source.
const RULES: [&str; 3] = ["floor", "drop", "total"];

/// The table of one source.
fn all_rules(server: &Server, source: &str, begin_s: i64) -> String {
    let of = |what: &str| table(&evaluations(server, Some(&format!("{source}-{what}"))), begin_s);
    RULES.iter().map(|what| format!("{what}\n{}\n", of(what))).collect::<Vec<_>>().join("\n")
}

/// Those that this machine has.
async fn all(folder: &Path, begin_s: i64) -> Vec<Asked> {
    let mut all = vec![
        Asked {
            name: "series",
            document: String::new(),
            stream: String::new(),
            per_host: json!({ "series": "load", "measure": "max", "by": ["host"] }),
            total: json!({ "series": "load", "measure": "sum" }),
            _running: Box::new(()),
        },
        Asked {
            name: "stream",
            document: String::new(),
            stream: String::new(),
            per_host: json!({ "stream": "load", "measure": "max(value)", "by": ["host"] }),
            total: json!({ "stream": "load", "measure": "sum(value)" }),
            _running: Box::new(()),
        },
    ];
    let folder_of = |name: &str| {
        let folder = folder.join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    if let Some((running, url)) = graphite_web(&folder_of("graphite"), begin_s).await {
        all.push(Asked {
            name: "graphite",
            document: format!("{{ name: graphite, kind: graphite, url: '{url}' }}"),
            stream: String::new(),
            per_host: json!({ "target": "aliasByNode(web.*.rate, 1)", "source": "graphite" }),
            total: json!({ "target": "sumSeries(web.*.rate)", "source": "graphite" }),
            _running: Box::new(running),
        });
    }
    if let Some(running) = prometheus(&folder_of("prometheus"), begin_s).await {
        let promql = |promql: &str| json!({ "promql": promql, "source": "prometheus" });
        let mut per_host = promql("max by (host) (max_over_time(load[1m]))");
        per_host["by"] = json!(["host"]);
        all.push(Asked {
            name: "prometheus",
            document: format!("{{ name: prometheus, kind: prometheus, url: '{}' }}", running.url),
            stream: String::new(),
            per_host,
            total: promql("sum(max_over_time(load[1m]))"),
            _running: Box::new(running),
        });
    }
    if let Some(running) = influxdb(&folder_of("influxdb"), begin_s).await {
        let within = "FROM load WHERE time >= :from AND time < :until";
        let influxql = |text: String| json!({ "influxql": text, "source": "influxdb" });
        let mut per_host = influxql(format!("SELECT max(value) {within} GROUP BY host"));
        per_host["by"] = json!(["host"]);
        let source = format!("url: '{}', database: load", running.url);
        let place = "table: load, time: time, counted: value";
        all.push(Asked::stream("influxdb-stream", "influxdb", &source, place));
        all.push(Asked {
            name: "influxdb",
            document: format!("{{ name: influxdb, kind: influxdb, url: '{}', database: load }}", running.url),
            stream: String::new(),
            per_host,
            total: influxql(format!("SELECT sum(value) {within}")),
            _running: Box::new(running),
        });
    }
    all.extend(databases(&folder_of, begin_s));
    let data = folder_of("opensearch");
    if let Some(running) = tokio::task::spawn_blocking(move || OpenSearch::start(&data)).await.unwrap() {
        opensearch(&running, begin_s).await;
        let measure =
            |measure: &str| json!({ "opensearch": "load", "source": "opensearch", "measure": measure });
        let mut per_host = measure("max(value)");
        per_host["by"] = json!(["host"]);
        let source = format!("url: '{}'", running.url());
        let place = "table: load, time: '@timestamp'";
        all.push(Asked::stream("opensearch-stream", "opensearch", &source, place));
        all.push(Asked {
            name: "opensearch",
            document: format!("{{ name: opensearch, kind: opensearch, url: '{}' }}", running.url()),
            stream: String::new(),
            per_host,
            total: measure("sum(value)"),
            _running: Box::new(running),
        });
    }
    all
}

/// The same in databases that are asked in SQL.
fn databases(folder_of: &dyn Fn(&str) -> PathBuf, begin_s: i64) -> Vec<Asked> {
    let mut all = Vec::new();
    if let Some(running) = PostgreSql::start(&folder_of("postgresql")) {
        running.ask("postgres", &sql(begin_s));
        let within = "FROM load WHERE ts >= :from AND ts < :until";
        let sql = |text: String| json!({ "sql": text, "source": "postgresql" });
        let mut per_host = sql(format!("SELECT host, max(value) AS value {within} GROUP BY host"));
        per_host["by"] = json!(["host"]);
        let url = format!("url: '{}'", running.url("postgres"));
        all.push(Asked::stream("postgresql-stream", "postgresql", &url, "table: load, time: ts"));
        all.push(Asked {
            name: "postgresql",
            document: format!("{{ name: postgresql, kind: postgresql, url: '{}' }}", running.url("postgres")),
            stream: String::new(),
            per_host,
            total: sql(format!("SELECT sum(value) AS value {within}")),
            _running: Box::new(running),
        });
    }
    if let Some(running) = MariaDb::start(&folder_of("mysql"), &[]) {
        let words = [("timestamptz", "timestamp"), ("to_timestamp", "from_unixtime"), (" load ", " `load` ")];
        let filling = words.iter().fold(sql(begin_s), |sql, (word, ours)| sql.replace(word, ours));
        running.ask(&filling);
        let within = "FROM `load` WHERE ts >= :from AND ts < :until";
        let sql = |text: String| json!({ "sql": text, "source": "mysql" });
        let mut per_host = sql(format!("SELECT host, max(value) AS value {within} GROUP BY host"));
        per_host["by"] = json!(["host"]);
        let auth = "auth: { username: lanner, password: secret }";
        let source = format!("url: '{}', {auth}", running.url());
        all.push(Asked::stream("mysql-stream", "mysql", &source, "table: load, time: ts"));
        all.push(Asked {
            name: "mysql",
            document: format!("{{ name: mysql, kind: mysql, url: '{}', {auth} }}", running.url()),
            stream: String::new(),
            per_host,
            total: sql(format!("SELECT sum(value) AS value {within}")),
            _running: Box::new(running),
        });
    }
    all
}

async fn prometheus(folder: &Path, begin_s: i64) -> Option<crate::prometheus::Prometheus> {
    let mut text = String::from("# TYPE load gauge\n");
    for host in ["a", "b"] {
        for (time_s, _, value) in values(begin_s).filter(|(_, of, _)| *of == host) {
            let _ = writeln!(text, "load{{host=\"{host}\"}} {value} {time_s}");
        }
    }
    with_samples(folder, text + "# EOF\n").await
}

async fn influxdb(folder: &Path, begin_s: i64) -> Option<InfluxDb> {
    let database = InfluxDb::run(folder).await?;
    database.send("/query", "q=CREATE+DATABASE+load".to_owned()).await;
    let mut lines = String::new();
    for (time_s, host, value) in values(begin_s) {
        let _ = writeln!(lines, "load,host={host} value={value} {time_s}");
    }
    database.send("/write?db=load&precision=s", lines).await;
    Some(database)
}

fn sql(begin_s: i64) -> String {
    let rows =
        values(begin_s).map(|(time_s, host, value)| format!("(to_timestamp({time_s}), '{host}', {value})"));
    let rows: Vec<String> = rows.collect();
    format!(
        "CREATE TABLE load (ts timestamptz, host text, value double precision); INSERT INTO load VALUES {}",
        rows.join(", ")
    )
}

async fn opensearch(node: &OpenSearch, begin_s: i64) {
    let properties = json!({ "@timestamp": { "type": "date" }, "host": { "type": "keyword" }, "value": { "type": "double" } });
    put(
        node,
        "PUT",
        "/load",
        "application/json",
        json!({ "mappings": { "properties": properties } }).to_string(),
    )
    .await;
    let mut lines = String::new();
    for (time_s, host, value) in values(begin_s) {
        let document = json!({ "@timestamp": time_s * 1_000, "host": host, "value": value });
        let _ = writeln!(lines, "{{\"index\":{{}}}}\n{document}");
    }
    put(node, "POST", "/load/_bulk?refresh=true", "application/x-ndjson", lines).await;
}

async fn fill(server: &Server, begin_s: i64) {
    let (mut lines, mut events) = (String::new(), Vec::new());
    for (time_s, host, value) in values(begin_s) {
        let _ = writeln!(lines, "load,host={host} value={value} {time_s}");
        events.push(json!({ "time": time_s * 1_000, "host": host, "value": value }));
    }
    assert_eq!(post(server, "/api/v2/write?precision=s", lines).await.0, 204);
    assert_eq!(post(server, "/api/v1/events/load", json!(events).to_string()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_source_gives_the_same_evaluations() {
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Archives of Graphite end now.
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let begin_s = now_s / 300 * 300 - 3_600;
    let all = all(data.path(), begin_s).await;
    let documents: Vec<&str> =
        all.iter().map(|it| it.document.as_str()).filter(|it| !it.is_empty()).collect();
    let streams: Vec<&str> = all.iter().map(|it| it.stream.as_str()).filter(|it| !it.is_empty()).collect();
    let (sources, streams) = (format!("[{}]", documents.join(", ")), format!("{{ {} }}", streams.join(", ")));
    let server = start_with(folder.path(), &sources, &streams, begin_s * 1_000).await;
    fill(&server, begin_s).await;
    apply(&server, all.iter().flat_map(rules).collect()).await;
    let end_ms = (begin_s + 20 * 60 + 50) * 1_000;
    assert!(server.step_to(end_ms, std::time::Duration::from_secs(60)).await);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/every_source.golden");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, all_rules(&server, "series", begin_s)).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    for asked in &all {
        let found = all_rules(&server, asked.name, begin_s);
        assert_eq!(found, expected, "{}, of {} sources", asked.name, all.len());
    }
    server.stop().await;
}
