//! The books of a profile, in every order in which its threads can meet: nothing is lost, nothing counts twice, and no thread
//! overtakes itself.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

/// What the books share things by is loom's here, which tries all orders.
mod sync {
    pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::{PoisonError, TryLockError};
}

#[path = "../src/ledger.rs"]
#[allow(dead_code, reason = "only a part of it is tried")]
mod ledger;

use ledger::Ledger;
use loom::sync::Arc;
use loom::thread;

/// What a thread did: its number, and the how many-th thing of it.
type Deed = (usize, usize);

fn enter(books: &mut Vec<Deed>, notes: &[Deed]) {
    books.extend(notes);
}

/// Two threads that do these things at once: `true` is noted, `false` has the books.
fn check(enough: usize, most: usize, deeds: [&'static [bool]; 2]) {
    loom::model(move || {
        let ledger = Arc::new(Ledger::new(Vec::new(), enough, most));
        let threads: Vec<_> = (0..2)
            .map(|number| {
                let ledger = Arc::clone(&ledger);
                thread::spawn(move || {
                    for (nth, is_note) in deeds[number].iter().enumerate() {
                        if *is_note {
                            ledger.note(number, (number, nth), enter);
                        } else {
                            ledger.open(number, enter).push((number, nth));
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let books = ledger.open_all(enter);
        for (number, deeds) in deeds.iter().enumerate() {
            let own: Vec<usize> = books.iter().filter(|deed| deed.0 == number).map(|deed| deed.1).collect();
            assert_eq!(own, (0..deeds.len()).collect::<Vec<_>>(), "thread {number} of {books:?}");
        }
    });
}

#[test]
fn nothing_is_lost_and_nobody_overtakes_himself() {
    // Each note is worth the books, and they are waited for.
    check(1, 1, [&[true, true], &[true, true]]);
    // They are taken if nobody has them, and waited for with the second one.
    check(1, 2, [&[true, true], &[true, false]]);
    // Notes wait until somebody opens the books.
    check(3, 3, [&[true, false, true], &[true, false]]);
}

/// Whoever reads everything while others write finds whole entries, in order.
#[test]
fn a_reader_finds_a_beginning() {
    loom::model(|| {
        let ledger = Arc::new(Ledger::new(Vec::new(), 2, 2));
        let own = Arc::clone(&ledger);
        let thread = thread::spawn(move || {
            own.note(1, (1, 0), enter);
            own.open(1, enter).push((1, 1));
        });
        let found = ledger.open_all(enter).clone();
        assert_eq!(found, [(1, 0), (1, 1)][..found.len()]);
        thread.join().unwrap();
        assert_eq!(*ledger.open_all(enter), [(1, 0), (1, 1)]);
    });
}
