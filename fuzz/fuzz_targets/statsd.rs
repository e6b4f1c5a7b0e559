//! StatsD: any bytes are answered, every sample is a number, and no series is told twice in an interval.
#![no_main]

use std::collections::HashSet;

use lanner_wire::statsd::{Interval, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut interval = Interval::new(Options { percentiles: vec![90.0, -50.0], ..Options::default() }, 0);
    for piece in bytes.chunks(1_000) {
        interval.add(piece, 1);
    }
    for end_ms in [10_000, 20_000] {
        let mut seen = HashSet::new();
        interval.end(end_ms, |key, sample| {
            assert!(sample.value.is_finite() && sample.time_ms == end_ms);
            assert!(seen.insert(key.clone()), "{key} is told twice");
        });
    }
});
