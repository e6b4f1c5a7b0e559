//! Documents become rows: the features of a use case, unit by unit.

use std::collections::{BTreeMap, BTreeSet};

use lanner_core::TimeRange;
use lanner_deep::{Aggregation, Cell, Feature, Fill, Method, Units};
use serde_json::Value;

use super::columns::cell;
use super::derived;
use super::documents::time_ms;
use crate::failure::{Failure, Result};

/// Documents on their way to rows.
#[derive(Debug)]
pub(crate) struct Rows {
    aggregation: Aggregation,
    pub(crate) n_documents: u64,
    /// Documents without a time.
    pub(crate) n_timeless: u64,
}

impl Rows {
    pub(crate) fn new(features: &[Feature], unit_ms: i64) -> Self {
        Self { aggregation: Aggregation::new(features.to_vec(), unit_ms), n_documents: 0, n_timeless: 0 }
    }

    /// Adds a document, if it lies in the range.
    pub(crate) fn add(&mut self, document: &Value, range: Option<TimeRange>) {
        let Some(time_ms) = time_ms(document) else {
            self.n_timeless += 1;
            return;
        };
        if range.is_none_or(|range| range.contains(time_ms)) {
            self.n_documents += 1;
            self.aggregation
                .add(time_ms, |field| derived::cell(document, field).or_else(|| cell(document, field)));
        }
    }

    /// The rows of a range, or of all that came; `None` without any.
    pub(crate) fn finish(self, fill: Fill, range: Option<TimeRange>) -> Result<Option<Units>> {
        let between = range.map(|range| (range.start_ms, range.end_ms));
        self.aggregation.finish(fill, between).map_err(|error| Failure::user(error.to_string()))
    }
}

/// The values of columns of text, to choose the most frequent ones of.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// By column; counting ends with so many different values that none stands out.
    counts: BTreeMap<String, BTreeMap<String, u64>>,
}

/// More different values of a column are not counted.
const MAX_VALUES: usize = 10_000;

impl Values {
    pub(crate) fn add(&mut self, document: &Value, columns: &[String]) {
        for column in columns {
            let Some(Cell::Text(text)) = cell(document, column) else { continue };
            let counts = self.counts.entry(column.clone()).or_default();
            if counts.len() < MAX_VALUES || counts.contains_key(text) {
                *counts.entry(text.to_owned()).or_default() += 1;
            }
        }
    }

    /// A feature for each of the most frequent values of each column, and one for all others.
    pub(crate) fn features(&self, n_top: usize) -> Vec<Feature> {
        let mut features = Vec::new();
        for (column, counts) in &self.counts {
            let mut by_count: Vec<(&String, &u64)> = counts.iter().collect();
            by_count.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            let top: Vec<&String> = by_count.into_iter().map(|(value, _)| value).take(n_top).collect();
            let one = |value: &&String| Feature {
                name: format!("{column}={value}"),
                field: column.clone(),
                method: Method::Equal((*value).clone()),
            };
            features.extend(top.iter().map(one));
            let known: BTreeSet<String> = top.into_iter().cloned().collect();
            let name = format!("{column}=__other");
            features.push(Feature { name, field: column.clone(), method: Method::Other(known) });
        }
        features
    }
}
