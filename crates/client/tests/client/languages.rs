//! The clients for Python and JavaScript when the server, its data or a clock is not as it should be: what `faults.rs`,
//! `outages.rs` and `border.rs` hold of the one for Rust.
//!
//! Each is a program that is told what to do line by line. Both need libraries that `cargo xtask test` builds; without
//! them these tests say that they are skipped.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use lanner_client::Snapshot;
use lanner_core::time::{DAY_MS, HOUR_MS, format_time};
use lanner_io::receiver::Secret;
use lanner_server::Clock;
use lanner_testkit::{free_port, javascript_package, python_package};
use serde_json::{Value, json};

use crate::running::Running;

const PYTHON: &str = "Python";
const LANGUAGES: [&str; 2] = [PYTHON, "JavaScript"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A program in another language that holds clients.
struct Foreign {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    language: &'static str,
    _package: tempfile::TempDir,
}

impl Foreign {
    /// `None`, said loudly, where the machine cannot.
    fn start(language: &'static str) -> Option<Self> {
        let package = tempfile::tempdir().unwrap();
        let is_python = language == PYTHON;
        let lay_out = if is_python { python_package } else { javascript_package };
        if !lay_out(package.path()) {
            return None;
        }
        let mut command = Command::new(if is_python { "python3" } else { "node" });
        if is_python {
            command.arg(here("../python/tests/client.py")).env("PYTHONPATH", package.path());
        } else {
            command.arg(here("../ffi/tests/client.mjs")).arg(package.path());
        }
        let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
            eprintln!("SKIPPED: {language} does not run here");
            return None;
        };
        let (asks, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(Self { child, asks, answers, language, _package: package })
    }

    #[track_caller]
    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.asks, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}: {line}", self.language));
        assert_eq!(answer["error"], Value::Null, "{}: {question}", self.language);
        answer
    }

    #[track_caller]
    fn connect(&mut self, client: &str, url: &str, more: &Value) -> Value {
        let mut options = json!({"url": url, "every_ms": 200, "patience_ms": 5_000});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ask(&json!({"client": client, "connect": options}))
    }

    #[track_caller]
    fn blocks(&mut self, client: &str, x: i64) -> bool {
        self.ask(&json!({"client": client, "evaluate": {"x": x}}))["blocked"].as_bool().unwrap()
    }

    #[track_caller]
    fn status(&mut self, client: &str) -> Value {
        self.ask(&json!({"client": client}))
    }

    /// Asks until it is so, for ten seconds.
    async fn eventually(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        for _ in 0..500 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{}: in ten seconds not: {what}", self.language);
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn says(status: &Value, part: &str) -> bool {
    status["problem"].as_str().is_some_and(|problem| problem.contains(part))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_leaves_what_was_known() {
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        let server = Running::start().await;
        server.put("a", &json!({"when": "x == 1"})).await;
        program.connect("c", &server.url, &json!({}));
        program.eventually("pushed", |it| it.status("c")["pushed"] == true).await;
        assert!(program.blocks("c", 1) && !program.blocks("c", 2));
        let port = server.port();
        let folder = server.stop().await;
        program.eventually("a problem", |it| says(&it.status("c"), "no answer from the server")).await;
        assert!(program.blocks("c", 1) && !program.blocks("c", 2));
        let verdict = program.ask(&json!({"client": "c", "evaluate": {"x": 2}}));
        assert!(verdict["stale_ms"].as_i64().unwrap() > 0);
        // It comes back, and so do changes; and what switches did is told.
        let server = Running::start_in(folder, port).await;
        let revision = server.change("a", "deactivate").await;
        program.eventually("the change", |it| it.status("c")["revision"] == revision).await;
        assert!(!program.blocks("c", 1));
        program.eventually("no problem", |it| it.status("c")["problem"].is_null()).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_starts_from_its_file() {
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        let server = Running::start().await;
        server.put("a", &json!({"when": "x == 1"})).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("switches.json");
        program.connect("first", &server.url, &json!({"cache": file}));
        program.eventually("a file", |_| file.exists()).await;
        program.ask(&json!({"client": "first", "close": true}));
        let url = server.url.clone();
        server.stop().await;
        let away = json!({"cache": file, "patience_ms": 100});
        let status = program.connect("second", &url, &away);
        assert_eq!((&status["kept"], &status["revision"]), (&json!(true), &json!(1)), "{}", program.language);
        assert!(program.blocks("second", 1));
        // A file that was cut or changed is not believed.
        let text = std::fs::read_to_string(&file).unwrap();
        for (at, damaged) in
            [&text[..text.len() / 2], &text.replace("x == 1", "x == 2")].into_iter().enumerate()
        {
            std::fs::write(&file, damaged).unwrap();
            let name = format!("damaged {at}");
            assert_eq!(program.connect(&name, &url, &away)["revision"], 0, "{}", program.language);
            assert!(!program.blocks(&name, 1) && !program.blocks(&name, 2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_follows_the_policy() {
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        let server = Running::start().await;
        server.put("kept", &json!({"when": "x == 1"})).await;
        server.put("open", &json!({"when": "x == 2", "on_unavailable": "open"})).await;
        let closed = json!({"when": "x == 3", "status": "inactive", "on_unavailable": "closed"});
        server.put("closed", &closed).await;
        let all = |it: &mut Foreign, name: &str| [1, 2, 3, 4].map(|x| it.blocks(name, x));
        let policies = ["last_good", "open", "closed"];
        for policy in policies {
            program.connect(policy, &server.url, &json!({"max_stale_ms": 1_500, "on_unavailable": policy}));
            assert_eq!(all(&mut program, policy), [true, true, false, false], "{}", program.language);
        }
        server.stop().await;
        let expected = [[true, false, true, false], [false; 4], [true; 4]];
        for (policy, expected) in policies.into_iter().zip(expected) {
            program.eventually("the policy counts", |it| all(it, policy) == expected).await;
        }
        // Where nothing was ever known, only `closed` blocks.
        for policy in policies {
            let name = format!("never {policy}");
            let options = json!({"patience_ms": 50, "on_unavailable": policy});
            program.connect(&name, "http://127.0.0.1:1", &options);
            assert_eq!(all(&mut program, &name), [policy == "closed"; 4], "{} {policy}", program.language);
        }
    }
}

/// A server that answers with this text, without a stream.
async fn answering(text: String) -> String {
    let app = axum::Router::new().route("/api/v1/switches/snapshot", axum::routing::get(async move || text));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_or_damaged_snapshot_is_refused() {
    let document = |condition: &str| vec![json!({"id": "a", "when": condition})];
    let newer = Snapshot::new(9, document("x == 1"));
    let later = Snapshot::new(10, document("x == 2")).to_text();
    let cases = [
        (Snapshot::new(8, document("x == 2")).to_text(), "set back"),
        (Snapshot::new(9, document("x == 2")).to_text(), "set back"),
        (later.replace("x == 2", "x == 3"), "damaged"),
        (Snapshot::new(10, document("x ==")).to_text(), "when"),
        (later[..later.len() / 2].to_owned(), "not a snapshot"),
        ("{}".to_owned(), "not a snapshot"),
    ];
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        let folder = tempfile::tempdir().unwrap();
        for (at, (text, part)) in cases.iter().enumerate() {
            let file = folder.path().join(format!("{at}.json"));
            std::fs::write(&file, newer.to_text()).unwrap();
            let (name, url) = (at.to_string(), answering(text.clone()).await);
            let status = program.connect(&name, &url, &json!({"cache": file}));
            assert!(says(&status, part), "{}: {part}: {status}", program.language);
            assert!(program.blocks(&name, 1) && !program.blocks(&name, 2));
            assert_eq!(status["revision"], 9);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_signatures_believes_nobody_else() {
    let key = |digit: &str| Some(Secret::Text(digit.repeat(64)));
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = Running::start_with(ours, 0, |settings| settings.switch_key = key("a")).await;
        let other = Running::start_with(theirs, 0, |settings| settings.switch_key = key("b")).await;
        for server in [&server, &other] {
            server.put("a", &json!({"when": "x == 1"})).await;
        }
        let options = json!({"key": server.public_key(), "patience_ms": 1_000});
        program.connect("believes", &server.url, &options);
        assert!(program.blocks("believes", 1), "{}", program.language);
        let status = program.connect("refuses", &other.url, &options);
        assert!(says(&status, "signed by somebody else"), "{}: {status}", program.language);
        assert!(!program.blocks("refuses", 1));
        server.stop().await;
        other.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_a_day_off_goes_by_the_server() {
    for mut program in LANGUAGES.into_iter().filter_map(Foreign::start) {
        for off_ms in [DAY_MS, -DAY_MS] {
            let clock = Clock::stepped(Clock::default().now_ms() + off_ms);
            clock.run_on();
            let folder = tempfile::tempdir().unwrap();
            let server = Running::start_with(folder, 0, |settings| settings.clock = clock.clone()).await;
            let around = |middle_ms: i64| json!({"from": format_time(middle_ms - HOUR_MS), "to": format_time(middle_ms + HOUR_MS)});
            server.put("theirs", &json!({"when": "x == 1", "valid": around(clock.now_ms())})).await;
            server.put("ours", &json!({"when": "x == 2", "valid": around(clock.now_ms() - off_ms)})).await;
            let name = format!("off {off_ms}");
            program.connect(&name, &server.url, &json!({}));
            let verdicts = |it: &mut Foreign| [1, 2].map(|x| it.blocks(&name, x));
            assert_eq!(verdicts(&mut program), [true, false], "{}: off by {off_ms}", program.language);
            server.stop().await;
            assert_eq!(verdicts(&mut program), [true, false], "{}: the server is away", program.language);
        }
    }
}

/// The example of a language, which sells on a port what the switches at `url` allow.
fn shop(language: &str, folder: &Path, url: &str, port: u16) -> Option<Child> {
    let mut command = if language == PYTHON {
        if !python_package(folder) {
            return None;
        }
        let mut command = Command::new("python3");
        command.arg(here("../python/examples/shop.py")).env("PYTHONPATH", folder);
        command
    } else {
        if !javascript_package(&folder.join("node_modules/lanner")) {
            return None;
        }
        std::fs::copy(here("../ffi/examples/shop.mjs"), folder.join("shop.mjs")).unwrap();
        let mut command = Command::new("node");
        command.arg(folder.join("shop.mjs"));
        command
    };
    command.arg(url).arg(port.to_string()).stdin(Stdio::null()).spawn().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_stop_selling_while_they_run() {
    for language in LANGUAGES {
        let (server, folder, port) = (Running::start().await, tempfile::tempdir().unwrap(), free_port());
        let Some(mut program) = shop(language, folder.path(), &server.url, port) else { continue };
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let buy = async |bank: &str, status: u16| {
            let url = format!("http://127.0.0.1:{port}/buy?bank={bank}");
            for _ in 0..500 {
                if http.get(&url).send().await.is_ok_and(|answer| answer.status() == status) {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        };
        assert!(buy("HSBC", 200).await, "{language}: open");
        server.put("block-bank", &json!({"when": "bank == HSBC"})).await;
        assert!(buy("HSBC", 503).await && buy("ING", 200).await, "{language}: blocked");
        server.change("block-bank", "deactivate").await;
        assert!(buy("HSBC", 200).await, "{language}: open again");
        program.kill().unwrap();
        program.wait().unwrap();
        server.stop().await;
    }
}
