//! Nessus, version 1 of its XML (`NessusClientData`), as Nessus 3 and 4 wrote it: results are elements of elements, and all
//! that a check says is one text.

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::input::Text;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "nessus-v1",
    title: "Nessus XML version 1",
    example: "<NessusClientData><Report><ReportHost><HostName>192.0.2.7</HostName><ReportItem><port>https (443/tcp)</port>\
              <severity>3</severity><pluginID>1</pluginID><pluginName>Old server</pluginName></ReportItem>\
              </ReportHost></Report></NessusClientData>",
    detect: |head| root(head) == "NessusClientData",
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nessus".to_owned();
    let mut xml = Xml::new(text);
    let (mut host, mut at_ms) = (Host::default(), None);
    loop {
        match xml.step()? {
            Step::Open => match xml.tag().name() {
                "NessusClientData" | "Report" | "ReportHost" => {}
                "HostName" => host = Host { target: xml.record()?.text().to_owned(), ..Host::default() },
                "os_name" => host.os = xml.record()?.text().to_owned(),
                "dns_name" => host.name = xml.record()?.text().trim_end_matches('.').replace("\\n", ""),
                "mac_addr" => host.mac = xml.record()?.text().to_ascii_lowercase(),
                "stopTime" => {
                    at_ms = time_ms(xml.record()?.text());
                    if at_ms.is_some() && !host.target.is_empty() {
                        sink.scanned(&host, None);
                        sink.scanning.time(at_ms);
                    }
                }
                "ReportItem" => {
                    // An entry of plugin 0 says that a port is open and no more.
                    let finding = finding(xml.record()?, &host, at_ms);
                    sink.take(finding)?;
                }
                _ => xml.skip()?,
            },
            Step::Close => {}
            Step::End => break,
        }
    }
    sink.complete = true;
    sink.warn_of(xml.warnings());
    Ok(())
}

fn finding(item: Element<'_>, host: &Host, at_ms: Option<i64>) -> Finding {
    let (service, port, protocol) = old_port(item.text_of("port"));
    let data = item.text_of("data").replace("\\n", "\n");
    let check = item.text_of("pluginID");
    let mut finding = Finding {
        scanner: "nessus".to_owned(),
        check: if check == "0" { "open-port".to_owned() } else { check.to_owned() },
        title: item.text_of("pluginName").to_owned(),
        host: host.clone(),
        service,
        port,
        protocol,
        at_ms,
        evidence: finding::evidence(&data),
        ..Finding::default()
    };
    if finding.title.is_empty() {
        finding.title = "Open port".to_owned();
    }
    // In this version 0 means an open port, 1 a note, 2 a warning and 3 a hole.
    finding.rated = match item.text_of("severity") {
        "3" => Rated::new(Severity::High, "nessus"),
        "2" => Rated::new(Severity::Medium, "nessus"),
        "0" | "1" => Rated::new(Severity::Info, "nessus"),
        _ => Rated::default(),
    };
    for word in
        data.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|word| word.starts_with("CVE-"))
    {
        finding::add_ids(&mut finding.ids, word);
    }
    finding
}

/// Service, port and protocol of `https (443/tcp)`, `443/tcp` or `general/tcp`.
pub(crate) fn old_port(text: &str) -> (String, Option<u16>, String) {
    let text = text.trim();
    let (service, place) = match text.split_once('(') {
        Some((service, rest)) => (service.trim(), rest.trim_end_matches(')')),
        None => ("", text),
    };
    let (port, protocol) = place.split_once('/').unwrap_or((place, ""));
    let service = if service.is_empty() && finding::port(port).is_none() { port } else { service };
    (service.to_owned(), finding::port(port), protocol.trim().to_ascii_lowercase())
}
