//! Tests that ask the Python of this machine.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a script makes of `input`; `None`, said loudly, when this machine has no Python 3 with `module`.
pub(crate) fn run(module: &str, script: &str, input: &[u8]) -> Option<Vec<u8>> {
    let import = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    if !import.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: this test needs python3 with {module}, which is not there");
        return None;
    }
    let mut command = Command::new("python3");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}
