//! Rules that ask a real OpenSearch.

use std::fmt::Write as _;

use lanner_core::{Evaluation, Outcome};
use lanner_testkit::OpenSearch;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start, step};

/// Payments of two banks, every ten seconds from an hour before noon on; from five past noon `b` fails and soon says nothing.
/// Each takes 100 ms, and one in a minute 900 ms.
fn payments() -> String {
    let mut lines = String::new();
    for at_s in (-3_600..1_200).step_by(10) {
        for bank in ["a", "b"] {
            if bank == "b" && at_s >= 480 {
                continue;
            }
            let status = if bank == "b" && at_s >= 300 { "failed" } else { "ok" };
            let ms = if at_s % 60 == 0 { 900 } else { 100 };
            let time = NOON_MS + at_s * 1_000;
            let document = json!({ "@timestamp": time, "bank": bank, "status": status, "ms": ms, "user": at_s % 7, "note": "paid in full" });
            let _ = writeln!(lines, "{{\"index\":{{}}}}\n{document}");
        }
    }
    lines
}

pub(crate) async fn put(node: &OpenSearch, method: &str, path: &str, kind: &str, body: String) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), format!("{}{path}", node.url()));
    let answer = request.header("content-type", kind).body(body).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert!(status.is_success() && !text.contains("\"errors\":true"), "{text}");
}

async fn fill(node: &OpenSearch) {
    let keyword = json!({ "type": "keyword" });
    let properties = json!({
        "@timestamp": { "type": "date" }, "bank": keyword, "status": keyword, "note": { "type": "text" },
    });
    let mapping = json!({ "mappings": { "properties": properties }, "settings": { "number_of_shards": 3 } });
    put(node, "PUT", "/payments-2026.01", "application/json", mapping.to_string()).await;
    put(node, "POST", "/payments-2026.01/_bulk?refresh=true", "application/x-ndjson", payments()).await;
}

fn rule(id: &str, query: &Value) -> Value {
    json!({ "id": id, "query": query, "window": "1m", "absolute": { "min": 5 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_is_a_source() {
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = data.path().to_owned();
    let Some(node) = tokio::task::spawn_blocking(move || OpenSearch::start(&path)).await.unwrap() else {
        return;
    };
    fill(&node).await;
    let sources = format!("{{ name: logs, kind: opensearch, url: '{}' }}", node.url());
    let server = start(folder.path(), &sources).await;
    let query = |more: Value| {
        let mut query = json!({ "opensearch": "payments-*", "source": "logs" });
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    };
    let per_bank =
        query(json!({ "measure": "count", "filter": { "term": { "status": "ok" } }, "by": ["bank"] }));
    let sliding = json!({
        "id": "sliding", "query": query(json!({ "measure": "sum(ms)" })), "window": "5m", "every": "1m",
        "relative": { "to": "10m", "drop": "10%" },
    });
    let rules = [
        rule("banks", &per_bank),
        rule("all", &query(json!({ "measure": "count" }))),
        rule("slow", &query(json!({ "measure": "p99(ms)" }))),
        rule("users", &query(json!({ "measure": "distinct(user)" }))),
        sliding,
        rule("text", &query(json!({ "measure": "count", "by": ["note"] }))),
        rule("wrong", &query(json!({ "measure": "count", "filter": { "trem": { "status": "ok" } } }))),
        rule("missing", &json!({ "opensearch": "orders-*", "source": "logs", "measure": "count" })),
        rule("foreign", &json!({ "promql": "up", "source": "logs" })),
    ];
    apply(&server, json!(rules)).await;
    step(&server, 16 * 60).await;

    let of = |id: &str, bank: Option<&str>| -> Vec<Evaluation> {
        let found = evaluations(&server, Some(id));
        found.into_iter().filter(|it| bank.is_none() || it.group.labels().get("bank") == bank).collect()
    };
    let values = |found: &[Evaluation]| -> Vec<Option<f64>> { found.iter().map(|it| it.value).collect() };
    let number = |n: f64| Some(n);
    assert!(values(&of("banks", Some("a"))).iter().all(|value| *value == number(6.0)));
    // What fails or is not there counts as none, in a group that was there before.
    let b = of("banks", Some("b"));
    assert_eq!(
        values(&b)[..6],
        [number(6.0), number(6.0), number(6.0), number(6.0), number(6.0), number(0.0)]
    );
    assert_eq!((values(&b).last(), b.last().unwrap().outcome), (Some(&number(0.0)), Outcome::Breach));
    let all = values(&of("all", None));
    assert_eq!((all[0], all[7], all[8], all[14]), (number(12.0), number(12.0), number(6.0), number(6.0)));
    let slow = values(&of("slow", None))[0].unwrap();
    assert!((800.0..=900.0).contains(&slow), "{slow}");
    assert_eq!(values(&of("users", None))[0], number(6.0));
    // 30 payments of two banks in five minutes, 5 of them slow; over one another, minute by minute.
    let of_b = |n: f64| n * 100.0 + n / 6.0 * 800.0;
    let sliding = values(&of("sliding", None));
    assert_eq!(sliding[0], number(of_b(60.0)), "{sliding:?}");
    assert_eq!(sliding[8], number(of_b(54.0)), "{sliding:?}");
    assert_eq!(sliding[14], number(of_b(30.0)), "{sliding:?}");

    for (id, said) in [
        ("text", "Text fields are not optimised"),
        ("wrong", "trem"),
        ("missing", "no such index"),
        ("foreign", "answers queries of the kind `opensearch`"),
    ] {
        let found = evaluations(&server, Some(id));
        assert!(!found.is_empty() && found.iter().all(|it| it.outcome == Outcome::Error), "{id}: {found:?}");
        let reason = found[0].error.clone().unwrap_or_default();
        assert!(reason.contains(said), "{id}: {reason}");
    }
    // More windows than are asked for at once, and more groups than a page has.
    let asked = json!({ "query": per_bank, "step": "1s", "from": NOON_MS - 1_800_000, "to": NOON_MS });
    let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let ones = answer["series"][0]["values"].as_array().unwrap().iter().filter(|it| it.as_f64() == Some(1.0));
    assert_eq!((answer["series"].as_array().unwrap().len(), ones.count()), (2, 180));
    many_groups(&node, &server).await;
    server.stop().await;
}

/// 2,500 groups come in three pages.
async fn many_groups(node: &OpenSearch, server: &lanner_server::Server) {
    let mut lines = String::new();
    for at in 0..2_500 {
        let document = json!({ "at": NOON_MS + 1_000, "shop": format!("s{at}"), "ok": at % 2 == 0, "n": at });
        let _ = writeln!(lines, "{{\"index\":{{}}}}\n{document}");
    }
    let mapping = json!({ "mappings": { "properties": { "at": { "type": "date" } } } });
    put(node, "PUT", "/shops", "application/json", mapping.to_string()).await;
    put(node, "POST", "/shops/_bulk?refresh=true", "application/x-ndjson", lines).await;
    let query = json!({ "opensearch": "shops", "source": "logs", "measure": "max(n)", "time": "at", "by": ["shop.keyword", "ok"] });
    let asked = |query: &Value| {
        json!({ "query": query, "step": "1m", "from": NOON_MS, "to": NOON_MS + 60_000 }).to_string()
    };
    let (status, answer) = post(server, "/api/v1/query", asked(&query)).await;
    assert_eq!(status, 200, "{answer}");
    // An answer shows a thousand, in order of their labels. So many shops that are not well come with the second page.
    let shown = answer["series"].as_array().unwrap();
    assert_eq!((shown.len(), &answer["truncated"]), (1_000, &json!(true)), "{answer}");
    assert!(shown.iter().all(|series| series["labels"]["ok"] == "false"), "{answer}");
}
