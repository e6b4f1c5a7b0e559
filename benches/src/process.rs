//! A server in a process of its own, on a core of its own.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core of the server under test; the load comes from the other one.
pub(crate) const CORE: &str = "0";
/// Both, where the load does nothing but wait.
pub(crate) const ALL_CORES: &str = "0,1";

/// A running process. It is stopped when it is dropped.
pub(crate) struct Process {
    child: Child,
    started: Instant,
}

impl Process {
    /// Starts a program with one core.
    pub(crate) fn start<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Self {
        Self::start_on(CORE, program, arguments)
    }

    /// Starts a program with these cores.
    pub(crate) fn start_on<S: AsRef<OsStr>>(cores: &str, program: &Path, arguments: &[S]) -> Self {
        let started = Instant::now();
        let child = Command::new("taskset")
            .args(["-c", cores])
            .arg(program)
            .args(arguments)
            .env("GOMAXPROCS", cores.split(',').count().to_string()) // for the peer: no more threads than cores
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("LANNER_BENCH_LOG").is_some() {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .spawn()
            .unwrap();
        Self { child, started }
    }

    /// Waits until `ready`, and returns how long that took since the start.
    pub(crate) fn wait_until(&mut self, ready: impl Fn() -> bool) -> Duration {
        while !ready() {
            assert!(
                self.child.try_wait().unwrap().is_none(),
                "the server ended; set LANNER_BENCH_LOG=1 to see why"
            );
            assert!(
                self.started.elapsed() < Duration::from_secs(60),
                "the server is not ready after a minute"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        self.started.elapsed()
    }

    /// Processor time of all threads so far, and of the processes that it started; user and system, seconds.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let pid = self.child.id().to_string();
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        cpu_seconds(&pid) + children.split_whitespace().map(cpu_seconds).sum::<f64>()
    }

    /// Memory that lies in RAM, megabytes of 10^6 bytes.
    pub(crate) fn rss_mb(&self) -> f64 {
        self.memory_mb("VmRSS:")
    }

    /// The most memory that lay in RAM so far, megabytes of 10^6 bytes.
    pub(crate) fn peak_mb(&self) -> f64 {
        self.memory_mb("VmHWM:")
    }

    fn memory_mb(&self, name: &str) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(20) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of this process so far, seconds.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds("self")
}

fn cpu_seconds(pid: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// A port of the loopback interface that nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
