//! CSV: tables read, refused and written back.

use proptest::prelude::*;

use super::*;

fn read_all(input: &[u8], options: Options<'_>) -> (Vec<(SeriesKey, Sample)>, Report, Result<(), ReadError>) {
    let mut report = Report::default();
    let mut samples = Vec::new();
    let result = read(input, options, &mut report, |key, sample| {
        samples.push((key.clone(), sample));
        Ok(())
    });
    assert_eq!(report.accepted, samples.len() as u64);
    (samples, report, result)
}

#[track_caller]
fn check_with(input: &str, options: Options<'_>, expected: &[&str], problems: &[&str]) {
    let (samples, report, result) = read_all(input.as_bytes(), options);
    result.unwrap();
    let samples: Vec<String> =
        samples.iter().map(|(key, s)| format!("{key} {} {}", s.time_ms, s.value)).collect();
    assert_eq!(samples, expected, "{input}");
    let actual: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(actual.len(), problems.len(), "{actual:?}");
    for (actual, expected) in actual.iter().zip(problems) {
        assert!(actual.starts_with(expected), "{input}: {actual}");
    }
}

#[track_caller]
fn check(input: &str, expected: &[&str], problems: &[&str]) {
    check_with(input, Options::default(), expected, problems);
}

#[test]
fn wide() {
    check("time,a,b\n1,2,3\n2,4,5\n", &["a 1000 2", "b 1000 3", "a 2000 4", "b 2000 5"], &[]);
    check(
        "\u{feff}Date;a\r\n2026-01-01;1,5\r\n\r\n",
        &[],
        &["line 2, column 2: \"1,5\" is not a number; write a decimal"],
    );
    check("a\ttime\n5\t1\n", &["a 1000 5"], &[]);
    check("when,a\n2026-01-01 00:00:00.5,1\n", &["a 1767225600500 1"], &[]);
    check(",a\n1,1\n", &["a 1000 1"], &[]); // an index column without a name
    check("timestamp,value\n2026-01-01 00:00,7\n", &["value 1767225600000 7"], &[]);
    check("time,\"a,b\nc\"\n1,\"2\"\n", &["a,b\nc 1000 2"], &[]);
    check("t,200,404\n1,2,3\n", &["200 1000 2", "404 1000 3"], &[]); // numbers can be names
    check_with("a,at\n1,5\n", Options { time_column: Some("AT"), delimiter: None }, &["a 5000 1"], &[]);
    check_with("a|at\n1|5\n", Options { time_column: Some("at"), delimiter: Some(b'|') }, &["a 5000 1"], &[]);
}

#[test]
fn long() {
    check(
        "time,name,value,host\n1,cpu,2,a\n2,cpu,3,a\n2,cpu,4,\n2,mem,5,b\n",
        &[r#"cpu{host="a"} 1000 2"#, r#"cpu{host="a"} 2000 3"#, "cpu 2000 4", r#"mem{host="b"} 2000 5"#],
        &[],
    );
    check("Value,Metric,TS\n1.5,x,10\n", &["x 10000 1.5"], &[]);
    check("time,series,value\n1,,2\n1,a,2\n", &["a 1000 2"], &["line 2, column 2: the series has no name"]);
}

#[test]
fn gaps_are_counted() {
    let (samples, report, _) =
        read_all(b"time,a,b\n1,,NaN\n2,null,NA\n3,-nan, \n4,1,2\n", Options::default());
    assert_eq!((samples.len(), report.skipped, report.rejected), (2, 6, 0));
}

#[test]
fn a_bad_row_costs_only_itself() {
    check(
        "time,a,b\n1,2\n2,3,4,5\nx,1,1\n4,inf,oops\n5,1,2",
        &["a 5000 1", "b 5000 2"],
        &[
            "line 2: 2 cells",
            "line 3: 4 cells",
            "line 4, column 1: \"x\" is not a time",
            "line 5, column 2: inf is not a finite number",
            "line 5, column 3: \"oops\" is not a number",
        ],
    );
    let (samples, report, _) = read_all(b"time,a\n1,\xff\n\xff,1\n3,1", Options::default());
    assert_eq!((samples.len(), report.rejected), (1, 2));
}

#[test]
fn lines_are_counted() {
    let input = "time,a\r\n\r\n1,\"x\ny\"\r\n\n2,z\r\n3,w";
    let (_, report, _) = read_all(input.as_bytes(), Options::default());
    assert_eq!(report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [3, 6, 7]);
    let (_, report, _) = read_all(input.replace('\r', "").as_bytes(), Options::default());
    assert_eq!(report.problems.iter().map(|p| p.line).collect::<Vec<_>>(), [3, 6, 7]);
}

#[test]
fn first_rows_that_cannot_be_used() {
    #[track_caller]
    fn check(input: &[u8], expected: &str) {
        let (_, _, result) = read_all(input, Options::default());
        let message = result.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    check(b"", "no first row");
    check(b"\n\n", "no first row");
    check(b",,\n", "no first row");
    check(b"time\n1\n", "only one column");
    check(b"time,a,a\n", "two columns are called \"a\"");
    check(b"time,a,\n", "column 3 has no name");
    check(b"2026-01-01,5\n", "begins with the time");
    check(b"time,name,cpu\n", "no column called value");
    check(b"time,\xff\n", "not UTF-8");
    let (_, _, result) = read_all(b"a,b\n", Options { time_column: Some("c"), delimiter: None });
    assert_eq!(result.unwrap_err().to_string(), "line 1: there is no column \"c\"; the columns are a, b");
}

#[test]
fn a_row_without_an_end_is_given_up() {
    let input = format!("time,a\n1,2\n2,\"{}", "x\n".repeat(MAX_ROW_BYTES));
    let (samples, _, result) = read_all(input.as_bytes(), Options::default());
    assert_eq!(samples.len(), 1);
    assert!(matches!(result, Err(ReadError::RowTooLong { line: 2 })), "{result:?}");
}

#[test]
fn a_file_longer_than_a_row_may_be_is_read() {
    let input = format!("time,a\n{}", "1,2\n".repeat(MAX_ROW_BYTES / 3));
    let (samples, report, result) = read_all(input.as_bytes(), Options::default());
    result.unwrap();
    assert_eq!((samples.len(), report.rejected), (MAX_ROW_BYTES / 3, 0));
}

#[test]
fn labels_that_cannot_be_columns() {
    let key = |label: &str| SeriesKey::new("a", Labels::new([(label, "x")]));
    assert!(matches!(Writer::new(Vec::new(), [&key("Time")]), Err(WriteError::Unwritable { .. })));
    let mut writer = Writer::new(Vec::new(), [&key("b")]).unwrap();
    let result = writer.write(&key("c"), Sample::new(0, 1.0));
    assert!(matches!(result, Err(WriteError::NoColumn { .. })));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_all(&input, Options::default());
    }

    #[test]
    fn any_near_table_is_answered(rows in "(time|name|value|a|1|\"|,|;|\t|\r|\n|x|nan){0,60}") {
        let _ = read_all(format!("time,a\n{rows}").as_bytes(), Options::default());
        let _ = read_all(rows.as_bytes(), Options::default());
    }

    #[test]
    fn written_rows_read_back(
        name in "\\PC{1,8}",
        labels in proptest::collection::vec(("l[a-z]{1,3}", "[^\r]{0,6}"), 0..4),
        time_ms in lanner_core::time::MIN_TIME_MS..lanner_core::time::MAX_TIME_MS,
        value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO,
    ) {
        let key = SeriesKey::new(name, Labels::new(labels));
        let mut writer = Writer::new(Vec::new(), [&key]).unwrap();
        writer.write(&key, Sample::new(time_ms, value)).unwrap();
        let out = writer.finish().unwrap();
        let (samples, report, _) = read_all(&out, Options { time_column: None, delimiter: Some(b',') });
        prop_assert_eq!(samples, [(key, Sample::new(time_ms, value))], "{:?}", report.problems);
    }
}
