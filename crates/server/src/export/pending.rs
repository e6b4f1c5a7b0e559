//! What waits to be sent: in order, and bounded.

use std::collections::VecDeque;

/// What waits, oldest first.
#[derive(Debug)]
pub(super) struct Pending<T> {
    items: VecDeque<T>,
    /// The number of the first one: each has its own, counted from 0.
    first: u64,
    max: usize,
}

/// Some that wait, to be sent together.
#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) items: Vec<T>,
    /// The number of the first one.
    pub(super) first: u64,
}

impl<T: Clone> Pending<T> {
    /// None, and never more than `max`.
    pub(super) const fn new(max: usize) -> Self {
        Self { items: VecDeque::new(), first: 0, max }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Adds one. Returns the oldest, if it had to make room.
    pub(super) fn add(&mut self, item: T) -> Option<T> {
        let is_full = self.items.len() >= self.max;
        let oldest = if is_full { self.items.pop_front() } else { None };
        self.first += u64::from(is_full);
        self.items.push_back(item);
        oldest
    }

    /// The oldest, at most `n`.
    pub(super) fn batch(&self, n: usize) -> Batch<T> {
        Batch { items: self.items.iter().take(n).cloned().collect(), first: self.first }
    }

    /// Those before the one with this number are done. Some may have made room meanwhile.
    pub(super) fn done(&mut self, until: u64) {
        let n = usize::try_from(until.saturating_sub(self.first)).unwrap_or(usize::MAX).min(self.items.len());
        self.items.drain(..n);
        self.first += n as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_are_never_counted_twice() {
        let mut pending = Pending::new(3);
        assert!(["a", "b", "c"].iter().all(|item| pending.add(*item).is_none()));
        let batch = pending.batch(2);
        assert_eq!((batch.items, batch.first), (vec!["a", "b"], 0));
        assert_eq!(pending.add("d"), Some("a")); // while the batch is under way
        pending.done(batch.first + 2);
        let batch = pending.batch(9);
        assert_eq!((batch.items, batch.first, pending.len()), (vec!["c", "d"], 2, 2));
        pending.done(1); // done already
        assert_eq!(pending.len(), 2);
        pending.done(u64::MAX);
        assert_eq!((pending.len(), pending.batch(1).items), (0, vec![]));
        pending.add("e");
        assert_eq!(pending.batch(1).first, 4);
    }
}
