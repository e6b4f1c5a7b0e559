//! Trained detectors in rules: every kind at its shipped settings, live, across a restart, in a replay and as a question.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use lanner_core::{Evaluation, Outcome};
use lanner_deep::{Detector, DetectorSet, Frame, KINDS, Kind, RowSource, Training};
use lanner_io::store::EvaluationFilter;
use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

const START_MS: i64 = 1_767_268_800_000;
const MINUTE_MS: i64 = 60_000;

/// Minutes that are trained on; what is planted comes after.
const TRAINED: i64 = 2_160;

/// What is planted, in minutes after [`TRAINED`].
const RISE: i64 = 120;
const DROP: i64 = 240;
const LEVELS: i64 = 360;
const ABSENCE: i64 = 660;
const END: i64 = 680;

/// Each of ten deviations is held for so long, at the beginning of half an hour.
const HELD: i64 = 5;
const HALF_HOUR: i64 = 30;
const DEVIATIONS: [f64; 10] = [0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 1.0, 0.4, 0.8, 0.6];

const LONG: Duration = Duration::from_secs(300);

/// Noise that looks by chance, from -0.5 to 0.5.
fn noise(at: i64, column: u64) -> f64 {
    let mixed = (at.unsigned_abs() * 4 + column + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 40) as f64 / f64::from(1_u32 << 24) - 0.5
}

/// A server: load that comes and goes, and what follows from it.
fn load(at: i64) -> f64 {
    1.0 + 0.5 * (at as f64 * std::f64::consts::TAU / 240.0).sin()
}

fn cpu(at: i64) -> f64 {
    let usual = 40.0 * (load(at) + 0.1 * noise(at, 0));
    let since = at - TRAINED;
    let level = (since - LEVELS).div_euclid(HALF_HOUR);
    match since {
        _ if (RISE..RISE + 15).contains(&since) => 1.8 * usual,
        _ if (DROP..DROP + 15).contains(&since) => 0.0,
        _ if (LEVELS..ABSENCE).contains(&since) && (since - LEVELS) % HALF_HOUR < HELD => {
            usual * (1.0 + DEVIATIONS[usize::try_from(level).unwrap()])
        }
        _ => usual,
    }
}

fn memory(at: i64) -> f64 {
    4e9 * (load(at) + 0.1 * noise(at, 1))
}

/// Sign-ins in a minute.
fn sign_ins(at: i64) -> i64 {
    (8.0 * (load(at) + 0.2 * noise(at, 2))).round() as i64
}

fn detector(kind: &'static Kind) -> Detector {
    let columns = ["cpu", "memory", "sign_ins"].map(str::to_owned).to_vec();
    let row = |at| [cpu(at) as f32, memory(at) as f32, sign_ins(at) as f32];
    let frame = Frame::new(columns, (0..TRAINED).flat_map(row).collect()).unwrap();
    let training = Training { kind, ..Training::default() };
    let notes = json!({ "name": kind.name, "step_ms": MINUTE_MS });
    Detector::train(&frame, &training, &mut |_| ()).unwrap().with_notes(notes)
}

async fn start(folder: &Path, now_ms: i64) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.carbon = None;
    settings.carbon_pickle = None;
    settings.clock = Clock::stepped(now_ms);
    Server::start(settings).await.unwrap()
}

async fn post(server: &Server, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let url = format!("http://{}{path}", server.http_addr());
    let answer = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// From a few hours before what is planted, so that every window is whole.
async fn write_data(server: &Server) {
    let (mut lines, mut events) = (String::new(), Vec::new());
    for at in TRAINED - 240..TRAINED + ABSENCE {
        let time_ms = START_MS + at * MINUTE_MS;
        writeln!(
            lines,
            "cpu,host=a value={} {time_ms}\nmemory,host=a value={} {time_ms}",
            cpu(at),
            memory(at)
        )
        .unwrap();
        events.extend((0..sign_ins(at)).map(|n| json!({ "time": time_ms + n * 1_000, "host": "a" })));
    }
    assert_eq!(post(server, "/write?precision=ms", lines).await.0, 204);
    for events in events.chunks(5_000) {
        let (status, answer) = post(server, "/api/v1/events/sign_ins", json!(events).to_string()).await;
        assert_eq!(status, 200, "{answer}");
    }
}

fn rule(kind: &str) -> Value {
    let columns = json!({
        "sign_ins": { "stream": "sign_ins", "measure": "count" },
        "cpu": { "series": "cpu", "measure": "avg" },
        "memory": { "series": "memory", "measure": "avg" },
    });
    json!({
        "id": kind, "query": { "model": kind, "columns": columns, "by": ["host"] },
        "window": "1m", "absolute": { "max": 1 },
    })
}

async fn send_models(server: &Server) {
    for kind in KINDS {
        let (status, kept) = post(server, "/api/v1/models", detector(kind).to_bytes()).await;
        assert_eq!((status, &kept["kind"]), (200, &json!(format!("detector/{}", kind.name))), "{kept}");
    }
}

async fn step(server: &Server, minute: i64) {
    assert!(server.step_to(START_MS + (TRAINED + minute) * MINUTE_MS + 30_000, LONG).await);
}

/// Of a rule, in order of time.
fn evaluations(server: &Server, rule: &str) -> Vec<Evaluation> {
    let filter = EvaluationFilter { rule: Some(rule.into()), limit: 100_000, ..EvaluationFilter::default() };
    let mut found = server.store().evaluations(&filter).unwrap();
    found.retain(|evaluation| evaluation.group.labels().get("host") == Some("a"));
    found.sort_by_key(|evaluation| evaluation.window.end_ms);
    found
}

/// The minutes after [`TRAINED`] in which a window began.
fn minute(evaluation: &Evaluation) -> i64 {
    (evaluation.window.start_ms - START_MS) / MINUTE_MS - TRAINED
}

fn of(all: &[Evaluation], from: i64, to: i64) -> Vec<&Evaluation> {
    all.iter().filter(|evaluation| (from..to).contains(&minute(evaluation))).collect()
}

/// Spearman's rank correlation.
fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let ranks = |values: &[f64]| -> Vec<f64> {
        values.iter().map(|value| values.iter().filter(|other| *other < value).count() as f64).collect()
    };
    let (a, b, n) = (ranks(a), ranks(b), a.len() as f64);
    let squares: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    1.0 - 6.0 * squares / (n * (n * n - 1.0))
}

fn is_breach(evaluation: &&&Evaluation) -> bool {
    evaluation.outcome == Outcome::Breach
}

/// What a rule on a detector of this kind said of what was planted.
fn check(kind: &str, all: &[Evaluation]) {
    let usual = of(all, 0, RISE);
    let n_false = usual.iter().filter(is_breach).count();
    assert!(usual.len() == 120 && n_false <= 6, "{kind}: {n_false} of {} usual windows", usual.len());
    for (what, from) in [("rise", RISE), ("drop", DROP)] {
        let told = of(all, from, from + 15).iter().position(|evaluation| is_breach(&evaluation));
        assert!(told.is_some_and(|after| after < 5), "{kind}: the {what} is told after {told:?} minutes");
    }
    let level = |nth: usize| {
        let from = LEVELS + nth as i64 * HALF_HOUR;
        of(all, from, from + HELD).iter().filter_map(|evaluation| evaluation.value).fold(0.0, f64::max)
    };
    let scores: Vec<f64> = (0..DEVIATIONS.len()).map(level).collect();
    let correlation = rank_correlation(&DEVIATIONS, &scores);
    assert!(correlation > 0.5, "{kind}: score and deviation correlate by {correlation}: {scores:?}");
    let absent = of(all, ABSENCE, END);
    let told = absent.iter().position(|evaluation| evaluation.outcome != Outcome::Normal);
    // The distance of a patch from usual ones grows with what is missing of it; the others see a missing row as such.
    let within = if kind == "patches" { 3 } else { 2 };
    assert!(told.is_some_and(|after| after < within), "{kind}: the absence is told after {told:?} minutes");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_finds_what_is_planted() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), START_MS + TRAINED * MINUTE_MS).await;
    send_models(&server).await;
    write_data(&server).await;
    let rules: Vec<Value> = KINDS.iter().map(|kind| rule(kind.name)).collect();
    let (status, answer) = post(&server, "/api/v1/apply", json!({ "rules": rules }).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    step(&server, DROP + 6).await;
    for kind in KINDS {
        names_the_column(&server, kind.name).await;
    }
    server.stop().await;
    server = start(folder.path(), START_MS + (TRAINED + DROP + 6) * MINUTE_MS + 30_000).await;
    step(&server, END).await;
    for kind in KINDS {
        check(kind.name, &evaluations(&server, kind.name));
    }
    replay_and_question_agree(&server, "ensemble").await;
    server.stop().await;
}

/// The alert of the drop says which column contributed most, its value, and where that usually lies.
async fn names_the_column(server: &Server, kind: &str) {
    let url = format!("http://{}/api/v1/alerts", server.http_addr());
    let alerts: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    let alert = alerts.as_array().unwrap().iter().find(|alert| alert["rule"] == kind);
    let most = &alert.unwrap_or_else(|| panic!("{kind}: {alerts}"))["evidence"]["contributors"][0];
    assert_eq!((&most["name"], &most["value"]), (&json!("cpu"), &json!(0.0)), "{kind}: {most}");
    let [low, high] = [0, 1].map(|end| most["usual"][end].as_f64().unwrap());
    assert!((15.0..25.0).contains(&low) && (55.0..65.0).contains(&high), "{kind}: {most}");
}

/// A replay of the rule, and a question with its query, come to what was evaluated live.
async fn replay_and_question_agree(server: &Server, kind: &str) {
    let (from, to) = (TRAINED + RISE - 30, TRAINED + RISE + 30);
    let [from_ms, to_ms] = [from, to].map(|at| START_MS + at * MINUTE_MS);
    let live: Vec<Option<f64>> = evaluations(server, kind)
        .iter()
        .filter(|evaluation| from_ms <= evaluation.window.start_ms && evaluation.window.end_ms <= to_ms)
        .map(|evaluation| evaluation.value)
        .collect();
    let request = json!({ "rules": [rule(kind)], "from": from_ms, "to": to_ms }).to_string();
    let (_, replay) = post(server, "/api/v1/replay", request).await;
    let replayed: Vec<Option<f64>> =
        replay["evaluations"].as_array().unwrap().iter().map(|one| one["value"].as_f64()).collect();
    assert_eq!((live.len(), &live), (60, &replayed));
    let question = json!({ "query": rule(kind)["query"], "step": "1m", "from": from_ms, "to": to_ms });
    let (_, answer) = post(server, "/api/v1/query", question.to_string()).await;
    let asked: Vec<Option<f64>> =
        answer["series"][0]["values"].as_array().unwrap().iter().map(Value::as_f64).collect();
    assert_eq!(asked, live, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path(), START_MS + TRAINED * MINUTE_MS).await;
    let kind = Kind::named("mahalanobis").unwrap();
    let first = detector(kind);
    let second = detector(kind).with_rule(lanner_deep::Rule::AlarmsPerDay(5.0)).unwrap();
    let nameless = detector(kind).with_notes(Value::Null).to_bytes();
    let (status, refused) = post(&server, "/api/v1/models", nameless).await;
    assert!(status == 422 && refused.to_string().contains("train it with --name"), "{refused}");
    let mut damaged = first.to_bytes();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    let (status, refused) = post(&server, "/api/v1/models", damaged).await;
    assert!(status == 422 && refused.to_string().contains("checksum"), "{refused}");

    let ask = async |query: &Value| {
        let question =
            json!({ "query": query, "step": "1m", "from": START_MS, "to": START_MS + 10 * MINUTE_MS });
        post(&server, "/api/v1/query", question.to_string()).await.1.to_string()
    };
    let query = rule(kind.name)["query"].clone();
    let said = ask(&query).await;
    assert!(said.contains("there is no model \\\"mahalanobis\\\" (kept detectors: none)"), "{said}");
    let first_id = post(&server, "/api/v1/models", first.to_bytes()).await.1["id"].clone();
    let said = ask(&query).await;
    assert!(said.contains("series"), "the only one of a name scores: {said}");
    let second_id = post(&server, "/api/v1/models", second.to_bytes()).await.1["id"].clone();
    let said = ask(&query).await;
    assert!(said.contains("2 models are named"), "{said}");

    // The champion of the name scores, and rolling back is one step.
    let promote = async |id: &Value| {
        let path = format!("/api/v1/models/{}/promote", id.as_str().unwrap());
        post(&server, &path, json!({ "to": "champion" }).to_string()).await
    };
    write_data(&server).await;
    let scores = async || {
        let question = json!({ "query": query, "step": "1m", "from": START_MS + (TRAINED - 10) * MINUTE_MS,
            "to": START_MS + TRAINED * MINUTE_MS });
        post(&server, "/api/v1/query", question.to_string()).await.1["series"][0]["values"].clone()
    };
    assert_eq!(promote(&first_id).await.0, 200);
    let by_first = scores().await;
    assert_eq!(promote(&second_id).await.0, 200);
    assert_ne!(scores().await, by_first);
    let back = json!({ "kind": "detector/mahalanobis" }).to_string();
    let (status, view) = post(&server, "/api/v1/models/rollback", back).await;
    assert_eq!((status, &view["id"]), (200, &first_id), "{view}");
    assert_eq!(scores().await, by_first);
    let (status, refused) =
        post(&server, "/api/v1/score", json!({ "model": first_id, "features": {} }).to_string()).await;
    assert!(status == 422 && refused.to_string().contains("is a detector"), "{refused}");

    let mut other = query.clone();
    other["columns"].as_object_mut().unwrap().remove("cpu");
    other["columns"]["disk"] = json!({ "series": "disk", "measure": "avg" });
    let said = ask(&other).await;
    assert!(said.contains("cpu is missing, disk is none of its columns"), "{said}");
    let question = json!({ "query": query, "step": "5m", "from": START_MS, "to": START_MS + 10 * MINUTE_MS });
    let said = post(&server, "/api/v1/query", question.to_string()).await.1.to_string();
    assert!(said.contains("was trained on rows of 1m, and the window is 5m"), "{said}");
    server.stop().await;
}

/// Two hosts of which one has ten times the load, each with a detector of its own.
fn fleet() -> Vec<u8> {
    let frame = |scale: f64| {
        let row = |at| [(scale * cpu(at)) as f32, (scale * memory(at)) as f32];
        let columns = ["cpu", "memory"].map(str::to_owned).to_vec();
        Frame::new(columns, (0..TRAINED).flat_map(row).collect()).unwrap()
    };
    let (small, large) = (frame(1.0), frame(10.0));
    let hosts = [("a", &small), ("b", &large)].map(|(host, frame)| (host.to_owned(), RowSource::from(frame)));
    let training = |_: &str| Training { kind: Kind::named("mahalanobis").unwrap(), ..Training::default() };
    let (set, failed) = DetectorSet::train("host", &hosts, &training, &|_, _| ());
    assert!(failed.is_empty(), "{failed:?}");
    let notes = json!({ "name": "fleet", "step_ms": MINUTE_MS });
    set.unwrap().map(&|_, detector| Ok(detector.with_notes(notes.clone()))).unwrap().to_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_host_is_judged_by_its_own_detector() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path(), START_MS + TRAINED * MINUTE_MS).await;
    let (status, kept) = post(&server, "/api/v1/models", fleet()).await;
    assert_eq!(
        (status, &kept["kind"], &kept["metrics"]["entities"]),
        (200, &json!("detector/fleet"), &json!(2)),
        "{kept}"
    );
    let mut lines = String::new();
    for at in TRAINED - 60..TRAINED + RISE + 20 {
        for (host, scale) in [("a", 1.0), ("b", 10.0), ("c", 1.0)] {
            let time_ms = START_MS + at * MINUTE_MS;
            // What is planted happens to the large host only.
            let seen = if host == "b" { at } else { at - 60 };
            let (cpu, memory) = (scale * cpu(seen), scale * memory(seen));
            writeln!(
                lines,
                "cpu,host={host} value={cpu} {time_ms}\nmemory,host={host} value={memory} {time_ms}"
            )
            .unwrap();
        }
    }
    assert_eq!(post(&server, "/write?precision=ms", lines).await.0, 204);
    let rule = |id: &str, by: Value| {
        let columns = json!({ "cpu": { "series": "cpu", "measure": "avg" }, "memory": { "series": "memory", "measure": "avg" } });
        json!({ "id": id, "query": { "model": "fleet", "columns": columns, "by": by }, "window": "1m", "absolute": { "max": 1 } })
    };
    let rules = [rule("each", json!(["host"])), rule("whole", json!([]))];
    assert_eq!(post(&server, "/api/v1/apply", json!({ "rules": rules }).to_string()).await.0, 200);
    step(&server, RISE + 8).await;
    server.stop().await;
    server = start(folder.path(), START_MS + (TRAINED + RISE + 8) * MINUTE_MS + 30_000).await;
    step(&server, RISE + 14).await;

    let filter =
        EvaluationFilter { rule: Some("each".into()), limit: 100_000, ..EvaluationFilter::default() };
    let all = server.store().evaluations(&filter).unwrap();
    let of = |host: &str| -> Vec<&Evaluation> {
        all.iter().filter(|it| it.group.labels().get("host") == Some(host)).collect()
    };
    let n_breaches = |host: &str| of(host).iter().filter(is_breach).count();
    assert!(of("a").len() > 100 && of("b").len() > 100 && of("c").is_empty(), "{}", all.len());
    assert!(n_breaches("b") >= 10 && n_breaches("a") <= 6, "{} {}", n_breaches("a"), n_breaches("b"));

    // Who has no detector is named; a rule that says of nobody is wrong; and the page shows whom there are detectors for.
    let ask = async |path: &str| {
        let url = format!("http://{}{path}", server.http_addr());
        reqwest::get(url).await.unwrap().text().await.unwrap()
    };
    let said = ask("/api/v1/rules/each").await;
    assert!(said.contains("the model fleet has no detector for host c, so they are not judged"), "{said}");
    assert!(ask("/metrics").await.contains("lanner_rule_left_out{rule=\"each\"} 1"));
    let filter = EvaluationFilter { rule: Some("whole".into()), limit: 1, ..EvaluationFilter::default() };
    let whole = server.store().evaluations(&filter).unwrap();
    assert_eq!(whole[0].outcome, Outcome::Error, "{whole:?}");
    let question = json!({ "query": rules[1]["query"], "step": "1m", "from": START_MS, "to": START_MS + 10 * MINUTE_MS });
    let said = post(&server, "/api/v1/query", question.to_string()).await.1.to_string();
    assert!(said.contains("does not group by it; write by: [host]"), "{said}");
    let view: Value = serde_json::from_str(
        &ask(&format!("/api/v1/models/{}/detector", kept["id"].as_str().unwrap())).await,
    )
    .unwrap();
    assert_eq!(
        (&view["by"], &view["entities"][1]["name"], &view["rows"]),
        (&json!("host"), &json!("b"), &json!(2 * TRAINED))
    );
    let page = ask("/detectors/fleet").await;
    assert!(page.contains("One for each host"), "{page}");
    server.stop().await;
}
