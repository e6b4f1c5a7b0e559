//! Statements as documents of OpenVEX and CycloneDX.

use serde_json::{Value, json};

use super::output::rfc3339;
use crate::vex::{Statement, VexStatus};

/// A document of OpenVEX 0.2. `now_ms` is when it is written; its id is made of the statements, so that equal ones have equal
/// ids.
#[must_use]
pub fn openvex(statements: &[Statement], author: &str, now_ms: i64) -> Value {
    let entries: Vec<Value> =
        statements.iter().map(|statement| openvex_statement(statement, now_ms)).collect();
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:lanner:vex:{}", digest(&entries)),
        "author": author,
        "timestamp": rfc3339(now_ms),
        "version": 1,
        "statements": entries,
    })
}

fn digest(entries: &[Value]) -> String {
    use sha2::Digest as _;
    let text = serde_json::to_vec(entries).unwrap_or_default();
    sha2::Sha256::digest(text)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn openvex_statement(statement: &Statement, now_ms: i64) -> Value {
    let mut entry = json!({
        "vulnerability": {"name": statement.vulnerability},
        "products": [{"@id": statement.product}],
        "status": statement.status.name(),
        "timestamp": rfc3339(statement.at_ms.unwrap_or(now_ms)),
    });
    // The field `justification` is a list of fixed words; what people write goes beside it.
    let field = match statement.status {
        VexStatus::NotAffected if JUSTIFICATIONS.contains(&statement.justification.as_str()) => {
            "justification"
        }
        VexStatus::NotAffected => "impact_statement",
        VexStatus::Affected => "action_statement",
        _ => "status_notes",
    };
    if !statement.justification.is_empty() {
        entry[field] = statement.justification.as_str().into();
    }
    entry
}

const JUSTIFICATIONS: [&str; 5] = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
];

/// A document of CycloneDX 1.6 with an analysis per statement.
#[must_use]
pub fn cyclonedx(statements: &[Statement], author: &str, now_ms: i64) -> Value {
    let entries: Vec<Value> = statements.iter().map(cyclonedx_vulnerability).collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": rfc3339(now_ms), "authors": [{"name": author}]},
        "vulnerabilities": entries,
    })
}

fn cyclonedx_vulnerability(statement: &Statement) -> Value {
    let state = match statement.status {
        VexStatus::NotAffected => "not_affected",
        VexStatus::Affected => "exploitable",
        VexStatus::Fixed => "resolved",
        VexStatus::UnderInvestigation => "in_triage",
    };
    json!({
        "id": statement.vulnerability,
        "analysis": {"state": state, "detail": statement.justification},
        "affects": [{"ref": statement.product}],
    })
}
