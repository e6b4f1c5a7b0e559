//! All findings at a glance: by severity and age, by host, and what the last scan of each scanner changed.

use std::collections::{BTreeMap, HashMap};

use lanner_core::time::DAY_MS;
use lanner_io::findings::FindingStore;
use lanner_io::store::StoreError;
use lanner_vuln::{Severity, Standing};
use lanner_wire::api::{FindingCount, FindingOverview, LastScanView, SeverityView, Time};

use super::news::severity;
use super::view::Shown;

/// Hosts that are listed.
const MAX_HOSTS: usize = 50;

/// Ages are told apart at these days.
const AGES: [i64; 3] = [7, 30, 90];

/// What is counted while findings pass.
pub(super) struct Glance {
    now_ms: i64,
    severities: BTreeMap<Severity, SeverityView>,
    hosts: HashMap<String, FindingCount>,
    scans: BTreeMap<String, LastScanView>,
}

impl Glance {
    /// Of no finding yet.
    pub(super) fn new(findings: &dyn FindingStore, now_ms: i64) -> Result<Self, StoreError> {
        let mut scans = BTreeMap::<String, LastScanView>::new();
        // The latest of each scanner comes first.
        for scan in findings.finding_scans(None)? {
            let view = LastScanView {
                scanner: scan.scanner.clone(),
                at: Time(scan.at_ms),
                new: 0,
                fixed: 0,
                open: 0,
            };
            scans.entry(scan.scanner).or_insert(view);
        }
        let nothing = |severity: Severity| {
            let name = severity.name().to_owned();
            let view = SeverityView {
                severity: name,
                open: 0,
                exploited: 0,
                set_aside: 0,
                by_age: vec![0; AGES.len() + 1],
            };
            (severity, view)
        };
        let severities = Severity::ALL.into_iter().map(nothing).collect();
        Ok(Self { now_ms, severities, hosts: HashMap::new(), scans })
    }

    /// Counts a finding.
    pub(super) fn add(&mut self, shown: &Shown, is_set_aside: bool) {
        let (place, is_open) = (&shown.row.place, shown.standing == Standing::Open);
        if let Some(scan) = self.scans.get_mut(&place.scanner) {
            scan.new += u64::from(place.first_seen_ms == scan.at.0);
            scan.fixed += u64::from(!is_open && place.last_missed_ms == Some(scan.at.0));
            scan.open += u64::from(is_open && place.last_seen_ms == scan.at.0);
        }
        let Some(view) = self.severities.get_mut(&severity(place)).filter(|_| is_open) else { return };
        if is_set_aside {
            view.set_aside += 1;
            return;
        }
        view.open += 1;
        view.exploited += u64::from(shown.exploited_since.is_some());
        let days = (self.now_ms - place.first_seen_ms) / DAY_MS;
        let age = AGES.iter().take_while(|least| days >= **least).count();
        if let Some(count) = view.by_age.get_mut(age) {
            *count += 1;
        }
        let name = place.host.clone();
        let nothing = || FindingCount { name, open: 0, critical: 0, high: 0, fixed: 0, set_aside: 0 };
        let host = self.hosts.entry(place.host.clone()).or_insert_with(nothing);
        host.open += 1;
        host.critical += u64::from(place.level == 4);
        host.high += u64::from(place.level == 3);
    }

    pub(super) fn into_view(self) -> FindingOverview {
        let hosts_in_all = self.hosts.len() as u64;
        let mut hosts: Vec<FindingCount> = self.hosts.into_values().collect();
        let worst = |host: &FindingCount| (host.critical, host.high, host.open);
        hosts.sort_by(|a, b| worst(b).cmp(&worst(a)).then_with(|| a.name.cmp(&b.name)));
        hosts.truncate(MAX_HOSTS);
        let mut scans: Vec<LastScanView> = self.scans.into_values().collect();
        scans.sort_by_key(|scan| std::cmp::Reverse(scan.at.0));
        FindingOverview {
            severities: self.severities.into_values().rev().collect(),
            hosts,
            hosts_in_all,
            scans,
        }
    }
}
