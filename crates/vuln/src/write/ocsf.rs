//! Open Cybersecurity Schema Framework: class 2002, Vulnerability Finding.

use serde_json::{Value, json};

use super::ecs::without_empty;
use super::output::{Lines, Output};
use crate::finding::Finding;
use crate::key::key;

pub(super) const OUTPUT: Output = Output {
    name: "ocsf",
    title: "OCSF class 2002 (Vulnerability Finding), a JSON document a line",
    raw: false,
    open: || Box::new(Lines(|finding| Some(document(finding)))),
};

const SEVERITIES: [&str; 5] = ["Informational", "Low", "Medium", "High", "Critical"];

/// A finding as an OCSF event of class 2002, activity Create.
#[must_use]
pub fn document(finding: &Finding) -> Value {
    let level = finding.severity().level();
    let document = json!({
        "class_uid": 2002,
        "class_name": "Vulnerability Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": 200_201,
        "severity_id": level + 1,
        "severity": SEVERITIES[usize::from(level)],
        "status_id": 1,
        "status": "New",
        "time": finding.at_ms.unwrap_or(0),
        "metadata": {"version": "1.6.0", "product": {"name": finding.scanner, "vendor_name": finding.scanner}},
        "finding_info": {
            "uid": key(finding).to_string(),
            "title": finding.title,
            "desc": finding.description,
            "types": [finding.family],
            "analytic": {"uid": finding.check, "name": finding.title, "type_id": 1},
        },
        "resources": [{"name": finding.host.target, "uid": finding.host.address, "type": "host"}],
        "vulnerabilities": [vulnerability(finding)],
        "message": finding.evidence,
    });
    without_empty(document).unwrap_or_default()
}

fn vulnerability(finding: &Finding) -> Value {
    let cvss: Vec<Value> = finding.scores.iter().map(|score| {
        json!({"version": score.version, "base_score": score.base, "vector_string": score.vector, "vendor_name": score.source})
    }).collect();
    let package = finding.component.as_ref().map(|component| {
        json!({"name": component.name, "version": component.version, "fixed_in_version": component.fixed, "purl": component.purl})
    });
    json!({
        "title": finding.title,
        "desc": finding.description,
        "severity": finding.severity().name(),
        "vendor_name": finding.rated.source,
        "references": finding.references,
        "is_exploit_available": finding.exploit,
        "cve": finding.cves().next().map(|cve| json!({"uid": cve, "cvss": cvss})),
        "related_vulnerabilities": finding.ids,
        "cwe": finding.weaknesses.first().map(|cwe| json!({"uid": cwe})),
        "affected_packages": package.map(|package| vec![package]),
        "remediation": (!finding.solution.is_empty()).then(|| json!({"desc": finding.solution})),
    })
}
