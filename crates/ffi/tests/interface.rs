//! The C interface as a C program sees it: compiled with the header, linked with the library, given the shared cases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Where this test's library lies.
fn library_folder() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The cases as a C program can read them: three lines each, then what it should say.
fn lines() -> String {
    let suite: Value =
        serde_json::from_slice(&std::fs::read(here("../switch/testdata/cases.json")).unwrap()).unwrap();
    let mut lines = format!("{}\n", serde_json::json!({"switches": suite["switches"]}));
    for case in suite["cases"].as_array().unwrap() {
        let now_ms = case["now_ms"].as_i64().unwrap_or(0);
        lines.push_str(&format!("{now_ms}\n{}\n", case["context"]));
    }
    lines
}

fn compile(source: &str, into: &Path) -> Option<PathBuf> {
    let program = into.join("program");
    let folder = library_folder();
    let compiled = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"])
        .arg(here("include"))
        .arg(here(source))
        .arg("-o")
        .arg(&program)
        .arg("-L")
        .arg(&folder)
        .arg("-llanner_ffi")
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .output();
    match compiled {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(program)
        }
        Err(error) => {
            eprintln!("SKIPPED: there is no C compiler: {error}");
            None
        }
    }
}

#[test]
fn a_c_program_says_what_rust_says() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = compile("tests/cases.c", folder.path()) else { return };
    let input = folder.path().join("cases");
    std::fs::write(&input, lines()).unwrap();
    let output = Command::new(program).arg(&input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let suite: Value =
        serde_json::from_slice(&std::fs::read(here("../switch/testdata/cases.json")).unwrap()).unwrap();
    let cases = suite["cases"].as_array().unwrap();
    let said: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(said.len(), cases.len());
    for (case, said) in cases.iter().zip(said) {
        for (name, expected) in case["verdict"].as_object().unwrap() {
            assert_eq!(said[name], *expected, "{}: {name}", case["about"]);
        }
    }
}
