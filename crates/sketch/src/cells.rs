//! Cells that one thread changes while others read them.
//!
//! Each cell is written and read as a whole, and nothing follows from the order in which two cells change: a reader finds of each
//! what it was before a change or after it. On all usual processors this costs no more than cells that one thread has for itself.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64};

macro_rules! cells {
    ($($(#[$doc:meta])* $name:ident: $inside:ident of $number:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(crate) struct $name($inside);

        impl $name {
            pub(crate) const fn new(number: $number) -> Self {
                Self($inside::new(number))
            }

            #[inline]
            pub(crate) fn get(&self) -> $number {
                self.0.load(Relaxed)
            }

            /// For one thread at a time: what another one wrote meanwhile is lost.
            #[inline]
            pub(crate) fn set(&self, number: $number) {
                self.0.store(number, Relaxed);
            }
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                Self::new(self.get())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.get() == other.get()
            }
        }

        impl Eq for $name {}
    )*};
}

cells! {
    /// A cell of 32 bits.
    Cell32: AtomicU32 of u32;
    /// A word of cells.
    Cell64: AtomicU64 of u64;
    /// A time, milliseconds since 1970.
    Time: AtomicI64 of i64;
}

impl Cell32 {
    /// Makes it at least `number`, whichever threads do so at once, and returns what it was.
    #[inline]
    pub(crate) fn raise(&self, number: u32) -> u32 {
        let before = self.get();
        // Mostly there is nothing to do, and a line that nobody writes stays in the caches of all.
        if before < number { self.0.fetch_max(number, Relaxed) } else { before }
    }
}

impl Time {
    /// Makes it at least as late as `time_ms`.
    #[inline]
    pub(crate) fn raise(&self, time_ms: i64) {
        if self.get() < time_ms {
            self.0.fetch_max(time_ms, Relaxed);
        }
    }
}
