//! Streams whose events lie in a real database, which counts them: rules mean there what they mean here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lanner_core::Outcome;
use lanner_server::Server;
use lanner_testkit::{MariaDb, PostgreSql};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start_with, step};

/// One event, and one row.
#[derive(Debug, Clone)]
struct Payment {
    /// Microseconds since noon.
    at_us: i64,
    bank: Option<String>,
    country: Option<String>,
    n: Option<i64>,
    m: Option<i64>,
    ratio: Option<f64>,
    /// In quarters.
    amount: Option<i64>,
    ok: Option<bool>,
}

/// Texts that databases like to confuse: by case, by blanks at the end, by accents, as patterns.
const TEXTS: &[&str] = &["hsbc", "HSBC", "hs", "", "a", "a ", "é", "e", "Z", "%", "_", "5"];
/// Whole numbers, some of which floating-point numbers confuse.
const WHOLE: &[i64] = &[-2, -1, 0, 1, 2, 5, 9_007_199_254_740_992, 9_007_199_254_740_993];
/// Numbers whose sums are exact.
const FLOATS: &[f64] = &[-2.25, -1.0, 0.0, 0.5, 1.0, 2.0, 1e10];

fn payments() -> impl Strategy<Value = Vec<Payment>> {
    let text = || prop::option::weighted(0.8, prop::sample::select(TEXTS).prop_map(str::to_owned));
    let whole = || prop::option::weighted(0.8, prop::sample::select(WHOLE));
    let ratio = prop::option::weighted(0.8, prop::sample::select(FLOATS));
    let amount = prop::option::weighted(0.8, -8..8_i64);
    let ok = prop::option::weighted(0.8, any::<bool>());
    let payment = (0..600_000_000_i64, text(), text(), whole(), whole(), ratio, amount, ok);
    let payment = payment.prop_map(|(at_us, bank, country, n, m, ratio, amount, ok)| Payment {
        at_us,
        bank,
        country,
        n,
        m,
        ratio,
        amount,
        ok,
    });
    prop::collection::vec(payment, 300)
}

impl Payment {
    /// As an event.
    ///
    /// - `truth`: how a truth value is written
    fn event(&self, truth: impl Fn(bool) -> Value) -> Value {
        json!({
            "time": NOON_MS + self.at_us.div_euclid(1_000),
            "bank": self.bank,
            "country": self.country,
            "n": self.n,
            "m": self.m,
            "ratio": self.ratio,
            "amount": self.amount.map(|quarters| quarters as f64 / 4.0),
            "ok": self.ok.map(truth),
        })
    }

    /// As a row: how it stands in SQL, whose texts escape a quote by another.
    fn row(&self, time: &str) -> String {
        fn of<T>(value: Option<&T>, shown: impl Fn(&T) -> String) -> String {
            value.map_or_else(|| "NULL".to_owned(), shown)
        }
        let text = |text: &String| format!("'{}'", text.replace('\'', "''"));
        format!(
            "({time}, {}, {}, {}, {}, {}, {}, {})",
            of(self.bank.as_ref(), text),
            of(self.country.as_ref(), text),
            of(self.n.as_ref(), i64::to_string),
            of(self.m.as_ref(), i64::to_string),
            of(self.ratio.as_ref(), |ratio| format!("{ratio:e}")),
            of(self.amount.as_ref(), |quarters| (*quarters as f64 / 4.0).to_string()),
            of(self.ok.as_ref(), bool::to_string),
        )
    }
}

/// Conditions over the columns of the table, as far as they can be counted elsewhere.
///
/// - `with_truth`: whether the table has truth values
fn conditions(with_truth: bool) -> BoxedStrategy<String> {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let text = move || prop::sample::select(TEXTS).prop_map(quoted);
    let texts = prop::sample::select(vec!["bank", "country"]).boxed();
    let wholes = prop::sample::select(vec!["n", "m"]).boxed();
    let floats = prop::sample::select(vec!["ratio", "amount"]).boxed();
    let compared = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]).boxed();
    let found = prop::sample::select(vec!["contains", "startswith", "endswith"]).boxed();
    let is_in = prop::sample::select(vec!["in", "not in"]).boxed();
    let number = prop_oneof![
        prop::sample::select(&WHOLE[..7]).prop_map(|number| number.to_string()),
        prop::sample::select(FLOATS).prop_map(|number| format!("{number:?}")),
    ]
    .boxed();
    let any_field = prop::sample::select(vec!["bank", "n", "ratio", "amount"]).boxed();
    let of_texts = prop_oneof![
        (texts.clone(), compared.clone(), text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts.clone(), found, text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (texts.clone(), is_in.clone(), text(), text())
            .prop_map(|(a, op, b, c)| format!("{a} {op} ({b}, {c})")),
        (texts.clone(), is_in.clone(), text()).prop_map(|(a, op, b)| format!("{a} {op} ({b}, null)")),
        (texts.clone(), text()).prop_map(|(a, b)| format!("{b} not in {a}")),
        (texts.clone(), compared.clone(), 0..5_i64).prop_map(|(a, op, n)| format!("len({a}) {op} {n}")),
        prop::sample::select(vec!["<", "<=", ">", ">="]).prop_map(|op| format!("bank {op} val(country)")),
        texts.prop_map(|a| format!("{a} contains val(bank)")),
    ];
    let of_numbers = prop_oneof![
        (wholes.clone(), compared.clone(), number.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (wholes, is_in, number.clone()).prop_map(|(a, op, b)| format!("{a} {op} ({b}, 9007199254740993)")),
        compared.clone().prop_map(|op| format!("n {op} val(m)")),
        (floats, compared, number).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
    ];
    let of_any = prop_oneof![
        any_field.clone().prop_map(|a| format!("{a} == null")),
        any_field.clone().prop_map(|a| format!("{a} != null")),
        any_field.clone().prop_map(str::to_owned),
        any_field.prop_map(|a| format!("{a} exists")),
    ];
    let of_truth =
        prop::sample::select(vec!["ok", "ok == true", "ok != true", "ok == null", "ok in (false, null)"]);
    let atom = if with_truth {
        prop_oneof![4 => of_texts, 3 => of_numbers, 1 => of_any, 1 => of_truth.prop_map(str::to_owned)]
            .boxed()
    } else {
        prop_oneof![4 => of_texts, 3 => of_numbers, 1 => of_any].boxed()
    };
    atom.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
    .boxed()
}

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

/// What a query comes to: of each group the values, step by step.
async fn asked(
    server: &Server,
    query: &Value,
    step: &str,
) -> Result<BTreeMap<String, Vec<Option<f64>>>, Value> {
    let asked = json!({ "query": query, "step": step, "from": NOON_MS, "to": NOON_MS + 600_000 });
    let (status, answer) = post(server, "/api/v1/query", asked.to_string()).await;
    if status != 200 {
        return Err(answer);
    }
    let series = answer["series"].as_array().unwrap().iter();
    let values = |series: &Value| series["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
    Ok(series.map(|series| (series["labels"].to_string(), values(series))).collect())
}

/// Whether both came to the same, but for the last bits of what was added up in another order.
fn are_alike(a: &BTreeMap<String, Vec<Option<f64>>>, b: &BTreeMap<String, Vec<Option<f64>>>) -> bool {
    let is_alike = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * a.abs().max(b.abs()),
        (a, b) => a.is_none() && b.is_none(),
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|((group, a), (other, b))| {
            group == other && a.len() == b.len() && a.iter().zip(b).all(is_alike)
        })
}

/// Asks the same of events here and there, many times.
async fn compare(server: &Server, runner: &mut TestRunner, with_truth: bool) {
    let conditions = conditions(with_truth);
    let by: &[&[&str]] = if with_truth {
        &[&[], &["bank"], &["country", "n"], &["ok"]]
    } else {
        &[&[], &["bank"], &["country", "n"]]
    };
    let cases = (conditions, prop::sample::select(MEASURES), prop::sample::select(by));
    for at in 0..200 {
        let (condition, measure, by) = cases.new_tree(runner).unwrap().current();
        let query = |stream: &str| {
            let mut query = json!({ "stream": stream, "measure": measure, "by": by });
            if at % 10 != 0 {
                query["where"] = condition.as_str().into();
            }
            query
        };
        let step = if at % 3 == 0 { "10m" } else { "1m" };
        let (here, there) =
            (asked(server, &query("here"), step).await, asked(server, &query("there"), step).await);
        let (here, there) = (here.unwrap(), there.unwrap_or_else(|why| panic!("{}: {why}", query("there"))));
        assert!(are_alike(&here, &there), "{}\nhere:  {here:?}\nthere: {there:?}", query("there"));
    }
}

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
    compare(&server, &mut runner, true).await;
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
    compare(&server, &mut runner, false).await;
    server.stop().await;
}

/// Payments of two banks, every ten seconds from an hour before noon on; those of the second end at five past noon.
fn table() -> String {
    let mut sql = String::from(
        "CREATE TABLE payments (ts timestamptz, bank text, amount numeric, \"order\" point); INSERT INTO payments VALUES ",
    );
    for at_s in (-3_600..1_200).step_by(10) {
        let comma = if at_s == -3_600 { "" } else { "," };
        let time_s = NOON_MS / 1_000 + at_s;
        let _ = write!(sql, "{comma}(to_timestamp({time_s}), 'hsbc', 2.5, NULL)");
        if at_s < 300 {
            let _ = write!(sql, ",(to_timestamp({time_s}), 'ing', 1, NULL)");
        }
    }
    sql
}

fn rule(id: &str, query: Value) -> Value {
    let mut query = query;
    query.as_object_mut().unwrap().entry("stream").or_insert("payments".into());
    json!({ "id": id, "query": query, "window": "1m", "absolute": { "min": 5 } })
}

/// What is wrong with a rule, as applying it says.
async fn refused(server: &Server, rule: Value) -> String {
    let (status, answer) = post(server, "/api/v1/apply", json!({ "rules": [rule] }).to_string()).await;
    assert_eq!(status, 422, "{answer}");
    answer.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_on_events_elsewhere() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(database) = PostgreSql::start(data.path()) else { return };
    database.ask("postgres", &table());
    let sources = format!("{{ name: shop, kind: postgresql, url: '{}' }}", database.url("postgres"));
    let streams = "{ payments: { source: shop, table: payments, time: ts }, \
                   gone: { source: shop, table: shop.gone, time: ts }, timeless: { source: shop, table: payments, time: bank } }";
    let server = start_with(folder.path(), &sources, streams, NOON_MS).await;
    let rules = vec![
        rule("banks", json!({ "measure": "count", "by": ["bank"] })),
        rule("same", json!({ "measure": "count", "by": ["bank"] })),
        rule("large", json!({ "measure": "sum(amount)", "where": "amount > 2" })),
        rule(
            "share",
            json!({
                "formula": "large / all", "by": ["bank"],
                "of": {
                    "large": { "stream": "payments", "measure": "count", "where": "amount > 2" },
                    "all": { "stream": "payments", "measure": "count" },
                },
            }),
        ),
        json!({ "id": "drop", "query": { "stream": "payments", "measure": "count" }, "window": "5m",
                "relative": { "to": "10m", "drop": "20%" } }),
        rule("misspelled", json!({ "measure": "sum(amuont)" })),
        rule("quoted", json!({ "measure": "count", "where": "amount == \"2\"" })),
        rule("point", json!({ "measure": "count", "by": ["order"] })),
        rule("gone", json!({ "stream": "gone", "measure": "count" })),
        rule("timeless", json!({ "stream": "timeless", "measure": "count" })),
        rule("embedded", json!({ "stream": "here", "measure": "count" })),
    ];
    let mut rules = rules;
    rules[3]["query"].as_object_mut().unwrap().remove("stream");
    apply(&server, rules.clone().into()).await;
    step(&server, 20 * 60 + 50).await;
    let values = |id: &str, group: &str| -> Vec<Option<f64>> {
        let found = evaluations(&server, Some(id));
        found.iter().filter(|it| it.group.to_string().contains(group)).map(|it| it.value).collect()
    };
    for id in ["banks", "same"] {
        assert_eq!(values(id, "hsbc"), [Some(6.0); 20], "{id}");
        // Counted as nothing after the last.
        assert_eq!(values(id, "ing"), [[Some(6.0); 5].as_slice(), &[Some(0.0); 15]].concat(), "{id}");
    }
    assert_eq!(values("large", ""), [Some(15.0); 20]);
    assert_eq!(values("share", "hsbc"), [Some(1.0); 20]);
    assert_eq!(values("share", "ing")[..5], [Some(0.0); 5]);
    let drops: Vec<Outcome> = evaluations(&server, Some("drop")).iter().map(|it| it.outcome).collect();
    assert_eq!(drops, [Outcome::Normal, Outcome::Breach, Outcome::Breach, Outcome::Normal]);
    for (id, said) in [
        ("misspelled", "payments has no column `amuont`; did you mean `amount`?"),
        ("quoted", "`amount` is a decimal, and \\\"2\\\" is none; write 2 without quotes"),
        ("point", "`order` is of the type point, and its values form no groups"),
        ("gone", "does not exist"),
        ("timeless", "`bank` is a text, and no time"),
    ] {
        let found = evaluations(&server, Some(id));
        assert!(!found.is_empty() && found.iter().all(|it| it.outcome == Outcome::Error), "{id}: {found:?}");
        let reason = found[0].error.clone().unwrap_or_default();
        assert!(reason.contains(&said.replace("\\\"", "\"")), "{id}: {reason}");
    }
    check_replay(&server, &rules[0]).await;
    check_refusals(&server).await;
    server.stop().await;
}

/// A replay asks the same, and comes to the same.
async fn check_replay(server: &Server, rule: &Value) {
    let asked = json!({ "rules": [rule], "from": NOON_MS, "to": NOON_MS + 600_000 });
    let (status, answer) = post(server, "/api/v1/replay", asked.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    let found: Vec<Value> = answer["evaluations"].as_array().unwrap().clone();
    let of = |group: &str| -> Vec<f64> {
        let values =
            found.iter().filter(|it| it["group"]["bank"] == group).map(|it| it["value"].as_f64().unwrap());
        values.collect()
    };
    assert_eq!((of("hsbc"), of("ing")), (vec![6.0; 10], [[6.0; 5], [0.0; 5]].concat()));
}

/// What has another meaning there is refused when it is applied, by name.
async fn check_refusals(server: &Server) {
    let counted = |condition: &str| rule("a", json!({ "measure": "count", "where": condition }));
    for (rule, said) in [
        (counted("bank =~ \"h.*\""), "regular expressions mean something else in PostgreSQL"),
        (counted("bank glob \"h*\""), "PostgreSQL has nothing that means the same"),
        (counted("bank == \"10.0.0.0/8\""), "that is a network"),
        (counted("semver(bank) < \"1.2.0\""), "has no function that means the same"),
        (
            json!({ "id": "a", "query": { "stream": "payments", "measure": "count" }, "window": "1m", "new": { "field": "bank", "over": "1d" } }),
            "looks at every value that was seen",
        ),
        (
            json!({ "id": "a", "query": { "formula": "x / y", "of": {
                "x": { "stream": "payments", "measure": "count" }, "y": { "stream": "here", "measure": "count" } } },
                "window": "1m", "absolute": { "min": 1 } }),
            "its measures lie in several places",
        ),
    ] {
        let why = refused(server, rule).await;
        assert!(why.contains("rules.a.query") && why.contains(said), "{why}");
    }
    // Processors neither see nor make such events.
    for (processor, said) in [
        (
            json!({ "id": "p", "stream": "payments", "parse": { "as": "json" } }),
            "looks at the events of payments",
        ),
        (json!({ "id": "p", "stream": "here", "copy": { "to": "payments" } }), "makes events of payments"),
        (json!({ "id": "p", "stream": "here", "sessions": { "into": "gone" } }), "makes events of gone"),
    ] {
        let body = json!({ "processors": [processor] }).to_string();
        let (status, answer) = post(server, "/api/v1/apply", body).await;
        assert_eq!(status, 422, "{answer}");
        let said = format!("{said}, which lie elsewhere and never come here");
        assert!(answer.to_string().contains(&said), "{answer}");
    }
    // Whoever sends events of such a stream is told, in whatever form they come.
    let log = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "paid" } }] }] }] });
    for (path, body) in
        [("/api/v1/events/payments", json!({ "bank": "hsbc" })), ("/v1/logs?stream=payments", log.clone())]
    {
        let (status, answer) = post(server, path, body.to_string()).await;
        assert_eq!(status, 400, "{path}: {answer}");
        assert!(answer.to_string().contains("lie in the source shop"), "{answer}");
    }
    assert_eq!(post(server, "/v1/logs?stream=here", log.to_string()).await.0, 200);
}
