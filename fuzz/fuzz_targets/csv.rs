//! Tables: any bytes are answered, and what is read can be written and read again.
#![no_main]

use lanner_core::{Sample, SeriesKey};
use lanner_wire::csv;
use lanner_wire::table::{Options, Row, Table};
use libfuzzer_sys::fuzz_target;

fn read(body: &[u8]) -> Vec<(SeriesKey, Sample)> {
    let Ok(mut table) = Table::open(body, Options::default()) else { return Vec::new() };
    let (mut row, mut samples) = (Row::default(), Vec::new());
    while table.need_times().is_ok() && table.next_row(&mut row).unwrap_or(false) {
        let values = table.keys(row.group).iter().zip(&row.values).filter(|(_, value)| !value.is_nan());
        samples.extend(values.map(|(key, value)| (key.clone(), Sample::new(row.at, *value))));
    }
    samples
}

fuzz_target!(|body: &[u8]| {
    let samples = read(body);
    let Ok(mut writer) = csv::Writer::new(Vec::new(), samples.iter().map(|(key, _)| key)) else { return };
    for (key, sample) in &samples {
        writer.write(key, *sample).expect("every label has its column");
    }
    let written = writer.finish().expect("memory takes what is written");
    if !samples.is_empty() {
        assert_eq!(samples, read(&written), "{}", String::from_utf8_lossy(&written));
    }
});
