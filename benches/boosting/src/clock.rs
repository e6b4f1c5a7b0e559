//! How much processor time a call takes, of all threads of this process.
//!
//! Time that others take of the processor does not count, so figures of a busy machine can be compared.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

/// How long one run takes at least, in seconds.
const RUN_S: f64 = 0.1;
/// Runs of each call, of which the fastest counts.
const N_RUNS: usize = 5;

/// Seconds that one call takes.
pub(crate) fn seconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut time = |n_calls: u32| {
        let began = used();
        for _ in 0..n_calls {
            black_box(call());
        }
        used() - began
    };
    let mut n_calls = 1;
    while time(n_calls) < RUN_S && n_calls < u32::MAX / 4 {
        n_calls *= 2;
    }
    (0..N_RUNS).map(|_| time(n_calls)).fold(f64::INFINITY, f64::min) / f64::from(n_calls)
}

/// Processor time so far, also that of threads that have ended.
fn used() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
