//! A measure on the events of a stream that lie in a source elsewhere, which counts them: what `stream` is where they lie here.

use std::sync::Arc;

use lanner_core::{Answer, Ask, EventsQuery};

use super::counted::Counted;
use super::data::{Data, StreamQuery};
use super::elsewhere::Place;
use super::fields::STREAM;
use super::query::{Query, fingerprint};
use crate::measure::Measure;

/// A measure on events elsewhere.
#[derive(Debug)]
pub(super) struct Events {
    place: Arc<Place>,
    measure: Measure,
    /// What is asked, without the length of windows.
    query: EventsQuery,
    fingerprint: u64,
}

impl Events {
    /// What `query` measures, at the place where its events lie.
    pub(super) fn new(query: &StreamQuery, place: &Arc<Place>) -> Self {
        let asked = EventsQuery {
            table: place.table.clone(),
            time: place.time.clone(),
            counted: place.counted.clone(),
            window_ms: 1,
            measure: query.measure.to_string(),
            condition: query.condition.as_ref().map(|condition| condition.expr().to_string()),
            by: query.by.clone(),
        };
        let written = serde_json::to_string(&asked).unwrap_or_default();
        // Streams of one table are one.
        let fingerprint = fingerprint(&["events", &place.source, &written], &asked.by);
        Self { place: Arc::clone(place), measure: query.measure.clone(), query: asked, fingerprint }
    }
}

impl Query for Events {
    fn kind(&self) -> &'static str {
        STREAM.name
    }

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn by(&self) -> &[String] {
        &self.query.by
    }

    fn source(&self) -> Option<&Arc<str>> {
        Some(&self.place.source)
    }

    fn measure(&self) -> Option<&Measure> {
        Some(&self.measure)
    }

    /// What was written while nobody looked is there all the same.
    fn is_total(&self) -> bool {
        false
    }

    fn value_when_empty(&self) -> Option<f64> {
        self.measure.kind.value_when_empty
    }

    fn knows_first_data(&self) -> bool {
        false
    }

    fn answer(&self, ask: &Ask, data: &mut dyn Data) -> Answer {
        let query = |window_ms| {
            let query = EventsQuery { window_ms, ..self.query.clone() };
            serde_json::to_string(&query).unwrap_or_default()
        };
        let counted = Counted {
            source: &self.place.source,
            language: EventsQuery::LANGUAGE,
            by: &self.query.by,
            nothing: self.value_when_empty(),
            query: &query,
        };
        counted.answer(ask, data)
    }
}
