//! Use cases with columns of SONAR's, and with a detector for each agent.

use serde_json::{Value, json};

use crate::adbox::{Folder, alert, use_case};
use crate::program::run;

#[test]
fn the_highest_value_of_a_unit_is_a_column_as_in_sonar() {
    let folder = Folder::new();
    let alerts: String = (0..3_000).map(|at| format!("{}\n", alert(at, 2_000))).collect();
    folder.write("alerts.json", &alerts);
    let text = format!(
        "name: peaks
training:
  max_numeric_fields: [data.cpu_usage_%, rule.level, is_cpu_high]
  numeric_fields: [data.cpu_usage_%]
  derived_features: false
  alert_filter: {{ range: {{ rule.level: {{ gte: 4 }} }} }}
  bucket_minutes: 1
  sliding_window: 10
  epochs: 1
detection: {{ mode: historical }}
debug: {{ enabled: true, data_dir: \"{}\", training_data_file: alerts.json, detection_data_file: alerts.json }}
",
        folder.path("")
    );
    let ran = folder.run(&folder.write("peaks.yaml", &text), &[]);
    assert!(matches!(ran.code, 0 | 1), "{ran:?}");
    assert!(ran.err.contains("2250 documents in 500 rows"), "{ran:?}");
    assert!(
        ran.err.contains("max_numeric_fields: rule.level is none of numeric_fields; it is passed over"),
        "{ran:?}"
    );
    let results = folder.results("uc-peaks_predicted_data-1");
    let row = &results[0]["results"][0];
    let value = |name: &str| row[format!("Value_{name}")].as_f64().unwrap();
    assert!(value("data.cpu_usage_%__max") > value("data.cpu_usage_%_average"), "{row}");
    assert!(
        row.get("Value_is_cpu_critical").is_none() && row.get("Value_is_cpu_high__max").is_some(),
        "{row}"
    );
}

#[test]
fn each_agent_has_a_detector_of_its_own() {
    let folder = Folder::new();
    let of = |at: i64, agent: &str, strange: i64| {
        let mut alert = alert(at, strange);
        alert["agent"] = json!({ "name": agent });
        format!("{alert}\n")
    };
    let alerts = |from: i64, to: i64, strange: i64, agents: &[&str]| -> String {
        (from..to)
            .flat_map(|at| {
                agents.iter().map(move |agent| of(at, agent, if *agent == "web" { strange } else { -100 }))
            })
            .collect()
    };
    let usual = folder
        .write("usual.json", &(alerts(0, 3_000, -100, &["web", "db/1"]) + &alerts(0, 60, -100, &["rare"])));
    let later = folder.write("later.json", &alerts(3_000, 3_600, 3_300, &["web", "db/1", "new"]));
    let training = use_case("")
        .replace("  display_name: web", "  display_name: shop\n  by: agent.name\n  max_entities: 2");
    let case = folder.write("uc_7.yaml", &training);
    let left_out =
        "agent.name has 3 values, and max_entities is 2; left out are those with the fewest documents: rare";
    folder.run(&case, &["--data", &usual]).says(0, &[left_out]);
    let listed = folder.manage(&["list", "--format", "json"]).expect(0);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut names: Vec<(&str, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap(), one["entity"].as_str().unwrap()))
        .collect();
    names.sort_unstable();
    assert_eq!(names, [("shop db/1", "agent.name=db/1"), ("shop web", "agent.name=web")]);

    // The set predicts, each of its detectors the alerts of its agent; who is new is named.
    let predict = folder.write("uc_8.yaml", "prediction: { run_mode: historical, detector_id: shop }\n");
    let ran = folder.run(&predict, &["--data", &later]);
    assert!(
        ran.code == 1
            && ran.err.contains("1 value of agent.name without a detector, which nobody judges: new"),
        "{ran:?}"
    );
    let anomalies = |name: &str| {
        let id = listed.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap()["id"]
            .as_str()
            .unwrap();
        let hash = lanner_core::content::sha256(b"db/1");
        let case = if name == "shop web" { "8_web".to_owned() } else { format!("8_db-1-{}", &hash[..8]) };
        let rows = folder.rows(id, &case);
        assert_eq!(rows.len(), 94, "{name}");
        rows.iter().filter(|row| row["is_anomaly"] == true).count()
    };
    let (web, db) = (anomalies("shop web"), anomalies("shop db/1"));
    assert!(web >= 4 && db <= web / 2, "{web} {db}");
    // Without a name it is what was trained last; a set is selected and deleted by its name, and is not one detector.
    let current = folder.write("uc_9.yaml", "prediction: { run_mode: historical }\n");
    assert!(folder.run(&current, &["--data", &later]).err.contains("9_web: 94 units judged"));
    folder.manage(&["select", "shop"]).says(0, &["the detectors of shop are the current ones"]);
    run(&[
        "detector",
        "export",
        "shop",
        "--out",
        &folder.path("copy"),
        "--detectors",
        &folder.path("detectors"),
    ])
    .says(2, &["is a set of detectors", "shop db/1"]);
    folder.manage(&["delete", "shop", "--yes"]).says(0, &["is deleted"]);
    assert!(folder.ids().is_empty());
    let nobody = folder.write("uc_10.yaml", &training.replace("by: agent.name", "by: agent.nmae"));
    folder.run(&nobody, &["--data", &usual]).says(2, &["no document has a value of agent.nmae"]);
}
