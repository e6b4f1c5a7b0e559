//! Which processes became others, as all threads of the plugin know it.
//!
//! Each thread keeps what it read of processes. Whoever sees that a process starts another program, or that a number is given to
//! another process, says so here, and what was kept of it before is no longer taken. Processes that share a remainder are not told
//! apart: then something is read once more than necessary.

use std::sync::atomic::{AtomicU32, Ordering};

/// Remainders of processes.
const N_PROCESSES: usize = 1 << 14;
/// Remainders of ancestors, which cost more when they are mistaken: then everything is read again.
const N_ANCESTORS: usize = 1 << 16;

/// What changed.
#[derive(Debug)]
pub(crate) struct Changes {
    /// How often a process of a remainder became another.
    times: Box<[AtomicU32]>,
    /// In which age an ancestor of a remainder was asked for.
    asked: Box<[AtomicU32]>,
    /// Ends whenever an ancestor that somebody asked for becomes another process.
    age: AtomicU32,
}

impl Default for Changes {
    fn default() -> Self {
        let numbers = |n: usize| (0..n).map(|_| AtomicU32::new(0)).collect();
        Self { times: numbers(N_PROCESSES), asked: numbers(N_ANCESTORS), age: AtomicU32::new(1) }
    }
}

impl Changes {
    /// The age in which what is read from now on is true of ancestors.
    pub(crate) fn age(&self) -> u32 {
        self.age.load(Ordering::SeqCst)
    }

    /// How often a process became another.
    pub(crate) fn times(&self, tid: i64) -> u32 {
        self.times[tid as usize % N_PROCESSES].load(Ordering::Acquire)
    }

    /// Says that an ancestor is going to be asked for, in an age that was read before. Either it changes later, which ends the age,
    /// or it changed before, and then Falco's table says so already.
    pub(crate) fn ask_for(&self, ancestor: i64, age: u32) {
        let asked = &self.asked[ancestor as usize % N_ANCESTORS];
        if asked.load(Ordering::SeqCst) != age {
            asked.fetch_max(age, Ordering::SeqCst);
        }
    }

    /// Says that a process became another; Falco's table knows it as that.
    pub(crate) fn changed(&self, tid: i64) {
        self.times[tid as usize % N_PROCESSES].fetch_add(1, Ordering::AcqRel);
        let age = self.age();
        if self.asked[tid as usize % N_ANCESTORS].load(Ordering::SeqCst) == age {
            // Another thread may have ended it meanwhile, which is as good.
            let _ = self.age.compare_exchange(age, age.wrapping_add(1), Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}
