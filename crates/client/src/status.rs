//! How a client is.

use lanner_switch::Staleness;
use serde_json::Value;

/// Where the switches that are held came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// There are none.
    Nothing,
    /// The file; the server has not confirmed them yet.
    Disk,
    /// The server.
    Server,
}

/// How a client is, for readiness checks and metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The revision that is held; 0 for none.
    pub revision: u64,
    /// Where it came from.
    pub source: Source,
    /// How long nobody has confirmed it.
    pub staleness: Staleness,
    /// Whether the server tells of changes as they happen; else they are fetched now and then.
    pub is_pushed: bool,
    /// Why the last try to refresh failed, if it did.
    pub problem: Option<String>,
    /// Why the file does not have what is held, if it does not: a program that starts now starts with something older. Else
    /// why the file was refused when this program started, if it was.
    pub file_problem: Option<String>,
}

impl Source {
    /// As it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Disk => "disk",
            Self::Server => "server",
        }
    }
}

impl Status {
    /// Why a program that rests on the switches is not ready: it holds none yet, or they are too old.
    #[must_use]
    pub fn not_ready(&self) -> Option<String> {
        let why = match self.source {
            Source::Nothing => "no kill switches are held".to_owned(),
            _ if self.staleness.is_too_old => {
                format!("the kill switches have not been confirmed for {} s", self.staleness.for_ms / 1_000)
            }
            _ => return None,
        };
        Some(self.problem.as_ref().map_or(why.clone(), |problem| format!("{why}: {problem}")))
    }

    /// As lines of a program's `/metrics`, for Prometheus.
    #[must_use]
    pub fn to_prometheus(&self) -> String {
        let gauges = [
            ("revision", "The revision of the kill switches in use.", self.revision as f64),
            ("stale_seconds", "Time since they were last confirmed.", self.staleness.for_ms as f64 / 1e3),
            ("too_old", "1 if that is too long.", f64::from(self.staleness.is_too_old)),
            ("pushed", "1 while the server pushes changes as they happen.", f64::from(self.is_pushed)),
        ];
        let lines = gauges.map(|(name, about, value)| {
            let name = format!("lanner_client_{name}");
            format!("# HELP {name} {about}\n# TYPE {name} gauge\n{name} {value}\n")
        });
        lines.concat()
    }

    /// As JSON: `revision`, `source`, `stale_ms`, `too_old`, `pushed`, `problem`, `file_problem`; `null` where nothing is
    /// wrong.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "revision": self.revision, "source": self.source.name(), "stale_ms": self.staleness.for_ms,
            "too_old": self.staleness.is_too_old, "pushed": self.is_pushed, "problem": self.problem,
            "file_problem": self.file_problem,
        })
    }
}
