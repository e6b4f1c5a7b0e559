//! The peer: graphite-web in a Python environment of its own, driven by `peers/graphite_web.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::data::Data;
use crate::http::Http;
use crate::process::{CORE, Process, free_port};
use crate::setup::Setup;

/// One Python cannot use more of its core; another one fills the gaps.
const N_WORKERS: &str = "2";

/// What one function came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    /// Of one series, the best of some rounds.
    pub(super) seconds: f64,
    /// Of all that was answered.
    pub(super) sum: f64,
}

/// The environment's Python, and the script.
fn python(setup: &Setup) -> Option<(PathBuf, PathBuf)> {
    let environment = setup.graphite_web.as_ref()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/graphite_web.py");
    Some((environment.join("bin/python"), script))
}

/// Its functions on series that lie in memory, by name; `None` when the run has no peer.
pub(super) fn functions(setup: &Setup, data: &Data) -> Option<BTreeMap<String, Timed>> {
    let (python, script) = python(setup)?;
    let mut command = Command::new("taskset");
    command.args(["-c", CORE]).arg(python).arg(script).arg("functions");
    let output = command.arg(&data.folder).arg(data.end_s.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    let timed = |value: Value| Timed {
        seconds: value["seconds"].as_f64().unwrap(),
        sum: value["sum"].as_f64().unwrap(),
    };
    Some(report.into_iter().map(|(name, value)| (name, timed(value))).collect())
}

/// A running graphite-web.
pub(super) struct GraphiteWeb {
    pub(super) process: Process,
    pub(super) port: u16,
}

impl GraphiteWeb {
    /// Starts it on the files of `data`, with all its caches off; `None` when the run has no peer.
    pub(super) fn start_on(cores: &str, setup: &Setup, data: &Data) -> Option<Self> {
        let (python, script) = python(setup)?;
        let port = free_port();
        let (script, folder) = (script.to_string_lossy(), data.folder.to_string_lossy());
        let arguments = [&*script, "serve", &*folder, &port.to_string(), N_WORKERS];
        let mut process = Process::start_on(cores, &python, &arguments);
        process.wait_until(|| Http::connect(port).is_some_and(|mut http| http.get("/version/").0 == 200));
        // What a worker loads at its first request is not what is asked for.
        for _ in 0..8 {
            Http::connect(port).unwrap().get("/render?target=bench.host0000&from=-5min&format=json");
        }
        Some(Self { process, port })
    }
}
