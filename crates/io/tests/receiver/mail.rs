//! `email` against a real SMTP server: Python's aiosmtpd.
//!
//! `LANNER_TEST_AIOSMTPD` names a Python that has it; without it these tests say so and pass.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use lanner_io::receiver::SendErrorKind::{Partly, Permanent, Retry};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::peers::{Certificates, message, receiver};

struct MailServer {
    port: u16,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl MailServer {
    async fn start(mode: &str, certificates: Option<&Certificates>) -> Option<Self> {
        let Some(python) = std::env::var_os("LANNER_TEST_AIOSMTPD") else {
            eprintln!("SKIPPED: LANNER_TEST_AIOSMTPD names no Python with aiosmtpd, so no mail was sent");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receiver/smtp_server.py");
        let path = |of: fn(&Certificates) -> &Path| certificates.map_or(Path::new("-"), of);
        let mut process = Command::new(python)
            .args([script.as_path(), Path::new(mode), path(|c| &c.certificate), path(|c| &c.key)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = output.next_line().await.unwrap().expect("the server did not start").parse().unwrap();
        Some(Self { port, output, _process: process })
    }

    async fn mail(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(60), self.output.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    }

    fn document(&self, mode: &str) -> Value {
        json!({
            "kind": "email", "host": "localhost", "port": self.port, "tls": mode, "hello": "lanner.example.org",
            "from": "Lanner <lanner@example.org>", "to": ["On Call <a@example.org>", "b@example.org"],
            "cc": ["c@example.org"],
        })
    }
}

#[tokio::test]
async fn a_mail_arrives_with_its_key() {
    let Some(mut server) = MailServer::start("none", None).await else { return };
    receiver(&server.document("none")).send(&message("k1", "a")).await.unwrap();
    let mail = server.mail().await;
    assert_eq!(mail["from"], "lanner@example.org");
    assert_eq!(mail["to"], json!(["a@example.org", "b@example.org", "c@example.org"]));
    assert_eq!((&mail["tls"], &mail["user"]), (&json!(false), &Value::Null));
    let content = mail["content"].as_str().unwrap();
    for line in [
        "From: Lanner <lanner@example.org>",
        "Cc: c@example.org",
        "Message-ID: <k1@example.org>",
        "X-Idempotency-Key: k1",
        "Auto-Submitted: auto-generated",
        "Subject: FIRING payments-floor {bank=\"hsbc\"}",
    ] {
        assert!(content.lines().any(|found| found == line), "{line} in {content}");
    }
    assert!(content.contains("nur 150 Zahlungen in M=C3=BCnchen"), "{content}");
    assert!(content.contains("https://example.org/floor"), "no runbook: {content}");
}

#[tokio::test]
async fn starttls_and_tls_deliver_to_a_trusted_server_only() {
    let dir = tempfile::tempdir().unwrap();
    let Some(certificates) = Certificates::make(dir.path()) else { return };
    for mode in ["starttls", "tls"] {
        let Some(mut server) = MailServer::start(mode, Some(&certificates)).await else { return };
        let mut document = server.document(mode);
        let error = receiver(&document).send(&message("untrusted", "a")).await.unwrap_err();
        assert!(error.kind == Retry && error.message.contains("`ca_file`"), "{mode}: {error}");

        document["ca_file"] = json!(certificates.ca);
        document["username"] = json!("lanner");
        document["password"] = json!("s3cret");
        receiver(&document).send(&message("trusted", "a")).await.unwrap();
        let mail = server.mail().await; // and not the one that was refused
        assert!(mail["content"].as_str().unwrap().contains("<trusted@example.org>"), "{mode}: {mail}");
        assert_eq!((&mail["tls"], &mail["user"]), (&json!(true), &json!("lanner")), "{mode}");

        document["password"] = json!("wr0ng");
        let error = receiver(&document).send(&message("k", "a")).await.unwrap_err();
        assert!(error.kind == Permanent && error.message.contains("check `username`"), "{mode}: {error}");
        assert!(!error.message.contains("wr0ng"), "{error}");
    }
}

#[tokio::test]
async fn one_bad_address_does_not_keep_the_mail_from_the_others() {
    let Some(mut server) = MailServer::start("none", None).await else { return };
    let mut document = server.document("none");
    document["to"] = json!(["a@example.org", "nobody@example.org"]);
    let error = receiver(&document).send(&message("k1", "a")).await.unwrap_err();
    assert!(error.kind == Partly && error.message.contains("not nobody@example.org: "), "{error}");
    assert_eq!(server.mail().await["to"], json!(["a@example.org"]));
    assert_eq!(server.mail().await["to"], json!(["c@example.org"]));

    // Whom the server asks to wait is tried again, without the others; not for ever.
    document["to"] = json!(["a@example.org", "later@example.org"]);
    document["cc"] = json!([]);
    let patient = receiver(&document);
    for _ in 1..8 {
        let error = patient.send(&message("k2", "a")).await.unwrap_err();
        assert!(error.kind == Retry && error.message.contains("later@example.org: "), "{error}");
    }
    assert_eq!(patient.send(&message("k2", "a")).await.unwrap_err().kind, Partly);
    assert_eq!(server.mail().await["to"], json!(["a@example.org"]));
    // None at all: refused, and nothing else came meanwhile.
    document["to"] = json!(["nobody@example.org", "nobody@example.org"]);
    assert_eq!(receiver(&document).send(&message("k3", "a")).await.unwrap_err().kind, Permanent);
    document["to"] = json!(["b@example.org"]);
    receiver(&document).send(&message("k4", "a")).await.unwrap();
    assert_eq!(server.mail().await["to"], json!(["b@example.org"]));
}

#[tokio::test]
async fn what_a_mail_server_says_decides() {
    let Some(server) = MailServer::start("none", None).await else { return };
    let send = async |to: &str, tls: &str| {
        let mut document = server.document(tls);
        document["to"] = json!([to]);
        // With somebody else among the recipients the mail would arrive in part.
        document.as_object_mut().unwrap().remove("cc");
        receiver(&document).send(&message("k", "a")).await.unwrap_err()
    };
    let error = send("nobody@example.org", "none").await;
    assert!(error.kind == Permanent && error.message.contains("no such user"), "{error}");
    let error = send("later@example.org", "none").await;
    assert!(error.kind == Retry && error.message.contains("come back later"), "{error}");
    // Never in the clear instead: a server without STARTTLS gets nothing.
    let error = send("a@example.org", "starttls").await;
    assert!(error.message.contains("STARTTLS"), "{error}");

    let mut document = server.document("none");
    document["port"] = json!(1);
    let error = receiver(&document).send(&message("k", "a")).await.unwrap_err();
    assert!(error.kind == Retry && error.message.contains("localhost:1"), "{error}");
}
