//! Random numbers from a seed that a failing run prints.

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed from the environment, or from the clock; it is printed.
    pub(crate) fn announced() -> Self {
        let from_clock = || {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap();
            since.as_secs() ^ u64::from(since.subsec_nanos())
        };
        let given = std::env::var("LANNER_CRASH_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(from_clock);
        eprintln!("LANNER_CRASH_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number in `[from, to)`.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }

    /// True in `percent` of 100 cases.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// Scatters the bits of a number.
pub(crate) fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Random {
    /// Different for each use in one process and for each process; for what need not be repeated.
    pub(crate) fn from_process() -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static USES: AtomicU64 = AtomicU64::new(0);
        Self(mixed(u64::from(std::process::id()) << 32 | USES.fetch_add(1, Ordering::Relaxed)))
    }
}
