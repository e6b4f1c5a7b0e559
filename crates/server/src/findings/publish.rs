//! What rules watch: counts of open findings as series, and changes as events of the stream `vulnerabilities`.
//!
//! Series, written at each import: `vulnerabilities.open{severity}`, `vulnerabilities_of_host.open{host}` and
//! `vulnerabilities_of_check.open{scanner,check}`; the last two count findings that are worse than information.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use lanner_io::findings::{FindingFilter, FindingPlace};
use lanner_vuln::{Severity, Standing};
use lanner_wire::line_protocol::Precision;

use super::accepted::{self, Accepted};
use super::evidence::evidence;
use super::news::{News, severity};
use super::service::FindingService;
use super::view::Shown;
use crate::intake::events::{self, Form};
use crate::intake::samples::{Samples, WhenBusy};

/// The stream of events.
const STREAM: &str = "vulnerabilities";
/// How many hosts, and how many checks, have series of their own.
const MAX_SERIES: usize = 20_000;

/// Publishes what a scan changed, and all counts. That this fails costs no finding, and is logged.
pub(super) fn scan(service: &FindingService, news: &[News]) {
    send_events(service, news);
    let lines = match count_lines(service) {
        Ok(lines) => lines,
        Err(error) => {
            tracing::warn!("open findings could not be counted: {error}");
            return;
        }
    };
    let intake = Arc::clone(&service.intake);
    let handle = tokio::runtime::Handle::current();
    let mut samples = Samples::new(&intake, "findings");
    samples.add_line_protocol(lines.as_bytes(), Precision::Milliseconds);
    if let Err(error) = handle.block_on(samples.commit(WhenBusy::Wait)) {
        tracing::warn!("counts of findings could not be written: {error}");
    }
}

/// Writes events. Their time is when they became known, which is now: a rule cannot act in the past.
pub(super) fn send_events(service: &FindingService, news: &[News]) {
    let stream: Arc<str> = STREAM.into();
    let now_ms = service.now_ms();
    for batch in news.chunks(1_000) {
        let lines: String = batch
            .iter()
            .map(|News(event)| {
                let mut event = event.clone();
                event["time"] = now_ms.into();
                format!("{event}\n")
            })
            .collect();
        if let Err(error) = events::take(&service.intake, &stream, Form::Json, lines.as_bytes(), Some("time"))
        {
            tracing::warn!("events about findings could not be written: {error}");
            return;
        }
    }
}

#[derive(Default)]
struct Counts {
    severities: BTreeMap<Severity, u64>,
    hosts: BTreeMap<String, u64>,
    checks: BTreeMap<(String, String), u64>,
}

impl Counts {
    /// Places that are fixed count as nothing, so that a series falls to zero and does not end.
    fn add(&mut self, place: FindingPlace, counts: bool) {
        let one = u64::from(counts);
        *self.severities.entry(severity(&place)).or_default() += one;
        if place.level == 0 {
            return;
        }
        if self.hosts.len() < MAX_SERIES || self.hosts.contains_key(&place.host) {
            *self.hosts.entry(place.host).or_default() += one;
        }
        let check = (place.scanner, place.check);
        if self.checks.len() < MAX_SERIES || self.checks.contains_key(&check) {
            *self.checks.entry(check).or_default() += one;
        }
    }
}

fn count_lines(service: &FindingService) -> Result<String, lanner_io::store::StoreError> {
    let set_aside = set_aside(service)?;
    let mut counts = Counts::default();
    for severity in Severity::ALL {
        counts.severities.insert(severity, 0);
    }
    for place in service.findings.finding_places(FindingFilter::default())? {
        let is_open = evidence(&place).standing() == Standing::Open && !set_aside.contains(&place.key);
        counts.add(place, is_open);
    }
    let now_ms = service.now_ms();
    let severities = counts.severities.iter().map(|(severity, count)| {
        format!("vulnerabilities,severity={} open={count} {now_ms}\n", severity.name())
    });
    let hosts = counts
        .hosts
        .iter()
        .map(|(host, count)| format!("vulnerabilities_of_host,host={} open={count} {now_ms}\n", tag(host)));
    let checks = counts.checks.iter().map(|((scanner, check), count)| {
        format!(
            "vulnerabilities_of_check,scanner={},check={} open={count} {now_ms}\n",
            tag(scanner),
            tag(check)
        )
    });
    Ok(severities.chain(hosts).chain(checks).collect())
}

/// The keys of findings that somebody decided to live with. Costs nothing where there is no such decision.
fn set_aside(service: &FindingService) -> Result<HashSet<[u8; 16]>, lanner_io::store::StoreError> {
    let accepted: Accepted = accepted::in_force(service)?;
    let mut keys = HashSet::new();
    if accepted.is_empty() {
        return Ok(keys);
    }
    let lists = service.known()?;
    service.findings.each_finding(FindingFilter::default(), &mut |row| {
        let key = row.place.key;
        if let Some(shown) = Shown::read(row, &lists, service.now_ms())
            && accepted.of(&shown).is_some()
        {
            keys.insert(key);
        }
        true
    })?;
    Ok(keys)
}

/// A label's value as line protocol writes it.
fn tag(text: &str) -> String {
    let mut tag = String::new();
    for c in text.chars().take(200).filter(|c| !c.is_control()) {
        if matches!(c, ' ' | ',' | '=' | '\\') {
            tag.push('\\');
        }
        tag.push(c);
    }
    if tag.is_empty() { "-".to_owned() } else { tag }
}
