//! Which series a row belongs to: the texts that name it, each met for the first time.

use std::collections::HashMap;

use ::csv::ByteRecord;
use lanner_core::{Labels, SeriesKey};

use super::layout::Layout;
use super::rows::cell;
use super::seen::{decoded, text_of};
use crate::prometheus::series_key;

/// Names of series that are held at once.
pub(super) const MAX_GROUPS: usize = 100_000;

/// The labels of rows, each met for the first time.
#[derive(Default)]
pub(super) struct Groups {
    numbers: HashMap<Vec<u8>, usize>,
    keys: Vec<Vec<SeriesKey>>,
    /// Groups whose names are no longer held.
    n_forgotten: usize,
    n_layouts: u64,
    /// The texts of the last row, and its group. Exports are often in order of series.
    last: Option<(Vec<u8>, usize)>,
}

impl Groups {
    /// The group of a row; the column that should name the series and does not.
    pub(super) fn of(&mut self, row: &ByteRecord, layout: &Layout) -> Result<usize, usize> {
        let mut cells = self.n_layouts.to_le_bytes().to_vec();
        for &at in layout.series.iter().chain(&layout.labels) {
            let text = if layout.is_exact { &row[at] } else { cell(row, at) };
            cells.extend_from_slice(&(text.len() as u64).to_le_bytes());
            cells.extend_from_slice(text);
        }
        if let Some((last, group)) = &self.last
            && *last == cells
        {
            return Ok(*group);
        }
        let group = match self.numbers.get(&cells) {
            Some(group) => *group,
            None => self.add(cells.clone(), row, layout)?,
        };
        self.last = Some((cells, group));
        Ok(group)
    }

    fn add(&mut self, cells: Vec<u8>, row: &ByteRecord, layout: &Layout) -> Result<usize, usize> {
        let text = |at: usize| {
            let text = if layout.is_exact { decoded(&row[at]) } else { text_of(cell(row, at)) };
            text.into_owned()
        };
        let labels =
            layout.labels.iter().flat_map(|&at| labels(&layout.names[at], text(at), layout.is_exact));
        let labels = Labels::new(labels.collect::<Vec<_>>());
        let name = match layout.series[..] {
            [] => None,
            // Influx's own name for the only field of a measurement.
            [measurement, field] if text(field) == "value" => Some((measurement, text(measurement))),
            [measurement, field] => Some((measurement, format!("{}.{}", text(measurement), text(field)))),
            [name, ..] => Some((name, text(name))),
        };
        if let Some((at, _)) = name.as_ref().filter(|(_, name)| name.is_empty()) {
            return Err(*at);
        }
        let key = |&at: &usize| {
            let name = name.as_ref().map_or(layout.names[at].as_str(), |(_, name)| name);
            key(name, &labels, layout.is_exact)
        };
        if self.keys.len() >= MAX_GROUPS {
            self.n_forgotten += self.keys.len();
            self.keys.clear();
            self.numbers.clear();
        }
        let group = self.n_forgotten + self.keys.len();
        self.keys.push(layout.values.iter().map(key).collect());
        self.numbers.insert(cells, group);
        Ok(group)
    }

    /// The names of a group, one for each column of values.
    pub(super) fn keys(&self, group: usize) -> &[SeriesKey] {
        let at = group.checked_sub(self.n_forgotten);
        at.and_then(|at| self.keys.get(at)).map_or(&[], Vec::as_slice)
    }

    /// From now on rows have other columns.
    pub(super) fn begin_layout(&mut self) {
        self.last = None;
        self.n_layouts += 1;
    }
}

/// A series that is called so; a name may be written as Prometheus does: `up{job="api"}`.
fn key(name: &str, labels: &Labels, is_exact: bool) -> SeriesKey {
    let is_notation = !is_exact && name.ends_with('}') && name.contains('{');
    match series_key(name) {
        Ok(key) if is_notation => SeriesKey::new(key.name, labels.with(&key.labels)),
        _ => SeriesKey::new(name, labels.clone()),
    }
}

/// The labels in a cell: one that is called like the column, or several in the notation of Prometheus or as JSON.
fn labels(column: &str, text: String, is_exact: bool) -> Vec<(String, String)> {
    let is_several = !is_exact && text.starts_with('{') && text.ends_with('}');
    let several = || {
        let key = series_key(&format!("x{text}")).ok();
        key.map(|key| key.labels).or_else(|| serde_json::from_str::<Labels>(&text).ok())
    };
    match is_several.then(several).flatten() {
        Some(labels) => labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        None => vec![(column.to_owned(), text)],
    }
}
