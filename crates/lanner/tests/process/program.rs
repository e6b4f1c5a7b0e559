//! `lanner serve` as a child process that tests start, ask, kill and stop.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take on a busy machine before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How to start the program again and again: one data folder, one port, one log.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    pub(crate) carbon: Option<u16>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) log_file: PathBuf,
}

impl Setup {
    /// Data in `folder/data`, the log in `folder/log`, without carbon.
    pub(crate) fn new(folder: &Path) -> Self {
        let (data, log_file) = (folder.join("data"), folder.join("log"));
        Self { data, port: fixed_port(), carbon: None, config: None, log_file }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn command(&self) -> Command {
        let own = env!("CARGO_BIN_EXE_lanner").to_owned();
        let mut command = Command::new(std::env::var("LANNER_CRASH_BIN").unwrap_or(own));
        let carbon = self.carbon.map_or_else(|| "off".to_owned(), |port| format!("127.0.0.1:{port}"));
        command.arg("serve").arg("--data").arg(&self.data);
        command.args(["--listen", &format!("127.0.0.1:{}", self.port), "--carbon", &carbon]);
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        command.env_remove("LANNER_TOKEN").env_remove("LANNER_CONFIG").env_remove("LANNER_LOG");
        command
    }

    /// Starts the program and does not wait for it.
    pub(crate) fn spawn(&self) -> Program {
        let log = std::fs::File::options().create(true).append(true).open(&self.log_file).unwrap();
        let child = self.command().stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        Program { child, setup: self.clone() }
    }

    /// Starts the program and waits until it is ready.
    pub(crate) async fn start(&self) -> Program {
        let mut program = self.spawn();
        program.ready().await;
        program
    }

    /// Runs the program to its end, for starts that should fail. Returns the status and what it said.
    pub(crate) fn fail(&self) -> (ExitStatus, String) {
        let mut child = self.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let ended = wait(&mut child, PATIENCE);
        if ended.is_none() {
            child.kill().unwrap();
        }
        let said = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        (ended.unwrap_or_else(|| panic!("it started: {said}")), said)
    }

    /// What the program logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log_file).unwrap_or_default()
    }
}

/// A port below those that outgoing connections get: nobody takes it while the program is down.
pub(crate) fn fixed_port() -> u16 {
    let mut random = crate::random::Random::from_process();
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    std::iter::repeat_with(|| random.between(15_000, 31_000) as u16).find(free).unwrap()
}

/// A running program; killed when dropped.
pub(crate) struct Program {
    child: Child,
    setup: Setup,
}

impl Program {
    /// Waits until `/readyz` says so.
    pub(crate) async fn ready(&mut self) {
        let http = client();
        let url = format!("{}/readyz", self.setup.url());
        let started = Instant::now();
        loop {
            if let Ok(answer) = http.get(&url).send().await
                && answer.status() == 200
            {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the program ended with {status}:\n{}", self.setup.log());
            }
            assert!(started.elapsed() < PATIENCE, "not ready:\n{}", self.setup.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn url(&self) -> String {
        self.setup.url()
    }

    /// How it was started.
    pub(crate) const fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: the program gets no chance to do anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM. Returns how long the end took; the status has to be 0.
    pub(crate) async fn stop(self) -> Duration {
        let setup = self.setup.clone();
        let (status, took) = self.end().await;
        assert!(status.success(), "stopped with {status}:\n{}", setup.log());
        took
    }

    /// SIGTERM, at a moment at which the program may not know yet what to do with it.
    pub(crate) async fn end(mut self) -> (ExitStatus, Duration) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, started.elapsed());
            }
            assert!(started.elapsed() < PATIENCE, "did not stop:\n{}", self.setup.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < PATIENCE, "did not end:\n{}", self.setup.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Asks for a path; returns the status and the text.
    pub(crate) async fn ask(&self, path: &str) -> (u16, String) {
        let answer = client().get(format!("{}{path}", self.setup.url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.setup.url());
        client().get(url).send().await.unwrap().json().await.unwrap()
    }

    /// Posts a document; returns the status and the answer, JSON or text.
    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let url = format!("{}{path}", self.setup.url());
        let answer = client().post(url).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, String) {
        let answer = client().delete(format!("{}{path}", self.setup.url())).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Asks until `ready` says so.
    pub(crate) async fn until(&self, path: &str, ready: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.get(path).await;
            if ready(&answer) {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "{path} stays {answer}\n{}", self.setup.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Of a program that ended there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child, at_most: Duration) -> Option<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < at_most {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// A client that gives up after a while. It keeps no connections: the program behind them comes and goes.
pub(crate) fn client() -> reqwest::Client {
    // Fails only when another test of this process was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).no_proxy().build().unwrap()
}

pub(crate) fn now_ms() -> i64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
}
