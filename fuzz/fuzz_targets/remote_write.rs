//! Prometheus' remote write: any bytes are answered, in both versions, and no two series are written alike.
//! The first byte chooses the version.
#![no_main]

use std::collections::HashMap;

use lanner_wire::Report;
use lanner_wire::prometheus::remote_write::{Version, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Some((first, body)) = body.split_first() else { return };
    let version = if first % 2 == 0 { Version::One } else { Version::Two };
    let (mut report, mut taken, mut known) = (Report::default(), 0, HashMap::new());
    let read = read(version, body, &mut report, |series, sample| {
        assert!(sample.value.is_finite());
        let key = series.key()?;
        let known = known.entry(series.written().to_vec()).or_insert_with(|| key.clone());
        assert_eq!(*known, key);
        taken += 1;
        Ok(())
    });
    if read.is_ok() {
        assert_eq!(report.accepted, taken);
    }
});
