//! Runs the built program.

use std::ffi::OsStr;
use std::io::{BufRead as _, Read as _, Write as _};
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

/// Set `UPDATE_GOLDEN=1` to write the file, then read the difference.
#[track_caller]
pub(crate) fn golden(actual: &str, name: &str) {
    let path = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{path}: UPDATE_GOLDEN=1, then read the difference");
}

/// The program, in the root of the repository and with nothing from this environment.
pub(crate) fn lanner() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanner"));
    command.current_dir(root()).stdin(Stdio::null());
    for name in ["URL", "TOKEN", "DATA", "LISTEN", "CARBON", "CONFIG", "LOG", "ALLOW"] {
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

/// A server of the built program, with a data folder that vanishes with it.
pub(crate) struct Served {
    child: std::process::Child,
    log: std::io::BufReader<std::process::ChildStderr>,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

/// Starts a server on a free port and waits until it says where it listens.
pub(crate) fn serve(folder: tempfile::TempDir, options: &[&str]) -> Served {
    let mut command = lanner();
    command.args(["serve", "--listen", "127.0.0.1:0", "--carbon", "off", "--log", "warn", "--data"]);
    command.arg(folder.path().join("data")).args(options).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    let url = loop {
        let mut line = String::new();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended:\n{said}");
        said.push_str(&line);
        if let Some(rest) = line.strip_prefix("Lanner listens on ") {
            break rest.split([';', ',']).next().unwrap().trim().to_owned();
        }
    };
    Served { child, log, url, folder }
}

impl Served {
    /// A file beside the data, with this content.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The path of a file beside the data.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the program against this server.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        lanner().args(arguments).env("LANNER_URL", &self.url).output().unwrap().into()
    }

    /// The JSON that a command answers, which must have been fine.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let text = self.run(&[arguments, &["--format", "json"]].concat()).expect(0);
        serde_json::from_str(&text).unwrap()
    }

    /// Asks the server to stop, as a service manager does; the rest of its log, and its folder.
    #[track_caller]
    pub(crate) fn stop(mut self) -> (String, tempfile::TempDir) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{rest}");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (rest, folder)
    }
}

impl Served {
    /// Ends the server as hard as the system can; its folder.
    pub(crate) fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Gone already after `stop`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks until the answer is right, for at most ten seconds.
#[track_caller]
pub(crate) fn eventually(mut is_right: impl FnMut() -> bool, what: &str) {
    for _ in 0..100 {
        if is_right() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("in ten seconds not: {what}");
}
