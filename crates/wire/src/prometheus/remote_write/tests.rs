//! Requests, written field by field.

use proptest::prelude::*;

use super::*;

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 127 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn bytes_field(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn sample(time_ms: i64, value: f64) -> Vec<u8> {
    let value = [&[0x09][..], &value.to_le_bytes()].concat();
    bytes_field(2, &[value, vec![0x10], varint(time_ms.cast_unsigned())].concat())
}

fn label(name: &str, value: &str) -> Vec<u8> {
    bytes_field(1, &[bytes_field(1, name.as_bytes()), bytes_field(2, value.as_bytes())].concat())
}

/// A series of version 1.0.
fn one(parts: &[Vec<u8>]) -> Vec<u8> {
    bytes_field(1, &parts.concat())
}

/// A series of version 2.0, with references to symbols.
fn two(references: &[u64], parts: &[Vec<u8>]) -> Vec<u8> {
    let references: Vec<u8> = references.iter().flat_map(|reference| varint(*reference)).collect();
    bytes_field(5, &[bytes_field(1, &references), parts.concat()].concat())
}

type Found = (Vec<String>, Report);

fn read_all(version: Version, message: &[u8]) -> Result<Found, RemoteWriteError> {
    let (mut report, mut found) = (Report::default(), Vec::new());
    read(version, message, &mut report, |series, sample| {
        found.push(format!("{} {} {}", series.key()?, sample.time_ms, sample.value));
        Ok(())
    })?;
    Ok((found, report))
}

#[track_caller]
fn check(version: Version, message: &[u8], expected: &[&str], problems: &[&str]) {
    let (found, report) = read_all(version, message).unwrap();
    assert_eq!(found, expected);
    let told: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), problems.len(), "{told:?}");
    for (told, expected) in told.iter().zip(problems) {
        assert!(told.contains(expected), "{told}");
    }
    assert_eq!(report.accepted, found.len() as u64);
}

#[test]
fn samples_of_both_versions() {
    let expected = [r#"up{job="a b"} 1767225600000 1"#, r#"up{job="a b"} 1767225615000 0.5"#, "x -1 -2"];
    let samples = [sample(1_767_225_600_000, 1.0), sample(1_767_225_615_000, 0.5)].concat();
    let first = one(&[label("__name__", "up"), label("job", "a b"), label("gone", ""), samples.clone()]);
    // Metadata, an exemplar, and a field of the future.
    let more = [bytes_field(3, b"x"), vec![0x98, 0x06, 1]].concat();
    let second = one(&[sample(-1, -2.0), label("__name__", "x"), bytes_field(3, b"x")]);
    check(Version::One, &[first, more, second].concat(), &expected, &[]);

    let symbols: Vec<u8> = ["", "__name__", "up", "job", "a b", "x"]
        .iter()
        .flat_map(|text| bytes_field(4, text.as_bytes()))
        .collect();
    let first = two(&[1, 2, 3, 4, 5, 0], &[samples, bytes_field(5, b"")]);
    // References need not be packed, and symbols may come last.
    let second = bytes_field(5, &[vec![0x08, 1, 0x08, 5], sample(-1, -2.0)].concat());
    check(Version::Two, &[symbols.clone(), first.clone(), second.clone()].concat(), &expected, &[]);
    check(Version::Two, &[first, second, symbols].concat(), &expected, &[]);
    check(Version::One, &[], &[], &[]);
}

#[test]
fn what_cannot_be_taken_costs_only_itself() {
    let up = || label("__name__", "up");
    let good = sample(1_767_225_600_000, 1.0);
    let stale = sample(1_767_225_600_000, f64::from_bits(0x7ff0_0000_0000_0002));
    let message = [
        one(&[up(), stale, good.clone(), sample(i64::MAX, 1.0)]),
        one(&[label("job", "a"), good.clone()]),
        one(&[up(), label("job", "a"), label("job", "b"), good.clone()]),
        one(&[up(), bytes_field(1, &bytes_field(1, b"\xff")), good.clone()]),
        one(&[up(), label("", "b"), good.clone()]),
        one(&[up(), label("job", &"x".repeat(70_000)), good.clone()]),
        one(&[up(), bytes_field(4, b""), good]),
    ]
    .concat();
    let up = "up 1767225600000 1";
    let problems = [
        "line 1: 9223372036854775807 ms",
        "line 2: the series {job=\"a\"} has no name",
        "\"job\" is given twice",
        "UTF-8",
        "a label has no name",
        "line 6: the labels of the series are longer",
        "line 7: native histograms",
    ];
    check(Version::One, &message, &[up, up], &problems);
    assert_eq!(read_all(Version::One, &message).unwrap().1.skipped, 1);
}

#[test]
fn what_is_no_request_is_refused() {
    #[track_caller]
    fn check(version: Version, message: &[u8], expected: RemoteWriteError) {
        assert_eq!(read_all(version, message).unwrap_err(), expected);
    }
    use RemoteWriteError::{ManySymbols, NoSymbol, Protobuf, WrongType};
    check(Version::One, b"<html>", Protobuf(ProtobufError::NoField));
    check(Version::One, &[0x0a, 9, 1], Protobuf(ProtobufError::Truncated));
    check(Version::One, &[0x08, 1], WrongType);
    check(Version::One, &one(&[bytes_field(2, &[0x08, 1])]), WrongType);
    check(Version::Two, &two(&[0, 1], &[]), NoSymbol);
    check(Version::Two, &[bytes_field(4, b""), two(&[0], &[])].concat(), NoSymbol);
    check(Version::Two, &bytes_field(4, b"").repeat(MAX_SYMBOLS + 1), ManySymbols);
}

/// References of two bytes to a text of a megabyte.
#[test]
fn short_references_to_long_texts_cost_little() {
    let symbols = [bytes_field(4, b""), bytes_field(4, "x".repeat(1 << 20).as_bytes())].concat();
    let message = [symbols, two(&vec![1; 1 << 20], &[sample(0, 1.0)])].concat();
    let (found, report) = read_all(Version::Two, &message).unwrap();
    assert_eq!((found.len(), report.rejected), (0, 1));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(message in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_all(Version::One, &message), read_all(Version::Two, &message));
    }

    #[test]
    fn requests_that_were_cut_or_changed_are_answered(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let series = one(&[label("__name__", "up"), label("job", "a"), sample(1_767_225_600_000, 1.0)]);
        let symbols = [bytes_field(4, b""), bytes_field(4, b"__name__"), bytes_field(4, b"up")].concat();
        for (version, mut message) in [(Version::One, series), (Version::Two, [symbols, two(&[1, 2], &[sample(0, 1.0)])].concat())] {
            let at = at.index(message.len());
            let _ = read_all(version, &message[..at]);
            message[at] = byte;
            let _ = read_all(version, &message);
        }
    }

    /// Other labels, or the same in other pieces, are other bytes.
    #[test]
    fn no_two_series_are_written_alike(one in prop::collection::vec(("[ab]{0,3}", "[ab]{0,3}"), 0..4), other in prop::collection::vec(("[ab]{0,3}", "[ab]{0,3}"), 0..4)) {
        let written = |labels: &[(String, String)]| {
            let mut series = Series::default();
            labels.iter().for_each(|(name, value)| series.add(name.as_bytes(), value.as_bytes()));
            series.written().to_vec()
        };
        prop_assert_eq!(written(&one) == written(&other), one == other);
    }
}
