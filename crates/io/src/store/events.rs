//! Streams of events: reading blocks and head together, in order of time.
//!
//! Blocks of one stream may overlap (events come late), so reading is a merge that opens a block when its
//! beginning is reached and closes it at its end: memory is that of the blocks that overlap, not of the range.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use lanner_core::TimeRange;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::damage::{Found, Of};
use super::head::HeldEvent;
use super::{Core, Store, StoreError, event_block, locked};

/// A stream and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StreamInfo {
    /// The stream's name.
    pub name: Arc<str>,
    /// How many events are kept.
    pub n_events: u64,
    /// The time of the first.
    pub first_ms: i64,
    /// The time of the last.
    pub last_ms: i64,
    /// How much room they take: compressed on disk, as they came in memory.
    pub bytes: u64,
}

/// A block of events without its content. Both times are inside.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventMeta {
    pub(super) id: i64,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) n_events: usize,
    pub(super) plain_bytes: usize,
}

/// A row of `id, start_ms, end_ms, n_events, plain_bytes`.
pub(super) fn meta(row: &rusqlite::Row<'_>) -> rusqlite::Result<EventMeta> {
    Ok(EventMeta {
        id: row.get(0)?,
        start_ms: row.get(1)?,
        end_ms: row.get(2)?,
        n_events: row.get(3)?,
        plain_bytes: row.get(4)?,
    })
}

/// The number of a stream, if it has blocks.
pub(super) fn stream_number(db: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM stream WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// The events of a block.
pub(super) fn read_block(db: &Connection, meta: EventMeta) -> Result<Vec<HeldEvent>, StoreError> {
    let mut statement = db.prepare_cached("SELECT body FROM event_block WHERE id = ?1")?;
    let read = statement
        .query_row([meta.id], |row| {
            row.get_ref(0).map(|body| body.as_blob().map(|body| event_block::decode(body, meta.plain_bytes)))
        })
        .optional()?;
    let damaged = |what: &str| StoreError::corrupt(format!("block {} of events {what}", meta.id));
    let Some(Ok(events)) = read else { return Err(damaged("is missing")) };
    let events = events?;
    let ends = (events.first().map(|event| event.0), events.last().map(|event| event.0));
    let is_same = events.len() == meta.n_events && ends == (Some(meta.start_ms), Some(meta.end_ms));
    if is_same { Ok(events) } else { Err(damaged("is not what the list of blocks says")) }
}

/// One origin of events, open: what is left of it, in order of time.
struct Open {
    events: std::iter::Peekable<std::vec::IntoIter<HeldEvent>>,
}

/// What is read next: ordered by time, then by age of origin, so that equal times keep their order.
type Next = Reverse<(i64, usize)>;

/// Events of a stream at one moment.
#[derive(Debug)]
pub struct EventsSnapshot {
    /// Shared by those that were taken together.
    db: Arc<Mutex<Connection>>,
    stream: Arc<str>,
    damage: Arc<Found>,
    range: TimeRange,
    metas: Vec<EventMeta>,
    held: Vec<Vec<HeldEvent>>,
}

impl EventsSnapshot {
    /// Visits the events in order of time, until `visit` breaks. Costs as [`Store::events`] does.
    ///
    /// # Errors
    /// [`StoreError`] when blocks cannot be read.
    pub fn visit(&self, visit: &mut dyn FnMut(i64, &[u8]) -> ControlFlow<()>) -> Result<(), StoreError> {
        let mut origins: Vec<Option<Open>> = self.metas.iter().map(|_| None).collect();
        let mut heap: BinaryHeap<Next> =
            self.metas.iter().enumerate().map(|(at, meta)| Reverse((meta.start_ms, at))).collect();
        for events in &self.held {
            if let Some(first) = events.first() {
                heap.push(Reverse((first.0, origins.len())));
                origins.push(Some(Open { events: events.clone().into_iter().peekable() }));
            }
        }
        while let Some(Reverse((_, at))) = heap.pop() {
            let Some(origin) = &mut origins[at] else {
                let mut events = self.read(self.metas[at])?;
                events.retain(|(time_ms, _)| self.range.contains(*time_ms));
                if let Some(first) = events.first() {
                    heap.push(Reverse((first.0, at)));
                    origins[at] = Some(Open { events: events.into_iter().peekable() });
                }
                continue;
            };
            if let Some((time_ms, json)) = origin.events.next()
                && visit(time_ms, &json).is_break()
            {
                return Ok(());
            }
            match origin.events.peek() {
                Some(next) => heap.push(Reverse((next.0, at))),
                None => origins[at] = Some(Open { events: Vec::new().into_iter().peekable() }),
            }
        }
        Ok(())
    }
}

impl EventsSnapshot {
    /// The events of a block; none of one that is damaged, which is taken note of.
    fn read(&self, meta: EventMeta) -> Result<Vec<HeldEvent>, StoreError> {
        match read_block(&locked(&self.db), meta) {
            Err(StoreError::Corrupt { detail }) => {
                let span = (meta.start_ms, meta.end_ms);
                self.damage.note(Of::Events, meta.id, &self.stream, meta.n_events, span, &detail);
                Ok(Vec::new())
            }
            read => read,
        }
    }
}

impl Store {
    /// Visits the events of a stream in `range`, in order of time, until `visit` breaks.
    ///
    /// The text is the event as it came. A stream that does not exist has no events. Cost: decompression,
    /// about a million events a second; memory for the blocks that overlap in time, 1 MB each.
    ///
    /// # Errors
    /// [`StoreError`] when blocks cannot be read.
    pub fn events(
        &self,
        stream: &str,
        range: TimeRange,
        visit: &mut dyn FnMut(i64, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        self.events_snapshot(stream, range)?.visit(visit)
    }

    /// The events of a stream in `range` as they are now, to be visited later: what comes after is not in it.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn events_snapshot(&self, stream: &str, range: TimeRange) -> Result<EventsSnapshot, StoreError> {
        self.events_snapshots([(stream, range)])?.pop().ok_or(StoreError::Closed)
    }

    /// As [`Self::events_snapshot`] of many streams at one moment, in their order. They share one connection, so
    /// thousands of streams take no more files than one; visits of two of them take turns in reading blocks.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn events_snapshots<'s>(
        &self,
        wanted: impl IntoIterator<Item = (&'s str, TimeRange)>,
    ) -> Result<Vec<EventsSnapshot>, StoreError> {
        let core = self.core();
        let db = core.readers.connect()?;
        // What moves from memory to blocks meanwhile would be in neither.
        let _layout = core.layout.read().unwrap_or_else(PoisonError::into_inner);
        // A transaction of its own: blocks that are replaced later stay readable.
        db.execute_batch("BEGIN")?;
        let db = Arc::new(Mutex::new(db));
        let snapshot = |(stream, range)| {
            let (metas, held) = core.event_sources(&locked(&db), stream, range)?;
            let damage = Arc::clone(&core.damage);
            Ok(EventsSnapshot { db: Arc::clone(&db), stream: stream.into(), damage, range, metas, held })
        };
        wanted.into_iter().map(snapshot).collect()
    }

    /// All streams, in order of their names.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn streams(&self) -> Result<Vec<StreamInfo>, StoreError> {
        let core = self.core();
        let _layout = core.layout.read().unwrap_or_else(PoisonError::into_inner);
        let mut streams: BTreeMap<Arc<str>, StreamInfo> = BTreeMap::new();
        let mut add = |info: StreamInfo| match streams.get_mut(&info.name) {
            Some(known) => {
                known.n_events += info.n_events;
                known.first_ms = known.first_ms.min(info.first_ms);
                known.last_ms = known.last_ms.max(info.last_ms);
                known.bytes += info.bytes;
            }
            None => {
                streams.insert(Arc::clone(&info.name), info);
            }
        };
        for generation in core.head().generations() {
            for (name, events) in &generation.events {
                let times = || events.iter().map(|(time_ms, _)| *time_ms);
                add(StreamInfo {
                    name: Arc::clone(name),
                    n_events: events.len() as u64,
                    first_ms: times().min().unwrap_or(0),
                    last_ms: times().max().unwrap_or(0),
                    bytes: events.iter().map(|(_, json)| json.len() as u64).sum(),
                });
            }
        }
        for info in self.look(stored_streams)? {
            add(info);
        }
        Ok(streams.into_values().collect())
    }
}

fn stored_streams(db: &Connection) -> Result<Vec<StreamInfo>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT name, sum(n_events), min(start_ms), max(end_ms), sum(size)
         FROM event_block JOIN stream ON stream.id = event_block.stream GROUP BY stream",
    )?;
    let rows = statement.query_map([], |row| {
        let name: String = row.get(0)?;
        Ok(StreamInfo {
            name: name.into(),
            n_events: row.get(1)?,
            first_ms: row.get(2)?,
            last_ms: row.get(3)?,
            bytes: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Core {
    /// The blocks that may hold events of `range` and, sorted by time, the head's events inside it. From here
    /// on `db` sees the blocks as they are now.
    fn event_sources(
        &self,
        db: &Connection,
        stream: &str,
        range: TimeRange,
    ) -> Result<(Vec<EventMeta>, Vec<Vec<HeldEvent>>), StoreError> {
        let mut metas = Vec::new();
        if let Some(number) = stream_number(db, stream)? {
            let mut statement = db.prepare_cached(
                "SELECT id, start_ms, end_ms, n_events, plain_bytes FROM event_block
                 WHERE stream = ?1 AND start_ms < ?2 AND end_ms >= ?3 ORDER BY id",
            )?;
            let rows = statement.query_map(params![number, range.end_ms, range.start_ms], meta)?;
            metas = rows.collect::<Result<_, _>>()?;
        }
        let mut held = Vec::new();
        for generation in self.head().generations() {
            if let Some(events) = generation.events.get(stream) {
                let mut inside: Vec<HeldEvent> =
                    events.iter().filter(|(time_ms, _)| range.contains(*time_ms)).cloned().collect();
                inside.sort_by_key(|(time_ms, _)| *time_ms);
                held.push(inside);
            }
        }
        Ok((metas, held))
    }
}
