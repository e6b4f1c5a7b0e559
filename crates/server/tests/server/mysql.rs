//! Rules that ask a real MariaDB.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lanner_core::{Evaluation, Outcome};
use lanner_testkit::MariaDb;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start, step};
use crate::tls;

/// Seconds from noon, and banks.
fn paid() -> impl Iterator<Item = (i64, &'static str)> {
    (-3_600..1_200)
        .step_by(10)
        .flat_map(|at_s| std::iter::once((at_s, "hsbc")).chain((at_s < 300).then_some((at_s, "ing"))))
}

fn payments() -> String {
    let mut sql = String::from(
        "CREATE TABLE payments (at TIMESTAMP(3), day DATETIME, ms BIGINT UNSIGNED, bank VARCHAR(20), amount DECIMAL(10, 2), \
         flags BIT(12), never DATETIME) DEFAULT CHARSET utf8mb4; CREATE SEQUENCE numbers; \
         SET time_zone = '+00:00', sql_mode = ''; INSERT INTO payments VALUES ",
    );
    for (at, (at_s, bank)) in paid().enumerate() {
        let time_s = NOON_MS / 1_000 + at_s;
        let comma = if at == 0 { "" } else { "," };
        let time = format!("FROM_UNIXTIME({time_s})");
        let _ = write!(sql, "{comma}({time}, {time}, {time_s}000, '{bank}', 0.1, 258, '0000-00-00')");
    }
    sql
}

fn rule(id: &str, what: &str, rest: &str, by: &[&str]) -> Value {
    let sql = format!("SELECT {what} FROM payments WHERE {rest}");
    json!({ "id": id, "query": { "sql": sql, "source": "shop", "by": by }, "window": "1m", "absolute": { "min": 5 } })
}

/// A source, with what else is said of it.
fn source(name: &str, url: &str, more: &str) -> String {
    format!(
        "{{ name: {name}, kind: mysql, url: '{url}', auth: {{ username: lanner, password: secret }}{more} }}"
    )
}

const WINDOW: &str = "at >= :from AND at < :until";

fn values(evaluations: &[Evaluation], group: &str) -> Vec<Option<f64>> {
    evaluations.iter().filter(|it| it.group.to_string().contains(group)).map(|it| it.value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_a_source() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The server has another time zone than its clients.
    let Some(mut database) = MariaDb::start(data.path(), &["--default-time-zone=-05:00"]) else { return };
    // The payments of two banks, every ten seconds from an hour before noon on; those of the second end at five past noon.
    database.ask(&payments());
    let url = database.url();
    let wrong = "{ name: wrong, kind: mysql, url: 'URL', auth: { username: lanner, password: s3cret } }";
    let sources = [
        source("shop", &url, ""),
        source("other", &format!("{url}_else"), ""),
        source("away", "mysql://127.0.0.1:1/shop", ""),
        source("sealed", &url, ", tls: true"),
        wrong.replace("URL", &url),
    ];
    let server = start(folder.path(), &format!("[{}]", sources.join(", "))).await;
    let of = |source: &str| {
        let mut rule = rule(source, "count(*)", WINDOW, &[]);
        rule["query"]["source"] = source.into();
        rule
    };
    let ms = "ms >= UNIX_TIMESTAMP(:from) * 1000 AND ms < UNIX_TIMESTAMP(:until) * 1000";
    let rules = json!([
        rule("by-bank", "bank, count(*)", &format!("{WINDOW} GROUP BY bank"), &["bank"]),
        rule("decimal", "sum(amount) AS value, count(*) AS n", WINDOW, &[]),
        rule("local", "count(*)", "day >= :from AND day < :until", &[]),
        rule("milliseconds", "count(*)", ms, &[]),
        rule("kinds", "max(never) AS never, max(flags) AS bits, CAST(18446744073709551615 AS UNSIGNED) AS value", WINDOW, &["never", "bits"]),
        rule("nothing", "avg(amount)", &format!("{WINDOW} AND bank = 'x'':y'"), &[]),
        rule("several", "bank, count(*)", &format!("{WINDOW} GROUP BY bank"), &[]),
        rule("two-numbers", "sum(amount) AS total, count(*) AS n", WINDOW, &[]),
        rule("misspelled", "bunk", WINDOW, &[]),
        rule("writes", "nextval(numbers)", &format!("{WINDOW} LIMIT 1"), &[]),
        { "id": "many", "query": { "sql": "SELECT seq AS value, CONCAT('n', seq) AS n FROM seq_1_to_20000 WHERE now() >= :from OR now() < :until", "source": "shop", "by": ["n"] }, "window": "1m", "absolute": { "min": 5 } },
        of("other"),
        of("away"),
        of("sealed"),
        of("wrong"),
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
    assert_eq!(there, vec![Some(6.0); there.len()], "{:?}", of("by-bank"));
    assert_eq!(there, values(&of("embedded"), "hsbc"));
    let ing = values(&of("by-bank"), "ing");
    assert_eq!((ing[3], ing[4], ing.last()), (Some(6.0), Some(6.0), Some(&None)), "{ing:?}");
    let decimal = values(&of("decimal"), "");
    assert_eq!((decimal[3], decimal[9]), (Some(1.2), Some(0.6)), "{decimal:?}");
    for rule in ["local", "milliseconds"] {
        let found = values(&of(rule), "");
        assert_eq!((found[3], found[9]), (Some(12.0), Some(6.0)), "{rule}: {found:?}");
    }
    let kinds = of("kinds");
    let group = "{bits=\"258\",never=\"0000-00-00\"}";
    assert_eq!(
        (kinds[0].group.to_string().as_str(), kinds[0].value),
        (group, Some(u64::MAX as f64)),
        "{kinds:?}"
    );
    assert!(
        of("nothing").iter().all(|it| it.outcome == Outcome::NoData && it.value.is_none()),
        "{:?}",
        of("nothing")
    );

    for (rule, said) in [
        ("several", "by: [instance]"),
        ("two-numbers", "several numbers (total, n)"),
        ("misspelled", "Unknown column 'bunk'"),
        ("writes", "READ ONLY transaction"),
        ("many", "more than 10000 rows"),
        ("other", "Unknown database 'shop_else'"),
        ("away", "cannot reach the database"),
        ("sealed", "server does not have this capability"),
        ("wrong", "check the credentials of this source"),
    ] {
        // From five past noon on there is one bank.
        let first = of(rule).into_iter().next().unwrap();
        let reason = first.error.clone().unwrap_or_default();
        assert!(reason.contains(said) && first.outcome == Outcome::Error, "{rule}: {reason}");
        assert!(!reason.contains("s3cret"), "{reason}");
    }
    assert_eq!(database.ask("SELECT count(*) FROM information_schema.innodb_trx"), "0");

    // Connections that were ended meanwhile are noticed; a window is delayed, and not lost.
    database.kill();
    database.go_on();
    step(&server, 13 * 60).await;
    let after = values(&of("by-bank"), "hsbc");
    assert_eq!(after, vec![Some(6.0); there.len() + 2]);
    server.stop().await;
}

/// A query that takes longer than its source may is given up there, too.
#[tokio::test(flavor = "multi_thread")]
async fn queries_that_take_too_long_are_given_up() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = MariaDb::start(data.path(), &[]) else { return };
    let server = start(folder.path(), &source("shop", &database.url(), ", timeout: 500ms")).await;
    let slow = "SELECT SLEEP(600) AS value FROM dual WHERE :from < :until";
    let asked = json!({ "query": { "sql": slow, "source": "shop" }, "step": "1m", "from": NOON_MS - 60_000, "to": NOON_MS });
    let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
    assert!(status >= 400 && answer.to_string().contains("500ms"), "{status} {answer}");
    let begun = Instant::now();
    while database.ask(
        "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(%' AND user = 'lanner'",
    ) != "0"
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "the query still runs");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}

/// With TLS its certificate has to be one that is trusted, for this name.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified() {
    if !tls::has_openssl() {
        return;
    }
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["cert", "other"] {
        tls::make(data.path(), name);
    }
    let file = |name: &str| data.path().join(name).display().to_string();
    let (cert, key) = (format!("--ssl-cert={}", file("cert.pem")), format!("--ssl-key={}", file("cert.key")));
    let Some(database) = MariaDb::start(data.path(), &[&cert, &key, "--require-secure-transport=ON"]) else {
        return;
    };
    let url = database.url().replace("127.0.0.1", "localhost");
    let sources = [
        source("right", &url, &format!(", ca_file: '{}'", file("cert.ca.pem"))),
        source("stranger", &url, &format!(", ca_file: '{}'", file("other.ca.pem"))),
        source("unknown", &url, ", tls: true"),
        source("plain", &url, ""),
    ];
    let server = start(folder.path(), &format!("[{}]", sources.join(", "))).await;
    for (source, part) in [
        ("right", None),
        ("stranger", Some("certificate")),
        ("unknown", Some("certificate")),
        // MariaDB says no more than that.
        ("plain", Some("Access denied")),
    ] {
        let sql = "SELECT 7 AS value FROM dual WHERE :from < :until";
        let asked = json!({ "query": { "sql": sql, "source": source }, "step": "1m", "from": NOON_MS - 60_000, "to": NOON_MS });
        let (status, answer) = post(&server, "/api/v1/query", asked.to_string()).await;
        match part {
            None => assert_eq!(status, 200, "{answer}"),
            Some(part) => {
                assert!(status >= 400 && answer.to_string().contains(part), "{source}: {status} {answer}");
            }
        }
    }
    server.stop().await;
}
