//! The registry of series and their numbers, all in memory.
//!
//! A number is given at once; its row is written with the first batch that uses it. Numbers are given in
//! order, so the rows that are missing are always those above the largest written one. Numbers are private
//! to one run of the program: series without data are forgotten when the store is opened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use lanner_core::matching::LabelTest;
use lanner_core::{Labels, MatchOp, Matcher, SeriesKey, glob};
use rusqlite::Connection;

use super::StoreError;
use super::series_id::SeriesId;
use super::sums::Table;
use super::written::WrittenSeries;

/// See the module.
pub(super) struct Registry {
    known: RwLock<Known>,
    pub(super) written: WrittenSeries,
    max_series: usize,
}

#[derive(Default)]
struct Known {
    /// By number less one; `None` for numbers whose series was forgotten.
    keys: Vec<Option<Arc<SeriesKey>>>,
    by_key: HashMap<Arc<SeriesKey>, SeriesId>,
    by_name: BTreeMap<Arc<str>, Vec<SeriesId>>,
    /// By label and value, rising: a rule names one series among very many.
    by_label: HashMap<Arc<str>, HashMap<Arc<str>, Vec<SeriesId>>>,
    /// Label names and values, each text once.
    texts: HashSet<Arc<str>>,
}

impl Registry {
    /// Reads what is known from the file.
    pub(super) fn load(db: &Connection, max_series: usize) -> Result<Self, StoreError> {
        let secret: Vec<u8> =
            db.query_row("SELECT value FROM meta WHERE key = 'secret'", [], |row| row.get(0))?;
        if secret.len() < 136 {
            return Err(StoreError::corrupt("the installation's hash secret is too short"));
        }
        let mut known = Known::default();
        let mut statement = db.prepare(&format!(
            "SELECT id, name, labels, {} FROM series ORDER BY id",
            Table::Series.is_whole()
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let id: u32 = row.get(0)?;
            if !row.get::<_, bool>(3)? {
                return Err(StoreError::corrupt(format!("the name of series {id} is not what was written")));
            }
            let labels: Labels = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or(""))?;
            let name = row.get_ref(1)?.as_str().unwrap_or("");
            if id == 0 || (id as usize) <= known.keys.len() {
                return Err(StoreError::corrupt(format!("series {id} is out of order")));
            }
            known.keys.resize(id as usize - 1, None);
            let key = known.interned(&SeriesKey::new(name, labels));
            known.add(key);
        }
        Ok(Self { known: RwLock::new(known), written: WrittenSeries::new(secret), max_series })
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn id(&self, key: &SeriesKey) -> Result<SeriesId, StoreError> {
        if let Some(id) = self.known().by_key.get(key) {
            return Ok(*id);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.by_key.get(key) {
            return Ok(*id);
        }
        if known.by_key.len() >= self.max_series || known.keys.len() >= u32::MAX as usize {
            return Err(StoreError::TooManySeries { limit: self.max_series });
        }
        let key = known.interned(key);
        Ok(known.add(key))
    }

    pub(super) fn resolve(&self, written: &[u8], key: &SeriesKey) -> Result<SeriesId, StoreError> {
        if let Some(id) = self.written.get(written) {
            return Ok(id);
        }
        let id = self.id(key)?;
        self.written.insert(written, id);
        Ok(id)
    }

    pub(super) fn key(&self, id: SeriesId) -> Option<Arc<SeriesKey>> {
        self.known().keys.get((id.0 as usize).checked_sub(1)?)?.clone()
    }

    pub(super) fn name_of(&self, id: SeriesId) -> String {
        self.key(id).map_or_else(|| format!("number {}", id.0), |key| key.to_string())
    }

    /// The largest number given so far.
    pub(super) fn last_id(&self) -> u32 {
        self.known().keys.len() as u32
    }

    pub(super) fn count(&self) -> usize {
        self.known().by_key.len()
    }

    pub(super) fn names(&self, pattern: &str) -> Vec<Arc<str>> {
        let known = self.known();
        known.matching(pattern).map(|(name, _)| Arc::clone(name)).collect()
    }

    pub(super) fn select(
        &self,
        pattern: &str,
        matchers: &[Matcher],
    ) -> Result<Vec<(SeriesId, Arc<SeriesKey>)>, StoreError> {
        let tests: Vec<LabelTest> = matchers.iter().map(test).collect::<Result<_, _>>()?;
        let known = self.known();
        let accepted = |id: &SeriesId| {
            let key = known.keys[id.0 as usize - 1].as_ref()?;
            tests.iter().all(|test| test.accepts(&key.labels)).then(|| (*id, Arc::clone(key)))
        };
        let Some(ids) = known.rarest(pattern, matchers) else {
            return Ok(known.matching(pattern).flat_map(|(_, ids)| ids).filter_map(accepted).collect());
        };
        let mut found: Vec<(SeriesId, Arc<SeriesKey>)> =
            ids.iter().filter_map(accepted).filter(|(_, key)| glob::matches(pattern, &key.name)).collect();
        found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name)); // stable: numbers stay in order
        Ok(found)
    }

    /// Writes the rows of all series that have none yet, up to number `upto`.
    pub(super) fn save(&self, db: &Connection, upto: u32) -> Result<(), StoreError> {
        let written: u32 =
            db.prepare_cached("SELECT coalesce(max(id), 0) FROM series")?.query_row([], |row| row.get(0))?;
        if upto <= written {
            return Ok(());
        }
        let keys: Vec<(u32, Arc<SeriesKey>)> = {
            let known = self.known();
            let new = written as usize..known.keys.len();
            new.filter_map(|at| Some((at as u32 + 1, known.keys[at].clone()?))).collect()
        };
        let mut insert = db.prepare_cached(
            "INSERT INTO series (id, name, labels, sum) VALUES (?1, ?2, ?3, row_sum(?1, ?2, ?3))",
        )?;
        for (id, key) in keys {
            insert.execute((id, &*key.name, serde_json::to_string(&key.labels)?))?;
        }
        Ok(())
    }
}

impl Known {
    fn add(&mut self, key: Arc<SeriesKey>) -> SeriesId {
        self.keys.push(Some(Arc::clone(&key)));
        let id = SeriesId(self.keys.len() as u32);
        self.by_name.entry(Arc::clone(&key.name)).or_default().push(id);
        for (label, value) in key.labels.iter() {
            let (label, value) = (self.text(label), self.text(value));
            self.by_label.entry(label).or_default().entry(value).or_default().push(id);
        }
        self.by_key.insert(key, id);
        id
    }

    /// The same key with each text shared by all series that have it.
    fn interned(&mut self, key: &SeriesKey) -> Arc<SeriesKey> {
        let name = match self.by_name.get_key_value(&key.name) {
            Some((name, _)) => Arc::clone(name),
            None => Arc::clone(&key.name),
        };
        let pairs: Vec<(Arc<str>, Arc<str>)> =
            key.labels.iter().map(|(label, value)| (self.text(label), self.text(value))).collect();
        Arc::new(SeriesKey { name, labels: Labels::new(pairs) })
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&text));
        text
    }

    /// The series that have a label that the matchers ask for, the rarest of those; `None` when nothing is asked
    /// for exactly, or the name alone leaves fewer.
    fn rarest(&self, pattern: &str, matchers: &[Matcher]) -> Option<&[SeriesId]> {
        let exact = matchers.iter().filter(|m| m.op == MatchOp::Equal && !m.value.is_empty());
        let labelled = |m: &Matcher| match self.by_label.get(&*m.label).and_then(|ids| ids.get(&*m.value)) {
            Some(ids) => &ids[..],
            None => &[],
        };
        let ids = exact.map(labelled).min_by_key(|ids| ids.len())?;
        let n_named = self.by_name.get(pattern).map(Vec::len);
        n_named.is_none_or(|n_named| ids.len() < n_named).then_some(ids)
    }

    fn matching<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a Vec<SeriesId>)> {
        let prefix = glob::fixed_prefix(pattern);
        self.by_name
            .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
            .take_while(move |(name, _)| name.starts_with(prefix))
            .take_while(move |(name, _)| prefix.len() < pattern.len() || &***name == pattern)
            .filter(move |(name, _)| glob::matches(pattern, name))
    }
}

fn test(matcher: &Matcher) -> Result<LabelTest, StoreError> {
    LabelTest::new(matcher)
        .map_err(|error| StoreError::BadMatcher { label: matcher.label.clone(), detail: error.to_string() })
}
