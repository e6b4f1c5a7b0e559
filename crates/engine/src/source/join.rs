//! Merge join of two ordered lists: the state of a group meets its reading.
//!
//! Rules with many groups walk their alerts, what they learned and what was read at every window. All three are kept
//! in order of their groups, so that this takes one comparison a group and no look-up.

use std::cmp::Ordering;

/// Each key of `a` or `b` once, with what there is of it. Both are in order of their keys, each key once.
pub(crate) fn joined<K: Ord, A, B>(
    a: impl IntoIterator<Item = (K, A)>,
    b: impl IntoIterator<Item = (K, B)>,
) -> impl Iterator<Item = (K, Option<A>, Option<B>)> {
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    std::iter::from_fn(move || {
        let order = match (a.peek(), b.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => a.next().map(|(key, a)| (key, Some(a), None)),
            Ordering::Equal => a.next().zip(b.next()).map(|((key, a), (_, b))| (key, Some(a), Some(b))),
            Ordering::Greater => b.next().map(|(key, b)| (key, None, Some(b))),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_once_with_what_there_is(
            a in proptest::collection::btree_map(0..20_u8, any::<bool>(), 0..9),
            b in proptest::collection::btree_map(0..20_u8, any::<bool>(), 0..9),
        ) {
            let (in_a, in_b): (&BTreeMap<_, _>, &BTreeMap<_, _>) = (&a, &b);
            let keys: BTreeSet<&u8> = a.keys().chain(b.keys()).collect();
            let expected: Vec<_> = keys.into_iter().map(|key| (key, in_a.get(key), in_b.get(key))).collect();
            prop_assert_eq!(joined(&a, &b).collect::<Vec<_>>(), expected);
        }
    }
}
