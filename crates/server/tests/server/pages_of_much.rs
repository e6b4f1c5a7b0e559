//! How long pages take where there is much to show. The bounds are those of a machine that does nothing else, so they are held to the
//! processor time that a page takes, which is more than how long it takes there: several threads, and the test itself, count.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use lanner_server::{Clock, Settings};
use serde_json::{Value, json};

use crate::browsing::browse;
use crate::many_rules::rules;
use crate::switching::{Running, start, start_with};

/// What this process has taken of the processors, the server and the test together. Linux counts it in hundredths of a second.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

impl Running {
    /// Asks for a page some times; what it takes at best, as other tests run beside it, and its text.
    async fn cost(&self, what: &str, path: &str) -> (Duration, String) {
        const TIMES: u32 = 10;
        let (mut taken, mut best, mut text) = (Duration::MAX, Duration::MAX, String::new());
        for _ in 0..TIMES {
            // Longer than what was seen for others is good enough for the next.
            tokio::time::sleep(Duration::from_millis(600)).await;
            let (before, started) = (processor_time(), Instant::now());
            let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let waited = started.elapsed();
            best = best.min(waited);
            taken = taken.min(processor_time().zip(before).map_or(waited, |(after, before)| after - before));
            text = answer.text().await.unwrap();
        }
        println!("{what}: {taken:?} of processor time, answered within {best:?}, each at best");
        (taken, text)
    }
}

/// Ten thousand rules and a thousand alerts that fire: what is wrong is there within 100 ms, in 300 KB at most.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rules_and_a_thousand_alerts_are_shown_at_once() {
    let server = start().await;
    for from in (0..10_000).step_by(2_000) {
        let mut quiet = rules(from..from + 2_000, 1_000);
        quiet
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|rule| drop(rule.as_object_mut().unwrap().remove("receivers")));
        server.fine("POST", "/api/v1/apply", json!({ "rules": quiet })).await;
    }
    let rule = json!({ "id": "too-many", "query": { "stream": "payments", "measure": "count", "by": ["bank"] },
        "window": "1h", "every": "1s", "absolute": { "max": 0 }, "labels": { "severity": "page" } });
    server.fine("POST", "/api/v1/apply", json!({ "rules": [rule] })).await;
    let events: Vec<String> =
        (0..1_000).map(|at| json!({ "bank": format!("bank-{at:04}") }).to_string()).collect();
    let mut n_firing = 0;
    for _ in 0..100 {
        server.text("/api/v1/events/payments", events.join("\n")).await;
        let status = server.fine("GET", "/api/v1/status", Value::Null).await;
        n_firing = status["alerts"]["firing"].as_u64().unwrap();
        if n_firing >= 1_000 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(n_firing >= 1_000, "{n_firing} fire");
    let (time, text) = server.cost("the first page", "/").await;
    let n_shown = (0..1_000).filter(|at| text.contains(&format!("bank=bank-{at:04}"))).count();
    println!("{} bytes for {n_shown} alerts", text.len());
    assert!(n_shown == 1_000 && text.len() <= 300_000, "{n_shown} alerts, {} bytes", text.len());
    assert!(time < Duration::from_millis(100), "{time:?}");
    server.server.stop().await;
}

impl Running {
    /// Series with a value every so often, up to now; each has its own level.
    async fn fill(&self, name: &str, n_series: usize, n_values: i64, step_s: i64) {
        let now_s = self.server.now_ms() / 1_000;
        for at in (0..n_series).collect::<Vec<_>>().chunks(200) {
            let mut lines = String::new();
            for nth in at {
                for back in (0..n_values).rev() {
                    let value = *nth as i64 + back * 7 % 11;
                    let _ = writeln!(lines, "{name}.s{nth:05} value={value} {}", now_s - back * step_s);
                }
            }
            self.text("/write?precision=s", lines).await;
        }
    }
}

/// A hundred series of a week are on the screen within half a second of being asked for.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_series_of_a_week_are_drawn_at_once() {
    let server = start().await;
    server.fill("load", 100, 7 * 1_440, 60).await;
    let path = "/explore?target=load.*&from=now-1w";
    let (time, text) = server.cost("the page of 100 series", path).await;
    println!("{} bytes", text.len());
    assert!(text.contains("100 series") && text.matches("class=\"other\" d=\"M").count() >= 92, "{text}");
    assert!(time < Duration::from_millis(500), "{time:?}");
    browse(&server, move |browser, url| {
        let mut draw = || {
            browser.go("about:blank");
            let started = Instant::now();
            browser.go(&format!("{url}{path}"));
            browser.wait_for("document.querySelector('figure.chart')?.dataset.ready === 'yes'");
            started.elapsed()
        };
        // What a browser takes of the processors cannot be told, so the best of some tries counts.
        let (mut best, mut n_tries) = (draw(), 1);
        while best >= Duration::from_millis(500) && n_tries < 20 {
            (best, n_tries) = (best.min(draw()), n_tries + 1);
        }
        println!("asked for and drawn in a browser: {best:?} at best of {n_tries}");
        assert!(best < Duration::from_millis(500), "{best:?}");
    })
    .await;
    server.server.stop().await;
}

/// Which of a thousand groups made a change is said within a second.
#[tokio::test(flavor = "multi_thread")]
async fn what_made_it_is_found_among_a_thousand_groups() {
    // A clock that stands: asked ten times, the last window does not run out of events meanwhile.
    let stand = |settings: &mut Settings| settings.clock = Clock::stepped(1_767_268_830_000);
    let server = start_with(tempfile::tempdir().unwrap(), stand).await;
    let now_ms = server.server.now_ms();
    // One a minute, in each window that is looked at, wherever it begins.
    for back in 0..32 {
        let lines = (0..1_000).filter(|at| *at != 17 || back >= 15);
        let time_ms = now_ms - 1_000 - back * 60_000;
        let event = |at: i64| json!({ "bank": format!("b{at}"), "time": time_ms }).to_string();
        server.text("/api/v1/events/payments", lines.map(event).collect::<Vec<_>>().join("\n")).await;
    }
    let path = "/explore?stream=payments&measure=count&by=bank&from=now-30m";
    let (time, text) = server.cost("what made it, of 1,000 groups", path).await;
    assert!(text.contains("bank=b17"), "{text}");
    assert!(time < Duration::from_secs(1), "{time:?}");
    server.server.stop().await;
}

/// Which of ten thousand series are unlike themselves is said within a second.
#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_strange_is_found_among_ten_thousand_series() {
    let server = start().await;
    server.fill("load", 10_000, 45, 60).await;
    let now_s = server.server.now_ms() / 1_000;
    let strange: Vec<String> =
        (0..3).map(|back| format!("load.s04242 value=1e6 {}", now_s - back * 60)).collect();
    server.text("/write?precision=s", strange.join("\n")).await;
    let (time, text) =
        server.cost("what else is strange, of 10,000 series", "/explore/unlike?from=now-5m").await;
    let first = text.find("<tbody>").map(|at| &text[at..]).unwrap();
    assert!(first.find("load.s04242").is_some_and(|at| at < 400), "{}", &first[..first.len().min(2_000)]);
    assert!(time < Duration::from_secs(1), "{time:?}");
    server.server.stop().await;
}

/// Twelve hundred silences are three pages, each silence on one of them; the first page of all shows some and counts the others.
#[tokio::test(flavor = "multi_thread")]
async fn very_many_silences_are_shown_page_by_page() {
    let server = start().await;
    let silence = |n: usize| {
        json!({ "id": format!("work-{n:04}"), "matchers": [format!("host=\"h{n:04}\"")], "end": "2099-01-01",
                "author": "ann", "comment": if n == 77 { "the odd one" } else { "work" } })
    };
    let silences: Vec<Value> = (0..1_200).map(silence).collect();
    server.fine("POST", "/api/v1/apply", json!({ "silences": silences })).await;
    let page = async |path: &str| {
        let answer = server.http.get(format!("{}{path}", server.url)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let shown = |text: &str| -> Vec<usize> {
        (0..1_200).filter(|n| text.contains(&format!("/silences/work-{n:04}/end"))).collect()
    };
    let (mut path, mut seen, mut n_pages) = (Some("/silences".to_owned()), Vec::new(), 0);
    while let Some(address) = path.take() {
        let text = page(&address).await;
        let on_page = shown(&text);
        assert!(!on_page.is_empty() && on_page.len() <= 500, "{} silences on a page", on_page.len());
        seen.extend(on_page);
        n_pages += 1;
        assert!(n_pages < 10, "the pages do not end");
        let link =
            text.split("href=\"").find(|link| link.starts_with("/silences?") && link.contains(">Next"));
        path = link.map(|link| link.split('"').next().unwrap().replace("&amp;", "&"));
        if n_pages == 1 {
            // One of before that ends meanwhile moves no other to another page.
            server.fine("DELETE", "/api/v1/silences/work-0003", Value::Null).await;
        }
    }
    seen.sort_unstable();
    assert_eq!((n_pages, seen), (3, (0..1_200).collect()));
    assert_eq!(shown(&page("/silences?q=ODD").await), [77]);
    assert!(page("/silences?q=nobody").await.contains("No silence matches"));
    let first = page("/").await;
    assert_eq!(first.matches("host=&quot;h").count(), 50);
    assert!(first.contains("and 1149 more"), "{first}");
    server.server.stop().await;
}
