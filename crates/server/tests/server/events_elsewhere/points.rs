//! Events in a measurement of an InfluxDB.

use std::fmt::Write as _;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::comparing::{Cases, compare};
use super::conditions::of_points;
use super::payments::{Payment, payments};
use crate::asking::{NOON_MS, post, start_with};
use crate::influxdb::InfluxDb;

const MEASURES: &[&str] = &[
    "count",
    "sum(n)",
    "sum(ratio)",
    "avg(amount)",
    "avg(n)",
    "min(n)",
    "max(amount)",
    "distinct(n)",
    "distinct(country)",
];

/// A point: the bank is a tag, everything else are fields. Points at one moment would be one, so each has a nanosecond of its own.
fn line(at: usize, payment: &Payment) -> String {
    let mut line = String::from("payments");
    if let Some(bank) = payment.bank.as_ref().filter(|bank| !bank.is_empty()) {
        let _ = write!(line, ",bank={}", bank.replace(' ', "\\ "));
    }
    let _ = write!(line, " each={}i", at % 4);
    for (name, value) in payment.sparse(false) {
        match (name.as_str(), value) {
            ("time" | "bank", _) => {}
            ("n" | "m", value) => _ = write!(line, ",{name}={value}i"),
            (_, value) => _ = write!(line, ",{name}={value}"),
        }
    }
    let ns = (NOON_MS * 1_000 + payment.at_us) * 1_000;
    format!("{line} {}\n", ns + i64::try_from(at).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn influxdb_counts_as_lanner_does() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    lanner_io::receiver::install_crypto_provider();
    let Some(database) = InfluxDb::run(data.path()).await else { return };
    let mut runner = TestRunner::deterministic();
    let payments = payments().new_tree(&mut runner).unwrap().current();
    database.send("/query", "q=CREATE+DATABASE+shop".to_owned()).await;
    let lines: String = payments.iter().enumerate().map(|(at, payment)| line(at, payment)).collect();
    database.send("/write?db=shop", lines).await;
    let sources = format!("{{ name: iot, kind: influxdb, url: '{}', database: shop }}", database.url);
    let place = |table: &str| format!("source: iot, table: {table}, time: time, counted: each");
    let streams = format!("{{ there: {{ {} }}, empty: {{ {} }} }}", place("payments"), place("empty"));
    let server = start_with(folder.path(), &sources, &streams, NOON_MS + 900_000).await;
    let event = |(at, payment): (usize, &Payment)| {
        let mut event = payment.sparse(false);
        event.insert("each".to_owned(), (at % 4).into());
        Value::Object(event)
    };
    let events: Vec<Value> = payments.iter().enumerate().map(event).collect();
    assert_eq!(post(&server, "/api/v1/events/here", json!(events).to_string()).await.0, 200);
    compare(
        &server,
        &mut runner,
        Cases { conditions: of_points(), measures: MEASURES, by: &[&[], &["bank"]] },
    )
    .await;
    for (query, said) in [
        (
            json!({ "measure": "count", "where": "bnak == a" }),
            "payments has no tag or field `bnak`; did you mean `bank`?",
        ),
        (
            json!({ "measure": "count", "by": ["n"] }),
            "`n` is a field of integers, and its values form no groups",
        ),
        (
            json!({ "measure": "count", "where": "country == 5" }),
            "`country` is a field of strings, and 5 is none",
        ),
    ] {
        let mut query = query;
        query["stream"] = "there".into();
        let (status, answer) = ask(&server, &query).await;
        assert!(status >= 400 && answer.to_string().contains(said), "{query}: {status} {answer}");
    }
    let (status, answer) = ask(&server, &json!({ "stream": "empty", "measure": "count" })).await;
    assert_eq!(status, 200, "{answer}");
    server.stop().await;
}

async fn ask(server: &lanner_server::Server, query: &Value) -> (u16, Value) {
    let asked = json!({ "query": query, "step": "1m", "from": NOON_MS, "to": NOON_MS + 600_000 });
    post(server, "/api/v1/query", asked.to_string()).await
}
