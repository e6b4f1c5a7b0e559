//! Findings of vulnerability scanners: scans come in, findings are listed, counted and set aside.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Time;

/// A scan whose findings are about to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "4f0c2a91d3b7", "scan": {"scanner": "nessus", "at_ms": 1_741_688_553_000_i64, "complete": true, "hosts": [{"id": "192.0.2.7"}]}, "ran": ["42873"]
})))]
#[serde(deny_unknown_fields)]
pub struct NewFindingScan {
    /// A hash of the report: a report that comes again is the same scan.
    pub id: String,
    /// What the scan looked at, as `lanner vuln convert --to scan` shows it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub scan: Value,
    /// The checks that are known to have run.
    #[serde(default)]
    pub ran: Vec<String>,
}

/// A scan that may be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingScanView {
    /// A hash of the report.
    pub id: String,
    /// The time that counts for its findings: the scan's, or when it was first imported.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub at: Time,
    /// Whether this report was imported before.
    pub known: bool,
}

/// How many findings of a batch were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingsTaken {
    /// The findings.
    pub accepted: u64,
}

/// What a scan came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingScanResult {
    /// The time that counts for its findings.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub at: Time,
    /// Findings that were never seen before.
    pub new: u64,
    /// Findings that had been fixed and are there again.
    pub reopened: u64,
    /// Findings that were there before and still are.
    pub open: u64,
    /// Findings that are seen in this scan, and fixed since by what later scans say.
    pub fixed_since: u64,
    /// Open findings whose place the scan looked at and did not find.
    pub fixed: u64,
    /// Open findings of this scanner outside what the scan looked at.
    pub not_looked_at: u64,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingView {
    /// What it is known by, in 32 hexadecimal digits.
    pub key: String,
    /// `open`, `fixed`, or `set aside`.
    pub status: String,
    /// The first scan that saw it.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub first_seen: Time,
    /// The last scan that saw it.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub last_seen: Time,
    /// The last scan that looked and did not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::time_schema::Instant>))]
    pub last_missed: Option<Time>,
    /// Why it is set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<AcceptanceView>,
    /// The highest probability of exploitation (EPSS) among its vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epss: Option<f64>,
    /// The day on which one of its vulnerabilities became known to be exploited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploited_since: Option<String>,
    /// The finding in the normal form of the manual.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub finding: Value,
}

/// A page of findings, the worst first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingPage {
    /// How many findings match in all.
    pub total: u64,
    /// Those of this page.
    pub findings: Vec<FindingView>,
}

/// How many findings share a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingCount {
    /// What they share: a severity, a host, a check, ...
    pub name: String,
    /// Those that are open and not set aside.
    pub open: u64,
    /// Of these, critical ones.
    pub critical: u64,
    /// Of these, high ones.
    pub high: u64,
    /// Those that are fixed.
    pub fixed: u64,
    /// Those that are open and set aside.
    pub set_aside: u64,
}

/// All findings at a glance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FindingOverview {
    /// Open findings by severity, the worst first.
    pub severities: Vec<SeverityView>,
    /// The hosts with the worst open findings, at most 50.
    pub hosts: Vec<FindingCount>,
    /// Hosts with open findings in all.
    pub hosts_in_all: u64,
    /// The last scan of each scanner, the latest first, and what it changed.
    pub scans: Vec<LastScanView>,
}

/// Open findings of one severity, by how long they are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeverityView {
    /// The severity.
    #[cfg_attr(feature = "openapi", schema(example = "critical"))]
    pub severity: String,
    /// Those that are open and not set aside.
    pub open: u64,
    /// Of these, those with a vulnerability that is known to be exploited.
    pub exploited: u64,
    /// Those that are open and set aside.
    pub set_aside: u64,
    /// Of the open ones, those first seen within the last 7 days, 30 days, 90 days, and before.
    pub by_age: Vec<u64>,
}

/// The last scan of a scanner, and what it changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastScanView {
    /// The scanner.
    #[cfg_attr(feature = "openapi", schema(example = "nessus"))]
    pub scanner: String,
    /// When it was.
    pub at: Time,
    /// Findings that no scan had seen before.
    pub new: u64,
    /// Findings that it looked for and did not see any more.
    pub fixed: u64,
    /// Findings that are open and that it saw.
    pub open: u64,
}

/// A decision to live with findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "condition": "check == \"42873\" and host == \"192.0.2.7\"", "reason": "replaced in June", "until": "2026-07-01T00:00:00Z"
})))]
#[serde(deny_unknown_fields)]
pub struct NewAcceptance {
    /// Which findings, in the language of conditions. Give this or `statement`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Which findings, as a statement of VEX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub statement: Option<Value>,
    /// Why.
    pub reason: String,
    /// When the decision ends.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub until: Time,
    /// Who decides; the caller's name, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// A decision to live with findings, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptanceView {
    /// Its id.
    pub id: String,
    /// Which findings, as a condition; empty for a statement.
    pub condition: String,
    /// Which findings, as a statement of VEX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub statement: Option<Value>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub author: String,
    /// When the decision ends.
    #[cfg_attr(feature = "openapi", schema(value_type = super::time_schema::Instant))]
    pub until: Time,
    /// Whether it is in force now.
    pub in_force: bool,
}

/// A part of a list of vulnerabilities: predictions of EPSS, or those known to be exploited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "provenance": "2026.11.28", "first": true, "entries": [{"cve": "CVE-2021-44228", "added": "2021-12-10"}]
})))]
#[serde(deny_unknown_fields)]
pub struct VulnerabilityList {
    /// Where the list comes from: its version, model or date.
    pub provenance: String,
    /// Whether this is the first part, which takes the place of what is kept.
    pub first: bool,
    /// An entry per vulnerability, with its id in `cve`.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub entries: Vec<Value>,
}

/// What a part of a list came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VulnerabilityListTaken {
    /// Entries that were taken.
    pub accepted: u64,
    /// Vulnerabilities of open findings that became known to be exploited by this.
    pub became_exploited: Vec<String>,
}
