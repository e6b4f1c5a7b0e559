//! OpenFeature's own evaluation scenarios, through its real providers for Python, Node.js and browsers.
//!
//! The providers lie where `cargo xtask test` installs them; without them these tests say that they are skipped.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use lanner_server::{Server, Settings};
use serde_json::{Value, json};
use tokio::process::Command;

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openfeature").join(name)
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
    let suite: Value = serde_json::from_slice(&std::fs::read(here("scenarios.json")).unwrap()).unwrap();
    let (server, url) = server_with(&suite["switches"], folder.path()).await;
    let output =
        provider.arg(&url).arg(here("scenarios.json")).stderr(Stdio::inherit()).output().await.unwrap();
    assert!(output.status.success(), "the provider's program failed");
    let said = String::from_utf8(output.stdout).unwrap();
    let said: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases = suite["cases"].as_array().unwrap();
    assert_eq!(said.len(), cases.len());
    let mut wrong = Vec::new();
    for (case, said) in cases.iter().zip(&said).filter(|(case, _)| !is_known(case)) {
        for (name, expected) in case["expected"].as_object().unwrap() {
            let is_so = match name.as_str() {
                // A provider may know more of a flag than the scenario asks for.
                "metadata" => {
                    expected.as_object().unwrap().iter().all(|(key, value)| said[name][key] == *value)
                }
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
    provider.arg(here("providers.py"));
    // To Python `True` is an integer, and version 0.3.0 takes it for one.
    check(provider, |case| case["about"] == "another kind" && case["kind"] == "integer").await;
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
    check(provider, |case| case["about"] == "switched off").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers() {
    let Some(provider) = node("web") else { return };
    check(provider, |_| false).await;
}
