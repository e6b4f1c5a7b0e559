//! What a store of findings does: results of vulnerability scanners, one row each, however often they were seen.
//!
//! [`FindingStore`] is the contract, which the store in one file ([`Store`](crate::store::Store)) keeps; its proof is
//! `tests/io/contract_findings.rs`. Bodies are texts that whoever calls writes and reads.
//!
//! - **Durable.** What a [`Receipt`] answered is there after any end of the process, and readable when it resolves.
//! - **All or nothing.** Each write is atomic, and writes take effect in the order in which they were called.
//! - **No clock.** Times are what scans say.

use crate::store::{Receipt, StoreError};

/// A finding's key: the same for the same finding in every scan, whatever the format of its report.
pub type FindingKey = [u8; 16];

/// Where a finding is and when it was seen, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingPlace {
    /// What it is known by.
    pub key: FindingKey,
    /// The scanner.
    pub scanner: String,
    /// The host's id.
    pub host: String,
    /// The check.
    pub check: String,
    /// The port.
    pub port: Option<u16>,
    /// The severity, 0 to 4.
    pub level: u8,
    /// The policy of the scan that last saw it.
    pub policy: String,
    /// The first scan that saw it, milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// The last scan that saw it.
    pub last_seen_ms: i64,
    /// The last scan that looked and did not see it.
    pub last_missed_ms: Option<i64>,
}

/// A finding as it is stored: the columns that are searched, and all of it as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// Where, and when.
    pub place: FindingPlace,
    /// The finding itself.
    pub body: String,
}

/// A scan that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRow {
    /// A hash of the report.
    pub id: String,
    /// The scanner.
    pub scanner: String,
    /// When it was, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What it looked at.
    pub body: String,
}

/// Which findings to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingFilter<'a> {
    /// Only of this scanner.
    pub scanner: Option<&'a str>,
    /// Only on this host; asked together with the scanner, or slow.
    pub host: Option<&'a str>,
}

/// Keeps findings; see the [module](self).
///
/// Reading is synchronous and sees everything that was acknowledged before it began. Every method fails when the medium does.
pub trait FindingStore: std::fmt::Debug + Send + Sync {
    /// Writes findings: new rows, and in place of rows of the same keys. `removed` are taken out first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn put_findings(&self, removed: Vec<FindingKey>, rows: Vec<FindingRow>) -> Result<Receipt, StoreError>;

    /// Notes that a scan looked at the places of these findings at this time and did not see them; the latest such time counts.
    ///
    /// # Errors
    /// Failures of the medium.
    fn miss_findings(&self, missed: Vec<(FindingKey, i64)>) -> Result<Receipt, StoreError>;

    /// The findings of these keys that there are, in any order.
    ///
    /// # Errors
    /// Failures of the medium.
    fn findings(&self, keys: &[FindingKey]) -> Result<Vec<FindingRow>, StoreError>;

    /// Hands out all findings that a filter lets pass, in order of their keys, until `each` answers false. Cost: one row at a
    /// time.
    ///
    /// # Errors
    /// Failures of the medium.
    fn each_finding(
        &self,
        filter: FindingFilter<'_>,
        each: &mut dyn FnMut(FindingRow) -> bool,
    ) -> Result<(), StoreError>;

    /// As [`FindingStore::each_finding`], without the bodies, and in any order.
    ///
    /// # Errors
    /// Failures of the medium.
    fn finding_places(&self, filter: FindingFilter<'_>) -> Result<Vec<FindingPlace>, StoreError>;

    /// Keeps a scan, in place of one with its id.
    ///
    /// # Errors
    /// Failures of the medium.
    fn put_finding_scan(&self, scan: ScanRow) -> Result<Receipt, StoreError>;

    /// A scan by its id.
    ///
    /// # Errors
    /// Failures of the medium.
    fn finding_scan(&self, id: &str) -> Result<Option<ScanRow>, StoreError>;

    /// The scans of a scanner after a time, or all scans of all scanners, the latest first.
    ///
    /// # Errors
    /// Failures of the medium.
    fn finding_scans(&self, after: Option<(&str, i64)>) -> Result<Vec<ScanRow>, StoreError>;

    /// Notes which addresses names stand for. What is known of a name stays.
    ///
    /// # Errors
    /// Failures of the medium.
    fn put_host_names(&self, names: Vec<(String, String)>) -> Result<Receipt, StoreError>;

    /// The address that a name stands for.
    ///
    /// # Errors
    /// Failures of the medium.
    fn host_address(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Writes entries of a list: ids and bodies. With `whole` the list has these entries and no others.
    ///
    /// # Errors
    /// Failures of the medium.
    fn put_list(
        &self,
        list: &str,
        whole: bool,
        entries: Vec<(String, String)>,
    ) -> Result<Receipt, StoreError>;

    /// The entries of a list for these ids; all of it for none.
    ///
    /// # Errors
    /// Failures of the medium.
    fn list_entries(&self, list: &str, ids: &[&str]) -> Result<Vec<(String, String)>, StoreError>;
}
