//! The pages of a fresh demo: who reads nothing finds the bank that fails and blocks it, and every page is walked.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

mod people;
mod steps;
mod walk;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use lanner_testkit::Browser;

/// The demo, ended with the test.
struct Demo {
    program: Child,
    url: String,
}

impl Demo {
    /// Starts one, and waits until its story is told.
    fn start() -> Self {
        let listen = format!("127.0.0.1:{}", lanner_testkit::free_port());
        let mut program = Command::new(env!("CARGO_BIN_EXE_lanner"))
            .args(["demo", "--listen", &listen])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
        let found = lines.any(|line| line.unwrap().contains("The server keeps running"));
        assert!(found, "the demo ended");
        // What it says later has a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { program, url: format!("http://{listen}") }
    }

    fn lanner(&self, arguments: &[&str]) -> String {
        self.lanner_as("", arguments)
    }

    fn lanner_as(&self, token: &str, arguments: &[&str]) -> String {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_lanner"))
            .envs((!token.is_empty()).then_some(("LANNER_TOKEN", token)))
            .args(arguments)
            .args(["--url", &self.url])
            .output()
            .unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn the_failing_bank_is_found_and_blocked_in_less_than_ten_clicks() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut browser) = Browser::start(folder.path()) else { return };
    let demo = Demo::start();
    browser.resize(390, 844);
    browser.go(&demo.url);
    // The alert blocked the bank for half an hour, which is over.
    let blocked = |bank: &str| {
        demo.lanner(&["switch", "evaluate", &format!("bank={bank}")]).contains("block-bank.hsbc")
    };
    assert!(!blocked("hsbc"));
    browser.follow("#alerts tr.firing a[href^='/alerts/']");
    assert!(browser.text("h1").contains("bank=hsbc"), "{}", browser.text("main"));
    browser.follow("form[action$='/block'] button");
    browser.follow("form.confirm button.danger");
    assert!(
        browser.n_clicks < 10 && browser.text("#state").starts_with("blocking"),
        "{}",
        browser.text("main")
    );
    assert!(blocked("hsbc") && !blocked("ing"));
    let wide = browser.evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64() <= Some(390), "{wide} wide");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
