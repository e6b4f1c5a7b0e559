//! Nuclei: JSON lines, or a list.

use serde_json::Value;

use crate::error::ReadError;
use crate::finding::{self, Finding, Host};
use crate::format::kind::{Format, json_with};
use crate::input::Text;
use crate::json;
use crate::key::host_name;
use crate::score::Score;
use crate::severity::{Rated, Severity};
use crate::sink::Sink;
use crate::when::time_ms;

pub(crate) const FORMAT: Format = Format {
    name: "nuclei",
    title: "Nuclei JSON lines",
    example: r#"{"template-id":"CVE-2021-44228","info":{"name":"Log4j","severity":"critical","classification":{"cve-id":["CVE-2021-44228"],
"cvss-score":10}},"type":"http","host":"https://shop.example.test","matched-at":"https://shop.example.test/login","ip":"192.0.2.7",
"timestamp":"2025-03-11T10:22:33Z"}"#,
    detect: |head| json_with(head, &["template-id", "info"]) || json_with(head, &["templateID", "info"]),
    read,
};

fn read(text: Text<'_>, sink: &mut Sink<'_>) -> Result<(), ReadError> {
    sink.scanning.scan.scanner = "nuclei".to_owned();
    // What found nothing is not in the report, and neither are the hosts: nothing can be closed by it.
    json::walk(text, &[&["*"], &[]], sink, &mut |sink, _, value| sink.take(finding(&value)))
}

fn finding(entry: &Value) -> Finding {
    let text = |path: &[&str]| json::text(entry, path);
    let matched = [text(&["matched-at"]), text(&["matched"]), text(&["url"]), text(&["host"])];
    let matched = matched.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let target = text(&["host"]);
    let name = host_name(if target.contains("://") {
        &target
    } else {
        target.split(':').next().unwrap_or_default()
    });
    let severity = Severity::from_word(&text(&["info", "severity"]));
    let mut finding = Finding {
        scanner: "nuclei".to_owned(),
        check: [text(&["template-id"]), text(&["templateID"])]
            .into_iter()
            .find(|id| !id.is_empty())
            .unwrap_or_default(),
        item: [text(&["matcher-name"]), text(&["extractor-name"])]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default(),
        title: text(&["info", "name"]),
        host: Host { address: text(&["ip"]), target: name.clone(), name, ..Host::default() },
        port: port(entry, &matched),
        protocol: "tcp".to_owned(),
        service: text(&["type"]),
        path: path(&matched),
        rated: severity.map_or_else(Rated::default, |severity| Rated::new(severity, "nuclei")),
        description: text(&["info", "description"]),
        solution: text(&["info", "remediation"]),
        evidence: finding::evidence(&json::texts(entry, &["extracted-results"]).join("\n")),
        family: json::texts(entry, &["info", "tags"]).join(","),
        references: json::texts(entry, &["info", "reference"]),
        at_ms: time_ms(&text(&["timestamp"])),
        ..Finding::default()
    };
    let classes = ["info", "classification"];
    for id in json::texts(entry, &[classes[0], classes[1], "cve-id"]) {
        finding::add_ids(&mut finding.ids, &id);
    }
    finding.weaknesses = json::texts(entry, &[classes[0], classes[1], "cwe-id"])
        .iter()
        .filter_map(|cwe| finding::weakness(cwe))
        .collect();
    let (number, vector) =
        (text(&["info", "classification", "cvss-score"]), text(&["info", "classification", "cvss-metrics"]));
    finding.scores.extend(Score::read("3", &number, &vector, "nuclei"));
    finding
}

fn path(matched: &str) -> String {
    let rest = matched.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or(String::new(), |start| rest[start..].to_owned())
}

fn port(entry: &Value, matched: &str) -> Option<u16> {
    let stated = finding::port(&json::text(entry, &["port"]));
    let authority =
        matched.split_once("://").map_or(matched, |(_, rest)| rest).split('/').next().unwrap_or_default();
    let written = || authority.rsplit_once(':').and_then(|(_, port)| finding::port(port));
    let default = || match matched.split_once("://")?.0 {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    };
    stated.or_else(written).or_else(default)
}
