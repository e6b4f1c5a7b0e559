//! A real Apache Kafka for tests: one broker that is its own controller.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kills the broker when whoever started this ends, however that ends: standard input is closed then. Java takes a softer signal as
/// a question.
const RUN: &str = "trap '' INT; \"$@\" & cat > /dev/null; kill -KILL $!; wait $!";
/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Kafka of this test alone, with its data in one folder; ended when dropped.
#[derive(Debug)]
pub struct Kafka {
    libraries: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl Kafka {
    /// Starts one on the loopback address, whose data lies in `folder`. `more` is added to its properties, and wins over what is
    /// there; `{listeners}` in it stands for those that there are anyway, and `{port}` for where it listens.
    ///
    /// `None`, said loudly on standard error, when this machine has none: the test then returns early.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn start(folder: &Path, more: &str) -> Option<Self> {
        let Some(libraries) = std::env::var_os("LANNER_TEST_KAFKA") else {
            eprintln!(
                "SKIPPED: LANNER_TEST_KAFKA names no libraries of Kafka; `cargo xtask test` installs them"
            );
            return None;
        };
        let (port, controller) = (super::free_port(), super::free_port());
        let mut broker = Self { libraries: libraries.into(), folder: folder.to_owned(), port, server: None };
        let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
        let properties = format!(
            "{}{}\n",
            properties(&listeners, controller, &folder.join("kafka")),
            more.replace("{listeners}", &listeners).replace("{port}", &port.to_string())
        );
        let written = std::fs::write(broker.properties(), properties);
        written.unwrap_or_else(|error| panic!("the properties of Kafka cannot be written: {error}"));
        let mut format = broker.java("64m", "kafka.tools.StorageTool");
        format
            .args(["format", "--cluster-id", "bGFubmVyLXRlc3RzLS0tLQ", "--config"])
            .arg(broker.properties());
        let formatted = format.stdin(Stdio::null()).output();
        match formatted {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                panic!("Kafka's storage cannot be formatted: {}", String::from_utf8_lossy(&output.stderr))
            }
            Err(error) => panic!("Java cannot be run: {error}"),
        }
        broker.go_on();
        Some(broker)
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not start.
    #[expect(clippy::panic, reason = "a test cannot go on without it, and should say so")]
    pub fn go_on(&mut self) {
        let java = self.java("384m", "kafka.Kafka");
        let log = std::fs::File::create(self.folder.join("kafka.log")).ok();
        let mut command = Command::new("sh");
        command.args(["-c", RUN, "sh"]).arg(java.get_program()).args(java.get_args());
        command.arg(self.properties());
        let both = log.and_then(|log| Some((log.try_clone().ok()?, log)));
        if let Some((out, error)) = both {
            command.stdout(out).stderr(error);
        }
        let started = command.stdin(Stdio::piped()).spawn();
        self.server = Some(started.unwrap_or_else(|error| panic!("Kafka cannot be run: {error}")));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.folder.join("kafka.log")).unwrap_or_default();
            let has_ended = self.server.as_mut().is_some_and(|it| !matches!(it.try_wait(), Ok(None)));
            assert!(begun.elapsed() < PATIENCE && !has_ended, "Kafka does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A program of Kafka's with so much heap.
    fn java(&self, heap: &str, class: &str) -> Command {
        let mut java = Command::new("java");
        java.arg(format!("-Xmx{heap}")).args(["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        java.arg("-cp").arg(self.libraries.join("*")).arg(class);
        java
    }

    fn properties(&self) -> PathBuf {
        self.folder.join("kafka.properties")
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
        self.port
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("kafka://127.0.0.1:{}", self.port)
    }
}

/// One node for itself, without threads and partitions that only large clusters need.
fn properties(listeners: &str, controller: u16, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL\n\
         listeners={listeners}\n\
         log.dirs={}\n\
         auto.create.topics.enable=false\n\
         num.network.threads=2\n\
         num.io.threads=2\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=1\n",
        data.display()
    )
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.kill();
    }
}
