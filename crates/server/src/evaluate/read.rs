//! Answers what is due from measures, history and store.
//!
//! A window of a stream is read from its measure. The windows it is compared with are read from there as well while
//! they are open for late events, then from history, and only counted from stored events where history lacks them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use lanner_core::{Answer, Ask, Group, Measured, Readings, RemoteAsk, SeriesKey, SourceError, TimeRange};
use lanner_engine::measure::Reads;
use lanner_engine::source::{
    Data, Due, Fetched, GroupValues, RowScorer, SeriesGroups, SeriesQuery, Stored, StreamQuery, Unjudged,
    gather, readings, runs,
};
use lanner_engine::stream::Measures;
use lanner_io::data::{DataStore, Events, SeriesId};
use lanner_io::state::StateStore;
use lanner_io::store::StoreError;

use super::limits::LeftOut;
use super::service::EvaluationService;
use super::windows;
use crate::intake::history::Kept;
use crate::sync::locked;

/// The value of each group in a window.
pub type Values = Vec<(Group, Option<f64>)>;

/// Answers one due evaluation. Returns what is worth keeping in history.
pub fn answer(service: &EvaluationService, due: &Due) -> (Answer, Vec<Kept>) {
    answer_from(&mut Live::new(service), due)
}

/// [`answer`], from data that others with the same question share.
pub(super) fn answer_from(live: &mut Live<'_>, due: &Due) -> (Answer, Vec<Kept>) {
    let query = &due.rule.query;
    let of_samples = query.streams().is_empty() || !query.series().is_empty();
    if let (true, true, Some(newest)) = (of_samples, due.ask.learns, due.ask.newest()) {
        live.service.intake.late_samples.learned(newest); // before anything is read
    }
    let answer = due.rule.query.answer(&due.ask, live);
    if let Some(left_out) = live.left_out.take() {
        live.service.limits.note(&due.ask.rule, &left_out, live.service.now_ms());
    }
    (answer, std::mem::take(&mut live.kept))
}

/// The data of this installation as it is now, and of the sources that it may ask. Sources are asked the same once.
pub(crate) struct Live<'a> {
    service: &'a EvaluationService,
    /// What of the answers is worth keeping in history.
    kept: Vec<Kept>,
    /// How many of what were left out of the window, where a limit was looked at: of several measures the most.
    left_out: Option<LeftOut>,
    /// What sources elsewhere answered, by name and question.
    fetched: HashMap<(String, RemoteAsk), Fetched>,
}

impl<'a> Live<'a> {
    pub(crate) fn new(service: &'a EvaluationService) -> Self {
        Self { service, kept: Vec::new(), left_out: None, fetched: HashMap::new() }
    }

    fn left_out(&mut self, left_out: LeftOut) {
        if self.left_out.as_ref().is_none_or(|known| known.n() < left_out.n()) {
            self.left_out = Some(left_out);
        }
    }
}

impl Data for Live<'_> {
    fn stream(&mut self, ask: &Ask, query: &Arc<StreamQuery>) -> Answer {
        read_stream(self, ask, query).map_err(|error| failed(&error))
    }

    fn series(&mut self, ask: &Ask, query: &SeriesQuery) -> Answer {
        read_series(self, ask, query).map_err(|error| failed(&error))
    }

    fn graphite(&mut self) -> Result<Box<dyn Stored + '_>, SourceError> {
        Ok(Box::new(self.service.expressions.source().map_err(|error| failed(&error))?))
    }

    fn fetch(&mut self, source: &str, ask: &RemoteAsk) -> Fetched {
        let sources = &self.service.sources;
        let fetched = self.fetched.entry((source.to_owned(), ask.clone()));
        fetched.or_insert_with(|| sources.ask(source, ask).map(Arc::new)).clone()
    }

    fn model(&mut self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        self.service.models.detector(name)
    }

    fn unjudged(&mut self, unjudged: Unjudged) {
        self.left_out(LeftOut::Unjudged(unjudged));
    }

    fn away(&mut self) -> Vec<TimeRange> {
        self.service.watch.away()
    }
}

/// A failure of the store, for those who asked: what was asked wrongly stays wrong.
fn failed(error: &StoreError) -> SourceError {
    match error {
        StoreError::BadMatcher { .. } => SourceError::Permanent(error.to_string()),
        _ => SourceError::Temporary(error.to_string()),
    }
}

fn read_stream(live: &mut Live<'_>, ask: &Ask, query: &Arc<StreamQuery>) -> Result<Readings, StoreError> {
    if query.remembers.is_some() {
        return read_new(live, ask, query);
    }
    let service = live.service;
    let step_ms = ask.step_ms;
    let measures = service.intake.counting.of(&query.stream);
    let mut now = Vec::new();
    // Before anything is read, so that nothing which is not read passes for early.
    if let Some(newest) = ask.newest() {
        locked(&measures).judged(query, step_ms, newest);
    }
    if !ask.more {
        let held = locked(&measures).read(query, step_ms, ask.window);
        now = held.map_or_else(|| count(service, query, step_ms, ask.window), Ok)?;
        live.kept.extend(settle(service, ask, query));
    }
    let n_left_out = locked(&measures).n_left_out(query, step_ms, ask.window);
    live.left_out(LeftOut::Groups(n_left_out, "events"));
    let baselines = baselines(service, ask, query, &mut live.kept)?;
    let first_data_ms = service.intake.counting.first_ms(&query.stream);
    Ok(Readings { groups: gather(ask, query.measure.kind.value_when_empty, now, &baselines), first_data_ms })
}

/// What the windows came to that late events hardly reach any more.
fn settle(service: &EvaluationService, ask: &Ask, query: &Arc<StreamQuery>) -> Option<Kept> {
    let last = *ask.settled.last()?;
    let step_ms = ask.step_ms;
    let measures = service.intake.counting.of(&query.stream);
    let mut measures = locked(&measures);
    measures.kept(query, step_ms, last);
    let mark = service.intake.history.mark(&query.stream, last.end_ms)?;
    let mut rows = Vec::new();
    for window in &ask.settled {
        if let Some(values) = measures.read(query, step_ms, *window) {
            note(&mut rows, query, *window, &values);
        }
    }
    Some(Kept { rows, since: Some((query.stream.clone(), mark)) })
}

/// What a rule asks for that looks for new values: its window, and which of the values in it were seen before.
fn read_new(live: &mut Live<'_>, ask: &Ask, query: &Arc<StreamQuery>) -> Result<Readings, StoreError> {
    let service = live.service;
    let step_ms = ask.step_ms;
    let measures = service.intake.counting.of(&query.stream);
    if let Some(newest) = ask.newest() {
        locked(&measures).judged(query, step_ms, newest);
    }
    let read = |measures: &Measures| {
        let now = measures.read(query, step_ms, ask.window)?;
        Some((now, measures.read_seen(query, step_ms, ask.window)))
    };
    let held = read(&locked(&measures));
    let (now, seen) = match held {
        Some(held) => held,
        None => {
            let steps_ms = ask.window.start_ms - query.over_ms();
            let from_ms = steps_ms.div_euclid(step_ms) * step_ms;
            let range = TimeRange::new(from_ms, ask.window.end_ms);
            read(&count_all((&*service.data, service.state.secret()), query, step_ms, range, &|| {
                service.shutdown.has_begun()
            })?)
            .unwrap_or_default()
        }
    };
    let n_left_out = locked(&measures).n_left_out(query, step_ms, ask.window);
    live.left_out(LeftOut::Groups(n_left_out, "events"));
    Ok(Readings {
        groups: gather(ask, query.measure.kind.value_when_empty, now, &[seen]),
        first_data_ms: service.intake.counting.first_ms(&query.stream),
    })
}

fn read_series(live: &mut Live<'_>, ask: &Ask, query: &SeriesQuery) -> Result<Readings, StoreError> {
    let service = live.service;
    let store = &*service.data;
    let matching = store.select(&query.name, &query.labels)?;
    let is_over = || service.shutdown.has_begun();
    let (values, n_left_out) = read_matching(store, query, &ask.windows(), &matching, &is_over)?;
    live.left_out(LeftOut::Groups(n_left_out, "series"));
    // Windows before are held against where the data begins; one that learns is told where its lessons begin.
    let earliest_ms = ask.baselines.iter().flatten().map(|window| window.start_ms).min();
    let enough_ms = if ask.learns { values.is_empty().then_some(i64::MIN) } else { earliest_ms };
    let look =
        |(id, _): &(SeriesId, _)| if is_over() { Err(StoreError::Closed) } else { store.first_ms(*id) };
    let first_data_ms = enough_ms.map(|enough_ms| first_of(matching.iter().map(look), enough_ms));
    let first_data_ms = first_data_ms.transpose()?.flatten();
    Ok(Readings { groups: readings(ask, values), first_data_ms })
}

/// The first of these times. Whether there is an earlier one than `enough_ms` interests nobody: with a hundred thousand series one
/// look is enough.
fn first_of<E>(
    times: impl Iterator<Item = Result<Option<i64>, E>>,
    enough_ms: i64,
) -> Result<Option<i64>, E> {
    let mut first_ms: Option<i64> = None;
    for time in times {
        first_ms = [first_ms, time?].into_iter().flatten().min();
        if first_ms.is_some_and(|first_ms| first_ms <= enough_ms) {
            break;
        }
    }
    Ok(first_ms)
}

/// The values of each group of a series query in each window; each matching series is read once where windows
/// touch.
///
/// # Errors
/// Failures of the store; [`StoreError::Closed`] when `is_over`.
pub fn series(
    store: &dyn DataStore,
    query: &SeriesQuery,
    windows: &[Option<TimeRange>],
    is_over: &dyn Fn() -> bool,
) -> Result<Vec<GroupValues>, StoreError> {
    Ok(read_matching(store, query, windows, &store.select(&query.name, &query.labels)?, is_over)?.0)
}

/// Also says how many series were left out, because they would make more groups than a rule may have.
fn read_matching(
    store: &dyn DataStore,
    query: &SeriesQuery,
    windows: &[Option<TimeRange>],
    matching: &[(SeriesId, Arc<SeriesKey>)],
    is_over: &dyn Fn() -> bool,
) -> Result<(Vec<GroupValues>, u64), StoreError> {
    let wrong = |detail: String| StoreError::BadMatcher { label: query.name.to_string(), detail };
    let mut groups = SeriesGroups::new(query, windows).map_err(wrong)?;
    let runs = runs(windows);
    // The oldest first: where not all groups fit, those that come later displace none that is known.
    let mut matching: Vec<_> = matching.iter().collect();
    matching.sort_unstable_by_key(|(id, _)| *id);
    for (id, key) in matching {
        if is_over() {
            return Err(StoreError::Closed);
        }
        if !groups.takes(key) {
            continue;
        }
        match query.measure.kind.of_series {
            Some(Reads::Aggregates) => {
                groups.aggregates(key, &windows::aggregates(store, *id, windows.len(), &runs)?);
            }
            Some(Reads::Samples) => {
                let samples = runs.iter().map(|run| store.samples(*id, run.range));
                groups.samples(key, &samples.collect::<Result<Vec<_>, _>>()?.concat());
            }
            Some(Reads::EachSeries(_)) => groups.samples(key, &windows::counter(store, *id, &runs)?),
            None => {}
        }
    }
    let n_left_out = groups.n_overflow();
    Ok((groups.values(), n_left_out))
}

/// Earlier windows: from measures where they still hold them, from history, or else counted and then kept in history.
fn baselines(
    service: &EvaluationService,
    ask: &Ask,
    query: &Arc<StreamQuery>,
    kept: &mut Vec<Kept>,
) -> Result<Vec<Values>, StoreError> {
    let step_ms = ask.step_ms;
    let measures = service.intake.counting.of(&query.stream);
    let first_ms = service.intake.counting.first_ms(&query.stream).unwrap_or(i64::MAX);
    let mut baselines: Vec<Values> = vec![Vec::new(); ask.baselines.len()];
    let mut unknown: Vec<Option<TimeRange>> = vec![None; ask.baselines.len()];
    for (at, window) in ask.baselines.iter().enumerate() {
        let Some(window) = window.filter(|window| window.end_ms > first_ms) else { continue };
        let held = locked(&measures).read(query, step_ms, window);
        match held.map_or_else(|| recall(&*service.state, query, window), |values| Ok(Some(values)))? {
            Some(values) => baselines[at] = values,
            None => unknown[at] = Some(window),
        }
    }
    for run in runs(&unknown) {
        let last = run.windows.last().map_or(run.range, |(_, last)| *last);
        locked(&measures).kept(query, step_ms, last);
        let mark = service.intake.history.mark(&query.stream, run.range.end_ms);
        let past = count_all((&*service.data, service.state.secret()), query, step_ms, run.range, &|| {
            service.shutdown.has_begun()
        })?;
        let mut rows = Vec::new();
        for (at, window) in run.windows {
            baselines[at] = past.read(query, step_ms, window).unwrap_or_default();
            if window.end_ms <= ask.window.end_ms - ask.hold_ms {
                note(&mut rows, query, window, &baselines[at]);
            }
        }
        kept.push(Kept { rows, since: mark.map(|mark| (query.stream.clone(), mark)) });
    }
    Ok(baselines)
}

/// What history says of a window, if it was kept.
///
/// # Errors
/// Failures of the store.
pub(crate) fn recall(
    store: &dyn StateStore,
    query: &StreamQuery,
    window: TimeRange,
) -> Result<Option<Values>, StoreError> {
    let kept = store.measured_window(query.fingerprint, window)?;
    let is_kept = !kept.is_empty();
    let of_groups = kept.into_iter().filter(|m| query.by.is_empty() || m.group != Group::Whole);
    Ok(is_kept.then(|| of_groups.map(|m| (m.group, m.value)).collect()))
}

/// Keeps what was measured. A query with groups also keeps that it was: in its history the whole stands for that.
pub(crate) fn note(measured: &mut Vec<Measured>, query: &StreamQuery, window: TimeRange, values: &Values) {
    let row =
        |group: &Group, value| Measured { query: query.fingerprint, group: group.clone(), window, value };
    measured.extend(values.iter().map(|(group, value)| row(group, *value)));
    if !values.iter().any(|(group, _)| *group == Group::Whole) {
        measured.push(row(&Group::Whole, query.measure.kind.value_when_empty));
    }
}

/// Counts stored events of a window. Cost: reading all events of the stream in it.
///
/// # Errors
/// Failures of the store.
pub fn count(
    service: &EvaluationService,
    query: &Arc<StreamQuery>,
    step_ms: i64,
    window: TimeRange,
) -> Result<Values, StoreError> {
    let all = count_all((&*service.data, service.state.secret()), query, step_ms, window, &|| {
        service.shutdown.has_begun()
    })?;
    Ok(all.read(query, step_ms, window).unwrap_or_default())
}

/// Counts stored events in a range of whole windows, until `is_over`. Cost: reading all events of the stream in it.
///
/// # Errors
/// Failures of the store.
pub(crate) fn count_all(
    (store, secret): (&dyn DataStore, u64),
    query: &Arc<StreamQuery>,
    step_ms: i64,
    range: TimeRange,
    is_over: &dyn Fn() -> bool,
) -> Result<Measures, StoreError> {
    let reader: Arc<str> = "".into();
    let mut measures = Measures::new(secret);
    measures.add(&reader, query, step_ms, i64::MIN);
    measures.cover(i64::MIN);
    count_past(&mut measures, &*store.events_snapshot(&query.stream, range)?, is_over)?;
    Ok(measures)
}

/// Counts the events of a snapshot, until `is_over`. Cost: about a microsecond an event.
///
/// # Errors
/// Failures of the store; [`StoreError::Closed`] when `is_over`.
pub(crate) fn count_past(
    past: &mut Measures,
    snapshot: &dyn Events,
    is_over: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    let mut is_whole = true;
    snapshot.visit(&mut |time_ms, json| {
        if is_over() {
            is_whole = false;
            return ControlFlow::Break(());
        }
        if let Ok(fields) = serde_json::from_slice(json) {
            past.count(time_ms, &fields);
        }
        ControlFlow::Continue(())
    })?;
    if is_whole { Ok(()) } else { Err(StoreError::Closed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_data_is_looked_for_no_longer_than_it_matters() {
        for (enough_ms, expected_ms, expected_looks) in
            [(7, Some(5), 3), (4, Some(3), 5), (i64::MIN, Some(3), 6)]
        {
            let mut n_looks = 0;
            let times =
                [None, Some(9), Some(5), Some(8), Some(3), Some(4)].into_iter().inspect(|_| n_looks += 1);
            assert_eq!(first_of::<()>(times.map(Ok), enough_ms), Ok(expected_ms));
            assert_eq!(n_looks, expected_looks, "up to {enough_ms}");
        }
        assert_eq!(first_of([Ok(None), Err("gone")].into_iter(), 0), Err("gone"));
    }
}
