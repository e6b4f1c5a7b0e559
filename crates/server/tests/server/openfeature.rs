//! OpenFeature's own evaluation scenarios, through its real providers for Python, Node.js and browsers, and through ours, which
//! evaluate in process.
//!
//! The providers lie where `cargo xtask test` installs them; without them these tests say that they are skipped. Where
//! `LANNER_TEST_OPENFEATURE_FEATURES` names the folder of the specification's .feature files (`specification/assets/gherkin`

//! of github.com/open-feature/spec), their scenarios are held as well.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lanner_server::{Server, Settings};
use lanner_testkit::{javascript_package, python_package};
use serde_json::{Value, json};
use tokio::process::Command;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/openfeature").join(name)
}

fn tool(variable: &str) -> Option<OsString> {
    let tool = std::env::var_os(variable);
    if tool.is_none() {
        eprintln!(
            "SKIPPED: {variable} does not say where OpenFeature's provider is; `cargo xtask test` installs it"
        );
    }
    tool
}

/// The scenarios of OpenFeature's own files, if they and what reads them are there.
async fn features() -> Vec<Value> {
    let (Some(python), Some(folder)) =
        (tool("LANNER_TEST_OPENFEATURE_PYTHON"), std::env::var_os("LANNER_TEST_OPENFEATURE_FEATURES"))
    else {
        eprintln!(
            "SKIPPED: the .feature files, as LANNER_TEST_OPENFEATURE_FEATURES does not say where they are"
        );
        return Vec::new();
    };
    let mut reader = Command::new(python);
    let output = reader.arg(here("features.py")).arg(folder).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(output.status.success(), "the files cannot be read");
    let cases: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!("scenarios of the .feature files: {}", cases.len());
    assert!(cases.len() > 50, "most of the files should be read");
    cases
}

async fn server_with(switches: &Value, folder: &Path) -> (Server, String) {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    let server = Server::start(settings).await.unwrap();
    let url = format!("http://{}", server.http_addr());
    let body = json!({ "switches": switches }).to_string();
    let sent = reqwest::Client::new().post(format!("{url}/api/v1/switches")).body(body).send().await.unwrap();
    assert!(sent.status().is_success(), "{}", sent.text().await.unwrap());
    (server, url)
}

/// Runs a provider over all scenarios and compares what it says, but for the cases in which it is known to be wrong.
async fn check(mut provider: Command, is_known: fn(&Value) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let mut suite: Value = serde_json::from_slice(&std::fs::read(here("scenarios.json")).unwrap()).unwrap();
    suite["cases"].as_array_mut().unwrap().extend(features().await);
    let scenarios = folder.path().join("scenarios.json");
    std::fs::write(&scenarios, suite.to_string()).unwrap();
    let (server, url) = server_with(&suite["switches"], folder.path()).await;
    let output = provider.arg(&url).arg(&scenarios).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(output.status.success(), "the provider's program failed");
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases = suite["cases"].as_array().unwrap();
    assert_eq!(said.len(), cases.len());
    let mut wrong = Vec::new();
    for (case, said) in cases.iter().zip(&said).filter(|(case, _)| !is_known(case)) {
        for (name, expected) in case["expected"].as_object().unwrap() {
            let is_so = match name.as_str() {
                // Numbers may be written otherwise.
                "value" if expected.is_number() => said[name].as_f64() == expected.as_f64(),
                _ => said[name] == *expected,
            };
            if !is_so {
                wrong
                    .push(format!("{}, {}: {name} should be {expected}: {said}", case["about"], case["key"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    let Some(python) = tool("LANNER_TEST_OPENFEATURE_PYTHON") else { return };
    let mut provider = Command::new(python);
    provider.arg(here("providers.py")).arg("remote");
    // To Python `True` is an integer, and version 0.3.0 takes it for one.
    check(provider, |case| case["key"] == "boolean-flag" && case["kind"] == "integer").await;
}

fn node(kind: &str) -> Option<Command> {
    let packages = tool("LANNER_TEST_OPENFEATURE_NODE")?;
    let mut provider = Command::new("node");
    provider.env("NODE_PATH", packages).arg(here("providers.mjs")).arg(kind);
    Some(provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn node_js() {
    let Some(provider) = node("server") else { return };
    // An answer without a value means the caller's own since OFREP 0.3; version 0.1.3 does not know that yet.
    check(provider, |case| case["key"].as_str().unwrap().ends_with("-disabled-flag")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers() {
    let Some(provider) = node("web") else { return };
    check(provider, |_| false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_in_process() {
    let Some(python) = tool("LANNER_TEST_OPENFEATURE_PYTHON") else { return };
    let package = tempfile::tempdir().unwrap();
    if python_package(package.path()) {
        let mut provider = Command::new(python);
        provider.arg(here("providers.py")).arg("process").env("PYTHONPATH", package.path());
        check(provider, |_| false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_in_process() {
    let package = tempfile::tempdir().unwrap();
    for kind in ["server", "web"] {
        let Some(mut provider) = node(kind) else { return };
        if !javascript_package(package.path()) {
            return;
        }
        provider.env("LANNER_PACKAGE", package.path());
        check(provider, |_| false).await;
    }
}
