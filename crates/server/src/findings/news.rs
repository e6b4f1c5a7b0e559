//! Changes that are worth an event.

use lanner_io::findings::FindingPlace;
use lanner_vuln::{Finding, Severity};
use serde_json::{Value, json};

/// A change that is worth an event.
#[derive(Debug)]
pub(crate) struct News(pub(super) Value);

impl News {
    /// A finding that is new or reopened.
    pub(super) fn of_finding(change: &str, place: &FindingPlace, finding: &Finding, at_ms: i64) -> Self {
        let Self(mut event) = Self::of_place(change, place, at_ms);
        event["title"] = finding.title.as_str().into();
        event["ids"] = finding.ids.clone().into();
        event["path"] = finding.path.as_str().into();
        event["cvss"] = finding.best_score().map(|score| score.base).into();
        event["package"] = finding.component.as_ref().map(|component| component.name.as_str()).into();
        Self(event)
    }

    /// A finding of which only the place is at hand.
    pub(super) fn of_place(change: &str, place: &FindingPlace, at_ms: i64) -> Self {
        Self(json!({
            "change": change,
            "severity": severity(place).name(),
            "scanner": place.scanner,
            "host": place.host,
            "port": place.port,
            "check": place.check,
            "key": lanner_vuln::Key::from_bytes(place.key).to_string(),
            "scan_ms": at_ms,
        }))
    }

    /// A vulnerability of an open finding that became known to be exploited.
    pub(super) fn exploited(cve: &str, place: &FindingPlace, at_ms: i64) -> Self {
        let Self(mut event) = Self::of_place("known exploited", place, at_ms);
        event["ids"] = json!([cve]);
        Self(event)
    }
}

/// The severity of a stored finding.
pub(super) fn severity(place: &FindingPlace) -> Severity {
    Severity::from_level(place.level).unwrap_or_default()
}
