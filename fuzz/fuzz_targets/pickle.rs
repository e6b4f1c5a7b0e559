//! Carbon's pickles: any bytes are answered, and no object is ever loaded.
#![no_main]

use lanner_wire::{Report, carbon, pickle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let frame = match pickle::next_frame(body) {
        Ok(Some((frame, _))) => frame,
        _ => body,
    };
    let _ = pickle::parse_frame(frame, 0, &mut Report::default(), |sample| {
        assert!(sample.value.is_finite());
        carbon::series_key(sample.raw_path).map(|_| ()).map_err(|error| error.to_string())
    });
});
