//! Walking history through the engine: what would have fired.
//!
//! The engine is the same as live; only the clock is virtual and the source is a record. [`Recorded`] is
//! such a source: events and samples in memory, read by the same code as live ones.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use lanner_core::{
    Aggregate, DeliveryOutcome, Evaluation, Group, Labels, Notification, Sample, SeriesKey, TimeRange,
};
use serde_json::{Map, Value};

use crate::engine::{Answer, Due, Engine, Reading, Readings};
use crate::expression::{self, Metrics};
use crate::join::joined;
use crate::matcher::Matchers;
use crate::measure::{Bucket, Measure};
use crate::rule::{Query, Rule, SeriesQuery, StreamQuery};
use crate::stream::{MAX_GROUPS, Measures};

/// Something that answers what is due.
pub trait Source {
    /// Measures what `due` asks for.
    fn answer(&mut self, due: &Due) -> Answer;
}

/// What walking history came to.
#[derive(Debug, Default, PartialEq)]
pub struct Replay {
    /// Every evaluation, in the order it was due.
    pub evaluations: Vec<Evaluation>,
    /// Every message that would have been written.
    pub notifications: Vec<Notification>,
}

impl Replay {
    /// The evaluations of each rule, in their order.
    #[must_use]
    pub fn by_rule(&self) -> BTreeMap<&str, Vec<&Evaluation>> {
        let mut rules: BTreeMap<&str, Vec<&Evaluation>> = BTreeMap::new();
        for evaluation in &self.evaluations {
            rules.entry(&evaluation.rule).or_default().push(evaluation);
        }
        rules
    }

    /// Keeps messages, which every receiver takes at once.
    fn deliver(&mut self, engine: &mut Engine, now_ms: i64, written: Vec<Notification>) {
        for message in written {
            engine.settle(now_ms, &message.key, DeliveryOutcome::Delivered);
            self.notifications.push(message);
        }
    }
}

/// Runs `engine` from `from_ms` until everything due by `to_ms` is done.
///
/// The engine's rules are to be set at `from_ms`. `progress` is told the virtual time reached; returning
/// `false` stops the walk.
pub fn run(
    engine: &mut Engine,
    source: &mut impl Source,
    from_ms: i64,
    to_ms: i64,
    mut progress: impl FnMut(i64) -> bool,
) -> Replay {
    let mut replay = Replay::default();
    let mut now_ms = from_ms;
    while let Some(wake_ms) = engine.wake_ms().filter(|wake_ms| *wake_ms <= to_ms) {
        now_ms = now_ms.max(wake_ms);
        if !progress(now_ms) {
            break;
        }
        for due in engine.plan(now_ms, 1_000).due {
            let answer = source.answer(&due);
            let evaluations = engine.evaluate(&due, &answer, now_ms);
            let changes = engine.apply(now_ms, &due, evaluations);
            replay.evaluations.extend(changes.evaluations);
            replay.deliver(engine, now_ms, changes.outbox);
        }
        let written = engine.tick(now_ms).outbox;
        replay.deliver(engine, now_ms, written);
    }
    replay
}

/// Events and samples in memory, as a source.
#[derive(Debug)]
pub struct Recorded {
    measures: Measures,
    first_event_ms: BTreeMap<Arc<str>, i64>,
    first_sample_ms: Option<i64>,
    series: BTreeMap<SeriesKey, Vec<Sample>>,
}

impl Recorded {
    /// A record that will be read by `rules`. Set the rules first: events are counted as they are added.
    #[must_use]
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, seed: u64) -> Self {
        let mut measures = Measures::new(seed);
        for rule in rules {
            if let Query::Stream(query) = &rule.query {
                measures.add(&rule.id, query, rule.step_ms(), i64::MIN);
            }
        }
        measures.cover(i64::MIN);
        Self { measures, first_event_ms: BTreeMap::new(), first_sample_ms: None, series: BTreeMap::new() }
    }

    /// Adds an event.
    pub fn event(&mut self, stream: &str, time_ms: i64, fields: &Map<String, Value>) {
        self.measures.count(stream, time_ms, fields);
        let first_ms = self.first_event_ms.entry(stream.into()).or_insert(time_ms);
        *first_ms = time_ms.min(*first_ms);
    }

    /// Says that a stream has events from before what was added.
    pub fn stream_began(&mut self, stream: &str, first_ms: Option<i64>) {
        if let Some(first_ms) = first_ms {
            let known = self.first_event_ms.entry(stream.into()).or_insert(first_ms);
            *known = first_ms.min(*known);
        }
    }

    /// Says that series have samples from before what was added.
    pub fn began(&mut self, first_ms: Option<i64>) {
        self.first_sample_ms = [self.first_sample_ms, first_ms].into_iter().flatten().min();
    }

    /// Adds samples of one series, in any order; of two at one time the later added wins.
    pub fn samples(&mut self, key: SeriesKey, samples: impl IntoIterator<Item = Sample>) {
        let kept = self.series.entry(key).or_default();
        kept.extend(samples);
        kept.reverse();
        kept.sort_by_key(|sample| sample.time_ms);
        kept.dedup_by_key(|sample| sample.time_ms);
    }

    fn count(&self, due: &Due, query: &Arc<StreamQuery>) -> Result<Vec<Reading>, String> {
        let step_ms = due.rule.step_ms();
        let read = |window| {
            let values = self.measures.read(query, step_ms, window);
            values.ok_or_else(|| "the record does not hold this window".to_owned())
        };
        let now = if due.more { Vec::new() } else { read(due.window)? };
        if query.remembers.is_some() {
            return Ok(gather(due, now, &[self.measures.read_seen(query, step_ms, due.window)]));
        }
        let bases = due.bases.iter().map(|window| window.map_or(Ok(Vec::new()), read));
        Ok(gather(due, now, &bases.collect::<Result<Vec<_>, _>>()?))
    }

    fn read(&self, due: &Due, query: &SeriesQuery) -> Result<Vec<Reading>, String> {
        let windows = due.windows();
        let mut groups = SeriesGroups::new(query, &windows)?;
        self.series.iter().for_each(|(key, samples)| groups.samples(key, samples));
        Ok(readings(due, groups.values()))
    }

    fn first_data_ms(&self, rule: &Rule) -> Option<i64> {
        match &rule.query {
            Query::Stream(query) => self.first_event_ms.get(&query.stream).copied(),
            Query::Series(query) => {
                let selector = Selector::new(query).ok()?;
                let matching = self.series.iter().filter(|(key, _)| selector.matches(key));
                let first_ms =
                    matching.filter_map(|(_, samples)| samples.first()).map(|sample| sample.time_ms);
                first_ms.chain(self.first_sample_ms).min()
            }
            Query::Expression(_) => None,
        }
    }
}

impl Source for Recorded {
    fn answer(&mut self, due: &Due) -> Answer {
        let groups = match &due.rule.query {
            Query::Stream(query) => self.count(due, query)?,
            Query::Series(query) => self.read(due, query)?,
            Query::Expression(query) => return expression::answer(due, query, &Metrics::new(&self.series)),
        };
        Ok(Readings { groups, first_data_ms: self.first_data_ms(&due.rule) })
    }
}

/// Joins what was read of a window and of its bases, group by group; known groups are always there.
#[must_use]
pub fn gather(
    due: &Due,
    now: Vec<(Group, Option<f64>)>,
    bases: &[Vec<(Group, Option<f64>)>],
) -> Vec<Reading> {
    let n_bases = due.bases.len();
    let nothing = due.rule.query.of_nothing();
    let empty = || (nothing, vec![None; n_bases]);
    let mut groups: BTreeMap<Group, (Option<f64>, Vec<Option<f64>>)> =
        due.known.iter().map(|group| (group.clone(), empty())).collect();
    for (group, value) in now {
        groups.entry(group).or_insert_with(empty).0 = value;
    }
    for (at, base) in bases.iter().enumerate() {
        for (group, value) in base {
            // A group that was there then and is gone now is measured too: it may have fallen to nothing.
            groups.entry(group.clone()).or_insert_with(empty).1[at] = *value;
        }
    }
    groups.into_iter().map(|(group, (value, bases))| Reading { group, value, bases, is_new: false }).collect()
}

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

/// The values of a group, window by window; `None` where there is nothing.
pub type GroupValues = (Group, Vec<Option<f64>>);

/// The values of [`Due::windows`], in order of their groups, as readings; known groups are always there.
#[must_use]
pub fn readings(due: &Due, values: Vec<GroupValues>) -> Vec<Reading> {
    let known = due.known.iter().map(|group| (group.clone(), ()));
    let reading = |(group, values, _): (Group, Option<Vec<Option<f64>>>, Option<()>)| {
        let mut values = values.unwrap_or_default().into_iter();
        Reading { group, value: values.next().flatten(), bases: values.collect(), is_new: false }
    };
    joined(values, known).map(reading).collect()
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
