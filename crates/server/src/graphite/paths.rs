//! The names of all series as Graphite sees them: a tree of dotted paths, and series with tags.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use lanner_core::SeriesKey;
use lanner_io::store::{SeriesId, Store, StoreError};
use lanner_series::graphite::{Glob, TagCondition};

use crate::app::locked;

/// The names at one time.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Series without labels by their dotted names, in order.
    plain: Vec<(String, SeriesId)>,
    /// Series with labels by their full names (`name;label=value;...`), in order, with all their tags.
    tagged: Vec<(String, SeriesId, BTreeMap<String, String>)>,
}

/// The newest `Paths`, made again when series were added.
#[derive(Debug, Default)]
pub struct PathsCache(Mutex<(usize, Arc<Paths>)>);

impl PathsCache {
    /// The names of all series. O(1) unless there are new ones, then O(n log n).
    pub(super) fn get(&self, store: &Store) -> Result<Arc<Paths>, StoreError> {
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
pub(super) struct Node {
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
                paths.plain.push((key.name.to_string(), *id));
            } else {
                let mut tags: BTreeMap<String, String> =
                    key.labels.iter().map(|(label, value)| (label.to_owned(), value.to_owned())).collect();
                let name = full_name(key);
                tags.insert("name".to_owned(), key.name.to_string());
                paths.tagged.push((name, *id, tags));
            }
        }
        paths.plain.sort_unstable();
        paths.tagged.sort_unstable();
        paths
    }

    /// The series called `name`, with or without tags.
    pub(super) fn series(&self, name: &str) -> Option<SeriesId> {
        if name.contains(';') {
            let found = self.tagged.binary_search_by(|(known, ..)| known.as_str().cmp(name)).ok()?;
            return Some(self.tagged[found].1);
        }
        let found = self.plain.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(self.plain[found].1)
    }

    /// The series without tags, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.plain.iter().map(|(name, _)| name.as_str())
    }

    /// The series without tags that a pattern matches, in order.
    pub(super) fn matching(&self, pattern: &str) -> Vec<String> {
        let glob = Glob::new(pattern);
        self.below(&glob).filter(|name| glob.matches(name)).map(str::to_owned).collect()
    }

    /// The nodes of the tree that a pattern matches, each once, in order of their paths.
    pub(super) fn nodes(&self, pattern: &str) -> Vec<Node> {
        let glob = Glob::new(pattern);
        let mut nodes = BTreeSet::new();
        for path in self.below(&glob) {
            let mut end = 0;
            let mut parts = path.split('.');
            let matches = (0..glob.len()).all(|depth| {
                parts.next().is_some_and(|part| {
                    end += part.len() + usize::from(depth > 0);
                    glob.node_matches(depth, part)
                })
            });
            if matches {
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
        let first = self.plain.partition_point(|(name, _)| name.as_str() < prefix.as_str());
        self.plain[first..]
            .iter()
            .map(|(name, _)| name.as_str())
            .take_while(move |name| name.starts_with(&prefix))
    }

    /// The full names of the series that fulfil all conditions, in order.
    pub(super) fn with_tags<'a>(&'a self, conditions: &'a [TagCondition]) -> impl Iterator<Item = &'a str> {
        self.tags_where(conditions).map(|(name, _)| name)
    }

    /// Names and tags of the series that fulfil all conditions, in order.
    pub(super) fn tags_where<'a>(
        &'a self,
        conditions: &'a [TagCondition],
    ) -> impl Iterator<Item = (&'a str, &'a BTreeMap<String, String>)> {
        let all = self.tagged.iter().map(|(name, _, tags)| (name.as_str(), tags));
        all.filter(|(_, tags)| conditions.iter().all(|condition| condition.matches(tags)))
    }
}
