//! What SONAR derives of alerts: of each unit of time, which share of its alerts is of some sort. By the names and bounds of SONAR 0.10.

use lanner_deep::{Cell, Feature, Method};
use serde_json::Value;

use super::columns::cells;

/// What the fields of derived features begin with: no document has them.
const PREFIX: &str = "derived.";

/// The sort of alerts that counts.
#[derive(Debug, Clone, Copy)]
enum Sort {
    /// Their rule is in one of these groups.
    Groups(&'static [&'static str]),
    /// A number in them is at least so large.
    AtLeast(&'static str, f64),
}

const DERIVED: [(&str, Sort); 13] = [
    ("is_auth_failure", Sort::Groups(&["failed_login", "authentication_failed", "invalid_login"])),
    ("is_auth_success", Sort::Groups(&["authentication_success", "session_opened"])),
    ("is_brute_force", Sort::Groups(&["brute_force"])),
    ("is_privilege_event", Sort::Groups(&["sudo", "su", "privilege_escalation", "account_changed"])),
    ("is_high_severity", Sort::AtLeast("rule.level", 10.0)),
    ("is_critical_severity", Sort::AtLeast("rule.level", 12.0)),
    ("is_ssh_event", Sort::Groups(&["ssh", "sshd"])),
    ("is_windows_logon", Sort::Groups(&["windows_logon", "windows", "win_logon"])),
    ("is_cpu_high", Sort::AtLeast("data.cpu_usage_%", 80.0)),
    ("is_cpu_critical", Sort::AtLeast("data.cpu_usage_%", 95.0)),
    ("is_memory_high", Sort::AtLeast("data.memory_usage_%", 80.0)),
    ("is_memory_critical", Sort::AtLeast("data.memory_usage_%", 95.0)),
    ("is_high_load", Sort::AtLeast("data.1min_loadAverage", 4.0)),
];

impl Sort {
    const fn field(self) -> &'static str {
        match self {
            Self::Groups(_) => "rule.groups",
            Self::AtLeast(field, _) => field,
        }
    }

    fn holds(self, document: &Value) -> bool {
        let number = |cell: &Cell<'_>| match cell {
            Cell::Number(number) => Some(*number),
            Cell::Text(text) => text.trim().parse().ok(),
        };
        cells(document, self.field()).iter().any(|cell| match (self, cell) {
            (Self::Groups(groups), Cell::Text(group)) => groups.contains(group),
            (Self::Groups(_), Cell::Number(_)) => false,
            (Self::AtLeast(_, least), cell) => number(cell).is_some_and(|number: f64| number >= least),
        })
    }
}

/// A feature for each, which comes to the share of alerts.
pub(crate) fn features() -> impl Iterator<Item = Feature> {
    DERIVED.iter().map(|(name, _)| Feature {
        name: (*name).to_owned(),
        field: format!("{PREFIX}{name}"),
        method: Method::Average,
    })
}

/// Of a derived field: 1 for a document that counts, and else 0.
pub(super) fn cell(document: &Value, field: &str) -> Option<Cell<'static>> {
    let name = field.strip_prefix(PREFIX)?;
    let (_, sort) = DERIVED.iter().find(|(known, _)| *known == name)?;
    Some(Cell::Number(f64::from(u8::from(sort.holds(document)))))
}

/// The fields that documents have, in the place of those that are derived of them.
pub(super) fn real(fields: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for field in fields {
        let derived = field.strip_prefix(PREFIX);
        let derived = DERIVED.iter().find(|(known, _)| derived == Some(*known));
        let real = derived.map_or(field.as_str(), |(_, sort)| sort.field());
        if !found.iter().any(|known| known == real) {
            found.push(real.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn alerts_are_of_sorts() {
        #[track_caller]
        fn check(document: &Value, expected: &[&str]) {
            let is = |(name, _): &(&'static str, Sort)| {
                let found = cell(document, &format!("derived.{name}"));
                (found == Some(Cell::Number(1.0))).then_some(*name)
            };
            assert_eq!(DERIVED.iter().filter_map(is).collect::<Vec<_>>(), expected, "{document}");
        }
        check(&json!({}), &[]);
        check(
            &json!({ "rule": { "level": 10, "groups": ["syslog", "sshd", "authentication_failed"] } }),
            &["is_auth_failure", "is_high_severity", "is_ssh_event"],
        );
        check(
            &json!({ "rule": { "level": "12", "groups": "sudo" } }),
            &["is_privilege_event", "is_high_severity", "is_critical_severity"],
        );
        let data = json!({ "cpu_usage_%": "95", "memory_usage_%": 80.0, "1min_loadAverage": "3.99" });
        check(&json!({ "data": data }), &["is_cpu_high", "is_cpu_critical", "is_memory_high"]);
        // Wazuh 5, where the level is a word and usage a share.
        let five = json!({ "wazuh": { "rule": { "level": "high" } }, "host": { "cpu": { "usage": 0.97 } } });
        check(&five, &["is_high_severity", "is_critical_severity", "is_cpu_high", "is_cpu_critical"]);
        assert_eq!(cell(&json!({}), "rule.level"), None);
    }

    #[test]
    fn documents_are_asked_for_what_they_have() {
        let mut fields: Vec<String> = features().map(|feature| feature.field).collect();
        fields.insert(0, "rule.level".to_owned());
        let expected =
            ["rule.level", "rule.groups", "data.cpu_usage_%", "data.memory_usage_%", "data.1min_loadAverage"];
        assert_eq!(real(&fields), expected);
    }
}
