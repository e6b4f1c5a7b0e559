//! The syslog lines of VAtoELSA, for those who still parse them: `<29>nessus: IP: .. | Port: ..`.

use std::io::{self, Write};

use super::output::{Output, Writer, visible};
use crate::finding::Finding;

pub(super) const OUTPUT: Output =
    Output { name: "elsa", title: "the syslog lines of VAtoELSA", raw: true, open: || Box::new(Elsa) };

struct Elsa;

impl Writer for Elsa {
    fn finding(&mut self, finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
        match line(finding) {
            // A line is one line: texts that hold line ends would tear it.
            Some(line) => writeln!(out, "{}", visible(&line.replace('\r', "").replace('\n', " "))),
            None => Ok(()),
        }
    }
}

/// The line of a finding, as the script would send it, line ends inside included.
pub(super) fn line(finding: &Finding) -> Option<String> {
    if finding.raw.is_empty() {
        return None;
    }
    match finding.scanner.as_str() {
        "nessus" => Some(nessus(finding)),
        "openvas" => Some(openvas(finding)),
        "nmap" => Some(nmap(finding)),
        "nikto" => nikto(finding),
        _ => None,
    }
}

fn field<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    finding.raw.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn nessus(finding: &Finding) -> String {
    let of = |name: &str| field(finding, name).unwrap_or_default();
    let mut line = format!(
        "<29>nessus: IP: {} | Port: {} | SVC: {} | Protocol: {} | Severity: {} | NID: {} | Plugin Name: {} | Plugin Family: {}",
        of("host"),
        of("port"),
        of("svc_name"),
        of("protocol"),
        of("severity"),
        of("pluginID"),
        of("pluginName"),
        of("pluginFamily"),
    );
    for (name, value) in &finding.raw {
        let title = match name.as_str() {
            "bid" => "bid",
            "cve" => "CVE",
            "cvss_base_score" => "CVSS Base Score",
            "cvss_temporal_score" => "CVSS Temporal Score",
            "cvss_vector" => "CVSS Vector",
            "exploit_available" => "Public Exploit Available",
            "plugin_modification_date" => "Plugin Modification Date",
            "plugin_type" => "Plugin Type",
            "risk_factor" => "Risk Factor",
            "see_also" => "See also",
            "synopsis" => "Synopsis",
            "xref" => "xref",
            _ => continue,
        };
        line.push_str(&format!(" | {title}: {value}"));
    }
    line
}

fn openvas(finding: &Finding) -> String {
    if let Some(service) = field(finding, "open-port") {
        let port = finding.port.unwrap_or(0);
        return format!(
            "<29>openvas_nmap: {} | {service} | {port} | {}",
            finding.host.target, finding.protocol
        );
    }
    let mut line = format!(
        "<29>openvas: Host: {} | OID: {}",
        finding.host.target,
        field(finding, "oid").unwrap_or_default()
    );
    for (name, value) in &finding.raw {
        if let Some(name) = name.strip_prefix("nvt:") {
            line.push_str(&format!(" | {name}: {}", if value.is_empty() { "None" } else { value }));
        }
    }
    let description = field(finding, "description").unwrap_or_default().replace('\n', "");
    line + &format!(" | Description: {description}")
}

fn nmap(finding: &Finding) -> String {
    let of = |name: &str| field(finding, name);
    format!(
        "<29>nmap: IP: {} | Hostname: {} | Port: {} | Protocol: {} | Service: {} | ",
        finding.host.target,
        // Of several names the script kept the last.
        finding
            .raw
            .iter()
            .rev()
            .find(|(name, _)| name == "hostname")
            .map_or("Hostname not found", |(_, name)| name),
        of("portid").unwrap_or_default(),
        of("protocol").unwrap_or_default(),
        of("service").unwrap_or_default(),
    )
}

fn nikto(finding: &Finding) -> Option<String> {
    let document = super::vulntoes::document(finding)?;
    let of =
        |name: &str| document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    Some(format!(
        "<29>nikto: OSVDBID: {} | Method: {} | Description: {} | URI: {} | Hostname: {} | Source Port: {} | Site: {} | Source IP: {}",
        of("osvdbid"),
        of("method"),
        of("description"),
        of("uri"),
        of("hostname"),
        of("srcport"),
        of("site"),
        of("srcip"),
    ))
}
