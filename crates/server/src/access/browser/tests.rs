//! Requests of browsers and of programs, and which of them are accepted.

use axum::http::{HeaderName, HeaderValue, Request};

use super::*;

/// A request as `METHOD /path` and headers; the status of the refusal, 0 for none.
fn judged(request: &str, headers: &[(&str, &str)]) -> u16 {
    let (method, path) = request.split_once(' ').unwrap();
    let mut built = Request::builder().method(method).uri(path).body(()).unwrap();
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        built.headers_mut().append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
    }
    let asked = Asked {
        method: built.method(),
        uri: built.uri(),
        headers: built.headers(),
        is_gate: path.starts_with("/gate"),
        takes_forms: path.starts_with("/render") || path.starts_with("/switches"),
        is_page: path == "/" || path.starts_with("/switches"),
        is_shared: false,
    };
    let home = Home::new(Some("https://Lanner.example/ui"), &["lanner".to_owned()]);
    check(asked, &home).err().map_or(0, |refusal| refusal.status().as_u16())
}

const CHROME: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140");
const CURL: (&str, &str) = ("user-agent", "curl/8.5");
const HERE: (&str, &str) = ("host", "127.0.0.1:9797");
const BODY: (&str, &str) = ("content-length", "17");
const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("content-type", "text/plain;charset=UTF-8");

#[test]
fn programs_notice_nothing() {
    #[track_caller]
    fn check(request: &str, headers: &[(&str, &str)]) {
        assert_eq!(judged(request, headers), 0, "{request} {headers:?}");
    }
    check("POST /api/v1/events/orders", &[HERE, CURL, FORM, BODY]);
    check("POST /write", &[HERE, ("user-agent", "Telegraf/1.30 Go/1.22"), BODY]);
    check("POST /write", &[("host", "localhost:9797"), ("user-agent", "python-requests/2.32"), TEXT, BODY]);
    check(
        "POST /api/v1/switches/evaluate",
        &[HERE, ("user-agent", "node"), ("sec-fetch-mode", "cors"), TEXT, BODY],
    );
    check("GET /metrics", &[("host", "[::1]:9797"), ("user-agent", "Prometheus/3.0")]);
    check("DELETE /api/v1/rules/a", &[HERE, CURL]);
    check("GET http://localhost:9797/metrics", &[HERE, CURL]);
    // Before HTTP 1.1 nobody had to say whom they ask.
    check("GET /healthz", &[]);
    check("GET /render?jsonp=f", &[HERE, CURL]);
}

#[test]
fn names_of_others_are_refused_whoever_asks() {
    #[track_caller]
    fn check(host: &str, expected: u16) {
        for agent in [CHROME, CURL] {
            assert_eq!(judged("GET /api/v1/rules", &[("host", host), agent]), expected, "{host} {agent:?}");
        }
    }
    for host in [
        "localhost",
        "LOCALHOST:1",
        "localhost.:80",
        "app.localhost",
        "127.0.0.1",
        "127.0.0.1.:9797",
        "LocalHost:",
        "127.8.8.8:9",
        "[0:0:0:0:0:0:0:1]:9797",
        "[::1]:9797",
        "[::ffff:127.0.0.1]",
        "lanner.example",
        "lanner.example:8443",
        "lanner:9797",
    ] {
        check(host, 0);
    }
    for host in [
        "evil.example",
        "evil.example:9797",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "0.0.0.0:9797",
        "[::2]:9797",
        "xlocalhost",
        "lanner.example.evil",
        "127.0.0.1.evil.example.",
        "[::1].evil.example",
        "[::1]evil.example:9797",
        "[::1",
        "localhost:9797.evil.example",
        "localhost:x",
        "localhost:80:80",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost, evil.example",
        "localhost\u{a0}",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "",
        "\u{e9}",
    ] {
        check(host, 403);
    }
    // Of a whole address the name counts as well, whatever the header says.
    assert_eq!(judged("GET http://evil.example/api/v1/rules", &[HERE, CURL]), 403);
    // Of two names both count: a proxy in between may have looked at the other one.
    for hosts in [["localhost", "evil.example"], ["evil.example", "localhost"]] {
        assert_eq!(judged("GET /api/v1/rules", &hosts.map(|host| ("host", host))), 403, "{hosts:?}");
    }
    assert_eq!(judged("GET /api/v1/rules", &[HERE, HERE, CURL]), 0);
}

#[test]
fn pages_of_others_are_refused() {
    #[track_caller]
    fn check(request: &str, expected: u16, headers: &[(&str, &str)]) {
        let mut all = vec![HERE, CHROME];
        all.extend(headers);
        assert_eq!(judged(request, &all), expected, "{request} {headers:?}");
    }
    let same = ("sec-fetch-site", "same-origin");
    for origin in [
        "https://evil.example",
        "http://evil.example:9797",
        "null",
        "http://localhost:3000",
        "http://127.0.0.1",
        "file://",
        "",
    ] {
        let origin = ("origin", origin);
        check("POST /api/v1/apply", 403, &[origin, JSON, BODY]);
        check("POST /api/v1/receivers/evil/test", 403, &[origin]);
        check("GET /api/v1/rules", 403, &[origin]);
        // Whatever the other header says, and as whatever it comes.
        check("POST /api/v1/apply", 403, &[origin, same, JSON, BODY]);
        check("POST /gate", 403, &[origin]);
    }
    for site in ["cross-site", "same-site", "anything"] {
        let site = ("sec-fetch-site", site);
        check("GET /api/v1/backup", 403, &[site, ("sec-fetch-mode", "no-cors")]);
        check("GET /render?target=a&jsonp=f", 403, &[site, ("sec-fetch-dest", "script")]);
        check("GET /", 403, &[site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]);
        check(
            "GET /api/v1/rules",
            403,
            &[site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
        );
        check("GET /", 0, &[site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]);
        check("POST /", 403, &[site, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), FORM]);
    }
    // What says two things is believed in neither.
    let own = ("origin", "http://127.0.0.1:9797");
    check("POST /api/v1/apply", 403, &[own, ("origin", "https://evil.example"), JSON, BODY]);
    check("POST /api/v1/apply", 403, &[same, ("sec-fetch-site", "cross-site"), JSON, BODY]);
    check("POST /api/v1/apply", 415, &[own, same, JSON, TEXT, BODY]);
    check("GET /render?jsonp=f", 403, &[("user-agent", "x"), same, ("sec-fetch-site", "none")]);
    // Our own pages, and what people type.
    check("POST /api/v1/apply", 0, &[own, same, JSON, BODY]);
    check("POST /api/v1/receivers/a/test", 0, &[own, same]);
    check(
        "POST /api/v1/apply",
        0,
        &[("origin", "https://lanner.example"), ("content-type", "application/json; charset=utf-8"), BODY],
    );
    check("GET /api/v1/rules", 0, &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")]);
    // Old browsers say nothing of where a request comes from.
    check("GET /render?target=a&jsonp=f", 403, &[]);
    check("GET /render?target=a&jsonp=f", 0, &[same]);
    check("GET /render?target=a", 0, &[]);
}

#[test]
fn browsers_send_json_or_nothing() {
    #[track_caller]
    fn check(request: &str, expected: u16, headers: &[(&str, &str)]) {
        let mut all = vec![HERE];
        all.extend(headers);
        assert_eq!(judged(request, &all), expected, "{request} {headers:?}");
    }
    let (same, own) = (("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:9797"));
    for shows in [CHROME, same, own, ("sec-fetch-mode", "cors")] {
        for kind in [
            TEXT,
            FORM,
            ("content-type", "multipart/form-data"),
            ("content-type", ""),
            ("content-type", "text/json"),
        ] {
            check("POST /api/v1/apply", 415, &[shows, kind, BODY]);
            check("POST /api/v1/apply", 415, &[shows, kind, ("transfer-encoding", "chunked")]);
            check("PUT /api/v1/switches/a", 415, &[shows, kind, BODY]);
        }
        check("POST /api/v1/apply", 415, &[shows, BODY]);
        check("POST /api/v1/apply", 0, &[shows, JSON, BODY]);
        check("POST /api/v1/apply", 0, &[shows, ("content-type", "application/merge-patch+json"), BODY]);
        check("GET /api/v1/rules", 0, &[shows]);
        // Grafana passes on what its user's browser sent.
        check("POST /render", 0, &[shows, FORM, BODY]);
    }
    // A form without fields, from a browser that does not say where it comes from.
    check("POST /api/v1/receivers/a/test", 415, &[CHROME]);
    check("POST /api/v1/receivers/a/test", 0, &[CHROME, same]);
}

#[test]
fn a_proxy_asks_the_gate_for_any_browser() {
    let browser =
        [HERE, CHROME, ("origin", "https://shop.example"), ("sec-fetch-site", "cross-site"), FORM, BODY];
    for told in ["x-original-uri", "X-Forwarded-For", "forwarded", "x-forwarded-uri"] {
        let mut forwarded = browser.to_vec();
        forwarded.push((told, "/buy"));
        assert_eq!(judged("POST /gate", &forwarded), 0, "{told}");
        assert_eq!(judged("POST /gate/buy", &forwarded), 0, "{told}");
        assert_eq!(judged("POST /api/v1/apply", &forwarded), 403, "only at the gate");
        forwarded[0] = ("host", "evil.example");
        assert_eq!(judged("POST /gate", &forwarded), 403, "under our own name");
    }
    assert_eq!(judged("POST /gate", &browser), 403);
}
