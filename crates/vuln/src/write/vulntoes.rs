//! The documents of VulntoES, for dashboards that were built on them: one per result of Nessus, OpenVAS, Nmap and Nikto.
//!
//! Not copied are its documents without a result, fields that leak from one port of Nmap to the next, and a hardware address
//! in place of a host's.

use serde_json::{Map, Value};

use super::bulk::Bulk;
use super::output::{Lines, Output};
use crate::finding::Finding;
use crate::when::time_ms;

pub(super) const OUTPUT: Output = Output {
    name: "vulntoes",
    title: "the documents of VulntoES, a JSON document a line",
    raw: true,
    open: || Box::new(Lines(document)),
};

pub(super) const BULK: Output = Output {
    name: "vulntoes-bulk",
    title: "NDJSON for the _bulk endpoint, with the documents of VulntoES",
    raw: true,
    open: || Box::new(Bulk { index: "vulns", document }),
};

/// The document of a finding that was read with [`Options::raw`](crate::Options::raw); `None` for scanners that VulntoES does
/// not know, and for findings that are no result of their own there.
#[must_use]
pub fn document(finding: &Finding) -> Option<Value> {
    if finding.raw.is_empty() {
        return None;
    }
    let mut document = Map::new();
    match finding.scanner.as_str() {
        "nessus" => nessus(finding, &mut document),
        "openvas" => openvas(finding, &mut document),
        "nmap" => nmap(finding, &mut document),
        "nikto" => nikto(finding, &mut document),
        _ => return None,
    }
    document.insert("scanner".to_owned(), finding.scanner.clone().into());
    Some(Value::Object(document))
}

fn seconds(at_ms: Option<i64>) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(at_ms?).ok()?;
    Some(at.strftime("%Y/%m/%d %H:%M:%S").to_string())
}

fn nessus(finding: &Finding, document: &mut Map<String, Value>) {
    let mut lists = [("cve", Vec::new()), ("bid", Vec::new()), ("xref", Vec::new())];
    let (mut host, mut port) = (String::new(), String::new());
    for (name, value) in &finding.raw {
        let mut put = |name: &str, value: Value| drop(document.insert(name.to_owned(), value));
        match name.as_str() {
            "host:operating-system" => put("operating-system", value.clone().into()),
            "host:mac-address" => put("mac-address", value.clone().into()),
            "host:host-fqdn" => put("fqdn", value.clone().into()),
            "host" => {
                host.clone_from(value);
                put("ip", value.clone().into());
            }
            "port" => {
                port.clone_from(value);
                put("port", value.parse::<i64>().map_or(Value::Null, Value::from));
            }
            "cve" | "bid" | "xref" => {
                if let Some((_, list)) = lists.iter_mut().find(|(known, _)| known == name) {
                    list.push(Value::from(value.as_str()));
                }
            }
            "cvss_base_score" => put(name, value.parse::<f64>().map_or(Value::Null, Value::from)),
            "cvss_temporal_score" => put(name, value.parse::<f64>().map_or(Value::Null, Value::from)),
            "exploit_available" => put(name, u8::from(value == "true").into()),
            "svc_name"
            | "protocol"
            | "severity"
            | "pluginID"
            | "pluginName"
            | "pluginFamily"
            | "solution"
            | "risk_factor"
            | "description"
            | "synopsis"
            | "plugin_output"
            | "plugin_version"
            | "see_also"
            | "cvss_vector"
            | "plugin_modification_date"
            | "plugin_type" => put(name, value.clone().into()),
            _ => {}
        }
    }
    for (name, list) in lists {
        document.insert(name.to_owned(), list.into());
    }
    let protocol = finding.raw.iter().find(|(name, _)| name == "protocol").map_or("", |(_, value)| value);
    document.insert("svcid".to_owned(), format!("{host}/{protocol}/{port}").into());
    // The wall clock of the scanner, as the report has it in words.
    let end = finding.raw.iter().find(|(name, _)| name == "host:HOST_END").and_then(|(_, end)| time_ms(end));
    document.extend(seconds(end.or(finding.at_ms)).map(|time| ("time".to_owned(), Value::from(time))));
}

fn openvas(finding: &Finding, document: &mut Map<String, Value>) {
    let mut put = |name: &str, value: &str| drop(document.insert(name.to_owned(), value.into()));
    put("ip", &finding.host.target);
    for (name, value) in &finding.raw {
        // The script wrote Python's None for an empty element.
        let value = if value.is_empty() { "None" } else { value };
        match name.as_str() {
            "open-port" => {
                put("service", value);
                put("port", &finding.port.unwrap_or(0).to_string());
                put("protocol", &finding.protocol);
            }
            "oid" | "port" | "threat" | "severity" | "description" | "scan_nvt_version" => put(name, value),
            _ => {
                if let Some(name) = name.strip_prefix("nvt:") {
                    put(name, value);
                }
            }
        }
    }
}

fn nmap(finding: &Finding, document: &mut Map<String, Value>) {
    let mut put = |name: &str, value: &str| drop(document.insert(name.to_owned(), value.into()));
    put("ip", &finding.host.target);
    for (name, value) in &finding.raw {
        match name.as_str() {
            "endtime" => {
                let at_ms = value.parse::<i64>().ok().and_then(|at| at.checked_mul(1000));
                put("time", &seconds(at_ms).unwrap_or_default());
            }
            "portid" => put("port", value),
            "hostname" | "protocol" | "state" | "service" => put(name, value),
            _ => {
                if let Some(script) = name.strip_prefix("script:") {
                    put(script, value);
                }
            }
        }
    }
}

fn nikto(finding: &Finding, document: &mut Map<String, Value>) {
    let mut put = |name: &str, value: &str| drop(document.insert(name.to_owned(), value.into()));
    for (name, value) in &finding.raw {
        match name.as_str() {
            "osvdbid" | "method" | "description" | "uri" => put(name, value),
            "namelink" => {
                let (site, host, port) = link(value);
                put("site", site);
                put("hostname", host);
                put("srcport", port);
            }
            "iplink" => put("srcip", link(value).1),
            _ => {}
        }
    }
}

/// Site, host and port of `http://localhost:8070/path`; the site has no port.
fn link(link: &str) -> (&str, &str, &str) {
    let start = link.find("://").map_or(0, |at| at + 3);
    let rest = &link[start..];
    let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    (&link[..start + host.len()], host, port)
}
