//! Which address a host's name stands for: reports that give both say so, and findings that were known under the name move.

use lanner_io::findings::{FindingFilter, FindingKey, FindingRow};
use lanner_io::store::StoreError;
use lanner_vuln::{Finding, Scan, key_on};

use super::evidence::evidence;
use super::service::FindingService;

/// Learns the names in a scan. Findings that an earlier report had under a name get the keys of its address.
pub(super) fn learn(service: &FindingService, scan: &Scan) -> Result<(), StoreError> {
    let mut names = Vec::new();
    for host in scan.hosts.iter().filter(|host| !host.name.is_empty() && is_own_address(&host.id)) {
        if service.findings.host_address(&host.name)?.is_none() {
            names.push((host.name.clone(), host.id.clone()));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    service.findings.put_host_names(names.clone())?.wait()?;
    for (name, address) in names {
        rename(service, &name, &address)?;
    }
    Ok(())
}

/// Names the hosts of a scan by their addresses where these are known, so that its scope covers what moved there.
pub(super) fn by_address(service: &FindingService, scan: &mut Scan) -> Result<(), StoreError> {
    for host in scan.hosts.iter_mut().filter(|host| host.id.parse::<std::net::IpAddr>().is_err()) {
        if let Some(address) = service.findings.host_address(&host.id)? {
            host.id = address;
        }
    }
    scan.hosts.sort_unstable();
    Ok(())
}

/// Every machine is 127.0.0.1 to itself.
fn is_own_address(id: &str) -> bool {
    id.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

fn rename(service: &FindingService, name: &str, address: &str) -> Result<(), StoreError> {
    let mut moved = Vec::new();
    service.findings.each_finding(FindingFilter { scanner: None, host: Some(name) }, &mut |row| {
        moved.push(row);
        true
    })?;
    let (mut removed, mut rows) = (Vec::<FindingKey>::new(), Vec::new());
    for row in moved {
        let Ok(finding) = serde_json::from_str::<Finding>(&row.body) else { continue };
        removed.push(row.place.key);
        let key = key_on(&finding, address).bytes();
        let there = service.findings.findings(&[key])?.pop();
        rows.push(join(key, address, row, there));
    }
    if !removed.is_empty() {
        service.findings.put_findings(removed, rows)?.wait()?;
    }
    Ok(())
}

/// One finding of two: the body of the one that was seen last, and what both know of times.
fn join(key: FindingKey, address: &str, row: FindingRow, there: Option<FindingRow>) -> FindingRow {
    let mut known = evidence(&row.place);
    let mut kept = row;
    if let Some(there) = there {
        known.merge(&evidence(&there.place));
        if there.place.last_seen_ms >= kept.place.last_seen_ms {
            kept = there;
        }
    }
    kept.place.key = key;
    address.clone_into(&mut kept.place.host);
    kept.place.first_seen_ms = known.first_seen_ms;
    kept.place.last_seen_ms = known.last_seen_ms;
    kept.place.last_missed_ms = Some(known.last_missed_ms).filter(|missed| *missed != i64::MIN);
    kept
}
