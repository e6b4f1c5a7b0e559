//! Vulnerability reports: what scanners write becomes one normal form, which can be compared, stored, and written for others.
//!
//! ```
//! use lanner_vuln::{Options, Severity, read};
//!
//! let report = r#"<NessusClientData_v2><Report name="weekly"><ReportHost name="192.0.2.7">
//!     <ReportItem port="443" svc_name="www" protocol="tcp" severity="2" pluginID="42873" pluginName="SSL Medium Strength"/>
//!   </ReportHost></Report></NessusClientData_v2>"#;
//! let mut findings = Vec::new();
//! let report = read(report.as_bytes(), Options::default(), &mut |finding| {
//!     findings.push(finding);
//!     Ok(())
//! })?;
//! assert_eq!((report.format, report.findings), ("nessus", 1));
//! assert_eq!(findings[0].severity(), Severity::Medium);
//! # Ok::<(), lanner_vuln::ReadError>(())
//! ```
//!
//! Reading order: [`Finding`] (the normal form), [`read()`] and `format` (one file per format, and the list of them), [`key()`]
//! (which findings are the same), [`Scan`] and [`Scope`] (what was looked at), `write` (documents for others).
//!
//! Invariants: reports are read in constant memory, a result at a time; any bytes are answered, in time bounded by their
//! length; nothing outside the report is read. A finding's key does not depend on the format of its report.

mod error;
mod exploited;
mod finding;
mod format;
mod input;
mod json;
mod key;
mod ledger;
mod read;
mod scan;
mod score;
mod severity;
mod sink;
mod vex;
mod when;
pub mod write;
mod xml;

pub use error::ReadError;
pub use exploited::{Epss, Exploited, read_epss, read_kev};
pub use finding::{Component, Finding, Host, HostKind, MAX_EVIDENCE_BYTES};
pub use format::{FORMATS, Format};
pub use key::{Key, host_id, key, key_on};
pub use ledger::{Evidence, Standing};
pub use read::{Report, read, read_as};
pub use scan::{Checks, Place, Ports, Scan, Scanned, Scope};
pub use score::{Score, parse as parse_cvss};
pub use severity::{Rated, Severity};
pub use sink::Options;
pub use vex::{Statement, VexStatus, read_vex};
