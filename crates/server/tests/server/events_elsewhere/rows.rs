//! Events in the tables of databases.

use lanner_testkit::{MariaDb, PostgreSql};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::comparing::{Cases, compare};
use super::conditions::conditions;
use super::payments::{Payment, payments};
use crate::asking::{NOON_MS, post, start_with};

const MEASURES: &[&str] = &[
    "count",
    "sum(n)",
    "sum(ratio)",
    "avg(amount)",
    "avg(ratio)",
    "min(n)",
    "max(amount)",
    "last(ratio)",
    "last(n)",
    "p50(ratio)",
    "p90(n)",
    "p99.9(amount)",
    "distinct(bank)",
    "distinct(n)",
];

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_counts_as_lanner_does() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = PostgreSql::start(data.path()) else { return };
    let mut runner = TestRunner::deterministic();
    let payments = payments().new_tree(&mut runner).unwrap().current();
    let row = |payment: &Payment| {
        payment.row(&format!(
            "timestamptz 'epoch' + {NOON_MS} * interval '1 ms' + {} * interval '1 us'",
            payment.at_us
        ))
    };
    let rows: Vec<String> = payments.iter().map(row).collect();
    // A collation for which case and accents do not matter, where the server has one.
    let table = "CREATE TABLE payments (ts timestamptz, bank text, country varchar(10), n bigint, m bigint, \
                 ratio double precision, amount numeric(10, 2), ok boolean)";
    database.ask("postgres", &format!("{table}; INSERT INTO payments VALUES {}", rows.join(", ")));
    // What JSON cannot write is null there.
    database.ask("postgres", "UPDATE payments SET ratio = 'NaN' WHERE ratio IS NULL AND n IS NULL");
    database.ask("postgres", "UPDATE payments SET ratio = 'Infinity' WHERE ratio IS NULL AND n = 0");
    let sources = format!("{{ name: shop, kind: postgresql, url: '{}' }}", database.url("postgres"));
    let streams = "there: { source: shop, table: payments, time: ts }";
    let server = start_with(folder.path(), &sources, streams, NOON_MS + 900_000).await;
    let events: Vec<Value> = payments.iter().map(|payment| payment.event(Value::Bool)).collect();
    assert_eq!(post(&server, "/api/v1/events/here", json!(events).to_string()).await.0, 200);
    let by: &[&[&str]] = &[&[], &["bank"], &["country", "n"], &["ok"]];
    compare(&server, &mut runner, Cases { conditions: conditions(true), measures: MEASURES, by }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_counts_as_lanner_does() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = MariaDb::start(data.path(), &["--default-time-zone=-05:00"]) else { return };
    let mut runner = TestRunner::deterministic();
    let payments = payments().new_tree(&mut runner).unwrap().current();
    let row = |payment: &Payment| {
        let us = NOON_MS * 1_000 + payment.at_us;
        payment.row(&format!("FROM_UNIXTIME({}.{:06})", us.div_euclid(1_000_000), us.rem_euclid(1_000_000)))
    };
    let rows: Vec<String> = payments.iter().map(row).collect();
    // The collation ignores case, accents, and blanks at the end.
    database.ask(&format!(
        "CREATE TABLE payments (ts TIMESTAMP(6), bank VARCHAR(20), country VARCHAR(10) CHARACTER SET latin1, n BIGINT, m BIGINT, \
         ratio DOUBLE, amount DECIMAL(10, 2), ok BOOLEAN) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_general_ci; \
         SET NAMES utf8mb4; INSERT INTO payments VALUES {}",
        rows.join(", ")
    ));
    let auth = "auth: { username: lanner, password: secret }";
    let sources = format!("{{ name: shop, kind: mysql, url: '{}', {auth} }}", database.url());
    let streams = "there: { source: shop, table: payments, time: ts }";
    let server = start_with(folder.path(), &sources, streams, NOON_MS + 900_000).await;
    let number = |truth: bool| Value::from(u8::from(truth));
    let events: Vec<Value> = payments.iter().map(|payment| payment.event(number)).collect();
    assert_eq!(post(&server, "/api/v1/events/here", json!(events).to_string()).await.0, 200);
    let by: &[&[&str]] = &[&[], &["bank"], &["country", "n"]];
    compare(&server, &mut runner, Cases { conditions: conditions(false), measures: MEASURES, by }).await;
    server.stop().await;
}
