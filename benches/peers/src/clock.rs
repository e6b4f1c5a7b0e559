//! How long a call takes.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one repetition lasts, unless a call takes longer: less than the time that a busy machine gives to
/// one program at a stretch, so that some repetitions are not interrupted. The best counts.
const RUN: Duration = Duration::from_micros(300);
/// How long a call is repeated.
const ALL_RUNS: Duration = Duration::from_millis(400);
/// At least so often.
const MIN_RUNS: u32 = 5;

/// Nanoseconds of one call.
pub(crate) fn ns<T>(mut call: impl FnMut() -> T) -> f64 {
    let mut time = |n_calls: u32| {
        let started = Instant::now();
        for _ in 0..n_calls {
            black_box(call());
        }
        started.elapsed()
    };
    let mut n_calls = 1;
    while time(n_calls) < RUN / 2 && n_calls < u32::MAX / 4 {
        n_calls *= 2;
    }
    let (started, mut n_runs, mut best) = (Instant::now(), 0, Duration::MAX);
    while n_runs < MIN_RUNS || started.elapsed() < ALL_RUNS {
        best = best.min(time(n_calls));
        n_runs += 1;
    }
    best.as_nanos() as f64 / f64::from(n_calls)
}

/// Milliseconds of one call that is made once, and what it made.
pub(crate) fn ms<T>(call: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let made = call();
    (started.elapsed().as_secs_f64() * 1e3, made)
}
