//! Inputs of every form, read whole.

use proptest::prelude::*;

use super::*;
use crate::format::named;
use crate::line_protocol::Precision;

/// All samples as `name{labels} time value`, and the problems.
fn read(text: &[u8], hints: Hints) -> Result<(Vec<String>, Vec<String>), TableError> {
    read_as(text, None, hints)
}

fn read_as(
    text: &[u8],
    format: Option<&'static Format>,
    hints: Hints,
) -> Result<(Vec<String>, Vec<String>), TableError> {
    let mut samples = Samples::open(text, &Options::default(), format, hints)?;
    let (mut row, mut found) = (Row::default(), Vec::new());
    while samples.next_row(&mut row)? {
        let keys = samples.keys(row.group);
        assert_eq!(keys.len(), row.values.len());
        found.extend(keys.iter().zip(&row.values).map(|(key, value)| format!("{key} {} {value}", row.at)));
    }
    Ok((found, samples.take_report().problems.iter().map(ToString::to_string).collect()))
}

#[track_caller]
fn check_with(text: &str, hints: Hints, expected: &[&str], problems: &[&str]) {
    let (found, told) = read(text.as_bytes(), hints).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(found, expected, "{text}");
    assert_eq!(told.len(), problems.len(), "{told:?}");
    for (told, expected) in told.iter().zip(problems) {
        assert!(told.starts_with(expected), "{told}");
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str], problems: &[&str]) {
    check_with(text, Hints::default(), expected, problems);
}

#[test]
fn the_same_samples_in_every_form() {
    let expected = [r#"cpu{host="a"} 1767225600000 1.5"#, r#"cpu{host="a"} 1767225660000 2"#];
    for text in [
        "time,name,value,host\n2026-01-01T00:00:00Z,cpu,1.5,a\n2026-01-01T00:01:00Z,cpu,2,a\n",
        "time,host,cpu\n2026-01-01,a,1.5\n2026-01-01 00:01,a,2\n",
        "cpu,host=a value=1.5 1767225600000000000\ncpu,host=a value=2 1767225660000000000\n",
        "# TYPE cpu gauge\ncpu{host=\"a\"} 1.5 1767225600000\ncpu{host=\"a\"} 2 1767225660000\n",
        "# TYPE cpu gauge\ncpu{host=\"a\"} 1.5 1767225600.0\ncpu{host=\"a\"} 2 1767225660\n# EOF\n",
        "{__name__=\"cpu\",host=\"a\"} 1.5 1767225600000\ncpu{host=\"a\"} 2 1767225660000\n",
        "{\"name\":\"cpu\",\"labels\":{\"host\":\"a\"},\"time\":1767225600000,\"value\":1.5}\n\
         {\"name\":\"cpu\",\"labels\":{\"host\":\"a\"},\"time\":\"2026-01-01T00:01:00Z\",\"value\":2}\n",
        r#"{"metric":{"__name__":"cpu","host":"a"},"values":[1.5,2],"timestamps":[1767225600000,1767225660000]}"#,
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"cpu","host":"a"},
            "values":[[1767225600,"1.5"],[1767225660,"2"]]}]}}"#,
        r#"{"results":[{"series":[{"name":"cpu","tags":{"host":"a"},"columns":["time","value","note"],
            "values":[["2026-01-01T00:00:00Z",1.5,"x"],[1767225660000,2,null]]}]}]}"#,
        r#"[{"time":"2026-01-01T00:00:00Z","host":"a","cpu":1.5},{"time":"2026-01-01T00:01:00Z","host":"a","cpu":2}]"#,
        "{\"time\":1767225600,\"host\":\"a\",\"cpu\":1.5}\n{\"cpu\":2,\"time\":1767225660,\"host\":\"a\"}\n",
        r#"{"data":{"rows":[{"time":"2026-01-01","host":"a","cpu":1.5},{"time":"2026-01-01 00:01","host":"a","cpu":2}]}}"#,
        r#"{"time":[1767225600,1767225660],"host":["a","a"],"cpu":[1.5,2]}"#,
        r#"{"columns":["time","host","cpu"],"index":[0,1],"data":[[1767225600000,"a",1.5],[1767225660000,"a",2]]}"#,
        r#"{"status":"ok","series":[{"metric":"cpu","host":"a","pointlist":[[1767225600000.0,1.5],[1767225660000.0,2]]}]}"#,
        r#"[{"metric":"cpu","tags":{"host":"a"},"dps":{"1767225600":1.5,"1767225660":2}}]"#,
        r#"{"hits":{"hits":[{"_id":"x","_source":{"@timestamp":"2026-01-01T00:00:00Z","host":"a","cpu":1.5}},
            {"_id":"y","_source":{"@timestamp":"2026-01-01T00:01:00Z","host":"a","cpu":2}}]}}"#,
    ] {
        check(text, &expected, &[]);
    }
    let nameless = ["value 1767225600000 1.5", "value 1767225660000 2"];
    check("[[1767225600000,1.5],[1767225660000,2]]", &nameless, &[]);
    check(r#"{"labels":["time","value"],"data":[[1767225600,1.5],[1767225660,2]]}"#, &nameless, &[]);
    check(r#"{"value":{"1767225600000":1.5,"1767225660000":2}}"#, &nameless, &[]);
    check(
        r#"{"Datapoints":[{"Timestamp":"2026-01-01T00:00:00Z","Average":1.5},{"Timestamp":"2026-01-01T00:01:00Z","Average":2}]}"#,
        &["Average 1767225600000 1.5", "Average 1767225660000 2"],
        &[],
    );
    check(
        r#"{"jsonrpc":"2.0","result":[{"itemid":"7","clock":"1767225600","value":"1.5"},{"itemid":"7","clock":"1767225660","value":"2"}]}"#,
        &[r#"value{itemid="7"} 1767225600000 1.5"#, r#"value{itemid="7"} 1767225660000 2"#],
        &[],
    );
    check(
        "cpu,1767225600,1767225720,60|1.5,None\nx\nmem,1767225600,1767225660,60|1",
        &["cpu 1767225600000 1.5", "cpu 1767225660000 NaN", "mem 1767225600000 1"],
        &["line 2: it is no target"],
    );
    check(
        r#"[{"target":"cpu","datapoints":[[1.5,1767225600],[null,1767225660]]}]"#,
        &["cpu 1767225600000 1.5", "cpu 1767225660000 NaN"],
        &[],
    );
}

#[test]
fn a_long_line_is_one_series() {
    let n = 20_000;
    let [values, times] = [0, 1].map(|at| {
        let numbers = (0..n).map(|row| if at == 0 { row % 7 } else { 1_767_225_600_000_i64 + row * 60_000 });
        numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
    });
    let line = format!(r#"{{"metric":{{"__name__":"cpu"}},"values":[{values}],"timestamps":[{times}]}}"#);
    let (found, problems) = read(format!("{line}\n{line}\n").as_bytes(), Hints::default()).unwrap();
    assert_eq!((found.len() as i64, problems.len()), (2 * n, 0));
}

#[test]
fn a_bad_line_costs_only_itself() {
    check(
        "up 1 1767225600000\nup one\nup{job} 1 1767225600000\nup 1\nup 0 1767225660000\n",
        &["up 1767225600000 1", "up 1767225660000 0"],
        &["line 2, column 4: \"one\"", "line 3: an equals sign", "line 4: the sample has no time"],
    );
    check(
        "a v=1 1000000\nb v=\na v=2 2000000\na v=3 3000000\nc v=1\n",
        &["a.v 1 1", "a.v 2 2", "a.v 3 3"],
        &["line 2", "line 5: the sample has no time"],
    );
    check(
        "{\"name\":\"a\",\"time\":1,\"value\":1}\n7\n{\"metric\":{},\"values\":[1],\"timestamps\":[]}\n",
        &["a 1 1"],
        &["line 2", "line 3: 1 values"],
    );
}

/// An input that fails after some bytes.
struct Cut<'a>(&'a [u8]);

impl Read for Cut<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() { Err(std::io::Error::other("cut")) } else { self.0.read(buffer) }
    }
}

#[test]
fn what_was_read_before_an_input_fails_counts() {
    #[track_caller]
    fn check(text: &str, expected: usize, line: u64) {
        let mut samples =
            Samples::open(Cut(text.as_bytes()), &Options::default(), None, Hints::default()).unwrap();
        let (mut row, mut n_rows) = (Row::default(), 0);
        let error = loop {
            match samples.next_row(&mut row) {
                Ok(true) => n_rows += 1,
                Ok(false) => panic!("{text}"),
                Err(error) => break error,
            }
        };
        assert_eq!((n_rows, error.to_string()), (expected, format!("after line {line}: cut")), "{text}");
    }
    check("time,a\n2026-01-01,1\n2026-01-02,2\n2026-0", 2, 3);
    check("up 1 1767225600000\nup 1 1767225660000\nup 1 17", 2, 2);
    check("a v=1 1000000\na v=1 2000000\na v", 2, 2);
    assert!(Samples::open(Cut(b""), &Options::default(), None, Hints::default()).is_err());
}

#[test]
fn hints_decide_what_is_open() {
    let hints = Hints { received_ms: Some(7), precision: Precision::Seconds };
    check_with("up 1\n", hints, &["up 7 1"], &[]);
    check_with("a v=1 2\na v=2\n", hints, &["a.v 2000 1", "a.v 7 2"], &[]);
    let table = read_as(b"cpu v=1 1\ntime\n3\n4\n5\n", named("csv"), Hints::default()).unwrap();
    assert_eq!(table.0, ["cpu v=1 1 3 3", "cpu v=1 1 4 4", "cpu v=1 1 5 5"]);
    let refused = read_as(b"a\n", named("text"), Hints::default()).unwrap_err();
    assert_eq!(refused.to_string(), "cannot be read as samples in the format text, which holds events");
}

#[test]
fn documents_that_cannot_be_read_say_why() {
    #[track_caller]
    fn check(text: &str, part: &str) {
        let error = read(text.as_bytes(), Hints::default()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
        assert!(error.hint().is_some());
    }
    check(
        "{\"status\":\"error\",\"errorType\":\"timeout\",\"error\":\"too slow\"}",
        "with an error: too slow",
    );
    check("{\"results\":[{\"statement_id\":0,\"error\":\"database not found\"}]}", "database not found");
    check("[]", "no objects");
    check("[1, 2]", "invalid type");
    check("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{}", "EOF");
    check("[{\"a\":\"x\"},{\"a\":\"y\"}]", "no column of numbers");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&input, Hints::default());
    }

    #[test]
    fn anything_like_json_is_answered(text in "([\\[\\]{}:,]|\"(metric|values|datapoints|results|series|time|columns)\"|1|null|\"x\"){0,30}") {
        let _ = read(text.as_bytes(), Hints::default());
    }
}
