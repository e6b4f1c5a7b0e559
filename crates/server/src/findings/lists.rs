//! Lists that a site brings in: how likely vulnerabilities are to be exploited (`epss`), and which are known to be (`kev`).

use std::collections::BTreeSet;

use lanner_io::findings::FindingFilter;
use lanner_io::store::StoreError;
use lanner_vuln::{Epss, Exploited, Finding, Standing};
use lanner_wire::api::{VulnerabilityList, VulnerabilityListTaken};
use serde_json::{Value, json};

use super::evidence::evidence;
use super::known::{List, MAX_ENTRIES};
use super::news::News;
use super::publish;
use super::service::FindingService;

/// Under this id a list says where it comes from.
const PROVENANCE: &str = "";

/// Takes a part of a list.
///
/// # Errors
/// A sentence about the first entry that cannot be read; failures of the store.
pub(crate) fn take(
    service: &FindingService,
    list: List,
    part: VulnerabilityList,
) -> Result<Result<VulnerabilityListTaken, String>, StoreError> {
    let mut entries = Vec::new();
    for (at, entry) in part.entries.into_iter().enumerate() {
        match entry_of(list, entry) {
            Ok(entry) => entries.push(entry),
            Err(why) => return Ok(Err(format!("entries[{at}]: {why}"))),
        }
    }
    let accepted = entries.len() as u64;
    let provenance = json!({"provenance": part.provenance, "taken_ms": service.now_ms()});
    entries.push((PROVENANCE.to_owned(), provenance.to_string()));
    let Some(new) = service.lists.put(&*service.findings, list, part.first, entries)? else {
        return Ok(Err(format!("a list may have at most {MAX_ENTRIES} entries")));
    };
    let became = match list {
        List::Kev => tell_exploited(service, new)?,
        List::Epss => Vec::new(),
    };
    Ok(Ok(VulnerabilityListTaken { accepted, became_exploited: became }))
}

fn entry_of(list: List, entry: Value) -> Result<(String, String), String> {
    let text = entry.to_string();
    let cve = match list {
        List::Epss => serde_json::from_value::<Epss>(entry).map(|entry| entry.cve),
        List::Kev => serde_json::from_value::<Exploited>(entry).map(|entry| entry.cve),
    };
    Ok((cve.map_err(|error| error.to_string())?, text))
}

/// An event for each open finding whose vulnerability became known to be exploited, without any new scan.
fn tell_exploited(service: &FindingService, became: Vec<String>) -> Result<Vec<String>, StoreError> {
    let became: BTreeSet<String> = became.into_iter().collect();
    if became.is_empty() {
        return Ok(Vec::new());
    }
    let (mut found, mut news) = (BTreeSet::new(), Vec::new());
    let now_ms = service.now_ms();
    service.findings.each_finding(FindingFilter::default(), &mut |row| {
        let is_open = evidence(&row.place).standing() == Standing::Open;
        let finding = serde_json::from_str::<Finding>(&row.body).ok().filter(|_| is_open);
        for cve in finding.iter().flat_map(|finding| finding.cves()).filter(|cve| became.contains(*cve)) {
            found.insert(cve.to_owned());
            news.push(News::exploited(cve, &row.place, now_ms));
        }
        true
    })?;
    publish::send_events(service, &news);
    Ok(found.into_iter().collect())
}
