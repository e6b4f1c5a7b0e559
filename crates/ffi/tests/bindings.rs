//! The shared cases in Python and in JavaScript, with the libraries that `cargo xtask test` builds before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use lanner_testkit::{javascript_package, python_package};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[track_caller]
fn run(command: &mut Command) {
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
            assert!(said.contains("cases hold"), "{said}");
        }
        Err(error) => eprintln!("SKIPPED: {:?} does not run here: {error}", command.get_program()),
    }
}

#[track_caller]
fn run_python(script: &str, arguments: &[PathBuf]) {
    let folder = tempfile::tempdir().unwrap();
    if python_package(folder.path()) {
        run(Command::new("python3").arg(here(script)).args(arguments).env("PYTHONPATH", folder.path()));
    }
}

#[test]
fn python_says_what_rust_says() {
    run_python("../python/tests/cases.py", &[here("../switch/testdata/cases.json")]);
}

#[test]
fn python_outlives_whatever_it_asks() {
    run_python("../python/tests/nested.py", &[]);
}

#[test]
fn javascript_says_what_rust_says() {
    let folder = tempfile::tempdir().unwrap();
    if javascript_package(folder.path()) {
        let (script, cases) = (here("tests/cases.mjs"), here("../switch/testdata/cases.json"));
        run(Command::new("node").arg(script).arg(folder.path()).arg(cases));
    }
}
