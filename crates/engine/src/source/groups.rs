//! Measures on the samples of series: which series a query is about, and what their groups come to.

use std::collections::BTreeMap;

use lanner_core::glob;
use lanner_core::{Aggregate, Group, Labels, Sample, SeriesKey, TimeRange};

use super::data::SeriesQuery;
use super::gather::GroupValues;
use crate::alert::matcher::Matchers;
use crate::measure::stream::MAX_GROUPS;
use crate::measure::{Reads, Steps, Taken};

/// Which series a query is about: by the name, then by the labels.
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
        glob::matches(&self.query.name, &key.name)
            && self.matchers.as_ref().is_none_or(|m| m.matches(&key.labels))
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
    /// What each comes to, by the place of the window.
    groups: BTreeMap<Group, Steps>,
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

    /// How many series were left out because their groups would have been more than [`MAX_GROUPS`].
    #[must_use]
    pub const fn n_overflow(&self) -> u64 {
        self.n_overflow
    }

    /// Adds the samples of one series, in order of time, if it belongs to the query. Without anything to measure in a
    /// window it makes no group: which series are known yet depends on when one asks.
    pub fn samples(&mut self, key: &SeriesKey, samples: &[Sample]) {
        if !self.selector.matches(key) {
            return;
        }
        let inside = |window: &TimeRange| {
            let from = samples.partition_point(|sample| sample.time_ms < window.start_ms);
            let to = samples.partition_point(|sample| sample.time_ms < window.end_ms);
            samples.get(from..to).filter(|inside| !inside.is_empty())
        };
        let windows =
            self.windows.iter().enumerate().filter_map(|(at, window)| Some((at as i64, (*window)?)));
        let filled = windows.filter_map(|(at, window)| Some((at, window, inside(&window)?)));
        if let Some(Reads::EachSeries(of_series)) = self.selector.query.measure.kind.of_series {
            let value = |(at, window, inside): (i64, TimeRange, &[Sample])| {
                Some((at, Sample::new(window.start_ms, of_series(inside, window)?)))
            };
            self.add(key, filled.filter_map(value));
        } else {
            self.add(key, filled.flat_map(|(at, _, inside)| inside.iter().map(move |sample| (at, *sample))));
        }
    }

    /// Adds values to windows, by their place.
    fn add(&mut self, key: &SeriesKey, values: impl Iterator<Item = (i64, Sample)>) {
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        let measure = &self.selector.query.measure;
        let steps = self.groups.entry(self.selector.group(key)).or_insert_with(|| measure.steps());
        values.for_each(|(at, Sample { time_ms, value })| steps.add(at, time_ms, Taken::Number(value)));
    }

    /// Adds what the samples of one series come to in each window, if it belongs to the query; for measures that
    /// [need no more](Reads::Aggregates).
    pub fn aggregates(&mut self, key: &SeriesKey, aggregates: &[Option<Aggregate>]) {
        if aggregates.iter().all(Option::is_none) || !self.selector.matches(key) {
            return;
        }
        let measure = &self.selector.query.measure;
        let steps = self.groups.entry(self.selector.group(key)).or_insert_with(|| measure.steps());
        for (at, aggregate) in aggregates.iter().enumerate() {
            aggregate.iter().for_each(|samples| steps.add_aggregate(at as i64, samples));
        }
    }

    /// The values of each group in each window, in order of the groups; `None` where it has no samples.
    #[must_use]
    pub fn values(self) -> Vec<GroupValues> {
        let value = |steps: &Steps, at: i64| steps.value(at, at + 1).flatten();
        let values = |steps: &Steps| (0..self.windows.len()).map(|at| value(steps, at as i64)).collect();
        self.groups.into_iter().map(|(group, steps)| (group, values(&steps))).collect()
    }
}
