//! `model`: how unusual several measures are together, by a trained detector. A value of 1 is the detector's threshold.
//!
//! Each measure is a column of the detector, and each window a row. A detector looks at several rows, so the windows before
//! are measured as well; nothing is remembered from one evaluation to the next, so that a replay and a restart come to the same.
//! A model may have a detector for each value of a label; then each group is judged by that of its value, and groups of other values are
//! told, and not judged. What is not known of a row is a gap: before a column's first data, where nothing was measured, and what was missed while the
//! server was away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_core::field::{Field, Type};
use lanner_core::time::format_duration;
use lanner_core::{
    Answer, Ask, Contributor, Evidence, Group, Reading, Readings, SeriesKey, SourceError, TimeRange, reading,
};

use super::data::{Data, RowScorer, SeriesQuery, StreamQuery, Unjudged};
use super::elsewhere::Elsewhere;
use super::fields::{BY, LABELS, MEASURE, SERIES, STREAM, WHERE, read_by};
use super::gaps::{Gaps, is_known};
use super::parts::{Named, Parts, located, located_fingerprint, read_parts};
use super::query::{Kind, Query, fingerprint};
use crate::document::{Check, Fields};

pub(super) const KIND: Kind = Kind {
    name: "model",
    about: "how unusual several measures are together, by a trained detector; 1 is its threshold",
    example: "{ model: web, columns: { requests: { stream: requests, measure: count }, cpu: { series: cpu, measure: avg } }, \
              by: [host] }",
    read,
    fields: &[
        Field::new(
            "model",
            "web",
            "the name of the detector, as `lanner model import` keeps it; the champion of this name scores",
        )
        .of(Type::Id),
        Field::new(
            "columns",
            "{ requests: { stream: requests, measure: count }, cpu: { series: cpu, measure: avg } }",
            "the columns of the detector by name: each a query with `stream` or `series`, or all with `promql` or `sql` for one `source`, \
             without `by`",
        )
        .of(Type::ByName(&Type::Map(COLUMN))),
        BY,
    ],
};

/// The fields of a column.
const COLUMN: &[Field] = &[
    STREAM,
    SERIES,
    MEASURE,
    WHERE,
    LABELS,
    Field::new("promql", "'rate(http_requests_total[5m])'", "a query in Prometheus' language, instead"),
    Field::new(
        "sql",
        "'SELECT host, avg(load) AS value FROM hosts WHERE ts >= :from AND ts < :until GROUP BY host'",
        "a query in SQL, instead",
    ),
    Field::new("source", "prod", "the source under `sources` that evaluates it").of(Type::Id),
];

/// More columns are refused.
const MAX_COLUMNS: usize = 200;

/// Values without a detector that are named.
const N_UNJUDGED: usize = 5;

/// Contributors that are named.
const N_CONTRIBUTORS: usize = 5;

/// A checked query.
#[derive(Debug)]
struct Model {
    name: Arc<str>,
    /// In the order of `parts`.
    columns: Vec<String>,
    parts: Parts,
    /// Who measures all columns, where that is somebody else.
    source: Option<Arc<str>>,
    by: Vec<String>,
    fingerprint: u64,
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let by = read_by(fields, check);
    let name = fields.read("model", check, |node| reading::id(node, "_-."));
    let columns = fields.require("columns", "{ cpu: { series: cpu, measure: avg } }", check);
    let named = Named {
        what: "columns",
        beside: "the model",
        most: MAX_COLUMNS,
        name: &|_| Ok(()),
        asks_sources: true,
    };
    let parts = columns.and_then(|node| read_parts(node, &fields.path_of("columns"), &by, &named, check));
    let (name, (columns, parts)) = (name?, parts?);
    let sources: BTreeSet<Option<&Arc<str>>> = parts.queries.iter().map(|part| part.source()).collect();
    if sources.len() > 1 {
        let message = "are measured in several places; measure all of them here, or ask all of one source";
        check.problem(fields.node, &fields.path_of("columns"), message);
        return None;
    }
    let source = sources.into_iter().next().flatten().cloned();
    let mut key = vec![KIND.name.to_owned(), name.clone()];
    key.extend(columns.iter().cloned());
    key.extend(parts.queries.iter().map(|part| part.fingerprint().to_string()));
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    let fingerprint = fingerprint(&key, &by);
    Some(Box::new(Model { name: name.into(), columns, parts, source, by, fingerprint }))
}

impl Query for Model {
    fn kind(&self) -> &'static str {
        KIND.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.by
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let scorer = data.model(&self.name)?;
        let order = self.order(&*scorer, ask).map_err(SourceError::Permanent)?;
        self.check_groups(&*scorer).map_err(SourceError::Permanent)?;
        let rows = Rows::needed(ask, scorer.n_rows());
        let part_ask = rows.ask(ask);
        let answers = self.parts.queries.iter().map(|part| part.answer(&part_ask, data));
        let mut answers = answers.collect::<Result<Vec<_>, _>>()?;
        let first_data_ms = answers.iter().filter_map(|readings| readings.first_data_ms).max();
        let is_whole = self.by.is_empty();
        let table = Table {
            queries: &self.parts.queries,
            rows: &rows,
            gaps: Gaps::new(data.away()),
            order: &order,
            is_whole,
        };
        let (mut judged, mut unjudged) = (Vec::new(), BTreeSet::new());
        let mut n_unjudged = 0;
        for (group, found) in table.groups(&mut answers) {
            match of_group(&*scorer, &group) {
                Ok(scorer) => {
                    let judge = Judge { scorer, ask, rows: &rows, first_data_ms };
                    judged.push(judge.reading(group, &table.values(&found)));
                }
                Err(entity) => {
                    n_unjudged += 1;
                    unjudged.insert(entity);
                }
            }
        }
        if let Some(by) = scorer.by() {
            let some = unjudged.into_iter().take(N_UNJUDGED).collect();
            data.unjudged(Unjudged { n: n_unjudged, model: self.name.to_string(), by: by.to_owned(), some });
        }
        Ok(Readings { groups: judged, first_data_ms })
    }

    /// The score of a window in which nothing happened is not known without the windows before.
    fn value_when_empty(&self) -> Option<f64> {
        None
    }

    fn counts(&self) -> bool {
        true
    }

    fn streams(&self) -> &[Arc<StreamQuery>] {
        &self.parts.streams
    }

    fn series(&self) -> &[SeriesQuery] {
        &self.parts.series
    }

    fn model(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn source(&self) -> Option<&Arc<str>> {
        self.source.as_ref()
    }

    fn located(&self, streams: &Elsewhere) -> Result<Option<Box<dyn Query>>, Refused> {
        let Some((queries, source)) = located(&self.parts.queries, streams)? else { return Ok(None) };
        Ok(Some(Box::new(Self {
            name: Arc::clone(&self.name),
            columns: self.columns.clone(),
            fingerprint: located_fingerprint(self.fingerprint, &queries, &self.by),
            parts: Parts { queries, ..Parts::default() },
            source: Some(source),
            by: self.by.clone(),
        })))
    }

    fn knows_first_data(&self) -> bool {
        self.source.is_none()
    }

    fn corrected(&self, late: &[(Arc<SeriesKey>, TimeRange)]) -> Option<TimeRange> {
        let corrected = self.parts.queries.iter().filter_map(|part| part.corrected(late));
        corrected.reduce(|all, range| all.hull(range))
    }
}

/// The detector that judges a group; for one that has none, the value that was not trained.
fn of_group<'s>(scorer: &'s dyn RowScorer, group: &Group) -> Result<&'s dyn RowScorer, String> {
    let Some(by) = scorer.by() else { return Ok(scorer) };
    let entity = group.labels().get(by).unwrap_or_default();
    scorer.of(entity).ok_or_else(|| entity.to_owned())
}

impl Model {
    /// Refuses groups that do not say which detector judges them.
    fn check_groups(&self, scorer: &dyn RowScorer) -> Result<(), String> {
        match scorer.by() {
            Some(by) if !self.by.iter().any(|label| label == by) => Err(format!(
                "the model {} has a detector for each {by}, and the rule does not group by it; write by: [{by}]",
                self.name
            )),
            _ => Ok(()),
        }
    }

    /// Where each column of the detector stands among those of the query.
    ///
    /// # Errors
    /// Which columns the detector has and the query lacks, or the other way round; or rows of another length.
    fn order(&self, scorer: &dyn RowScorer, ask: &Ask) -> Result<Vec<usize>, String> {
        let known = scorer.columns();
        let place = |name: &String| self.columns.iter().position(|column| column == name);
        let missing = known.iter().filter(|name| place(name).is_none());
        let missing = missing.map(|name| format!("{name} is missing"));
        let foreign = self.columns.iter().filter(|name| !known.contains(name));
        let foreign = foreign.map(|name| format!("{name} is none of its columns"));
        let differences: Vec<String> = missing.chain(foreign).take(20).collect();
        if !differences.is_empty() {
            let differences = differences.join(", ");
            return Err(format!("the model {} looks at other columns: {differences}", self.name));
        }
        let length_ms = ask.newest().map(|window| window.length_ms());
        if let (Some(row_ms), Some(length_ms)) = (scorer.row_ms(), length_ms)
            && row_ms != length_ms
        {
            let [row, window] = [row_ms, length_ms].map(format_duration);
            return Err(format!(
                "the model {} was trained on rows of {row}, and the window is {window}; write window: {row}",
                self.name
            ));
        }
        Ok(known.iter().filter_map(place).collect())
    }
}

/// The windows that are measured: those that are judged, and the rows before each of them.
struct Rows {
    n_rows: usize,
    /// Oldest first.
    windows: Vec<TimeRange>,
}

impl Rows {
    fn needed(ask: &Ask, n_rows: usize) -> Self {
        let mut windows = BTreeMap::new();
        for judged in ask.windows().into_iter().flatten() {
            for window in before(judged, n_rows) {
                windows.insert((window.start_ms, window.end_ms), window);
            }
        }
        Self { n_rows, windows: windows.into_values().collect() }
    }

    /// What each measure is asked. The newest window comes as the window itself only if it is judged.
    fn ask(&self, ask: &Ask) -> Ask {
        let others = self.windows.iter().rev().filter(|window| ask.more || **window != ask.window);
        Ask { baselines: others.copied().map(Some).collect(), learns: false, ..ask.clone() }
    }

    fn place(&self, window: TimeRange) -> Option<usize> {
        let key = |window: &TimeRange| (window.start_ms, window.end_ms);
        self.windows.binary_search_by_key(&key(&window), key).ok()
    }
}

/// A window and those before it that touch, oldest first.
fn before(window: TimeRange, n_rows: usize) -> impl Iterator<Item = TimeRange> {
    let shifted = move |back: usize| {
        let shift_ms = i64::try_from(back).unwrap_or(i64::MAX).saturating_mul(window.length_ms());
        TimeRange::new(window.start_ms.saturating_sub(shift_ms), window.end_ms.saturating_sub(shift_ms))
    };
    (0..n_rows).rev().map(shifted)
}

/// What the measures came to, as rows of the detector.
struct Table<'a> {
    queries: &'a [Box<dyn Query>],
    rows: &'a Rows,
    gaps: Gaps,
    /// Which measure each column is.
    order: &'a [usize],
    /// Whether there is one group, which is always there.
    is_whole: bool,
}

impl Table<'_> {
    /// What each measure found of each group.
    fn groups(&self, answers: &mut [Readings]) -> BTreeMap<Group, Vec<Option<Reading>>> {
        let mut groups: BTreeMap<Group, Vec<Option<Reading>>> = BTreeMap::new();
        for (at, readings) in answers.iter_mut().enumerate() {
            for reading in readings.groups.drain(..) {
                let none = || self.queries.iter().map(|_| None).collect();
                let of = groups.entry(reading.group.clone()).or_insert_with(none);
                of[at] = Some(reading);
            }
        }
        groups
    }

    /// The values of a group, row by row. From the first row on that it was heard of, a measure
    /// that counts and found nothing counted nothing.
    fn values(&self, found: &[Option<Reading>]) -> Vec<f64> {
        let n = self.rows.windows.len();
        // Nearest first; the window that is judged stands apart.
        let raw = |at: usize, row: usize| {
            let (reading, back) = (found.get(at)?.as_ref()?, n - 1 - row);
            let n_apart = n.saturating_sub(reading.baselines.len());
            match back.checked_sub(n_apart) {
                Some(back) => reading.baselines.get(back).copied().flatten(),
                None => reading.value,
            }
        };
        let is_heard = |row: usize| {
            let values = self.queries.iter().enumerate().map(|(at, query)| (raw(at, row), query));
            values.into_iter().any(|(value, query)| value.is_some() && value != query.value_when_empty())
        };
        let first = if self.is_whole { 0 } else { (0..n).find(|row| is_heard(*row)).unwrap_or(n) };
        let cell = |row: usize, at: usize| {
            let query = &*self.queries[at];
            let value = raw(at, row).or_else(|| query.value_when_empty()).filter(|_| row >= first);
            let is_known = is_known(self.gaps.missed(self.rows.windows[row]), query, value);
            value.filter(|_| is_known).unwrap_or(f64::NAN)
        };
        let cell = &cell;
        (0..n).flat_map(|row| self.order.iter().map(move |at| cell(row, *at))).collect()
    }
}

/// Scores the rows of a group.
struct Judge<'a> {
    scorer: &'a dyn RowScorer,
    ask: &'a Ask,
    rows: &'a Rows,
    first_data_ms: Option<i64>,
}

impl Judge<'_> {
    fn reading(&self, group: Group, values: &[f64]) -> Reading {
        let score = |window: TimeRange| self.scorer.score(&self.window(window, values)?);
        let baselines = self.ask.baselines.iter().map(|window| score((*window)?)).collect();
        let mut reading = Reading::new(group, None, baselines);
        let now = (!self.ask.more).then_some(self.ask.window);
        match now.map(|now| (now, self.window(now, values))) {
            Some((_, Some(window))) => {
                reading.value = self.scorer.score(&window);
                reading.evidence = reading.value.map(|_| Box::new(self.evidence(&window)));
            }
            Some((now, None)) => reading.is_new = !self.is_old_enough(now),
            None => {}
        }
        reading
    }

    /// The rows up to a window, if there was data long enough before.
    fn window(&self, window: TimeRange, values: &[f64]) -> Option<Vec<f64>> {
        let n_columns = self.scorer.columns().len();
        let row = |window| {
            let first = self.rows.place(window)? * n_columns;
            values.get(first..first + n_columns)
        };
        let rows = before(window, self.rows.n_rows).map(row).collect::<Option<Vec<_>>>()?;
        self.is_old_enough(window).then(|| rows.concat())
    }

    fn is_old_enough(&self, window: TimeRange) -> bool {
        let first = before(window, self.rows.n_rows).next();
        first.zip(self.first_data_ms).is_none_or(|(first, data_ms)| data_ms < first.end_ms)
    }

    /// The columns that raise the score, with where their values usually lie.
    fn evidence(&self, window: &[f64]) -> Evidence {
        let parts = self.scorer.contributions(window);
        let sum: f64 = parts.iter().copied().filter(|part| *part > 0.0).sum();
        let row = &window[window.len() - parts.len().min(window.len())..];
        let columns =
            self.scorer.columns().iter().zip(parts).enumerate().filter(|(_, (_, part))| *part > 0.0);
        let contributor = |(at, (name, part)): (usize, (&String, f64))| Contributor {
            name: name.clone(),
            share: part / sum,
            value: row.get(at).copied().filter(|value| value.is_finite()),
            usual: self.scorer.usual(at),
        };
        let mut contributors: Vec<Contributor> = columns.map(contributor).collect();
        contributors.sort_by(|a, b| b.share.total_cmp(&a.share));
        contributors.truncate(N_CONTRIBUTORS);
        Evidence { contributors, ..Evidence::default() }
    }
}
