//! A real NATS for tests.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A NATS of this test alone, with JetStream in one folder; ended when dropped.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Nats {
    /// Starts one on the loopback address, whose data lies in `folder`. `more` is added to its configuration.
    ///
    /// `None`, said loudly on standard error, when this machine has none: the test then returns early.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(folder: &Path, more: &str) -> Option<Self> {
        let Some(program) = std::env::var_os("LANNER_TEST_NATS") else {
            eprintln!("SKIPPED: LANNER_TEST_NATS names no nats-server; `cargo xtask test` installs it");
            return None;
        };
        Some(Self::start_program(Path::new(&program), folder, more))
    }

    /// As [`Self::start`], of this `nats-server`.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "nothing can go on without it, and should say so")]
    pub fn start_program(program: &Path, folder: &Path, more: &str) -> Self {
        let mut nats = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            port: super::free_port(),
            server: None,
        };
        let store = folder.join("jetstream");
        let config = format!(
            "listen: \"127.0.0.1:{}\"\njetstream {{ store_dir: \"{}\", sync_interval: always }}\n{more}\n",
            nats.port,
            store.display()
        );
        let written = std::fs::write(folder.join("nats.conf"), config);
        written.unwrap_or_else(|error| panic!("the configuration of NATS cannot be written: {error}"));
        nats.go_on();
        nats
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn go_on(&mut self) {
        let log = std::fs::File::create(self.folder.join("nats.log")).ok();
        let mut command = Command::new("sh");
        command
            .args(["-c", super::WATCHED, "sh"])
            .arg(&self.program)
            .arg("-c")
            .arg(self.folder.join("nats.conf"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log.map_or_else(Stdio::null, Stdio::from));
        self.server =
            Some(command.spawn().unwrap_or_else(|error| panic!("nats-server cannot be run: {error}")));
        let begun = Instant::now();
        let log = || std::fs::read_to_string(self.folder.join("nats.log")).unwrap_or_default();
        while !log().contains("Server is ready") {
            assert!(begun.elapsed() < Duration::from_secs(60), "NATS does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }

    /// Where it listens on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}
