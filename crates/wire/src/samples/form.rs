//! Which form samples are in, judged by the start of the text.

use crate::line_protocol::{self, Precision};
use crate::prometheus::{series_key, text};
use crate::table::start::is_json;
use crate::{Report, ndjson};

/// So many lines are looked at.
const MAX_LINES: usize = 20;

/// A form in which samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Cells separated by comma, semicolon, tab or `|`.
    Table,
    /// Influx line protocol.
    Line,
    /// Prometheus's text format, OpenMetrics.
    Prometheus,
    /// Lanner's own export, or that of VictoriaMetrics: an object a line.
    Ndjson,
    /// A document: an answer of Prometheus, Graphite or InfluxDB, or a list of flat objects.
    Json,
}

/// What the user says beside the options of tables.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints {
    /// The form; found, if absent.
    pub form: Option<Form>,
    /// The unit of the times of line protocol.
    pub precision: Precision,
    /// The time of samples without one, milliseconds since 1970; they are refused, if absent.
    pub received_ms: Option<i64>,
}

impl Form {
    /// The form that the text begins in; a table, if nothing else fits.
    ///
    /// ```
    /// use lanner_wire::samples::Form;
    /// assert_eq!(Form::of(b"time,value\n2026-01-01,1\n"), Form::Table);
    /// assert_eq!(Form::of(b"cpu,host=a usage=1 1767225600000000000\n"), Form::Line);
    /// assert_eq!(Form::of(b"# TYPE up gauge\nup 1 1767225600000\n"), Form::Prometheus);
    /// ```
    #[must_use]
    pub fn of(start: &[u8]) -> Self {
        let lines: Vec<&str> = first_lines(start);
        if is_json(start) {
            // A line of VictoriaMetrics' holds a whole series, and may be longer than the start.
            let is_line = start.trim_ascii_start().starts_with(b"{\"metric\":")
                || lines.first().is_some_and(|line| is_own(line));
            return if is_line { Self::Ndjson } else { Self::Json };
        }
        let data: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with('#')).collect();
        let are_most = |is_one: fn(&str) -> bool| {
            let count = data.iter().filter(|line| is_one(line)).count();
            count > 0 && count * 2 > data.len()
        };
        if are_most(is_line_protocol) {
            Self::Line
        } else if are_most(is_prometheus) {
            Self::Prometheus
        } else {
            Self::Table
        }
    }
}

/// The first lines that are whole and not empty.
fn first_lines(start: &[u8]) -> Vec<&str> {
    let is_cut = start.len() >= 64 * 1024;
    let n_whole = start.iter().filter(|byte| **byte == b'\n').count() + usize::from(!is_cut);
    start
        .split(|byte| *byte == b'\n')
        .take(n_whole)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(MAX_LINES)
        .collect()
}

fn is_own(line: &str) -> bool {
    let mut report = Report::default();
    // Reading a slice cannot fail.
    let _ = ndjson::read(line.as_bytes(), &mut report, |_, _| Ok(()));
    report.rejected == 0
}

fn is_line_protocol(line: &str) -> bool {
    let (mut report, mut has_fields) = (Report::default(), false);
    let options = line_protocol::Options { precision: Precision::Nanoseconds, received_ms: 0 };
    line_protocol::parse(line.as_bytes(), options, &mut report, |_| {
        has_fields = true;
        Ok(())
    });
    report.rejected == 0 && (has_fields || report.skipped > 0)
}

fn is_prometheus(line: &str) -> bool {
    let Ok(Some(sample)) = text::sample(line) else { return false };
    let series = sample.raw_series;
    // A row of a table with a comma as separator has no braces around it.
    let is_row = series.contains(',') && !series.contains('{');
    let begins_like_name = series.starts_with(|c: char| c.is_alphabetic() || "_:{".contains(c));
    begins_like_name && !is_row && series_key(series).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        #[track_caller]
        fn check(start: &str, expected: Form) {
            assert_eq!(Form::of(start.as_bytes()), expected, "{start}");
        }
        check("", Form::Table);
        check("time,a\n2026-01-01 00:00:00,2\n", Form::Table);
        check("Zeit;Last\n01.01.2026 00:00;2,5\n", Form::Table);
        check("time value\n1767225600 1\n", Form::Table);
        check(
            "#group,false\n#datatype,string\n#default,x\n,result,_time,_value\n,,2026-01-01,1\n",
            Form::Table,
        );
        check("1767225600 1\n1767225660 2\n", Form::Table);
        check("# DDL\nCREATE DATABASE x\n# DML\ncpu,host=a v=1 1\ncpu,host=b v=2 1\n", Form::Line);
        check("cpu v=\"a text\" 1\n", Form::Line);
        check("# HELP up x\n# TYPE up gauge\nup 1 1767225600000\n# EOF\n", Form::Prometheus);
        check("up{job=\"a, b\"} 1 1767225600000\n", Form::Prometheus);
        check("{__name__=\"up\",job=\"a\"} 1 1767225600000\n", Form::Prometheus);
        check(r#"{"name":"a","time":1,"value":2}"#, Form::Ndjson);
        check(r#"{"metric":{"__name__":"a"},"values":[1],"timestamps":[1]}"#, Form::Ndjson);
        check(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, Form::Json);
        check(r#"[{"target":"a","datapoints":[]}]"#, Form::Json);
        check(r#"[{"time":1,"a":2}]"#, Form::Json);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_answered(start in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = Form::of(&start);
        }
    }
}
