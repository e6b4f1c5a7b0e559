//! CSV with one row a finding.

use std::io::{self, Write};

use super::output::{Output, Writer, rfc3339};
use crate::finding::Finding;
use crate::key::key;

pub(super) const OUTPUT: Output = Output {
    name: "csv",
    title: "CSV, a row a finding",
    raw: false,
    open: || Box::new(Csv { headed: false }),
};

const COLUMNS: [&str; 17] = [
    "key",
    "severity",
    "severity_source",
    "scanner",
    "check",
    "title",
    "host",
    "address",
    "port",
    "protocol",
    "service",
    "path",
    "package",
    "ids",
    "cvss",
    "time",
    "solution",
];

struct Csv {
    headed: bool,
}

impl Csv {
    fn head(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.headed, true) { Ok(()) } else { row(&COLUMNS.map(str::to_owned), out) }
    }
}

impl Writer for Csv {
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        self.head(out)?;
        row(&fields(finding), out)
    }

    fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.head(out)
    }
}

fn fields(finding: &Finding) -> [String; 17] {
    [
        key(finding).to_string(),
        finding.severity().name().to_owned(),
        finding.rated.source.clone(),
        finding.scanner.clone(),
        finding.check.clone(),
        finding.title.clone(),
        finding.host.target.clone(),
        finding.host.address.clone(),
        finding.port.map_or(String::new(), |port| port.to_string()),
        finding.protocol.clone(),
        finding.service.clone(),
        finding.path.clone(),
        finding.component.as_ref().map_or(String::new(), |component| component.name.clone()),
        finding.ids.join(" "),
        finding.best_score().map_or(String::new(), |score| score.base.to_string()),
        finding.at_ms.map_or_else(String::new, rfc3339),
        finding.solution.clone(),
    ]
}

/// Texts of strangers open in spreadsheets: one that would be a formula there is marked as text.
fn row(fields: &[String; 17], out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(&mut *out);
    let guarded = fields.iter().map(|field| {
        if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.clone() }
    });
    writer.write_record(guarded).map_err(io::Error::other)?;
    writer.flush()
}
