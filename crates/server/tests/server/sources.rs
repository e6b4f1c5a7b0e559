//! Rules that ask other servers: another Lanner as a Graphite, and servers that are slow, away or wrong.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lanner_core::{Evaluation, Outcome};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::asking::{NOON_MS, apply, evaluations, post, start, start_at, step};
use lanner_testkit::free_port;

/// A server that answers `/render` with one series once it is let, and how many requests it got.
struct Gate {
    url: String,
    n_requests: Arc<AtomicUsize>,
    open: Arc<Semaphore>,
}

impl Gate {
    async fn new(n_let_in: usize) -> Self {
        let (n_requests, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(n_let_in)));
        let (counted, gate) = (Arc::clone(&n_requests), Arc::clone(&open));
        let router = axum::Router::new().fallback(move || {
            let (counted, gate) = (Arc::clone(&counted), Arc::clone(&gate));
            async move {
                counted.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                let time_s = NOON_MS / 1_000;
                let points: Vec<Value> = (0..600).map(|at| json!([at, time_s + at])).collect();
                json!([{ "target": "queue", "datapoints": points }]).to_string()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, n_requests, open }
    }

    fn n_requests(&self) -> usize {
        self.n_requests.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_lanner_is_a_source() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = start(there.path(), "[]").await;
    let lines: String = (0..20)
        .flat_map(|minute| ["a", "b"].map(|host| (minute, host)))
        .map(|(minute, host)| {
            let value = if host == "b" && minute >= 10 { 5 } else { 50 };
            format!("rate,host={host} value={value} {}000000000\n", NOON_MS / 1_000 + minute * 60)
        })
        .collect();
    let (status, answer) = post(&there, "/write", lines).await;
    assert_eq!(status, 204, "{answer}");
    step(&there, 21 * 60).await; // nobody is answered about the future
    let sources = format!("{{ name: there, kind: graphite, url: 'http://{}' }}", there.http_addr());
    let here = start(here.path(), &sources).await;
    let query = json!({ "target": "aliasByTags(seriesByTag('name=rate'), 'host')", "source": "there" });
    let rule = json!({ "id": "far", "query": query, "window": "5m", "absolute": { "min": 20 } });
    apply(&here, json!([rule])).await;
    step(&here, 21 * 60).await;
    let of = |host: &str, found: &[Evaluation]| -> Vec<(Option<f64>, String)> {
        let own = found.iter().filter(|it| it.group.labels().get("target") == Some(host));
        own.map(|it| (it.value, it.outcome.name().to_owned())).collect()
    };
    let found = evaluations(&here, Some("far"));
    let values: Vec<f64> = of("b", &found).iter().filter_map(|(value, _)| *value).collect();
    assert_eq!(values, [50.0, 50.0, 5.0, 5.0], "{found:?}");
    assert!(of("a", &found).iter().all(|(_, outcome)| outcome == "normal"), "{found:?}");
    // A replay and a question ask the same server.
    let asked = json!({ "rules": [rule], "from": NOON_MS, "to": NOON_MS + 20 * 60_000 });
    let (_, replay) = post(&here, "/api/v1/replay", asked.to_string()).await;
    assert_eq!(replay["summary"]["breaches"], 2, "{replay}");
    let asked = json!({ "query": query, "step": "10m", "from": NOON_MS, "to": NOON_MS + 20 * 60_000 });
    let (_, answer) = post(&here, "/api/v1/query", asked.to_string()).await;
    assert_eq!(answer["series"][1]["values"], json!([50.0, 5.0]), "{answer}");
    here.stop().await;
    there.stop().await;
}

/// A graphite-web with what `serve.py` says, from `begin_s` on, and where it is; `None`, and loudly, where there is none.
pub(crate) async fn graphite_web(folder: &Path, begin_s: i64) -> Option<(tokio::process::Child, String)> {
    let Some(python) = std::env::var_os("LANNER_TEST_GRAPHITE_WEB") else {
        eprintln!(
            "SKIPPED: LANNER_TEST_GRAPHITE_WEB names no Python with graphite-web; `cargo xtask test` installs it"
        );
        return None;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/graphite_web/serve.py");
    let (mut program, port) = (tokio::process::Command::new(python), free_port());
    program.arg(script).arg(folder).arg(port.to_string()).arg(begin_s.to_string());
    let program = program.kill_on_drop(true).spawn().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let begun = std::time::Instant::now();
    while reqwest::get(format!("{url}/version")).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "graphite-web does not start");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Some((program, url))
}

#[tokio::test(flavor = "multi_thread")]
async fn graphite_web_is_a_source() {
    lanner_io::receiver::install_crypto_provider(); // before anything is asked
    // Its archives end now.
    let now_s = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let begin_s = now_s / 300 * 300 - 3_600;
    let (folder, graphite) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some((_program, url)) = graphite_web(graphite.path(), begin_s).await else { return };
    let source = format!("{{ name: web, kind: graphite, url: '{url}' }}");
    let server = start_at(folder.path(), &source, begin_s * 1_000).await;
    let rule = |id: &str, target: &str| json!({ "id": id, "query": { "target": target, "source": "web" }, "window": "5m", "absolute": { "min": 20 } });
    apply(&server, json!([rule("doubled", "scale(web.*.rate,2)"), rule("wrong", "scael(web.*.rate,2)")]))
        .await;
    assert!(server.step_to((begin_s + 21 * 60) * 1_000, Duration::from_secs(60)).await);
    let of = |host: &str| -> Vec<Option<f64>> {
        let name = format!("scale(web.{host}.rate,2)");
        let found = evaluations(&server, Some("doubled"));
        let own = found.into_iter().filter(|it| it.group.labels().get("target") == Some(&*name));
        own.map(|it| it.value).collect()
    };
    assert_eq!(of("a"), [100.0; 4].map(Some));
    assert_eq!(of("b"), [100.0, 100.0, 10.0, 10.0].map(Some));
    let wrong = evaluations(&server, Some("wrong"));
    assert!(wrong.iter().all(|it| it.outcome == Outcome::Error), "{wrong:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_hangs_holds_no_other_rule_up() {
    const OTHERS: usize = 1_000;
    let (folder, gate) = (tempfile::tempdir().unwrap(), Gate::new(0).await);
    let server =
        start(folder.path(), &format!("{{ name: slow, kind: graphite, url: '{}', timeout: 10m }}", gate.url))
            .await;
    let far = |at: usize| {
        json!({ "id": format!("far-{at}"), "query": { "target": format!("queue.{at}"), "source": "slow" },
                "window": "10s", "absolute": { "max": 1_000 } })
    };
    let near = |at: usize| {
        json!({ "id": format!("near-{at}"), "query": { "stream": "s", "measure": "count" }, "window": "10s",
                "absolute": { "max": 5 } })
    };
    apply(&server, (0..20).map(far).chain((0..OTHERS).map(near)).collect()).await;
    // The clock goes on while not one of the slow ones is answered: all others are evaluated, window by window.
    for at_s in [13, 23, 33] {
        assert!(!server.step_to(NOON_MS + at_s * 1_000, Duration::from_millis(50)).await);
        let due = OTHERS * usize::try_from(at_s / 10).unwrap();
        let begun = std::time::Instant::now();
        while evaluations(&server, None).len() < due {
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", evaluations(&server, None).len());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert_eq!(evaluations(&server, Some("far-0")), []);
    gate.open.add_permits(1_000);
    step(&server, 33).await;
    let found = evaluations(&server, Some("far-0"));
    let values: Vec<Option<f64>> = found.iter().map(|it| it.value).collect();
    assert_eq!(values, [Some(9.0), Some(19.0), Some(29.0)], "the last value of each window: {found:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_ask_the_same_ask_once() {
    let (folder, gate) = (tempfile::tempdir().unwrap(), Gate::new(1_000).await);
    let server = start(folder.path(), &format!("{{ name: one, kind: graphite, url: '{}' }}", gate.url)).await;
    let rule = |at: usize| {
        json!({ "id": format!("r{at}"), "query": { "target": "queue", "source": "one" }, "window": "1m",
                "absolute": { "max": at } })
    };
    apply(&server, (0..50).map(rule).collect()).await;
    step(&server, 75).await;
    assert_eq!(evaluations(&server, None).len(), 50);
    assert_eq!(gate.n_requests(), 1);
    step(&server, 135).await;
    assert_eq!((evaluations(&server, None).len(), gate.n_requests()), (100, 2));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_source_cannot_answer_is_an_error_of_its_rule() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on the first; the second lacks its secret.
    let sources = "[{ name: away, kind: graphite, url: 'http://127.0.0.1:9', timeout: 1s }, \
                   { name: shut, kind: graphite, url: 'http://127.0.0.1:9', auth: { bearer: { env: LANNER_NO_SUCH } } }]";
    let server = start(folder.path(), sources).await;
    let rule = |source: &str| {
        json!({ "id": source, "query": { "target": "queue", "source": source }, "window": "1m",
                "absolute": { "max": 1 } })
    };
    let unknown = json!({ "rules": [rule("awya")] });
    let (status, answer) = post(&server, "/api/v1/apply", unknown.to_string()).await;
    assert_eq!(status, 422, "{answer}");
    let told = answer.to_string();
    assert!(told.contains("names the source") && told.contains("did you mean"), "{told}");
    apply(&server, json!([rule("away"), rule("shut")])).await;
    step(&server, 75).await;
    for (rule, why) in [("away", "cannot reach"), ("shut", "LANNER_NO_SUCH")] {
        let found = evaluations(&server, Some(rule));
        assert_eq!(found.iter().map(|it| it.outcome).collect::<Vec<_>>(), [Outcome::Error], "{rule}");
        let said = found[0].error.clone().unwrap_or_default();
        assert!(said.contains(why), "{rule}: {said}");
    }
    let url = format!("http://{}/api/v1/status", server.http_addr());
    let status: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let [away, shut] = status["sources"].as_array().unwrap().as_slice() else { panic!("{status}") };
    assert_eq!(
        (&away["name"], &away["kind"], &away["state"]),
        (&json!("away"), &json!("graphite"), &json!("failing"))
    );
    assert_eq!((&away["answered"], &away["failed"]), (&json!(0), &json!(1)), "{away}");
    assert!(away["problem"].as_str().unwrap().contains("cannot reach"), "{away}");
    assert_eq!((&shut["state"], &shut["failed"]), (&json!("unusable"), &json!(0)));
    assert!(shut["problem"].as_str().unwrap().contains("LANNER_NO_SUCH"), "{shut}");
    server.stop().await;
}

/// A rule that waits for its source says nothing of its own; that it is late is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_source_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let server =
        start(folder.path(), "{ name: away, kind: graphite, url: 'http://127.0.0.1:9', timeout: 1s }").await;
    let rule = json!({ "id": "patient", "query": { "target": "queue", "source": "away" }, "window": "10s",
        "absolute": { "max": 1 }, "error": "wait" });
    apply(&server, json!([rule])).await;
    let alerts = async || {
        let url = format!("http://{}/api/v1/alerts?rule=lanner:lag", server.http_addr());
        reqwest::get(url).await.unwrap().json::<Value>().await.unwrap()
    };
    for at_s in (10..=60).step_by(10) {
        server.step_to(NOON_MS + at_s * 1_000, Duration::from_secs(1)).await;
    }
    // Longer than from one look of the server at itself to the next.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(alerts().await, json!([]));
    assert_eq!(evaluations(&server, None), []);
    for at_s in (70..=100).step_by(10) {
        server.step_to(NOON_MS + at_s * 1_000, Duration::from_secs(1)).await;
    }
    let begun = std::time::Instant::now();
    while alerts().await == json!([]) {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody is told that the rule is late");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let found = alerts().await;
    assert!(found[0]["content"].as_str().unwrap().contains("late"), "{found}");
    assert_eq!(evaluations(&server, None), []);
    server.stop().await;
}
