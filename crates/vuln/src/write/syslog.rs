//! RFC 5424 syslog, a line a finding, with the fields as structured data.

use std::io::{self, Write};

use super::output::{Output, Writer, rfc3339, visible};
use crate::finding::Finding;
use crate::key::key;
use crate::severity::Severity;

pub(super) const OUTPUT: Output =
    Output { name: "syslog", title: "RFC 5424 syslog lines", raw: false, open: || Box::new(Syslog) };

/// The longest message, so that a line fits what receivers accept.
const MAX_MESSAGE_BYTES: usize = 1024;
/// Facility daemon, as the scripts that came before used.
const FACILITY: u8 = 3;

struct Syslog;

impl Writer for Syslog {
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        let priority = FACILITY * 8 + level(finding.severity());
        let time = finding.at_ms.map_or_else(|| "-".to_owned(), rfc3339);
        let host = token(&finding.host.target, 255);
        let program = token(&finding.scanner, 48);
        let id = token(&finding.check, 32);
        write!(out, "<{priority}>1 {time} {host} {program} - {id} [finding@32473")?;
        for (name, value) in fields(finding) {
            if !value.is_empty() {
                write!(out, " {name}=\"{}\"", parameter(&value))?;
            }
        }
        let message = one_line(&finding.title);
        writeln!(out, "] {}", &message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)])
    }
}

/// Critical to informational, in the severities of syslog.
fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

fn fields(finding: &Finding) -> [(&'static str, String); 9] {
    [
        ("key", key(finding).to_string()),
        ("severity", finding.severity().name().to_owned()),
        ("ip", finding.host.address.clone()),
        ("port", finding.port.map_or(String::new(), |port| port.to_string())),
        ("protocol", finding.protocol.clone()),
        ("service", finding.service.clone()),
        ("path", finding.path.clone()),
        ("package", finding.component.as_ref().map_or(String::new(), |component| component.name.clone())),
        ("ids", finding.ids.join(",")),
    ]
}

/// A header field: printable ASCII without blanks.
fn token(text: &str, most: usize) -> String {
    let token: String = text.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(most).collect();
    if token.is_empty() { "-".to_owned() } else { token }
}

fn parameter(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
}

fn one_line(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}
