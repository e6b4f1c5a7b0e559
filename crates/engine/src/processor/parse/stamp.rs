//! Where a parsed text says when it happened, and how.

use jiff::Timestamp;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use lanner_core::field::Field;
use lanner_core::instant::{self, within_bounds};
use lanner_core::reading::{self, text};
use lanner_core::time::DAY_MS;
use serde_json::{Map, Value};

use crate::document::{Check, Content, Node};

/// The fields of `time`.
pub(super) const FIELDS: &[Field] = &[
    Field::new("field", "ts", "the parsed field").required(),
    Field::new(
        "form",
        "'%d/%b/%Y:%H:%M:%S %z'",
        "how it is written, as for `strftime`; by default RFC 3339, or a number since 1970",
    ),
    Field::new("tz", "Europe/Berlin", "time zone of times that name none").or("UTC"),
];

/// A time at which every form is tried.
const TRIED_MS: i64 = 1_795_946_400_000;

#[derive(Debug)]
pub(super) struct Stamp {
    field: String,
    form: Option<String>,
    zone: TimeZone,
}

impl Stamp {
    /// `ts`, or `{ field: ts, form: "%H:%M:%S", tz: Europe/Berlin }`.
    pub(super) fn check(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        if !matches!(node.content, Content::Map(_)) {
            let field = reading::name(node).map_err(|message| check.problem(node, path, message)).ok()?;
            return Some(Self { field, form: None, zone: TimeZone::UTC });
        }
        let mut fields = check.map(node, path)?;
        fields.require("field", "ts", check);
        let field = fields.read("field", check, reading::name);
        let zone = fields.read("tz", check, reading::time_zone).unwrap_or(TimeZone::UTC);
        let form = fields.read("form", check, |node| tried(text(node)?, &zone));
        let is_wrong = form.is_none() && fields.get("form").is_some();
        if form.is_none() && !is_wrong && fields.get("tz").is_some() {
            let message = "counts only where form says how times are written; add form, or leave tz out";
            check.problem(node, &fields.path_of("tz"), message);
        }
        fields.finish_of(FIELDS, check);
        Some(Self { field: field?, form: form.filter(|_| !is_wrong), zone })
    }

    /// The time that the fields tell, milliseconds since the Unix epoch; of a form without a year the latest that is no more
    /// than a day after `arrived_ms`.
    pub(super) fn read(&self, fields: &Map<String, Value>, arrived_ms: i64) -> Option<i64> {
        let value = lanner_core::event::lookup(fields, &self.field)?;
        let Some(form) = &self.form else { return instant::from_json(value).ok() };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        within_bounds(read(form, &text, &self.zone, arrived_ms)?)
    }
}

fn read(form: &str, text: &str, zone: &TimeZone, arrived_ms: i64) -> Option<i64> {
    let mut time = strtime::parse(form, text).ok()?;
    if time.year().is_some() || time.timestamp().is_some() {
        return resolve(&time, zone);
    }
    let year = Timestamp::from_millisecond(arrived_ms).ok()?.to_zoned(zone.clone()).year();
    let of_year = |time: &mut BrokenDownTime, year| {
        time.set_year(Some(year)).ok()?;
        resolve(time, zone).filter(|time_ms| *time_ms <= arrived_ms.saturating_add(DAY_MS))
    };
    // One of next year around the turn of the year; leap days are at most eight years apart.
    (-8..=1).rev().find_map(|step| of_year(&mut time, year + step))
}

fn resolve(time: &BrokenDownTime, zone: &TimeZone) -> Option<i64> {
    if let Ok(time) = time.to_timestamp() {
        return Some(time.as_millisecond());
    }
    let local = time.to_datetime().ok()?;
    zone.to_timestamp(local).ok().map(Timestamp::as_millisecond)
}

/// The form, if a time that is written so can be read back.
fn tried(form: String, zone: &TimeZone) -> Result<String, String> {
    let wrong = |why: &str| format!("\"{form}\" {why}; write for example %Y-%m-%d %H:%M:%S, as for strftime");
    let Ok(sample) = Timestamp::from_millisecond(TRIED_MS) else { return Ok(form) };
    let written = strtime::format(&form, &sample.to_zoned(zone.clone()));
    let written = written.map_err(|error| wrong(&format!("is not a form of times: {error}")))?;
    match read(&form, &written, zone, TRIED_MS) {
        Some(_) => Ok(form),
        None => Err(wrong("does not tell a time: it needs a day and an hour at least")),
    }
}

#[cfg(test)]
mod tests {
    use lanner_core::time::{format_time, parse_time_ms};

    use super::*;

    #[test]
    fn times() {
        #[track_caller]
        fn check(stamp: &str, value: &str, expected: Option<&str>) {
            let mut problems = Check::default();
            let stamp = Stamp::check(&Node::from_yaml(stamp).unwrap(), "time", &mut problems);
            let stamp = stamp.unwrap_or_else(|| panic!("{:?}", problems.problems));
            assert_eq!(problems.problems, []);
            let fields = serde_json::from_str(value).unwrap();
            let arrived_ms = parse_time_ms("2026-01-02T00:00:00Z").unwrap();
            assert_eq!(stamp.read(&fields, arrived_ms).map(format_time).as_deref(), expected, "{value}");
        }
        check("t", r#"{"t":"2026-11-29T10:00:00+01:00"}"#, Some("2026-11-29T09:00:00Z"));
        check("t", r#"{"t":1795946400.5}"#, Some("2026-11-29T10:00:00.5Z"));
        check("a.t", r#"{"a":{"t":1795946400000}}"#, Some("2026-11-29T10:00:00Z"));
        check("t", r#"{"t":"soon"}"#, None);
        check("t", r#"{"u":1}"#, None);
        check("{ field: t, form: '%s' }", r#"{"t":1795946400}"#, Some("2026-11-29T10:00:00Z"));
        let local = "{ field: t, form: '%Y/%m/%d %H:%M:%S', tz: Europe/Berlin }";
        check(local, r#"{"t":"2026/11/29 10:00:00"}"#, Some("2026-11-29T09:00:00Z"));
        check(local, r#"{"t":"2026/02/30 10:00:00"}"#, None);
        check(local, r#"{"t":"9999/11/29 10:00:00"}"#, None);
        // Without a year: the latest that has come, or comes within a day.
        let syslog = "{ field: t, form: '%b %d %H:%M:%S' }";
        check(syslog, r#"{"t":"Jan  2 10:00:00"}"#, Some("2026-01-02T10:00:00Z"));
        check(syslog, r#"{"t":"Jan  4 10:00:00"}"#, Some("2025-01-04T10:00:00Z"));
        check(syslog, r#"{"t":"Dec 31 10:00:00"}"#, Some("2025-12-31T10:00:00Z"));
        check(syslog, r#"{"t":"Feb 29 10:00:00"}"#, Some("2024-02-29T10:00:00Z"));
    }

    #[test]
    fn forms_that_tell_no_time_are_refused() {
        #[track_caller]
        fn check(stamp: &str, part: &str) {
            let mut problems = Check::default();
            Stamp::check(&Node::from_yaml(stamp).unwrap(), "time", &mut problems);
            let [problem] = &problems.problems[..] else { panic!("{stamp}: {:?}", problems.problems) };
            assert!(problem.to_string().contains(part), "{problem}");
        }
        check("{ field: t, form: '%H:%M:%S' }", "does not tell a time");
        check("{ field: t, form: '%Y-%m-%d %!' }", "is not a form of times");
        check("{ form: '%s' }", "\"field\" is missing");
        check("{ field: t, tz: Europe/Berlin }", "counts only where form says");
        check("{ field: t, form: '%s', tz: Mars }", "not a time zone");
        check("[t]", "should be text");
    }
}
