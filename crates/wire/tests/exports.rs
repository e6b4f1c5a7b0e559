//! What was exported reads back the same: any names, labels, times and numbers, in every format that takes them; what a
//! format cannot hold it refuses.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that cannot be")]

use lanner_core::time::{MAX_TIME_MS, MIN_TIME_MS};
use lanner_core::{Labels, Sample, SeriesKey};
use lanner_wire::line_protocol::{self, Options, Precision};
use lanner_wire::table::{Row, Table};
use lanner_wire::{Report, csv, ndjson};
use proptest::prelude::*;

type Samples = Vec<(SeriesKey, Sample)>;

/// Texts of the characters that formats give a meaning to, and of any others.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        r#"[a-b ,=;:."'\\#\t\r\n{}~!*é-]{1,6}"#,
        "\\PC{1,5}",
        "[a-z]{1,3}",
        Just("value".to_owned()),
        Just("time".to_owned())
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    let any = any::<f64>().prop_filter("only finite numbers are stored", |number| number.is_finite());
    prop_oneof![
        any,
        (-1000..1000_i32).prop_map(f64::from),
        Just(f64::MAX),
        Just(5e-324),
        Just(-0.0),
        Just(0.1 + 0.2)
    ]
}

fn samples() -> impl Strategy<Value = Samples> {
    let key = (nasty(), proptest::collection::vec((nasty(), nasty()), 0..3))
        .prop_map(|(name, labels)| SeriesKey::new(name, Labels::new(labels)));
    let time = prop_oneof![MIN_TIME_MS..MAX_TIME_MS, 1_700_000_000_000..1_700_000_100_000_i64, -5..5_i64];
    let sample = (time, numbers()).prop_map(|(time_ms, value)| Sample::new(time_ms, value));
    proptest::collection::vec((key, sample), 1..6)
}

/// To the last bit.
fn bits(samples: &Samples) -> Vec<(&SeriesKey, i64, u64)> {
    samples.iter().map(|(key, sample)| (key, sample.time_ms, sample.value.to_bits())).collect()
}

fn from_ndjson(text: &[u8]) -> (Samples, Report) {
    let (mut read, mut report) = (Vec::new(), Report::default());
    ndjson::read(text, &mut report, |key, sample| {
        read.push((key.clone(), sample));
        Ok(())
    })
    .unwrap();
    (read, report)
}

fn from_csv(text: &[u8]) -> (Samples, Report) {
    let mut table = Table::open(text, Default::default()).unwrap();
    let (mut row, mut read) = (Row::default(), Vec::new());
    while table.next_row(&mut row).unwrap() {
        let values = table.keys(row.group).iter().zip(&row.values).filter(|(_, value)| !value.is_nan());
        read.extend(values.map(|(key, value)| (key.clone(), Sample::new(row.at, *value))));
    }
    (read, table.report)
}

fn from_lines(text: &str) -> (Samples, Report) {
    let (mut read, mut report) = (Vec::new(), Report::default());
    let options = Options { precision: Precision::Nanoseconds, received_ms: 0 };
    line_protocol::parse(text.as_bytes(), options, &mut report, |line| {
        for field in line.fields {
            let key = line_protocol::series_key(line.raw_series, field.raw_key)
                .map_err(|error| error.to_string())?;
            read.push((key, Sample::new(line.time_ms, field.value)));
        }
        Ok(())
    });
    (read, report)
}

proptest! {
    #[test]
    fn ndjson_holds_everything(samples in samples()) {
        let mut text = Vec::new();
        for (key, sample) in &samples {
            ndjson::write_sample(&mut text, key, *sample).unwrap();
        }
        let (read, report) = from_ndjson(&text);
        prop_assert_eq!(bits(&read), bits(&samples), "{:?}", report.problems);
    }

    #[test]
    fn csv_reads_back_what_it_takes(samples in samples()) {
        let Ok(mut writer) = csv::Writer::new(Vec::new(), samples.iter().map(|(key, _)| key)) else { return Ok(()) };
        for (key, sample) in &samples {
            writer.write(key, *sample).unwrap();
        }
        let text = writer.finish().unwrap();
        let (read, report) = from_csv(&text);
        let shown = String::from_utf8_lossy(&text).into_owned();
        prop_assert_eq!(bits(&read), bits(&samples), "{}\n{:?}", shown, report.problems);
    }

    #[test]
    fn line_protocol_reads_back_what_it_takes(samples in samples()) {
        let mut text = String::new();
        let mut written: Samples = Vec::new();
        for (key, sample) in samples {
            if line_protocol::write_sample(&mut text, &key, sample).is_ok() {
                written.push((key, sample));
            }
        }
        let (read, report) = from_lines(&text);
        prop_assert_eq!(bits(&read), bits(&written), "{}\n{:?}", text, report.problems);
    }
}
