//! What a client believes of those who answer in the server's place, and how it behaves towards them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use lanner_client::{Options, Snapshot, Switches};
use lanner_core::time::{DAY_MS, HOUR_MS, format_time};
use lanner_io::receiver::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::running::{Running, eventually, options};

/// Any 64 digits are a private key.
const KEY: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const MONTH_MS: i64 = 30 * DAY_MS;

/// Somebody who gives everybody this answer, headers and body; how often it was asked counts along.
async fn proxy(status: u16, headers: &[(&'static str, String)], body: &str) -> (String, Arc<AtomicUsize>) {
    let n_asked = Arc::new(AtomicUsize::new(0));
    let (counted, body) = (Arc::clone(&n_asked), body.to_owned());
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    let answer = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let answer = (StatusCode::from_u16(status).unwrap(), headers.clone(), body.clone()).into_response();
        async { answer }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    (url, n_asked)
}

fn blocks(switches: &Switches) -> bool {
    switches.evaluate(json!({"x": 1}).as_object().unwrap()).is_blocked()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_moves_the_clock() {
    let server = Running::start_with(tempfile::tempdir().unwrap(), 0, |settings| {
        settings.switch_key = Some(lanner_io::receiver::Secret::Text(KEY.to_owned()));
    })
    .await;
    let now_ms = SystemClock.now_ms();
    let ends = json!({"to": format_time(now_ms + DAY_MS)});
    server.put("fire", &json!({"when": "x == 1", "valid": ends})).await;
    let (key, snapshot) = (server.public_key(), server.get("/api/v1/switches/snapshot").await.to_string());
    let folder = tempfile::tempdir().unwrap();
    let now = || ("x-lanner-now-ms", (now_ms + MONTH_MS).to_string());
    let forged = || ("x-lanner-now-signature", "00".repeat(64));
    let event = format!("data: {{\"tag\":\"9-ab\",\"now_ms\":{},\"delta\":null}}\n\n", now_ms + MONTH_MS);
    for is_signed in [true, false] {
        let rows = [
            (503, vec![now()], ""),
            (404, vec![now()], "{}"),
            (200, vec![now()], "{}"),
            (200, vec![now()], "<html>"),
            (304, vec![now()], ""),
            (200, vec![now()], snapshot.as_str()),
            (304, vec![now(), forged()], ""),
            (200, vec![("content-type", "text/event-stream".to_owned())], event.as_str()),
        ];
        for (status, headers, body) in rows {
            // Started while the server was there, and then somebody else answers.
            let file = folder.path().join("switches.json");
            let with_key = |options: Options| if is_signed { options.key(&key) } else { options };
            let first = Switches::connect(with_key(options(&server.url).cache(&file))).await.unwrap();
            eventually("a file", || file.exists() && blocks(&first)).await;
            drop(first);
            let (url, n_asked) = proxy(status, &headers, body).await;
            let patience = Duration::from_millis(200);
            let switches =
                Switches::connect(with_key(options(&url).cache(&file).patience(patience))).await.unwrap();
            eventually("asked", || n_asked.load(Ordering::Relaxed) > 2).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
            // An answer that is one and not signed is all that a client without a key has.
            let may_believe = !is_signed && (status == 304 || body == snapshot);
            assert!(may_believe || blocks(&switches), "{status} {headers:?} {body}, signed: {is_signed}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_known_the_time_moves_as_time_does() {
    let now_ms = SystemClock.now_ms();
    let document = json!({"id": "fire", "when": "x == 1", "valid": {"to": format_time(now_ms + HOUR_MS)}});
    let snapshot = Snapshot::new(1, vec![document]);
    let told_ms = Arc::new(std::sync::atomic::AtomicI64::new(now_ms));
    let (tag, text) = (snapshot.tag(), snapshot.to_text());
    let now = Arc::clone(&told_ms);
    let answer = move || {
        let headers =
            [("x-lanner-now-ms", now.load(Ordering::Relaxed).to_string()), ("etag", format!("\"{tag}\""))];
        let answer = (headers, text.clone()).into_response();
        async { answer }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await.unwrap() });
    let fetching = options(&url).without_push().every(Duration::from_millis(100));
    let switches = Switches::connect(fetching).await.unwrap();
    assert!(blocks(&switches));
    told_ms.store(now_ms + MONTH_MS, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(blocks(&switches));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_not_asked_for_ever() {
    let page = [("content-type", "text/html".to_owned())];
    let (url, n_asked) = proxy(200, &page, "<html>please log in</html>\n").await;
    let _switches = Switches::connect(Options::new(&url).patience(Duration::from_millis(100))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let n = n_asked.load(Ordering::Relaxed);
    assert!(n < 20, "asked {n} times in 4 s");

    let wait = [("retry-after", "60".to_owned())];
    for status in [429, 503] {
        let (url, n_asked) = proxy(status, &wait, "").await;
        let _switches =
            Switches::connect(Options::new(&url).patience(Duration::from_millis(100))).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Two kinds of requests may have been under way at once.
        let n = n_asked.load(Ordering::Relaxed);
        assert!(n <= 3, "{status}: asked {n} times within a second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_set_back_is_told_and_raises_its_revision() {
    let server = Running::start().await;
    server.put("a", &json!({"when": "x == 1"})).await;
    let backup = tempfile::tempdir().unwrap();
    server.backup(backup.path());
    server.put("a", &json!({"when": "x == 1", "priority": 2})).await;
    server.put("a", &json!({"when": "x == 1", "priority": 3})).await;
    let switches = Switches::connect(options(&server.url).name("shop-1").tell(Duration::from_millis(100)))
        .await
        .unwrap();
    let port = server.port();
    let _ = blocks(&switches);
    let clients = async |server: &Running| server.get("/api/v1/switches/clients").await;
    // A few of the contexts that it was asked come along, if not with the first report then with the next.
    let began = std::time::Instant::now();
    while clients(&server).await[0]["state"] != "current" || server.recent().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", clients(&server).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.recent(), [r#"{"x":1}"#]);
    server.stop().await;

    let server = Running::start_in(backup, port).await;
    let refuses = async || {
        let clients = clients(&server).await;
        (clients[0]["client"].clone(), clients[0]["revision"].clone(), clients[0]["state"].clone())
    };
    let began = std::time::Instant::now();
    while refuses().await != (json!("shop-1"), json!(3), json!("refuses")) {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", refuses().await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ready = server.text("/readyz").await;
    assert!(ready.contains("revision 3") && ready.contains("lanner switch bump"), "{ready}");
    let bumped: Value =
        serde_json::from_str(&server.post("/api/v1/switches/bump", "{}".to_owned()).await).unwrap();
    assert_eq!(bumped, json!({"from": 1, "revision": 4}));
    tokio::time::timeout(Duration::from_secs(20), switches.reached(4)).await.unwrap();
    assert_eq!(server.revision(), 4);
    let verified = server.get("/api/v1/audit/verify").await;
    assert_eq!(verified["valid"], true, "{verified}");
    server.stop().await;
}

/// The server is there, so the program notices nothing; next time it may not be.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_is_told_to_the_program_and_the_server() {
    let server = Running::start().await;
    server.put("a", &json!({"when": "x == 1"})).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switches.json");
    std::fs::write(&file, r#"{"format": 1, "revision": 7"#).unwrap();
    let told = Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
    let tell = Arc::clone(&told);
    let asked = options(&server.url).name("shop-1").cache(&file).tell(Duration::from_millis(100));
    let asked = asked.on_problem(move |why| tell.lock().unwrap().push(why.to_owned()));
    let switches = Switches::connect(asked).await.unwrap();
    let is_said = |why: &str| why.contains("switches.json was refused at the start: it is not a snapshot");
    assert!(blocks(&switches) && switches.status().problem.is_none());
    assert!(switches.status().file_problem.is_some_and(|why| is_said(&why)));
    assert!(told.lock().unwrap().iter().any(|why| is_said(why)), "{told:?}");
    let began = std::time::Instant::now();
    loop {
        let clients = server.get("/api/v1/switches/clients").await;
        if clients[0]["file_problem"].as_str().is_some_and(is_said) {
            assert_eq!((&clients[0]["client"], &clients[0]["state"]), (&json!("shop-1"), &json!("current")));
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{clients}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // It has been replaced by one that is whole.
    let replaced = Snapshot::from_text(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(replaced.revision(), switches.status().revision);
    server.stop().await;
}
