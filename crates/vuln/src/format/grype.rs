//! Grype JSON. It names what was scanned after the matches, so these wait in memory until then.

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
    name: "grype",
    title: "Grype JSON",
    example: r#"{"matches":[{"vulnerability":{"id":"CVE-2024-0001","namespace":"debian:distro:debian:12","severity":"High",
"fix":{"versions":["3.0.13"],"state":"fixed"}},"artifact":{"name":"openssl","version":"3.0.11","type":"deb"}}],
"source":{"type":"image","target":{"userInput":"shop:1.2"}},"descriptor":{"name":"grype"}}"#,
    detect: |head| {
        json_with(head, &["matches"])
            && (head.contains("\"vulnerability\"") || head.contains("\"descriptor\""))
    },
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "grype".to_owned();
    sink.scanning.scan.checks = Checks::All;
    let wanted: &[json::Place] = &[&["matches", "*"], &["source"], &["descriptor", "timestamp"]];
    let (mut waiting, mut host, mut at_ms) = (Vec::new(), Host::default(), None);
    let read = json::walk(text, wanted, sink, &mut |_, place, value| {
        match place {
            0 => waiting.push(finding(&value)),
            1 => host = source(&value),
            _ => at_ms = time_ms(value.as_str().unwrap_or_default()),
        }
        Ok(())
    });
    if host.target.is_empty() {
        host.target = "unknown".to_owned();
    }
    for finding in waiting {
        sink.take(Finding { host: host.clone(), at_ms, ..finding })?;
    }
    read?;
    sink.scanned(&host, None);
    sink.scanning.time(at_ms);
    sink.complete = true;
    Ok(())
}

fn source(source: &Value) -> Host {
    let target = [&["target", "userInput"][..], &["target"], &["target", "name"]]
        .into_iter()
        .map(|path| json::text(source, path))
        .find(|text| !text.is_empty());
    let kind = if json::text(source, &["type"]) == "image" { HostKind::Container } else { HostKind::Code };
    Host { target: target.unwrap_or_default(), kind, ..Host::default() }
}

fn finding(entry: &Value) -> Finding {
    let text = |path: &[&str]| json::text(entry, path);
    let id = text(&["vulnerability", "id"]);
    let severity = Severity::from_word(&text(&["vulnerability", "severity"]));
    let source = text(&["vulnerability", "namespace"]);
    let mut finding = Finding {
        scanner: "grype".to_owned(),
        check: id.clone(),
        title: format!("{id} in {}", text(&["artifact", "name"])),
        rated: severity.map_or_else(Rated::default, |severity| Rated::new(severity, source)),
        family: text(&["artifact", "type"]),
        description: text(&["vulnerability", "description"]),
        references: json::texts(entry, &["vulnerability", "urls"]),
        scores: json::items(entry, &["vulnerability", "cvss"]).filter_map(score).collect(),
        component: Some(Component {
            name: text(&["artifact", "name"]),
            version: text(&["artifact", "version"]),
            fixed: json::texts(entry, &["vulnerability", "fix", "versions"]).join(", "),
            purl: text(&["artifact", "purl"]),
        }),
        ..Finding::default()
    };
    // A package of the operating system has no place; others are told apart by where they lie.
    if !matches!(finding.family.as_str(), "deb" | "rpm" | "apk" | "alpm") {
        let place = json::items(entry, &["artifact", "locations"]).next();
        finding.path = place.map_or_else(String::new, |place| json::text(place, &["path"]));
    }
    finding::add_ids(&mut finding.ids, &id);
    for related in json::items(entry, &["relatedVulnerabilities"]) {
        finding::add_ids(&mut finding.ids, &json::text(related, &["id"]));
    }
    finding
}

fn score(rating: &Value) -> Option<Score> {
    let text = |path: &[&str]| json::text(rating, path);
    Score::read(&text(&["version"]), &text(&["metrics", "baseScore"]), &text(&["vector"]), &text(&["source"]))
}
