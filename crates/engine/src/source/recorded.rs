//! Recorded events and samples, in memory, as a source: read by the same code as live ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::{Answer, Ask, Readings, RemoteAsk, RemoteSeries, Sample, SeriesKey, SourceError};
use lanner_graphite::{EventTags, Glob, Points, Source as GraphiteSource, TagCondition, slots, tags_of};
use serde_json::{Map, Value};

use super::data::{Data, Fetched, RowScorer, SeriesQuery, Stored, StreamQuery};
use super::expression::full_name;
use super::gather::{gather, readings};
use super::groups::{Selector, SeriesGroups};
use crate::measure::stream::Measures;
use crate::rule::Rule;

/// Events and samples in memory, as a source.
#[derive(Debug)]
pub struct Recorded {
    /// By the name of the stream.
    measures: BTreeMap<Arc<str>, Measures>,
    first_event_ms: BTreeMap<Arc<str>, i64>,
    first_sample_ms: Option<i64>,
    series: BTreeMap<SeriesKey, Vec<Sample>>,
    /// By source and query.
    answers: BTreeMap<(String, String), Vec<RemoteSeries>>,
    /// By name.
    models: BTreeMap<String, Arc<dyn RowScorer>>,
}

impl Recorded {
    /// A record that will be read by `rules`. Set the rules first: events are counted as they are added.
    #[must_use]
    pub fn new<'r>(rules: impl IntoIterator<Item = &'r Rule>, seed: u64) -> Self {
        let mut measures: BTreeMap<Arc<str>, Measures> = BTreeMap::new();
        for rule in rules {
            for query in rule.query.streams() {
                let of_stream = measures.entry(query.stream.clone()).or_insert_with(|| Measures::new(seed));
                of_stream.add(&rule.id, query, rule.step_ms(), i64::MIN);
            }
        }
        measures.values_mut().for_each(|measures| measures.cover(i64::MIN));
        Self {
            measures,
            first_event_ms: BTreeMap::new(),
            first_sample_ms: None,
            series: BTreeMap::new(),
            answers: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// Adds an event.
    pub fn event(&mut self, stream: &str, time_ms: i64, fields: &Map<String, Value>) {
        if let Some(measures) = self.measures.get_mut(stream) {
            measures.count(time_ms, fields);
        }
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

    /// Adds a series that `source` answers to `query`; its points in order of time.
    pub(crate) fn answer_of(&mut self, source: &str, query: &str, series: RemoteSeries) {
        self.answers.entry((source.to_owned(), query.to_owned())).or_default().push(series);
    }

    /// Adds a trained detector.
    pub(crate) fn model_of(&mut self, name: &str, scorer: Arc<dyn RowScorer>) {
        self.models.insert(name.to_owned(), scorer);
    }

    /// When the first of these series begins.
    fn first_sample_ms(&self, query: &SeriesQuery) -> Option<i64> {
        let selector = Selector::new(query).ok()?;
        let matching = self.series.iter().filter(|(key, _)| selector.matches(key));
        let first_ms = matching.filter_map(|(_, samples)| samples.first()).map(|sample| sample.time_ms);
        first_ms.chain(self.first_sample_ms).min()
    }
}

impl Data for Recorded {
    fn stream(&mut self, ask: &Ask, query: &Arc<StreamQuery>) -> Answer {
        let missing = || SourceError::Permanent("the record does not hold this window".to_owned());
        let measures = self.measures.get(&query.stream).ok_or_else(missing)?;
        let read = |window| measures.read(query, ask.step_ms, window).ok_or_else(missing);
        let now = if ask.more { Vec::new() } else { read(ask.window)? };
        let baselines = if query.remembers.is_some() {
            vec![measures.read_seen(query, ask.step_ms, ask.window)]
        } else {
            let read = |window: &Option<_>| window.map_or(Ok(Vec::new()), read);
            ask.baselines.iter().map(read).collect::<Result<Vec<_>, _>>()?
        };
        let groups = gather(ask, query.measure.kind.value_when_empty, now, &baselines);
        Ok(Readings { groups, first_data_ms: self.first_event_ms.get(&query.stream).copied() })
    }

    fn series(&mut self, ask: &Ask, query: &SeriesQuery) -> Answer {
        let windows = ask.windows();
        let mut groups = SeriesGroups::new(query, &windows).map_err(SourceError::Permanent)?;
        self.series.iter().for_each(|(key, samples)| groups.samples(key, samples));
        Ok(Readings { groups: readings(ask, groups.values()), first_data_ms: self.first_sample_ms(query) })
    }

    fn graphite(&mut self) -> Result<Box<dyn Stored + '_>, SourceError> {
        Ok(Box::new(Metrics::new(&self.series)))
    }

    fn fetch(&mut self, source: &str, RemoteAsk { query, range, .. }: &RemoteAsk) -> Fetched {
        let Some(answers) = self.answers.get(&(source.to_owned(), query.clone())) else {
            let why = format!("the record holds no answer of the source \"{source}\" to {query}");
            return Err(SourceError::Permanent(why));
        };
        let within = |series: &RemoteSeries| RemoteSeries {
            points: series.points.iter().filter(|point| range.contains(point.time_ms)).copied().collect(),
            ..series.clone()
        };
        Ok(Arc::new(answers.iter().map(within).collect()))
    }

    fn model(&mut self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        let found = self.models.get(name).cloned();
        found.ok_or_else(|| SourceError::Permanent(format!("the record holds no model \"{name}\"")))
    }
}

/// Samples in memory as metrics, one value a minute: the last one in it, as carbon keeps them.
#[derive(Debug)]
pub struct Metrics<'a>(BTreeMap<String, &'a [Sample]>);

const STEP_S: i64 = 60;

impl<'a> Metrics<'a> {
    /// The series under the names that expressions know them by; samples oldest first.
    #[must_use]
    pub fn new(series: &'a BTreeMap<SeriesKey, Vec<Sample>>) -> Self {
        Self(series.iter().map(|(key, samples)| (full_name(key), &samples[..])).collect())
    }
}

impl GraphiteSource for Metrics<'_> {
    fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
        let glob = Glob::new(pattern);
        Ok(self.0.keys().filter(|name| glob.matches(name)).cloned().collect())
    }

    fn find_tagged(&self, conditions: &[&str]) -> Result<Vec<String>, String> {
        let conditions = TagCondition::parse_all(conditions)?;
        let fits = |name: &&String| {
            let tags = tags_of(name);
            conditions.iter().all(|condition| condition.matches(&tags))
        };
        Ok(self.0.keys().filter(fits).cloned().collect())
    }

    fn read(&self, name: &str, from_s: i64, until_s: i64, _: i64) -> Result<Option<Points>, String> {
        let Some(samples) = self.0.get(name) else { return Ok(None) };
        let (start_s, n_slots) = slots(from_s, until_s, STEP_S)?;
        let mut values = vec![f64::NAN; n_slots];
        let first = samples.partition_point(|sample| sample.time_ms < start_s * 1000);
        for sample in &samples[first..] {
            let slot = usize::try_from((sample.time_ms.div_euclid(1000) - start_s) / STEP_S);
            let Some(value) = slot.ok().and_then(|slot| values.get_mut(slot)) else { break };
            *value = sample.value;
        }
        Ok(Some(Points { start_s, step_s: STEP_S, values }))
    }

    fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
        Ok(Vec::new())
    }
}

impl Stored for Metrics<'_> {
    fn first_s(&self, name: &str) -> Result<Option<i64>, String> {
        Ok(self.0.get(name).and_then(|samples| samples.first()).map(|sample| sample.time_ms.div_euclid(1000)))
    }
}
