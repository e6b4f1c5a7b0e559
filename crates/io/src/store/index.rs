//! Where a series' blocks lie, and the blocks decoded last; both bounded in memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OptionalExtension as _};

use super::block::{self, Rows};
use super::series::Spread;
use super::{SeriesId, StoreError, locked};

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

/// A block's rows, from the file.
pub(super) fn read_rows(db: &Connection, id: i64) -> Result<Rows, StoreError> {
    let mut statement = db.prepare_cached("SELECT body FROM block WHERE id = ?1")?;
    let body = statement
        .query_row([id], |row| row.get_ref(0).map(|body| body.as_blob().map(block::decode)))
        .optional()?;
    match body {
        Some(Ok(rows)) => rows,
        _ => Err(StoreError::corrupt(format!("block {id} is missing"))),
    }
}

/// What was looked up lately. Entries are kept while they are used; unused ones go when room is needed.
///
/// Two maps: new and used entries enter `young`; when it is half full it becomes `old`, and what was in
/// `old` unused is forgotten.
pub(super) struct Recent<K, V, S = std::hash::RandomState> {
    maps: Mutex<Maps<K, V, S>>,
    capacity: usize,
}

struct Maps<K, V, S> {
    young: HashMap<K, (Arc<V>, usize), S>,
    old: HashMap<K, (Arc<V>, usize), S>,
    young_size: usize,
}

impl<K: Hash + Eq + Copy, V, S: BuildHasher + Default> Recent<K, V, S> {
    /// Room for entries of `capacity` in total, in the unit that [`insert`](Self::insert) uses.
    pub(super) fn new(capacity: usize) -> Self {
        let maps = Maps { young: HashMap::default(), old: HashMap::default(), young_size: 0 };
        Self { maps: Mutex::new(maps), capacity }
    }

    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        let mut maps = locked(&self.maps);
        if let Some((value, _)) = maps.young.get(&key) {
            return Some(Arc::clone(value));
        }
        let (value, size) = maps.old.remove(&key)?;
        self.put(&mut maps, key, Arc::clone(&value), size);
        Some(value)
    }

    pub(super) fn insert(&self, key: K, value: V, size: usize) -> Arc<V> {
        let value = Arc::new(value);
        self.put(&mut locked(&self.maps), key, Arc::clone(&value), size);
        value
    }

    fn put(&self, maps: &mut Maps<K, V, S>, key: K, value: Arc<V>, size: usize) {
        if maps.young_size + size > self.capacity / 2 {
            maps.old = std::mem::take(&mut maps.young);
            maps.young_size = 0;
        }
        maps.young_size += size;
        maps.young.insert(key, (value, size));
    }

    pub(super) fn remove(&self, key: K) {
        let mut maps = locked(&self.maps);
        if let Some((_, size)) = maps.young.remove(&key) {
            maps.young_size -= size;
        }
        maps.old.remove(&key);
    }
}

/// The blocks of series looked at lately.
pub(super) type Metas = Recent<SeriesId, Vec<BlockMeta>, std::hash::BuildHasherDefault<Spread>>;
/// Blocks decoded lately, by their row.
pub(super) type Blocks = Recent<i64, Rows>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_entries_stay_and_size_is_bounded() {
        let recent: Recent<i64, i64> = Recent::new(20);
        for key in 0..1_000 {
            recent.insert(key, key, 1);
            assert_eq!(recent.get(0).as_deref(), Some(&0), "after {key}");
        }
        assert_eq!(recent.get(500), None);
        let maps = locked(&recent.maps);
        assert!(maps.young.len() + maps.old.len() <= 20);
    }
}
