//! Aggregation by time intervals.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::aggregate::Aggregate;
use crate::evaluate::Answer;
use crate::evaluate::{Call, each};
use crate::functions::given::{aggregate, bounded, count_of, interval, list};
use crate::problem::Problem;
use crate::series::Series;

/// Intervals of time, one after another.
pub(super) struct Buckets {
    pub(super) start_s: i64,
    pub(super) interval_s: i64,
    pub(super) n: usize,
}

impl Buckets {
    /// What `aggregate` makes of the values of `series` in each; NaN where there are fewer than its share.
    pub(super) fn summarize(&self, series: &Series, aggregate: Aggregate) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "lengths of time are far below 2^53 seconds")]
        let whole = self.interval_s as f64 / series.step_s.max(1) as f64;
        let mut begin = self.index(series, self.start_s);
        let mut values = Vec::with_capacity(self.n);
        let mut end_s = self.start_s;
        for _ in 0..self.n {
            end_s = end_s.saturating_add(self.interval_s);
            let end = self.index(series, end_s).max(begin);
            let inside = series.values.get(begin..end).unwrap_or_default();
            let n_there = inside.iter().filter(|value| !value.is_nan()).count();
            #[expect(clippy::cast_precision_loss, reason = "numbers of values are far below 2^53")]
            let enough = n_there > 0 && n_there as f64 / whole >= series.x_files_factor;
            values.push(if enough { aggregate.of(inside.iter().copied()) } else { f64::NAN });
            begin = end;
        }
        values
    }

    /// Index of the first value of `series` at `time_s` or later.
    fn index(&self, series: &Series, time_s: i64) -> usize {
        let index = count_of(time_s.saturating_sub(series.start_s), series.step_s.max(1));
        let end = count_of(series.end_s.saturating_sub(series.start_s), series.step_s.max(1));
        usize::try_from(index.min(end)).unwrap_or(0).min(series.values.len())
    }
}

pub(super) fn summarize(call: &Call<'_>) -> Answer {
    let (written, interval_s) = interval(call, "intervalString")?;
    let (func, aggregate) = aggregate(call, "func")?;
    let from_start = call.is_set("alignToFrom");
    let suffix = if from_start { ", true" } else { "" };
    let plain = list(call)?;
    // Where the buckets of a series begin and end.
    let range = |series: &Series| {
        if from_start {
            return (series.start_s, series.end_s);
        }
        let begin = |time_s: i64| time_s.saturating_sub(time_s.rem_euclid(interval_s));
        (begin(series.start_s), begin(series.end_s).saturating_add(interval_s))
    };
    for series in &plain {
        let (start_s, end_s) = range(series);
        bounded(call, count_of(end_s.saturating_sub(start_s), interval_s))?;
    }
    Ok(each(plain, |series| {
        let (start_s, end_s) = range(&series);
        let count = count_of(end_s.saturating_sub(start_s), interval_s).max(0);
        let buckets = Buckets { start_s, interval_s, n: usize::try_from(count).unwrap_or(0) };
        let values = buckets.summarize(&series, aggregate);
        let name = format!("summarize({}, \"{written}\", \"{func}\"{suffix})", series.name);
        let mut series = series.called(name).with_values(values);
        (series.start_s, series.step_s) = (start_s, interval_s);
        series.end_s = start_s.saturating_add(count.saturating_mul(interval_s));
        series.set_tag("summarize", written.as_str());
        series.set_tag("summarizeFunction", func.as_str());
        series
    }))
}

pub(super) fn smart_summarize(call: &Call<'_>) -> Answer {
    let (written, interval_s) = interval(call, "intervalString")?;
    let (func, aggregate) = aggregate(call, "func")?;
    // True and false were once an answer to another question.
    let plain = match call.literal("alignTo") {
        Some(crate::expr::Literal::Text(unit)) => {
            let start_s = Unit::of(call, &unit)?.begin(call, call.scope.start_s)?;
            call.series_within("seriesList", start_s, call.scope.end_s)?
        }
        _ => list(call)?,
    };
    for series in &plain {
        bounded(call, count_of(series.end_s.saturating_sub(series.start_s), interval_s))?;
    }
    Ok(each(plain, |series| {
        let count = count_of(series.end_s.saturating_sub(series.start_s), interval_s).max(0);
        let buckets = Buckets { start_s: series.start_s, interval_s, n: usize::try_from(count).unwrap_or(0) };
        let values = buckets.summarize(&series, aggregate);
        let name = format!("smartSummarize({}, \"{written}\", \"{func}\")", series.name);
        let mut series = series.called(name).with_values(values);
        series.step_s = interval_s;
        series.end_s = series.start_s.saturating_add(count.saturating_mul(interval_s));
        series.set_tag("smartSummarize", written.as_str());
        series.set_tag("smartSummarizeFunction", func.as_str());
        series
    }))
}

pub(super) fn hitcount(call: &Call<'_>) -> Answer {
    const DAY_S: i64 = 86_400;
    let (written, interval_s) = interval(call, "intervalString")?;
    let align = call.is_set("alignToInterval");
    let mut plain = if align {
        let unit = match interval_s {
            DAY_S.. => Unit::Day,
            3600.. => Unit::Hour,
            60.. => Unit::Minute,
            _ => Unit::Second,
        };
        call.series_within("seriesList", unit.begin(call, call.scope.start_s)?, call.scope.end_s)?
    } else {
        list(call)?
    };
    for series in &mut plain {
        let length_s = series.end_s.saturating_sub(series.start_s);
        if align {
            let whole_s = length_s.div_euclid(interval_s).saturating_add(1).saturating_mul(interval_s);
            series.end_s = series.start_s.saturating_add(whole_s);
        }
        bounded(call, count_of(length_s, interval_s).saturating_add(1))?;
    }
    let suffix = if align { ", true" } else { "" };
    Ok(each(plain, |series| {
        let n = count_of(series.end_s.saturating_sub(series.start_s), interval_s).max(0);
        let start_s = series.end_s.saturating_sub(n.saturating_mul(interval_s));
        let hits = hits(&series, start_s, interval_s, usize::try_from(n).unwrap_or(0));
        let name = format!("hitcount({}, \"{written}\"{suffix})", series.name);
        let mut series = series.called(name).with_values(hits);
        (series.start_s, series.step_s) = (start_s, interval_s);
        series.set_tag("hitcount", written.as_str());
        series
    }))
}

/// Values of `series` (a second) times the seconds that they lie in each of `n` intervals from `start_s`.
fn hits(series: &Series, start_s: i64, interval_s: i64, n: usize) -> Vec<f64> {
    let mut hits = vec![f64::NAN; n];
    let end_s = start_s.saturating_add(interval_s.saturating_mul(i64::try_from(n).unwrap_or(i64::MAX)));
    let mut next_s = series.start_s;
    for value in series.values.iter() {
        let mut time_s = next_s;
        next_s = next_s.saturating_add(series.step_s);
        let until_s = next_s.min(end_s);
        while !value.is_nan() && time_s < until_s {
            let bucket = time_s.saturating_sub(start_s).div_euclid(interval_s);
            let bucket_end_s = start_s.saturating_add(bucket.saturating_add(1).saturating_mul(interval_s));
            let part_s = bucket_end_s.min(until_s).saturating_sub(time_s);
            if let Some(hits) = usize::try_from(bucket).ok().and_then(|bucket| hits.get_mut(bucket)) {
                #[expect(clippy::cast_precision_loss, reason = "lengths of time are far below 2^53 seconds")]
                let more = value * part_s as f64;
                *hits = if hits.is_nan() { more } else { *hits + more };
            }
            time_s = bucket_end_s;
        }
    }
    hits
}

/// What an hour, a day or a year begins with.
#[derive(Clone, Copy)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    /// From this day: 1 is Monday, 7 Sunday.
    Week(i8),
    Month,
    Year,
}

impl Unit {
    /// `hours`, `days`, `weeks`, `weeks3`, ...: by the beginning of the word.
    fn of(call: &Call<'_>, text: &str) -> Result<Self, Problem> {
        let units = [
            ("s", Self::Second),
            ("min", Self::Minute),
            ("h", Self::Hour),
            ("d", Self::Day),
            ("w", Self::Week(1)),
            ("mon", Self::Month),
            ("y", Self::Year),
        ];
        let unit = units.into_iter().find(|(start, _)| text.starts_with(start)).map(|(_, unit)| unit);
        let day = text.chars().next_back().and_then(|last| last.to_digit(10)).map(i8::try_from);
        match (unit, day) {
            (Some(Self::Week(_)), Some(Ok(day @ 1..=7))) => Ok(Self::Week(day)),
            (Some(Self::Week(_)), Some(_)) => Err(call.problem("alignTo: days of the week are 1 to 7")),
            (Some(unit), _) => Ok(unit),
            (None, _) => Err(call.problem(format!(
                "alignTo is seconds, minutes, hours, days, weeks, weeks1 to weeks7, months or years, not '{text}'"
            ))),
        }
    }

    /// When the unit that holds `time_s` began, in the request's time zone.
    fn begin(self, call: &Call<'_>, time_s: i64) -> Result<i64, Problem> {
        let zone = &call.scope.request.zone;
        let begin = || -> Option<Zoned> {
            let now = Timestamp::from_second(time_s).ok()?.to_zoned(zone.clone());
            let date = now.date();
            let midnight = |date: Date| date.to_zoned(zone.clone()).ok();
            match self {
                Self::Second => Some(now),
                Self::Minute => now.checked_sub(i64::from(now.second()).seconds()).ok(),
                Self::Hour => {
                    now.checked_sub((i64::from(now.minute()) * 60 + i64::from(now.second())).seconds()).ok()
                }
                Self::Day => midnight(date),
                Self::Week(first) => {
                    let back = (date.weekday().to_monday_one_offset() - first).rem_euclid(7);
                    midnight(date.checked_sub(i64::from(back).days()).ok()?)
                }
                Self::Month => midnight(date.first_of_month()),
                Self::Year => midnight(date.first_of_year()),
            }
        };
        begin()
            .map(|begin| begin.timestamp().as_second())
            .ok_or_else(|| call.problem("the time range lies beyond the calendar"))
    }
}
