//! Lines of text as events: each line is the field `message` of one.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::Report;
use crate::events::{Options, RawEvent};

/// The field that holds a line.
pub const FIELD: &str = "message";

/// The longest line, in bytes; a longer one is refused, and costs only itself.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// Reads lines, calling `on_event` for each that is not blank.
///
/// An event's time is when it was received. Bytes that are not UTF-8 become U+FFFD, so that no line is lost for a name in
/// another encoding. A line that is too long, or one for which `on_event` returns a reason, is counted and explained in
/// `report`. Cost: O(length).
///
/// ```
/// use lanner_wire::{Report, events::Options, text_lines};
/// let options = Options { time_field: None, received_ms: 42, wanted: None };
/// let (mut report, mut seen) = (Report::default(), Vec::new());
/// text_lines::parse(b"disk \"sda\" full\r\n\nbye", options, &mut report, |event| {
///     seen.push((event.time_ms, event.json.to_owned()));
///     Ok(())
/// });
/// assert_eq!(seen[0], (42, r#"{"message":"disk \"sda\" full"}"#.to_owned()));
/// assert_eq!((report.accepted, seen[1].1.as_str()), (2, r#"{"message":"bye"}"#));
/// ```
pub fn parse(
    body: &[u8],
    options: Options<'_>,
    report: &mut Report,
    mut on_event: impl FnMut(RawEvent<'_>) -> Result<(), String>,
) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let is_kept = options.keeps(FIELD);
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line_number = at as u64 + 1;
        if line.len() > MAX_LINE_BYTES {
            report.reject(line_number, None, "the line is longer than 64 KiB");
            continue;
        }
        let text = String::from_utf8_lossy(line);
        let json = format!("{{\"{FIELD}\":{}}}", Value::from(&*text));
        let mut fields = Map::new();
        if is_kept {
            fields.insert(FIELD.to_owned(), Value::String(Cow::into_owned(text)));
        }
        match on_event(RawEvent { time_ms: options.received_ms, json: &json, fields }) {
            Ok(()) => report.accepted += 1,
            Err(reason) => report.reject(line_number, None, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_costs_only_itself() {
        #[track_caller]
        fn check(body: &[u8], expected: &[&str], bad: &[u64]) {
            let options = Options { time_field: Some("message"), received_ms: 42, wanted: None };
            let (mut report, mut messages) = (Report::default(), Vec::new());
            parse(body, options, &mut report, |event| {
                let again: Map<String, Value> = serde_json::from_str(event.json).unwrap();
                assert_eq!((&again, event.time_ms), (&event.fields, 42));
                let message = event.fields[FIELD].as_str().unwrap().to_owned();
                if message == "no" {
                    return Err("not wanted".to_owned());
                }
                messages.push(message);
                Ok(())
            });
            assert_eq!(messages, expected);
            assert_eq!(report.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), bad);
            assert_eq!((report.accepted, report.rejected), (expected.len() as u64, bad.len() as u64));
        }
        check(b"", &[], &[]);
        check(b"\r\n \n\t\n", &[], &[]);
        check(b"\xef\xbb\xbfone\r\ntwo", &["one", "two"], &[]);
        check(b"a\nno\nb", &["a", "b"], &[2]);
        check(b"caf\xe9 \x00\"\\", &["caf\u{fffd} \u{0}\"\\"], &[]);
        check(b"{\"a\":1}", &["{\"a\":1}"], &[]);
        let long = "x".repeat(MAX_LINE_BYTES);
        check(format!("{long}\n{long}y\nz").as_bytes(), &[&long, "z"], &[2]);
    }
}
