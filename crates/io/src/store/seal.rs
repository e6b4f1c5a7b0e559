//! From the head into blocks: one generation at a time, in one transaction that also drops the rows of the
//! journal it came from.
//!
//! Compressing happens on the caller's thread, so ingestion goes on; only the finished blocks pass through
//! the writer.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, params};

use super::damage::Of;
use super::event_block::{self, PLAIN_BYTES};
use super::events;
use super::head::{Generation, HeldEvent};
use super::sealer::Memory;
use super::segment::{self, NewBlock, Segment};
use super::writer::Urgency;
use super::{Core, SeriesId, Store, StoreError};
use crate::metrics::METRICS;

/// A block of events to write.
pub(super) struct NewEventBlock {
    stream: Arc<str>,
    start_ms: i64,
    end_ms: i64,
    n_events: usize,
    plain_bytes: usize,
    body: Vec<u8>,
}

/// A change of blocks that happens at once, on disk and for readers.
#[derive(Default)]
pub(super) struct Edit {
    pub(super) blocks: Vec<NewBlock>,
    pub(super) dropped: Vec<i64>,
    /// Series whose list of blocks changes.
    pub(super) series: Vec<SeriesId>,
    pub(super) event_blocks: Vec<NewEventBlock>,
    pub(super) dropped_events: Vec<i64>,
    /// The oldest generation is in here; its rows of the journal end with this one.
    pub(super) sealed_seq: Option<i64>,
}

impl Edit {
    pub(super) fn bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.body.len() + 60).sum();
        let events: usize = self.event_blocks.iter().map(|block| block.body.len() + 60).sum();
        blocks + events + 20 * (self.dropped.len() + self.dropped_events.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
            && self.dropped.is_empty()
            && self.event_blocks.is_empty()
            && self.dropped_events.is_empty()
            && self.sealed_seq.is_none()
    }

    fn write(&self, db: &Connection) -> Result<(), StoreError> {
        // First, so that its room can be used at once: blocks are much smaller than what they replace.
        if let Some(seq) = self.sealed_seq {
            db.prepare_cached("DELETE FROM journal WHERE seq <= ?1")?.execute([seq])?;
        }
        let mut delete = db.prepare_cached("DELETE FROM block WHERE id = ?1")?;
        for id in &self.dropped {
            delete.execute([id])?;
        }
        let mut insert = db.prepare_cached(
            "INSERT INTO block (series, start_ms, end_ms, step_ms, n_rows, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for new in &self.blocks {
            let NewBlock { series, start_ms, end_ms, step_ms, n_rows, body } = new;
            insert.execute(params![series.0, start_ms, end_ms, step_ms, n_rows, body])?;
        }
        self.write_events(db)
    }

    fn write_events(&self, db: &Connection) -> Result<(), StoreError> {
        let mut delete = db.prepare_cached("DELETE FROM event_block WHERE id = ?1")?;
        for id in &self.dropped_events {
            delete.execute([id])?;
        }
        for new in &self.event_blocks {
            let NewEventBlock { stream, start_ms, end_ms, n_events, plain_bytes, body } = new;
            db.prepare_cached("INSERT OR IGNORE INTO stream (name, sum) VALUES (?1, row_sum(?1))")?
                .execute([&**stream])?;
            db.prepare_cached(
                "INSERT INTO event_block (stream, start_ms, end_ms, n_events, plain_bytes, size, body)
                 VALUES ((SELECT id FROM stream WHERE name = ?1), ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                &**stream,
                start_ms,
                end_ms,
                n_events,
                plain_bytes,
                body.len(),
                body
            ])?;
        }
        Ok(())
    }
}

impl Core {
    /// Makes an edit that was committed visible to readers. Called with the layout locked.
    fn publish(&self, edit: &Edit) {
        for id in &edit.series {
            self.metas.remove(*id);
        }
        for id in &edit.dropped {
            self.blocks.remove(*id);
        }
        if edit.sealed_seq.is_some() {
            self.head_mut().drop_oldest();
        }
    }

    /// Changes the blocks of one series. Call only from maintenance: nothing else may change them meanwhile.
    pub(super) fn edit_series(
        &self,
        id: SeriesId,
        edit: &mut Edit,
        mut change: impl FnMut(Vec<Segment>, segment::Fetch<'_>) -> Result<Vec<Segment>, StoreError>,
    ) -> Result<(), StoreError> {
        let segments = loop {
            let metas = self.metas(id)?;
            let whole = || metas.iter().filter(|meta| !self.damage.knows(Of::Samples, meta.id));
            let n_whole = whole().count();
            let fetch = |block: i64| {
                let meta = metas.iter().find(|meta| meta.id == block);
                let rows = meta.map(|meta| self.rows(id, meta)).transpose()?.flatten();
                rows.map(|rows| rows.to_vec())
                    .ok_or_else(|| StoreError::corrupt(format!("block {block} is damaged")))
            };
            let segments = whole().map(Segment::from).collect();
            let changed = change(segments, &fetch).and_then(|segments| segment::joined(segments, &fetch));
            match changed {
                // A block was found to be damaged: it stays as it is, and the others are changed without it.
                Err(StoreError::Corrupt { .. }) if whole().count() < n_whole => {}
                changed => break changed?,
            }
        };
        let n_before = (edit.blocks.len(), edit.dropped.len());
        segment::changes(id, segments, &mut edit.blocks, &mut edit.dropped)?;
        if n_before != (edit.blocks.len(), edit.dropped.len()) {
            edit.series.push(id);
        }
        Ok(())
    }
}

impl Store {
    /// Commits an edit, and waits until readers see it.
    pub(super) fn commit_edit(&self, edit: Edit) -> Result<(), StoreError> {
        if edit.is_empty() {
            return Ok(());
        }
        let edit = Arc::new(edit);
        let bytes = edit.bytes();
        let work = {
            let edit = Arc::clone(&edit);
            move |db: &Connection| edit.write(db)
        };
        let core = Arc::clone(&self.0.core);
        self.writer()?.submit(Urgency::MovesBlocks, bytes, work, move |()| core.publish(&edit))?.wait()
    }

    /// Seals the oldest frozen generation, if there is one. Returns how many samples it held.
    ///
    /// `_memory` proves that this is the only maintenance running.
    pub(super) fn seal_oldest(&self, _memory: &mut Memory) -> Result<usize, StoreError> {
        let core = self.core();
        let Some(generation) = core.head().frozen.front().cloned() else { return Ok(0) };
        let started = Instant::now();
        let mut edit = Edit { sealed_seq: Some(generation.last_seq), ..Edit::default() };
        let mut ids: Vec<SeriesId> = generation.samples.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let samples = generation.samples[&id].all();
            core.edit_series(id, &mut edit, |segments, fetch| segment::insert(segments, &samples, fetch))?;
        }
        core.seal_events(&generation, &mut edit)?;
        self.commit_edit(edit)?;
        METRICS.seal_seconds.observe(started.elapsed().as_secs_f64());
        Ok(generation.n_samples)
    }
}

impl Core {
    fn seal_events(&self, generation: &Generation, edit: &mut Edit) -> Result<(), StoreError> {
        let streams: HashMap<&Arc<str>, &Vec<HeldEvent>> = generation.events.iter().collect();
        for (stream, events) in streams {
            let mut events = events.clone();
            events.sort_by_key(|(time_ms, _)| *time_ms);
            self.readers
                .with(|db| self.join_small_blocks(db, stream, &mut events, &mut edit.dropped_events))?;
            for events in chunks(&events) {
                let (body, plain_bytes) = event_block::encode(events)?;
                edit.event_blocks.push(NewEventBlock {
                    stream: Arc::clone(stream),
                    start_ms: events[0].0,
                    end_ms: events[events.len() - 1].0,
                    n_events: events.len(),
                    plain_bytes,
                    body,
                });
            }
        }
        Ok(())
    }
}

impl Core {
    /// Takes the latest blocks of a stream in, as long as they are small beside what is there.
    fn join_small_blocks(
        &self,
        db: &Connection,
        stream: &str,
        events: &mut Vec<HeldEvent>,
        dropped: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let Some(number) = events::stream_number(db, stream)? else { return Ok(()) };
        let mut statement = db.prepare_cached(
        "SELECT id, start_ms, end_ms, n_events, plain_bytes FROM event_block WHERE stream = ?1 ORDER BY id DESC LIMIT 16",
    )?;
        let rows = statement.query_map([number], events::meta)?;
        for meta in rows {
            let meta = meta?;
            let size: usize = events.iter().map(event_block::plain_size).sum();
            if meta.plain_bytes >= 2 * size || meta.plain_bytes + size > PLAIN_BYTES {
                break;
            }
            let mut joined = match events::read_block(db, meta) {
                Ok(joined) => joined,
                Err(StoreError::Corrupt { detail }) => {
                    self.damage.note(
                        Of::Events,
                        meta.id,
                        stream,
                        meta.n_events,
                        (meta.start_ms, meta.end_ms),
                        &detail,
                    );
                    break;
                }
                Err(error) => return Err(error),
            };
            joined.append(events);
            joined.sort_by_key(|(time_ms, _)| *time_ms); // stable: the older block's come first
            *events = joined;
            dropped.push(meta.id);
        }
        Ok(())
    }
}

/// Cuts events into runs of about the size of a block.
fn chunks(events: &[HeldEvent]) -> impl Iterator<Item = &[HeldEvent]> {
    let mut size = 0;
    events.chunk_by(move |event, next| {
        size += event_block::plain_size(event);
        let fits = size + event_block::plain_size(next) <= PLAIN_BYTES;
        if !fits {
            size = 0;
        }
        fits
    })
}
