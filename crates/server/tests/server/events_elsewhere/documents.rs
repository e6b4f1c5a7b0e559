//! Events in an index of OpenSearch.

use std::fmt::Write as _;

use lanner_testkit::OpenSearch;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::comparing::{Cases, compare};
use super::conditions::of_documents;
use super::payments::{Payment, payments};
use crate::asking::{NOON_MS, post, start_with};
use crate::opensearch::put;

const MEASURES: &[&str] = &[
    "count",
    "sum(n)",
    "sum(ratio)",
    "avg(amount)",
    "avg(ratio)",
    "min(n)",
    "max(amount)",
    "distinct(bank)",
    "distinct(n)",
];

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";

/// Most fields as they are mapped on purpose; `country`, `n` and `ok` as OpenSearch maps them by itself.
async fn fill(node: &OpenSearch, payments: &[Payment]) {
    let of = |kind: &str| json!({ "type": kind });
    let properties = json!({
        "at": of("date"), "bank": of("keyword"), "m": of("long"), "ratio": of("double"), "amount": of("double"),
    });
    let mapping = json!({ "mappings": { "properties": properties }, "settings": { "number_of_shards": 3 } });
    put(node, "PUT", "/payments-2026.01", JSON, mapping.to_string()).await;
    let mut lines = String::new();
    for payment in payments {
        let mut document = payment.sparse(false);
        let time = document.remove("time").unwrap();
        document.insert("at".to_owned(), time);
        let _ = writeln!(lines, "{{\"index\":{{}}}}\n{}", Value::Object(document));
    }
    put(node, "POST", "/payments-2026.01/_bulk?refresh=true", LINES, lines).await;
}

async fn started(folder: &std::path::Path) -> Option<OpenSearch> {
    lanner_io::receiver::install_crypto_provider();
    let path = folder.to_owned();
    tokio::task::spawn_blocking(move || OpenSearch::start(&path)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn opensearch_counts_as_lanner_does() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(node) = started(data.path()).await else { return };
    let mut runner = TestRunner::deterministic();
    let payments = payments().new_tree(&mut runner).unwrap().current();
    fill(&node, &payments).await;
    let sources = format!("{{ name: logs, kind: opensearch, url: '{}' }}", node.url());
    let streams = "{ there: { source: logs, table: 'payments-*', time: at }, odd: { source: logs, table: odd, time: at } }";
    let server = start_with(folder.path(), &sources, streams, NOON_MS + 900_000).await;
    let events: Vec<Value> = payments.iter().map(|payment| Value::Object(payment.sparse(false))).collect();
    assert_eq!(post(&server, "/api/v1/events/here", json!(events).to_string()).await.0, 200);
    let by: &[&[&str]] = &[&[], &["bank"], &["n"], &["ok"], &["bank", "n"]];
    compare(&server, &mut runner, Cases { conditions: of_documents(), measures: MEASURES, by }).await;
    check_refusals(&server, &node).await;
    server.stop().await;
}

/// What depends on how documents are indexed is refused when they are asked.
async fn check_refusals(server: &lanner_server::Server, node: &OpenSearch) {
    let properties = json!({
        "at": { "type": "date" }, "note": { "type": "text" }, "share": { "type": "float" }, "bank": { "type": "keyword" },
        "tag": { "type": "keyword" },
    });
    put(node, "PUT", "/odd", JSON, json!({ "mappings": { "properties": properties } }).to_string()).await;
    let documents = [
        json!({ "at": NOON_MS, "note": "paid in full", "share": 0.1, "bank": "", "tag": ["a", "b"] }),
        json!({ "at": NOON_MS, "note": "paid", "share": 0.2 }),
    ];
    let lines: String = documents.iter().map(|it| format!("{{\"index\":{{}}}}\n{it}\n")).collect();
    put(node, "POST", "/odd/_bulk?refresh=true", LINES, lines).await;
    for (query, said) in [
        (
            json!({ "measure": "count", "where": "note == paid" }),
            "cut into words, without note.keyword beside it",
        ),
        (json!({ "measure": "sum(share)" }), "`share` is mapped as float, and no exact number"),
        (json!({ "measure": "count", "where": "nota == paid" }), "odd has no field `nota`"),
        (
            json!({ "measure": "count", "by": ["bank"] }),
            "documents with an empty value and documents without one",
        ),
        (json!({ "measure": "count", "where": "tag == a" }), "several values of `tag`"),
        (json!({ "measure": "count", "where": "bank == null" }), "does not keep that a field is null"),
    ] {
        let mut query = query;
        query["stream"] = "odd".into();
        let asked = json!({ "query": query, "step": "1m", "from": NOON_MS, "to": NOON_MS + 600_000 });
        let (status, answer) = post(server, "/api/v1/query", asked.to_string()).await;
        assert!(status >= 400 && answer.to_string().contains(said), "{query}: {status} {answer}");
    }
}
