//! OpenVAS and Greenbone CSV, with and without the columns that newer versions added.

use std::io::BufRead as _;

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::Format;
use crate::format::table::{Table, delimiter};
use crate::input::Text;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "openvas-csv",
    title: "OpenVAS/Greenbone CSV",
    example: "IP,Hostname,Port,Port Protocol,CVSS,Severity,QoD,Solution Type,NVT Name,Summary,Specific Result,NVT OID,CVEs\n\
              192.0.2.7,h,443,tcp,9.8,High,80,VendorFix,Old server,,,1.3.6.1.4.1.25623.1.0.1,CVE-2024-0001\n",
    detect: |head| delimiter(head, &["ip", "nvt name"]).is_some(),
    read,
};

fn read(mut text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "openvas".to_owned();
    let head = String::from_utf8_lossy(text.fill_buf()?).into_owned();
    let mut table = Table::open(text, delimiter(&head, &["ip", "nvt name"]).unwrap_or(b','))?;
    while table.next()? {
        let task = table.text(&["task name"]);
        if sink.scanning.scan.policy.is_empty() && !task.is_empty() {
            sink.scanning.scan.policy = task.to_owned();
        }
        sink.take(finding(&table))?;
    }
    // A table names no hosts without findings: nothing can be closed by it.
    Ok(())
}

fn finding(row: &Table<'_>) -> Finding {
    let text = |name: &str| row.text(&[name]).to_owned();
    let (oid, name) = (text("nvt oid"), text("nvt name"));
    let mut finding = Finding {
        scanner: "openvas".to_owned(),
        check: if oid.is_empty() { name.clone() } else { oid },
        title: name,
        host: Host { target: text("ip"), address: text("ip"), name: text("hostname"), ..Host::default() },
        port: finding::port(row.text(&["port"])),
        protocol: text("port protocol").to_ascii_lowercase(),
        rated: rated(row),
        scores: Score::read("", row.text(&["cvss"]), "", "").into_iter().collect(),
        description: text("summary"),
        solution: text("solution"),
        evidence: finding::evidence(row.text(&["specific result"])),
        references: row.text(&["other references"]).split_whitespace().map(str::to_owned).collect(),
        confidence: row.text(&["qod"]).parse().ok().filter(|qod| *qod <= 100),
        at_ms: time_ms(row.text(&["timestamp"])),
        ..Finding::default()
    };
    finding::add_ids(&mut finding.ids, row.text(&["cves"]));
    finding
}

fn rated(row: &Table<'_>) -> Rated {
    let number = row.text(&["cvss"]).parse().ok().and_then(Severity::from_score);
    let severity = number.or_else(|| Severity::from_word(row.text(&["severity"])));
    severity.map_or_else(Rated::default, |severity| Rated::new(severity, "openvas"))
}
