//! A real InfluxDB for tests.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::http;
use crate::watched::Watched;

/// An InfluxDB on the loopback address, with its data in one folder; ended when dropped.
#[derive(Debug)]
pub struct InfluxDb {
    port: u16,
    _program: Watched,
}

impl InfluxDb {
    /// Starts `program`, an `influxd` of version 1, whose data lies in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_program(program: &Path, folder: &Path) -> Result<Self, String> {
        let port = super::free_port();
        let mut command = Command::new(program);
        command
            .env("INFLUXDB_REPORTING_DISABLED", "true")
            .env("INFLUXDB_HTTP_BIND_ADDRESS", format!("127.0.0.1:{port}"))
            .env("INFLUXDB_BIND_ADDRESS", format!("127.0.0.1:{}", super::free_port()))
            .env("INFLUXDB_META_DIR", folder.join("meta"))
            .env("INFLUXDB_DATA_DIR", folder.join("data"))
            .env("INFLUXDB_DATA_WAL_DIR", folder.join("wal"));
        let mut program = Watched::start(&command, &folder.join("log"))?;
        let begun = Instant::now();
        while !http::ask(port, "GET", "/ping", "").is_ok_and(|(status, _)| status == 204) {
            if program.has_ended() || begun.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(format!("InfluxDB does not start: {log}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Self { port, _program: program })
    }

    /// Makes a database.
    ///
    /// # Errors
    /// What it objects to.
    pub fn create(&self, database: &str) -> Result<(), String> {
        self.post("/query", &format!("q=CREATE+DATABASE+{database}"))
    }

    /// Stores lines of its line protocol, with times in milliseconds.
    ///
    /// # Errors
    /// What it objects to.
    pub fn write(&self, database: &str, lines: &str) -> Result<(), String> {
        write(self.port, database, lines)
    }

    fn post(&self, path: &str, body: &str) -> Result<(), String> {
        post(self.port, path, body)
    }

    /// Where it listens on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// As [`InfluxDb::write`], to the one that listens on this port.
pub(crate) fn write(port: u16, database: &str, lines: &str) -> Result<(), String> {
    post(port, &format!("/write?db={database}&precision=ms"), lines)
}

fn post(port: u16, path: &str, body: &str) -> Result<(), String> {
    let (status, answer) = http::ask(port, "POST", path, body)?;
    if (200..300).contains(&status) && !answer.contains("\"error\"") {
        return Ok(());
    }
    Err(format!("InfluxDB answers {status} to {path}: {answer}"))
}
