//! The rules that use a measure, and since when: many rules may share one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The rules that read a measure, and the earliest time that each still needs. Everything but walking through all
/// costs O(log n).
#[derive(Debug, Default)]
pub(crate) struct Readers {
    needed_from_ms: HashMap<Arc<str>, i64>,
    /// How many need each time.
    counts: BTreeMap<i64, usize>,
}

impl Readers {
    /// Notes what a rule needs, new or not.
    pub(crate) fn set(&mut self, rule: &Arc<str>, needed_from_ms: i64) {
        let before = self.needed_from_ms.insert(rule.clone(), needed_from_ms);
        self.move_count(before, Some(needed_from_ms));
    }

    /// Notes what a rule needs, if it is one of these.
    pub(crate) fn renew(&mut self, rule: &str, needed_from_ms: i64) {
        if let Some(needed) = self.needed_from_ms.get_mut(rule) {
            let before = std::mem::replace(needed, needed_from_ms);
            self.move_count(Some(before), Some(needed_from_ms));
        }
    }

    pub(crate) fn remove(&mut self, rule: &str) {
        let before = self.needed_from_ms.remove(rule);
        self.move_count(before, None);
    }

    fn move_count(&mut self, from_ms: Option<i64>, to_ms: Option<i64>) {
        if let Some(to_ms) = to_ms {
            *self.counts.entry(to_ms).or_default() += 1;
        }
        if let Some(from_ms) = from_ms
            && let Some(count) = self.counts.get_mut(&from_ms)
        {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&from_ms);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.needed_from_ms.is_empty()
    }

    /// The earliest time that anybody needs; without readers everything.
    pub(crate) fn needed_from_ms(&self) -> i64 {
        self.counts.first_key_value().map_or(i64::MIN, |(from_ms, _)| *from_ms)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.needed_from_ms.iter().map(|(rule, from_ms)| (rule, *from_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_what_the_earliest_reader_needs() {
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let mut readers = Readers::default();
        readers.set(&one, 5);
        readers.set(&two, 3);
        assert_eq!(readers.needed_from_ms(), 3);
        readers.renew("two", 8);
        readers.renew("nobody", 1);
        assert_eq!((readers.needed_from_ms(), readers.iter().count()), (5, 2));
        readers.set(&one, 9); // known already
        assert_eq!((readers.needed_from_ms(), readers.iter().count()), (8, 2));
        readers.remove("two");
        readers.remove("two");
        assert_eq!((readers.needed_from_ms(), readers.is_empty()), (9, false));
        readers.remove("one");
        assert_eq!((readers.needed_from_ms(), readers.is_empty()), (i64::MIN, true));
    }
}
