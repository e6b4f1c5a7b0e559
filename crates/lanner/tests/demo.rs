//! The demo as a newcomer runs it: it must find the outage within one window and name the bank.

#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn lanner(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanner"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn finds_the_outage_within_one_window_and_names_the_bank() {
    let output = lanner(&["demo", "--exit", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let facts: Value = serde_json::from_slice(&output.stdout).unwrap();

    let outage = &facts["outage"];
    let (lateness_s, window_s) = (outage["lateness_s"].as_f64(), outage["window_s"].as_f64());
    assert_eq!(window_s, Some(1800.0));
    assert!(lateness_s > Some(0.0) && lateness_s <= window_s, "{outage}");
    assert_eq!((&outage["found"], &outage["within_one_window"]), (&true.into(), &true.into()));
    for alert in outage["alerts"].as_array().unwrap() {
        assert_eq!(alert["group"]["bank"], "hsbc");
        assert!(alert["content"].as_str().unwrap().starts_with("hsbc: "), "{alert}");
        assert!(alert["told"].as_str() >= alert["evaluated"].as_str(), "{alert}");
    }
    let rules: Vec<&Value> = outage["alerts"].as_array().unwrap().iter().map(|a| &a["rule"]).collect();
    assert_eq!(rules, ["payments-drop", "payments-floor"]);
    assert_eq!(facts["false_alarms"], Value::Array(Vec::new()));

    // The first alert throws the switch, and the next that is asked for is refused.
    let refusal = &facts["refusal"];
    assert_eq!((&refusal["switch"], &refusal["others_pass"]), (&"block-bank.hsbc".into(), &true.into()));
    let first = &outage["alerts"][0];
    assert!(refusal["at"].as_str() >= first["evaluated"].as_str(), "{refusal} {first}");
    assert!(refusal["at"].as_str() <= first["told"].as_str(), "{refusal} {first}");

    for series in facts["series"].as_array().unwrap() {
        assert_eq!(series["labels"][0]["alerts"].as_array().map(Vec::len), Some(1), "{series}");
        assert_eq!(series["outside"], Value::Array(Vec::new()), "{series}");
    }
    assert_eq!(facts["series"].as_array().map(Vec::len), Some(2));

    // Four alerts, and the ends of those about the series.
    assert_eq!(facts["webhook"]["messages"], 6);
    assert!(facts["webhook"]["last"]["title"].as_str().unwrap().contains("hsbc"));
    assert_eq!((&facts["loaded"]["samples"], &facts["loaded"]["rejected"]), (&1512.into(), &0.into()));
}

#[test]
fn its_rules_can_be_checked_and_its_folder_must_be_empty() {
    let rules = lanner(&["demo", "--rules"]).output().unwrap();
    assert_eq!(rules.status.code(), Some(0), "{}", text(&rules));
    let mut check = lanner(&["check", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(&rules.stdout).unwrap();
    let checked = check.wait_with_output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let refused = lanner(&["demo", "--data", folder.path().to_str().unwrap()]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
    assert!(text(&refused).contains("is not empty"), "{}", text(&refused));
}
