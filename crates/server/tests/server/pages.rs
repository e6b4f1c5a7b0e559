//! A real browser, a page of another origin, and a server on the browser's own machine: what the page can do there.
//!

//! `cargo xtask test` finds or fetches Chromium and OpenFeature's packages; without them these tests say that they are skipped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use lanner_io::receiver::Secret;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::switching::{Running, start_with};

const TOKEN: &str = "0123456789abcdef0123";

/// Ended with the test, however it ends.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tool(variable: &str) -> Option<PathBuf> {
    let tool = std::env::var_os(variable);
    if tool.is_none() {
        eprintln!("SKIPPED: {variable} says nothing; `cargo xtask test` fetches what it names");
    }
    tool.map(PathBuf::from)
}

/// Opens a page; every name that ends in `.example` is this machine.
fn open(program: &Path, folder: &Path, url: &str) -> Browser {
    let child = Command::new(program)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--remote-debugging-port=0", "--host-resolver-rules=MAP *.example 127.0.0.1"])
        .arg(format!("--user-data-dir={}", folder.display()))
        .arg(url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Browser(child.unwrap())
}

/// The server of pages: it serves what lies beside this file and in `packages`, takes what pages report, and hands everything
/// else on to `behind`, as a name does that was bound anew after the page was loaded.
struct Pages {
    address: SocketAddr,
    reports: mpsc::Receiver<Value>,
}

#[derive(Clone)]
struct Site {
    behind: String,
    packages: Option<PathBuf>,
    reports: mpsc::Sender<Value>,
    http: reqwest::Client,
}

impl Pages {
    async fn serve(behind: &Running, packages: Option<PathBuf>) -> Self {
        let (sender, reports) = mpsc::channel(1);
        let site =
            Site { behind: behind.url.clone(), packages, reports: sender, http: reqwest::Client::new() };
        let routes = axum::Router::new()
            .route("/attack.html", get(async || Html(include_str!("pages/attack.html"))))
            .route("/shop.html", get(shop))
            .route("/packages/{*path}", get(package))
            .route("/report", post(report))
            .fallback(hand_on)
            .with_state(site);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, reports }
    }

    /// Has a browser open a page of the site `host`, and returns what the page reports.
    async fn visit(&mut self, program: &Path, host: &str, page: &str, parameters: &[(&str, &str)]) -> Value {
        let site = format!("http://{host}:{}", self.address.port());
        let report = format!("{site}/report");
        let query = form_urlencoded(parameters.iter().copied().chain([("report", report.as_str())]));
        let profile = tempfile::tempdir().unwrap();
        let browser = open(program, profile.path(), &format!("{site}/{page}?{query}"));
        let seen = tokio::time::timeout(Duration::from_secs(120), self.reports.recv()).await;
        drop(browser);
        seen.unwrap().unwrap()
    }
}

fn form_urlencoded<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let url = reqwest::Url::parse_with_params("http://a/", parameters).unwrap();
    url.query().unwrap_or_default().to_owned()
}

async fn report(State(site): State<Site>, body: Bytes) {
    site.reports.send(serde_json::from_slice(&body).unwrap()).await.unwrap();
}

async fn shop(State(site): State<Site>) -> Html<String> {
    let packages = site.packages.unwrap_or_default();
    // npm puts a package that two others want in two versions below one of them.
    let nested = "@openfeature/ofrep-web-provider/node_modules/@openfeature/ofrep-core";
    let core = if packages.join(nested).is_dir() { nested } else { "@openfeature/ofrep-core" };
    let imports = json!({ "imports": {
        "@openfeature/web-sdk": "/packages/@openfeature/web-sdk/dist/esm/index.js",
        "@openfeature/core": "/packages/@openfeature/core/dist/esm/index.js",
        "@openfeature/ofrep-web-provider": "/packages/@openfeature/ofrep-web-provider/index.esm.js",
        "@openfeature/ofrep-core": format!("/packages/{core}/index.esm.js"),
    } });
    Html(include_str!("pages/shop.html").replace("IMPORTS", &imports.to_string()))
}

async fn package(
    State(site): State<Site>,
    axum::extract::Path(path): axum::extract::Path<String>,
) -> Response {
    match std::fs::read(site.packages.unwrap_or_default().join(path)) {
        Ok(script) => ([("content-type", "text/javascript")], script).into_response(),
        Err(error) => (axum::http::StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

/// What came under this server's name reaches the other one as it is, name and all.
async fn hand_on(State(site): State<Site>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", site.behind);
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let asked = site.http.request(parts.method, url).headers(parts.headers).body(body).send().await.unwrap();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = asked.status();
    *response.headers_mut() = asked.headers().clone();
    *response.body_mut() = Body::from(asked.bytes().await.unwrap());
    response
}

/// What must be as it was before the page was opened.
async fn is_untouched(server: &Running, proof: &Path) {
    for (path, expected) in [
        ("/api/v1/receivers", json!([])),
        ("/api/v1/switches", json!([])),
        ("/api/v1/silences", json!([])),
        ("/api/v1/tokens", json!([])),
        ("/api/v1/streams", json!([])),
    ] {
        assert_eq!(server.fine("GET", path, Value::Null).await, expected, "{path}");
    }
    let series = server.fine("GET", "/api/v1/series", Value::Null).await.to_string();
    assert!(series.contains("secret") && !series.contains("forged"), "{series}");
    let audit = server.fine("GET", "/api/v1/audit", Value::Null).await;
    assert_eq!(audit, json!([]));
    assert!(!proof.exists(), "the page ran a program");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_changes_and_reads_nothing() {
    let Some(program) = tool("LANNER_TEST_CHROMIUM") else { return };
    let server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    server.text("/write", "secret value=17".to_owned()).await;
    let proof = server.folder.path().join("pwned");
    let mut pages = Pages::serve(&server, None).await;
    let lanner = format!("http://{}", server.server.http_addr());
    let named = format!("http://localhost:{}", server.server.http_addr().port());
    let rebound = format!("http://rebound.example:{}", pages.address.port());
    // By its address, by its name, and under the page's own name.
    for (host, target) in [
        ("evil.example", &lanner),
        ("evil.example", &named),
        ("localhost", &lanner),
        ("rebound.example", &rebound),
    ] {
        let parameters = [("target", target.as_str()), ("proof", proof.to_str().unwrap())];
        let seen = pages.visit(&program, host, "attack.html", &parameters).await;
        let answers: Vec<(&String, &Value)> = seen.as_object().unwrap().iter().collect();
        assert!(answers.len() > 25, "the page did not try everything: {seen:#}");
        for (name, answer) in answers {
            // Opaque answers have the status 0; what is not opaque is a refusal.
            let status = answer["status"].as_u64().unwrap_or_default();
            assert!(matches!(status, 0 | 403 | 415), "{host} at {target}, {name}: {answer}");
        }
        assert!(seen.get("jsonp").is_none() && seen.get("stream").is_none(), "{seen:#}");
        is_untouched(&server, &proof).await;
    }
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shops_page_asks_switches_where_the_configuration_lists_it() {
    let (Some(program), Some(packages)) =
        (tool("LANNER_TEST_CHROMIUM"), tool("LANNER_TEST_OPENFEATURE_NODE"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let behind = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    let mut pages = Pages::serve(&behind, Some(packages)).await;
    let port = pages.address.port();
    let mut server = start_with(folder, |settings| {
        settings.token = Some(Secret::Text(TOKEN.to_owned()));
        settings.cors = vec![format!("http://shop.example:{port}")];
    })
    .await;
    server.tokens.insert("ann".to_owned(), TOKEN.to_owned());
    server.put("stop-paris", json!({ "when": "shop == paris" })).await;
    let made = server.fine("POST", "/api/v1/tokens", json!({"name": "shop", "scopes": ["evaluate"]})).await;
    let (url, token) = (server.url.clone(), made["token"].as_str().unwrap().to_owned());

    let seen =
        pages.visit(&program, "shop.example", "shop.html", &[("target", &url), ("token", &token)]).await;
    assert_eq!(
        (&seen["paris"], &seen["rome"], &seen["blocked"]),
        (&json!(true), &json!(false), &json!(true)),
        "{seen}"
    );
    assert!(seen["rules"].as_str().unwrap().contains("Failed to fetch"), "{seen}");
    // Neither the same page without the token, nor another page with it.
    let seen = pages.visit(&program, "shop.example", "shop.html", &[("target", &url), ("token", "")]).await;
    assert!(seen["failed"].is_string() && seen.get("paris").is_none(), "{seen}");
    let seen =
        pages.visit(&program, "evil.example", "shop.html", &[("target", &url), ("token", &token)]).await;
    assert!(seen["failed"].is_string() && seen.get("paris").is_none(), "{seen}");
    server.server.stop().await;
    behind.server.stop().await;
}
