//! Recurring times: every night, weekends, the first days of a month.
//!
//! As Alertmanager's time intervals: all that one names must hold, and of several one is enough. What counts is what
//! clocks in its time zone show, so that an hour which clocks show twice counts twice, and one that they skip not at
//! all. Hours that end before they begin go on into the next day, and belong to the day on which they begin.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::document::{Check, Content, Fields, Node};
use crate::field::{Field, Type};
use crate::reading::{self, parse_time_of_day, text};
use crate::time::DAY_MS;
use crate::{Days, TimeRange};

/// How far ahead a change is looked for: a leap day may be four years away.
const HORIZON_DAYS: i64 = 1_500;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The fields of an interval.
pub const TIME_INTERVAL: &[Field] = &[
    Field::new(
        "name",
        "nights",
        "name used by receivers and silences; of several intervals with one name, one is enough",
    )
    .of(Type::Id),
    Field::new(
        "times",
        "[\"22:00-06:00\"]",
        "hours of the day; if they end before they begin, until the next day",
    )
    .of(Type::List(&Type::Text))
    .or("all day"),
    Field::new("days", "mon-fri", "days of the week").of(Type::List(&Type::Text)).or("every day"),
    Field::new("days_of_month", "[1-5, -1]", "days of the month; -1 is its last day")
        .of(Type::List(&Type::Text))
        .or("every day"),
    Field::new("months", "[dec, jan-feb]", "months").of(Type::List(&Type::Text)).or("every month"),
    Field::new("years", "2026-2028", "years").of(Type::List(&Type::Text)).or("every year"),
    Field::new("tz", "Europe/London", "time zone of these times and days").or("UTC"),
];

/// An interval: a map of its fields, or text such as `sun 02:00-04:00 Europe/London`.
const ITEM: Type = Type::Either(&[Type::Text, Type::Map(TIME_INTERVAL)]);

/// Intervals, or names of such.
pub const TIME_INTERVALS: Type = Type::List(&ITEM);

/// What Alertmanager and Grafana call the fields.
const ELSEWHERE: [(&str, &str); 4] = [
    ("weekdays", "is called days here"),
    ("location", "is called tz here"),
    ("start_time", "is written as times: [\"22:00-06:00\"] here"),
    (
        "time_intervals",
        "has no fields of its own here; write each interval beside its name, which several may have",
    ),
];

/// One time that recurs.
#[derive(Debug, Clone, PartialEq)]
struct TimeInterval {
    name: Option<String>,
    /// Milliseconds after midnight; an end not after its beginning is on the next day. Empty for the whole day.
    times: Vec<(i64, i64)>,
    days: Days,
    /// First and last day, counted from 1, or from -1 at the month's end; empty for all.
    days_of_month: Vec<(i64, i64)>,
    /// Counted from 1; empty for all.
    months: Vec<(i64, i64)>,
    years: Vec<(i64, i64)>,
    tz: TimeZone,
}

/// Times that recur, of which one is enough.
#[derive(Debug, Clone, Default)]
pub struct TimeIntervals {
    list: Vec<TimeInterval>,
    /// What was written.
    document: Vec<Value>,
}

/// A time in which something that recurs stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    /// Whether it holds.
    pub holds: bool,
    /// From when to when it is known to stay so. An end that is years away may be cut short.
    pub time: TimeRange,
}

impl Phase {
    /// The phase of `holds` at `now_ms`, where `holds` depends on these intervals alone.
    ///
    /// Cost: a few look-ups in time zones for each day until it ends.
    #[must_use]
    pub fn at(now_ms: i64, intervals: &[&TimeIntervals], holds: impl Fn(i64) -> bool) -> Self {
        let now = holds(now_ms);
        let all = || intervals.iter().flat_map(|intervals| &intervals.list);
        let day = |n: i64| now_ms.saturating_add(n * DAY_MS);
        let n_days = if all().next().is_some() { HORIZON_DAYS } else { 0 };
        for n in 0..n_days {
            let range = TimeRange::new(day(n), day(n + 1));
            let mut edges: Vec<i64> = all().flat_map(|interval| interval.edges(range)).collect();
            edges.sort_unstable();
            if let Some(end_ms) =
                edges.into_iter().find(|edge_ms| *edge_ms > now_ms && holds(*edge_ms) != now)
            {
                return Self { holds: now, time: TimeRange::new(now_ms, end_ms) };
            }
        }
        Self { holds: now, time: TimeRange::new(now_ms, day(HORIZON_DAYS)) }
    }
}

impl TimeIntervals {
    /// Reads an interval, or a list of them. Names are put in their place before ([`replace_names`]).
    pub fn read(node: &Node, path: &str, check: &mut Check) -> Self {
        let items = check.items(node);
        let mut list = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let path = if matches!(node.content, Content::List(_)) {
                format!("{path}[{at}]")
            } else {
                path.to_owned()
            };
            list.extend(TimeInterval::read(item, &path, check));
        }
        Self { list, document: items.into_iter().map(|item| ITEM.to_json(item)).collect() }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The intervals as they were written, one value for each: a name, or a map of fields.
    #[must_use]
    pub fn document(&self) -> &[Value] {
        &self.document
    }

    /// Whether one of them holds at `now_ms`, milliseconds since the Unix epoch; never, if there are none.
    #[must_use]
    pub fn contain(&self, now_ms: i64) -> bool {
        self.list.iter().any(|interval| interval.contains(now_ms))
    }

    /// Whether one of them holds at `now_ms`, and the time in which that stays so: nobody needs to ask again before its
    /// end.
    #[must_use]
    pub fn phase(&self, now_ms: i64) -> Phase {
        Phase::at(now_ms, &[self], |at_ms| self.contain(at_ms))
    }

    /// The names of those that hold at `now_ms`; what has none is called as it can be written.
    #[must_use]
    pub fn names_at(&self, now_ms: i64) -> Vec<String> {
        names(self.list.iter().filter(|interval| interval.contains(now_ms)))
    }

    /// The names of all.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        names(self.list.iter())
    }
}

fn names<'i>(intervals: impl Iterator<Item = &'i TimeInterval>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in intervals.map(|it| it.name.clone().unwrap_or_else(|| it.to_string())) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl PartialEq for TimeIntervals {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for TimeIntervals {}

impl Serialize for TimeIntervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TimeIntervals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        let mut check = Check::default();
        let intervals = Self::read(&Node::from_json(&document), "every", &mut check);
        match check.problems.first() {
            None => Ok(intervals),
            Some(problem) => Err(serde::de::Error::custom(problem)),
        }
    }
}

/// The node of a list of intervals, with what `named` says in the place of names.
#[must_use]
pub fn replace_names(node: &Node, named: &[(String, Node)]) -> Node {
    let items = match &node.content {
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let replaced = items.iter().flat_map(|item| {
        let name = item.scalar_text();
        let meant: Vec<Node> = named
            .iter()
            .filter(|(known, _)| Some(known) == name.as_ref())
            .map(|(_, node)| node.clone())
            .collect();
        if meant.is_empty() { vec![item.clone()] } else { meant }
    });
    Node::new(node.at, Content::List(replaced.collect()))
}

impl TimeInterval {
    fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        if matches!(node.content, Content::Map(_)) {
            return check.map(node, path).and_then(|fields| Self::of_map(fields, check));
        }
        match text(node).and_then(|text| Self::parse(&text)) {
            Ok(interval) => Some(interval),
            Err(message) => {
                check.problem(node, path, message);
                None
            }
        }
    }

    fn of_map(mut fields: Fields<'_>, check: &mut Check) -> Option<Self> {
        let n_before = check.problems.len();
        let f = &mut fields;
        let is_some_time = TIME_INTERVAL[1..6].iter().any(|field| f.get(field.name).is_some());
        let interval = Self {
            name: f.read("name", check, |node| reading::id(node, "-_.")),
            times: f.read("times", check, |node| each(node, hours)).unwrap_or_default(),
            days: f.read("days", check, reading::days).unwrap_or(Days::ALL),
            days_of_month: f
                .read("days_of_month", check, |node| each(node, |it| range(it, day_of_month)))
                .unwrap_or_default(),
            months: f.read("months", check, |node| each(node, |it| range(it, month))).unwrap_or_default(),
            years: f.read("years", check, |node| each(node, |it| range(it, year))).unwrap_or_default(),
            tz: f.read("tz", check, reading::time_zone).unwrap_or(TimeZone::UTC),
        };
        for (theirs, ours) in ELSEWHERE {
            if let Some(node) = f.get(theirs) {
                check.problem(node, &f.path_of(theirs), ours);
            }
        }
        let (node, path) = (fields.node, fields.path.clone());
        fields.finish_of(TIME_INTERVAL, check);
        if !is_some_time && check.problems.len() == n_before {
            check.problem(
                node,
                &path,
                "names no time; write for example { times: [\"22:00-06:00\"], days: mon-fri }",
            );
        }
        (check.problems.len() == n_before).then_some(interval)
    }

    /// Reads `sun 02:00-04:00 Europe/London`: days, hours and a time zone, each of which may be missing.
    fn parse(text: &str) -> Result<Self, String> {
        let mut interval = Self {
            name: None,
            times: Vec::new(),
            days: Days::ALL,
            days_of_month: Vec::new(),
            months: Vec::new(),
            years: Vec::new(),
            tz: TimeZone::UTC,
        };
        let mut is_some_time = false;
        for word in text.split_whitespace() {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                interval.times = word.split(',').map(hours).collect::<Result<_, _>>()?;
                is_some_time = true;
            } else if let Ok(days) = Days::parse(word) {
                interval.days = days;
                is_some_time = true;
            } else if let Ok(tz) = TimeZone::get(word) {
                interval.tz = tz;
            } else {
                let word: String = word.chars().take(40).collect();
                return Err(format!(
                    "\"{word}\" is not the name of a time interval, nor days, hours or a time zone; define it under \
                     time_intervals, or write for example \"sun 02:00-04:00 Europe/London\""
                ));
            }
        }
        if is_some_time {
            Ok(interval)
        } else {
            Err("names neither days nor hours; write for example \"sun 02:00-04:00\"".to_owned())
        }
    }

    fn contains(&self, now_ms: i64) -> bool {
        let Ok(now) = Timestamp::from_millisecond(now_ms) else { return false };
        let local = self.tz.to_datetime(now);
        let at_ms = i64::try_from(local.time().duration_since(Time::midnight()).as_millis()).unwrap_or(0);
        let is_today = self.is_on(local.date());
        if self.times.is_empty() {
            return is_today;
        }
        let is_yesterday = || local.date().yesterday().is_ok_and(|date| self.is_on(date));
        self.times.iter().any(|(from_ms, to_ms)| {
            if from_ms < to_ms {
                is_today && (*from_ms..*to_ms).contains(&at_ms)
            } else {
                (is_today && at_ms >= *from_ms) || (at_ms < *to_ms && is_yesterday())
            }
        })
    }

    fn is_on(&self, date: Date) -> bool {
        let within = |ranges: &[(i64, i64)], value: i64| {
            ranges.is_empty() || ranges.iter().any(|(first, last)| (*first..=*last).contains(&value))
        };
        let n_days = i64::from(date.days_in_month());
        let from_start = |day: i64| if day < 0 { n_days + 1 + day } else { day };
        let day = i64::from(date.day());
        let is_day = self.days_of_month.is_empty()
            || self
                .days_of_month
                .iter()
                .any(|(first, last)| (from_start(*first)..=from_start(*last)).contains(&day));
        is_day
            && self.days.contains(date)
            && within(&self.months, i64::from(date.month()))
            && within(&self.years, i64::from(date.year()))
    }

    /// Every instant in `range` at which it may begin or end.
    fn edges(&self, range: TimeRange) -> Vec<i64> {
        let date = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|now| self.tz.to_datetime(now).date());
        let (Some(first), Some(last)) = (date(range.start_ms), date(range.end_ms)) else { return Vec::new() };
        let mut edges = Vec::new();
        // Clocks that go back at midnight show the day before once more.
        let mut day = first.yesterday().ok();
        while let Some(date) = day.filter(|date| *date <= last) {
            let times = self.times.iter().flat_map(|(from_ms, to_ms)| [*from_ms, *to_ms]);
            edges.extend(times.chain([0]).flat_map(|ms| self.instants(date, ms)));
            day = date.tomorrow().ok();
        }
        if let Ok(start) = Timestamp::from_millisecond(range.start_ms) {
            let changes = self.tz.following(start).map(|change| change.timestamp().as_millisecond());
            edges.extend(changes.take_while(|ms| *ms < range.end_ms));
        }
        edges.retain(|ms| range.contains(*ms));
        edges
    }

    /// The instants at which clocks show this time: one, or two or none where they are changed.
    fn instants(&self, date: Date, after_midnight_ms: i64) -> impl Iterator<Item = i64> {
        let midnight: DateTime = date.to_datetime(Time::midnight());
        let civil = midnight.checked_add(SignedDuration::from_millis(after_midnight_ms)).ok();
        let offsets = civil.map(|civil| match self.tz.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => (civil, Some(offset), None),
            AmbiguousOffset::Fold { before, after } => (civil, Some(before), Some(after)),
            AmbiguousOffset::Gap { .. } => (civil, None, None),
        });
        offsets.into_iter().flat_map(|(civil, one, other)| {
            [one, other]
                .into_iter()
                .flatten()
                .filter_map(move |offset| Some(offset.to_timestamp(civil).ok()?.as_millisecond()))
        })
    }
}

/// As it can be written where it has no dates.
impl fmt::Display for TimeInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if self.days != Days::ALL {
            words.push(self.days.to_string());
        }
        let ranges = |all: &[(i64, i64)], show: fn(i64) -> String| {
            let one = |(first, last): &(i64, i64)| {
                if first == last { show(*first) } else { format!("{} to {}", show(*first), show(*last)) }
            };
            all.iter().map(one).collect::<Vec<_>>().join(",")
        };
        let month = |at: i64| {
            MONTHS.get(usize::try_from(at - 1).unwrap_or(0)).map_or("", |name| &name[..3]).to_owned()
        };
        if !self.days_of_month.is_empty() {
            words.push(format!("day {} of the month", ranges(&self.days_of_month, |day| day.to_string())));
        }
        words.extend((!self.months.is_empty()).then(|| ranges(&self.months, month)));
        words.extend((!self.years.is_empty()).then(|| ranges(&self.years, |year| year.to_string())));
        let clock = |ms: i64| format!("{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60);
        let hours = |(from, to): &(i64, i64)| format!("{}-{}", clock(*from), clock(*to));
        words.extend(
            (!self.times.is_empty()).then(|| self.times.iter().map(hours).collect::<Vec<_>>().join(",")),
        );
        if words.is_empty() {
            words.push("daily".to_owned());
        }
        words.extend(self.tz.iana_name().filter(|name| *name != "UTC").map(str::to_owned));
        f.write_str(&words.join(" "))
    }
}

/// Each text of one, or of a list of such.
fn each<T>(node: &Node, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let items = match &node.content {
        Content::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let parts = |item: &Node| match item.scalar_text() {
        Some(text) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<String>>()),
        None => Err(format!("should be text such as \"22:00-06:00\", found {}", item.content.kind())),
    };
    let texts = items.iter().map(parts).collect::<Result<Vec<_>, _>>()?.concat();
    if texts.is_empty() {
        return Err("should name at least one".to_owned());
    }
    texts.iter().map(|text| read(text)).collect()
}

/// `22:00-06:00`, in milliseconds after midnight.
fn hours(text: &str) -> Result<(i64, i64), String> {
    let shown: String = text.chars().take(40).collect();
    let Some((from, to)) = text.split_once('-') else {
        return Err(format!(
            "\"{shown}\" should be hours with a beginning and an end, such as \"22:00-06:00\""
        ));
    };
    let (from_ms, to_ms) = (parse_time_of_day(from.trim())?, parse_time_of_day(to.trim())?);
    if from_ms == DAY_MS { Err("24:00 is an end; write 00:00".to_owned()) } else { Ok((from_ms, to_ms)) }
}

/// `1-5`, `1:5`, `-3:-1`, or a single one.
fn range(text: &str, read: fn(&str) -> Result<i64, String>) -> Result<(i64, i64), String> {
    // A minus at the beginning is a sign.
    let dash = text.char_indices().skip(1).find(|(_, c)| matches!(c, '-' | ':')).map(|(at, _)| at);
    let (first, last) = match dash {
        Some(at) => (read(text[..at].trim())?, read(text[at + 1..].trim())?),
        None => (read(text)?, read(text)?),
    };
    // From a day counted from the start to one counted from the end is a range; the other way round is none.
    let is_backwards = if (first > 0) == (last > 0) { first > last } else { first < 0 };
    if is_backwards { Err(format!("\"{text}\" ends before it begins")) } else { Ok((first, last)) }
}

fn day_of_month(text: &str) -> Result<i64, String> {
    let day = text.parse().ok().filter(|day: &i64| (-31..=31).contains(day) && *day != 0);
    day.ok_or_else(|| {
        format!("\"{}\" is not a day of a month; write 1 to 31, or -1 for the last one", shown(text))
    })
}

fn month(text: &str) -> Result<i64, String> {
    let name = text.to_ascii_lowercase();
    let is_named = |month: &&str| **month == name || month[..3] == name;
    let named = MONTHS.iter().position(is_named).map(|at| at as i64 + 1);
    let month = named.or_else(|| text.parse().ok().filter(|month| (1..=12).contains(month)));
    month.ok_or_else(|| format!("\"{}\" is not a month; write jan to dec, or 1 to 12", shown(text)))
}

fn year(text: &str) -> Result<i64, String> {
    let year = text.parse().ok().filter(|year| (1970..=9999).contains(year));
    year.ok_or_else(|| format!("\"{}\" is not a year; write for example 2026", shown(text)))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
