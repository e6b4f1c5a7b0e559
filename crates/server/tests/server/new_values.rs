//! Values that were never seen before, in a running server: the stored past teaches, a restart forgets nothing, late
//! events count as seen, and a replay says the same.

use std::collections::BTreeSet;

use lanner_core::time::{format_time, parse_time_ms};
use lanner_io::store::EvaluationFilter;
use lanner_server::Clock;
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

async fn start_at(folder: tempfile::TempDir, now: &str) -> Running {
    let now_ms = parse_time_ms(now).unwrap();
    start_with(folder, |settings| settings.clock = Clock::stepped(now_ms)).await
}

impl Running {
    async fn login(&self, time: &str, country: &str) {
        let event = json!({"time": parse_time_ms(time).unwrap(), "country": country});
        self.text("/api/v1/events/logins", event.to_string()).await;
    }

    /// What was said of countries that were seen, by the end of the window.
    fn said(&self) -> BTreeSet<(String, String, String)> {
        let filter = EvaluationFilter { limit: 10_000, ..EvaluationFilter::default() };
        let all = self.server.store().evaluations(&filter).unwrap();
        let seen = all.into_iter().filter(|it| it.value.is_some_and(|value| value > 0.0));
        seen.map(|it| {
            let country = it.group.labels().get("country").unwrap_or_default().to_owned();
            (format_time(it.window.end_ms)[11..16].to_owned(), country, it.outcome.name().to_owned())
        })
        .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_was_never_seen_is_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    let running = start_at(folder, "2026-01-05T12:00:30Z").await;
    // What was stored before the rule was known counts as seen, also if it is older than the window by far.
    for (time, country) in [("2026-01-05T06:00:00Z", "NO"), ("2026-01-05T11:59:00Z", "SE")] {
        running.login(time, country).await;
    }
    let rule = json!({
        "id": "country", "query": {"stream": "logins", "measure": "count"}, "window": "1m",
        "new": {"field": "country", "over": "8h", "learn": "1h"}, "content": "{{ value }} from {{ country }}",
    });
    running.fine("POST", "/api/v1/apply", json!({ "rules": [rule] })).await;
    for country in ["NO", "SE", "DK"] {
        running.login("2026-01-05T12:01:10Z", country).await;
    }
    running.step_to("2026-01-05T12:02:20Z").await;
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    let contents: Vec<&Value> = alerts.as_array().unwrap().iter().map(|alert| &alert["content"]).collect();
    assert_eq!(contents, ["1 from DK"]);
    running.step_to("2026-01-05T12:03:20Z").await;
    assert_eq!(running.fine("GET", "/api/v1/alerts", Value::Null).await, json!([]));

    // A restart: what was seen is seen.
    let Running { server, folder, .. } = running;
    server.stop().await;
    let running = start_at(folder, "2026-01-05T12:03:22Z").await;
    running.login("2026-01-05T08:00:00Z", "FI").await; // hours late, and seen from now on
    for country in ["DK", "FI", "IS"] {
        running.login("2026-01-05T12:04:10Z", country).await;
    }
    running.step_to("2026-01-05T12:05:20Z").await;
    let said = running.said();
    let at =
        |time: &str, country: &str, outcome: &str| (time.to_owned(), country.to_owned(), outcome.to_owned());
    let expected = [
        at("12:02", "DK", "breach"),
        at("12:02", "NO", "normal"),
        at("12:02", "SE", "normal"),
        at("12:05", "DK", "normal"),
        at("12:05", "FI", "normal"),
        at("12:05", "IS", "breach"),
    ];
    assert_eq!(said.iter().cloned().collect::<Vec<_>>(), expected);

    let ask = json!({"rules": [rule], "from": "2026-01-05T12:01:00Z", "to": "2026-01-05T12:05:20Z"});
    let replay = running.fine("POST", "/api/v1/replay", ask).await;
    let replayed: BTreeSet<(String, String, String)> = replay["evaluations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["value"].as_f64().is_some_and(|value| value > 0.0))
        .map(|it| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (
                text(&it["window"]["end"])[11..16].to_owned(),
                text(&it["group"]["country"]),
                text(&it["outcome"]),
            )
        })
        .collect();
    assert_eq!(replayed, said);
    running.server.stop().await;
}
