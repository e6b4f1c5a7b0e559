//! The documents of VulntoES and the lines of VAtoELSA, as their scripts wrote them for the recorded reports.
//!
//! Left out of the comparison is what nobody should repeat: documents without a result, files at which a script died, fields
//! that Nmap's documents inherit from the port before, and hardware addresses in place of a host's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use std::collections::BTreeMap;
use std::io::Read as _;

use crate::common::{read_all, recorded};
use lanner_vuln::write::{OUTPUTS, vulntoes};
use serde_json::{Map, Value};

type Lines = BTreeMap<String, Vec<Value>>;

/// Lines of a record by file, without those files at which the script died.
fn record(name: &str, field: &str) -> Lines {
    let Some(bytes) = recorded(name) else { return Lines::new() };
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    let mut lines = Lines::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let file = line["file"].as_str().unwrap().to_owned();
        match line.get(field) {
            Some(value) => lines.entry(file).or_default().push(value.clone()),
            None if line["error"].is_null() => drop(lines.entry(file).or_default()),
            None => drop(lines.remove(&file)),
        }
    }
    // A piece of a report, in which the scripts saw nothing.
    lines.remove("nessus/python-libnessus--reportitems.xml");
    lines
}

#[test]
fn documents_equal_those_of_vulntoes() {
    let (mut compared, mut different) = (0, Vec::new());
    for (file, expected) in record("vulntoes.jsonl.gz", "doc") {
        let expected: Vec<&Value> = expected.iter().filter(|document| is_result(document)).collect();
        let findings = read_all(&recorded(&file).unwrap(), true).1;
        let found: Vec<Value> = findings.iter().filter_map(vulntoes).collect();
        // The script wrote a list of ports behind all results; here they come as they stand in the report.
        let (found, expected) = (sorted(found), sorted(expected.into_iter().cloned().collect()));
        if found.len() != expected.len() {
            different.push(format!("{file}: {} documents, expected {}", found.len(), expected.len()));
        }
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let expected =
                if file.starts_with("nmap") { without_leaks(found, expected) } else { expected.clone() };
            different.extend(
                difference(found, &expected).map(|fields| format!("{file}, document {at}: {fields}")),
            );
            compared += 1;
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    println!("{compared} documents are equal");
}

/// The fields in which two documents differ.
fn difference(found: &Value, expected: &Value) -> Option<String> {
    let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
    let names: std::collections::BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let differ = names.into_iter().filter(|name| found.get(*name) != expected.get(*name));
    let fields: Vec<String> = differ
        .map(|name| format!("{name}: {:?} instead of {:?}", found.get(name), expected.get(name)))
        .collect();
    (!fields.is_empty()).then(|| fields.join("; "))
}

fn is_result(document: &Value) -> bool {
    let scanner = document.get("scanner").is_some();
    scanner && document.as_object().is_some_and(|document| document.len() > 1)
}

/// Ports of OpenVAS come before its results in the report, and after them from the script.
fn sorted(mut documents: Vec<Value>) -> Vec<Value> {
    documents.sort_by_key(|document| document.get("service").is_some() && document.get("state").is_none());
    documents
}

/// What is left if fields of the port before, and the hardware address, are not repeated.
fn without_leaks(found: &Value, expected: &Value) -> Value {
    let mut kept: Map<String, Value> = expected.as_object().unwrap().clone();
    kept.retain(|name, _| found.get(name).is_some());
    kept.insert("ip".to_owned(), found["ip"].clone());
    Value::Object(kept)
}

#[test]
fn lines_equal_those_of_vatoelsa() {
    let output = OUTPUTS.iter().find(|output| output.name == "elsa").unwrap();
    let (mut compared, mut different) = (0, Vec::new());
    for (file, expected) in record("elsa.jsonl.gz", "line") {
        let findings = read_all(&recorded(&file).unwrap(), true).1;
        let mut written = Vec::new();
        let mut writer = (output.open)();
        findings.iter().for_each(|finding| writer.finding(finding, &mut written).unwrap());
        let written = String::from_utf8(written).unwrap();
        let mut found: Vec<&str> = written.lines().collect();
        found.sort_by_key(|line| line.starts_with("<29>openvas_nmap"));
        if found.len() != expected.len() {
            different.push(format!("{file}: {} lines, expected {}", found.len(), expected.len()));
        }
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            // The script sent line ends inside a line, which tear it in two.
            let expected = expected.as_str().unwrap().replace('\n', " ");
            let (found, expected) = if file.starts_with("nmap") {
                (after_ip(found), after_ip(&expected))
            } else {
                (*found, expected.as_str())
            };
            // The script dropped all letters that are not ASCII.
            let found: String = found.chars().filter(char::is_ascii).collect();
            if found != expected {
                different.push(format!("{file}, line {at}:\n  {found}\n  {expected}"));
            }
            compared += 1;
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    println!("{compared} lines are equal");
}

fn after_ip(line: &str) -> &str {
    line.split_once(" | ").map_or(line, |(_, rest)| rest)
}
