//! The example of each format, and what it becomes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

use crate::common::read_all;
use lanner_vuln::write::OUTPUTS;
use lanner_vuln::{FORMATS, Finding, Options, key, read_as};
use proptest::prelude::*;

/// Each format's example as JSON lines in `testdata`; `UPDATE_GOLDEN=1` writes them anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "reads and writes golden files")]
fn examples_become_what_is_written_down() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/formats");
    for format in FORMATS {
        let (report, findings) = read_all(format.example.as_bytes(), false);
        let report = report.unwrap_or_else(|error| panic!("{}: {error}", format.name));
        assert_eq!((report.format, report.stopped.is_none()), (format.name, true), "{report:?}");
        assert!(!findings.is_empty(), "{}", format.name);
        let scan = serde_json::to_string_pretty(&report.scan).unwrap();
        let findings: String = findings
            .iter()
            .map(|finding| format!("{} {}\n", key(finding), serde_json::to_string_pretty(finding).unwrap()))
            .collect();
        let found = format!("{scan}\n{findings}");
        let path = format!("{folder}/{}.txt", format.name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{path}: UPDATE_GOLDEN=1 writes it anew");
    }
}

#[test]
fn names_of_formats_are_unique() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

proptest! {
    /// Damage anywhere: a part is cut out, or other bytes stand in its place.
    #[test]
    fn damaged_examples_are_answered(
        format in 0..FORMATS.len(), at in any::<prop::sample::Index>(), length in 0usize..40, noise in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut body = FORMATS[format].example.as_bytes().to_vec();
        let at = at.index(body.len());
        body.splice(at..(at + length).min(body.len()), noise);
        let mut findings = Vec::new();
        let report = read_as(&FORMATS[format], &body[..], Options { raw: true }, &mut |finding| {
            findings.push(finding);
            Ok(())
        });
        if let Ok(report) = report {
            prop_assert_eq!(report.findings, findings.len() as u64);
        }
        for finding in &findings {
            let again: Finding = serde_json::from_str(&serde_json::to_string(finding).unwrap()).unwrap();
            prop_assert_eq!(key(finding), key(&again));
        }
        for output in OUTPUTS {
            let (mut writer, mut out) = ((output.open)(), Vec::new());
            findings.iter().for_each(|finding| writer.finding(finding, &mut out).unwrap());
            writer.finish(&mut out).unwrap();
        }
    }
}

/// The golden files of each shape; `UPDATE_GOLDEN=1` writes them anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "reads and writes golden files")]
fn shapes_become_what_is_written_down() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/shapes");
    for output in OUTPUTS {
        let (mut writer, mut out) = ((output.open)(), Vec::new());
        for format in FORMATS {
            let (_, findings) = read_all(format.example.as_bytes(), output.raw);
            findings.iter().for_each(|finding| writer.finding(finding, &mut out).unwrap());
        }
        writer.finish(&mut out).unwrap();
        let (found, path) = (String::from_utf8(out).unwrap(), format!("{folder}/{}.txt", output.name));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&path, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{path}: UPDATE_GOLDEN=1 writes it anew");
    }
}
