//! What lists of exploited vulnerabilities say.

use std::collections::HashMap;

use lanner_io::store::StoreError;
use lanner_vuln::{Epss, Exploited};

use super::service::FindingService;

/// What the lists say.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Probabilities of exploitation by CVE.
    pub epss: HashMap<String, f64>,
    /// When a CVE became known to be exploited.
    pub exploited: HashMap<String, String>,
}

impl Known {
    /// Reads both lists.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn load(service: &FindingService) -> Result<Self, StoreError> {
        let epss = service.findings.list_entries("epss", &[])?.into_iter();
        let epss =
            epss.filter_map(|(cve, body)| Some((cve, serde_json::from_str::<Epss>(&body).ok()?.probability)));
        let kev = service.findings.list_entries("kev", &[])?.into_iter();
        let kev =
            kev.filter_map(|(cve, body)| Some((cve, serde_json::from_str::<Exploited>(&body).ok()?.added)));
        Ok(Self { epss: epss.collect(), exploited: kev.collect() })
    }
}
