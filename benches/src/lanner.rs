//! `lanner serve` under test.

use std::path::Path;
use std::time::Duration;

use crate::http::Http;
use crate::process::{CORE, Process, free_port};
use crate::setup::Setup;

/// A running `lanner serve`.
pub(crate) struct Lanner {
    pub(crate) process: Process,
    pub(crate) port: u16,
    /// From the start of the process to the first `/readyz` that was answered with success.
    pub(crate) ready_after: Duration,
}

impl Lanner {
    pub(crate) fn start(setup: &Setup, folder: &Path) -> Self {
        Self::start_on(CORE, setup, folder)
    }

    pub(crate) fn start_on(cores: &str, setup: &Setup, folder: &Path) -> Self {
        let port = free_port();
        let (listen, folder) = (format!("127.0.0.1:{port}"), folder.to_string_lossy());
        let arguments =
            ["serve", "--data", &*folder, "--listen", &*listen, "--carbon", "off", "--log", "error"];
        let mut process = Process::start_on(cores, &setup.lanner, &arguments);
        let ready_after =
            process.wait_until(|| Http::connect(port).is_some_and(|mut http| http.get("/readyz").0 == 200));
        Self { process, port, ready_after }
    }

    pub(crate) fn http(&self) -> Http {
        Http::connect(self.port).unwrap()
    }

    /// Makes rules take effect.
    pub(crate) fn apply(&self, rules: &[serde_json::Value]) {
        let body = serde_json::json!({ "rules": rules }).to_string();
        let (status, answer) =
            self.http().post("/api/v1/apply", "Content-Type: application/json\r\n", body.as_bytes());
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }
}
