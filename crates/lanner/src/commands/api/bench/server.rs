//! A server of its own: this program in a process apart, so that its processor time can be told from that of the users.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::Client;
use crate::failure::{Failure, Result};

/// How long it may take to start, and to end when it is asked to.
const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(5);

/// How often it is asked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Ticks in a second, in which Linux tells processes of processor time.
const TICKS: f64 = 100.0;

pub(super) struct OwnServer {
    process: Child,
    url: String,
    folder: TempDir,
}

impl OwnServer {
    /// Starts it on a free port of the loopback address, with an empty folder.
    pub(super) fn launch() -> Result<Self> {
        let failed = |what: &str, error: &std::io::Error| Failure::program(format!("cannot {what}: {error}"));
        let folder = tempfile::Builder::new().prefix("lanner-bench-").tempdir();
        let folder = folder.map_err(|error| failed("make a temporary folder", &error))?;
        let log = std::fs::File::create(folder.path().join("log"));
        let log = log.map_err(|error| failed("write into a temporary folder", &error))?;
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let address = address.map_err(|error| failed("find a free port", &error))?;
        let program = std::env::current_exe().map_err(|error| failed("find this program", &error))?;
        let mut command = Command::new(program);
        command.args(["serve", "--carbon", "off", "--log", "warn", "--listen", &address.to_string()]);
        command.arg("--data").arg(folder.path().join("data"));
        // What is set for the user's own server is not for this one.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LANNER_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        let process = command.spawn().map_err(|error| failed("start a server", &error))?;
        Ok(Self { process, url: format!("http://{address}"), folder })
    }

    /// Waits until it answers; returns its address.
    pub(super) async fn ready(&mut self) -> Result<String> {
        let client = Client::at(&self.url, None, START)?;
        let until = tokio::time::Instant::now() + START;
        while client.act(reqwest::Method::GET, &["readyz"]).await.is_err() {
            let is_over = !matches!(self.process.try_wait(), Ok(None));
            if is_over || tokio::time::Instant::now() > until {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                let why = log.lines().last().unwrap_or("it said nothing");
                return Err(Failure::program(format!("the server for the test did not start: {why}")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(self.url.clone())
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it, and removes its folder.
    pub(super) async fn stop(mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.pid().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) {
            // One that has ended already is no failure.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if !matches!(tokio::time::timeout(STOP, self.process.wait()).await, Ok(Ok(_))) {
            let _ = self.process.kill().await;
        }
    }
}

/// Processor time of a process so far, in seconds; `None` where the system does not tell.
pub(super) fn processor_s(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat).map(|ticks| ticks as f64 / TICKS)
}

/// User and system time in a line of `/proc/PID/stat`. The name in front, in parentheses, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11).map_while(|field| field.parse::<u64>().ok());
    Some(fields.next()? + fields.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_of_a_process() {
        // A line as proc(5) describes it: utime is field 14, stime field 15.
        let line = "42 (a) b c) S 1 42 42 0 -1 4194304 100 0 0 0 250 31 0 0 20 0 5 0 100 1 1";
        assert_eq!(ticks(line), Some(281));
        assert_eq!(ticks("42 (lanner"), None);
    }
}
