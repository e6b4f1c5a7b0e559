//! Events on their way: read and processed, not yet durable; one commit for all of a request, whichever streams they are of.

use std::sync::{Arc, Mutex};

use lanner_core::Event;
use lanner_engine::processor::{Draft, Processors, Tally};
use lanner_engine::stream::Measures;
use lanner_io::store::{Batch, Texts};
use serde_json::{Map, Value};

use super::age::Ages;
use super::error::IntakeError;
use super::lateness;
use super::service::IntakeService;
use crate::metrics::METRICS;
use crate::sync::locked;

/// Events that were read for one stream, and what became of them.
pub(super) struct Staged<'s> {
    service: &'s IntakeService,
    ages: Ages,
    processors: Arc<Processors>,
    tallies: Vec<Tally>,
    /// Whether the stream that is written to has some.
    is_processed: bool,
    /// That of the first is the stream that was written to.
    streams: Vec<OfStream>,
}

/// Events of one stream.
struct OfStream {
    stream: Arc<str>,
    measures: Arc<Mutex<Measures>>,
    /// The fields that matter to its measures.
    wanted: Arc<[Box<str>]>,
    texts: Texts,
    /// The time of each, and at least those of its fields that are counted.
    events: Vec<(i64, Map<String, Value>)>,
}

impl<'s> Staged<'s> {
    /// None yet; `n_bytes` are expected for `stream`.
    pub(super) fn new(service: &'s IntakeService, stream: &Arc<str>, n_bytes: usize) -> Self {
        let processors = service.processing.in_force();
        Self {
            service,
            ages: Ages::new(service),
            tallies: vec![Tally::default(); processors.all().len()],
            is_processed: processors.are_on(stream),
            processors,
            streams: vec![OfStream::new(service, stream, n_bytes)],
        }
    }

    /// The fields that are to be read of events of the stream that is written to: all where processors look at them.
    pub(super) fn wanted(&self) -> Option<Arc<[Box<str>]>> {
        let first = self.streams.first().filter(|_| !self.is_processed)?;
        Some(Arc::clone(&first.wanted))
    }

    /// Adds an event of the stream that is written to.
    pub(super) fn push(&mut self, time_ms: i64, json: &str, fields: Map<String, Value>) {
        let Self { service, ages, processors, tallies, is_processed, streams } = self;
        let Some(first) = streams.first_mut() else { return };
        if !*is_processed {
            return first.push(ages, time_ms, json, fields);
        }
        let (stream, draft) =
            (first.stream.clone(), Draft { event: Event { time_ms, fields }, json: json.to_owned() });
        let mut keep = |ages: &mut Ages, stream: &Arc<str>, Draft { event, json }: Draft| {
            let Event { time_ms, mut fields } = event;
            let at = streams.iter().position(|known| known.stream == *stream).unwrap_or_else(|| {
                streams.push(OfStream::new(service, stream, 0));
                streams.len() - 1
            });
            let known = &mut streams[at];
            // Held until all are durable: no more than is counted.
            fields.retain(|name, _| known.wanted.binary_search_by(|wanted| (**wanted).cmp(name)).is_ok());
            known.push(ages, time_ms, &json, fields);
        };
        ages.of_one(|ages| {
            processors.pass(&stream, draft, tallies, &mut |stream, draft| keep(ages, stream, draft));
        });
    }

    /// Adds an event of another stream, past all processors.
    pub(super) fn push_beside(&mut self, stream: &Arc<str>, time_ms: i64, json: &str) {
        let mut beside = OfStream::new(self.service, stream, json.len());
        beside.push(&mut self.ages, time_ms, json, Map::new());
        self.streams.push(beside);
    }

    /// Makes all of them durable at once, and counts them. Returns their ages.
    pub(super) fn keep(self) -> Result<Ages, IntakeError> {
        let Self { service, ages, processors, tallies, streams, .. } = self;
        let mut batch = Batch::default();
        let mut kept = Vec::with_capacity(streams.len());
        for OfStream { stream, measures, texts, events, .. } in streams {
            let times_ms = || events.iter().map(|(time_ms, _)| *time_ms);
            let Some(first_ms) = times_ms().min() else { continue };
            let more = Batch::of_events(&stream, times_ms(), texts);
            if batch.is_empty() {
                batch = more;
            } else {
                batch.events.extend(more.events);
            }
            kept.push(Kept { stream, measures, first_ms, events });
        }
        // What history says of their time is forgotten before they are stored.
        let mut arriving = Vec::with_capacity(kept.len());
        for Kept { stream, measures, first_ms, events } in &kept {
            let on_its_way = service.history.arriving(stream, *first_ms);
            let wrong = locked(measures).corrections(events);
            on_its_way.correct(&*service.state, &wrong)?;
            arriving.push(on_its_way);
        }
        if !batch.is_empty() {
            service.data.append(batch)?.wait()?;
        }
        kept.iter().for_each(|kept| kept.count(service));
        service.processing.note(&processors, &tallies);
        Ok(ages)
    }
}

impl OfStream {
    fn new(service: &IntakeService, stream: &Arc<str>, n_bytes: usize) -> Self {
        let measures = service.counting.of(stream);
        let wanted = locked(&measures).wanted();
        Self {
            stream: stream.clone(),
            measures,
            wanted,
            texts: Texts::with_capacity(n_bytes),
            events: Vec::new(),
        }
    }

    fn push(&mut self, ages: &mut Ages, time_ms: i64, json: &str, fields: Map<String, Value>) {
        ages.event(&self.stream, time_ms);
        self.texts.push(json.as_bytes());
        self.events.push((time_ms, fields));
    }
}

/// Events of one stream whose texts are on their way to the store.
struct Kept {
    stream: Arc<str>,
    measures: Arc<Mutex<Measures>>,
    first_ms: i64,
    events: Vec<(i64, Map<String, Value>)>,
}

impl Kept {
    /// Adds them, now that they are durable, to the measures of their stream.
    fn count(&self, service: &IntakeService) {
        let Self { stream, measures, first_ms, events } = self;
        service.counting.note_first(stream, *first_ms);
        let mut measures = locked(measures);
        let (mut n_late, mut overflow) = (0, 0);
        for (time_ms, fields) in events {
            let counted = measures.count(*time_ms, fields);
            n_late += u64::from(counted.late > 0);
            overflow += u64::from(counted.overflow);
        }
        let is_measured = !measures.is_empty();
        drop(measures);
        METRICS.groups_overflow.inc_by(overflow);
        let lateness = lateness::of_events(events.iter().map(|(time_ms, _)| *time_ms), service.now_ms());
        METRICS.late_events.inc_by(n_late);
        // Callers name as many streams as they like; rules do not.
        if is_measured {
            service.lateness.note(stream, &lateness, n_late);
        }
    }
}
