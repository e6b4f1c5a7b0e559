//! Pure crates make no impure call: each has a `clippy.toml` that bans them, and the bans work.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::command::root;

/// The crates that know no clock, file, socket, environment or unseeded randomness.
const PURE: [&str; 13] = [
    "core",
    "conditions",
    "graphite",
    "detect",
    "quality",
    "boost",
    "traffic",
    "sketch",
    "profile",
    "vuln",
    "switch",
    "page",
    "engine",
];

/// One impure call of each kind; each line must be refused.
const IMPURE_CALLS: [&str; 8] = [
    "let _ = std::time::Instant::now();",
    "let _ = std::time::SystemTime::now();",
    "let _ = std::env::var(\"HOME\");",
    "let _ = std::fs::read(\"file\");",
    "let _ = std::net::TcpStream::connect(\"127.0.0.1:1\");",
    "let _ = std::process::Command::new(\"ls\");",
    "std::thread::sleep(std::time::Duration::ZERO);",
    "let _ = std::hash::RandomState::new();",
];

#[test]
fn pure_crates_share_one_list_of_bans() {
    let read = |path: &str| {
        std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    // Clippy reads the nearest file only, so each repeats the settings of the root.
    let shared = read("clippy.toml");
    let first = read("crates/core/clippy.toml");
    assert!(first.starts_with(&shared), "crates/core/clippy.toml does not begin with /clippy.toml");
    for name in PURE {
        assert_eq!(read(&format!("crates/{name}/clippy.toml")), first, "{name} differs from core");
    }
}

#[test]
fn impure_calls_are_refused() {
    let said = lint(&format!("pub fn call() {{\n{}\n}}\n", IMPURE_CALLS.join("\n")));
    for (line, call) in (2..).zip(IMPURE_CALLS) {
        let refused = said
            .lines()
            .any(|said| said.starts_with(&format!("<anon>:{line}:")) && said.contains("use of a disallowed"));
        assert!(refused, "{call} is not refused:\n{said}");
    }
}

/// What clippy says about `source` as part of a pure crate, one line for each warning.
///
/// Source and result go through pipes, so that nothing is written to disk.
fn lint(source: &str) -> String {
    let mut clippy = Command::new("clippy-driver")
        .args(["-", "--edition", "2024", "--crate-type", "lib"])
        .args(["--emit", "metadata=-", "--error-format", "short"])
        .env("CLIPPY_CONF_DIR", root().join("crates/core"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    clippy.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    String::from_utf8_lossy(&clippy.wait_with_output().unwrap().stderr).into_owned()
}
