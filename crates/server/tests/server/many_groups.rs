//! More groups than a rule may have: what fits is judged, what does not is left out and said.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lanner_engine::stream::MAX_GROUPS;
use serde_json::{Value, json};

use crate::switching::{Running, start};

const N_TOO_MANY: usize = 150;

impl Running {
    /// Asks until what is there is as wanted.
    async fn metric(&self, name: &str) -> Option<f64> {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// What is said of a rule that left out groups, everywhere; its window held `n` of what is counted.
    async fn says(&self, rule: &str, what: &str) {
        let is_judged =
            |it: &Value| it["state"]["limit"].is_string() && it["state"]["states"]["normal"] == MAX_GROUPS;
        let shown = self.until(&format!("/api/v1/rules/{rule}"), is_judged).await;
        let limit = shown["state"]["limit"].as_str().unwrap();
        let expected = format!("more than {MAX_GROUPS} groups: {N_TOO_MANY} {what} of other groups");
        assert!(limit.starts_with(&expected) && limit.contains("narrow the query"), "{limit}");
        let is_told =
            |alert: &Value| alert["rule"] == "lanner:groups" && alert["labels"]["limited_rule"] == rule;
        self.until("/api/v1/alerts?rule=lanner:groups", |it| it.as_array().unwrap().iter().any(is_told))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_of_further_groups_are_left_out_by_name() {
    let running = start().await;
    let rule = json!({"id": "each", "query": {"series": "cpu", "measure": "last", "by": ["*"]}, "window": "1d", "every": "1s", "absolute": {"max": 5}});
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule]})).await;
    // Those that come later displace none that is known, though their names come first.
    for (name, n) in [("m", MAX_GROUPS), ("a", N_TOO_MANY)] {
        let mut lines = String::new();
        for n in 0..n {
            let _ = writeln!(lines, "cpu,host={name}{n} value=1");
        }
        running.text("/write", lines).await;
        running.until("/api/v1/rules/each", |it| it["state"]["states"]["normal"] == MAX_GROUPS).await;
    }
    running.says("each", "series").await;
    assert_eq!(running.metric("lanner_rule_left_out{rule=\"each\"}").await, Some(N_TOO_MANY as f64));
    // Others are changed meanwhile, and it goes with all that was said of it.
    let began = Instant::now();
    running.fine("DELETE", "/api/v1/rules/each", Value::Null).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    running.until("/api/v1/alerts", |alerts| alerts.as_array().unwrap().is_empty()).await;
    assert_eq!(running.metric("lanner_rule_left_out{rule=\"each\"}").await, None);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_further_groups_are_left_out_by_name_and_window() {
    let running = start().await;
    let rule = json!({"id": "wide", "query": {"stream": "s", "measure": "count", "by": ["k"]}, "window": "2s", "absolute": {"max": 5}});
    running.fine("POST", "/api/v1/apply", json!({"rules": [rule]})).await;
    let window_ms = (running.server.now_ms() / 2_000 + 1) * 2_000;
    let mut lines = String::new();
    for n in 0..MAX_GROUPS + N_TOO_MANY {
        let _ = writeln!(lines, r#"{{"k":"k{n}","time":{}}}"#, window_ms + 1);
    }
    running.text("/api/v1/events/s", lines).await;
    running.says("wide", "events").await;
    // Of a later window nothing is left out.
    running.until("/api/v1/rules/wide", |it| it["state"]["limit"].is_null()).await;
    running.server.stop().await;
}
