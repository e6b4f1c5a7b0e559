//! Models, end to end: kept, promoted, asked, rolled back; and every way in which a request to score may be wrong.

use std::net::SocketAddr;

use lanner_boost::{Aim, Settings as Growing};
use lanner_server::{Clock, Server, Settings};
use lanner_testkit::{ApiClient, api_traffic};
use lanner_traffic::{
    FEATURES, KeyBy, Learner, Model, Recording, Request, Session, SessionSettings, features,
};
use serde_json::{Value, json};

struct Running {
    server: Server,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        lanner_io::receiver::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path());
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.carbon = None;
        settings.carbon_pickle = None;
        settings.clock = Clock::stepped(1_767_268_800_000);
        Self { server: Server::start(settings).await.unwrap(), _folder: folder }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let url = format!("http://{}/api/v1/{path}", self.server.http_addr());
        let request =
            reqwest::Client::new().request(method.parse().unwrap(), url).header("content-type", kind);
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, text) = self.ask(method, path, "application/json", body.to_string()).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

/// A model of a day of generated traffic, and the features of a session that walked through orders.
fn learned(seed: u64) -> (Model, Value) {
    let mut recording = Recording::new(KeyBy::Client);
    let clients = [(ApiClient::Human, 200), (ApiClient::Enumerator, 40), (ApiClient::Scraper, 40)];
    let requests = api_traffic(seed, 0, "10.1", &clients);
    for of in &requests {
        recording.add(&Request {
            time_ms: of.time_ms,
            client: of.client.as_str().into(),
            method: of.method.into(),
            path: of.path.as_str().into(),
            status: Some(of.status),
            agent: of.agent.into(),
            ..Request::default()
        });
    }
    let (templates, endpoints) = recording.learn(&[]);
    let sessions = recording.traffic(&templates, &endpoints, SessionSettings::default()).sessions;
    let of = |session: &Session| requests.iter().find(|request| *request.client == *session.key).unwrap().of;
    let labels: Vec<bool> = sessions.iter().map(|session| of(session) != ApiClient::Human).collect();
    let normal: Vec<Session> =
        sessions.iter().zip(&labels).filter(|(_, bad)| !**bad).map(|(session, _)| session.clone()).collect();
    let mut learner = Learner::default();
    normal.iter().for_each(|session| learner.add(session));
    let baseline = learner.finish(&normal);
    let groups = (0..).take(sessions.len()).collect();
    let growing = Growing { n_trees: 20, min_leaf_rows: 5, ..Growing::default() };
    let parts = (templates, endpoints, baseline);
    let model = Model::learn(parts, &sessions, &labels, groups, (&growing, Aim::F1)).unwrap();
    let walk = sessions.iter().find(|session| of(session) == ApiClient::Enumerator).unwrap();
    let values = features(walk, &model.baseline, false);
    let named = FEATURES.iter().zip(values).map(|(feature, value)| (feature.name.to_owned(), json!(value)));
    (model, Value::Object(named.collect()))
}

fn model(seed: u64) -> Value {
    learned(seed).0.to_json()
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_kept_promoted_asked_and_rolled_back() {
    let running = Running::start().await;
    let ((first, attack), second) = (learned(1), model(2));
    let first = first.to_json();
    let (status, kept) = running.json("POST", "models", &first).await;
    assert_eq!((status, &kept["kind"], &kept["role"]), (200, &json!("api"), &Value::Null), "{kept}");
    let first_id = kept["id"].as_str().unwrap().to_owned();
    assert_eq!(first_id, lanner_core::content::sha256(first.to_string().as_bytes()));
    let (_, again) = running.json("POST", "models", &first).await;
    assert_eq!(again, kept);
    let second_id = running.json("POST", "models", &second).await.1["id"].as_str().unwrap().to_owned();
    let (_, all) = running.json("GET", "models", &Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let (_, file) = running.ask("GET", &format!("models/{first_id}/file"), "application/json", "").await;
    assert_eq!(file, first.to_string());

    // Nobody was promoted.
    let (status, refused) = running.json("POST", "score", &json!({ "features": attack })).await;
    assert!(status == 404 && refused["error"].as_str().unwrap().contains("no champion"), "{refused}");
    let promote = async |id: &str, to: &str| {
        running.json("POST", &format!("models/{id}/promote"), &json!({ "to": to })).await
    };
    assert_eq!(promote(&first_id, "champion").await.1["role"], "champion");
    assert_eq!(promote(&second_id, "challenger").await.1["role"], "challenger");
    let (status, scored) = running.json("POST", "score", &json!({ "features": attack })).await;
    assert_eq!((status, &scored["model"]), (200, &json!(first_id)), "{scored}");
    let result = &scored["results"][0];
    assert_eq!(result["verdict"], "anomalous", "{scored}");
    assert!(result["score"].as_f64().unwrap() >= 1.0 && result["probability"].as_f64().unwrap() <= 1.0);
    let reasons = result["reasons"].as_array().unwrap();
    assert!((1..=3).contains(&reasons.len()), "{scored}");
    assert!(reasons[0]["text"].as_str().unwrap().contains("usually"), "{scored}");
    assert_eq!(scored["challenger"]["model"], second_id);

    // A graph, a batch, a model by its id.
    let shopping = json!([
        { "fromId": "GET /api/v1/home", "toId": "GET /api/v1/catalog" },
        { "fromId": "GET /api/v1/catalog", "toId": "GET /api/v1/products/{id}" },
    ]);
    let batch = json!({ "batch": [{ "features": attack }, { "call_graph": shopping }, { "features": {} }], "model": second_id, "reasons": 0 });
    let (status, scored) = running.json("POST", "score", &batch).await;
    assert_eq!((status, scored["results"].as_array().unwrap().len()), (200, 3), "{scored}");
    assert_eq!(scored["results"][1]["verdict"], "normal", "{scored}");
    assert!(scored.get("challenger").is_none() && scored["results"][0]["reasons"] == json!([]), "{scored}");

    // What is in use is kept; a rollback finds the champion before.
    assert_eq!(running.json("DELETE", &format!("models/{first_id}"), &Value::Null).await.0, 409);
    assert_eq!(promote(&second_id, "champion").await.1["role"], "champion");
    let (status, back) = running.json("POST", "models/rollback", &json!({ "kind": "api" })).await;
    assert_eq!((status, &back["id"], &back["role"]), (200, &json!(first_id), &json!("champion")), "{back}");
    assert_eq!(running.json("DELETE", &format!("models/{second_id}"), &Value::Null).await.0, 204);
    assert_eq!(running.json("GET", &format!("models/{second_id}"), &Value::Null).await.0, 404);
    let (status, refused) = running.json("POST", "models/rollback", &json!({ "kind": "api" })).await;
    assert!(status == 409, "{refused}");
    let audit = running.json("GET", "audit", &Value::Null).await.1.to_string();
    assert!(audit.contains("model_in_use"), "{audit}");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_model_judges_sessions_that_come_in() {
    let running = Running::start().await;
    let processors = json!({ "processors": [
        { "id": "judged", "stream": "api-log", "sessions": { "by": ["client"], "idle": "5m" } },
        { "id": "alone", "stream": "api-log", "sessions": { "by": ["client"], "idle": "5m", "model": false, "into": "alone" } },
    ] });
    assert_eq!(running.json("POST", "apply", &processors).await.0, 200);
    let keep =
        async |seed| running.json("POST", "models", &model(seed)).await.1["id"].as_str().unwrap().to_owned();
    let (champion, challenger) = (keep(1).await, keep(2).await);
    for (id, to) in [(&champion, "champion"), (&challenger, "challenger")] {
        assert_eq!(running.json("POST", &format!("models/{id}/promote"), &json!({ "to": to })).await.0, 200);
    }
    let noon_ms = 1_767_268_800_000;
    let clients = [(ApiClient::Human, 30), (ApiClient::Scraper, 10)];
    let requests = api_traffic(3, noon_ms - 86_400_000, "10.3", &clients);
    let line = |of: &lanner_testkit::ApiRequest| {
        json!({ "time": of.time_ms, "client": of.client, "agent": of.agent, "method": of.method, "path": of.path,
            "query": of.query, "status": of.status })
        .to_string()
    };
    let lines: Vec<String> = requests.iter().map(line).collect();
    let (status, said) = running.ask("POST", "events/api-log", "application/json", lines.join("\n")).await;
    assert_eq!(status, 200, "{said}");
    let told = async |stream: &str| -> Vec<Value> {
        let text = running.ask("GET", &format!("export/events/{stream}"), "application/json", "").await.1;
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let judged = told("api.sessions").await;
    let of = |session: &Value| {
        requests.iter().find(|request| session["client"] == request.client.as_str()).unwrap().of
    };
    let over: Vec<&Value> = judged.iter().filter(|session| session["over"] == true).collect();
    assert!(over.len() >= 30, "{judged:?}");
    for session in &over {
        assert_eq!(
            (&session["model"], &session["challenger"]),
            (&json!(champion), &json!(challenger)),
            "{session}"
        );
        assert!(
            session["probability"].is_number() && session["challenger_flagged"].is_boolean(),
            "{session}"
        );
    }
    let scrapers = || over.iter().filter(|session| of(session) == ApiClient::Scraper);
    let n_flagged = scrapers().filter(|session| session["flagged"] == true).count();
    assert!(10 * n_flagged >= 8 * scrapers().count(), "{n_flagged} of {}", scrapers().count());
    for session in over.iter().step_by(3) {
        check_account(&running, session, &champion).await;
    }
    let (_, drift) = running.json("GET", "sessions/drift", &Value::Null).await;
    let judged_by = |at: usize| (&drift[at]["role"], &drift[at]["model"], &drift[at]["sessions"]);
    let n = json!(over.len());
    assert_eq!(judged_by(0), (&json!("champion"), &json!(champion), &n), "{drift}");
    assert_eq!(judged_by(1), (&json!("challenger"), &json!(challenger), &n), "{drift}");
    assert!(drift[0]["expected_share"].is_number() && drift.get(2).is_none(), "{drift}");
    let alone = told("alone").await;
    assert!(!alone.is_empty() && alone.iter().all(|session| session.get("model").is_none()));
    running.server.stop().await;
}

/// A session is told again in full: from all its requests, and with reasons that add up to what was said when it was over.
async fn check_account(running: &Running, session: &Value, champion: &str) {
    let path = format!("sessions/{}?at={}", session["id"].as_str().unwrap(), session["started_ms"]);
    let (status, detail) = running.json("GET", &path, &Value::Null).await;
    assert_eq!((status, &detail["stored_requests"]), (200, &session["requests"]), "{detail}");
    let calls = detail["endpoints"].as_array().unwrap().iter().map(|it| it["calls"].as_u64().unwrap());
    assert_eq!(json!(calls.sum::<u64>()), session["requests"], "{detail}");
    let steps = detail["steps"].as_array().unwrap().iter().map(|it| it["times"].as_u64().unwrap());
    assert_eq!(json!(steps.sum::<u64>() + 1), session["requests"], "{detail}");
    let score = &detail["scores"][0];
    assert_eq!((&score["model"], &score["decides"]), (&json!(champion), &json!(true)), "{detail}");
    let (base, total) = (score["base"].as_f64().unwrap(), score["total"].as_f64().unwrap());
    let amounts = score["amounts"].as_array().unwrap().iter().map(|it| it["amount"].as_f64().unwrap());
    assert!((base + amounts.sum::<f64>() - total).abs() < 1e-9, "{score}");
    let probability = 1.0 / (1.0 + (-total).exp());
    assert!((probability - session["probability"].as_f64().unwrap()).abs() < 6e-4, "{session} {score}");
    let is_flagged = total >= score["threshold"].as_f64().unwrap();
    assert_eq!(
        json!(is_flagged || session.get("finding").is_some()),
        session["flagged"],
        "{session} {score}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_name_the_field() {
    let running = Running::start().await;
    let good = model(1);
    let (_, kept) = running.json("POST", "models", &good).await;
    let id = kept["id"].as_str().unwrap().to_owned();
    running.json("POST", &format!("models/{id}/promote"), &json!({ "to": "champion" })).await;
    let check = async |body: Value, expected: &[(&str, &str)]| {
        let (status, answer) = running.json("POST", "score", &body).await;
        assert_eq!(status, 422, "{body}: {answer}");
        let problems = answer["problems"].as_array().unwrap();
        assert_eq!(problems.len(), expected.len(), "{body}: {answer}");
        for (problem, (path, message)) in problems.iter().zip(expected) {
            let said = format!("{} {}", problem["message"], problem["hint"]);
            assert!(
                problem["path"].as_str().unwrap_or_default() == *path && said.contains(message),
                "{body}: {answer}"
            );
        }
    };
    check(json!({}), &[("features", "is missing")]).await;
    check(
        json!({ "features": { "n_cals": 1, "n_calls": [], "entropy": "x", "gap_mean_s": null } }),
        &[
            ("features.entropy", "should be a number or null, found \\\"x\\\""),
            ("features.n_calls", "should be a number or null, found []"),
            ("features.n_cals", "did you mean \\\"n_calls\\\""),
        ],
    )
    .await;
    check(json!({ "features": {}, "call_graph": [] }), &[("call_graph", "stands beside features")]).await;
    check(json!({ "features": {}, "batch": [] }), &[("batch", "stands beside features")]).await;
    check(
        json!({ "batch": [{ "features": {} }, { "call_graph": [{ "fromId": "a" }, { "toId": "b" }, { "fromId": "c", "toId": "c" }] }, {}] }),
        &[
            ("batch[1].call_graph[0].toId", "is missing"),
            ("batch[1].call_graph[1].fromId", "is missing"),
            ("batch[2].features", "is missing"),
        ],
    )
    .await;
    check(json!({ "features": {}, "reasons": 21 }), &[("reasons", "at most 20")]).await;
    check(json!({ "batch": vec![json!({ "features": {} }); 10_001] }), &[("batch", "at most 10000")]).await;
    check(json!({ "feature": {} }), &[("", "unknown field")]).await;
    assert_eq!(running.json("POST", "score", &json!({ "model": "none", "features": {} })).await.0, 404);

    // Damaged files, those of other features, and what no learning gives.
    let refused = async |text: String, expected: &str| {
        let (status, answer) = running.ask("POST", "models", "application/json", text).await;
        assert!(status == 422 && answer.contains(expected), "{status} {answer}");
    };
    let text = good.to_string();
    refused(text[..text.len() / 2].to_owned(), "is not JSON").await;
    refused("{}".to_owned(), "is no model").await;
    refused(json!({ "format": "tea/1" }).to_string(), "its format is").await;
    refused(text.replace("lanner-api-model/1", "lanner-api-model/9"), "lanner-api-model/9").await;
    refused(text.replace("\"n_skipped_steps\"", "\"steps\""), "it lacks [n_skipped_steps] and has [steps]")
        .await;
    let mut senseless = good.clone();
    senseless["threshold"] = json!(0.0);
    refused(senseless.to_string(), "the file cannot be used: its checksum does not match; copy it again")
        .await;
    let trees = |nodes: Value| json!({ "format": "lanner-boost/1", "base_score": 0, "feature_names": ["a"], "trees": [nodes] });
    let leaf = json!({ "leaf": true, "value": 0.1, "cover": 1 });
    let split = json!({ "feature": 0, "op": "<=", "threshold": 1, "missing_type": "NaN", "missing_left": true, "left": 1, "right": 1, "cover": 2 });
    refused(
        trees(json!([split, leaf])).to_string(),
        "the file cannot be used: tree 0: node 1 is reached twice",
    )
    .await;
    running.server.stop().await;
}

/// A, B, C: back to B, and then to A.
#[tokio::test(flavor = "multi_thread")]
async fn rollbacks_go_on_back_in_time() {
    let running = Running::start().await;
    let mut ids = Vec::new();
    let promote = async |id: &str| {
        running.json("POST", &format!("models/{id}/promote"), &json!({ "to": "champion" })).await
    };
    for base_score in 0..4 {
        let trees = json!({ "format": "lanner-boost/1", "base_score": base_score, "feature_names": ["a"], "trees": [] });
        let (_, kept) = running.json("POST", "models", &trees).await;
        ids.push(kept["id"].as_str().unwrap().to_owned());
    }
    let [a, b, c, d] = &ids[..] else { panic!("{ids:?}") };
    for id in [a, b, c] {
        promote(id).await;
    }
    let back = async || running.json("POST", "models/rollback", &json!({ "kind": "trees" })).await;
    assert_eq!(back().await.1["id"], **b);
    assert_eq!(back().await.1["id"], **a);
    assert_eq!(back().await.0, 409);
    promote(d).await;
    assert_eq!(back().await.1["id"], **a);
    assert_eq!(back().await.0, 409);
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_answered_with_a_sentence() {
    let running = Running::start().await;
    let trees = json!({
        "format": "lanner-boost/1", "base_score": 1.6, "feature_names": ["n_connections", "std_local_source_degrees"], "trees": [],
    });
    let (status, kept) = running.json("POST", "models", &trees).await;
    assert_eq!((status, &kept["kind"], &kept["threshold"]), (200, &json!("trees"), &json!(0.5)), "{kept}");
    let id = kept["id"].as_str().unwrap();
    running.json("POST", &format!("models/{id}/promote"), &json!({ "to": "champion" })).await;
    let form = "application/x-www-form-urlencoded";
    let (status, page) =
        running.ask("POST", "score", form, "n_connections=50&std_local_source_degrees=").await;
    let expected = "Probability of anomaly is 0.83; this behavior is classified as anomalous";
    assert!(status == 200 && page.contains(expected), "{page}");
    let (status, answer) = running.ask("POST", "score", form, "n_connection=50").await;
    assert!(status == 422 && answer.contains("n_connections"), "{answer}");
    let graph = json!({ "kind": "trees", "call_graph": [{ "fromId": "a", "toId": "b" }] });
    assert_eq!(running.json("POST", "score", &graph).await.0, 200);
    running.server.stop().await;
}
