//! Queries: what a rule measures, whatever kind of query it is written as.
//!
//! To add a kind: a file here, an entry in [`KINDS`](super::KINDS), a golden script in `testdata/queries`. The entry's
//! name is the field of a query that chooses the kind; its fields are checked and shown in manuals.

use std::sync::Arc;

use lanner_conditions::export::Refused;
use lanner_core::field::Field;
use lanner_core::{Answer, Ask, Outcome, SeriesKey, TimeRange};

use super::ceiling::Ceiling;
use super::data::{Data, SeriesQuery, StreamQuery};
use super::elsewhere::Elsewhere;
use crate::document::{Check, Fields};
use crate::measure::{Measure, Remembers};

/// One kind of query, as configuration, manual and tests know it.
pub struct Kind {
    /// The field of a query that chooses it.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// A query of this kind, as YAML.
    pub example: &'static str,
    /// Reads the fields of a query.
    pub read: fn(&mut Fields<'_>, &mut Check) -> Option<Box<dyn Query>>,
    /// The fields of a query, the one that chooses the kind among them.
    pub fields: &'static [Field],
}

/// A checked query.
pub trait Query: std::fmt::Debug + Send + Sync {
    /// The name of its kind.
    fn kind(&self) -> &'static str;

    /// A name for this query: equal queries have equal fingerprints, whatever rules they stand in.
    fn fingerprint(&self) -> u64;

    /// The fields or labels that form groups.
    fn by(&self) -> &[String];

    /// Measures what is asked.
    ///
    /// # Errors
    /// Why it cannot be measured, and whether trying again helps.
    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer;

    /// What is measured, where the query says so and not a language of its own.
    fn measure(&self) -> Option<&Measure> {
        None
    }

    /// Whether it counts, so that no value is below 0.
    fn counts(&self) -> bool {
        self.measure().is_some_and(|measure| measure.kind.counts)
    }

    /// Whether a part of a window comes to less than the whole.
    fn is_total(&self) -> bool {
        self.measure().is_some_and(|measure| measure.kind.is_total)
    }

    /// Whether the whole of a window comes to as much as a part at least.
    fn only_grows(&self) -> bool {
        self.measure().is_some_and(|measure| measure.kind.only_grows)
    }

    /// What a window comes to for a known group without any event or sample.
    fn value_when_empty(&self) -> Option<f64> {
        None
    }

    /// Whether it is worth a word that no group at all is found. Streams and patterns may wait for their first.
    fn alert_when_empty(&self) -> bool {
        false
    }

    /// Whether this value says that somebody was heard of. What is counted says 0 of a group that is silent.
    fn is_seen(&self, value: Option<f64>) -> bool {
        value != Some(0.0)
    }

    /// Whether [`Readings::first_data_ms`](lanner_core::Readings) is told even where no window that was read holds
    /// data.
    fn knows_first_data(&self) -> bool {
        true
    }

    /// The measures on streams that are to be kept as events arrive.
    fn streams(&self) -> &[Arc<StreamQuery>] {
        &[]
    }

    /// The measures on stored series that it consists of.
    fn series(&self) -> &[SeriesQuery] {
        &[]
    }

    /// Graphite's pattern of the stored series for each of which it is asked; `None` where it is asked once.
    fn for_each(&self) -> Option<&Arc<str>> {
        None
    }

    /// The source elsewhere that answers it; `None` where this installation does.
    fn source(&self) -> Option<&Arc<str>> {
        None
    }

    /// The trained detector that judges the measures, row by row; `None` where nothing but they are measured.
    fn model(&self) -> Option<&str> {
        None
    }

    /// The same query asked where its streams lie; `None` where all of them lie here.
    ///
    /// # Errors
    /// What cannot be asked there with the same meaning.
    fn located(&self, _streams: &Elsewhere) -> Result<Option<Box<dyn Query>>, Refused> {
        Ok(None)
    }

    /// The same query with the values of a field forming groups, and when each was last seen remembered; `None` where
    /// it measures no events.
    fn remembering(&self, _remembers: &Remembers) -> Option<Box<dyn Query>> {
        None
    }

    /// The time in which windows come to something else now that these samples came late, if there is any.
    fn corrected(&self, _late: &[(Arc<SeriesKey>, TimeRange)]) -> Option<TimeRange> {
        None
    }

    /// The farthest that a value can come in a window of this length, as far as arithmetic tells before any data is
    /// seen.
    ///
    /// - `step_s`: the distance of the values that it reads, where that is known.
    fn ceiling(&self, _window_ms: i64, _step_s: Option<i64>) -> Option<Ceiling> {
        None
    }

    /// The distance of the values that it reads by `end_ms`, seconds, where it reads such.
    fn step_s(&self, _data: &mut dyn Data, _end_ms: i64) -> Option<i64> {
        None
    }
}

impl dyn Query + '_ {
    /// Whether a group with this outcome and value was heard of, or may have been.
    #[must_use]
    pub(crate) fn counts_as_seen(&self, outcome: Outcome, value: Option<f64>) -> bool {
        match outcome {
            Outcome::NoData | Outcome::Error => false,
            Outcome::Unknown => true,
            _ => self.is_seen(value),
        }
    }
}

/// A name for a query: equal parts give equal names.
pub(super) fn fingerprint(parts: &[&str], by: &[String]) -> u64 {
    let mut bytes = Vec::new();
    for part in parts.iter().copied().chain(by.iter().map(String::as_str)) {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    xxhash_rust::xxh3::xxh3_64(&bytes)
}
