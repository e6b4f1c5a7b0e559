//! What keeps people from being notified, over the API of a running server: times that recur, regular expressions, and

//! acknowledgement.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use lanner_core::time::parse_time_ms;
use lanner_io::receiver::Power;
use lanner_server::Clock;
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

/// A server whose clock shows `now` until somebody puts it on, and whose receivers may write files.
async fn start_at(now: &str) -> Running {
    let now_ms = parse_time_ms(now).unwrap();
    start_with(tempfile::tempdir().unwrap(), |settings| {
        settings.allow.extend([Power::Log, Power::File]);
        settings.clock = Clock::stepped(now_ms);
    })
    .await
}

impl Running {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A receiver that writes to a file, at once, and the fields in `more`.
    fn receiver(&self, name: &str, more: &Value) -> Value {
        let mut receiver = json!({
            "name": name, "kind": "log", "path": self.file(name), "group_by": ["bank"],
            "group_wait": "0s", "group_interval": "0s", "repeat": "never",
        });
        receiver.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        receiver
    }
}

/// The messages in a file, one a line, once there are `n` of them.
async fn told(path: &Path, n: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if lines.len() >= n {
            return lines;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{}: {n} messages never came: {text}",
            path.display()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The titles of messages.
fn titles(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["title"].as_str().unwrap()).collect()
}

fn rule(receivers: &[&str]) -> Value {
    json!({
        "id": "floor", "query": {"stream": "payments", "measure": "count", "by": ["bank"]}, "window": "1m",
        "absolute": {"max": 0}, "receivers": receivers,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_muted_at_night_is_told_in_the_morning() {
    let running = start_at("2026-01-05T21:59:30Z").await; // a Monday
    running
        .fine(
            "POST",
            "/api/v1/apply",
            json!({
                "time_intervals": [{"name": "nights", "times": "22:00-06:00", "tz": "Europe/London"}],
                "rules": [rule(&["pager", "mail"])],
                "receivers": [
                    running.receiver("pager", &json!({"mute_time_intervals": ["nights"]})),
                    running.receiver("mail", &json!({})),
                ],
            }),
        )
        .await;
    let maintenance = json!({
        "matchers": ["bank=~\"ing|abn\""], "every": ["tue 02:00-04:00 Europe/London"], "comment": "weekly",
    });
    let silence = running.fine("POST", "/api/v1/silences", maintenance).await;
    assert_eq!(
        (&silence["status"], &silence["end"], &silence["changes"]),
        (&json!("pending"), &Value::Null, &json!("2026-01-06T02:00:00Z"))
    );
    let event =
        |time: &str, bank: &str| json!({"time": parse_time_ms(time).unwrap(), "bank": bank}).to_string();
    running.text("/api/v1/events/payments", event("2026-01-05T22:00:10Z", "hsbc")).await;
    running.step_to("2026-01-05T22:01:30Z").await;
    assert_eq!(titles(&told(&running.file("mail"), 1).await), ["FIRING floor {bank=\"hsbc\"}"]);
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    assert_eq!(
        alerts[0]["muted"],
        json!([{"by": "nights", "receiver": "pager", "until": "2026-01-06T06:00:00Z"}])
    );
    let receivers = running.fine("GET", "/api/v1/receivers", Value::Null).await;
    let muted = |name: &str| {
        receivers.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap()["muted"].clone()
    };
    assert_eq!((&muted("pager")["until"], &muted("mail")), (&json!("2026-01-06T06:00:00Z"), &Value::Null));

    // A silence that recurs mutes everybody for its time.
    for time in ["2026-01-05T22:03:30Z", "2026-01-05T23:00:30Z", "2026-01-06T02:29:30Z"] {
        running.step_to(time).await;
    }
    running.text("/api/v1/events/payments", event("2026-01-06T02:30:10Z", "ing")).await;
    running.step_to("2026-01-06T02:31:30Z").await;
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    let by: Vec<&str> =
        alerts[0]["muted"].as_array().unwrap().iter().map(|it| it["by"].as_str().unwrap()).collect();
    let id = silence["id"].as_str().unwrap();
    assert_eq!(by, [format!("silence {id}").as_str(), "nights"], "{alerts}");
    assert_eq!(alerts[0]["silenced_by"], json!([id]));

    // What begins shortly before the morning lasts until it.
    running.step_to("2026-01-06T05:58:30Z").await;
    for second in 0..3 {
        let time = format!("2026-01-06T05:5{}:10Z", 8 + second / 2);
        running.text("/api/v1/events/payments", event(&time, "late")).await;
    }
    running.step_to("2026-01-06T05:59:30Z").await;
    running.step_to("2026-01-06T06:00:00Z").await;
    let morning = told(&running.file("pager"), 1).await;
    assert_eq!(titles(&morning), ["FIRING floor {bank=\"late\"}"]);
    assert_eq!(morning[0]["created"], "2026-01-06T06:00:00Z");
    running.server.stop().await;
}

/// A receiver that counts what it refuses, and takes everything once it is told to.
async fn refusing() -> (String, Arc<AtomicBool>, Arc<Mutex<Vec<Value>>>) {
    let (takes, heard) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<Value>>>::default());
    let (is_open, said) = (Arc::clone(&takes), Arc::clone(&heard));
    let answer = move |body: String| {
        said.lock().unwrap().push(serde_json::from_str(&body).unwrap());
        let status =
            if is_open.load(Ordering::Relaxed) { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        std::future::ready(status)
    };
    let router = axum::Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, takes, heard)
}

/// Nobody's telephone rings at night as it was out of reach in the evening.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_taken_before_the_night_waits_for_the_morning() {
    let (url, takes, heard) = refusing().await;
    let running = start_at("2026-01-05T21:57:30Z").await;
    let document = |timeout: &str| {
        json!({
            "time_intervals": [{"name": "nights", "times": "22:00-06:00", "tz": "Europe/London"}],
            "rules": [{
                "id": "floor", "query": {"stream": "payments", "measure": "count"}, "window": "1m", "absolute": {"min": 1},
                "receivers": ["pager"],
            }],
            "receivers": [{
                "name": "pager", "kind": "webhook", "url": url, "mute_time_intervals": ["nights"], "group_wait": "0s",
                "group_interval": "0s", "repeat": "never", "timeout": timeout,
            }],
        })
    };
    running.fine("POST", "/api/v1/apply", document("8s")).await;
    running.step_to("2026-01-05T21:59:30Z").await;
    running.until("/api/v1/outbox", |all| all[0]["attempts"].as_u64() == Some(1)).await;
    running.step_to("2026-01-05T22:30:30Z").await;
    takes.store(true, Ordering::Relaxed);
    // A change has its worker look again, as it would after a while.
    running.fine("POST", "/api/v1/apply", document("9s")).await;
    let taken_back = |all: &Value| all.to_string().contains("muted until 2026-01-06T06:00:00Z");
    running.until("/api/v1/outbox", taken_back).await;
    assert_eq!(heard.lock().unwrap().len(), 1);
    running.step_to("2026-01-06T06:00:00Z").await;
    running.until("/api/v1/outbox?status=sent", |all| all.as_array().unwrap().len() == 1).await;
    let heard = heard.lock().unwrap().clone();
    assert_eq!((heard.len(), &heard[1]["status"]), (2, &json!("firing")), "{heard:?}");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn matchers_with_expressions_choose_in_every_place() {
    let running = start_at("2026-01-05T12:00:30Z").await;
    let post = |document: Value| running.ask("POST", "/api/v1/apply", document);
    running
        .fine(
            "POST",
            "/api/v1/apply",
            json!({
                "rules": [rule(&["plain", "map", "text", "list", "not"])],
                "receivers": [
                    running.receiver("plain", &json!({})),
                    running.receiver("map", &json!({"only": {"bank": "/a.*/"}})),
                    running.receiver("text", &json!({"only": "bank=~\"a\""})), // the whole value
                    running.receiver("list", &json!({"only": ["bank=~\"a.+|c\"", "rule=\"floor\""]})),
                    running.receiver("not", &json!({"only": "bank!~\"a.*\""})),
                ],
                "inhibit": [{"source": "bank=~\"s[0-9]\"", "target": {"bank": "/t.*/"}, "equal": ["rule"]}],
            }),
        )
        .await;
    let silence =
        json!({"matchers": ["bank=~\"quiet.*\"", "bank!~\".*loud\""], "duration": "1h", "comment": "x"});
    running.fine("POST", "/api/v1/silences", silence).await;
    for bank in ["a", "ab", "c", "quiet", "quietloud", "s1", "t1"] {
        let event = json!({"time": parse_time_ms("2026-01-05T12:01:10Z").unwrap(), "bank": bank});
        running.text("/api/v1/events/payments", event.to_string()).await;
    }
    running.step_to("2026-01-05T12:02:30Z").await;
    for (name, expected) in [
        ("plain", &["a", "ab", "c", "quietloud", "s1"][..]),
        ("map", &["a", "ab"]),
        ("text", &["a"]),
        ("list", &["ab", "c"]),
        ("not", &["c", "quietloud", "s1"]),
    ] {
        let messages = told(&running.file(name), expected.len()).await;
        let mut banks: Vec<&str> = messages.iter().map(|it| it["group"]["bank"].as_str().unwrap()).collect();
        banks.sort_unstable();
        assert_eq!(banks, expected, "{name}");
    }
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    let inhibited = alerts.as_array().unwrap().iter().find(|alert| alert["group"]["bank"] == "t1").unwrap();
    assert_eq!(inhibited["muted"][0]["by"], "an inhibition");

    // One that is none is refused by name, wherever it stands.
    let refused = |answer: (u16, Value), parts: &[&str]| {
        assert_eq!(answer.0, 422, "{}", answer.1);
        let text = answer.1.to_string();
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
    };
    let only = json!({"receivers": [running.receiver("bad", &json!({"only": "bank=~\"(\""}))]});
    refused(post(only).await, &["only", "\\\"(\\\"", "bank"]);
    let inhibit = json!({"inhibit": [{"source": {"bank": "/[/"}, "target": "bank=b"}]});
    refused(post(inhibit).await, &["inhibit[0].source", "[", "bank"]);
    let silence = json!({"matchers": ["bank=~\"*\""], "duration": "1h", "comment": "x"});
    refused(running.ask("POST", "/api/v1/silences", silence).await, &["matchers", "*", "bank"]);
    // One that would take another engine minutes is answered at once.
    let began = Instant::now();
    let silence = json!({"matchers": ["bank=~\"(a*)*(a*)*(a*)*b\""], "duration": "1h", "comment": "x"});
    running.fine("POST", "/api/v1/silences", silence).await;
    let event = json!({"time": parse_time_ms("2026-01-05T12:02:40Z").unwrap(), "bank": "a".repeat(200)});
    running.text("/api/v1/events/payments", event.to_string()).await;
    running.step_to("2026-01-05T12:03:30Z").await;
    told(&running.file("plain"), 6).await;
    assert!(began.elapsed() < Duration::from_secs(20));
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_is_taken_on_is_not_repeated_until_that_ends() {
    let running = start_at("2026-01-05T12:00:30Z").await;
    let fast = json!({"repeat": "10s", "group_by": ["rule"]});
    running
        .fine(
            "POST",
            "/api/v1/apply",
            json!({
                "rules": [{
                    "id": "quiet", "query": {"stream": "payments", "measure": "count"}, "window": "1m",
                    "absolute": {"min": 1}, "receivers": ["pager"],
                }],
                "receivers": [running.receiver("pager", &fast)],
            }),
        )
        .await;
    let time = |at: &str| json!(format!("2026-01-05T{at}Z"));
    running.step_to("2026-01-05T12:02:15Z").await;
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    let path = format!("/api/v1/alerts/{}/ack", alerts[0]["fingerprint"].as_str().unwrap());
    told(&running.file("pager"), 1).await;
    running.step_to("2026-01-05T12:02:26Z").await;
    let n_before = told(&running.file("pager"), 2).await.len();
    let both = json!({"duration": "1h", "until": "2026-01-05T13:00:00Z"});
    assert_eq!(running.ask("POST", &path, both).await.0, 422);
    assert_eq!(running.ask("POST", &path, json!({"duration": "soon"})).await.0, 422);
    assert_eq!(running.ask("POST", &path, json!({"until": "2026-01-05T12:00:00Z"})).await.0, 422);
    running.fine("POST", &path, json!({"author": "ann", "comment": "on it", "duration": "1m"})).await;
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    assert_eq!(
        (&alerts[0]["acknowledged"]["author"], &alerts[0]["acknowledged"]["until"]),
        (&json!("ann"), &time("12:03:26"))
    );
    running.step_to("2026-01-05T12:03:25Z").await;
    assert_eq!(told(&running.file("pager"), n_before).await.len(), n_before);
    running.step_to("2026-01-05T12:03:27Z").await;
    let messages = told(&running.file("pager"), n_before + 1).await;
    assert_eq!(
        (&messages[n_before]["created"], &messages[n_before]["repeat"]),
        (&time("12:03:27"), &json!(true))
    );
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    assert_eq!(alerts[0].get("acknowledged"), None);

    // Without an end, until the alert ends; and that is told.
    running.fine("POST", &path, json!({"author": "bob"})).await;
    running.step_to("2026-01-05T12:03:59Z").await;
    let event = json!({"time": parse_time_ms("2026-01-05T12:04:10Z").unwrap()});
    running.text("/api/v1/events/payments", event.to_string()).await;
    running.step_to("2026-01-05T12:05:30Z").await;
    let messages = told(&running.file("pager"), n_before + 2).await;
    assert_eq!(titles(&messages[n_before + 1..]), ["RESOLVED quiet"]);
    running.step_to("2026-01-05T12:06:30Z").await;
    let messages = told(&running.file("pager"), n_before + 3).await;
    assert_eq!(messages[n_before + 2]["title"], "FIRING quiet");
    let alerts = running.fine("GET", "/api/v1/alerts", Value::Null).await;
    assert_eq!(alerts[0].get("acknowledged"), None);
    running.server.stop().await;
}
