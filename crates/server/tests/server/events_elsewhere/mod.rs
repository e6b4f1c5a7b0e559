//! Streams whose events lie in a real server elsewhere, which counts them: rules mean there what they mean here.

mod comparing;
mod conditions;
mod documents;
mod payments;
mod points;
mod rows;

use std::fmt::Write as _;

use lanner_core::Outcome;
use lanner_server::Server;
use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::asking::{NOON_MS, apply, evaluations, post, start_with, step};

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
