//! Reading a report: its format is found from its content, then its findings come one at a time.

use std::collections::BTreeSet;
use std::io::{BufRead, Read};

use crate::error::ReadError;
use crate::finding::{Finding, Host};
use crate::format::{FORMATS, Format};
use crate::input::{Input, unpacked};
use crate::scan::{Scan, Scanning};
use crate::xml::Warnings;

/// What to keep of a report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether [`Finding::raw`] is filled.
    pub raw: bool,
}

/// What a report was, apart from its findings.
#[derive(Debug)]
pub struct Report {
    /// The name of its format, one of [`FORMATS`].
    pub format: &'static str,
    /// How many findings were handed out.
    pub findings: u64,
    /// What the scan looked at.
    pub scan: Scan,
    /// The checks that found something, and others that are known to have run.
    pub seen: BTreeSet<String>,
    /// What was repaired or left out, in words for people.
    pub warnings: Vec<String>,
    /// Where reading ended early, if it did. The findings before are good.
    pub stopped: Option<ReadError>,
}

/// Reads a report, plain or compressed with gzip, and hands out its findings.
///
/// Memory is constant: a buffer, one result, and the names of hosts and checks. Cost: linear; about 5 ns a byte of XML.
///
/// # Errors
/// - [`ReadError::Empty`], [`ReadError::Unknown`]: there is nothing that could be read.
/// - [`ReadError::Refused`]: the report is an attack.
/// - [`ReadError::Malformed`], [`ReadError::Truncated`]: it breaks before its first finding. Later breaks are
///   reported in [`Report::stopped`].
/// - [`ReadError::Io`]: the input fails. [`ReadError::Taker`]: `take` fails.
pub fn read(
    input: impl Read,
    options: Options,
    take: &mut dyn FnMut(Finding) -> Result<(), String>,
) -> Result<Report, ReadError> {
    let mut input = Input::open(unpacked(Box::new(input))?)?;
    let format = FORMATS.iter().find(|format| (format.detect)(&input.head)).ok_or_else(|| unknown(&input.head))?;
    read_with(format, &mut input.text, options, take)
}

/// As [`read()`], in a given format, whatever the content looks like.
///
/// # Errors
/// As [`read()`].
pub fn read_as(
    format: &Format,
    input: impl Read,
    options: Options,
    take: &mut dyn FnMut(Finding) -> Result<(), String>,
) -> Result<Report, ReadError> {
    let mut input = Input::open(unpacked(Box::new(input))?)?;
    read_with(format, &mut input.text, options, take)
}

fn read_with(
    format: &Format,
    text: Text<'_>,
    options: Options,
    take: &mut dyn FnMut(Finding) -> Result<(), String>,
) -> Result<Report, ReadError> {
    let mut sink = Sink::new(options, take);
    let result = (format.read)(text, &mut sink);
    sink.report(format, result)
}

fn unknown(head: &str) -> ReadError {
    let found: String = head.trim_start().chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let known = FORMATS.iter().map(|format| format.title).collect::<Vec<_>>().join(", ");
    ReadError::Unknown { found: format!("it begins with {found:?}"), known }
}

/// Where a format's reader puts what it finds.
pub(crate) struct Sink<'a> {
    pub(crate) options: Options,
    pub(crate) scanning: Scanning,
    /// Whether the scan and its report reached their end.
    pub(crate) complete: bool,
    take: &'a mut dyn FnMut(Finding) -> Result<(), String>,
    findings: u64,
    seen: BTreeSet<String>,
    warnings: Vec<String>,
}

impl<'a> Sink<'a> {
    fn new(options: Options, take: &'a mut dyn FnMut(Finding) -> Result<(), String>) -> Self {
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
            self.warn(format!("{} results hold characters that XML forbids; each became a blank", warnings.control));
        }
        if warnings.encoding > 0 {
            self.warn(format!("{} results hold bytes that are not of the declared encoding", warnings.encoding));
        }
    }

    fn report(self, format: &Format, result: Result<(), ReadError>) -> Result<Report, ReadError> {
        let stopped = match result {
            Ok(()) => None,
            Err(error) if error.is_partial() && self.findings > 0 => Some(error),
            Err(error) => return Err(error),
        };
        let complete = self.complete && stopped.is_none();
        Ok(Report {
            format: format.name,
            findings: self.findings,
            scan: self.scanning.finish(complete),
            seen: self.seen,
            warnings: self.warnings,
            stopped,
        })
    }
}

/// What a format's reader reads from.
pub(crate) type Text<'a> = &'a mut dyn BufRead;
