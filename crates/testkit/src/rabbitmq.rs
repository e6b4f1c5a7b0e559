//! A real RabbitMQ for tests.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs Erlang's list of names beside the broker, and ends both when whoever started this does: standard input is closed then.
const RUN: &str =
    "epmd & names=$!; setsid \"$1\" & broker=$!; cat > /dev/null; kill -s KILL -- -$broker $names; wait";

/// A RabbitMQ of this test alone, with its data in one folder; ended when dropped.
#[derive(Debug)]
pub struct RabbitMq {
    /// Where the packages of Debian lie: `/`, or a folder that they were unpacked into.
    root: PathBuf,
    folder: PathBuf,
    /// Of AMQP, of Erlang's own connections, and of its list of names.
    ports: [u16; 3],
    server: Option<Child>,
}

impl RabbitMq {
    /// Starts one on the loopback address, whose data lies in `folder`. `more` is added to its configuration.
    ///
    /// `None`, said loudly on standard error, when this machine has none: the test then returns early.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn start(folder: &Path, more: &str) -> Option<Self> {
        let Some(root) = std::env::var_os("LANNER_TEST_RABBITMQ") else {
            eprintln!(
                "SKIPPED: LANNER_TEST_RABBITMQ names no folder with RabbitMQ; `cargo xtask test` unpacks it"
            );
            return None;
        };
        let ports = [super::free_port(), super::free_port(), super::free_port()];
        let mut broker = Self { root: root.into(), folder: folder.to_owned(), ports, server: None };
        let config =
            format!("listeners.tcp.1 = 127.0.0.1:{}\nloopback_users = none\n{more}\n", broker.port());
        let written = std::fs::write(folder.join("rabbitmq.conf"), config)
            .and_then(|()| std::fs::write(folder.join("plugins"), "[].\n"));
        written.unwrap_or_else(|error| panic!("the configuration of RabbitMQ cannot be written: {error}"));
        broker.go_on();
        Some(broker)
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn go_on(&mut self) {
        let [port, own, names] = self.ports;
        let log = std::fs::File::create(self.folder.join("rabbitmq.log")).ok();
        let mut command = Command::new("sh");
        command.args(["-c", RUN, "sh"]).arg(self.program());
        let programs =
            [self.root.join("usr/lib/erlang/bin"), self.erts()].map(|path| path.display().to_string());
        let path = format!("{}:{}", programs.join(":"), std::env::var("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env("HOME", &self.folder)
            .env("RABBITMQ_NODENAME", format!("lanner{port}@localhost"));
        command.env("RABBITMQ_MNESIA_BASE", self.folder.join("mnesia"));
        command.env("RABBITMQ_LOG_BASE", self.folder.join("log"));
        command.env("RABBITMQ_CONFIG_FILE", self.folder.join("rabbitmq"));
        command.env("RABBITMQ_ENABLED_PLUGINS_FILE", self.folder.join("plugins"));
        command.env("RABBITMQ_CONF_ENV_FILE", "/dev/null").env("RABBITMQ_DIST_PORT", own.to_string());
        command.env("ERL_EPMD_PORT", names.to_string()).env("ERL_EPMD_ADDRESS", "127.0.0.1");
        let said = log.map_or_else(Stdio::null, Stdio::from);
        command.stdin(Stdio::piped()).stdout(said).stderr(Stdio::null());
        self.server = Some(command.spawn().unwrap_or_else(|error| panic!("RabbitMQ cannot be run: {error}")));
        let begun = Instant::now();
        let log = || std::fs::read_to_string(self.folder.join("rabbitmq.log")).unwrap_or_default();
        while !log().contains("completed with") || TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(180), "RabbitMQ does not start: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The program, of whichever version.
    fn program(&self) -> PathBuf {
        let versions = self.root.join("usr/lib/rabbitmq/lib");
        let folder = std::fs::read_dir(versions).ok().and_then(|mut found| found.next()?.ok());
        folder.map(|folder| folder.path().join("sbin/rabbitmq-server")).unwrap_or_default()
    }

    /// Erlang's own programs.
    fn erts(&self) -> PathBuf {
        let found = std::fs::read_dir(self.root.join("usr/lib/erlang")).into_iter().flatten().flatten();
        let mut folders = found.filter(|folder| folder.file_name().to_string_lossy().starts_with("erts-"));
        folders.next().map(|folder| folder.path().join("bin")).unwrap_or_default()
    }

    /// Ends it at once: nothing is said to those who are connected.
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }

    /// Where it listens on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.ports[0]
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port())
    }
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        self.kill();
    }
}
