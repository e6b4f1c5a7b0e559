//! OpenSCAP: XCCDF results, alone, in their benchmark, or in an ARF collection. Rules that failed are findings.

use std::collections::HashMap;

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, root};
use crate::input::Text;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;
use crate::xml::{Element, Step, Xml};

pub(crate) const FORMAT: Format = Format {
    name: "openscap",
    title: "OpenSCAP (XCCDF, ARF)",
    example: r#"<Benchmark><Rule id="rule_telnet" severity="high"><title>Remove telnet</title></Rule>
<TestResult end-time="2025-03-11T10:22:33"><profile idref="cis"/><target>web</target><target-address>192.0.2.7</target-address>
<rule-result idref="rule_telnet" severity="high"><result>fail</result></rule-result></TestResult></Benchmark>"#,
    detect: |head| matches!(root(head), "Benchmark" | "TestResult" | "asset-report-collection"),
    read,
};

#[derive(Default)]
struct State {
    host: Host,
    at_ms: Option<i64>,
    rules: HashMap<String, (String, String)>,
    in_test: bool,
}

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "openscap".to_owned();
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
    sink.scanned(&state.host, None);
    sink.complete = state.in_test;
    Ok(())
}

fn open(xml: &mut Xml<Text<'_>>, state: &mut State, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    match xml.tag().name() {
        "TestResult" => {
            state.in_test = true;
            state.at_ms = time_ms(xml.tag().attribute("end-time"));
            sink.scanning.time(state.at_ms);
        }
        "Rule" => {
            let rule = xml.record()?;
            let fix = rule.text_of("fixtext").to_owned();
            state.rules.insert(rule.attribute("id").to_owned(), (rule.text_of("title").to_owned(), fix));
        }
        "profile" if state.in_test => sink.scanning.scan.policy = xml.record()?.attribute("idref").to_owned(),
        "target" if state.in_test => {
            let name = xml.record()?.text().to_owned();
            state.host = Host { target: name.clone(), name, ..Host::default() };
        }
        "target-address" if state.in_test => address(xml.record()?.text(), &mut state.host),
        "rule-result" if state.in_test => rule_result(xml.record()?, state, sink)?,
        _ => {}
    }
    Ok(())
}

/// A machine reports all of its addresses, loopback first: the first that others can reach is its own.
fn address(text: &str, host: &mut Host) {
    let reachable =
        text.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified());
    if reachable && host.address.is_empty() {
        text.clone_into(&mut host.address);
    }
}

fn rule_result(result: Element<'_>, state: &State, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let id = result.attribute("idref");
    match result.text_of("result") {
        "pass" | "fixed" => {
            sink.ran(id);
            Ok(())
        }
        "fail" => sink.take(finding(result, id, state)),
        _ => Ok(()),
    }
}

fn finding(result: Element<'_>, id: &str, state: &State) -> Finding {
    let (title, fix) = state.rules.get(id).cloned().unwrap_or_default();
    let severity = Severity::from_word(result.attribute("severity"));
    let mut finding = Finding {
        scanner: "openscap".to_owned(),
        check: id.to_owned(),
        title: if title.is_empty() { id.to_owned() } else { title },
        host: state.host.clone(),
        solution: fix,
        at_ms: time_ms(result.attribute("time")).or(state.at_ms),
        rated: severity.map_or_else(Rated::default, |severity| Rated::new(severity, "openscap")),
        ..Finding::default()
    };
    for ident in result.all("ident") {
        if ident.text().starts_with("CVE-") {
            finding::add_ids(&mut finding.ids, ident.text());
        } else {
            finding.references.push(ident.text().to_owned());
        }
    }
    finding
}
