//! What lists of exploited vulnerabilities say, kept in memory as long as the stored lists are the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use lanner_io::findings::FindingStore;
use lanner_io::store::StoreError;
use lanner_vuln::{Epss, Exploited};
use serde::de::DeserializeOwned;

use crate::sync::locked;

/// How many entries each list may have; there are some 350,000 CVE ids.
pub(crate) const MAX_ENTRIES: usize = 2_000_000;

/// What the lists say. An entry takes some 30 bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Probabilities of exploitation.
    epss: HashMap<CveId, f64>,
    /// When vulnerabilities became known to be exploited.
    exploited: HashMap<CveId, Box<str>>,
}

/// `CVE-2021-44228` as year and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct CveId(u16, u64);

impl CveId {
    fn parse(text: &str) -> Option<Self> {
        let (year, number) = text.strip_prefix("CVE-")?.split_once('-')?;
        Some(Self(year.parse().ok()?, number.parse().ok()?))
    }
}

impl Known {
    /// The probability that a CVE is exploited.
    pub(crate) fn probability(&self, cve: &str) -> Option<f64> {
        self.epss.get(&CveId::parse(cve)?).copied()
    }

    /// When a CVE became known to be exploited.
    pub(crate) fn exploited_since(&self, cve: &str) -> Option<&str> {
        self.exploited.get(&CveId::parse(cve)?).map(|since| &**since)
    }

    fn contains(&self, list: List, cve: &str) -> bool {
        match list {
            List::Epss => self.probability(cve).is_some(),
            List::Kev => self.exploited_since(cve).is_some(),
        }
    }

    fn len(&self, list: List) -> usize {
        match list {
            List::Epss => self.epss.len(),
            List::Kev => self.exploited.len(),
        }
    }

    fn clear(&mut self, list: List) {
        match list {
            List::Epss => self.epss.clear(),
            List::Kev => self.exploited.clear(),
        }
    }

    /// Adds stored entries; what is no entry of this list, such as where it comes from, is left out.
    fn extend<'e>(&mut self, list: List, entries: impl Iterator<Item = (&'e String, &'e String)>) {
        fn read<T: DeserializeOwned>((cve, body): (&String, &String)) -> Option<(CveId, T)> {
            Some((CveId::parse(cve)?, serde_json::from_str(body).ok()?))
        }
        match list {
            List::Epss => {
                let read = entries.filter_map(read::<Epss>);
                self.epss.extend(read.map(|(cve, entry)| (cve, entry.probability)));
            }
            List::Kev => {
                let read = entries.filter_map(read::<Exploited>);
                self.exploited.extend(read.map(|(cve, entry)| (cve, entry.added.into_boxed_str())));
            }
        }
    }
}

/// A list that a site brings in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    /// How likely vulnerabilities are to be exploited.
    Epss,
    /// Which are known to be.
    Kev,
}

impl List {
    /// All lists.
    pub(crate) const ALL: [Self; 2] = [Self::Epss, Self::Kev];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Epss => "epss",
            Self::Kev => "kev",
        }
    }
}

/// The lists, read from the store when somebody first asks, and changed with it from then on.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<Option<Arc<Known>>>);

impl Lists {
    /// What they say.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn known(&self, store: &dyn FindingStore) -> Result<Arc<Known>, StoreError> {
        let mut kept = locked(&self.0);
        let known = taken_or_read(&mut kept, store)?;
        *kept = Some(Arc::clone(&known));
        Ok(known)
    }

    /// Writes entries of a list, in place of all that it had with `whole`; those that it did not have, or `None` when the list
    /// would be too long.
    ///
    /// # Errors
    /// Failures of the store.
    pub(crate) fn put(
        &self,
        store: &dyn FindingStore,
        list: List,
        whole: bool,
        entries: Vec<(String, String)>,
    ) -> Result<Option<Vec<String>>, StoreError> {
        // Held until the store has taken them: nobody may keep what it said before.
        let mut kept = locked(&self.0);
        let mut known = taken_or_read(&mut kept, store)?;
        let there = if whole { 0 } else { known.len(list) };
        if there + entries.len() > MAX_ENTRIES {
            *kept = Some(known);
            return Ok(None);
        }
        let is_new = |cve: &&String| !known.contains(list, cve);
        let new = entries.iter().map(|(cve, _)| cve).filter(is_new).cloned().collect();
        let after = Arc::make_mut(&mut known);
        if whole {
            after.clear(list);
        }
        after.extend(list, entries.iter().map(|(cve, body)| (cve, body)));
        store.put_list(list.name(), whole, entries)?.wait()?;
        *kept = Some(known);
        Ok(Some(new))
    }
}

/// What is kept, or else what is stored. It is not kept again until whoever asks puts it back.
fn taken_or_read(kept: &mut Option<Arc<Known>>, store: &dyn FindingStore) -> Result<Arc<Known>, StoreError> {
    if let Some(known) = kept.take() {
        return Ok(known);
    }
    let mut known = Known::default();
    for list in List::ALL {
        let entries = store.list_entries(list.name(), &[])?;
        known.extend(list, entries.iter().map(|(cve, body)| (cve, body)));
    }
    Ok(Arc::new(known))
}

#[cfg(test)]
mod tests {
    use super::CveId;

    #[test]
    fn ids_are_known_however_they_are_padded() {
        for (text, id) in [
            ("CVE-2021-44228", Some(CveId(2021, 44_228))),
            ("CVE-2021-0001", Some(CveId(2021, 1))),
            ("CVE-2021-1", Some(CveId(2021, 1))),
            ("CVE-2021-", None),
            ("GHSA-2021-1", None),
            ("", None),
        ] {
            assert_eq!(CveId::parse(text), id, "{text}");
        }
    }
}
