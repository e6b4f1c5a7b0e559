//! The shared cases in Python and in WebAssembly, with the libraries that `cargo xtask test` builds before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A library that cargo built, below the folder of all that it builds.
fn built(path: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap();
    let found = program.ancestors().nth(3).unwrap().join(path);
    if found.is_file() {
        return Some(found);
    }
    eprintln!("SKIPPED: {path} is not built; `cargo xtask test` does that where the machine can");
    None
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
    let Some(library) = built("debug/liblanner.so") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(library, folder.path().join("lanner.abi3.so")).unwrap();
    run(Command::new("python3").arg(here(script)).args(arguments).env("PYTHONPATH", folder.path()));
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
fn webassembly_says_what_rust_says() {
    let Some(module) = built("wasm32-unknown-unknown/debug/lanner_ffi.wasm") else { return };
    run(Command::new("node")
        .arg(here("tests/wasm.mjs"))
        .arg(module)
        .arg(here("../switch/testdata/cases.json")));
}
