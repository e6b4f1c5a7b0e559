//! Processor time so far, of all threads: time that others take of the processor does not count.

use rustix::time::{ClockId, clock_gettime};

/// Seconds.
pub(crate) fn used() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
