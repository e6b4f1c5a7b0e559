//! Graphite's `format=raw`: a line for each target, `servers.a.cpu,1767225600,1767225720,60|12.5,None`.

use lanner_core::{Labels, SeriesKey};

use super::hints::Hints;
use super::kind::Format;
use super::lines::Lines;
use super::points::Points;
use crate::Report;
use crate::instant::within_bounds;

pub(super) const FORMAT: Format = Format {
    name: "raw",
    about: "an answer of Graphite with format=raw",
    endings: &["raw"],
    is_one_series: false,
    example:
        b"servers.a.cpu,1767225600,1767225720,60|12.5,7\nservers.b.cpu,1767225600,1767225720,60|None,1\n",
    events: None,
    samples: Some(|opening| Ok(Lines::open(opening, read))),
    // A target may be longer than what is looked at.
    is_one: |start| !start.is_json() && start.beginning().is_some_and(|line| head(line).is_some()),
};

/// What stands before the values: the target, its first time and its step, in seconds.
fn head(line: &str) -> Option<(&str, i64, i64)> {
    let (head, _) = line.split_once('|')?;
    // A target may hold commas itself.
    let mut parts = head.rsplitn(4, ',');
    let mut number = || parts.next()?.parse::<i64>().ok();
    let [step_s, _, start_s] = [number()?, number()?, number()?];
    let target = parts.next().filter(|target| !target.is_empty())?;
    (step_s > 0).then_some((target, start_s, step_s))
}

fn read(piece: &[u8], _: Hints, points: &mut Points) -> Report {
    let mut report = Report::default();
    for (number, line) in (1..).zip(piece.split(|byte| *byte == b'\n')) {
        let Ok(line) = std::str::from_utf8(line) else {
            report.reject(number, None, "not UTF-8");
            continue;
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Err(why) = target(number, line, points) {
            report.reject(number, None, why);
        }
    }
    report
}

fn target(number: u64, line: &str, points: &mut Points) -> Result<(), String> {
    let wrong =
        || "it is no target with its times and values, such as a.b,1767225600,1767225720,60|1,2".to_owned();
    let (target, start_s, step_s) = head(line).ok_or_else(wrong)?;
    let (_, values) = line.split_once('|').ok_or_else(wrong)?;
    let group = points.group_of(&SeriesKey::new(target, Labels::default()));
    for (at, value) in (0..).zip(values.split(',')) {
        let time_s = step_s.checked_mul(at).and_then(|after_s| start_s.checked_add(after_s));
        let time_ms = time_s.and_then(|time_s| within_bounds(time_s.checked_mul(1_000)?));
        let time_ms = time_ms.ok_or_else(|| format!("{target}: a time is outside 1900 to 2200"))?;
        let value = match value {
            "None" => f64::NAN,
            value => value.parse().map_err(|_| format!("{target}: \"{value}\" is not a number"))?,
        };
        points.push(number, group, time_ms, value);
    }
    Ok(())
}
