//! Measures on the samples of series: which series a query is about, and what their groups come to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use lanner_core::{Aggregate, Group, Labels, Sample, SeriesKey, TimeRange};

use super::data::SeriesQuery;
use super::gather::GroupValues;
use crate::alert::matcher::Matchers;
use crate::measure::stream::MAX_GROUPS;
use crate::measure::{Bucket, Measure};

/// Which series a query is about.
#[derive(Debug)]
pub struct Selector<'q> {
    query: &'q SeriesQuery,
    matchers: Option<Matchers>,
}

impl<'q> Selector<'q> {
    /// The series of this query.
    ///
    /// # Errors
    /// A matcher that cannot be compiled.
    pub fn new(query: &'q SeriesQuery) -> Result<Self, String> {
        let matchers = if query.labels.is_empty() { None } else { Some(Matchers::compile(&query.labels)?) };
        Ok(Self { query, matchers })
    }

    /// Whether a series is one of them.
    #[must_use]
    pub fn matches(&self, key: &SeriesKey) -> bool {
        glob(&self.query.name, &key.name) && self.matchers.as_ref().is_none_or(|m| m.matches(&key.labels))
    }

    fn group(&self, key: &SeriesKey) -> Group {
        let labels = if self.query.by == ["*"] {
            key.labels.with(&Labels::new([("series", &*key.name)]))
        } else {
            key.labels.only(&self.query.by)
        };
        Group::of(&self.query.by, labels)
    }
}

/// Series that match a query, gathered into its groups, window by window; used live and in replay alike.
#[derive(Debug)]
pub struct SeriesGroups<'q> {
    selector: Selector<'q>,
    windows: &'q [Option<TimeRange>],
    groups: BTreeMap<Group, Vec<Bucket>>,
    n_overflow: u64,
}

impl<'q> SeriesGroups<'q> {
    /// No series yet.
    ///
    /// # Errors
    /// When a label's expression is not usable.
    pub fn new(query: &'q SeriesQuery, windows: &'q [Option<TimeRange>]) -> Result<Self, String> {
        Ok(Self { selector: Selector::new(query)?, windows, groups: BTreeMap::new(), n_overflow: 0 })
    }

    /// Whether a series can be added: of more than [`MAX_GROUPS`] groups those that come last are left out.
    pub fn takes(&mut self, key: &SeriesKey) -> bool {
        let is_over =
            self.groups.len() >= MAX_GROUPS && self.selector.matches(key) && !self.has_group_of(key);
        self.n_overflow += u64::from(is_over);
        !is_over
    }

    fn has_group_of(&self, key: &SeriesKey) -> bool {
        // Each series is a group of its own, and comes once.
        self.selector.query.by != ["*"] && self.groups.contains_key(&self.selector.group(key))
    }

    /// How many series were left out.
    #[must_use]
    pub const fn n_overflow(&self) -> u64 {
        self.n_overflow
    }

    /// Adds the samples of one series, in order of time, if it belongs to the query. Without samples in a window it
    /// makes no group: which series are known yet depends on when one asks.
    pub fn samples(&mut self, key: &SeriesKey, samples: &[Sample]) {
        if !self.selector.matches(key) {
            return;
        }
        let inside = |window: &TimeRange| {
            let from = samples.partition_point(|sample| sample.time_ms < window.start_ms);
            let to = samples.partition_point(|sample| sample.time_ms < window.end_ms);
            samples.get(from..to).filter(|inside| !inside.is_empty())
        };
        let inside = |window: &Option<TimeRange>| window.as_ref().and_then(inside);
        let mut filled = self
            .windows
            .iter()
            .map(inside)
            .enumerate()
            .filter_map(|(at, inside)| Some((at, inside?)))
            .peekable();
        if filled.peek().is_none() {
            return;
        }
        let empty = || vec![self.selector.query.measure.bucket(); self.windows.len()];
        let buckets = self.groups.entry(self.selector.group(key)).or_insert_with(empty);
        for (at, inside) in filled {
            inside.iter().for_each(|sample| buckets[at].add(*sample));
        }
    }

    /// Adds what the samples of one series come to in each window, if it belongs to the query; for measures that are
    /// made of that, which those of quantiles are not.
    pub fn aggregates(&mut self, key: &SeriesKey, aggregates: Vec<Option<Aggregate>>) {
        if aggregates.iter().all(Option::is_none) || !self.selector.matches(key) {
            return;
        }
        let more = aggregates.into_iter().map(Bucket::Plain);
        match self.groups.entry(self.selector.group(key)) {
            Entry::Vacant(group) => _ = group.insert(more.collect()),
            Entry::Occupied(mut group) => {
                group.get_mut().iter_mut().zip(more).for_each(|(bucket, more)| bucket.merge(&more));
            }
        }
    }

    /// The values of each group in each window, in order of the groups; `None` where it has no samples.
    #[must_use]
    pub fn values(self) -> Vec<GroupValues> {
        let measure: &Measure = &self.selector.query.measure;
        let value = |bucket: &Bucket| match bucket {
            Bucket::Plain(None) => None,
            bucket => measure.value(bucket),
        };
        self.groups.into_iter().map(|(group, buckets)| (group, buckets.iter().map(value).collect())).collect()
    }
}

/// Whether `name` fits `pattern`, in which `*` stands for any characters. Cost: O(length) without
/// backtracking beyond the last star.
#[must_use]
pub fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && pattern[p] == name[n] {
            (p, n) = (p + 1, n + 1);
        } else if let Some((star_p, star_n)) = star {
            (p, n) = (star_p + 1, star_n + 1);
            star = Some((star_p, star_n + 1));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}
