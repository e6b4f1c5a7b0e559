//! The web page in a real browser: what a person sees and does, at three widths, in light and dark.
//!
//! `cargo xtask test` finds or fetches Chromium; without it the tests with a browser say that they are skipped.

use std::time::{Duration, Instant};

use lanner_io::receiver::Secret;
use lanner_testkit::Browser;
use serde_json::{Value, json};

use crate::browsing::{browse, fill, get, open, pay, send};
use crate::switching::{Running, start_with};

const TOKEN: &str = "0123456789abcdef0123";
/// A telephone, a tablet, a desk.
const WIDTHS: [(u32, u32); 3] = [(390, 844), (768, 1024), (1440, 900)];

/// The addresses of all pages, of what there is on this server.
pub(crate) async fn addresses(server: &Running) -> Vec<String> {
    let alerts = server.fine("GET", "/api/v1/alerts", Value::Null).await;
    let fingerprint = alerts[0]["fingerprint"].as_str().unwrap().to_owned();
    let session = session(server).await;
    let findings = server.fine("GET", "/api/v1/findings?status=any", Value::Null).await;
    let key = findings["findings"][0]["key"].as_str().unwrap().to_owned();
    let fixed = [
        "/",
        "/?q=hsbc",
        "/?q=nobody&state=pending",
        "/rules",
        "/rules/too-many",
        "/rules/too-many?group=bank%3D%22hsbc%22&span=1h",
        "/rules/quiet",
        "/switches",
        "/switches/block-all",
        "/switches/test?context=%7B%22bank%22%3A%22hsbc%22%7D&switch=block-all",
        "/switches/test?context=nonsense",
        "/silences",
        "/silences/new?matchers=bank%3D%22hsbc%22",
        "/explore",
        "/explore?stream=payments&measure=count&by=bank&from=now-1h&shift=1w",
        "/explore?target=nothing.at.all",
        "/explore?target=*&target=sumSeries(*)&from=now-1h",
        "/explore?stream=payments&measure=count&by=bank&from=now-1h&unusual=1",
        "/explore/unlike?from=now-1h",
        "/edit",
        "/edit?rule=too-many",
        "/profiles",
        "/profiles/usual",
        "/profiles/usual?span=1h",
        "/sessions",
        "/sessions?span=1w",
        "/detectors",
        "/detectors/web",
        "/account",
        "/access",
        "/vulnerabilities",
        "/vulnerabilities?filter=severity+%3D%3D+%22critical%22&status=any",
        "/vulnerabilities?filter=nonsense+%3D%3D",
        "/more",
    ];
    fixed
        .map(str::to_owned)
        .into_iter()
        .chain([
            format!("/alerts/{fingerprint}"),
            format!("/vulnerabilities/{key}"),
            format!("/sessions/{session}"),
        ])
        .collect()
}

/// The id of a session that was flagged.
async fn session(server: &Running) -> String {
    let events = server.http.get(format!("{}/api/v1/export/events/api.sessions", server.url));
    let text = events.send().await.unwrap().text().await.unwrap();
    let event: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_fits_and_can_be_read_at_every_width_in_light_and_dark() {
    let server = open().await;
    let pages = addresses(&server).await;
    let axe = std::env::var_os("LANNER_TEST_AXE").map(|path| std::fs::read_to_string(path).unwrap());
    if axe.is_none() {
        eprintln!(
            "SKIPPED: the check by axe-core, because LANNER_TEST_AXE names no script; `cargo xtask test` fetches it"
        );
    }
    browse(&server, move |browser, url| {
        let mut problems = Vec::new();
        for (page, dark) in pages.iter().zip([false, true].into_iter().cycle()) {
            browser.prefer_dark(dark);
            for (nth, (width, height)) in WIDTHS.into_iter().enumerate() {
                browser.resize(width, height);
                if nth == 0 {
                    browser.go(&format!("{url}{page}"));
                }
                // A style that the policy refused would never come.
                browser.wait_for("getComputedStyle(document.querySelector('main')).paddingLeft !== '0px'");
                let wide = browser.evaluate("document.documentElement.scrollWidth");
                if wide.as_u64() > Some(u64::from(width)) {
                    problems.push(format!("{page} at {width} is {wide} wide"));
                }
                assert!(browser.text("main").len() > 20, "{page} is empty");
            }
            let mut note =
                |found: Vec<String>| problems.extend(found.iter().map(|it| format!("{page}: {it}")));
            note(axe.as_ref().map(|axe| browser.barriers(axe)).unwrap_or_default());
            for dark in [!dark, dark] {
                browser.prefer_dark(dark);
                note(browser.faint_texts());
            }
            note(browser.complaints());
        }
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_shows_what_happens_while_it_is_open() {
    let server = open().await;
    let (url, folder) = (server.url.clone(), tempfile::tempdir().unwrap());
    let Some(mut browser) = tokio::task::spawn_blocking(move || {
        let mut browser = Browser::start(folder.path())?;
        browser.go(&url);
        browser.wait_for("document.querySelector('#live').textContent === 'live'");
        assert!(!browser.text("#alerts").contains("bank=ing"));
        Some(browser)
    })
    .await
    .unwrap() else {
        return;
    };
    pay(&server, "ing").await;
    let mut browser = tokio::task::spawn_blocking(move || {
        browser.wait_for("document.querySelector('#alerts').innerText.includes('bank=ing')");
        browser.wait_for("document.title.startsWith('(')");
        browser
    })
    .await
    .unwrap();
    server
        .put("stop-ing", json!({ "when": "bank == \"ing\"", "status": "active", "reason": "it fails" }))
        .await;
    tokio::task::spawn_blocking(move || {
        browser.wait_for("document.querySelector('#contained').innerText.includes('stop-ing')");
        assert_eq!(browser.complaints(), Vec::<String>::new());
        // A page that is left ends its stream; another one opens at once.
        let started = Instant::now();
        browser.follow("header a[href='/rules']");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        assert!(browser.text("main").contains("too-many"));
        drop(browser);
    })
    .await
    .unwrap();
    let started = Instant::now();
    server.server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

/// At least forty alerts can be seen at once at a desk, each with its value, labels and age.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_is_dense() {
    let server = open().await;
    let shops: Vec<String> = (0..60).map(|at| json!({ "bank": format!("bank-{at}") }).to_string()).collect();
    while server.fine("GET", "/api/v1/alerts?state=firing", Value::Null).await.as_array().unwrap().len() < 60
    {
        server.text("/api/v1/events/payments", shops.join("\n")).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    browse(&server, |browser, url| {
        browser.go(url);
        browser.wait_for("getComputedStyle(document.querySelector('main')).paddingLeft !== '0px'");
        let seen = browser.evaluate(
            "[...document.querySelectorAll('.alerts tbody tr')].filter((row) => row.getBoundingClientRect().bottom <= innerHeight \
             && /bank=bank-\\d+/.test(row.innerText) && /\\d+s|\\dm/.test(row.querySelector('time').innerText)).length",
        );
        assert!(seen.as_u64() >= Some(40), "{seen} rows");
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_does_not_hold_the_server_up() {
    let server = open().await;
    for query in ["", "?brief=1", "?seen=1"] {
        let response = server.http.get(format!("{}/live{query}", server.url)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        // Kept open.
        std::mem::forget(response);
    }
    let started = Instant::now();
    server.server.stop().await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_finding_is_read_from_a_chart_by_keyboard_alone() {
    let server = open().await;
    while server.fine("GET", "/api/v1/evaluations?rule=too-many", Value::Null).await.as_array().unwrap().len()
        < 5
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    browse(&server, |browser, url| {
        browser.go(&format!("{url}/rules/too-many?group=bank%3D%22hsbc%22&span=1h"));
        browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
        for _ in 0..60 {
            if browser.evaluate("document.activeElement.matches('figure.chart')") == json!(true) {
                break;
            }
            browser.press("Tab");
        }
        assert_eq!(browser.evaluate("document.activeElement.className"), "chart");
        browser.press("p");
        browser.wait_for("document.querySelector('.chart .read').textContent.includes(', finding')");
        let read = browser.text(".chart .read");
        // The table behind `aria-details` says the same of the newest finding.
        let row = browser.evaluate(
            "(() => { const table = document.getElementById(document.querySelector('figure.chart').getAttribute('aria-details')); \
             return [...table.querySelectorAll('tbody tr')].find((row) => row.cells[row.cells.length - 1].textContent === 'yes')?.cells[1].textContent; })()",
        );
        let value = row.as_str().unwrap();
        assert!(value.parse::<f64>().unwrap() >= 1.0 && read.contains(&format!("value {value}, finding")), "{read}; {value}");
        let at = browser.evaluate("document.querySelector('figure.chart').dataset.at");
        browser.press("ArrowLeft");
        browser.wait_for(&format!("Number(document.querySelector('figure.chart').dataset.at) === {} - 1", at.as_str().unwrap()));
        browser.press("Shift+ArrowRight");
        browser.press("Escape");
        browser.wait_for("document.querySelector('.plot svg').getAttribute('viewBox').startsWith('0 0 1000')");
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_alerts_are_silenced_taken_on_and_blocked() {
    let server = open().await;
    browse(&server, |browser, url| {
        browser.allow_scripts(false);
        browser.go(url);
        let read = |browser: &mut Browser| browser.text("main");
        assert!(read(browser).contains("bank=hsbc"));
        browser.follow("#alerts a[href^='/alerts/']");
        browser.write("form[action$='/acknowledge'] input[name=comment]", "I look into it");
        browser.follow("form[action$='/acknowledge'] button");
        assert!(read(browser).contains("I look into it"), "{}", read(browser));
        browser.follow("a[href^='/silences/new']");
        assert!(read(browser).contains("Hits 1 alert"), "{}", read(browser));
        browser.follow("button[value=silence]");
        assert!(read(browser).contains("say why"), "{}", read(browser));
        browser.write("input[name=comment]", "known <problem>");
        browser.follow("button[value=silence]");
        let silences = read(browser);
        assert!(silences.contains("known <problem>") && silences.contains("anonymous"), "{silences}");
        browser.go(url);
        browser.follow("#alerts a[href^='/alerts/']");
        browser.follow("form[action$='/block'] button");
        assert!(read(browser).contains("bank == \"hsbc\""), "{}", read(browser));
        browser.follow("form.confirm button.danger");
        assert!(read(browser).contains("blocking"), "{}", read(browser));
        browser.follow("form[action$='/deactivate'] button");
        assert!(read(browser).contains("inactive"), "{}", read(browser));
        browser.follow("header a[href='/silences']");
        browser.follow("form[action$='/end'] button");
        assert!(read(browser).contains("Nothing is silenced"), "{}", read(browser));
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_sign_in_see_what_they_may_do_and_their_name_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        start_with(folder, |settings| settings.token = Some(Secret::Text(TOKEN.to_owned()))).await;
    server.tokens.insert("ann".to_owned(), TOKEN.to_owned());
    fill(&server).await;
    let mut tokens = Vec::new();
    for (name, scopes) in [("rita", json!(["read"])), ("otto", json!(["read", "operate"]))] {
        let made = server.fine("POST", "/api/v1/tokens", json!({ "name": name, "scopes": scopes })).await;
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    browse(&server, move |browser, url| {
        let sign_in = |browser: &mut Browser, token: &str| {
            browser.write("#token", token);
            browser.follow("form.sign-in button");
        };
        browser.go(&format!("{url}/switches/block-all"));
        assert!(browser.text("main").contains("Token"), "{}", browser.text("main"));
        sign_in(browser, "0123456789abcdef0124");
        assert!(browser.text("main").contains("the token is invalid"), "{}", browser.text("main"));
        browser.complaints();
        sign_in(browser, &tokens[0]);
        assert_eq!(browser.evaluate("location.pathname"), "/switches/block-all");
        assert_eq!(browser.evaluate("document.cookie"), "", "scripts see the session");
        assert!(browser.text("header").contains("rita"));
        assert_eq!(
            browser.evaluate("document.querySelectorAll('main form[method=post]').length"),
            0,
            "a reader is shown forms"
        );
        // The API takes no cookies.
        assert_eq!(browser.evaluate("fetch('/api/v1/rules').then((answer) => answer.status)"), 401);
        browser.complaints();
        browser.follow("header form button");
        browser.go(&format!("{url}/switches/block-all"));
        sign_in(browser, &tokens[1]);
        browser.write("form[action$='/activate'] input[name=message]", "the drill");
        browser.follow("form[action$='/activate'] button");
        browser.follow("form.confirm button.danger");
        let page = browser.text("main");
        assert!(
            page.contains("blocking") && page.contains("by otto") && page.contains("the drill"),
            "{page}"
        );
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test]
async fn every_page_says_what_browsers_may_do_with_it() {
    let server = open().await;
    for page in addresses(&server).await {
        let (status, headers, text) = get(&server, &page).await;
        assert_eq!(status, 200, "{page}: {text}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"),
            "{policy}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(!text.contains("style=\"") && !text.contains("<script>") && !text.contains("<i>1"), "{page}");
    }
    let (_, _, front) = get(&server, "/").await;
    let assets: Vec<&str> = front.split(['"', ' ']).filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 4, "{assets:?}");
    for asset in assets {
        let (status, headers, _) = get(&server, asset).await;
        assert!(
            status == 200 && headers["cache-control"].to_str().unwrap().contains("immutable"),
            "{asset}: {headers:?}"
        );
    }
    let (status, _, text) = get(&server, "/assets/page.0000000000000000.css").await;
    assert_eq!(status, 404, "{text}");
    for missing in [
        "/rules/nobody",
        "/switches/nobody",
        "/alerts/0123456789abcdef",
        "/sessions/nobody",
        "/detectors/nobody",
    ] {
        let (status, headers, text) = get(&server, missing).await;
        assert!(
            status == 404
                && text.contains("there is no")
                && headers["content-type"].to_str().unwrap().starts_with("text/html"),
            "{text}"
        );
    }
    // Where no page is, programs are answered in JSON and browsers with a page.
    for (path, status, says) in [
        ("/nowhere/at-all", 404, "There is no page at /nowhere/at-all"),
        ("/sign-out", 405, "forms are sent there"),
    ] {
        let ask =
            |accept: &str| server.http.get(format!("{}{path}", server.url)).header("accept", accept).send();
        let page = ask("text/html,application/xhtml+xml,*/*;q=0.8").await.unwrap();
        assert!(page.headers().contains_key("content-security-policy"), "{:?}", page.headers());
        let (found, text) = (page.status(), page.text().await.unwrap());
        assert!(found == status && text.contains(says) && text.contains("<h1>"), "{found}: {text}");
        let program = ask("*/*").await.unwrap();
        assert!(program.status() == status && program.text().await.unwrap().contains("/api/openapi.json"));
    }
    server.server.stop().await;
}

#[tokio::test]
async fn no_other_page_can_send_a_form() {
    let server = open().await;
    let (_, _, page) = get(&server, "/switches/block-all").await;
    let token = page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let chrome = ("user-agent", "Mozilla/5.0 Chrome/140");
    let own = ("origin", server.url.as_str());
    let path = "/switches/block-all/activate";
    let form = |token: &str| format!("form={token}&step=confirmed&for=1h");
    for (headers, body, expected) in [
        (vec![chrome, ("origin", "https://evil.example")], form(&token), 403),
        (
            vec![
                chrome,
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            form(&token),
            403,
        ),
        (vec![chrome, ("sec-fetch-site", "same-site")], form(&token), 403),
        (vec![chrome, ("origin", "null")], form(&token), 403),
        // An old browser that does not say where a form comes from.
        (vec![chrome], form(&token), 415),
        (vec![chrome, own, ("host", "evil.example")], form(&token), 403),
        (vec![chrome, own], form(""), 403),
        (vec![chrome, own], form("00"), 403),
        (vec![], form(&token.replace('a', "b")), 403),
    ] {
        let (status, answer) = send(&server, path, &headers, body).await;
        assert_eq!(status, expected, "{headers:?}: {answer}");
    }
    // Nor can somebody be signed in as somebody else.
    let evil = [chrome, ("origin", "https://evil.example")];
    assert_eq!(send(&server, "/sign-in", &evil, format!("token={TOKEN}")).await.0, 403);
    assert!(!server.blocks(json!({ "bank": "hsbc" })).await);
    let (status, answer) = send(&server, path, &[chrome, own], form(&token)).await;
    assert_eq!(status, 303, "{answer}");
    assert!(server.blocks(json!({ "bank": "hsbc" })).await);
    server.server.stop().await;
}

/// The page of the alert of a group, and the form on it, filled in and confirmed.
async fn block(server: &Running, alert: &Value) -> (u16, String) {
    let path = format!("/alerts/{}", alert["fingerprint"].as_str().unwrap());
    let (_, _, page) = get(server, &path).await;
    let token = page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = format!("form={token}&step=confirmed&for=1h&message=it+fires");
    send(server, &format!("{path}/block"), &[], form).await
}

#[tokio::test]
async fn what_an_alert_is_about_is_what_is_blocked() {
    let server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    let rule = json!({ "rules": [{
        "id": "by-k", "query": { "stream": "calls", "measure": "count", "by": ["k"] }, "window": "1s", "absolute": { "max": 0 },
    }] });
    server.fine("POST", "/api/v1/apply", rule).await;
    let values = [json!("中国"), json!("日本"), json!(80), json!(true), json!("free"), json!("taken")];
    let mut alerts = Vec::new();
    for _ in 0..100 {
        for value in &values {
            server.text("/api/v1/events/calls", json!({ "k": value }).to_string()).await;
        }
        let found = server.fine("GET", "/api/v1/alerts", Value::Null).await;
        found.as_array().unwrap().clone_into(&mut alerts);
        if alerts.len() == values.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let of = |label: &str| alerts.iter().find(|alert| alert["group"]["k"] == label).unwrap();

    // Values whose signs an id cannot hold are told apart.
    assert_eq!(block(&server, of("中国")).await.0, 303);
    assert!(server.blocks(json!({ "k": "中国" })).await && !server.blocks(json!({ "k": "日本" })).await);
    assert_eq!(block(&server, of("日本")).await.0, 303);
    assert!(server.blocks(json!({ "k": "日本" })).await);

    // A label does not say whether it was a number or a truth value.
    for (label, value) in [("80", json!(80)), ("true", json!(true))] {
        assert_eq!(block(&server, of(label)).await.0, 303);
        assert!(server.blocks(json!({ "k": value })).await && server.blocks(json!({ "k": label })).await);
    }
    assert!(!server.blocks(json!({ "k": 81 })).await && !server.blocks(json!({ "k": false })).await);

    // A switch of that name is turned on if it blocks just this, and else left alone.
    let off =
        |when: &str| json!({ "when": when, "status": "inactive", "reason": "made before", "owner": "ann" });
    server.put("block-k.free", off("k == \"free\"")).await;
    let (status, page) = block(&server, of("free")).await;
    assert!(status == 200 && page.contains("/switches/block-k.free/activate"), "{status}: {page}");
    server.put("block-k.taken", off("k != \"taken\"")).await;
    let (status, page) = block(&server, of("taken")).await;
    assert!(status == 409 && page.contains("there is a switch block-k.taken already"), "{status}: {page}");
    assert!(!server.blocks(json!({ "k": "else" })).await);
    server.server.stop().await;
}

#[tokio::test]
async fn a_wrong_question_is_answered_with_what_is_wrong() {
    let server = open().await;
    for (query, expected) in [
        ("stream=payments&measure=nonsense", "measure"),
        ("stream=payments&from=yesterdayish", "from: "),
        ("stream=payments&shift=99999999999w", "shift: "),
        ("stream=payments&shift=soon", "shift: "),
        ("query=%7B+target", "query: "),
        ("query=nonsense", "query: "),
        ("query=%7B+nonsense:+1+%7D&unusual=1", "query: should have one of"),
        ("target=sumSeries(&target=*", "target"),
        ("target=1&target=2&target=3&target=4&target=5&target=6&target=7&target=8&target=9", "at most 8"),
    ] {
        let (status, _, page) = get(&server, &format!("/explore?{query}")).await;
        let said = page.split("role=\"alert\">").nth(1).unwrap_or_else(|| panic!("{status} {query}: {page}"));
        let said = said.split('<').next().unwrap();
        assert!(said.contains(expected) && !said.contains("nothing was changed"), "{query}: {said}");
    }
    server.server.stop().await;
}

#[tokio::test]
async fn sessions_open_pages_alone_and_end_with_their_token() {
    let mut server = start_with(tempfile::tempdir().unwrap(), |settings| {
        settings.token = Some(Secret::Text(TOKEN.to_owned()));
    })
    .await;
    server.tokens.insert("ann".to_owned(), TOKEN.to_owned());
    let made = server.fine("POST", "/api/v1/tokens", json!({ "name": "rita", "scopes": ["read"] })).await;
    let rita = made["token"].as_str().unwrap().to_owned();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let sign_in = async |token: &str, next: &str| {
        let form = [("token", token), ("next", next)];
        http.post(format!("{}/sign-in", server.url))
            .header("origin", &server.url)
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    for (next, expected) in [
        ("/rules?q=a", "/rules?q=a"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
    ] {
        let answer = sign_in(&rita, next).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (303, expected),
            "{next}"
        );
    }
    assert_eq!(sign_in("0123456789abcdef0124", "/").await.status(), 401);
    let made = server.fine("POST", "/api/v1/tokens", json!({ "name": "shop", "scopes": ["evaluate"] })).await;
    let answer = sign_in(made["token"].as_str().unwrap(), "/").await;
    assert!(answer.status() == 403 && !answer.headers().contains_key("set-cookie"), "{answer:?}");
    let page = answer.text().await.unwrap();
    assert!(page.contains("lacks the scope read") && page.contains("name=\"token\""), "{page}");
    let cookie = sign_in(&rita, "/").await.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(&rita),
        "{cookie}"
    );
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let ask = async |method: &str, path: &str| {
        let request =
            http.request(method.parse().unwrap(), format!("{}{path}", server.url)).header("cookie", &cookie);
        let answer = request
            .header("origin", &server.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    for (method, path, expected) in [
        ("GET", "/", 200),
        ("GET", "/rules", 200),
        ("GET", "/api/v1/rules", 401),
        ("GET", "/metrics", 401),
        ("GET", "/render?target=a", 401),
        ("POST", "/api/v1/switches/evaluate", 401),
        ("POST", "/silences/new", 403),
        ("POST", "/switches/x/activate", 403),
    ] {
        assert_eq!(ask(method, path).await, expected, "{method} {path}");
    }
    let (status, headers, _) = get(&server, "/rules/x?q=1").await;
    assert_eq!((status, headers["location"].to_str().unwrap()), (303, "/sign-in?next=%2Frules%2Fx%3Fq%3D1"));
    assert_eq!(get(&server, "/api/v1/rules").await.0, 401);
    let live = http.get(format!("{}/live", server.url)).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(live.status(), 200);
    server.fine("DELETE", "/api/v1/tokens/rita", Value::Null).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), live.bytes()).await;
    assert!(ended.is_ok(), "a revoked token keeps its stream");
    assert_eq!(ask("GET", "/").await, 303, "a revoked token keeps its session");
    server.server.stop().await;
}
