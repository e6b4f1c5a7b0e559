//! Carbon plaintext: any bytes are answered.
#![no_main]

use lanner_wire::{Report, carbon};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut report = Report::default();
    carbon::parse(body, 0, &mut report, |sample| {
        assert!(sample.value.is_finite());
        carbon::series_key(sample.raw_path).map(|_| ()).map_err(|error| error.to_string())
    });
});
