//! Where a series' blocks lie, and the blocks decoded last; both bounded in memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OptionalExtension as _};

use super::block::{self, Rows};
use super::lock::locked;
use super::series_id::Spread;
use super::{SeriesId, StoreError};

/// A block without its content. Both times are inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockMeta {
    pub(super) id: i64,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    pub(super) step_ms: i64,
    pub(super) n_rows: usize,
}

/// The blocks of a series in order of their beginning, from the file.
pub(super) fn read_metas(db: &Connection, id: SeriesId) -> Result<Vec<BlockMeta>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT id, start_ms, end_ms, step_ms, n_rows FROM block WHERE series = ?1 ORDER BY start_ms, end_ms",
    )?;
    let rows = statement.query_map([id.0], |row| {
        Ok(BlockMeta {
            id: row.get(0)?,
            start_ms: row.get(1)?,
            end_ms: row.get(2)?,
            step_ms: row.get(3)?,
            n_rows: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The rows of a block of `series`, from the file. What the block says of itself, its row and the list of blocks must
/// agree: each lies on a page of its own.
pub(super) fn read_rows(db: &Connection, series: SeriesId, meta: &BlockMeta) -> Result<Rows, StoreError> {
    let mut statement = db.prepare_cached("SELECT series, step_ms, body FROM block WHERE id = ?1")?;
    let read = statement
        .query_row([meta.id], |row| {
            let is_same = row.get::<_, u32>(0)? == series.0 && row.get::<_, i64>(1)? == meta.step_ms;
            row.get_ref(2).map(|body| body.as_blob().map(|body| (is_same, block::decode(body))))
        })
        .optional()?;
    let damaged = |what: &str| StoreError::corrupt(format!("block {} {what}", meta.id));
    let Some(Ok((is_same, rows))) = read else { return Err(damaged("is missing")) };
    let rows = rows?;
    let span = rows.span(meta.step_ms);
    let is_same = is_same && rows.len() == meta.n_rows && span == Some((meta.start_ms, meta.end_ms));
    if is_same { Ok(rows) } else { Err(damaged("is not what the list of blocks says")) }
}

/// What was looked up lately. Entries are kept while they are used; others go when room is needed.
///
/// A hand goes round the entries: one that was used since it last came by stays, another one goes.
pub(super) struct Recent<K, V, S = std::hash::RandomState> {
    ring: Mutex<Ring<K, V, S>>,
    capacity: usize,
}

struct Ring<K, V, S> {
    places: HashMap<K, usize, S>,
    entries: Vec<Entry<K, V>>,
    hand: usize,
    size: usize,
}

struct Entry<K, V> {
    key: K,
    value: Arc<V>,
    size: usize,
    used: bool,
}

impl<K: Hash + Eq + Copy, V, S: BuildHasher + Default> Recent<K, V, S> {
    /// Room for entries of `capacity` in total, in the unit that [`insert`](Self::insert) uses.
    pub(super) fn new(capacity: usize) -> Self {
        let ring = Ring { places: HashMap::default(), entries: Vec::new(), hand: 0, size: 0 };
        Self { ring: Mutex::new(ring), capacity }
    }

    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        let mut ring = locked(&self.ring);
        let at = *ring.places.get(&key)?;
        let entry = &mut ring.entries[at];
        entry.used = true;
        Some(Arc::clone(&entry.value))
    }

    /// Keeps `value`, unless it is larger than all the room there is.
    pub(super) fn insert(&self, key: K, value: V, size: usize) -> Arc<V> {
        let value = Arc::new(value);
        let mut ring = locked(&self.ring);
        ring.remove(key);
        if size <= self.capacity {
            ring.make_room(self.capacity - size);
            ring.size += size;
            let at = ring.entries.len();
            ring.places.insert(key, at);
            ring.entries.push(Entry { key, value: Arc::clone(&value), size, used: false });
        }
        value
    }

    pub(super) fn remove(&self, key: K) {
        locked(&self.ring).remove(key);
    }
}

impl<K: Hash + Eq + Copy, V, S: BuildHasher + Default> Ring<K, V, S> {
    /// Lets entries go until at most `size` is left.
    fn make_room(&mut self, size: usize) {
        while self.size > size {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            let entry = &mut self.entries[self.hand];
            if !std::mem::take(&mut entry.used) {
                let key = entry.key;
                self.remove(key);
            }
            self.hand += 1; // also past the newest entry, should it have taken the place
        }
    }

    fn remove(&mut self, key: K) {
        let Some(at) = self.places.remove(&key) else { return };
        self.size -= self.entries.swap_remove(at).size;
        if let Some(moved) = self.entries.get(at) {
            self.places.insert(moved.key, at);
        }
    }
}

/// The blocks of series looked at lately.
pub(super) type Metas = Recent<SeriesId, Vec<BlockMeta>, std::hash::BuildHasherDefault<Spread>>;
/// Blocks decoded lately, by their row.
pub(super) type Blocks = Recent<i64, Rows, std::hash::BuildHasherDefault<Spread>>;

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of what is kept, and what it should come to.
    #[track_caller]
    fn check_size(recent: &Recent<i64, i64>) {
        let ring = locked(&recent.ring);
        assert_eq!(ring.size, ring.entries.iter().map(|entry| entry.size).sum::<usize>());
        assert!(ring.size <= recent.capacity);
        assert_eq!(ring.places.len(), ring.entries.len());
        assert!(ring.entries.iter().enumerate().all(|(at, entry)| ring.places[&entry.key] == at));
    }

    #[test]
    fn used_entries_stay_and_size_is_bounded() {
        let recent: Recent<i64, i64> = Recent::new(20);
        for key in 0..1_000 {
            recent.insert(key, key, 1);
            assert_eq!(recent.get(0).as_deref(), Some(&0), "after {key}");
            check_size(&recent);
        }
        assert_eq!(recent.get(500), None);
        assert_eq!(locked(&recent.ring).entries.len(), 20);
    }

    #[test]
    fn all_the_room_is_used_and_no_more() {
        let recent: Recent<i64, i64> = Recent::new(100);
        assert_eq!(*recent.insert(7, 7, 101), 7);
        assert_eq!(recent.get(7), None);
        let size = |key: i64| 1 + key as usize % 13;
        for key in 0..500 {
            recent.insert(key % 60, key, size(key % 60));
            recent.remove((key * 7) % 90);
            check_size(&recent);
        }
        let recent: Recent<i64, i64> = Recent::new(100);
        (0..10).for_each(|key| _ = recent.insert(key, key, 10));
        for _ in 0..3 {
            assert!((0..10).all(|key| recent.get(key).as_deref() == Some(&key)));
        }
    }
}
