//! The OpenAPI document that is served is the one that the code describes, and others can read it. To write it anew:

//! `UPDATE_GOLDEN=1 cargo test -p lanner-server --test server openapi`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lanner_server::api::routes::document;
use serde_json::Value;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")
}

#[test]
fn the_served_document_is_what_the_code_describes() {
    let described = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file(), &described).unwrap();
    }
    let served = std::fs::read_to_string(file()).unwrap();
    assert!(
        served == described,
        "openapi.json is not what the code describes; write it with UPDATE_GOLDEN=1"
    );
}

/// Method, path and operation.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

/// A switch that is called like a path beside `/api/v1/switches/{id}` could not be asked for there, nor deleted.
#[test]
fn no_switch_is_called_like_what_the_api_has_beside_switches() {
    let document = document();
    let beside = operations(&document).filter_map(|(_, path, _)| path.strip_prefix("/api/v1/switches/"));
    let is_word = |rest: &&str| !rest.is_empty() && !rest.contains(['/', '{']);
    let words: BTreeSet<&str> = beside.filter(is_word).collect();
    assert!(words.len() >= 10, "{words:?}");
    for word in words {
        assert!(lanner_switch::RESERVED_IDS.contains(&word), "{word}");
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_a_summary_and_a_tag() {
    let document = document();
    let tags: BTreeSet<&str> =
        document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} twice");
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(id.bytes().all(is_name), "{id}");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty() && !summary.contains('\n'), "{method} {path}: {summary:?}");
        let tag = operation["tags"][0].as_str().unwrap_or_default();
        assert!(tags.contains(tag), "{method} {path}: the tag {tag:?} is not described");
    }
    assert!(ids.len() > 110, "{}", ids.len());
}

#[test]
fn every_answer_parameter_and_body_is_described() {
    let document = document();
    let is_said = |value: &Value| value["description"].as_str().is_some_and(|text| !text.is_empty());
    for (method, path, operation) in operations(&document) {
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let shared = answer["$ref"].as_str().map(|at| at.trim_start_matches('#'));
            let answer = shared.map_or(answer, |at| document.pointer(at).unwrap());
            assert!(is_said(answer), "{method} {path} {status}");
            let is_error = status.as_str() >= "400";
            let has_body = answer.get("content").is_some();
            assert!(!is_error || has_body || method == "head", "{method} {path} {status} has no type");
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            assert!(is_said(parameter) && parameter["schema"].is_object(), "{method} {path}: {name}");
        }
        for (kind, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            assert!(body["schema"].is_object(), "{method} {path}: {kind}");
        }
    }
}

#[test]
fn every_operation_names_the_scope_that_its_token_needs() {
    let document = document();
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["bearer", "basic", "token"]);
    let mut scopes = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        if ["/healthz", "/readyz"].contains(&path) {
            continue;
        }
        let security = operation["security"].as_array().unwrap();
        scopes.insert(security[0]["bearer"][0].as_str().unwrap());
        let errors = ["401", "403"].iter().all(|status| operation["responses"][status].is_object());
        assert!(errors, "{method} {path}");
    }
    assert_eq!(scopes.into_iter().collect::<Vec<_>>(), ["admin", "evaluate", "ingest", "operate", "read"]);
}

#[test]
fn a_validator_accepts_the_document() {
    let Some(python) = std::env::var_os("LANNER_TEST_OPENAPI") else {
        eprintln!("SKIPPED: LANNER_TEST_OPENAPI names no Python with openapi-spec-validator");
        return;
    };
    let mut validator = std::process::Command::new(python);
    validator.args(["-m", "openapi_spec_validator", "--errors", "all"]).arg(file());
    let validated = validator.output().unwrap();
    assert!(
        validated.status.success(),
        "{}{}",
        String::from_utf8_lossy(&validated.stdout),
        String::from_utf8_lossy(&validated.stderr)
    );
}
