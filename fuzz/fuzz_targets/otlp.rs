//! OTLP: any bytes are answered, in both encodings. The first byte chooses the encoding.
#![no_main]

use lanner_core::instant::within_bounds;
use lanner_wire::Report;
use lanner_wire::otlp::{Body, Encoding, logs, metrics, spans};
use libfuzzer_sys::fuzz_target;

/// 2026-01-01T12:00:00Z.
const NOON_MS: i64 = 1_767_268_800_000;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let encoding = if first % 2 == 0 { Encoding::Protobuf } else { Encoding::Json };
    let Ok(body) = Body::new(encoding, bytes) else { return };
    let (mut report, mut n_samples) = (Report::default(), 0);
    let read = metrics::read(&body, NOON_MS, &mut report, |_, sample| {
        assert!(sample.value.is_finite() && within_bounds(sample.time_ms).is_some());
        n_samples += 1;
        Ok(())
    });
    if read.is_ok() {
        assert_eq!(report.accepted, n_samples);
    }
    let on_event = |event: lanner_core::Event| {
        assert!(within_bounds(event.time_ms).is_some());
        Ok(())
    };
    let _ = logs::read(&body, NOON_MS, &mut Report::default(), on_event);
    let _ = spans::read(&body, NOON_MS, &mut Report::default(), on_event);
});
