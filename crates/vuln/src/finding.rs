//! The normal form: what every scanner's results become.

use serde::{Deserialize, Serialize};

use crate::score::Score;
use crate::severity::{Rated, Severity};

/// One result of one scan: a check that found something, and where.
///
/// Which two findings are the same one is decided by [`key`](crate::key()) alone. Empty texts and lists mean that the report
/// says nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The scanner's name in lower case: `nessus`, `openvas`, `nmap`, ...
    pub scanner: String,
    /// The scanner's id of the check: a plugin id, an OID, a rule, a CVE.
    pub check: String,
    /// What tells results of one check in one place apart, such as the audit item of a compliance check.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub item: String,
    /// One line for people.
    pub title: String,
    /// What was scanned.
    pub host: Host,
    /// The port, 1 to 65535; `None` for a finding about the whole host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `tcp`, `udp`, `sctp`, `icmp`, ... in lower case.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// The service's name at that port, such as `ssh`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// The URL's path, or the file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The package or library that is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Component>,
    /// How bad, and who says so.
    pub rated: Rated,
    /// CVSS ratings, as many as the report gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    /// Ids of the vulnerability: CVE, GHSA and others, sorted, without duplicates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Weaknesses: `CWE-79`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weaknesses: Vec<String>,
    /// The scanner's family or category of the check.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub family: String,
    /// What the vulnerability is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub solution: String,
    /// What the scanner saw, at most [`MAX_EVIDENCE_BYTES`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// Links and names of advisories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Whether a public exploit is known to the scanner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploit: Option<bool>,
    /// How sure the scanner is, 0 to 100 (Greenbone's QoD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// When the host was scanned, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
    /// The scanner's own fields, in their order and spelling; filled only on request
    /// ([`Options::raw`](crate::Options)), for the outputs that repeat them.
    #[serde(skip)]
    pub raw: Vec<(String, String)>,
}

/// The longest evidence that is kept; what is longer is cut at a character.
pub const MAX_EVIDENCE_BYTES: usize = 64 * 1024;

impl Finding {
    /// The level.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rated.severity
    }

    /// The CVE ids among the ids.
    pub fn cves(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str).filter(|id| id.starts_with("CVE-"))
    }

    /// The score of the newest CVSS version that the report gives.
    #[must_use]
    pub fn best_score(&self) -> Option<&Score> {
        self.scores.iter().max_by(|a, b| a.version.cmp(&b.version))
    }

    /// Whether anything is wrong, as opposed to something merely noticed.
    #[must_use]
    pub fn is_risk(&self) -> bool {
        self.severity() > Severity::Info
    }
}

/// What was scanned: a machine, a container image, a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The name by which the scan was told of it: an address or a name.
    pub target: String,
    /// Its address, if known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub address: String,
    /// Its domain name, if known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its MAC address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mac: String,
    /// Its operating system.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// Machine, image, or source code.
    #[serde(default)]
    pub kind: HostKind,
}

/// What kind of thing was scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// A machine in a network.
    #[default]
    Machine,
    /// A container image, or a workload of a cluster.
    Container,
    /// A folder, a repository, a file.
    Code,
}

/// A package or library.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// The installed version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The first version without the vulnerability.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed: String,
    /// Its package URL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purl: String,
}

/// Vulnerability ids from a text: split at commas and blanks, in upper case, sorted, without duplicates and placeholders.
///
/// A malformed CVE id is dropped: a year of four digits and a number of at least four make one. An id with a shorter
/// number, which scanners did write, is completed with zeros.
pub(crate) fn add_ids(ids: &mut Vec<String>, text: &str) {
    for word in text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()) {
        let id = word.trim().to_ascii_uppercase();
        let Some(id) = canonical_id(&id) else { continue };
        if let Err(place) = ids.binary_search(&id) {
            ids.insert(place, id);
        }
    }
}

fn canonical_id(id: &str) -> Option<String> {
    if id.is_empty() || id.len() > 64 || ["NOCVE", "NOBID", "NOXREF", "N/A", "NONE"].contains(&id) {
        return None;
    }
    let Some(rest) = id.strip_prefix("CVE-").or_else(|| id.strip_prefix("CAN-")) else {
        return Some(id.to_owned());
    };
    let (year, number) = rest.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (year.len() == 4 && digits(year) && digits(number)).then(|| format!("CVE-{year}-{number:0>4}"))
}

/// A text at most `MAX_EVIDENCE_BYTES` long, without blanks at its ends.
pub(crate) fn evidence(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(MAX_EVIDENCE_BYTES)].to_owned()
}

/// `CWE-79` from `79`, `CWE:79`, `CWE-79: Cross-site Scripting`.
pub(crate) fn weakness(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("CWE").or_else(|| text.strip_prefix("cwe")).unwrap_or(text);
    let digits: String =
        rest.trim_start_matches([':', '-', ' ']).chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty() && digits.len() <= 6).then(|| format!("CWE-{digits}"))
}

/// A port from a text; zero, empty, negative and too large ones are none.
pub(crate) fn port(text: &str) -> Option<u16> {
    text.trim().parse::<u16>().ok().filter(|port| *port > 0)
}

/// Whether a text is an IPv4 or IPv6 address.
pub(crate) fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}
