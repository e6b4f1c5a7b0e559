//! Work on many things at once, on all cores.
//!
//! The cores are given numbers, by one function that is not generic: rayon's own adaptors would be built anew for each of a
//! hundred functions, which was a third of this crate's code.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// One thing, before and after.
enum Slot<I, T> {
    Given(I),
    Made(T),
    Taken,
}

/// What `change` makes of each item, in their order.
///
/// Costs a lock that nobody else holds for each item, some 20 ns, and rayon's splitting.
///
/// # Panics
/// Where `change` does.
pub(super) fn map<I: Send, T: Send>(items: Vec<I>, change: impl Fn(I) -> T + Sync) -> Vec<T> {
    let slots: Vec<Mutex<Slot<I, T>>> = items.into_iter().map(|item| Mutex::new(Slot::Given(item))).collect();
    on_all_cores(slots.len(), &|at| {
        let mut slot = slots[at].lock().unwrap_or_else(PoisonError::into_inner);
        if let Slot::Given(item) = std::mem::replace(&mut *slot, Slot::Taken) {
            *slot = Slot::Made(change(item));
        }
    });
    let made = |slot: Mutex<Slot<I, T>>| match slot.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Slot::Made(value) => Some(value),
        Slot::Given(_) | Slot::Taken => None,
    };
    slots.into_iter().filter_map(made).collect()
}

/// As [`map`], until something fails: then what has not begun is left.
///
/// # Errors
/// The first in the order of the items, of those that were tried.
pub(super) fn try_map<I: Send, T: Send, E: Send>(
    items: Vec<I>,
    change: impl Fn(I) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let failed = AtomicBool::new(false);
    let tried = map(items, |item| {
        if failed.load(Ordering::Relaxed) {
            return None;
        }
        let changed = change(item);
        if changed.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        Some(changed)
    });
    tried.into_iter().flatten().collect()
}

fn on_all_cores(n: usize, work: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().for_each(work);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_keep_their_order() {
        let items: Vec<String> = (0..1000).map(|n| n.to_string()).collect();
        assert_eq!(
            map(items, |text| text.len()),
            (0..1000).map(|n: usize| n.to_string().len()).collect::<Vec<_>>()
        );
        assert!(map(Vec::<u8>::new(), |n| n).is_empty());
    }

    #[test]
    fn the_first_failure_of_those_tried_is_told() {
        let even = |n: usize| if n.is_multiple_of(2) { Ok(n) } else { Err(n) };
        assert_eq!(try_map(vec![0, 2, 4], even), Ok(vec![0, 2, 4]));
        assert_eq!(try_map(vec![0, 2, 7], even), Err(7));
        let failed = try_map((0..1000).collect(), even).unwrap_err();
        assert!(failed % 2 == 1, "{failed}");
    }
}
