//! What people do to pages and nobody planned: rubbish in addresses, names without end, keyboards, paper, tabs that were away,
//! sessions that end while somebody writes.

use std::time::Duration;

use lanner_io::receiver::Secret;
use lanner_server::PAGES;
use lanner_testkit::Browser;
use serde_json::{Value, json};

use crate::browsing::{browse, get, open, pay};
use crate::page::addresses;
use crate::switching::{Running, start_with};

const TOKEN: &str = "0123456789abcdef0123";

/// Queries that somebody pasted half of, or made up.
const RUBBISH: [&str; 22] = [
    "",
    "%",
    "&&&===",
    "q=%00%ff%fe&state=%00&after=%f0%9f%92%a9",
    "q=<script>alert(1)</script>&state=<b>&phase='\"",
    "from=-1e999&to=NaN&span=..%2F..&step=0",
    "from=now&to=now-1w&stream=payments",
    "from=0&to=99999999999999999999&stream=payments&by=bank",
    "from=1970-01-01&stream=payments&measure=count&shift=-1w",
    "offset=-1&status=nothing",
    "offset=99999999999999999999&filter=((((((((",
    "offset=4294967295&filter=severity",
    "context=[[[[[[[[&switch=%00",
    "context=%7B%22a%22%3A%7B%22a%22%3A1e999%7D%7D",
    "matchers=%22&for=forever&comment=%00",
    "matchers=a=~%22(((%22",
    "rule=..%2F..&version=-1&text=%00",
    "rule=too-many&version=99999999999999999999",
    "text=%26a+%5B*a,*a%5D",
    "group=%7B%7B%7B&span=99999999w",
    "at=99999999999999999999&compare=nothing&token=%00&scope=all",
    "target=%28%28%28&target=%00&unusual=1&query=%7B",
];

/// The pages of the router's table, with what stands in for names: some that are there, and some that cannot be.
fn pages(there: &[String]) -> Vec<String> {
    let alike = |page: &str, address: &str| {
        let (page, address): (Vec<&str>, Vec<&str>) =
            (page.split('/').collect(), address.split(['?', '#']).next().unwrap().split('/').collect());
        page.len() == address.len()
            && page.iter().zip(&address).all(|(one, other)| one == other || one.starts_with('{'))
    };
    let gets = PAGES.iter().filter(|(method, page)| *method == "get" && *page != "/live");
    gets.flat_map(|(_, page)| {
        let known = there.iter().filter(|address| alike(page, address)).take(1);
        let known: Vec<String> = known.map(|address| address.split('?').next().unwrap().to_owned()).collect();
        let names = ["%ff", "..%2f..", "%00", "%22%3E%3Cb%3E", "a%2Fb"];
        let odd = names.iter().filter(|_| page.contains('{')).map(|name| {
            let (before, after) = page.split_once('{').unwrap();
            format!("{before}{name}{}", after.split_once('}').unwrap().1)
        });
        known.into_iter().chain(odd).collect::<Vec<_>>()
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_in_an_address_is_answered_with_a_page() {
    let server = open().await;
    let there = addresses(&server).await;
    let long = format!("q={0}&filter={0}&target={0}&context={0}&matchers={0}", "x".repeat(5_000));
    let mut problems = Vec::new();
    for page in pages(&there) {
        for query in RUBBISH.into_iter().chain([long.as_str()]) {
            let (status, headers, text) = get(&server, &format!("{page}?{query}")).await;
            let kind = headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let is_page = kind.starts_with("text/html") && text.contains("<h1") || status == 303;
            let is_asset = page.starts_with("/assets/") && status == 404;
            if status >= 500
                || !(is_page || is_asset)
                || text.contains("<script>alert")
                || text.contains("<b>\">")
            {
                problems.push(format!("{page}?{query:.60}: {status} {kind} {text:.80}"));
            }
        }
    }
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(get(&server, "/").await.0, 200);
    server.server.stop().await;
}

/// A server whose names have no end, and some from right to left.
async fn named_at_length() -> (Running, Vec<String>) {
    let server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    let long = "W".repeat(100);
    let hebrew = "בנק הפועלים";
    let rule = "r".repeat(64);
    let rules = json!({ "rules": [{ "id": rule, "description": long, "labels": { "severity": "page", "owner": long },
        "query": { "stream": "payments", "measure": "count", "by": ["bank"] }, "window": "1h", "every": "1s", "absolute": { "max": 0 },
        "content": format!("{long}{hebrew}") }] });
    server.fine("POST", "/api/v1/apply", rules).await;
    let switch = "s".repeat(64);
    let owned = json!({ "when": format!("bank == \"{long}\""), "status": "active", "reason": hebrew, "owner": hebrew, "description": long });
    server.put(&switch, owned).await;
    let owned = json!({ "when": "bank == \"y\"", "status": "active", "reason": hebrew, "owner": hebrew });
    server.put("owned", owned).await;
    server
        .put("other", json!({ "when": "bank == \"x\"", "status": "inactive", "reason": long, "owner": long }))
        .await;
    let silence = json!({ "matchers": [format!("owner=\"{long}\""), format!("bank=\"{hebrew}\"")], "duration": "1h", "comment": long });
    server.fine("POST", "/api/v1/silences", silence).await;
    server.text(&format!("/write?name={}", "m".repeat(100)), format!("{} value=1", "m".repeat(100))).await;
    server.text("/api/v1/events/access", json!({ "a": 1 }).to_string()).await;
    pay(&server, &long).await;
    pay(&server, hebrew).await;
    let alerts = server.fine("GET", "/api/v1/alerts", Value::Null).await;
    let fingerprints = alerts.as_array().unwrap().iter().map(|alert| alert["fingerprint"].as_str().unwrap());
    let group = format!("bank%3D%22{long}%22");
    let fixed = [
        "/".to_owned(),
        "/rules".to_owned(),
        format!("/rules/{rule}?group={group}"),
        format!("/edit?rule={rule}"),
        "/switches".to_owned(),
        format!("/switches/{switch}"),
        "/switches/other".to_owned(),
        format!("/switches/test?context=%7B%22bank%22%3A%22{long}%22%7D"),
        "/silences".to_owned(),
        format!("/silences/new?matchers=bank%3D%22{long}%22"),
        "/explore".to_owned(),
        "/explore?stream=payments&measure=count&by=bank&from=now-1h".to_owned(),
        format!("/explore?target={}", "m".repeat(100)),
        "/explore/unlike?from=now-1h".to_owned(),
        "/more".to_owned(),
        format!("/nowhere/{long}"),
    ];
    let all = fixed.into_iter().chain(fingerprints.map(|id| format!("/alerts/{id}"))).collect();
    (server, all)
}

#[tokio::test(flavor = "multi_thread")]
async fn names_without_end_fit_a_telephone_and_those_from_right_to_left_stay_in_place() {
    let (server, pages) = named_at_length().await;
    browse(&server, move |browser, url| {
        let mut problems = Vec::new();
        for page in &pages {
            browser.resize(360, 780);
            browser.go(&format!("{url}{page}"));
            browser.wait_for("getComputedStyle(document.querySelector('main')).paddingLeft !== '0px'");
            let wide = browser.evaluate("document.documentElement.scrollWidth");
            if wide.as_u64() > Some(360) {
                problems.push(format!("{page:.60} is {wide} wide"));
            }
        }
        assert_eq!(problems, Vec::<String>::new());
        // The owner stands before the reason, though both are read from right to left.
        browser.resize(1440, 900);
        browser.go(url);
        let order = browser.evaluate(
            "(() => { const row = [...document.querySelectorAll('#contained li')].find((it) => it.innerText.includes('owned')), range = document.createRange(), owner = row.querySelectorAll('b')[1]; \
             range.selectNodeContents(owner.nextSibling); return [owner.getBoundingClientRect().right, [...range.getClientRects()].pop().right]; })()",
        );
        assert!(order[0].as_f64() < order[1].as_f64(), "{order}");
    })
    .await;
    server.server.stop().await;
}

/// Every link, field and button of every page is reached by tabs, one after the other, has a name, and shows that it is reached.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_reaches_everything_on_every_page() {
    let server = open().await;
    let pages = addresses(&server).await;
    browse(&server, move |browser, url| {
        let mut problems = Vec::new();
        for page in &pages {
            browser.go(&format!("{url}{page}"));
            browser.wait_for("getComputedStyle(document.querySelector('main')).paddingLeft !== '0px'");
            let wanted = browser.evaluate(
                "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')] \
                 .filter((it) => it.tabIndex >= 0 && !it.disabled && it.checkVisibility({ visibilityProperty: true })).map((it, nth) => { it.dataset.nth = nth; return nth; }).length",
            );
            let wanted = wanted.as_u64().unwrap();
            browser.evaluate("(() => { document.activeElement.blur(); window.reached = new Set(); window.bare = new Set(); })()");
            for _ in 0..wanted + 5 {
                browser.press("Tab");
                browser.evaluate(
                    "(() => { const it = document.activeElement, style = getComputedStyle(it); if (!it.dataset.nth) return; \
                     if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 1) bare.add(it.outerHTML.slice(0, 80)); reached.add(it.dataset.nth); })()",
                );
            }
            let missed = browser.evaluate(
                "[...document.querySelectorAll('[data-nth]')].filter((it) => !reached.has(it.dataset.nth)).map((it) => it.outerHTML.slice(0, 100))",
            );
            let bare = browser.evaluate("[...bare]");
            for (found, what) in [(missed, "is not reached"), (bare, "shows no focus")] {
                problems.extend(found.as_array().unwrap().iter().map(|it| format!("{page}: {it} {what}")));
            }
        }
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

/// On paper nothing scrolls and nothing is dark.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_printed_whole_on_white_paper() {
    let server = open().await;
    let pages = addresses(&server).await;
    browse(&server, move |browser, url| {
        let mut problems = Vec::new();
        browser.resize(720, 1000);
        let paper = json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        browser.tell("Emulation.setEmulatedMedia", &paper);
        for page in &pages {
            browser.go(&format!("{url}{page}"));
            browser.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })");
            let cut = browser.evaluate(
                "[...document.querySelectorAll('main, main *')].filter((it) => it.checkVisibility() && !it.closest('svg, .hidden, .arcs') && getComputedStyle(it).overflow !== 'visible' \
                 && (it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1)).map((it) => it.outerHTML.slice(0, 80))",
            );
            problems.extend(cut.as_array().unwrap().iter().map(|it| format!("{page}: {it} is cut")));
            let wide = browser.evaluate("document.documentElement.scrollWidth");
            if wide.as_u64() > Some(720) {
                problems.push(format!("{page} is {wide} wide"));
            }
            let back = browser.evaluate("getComputedStyle(document.body).backgroundColor");
            if back != "rgb(255, 255, 255)" {
                problems.push(format!("{page} is {back}"));
            }
        }
        assert_eq!(problems, Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

/// Another tab lies above for a while; then the page shows what happened meanwhile. The same for who comes back to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_away_shows_what_happened_meanwhile() {
    // Nothing else happens here that would have the page ask.
    let server = start_with(tempfile::tempdir().unwrap(), |_| ()).await;
    let drill =
        json!({ "when": "bank == \"hsbc\"", "status": "inactive", "reason": "a drill", "owner": "ann" });
    server.put("block-all", drill).await;
    let (url, folder) = (server.url.clone(), tempfile::tempdir().unwrap());
    let opened = tokio::task::spawn_blocking(move || {
        let mut browser = Browser::start(folder.path())?;
        browser.go(&format!("{url}/switches/block-all"));
        browser.wait_for("document.querySelector('#live').textContent === 'live'");
        assert!(browser.text("#state").contains("inactive"));
        hide(&mut browser, true);
        Some((browser, folder))
    });
    let Some((mut browser, folder)) = opened.await.unwrap() else { return };
    server.fine("POST", "/api/v1/switches/block-all/activate", json!({ "message": "meanwhile" })).await;
    // What the server saw before the page listens again is no news to it.
    while !get(&server, "/").await.2.contains("blocking</b> <a href=\"/switches/block-all\"") {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let browser = tokio::task::spawn_blocking(move || {
        hide(&mut browser, false);
        browser.wait_for("document.querySelector('#state').innerText.includes('meanwhile')");
        // Away on another page, and back.
        browser.follow("header a[href='/rules']");
        browser
    });
    let mut browser = browser.await.unwrap();
    server.fine("POST", "/api/v1/switches/block-all/deactivate", json!({ "message": "over" })).await;
    tokio::task::spawn_blocking(move || {
        browser.evaluate("history.back()");
        browser.wait_for("document.querySelector('#state')?.innerText.includes('over') === true");
        browser.wait_for("document.querySelector('#live').textContent === 'live'");
        drop((browser, folder));
    })
    .await
    .unwrap();
    server.server.stop().await;
}

/// As a browser tells a page that another tab lies above it.
fn hide(browser: &mut Browser, hidden: bool) {
    browser.evaluate(&format!(
        "Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {hidden} }}); document.dispatchEvent(new Event('visibilitychange'))"
    ));
}

async fn closed() -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        start_with(folder, |settings| settings.token = Some(Secret::Text(TOKEN.to_owned()))).await;
    server.tokens.insert("ann".to_owned(), TOKEN.to_owned());
    server
}

/// Somebody writes a rule for so long that the session ends: nothing of it is lost, and the page says what is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_a_session_ends_is_not_lost() {
    let server = closed().await;
    let made = server.fine("POST", "/api/v1/tokens", json!({ "name": "otto", "scopes": ["admin"] })).await;
    let otto = made["token"].as_str().unwrap().to_owned();
    let (url, folder) = (server.url.clone(), tempfile::tempdir().unwrap());
    let opened = tokio::task::spawn_blocking(move || {
        let mut browser = Browser::start(folder.path())?;
        browser.resize(390, 844);
        browser.go(&format!("{url}/edit"));
        browser.write("#token", &otto);
        browser.follow("form.sign-in button");
        browser.write("#text", "id: an-hour\nquery: { <stream>: x }");
        browser.wait_for("document.querySelector('#check').innerText.includes('line 2')");
        Some((browser, folder))
    });
    let Some((mut browser, folder)) = opened.await.unwrap() else { return };
    server.fine("DELETE", "/api/v1/tokens/otto", Value::Null).await;
    tokio::task::spawn_blocking(move || {
        browser.follow("button[value=save]");
        let kept = browser.evaluate("document.querySelector('main textarea[readonly]').value");
        assert_eq!(kept, "id: an-hour\nquery: { <stream>: x }");
        assert!(browser.text("main").contains("you are not signed in any more; nothing was changed"));
        // Signing in leads back to the form. A wrong token is told as ever.
        browser.write("#token", "0123456789abcdef0124");
        browser.follow("form.sign-in button");
        assert!(browser.text("main").contains("the token is invalid"));
        browser.write("#token", TOKEN);
        browser.follow("form.sign-in button");
        assert_eq!(browser.evaluate("location.pathname"), "/edit");
        // Whoever signed in anew in another tab sends the form of before: it is not lost either.
        browser.write("#text", "id: another");
        let other = "[...document.querySelectorAll('input[name=form]')].map((it) => it.value = 'of another session').length";
        assert_ne!(browser.evaluate(other), 0);
        browser.follow("button[value=save]");
        assert!(browser.text("main").contains("this form is from before you signed in"));
        assert_eq!(browser.evaluate("document.querySelector('main textarea[readonly]').value"), "id: another");
        drop((browser, folder));
    })
    .await
    .unwrap();
    server.server.stop().await;
}

/// A page says when it is not kept up to date any more because somebody signed out in another tab.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_that_somebody_signed_out_elsewhere() {
    let server = closed().await;
    browse(&server, |browser, url| {
        browser.go(url);
        browser.write("#token", TOKEN);
        browser.follow("form.sign-in button");
        browser.wait_for("document.querySelector('#live').textContent === 'live'");
        let form = "(() => { const form = document.querySelector('header form'); return fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }).then((it) => it.status); })()";
        assert_eq!(browser.evaluate(form), 200);
        browser.wait_for("document.querySelector('#live').textContent.startsWith('signed out')");
    })
    .await;
    server.server.stop().await;
}
