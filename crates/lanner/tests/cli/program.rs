//! Runs the built program.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The output, which must have come with this exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self.out
    }

    /// What was said on standard error; all `parts` must be in it.
    #[track_caller]
    pub(crate) fn says(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "\"{part}\" is not in:\n{}", self.err);
        }
    }
}

/// The program, in the root of the repository and with nothing from this environment.
pub(crate) fn lanner() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanner"));
    command.current_dir(root()).stdin(Stdio::null());
    for name in ["URL", "TOKEN", "DATA", "LISTEN", "CARBON", "CONFIG", "LOG"] {
        command.env_remove(format!("LANNER_{name}"));
    }
    command
}

/// Runs the program to its end.
pub(crate) fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Ran {
    lanner().args(arguments).output().unwrap().into()
}

/// Runs the program with something on its standard input.
pub(crate) fn run_with_input<S: AsRef<OsStr>>(arguments: &[S], input: &[u8]) -> Ran {
    let mut command = lanner();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}
