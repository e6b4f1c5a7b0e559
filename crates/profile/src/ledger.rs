//! Books that one thread at a time writes, and what threads have noted for them meanwhile.
//!
//! Most of what threads see is of one kind: one more sighting of something frequent. Each of them notes that for itself, and has
//! the books once there is enough to be worth it. What a thread noted is entered in its order, and before anything else that the
//! thread enters, so the books are those of one thread that saw everything, in an order that keeps the order of each.

use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError, TryLockError};

/// Threads that have a sheet of their own; of more, several share one.
const N_SHEETS: usize = 64;

/// Books of kind `B`, and notes of kind `T`.
#[derive(Debug)]
pub(crate) struct Ledger<B, T> {
    books: Mutex<B>,
    sheets: Box<[Sheet<T>]>,
    /// The sheets before this place may hold notes.
    n_used: AtomicUsize,
    /// Notes after which the books are taken if nobody has them.
    enough: usize,
    /// Notes after which they are waited for.
    most: usize,
}

/// The notes of one thread, in cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Sheet<T>(Mutex<Vec<T>>);

impl<B, T> Ledger<B, T> {
    /// Books, and no notes. A thread enters its notes when there are `enough`, and at the latest when there are `most`.
    pub(crate) fn new(books: B, enough: usize, most: usize) -> Self {
        let sheets = (0..N_SHEETS).map(|_| Sheet(Mutex::new(Vec::new()))).collect();
        Self { books: Mutex::new(books), sheets, n_used: AtomicUsize::new(0), enough, most }
    }

    /// Notes something that `thread` saw; `enter` puts notes into the books. Seldom waits.
    pub(crate) fn note(&self, thread: usize, note: T, enter: impl FnOnce(&mut B, &[T])) {
        let place = thread % N_SHEETS;
        let n_notes = {
            let mut notes = of(&self.sheets[place].0);
            if notes.capacity() == 0 {
                notes.reserve_exact(self.most);
            }
            notes.push(note);
            notes.len()
        };
        if self.n_used.load(Ordering::Relaxed) <= place {
            self.n_used.fetch_max(place + 1, Ordering::Relaxed);
        }
        if n_notes < self.enough {
            return;
        }
        let books = match self.books.try_lock() {
            Ok(books) => books,
            Err(TryLockError::Poisoned(books)) => books.into_inner(),
            Err(TryLockError::WouldBlock) if n_notes < self.most => return,
            Err(TryLockError::WouldBlock) => of(&self.books),
        };
        drop(self.enter(books, place, enter));
    }

    /// The books, in which everything is entered that `thread` noted before.
    pub(crate) fn open(&self, thread: usize, enter: impl FnOnce(&mut B, &[T])) -> MutexGuard<'_, B> {
        self.enter(of(&self.books), thread % N_SHEETS, enter)
    }

    /// The books, in which everything is entered that any thread noted before.
    pub(crate) fn open_all(&self, mut enter: impl FnMut(&mut B, &[T])) -> MutexGuard<'_, B> {
        let n_used = self.n_used.load(Ordering::Relaxed);
        (0..n_used).fold(of(&self.books), |books, place| self.enter(books, place, &mut enter))
    }

    /// The books, for whoever has them for himself. Notes are not entered.
    pub(crate) fn books_mut(&mut self) -> &mut B {
        self.books.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes are entered by whoever holds the books, so a thread never overtakes itself.
    fn enter<'b>(
        &self,
        mut books: MutexGuard<'b, B>,
        place: usize,
        enter: impl FnOnce(&mut B, &[T]),
    ) -> MutexGuard<'b, B> {
        let mut notes = of(&self.sheets[place].0);
        if !notes.is_empty() {
            enter(&mut books, &notes);
            notes.clear();
        }
        drop(notes);
        books
    }
}

/// What a panic left is as good as any: each note and each entry is whole.
fn of<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
