//! What a scan looked at: the difference between "no longer there" and "not looked for".

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::finding::Host;
use crate::key::host_id;

/// A scan without its findings: who scanned what, when, and whether it reached its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// The scanner, as in [`Finding::scanner`](crate::Finding::scanner); empty until a report names one.
    pub scanner: String,
    /// The policy, task or configuration. Two scans of one policy are taken to run the same checks.
    #[serde(default)]
    pub policy: String,
    /// When the scan ended, or the latest time that the report holds, in milliseconds since 1970.
    #[serde(default)]
    pub at_ms: Option<i64>,
    /// The hosts whose scan reached its end, sorted. What is not among them was not looked at.
    #[serde(default)]
    pub hosts: Vec<Scanned>,
    /// Which checks ran.
    #[serde(default)]
    pub checks: Checks,
    /// Which ports were looked at.
    #[serde(default)]
    pub ports: Ports,
    /// The least severity (0 to 4) that the report shows; findings below it were filtered out of it.
    #[serde(default)]
    pub least_level: u8,
    /// Whether the report is the whole of the scan. A killed scan or a page of results closes nothing.
    #[serde(default)]
    pub complete: bool,
}

/// A host that was scanned to its end, as [`host_id`] names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scanned {
    /// The host's id.
    pub id: String,
    /// The host's other spelling, if the report gives both a name and an address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The one port that was looked at, for scanners of one service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// Which checks a scan ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checks {
    /// The report does not say: those that found something anywhere, and those of earlier scans of the same policy.
    #[default]
    Seen,
    /// All that the scanner knows, as scanners of images and packages do.
    All,
    /// Those of the policy, sorted.
    Listed(Vec<u32>),
}

/// Which ports a scan looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ports {
    /// All, or the scanner has no notion of ports.
    #[default]
    All,
    /// Those in these inclusive ranges, in any protocol. Findings about the whole host count as looked at.
    Ranges(Vec<(u16, u16)>),
}

impl Ports {
    /// Ranges from a text such as `1-1024,T:8080,U:53`; `None` if it cannot be read.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut ranges = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()).take(10_000) {
            let part = part.trim_start_matches(|c: char| c.is_ascii_alphabetic()).trim_start_matches(':');
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            ranges.push((from.trim().parse().ok()?, to.trim().parse().ok()?));
        }
        (!ranges.is_empty()).then_some(Self::Ranges(ranges))
    }

    fn contain(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::All, _) | (_, None) => true,
            (Self::Ranges(ranges), Some(port)) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&port))
            }
        }
    }
}

/// Where a finding that a store remembers lies, as far as scopes ask.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The host's id.
    pub host: &'a str,
    /// The check.
    pub check: &'a str,
    /// The port.
    pub port: Option<u16>,
    /// The severity's level, 0 to 4.
    pub level: u8,
    /// The policy of the scan that last saw it.
    pub policy: &'a str,
}

/// A scan as a set to ask: was this place looked at?
#[derive(Debug)]
pub struct Scope<'a> {
    scan: &'a Scan,
    seen: &'a BTreeSet<String>,
}

impl<'a> Scope<'a> {
    /// The scope of a scan whose findings came from these checks. Costs nothing.
    #[must_use]
    pub fn new(scan: &'a Scan, seen: &'a BTreeSet<String>) -> Self {
        Self { scan, seen }
    }

    /// Whether the scan would have seen a finding at this place, were it still there. When in doubt, it would not.
    #[must_use]
    pub fn covers(&self, place: &Place<'_>) -> bool {
        self.scan.complete
            && place.level >= self.scan.least_level
            && self.host_was_scanned(place)
            && self.scan.ports.contain(place.port)
            && self.check_ran(place)
    }

    fn host_was_scanned(&self, place: &Place<'_>) -> bool {
        let hosts = &self.scan.hosts;
        let from = hosts.partition_point(|host| host.id.as_str() < place.host);
        let mut same = hosts[from..].iter().take_while(|host| host.id == place.host);
        same.any(|host| host.port.is_none() || host.port == place.port)
    }

    fn check_ran(&self, place: &Place<'_>) -> bool {
        let same_policy = !self.scan.policy.is_empty() && self.scan.policy == place.policy;
        match &self.scan.checks {
            Checks::All => true,
            Checks::Listed(ids) => place.check.parse().is_ok_and(|id| ids.binary_search(&id).is_ok()),
            Checks::Seen => same_policy || self.seen.contains(place.check),
        }
    }
}

/// Collects a scan's hosts and times while its findings are read.
#[derive(Debug, Default)]
pub(crate) struct Scanning {
    pub(crate) scan: Scan,
    hosts: BTreeSet<Scanned>,
}

impl Scanning {
    /// Remembers a host that was scanned to its end.
    pub(crate) fn host(&mut self, host: &Host, port: Option<u16>) {
        let id = host_id(host);
        let names = [&host.name, &host.target];
        let name = names
            .into_iter()
            .map(|name| crate::key::host_name(name))
            .find(|name| !name.is_empty() && *name != id);
        if !id.is_empty() {
            self.hosts.insert(Scanned { id, name: name.unwrap_or_default(), port });
        }
    }

    /// The latest of all times is the scan's.
    pub(crate) fn time(&mut self, at_ms: Option<i64>) {
        self.scan.at_ms = self.scan.at_ms.max(at_ms);
    }

    pub(crate) fn finish(mut self, complete: bool) -> Scan {
        self.scan.hosts = self.hosts.into_iter().collect();
        self.scan.complete = complete;
        self.scan
    }
}
