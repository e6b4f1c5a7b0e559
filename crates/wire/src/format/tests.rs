//! What is told by the start of a file.

use super::*;

#[test]
fn formats_are_told_by_their_start() {
    #[track_caller]
    fn check(start: &str, expected: &str) {
        assert_eq!(of_samples(start.as_bytes()).name, expected, "{start}");
    }
    check("", "csv");
    check("time,a\n2026-01-01 00:00:00,2\n", "csv");
    check("Zeit;Last\n01.01.2026 00:00;2,5\n", "csv");
    check("time value\n1767225600 1\n", "csv");
    check("#group,false\n#datatype,string\n#default,x\n,result,_time,_value\n,,2026-01-01,1\n", "csv");
    check("1767225600 1\n1767225660 2\n", "csv");
    check("# DDL\nCREATE DATABASE x\n# DML\ncpu,host=a v=1 1\ncpu,host=b v=2 1\n", "line");
    check("cpu v=\"a text\" 1\n", "line");
    check("# HELP up x\n# TYPE up gauge\nup 1 1767225600000\n# EOF\n", "prometheus");
    check("up{job=\"a, b\"} 1 1767225600000\n", "prometheus");
    check("{__name__=\"up\",job=\"a\"} 1 1767225600000\n", "prometheus");
    check("a.b,1767225600,1767225720,60|1.0,None\n", "raw");
    check("alias(a.b, \"x, y\"),1767225600,1767225720,60|1.0,None", "raw");
    check("a,1,2|b,3\n", "csv");
    check(r#"{"name":"a","time":1,"value":2}"#, "ndjson");
    check(r#"{"metric":{"__name__":"a"},"values":[1],"timestamps":[1]}"#, "ndjson");
    check(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, "json");
    check(r#"[{"target":"a","datapoints":[]}]"#, "json");
    check(r#"[{"time":1,"a":2}]"#, "json");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_answered(start in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = of_samples(&start);
    }
}
