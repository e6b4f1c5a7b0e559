//! The example of each format of files, and what is read from it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use lanner_wire::format::{EventReader, FORMATS, Format, Hints, named, of_file, of_samples};
use lanner_wire::samples::Samples;
use lanner_wire::table::{Options, Row};
use lanner_wire::{Report, events};

/// Each format's example as samples and as events in `testdata/formats`; `UPDATE_GOLDEN=1` writes them anew.
#[test]
fn examples_become_what_is_written_down() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/formats");
    for format in FORMATS {
        let mut found = format!("{}\n", format.about);
        if format.holds_samples() {
            assert_eq!(of_samples(format.example), format);
            found += &format!("\nsamples\n{}", samples(format));
        }
        if let Some(reader) = format.events {
            found += &format!("\nevents\n{}", read_events(format.example, reader));
        }
        let path = format!("{folder}/{}.txt", format.name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{path}: UPDATE_GOLDEN=1 writes it anew");
    }
}

/// Each as `name{labels} time value`.
fn samples(format: &Format) -> String {
    let opened = Samples::open(format.example, &Options::default(), None, Hints::default());
    let mut samples = opened.unwrap_or_else(|error| panic!("{}: {error}", format.name));
    let (mut row, mut found) = (Row::default(), String::new());
    while samples.next_row(&mut row).unwrap() {
        for (key, value) in samples.keys(row.group).iter().zip(&row.values) {
            found += &format!("{key} {} {value}\n", row.at);
        }
    }
    assert!(!found.is_empty() && samples.take_report().rejected == 0, "{}", format.name);
    found
}

/// Each with its time; what is no event is told.
fn read_events(example: &[u8], reader: EventReader) -> String {
    let (mut report, mut found) = (Report::default(), String::new());
    let options = events::Options { time_field: None, received_ms: 7, wanted: Some(&[]) };
    (reader.parse)(example, options, &mut report, &mut |event| {
        found += &format!("{} {}\n", event.time_ms, event.json);
        Ok(())
    });
    report.problems.iter().for_each(|problem| found += &format!("refused: {problem}\n"));
    found
}

#[test]
fn names_and_endings_lead_to_one_format() {
    for format in FORMATS {
        assert_eq!(named(format.name), Some(format));
        for ending in format.endings {
            assert_eq!(of_file(&format!("a.b.{ending}")), Some(format));
            assert_eq!(of_file(&format!("A.{}.GZ", ending.to_uppercase())), Some(format));
        }
    }
    assert_eq!((named("xls"), of_file("a.json"), of_file("a"), of_file(".gz")), (None, None, None, None));
}
