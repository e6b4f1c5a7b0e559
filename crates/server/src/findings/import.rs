//! A scan comes in: its findings in batches, then its end, at which open findings that it should have seen are fixed.
//!
//! Until its end a scan only adds, so one that is broken off closes nothing. What counts is the scans' times and not the order
//! in which they come: see [`Evidence`](lanner_vuln::Evidence).

use std::collections::{BTreeSet, HashMap, HashSet};

use lanner_core::time::HOUR_MS;
use lanner_io::findings::{FindingFilter, FindingKey, FindingRow};
use lanner_io::store::StoreError;
use lanner_vuln::{Finding, Scan, Scope, Standing, host_id, key_on};
use lanner_wire::api::{FindingScanResult, FindingScanView, Time};

use super::evidence::{as_place, evidence};
use super::news::News;
use super::open_scan::{Looked, OpenScan, join};
use super::service::FindingService;
use super::{hosts, publish};
use crate::sync::locked;

/// How many scans may come in at once.
const MAX_SCANS: usize = 100;
/// A scan that nothing was heard of for so long is forgotten.
const FORGOTTEN_MS: i64 = HOUR_MS;

/// Why a batch or an end was refused.
#[derive(Debug)]
pub enum ImportError {
    /// Nothing is known of the scan: it was not begun, or it was forgotten.
    UnknownScan,
    /// So many scans are coming in already.
    Busy,
    /// A line is no finding.
    Line(usize, String),
    /// The store fails.
    Store(StoreError),
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Begins a scan. One of the same id that was begun before starts anew.
///
/// # Errors
/// [`ImportError::Busy`], and failures of the store.
pub(crate) fn begin(
    service: &FindingService,
    id: &str,
    mut scan: Scan,
    ran: BTreeSet<String>,
) -> Result<FindingScanView, ImportError> {
    let _turn = locked(&service.turn);
    let now_ms = service.now_ms();
    let known = service.findings.finding_scan(id)?;
    // A report without a time has that of its first import. A clock ahead of ours must not outlive later scans.
    let at_ms = known
        .as_ref()
        .map_or_else(|| scan.at_ms.unwrap_or(now_ms).clamp(0, now_ms.max(0)), |known| known.at_ms);
    hosts::learn(service, &scan)?;
    hosts::by_address(service, &mut scan)?;
    let later = later_scans(service, &scan.scanner, at_ms, id)?;
    let open = OpenScan {
        id: id.to_owned(),
        later,
        looked: Looked { scan, ran },
        at_ms,
        heard_ms: now_ms,
        seen: HashSet::new(),
        result: FindingScanResult {
            at: Time(at_ms),
            new: 0,
            reopened: 0,
            open: 0,
            fixed_since: 0,
            fixed: 0,
            not_looked_at: 0,
        },
        news: Vec::new(),
        addresses: HashMap::new(),
    };
    let mut scans = locked(&service.scans);
    scans.retain(|_, scan| scan.heard_ms + FORGOTTEN_MS > now_ms);
    if scans.len() >= MAX_SCANS && !scans.contains_key(id) {
        return Err(ImportError::Busy);
    }
    scans.insert(id.to_owned(), open);
    Ok(FindingScanView { id: id.to_owned(), at: Time(at_ms), known: known.is_some() })
}

/// What scans after this one looked at.
fn later_scans(
    service: &FindingService,
    scanner: &str,
    at_ms: i64,
    id: &str,
) -> Result<Vec<(i64, Looked)>, StoreError> {
    let mut later = Vec::new();
    for row in service.findings.finding_scans(Some((scanner, at_ms)))?.into_iter().filter(|row| row.id != id)
    {
        // What a later release wrote is left out: then less is known to be fixed.
        let Ok(mut looked) = serde_json::from_str::<Looked>(&row.body) else { continue };
        hosts::by_address(service, &mut looked.scan)?;
        later.push((row.at_ms, looked));
    }
    Ok(later)
}

/// Takes findings of a scan, as JSON lines of the normal form. All of them are durable when this returns, or none is.
///
/// # Errors
/// [`ImportError`].
pub(crate) fn take(service: &FindingService, id: &str, lines: &[u8]) -> Result<u64, ImportError> {
    let findings = read_lines(lines)?;
    if findings.is_empty() {
        return Err(ImportError::Line(1, "is no finding; send one in each line".to_owned()));
    }
    let _turn = locked(&service.turn);
    with(service, id, |scan| scan.take(service, findings))
}

/// Ends a scan: what it looked at and did not see is fixed. Series and events follow.
///
/// # Errors
/// [`ImportError`].
pub(crate) fn finish(service: &FindingService, id: &str) -> Result<FindingScanResult, ImportError> {
    let turn = locked(&service.turn);
    let (result, news) = with(service, id, |scan| {
        scan.close_missed(service)?;
        service.findings.put_finding_scan(scan.row())?.wait()?;
        Ok((scan.result.clone(), std::mem::take(&mut scan.news)))
    })?;
    locked(&service.scans).remove(id);
    drop(turn);
    publish::scan(service, &news);
    Ok(result)
}

fn with<T>(
    service: &FindingService,
    id: &str,
    work: impl FnOnce(&mut OpenScan) -> Result<T, ImportError>,
) -> Result<T, ImportError> {
    // Taken out meanwhile, so that scans of others go on.
    let mut scan = locked(&service.scans).remove(id).ok_or(ImportError::UnknownScan)?;
    scan.heard_ms = service.now_ms();
    let done = work(&mut scan);
    locked(&service.scans).insert(id.to_owned(), scan);
    done
}

fn read_lines(lines: &[u8]) -> Result<Vec<Finding>, ImportError> {
    let lines = lines.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_slice(line).map_err(|error| ImportError::Line(at + 1, error.to_string()))
        })
        .collect()
}

impl OpenScan {
    fn take(&mut self, service: &FindingService, findings: Vec<Finding>) -> Result<u64, ImportError> {
        let count = findings.len() as u64;
        let mut batch: HashMap<FindingKey, (String, Finding)> = HashMap::new();
        for finding in findings {
            let host = self.host(service, &finding)?;
            let key = key_on(&finding, &host).bytes();
            match batch.get_mut(&key) {
                Some((_, known)) => join(known, finding),
                None => drop(batch.insert(key, (host, finding))),
            }
        }
        let keys: Vec<FindingKey> = batch.keys().copied().collect();
        let stored: HashMap<FindingKey, FindingRow> =
            service.findings.findings(&keys)?.into_iter().map(|row| (row.place.key, row)).collect();
        let rows = batch
            .into_iter()
            .map(|(key, (host, finding))| self.row_of(key, host, &finding, stored.get(&key)));
        let rows: Vec<FindingRow> = rows.collect();
        service.findings.put_findings(Vec::new(), rows)?.wait()?;
        Ok(count)
    }

    /// The host's id, by its address where its name is known to stand for one.
    fn host(&mut self, service: &FindingService, finding: &Finding) -> Result<String, ImportError> {
        let host = host_id(&finding.host);
        if let Some(known) = self.addresses.get(&host) {
            return Ok(known.clone());
        }
        let address = service.findings.host_address(&host)?.unwrap_or_else(|| host.clone());
        self.addresses.insert(host, address.clone());
        Ok(address)
    }

    /// Open findings that the scan should have seen are fixed; the others were not looked at.
    fn close_missed(&mut self, service: &FindingService) -> Result<(), ImportError> {
        let filter = FindingFilter { scanner: Some(&self.looked.scan.scanner), host: None };
        let mut missed = Vec::new();
        let scope = Scope::new(&self.looked.scan, &self.looked.ran);
        for place in service.findings.finding_places(filter)? {
            if self.seen.contains(&place.key) {
                continue;
            }
            let mut after = evidence(&place);
            let before = after.standing();
            if scope.covers(&as_place(&place)) {
                after.miss(self.at_ms);
                if place.last_missed_ms.is_none_or(|known| known < self.at_ms) {
                    missed.push((place.key, self.at_ms));
                }
                if before == Standing::Open && after.standing() == Standing::Fixed {
                    self.result.fixed += 1;
                    if place.level > 0 {
                        self.news.push(News::of_place("fixed", &place, self.at_ms));
                    }
                }
            } else if before == Standing::Open {
                self.result.not_looked_at += 1;
            }
        }
        service.findings.miss_findings(missed)?.wait()?;
        Ok(())
    }
}
