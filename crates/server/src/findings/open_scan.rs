//! A scan whose findings are coming in, and what each of them is beside what is stored.

use std::collections::{BTreeSet, HashMap, HashSet};

use lanner_io::findings::{FindingKey, FindingPlace, FindingRow, ScanRow};
use lanner_vuln::{Evidence, Finding, Scan, Scope, Standing};
use lanner_wire::api::FindingScanResult;
use serde::{Deserialize, Serialize};

use super::evidence::{as_place, evidence};
use super::news::News;

/// What is stored of a scan: what it looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Looked {
    /// The scan.
    pub scan: Scan,
    /// The checks that are known to have run.
    pub ran: BTreeSet<String>,
}

/// A scan whose findings are coming in.
#[derive(Debug)]
pub(crate) struct OpenScan {
    /// The hash of its report.
    pub(super) id: String,
    /// What it looked at.
    pub(super) looked: Looked,
    /// The time that counts.
    pub(super) at_ms: i64,
    /// When something was last heard of it.
    pub(super) heard_ms: i64,
    /// What later scans of the scanner looked at.
    pub(super) later: Vec<(i64, Looked)>,
    /// Keys that it saw.
    pub(super) seen: HashSet<FindingKey>,
    /// What it came to.
    pub(super) result: FindingScanResult,
    /// Changes that are worth an event.
    pub(super) news: Vec<News>,
    /// The addresses of names that were looked up.
    pub(super) addresses: HashMap<String, String>,
}

impl OpenScan {
    /// The row that a finding becomes.
    pub(super) fn row_of(
        &mut self,
        key: FindingKey,
        host: String,
        finding: &Finding,
        stored: Option<&FindingRow>,
    ) -> FindingRow {
        let before = stored.map(|row| evidence(&row.place));
        let mut after = before.unwrap_or_else(|| Evidence::seen(self.at_ms));
        after.see(self.at_ms);
        let mut place = FindingPlace {
            key,
            scanner: finding.scanner.clone(),
            host,
            check: finding.check.clone(),
            port: finding.port,
            level: finding.severity().level(),
            policy: self.looked.scan.policy.clone(),
            first_seen_ms: after.first_seen_ms,
            last_seen_ms: after.last_seen_ms,
            last_missed_ms: None,
        };
        if before.is_none() {
            // A report that comes late: later scans have looked already.
            let missed =
                self.later.iter().filter(|(_, looked)| looked.covers(&place)).map(|(at_ms, _)| *at_ms);
            missed.for_each(|at_ms| after.miss(at_ms));
        }
        place.last_missed_ms = Some(after.last_missed_ms).filter(|missed| *missed != i64::MIN);
        self.count(&place, finding, before.map(|before| before.standing()), after.standing());
        match stored {
            // What an older scan says of it is older.
            Some(stored) if stored.place.last_seen_ms > self.at_ms => {
                let kept =
                    FindingPlace { level: stored.place.level, policy: stored.place.policy.clone(), ..place };
                FindingRow { place: kept, body: stored.body.clone() }
            }
            _ => FindingRow { place, body: serde_json::to_string(finding).unwrap_or_default() },
        }
    }

    fn count(&mut self, place: &FindingPlace, finding: &Finding, before: Option<Standing>, after: Standing) {
        if !self.seen.insert(place.key) {
            return;
        }
        let change = match (before, after) {
            (None, Standing::Open) => "new",
            (Some(Standing::Fixed), Standing::Open) => "reopened",
            (Some(Standing::Open), _) => {
                self.result.open += 1;
                return;
            }
            (_, Standing::Fixed) => {
                self.result.fixed_since += 1;
                return;
            }
        };
        *(if change == "new" { &mut self.result.new } else { &mut self.result.reopened }) += 1;
        if finding.is_risk() {
            self.news.push(News::of_finding(change, place, finding, self.at_ms));
        }
    }

    /// The scan as it is stored.
    pub(super) fn row(&self) -> ScanRow {
        ScanRow {
            id: self.id.clone(),
            scanner: self.looked.scan.scanner.clone(),
            at_ms: self.at_ms,
            body: serde_json::to_string(&self.looked).unwrap_or_default(),
        }
    }
}

impl Looked {
    fn covers(&self, place: &FindingPlace) -> bool {
        Scope::new(&self.scan, &self.ran).covers(&as_place(place))
    }
}

/// Two results with one key, such as rows of a table per CVE: ids add up, and the worst severity counts.
pub(super) fn join(known: &mut Finding, other: Finding) {
    for id in other.ids {
        if let Err(at) = known.ids.binary_search(&id) {
            known.ids.insert(at, id);
        }
    }
    if other.rated.severity > known.rated.severity {
        known.rated = other.rated;
    }
}
