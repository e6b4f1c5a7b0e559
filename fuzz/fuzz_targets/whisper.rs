//! Whisper files: any bytes are answered, and points come in order.
#![no_main]

use lanner_wire::whisper::Whisper;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(whisper) = Whisper::read(file) else { return };
    for archive in whisper.archives() {
        assert!(archive.points().is_sorted_by(|a, b| a.0 < b.0));
    }
    assert!(whisper.points().is_sorted_by(|a, b| a.0 < b.0));
});
