//! Where readers of formats put what they find.

use std::collections::BTreeSet;

use crate::error::ReadError;
use crate::finding::{Finding, Host};
use crate::scan::Scanning;
use crate::xml::Warnings;

/// What to keep of a report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether [`Finding::raw`] is filled.
    pub raw: bool,
}

/// Where a format's reader puts what it finds.
pub(crate) struct Sink<'a> {
    pub(crate) options: Options,
    pub(crate) scanning: Scanning,
    /// Whether the scan and its report reached their end.
    pub(crate) complete: bool,
    take: &'a mut dyn FnMut(Finding) -> Result<(), String>,
    pub(crate) findings: u64,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(options: Options, take: &'a mut dyn FnMut(Finding) -> Result<(), String>) -> Self {
        Self {
            options,
            scanning: Scanning::default(),
            complete: false,
            take,
            findings: 0,
            seen: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// Hands out a finding. One without host or check cannot be told from others and is left out with a warning.
    pub(crate) fn take(&mut self, finding: Finding) -> Result<(), ReadError> {
        if finding.check.is_empty() || (finding.host.target.is_empty() && finding.host.address.is_empty()) {
            self.warn("results without a host or a check were left out");
            return Ok(());
        }
        self.ran(&finding.check);
        self.scanning.time(finding.at_ms);
        self.findings += 1;
        (self.take)(finding).map_err(ReadError::Taker)
    }

    /// Remembers a check that ran, whether or not it found something.
    pub(crate) fn ran(&mut self, check: &str) {
        if !self.seen.contains(check) {
            self.seen.insert(check.to_owned());
        }
    }

    /// Remembers a host that was scanned to its end.
    pub(crate) fn scanned(&mut self, host: &Host, port: Option<u16>) {
        self.scanning.host(host, port);
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < 100 && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub(crate) fn warn_of(&mut self, warnings: Warnings) {
        if warnings.control > 0 {
            self.warn(format!(
                "{} results hold characters that XML forbids; each became a blank",
                warnings.control
            ));
        }
        if warnings.encoding > 0 {
            self.warn(format!(
                "{} results hold bytes that are not of the declared encoding",
                warnings.encoding
            ));
        }
    }
}
