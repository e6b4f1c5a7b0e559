//! Rules that ask a real PostgreSQL.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lanner_core::{Evaluation, Outcome};
use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start, step};

/// Seconds from noon, and banks.
fn paid() -> impl Iterator<Item = (i64, &'static str)> {
    (-3_600..1_200)
        .step_by(10)
        .flat_map(|at_s| std::iter::once((at_s, "hsbc")).chain((at_s < 300).then_some((at_s, "ing"))))
}

fn payments() -> String {
    let mut sql = String::from(
        "CREATE TABLE payments (ts timestamptz, local timestamp, ms bigint, bank text, amount numeric); \
         CREATE SEQUENCE numbers; INSERT INTO payments VALUES ",
    );
    for (at, (at_s, bank)) in paid().enumerate() {
        let time_s = NOON_MS / 1_000 + at_s;
        let comma = if at == 0 { "" } else { "," };
        let local = format!("to_timestamp({time_s}) AT TIME ZONE 'UTC'");
        let _ = write!(sql, "{comma}(to_timestamp({time_s}), {local}, {time_s}000, '{bank}', 0.1)");
    }
    sql
}

fn rule(id: &str, what: &str, rest: &str, by: &[&str]) -> Value {
    let sql = format!("SELECT {what} FROM payments WHERE {rest}");
    json!({ "id": id, "query": { "sql": sql, "source": "shop", "by": by }, "window": "1m", "absolute": { "min": 5 } })
}

const WINDOW: &str = "ts >= :from AND ts < :until";

fn values(evaluations: &[Evaluation], group: &str) -> Vec<Option<f64>> {
    evaluations.iter().filter(|it| it.group.to_string().contains(group)).map(|it| it.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_a_source() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The payments of two banks, every ten seconds from an hour before noon on; those of the second end at five past noon.
    let Some(database) = PostgreSql::start(data.path()) else { return };
    database.ask("postgres", &payments());
    let url = database.url("postgres");
    let sources = format!(
        "[{{ name: shop, kind: postgresql, url: '{url}' }}, {{ name: other, kind: postgresql, url: '{url}_else' }}, \
         {{ name: away, kind: postgresql, url: 'postgresql://lanner@127.0.0.1:1/postgres' }}]"
    );
    let server = start(folder.path(), &sources).await;
    let local = "local >= :from AND local < :until";
    let ms = "ms >= :from AND ms < :until";
    let text = "bank >= :from AND bank < :until";
    let of = |source: &str| {
        let mut rule = rule(source, "count(*)", WINDOW, &[]);
        rule["query"]["source"] = source.into();
        rule
    };
    let rules = json!([
        rule("by-bank", "bank, count(*)", &format!("{WINDOW} GROUP BY bank"), &["bank"]),
        rule("numeric", "sum(amount) AS value, count(*) AS n", WINDOW, &[]),
        rule("local", "count(*)", local, &[]),
        rule("milliseconds", "count(*)", ms, &[]),
        rule("nothing", "avg(amount)", &format!("{WINDOW} AND bank = 'x'':y'"), &[]),
        rule("several", "bank, count(*)", &format!("{WINDOW} GROUP BY bank"), &[]),
        rule("two-numbers", "sum(amount), count(*)", WINDOW, &[]),
        rule("misspelled", "bunk", WINDOW, &[]),
        rule("text", "count(*)", text, &[]),
        rule("writes", "nextval('numbers')", &format!("{WINDOW} LIMIT 1"), &[]),
        rule("many", "generate_series(1, 20000) AS value, random()::text AS n", &format!("{WINDOW} LIMIT 20000"), &["n"]),
        of("other"),
        of("away"),
        { "id": "embedded", "query": { "stream": "payments", "measure": "count", "by": ["bank"] }, "window": "1m", "absolute": { "min": 5 } },
    ]);
    let events: Vec<Value> =
        paid().map(|(at_s, bank)| json!({ "_time": NOON_MS + at_s * 1_000, "bank": bank })).collect();
    assert_eq!(post(&server, "/api/v1/events/payments", json!(events).to_string()).await.0, 200);
    apply(&server, rules).await;
    step(&server, 11 * 60).await;

    let of = |rule: &str| evaluations(&server, Some(rule));
    // The same rule over the same data, there and here.
    let there = values(&of("by-bank"), "hsbc");
    assert_eq!(there, vec![Some(6.0); there.len()]);
    assert_eq!(there, values(&of("embedded"), "hsbc"));
    let ing = values(&of("by-bank"), "ing");
    assert_eq!((ing[3], ing[4], ing.last()), (Some(6.0), Some(6.0), Some(&None)), "{ing:?}");
    let numeric = values(&of("numeric"), "");
    assert_eq!((numeric[3], numeric[9]), (Some(1.2), Some(0.6)), "{numeric:?}");
    for rule in ["local", "milliseconds"] {
        let found = values(&of(rule), "");
        assert_eq!((found[3], found[9]), (Some(12.0), Some(6.0)), "{rule}: {found:?}");
    }
    assert!(
        of("nothing").iter().all(|it| it.outcome == Outcome::NoData && it.value.is_none()),
        "{:?}",
        of("nothing")
    );

    for (rule, said) in [
        ("several", "by: [instance]"),
        ("two-numbers", "several numbers (sum, count)"),
        ("misspelled", "column \"bunk\" does not exist"),
        ("text", "the type text"),
        ("writes", "in a read-only transaction"),
        ("many", "more than 10000 rows"),
        ("other", "does not exist"),
        ("away", "cannot reach the database"),
    ] {
        let found = of(rule);
        // From five past noon on there is one bank.
        let first = found.first().unwrap();
        let reason = first.error.clone().unwrap_or_default();
        assert!(reason.contains(said) && first.outcome == Outcome::Error, "{rule}: {found:?}");
    }
    // Windows of the past, each by itself, and nothing is left open there.
    let query = json!({ "sql": format!("SELECT count(*) FROM payments WHERE {WINDOW}"), "source": "shop" });
    let asked = json!({ "query": query, "step": "1m", "from": NOON_MS - 1_800_000, "to": NOON_MS });
    let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["series"][0]["values"].as_array().unwrap().len(), 30, "{answer}");
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lanner' AND state <> 'idle'";
    assert_eq!(database.ask("postgres", open), "0");
    server.stop().await;
}

/// A query that takes longer than its source may is given up there, too.
#[tokio::test(flavor = "multi_thread")]
async fn queries_that_take_too_long_are_given_up() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = PostgreSql::start(data.path()) else { return };
    database.ask("postgres", &payments());
    let url = database.url("postgres");
    let sources = format!("[{{ name: shop, kind: postgresql, url: '{url}', timeout: 500ms }}]");
    let server = start(folder.path(), &sources).await;
    let slow = "SELECT 1 AS value, pg_sleep(600)::text AS s FROM payments WHERE ts >= :from AND ts < :until";
    let asked = json!({ "query": { "sql": slow, "source": "shop" }, "step": "1m", "from": NOON_MS - 60_000, "to": NOON_MS });
    let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
    assert!(status >= 400 && answer.to_string().contains("500ms"), "{status} {answer}");
    let begun = Instant::now();
    let running =
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lanner' AND state = 'active'";
    while database.ask("postgres", running) != "0" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the query still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}
