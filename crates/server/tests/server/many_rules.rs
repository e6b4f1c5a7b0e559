//! Very many rules: what a change costs, and how they are listed.

use serde_json::{Value, json};

use crate::switching::{Running, start, start_in};

pub(crate) fn rules(ids: std::ops::Range<usize>, max: u32) -> Value {
    let rule = |n| {
        json!({
            "id": format!("rule-{n:06}"), "window": "1h", "absolute": {"max": max}, "receivers": ["log"],
            "query": {"stream": format!("s{}", n % 5), "measure": "count", "where": format!("bank == \"b{n}\"")},
        })
    };
    ids.map(rule).collect()
}

impl Running {
    /// How many documents the store has read back so far.
    async fn n_read(&self) -> u64 {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("lanner_store_documents_read_total "));
        line.unwrap().parse().unwrap()
    }

    /// How many documents are read back for a change.
    async fn cost_of(&self, method: &str, path: &str, body: Value) -> u64 {
        let before = self.n_read().await;
        self.fine(method, path, body).await;
        self.n_read().await - before
    }
}

// One test, because the count is the whole process's.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_change_of_rules_costs_does_not_depend_on_how_many_others_there_are() {
    let running = start().await;
    let receivers = json!([{"name": "log", "kind": "webhook", "url": "http://127.0.0.1:9/"}]);
    running.fine("POST", "/api/v1/apply", json!({ "receivers": receivers })).await;
    running.fine("POST", "/api/v1/apply", json!({"rules": rules(0..1_000, 1)})).await;
    for (given, max) in [(1_000..1_010, 1), (0..10, 2), (0..10, 2)] {
        let n_read = running.cost_of("POST", "/api/v1/apply", json!({"rules": rules(given, max)})).await;
        assert!(n_read <= 40, "{n_read} documents were read to apply ten rules beside 1,000");
    }
    let n_read = running.cost_of("DELETE", "/api/v1/rules/rule-000003", Value::Null).await;
    assert!(n_read <= 5, "{n_read} documents were read to delete one rule of 1,000");
    // All of that is in force.
    let shown = running.fine("GET", "/api/v1/rules/rule-000004", Value::Null).await;
    assert_eq!((&shown["version"], &shown["state"]["version"]), (&json!(2), &json!(2)));
    let status = running.fine("GET", "/api/v1/status", Value::Null).await;
    assert_eq!(status["engine"]["rules"], 1_009, "{status}");
    let Running { server, folder, .. } = running;
    server.stop().await;

    // And after a start, where everything is read once.
    let running = start_in(folder).await;
    let status = running.fine("GET", "/api/v1/status", Value::Null).await;
    assert_eq!(status["engine"]["rules"], 1_009, "{status}");
    list_page_by_page(&running).await;
    running.server.stop().await;
}

async fn list_page_by_page(running: &Running) {
    let (mut path, mut seen) = (Some("/api/v1/rules?limit=100".to_owned()), Vec::new());
    while let Some(next) = path.take() {
        let answer = running.http.get(format!("{}{next}", running.url)).send().await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page: Vec<Value> = answer.json().await.unwrap();
        assert!(page.len() <= 100, "{} rules on a page of 100", page.len());
        assert_eq!(page.len() == 100 && seen.len() < 1_000, link.is_some(), "{link:?}");
        assert!(page.iter().all(|rule| rule["state"]["version"] == rule["version"]));
        seen.extend(page.iter().map(|rule| rule["id"].as_str().unwrap().to_owned()));
        path = link.map(|link| {
            let address = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            address.unwrap().to_owned()
        });
        // What comes and goes meanwhile, before and after, neither hides nor doubles anything.
        if seen.len() == 300 {
            running.fine("DELETE", "/api/v1/rules/rule-000000", Value::Null).await;
        }
    }
    assert_eq!(seen.len(), 1_009);
    assert!(seen.is_sorted_by(|a, b| a < b), "each once, in order of ids");
}
