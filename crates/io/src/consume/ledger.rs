//! Which messages are stored: what comes once more, because an acknowledgement was lost, is known again.
//!
//! Brokers deliver at least once. A program that ends between writing a message and acknowledging it gets the message again,
//! and so does one whose connection breaks. A ledger holds the marks of what was stored; it is written together with the
//! events, so that both are durable or neither is, and read back when consuming begins.
//!
//! Pure: no broker, no clock. Memory is bounded: of all logs together the last [`MAX_RANGES`] ranges are known, and the last
//! [`MAX_IDS`] ids. What is older was acknowledged long before.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde::{Deserialize, Serialize};

/// Ranges that are known: of each log as many as there are for one.
const MAX_RANGES: usize = 100_000;
/// Ids that are known.
const MAX_IDS: usize = 200_000;
/// Logs that are known: one that was deleted and made anew is another, and each partition of a topic is one.
const MAX_LOGS: usize = 10_000;

/// The last place of each log that is stored.
pub type Places = BTreeMap<Box<str>, u64>;

/// By which a message is known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Its place in a log, which never has two messages at one place.
    Position {
        /// The log; one that is deleted and made anew has another name.
        log: std::sync::Arc<str>,
        /// The place.
        number: u64,
    },
    /// A hash of the id that its sender gave it.
    Id(u64),
}

impl Mark {
    /// The mark of a message that its sender gave an id; `None` for an empty one.
    #[cfg(any(feature = "amqp", test))]
    pub(super) fn of_id(id: &str) -> Option<Self> {
        (!id.is_empty()).then(|| Self::Id(xxhash_rust::xxh3::xxh3_64(id.as_bytes())))
    }
}

/// Which messages are stored.
#[derive(Debug, Default)]
pub struct Ledger {
    logs: BTreeMap<Box<str>, Ranges>,
    ids: HashSet<u64>,
    /// The same from old to new.
    order: VecDeque<u64>,
}

/// First and last place of each range, by its first.
type Ranges = BTreeMap<u64, u64>;

/// What one commit adds to a ledger, as it is stored beside the events.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    logs: BTreeMap<Box<str>, Vec<(u64, u64)>>,
    /// Hashes of ids, in hexadecimal: numbers of JSON do not hold them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ids: Vec<String>,
}

impl Ledger {
    /// Whether this message is stored.
    #[must_use]
    pub fn has(&self, mark: &Mark) -> bool {
        match mark {
            Mark::Position { log, number } => {
                self.logs.get(&**log).is_some_and(|ranges| holds(ranges, *number))
            }
            Mark::Id(id) => self.ids.contains(id),
        }
    }

    /// Notes that this message is stored.
    pub fn note(&mut self, mark: &Mark) {
        match mark {
            Mark::Position { log, number } => self.note_range(log, *number, *number),
            Mark::Id(id) => self.note_id(*id),
        }
    }

    fn note_range(&mut self, log: &str, first: u64, last: u64) {
        if !self.logs.contains_key(log) && self.logs.len() >= MAX_LOGS {
            self.logs.pop_first();
        }
        let n_logs = self.logs.len() + usize::from(!self.logs.contains_key(log));
        let ranges = self.logs.entry(log.into()).or_default();
        add(ranges, first, last);
        while ranges.len() > MAX_RANGES / n_logs {
            ranges.pop_first();
        }
    }

    /// The last place of each log that is stored.
    #[must_use]
    pub fn places(&self) -> Places {
        let logs = self.logs.iter();
        logs.filter_map(|(log, ranges)| Some((log.clone(), *ranges.last_key_value()?.1))).collect()
    }

    fn note_id(&mut self, id: u64) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    /// What is stored beside messages with these marks, as JSON; `None` where none has one.
    #[must_use]
    pub fn line<'m>(marks: impl IntoIterator<Item = &'m Mark>) -> Option<String> {
        let mut line = Line::default();
        let mut logs: BTreeMap<&str, Ranges> = BTreeMap::new();
        for mark in marks {
            match mark {
                Mark::Position { log, number } => add(logs.entry(log).or_default(), *number, *number),
                Mark::Id(id) => line.ids.push(format!("{id:016x}")),
            }
        }
        line.logs =
            logs.into_iter().map(|(log, ranges)| (log.into(), ranges.into_iter().collect())).collect();
        let is_empty = line == Line::default();
        if is_empty { None } else { serde_json::to_string(&line).ok() }
    }

    /// Notes what [`Ledger::line`] said; a text that is no such line is passed over.
    pub fn read(&mut self, line: &[u8]) {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return };
        for (log, ranges) in &line.logs {
            ranges.iter().for_each(|(first, last)| self.note_range(log, *first, *last));
        }
        line.ids.iter().filter_map(|id| u64::from_str_radix(id, 16).ok()).for_each(|id| self.note_id(id));
    }
}

fn holds(ranges: &Ranges, number: u64) -> bool {
    ranges.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
}

/// Adds a range, joined with those that it touches.
fn add(ranges: &mut Ranges, first: u64, last: u64) {
    let (mut first, mut last) = (first, last.max(first));
    // The last one that begins before the end, or right behind it, as long as it reaches the beginning.
    while let Some((&begin, &end)) = ranges.range(..=last.saturating_add(1)).next_back() {
        if end.saturating_add(1) < first {
            break;
        }
        ranges.remove(&begin);
        (first, last) = (first.min(begin), last.max(end));
    }
    ranges.insert(first, last);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(log: &str, number: u64) -> Mark {
        Mark::Position { log: log.into(), number }
    }

    #[test]
    fn ranges_grow_together() {
        #[track_caller]
        fn check(added: &[(u64, u64)], expected: &[(u64, u64)]) {
            let mut ranges = Ranges::new();
            added.iter().for_each(|(first, last)| add(&mut ranges, *first, *last));
            assert_eq!(ranges.into_iter().collect::<Vec<_>>(), expected, "{added:?}");
        }
        check(&[(1, 1), (2, 2), (3, 3)], &[(1, 3)]);
        check(&[(3, 3), (1, 1), (2, 2)], &[(1, 3)]);
        check(&[(1, 3), (5, 9), (4, 4)], &[(1, 9)]);
        check(&[(5, 9), (1, 3)], &[(1, 3), (5, 9)]);
        check(&[(5, 6), (8, 9), (11, 12), (4, 20)], &[(4, 20)]);
        check(&[(1, 10), (3, 4)], &[(1, 10)]);
        check(&[(0, 0), (u64::MAX, u64::MAX)], &[(0, 0), (u64::MAX, u64::MAX)]);
    }

    #[test]
    fn what_is_stored_is_known_again_and_nothing_else() {
        let mut ledger = Ledger::default();
        let marks = [at("a", 7), at("a", 8), at("b", 8), Mark::of_id("order-1").unwrap()];
        ledger.read(Ledger::line(&marks).unwrap().as_bytes());
        assert!(marks.iter().all(|mark| ledger.has(mark)));
        let others = [at("a", 6), at("a", 9), at("b", 7), at("c", 7), Mark::of_id("order-2").unwrap()];
        assert!(!others.iter().any(|mark| ledger.has(mark)));
        assert_eq!((Ledger::line([]), Mark::of_id("")), (None, None));
        assert_eq!(ledger.places(), Places::from([("a".into(), 8), ("b".into(), 8)]));
        ledger.read(b"rubbish");
        ledger.read(br#"{"logs":{"a":[[9,1]]},"ids":["nonsense"]}"#);
        assert!(ledger.has(&at("a", 9)) && !ledger.has(&at("a", 2)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut ledger = Ledger::default();
        (0..MAX_RANGES as u64 + 10).for_each(|n| ledger.note(&at("a", 2 * n)));
        assert!(!ledger.has(&at("a", 0)) && ledger.has(&at("a", 200)));
        // One partition beside another has half of them.
        ledger.note(&at("b", 0));
        ledger.note(&at("a", 2 * MAX_RANGES as u64 + 20));
        assert_eq!((ledger.logs["a"].len(), ledger.logs["b"].len()), (MAX_RANGES / 2, 1));
        (0..=MAX_LOGS as u64).for_each(|n| ledger.note(&at(&format!("c{n}"), 1)));
        assert_eq!(ledger.logs.len(), MAX_LOGS);
        (0..MAX_IDS as u64 + 1).for_each(|n| ledger.note(&Mark::Id(n)));
        assert!(!ledger.has(&Mark::Id(0)) && ledger.has(&Mark::Id(1)));
        assert_eq!((ledger.ids.len(), ledger.order.len()), (MAX_IDS, MAX_IDS));
    }

    proptest::proptest! {
        #[test]
        fn a_ledger_is_a_set(numbers in proptest::collection::vec(0u64..60, 0..80)) {
            let mut ledger = Ledger::default();
            numbers.iter().for_each(|n| ledger.note(&at("a", *n)));
            for n in 0..60 {
                assert_eq!(ledger.has(&at("a", n)), numbers.contains(&n), "{n} of {numbers:?}");
            }
        }
    }
}
