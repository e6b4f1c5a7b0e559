//! Nessus CSV: exports of Nessus in any choice of columns, and of Tenable's cloud. Nessus writes a row per CVE: rows of one
//! finding follow one another and become one.

use std::io::BufRead as _;

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::Format;
use crate::format::table::{Table, delimiter};
use crate::input::Text;
use crate::key::key;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "nessus-csv",
    title: "Nessus CSV",
    example: "Plugin ID,CVE,CVSS,Risk,Host,Protocol,Port,Name,Synopsis,Description,Solution,See Also,Plugin Output\n\
              42873,CVE-2016-2183,5.0,Medium,192.0.2.7,tcp,443,SSL Medium Strength,,,,,\n",
    detect: |head| separator(head).is_some(),
    read,
};

fn separator(head: &str) -> Option<u8> {
    delimiter(head, &["plugin id", "host"])
        .or_else(|| delimiter(head, &["plugin", "plugin name", "ip address"]))
        .or_else(|| delimiter(head, &["definition.id", "definition.name"]))
}

fn read(mut text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nessus".to_owned();
    let head = String::from_utf8_lossy(text.fill_buf()?).into_owned();
    let mut table = Table::open(text, separator(&head).unwrap_or(b','))?;
    let mut last: Option<Finding> = None;
    while table.next()? {
        let finding = finding(&table);
        match &mut last {
            Some(known) if key(known) == key(&finding) && known.evidence == finding.evidence => {
                finding.ids.iter().for_each(|id| finding::add_ids(&mut known.ids, id));
            }
            _ => {
                let before = last.replace(finding);
                before.map_or(Ok(()), |finding| sink.take(finding))?;
            }
        }
    }
    // A table names neither the hosts without findings nor the policy: nothing can be closed by it.
    last.map_or(Ok(()), |finding| sink.take(finding))
}

fn finding(row: &Table<'_>) -> Finding {
    let text = |names: &[&str]| row.text(names).to_owned();
    let target = text(&["host", "ip address", "asset.display_ipv4_address", "asset.host_name", "asset.name"]);
    let target =
        if target.is_empty() { text(&["dns name", "asset.name", "asset.host_name"]) } else { target };
    let description = text(&["description", "", "definition.description"]);
    let mut finding = Finding {
        scanner: "nessus".to_owned(),
        check: text(&["plugin id", "plugin", "definition.id"]),
        item: compliance_item(&description),
        title: text(&["name", "plugin name", "definition.name"]),
        host: Host {
            address: if finding::is_address(&target) { target.clone() } else { String::new() },
            name: text(&["fqdn", "dns name", "asset.display_fqdn"]),
            mac: text(&["mac address", "asset.display_mac_address"]).to_ascii_lowercase(),
            os: text(&["os", "asset.operating_system"]),
            target,
            ..Host::default()
        },
        port: finding::port(row.text(&["port"])),
        protocol: text(&["protocol"]).to_ascii_lowercase(),
        rated: rated(row),
        scores: scores(row),
        family: text(&["plugin family", "family", "definition.family"]),
        solution: text(&["solution", "steps to remediate", "definition.solution"]),
        evidence: finding::evidence(row.text(&["plugin output", "plugin text", "output"])),
        references: row
            .text(&["see also", "definition.see_also"])
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        at_ms: time_ms(row.text(&["host end", "last seen", "last_seen", "last observed"])),
        ..Finding::default()
    };
    finding.description =
        if description.is_empty() { text(&["synopsis", "definition.synopsis"]) } else { description };
    finding::add_ids(&mut finding.ids, row.text(&["cve", "definition.cve"]));
    finding.weaknesses.extend(finding::weakness(row.text(&["cwe", "definition.cwe"])));
    finding
}

/// The audit item of a compliance result, which the XML has in an element of its own: `"1.1 Ensure ...": [FAILED]`.
fn compliance_item(description: &str) -> String {
    let item = description
        .strip_prefix('"')
        .and_then(|rest| rest.split_once("\" :").or_else(|| rest.split_once("\":")));
    item.filter(|(_, rest)| rest.trim_start().starts_with('['))
        .map_or(String::new(), |(item, _)| item.trim().to_owned())
}

fn rated(row: &Table<'_>) -> Rated {
    let word = row.text(&["risk", "severity", "risk factor", "definition.severity"]);
    Severity::from_word(word).map_or_else(Rated::default, |severity| Rated::new(severity, "nessus"))
}

fn scores(row: &Table<'_>) -> Vec<Score> {
    let columns: [(&str, &[&str], &[&str]); 3] = [
        (
            "2.0",
            &["cvss", "cvss v2.0 base score", "cvss v2 base score", "definition.cvss2.base_score"],
            &["cvss v2 vector", "definition.cvss2.base_vector"],
        ),
        (
            "3",
            &["cvss v3.0 base score", "cvss v3 base score", "definition.cvss3.base_score"],
            &["cvss v3 vector", "definition.cvss3.base_vector"],
        ),
        ("4.0", &["cvss v4.0 base score", "cvss v4 base score"], &["cvss v4 vector"]),
    ];
    columns
        .iter()
        .filter_map(|(version, base, vector)| Score::read(version, row.text(base), row.text(vector), ""))
        .collect()
}
