//! Samples as NDJSON: any bytes are answered, and what is read can be written and read again.
#![no_main]

use lanner_wire::{Report, ndjson};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let (mut written, mut expected, mut again) = (Vec::new(), Vec::new(), Vec::new());
    ndjson::read(body, &mut Report::default(), |key, sample| {
        ndjson::write_sample(&mut written, key, sample).expect("memory takes what is written");
        expected.push((key.clone(), sample));
        Ok(())
    })
    .expect("memory can be read");
    ndjson::read(&written[..], &mut Report::default(), |key, sample| {
        again.push((key.clone(), sample));
        Ok(())
    })
    .expect("memory can be read");
    assert_eq!(expected, again);
});
