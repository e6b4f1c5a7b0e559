//! Line protocol: lines read, refused and written back.

use lanner_core::{Labels, Sample, SeriesKey};
use proptest::prelude::*;

use super::*;

const OPTIONS: Options = Options { precision: Precision::Nanoseconds, received_ms: 42 };

/// What the lines of `body` hold, one text each: `key time value`, and the report.
fn read(body: &[u8], options: Options) -> (Vec<String>, Report) {
    let mut report = Report::default();
    let mut samples = Vec::new();
    parse(body, options, &mut report, |line| {
        assert!(!line.fields.is_empty());
        for field in line.fields {
            let key = series_key(line.raw_series, field.raw_key).unwrap();
            samples.push(format!("{key} {} {}", line.time_ms, field.value));
        }
        Ok(())
    });
    assert_eq!(report.accepted, samples.len() as u64);
    (samples, report)
}

#[test]
fn good_lines() {
    #[track_caller]
    fn check(body: &str, expected: &[&str]) {
        let (samples, report) = read(body.as_bytes(), OPTIONS);
        assert_eq!(samples, expected, "{body}");
        assert_eq!(report.problems, [], "{body}");
    }
    check("cpu value=1 1000000", &["cpu 1 1"]);
    check("cpu value=1", &["cpu 42 1"]); // no timestamp
    check("cpu value=1  ", &["cpu 42 1"]);
    check("cpu  value=1  1000000 \r\n", &["cpu 1 1"]);
    check("  cpu value=1 1999999\r\ncpu value=2 -1\n", &["cpu 1 1", "cpu -1 2"]); // rounded down
    check("# a comment\n\n   \r\n#\ncpu value=1", &["cpu 42 1"]);
    check(
        "cpu,host=a,region=eu usage=12.5,idle=3",
        &[r#"cpu.usage{host="a",region="eu"} 42 12.5"#, r#"cpu.idle{host="a",region="eu"} 42 3"#],
    );
    // types
    check("m value=-1.5e3", &["m 42 -1500"]);
    check(
        "m value=12i,a=-3i,b=18446744073709551615u",
        &["m 42 12", "m.a 42 -3", "m.b 42 18446744073709552000"],
    );
    check("m a=t,b=T,c=true,d=True,e=TRUE", &["m.a 42 1", "m.b 42 1", "m.c 42 1", "m.d 42 1", "m.e 42 1"]);
    check("m a=f,b=F,c=false,d=False,e=FALSE", &["m.a 42 0", "m.b 42 0", "m.c 42 0", "m.d 42 0", "m.e 42 0"]);
    // escapes
    check(
        r"my\ disk\,x,a\ b=c\=d,e\,f=g\ h va\=l\ ue=1",
        &[r#"my disk,x.va=l ue{a b="c=d",e,f="g h"} 42 1"#],
    );
    check(r"a=b value=1", &["a=b 42 1"]);
    check(r"unc,path=\\srv\x value=1", &[r#"unc{path="\\\\srv\\x"} 42 1"#]);
    check(r"a\=b value=1", &[r"a\=b 42 1"]); // in a measurement an equals sign needs no escape
    check(r#"a"b,c=" value=1"#, &[r#"a"b{c="\""} 42 1"#]); // quotes are plain outside texts
    check("mäß,ort=Köln value=1", &[r#"mäß{ort="Köln"} 42 1"#]);
    // texts
    check(r#"log message="a, b=c \" \\",n=1i"#, &["log.n 42 1"]);
    check("log message=\"over\nlines\",n=1\ncpu value=2", &["log.n 42 1", "cpu 42 2"]);
    check(r#"log message="only text" 1000000"#, &[]);
}

#[test]
fn texts_are_counted() {
    let (_, report) = read(b"log a=\"x\",b=\"y\",c=1\nlog a=\"z\"", OPTIONS);
    assert_eq!((report.accepted, report.skipped, report.rejected), (1, 3, 0));
}

#[test]
fn bad_lines_cost_only_themselves() {
    #[track_caller]
    fn check(bad: &str, column: u64, expected: &LineError) {
        let body = format!("a value=1\n{bad}\nb value=2\n");
        let (samples, report) = read(body.as_bytes(), OPTIONS);
        assert_eq!(samples, ["a 42 1", "b 42 2"], "{bad}");
        assert_eq!(report.rejected, 1, "{bad}");
        let problem = &report.problems[0];
        let column = if bad.contains('\n') { None } else { Some(column) };
        assert_eq!((problem.line, problem.column), (2, column), "{bad}: {problem}");
        assert_eq!(problem.message, expected.to_string(), "{bad}");
    }
    let text = |text: &str| text.to_owned();
    check("cpu", 4, &LineError::NoFields);
    check("cpu ", 5, &LineError::NoFields);
    check("cpu,host=a", 11, &LineError::NoFields);
    check(",host=a value=1", 1, &LineError::NoMeasurement);
    check("cpu,host value=1", 9, &LineError::MalformedTag);
    check("cpu,=a value=1", 5, &LineError::MalformedTag);
    check("cpu,host= value=1", 10, &LineError::MalformedTag);
    check("cpu,host=a=b value=1", 11, &LineError::EqualsInTagValue);
    check("cpu, value=1", 5, &LineError::MalformedTag);
    check("cpu value", 10, &LineError::MalformedField);
    check("cpu =1", 5, &LineError::MalformedField);
    check("cpu value=1,", 13, &LineError::MalformedField);
    check("cpu value=", 11, &LineError::NoValue);
    check("cpu value=abc", 11, &LineError::NotAValue { text: text("abc") });
    check("cpu value=1.5i", 11, &LineError::NotAValue { text: text("1.5i") });
    check("cpu value=-1u", 11, &LineError::TooLarge { text: text("-1u") });
    check("cpu value=NaN", 11, &LineError::Nan);
    check("cpu value=-inf", 11, &LineError::Infinite);
    check("cpu value=Infinity", 11, &LineError::Infinite);
    check("cpu value=1e999", 11, &LineError::TooLarge { text: text("1e999") });
    check("cpu value=9223372036854775808i", 11, &LineError::TooLarge { text: text("9223372036854775808i") });
    check("cpu value=1 1.5", 13, &LineError::NotATimestamp { text: text("1.5") });
    check("cpu value=1 now", 13, &LineError::NotATimestamp { text: text("now") });
    check("cpu value=1 1 1", 15, &LineError::AfterTimestamp);
    check(
        "cpu value=1 9223372036854775807",
        13,
        &LineError::TimeOutside { text: text("9223372036854775807"), unit: "nanoseconds" },
    );
    check(
        "cpu value=1 99999999999999999999",
        13,
        &LineError::TimeOutside { text: text("99999999999999999999"), unit: "nanoseconds" },
    );
    check("Köln,ort=ü value=abc", 18, &LineError::NotAValue { text: text("abc") }); // columns are characters
}

#[test]
fn a_text_that_does_not_end_costs_one_line() {
    let (samples, report) = read(b"a s=\"x\nb value=1\nc value=2\n", OPTIONS);
    assert_eq!(samples, ["b 42 1", "c 42 2"]);
    assert_eq!((report.rejected, report.problems[0].line), (1, 1));

    let (samples, report) = read(b"a s=\"x\nb s=\"y\"\nc value=2 x\n", OPTIONS);
    assert_eq!(samples, [""; 0]);
    assert_eq!(report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn bytes_that_are_not_text_cost_one_line() {
    let (samples, report) = read(b"a value=1\nb\xff value=2\nc value=3\nd\xfe", OPTIONS);
    assert_eq!(samples, ["a 42 1", "c 42 3"]);
    assert_eq!(report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(report.problems[0].column, Some(2));
}

#[test]
fn a_refusal_by_the_store_is_reported() {
    let mut report = Report::default();
    parse(b"a value=1\nb value=2", OPTIONS, &mut report, |line| match line.raw_series {
        "b" => Err("too many series".to_owned()),
        _ => Ok(()),
    });
    assert_eq!((report.accepted, report.rejected), (1, 1));
    assert_eq!(report.problems[0].to_string(), "line 2: too many series");
}

#[test]
fn precisions() {
    #[track_caller]
    fn check(precision: &str, timestamp: &str, expected_ms: i64) {
        let options = Options { precision: Precision::parse(precision).unwrap(), received_ms: 0 };
        let (samples, _) = read(format!("m value=1 {timestamp}").as_bytes(), options);
        assert_eq!(samples, [format!("m {expected_ms} 1")], "{precision}");
    }
    check("", "1700000000123456789", 1_700_000_000_123);
    check("ns", "1700000000123456789", 1_700_000_000_123);
    check("n", "-1", -1);
    check("us", "1700000000123456", 1_700_000_000_123);
    check("u", "1700000000123456", 1_700_000_000_123);
    check("ms", "1700000000123", 1_700_000_000_123);
    check("s", "1700000000", 1_700_000_000_000);
    check("m", "28333333", 1_699_999_980_000);
    check("h", "472222", 1_699_999_200_000);
    assert!(Precision::parse("days").is_err());
}

#[test]
fn a_series_that_is_too_long_is_refused() {
    let body = format!("{} value=1\nok value=2", "x".repeat(MAX_SERIES_BYTES + 1));
    let (samples, report) = read(body.as_bytes(), OPTIONS);
    assert_eq!((samples.len(), report.rejected), (1, 1));
}

#[test]
fn hostile_quotes_are_answered() {
    // Texts that open on every line, and are closed or not, depending on where reading began.
    for line in ["a\",k=\" x=\",m\\\"=\"\n", "a s=\"\\\"\n", "a\" x=\"\n", "a s=\",t=\"\n", "a s=\"\\\\\n"] {
        let (_, report) = read(line.repeat(20_001).as_bytes(), OPTIONS);
        assert!(report.rejected + report.skipped > 0, "{line}");
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let sample = Sample::new(0, 1.0);
    for name in ["#a", "a\nb", "a\\", "\ta"] {
        let mut out = String::new();
        assert!(write_sample(&mut out, &SeriesKey::new(name, Labels::default()), sample).is_err(), "{name}");
        assert_eq!(out, "");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&body, OPTIONS);
    }

    #[test]
    fn any_near_line_is_answered(body in "([a-c \",=\\\\\n\r#0-9iut.ä-]|value=|NaN|\"\"){0,60}") {
        let (_, report) = read(body.as_bytes(), OPTIONS);
        prop_assert!(report.rejected <= body.lines().count() as u64);
    }

    #[test]
    fn written_lines_read_back(
        name in "[^#\t\n\\\\][^\n]{0,10}[^\n\\\\]",
        labels in proptest::collection::vec(("[^\n]{0,5}[^\n\\\\]", "[^\n]{0,5}[^\n\\\\]"), 0..4),
        time_ms in lanner_core::time::MIN_TIME_MS.max(-9_000_000_000)..lanner_core::time::MAX_TIME_MS,
        value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
    ) {
        let key = SeriesKey::new(name, Labels::new(labels));
        let mut body = String::new();
        write_sample(&mut body, &key, Sample::new(time_ms, value)).unwrap();
        let mut seen = Vec::new();
        let mut report = Report::default();
        parse(body.as_bytes(), OPTIONS, &mut report, |line| {
            seen.push((series_key(line.raw_series, line.fields[0].raw_key).unwrap(), line.time_ms, line.fields[0].value));
            Ok(())
        });
        prop_assert_eq!(seen, [(key, time_ms, value)], "{:?}", report.problems);
    }
}
