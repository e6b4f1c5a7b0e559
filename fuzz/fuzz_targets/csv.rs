//! Samples as CSV: any bytes are answered, and what is read can be written and read again.
#![no_main]

use lanner_wire::{Report, csv};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let mut samples = Vec::new();
    let _ = csv::read(body, csv::Options::default(), &mut Report::default(), |key, sample| {
        samples.push((key.clone(), sample));
        Ok(())
    });
    let Ok(mut writer) = csv::Writer::new(Vec::new(), samples.iter().map(|(key, _)| key)) else { return };
    for (key, sample) in &samples {
        writer.write(key, *sample).expect("every label has its column");
    }
    let written = writer.finish().expect("memory takes what is written");
    let options = csv::Options { time_column: None, delimiter: Some(b',') };
    let mut again = Vec::new();
    let mut report = Report::default();
    csv::read(&written[..], options, &mut report, |key, sample| {
        again.push((key.clone(), sample));
        Ok(())
    })
    .expect("what was written can be read");
    assert_eq!(samples, again, "{} {report:?}", String::from_utf8_lossy(&written));
});
