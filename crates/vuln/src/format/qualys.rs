//! Qualys XML: scan results (`SCAN`) and the detections of hosts (`HOST_LIST_VM_DETECTION_OUTPUT`).

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::input::Text;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "qualys",
    title: "Qualys XML",
    example: r#"<SCAN value="scan/1"><HEADER><KEY value="DATE">2025-03-11T10:22:33Z</KEY></HEADER><IP value="192.0.2.7" name="web"><VULNS>
<CAT value="Web server" port="443" protocol="tcp"><VULN number="38170" severity="5" cveid="CVE-2024-0001"><TITLE>Old server</TITLE></VULN>
</CAT></VULNS></IP></SCAN>"#,
    detect: |head| matches!(root(head), "SCAN" | "HOST_LIST_VM_DETECTION_OUTPUT"),
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "qualys".to_owned();
    let mut xml = Xml::new(text);
    let mut state = State::default();
    loop {
        match xml.step()? {
            Step::Open => open(&mut xml, &mut state, sink)?,
            Step::Close => {}
            Step::End => break,
        }
    }
    sink.warn_of(xml.warnings());
    sink.complete = true;
    Ok(())
}

#[derive(Default)]
struct State {
    host: Host,
    at_ms: Option<i64>,
    place: Place,
}

/// A category groups the results of one service.
#[derive(Default)]
struct Place {
    family: String,
    port: Option<u16>,
    protocol: String,
}

fn open(xml: &mut Xml<Text<'_>>, state: &mut State, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    match xml.tag().name() {
        "KEY" => {
            let key = xml.record()?;
            match key.attribute("value") {
                "DATE" => {
                    state.at_ms = time_ms(key.text());
                    sink.scanning.time(state.at_ms);
                }
                "OPTION_PROFILE" | "TITLE" => sink.scanning.scan.policy = key.text().to_owned(),
                _ => {}
            }
        }
        "IP" if !xml.tag().attribute("value").is_empty() => {
            let (address, name) =
                (xml.tag().attribute("value").to_owned(), xml.tag().attribute("name").to_owned());
            state.host = Host { target: address.clone(), address, name, ..Host::default() };
            sink.scanned(&state.host, None);
        }
        "OS" => state.host.os = xml.record()?.text().to_owned(),
        "CAT" => state.place = place(xml.tag()),
        "VULN" | "INFO" | "PRACTICE" => {
            let finding = result(xml.record()?, state);
            sink.take(finding)?;
        }
        "HOST" => detected(xml.record()?, sink)?,
        _ => {}
    }
    Ok(())
}

fn place(tag: Element<'_>) -> Place {
    Place {
        family: tag.attribute("value").to_owned(),
        port: finding::port(tag.attribute("port")),
        protocol: tag.attribute("protocol").to_ascii_lowercase(),
    }
}

/// Qualys counts from 1 (minimal) to 5 (urgent).
fn rated(level: &str) -> Rated {
    let level: Option<u8> = level.trim().parse().ok();
    let severity = level.and_then(|level| level.checked_sub(1)).and_then(Severity::from_level);
    severity.map_or_else(Rated::default, |severity| Rated::new(severity, "qualys"))
}

fn result(entry: Element<'_>, state: &State) -> Finding {
    let mut finding = Finding {
        scanner: "qualys".to_owned(),
        check: entry.attribute("number").to_owned(),
        title: entry.text_of("TITLE").to_owned(),
        host: state.host.clone(),
        port: state.place.port,
        protocol: state.place.protocol.clone(),
        family: state.place.family.clone(),
        description: entry.text_of("DIAGNOSIS").to_owned(),
        solution: entry.text_of("SOLUTION").to_owned(),
        evidence: finding::evidence(entry.text_of("RESULT")),
        // What was found out, as opposed to what is wrong, has a level of its own scale.
        rated: if entry.name() == "INFO" {
            Rated::new(Severity::Info, "qualys")
        } else {
            rated(entry.attribute("severity"))
        },
        scores: Score::read("2.0", entry.text_of("CVSS_BASE"), "", "qualys").into_iter().collect(),
        at_ms: state.at_ms,
        ..Finding::default()
    };
    finding.scores.extend(Score::read("3", entry.text_of("CVSS3_BASE"), "", "qualys"));
    finding::add_ids(&mut finding.ids, entry.attribute("cveid"));
    for id in entry.descendants("ID").filter(|id| id.text().starts_with("CVE-")) {
        finding::add_ids(&mut finding.ids, id.text());
    }
    finding
}

fn detected(host: Element<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let address = host.text_of("IP").to_owned();
    let at_ms = time_ms(host.text_of("LAST_SCAN_DATETIME"));
    let on = Host {
        target: address.clone(),
        address,
        name: host.text_of("DNS").to_owned(),
        os: host.text_of("OS").to_owned(),
        ..Host::default()
    };
    for entry in host.descendants("DETECTION").filter(|entry| entry.text_of("STATUS") != "Fixed") {
        let info = entry.text_of("TYPE") == "Info";
        let finding = Finding {
            scanner: "qualys".to_owned(),
            check: entry.text_of("QID").to_owned(),
            title: format!("QID {}", entry.text_of("QID")),
            host: on.clone(),
            port: finding::port(entry.text_of("PORT")),
            protocol: entry.text_of("PROTOCOL").to_ascii_lowercase(),
            evidence: finding::evidence(entry.text_of("RESULTS")),
            rated: if info { Rated::new(Severity::Info, "qualys") } else { rated(entry.text_of("SEVERITY")) },
            at_ms,
            ..Finding::default()
        };
        sink.take(finding)?;
    }
    sink.scanned(&on, None);
    Ok(())
}
