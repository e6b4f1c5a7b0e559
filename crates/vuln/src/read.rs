//! Reading a report: its format is found from its content, then its findings come one at a time.

use std::collections::BTreeSet;
use std::io::Read;

use crate::error::ReadError;
use crate::finding::Finding;
use crate::format::{FORMATS, Format};
use crate::input::{Input, Text, unpacked};
use crate::scan::Scan;
use crate::sink::{Options, Sink};

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
    let input = Input::open(unpacked(Box::new(input))?)?;
    let format =
        FORMATS.iter().find(|format| (format.detect)(&input.head)).ok_or_else(|| unknown(&input.head))?;
    read_with(format, input.text, options, take)
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
    let input = Input::open(unpacked(Box::new(input))?)?;
    read_with(format, input.text, options, take)
}

fn read_with(
    format: &Format,
    text: Text<'_>,
    options: Options,
    take: &mut dyn FnMut(Finding) -> Result<(), String>,
) -> Result<Report, ReadError> {
    let mut sink = Sink::new(options, take);
    let result = (format.read)(text, &mut sink);
    report(sink, format, result)
}

fn unknown(head: &str) -> ReadError {
    let found: String =
        head.trim_start().chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let known = FORMATS.iter().map(|format| format.title).collect::<Vec<_>>().join(", ");
    ReadError::Unknown { found: format!("it begins with {found:?}"), known }
}

fn report(sink: Sink<'_>, format: &Format, result: Result<(), ReadError>) -> Result<Report, ReadError> {
    let stopped = match result {
        Ok(()) => None,
        Err(error) if error.is_partial() && sink.findings > 0 => Some(error),
        Err(error) => return Err(error),
    };
    let complete = sink.complete && stopped.is_none();
    Ok(Report {
        format: format.name,
        findings: sink.findings,
        scan: sink.scanning.finish(complete),
        seen: sink.seen,
        warnings: sink.warnings,
        stopped,
    })
}
