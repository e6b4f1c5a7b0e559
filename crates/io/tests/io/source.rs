//! Sources against servers on the loopback address: what is asked, how answers are taken, and when asking ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use lanner_core::document::{Check, Node};
use lanner_core::{Instants, RemoteAsk, RemoteSeries, Sample, TimeRange};
use lanner_io::remote::Clients;
use lanner_io::source::{RequestError, Source, SourceConfig};

/// What graphite-web 1.1.10 answered about whisper files, one with a hole, to
/// `/render?target=web.*.rate&from=1795949150&until=1795949280&format=json`.
const RECORDED: &str = r#"[{"target": "web.a.rate", "tags": {"name": "web.a.rate"}, "datapoints": [[50.0, 1795949160], [null, 1795949220], [50.0, 1795949280]]}, {"target": "web.b.rate", "tags": {"name": "web.b.rate"}, "datapoints": [[5.0, 1795949160], [5.0, 1795949220], [5.0, 1795949280]]}]"#;

/// A server that answers so, and the requests that it got.
struct Peer {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// `answer` is given the number of the request, from 0.
    async fn new<A, F>(answer: A) -> Self
    where
        A: Fn(usize) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = (StatusCode, &'static str)> + Send,
    {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let got = Arc::clone(&requests);
        let number = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(move |headers: HeaderMap, body: String| {
            let auth = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("-");
            got.lock().unwrap().push(format!("{auth} {body}"));
            let answer = answer(number.fetch_add(1, Ordering::Relaxed));
            async move { answer.await.into_response() }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/graphite", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests }
    }

    fn source(&self, more: &str) -> Source {
        let yaml = format!("{{ name: peer, kind: graphite, url: {}{more} }}", self.url);
        let mut check = Check::default();
        let configs = SourceConfig::read_all(&Node::from_yaml(&yaml).unwrap(), "sources", &mut check);
        assert!(check.problems.is_empty(), "{:?}", check.problems);
        configs[0].build(&Clients::default()).unwrap()
    }

    fn n_requests(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// A query for windows that touch.
fn question(language: &str, query: &str, windows: &[(i64, i64)]) -> RemoteAsk {
    let instants = Instants::of(windows.iter().map(|(_, end_ms)| end_ms - 1)).unwrap();
    let range = TimeRange::new(windows[0].0, instants.last_ms + 1);
    RemoteAsk { language: language.to_owned(), query: query.to_owned(), range, instants }
}

async fn ask(source: &Source) -> Result<Vec<RemoteSeries>, RequestError> {
    source.ask(&question("target", "web.*.rate", &[(1_795_949_151_000, 1_795_949_280_000)])).await
}

#[tokio::test]
async fn a_recorded_answer_is_read() {
    let peer = Peer::new(async |_| (StatusCode::OK, RECORDED)).await;
    let series = ask(&peer.source(", auth: { bearer: token }")).await.unwrap();
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["web.a.rate", "web.b.rate"]);
    assert_eq!(series[0].points, [Sample::new(1_795_949_160_000, 50.0)]); // the range ends before the last one
    assert_eq!(series[1].points.len(), 2);
    let request = peer.requests.lock().unwrap()[0].clone();
    assert_eq!(request, "Bearer token target=web.*.rate&from=1795949150&until=1795949280&format=json");
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_stays_is_not() {
    let peer = Peer::new(async |n| match n {
        0 => (StatusCode::SERVICE_UNAVAILABLE, "starting"),
        _ => (StatusCode::OK, "[]"),
    })
    .await;
    assert_eq!(ask(&peer.source("")).await.unwrap(), []);
    assert_eq!(peer.n_requests(), 2);

    let peer = Peer::new(async |_| (StatusCode::BAD_REQUEST, "Unknown function: sumSerie")).await;
    let error = ask(&peer.source("")).await.unwrap_err();
    assert!(!error.is_temporary() && error.message.contains("Unknown function"), "{error}");
    assert!(error.message.starts_with("peer: "), "{error}");
    assert_eq!(peer.n_requests(), 1);

    let peer = Peer::new(async |_| (StatusCode::OK, "<html>a login page</html>")).await;
    let error = ask(&peer.source("")).await.unwrap_err();
    assert!(!error.is_temporary() && error.message.contains("check the `url`"), "{error}");
}

#[tokio::test]
async fn a_source_that_hangs_costs_its_timeout_and_no_more() {
    let peer = Peer::new(async |_| {
        tokio::time::sleep(Duration::from_secs(60)).await;
        (StatusCode::OK, "[]")
    })
    .await;
    let started = Instant::now();
    let error = ask(&peer.source(", timeout: 200ms")).await.unwrap_err();
    assert!(error.is_temporary() && error.message.contains("no answer within"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn so_many_requests_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, seen) = (Arc::clone(&now), Arc::clone(&most));
    let peer = Peer::new(move |_| {
        let (now, most) = (Arc::clone(&counted), Arc::clone(&seen));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(20)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            (StatusCode::OK, "[]")
        }
    })
    .await;
    let source = Arc::new(peer.source(", parallel: 2, timeout: 1m"));
    let asks: Vec<_> = (0..8)
        .map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { ask(&source).await.map(drop) })
        })
        .collect();
    for ask in asks {
        ask.await.unwrap().unwrap();
    }
    assert_eq!((peer.n_requests(), most.load(Ordering::SeqCst)), (8, 2));
}

#[tokio::test]
async fn one_that_keeps_failing_is_left_alone() {
    let peer = Peer::new(async |_| (StatusCode::BAD_GATEWAY, "down")).await;
    // No time for a second request.
    let source = peer.source(", timeout: 150ms");
    for _ in 0..5 {
        assert!(ask(&source).await.unwrap_err().is_temporary());
    }
    let n_requests = peer.n_requests();
    let error = ask(&source).await.unwrap_err();
    assert!(error.is_temporary() && error.message.contains("is not asked for"), "{error}");
    assert_eq!(peer.n_requests(), n_requests);
}
