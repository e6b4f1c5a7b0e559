//! The page where people work with what they see: rules that are written with a view of the past, and what else changed.

use serde_json::{Value, json};

use crate::browsing::{browse, get, open, send};
use crate::switching::Running;

#[tokio::test]
async fn what_is_drawn_can_be_made_a_rule() {
    let server = open().await;
    for query in [
        "stream=payments&measure=sum(amount)&where=status%20%3D%3D%20%22ok%22&by=bank%2C%20country",
        "stream=payments",
        "target=sumSeries(shop.*.orders)",
    ] {
        let (_, _, page) = get(&server, &format!("/explore?{query}")).await;
        let editor = page.split("href=\"/edit?").nth(1).map(|rest| rest.split('"').next().unwrap());
        let (status, _, page) =
            get(&server, &format!("/edit?{}", editor.unwrap_or_else(|| panic!("{page}")))).await;
        assert_eq!(status, 200, "{page}");
        let rule = page.split("<textarea").nth(1).and_then(|rest| rest.split('>').nth(1)).unwrap();
        let rule = rule.split("</").next().unwrap().replace("&quot;", "\"").replace("&amp;", "&");
        let document = lanner_engine::document::Node::from_yaml(&rule).unwrap().to_json();
        let request = json!({ "rules": [document], "dry_run": true });
        assert_eq!(
            server.fine("POST", "/api/v1/apply", request).await["created"],
            json!(["my-rule"]),
            "{rule}"
        );
    }
    server.server.stop().await;
}

const WARM: &str =
    "id: too-warm\nquery: { series: room.temperature, measure: max }\nwindow: 10m\nno_data: ok\n";

/// Two days of a room that was too warm three times.
async fn warm(server: &Running) {
    let now_s = server.fine("GET", "/api/v1/status", Value::Null).await["now"]
        .as_str()
        .map(|now| lanner_core::time::parse_time_ms(now).unwrap() / 1000);
    let first_s = now_s.unwrap() / 600 * 600 - 288 * 600;
    let degrees = |nth: i64| if [50, 120, 200].contains(&nth) { 30 + nth / 50 } else { 20 + nth % 3 };
    let lines: String =
        (0..287).map(|nth| format!("room temperature={} {}\n", degrees(nth), first_s + nth * 600)).collect();
    server.text("/api/v2/write?precision=s", lines).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_written_with_a_view_of_the_past() {
    let server = open().await;
    warm(&server).await;
    browse(&server, |browser, url| {
        browser.go(&format!("{url}/rules"));
        browser.follow("main a[href='/edit']");
        // While it is typed.
        browser.write("#text", &format!("{WARM}absolute: {{ max: warm }}\n"));
        browser.wait_for("document.querySelector('#check').innerText.includes('line 5, character')");
        assert!(
            browser.evaluate("document.querySelector('#text').value").as_str().unwrap().contains("max: warm")
        );
        browser.complaints(); // the status of the answer
        browser.write("#text", &format!("{WARM}absolute: {{ max: 31 }}\n"));
        browser.wait_for("document.querySelector('#check').innerText.includes('Nothing is wrong')");
        browser.follow("div.ask button[value=preview]");
        assert!(
            browser.text("#preview").contains("It would have fired 2 times"),
            "{}",
            browser.text("#preview")
        );
        // The handle: the laxest limits fire never, stricter ones more often, and the band moves along.
        browser.wait_for("document.querySelector('.handle output').textContent.includes('fires')");
        let band = "document.querySelector('.plot .band').getAttribute('d')";
        let before = browser.evaluate(band);
        browser.evaluate("document.querySelector('#limit').focus()");
        browser.press("Home");
        browser.wait_for("document.querySelector('.handle output').textContent.includes('fires never')");
        assert_ne!(browser.evaluate(band), before);
        browser.press("ArrowRight");
        browser.wait_for("document.querySelector('.handle output').textContent.includes('fires once')");
        browser.follow(".handle tr.chosen button");
        let text = browser.evaluate("document.querySelector('#text').value");
        assert!(!text.as_str().unwrap().contains("31"), "{text}");
        assert!(
            browser.text("#preview").contains("It would have fired once"),
            "{}",
            browser.text("#preview")
        );
        browser.write("input[name=message]", "the summer");
        browser.follow("button[value=save]");
        assert_eq!(browser.evaluate("location.pathname"), "/rules/too-warm");
        // Changed, and back.
        browser.follow("a[href^='/edit?rule=']");
        browser.write("#text", &format!("{WARM}absolute: {{ max: 40 }}\n"));
        browser.follow("button[value=save]");
        browser.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })");
        assert!(browser.text("main").contains("+   max: 40"), "{}", browser.text("main"));
        browser.follow("a[href*='version=1']");
        browser.follow("button[value=save]");
        assert!(!browser.text("main pre").contains("40"), "{}", browser.text("main"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_completed_drawn_together_and_judged() {
    let server = open().await;
    let now_s = server.fine("GET", "/api/v1/status", Value::Null).await["now"]
        .as_str()
        .map(|now| lanner_core::time::parse_time_ms(now).unwrap() / 1000);
    let first_s = now_s.unwrap() / 600 * 600 - 3 * 7 * 144 * 600;
    // Three weeks, and an hour that was too warm in the last day.
    let degrees = |nth: i64| if nth / 6 == 500 { 40 } else { 20 + nth % 3 };
    let lines: String = (0..3 * 7 * 144)
        .map(|nth| format!("room temperature={} {}\n", degrees(nth), first_s + nth * 600))
        .collect();
    server.text("/api/v2/write?precision=s", lines).await;
    browse(&server, |browser, url| {
        browser.go(&format!("{url}/explore"));
        for (typed, expected) in [
            ("roo", "room."),
            ("room.t", "room.temperature"),
            ("movingAverage(room.t", "movingAverage(room.temperature"),
            ("movingAv", "movingAverage("),
        ] {
            let typed = format!("input.value = '{typed}'; input.dispatchEvent(new Event('input'));");
            browser.evaluate(&format!(
                "(() => {{ const input = document.querySelector('[name=target]'); {typed} }})()"
            ));
            let offered = "[...document.querySelectorAll('#series option')].map((it) => it.value)";
            browser.wait_for(&format!("{offered}.includes('{expected}')"));
        }
        // What there is can be chosen, and another expression be drawn beside it.
        browser.go(&format!("{url}/explore"));
        browser.follow("a[href='/explore?target=room.temperature']");
        browser.write("label:nth-of-type(2) [name=target]", "scale(room.temperature,2)");
        browser.follow("form.ask button");
        let legend = browser.text("#chart figcaption");
        assert!(legend.contains("room.temperature") && legend.contains("scale("), "{legend}");
        browser.go(&format!("{url}/explore?target=room.temperature&from=now-1d&unusual=1"));
        assert!(browser.text("main").contains("room.temperature: 6 findings"), "{}", browser.text("main"));
        // The range that the detector took for usual is drawn, read and in the table.
        let drawn = browser.evaluate("document.querySelector('.plot .band').getAttribute('d')");
        assert!(drawn.as_str().is_some_and(|path| path.split('L').count() > 200), "{drawn}");
        browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
        browser.evaluate("document.querySelector('figure.chart').focus()");
        browser.press("p");
        browser.wait_for("document.querySelector('.chart .read').textContent.includes(', finding; usual from')");
        let edges = browser.evaluate(
            "[...document.querySelectorAll('#chart-table tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
        );
        let is_outside = |row: &Value| {
            let [value, lower, upper] =
                [1, 3, 4].map(|at: usize| row[at].as_str().unwrap().parse::<f64>().unwrap());
            !(lower..=upper).contains(&value)
        };
        let (found, usual): (Vec<&Value>, Vec<&Value>) =
            edges.as_array().unwrap().iter().partition(|row| row[5] == "yes");
        // The newest first; what lasts is learned.
        assert!(found.last().is_some_and(|first| is_outside(first)), "{found:?}");
        assert_eq!(usual.into_iter().find(|row| is_outside(row)), None);
        // What is zoomed into is drawn anew, more finely, and compared with other series.
        browser.press("ArrowUp");
        let aimed = |browser: &mut lanner_testkit::Browser, text: &str| {
            let find = format!("[...document.querySelectorAll('.spans a')].find((it) => it.innerText === '{text}')?.href");
            browser.evaluate(&find).as_str().unwrap_or_default().to_owned()
        };
        for (text, expected) in [("draw this span", "unusual=1"), ("what else changed", "/explore/unlike?")] {
            let address = aimed(browser, text);
            assert!(address.contains(expected) && address.contains("from=20"), "{text}: {address}");
        }
        let address = aimed(browser, "draw this span");
        browser.go(&address);
        assert!(browser.text("main").contains("room.temperature: "), "{}", browser.text("main"));
        browser.go(&format!("{url}/explore?query={{+series:+room.temperature,+measure:+max+}}&from=now-1d"));
        assert!(browser.text("#chart figcaption").contains("all"), "{}", browser.text("main"));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    })
    .await;
    server.server.stop().await;
}

#[tokio::test]
async fn rules_of_two_people_do_not_overwrite_each_other() {
    let server = open().await;
    let (_, _, page) = get(&server, "/edit?rule=quiet").await;
    let token = page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let chrome = [("user-agent", "Mozilla/5.0 Chrome/140"), ("origin", server.url.as_str())];
    let form = |version: u32, text: &str, step: &str| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let version = version.to_string();
        form.extend_pairs([
            ("form", token.as_str()),
            ("rule", "quiet"),
            ("version", &version),
            ("text", text),
            ("step", step),
        ]);
        form.finish()
    };
    let text = "id: quiet\nquery: { stream: nothing, measure: count }\nwindow: 1h\nabsolute: { max: 6 }";
    assert_eq!(send(&server, "/edit", &chrome, form(1, text, "save")).await.0, 303);
    let (status, page) = send(&server, "/edit", &chrome, form(1, text, "save")).await;
    assert!(
        status == 409 && page.contains("was changed to version 2 by anonymous meanwhile"),
        "{status}: {page}"
    );
    for (text, expected) in [
        ("id: quiet\nwindow: soon\nabsolute: { max: 6", "line 3"),
        ("id: quiet\nwindow: soon\nabsolute: { max: 6 }", "line 2, character 9"),
        ("rules: [{ id: a }, { id: b }]", "holds 2 rules"),
        (
            "id: other\nquery: { stream: nothing, measure: count }\nwindow: 1h\nabsolute: { max: 6 }",
            "another rule beside it",
        ),
        (
            "id: quiet\nquery: { stream: nothing, measure: count }\nwindow: 1h\nabsolute: { max: 6 }\nreceivers: [nobody]",
            "nobody",
        ),
        ("", "problem"),
        (
            "id: quiet\nquery: { stream: nothing, measure: count }\nwindow: 1h\nabsolute: { max: 6 }\nstatus: inactive",
            "not active",
        ),
    ] {
        let (status, page) = send(&server, "/edit", &chrome, form(2, text, "preview")).await;
        assert!(matches!(status, 200 | 422) && page.contains(expected), "{status} {expected}: {page}");
    }
    let bad_span = form(2, text, "preview") + "&span=yesterday";
    let (_, page) = send(&server, "/edit", &chrome, bad_span).await;
    assert!(page.contains("yesterday"), "{page}");
    server.server.stop().await;
}

#[tokio::test]
async fn what_else_changed_is_ranked() {
    let server = open().await;
    let now = server.fine("GET", "/api/v1/status", Value::Null).await["now"].as_str().unwrap().to_owned();
    let now_s = lanner_core::time::parse_time_ms(&now).unwrap() / 1000 / 60 * 60;
    let mut lines = String::new();
    for minute in 1..=600_i64 {
        let is_late = minute <= 30;
        let time_s = now_s - minute * 60;
        for host in 0..200_i64 {
            let usual = 50 + (minute * 7 + host * 3) % 11;
            let load = match host {
                3 if is_late => usual / 5,
                5 if minute == 12 => usual * 4,
                _ => usual,
            };
            if !(host == 7 && is_late) {
                lines += &format!("load,host=h{host:03} value={load} {time_s}\n");
            }
        }
    }
    server.text("/api/v2/write?precision=s", lines).await;
    let path = format!("/api/v1/series/unlike?name=load*&from={}&to={}", now_s - 1800, now_s);
    let answer = server.fine("GET", &path, Value::Null).await;
    assert_eq!(answer["compared"], 200);
    let told: Vec<String> = (answer["series"].as_array().unwrap().iter())
        .map(|it| format!("{} {}", it["labels"]["host"].as_str().unwrap(), it["change"].as_str().unwrap()))
        .collect();
    assert_eq!(told, ["h003 lower", "h005 peak", "h007 stopped"], "{answer}");
    let (status, _, page) = get(&server, &path.replace("/api/v1/series", "/explore")).await;
    assert!(status == 200 && page.contains("host=h005") && page.contains("stopped"), "{page}");
    for (query, expected) in
        [("from=soon", "soon"), ("from=now&to=now-1h", "not after"), ("from=now-5w", "four weeks")]
    {
        let (_, answer) = server.ask("GET", &format!("/api/v1/series/unlike?{query}"), Value::Null).await;
        assert!(answer.to_string().contains(expected), "{answer}");
        let (_, _, page) = get(&server, &format!("/explore/unlike?{query}")).await;
        assert!(page.contains(expected), "{page}");
    }
    server.server.stop().await;
}
