//! Checks end to end: a provisioning script's posts, metrics over carbon, alerts in both APIs; and templates

//! that check what appears.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lanner_server::{Clock, Server, Settings};
use serde_json::{Value, json};

/// A Monday.
const START_S: i64 = 1_767_571_200;
const DAY_S: i64 = 86_400;

struct Running {
    server: Server,
    http: reqwest::Client,
    url: String,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        lanner_io::receiver::install_crypto_provider();
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path());
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        settings.carbon = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        settings.carbon_pickle = None;
        settings.clock = Clock::stepped(START_S * 1000);
        let server = Server::start(settings).await.unwrap();
        let url = format!("http://{}", server.http_addr());
        Self { server, http: reqwest::Client::new(), url, _folder: folder }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Value, Option<String>) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null), location)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer, _) = self.send("GET", path, &Value::Null).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn carbon(&self, lines: &str, series: &str) {
        use tokio::io::AsyncWriteExt as _;
        let mut stream =
            tokio::net::TcpStream::connect(self.server.address("carbon").unwrap()).await.unwrap();
        stream.write_all(lines.as_bytes()).await.unwrap();
        drop(stream);
        let last = lines.lines().last().unwrap().rsplit(' ').next().unwrap().parse::<i64>().unwrap();
        let started = Instant::now();
        loop {
            let store = self.server.store();
            let found = store.select(series, &[]).unwrap();
            if found.iter().any(|(id, _)| store.last_ms(*id).unwrap() == Some(last * 1000)) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{series} did not arrive");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn step_to(&self, time_s: i64) {
        assert!(self.server.step_to(time_s * 1000, Duration::from_secs(120)).await);
    }
}

/// What a script for a new environment posts.
fn body(name: &str, target: &str) -> Value {
    let subscription = |target: &str, kind: &str| {
        json!({
            "target": target, "type": kind, "ignoreWarn": true, "ignoreError": false, "ignoreOk": true,
            "notifyOnWarn": false, "notifyOnError": true, "notifyOnOk": false,
            "fromTime": "0000", "toTime": "2359",
            "su": true, "mo": true, "tu": true, "we": true, "th": true, "fr": true, "sa": true, "enabled": true,
        })
    };
    json!({
        "id": "5597a3d2e4b0", "name": name, "description": null, "target": target, "from": null, "until": null,
        "enabled": true, "live": false, "state": "OK",
        "subscriptions": [subscription("SEYREN", "HIPCHAT"), subscription("SEYREN", "LOGGER")],
        "warn": 1.0, "error": 1.5, "lastCheck": 1_436_000_000_000_i64,
    })
}

/// Values a minute apart, from `START_S` on.
fn lines(name: &str, values: impl IntoIterator<Item = f64>) -> String {
    let mut lines = String::new();
    for (minute, value) in values.into_iter().enumerate() {
        writeln!(lines, "{name} {value} {}", START_S + 60 * minute as i64).unwrap();
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisioning_script_works_unchanged() {
    let running = Running::start().await;
    let m = "prod.payments.rate";
    let targets = [
        ("TIMESHIFT_CHECK", format!("absolute(divideSeries(diffSeries(timeShift({m},'7d'),{m}),{m}))")),
        ("CV_CHECK", format!("divideSeries(stdev({m},10),movingAverage({m},10))")),
        ("HW_CHECK", format!("absolute(divideSeries(holtWintersAberration({m}),{m}))")),
    ];
    let mut ids = Vec::new();
    for (name, target) in &targets {
        let (status, answer, location) = running.send("POST", "/api/checks", &body(name, target)).await;
        assert_eq!((status, &answer), (201, &Value::Null));
        let id = location.unwrap().strip_prefix("checks/").unwrap().to_owned();
        assert!(id.len() == 24 && id != "5597a3d2e4b0", "{id}");
        ids.push(id);
    }
    let cv = &ids[1];
    let spike = (0..40).map(|minute| if minute == 25 { 1000.0 } else { 10.0 });
    running.carbon(&lines(m, spike), m).await;
    running.step_to(START_S + 28 * 60).await;

    let check = running.get(&format!("/api/checks/{cv}")).await;
    assert_eq!((&check["state"], &check["name"]), (&json!("ERROR"), &json!("CV_CHECK")), "{check}");
    assert_eq!((&check["warn"], &check["error"]), (&json!("1.0"), &json!("1.5")));
    assert_eq!(check["lastCheck"], json!((START_S + 27 * 60) * 1000));
    let delivered = |at: usize| check["subscriptions"][at]["delivered"].clone();
    assert_eq!((delivered(0), delivered(1)), (json!(false), json!(true)), "{check}");

    let alerts = running.get("/api/alerts?start=0&items=500").await;
    let of_cv: Vec<&Value> =
        alerts["values"].as_array().unwrap().iter().filter(|alert| alert["checkId"] == json!(cv)).collect();
    assert_eq!(
        (&of_cv[0]["toType"], &of_cv[0]["target"]),
        (&json!("ERROR"), &json!(targets[1].1)),
        "{alerts}"
    );
    let first = of_cv.last().unwrap();
    assert_eq!((&first["fromType"], &first["timestamp"]), (&json!("OK"), &json!((START_S + 26 * 60) * 1000)));
    let own = running.get(&format!("/api/v1/alerts?state=firing&rule={cv}")).await;
    assert_eq!(own[0]["labels"]["severity"], json!("error"), "{own}");
    // A new metric: against a week ago it seems to have changed wholly, exactly as in Seyren.
    assert_eq!(running.get(&format!("/api/checks/{}", ids[0])).await["state"], json!("WARN"));
    let log = running.server.services().base.settings.folder.join("seyren.log");
    let started = Instant::now();
    while !std::fs::read_to_string(&log).unwrap_or_default().contains(cv.as_str()) {
        assert!(started.elapsed() < Duration::from_secs(60), "nothing was logged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    lists(&running, &ids).await;
    changes(&running, cv).await;
    subscriptions(&running, cv).await;
    ends(&running, cv).await;
    running.server.stop().await;
}

async fn lists(running: &Running, ids: &[String]) {
    let (cv, m) = (&ids[1], "prod.payments.rate");
    let all = running.get("/api/checks").await;
    assert_eq!((&all["total"], all["values"].as_array().unwrap().len()), (&json!(3), 3));
    let errors = running.get("/api/checks?state=ERROR&state=EXCEPTION&enabled=true").await;
    let is_listed =
        |id: &String| errors["values"].as_array().unwrap().iter().any(|check| check["id"] == json!(id));
    assert!(is_listed(cv) && !is_listed(&ids[0]), "{errors}");
    assert_eq!(running.get("/api/checks?fields=name&regexes=%5EHW").await["total"], json!(1));
    // As in Seyren one list alone asks for nothing, and lists of two lengths are a mistake.
    assert_eq!(running.get("/api/checks?regexes=%5EHW").await["total"], json!(3));
    assert_eq!(running.get("/api/checks?fields=name").await["total"], json!(3));
    for wrong in
        ["fields=name&fields=target&regexes=HW", "fields=name&regexes=HW&regexes=a", "fields=name&regexes=("]
    {
        let (status, answer, _) = running.send("GET", &format!("/api/checks?{wrong}"), &Value::Null).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    assert_eq!(running.get(&format!("/api/metrics/{m}/total")).await, json!({ m: 1 }));
    assert!(running.get("/api/config").await["baseUrl"].is_string());
}

/// What was shown is taken back, changed.
async fn changes(running: &Running, cv: &str) {
    let mut check = running.get(&format!("/api/checks/{cv}")).await;
    check["error"] = json!("4.0");
    check["enabled"] = json!(false);
    let (status, changed, _) = running.send("PUT", &format!("/api/checks/{cv}"), &check).await;
    assert_eq!(
        (status, &changed["error"], &changed["enabled"]),
        (200, &json!("4.0"), &json!(false)),
        "{changed}"
    );
    assert_eq!(changed["subscriptions"], check["subscriptions"]);
    // Whoever says nothing of subscriptions leaves them.
    let mut bare = check.clone();
    bare.as_object_mut().unwrap().remove("subscriptions");
    bare["error"] = json!("3.5");
    let (_, changed, _) = running.send("PUT", &format!("/api/checks/{cv}"), &bare).await;
    assert_eq!((&changed["error"], &changed["subscriptions"]), (&json!("3.5"), &check["subscriptions"]));
    check["error"] = json!("4.0");
    running.send("PUT", &format!("/api/checks/{cv}"), &check).await;
    let history = running.get(&format!("/api/v1/rules/{cv}/history")).await;
    assert_eq!(history.as_array().unwrap().len(), 4);
}

async fn subscriptions(running: &Running, cv: &str) {
    let http = json!({ "target": "http://127.0.0.1:9/hook", "type": "HTTP", "enabled": true });
    let path = format!("/api/checks/{cv}/subscriptions");
    let (status, _, location) = running.send("POST", &path, &http).await;
    assert_eq!(status, 201);
    let own = format!("/api/{}", location.unwrap());
    assert_eq!(running.get(&format!("/api/checks/{cv}")).await["subscriptions"][2]["type"], json!("HTTP"));
    assert_eq!(running.send("PUT", &format!("{own}/test"), &Value::Null).await.0, 502);
    assert_eq!(running.send("DELETE", &own, &Value::Null).await.0, 204);
    assert_eq!(running.send("DELETE", &own, &Value::Null).await.0, 404);
    // Of two with one id, each can be ended alone.
    let mut check = running.get(&format!("/api/checks/{cv}")).await;
    check["subscriptions"][1]["id"] = check["subscriptions"][0]["id"].clone();
    let (_, twice, _) = running.send("PUT", &format!("/api/checks/{cv}"), &check).await;
    assert_ne!(twice["subscriptions"][0]["id"], twice["subscriptions"][1]["id"], "{twice}");
}

async fn ends(running: &Running, cv: &str) {
    assert!(running.get(&format!("/api/checks/{cv}/alerts")).await["total"].as_u64().unwrap() >= 2);
    assert_eq!(running.send("DELETE", &format!("/api/checks/{cv}/alerts"), &Value::Null).await.0, 204);
    assert_eq!(running.get(&format!("/api/checks/{cv}/alerts")).await["total"], json!(0));
    assert_eq!(running.send("GET", &format!("/api/checks/{cv}/image"), &Value::Null).await.0, 501);
    assert_eq!(running.send("DELETE", &format!("/api/checks/{cv}"), &Value::Null).await.0, 204);
    assert_eq!(running.send("GET", &format!("/api/checks/{cv}"), &Value::Null).await.0, 404);
    let wrong = body("wrong", "stdv(a,10)");
    let (status, answer, _) = running.send("POST", "/api/checks", &wrong).await;
    assert_eq!(status, 422);
    assert!(
        answer.to_string().contains("query.target") && answer.to_string().contains("column 1"),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn truths_come_as_text_too_and_messages_name_the_check() {
    let running = Running::start().await;
    let m = "prod.orders.rate";
    let check = |name: &str, enabled: Value, ignore_ok: Value| {
        json!({
            "name": name, "target": m, "warn": "5", "error": "8", "enabled": enabled, "allowNoData": "TRUE",
            "subscriptions": [{ "target": "x", "type": "LOGGER", "enabled": "true", "ignoreOk": ignore_ok }],
        })
    };
    let mut ids = Vec::new();
    for (name, enabled) in [("On {{ call }}", json!("true")), ("Off", json!("false"))] {
        let (status, answer, location) =
            running.send("POST", "/api/checks", &check(name, enabled, json!("false"))).await;
        assert_eq!(status, 201, "{answer}");
        ids.push(location.unwrap().strip_prefix("checks/").unwrap().to_owned());
    }
    for (enabled, ignore_ok) in
        [(json!("perhaps"), json!(true)), (json!(true), json!("often")), (json!(7), json!(true))]
    {
        let (status, answer, _) =
            running.send("POST", "/api/checks", &check("wrong", enabled, ignore_ok)).await;
        assert!(status == 400 && answer.to_string().contains("should be true or false"), "{status} {answer}");
    }
    // What is of another kind is not taken as if nothing stood there.
    for (name, value) in [
        ("name", json!(7)),
        ("from", json!(-600)),
        ("until", json!(["-1min"])),
        ("target", json!([m])),
        ("description", json!({})),
        ("subscriptions", json!({})),
        ("subscriptions", json!("x")),
        ("subscriptions", json!([null])),
    ] {
        let mut wrong = check("wrong", json!(true), json!(true));
        wrong[name] = value;
        let (status, answer, _) = running.send("POST", "/api/checks", &wrong).await;
        assert!(status == 400 && answer.to_string().contains("should be a"), "{name}: {status} {answer}");
    }
    assert_eq!(running.get("/api/checks?enabled=TRUE").await["total"], json!(1));
    running.carbon(&lines(m, std::iter::repeat_n(9.0, 5)), m).await;
    running.step_to(START_S + 5 * 60).await;
    let (on, off) = (
        running.get(&format!("/api/checks/{}", ids[0])).await,
        running.get(&format!("/api/checks/{}", ids[1])).await,
    );
    assert_eq!(
        (&on["state"], &on["enabled"], &on["allowNoData"]),
        (&json!("ERROR"), &json!(true), &json!(true))
    );
    assert_eq!((&off["state"], &off["enabled"]), (&json!("OK"), &json!(false)), "{off}");
    assert_eq!(on["subscriptions"][0]["ignoreOk"], json!(false), "{on}");
    let alerts = running.get("/api/v1/alerts").await;
    assert_eq!(alerts[0]["content"], json!("On {{ call }} is firing (error): 9"), "{alerts}");
    assert_eq!(alerts[0]["labels"]["check"], json!("On {{ call }}"), "{alerts}");
    running.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_checks_what_appears_and_is_patient_with_it() {
    let running = Running::start().await;
    let rule = json!({
        "id": "payments", "window": "10m", "every": "1h", "expression": { "warn": 1.0, "error": 1.5 },
        "query": {
            "target": "absolute(divideSeries(diffSeries(timeShift({series},'7d'),{series}),{series}))",
            "for_each": "env.*.payments",
        },
    });
    let (status, answer, _) = running.send("POST", "/api/v1/apply", &json!({ "rules": [rule] })).await;
    assert_eq!(status, 200, "{answer}");
    running.step_to(START_S + 3_700).await;
    assert_eq!(running.get("/api/v1/alerts?all=true").await, json!([]));

    // A new environment: a value every five minutes, for nine days; on the ninth it falls to a third.
    let mut lines = String::new();
    for at in 0..9 * 288 {
        let value = if at < 8 * 288 { 300 } else { 100 };
        writeln!(lines, "env.new.payments {value} {}", START_S + 7_200 + 300 * at).unwrap();
    }
    running.carbon(&lines, "env.new.payments").await;
    running.step_to(START_S + 3 * 3_600 + 100).await;
    let alerts = running.get("/api/v1/alerts?all=true&rule=payments").await;
    assert_eq!(alerts[0]["group"], json!({ "series": "env.new.payments" }), "{alerts}");
    for half_day in 1..=18 {
        running.step_to(START_S + 7_200 + half_day * DAY_S / 2 + 100).await;
    }
    let evaluations = running.get("/api/v1/evaluations?rule=payments&limit=10000").await;
    let evaluations = evaluations.as_array().unwrap();
    let count = |outcome: &str| evaluations.iter().filter(|e| e["outcome"] == json!(outcome)).count();
    assert_eq!((count("history_short"), count("normal"), count("breach")), (168, 24, 24));
    assert_eq!(count("breach") + count("normal") + count("history_short"), evaluations.len());
    let firing = running.get("/api/v1/alerts?state=firing").await;
    assert_eq!(firing[0]["labels"]["severity"], json!("error"), "{firing}");

    // A replay says what live evaluation said.
    let ask =
        json!({ "rules": [], "from": START_S * 1000, "to": (START_S + 7_200 + 9 * DAY_S + 100) * 1000 });
    let (status, replay, _) = running.send("POST", "/api/v1/replay", &ask).await;
    assert_eq!(status, 200, "{replay}");
    let told =
        |e: &Value| (e["window"].clone(), e["outcome"].clone(), e["value"].clone(), e["state"].clone());
    let live: Vec<_> = evaluations.iter().rev().map(told).collect();
    let replayed: Vec<_> = replay["evaluations"].as_array().unwrap().iter().map(told).collect();
    assert_eq!(replayed, live);
    running.server.stop().await;
}
