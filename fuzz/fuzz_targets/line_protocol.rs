//! Line protocol: any bytes are answered, and what is read can be written and read again.
#![no_main]

use lanner_core::Sample;
use lanner_wire::Report;
use lanner_wire::line_protocol::{self, Options, Precision, series_key, write_sample};
use libfuzzer_sys::fuzz_target;

const OPTIONS: Options = Options { precision: Precision::Nanoseconds, received_ms: 0 };

fuzz_target!(|body: &[u8]| {
    let mut report = Report::default();
    let mut written = String::new();
    let mut expected = Vec::new();
    line_protocol::parse(body, OPTIONS, &mut report, |line| {
        for field in line.fields {
            let key = series_key(line.raw_series, field.raw_key).expect("parse yields only good names");
            let sample = Sample::new(line.time_ms, field.value);
            if write_sample(&mut written, &key, sample).is_ok() {
                expected.push((key, sample));
            }
        }
        Ok(())
    });
    let mut again = Vec::new();
    let mut report = Report::default();
    line_protocol::parse(written.as_bytes(), OPTIONS, &mut report, |line| {
        let key = series_key(line.raw_series, line.fields[0].raw_key).expect("parse yields only good names");
        again.push((key, Sample::new(line.time_ms, line.fields[0].value)));
        Ok(())
    });
    assert_eq!(expected, again, "{written:?} {report:?}");
});
