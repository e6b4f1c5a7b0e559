//! The border of a real server: what web pages cannot do, what each token may do, and what receivers that came over the

//! API may not.

use std::collections::BTreeSet;

use lanner_io::receiver::{Power, Secret};
use lanner_server::{Server, Settings};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::switching::{Running, start_with};

const TOKEN: &str = "0123456789abcdef0123";

async fn open() -> Running {
    start_with(tempfile::tempdir().unwrap(), |_| ()).await
}

async fn closed() -> Running {
    start_with(tempfile::tempdir().unwrap(), |settings| settings.token = Some(Secret::Text(TOKEN.to_owned())))
        .await
}

/// A request with headers: the status and the answer's text.
async fn send(
    server: &Running,
    request: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> (u16, String) {
    let (method, path) = request.split_once(' ').unwrap();
    let mut built = server.http.request(method.parse().unwrap(), format!("{}{path}", server.url));
    for (name, value) in headers {
        built = built.header(*name, *value);
    }
    let response = built.body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// A server that lets in everybody on its own machine is not to be reached from others by way of one that hands requests on.
#[tokio::test]
async fn what_comes_from_outside_needs_a_token() {
    let from_outside = [("x-lanner-from-outside", "1")];
    let server = open().await;
    for face in ["GET /api/v1/rules", "POST /api/v1/apply", "GET /", "GET /metrics"] {
        let (status, said) = send(&server, face, &from_outside, "").await;
        assert!(status == 403 && said.contains("asks nobody for a token"), "{face}: {status} {said}");
    }
    assert_eq!(send(&server, "GET /healthz", &from_outside, "").await.0, 200);
    assert_eq!(send(&server, "GET /api/v1/rules", &[], "").await.0, 200);
    server.server.stop().await;
    let (server, bearer) = (closed().await, format!("Bearer {TOKEN}"));
    assert_eq!(send(&server, "GET /api/v1/rules", &from_outside, "").await.0, 401);
    let shown = [from_outside[0], ("authorization", bearer.as_str())];
    assert_eq!(send(&server, "GET /api/v1/rules", &shown, "").await.0, 200);
    server.server.stop().await;
}

/// Every face of the server, one request each.
const FACES: [&str; 16] = [
    "GET /",
    "GET /metrics",
    "GET /api/v1/rules",
    "POST /api/v1/apply",
    "POST /api/v1/events/orders",
    "POST /write?precision=ns",
    "POST /api/v2/write",
    "GET /render?target=a&format=json&jsonp=f",
    "POST /render",
    "GET /metrics/find?query=*",
    "GET /api/checks",
    "POST /api/v1/switches",
    "GET /api/v1/switches/stream",
    "POST /ofrep/v1/evaluate/flags",
    "GET /gate?shop=paris",
    "GET /nothing/here",
];

#[tokio::test]
async fn no_face_answers_a_page_of_another_origin() {
    let server = open().await;
    let evil = ("origin", "https://evil.example");
    let rebound = ("host", "evil.example:9797");
    let script =
        [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")];
    let json = ("content-type", "application/json");
    for face in FACES {
        for headers in [&[evil, json][..], &[rebound][..], &script[..], &[("origin", "null"), json][..]] {
            let (status, answer) = send(&server, face, headers, "{}").await;
            assert_eq!(status, 403, "{face} {headers:?}: {answer}");
        }
    }
    server.server.stop().await;
}

/// Browsers that do not say where a request comes from run scripts for foreign pages, too.
#[tokio::test]
async fn an_old_browser_is_given_no_script() {
    let server = open().await;
    let old = [("user-agent", "Mozilla/5.0 (old)")];
    for (query, expected) in [("", 200), ("&jsonp=f", 403), ("&jsonp", 403)] {
        let face = format!("GET /render?target=a&format=json{query}");
        let (status, answer) = send(&server, &face, &old, "").await;
        assert_eq!(status, expected, "{face}: {answer}");
    }
    server.server.stop().await;
}

/// The attack as it was found: text/plain, so that no browser asks first.
#[tokio::test]
async fn a_page_runs_no_program_and_throws_no_switch() {
    let server = open().await;
    let proof = server.folder.path().join("pwned");
    let evil = json!({ "receivers": [{
        "name": "evil", "kind": "command", "command": ["/bin/sh", "-c", format!("id > {}", proof.display())],
    }] });
    let switch = json!({ "switches": [{ "id": "all", "when": "true" }] });
    for headers in [
        &[("content-type", "text/plain"), ("origin", "https://evil.example"), ("host", "evil.example:9797")]
            [..],
        &[("content-type", "text/plain"), ("origin", "https://evil.example")],
        &[("content-type", "text/plain"), ("user-agent", "Mozilla/5.0 (old)")],
        &[("content-type", "text/plain"), ("sec-fetch-site", "cross-site")],
        &[("content-type", "application/json"), ("host", "evil.example:9797")],
    ] {
        for (path, body) in [("/api/v1/apply", &evil), ("/api/v1/switches", &switch)] {
            let (status, answer) = send(&server, &format!("POST {path}"), headers, body.to_string()).await;
            assert!(matches!(status, 403 | 415), "{path} {headers:?}: {status} {answer}");
        }
        let (status, _) = send(&server, "POST /api/v1/receivers/evil/test", headers, "").await;
        assert!(matches!(status, 403 | 415), "{headers:?}: {status}");
    }
    assert_eq!(server.fine("GET", "/api/v1/receivers", Value::Null).await, json!([]));
    assert_eq!(server.fine("GET", "/api/v1/switches", Value::Null).await, json!([]));
    assert!(!proof.exists());
    server.server.stop().await;
}

#[tokio::test]
async fn programs_go_on_as_they_did() {
    let server = open().await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let curl = ("user-agent", "curl/8.5");
    for (request, headers, body) in [
        ("POST /api/v1/events/orders", &[form, curl][..], r#"{"shop": "paris", "status": "ok"}"#),
        ("POST /write", &[form, curl], "queue,host=a length=17"),
        ("POST /write?db=x&u=telegraf&p=whatever", &[("user-agent", "Telegraf/1.30")], "queue length=17"),
        ("POST /api/v2/write", &[("authorization", "Token whatever")], "queue length=17"),
        (
            "POST /render",
            &[form, ("user-agent", "Grafana/12"), ("sec-fetch-site", "same-origin")],
            "target=a&format=json",
        ),
        ("POST /api/v1/switches/evaluate", &[form, curl], r#"{"context": {}}"#),
        (
            "GET /gate?shop=paris",
            &[("user-agent", "Mozilla/5.0"), ("sec-fetch-site", "cross-site"), ("x-original-uri", "/buy")],
            "",
        ),
        ("GET /healthz", &[("host", "10.1.2.3:9797"), ("user-agent", "kube-probe/1.31")], ""),
    ] {
        let (status, answer) = send(&server, request, headers, body).await;
        assert!(status < 300, "{request}: {status} {answer}");
    }
    server.server.stop().await;
}

#[tokio::test]
async fn receivers_over_the_api_have_no_power_over_the_machine() {
    let server = start_with(tempfile::tempdir().unwrap(), |settings| {
        settings.allow = BTreeSet::from([Power::Log]);
    })
    .await;
    let path = server.folder.path().join("alerts.log");
    let apply =
        async |receiver: Value| server.ask("POST", "/api/v1/apply", json!({ "receivers": [receiver] })).await;
    for (receiver, field, power) in [
        (json!({"name": "r", "kind": "command", "command": ["/bin/true"]}), "receivers.r.kind", "command"),
        (
            json!({"name": "r", "kind": "webhook", "url": "http://127.0.0.1:1", "auth": {"bearer": {"env": "HOME"}}}),
            "receivers.r.auth.bearer",
            "env",
        ),
        (json!({"name": "r", "kind": "webhook", "url": {"file": "/etc/passwd"}}), "receivers.r.url", "file"),
    ] {
        let (status, answer) = apply(receiver.clone()).await;
        assert_eq!((status, &answer["problems"][0]["path"]), (422, &json!(field)), "{answer}");
        let said = answer["problems"][0]["message"].as_str().unwrap();
        assert!(said.contains("configuration file only") && said.contains(power), "{said}");
    }
    // What the configuration allows works, and is shown as what it is.
    let log = json!({"name": "file", "kind": "log", "path": path});
    assert_eq!(apply(log).await.0, 200);
    let listed = server.fine("GET", "/api/v1/receivers", Value::Null).await;
    assert_eq!(listed[0]["origin"], "API (anonymous (ann))", "{listed}");
    assert_eq!(server.ask("POST", "/api/v1/receivers/file/test", Value::Null).await.0, 204);
    let Running { server, folder, .. } = server;
    server.stop().await;

    // And no longer once it is not allowed any more.
    let server = crate::switching::start_in(folder).await;
    let (status, answer) = server.ask("POST", "/api/v1/receivers/file/test", Value::Null).await;
    assert!(status == 502 && answer["error"].as_str().unwrap().contains("--allow log"), "{answer}");
    server.server.stop().await;
}

#[tokio::test]
async fn the_configuration_has_every_power_and_its_receivers_are_its_own() {
    use lanner_server::configuration::apply;
    use lanner_server::documents::{ApplyOptions, CONFIGURATION};
    let server = open().await;
    let path = server.folder.path().join("alerts.log");
    let pager = json!({"name": "pager", "kind": "command", "command": ["/bin/sh", "-c", "cat > /dev/null", "hunter2-secret"]});
    let log = json!({"name": "file", "kind": "log", "path": path});
    let document = json!({ "receivers": [pager, log] });
    let options = ApplyOptions { actor: CONFIGURATION.to_owned(), ..ApplyOptions::default() };
    apply::apply(&server.server.services().configuration, &document, &options).await.unwrap();
    let listed = server.fine("GET", "/api/v1/receivers", Value::Null).await;
    assert!(listed.as_array().unwrap().iter().all(|it| it["origin"] == "configuration"), "{listed}");
    assert!(!listed.to_string().contains("hunter2") && listed.to_string().contains("/bin/sh"), "{listed}");
    for name in ["pager", "file"] {
        let (status, answer) =
            server.ask("POST", &format!("/api/v1/receivers/{name}/test"), Value::Null).await;
        assert_eq!(status, 204, "{answer}");
    }
    // The same document may be sent again; a changed one, or another of its kind, may not.
    assert_eq!(server.ask("POST", "/api/v1/apply", document).await.0, 200);
    for changed in [
        json!({"name": "pager", "kind": "command", "command": ["/bin/sh", "-c", "id"]}),
        json!({"name": "pager", "kind": "command", "command": ["/bin/sh", "-c", "cat > /dev/null", "hunter2-secret"], "group_wait": "0s"}),
        json!({"name": "file", "kind": "log", "path": "/etc/cron.d/x"}),
    ] {
        let (status, answer) = server.ask("POST", "/api/v1/apply", json!({ "receivers": [changed] })).await;
        assert_eq!(status, 422, "{answer}");
    }
    server.server.stop().await;
}

async fn make(server: &Running, by: &str, name: &str, scopes: &[&str]) -> String {
    let by = format!("Bearer {by}");
    let body = json!({ "name": name, "scopes": scopes }).to_string();
    let (status, answer) = send(server, "POST /api/v1/tokens", &[("authorization", &by)], body).await;
    assert_eq!(status, 201, "{answer}");
    let made: Value = serde_json::from_str(&answer).unwrap();
    made["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_scope_opens_its_routes_and_no_others() {
    let server = closed().await;
    let mut tokens = Vec::new();
    for scope in ["ingest", "read", "evaluate", "operate", "admin"] {
        tokens.push((scope, make(&server, TOKEN, scope, &[scope]).await));
    }
    for (request, scope) in [
        ("POST /write", "ingest"),
        ("POST /api/v2/write", "ingest"),
        ("POST /api/v1/events/orders", "ingest"),
        ("POST /events", "ingest"),
        ("GET /api/v1/rules", "read"),
        ("GET /metrics", "read"),
        ("HEAD /metrics", "read"),
        ("GET /render/?target=a&format=json", "read"),
        ("GET /api/checks", "read"),
        ("POST /api/v1/query", "read"),
        ("GET /api/v1/switches/snapshot", "evaluate"),
        ("POST /api/v1/switches/evaluate", "evaluate"),
        ("POST /ofrep/v1/evaluate/flags", "evaluate"),
        ("GET /gate?a=b", "evaluate"),
        ("PURGE /gate/deep/path", "evaluate"),
        ("POST /api/v1/silences", "operate"),
        ("POST /api/v1/switches/nobody/activate", "operate"),
        ("POST /api/v1/receivers/nobody/test", "operate"),
        ("POST /api/v1/apply", "admin"),
        ("GET /api/v1/backup", "admin"),
        ("GET /api/v1/tokens", "admin"),
        ("PUT /api/v1/switches/nobody", "admin"),
        ("DELETE /api/checks/nobody", "admin"),
    ] {
        for (own, token) in &tokens {
            let bearer = format!("Bearer {token}");
            let (status, answer) = send(&server, request, &[("authorization", &bearer)], "{}").await;
            let may = *own == scope || *own == "admin";
            assert_eq!(!matches!(status, 401 | 403), may, "{request} with {own}: {status} {answer}");
            if !may && !request.starts_with("HEAD") {
                assert!(answer.contains(&format!("lacks the scope {scope}")), "{answer}");
            }
        }
        assert_eq!(send(&server, request, &[], "{}").await.0, 401, "{request} without a token");
    }
    let read = format!("Bearer {}", tokens[1].1);
    assert_eq!(send(&server, "GET /nothing/here", &[("authorization", &read)], "").await.0, 404);
    assert_eq!(send(&server, "GET /healthz", &[], "").await.0, 200);
    server.server.stop().await;
}

#[tokio::test]
async fn tokens_are_shown_in_every_way_that_clients_know() {
    let server = closed().await;
    let ingest = make(&server, TOKEN, "telegraf", &["ingest"]).await;
    let basic = |text: &str| {
        use base64::Engine as _;
        format!("basic {}", base64::prelude::BASE64_STANDARD.encode(text))
    };
    for (request, header, value) in [
        ("POST /write", "authorization", format!("Bearer {ingest}")),
        ("POST /write", "authorization", format!("bearer {ingest}")),
        ("POST /write", "authorization", format!("BEARER   {ingest}")),
        ("POST /api/v2/write", "authorization", format!("Token {ingest}")),
        ("POST /write", "authorization", basic(&format!("telegraf:{ingest}"))),
        ("POST /write", "x-api-key", ingest.clone()),
        (&format!("POST /write?db=x&u=telegraf&p={ingest}"), "accept", "*/*".to_owned()),
    ] {
        let (status, answer) = send(&server, request, &[(header, &value)], "queue length=17").await;
        assert_eq!(status, 204, "{request} {value}: {answer}");
    }
    // Only where InfluxDB's clients write: elsewhere an address is no place for a secret.
    assert_eq!(send(&server, &format!("GET /api/v1/rules?p={TOKEN}"), &[], "").await.0, 401);
    // A browser remembers a password and sends it for any page.
    let admin = basic(&format!("admin:{TOKEN}"));
    let page = [("authorization", admin.as_str()), ("origin", "https://evil.example")];
    assert_eq!(send(&server, "GET /api/v1/rules", &page, "").await.0, 403);
    assert_eq!(send(&server, "GET /api/v1/rules", &page[..1], "").await.0, 200);
    server.server.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_told_from_none_and_slows_its_address_down() {
    let server = closed().await;
    let (status, answer) = send(&server, "GET /api/v1/rules", &[], "").await;
    assert!(status == 401 && answer.contains("requires a token"), "{answer}");
    let wrong = [("authorization", "Bearer 0123456789abcdef0124")];
    let (status, answer) = send(&server, "GET /api/v1/rules", &wrong, "").await;
    assert!(status == 401 && answer.contains("the token is invalid"), "{answer}");
    let started = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(send(&server, "GET /api/v1/rules", &wrong, "").await.0, 401);
    }
    // 0, 0, 100, 200 and 400 ms.
    assert!(started.elapsed().as_millis() >= 700, "{:?}", started.elapsed());
    // Many at once do not get more answers, and whoever has a right one does not wait.
    let many = (0..40).map(|_| send(&server, "GET /api/v1/rules", &wrong, ""));
    let many: Vec<_> = many.map(Box::pin).collect();
    let mut statuses = Vec::new();
    let right = format!("Bearer {TOKEN}");
    let (answers, quick) = tokio::join!(
        async {
            let mut set = Vec::new();
            for one in many {
                set.push(one);
            }
            join_all(set).await
        },
        async {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let started = std::time::Instant::now();
            let (status, _) = send(&server, "GET /api/v1/rules", &[("authorization", &right)], "").await;
            (status, started.elapsed())
        }
    );
    statuses.extend(answers.iter().map(|(status, _)| *status));
    assert!(statuses.iter().filter(|status| **status == 429).count() >= 30, "{statuses:?}");
    assert!(quick.0 == 200 && quick.1.as_millis() < 700, "{quick:?}");
    server.server.stop().await;
}

async fn join_all<F: Future>(futures: Vec<std::pin::Pin<Box<F>>>) -> Vec<F::Output> {
    let mut futures = futures;
    let mut done: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn the_first_token_closes_the_server_and_the_last_administrator_stays() {
    let server = open().await;
    let ask = async |token: &str, request: &str, body: Value| {
        let bearer = format!("Bearer {token}");
        let headers = if token.is_empty() { vec![] } else { vec![("authorization", bearer.as_str())] };
        send(&server, request, &headers, body.to_string()).await
    };
    let (status, answer) =
        ask("", "POST /api/v1/tokens", json!({"name": "telegraf", "scopes": ["ingest"]})).await;
    assert!(status == 422 && answer.contains("first token needs the scope admin"), "{answer}");
    let ann = make(&server, "none", "ann", &["admin"]).await;
    assert_eq!(ask("", "GET /api/v1/rules", Value::Null).await.0, 401);
    let telegraf = make(&server, &ann, "telegraf", &["ingest"]).await;
    for (body, status) in [
        (json!({"name": "telegraf", "scopes": ["read"]}), 409),
        (json!({"name": "bob", "scopes": ["root"]}), 422),
        (json!({"name": "bob", "scopes": []}), 422),
        (json!({"name": "alert of floor", "scopes": ["read"]}), 422),
        (json!({"name": "config", "scopes": ["read"]}), 422),
    ] {
        let (found, answer) = ask(&ann, "POST /api/v1/tokens", body.clone()).await;
        assert_eq!(found, status, "{body}: {answer}");
    }
    let (status, listed) = ask(&ann, "GET /api/v1/tokens", Value::Null).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        (status, &listed[1]["name"], &listed[1]["created_by"]),
        (200, &json!("telegraf"), &json!("ann"))
    );
    assert_eq!(listed[1]["last_used"], Value::Null);
    assert!(!listed.to_string().contains("sha256") && !listed.to_string().contains(&telegraf));

    let (status, answer) = ask(&ann, "DELETE /api/v1/tokens/ann", Value::Null).await;
    assert!(status == 409 && answer.contains("last token with the scope admin"), "{answer}");
    assert_eq!(ask(&ann, "DELETE /api/v1/tokens/telegraf", Value::Null).await.0, 204);
    assert_eq!(ask(&telegraf, "POST /write", Value::Null).await.0, 401);
    assert_eq!(ask(&ann, "DELETE /api/v1/tokens/telegraf", Value::Null).await.0, 404);
    // Only hashes are stored.
    let Running { server, folder, .. } = server;
    server.stop().await;
    let stored = std::fs::read(folder.path().join("lanner.db")).unwrap();
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds(&ann) && !holds(&telegraf) && holds("sha256"));
}

#[tokio::test]
async fn a_second_person_is_a_second_token() {
    let server = closed().await;
    let (ann, bob) = (
        make(&server, TOKEN, "ann", &["operate", "read"]).await,
        make(&server, TOKEN, "bob", &["operate"]).await,
    );
    let ask = async |token: &str, request: &str, body: Value| {
        // Whatever a header claims.
        let headers = [("authorization", format!("Bearer {token}")), ("x-lanner-actor", "bob".to_owned())];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, answer) = send(&server, request, &headers, body.to_string()).await;
        (status, serde_json::from_str::<Value>(&answer).unwrap_or_default())
    };
    let off = json!({ "switches": [{ "id": "stop", "when": "shop == paris", "status": "inactive" }] });
    assert_eq!(ask(TOKEN, "POST /api/v1/switches", off).await.0, 200);
    let (status, asked) = ask(&ann, "POST /api/v1/switches/stop/request", json!({})).await;
    assert_eq!((status, &asked["actor"]), (202, &json!("ann")), "{asked}");
    let (status, refused) = ask(&ann, "POST /api/v1/switches/stop/approve", json!({})).await;
    assert!(status == 403 && refused["error"].as_str().unwrap().contains("another person"), "{refused}");
    let (status, on) = ask(&bob, "POST /api/v1/switches/stop/approve", json!({})).await;
    assert_eq!((status, &on["actor"]), (200, &json!("bob")), "{on}");
    let (_, audit) = ask(&ann, "GET /api/v1/audit", Value::Null).await;
    let actors: BTreeSet<&str> =
        audit.as_array().unwrap().iter().filter_map(|entry| entry["actor"].as_str()).collect();
    assert_eq!(actors, BTreeSet::from(["ann", "bob", "server.token"]), "{audit}");
    server.server.stop().await;
}

#[tokio::test]
async fn without_tokens_nobody_is_a_second_person() {
    let server = open().await;
    server.put("stop", json!({ "when": "shop == paris", "status": "inactive" })).await;
    let (status, asked) = server.ask_as("ann", "POST", "/api/v1/switches/stop/request", json!({})).await;
    assert_eq!((status, &asked["actor"]), (202, &json!("anonymous (ann)")), "{asked}");
    let (status, refused) = server.ask_as("bob", "POST", "/api/v1/switches/stop/approve", json!({})).await;
    assert!(status == 403 && refused["error"].as_str().unwrap().contains("lanner token create"), "{refused}");
    server.server.stop().await;
}

#[tokio::test]
async fn a_token_that_can_be_guessed_does_not_start() {
    let start = async |token: &str, listen: &str| {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path());
        (settings.listen, settings.carbon, settings.carbon_pickle) = (listen.parse().unwrap(), None, None);
        settings.token = Some(Secret::Text(token.to_owned())).filter(|_| !token.is_empty());
        Server::start(settings).await.map(|_| ()).unwrap_err().to_string()
    };
    let error = start("x", "127.0.0.1:0").await;
    assert!(error.contains("server.token: has 1 character,"), "{error}");
    let error = start("", "0.0.0.0:0").await;
    assert!(error.contains("a token is needed") && error.contains("lanner token create"), "{error}");
}

#[tokio::test]
async fn pages_that_the_configuration_lists_ask_switches_and_nothing_else() {
    let server = start_with(tempfile::tempdir().unwrap(), |settings| {
        settings.token = Some(Secret::Text(TOKEN.to_owned()));
        settings.cors = vec!["https://shop.example".to_owned()];
    })
    .await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)], body: &'static str| {
        let mut request = server.http.request(method.parse().unwrap(), format!("{}{path}", server.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(body).send().await.unwrap();
        (response.status().as_u16(), response.headers().clone())
    };
    let header =
        |headers: &HeaderMap, name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let origin = "access-control-allow-origin";
    let question = |from| {
        [
            ("origin", from),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
            ("access-control-request-private-network", "true"),
        ]
    };
    let (shop, path) = ("https://shop.example", "/ofrep/v1/evaluate/flags");
    let (status, told) = ask("OPTIONS", path, &question(shop), "").await;
    assert_eq!((status, header(&told, origin).as_deref()), (204, Some(shop)));
    assert!(header(&told, "access-control-allow-headers").unwrap().contains("Authorization"));
    assert_eq!(header(&told, "access-control-allow-private-network").as_deref(), Some("true"));
    for (path, from) in [
        (path, "https://evil.example"),
        (path, "https://shop.example.evil"),
        (path, "http://shop.example"),
        ("/api/v1/apply", shop),
        ("/api/v1/switches", shop),
        ("/gate", shop),
    ] {
        let (status, told) = ask("OPTIONS", path, &question(from), "").await;
        assert!(status >= 400 && header(&told, origin).is_none(), "{path} {from}: {status}");
    }
    let bearer = format!("Bearer {TOKEN}");
    let page = [("origin", shop), ("authorization", bearer.as_str()), ("content-type", "application/json")];
    let (status, told) = ask("POST", path, &page, r#"{"context": {}}"#).await;
    assert_eq!((status, header(&told, origin).as_deref()), (200, Some(shop)));
    assert_eq!(header(&told, "vary").as_deref(), Some("Origin"));
    // What went wrong can be read too.
    let (status, told) = ask("POST", path, &[page[0], page[2]], "{}").await;
    assert_eq!((status, header(&told, origin).as_deref()), (401, Some(shop)));
    let (status, told) = ask("GET", "/api/v1/rules", &page, "").await;
    assert!(status == 200 && header(&told, origin).is_none(), "a token, but no page can read it");
    server.server.stop().await;
}
