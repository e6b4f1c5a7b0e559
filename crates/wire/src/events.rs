//! Events: one JSON object, an array of them, or one after the other as in NDJSON.
//!
//! Reading order: [`parse`], [`RawEvent`], then the reader. Each event is delivered twice over: as the compact
//! JSON text that a store keeps, numbers exactly as written, and as the parsed object that measures count.
//!
//! Time: the field that [`Options`] names, else the first of [`TIME_FIELDS`] that is there, read by
//! [`crate::instant`]; an event without one happened when it was received. A time that cannot be read
//! refuses the event: keeping it under the wrong time would be worse than saying so.
//!
//! Where reading goes on after a bad event: behind it, when its brackets match; otherwise, in NDJSON, at the next
//! line that begins with `{`. In an array nothing can be told about what follows unmatched brackets.

pub use lanner_core::event::MAX_EVENT_BYTES;
use lanner_core::event::lookup;
use lanner_core::time::format_time;
use serde_json::{Map, Value};

use crate::json_text::{Endless, compact_into, extent};
use crate::{Report, instant, object};

/// Where an event's time is looked for, the first one that is there and not null.
pub const TIME_FIELDS: [&str; 5] = [EXPORTED_TIME, "time", "timestamp", "@timestamp", "ts"];

/// The field in which an export gives the time of an event that does not tell it itself.
const EXPORTED_TIME: &str = "_time";

/// How events are to be read.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The field that holds the time, instead of [`TIME_FIELDS`]; a dotted path reaches into objects.
    pub time_field: Option<&'a str>,
    /// The time of events without one, milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// The names, sorted, of the fields that [`RawEvent::fields`] is to hold; `None` for all.
    pub wanted: Option<&'a [Box<str>]>,
}

impl Options<'_> {
    /// Whether a field of the object is needed, for its time or by the caller.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        let Some(wanted) = self.wanted else { return true };
        let is_time = match self.time_field {
            None => TIME_FIELDS.contains(&name),
            Some(path) => {
                path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
        };
        is_time || wanted.binary_search_by(|other| (**other).cmp(name)).is_ok()
    }
}

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct RawEvent<'a> {
    /// Milliseconds since the Unix epoch, rounded down.
    pub time_ms: i64,
    /// The object as written, without the white space between its parts.
    pub json: &'a str,
    /// The object parsed, at least the fields that are wanted; of a field given twice the last one counts.
    pub fields: Map<String, Value>,
}

/// Reads events, calling `on_event` for each good one.
///
/// A bad event, or one for which `on_event` returns a reason, is counted and explained in `report`. Lines and
/// columns (in bytes) are those of `body`. Cost: O(length).
///
/// ```
/// use lanner_wire::{Report, events};
/// let body = br#"{"time":"2026-01-01T00:00:00Z", "bank":"hsbc"}
/// {"ts":1767225601.5,"bank":"ing"}
/// {"bank":}
/// "#;
/// let mut report = Report::default();
/// let mut seen = Vec::new();
/// events::parse(body, events::Options { time_field: None, received_ms: 0, wanted: None }, &mut report, |event| {
///     seen.push((event.time_ms, event.json.len()));
///     Ok(())
/// });
/// assert_eq!(seen, [(1_767_225_600_000, 45), (1_767_225_601_500, 32)]);
/// assert_eq!((report.rejected, report.problems[0].line), (1, 3));
/// ```
pub fn parse(
    body: &[u8],
    options: Options<'_>,
    report: &mut Report,
    mut on_event: impl FnMut(RawEvent<'_>) -> Result<(), String>,
) {
    read_all(body, options, report, &mut on_event);
}

/// Appends an event as a line. [`parse`] with no field named reads the same time and fields back: an event whose text
/// does not tell its time, since it had none or had it elsewhere, is given the field `_time`, the last of its fields.
///
/// ```
/// let mut out = Vec::new();
/// lanner_wire::events::write(&mut out, 1_500, br#"{"bank":"hsbc"}"#);
/// lanner_wire::events::write(&mut out, 1_500, br#"{"ts":1.5,"bank":"ing"}"#);
/// let lines = "{\"bank\":\"hsbc\",\"_time\":\"1970-01-01T00:00:01.5Z\"}\n{\"ts\":1.5,\"bank\":\"ing\"}\n";
/// assert_eq!(String::from_utf8_lossy(&out), lines);
/// ```
pub fn write(out: &mut Vec<u8>, time_ms: i64, json: &[u8]) {
    // A text without a time would get this one.
    let options = Options { time_field: None, received_ms: time_ms.wrapping_add(1), wanted: Some(&[]) };
    let tells = read(json, options).is_ok_and(|(_, told_ms, _)| told_ms == time_ms);
    match json.strip_suffix(b"}") {
        Some(open) if !tells => {
            out.extend_from_slice(open);
            if open != b"{" {
                out.push(b',');
            }
            out.extend_from_slice(format!("\"{EXPORTED_TIME}\":\"{}\"}}", format_time(time_ms)).as_bytes());
        }
        _ => out.extend_from_slice(json),
    }
    out.push(b'\n');
}

/// What is called for each good event; `dyn`, so that the code that reads is made here, once, and for speed.
type OnEvent<'a> = &'a mut dyn FnMut(RawEvent<'_>) -> Result<(), String>;

fn read_all(body: &[u8], options: Options<'_>, report: &mut Report, on_event: OnEvent<'_>) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut reader = Reader {
        bytes: body,
        at: 0,
        line: 1,
        line_start: 0,
        options,
        report,
        on_event,
        compact: String::new(),
    };
    reader.skip_space();
    if reader.peek() == Some(b'[') { reader.array() } else { reader.objects() }
}

/// What is wrong with an event, and where if not at its start: line and column counted from 1.
struct Fault {
    within: Option<(usize, usize)>,
    message: String,
}

struct Reader<'b, 'o> {
    bytes: &'b [u8],
    at: usize,
    /// The line of `at`, from 1.
    line: u64,
    /// Where that line begins.
    line_start: usize,
    options: Options<'o>,
    report: &'o mut Report,
    on_event: OnEvent<'o>,
    /// Reused for events written with white space.
    compact: String,
}

impl Reader<'_, '_> {
    /// Objects one after the other, each perhaps over several lines.
    fn objects(&mut self) {
        while let Some(first) = self.peek() {
            if first != b'{' {
                self.reject("an event must be an object; write {\"field\": ...}");
                self.skip_line();
            } else {
                match extent(self.bytes, self.at, MAX_EVENT_BYTES) {
                    Ok(found) => {
                        if self.event(found.end, found.is_spaced) || self.is_one_line(found.end) {
                            self.advance_to(found.end);
                        } else {
                            self.skip_to_object();
                        }
                    }
                    Err(error) => {
                        self.reject(error);
                        self.skip_to_object();
                    }
                }
            }
            self.skip_space();
        }
    }

    /// `[object, object, ...]`.
    fn array(&mut self) {
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek() {
                None => return self.reject("the array is not closed; what was sent may have been cut off"),
                Some(b']') => break,
                Some(b'}') => return self.reject("a closing brace too many; the rest was not read"),
                Some(b',') => self.at += 1,
                Some(_) => match extent(self.bytes, self.at, MAX_EVENT_BYTES) {
                    Ok(found) => {
                        self.event(found.end, found.is_spaced);
                        self.advance_to(found.end);
                    }
                    Err(error @ Endless::TooDeep) => {
                        return self.reject(format!("{error}; the rest of the array was not read"));
                    }
                    Err(error) => return self.reject(format!("{error}; the rest of the array was not read")),
                },
            }
        }
        self.at += 1;
        self.skip_space();
        if self.peek().is_some() {
            self.reject("there is something after the array; send events one a line, or all in one array");
        }
    }

    /// Delivers what lies from here to `end`; whether it was an event.
    fn event(&mut self, end: usize, is_spaced: bool) -> bool {
        let bytes = &self.bytes[self.at..end];
        let (json, time_ms, fields) = match read(bytes, self.options) {
            Ok(parts) => parts,
            Err(fault) => {
                let column = (self.at - self.line_start) as u64;
                let (line, column) = match fault.within {
                    Some((0 | 1, within)) => (self.line, column + within as u64),
                    Some((line, within)) => (self.line + line as u64 - 1, within as u64),
                    None => (self.line, column + 1),
                };
                self.report.reject(line, Some(column.max(1)), fault.message);
                return false;
            }
        };
        let json = if is_spaced {
            self.compact.clear();
            compact_into(&mut self.compact, json);
            &self.compact
        } else {
            json
        };
        match (self.on_event)(RawEvent { time_ms, json, fields }) {
            Ok(()) => self.report.accepted += 1,
            Err(reason) => self.reject(reason),
        }
        true
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn reject(&mut self, message: impl std::fmt::Display) {
        let column = (self.at - self.line_start) as u64 + 1;
        self.report.reject(self.line, Some(column), message);
    }

    /// Moves on, counting lines.
    fn advance_to(&mut self, to: usize) {
        for length in memchr::memchr_iter(b'\n', &self.bytes[self.at..to]) {
            self.line += 1;
            self.line_start = self.at + length + 1;
        }
        self.at = to;
    }

    fn skip_space(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.advance_to(self.at + length);
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.advance_to(self.at + memchr::memchr(b'\n', rest).map_or(rest.len(), |length| length + 1));
    }

    /// Moves to the next line that begins with an object: the lines between belong to the bad one.
    fn skip_to_object(&mut self) {
        self.skip_line();
        while self.peek().is_some_and(|first| first != b'{') {
            self.skip_line();
        }
    }

    fn is_one_line(&self, end: usize) -> bool {
        memchr::memchr(b'\n', &self.bytes[self.at..end]).is_none()
    }
}

fn read<'a>(bytes: &'a [u8], options: Options<'_>) -> Result<(&'a str, i64, Map<String, Value>), Fault> {
    let plain = |message: &str| Fault { within: None, message: message.to_owned() };
    let json = std::str::from_utf8(bytes).map_err(|error| Fault {
        within: Some((1, error.valid_up_to() + 1)),
        message: "not UTF-8 text".into(),
    })?;
    if !json.starts_with('{') {
        return Err(plain("an event must be an object; write {\"field\": ...}"));
    }
    let fields = object::read(json, |name| options.keeps(name)).map_err(|error| Fault {
        within: Some((error.line(), error.column())),
        message: json_message(&error),
    })?;
    let time_ms = time_of(&fields, options)
        .map_err(|(field, why)| Fault { within: None, message: format!("field {field}: {why}") })?;
    Ok((json, time_ms, fields))
}

fn time_of<'a>(fields: &Map<String, Value>, options: Options<'a>) -> Result<i64, (&'a str, String)> {
    let found = match options.time_field {
        Some(name) => lookup(fields, name).map(|value| (name, value)),
        None => TIME_FIELDS
            .iter()
            .filter_map(|name| Some((*name, fields.get(*name)?)))
            .find(|(_, value)| !value.is_null()),
    };
    match found {
        None | Some((_, Value::Null)) => Ok(options.received_ms),
        Some((name, value)) => instant::from_json(value).map_err(|why| (name, why)),
    }
}

/// The parser's reason without its own position, which counts from the event's start.
pub(crate) fn json_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OPTIONS: Options<'_> = Options { time_field: None, received_ms: 42, wanted: None };

    fn read_all(body: &[u8], options: Options<'_>) -> (Vec<(i64, String)>, Report) {
        let mut report = Report::default();
        let mut events = Vec::new();
        parse(body, options, &mut report, |event| {
            let again: Map<String, Value> = serde_json::from_str(event.json).unwrap();
            assert_eq!(again, event.fields);
            events.push((event.time_ms, event.json.to_owned()));
            Ok(())
        });
        assert_eq!(report.accepted, events.len() as u64);
        (events, report)
    }

    /// `problems` are written `line:column`.
    #[track_caller]
    fn check(body: &str, events: &[&str], problems: &[&str]) {
        let (actual, report) = read_all(body.as_bytes(), OPTIONS);
        assert_eq!(actual.iter().map(|(_, json)| json).collect::<Vec<_>>(), events, "{body}");
        let places: Vec<String> =
            report.problems.iter().map(|p| format!("{}:{}", p.line, p.column.unwrap_or_default())).collect();
        assert_eq!(places, problems, "{body}: {:?}", report.problems);
        assert_eq!(report.rejected, problems.len() as u64);
    }

    #[test]
    fn exported_events_keep_their_time() {
        #[track_caller]
        fn check(time_ms: i64, json: &str, line: &str) {
            let mut out = Vec::new();
            write(&mut out, time_ms, json.as_bytes());
            assert_eq!(String::from_utf8_lossy(&out), format!("{line}\n"));
            let (read, report) = read_all(&out, OPTIONS);
            assert_eq!((report.rejected, read.as_slice()), (0, &[(time_ms, line.to_owned())][..]));
        }
        let told = "\"_time\":\"2026-01-01T00:00:00Z\"";
        let t = 1_767_225_600_000;
        check(t, "{}", &format!("{{{told}}}"));
        check(t, r#"{"a":1}"#, &format!(r#"{{"a":1,{told}}}"#));
        check(t, r#"{"time":"2026-01-01T00:00:00Z"}"#, r#"{"time":"2026-01-01T00:00:00Z"}"#);
        check(t, r#"{"ts":1767225600}"#, r#"{"ts":1767225600}"#);
        // The time that counted stood elsewhere.
        check(t, r#"{"time":1,"made":1767225600}"#, &format!(r#"{{"time":1,"made":1767225600,{told}}}"#));
        check(t, r#"{"time":"soon"}"#, &format!(r#"{{"time":"soon",{told}}}"#));
        check(t, r#"{"_time":"x","a":1}"#, &format!(r#"{{"_time":"x","a":1,{told}}}"#));
        check(t, r#"{"time":null}"#, &format!(r#"{{"time":null,{told}}}"#));
    }

    proptest! {
        #[test]
        fn any_exported_event_reads_back(
            time_ms in lanner_core::time::MIN_TIME_MS..lanner_core::time::MAX_TIME_MS,
            fields in proptest::collection::vec(
                (prop_oneof![proptest::sample::select(&TIME_FIELDS[..]).prop_map(str::to_owned), ".{0,6}"],
                 prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), any::<f64>().prop_map(Value::from), ".{0,9}".prop_map(Value::from)]),
                0..6),
        ) {
            let fields: Map<String, Value> = fields.into_iter().collect();
            let json = Value::Object(fields.clone()).to_string();
            let mut out = Vec::new();
            write(&mut out, time_ms, json.as_bytes());
            let (read, report) = read_all(&out, OPTIONS);
            prop_assert_eq!((report.rejected, read.len(), read[0].0), (0, 1, time_ms));
            let mut again: Map<String, Value> = serde_json::from_str(&read[0].1).unwrap();
            if json != read[0].1 {
                again.remove(EXPORTED_TIME);
                let mut fields = fields;
                fields.remove(EXPORTED_TIME);
                prop_assert_eq!(again, fields);
            }
            // What was read back is exported the same.
            let mut twice = Vec::new();
            write(&mut twice, read[0].0, read[0].1.as_bytes());
            prop_assert_eq!(twice, out);
        }
    }

    #[test]
    fn shapes() {
        check("", &[], &[]);
        check(" \r\n", &[], &[]);
        check("{}", &["{}"], &[]);
        check("\u{feff}{}", &["{}"], &[]);
        check("{\"a\":1}\r\n\n{\"a\":2}\n", &[r#"{"a":1}"#, r#"{"a":2}"#], &[]);
        check("{ \"a\" : \"b  c\",\n  \"n\": 1.0 }\n{}", &[r#"{"a":"b  c","n":1.0}"#, "{}"], &[]);
        check("{}{} {}", &["{}"; 3], &[]);
        check("[]", &[], &[]);
        check("[{\"a\":1},\n {\"a\" :2}, ]", &[r#"{"a":1}"#, r#"{"a":2}"#], &[]);
        check(r#"{"n":12345678901234567890123,"e":1E2}"#, &[r#"{"n":12345678901234567890123,"e":1E2}"#], &[]);
    }

    #[test]
    fn a_bad_event_costs_only_itself() {
        check("{}\nx\n{\"a\":1}", &["{}", r#"{"a":1}"#], &["2:1"]);
        check("{}\n12\n\"a\"\nnull\n{}", &["{}", "{}"], &["2:1", "3:1", "4:1"]);
        check("{}\n {\"a\":}\n{}", &["{}", "{}"], &["2:7"]);
        check("{\"a\":1\n{\"b\":2}\n{\"c\":3}", &[r#"{"b":2}"#, r#"{"c":3}"#], &["1:1"]);
        check("{\"a\":\"x\n{\"b\":2}", &[r#"{"b":2}"#], &["1:1"]);
        check("{\n  \"a\": oops\n}\n{\"b\":2}", &[r#"{"b":2}"#], &["2:8"]);
        check("{}x\n{}", &["{}", "{}"], &["1:3"]);
        check("[{}, 1, {\"a\":}, \"x\", {}]", &["{}", "{}"], &["1:6", "1:14", "1:17"]);
        check("[{},", &["{}"], &["1:5"]);
        check("[{},{", &["{}"], &["1:5"]);
        check("[{}]x", &["{}"], &["1:5"]);
        check("[}]", &[], &["1:2"]);
        check("{\"time\":\"soon\"}\n{}", &["{}"], &["1:1"]);
        let deep = format!("{}{}\n{{}}", "{\"a\":".repeat(70), "}".repeat(70));
        check(&deep, &["{}"], &["1:1"]);
        let long = format!("{{\"a\":\"{}\"}}\n{{}}", "x".repeat(MAX_EVENT_BYTES));
        check(&long, &["{}"], &["1:1"]);
        let (events, report) = read_all(b"{\"a\":\"\xff\"}\n{}", OPTIONS);
        assert_eq!(
            (events.len(), report.problems[0].to_string().as_str()),
            (1, "line 1, column 7: not UTF-8 text")
        );
    }

    #[test]
    fn times() {
        #[track_caller]
        fn check(body: &str, field: Option<&str>, expected: Option<i64>) {
            let (events, _) = read_all(body.as_bytes(), Options { time_field: field, ..OPTIONS });
            assert_eq!(events.first().map(|(time_ms, _)| *time_ms), expected, "{body}");
        }
        check(r#"{"time":"2026-01-01T00:00:00Z"}"#, None, Some(1_767_225_600_000));
        check(r#"{"timestamp":1767225600}"#, None, Some(1_767_225_600_000));
        check(r#"{"@timestamp":1767225600000}"#, None, Some(1_767_225_600_000));
        check(r#"{"ts":1767225600.25}"#, None, Some(1_767_225_600_250));
        check(r#"{"ts":1767225600000000000}"#, None, Some(1_767_225_600_000));
        check(r#"{"ts":1,"time":2}"#, None, Some(2_000)); // by the list's order, not the event's
        check(r#"{"time":null,"ts":1}"#, None, Some(1_000));
        check("{}", None, Some(42));
        check(r#"{"at":1,"time":2}"#, Some("at"), Some(1_000));
        check(r#"{"meta":{"at":1}}"#, Some("meta.at"), Some(1_000));
        check(r#"{"time":2}"#, Some("at"), Some(42));
        check(r#"{"time":true}"#, None, None);
    }

    #[test]
    fn unwanted_fields_are_not_kept() {
        let wanted = ["bank".into(), "card".into()];
        let check = |time_field: Option<&str>, expected: &str| {
            let options = Options { time_field, wanted: Some(&wanted), ..OPTIONS };
            let body = br#"{"id":"p-1","card":{"ok":true},"ts":5,"meta":{"at":7},"bank":"ing","me":1}"#;
            parse(body, options, &mut Report::default(), |event| {
                assert_eq!(serde_json::to_string(&event.fields).unwrap(), expected);
                assert_eq!(
                    (event.json.len(), event.time_ms),
                    (body.len(), if time_field.is_some() { 7_000 } else { 5_000 })
                );
                Ok(())
            });
        };
        check(None, r#"{"card":{"ok":true},"ts":5,"bank":"ing"}"#);
        check(Some("meta.at"), r#"{"card":{"ok":true},"meta":{"at":7},"bank":"ing"}"#);
    }

    #[test]
    fn a_refusal_by_the_store_is_reported() {
        let mut report = Report::default();
        parse(b"{}\n{}", OPTIONS, &mut report, |_| Err("disk full".to_owned()));
        assert_eq!((report.accepted, report.rejected), (0, 2));
        assert_eq!(report.problems[1].to_string(), "line 2, column 1: disk full");
    }

    #[test]
    fn hostile_brackets_are_answered() {
        for line in ["{\n", "{\"a\":{\n}\n", "{\"a\":\"\n", "[{\n", "{}{\n", "{\"a\":[{},\n{},\n"] {
            let (_, report) = read_all(line.repeat(20_000).as_bytes(), OPTIONS);
            assert!(report.rejected > 0, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            read_all(&body, OPTIONS);
        }

        #[test]
        fn any_near_json_is_answered(body in "([\\[\\]{},: \n\"a1]|\\{\"a\":|\"ts\":|1e9|\\\\\"){0,60}") {
            read_all(body.as_bytes(), OPTIONS);
        }
    }
}
