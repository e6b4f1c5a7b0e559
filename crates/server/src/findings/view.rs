//! What is shown of a finding, and the fields by which conditions choose among findings.

use lanner_core::time::DAY_MS;
use lanner_io::findings::FindingRow;
use lanner_vuln::{Finding, Key, Standing};
use lanner_wire::api::{AcceptanceView, FindingView, Time};
use serde_json::{Map, Value, json};

use super::evidence::evidence;
use super::known::Known;

/// A finding that was read, with what lists say of it.
#[derive(Debug)]
pub(crate) struct Shown {
    /// As stored.
    pub row: FindingRow,
    /// Its body.
    pub finding: Finding,
    /// Whether it is there.
    pub standing: Standing,
    /// The highest probability of exploitation.
    pub epss: Option<f64>,
    /// The first day on which one of its vulnerabilities was known to be exploited.
    pub exploited_since: Option<String>,
    /// The fields of conditions.
    pub fields: Map<String, Value>,
}

impl Shown {
    /// Reads a stored finding; `None` for a body that a later release wrote.
    pub(crate) fn read(row: FindingRow, known: &Known, now_ms: i64) -> Option<Self> {
        let finding: Finding = serde_json::from_str(&row.body).ok()?;
        let standing = evidence(&row.place).standing();
        let epss = finding.cves().filter_map(|cve| known.probability(cve)).max_by(f64::total_cmp);
        let since = finding.cves().filter_map(|cve| known.exploited_since(cve)).min();
        let exploited_since = since.map(str::to_owned);
        let mut shown = Self { row, finding, standing, epss, exploited_since, fields: Map::new() };
        shown.fields = shown.fields(now_ms);
        Some(shown)
    }

    fn fields(&self, now_ms: i64) -> Map<String, Value> {
        let (finding, place) = (&self.finding, &self.row.place);
        let component = finding.component.as_ref();
        let fields = json!({
            "key": Key::from_bytes(place.key).to_string(),
            "status": self.standing.name(),
            "severity": finding.severity().name(),
            "level": finding.severity().level(),
            "rated_by": finding.rated.source,
            "scanner": finding.scanner,
            "check": finding.check,
            "title": finding.title,
            "family": finding.family,
            "host": place.host,
            "target": finding.host.target,
            "address": finding.host.address,
            "name": finding.host.name,
            "os": finding.host.os,
            "port": finding.port,
            "protocol": finding.protocol,
            "service": finding.service,
            "path": finding.path,
            "package": component.map(|component| component.name.as_str()),
            "version": component.map(|component| component.version.as_str()),
            "ids": finding.ids,
            "weaknesses": finding.weaknesses,
            "cvss": finding.best_score().map(|score| score.base),
            "epss": self.epss,
            "exploited": self.exploited_since.is_some(),
            "age_days": (now_ms - place.first_seen_ms).max(0) / DAY_MS,
            "fixed_ms": place.last_missed_ms.filter(|_| self.standing == Standing::Fixed),
            "first_seen_ms": place.first_seen_ms,
            "last_seen_ms": place.last_seen_ms,
        });
        let Value::Object(fields) = fields else { return Map::new() };
        fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// `open`, `fixed` or `set aside`.
    #[must_use]
    pub(crate) fn status(&self, set_aside: bool) -> &'static str {
        if set_aside && self.standing == Standing::Open { "set aside" } else { self.standing.name() }
    }

    /// For the API.
    #[must_use]
    pub(crate) fn view(self, set_aside: Option<AcceptanceView>) -> FindingView {
        let place = &self.row.place;
        FindingView {
            key: Key::from_bytes(place.key).to_string(),
            status: self.status(set_aside.is_some()).to_owned(),
            first_seen: Time(place.first_seen_ms),
            last_seen: Time(place.last_seen_ms),
            last_missed: place.last_missed_ms.map(Time),
            set_aside,
            epss: self.epss,
            exploited_since: self.exploited_since,
            finding: serde_json::from_str(&self.row.body).unwrap_or_default(),
        }
    }
}
