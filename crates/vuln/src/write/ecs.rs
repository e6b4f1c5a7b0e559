//! Elastic Common Schema 9.1.

use serde_json::{Map, Value, json};

use super::output::{Lines, Output, rfc3339};
use crate::finding::Finding;
use crate::key::key;

pub(super) const OUTPUT: Output = Output {
    name: "ecs",
    title: "Elastic Common Schema 9.1, a JSON document a line",
    raw: false,
    open: || Box::new(Lines(|finding| Some(document(finding)))),
};

/// A finding as a document of ECS. Fields that the finding lacks are absent.
#[must_use]
pub fn document(finding: &Finding) -> Value {
    let mut document = Map::new();
    if let Some(at_ms) = finding.at_ms {
        document.insert("@timestamp".to_owned(), rfc3339(at_ms).into());
    }
    let parts = [
        (
            "event",
            json!({"kind": "state", "category": ["vulnerability"], "type": ["info"], "id": key(finding).to_string()}),
        ),
        ("host", host(finding)),
        ("vulnerability", vulnerability(finding)),
        ("rule", json!({"id": finding.check, "name": finding.title, "category": finding.family})),
        ("destination", json!({"port": finding.port, "ip": finding.host.address})),
        ("network", json!({"transport": finding.protocol})),
        ("service", json!({"name": finding.service})),
        (
            "url",
            json!({"path": if finding.path.starts_with('/') && finding.port.is_some() { &finding.path } else { "" }}),
        ),
        ("file", json!({"path": if finding.port.is_none() { &finding.path } else { "" }})),
        ("package", package(finding)),
        ("message", Value::from(finding.evidence.as_str())),
    ];
    for (name, value) in parts {
        if let Some(value) = without_empty(value) {
            document.insert(name.to_owned(), value);
        }
    }
    document.insert("ecs".to_owned(), json!({"version": "9.1.0"}));
    Value::Object(document)
}

fn host(finding: &Finding) -> Value {
    let host = &finding.host;
    let name = if host.name.is_empty() { &host.target } else { &host.name };
    json!({"ip": host.address, "name": name, "mac": host.mac.replace(':', "-").to_ascii_uppercase(), "os": {"full": host.os}})
}

fn vulnerability(finding: &Finding) -> Value {
    let score = finding.best_score();
    json!({
        "id": finding.ids,
        "enumeration": finding.cves().next().map(|_| "CVE"),
        "category": [finding.family],
        "classification": score.map(|_| "CVSS"),
        "description": finding.description,
        "reference": finding.references,
        "severity": finding.severity().name(),
        "score": {
            "base": score.map(|score| score.base),
            "temporal": score.and_then(|score| score.temporal),
            "version": score.map(|score| score.version.clone()),
        },
        "scanner": {"vendor": finding.scanner},
    })
}

fn package(finding: &Finding) -> Value {
    let Some(component) = &finding.component else { return Value::Null };
    json!({"name": component.name, "version": component.version, "reference": component.purl})
}

/// A value without empty texts, lists, objects and nulls in it; `None` if nothing is left.
pub(super) fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(without_empty).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let members: Map<String, Value> =
                members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?))).collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        value => Some(value),
    }
}
