//! `series`: a measure on the samples of stored series.

use std::sync::Arc;

use lanner_core::reading::{self, text};
use lanner_core::{Answer, Ask, MatchOp, Matcher, SeriesKey, TimeRange};

use super::data::{Data, SeriesQuery};
use super::fields::{BY, LABELS, MEASURE, SERIES, read_by};
use super::groups::Selector;
use super::query::{Kind, Query, fingerprint};
use crate::document::{Check, Fields, Key};
use crate::measure::Measure;

pub(super) const KIND: Kind = Kind {
    name: "series",
    about: "a measure on the samples of series",
    example: "{ series: 'cpu.*', measure: max, labels: { dc: eu }, by: [host] }",
    read,
    fields: &[SERIES, MEASURE, LABELS, BY],
};

impl Query for SeriesQuery {
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
        data.series(ask, self)
    }

    fn measure(&self) -> Option<&Measure> {
        Some(&self.measure)
    }

    fn series(&self) -> &[SeriesQuery] {
        std::slice::from_ref(self)
    }

    fn corrected(&self, late: &[(Arc<SeriesKey>, TimeRange)]) -> Option<TimeRange> {
        let selector = Selector::new(self).ok()?;
        let mine = late.iter().filter(|(key, _)| selector.matches(key)).map(|(_, range)| *range);
        mine.reduce(|all, range| all.hull(range))
    }
}

fn read(fields: &mut Fields<'_>, check: &mut Check) -> Option<Box<dyn Query>> {
    let by = read_by(fields, check);
    Some(Box::new(read_query(fields, by, check)?))
}

/// Reads a query whose groups are known.
pub(super) fn read_query(fields: &mut Fields<'_>, by: Vec<String>, check: &mut Check) -> Option<SeriesQuery> {
    let name = fields.read("series", check, reading::name);
    let measure = fields.read("measure", check, |node| Measure::of_series(&text(node)?));
    let wrong = fields.get("measure").is_some() && measure.is_none();
    let labels = fields.get("labels").map(|node| reading::texts(node, &fields.path_of("labels"), check));
    let equal = |(key, value): (&Key, String)| Matcher { label: key.name.clone(), op: MatchOp::Equal, value };
    let labels: Vec<Matcher> = labels.unwrap_or_default().into_iter().map(equal).collect();
    let name = name.filter(|_| !wrong)?;
    let measure = measure.or_else(|| Measure::of_series("avg").ok())?;
    let written = serde_json::to_string(&labels).unwrap_or_default();
    let fingerprint = fingerprint(&["series", &name, &measure.to_string(), &written], &by);
    Some(SeriesQuery { name: name.into(), labels, measure, by, fingerprint })
}
