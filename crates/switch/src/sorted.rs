//! A list in order of ids, whose later versions share with it what did not change.
//!
//! A change of one switch among many thousands must not cost a walk through all of them. So such a list lies in chunks
//! of some hundred items. A change copies the chunks that it touches and the list of chunks, and whoever compares
//! two versions skips the chunks that both have.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A chunk of more than twice as many items is cut into such, and neighbours with fewer together are joined.
const CHUNK: usize = if cfg!(test) { 4 } else { 256 };

/// What has an id.
pub(crate) trait Keyed: Clone {
    /// The id that it is sorted by.
    fn id(&self) -> &str;

    /// Whether both are one and the same, which needs no look at either.
    fn is_same(&self, other: &Self) -> bool;
}

/// Items in order of their ids. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Sorted<T> {
    /// None is empty, and items with one id lie in one chunk.
    chunks: Arc<[Arc<[T]>]>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: Arc::default(), len: 0 }
    }
}

impl<T: Keyed> Sorted<T> {
    /// Items in any order; of one id, they stay in the order in which they came.
    pub(crate) fn of(mut items: Vec<T>) -> Self {
        items.sort_by(|a, b| a.id().cmp(b.id()));
        let mut chunks = Vec::new();
        add(&mut chunks, items);
        Self::from(chunks)
    }

    fn from(chunks: Vec<Arc<[T]>>) -> Self {
        Self { len: chunks.iter().map(|chunk| chunk.len()).sum(), chunks: chunks.into() }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// One with this id. Cost: O(log n).
    pub(crate) fn find(&self, id: &str) -> Option<&T> {
        let chunk = self.chunks.get(self.chunk_of(id))?;
        chunk.binary_search_by(|item| item.id().cmp(id)).ok().and_then(|at| chunk.get(at))
    }

    /// The chunk in which an id lies, or would.
    fn chunk_of(&self, id: &str) -> usize {
        self.chunks.partition_point(|chunk| chunk[0].id() <= id).saturating_sub(1)
    }

    /// A later list: by id, what stands there instead of all that did. Cost: that of the chunks that are touched, and of
    /// the list of chunks.
    pub(crate) fn with(&self, changes: BTreeMap<String, Option<T>>) -> Self {
        let mut chunks = Vec::with_capacity(self.chunks.len() + 1 + changes.len() / CHUNK);
        let (mut changes, mut n_seen) = (changes.into_iter().peekable(), 0);
        while let Some((id, _)) = changes.peek() {
            let at = self.chunk_of(id);
            chunks.extend_from_slice(&self.chunks[n_seen..at]);
            let end = self.chunks.get(at + 1).map(|chunk| chunk[0].id());
            let mut rest: &[T] = self.chunks.get(at).map_or(&[], |chunk| chunk);
            let mut items = Vec::with_capacity(rest.len() + 1);
            while let Some((id, item)) = changes.next_if(|(id, _)| end.is_none_or(|end| id.as_str() < end)) {
                let (before, others) = rest.split_at(rest.partition_point(|held| held.id() < id.as_str()));
                items.extend_from_slice(before);
                items.extend(item);
                rest = &others[others.partition_point(|held| held.id() == id)..];
            }
            items.extend_from_slice(rest);
            add(&mut chunks, items);
            n_seen = (at + 1).min(self.chunks.len());
        }
        chunks.extend_from_slice(&self.chunks[n_seen..]);
        Self::from(chunks)
    }
}

/// Adds items as chunks, together with those of the last one where both are few.
fn add<T: Keyed>(chunks: &mut Vec<Arc<[T]>>, mut items: Vec<T>) {
    if let Some(last) = chunks.pop_if(|last| last.len() + items.len() <= CHUNK) {
        items.splice(..0, last.iter().cloned());
    }
    while items.len() > 2 * CHUNK {
        // Items with one id stay together.
        let last = items[CHUNK - 1].id();
        let n = items.partition_point(|item| item.id() <= last);
        let others = items.split_off(n);
        chunks.push(std::mem::replace(&mut items, others).into());
    }
    if !items.is_empty() {
        chunks.push(items.into());
    }
}

/// A place in a list.
struct Cursor<'l, T> {
    chunks: &'l [Arc<[T]>],
    /// The place in the first of these chunks.
    at: usize,
}

impl<'l, T> Cursor<'l, T> {
    fn peek(&self) -> Option<&'l T> {
        self.chunks.first()?.get(self.at)
    }

    /// Steps over what [`Self::peek`] gives.
    fn step(&mut self) {
        self.at += 1;
        if self.chunks.first().is_some_and(|chunk| chunk.len() == self.at) {
            self.skip();
        }
    }

    /// Steps over the rest of a chunk.
    fn skip(&mut self) {
        (self.chunks, self.at) = (&self.chunks[1..], 0);
    }
}

/// Walks through two lists: what stands in one alone, or in both under one id; of what both share, only some. Cost:
/// that of the chunks that differ, and a look at each of the others.
pub(crate) fn side_by_side<'l, T: Keyed>(
    before: &'l Sorted<T>,
    after: &'l Sorted<T>,
) -> impl Iterator<Item = (Option<&'l T>, Option<&'l T>)> {
    let cursor = |list: &'l Sorted<T>| Cursor { chunks: &list.chunks, at: 0 };
    let (mut before, mut after) = (cursor(before), cursor(after));
    std::iter::from_fn(move || {
        while before.at == 0 && after.at == 0 {
            match (before.chunks.first(), after.chunks.first()) {
                (Some(old), Some(new)) if Arc::ptr_eq(old, new) => (before.skip(), after.skip()),
                _ => break,
            };
        }
        let pair = (before.peek(), after.peek());
        let order = match pair {
            (Some(old), Some(new)) if old.is_same(new) => Ordering::Equal,
            (Some(old), Some(new)) => old.id().cmp(new.id()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return None,
        };
        if order.is_le() {
            before.step();
        }
        if order.is_ge() {
            after.step();
        }
        Some((pair.0.filter(|_| order.is_le()), pair.1.filter(|_| order.is_ge())))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An id, and a number that tells versions apart.
    type Item = (String, u32);

    impl Keyed for Item {
        fn id(&self) -> &str {
            &self.0
        }

        fn is_same(&self, _: &Self) -> bool {
            false
        }
    }

    fn id(n: u32) -> String {
        format!("s{n:03}")
    }

    fn n_shared(a: &Sorted<Item>, b: &Sorted<Item>) -> usize {
        let is_in_a = |chunk: &&Arc<[Item]>| a.chunks.iter().any(|held| Arc::ptr_eq(held, chunk));
        b.chunks.iter().filter(is_in_a).count()
    }

    #[test]
    fn one_change_touches_one_chunk() {
        let before = Sorted::of((0..400).map(|n| (id(n * 2), 0)).collect());
        let n_chunks = before.chunks.len();
        assert!(n_chunks > 50, "{n_chunks}");
        for (n, item) in [(10, Some(1)), (400, None), (401, Some(1)), (798, None), (799, Some(1))] {
            let item = item.map(|version| (id(n), version));
            let after = before.with([(id(n), item)].into());
            assert!(n_shared(&before, &after) >= n_chunks - 1, "{n}");
            // Nobody who compares them looks at more than that chunk.
            let n_looked_at = side_by_side(&before, &after).count();
            assert!(n_looked_at <= 2 * CHUNK + 1, "{n}: {n_looked_at}");
        }
    }

    #[test]
    fn what_is_emptied_and_filled_again_is_in_few_chunks() {
        let mut list = Sorted::of((0..400).map(|n| (id(n), 0)).collect());
        for n in (0..400).filter(|n| n % 50 != 0) {
            list = list.with([(id(n), None)].into());
        }
        assert!(list.len() == 8 && list.chunks.len() <= 4, "{}", list.chunks.len());
        for n in 0..400 {
            list = list.with([(id(n), Some((id(n), 1)))].into());
        }
        assert!(list.len() == 400 && list.chunks.iter().all(|chunk| chunk.len() <= 2 * CHUNK));
        assert_eq!(Sorted::<Item>::default().with(BTreeMap::new()).len(), 0);
    }

    proptest! {
        #[test]
        fn it_is_a_sorted_list(
            first in prop::collection::vec((0..60_u32, 0..2_u32), 0..60),
            changes in prop::collection::vec(prop::collection::btree_map(0..60_u32, prop::option::of(2..4_u32), 0..9), 0..6),
        ) {
            let mut plain: Vec<Item> = first.into_iter().map(|(n, version)| (id(n), version)).collect();
            let mut list = Sorted::of(plain.clone());
            plain.sort_by(|a, b| a.0.cmp(&b.0));
            for changes in changes {
                let changes: BTreeMap<String, Option<Item>> = changes
                    .into_iter()
                    .map(|(n, version)| (id(n), version.map(|version| (id(n), version))))
                    .collect();
                let (before, held) = (plain.clone(), list.clone());
                plain.retain(|item| !changes.contains_key(item.id()));
                plain.extend(changes.values().flatten().cloned());
                plain.sort_by(|a, b| a.0.cmp(&b.0));
                list = list.with(changes.clone());
                prop_assert_eq!(list.iter().cloned().collect::<Vec<_>>(), plain.clone());
                prop_assert_eq!(list.len(), plain.len());
                for n in 0..60 {
                    let known = plain.iter().any(|item| item.0 == id(n));
                    prop_assert_eq!(list.find(&id(n)).is_some(), known);
                }
                // Side by side, both are whole but for what they share.
                let of = |items: &[Item], id: &str| items.iter().filter(|item| item.0 == id).count();
                let (mut olds, mut news) = (Vec::new(), Vec::new());
                for (old, new) in side_by_side(&held, &list) {
                    prop_assert!(old.or(new).is_some());
                    if let (Some(old), Some(new)) = (old, new) {
                        prop_assert_eq!(&old.0, &new.0);
                    }
                    olds.extend(old.cloned());
                    news.extend(new.cloned());
                }
                for id in changes.keys() {
                    prop_assert_eq!((of(&olds, id), of(&news, id)), (of(&before, id), of(&plain, id)));
                }
                prop_assert!(olds.is_sorted_by(|a, b| a.0 <= b.0) && news.is_sorted_by(|a, b| a.0 <= b.0));
            }
        }
    }
}
