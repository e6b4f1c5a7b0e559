//! Intervals against the series that Etsy's `StatsD` makes of the same lines.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LINES: &str = "orders:3|c\norders:2|c|@0.5\nqueue:10|g\nqueue:+4|g\nqueue:-1|g\ntemp:-5|g\nusers:a|s\nusers:b|s\n\
    users:a|s\na b/c$d:1|c\nlogin:12.5|ms\nlogin:3|ms\nlogin:8|ms\nlogin:100|ms\nlogin:41|ms\nlogin:7|ms\nlogin:7|ms\n\
    login:2|ms\nlogin:66|ms\nlogin:30|ms\nlogin:5|ms|@0.1";

/// The series of an interval that ends now, and how many lines were refused.
fn end(interval: &mut Interval, now_ms: i64) -> (BTreeMap<String, f64>, u64) {
    let mut series = BTreeMap::new();
    let report = interval.end(now_ms, |key, sample| {
        assert_eq!(sample.time_ms, now_ms);
        assert_eq!(series.insert(key.to_string(), sample.value), None, "{key} is told twice");
    });
    (series, report.rejected)
}

/// An interval of two seconds with these lines, and the series that it comes to.
fn of(lines: &str) -> (BTreeMap<String, f64>, u64) {
    let mut interval = Interval::new(Options::default(), 0);
    interval.add(lines.as_bytes(), 1_000);
    end(&mut interval, 2_000)
}

#[test]
fn series_are_those_of_etsys_statsd() {
    #[track_caller]
    fn check(recorded: &str, legacy_names: bool) {
        let options = Options { percentiles: vec![90.0, 99.9, -50.0], legacy_names, ..Options::default() };
        let mut interval = Interval::new(options, 0);
        interval.add(LINES.as_bytes(), 1_000);
        let found = [end(&mut interval, 2_000).0, end(&mut interval, 4_000).0];
        let mut expected = [BTreeMap::new(), BTreeMap::new()];
        for line in recorded.lines().filter(|line| !line.starts_with('#')) {
            let (at, line) = line.strip_prefix("then ").map_or((0, line), |line| (1, line));
            let (name, value) = line.split_once(' ').unwrap();
            expected[at].insert(name.to_owned(), value.parse::<f64>().unwrap());
        }
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
            for (name, value) in expected {
                // A standard deviation is rounded in another order.
                assert!(
                    (found[name] - value).abs() < 1e-12 * value.abs().max(1.0),
                    "{name}: {}, {value}",
                    found[name]
                );
            }
        }
    }
    check(include_str!("../../../testdata/statsd/names.txt"), false);
    check(include_str!("../../../testdata/statsd/legacy_names.txt"), true);
}

#[test]
fn tags_become_labels() {
    #[track_caller]
    fn check(lines: &str, expected: &[(&str, f64)]) {
        let (series, n_refused) = of(lines);
        let counts = series.iter().filter(|(name, _)| name.contains(".count{") || name.ends_with(".count"));
        let counts: Vec<(&str, f64)> = counts.map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!((counts.as_slice(), n_refused), (expected, 0), "{lines}");
    }
    check("a:1|c|#x:y,urgent", &[(r#"stats.counters.a.count{urgent="true",x="y"}"#, 1.0)]);
    // However they are ordered, and as Graphite's clients write them.
    check("a:1|c|#x:y,z:u:v\na:2|c|#z:u:v,x:y", &[(r#"stats.counters.a.count{x="y",z="u:v"}"#, 3.0)]);
    check("a;x=y:1|c\na:2|c|#x:y", &[(r#"stats.counters.a.count{x="y"}"#, 3.0)]);
    check("a:1|c|#,x:,:y", &[("stats.counters.a.count", 1.0)]);
    check("a:1|c\na:1|s\na:7|c", &[("stats.counters.a.count", 8.0), ("stats.sets.a.count", 1.0)]);
    check(
        "x..y:1:2:3|c|@0.5\n.x. y.:1|c",
        &[("stats.counters.x._y.count", 1.0), ("stats.counters.x.y.count", 12.0)],
    );
}

#[test]
fn a_bad_line_costs_only_itself() {
    let (series, n_refused) = of("a:1|c\nrubbish\na:x|c\na:1:y|c\na:inf|g\n\n a:1|c \r\n");
    assert_eq!((series["stats.counters.a.count"], n_refused), (2.0, 4));
    let mut interval = Interval::new(Options::default(), 0);
    interval.add(b"$:1|c", 0);
    let report = interval.end(1, |_, _| ());
    assert_eq!(report.problems[0].message, "\"$\" has no name; write name:value|type");
    interval.add(format!("{}:1|c", "a".repeat(1_025)).as_bytes(), 0);
    assert!(interval.end(2, |_, _| ()).problems[0].message.ends_with("longer than 1024 bytes"));
}

#[test]
fn names_and_values_are_bounded() {
    let mut interval = Interval::new(Options { max_names: 2, ..Options::default() }, 0);
    interval.add(b"a:1|c\nb:1|c\nc:1|c\na:1|c\na:1|c|#x:y", 0);
    let report = interval.end(1, |_, _| ());
    assert_eq!((report.rejected, report.problems[0].message.contains("max_names")), (2, true));

    let mut interval = Interval::new(Options::default(), 0);
    let line = format!("a{}|ms", ":1".repeat(1 << 20));
    (0..9).for_each(|_| interval.add(line.as_bytes(), 0));
    let mut n_values = 0.0;
    let report = interval.end(1, |key, sample| {
        n_values += if &*key.name == "stats.timers.a.count" { sample.value } else { 0.0 };
    });
    assert_eq!((n_values, report.rejected), (8_388_608.0, 1));
    assert!(report.problems[0].message.contains("64 MiB"), "{:?}", report.problems);
    // The next interval has room again.
    interval.add(line.as_bytes(), 1);
    assert_eq!(interval.end(2, |_, _| ()).rejected, 0);
}

#[test]
fn a_name_goes_on_for_a_while() {
    let mut interval = Interval::new(Options { expire_ms: 60_000, ..Options::default() }, 5_000);
    assert_eq!((interval.ended_ms(9_999), interval.ended_ms(10_050)), (None, Some(10_000)));
    interval.add(b"a:1|c\nb:7|g", 8_000);
    let of = |interval: &mut Interval, now_ms| {
        let (series, _) = end(interval, now_ms);
        (series.get("stats.counters.a.rate").copied(), series.get("stats.gauges.b").copied())
    };
    // The first interval is short, and rates are by its real length.
    assert_eq!(of(&mut interval, 10_000), (Some(0.2), Some(7.0)));
    assert_eq!(
        (interval.is_used(), interval.ended_ms(10_000), interval.ended_ms(47_000)),
        (false, None, Some(40_000))
    );
    assert_eq!(of(&mut interval, 20_000), (Some(0.0), Some(7.0)));
    assert_eq!(of(&mut interval, 68_000), (Some(0.0), Some(7.0)));
    assert_eq!(of(&mut interval, 78_000), (None, None));
    // One that ends as soon as it begins still has a time of its own.
    let mut times_ms = Vec::new();
    for _ in 0..2 {
        interval.add(b"a:1|c", 78_000);
        interval.end(78_000, |_, sample| times_ms.push(sample.time_ms));
    }
    assert_eq!(times_ms, [78_001, 78_001, 78_002, 78_002]);
}

proptest! {
    #[test]
    fn any_lines_are_answered(lines in "([a-c.;=/]{0,4}|:|\\||c|g|ms|s|@|#|,|1|0.5|-|\n| ){0,60}") {
        let (series, n_refused) = of(&lines);
        let n_lines = lines.split('\n').filter(|line| !line.trim().is_empty()).count();
        prop_assert!(n_refused as usize <= n_lines);
        prop_assert!(series.values().all(|value| value.is_finite()));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        Interval::new(Options::default(), 0).add(&bytes, 0);
    }
}
