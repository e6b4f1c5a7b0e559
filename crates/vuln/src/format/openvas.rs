//! OpenVAS and Greenbone: XML reports of all generations, from the old manager to GMP 22, alone, nested, or in a protocol
//! response.

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::format::nessus_v1::old_port;
use crate::input::Text;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "openvas",
    title: "OpenVAS/Greenbone XML",
    example: r#"<report id="1"><report id="2"><results><result id="r"><host>192.0.2.7</host><port>443/tcp</port>
<nvt oid="1.3.6.1.4.1.25623.1.0.1"><name>Old server</name><refs><ref type="cve" id="CVE-2024-0001"/></refs></nvt>
<threat>High</threat><severity>9.8</severity></result></results></report></report>"#,
    detect: |head| {
        matches!(
            root(head),
            "report" | "get_reports_response" | "result" | "get_results_response" | "results"
        )
    },
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "openvas".to_owned();
    let mut xml = Xml::new(text);
    let mut state = State::default();
    loop {
        match xml.step()? {
            Step::Open => open(&mut xml, &mut state, sink)?,
            Step::Close => {}
            Step::End => break,
        }
    }
    sink.complete = state.done && !state.paged;
    sink.warn_of(xml.warnings());
    Ok(())
}

#[derive(Default)]
struct State {
    at_ms: Option<i64>,
    done: bool,
    paged: bool,
}

fn open(xml: &mut Xml<Text<'_>>, state: &mut State, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    match xml.tag().name() {
        "report" | "get_reports_response" | "get_results_response" | "ports" | "results" => {}
        "task" => {
            let task = xml.record()?.text_of("name").to_owned();
            if !task.is_empty() {
                sink.scanning.scan.policy = task;
            }
        }
        "scan_run_status" => state.done = xml.record()?.text() == "Done",
        "scan_start" | "timestamp" | "creation_time" => {
            let at_ms = time_ms(xml.record()?.text());
            state.at_ms = state.at_ms.or(at_ms);
            sink.scanning.time(at_ms);
        }
        "scan_end" => {
            state.at_ms = time_ms(xml.record()?.text()).or(state.at_ms);
            sink.scanning.time(state.at_ms);
        }
        "filters" => filters(xml.record()?, state, sink),
        "host" => host_of_report(xml.record()?, sink),
        "port" => {
            let port = open_port(xml.record()?, state, sink.options.raw);
            port.map_or(Ok(()), |finding| sink.take(finding))?;
        }
        "result" => {
            let finding = finding(xml.record()?, state, sink.options.raw);
            sink.take(finding)?;
        }
        _ => xml.skip()?,
    }
    Ok(())
}

/// A filter bounds what the report shows: levels that it leaves out, and a page of results.
fn filters(filters: Element<'_>, state: &mut State, sink: &mut Sink<'_>) {
    for word in filters.text_of("term").split_whitespace() {
        match word.split_once('=') {
            Some(("levels", levels)) if !levels.is_empty() => {
                sink.scanning.scan.least_level = least_level(levels);
            }
            Some(("rows", rows)) => state.paged = rows.parse::<i64>().is_ok_and(|rows| rows > 0),
            _ => {}
        }
    }
}

fn least_level(levels: &str) -> u8 {
    let level = |c| match c {
        'c' => 4,
        'h' => 3,
        'm' => 2,
        'l' => 1,
        _ => 0,
    };
    levels.chars().map(level).min().unwrap_or(0)
}

/// `<host><ip>..</ip><end>..</end></host>` lists what was scanned to its end.
fn host_of_report(element: Element<'_>, sink: &mut Sink<'_>) {
    let details = || element.all("detail");
    let detail = |name: &str| {
        details()
            .find(|detail| detail.text_of("name") == name)
            .map_or(String::new(), |detail| detail.text_of("value").to_owned())
    };
    let address = element.text_of("ip").to_owned();
    if address.is_empty() || element.text_of("end").is_empty() {
        return;
    }
    sink.scanning.time(time_ms(element.text_of("end")));
    let host = Host { target: address.clone(), address, name: detail("hostname"), ..Host::default() };
    sink.scanned(&host, None);
}

/// Old managers list open ports as `ssh (22/tcp)`; newer ones list ports with results, which come again.
fn open_port(element: Element<'_>, state: &State, raw: bool) -> Option<Finding> {
    let (service, port, protocol) = old_port(element.text());
    let host = host(element.child("host")?);
    if service.is_empty() || port.is_none() {
        return None;
    }
    let mut finding = Finding {
        scanner: "openvas".to_owned(),
        check: "open-port".to_owned(),
        title: format!("Open port {}", element.text()),
        host,
        port,
        protocol,
        service,
        at_ms: state.at_ms,
        rated: Rated::new(Severity::Info, "openvas"),
        ..Finding::default()
    };
    if raw {
        finding.raw.push(("open-port".to_owned(), finding.service.clone()));
    }
    Some(finding)
}

fn host(element: Element<'_>) -> Host {
    let target = element.text().to_owned();
    let address = if finding::is_address(&target) { target.clone() } else { String::new() };
    Host { address, name: element.text_of("hostname").to_owned(), target, ..Host::default() }
}

fn finding(result: Element<'_>, state: &State, raw: bool) -> Finding {
    let (service, port, protocol) = old_port(result.text_of("port"));
    let nvt = result.child("nvt");
    let name = nvt.map_or("", |nvt| nvt.text_of("name"));
    let oid = nvt.map_or("", |nvt| nvt.attribute("oid"));
    let mut finding = Finding {
        scanner: "openvas".to_owned(),
        check: [oid, name, result.text_of("name")]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or("unknown")
            .to_owned(),
        title: [name, result.text_of("name"), oid]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or("unknown")
            .to_owned(),
        host: result.child("host").map(host).unwrap_or_default(),
        service: if port.is_some() { service } else { String::new() },
        port,
        protocol,
        evidence: finding::evidence(result.text_of("description")),
        confidence: result
            .child("qod")
            .and_then(|qod| qod.text_of("value").parse().ok())
            .filter(|qod| *qod <= 100),
        at_ms: time_ms(result.text_of("creation_time")).or(state.at_ms),
        ..Finding::default()
    };
    if let Some(nvt) = nvt {
        describe(&mut finding, nvt);
    }
    finding.rated = rated(result, nvt);
    if raw {
        finding.raw = raw_fields(result, nvt);
    }
    finding
}

/// The numeric severity decides; -1 marks a false positive, which is no risk. The threat's word stands in for a missing number.
fn rated(result: Element<'_>, nvt: Option<Element<'_>>) -> Rated {
    let number: Option<f64> = result.text_of("severity").parse().ok();
    if number.is_some_and(|number| number < 0.0) {
        return Rated::new(Severity::Info, "openvas");
    }
    let word = || Severity::from_word(result.text_of("threat"));
    let base = || nvt.and_then(|nvt| nvt.text_of("cvss_base").parse().ok()).and_then(Severity::from_score);
    match number.and_then(Severity::from_score).or_else(word) {
        Some(severity) => Rated::new(severity, "openvas"),
        None => base().map_or_else(Rated::default, |severity| Rated::new(severity, "openvas cvss_base")),
    }
}

fn describe(finding: &mut Finding, nvt: Element<'_>) {
    let mut vector = "";
    for child in nvt.children() {
        let text = child.text();
        match child.name() {
            "family" => finding.family = text.to_owned(),
            "cve" => finding::add_ids(&mut finding.ids, text),
            "bid" if text != "NOBID" && !text.is_empty() => {
                finding.references.extend(text.split(',').map(|bid| format!("BID:{}", bid.trim())));
            }
            "xref" if text != "NOXREF" => {
                finding
                    .references
                    .extend(text.split(", ").filter(|link| !link.is_empty()).map(str::to_owned));
            }
            "refs" => references(finding, child),
            "solution" if !text.is_empty() => finding.solution = text.to_owned(),
            "tags" => vector = tags(finding, text),
            "severities" => severities(finding, child),
            _ => {}
        }
    }
    if finding.scores.is_empty() {
        finding.scores.extend(Score::read(version_of(vector), nvt.text_of("cvss_base"), vector, ""));
    }
}

fn version_of(vector: &str) -> &'static str {
    if vector.starts_with("CVSS:3") { "3" } else { "2.0" }
}

/// `cvss_base_vector=..|summary=..|insight=..`: the vector is returned.
fn tags<'t>(finding: &mut Finding, text: &'t str) -> &'t str {
    let mut vector = "";
    for (name, value) in text.split('|').filter_map(|tag| tag.split_once('=')) {
        match name.trim() {
            "cvss_base_vector" => vector = value,
            "summary" => finding.description = value.trim().to_owned(),
            "solution" if finding.solution.is_empty() => finding.solution = value.trim().to_owned(),
            _ => {}
        }
    }
    vector
}

fn references(finding: &mut Finding, refs: Element<'_>) {
    for reference in refs.all("ref") {
        match (reference.attribute("type"), reference.attribute("id")) {
            ("cve" | "cve_id", id) => finding::add_ids(&mut finding.ids, id),
            ("url", link) => finding.references.push(link.to_owned()),
            (kind, id) => finding.references.push(format!("{}:{id}", kind.to_ascii_uppercase())),
        }
    }
}

fn severities(finding: &mut Finding, severities: Element<'_>) {
    for severity in severities.all("severity") {
        let vector = severity.text_of("value");
        finding.scores.extend(Score::read(version_of(vector), "", vector, severity.text_of("origin")));
    }
}

fn raw_fields(result: Element<'_>, nvt: Option<Element<'_>>) -> Vec<(String, String)> {
    let own = |element: Element<'_>| (element.name().to_owned(), element.raw_text().to_owned());
    let mut raw = vec![("oid".to_owned(), nvt.map_or("", |nvt| nvt.attribute("oid")).to_owned())];
    raw.extend(nvt.into_iter().flat_map(|nvt| nvt.children()).map(|child| {
        let (name, text) = own(child);
        (format!("nvt:{name}"), text)
    }));
    raw.extend(result.children().filter(|child| child.name() != "nvt").map(own));
    raw
}
