//! The content of one append, and its row in the journal.

use std::collections::HashMap;
use std::sync::Arc;

use ::bytes::Bytes;
use lanner_core::Sample;
use lanner_core::time::{MAX_TIME_MS, MIN_TIME_MS};

use super::bytes::{self, Reader};
use super::series::Registry;
use super::{SeriesId, StoreError};

/// Samples and events that become durable together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Samples in the order of their arrival; of two with the same series and time the later counts.
    pub samples: Vec<(SeriesId, Sample)>,
    /// Events in the order of their arrival.
    pub events: Vec<NewEvent>,
}

/// One event of a stream, as JSON text.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The stream's name.
    pub stream: Arc<str>,
    /// The event's time, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The event as a JSON object in UTF-8; kept byte for byte, and not looked into.
    pub json: Bytes,
}

/// Texts of events, one after the other: one piece of memory costs a good deal less than one for each of thousands. It is
/// held until the last event is gone.
#[derive(Debug, Default)]
pub struct Texts {
    joined: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// No texts yet, with room for `n_bytes` bytes of them; more is found when it is needed.
    #[must_use]
    pub fn with_capacity(n_bytes: usize) -> Self {
        Self { joined: Vec::with_capacity(n_bytes), ends: Vec::new() }
    }

    /// Adds one text.
    pub fn push(&mut self, text: &[u8]) {
        self.joined.extend_from_slice(text);
        self.ends.push(self.joined.len());
    }

    fn cut(self) -> impl Iterator<Item = Bytes> {
        let joined = Bytes::from(self.joined.into_boxed_slice());
        let mut start = 0;
        self.ends.into_iter().map(move |end| joined.slice(std::mem::replace(&mut start, end)..end))
    }
}

const VERSION: u8 = 1;
const TIMES_EQUAL: u8 = 0;
const TIMES_NEAR: u8 = 1;
const TIMES_FULL: u8 = 2;
const WHAT: &str = "a batch in the journal";

impl Batch {
    /// Events of one stream: the time of each, milliseconds since the Unix epoch, and its text.
    #[must_use]
    pub fn of_events(stream: &Arc<str>, times_ms: impl IntoIterator<Item = i64>, texts: Texts) -> Self {
        let event = |(time_ms, json)| NewEvent { stream: Arc::clone(stream), time_ms, json };
        Self { samples: Vec::new(), events: times_ms.into_iter().zip(texts.cut()).map(event).collect() }
    }

    /// Whether there is nothing to append.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.events.is_empty()
    }

    /// Refuses what cannot be stored. Returns the largest series number.
    pub(super) fn check(&self, registry: &Registry) -> Result<u32, StoreError> {
        let valid = MIN_TIME_MS..MAX_TIME_MS;
        let mut largest = 0;
        for &(id, Sample { time_ms, value }) in &self.samples {
            largest = largest.max(id.0);
            if !value.is_finite() {
                return Err(StoreError::NotFinite { series: registry.name_of(id), value, time_ms });
            }
            if !valid.contains(&time_ms) {
                return Err(StoreError::TimeOutOfRange { what: registry.name_of(id), time_ms });
            }
        }
        if largest > registry.last_id() || self.samples.iter().any(|(id, _)| id.0 == 0) {
            return Err(StoreError::UnknownSeries { id: largest });
        }
        for event in &self.events {
            if !valid.contains(&event.time_ms) {
                let what = format!("an event of stream {}", event.stream);
                return Err(StoreError::TimeOutOfRange { what, time_ms: event.time_ms });
            }
        }
        Ok(largest)
    }

    /// The batch as one row: columns of times, series and values, then the events.
    pub(super) fn encode(&self) -> Vec<u8> {
        let event_bytes: usize = self.events.iter().map(|event| event.json.len() + 16).sum();
        let mut out = Vec::with_capacity(64 + 20 * self.samples.len() + event_bytes);
        out.push(VERSION);
        bytes::put_varint(&mut out, self.samples.len() as u64);
        self.encode_times(&mut out);
        for (id, _) in &self.samples {
            out.extend_from_slice(&id.0.to_le_bytes());
        }
        for (_, sample) in &self.samples {
            out.extend_from_slice(&sample.value.to_le_bytes());
        }
        self.encode_events(&mut out);
        bytes::seal(&mut out);
        out
    }

    fn encode_times(&self, out: &mut Vec<u8>) {
        let times = || self.samples.iter().map(|(_, sample)| sample.time_ms);
        let (first, last) = (times().min().unwrap_or(0), times().max().unwrap_or(0));
        if first == last {
            out.push(TIMES_EQUAL);
            bytes::put_zigzag(out, first);
        } else if last - first <= i64::from(u32::MAX) {
            out.push(TIMES_NEAR);
            bytes::put_zigzag(out, first);
            for time_ms in times() {
                out.extend_from_slice(&((time_ms - first) as u32).to_le_bytes());
            }
        } else {
            out.push(TIMES_FULL);
            for time_ms in times() {
                out.extend_from_slice(&time_ms.to_le_bytes());
            }
        }
    }

    fn encode_events(&self, out: &mut Vec<u8>) {
        let mut names: Vec<&Arc<str>> = Vec::new();
        let mut numbers: HashMap<&Arc<str>, u64> = HashMap::new();
        for event in &self.events {
            numbers.entry(&event.stream).or_insert_with(|| {
                names.push(&event.stream);
                names.len() as u64 - 1
            });
        }
        bytes::put_varint(out, names.len() as u64);
        for name in names {
            bytes::put_bytes(out, name.as_bytes());
        }
        bytes::put_varint(out, self.events.len() as u64);
        for event in &self.events {
            bytes::put_varint(out, numbers[&event.stream]);
            bytes::put_zigzag(out, event.time_ms);
            bytes::put_bytes(out, &event.json);
        }
    }

    /// Reads a row of the journal.
    pub(super) fn decode(row: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(bytes::unseal(row, WHAT)?, WHAT);
        if reader.byte()? != VERSION {
            return Err(reader.wrong());
        }
        let n = reader.count(12)?;
        let times = decode_times(&mut reader, n)?;
        let ids = reader.chunks::<4>(n)?;
        let values = reader.chunks::<8>(n)?;
        let samples = times
            .into_iter()
            .zip(ids)
            .zip(values)
            .map(|((time_ms, id), value)| {
                (SeriesId(u32::from_le_bytes(*id)), Sample::new(time_ms, f64::from_le_bytes(*value)))
            })
            .collect();
        let events = decode_events(&mut reader)?;
        if reader.is_empty() { Ok(Self { samples, events }) } else { Err(reader.wrong()) }
    }
}

fn decode_times(reader: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, StoreError> {
    Ok(match reader.byte()? {
        TIMES_EQUAL => vec![reader.zigzag()?; n],
        TIMES_NEAR => {
            let first = reader.zigzag()?;
            let offsets = reader.chunks::<4>(n)?;
            offsets.iter().map(|at| first.wrapping_add(i64::from(u32::from_le_bytes(*at)))).collect()
        }
        TIMES_FULL => reader.chunks::<8>(n)?.iter().map(|time| i64::from_le_bytes(*time)).collect(),
        _ => return Err(reader.wrong()),
    })
}

fn decode_events(reader: &mut Reader<'_>) -> Result<Vec<NewEvent>, StoreError> {
    let n_names = reader.count(1)?;
    let mut names: Vec<Arc<str>> = Vec::with_capacity(n_names);
    for _ in 0..n_names {
        let name = std::str::from_utf8(reader.bytes()?).map_err(|_| reader.wrong())?;
        names.push(Arc::from(name));
    }
    let n_events = reader.count(3)?;
    let mut origins = Vec::with_capacity(n_events);
    let mut texts = Texts::default();
    for _ in 0..n_events {
        let number = usize::try_from(reader.varint()?).map_err(|_| reader.wrong())?;
        let stream = Arc::clone(names.get(number).ok_or_else(|| reader.wrong())?);
        origins.push((stream, reader.zigzag()?));
        texts.push(reader.bytes()?);
    }
    let events = origins.into_iter().zip(texts.cut());
    Ok(events.map(|((stream, time_ms), json)| NewEvent { stream, time_ms, json }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batches() -> impl Strategy<Value = Batch> {
        let time = prop_oneof![0..3_i64, 1_700_000_000_000..1_700_000_100_000_i64, MIN_TIME_MS..MAX_TIME_MS];
        let sample = (1..9_u32, time.clone(), any::<f64>())
            .prop_map(|(id, time_ms, value)| (SeriesId(id), Sample::new(time_ms, value)));
        let event = ("[a-c]{1,2}", time, proptest::collection::vec(any::<u8>(), 0..9)).prop_map(
            |(stream, time_ms, json)| NewEvent { stream: stream.into(), time_ms, json: json.into() },
        );
        (proptest::collection::vec(sample, 0..40), proptest::collection::vec(event, 0..9))
            .prop_map(|(samples, events)| Batch { samples, events })
    }

    proptest! {
        #[test]
        fn rows_round_trip(batch in batches()) {
            let row = batch.encode();
            // NaN is not equal to itself, so compare the bytes.
            prop_assert_eq!(Batch::decode(&row).unwrap().encode(), row);
        }

        #[test]
        fn damaged_rows_are_refused(batch in batches(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut row = batch.encode();
            let at = at.index(row.len());
            row[at] ^= 1_u8 << bit;
            prop_assert!(Batch::decode(&row).is_err());
        }

        #[test]
        fn any_content_under_a_right_checksum_is_read_or_refused(
            mut row in proptest::collection::vec(any::<u8>(), 0..80)
        ) {
            row.insert(0, VERSION);
            bytes::seal(&mut row);
            let _ = Batch::decode(&row);
        }
    }
}
