//! Known incidents, against which findings and rules are evaluated.
//!
//! Three forms are read: a table of `from,to` times; a table of times, each with a mark of 0 or 1 or without one; JSON
//! as the Numenta Anomaly Benchmark has it, `{"folder/file.csv": [["from", "to"], …], …}`, or only the list. In a list
//! may also stand objects with `start`, `end` and, for rules, `labels`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use csv::ByteRecord;
use lanner_wire::api::{Incident, Time};
use lanner_wire::instant;
use lanner_wire::table::rows::{RowReader, cell as bytes_of};
use lanner_wire::table::{mark, start, times_of};
use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::tables::TableArgs;

/// A file of incidents is read whole; larger ones are something else.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Incidents, in order and apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Incidents {
    /// The first and the last moment of each, in milliseconds since 1970.
    pub(super) spans: Vec<(i64, i64)>,
}

impl Incidents {
    fn new(mut spans: Vec<(i64, i64)>) -> Self {
        spans.sort_unstable();
        let mut apart: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
        for (from, to) in spans {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        Self { spans: apart }
    }

    /// Whether something was wrong at that time.
    pub(super) fn contain(&self, time_ms: i64) -> bool {
        let after = self.spans.partition_point(|(from, _)| *from <= time_ms);
        after.checked_sub(1).is_some_and(|at| time_ms <= self.spans[at].1)
    }
}

/// Reads the incidents of the table `table` from a file; dates are written as in the table.
pub(super) fn load(path: &Path, table: &str, args: &TableArgs) -> Result<Incidents> {
    read(path, |text| if is_json(text) { from_json(text, table) } else { from_table(text, args) })
        .map(Incidents::new)
}

/// Reads the incidents of rules from a file; where JSON names tables, these are the ids of rules.
pub(in crate::commands) fn load_of_rules(path: &Path) -> Result<Vec<Incident>> {
    read(path, |text| {
        if is_json(text) { of_rules(text) } else { Ok(everywhere(from_table(text, &TableArgs::default())?)) }
    })
}

fn is_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Reads a file with `parse`, and says which one it was when it cannot be read.
fn read<T>(path: &Path, parse: impl FnOnce(&[u8]) -> std::result::Result<T, String>) -> Result<T> {
    let failed = |error: &std::io::Error| Failure::file("read", path, error);
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| failed(&error))?;
    let name = path.display();
    if text.len() as u64 > MAX_BYTES {
        return Err(Failure::user(format!("{name} is larger than 64 MiB; is it a list of incidents?")));
    }
    parse(&text).map_err(|why| {
        Failure::user(format!("{name}: {why}")).hint(
            "incidents are a table of from,to times, or JSON such as {\"file.csv\": [[\"from\", \"to\"]]}",
        )
    })
}

type Spans = std::result::Result<Vec<(i64, i64)>, String>;

fn from_table(text: &[u8], args: &TableArgs) -> Spans {
    let rows = cells_of(text)?;
    let n_columns = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let mut times = Vec::new();
    for at in 0..n_columns {
        let cells: Vec<&str> =
            rows.iter().map(|(_, cells)| cells.get(at).map_or("", String::as_str)).collect();
        let found = times_of(&cells, args.date_order(), args.time_zone.as_ref());
        times.extend(found.map_err(|error| error.to_string())?.map(|found| (at, found)));
    }
    let mut spans = Vec::new();
    for (index, (line, cells)) in rows.iter().enumerate() {
        let found: Vec<i64> = times.iter().filter_map(|(_, found)| found[index]).collect();
        match found[..] {
            [from, to, ..] if from <= to => spans.push((from, to)),
            [_, _, ..] => return Err(format!("line {line}: it ends before it begins")),
            [time] => {
                let is_time = |at: &usize| times.iter().any(|(time_at, _)| time_at == at);
                let mut others = cells.iter().enumerate().filter(|(at, _)| !is_time(at));
                let is_marked = others.find_map(|(_, cell)| mark(cell)).unwrap_or(true);
                spans.extend(is_marked.then_some((time, time)));
            }
            [] if index == 0 => {}
            [] => return Err(format!("line {line}: there is no time in it: \"{}\"", cells.join(" "))),
        }
    }
    Ok(spans)
}

type Rows = Vec<(u64, Vec<String>)>;

/// All rows that are not empty, each with its line.
fn cells_of(text: &[u8]) -> std::result::Result<Rows, String> {
    let mut reader = RowReader::new(text, start::delimiter(text));
    let (mut row, mut rows) = (ByteRecord::new(), Vec::new());
    while let Some(line) = reader.next_row(&mut row).map_err(|error| error.to_string())? {
        let text = |at| String::from_utf8_lossy(bytes_of(&row, at)).trim_start_matches('\u{feff}').to_owned();
        let cells: Vec<String> = (0..row.len()).map(text).collect();
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            rows.push((line, cells));
        }
    }
    Ok(rows)
}

fn from_json(text: &[u8], table: &str) -> Spans {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let list = match &value {
        Value::Object(files) => {
            let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
            let table = table.strip_suffix(".gz").unwrap_or(table);
            let same = files.iter().filter(|(key, _)| file(key) == file(table));
            // Folders may have files of the same name.
            let best = same.max_by_key(|(key, _)| table.ends_with(key.as_str()));
            best.map(|(_, list)| list).ok_or_else(|| format!("it does not name {}", file(table)))?
        }
        list => list,
    };
    spans(list)
}

/// The incidents in a list.
fn spans(list: &Value) -> Spans {
    list.as_array().ok_or("it holds no list of incidents")?.iter().map(span).collect()
}

fn span(value: &Value) -> std::result::Result<(i64, i64), String> {
    let time = |value: &Value| match value {
        Value::String(text) => time_in(text),
        value => instant::from_json(value),
    };
    let pair: Option<Vec<&Value>> = match value {
        Value::Array(pair) => Some(pair.iter().collect()),
        Value::Object(fields) => Some(["start", "end"].iter().filter_map(|name| fields.get(*name)).collect()),
        _ => None,
    };
    match pair.as_deref() {
        Some([from, to]) => match (time(from)?, time(to)?) {
            (from, to) if from <= to => Ok((from, to)),
            _ => Err(format!("{value} ends before it begins")),
        },
        Some(_) => Err(format!("{value} is not a pair of times")),
        None => time(value).map(|time| (time, time)),
    }
}

/// A time that stands alone.
fn time_in(text: &str) -> std::result::Result<i64, String> {
    let found = times_of(&[text], None, None).map_err(|error| error.to_string())?;
    found.and_then(|found| found[0]).ok_or_else(|| format!("\"{text}\" is not a time"))
}

fn of_rules(text: &[u8]) -> std::result::Result<Vec<Incident>, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let Value::Object(rules) = &value else {
        let mut incidents = everywhere(spans(&value)?);
        for (incident, written) in incidents.iter_mut().zip(value.as_array().into_iter().flatten()) {
            let labels = written.get("labels").and_then(Value::as_object).into_iter().flatten();
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            incident.labels = labels.map(|(name, value)| (name.clone(), text(value))).collect();
        }
        return Ok(incidents);
    };
    let mut all = Vec::new();
    for (rule, list) in rules {
        let mut incidents = everywhere(spans(list)?);
        for incident in &mut incidents {
            incident.labels.insert("rule".to_owned(), rule.clone());
        }
        all.extend(incidents);
    }
    Ok(all)
}

/// Incidents that concern everything.
fn everywhere(spans: Vec<(i64, i64)>) -> Vec<Incident> {
    let incident = |(from, to)| Incident { start: Time(from), end: Time(to), labels: BTreeMap::new() };
    spans.into_iter().map(incident).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const NEW_YEAR: i64 = 1_767_225_600_000;

    #[test]
    fn forms() {
        #[track_caller]
        fn check(text: &str, expected: &[(i64, i64)]) {
            let is_json = text.starts_with(['{', '[']);
            let spans = if is_json {
                from_json(text.as_bytes(), "data/a.csv.gz")
            } else {
                from_table(text.as_bytes(), &TableArgs::default())
            };
            let days = |spans: Vec<(i64, i64)>| -> Vec<(i64, i64)> {
                spans
                    .iter()
                    .map(|(from, to)| ((from - NEW_YEAR) / DAY_MS, (to - NEW_YEAR) / DAY_MS))
                    .collect()
            };
            assert_eq!(spans.map(days).as_deref(), Ok(expected), "{text}");
        }
        check("from,to\n2026-01-02,2026-01-03\n", &[(1, 2)]);
        check("2026-01-02 00:00;2026-01-03 00:00", &[(1, 2)]);
        check("what,from,to\ndeploy,2026-01-02,2026-01-03\n", &[(1, 2)]);
        check("time,is_anomaly\n2026-01-01,0\n2026-01-02,1\n", &[(1, 1)]);
        check("2026-01-02\n2026-01-05\n", &[(1, 1), (4, 4)]);
        check(r#"{"x/b.csv": [], "y/a.csv": [["2026-01-02", "2026-01-03"]]}"#, &[(1, 2)]);
        check(r#"{"x/a.csv": [], "data/a.csv": ["2026-01-02"]}"#, &[(1, 1)]);
        check(r#"[["2026-01-02 00:00:00.000000", 1767398400]]"#, &[(1, 2)]);
    }

    #[test]
    fn rules_have_incidents_of_their_own() {
        #[track_caller]
        fn check(text: &str, expected: &[&str]) {
            let shown =
                |it: &Incident| format!("{} {} {:?}", it.start.0 / DAY_MS, it.end.0 / DAY_MS, it.labels);
            let found = of_rules(text.as_bytes()).unwrap();
            assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
        }
        check(r#"[["1970-01-02", "1970-01-04"], 432000]"#, &["1 3 {}", "5 5 {}"]);
        check(r#"{"floor": [["1970-01-02", "1970-01-04"]]}"#, &[r#"1 3 {"rule": "floor"}"#]);
        let labelled = r#"[{"start": "1970-01-02", "end": "1970-01-04", "labels": {"bank": "hsbc"}}]"#;
        check(labelled, &[r#"1 3 {"bank": "hsbc"}"#]);
        assert!(of_rules(br#"[{"start": "1970-01-02"}]"#).unwrap_err().contains("not a pair"));
    }

    #[test]
    fn mistakes() {
        assert!(
            from_table(b"from,to\n2026-01-03,2026-01-02\n", &TableArgs::default())
                .unwrap_err()
                .contains("line 2")
        );
        assert!(from_table(b"a\nb\n", &TableArgs::default()).unwrap_err().contains("line 2"));
        assert!(from_json(b"{\"b.csv\": []}", "a.csv").unwrap_err().contains("a.csv"));
        assert!(from_json(b"[[1]]", "a.csv").is_err());
        assert!(from_json(b"{", "a.csv").is_err());
    }

    #[test]
    fn incidents_that_touch_are_one() {
        let incidents = Incidents::new(vec![(5, 7), (1, 2), (6, 9)]);
        assert_eq!(incidents.spans, [(1, 2), (5, 9)]);
        assert_eq!(
            [0, 1, 2, 3, 5, 9, 10].map(|at| incidents.contain(at)),
            [false, true, true, false, true, true, false]
        );
    }

    proptest! {
        #[test]
        fn anything_may_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (from_table(&bytes, &TableArgs::default()), from_json(&bytes, "a.csv"), of_rules(&bytes));
        }
    }
}
