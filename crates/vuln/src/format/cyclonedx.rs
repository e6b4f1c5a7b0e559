//! CycloneDX JSON, 1.4 and later: vulnerabilities of a bill of materials, and what an analysis (VEX) says of them.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::ReadError;
use crate::finding::{self, Component, Finding, Host, HostKind};
use crate::format::kind::{Format, json_with};
use crate::input::Text;
use crate::json;
use crate::scan::Checks;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "cyclonedx",
    title: "CycloneDX JSON",
    example: r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"component":{"name":"shop"}},
"components":[{"bom-ref":"a","name":"openssl","version":"3.0.11","purl":"pkg:deb/debian/openssl@3.0.11"}],
"vulnerabilities":[{"id":"CVE-2024-0001","ratings":[{"severity":"high","source":{"name":"nvd"}}],"affects":[{"ref":"a"}]}]}"#,
    detect: |head| json_with(head, &["bomFormat"]),
    read,
};

const WANTED: &[json::Place] = &[&["metadata"], &["components", "*"], &["vulnerabilities", "*"]];

#[derive(Default)]
struct Bom {
    host: Host,
    tool: String,
    at_ms: Option<i64>,
    components: HashMap<String, Component>,
}

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.checks = Checks::All;
    let mut bom = Bom { tool: "cyclonedx".to_owned(), ..Bom::default() };
    bom.host = Host { target: "unknown".to_owned(), kind: HostKind::Code, ..Host::default() };
    sink.scanning.scan.scanner.clone_from(&bom.tool);
    json::walk(text, WANTED, sink, &mut |sink, place, value| match place {
        0 => {
            metadata(&mut bom, &value);
            sink.scanning.time(bom.at_ms);
            Ok(())
        }
        1 => {
            remember(&mut bom.components, &value);
            Ok(())
        }
        _ => vulnerability(&value, &bom, sink),
    })?;
    sink.scanned(&bom.host, None);
    sink.complete = true;
    Ok(())
}

fn metadata(bom: &mut Bom, metadata: &Value) {
    bom.at_ms = time_ms(&json::text(metadata, &["timestamp"]));
    let name = json::text(metadata, &["component", "name"]);
    if !name.is_empty() {
        bom.host.target = name;
    }
    if json::text(metadata, &["component", "type"]) == "container" {
        bom.host.kind = HostKind::Container;
    }
}

/// Components may hold components.
fn remember(components: &mut HashMap<String, Component>, component: &Value) {
    let text = |name: &str| json::text(component, &[name]);
    let known = Component {
        name: text("name"),
        version: text("version"),
        purl: text("purl"),
        ..Component::default()
    };
    let reference = [text("bom-ref"), text("purl")].into_iter().find(|reference| !reference.is_empty());
    components.insert(reference.unwrap_or_default(), known);
    json::items(component, &["components"]).for_each(|inner| remember(components, inner));
}

fn vulnerability(entry: &Value, bom: &Bom, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    let state = json::text(entry, &["analysis", "state"]);
    if matches!(state.as_str(), "not_affected" | "false_positive" | "resolved" | "resolved_with_pedigree") {
        sink.warn("vulnerabilities that their analysis calls not affected, false positive or resolved were left out");
        return Ok(());
    }
    let finding = described(entry, bom);
    let mut affected = json::items(entry, &["affects"]).peekable();
    if affected.peek().is_none() {
        return sink.take(finding);
    }
    for affected in affected {
        let reference = json::text(affected, &["ref"]);
        let component = bom.components.get(&reference).cloned().unwrap_or_else(|| from_reference(&reference));
        sink.take(Finding { component: Some(component), ..finding.clone() })?;
    }
    Ok(())
}

/// A reference that names no component is often its package URL, at least in its last part.
fn from_reference(reference: &str) -> Component {
    let purl = reference.find("pkg:").map_or("", |start| &reference[start..]);
    let path = purl.split(['@', '?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = if name.is_empty() { reference } else { name };
    Component { name: name.to_owned(), purl: purl.to_owned(), ..Component::default() }
}

fn described(entry: &Value, bom: &Bom) -> Finding {
    let text = |path: &[&str]| json::text(entry, path);
    let id = text(&["id"]);
    let mut finding = Finding {
        scanner: bom.tool.clone(),
        title: id.clone(),
        host: bom.host.clone(),
        description: [text(&["description"]), text(&["detail"])].join("\n").trim().to_owned(),
        solution: text(&["recommendation"]),
        at_ms: bom.at_ms,
        rated: rated(entry),
        scores: json::items(entry, &["ratings"]).filter_map(score).collect(),
        references: json::items(entry, &["advisories"])
            .map(|advisory| json::text(advisory, &["url"]))
            .collect(),
        ..Finding::default()
    };
    finding::add_ids(&mut finding.ids, &id);
    for reference in json::items(entry, &["references"]) {
        finding::add_ids(&mut finding.ids, &json::text(reference, &["id"]));
    }
    let cwes = json::items(entry, &["cwes"]).filter_map(|cwe| finding::weakness(&cwe.to_string()));
    finding.weaknesses = cwes.collect();
    finding.check = id;
    finding
}

/// The worst of the ratings, and whose it is.
fn rated(entry: &Value) -> Rated {
    let rating = |rating: &Value| {
        let score = json::text(rating, &["score"]).parse().ok().and_then(Severity::from_score);
        let severity = Severity::from_word(&json::text(rating, &["severity"])).or(score)?;
        Some(Rated::new(severity, json::text(rating, &["source", "name"])))
    };
    json::items(entry, &["ratings"]).filter_map(rating).max_by_key(|rated| rated.severity).unwrap_or_default()
}

fn score(rating: &Value) -> Option<Score> {
    let text = |path: &[&str]| json::text(rating, path);
    let version = match text(&["method"]).as_str() {
        "CVSSv2" => "2.0",
        "CVSSv3" => "3.0",
        "CVSSv31" => "3.1",
        "CVSSv4" => "4.0",
        _ => return None,
    };
    Score::read(version, &text(&["score"]), &text(&["vector"]), &text(&["source", "name"]))
}
