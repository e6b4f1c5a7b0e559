//! `lanner detector run`: use cases of ADBox, from files and against a real OpenSearch.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use lanner_testkit::{OpenSearch, shared_data};
use serde_json::{Value, json};

use crate::program::{Ran, run};

/// What a run said on standard error.
trait Said {
    fn said(self, code: i32) -> String;
}

impl Said for Ran {
    #[track_caller]
    fn said(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        self.err
    }
}

pub(crate) const START_MS: i64 = 1_709_251_200_000; // 2024-03-01

pub(crate) struct Folder(pub(crate) tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn run(&self, use_case: &str, more: &[&str]) -> Ran {
        let detectors = self.path("detectors");
        run(&[&["detector", "run", use_case, "--detectors", &detectors], more].concat())
    }

    pub(crate) fn manage(&self, arguments: &[&str]) -> Ran {
        let detectors = self.path("detectors");
        run(&[&["detector"], arguments, &["--detectors", &detectors]].concat())
    }

    /// The rows of all files of results of a use case, by their times.
    pub(crate) fn rows(&self, id: &str, case: &str) -> Vec<Value> {
        let folder = PathBuf::from(self.path(&format!("detectors/{id}/prediction")));
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let names =
            names.filter(|name| name.to_str().unwrap().contains(&format!("uc-{case}_predicted_data")));
        let rounds = names
            .flat_map(|name| serde_json::from_slice::<Vec<Value>>(&std::fs::read(name).unwrap()).unwrap());
        let mut rows: Vec<Value> =
            rounds.flat_map(|round| round["results"].as_array().unwrap().clone()).collect();
        rows.sort_by_key(|row| row["timestamp"].as_str().unwrap().to_owned());
        rows
    }

    /// The last file of results whose name holds `what`.
    pub(crate) fn results(&self, what: &str) -> Value {
        let id = self.ids().pop().unwrap();
        let folder = PathBuf::from(self.path(&format!("detectors/{id}/prediction")));
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let name = names.filter(|name| name.to_str().unwrap().contains(what)).max().unwrap();
        serde_json::from_slice(&std::fs::read(name).unwrap()).unwrap()
    }

    /// The same, of the detector that was trained last.
    fn results_of_current(&self, what: &str) -> Value {
        let current: Value =
            serde_json::from_str(&self.manage(&["current", "--format", "json"]).expect(0)).unwrap();
        let current = if current.is_array() { current[0].clone() } else { current };
        let id = current["id"].as_str().unwrap();
        let folder = PathBuf::from(self.path(&format!("detectors/{id}/prediction")));
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let name = names.filter(|name| name.to_str().unwrap().contains(what)).max().unwrap();
        serde_json::from_slice(&std::fs::read(name).unwrap()).unwrap()
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let listed: Value =
            serde_json::from_str(&self.manage(&["list", "--format", "json"]).expect(0)).unwrap();
        listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// An alert each ten seconds: load of a host; in the minutes from `strange` on the processor works for nothing.
pub(crate) fn alert(at: i64, strange: i64) -> Value {
    let load = 40.0 + 20.0 * (at as f64 / 40.0).sin() + (at * 7_919 % 101) as f64 / 20.0;
    let cpu = if (strange..strange + 30).contains(&at) { 250.0 } else { load };
    let time = lanner_core::time::format_time(START_MS + at * 10_000).replace('Z', "+0000");
    json!({
        "timestamp": time, "rule": { "level": 3 + at % 4, "groups": ["syslog"] },
        "data": { "cpu_usage_%": cpu.to_string(), "memory_usage_%": load / 2.0 },
    })
}

/// A small network, so that the test is quick.
pub(crate) fn use_case(prediction: &str) -> String {
    format!(
        "training:
  index_date: \"2024-03-*\"
  columns: [data.cpu_usage_%, data.memory_usage_%, rule.level]
  aggregation_config:
    granularity: \"1min\"
    padding_value:
    features:
      data.cpu_usage_%: [average, max]
      data.memory_usage_%: [average]
      rule.level: [\"count\"]
  train_config: {{ window_size: 6, epochs: 3, gru_hid_dim: 12, fc_hid_dim: 12, recon_hid_dim: 12, alpha: 0.2 }}
  display_name: web
{prediction}"
    )
}

#[test]
fn published_use_cases_are_read_as_they_are() {
    let Some(cases) = shared_data("wazuh") else { return };
    let folder = Folder::new();
    let nothing = folder.write("nothing.json", "");
    for number in 1..=9 {
        let path = cases.join(format!("use-cases/uc_{number}.yaml"));
        let ran = folder.run(path.to_str().unwrap(), &["--data", &nothing]);
        let expected = if matches!(number, 7 | 8) {
            "there is no detector"
        } else {
            "there are no documents to learn from"
        };
        let said = ran.said(2);
        assert!(said.contains(expected) && !said.contains("passed over"), "{number}: {said}");
    }
    let driver = cases.join("use-cases/driver.yaml");
    let said = folder.run(driver.to_str().unwrap(), &["--data", &nothing]).said(2);
    assert!(said.contains("no documents"), "{said}");
}

#[test]
fn trained_and_predicted_from_files() {
    let folder = Folder::new();
    let alerts = |from: i64, to: i64, strange: i64| -> String {
        (from..to).map(|at| format!("{}\n", alert(at, strange))).collect()
    };
    let usual = folder.write("usual.json", &alerts(0, 3_000, -100));
    // The same as the answer to a search, of a later time.
    let hits: Vec<Value> =
        (3_000..3_600).map(|at| json!({ "_id": at.to_string(), "_source": alert(at, 3_300) })).collect();
    let later = folder.write("later.json", &json!({ "hits": { "hits": hits } }).to_string());
    let training = folder.write("uc_3.yaml", &use_case(""));
    let said = folder.run(&training, &["--data", &usual]).said(0);
    assert!(said.contains("3000 documents in 500 rows") && said.contains("epoch 3 of 3"), "{said}");

    let prediction = folder.write("uc_4.yaml", "prediction:\n  run_mode: HISTORICAL\n");
    let found = folder.run(&prediction, &["--data", &later, "--format", "json"]).expect(1);
    let found: Value = serde_json::from_str(&found).unwrap();
    let times: Vec<&str> =
        found.as_array().unwrap().iter().map(|one| one["time"].as_str().unwrap()).collect();
    assert!(times.contains(&"2024-03-01T09:10:00Z"), "{found}");
    assert!(found[0]["features"].to_string().contains("cpu_usage"), "{found}");
    let all = folder.results("uc-4_predicted_data-1");
    let round = &all[0];
    assert_eq!((all.as_array().unwrap().len(), &round["run_mode"]), (1, &json!("HISTORICAL")));
    // 100 units, of which a verdict looks at six before its own.
    let results = round["results"].as_array().unwrap();
    assert_eq!((results.len(), &round["start_time"]), (94, &json!("2024-03-01T08:26:00Z")));
    let fields: BTreeSet<&str> = results[0].as_object().unwrap().keys().map(String::as_str).collect();
    for what in ["Forecast", "Recon", "True", "A_Score", "Thresh", "A_Pred", "Value", "Expected"] {
        for feature in [
            "data.cpu_usage_%_average",
            "data.cpu_usage_%_max",
            "data.memory_usage_%_average",
            "rule.level_count",
        ] {
            assert!(fields.contains(format!("{what}_{feature}").as_str()), "{what}_{feature}: {fields:?}");
        }
    }
    assert_eq!(results[3]["Value_rule.level_count"], 6.0);
    let anomalies = folder.results("uc-4_predicted_anomalies_data-1");
    assert_eq!(anomalies[0]["results"].as_array().unwrap().len(), times.len());
    assert!(anomalies[0]["results"].as_array().unwrap().iter().all(|one| one["is_anomaly"] == true));

    // The form before, and a stretch of time.
    let stretch =
        "prediction: { start_time: \"2024-03-01T08:30:30Z\", end_time: \"2024-03-01T08:50:10Z\" }\n";
    let stretch = folder.write("uc_5.yaml", stretch);
    folder.run(&stretch, &["--data", &later, "--shape", "nested"]).expect(0);
    let nested = folder.results("uc-5_predicted_data-1");
    let results = nested[0]["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[0]["timestamp"]), (15, &json!("2024-03-01T08:36:00Z")));
    assert!(results[0]["prediction_values"]["A_Score_Global"].is_number(), "{nested}");
    assert_eq!(nested[0]["index_date"], "2024-03-01");

    manage(&folder, &training, &usual);
}

#[test]
fn level_and_dynamic_pot_set_the_thresholds() {
    let folder = Folder::new();
    let alerts =
        |from: i64, to: i64| -> String { (from..to).map(|at| format!("{}\n", alert(at, -100))).collect() };
    let (usual, later) =
        (folder.write("usual.json", &alerts(0, 6_000)), folder.write("later.json", &alerts(6_000, 9_000)));
    let prediction = folder.write("uc_4.yaml", "prediction:\n  run_mode: HISTORICAL\n");
    // The thresholds of the score and of one feature, row by row.
    let thresholds = |settings: &str| -> [Vec<f64>; 2] {
        let case = use_case("").replace("alpha: 0.2", &format!("alpha: 0.2, {settings}"));
        folder.run(&folder.write("uc_3.yaml", &case), &["--data", &usual]).said(0);
        let ran = folder.run(&prediction, &["--data", &later]);
        assert!(matches!(ran.code, 0 | 1) && !ran.err.contains("passed over"), "{ran:?}");
        let results = folder.results_of_current("uc-4_predicted_data-1");
        let rows = results[0]["results"].as_array().unwrap();
        ["threshold", "Thresh_data.memory_usage_%_average"]
            .map(|name| rows.iter().map(|row| row[name].as_f64().unwrap()).collect())
    };
    let still = thresholds("dynamic_pot: false, q: 0.01, level: 0.98");
    assert!(still.iter().all(|of| of.len() > 400 && of.iter().all(|one| *one == of[0])));
    let moving = thresholds("dynamic_pot: true, q: 0.01, level: 0.98");
    // It begins there, and learns from what is high and no anomaly.
    for (moving, still) in moving.iter().zip(&still) {
        assert!((moving[0] - still[0]).abs() < 1e-9 * still[0], "{} {}", moving[0], still[0]);
        assert!(moving.iter().any(|one| *one != moving[0]));
    }
    let lower = thresholds("dynamic_pot: false, q: 0.01, level: 0.8");
    assert!(lower[0][0] != still[0][0], "{} {}", lower[0][0], still[0][0]);
    let case = use_case("").replace("alpha: 0.2", "level: 1.2, q: 0, dynamic_pot: perhaps");
    let said = folder.run(&folder.write("uc_3.yaml", &case), &["--data", &usual]).said(2);
    assert!(said.contains("3 problems") && said.contains("above 0 and below 1, found 1.2"), "{said}");
}

fn manage(folder: &Folder, training: &str, usual: &str) {
    let first = folder.ids();
    let id = first[0].as_str();
    folder.run(training, &["--data", usual]).said(0);
    let current = folder.manage(&["current", "--format", "json"]).expect(0);
    assert!(!current.contains(id), "the last that was trained is current: {current}");
    let copy = folder.path("copy");
    folder.manage(&["export", id, "--out", &copy]).expect(0);
    let said = folder.manage(&["import", &copy]).said(2);
    assert!(said.contains("is there already"), "{said}");
    assert!(folder.manage(&["delete", id]).said(2).contains("--yes"));
    folder.manage(&["delete", &id[..8], "--yes"]).expect(0);
    assert!(!folder.ids().contains(&id.to_owned()));
    folder.manage(&["import", &copy]).expect(0);
    folder.manage(&["select", id]).expect(0);
    assert!(folder.manage(&["current"]).expect(0).contains(id));
    assert!(folder.manage(&["select", "../copy"]).said(2).contains("there is no detector"));
    let damaged = folder.path("detectors/damaged");
    std::fs::create_dir(&damaged).unwrap();
    std::fs::write(format!("{damaged}/about.json"), "{").unwrap();
    folder.manage(&["list"]).says(0, &["about.json is damaged"]);
    let model = format!("{copy}/training/model.safetensors");
    let mut damaged = std::fs::read(&model).unwrap();
    let end = damaged.len() - 1;
    damaged[end] ^= 1;
    std::fs::write(&model, damaged).unwrap();
    folder.manage(&["delete", id, "--yes"]).expect(0);
    let said = folder.manage(&["import", &copy]).said(2);
    assert!(said.contains("checksum"), "{said}");
}

#[test]
fn scenarios_of_sonar_run_as_well() {
    let folder = Folder::new();
    let alerts: String = (0..9_000).map(|at| format!("{}\n", alert(at, 8_000))).collect();
    folder.write("alerts.json", &alerts);
    let text = format!(
        "name: Linux resources
description: Load of hosts
enabled: true
training:
  lookback_hours: 24
  numeric_fields: [data.cpu_usage_%, data.memory_usage_%]
  categorical_fields: [rule.groups]
  categorical_top_k: 3
  bucket_minutes: 1
  sliding_window: 20
  epochs: 1
  device: cpu
detection: {{ mode: historical, threshold: 0.85, min_consecutive: 3, polling_interval_seconds: 60 }}
debug: {{ enabled: true, data_dir: \"{}\", training_data_file: alerts.json, detection_data_file: alerts.json }}
",
        folder.path("")
    );
    let scenario = folder.write("linux.yaml", &text);
    let ran = folder.run(&scenario, &["--format", "json"]);
    assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    assert!(ran.err.contains("9000 documents in 1500 rows"), "{ran:?}");
    let results = folder.results("uc-linux_predicted_data-1");
    assert!(results[0]["results"][0]["Value_rule.groups=syslog"].is_number(), "{}", results[0]["results"][0]);
    assert!(results[0]["results"][0]["Value_rule.groups=__other"] == 0.0);
    // What SONAR derives is there unless it is turned off; usage of 80 % and more only where the processor works for nothing.
    let rows = results[0]["results"].as_array().unwrap();
    let high = |row: &Value| row["Value_is_cpu_high"].as_f64().unwrap();
    let n_high = rows.iter().filter(|row| high(row) > 0.9).count();
    assert!((4..=6).contains(&n_high), "{n_high}");
    assert_eq!(rows[0]["Value_is_ssh_event"], 0.0);
    assert!(
        ran.err.contains("columns are always the same") && ran.err.contains("is_brute_force (0)"),
        "{ran:?}"
    );

    let wrong = "name: x
training:
  bucket_minutes: 0
  numeric_feilds: [a]
  max_numeric_fields: 3
  derived_features: sometimes
  alert_filter: sshd
  max_entities: 500
";
    let said = folder.run(&folder.write("wrong.yaml", wrong), &[]).said(2);
    for expected in [
        ":3:",
        "whole number from 1 to 1440",
        ":5:",
        "should be a list of fields",
        ":6:",
        "should be true or false",
        ":7:",
        "should be a query of OpenSearch",
        ":8:",
        "whole number from 1 to 200",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn a_use_case_is_made_of_options_and_runs() {
    let folder = Folder::new();
    let of = |at: i64, agent: &str| {
        let mut alert = alert(at, -100);
        alert["agent"] = json!({ "name": agent });
        format!("{alert}\n")
    };
    let alerts: String = (0..3_000).map(|at| of(at, if at % 3 == 0 { "db" } else { "web" })).collect();
    let (alerts, out) = (folder.write("alerts.json", &alerts), folder.path("uc_21.yaml"));
    let new = |more: &[&str]| run(&[&["detector", "new", "--out", &out, "--data", &alerts], more].concat());
    new(&[]).says(2, &["no field is named", "--column"]);
    new(&["--column", "rule.level=mean"]).says(2, &["should be average"]);
    new(&["--column", "rule.level", "--granularity", "1week"]).says(2, &["is no unit of time"]);
    new(&["--column", "rule.level", "--index-date", "yesterday"])
        .says(2, &["nothing is written", "should be a date"]);
    assert!(!std::path::Path::new(&out).exists());
    let options = [
        "--column",
        "data.cpu_usage_%=average,max",
        "--column",
        "rule.groups=max",
        "--column",
        "rule.level=count",
        "--entity",
        "agent.name=web",
        "--epochs",
        "2",
        "--name",
        "web",
        "--alarms-per-day",
        "2",
    ];
    new(&options).says(0, &["is written; run it with: lanner detector run", "rule.groups has no numbers"]);
    new(&options).says(2, &["exists"]);
    let ran = folder.run(&out, &["--data", &alerts]);
    assert!(matches!(ran.code, 0 | 1) && ran.err.contains("2000 documents in 500 rows"), "{ran:?}");
    let rows = folder.results_of_current("uc-21_predicted_data");
    assert_eq!(rows[0]["results"][3]["Value_rule.level_count"], 4.0, "those of web alone");
}

#[test]
fn several_use_cases_run_side_by_side() {
    let folder = Folder::new();
    let alerts: String = (0..1_500).map(|at| format!("{}\n", alert(at, -100))).collect();
    let alerts = folder.write("alerts.json", &alerts);
    let text = use_case("prediction:\n  run_mode: HISTORICAL\n");
    let names = ["uc_1", "uc_2", "uc_3"];
    let cases = names.map(|name| {
        folder.write(&format!("{name}.yaml"), &text.replace("name: web", &format!("name: {name}")))
    });
    let [one, two, three] = [0, 1, 2].map(|at| cases[at].as_str());
    let ran = folder.run(one, &[two, three, "--data", &alerts]);
    assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    // Each is trained once, and predicts with its own detector.
    let listed: Value =
        serde_json::from_str(&folder.manage(&["list", "--format", "json"]).expect(0)).unwrap();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for one in listed {
        let (id, name) = (one["id"].as_str().unwrap(), one["name"].as_str().unwrap());
        assert_eq!(folder.rows(id, name.trim_start_matches("uc_")).len(), 244, "{name}");
    }
    // One that fails does not keep the others from it, and is told by its name.
    let missing = folder.write("uc_4.yaml", "prediction: { detector_id: nobody }\n");
    folder.run(&missing, &[one, "--data", &alerts]).says(2, &["4: there is no detector \"nobody\""]);
    assert_eq!(folder.ids().len(), 4);
    folder.run(one, &[one, "--data", &alerts]).says(2, &["two use cases are called 1"]);
}

#[test]
fn mistakes_are_told_with_their_lines() {
    let folder = Folder::new();
    let text = "training:
  index_date: 2024
  columns: [a, b]
  aggregation_config:
    granularity: 1week
    fill_na_method: zero
    features:
      a: [mean]
      c: [count, count]
  train_config: { window_size: 0, epochs: many, kernel_size: 4, windowsize: 3 }
prediction:
  run_mode: sometimes
  start_time: yesterday
  batch_size: 2.5
";
    let path = folder.write("uc_1.yaml", text);
    let said = folder.run(&path, &[]).said(2);
    for (line, part) in [
        (2, "should be a date such as 2024-08-30"),
        (5, "is no unit of time"),
        (6, "Linear, Previous, Subsequent, Zero or Fixed"),
        (8, "should be average, max, min, count, sum or cardinality, found \"mean\""),
        (9, "names count twice"),
        (10, "should be a whole number from 1 to 1000"),
        (10, "should be a number, found text"),
        (10, "should be odd"),
        (12, "historical, batch or realtime"),
        (13, "is not a time"),
        (14, "should be a whole number"),
    ] {
        let is_told = said.lines().any(|told| told.contains(&format!(":{line}:")) && told.contains(part));
        assert!(is_told, "line {line}: {part} in\n{said}");
    }
    let unknown = folder.write("uc_2.yaml", "prediction: { run_mod: batch }\nextra: 1\n");
    let said = folder.run(&unknown, &[]).said(2);
    assert!(said.contains("did you mean \"run_mode\"?") && said.contains("passed over"), "{said}");
    let neither = folder.write("uc_3.yaml", "");
    assert!(folder.run(&neither, &[]).said(2).contains("neither training nor prediction"));
    let rubbish = folder.write("uc_4.yaml", "training: [\n");
    folder.run(&rubbish, &[]).said(2);
    let data = folder.write("data.json", "{\"timestamp\": \"2024-03-01T00:00:00Z\", ");
    let case = folder.write("uc_5.yaml", &use_case(""));
    assert!(folder.run(&case, &["--data", &data]).said(2).contains("data.json:1:"));
    let online = folder.write("uc_6.yaml", &use_case("prediction: { run_mode: realtime }\n"));
    assert!(folder.run(&online, &["--ship"]).said(2).contains("--url"));
}

/// Sends a request to the node.
pub(crate) fn ask(node: &OpenSearch, method: &str, path: &str, kind: &str, body: String) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address = format!("{}{path}", node.url());
        let request = reqwest::Client::new().request(method.parse().unwrap(), address);
        let answer = request.header("content-type", kind).body(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    })
}

pub(crate) fn now_ms() -> i64 {
    i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// Puts documents into an index of Wazuh.
pub(crate) fn fill(node: &OpenSearch, index: &str, documents: &[Value]) {
    for part in documents.chunks(4_000) {
        let mut lines = String::new();
        for document in part {
            writeln!(lines, "{{\"index\":{{}}}}\n{document}").unwrap();
        }
        let answer = ask(node, "POST", &format!("/{index}/_bulk"), "application/x-ndjson", lines);
        assert_eq!(answer["errors"], false);
    }
    ask(node, "POST", "/_refresh", "application/json", String::new());
}

pub(crate) fn count(node: &OpenSearch, index: &str) -> u64 {
    ask(node, "POST", "/_refresh", "application/json", String::new());
    ask(node, "GET", &format!("/{index}/_count"), "application/json", String::new())["count"]
        .as_u64()
        .unwrap()
}

#[test]
fn against_a_real_opensearch() {
    lanner_io::receiver::install_crypto_provider();
    let folder = Folder::new();
    let Some(node) = OpenSearch::start(folder.0.path()) else { return };
    // 12,000 documents at 300 times: pages of 5,000 end in the middle of equal times.
    let documents: Vec<Value> = (0..12_000).map(|n| alert(n / 40 * 6, -100)).collect();
    fill(&node, "wazuh-alerts-4.x-2024.03.01", &documents);
    let case = folder.write("uc_1.yaml", &use_case(""));
    let said = folder.run(&case, &["--url", node.url(), "--ship"]).said(0);
    assert!(said.contains("12000 documents in 300 rows"), "{said}");

    same_from_wazuh_5(&folder, &node, &documents);

    let stretch =
        "prediction: { start_time: \"2024-03-01T01:00:00Z\", end_time: \"2024-03-01T02:00:00Z\" }\n";
    let stretch = folder.write("uc_2.yaml", stretch);
    let said = folder.run(&stretch, &["--url", node.url(), "--ship"]).err;
    assert!(said.contains("sent 54 rows: 54 new, 0 there already, 0 refused"), "{said}");
    // In the same data stream, once.
    let said = folder.run(&stretch, &["--url", node.url(), "--ship"]).err;
    assert!(said.contains("sent 54 rows: 0 new, 54 there already, 0 refused"), "{said}");
    let stream = format!("adbox_detector_mtad_gat_{}", folder.ids()[0]);
    assert_eq!(count(&node, &stream), 54);
    let mapping = ask(&node, "GET", &format!("/{stream}/_mapping"), "application/json", String::new());
    assert!(mapping.to_string().contains("\"is_anomaly\":{\"type\":\"boolean\"}"), "{mapping}");

    dashboard_asks_for_what_is_there(&folder, &node, &stream);

    // Batches of seconds, as they pass; what was missed while nobody looked is judged with the next round.
    let quick = use_case("").replace("1min", "1s").replace("\"2024-03-*\"", "\"2024-04-*\"");
    let seconds = |at: i64| {
        json!({ "timestamp": START_MS + 31 * 86_400_000 + at * 1_000, "rule": { "level": 3 },
        "data": { "cpu_usage_%": 20.0 + (at % 17) as f64, "memory_usage_%": 10.0 } })
    };
    fill(&node, "wazuh-alerts-4.x-2024.04.01", &(0..400).map(seconds).collect::<Vec<_>>());
    let batch =
        folder.write("uc_7.yaml", &format!("{quick}prediction: {{ run_mode: batch, batch_size: 2 }}\n"));
    let is_ok = |ran: &Ran| assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    is_ok(&folder.run(&batch, &["--url", node.url(), "--rounds", "2"]));
    let all = folder.results("uc-7_predicted_data-1");
    let judged: Vec<&Value> =
        all.as_array().unwrap().iter().flat_map(|round| round["results"].as_array().unwrap()).collect();
    assert_eq!((all.as_array().unwrap().len(), judged.len()), (2, 4), "{all}");
    assert_eq!(all[0]["end_time"], all[1]["start_time"], "{all}");
    let last_ms = lanner_core::time::parse_time_ms(all[1]["end_time"].as_str().unwrap()).unwrap();
    // The threshold that these four moved is kept, and goes on from there.
    let id = all[0]["detector_id"].as_str().unwrap().to_owned();
    let n_learned = || {
        let state = std::fs::read(folder.path(&format!("detectors/{id}/prediction/state.json"))).unwrap();
        let state: Value = serde_json::from_slice(&state).unwrap();
        state["7-BATCH"]["limits"]["score"]["state"]["tail"]["n"].as_u64().unwrap()
    };
    let before = n_learned();
    let again = folder.write("uc_7.yaml", "prediction: { run_mode: batch, batch_size: 2 }\n");
    while now_ms() < last_ms + 3_000 {
        std::thread::yield_now();
    }
    is_ok(&folder.run(&again, &["--url", node.url(), "--rounds", "1"]));
    let next = folder.results("uc-7_predicted_data-1");
    let round = next.as_array().unwrap().last().unwrap();
    let from_ms = lanner_core::time::parse_time_ms(round["start_time"].as_str().unwrap()).unwrap();
    assert_eq!(from_ms, last_ms, "{round}");
    assert!(round["results"].as_array().unwrap().len() >= 3, "{round}");
    let n_usual =
        round["results"].as_array().unwrap().iter().filter(|one| one["is_anomaly"] == false).count();
    assert_eq!(n_learned(), before + n_usual as u64);
    // Nobody answers: told, and no end.
    let said = folder.run(&again, &["--url", "http://127.0.0.1:9", "--rounds", "1"]).err;
    assert!(said.contains("the next round makes up for it"), "{said}");
}

/// The same alerts as findings of Wazuh 5, and the same use case: the same rows, and so the same detector.
fn same_from_wazuh_5(folder: &Folder, node: &OpenSearch, alerts: &[Value]) {
    let four = folder.ids()[0].clone();
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap();
    let finding = |alert: &Value| {
        let time = alert["timestamp"].as_str().unwrap().replace("+0000", "Z");
        json!({
            "@timestamp": time, "wazuh": { "rule": { "level": "low" }, "agent": { "id": "001" } },
            "host": { "cpu": { "usage": number(&alert["data"]["cpu_usage_%"]) / 100.0 },
                "memory": { "used": { "percentage": number(&alert["data"]["memory_usage_%"]) } } },
        })
    };
    let mut findings: Vec<Value> = alerts.iter().map(finding).collect();
    // Of another month, which the use case does not name.
    findings.extend((0..50).map(
        |n| json!({ "@timestamp": START_MS + 40 * 86_400_000 + n, "wazuh": { "rule": { "level": "high" } } }),
    ));
    fill(node, "wazuh-findings-v5-system-activity", &findings);
    let case = folder.write("uc_11.yaml", &use_case(""));
    let said = folder.run(&case, &["--url", node.url(), "--wazuh", "5"]).said(0);
    assert!(said.contains("12000 documents in 300 rows") && !said.contains("no field for"), "{said}");
    let five = folder.ids().into_iter().find(|id| *id != four).unwrap();
    let [one, other] = [&four, &five].map(|id| {
        std::fs::read_to_string(folder.path(&format!("detectors/{id}/training/train_output.csv"))).unwrap()
    });
    assert_eq!(one, other);
    folder.manage(&["delete", &five, "--yes"]).expect(0);
    folder.manage(&["select", &four]).expect(0);
}

/// Each field that the dashboard shows has values in the data stream.
fn dashboard_asks_for_what_is_there(folder: &Folder, node: &OpenSearch, stream: &str) {
    let file = folder.path("web.ndjson");
    folder.manage(&["dashboard", "web", "--out", &file]).says(0, &["has the dashboard of web"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, folder.manage(&["dashboard"]).expect(0));
    let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[0]["attributes"]["title"], stream);
    let mut fields = BTreeSet::new();
    for state in objects.iter().filter_map(|object| object["attributes"]["visState"].as_str()) {
        let state: Value = serde_json::from_str(state).unwrap();
        let series = state["params"]["series"].as_array().cloned().unwrap_or_default();
        fields.extend(series.iter().map(|one| one["metrics"][0]["field"].as_str().unwrap().to_owned()));
    }
    assert_eq!(fields.len(), 2 + 4 * 4);
    let names: Vec<&String> = fields.iter().collect();
    let aggregations: serde_json::Map<String, Value> =
        (0..names.len()).map(|at| (at.to_string(), json!({ "max": { "field": names[at] } }))).collect();
    let range = json!({ "range": { "timestamp": { "gte": "2024-03-01", "lte": "2024-03-02" } } });
    let body = json!({ "size": 0, "query": range, "aggs": aggregations }).to_string();
    let answer = ask(node, "POST", &format!("/{stream}/_search"), "application/json", body);
    for (at, name) in names.iter().enumerate() {
        assert!(answer["aggregations"][at.to_string()]["value"].is_number(), "{name}: {answer}");
    }
}
