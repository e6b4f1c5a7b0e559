//! The names of all series as Graphite sees them: a tree of dotted paths, and series with tags.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use lanner_core::SeriesKey;
use lanner_graphite::{Glob, TagCondition};
use lanner_io::data::{DataStore, SeriesId, StoreError};

use crate::sync::locked;

/// The names at one time.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// Series without labels, in order of their dotted names. There may be millions: a name is that of the store, which
    /// has it in memory anyway.
    plain: Vec<(Arc<str>, SeriesId)>,
    /// Series with labels, in order of their full names (`name;label=value;...`), which are made of the store's keys when
    /// they are asked for.
    tagged: Vec<(Tagged, SeriesId)>,
}

/// A series with labels, which Graphite calls tags; its name is the tag `name`.
#[derive(Debug, Clone)]
pub(crate) struct Tagged(Arc<SeriesKey>);

impl Tagged {
    pub(crate) fn full_name(&self) -> String {
        full_name(&self.0)
    }

    pub(crate) fn tag(&self, tag: &str) -> Option<&str> {
        if tag == NAME { Some(&self.0.name) } else { self.0.labels.get(tag) }
    }

    /// The names of all its tags.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let labels = self.0.labels.iter().map(|(label, _)| label);
        labels.filter(|label| *label != NAME).chain([NAME])
    }

    fn fulfils(&self, condition: &TagCondition) -> bool {
        condition.accepts(self.tag(condition.tag()).unwrap_or_default())
    }
}

/// The tag that is a series' name.
const NAME: &str = "name";

/// The newest `Paths`, made again when series were added.
#[derive(Debug, Default)]
pub(super) struct PathsCache(Mutex<(usize, Arc<Paths>)>);

impl PathsCache {
    /// The names of all series. O(1) unless there are new ones, then O(n log n).
    pub(crate) fn get(&self, store: &dyn DataStore) -> Result<Arc<Paths>, StoreError> {
        let mut cached = locked(&self.0);
        let n_series = store.n_series();
        if cached.0 != n_series {
            *cached = (n_series, Arc::new(Paths::new(&store.select("*", &[])?)));
        }
        Ok(Arc::clone(&cached.1))
    }
}

/// One name on one level of the tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    /// The whole path down to it.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// Whether it is a series; a path can be both.
    pub is_leaf: bool,
}

/// The name with labels, as Graphite writes it: `name;label=value;...`, labels in order.
pub(crate) fn full_name(key: &SeriesKey) -> String {
    key.labels.iter().fold(key.name.to_string(), |name, (label, value)| format!("{name};{label}={value}"))
}

impl Paths {
    fn new(series: &[(SeriesId, Arc<SeriesKey>)]) -> Self {
        let mut paths = Self::default();
        for (id, key) in series {
            if key.labels.is_empty() {
                paths.plain.push((Arc::clone(&key.name), *id));
            } else {
                paths.tagged.push((Tagged(Arc::clone(key)), *id));
            }
        }
        paths.plain.sort_unstable();
        paths.tagged.sort_by_cached_key(|(tagged, _)| tagged.full_name());
        paths
    }

    /// The series called `name`, with or without tags.
    pub(crate) fn series(&self, name: &str) -> Option<SeriesId> {
        if name.contains(';') {
            let found =
                self.tagged.binary_search_by(|(known, _)| known.full_name().as_str().cmp(name)).ok()?;
            return Some(self.tagged[found].1);
        }
        let found = self.plain.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(self.plain[found].1)
    }

    /// The series without tags, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.plain.iter().map(|(name, _)| &**name)
    }

    /// The series without tags that a pattern matches, in order.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<String> {
        let glob = Glob::new(pattern);
        self.below(&glob).filter(|name| glob.matches(name)).map(str::to_owned).collect()
    }

    /// Whether a pattern matches any series without tags.
    pub(crate) fn has(&self, pattern: &str) -> bool {
        let glob = Glob::new(pattern);
        self.below(&glob).any(|name| glob.matches(name))
    }

    /// The nodes of the tree that a pattern matches, each once, in order of their paths.
    pub(crate) fn nodes(&self, pattern: &str) -> Vec<Node> {
        let glob = Glob::new(pattern);
        let mut nodes = BTreeSet::new();
        for path in self.below(&glob) {
            for end in glob.ends(path) {
                let (path, is_leaf) = (&path[..end], end == path.len());
                let name = path.rsplit('.').next().unwrap_or(path);
                nodes.insert(Node { path: path.to_owned(), name: name.to_owned(), is_leaf });
            }
        }
        nodes.into_iter().collect()
    }

    /// The paths that begin as a pattern does before its first wildcard.
    fn below(&self, glob: &Glob) -> impl Iterator<Item = &str> {
        let prefix = glob.fixed_prefix();
        let first = self.plain.partition_point(|(name, _)| **name < *prefix);
        self.plain[first..].iter().map(|(name, _)| &**name).take_while(move |name| name.starts_with(&prefix))
    }

    /// The full names of the series that fulfil all conditions, in order.
    pub(crate) fn with_tags<'a>(&'a self, conditions: &'a [TagCondition]) -> impl Iterator<Item = String> {
        self.tags_where(conditions).map(Tagged::full_name)
    }

    /// The series that fulfil all conditions, in order of their full names.
    pub(crate) fn tags_where<'a>(
        &'a self,
        conditions: &'a [TagCondition],
    ) -> impl Iterator<Item = &'a Tagged> {
        let all = self.tagged.iter().map(|(tagged, _)| tagged);
        all.filter(|tagged| conditions.iter().all(|condition| tagged.fulfils(condition)))
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::Labels;

    use super::*;

    #[test]
    fn names_and_tags_of_series_are_not_kept_a_second_time() {
        let key = |n: u32| Arc::new(SeriesKey::new("cpu", Labels::new([("host", format!("host-{n:04}"))])));
        let keys: Vec<Arc<SeriesKey>> = (0..1_000).map(key).collect();
        let paths = Paths::new(&(0..).map(SeriesId).zip(keys.iter().map(Arc::clone)).collect::<Vec<_>>());
        // Of each the key that the store has anyway, and its number.
        assert!(keys.iter().all(|key| Arc::strong_count(key) == 2));
        assert_eq!(size_of_val(&paths.tagged[..]), 16 * keys.len());
        assert_eq!(paths.series("cpu;host=host-0007"), Some(SeriesId(7)));

        let plain: Vec<Arc<SeriesKey>> = (0..1_000)
            .map(|n| Arc::new(SeriesKey::new(format!("cpu.host-{n:04}"), Labels::default())))
            .collect();
        let paths = Paths::new(&(0..).map(SeriesId).zip(plain.iter().map(Arc::clone)).collect::<Vec<_>>());
        assert!(plain.iter().all(|key| Arc::strong_count(&key.name) == 2));
        assert_eq!(size_of_val(&paths.plain[..]), 24 * plain.len());
        assert_eq!(paths.series("cpu.host-0007"), Some(SeriesId(7)));
    }
}
