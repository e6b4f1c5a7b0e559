//! Samples, from bytes to durable data: the same path for line protocol, NDJSON and carbon.

use std::fmt::Display;
use std::time::Duration;

use lanner_core::{Labels, Sample, SeriesKey};
use lanner_io::data::{Batch, DataStore, SeriesId, StoreError, WrittenSeries};
use lanner_wire::api::WriteReport;
use lanner_wire::line_protocol::{self, Options, Precision};
use lanner_wire::otlp;
use lanner_wire::prometheus::remote_write::{self, Version};
use lanner_wire::prometheus::{labelled, series_key, text};
use lanner_wire::statsd::Interval;
use lanner_wire::{Report, carbon, ndjson, pickle};

use super::age::Ages;
use super::error::IntakeError;
use super::lateness;
use super::service::IntakeService;

/// How long is waited for room on a full disk, before it is tried again.
const FULL: Duration = Duration::from_secs(1);

/// What stands before the labels of remote write: no text begins with it.
const REMOTE_WRITE: &[u8] = &[0xff];
/// What stands before the labels of targets that are scraped.
const SCRAPED: &[u8] = &[0xfe];

/// What is done while the store has too much waiting, or no room on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    /// Whoever sent it is asked to come back.
    Refuse,
    /// It is tried again until it is taken: for protocols without answers, whose senders are held back meanwhile.
    Wait,
}

/// Samples that were parsed and are not durable yet.
pub(crate) struct Samples<'s> {
    service: &'s IntakeService,
    /// What they came by, for metrics.
    protocol: &'static str,
    report: Report,
    taken: Taken<'s>,
}

/// Those that could be read.
struct Taken<'s> {
    store: &'s dyn DataStore,
    written: &'s WrittenSeries,
    batch: Batch,
    ages: Ages,
    /// A series as it was written; reused, so that nothing is allocated for a series that is known.
    raw: Vec<u8>,
}

impl<'s> Samples<'s> {
    /// None yet.
    #[must_use]
    pub(crate) fn new(service: &'s IntakeService, protocol: &'static str) -> Self {
        let (batch, ages, raw) = (Batch::default(), Ages::new(service), Vec::with_capacity(256));
        let store = &*service.data;
        let taken = Taken { store, written: store.written_series(), batch, ages, raw };
        Self { service, protocol, report: Report::default(), taken }
    }

    /// How many could be read so far.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.taken.batch.samples.len()
    }

    /// Whether none could be read so far.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a message with lines of Influx line protocol, and says what it came to.
    pub(crate) fn add_message(&mut self, body: &[u8], precision: Precision) -> Report {
        let before = std::mem::take(&mut self.report);
        self.add_line_protocol(body, precision);
        let of_one = std::mem::replace(&mut self.report, before);
        self.report.absorb(of_one.clone(), 0);
        of_one
    }

    /// Adds lines of Influx line protocol. Nothing is allocated for lines of known series.
    pub(crate) fn add_line_protocol(&mut self, body: &[u8], precision: Precision) {
        let options = Options { precision, received_ms: self.service.now_ms() };
        let taken = &mut self.taken;
        line_protocol::parse(body, options, &mut self.report, |line| {
            let n_before = taken.batch.samples.len();
            let mut fields = line.fields.iter();
            fields.try_for_each(|field| {
                let sample = Sample::new(line.time_ms, field.value);
                let key = || line_protocol::series_key(line.raw_series, field.raw_key);
                let written = [line.raw_series.as_bytes(), field.raw_key.as_bytes()];
                let added = taken.add(written, sample, key);
                // A line is taken as a whole or not at all.
                added.inspect_err(|_| taken.batch.samples.truncate(n_before))
            })
        });
    }

    /// Adds a request of Prometheus' remote write, decompressed.
    ///
    /// # Errors
    /// A body that is no such request.
    pub(crate) fn add_remote_write(&mut self, version: Version, body: &[u8]) -> Result<(), IntakeError> {
        let taken = &mut self.taken;
        let read = remote_write::read(version, body, &mut self.report, |series, sample| {
            taken.add([REMOTE_WRITE, series.written()], sample, || series.key())
        });
        read.map_err(|error| IntakeError::Unreadable(error.to_string()))
    }

    /// Adds samples as they are exported, which holds names that line protocol cannot.
    ///
    /// # Errors
    /// A body that cannot be read to its end.
    pub(crate) fn add_ndjson(&mut self, body: &[u8]) -> Result<(), IntakeError> {
        let taken = &mut self.taken;
        let read = ndjson::read(body, &mut self.report, |key, sample| taken.add_to(key, sample));
        read.map_err(|error| IntakeError::Unreadable(error.to_string()))
    }

    /// Adds what a target answered, in Prometheus' text format. A series that is known is found without making its key.
    /// - `target`: the labels of the target
    /// - `time_ms`: the time of samples that tell none
    pub(crate) fn add_scraped(&mut self, body: &[u8], target: &Labels, time_ms: i64) {
        let taken = &mut self.taken;
        let of_target = [SCRAPED, target.canonical().as_bytes()].concat();
        text::parse(body, &mut self.report, |found| {
            if !found.value.is_finite() {
                return Ok(());
            }
            let key = || {
                let own = series_key(found.raw_series).map_err(|(_, why)| why)?;
                Ok::<_, String>(SeriesKey::new(own.name, labelled(&own.labels, target)))
            };
            let sample = Sample::new(found.time_ms.unwrap_or(time_ms), found.value);
            taken.add([&of_target, found.raw_series.as_bytes()], sample, key)
        });
    }

    /// Adds a sample that was made here.
    pub(crate) fn add_made(&mut self, key: &SeriesKey, sample: Sample) {
        match self.taken.add_to(key, sample) {
            Ok(()) => self.report.accepted += 1,
            Err(why) => self.report.reject(1, None, why),
        }
    }

    /// Adds metrics of OTLP.
    ///
    /// # Errors
    /// A body that is no such request.
    pub(crate) fn add_otlp(&mut self, body: &otlp::Body<'_>) -> Result<(), IntakeError> {
        let (taken, now_ms) = (&mut self.taken, self.service.now_ms());
        let read =
            otlp::metrics::read(body, now_ms, &mut self.report, |key, sample| taken.add_to(key, sample));
        read.map_err(|error| IntakeError::Unreadable(error.to_string()))
    }

    /// Adds what an interval of StatsD came to, and ends it.
    pub(crate) fn add_statsd(&mut self, interval: &mut Interval, end_ms: i64) {
        let (taken, report) = (&mut self.taken, &mut self.report);
        let lines = interval.end(end_ms, |key, sample| match taken.add_to(key, sample) {
            Ok(()) => report.accepted += 1,
            Err(why) => report.reject(1, None, why),
        });
        self.report.absorb(lines, 0);
    }

    /// Adds a line of carbon's plaintext, the `line_number`-th of its sender, from 1.
    pub(crate) fn add_carbon_line(&mut self, line: &[u8], line_number: u64) {
        let (mut part, now_ms, taken) = (Report::default(), self.service.now_ms(), &mut self.taken);
        taken.ages.set_now(now_ms);
        carbon::parse(line, now_ms, &mut part, |sample| taken.add_carbon(sample));
        self.report.absorb(part, line_number - 1);
    }

    /// Adds a frame of carbon's pickles, which counts as a line.
    pub(crate) fn add_carbon_frame(&mut self, frame: &[u8], line_number: u64) {
        let (mut part, now_ms, taken) = (Report::default(), self.service.now_ms(), &mut self.taken);
        taken.ages.set_now(now_ms);
        let parsed = pickle::parse_frame(frame, now_ms, &mut part, |sample| taken.add_carbon(sample));
        if let Err(error) = parsed {
            part.reject(1, None, error.to_string());
        }
        self.report.absorb(part, line_number - 1);
    }

    /// Notes a line that could not even be parsed.
    pub(crate) fn reject(&mut self, line_number: u64, why: impl Display) {
        self.report.reject(line_number, None, why);
    }

    /// Makes them durable, counts them, and says what they came to; returns when they are acknowledged.
    ///
    /// # Errors
    /// Failures of the store; none of them is kept then.
    pub(crate) async fn commit(self, when_busy: WhenBusy) -> Result<WriteReport, IntakeError> {
        let Self { service, protocol, report, taken: Taken { batch, ages, .. } } = self;
        if !batch.is_empty() {
            lateness::note_samples(&batch, service.now_ms());
            let stored = service.late_samples.candidates(&batch);
            append(&*service.data, batch, when_busy).await?;
            service.late_samples.note(&stored);
        }
        service.count_samples(protocol, &report);
        Ok(ages.answer(report, protocol))
    }
}

impl Taken<'_> {
    fn add_carbon(&mut self, sample: carbon::CarbonSample<'_>) -> Result<(), String> {
        let carbon::CarbonSample { raw_path, time_ms, value } = sample;
        // No line of line protocol begins with nothing.
        self.add([b"", raw_path.as_bytes()], Sample::new(time_ms, value), || carbon::series_key(raw_path))
    }

    /// Adds a sample of the series that is written so: each way to write one is looked up, and its key is made only where it
    /// is new. The first half of `written` holds no line breaks.
    fn add<E: Display>(
        &mut self,
        written: [&[u8]; 2],
        sample: Sample,
        key: impl FnOnce() -> Result<SeriesKey, E>,
    ) -> Result<(), String> {
        self.raw.clear();
        self.raw.extend_from_slice(written[0]);
        self.raw.push(b'\n');
        self.raw.extend_from_slice(written[1]);
        let id = match self.written.get(&self.raw) {
            Some(id) => id,
            None => {
                let key = key().map_err(|error| error.to_string())?;
                self.store.resolve(&self.raw, &key).map_err(|error| error.to_string())?
            }
        };
        self.push(id, sample);
        Ok(())
    }

    /// Adds a sample of a series by its key.
    fn add_to(&mut self, key: &SeriesKey, sample: Sample) -> Result<(), String> {
        let id = self.store.series_id(key).map_err(|error| error.to_string())?;
        self.push(id, sample);
        Ok(())
    }

    fn push(&mut self, id: SeriesId, sample: Sample) {
        self.ages.sample(self.store, id, sample.time_ms);
        self.batch.samples.push((id, sample));
    }
}

async fn append(store: &dyn DataStore, batch: Batch, when_busy: WhenBusy) -> Result<(), StoreError> {
    if when_busy == WhenBusy::Refuse {
        return store.append(batch)?.await;
    }
    loop {
        let appended = match store.append(batch.clone()) {
            Ok(receipt) => receipt.await,
            Err(error) => Err(error),
        };
        match appended {
            Err(StoreError::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
            Err(StoreError::DiskFull) => tokio::time::sleep(FULL).await,
            settled => return settled,
        }
    }
}
