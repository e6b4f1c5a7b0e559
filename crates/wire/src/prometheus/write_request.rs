//! Samples for whoever takes remote write 1.0, with names and labels that every Prometheus accepts.

use std::collections::HashMap;

use lanner_core::{Labels, Sample, SeriesKey};

use super::series::NAME;

/// The value by which Prometheus marks that a series has ended: a NaN of its own.
pub const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// A series as every Prometheus accepts it: signs that names may not have are `_`. Of labels that become the same, the values are
/// joined by `;`, as Prometheus does with those of OpenTelemetry.
///
/// ```
/// use lanner_core::Labels;
/// use lanner_wire::prometheus::write_request::portable;
/// let key = portable("p99", &Labels::new([("http.route", "/pay"), ("http-route", "/"), ("7th", "a")]));
/// assert_eq!(key.to_string(), r#"p99{_7th="a",http_route="/;/pay"}"#);
/// ```
#[must_use]
pub fn portable(name: &str, labels: &Labels) -> SeriesKey {
    let mut renamed: Vec<(String, String)> = Vec::with_capacity(labels.len());
    for (label, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
        let label = portable_name(label);
        match renamed.iter_mut().find(|(other, _)| *other == label) {
            Some((_, joined)) => *joined = format!("{joined};{value}"),
            None => renamed.push((label, value.to_owned())),
        }
    }
    SeriesKey::new(portable_name(name), Labels::new(renamed))
}

/// A name of letters, digits and `_`, which begins with no digit; two `_` at the beginning are Prometheus' own.
fn portable_name(name: &str) -> String {
    let mut portable: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if portable.starts_with(|c: char| c.is_ascii_digit()) || portable.is_empty() {
        portable.insert(0, '_');
    }
    while portable.starts_with("__") {
        portable.remove(0);
    }
    portable
}

/// The message `WriteRequest` of version 1.0, not compressed yet. Each series stands in it once, its samples in order of time.
/// Cost: O(samples × log of samples of a series).
#[must_use]
pub fn write_request(samples: &[(SeriesKey, Sample)]) -> Vec<u8> {
    let mut places: HashMap<&SeriesKey, usize> = HashMap::new();
    let mut series: Vec<(&SeriesKey, Vec<Sample>)> = Vec::new();
    for (key, sample) in samples {
        let place = *places.entry(key).or_insert(series.len());
        if place == series.len() {
            series.push((key, Vec::new()));
        }
        series[place].1.push(*sample);
    }
    let mut request = Vec::new();
    for (key, mut samples) in series {
        samples.sort_by_key(|sample| sample.time_ms);
        message(&mut request, 1, &time_series(key, &samples));
    }
    request
}

fn time_series(key: &SeriesKey, samples: &[Sample]) -> Vec<u8> {
    let mut labels: Vec<(&str, &str)> = key.labels.iter().collect();
    labels.push((NAME, &key.name));
    labels.sort_unstable();
    let mut series = Vec::new();
    for (label, value) in labels {
        let mut pair = Vec::with_capacity(label.len() + value.len() + 8);
        message(&mut pair, 1, label.as_bytes());
        message(&mut pair, 2, value.as_bytes());
        message(&mut series, 1, &pair);
    }
    for sample in samples {
        let mut written = vec![1 << 3 | 1];
        written.extend_from_slice(&sample.value.to_le_bytes());
        written.push(2 << 3);
        varint(&mut written, sample.time_ms.cast_unsigned());
        message(&mut series, 2, &written);
    }
    series
}

/// A field that holds bytes.
fn message(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Report;
    use crate::prometheus::remote_write::{Version, read};

    #[test]
    fn names() {
        #[track_caller]
        fn check(name: &str, labels: &[(&str, &str)], expected: &str) {
            assert_eq!(portable(name, &Labels::new(labels.iter().copied())).to_string(), expected);
        }
        check("up", &[], "up");
        check("größe.max", &[("l b", "x"), ("empty", "")], r#"gr__e_max{l_b="x"}"#);
        check("7", &[("__name__", "x")], r#"_7{_name__="x"}"#);
        check("up", &[("a.b", "1"), ("a_b", "2")], r#"up{a_b="1;2"}"#);
    }

    /// As `remote.proto` has it: labels in order, the name among them, then samples.
    #[test]
    fn bytes_of_a_request() {
        let key = SeriesKey::new("up", Labels::new([("Z", "1"), ("a", "b")]));
        let request = write_request(&[(key, Sample::new(300, 1.0))]);
        let expected =
            b"\x0a\x2e\x0a\x06\x0a\x01Z\x12\x011\x0a\x0e\x0a\x08__name__\x12\x02up\x0a\x06\x0a\x01a\x12\x01b\
                         \x12\x0c\x09\0\0\0\0\0\0\xf0\x3f\x10\xac\x02";
        assert_eq!(request, expected);
        assert!(STALE.is_nan());
        assert_eq!(write_request(&[]), b"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(written in prop::collection::vec(("[ab]", "[a-c]{1,2}", 0i64..4_000_000_000_000, -9.0f64..9.0), 0..20)) {
            let samples: Vec<(SeriesKey, Sample)> = written
                .iter()
                .map(|(name, value, time_ms, number)| {
                    (SeriesKey::new(name.as_str(), Labels::new([("l", value.as_str())])), Sample::new(*time_ms, *number))
                })
                .collect();
            let (mut found, mut report) = (Vec::new(), Report::default());
            read(Version::One, &write_request(&samples), &mut report, |series, sample| {
                found.push((series.key()?, sample));
                Ok(())
            })
            .unwrap();
            let order = |samples: &mut Vec<(SeriesKey, Sample)>| samples.sort_by_key(|(key, it)| (key.to_string(), it.time_ms, it.value.to_bits()));
            let mut expected = samples;
            order(&mut expected);
            order(&mut found);
            prop_assert_eq!(found, expected);
        }
    }
}
