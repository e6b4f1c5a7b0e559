//! A `/render` request without its transport: targets and times as written, answered from a source.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::at_time::at_time;
use super::evaluate::Request;
use super::language::parse_as_graphite_with;
use super::normalize::consolidated;
use super::problem::Problem;
use super::series::Series;
use super::source::Source;

/// What a client asks for, in its own words.
///
/// ```
/// use lanner_graphite::{EventTags, Points, Query, Source, slots};
///
/// struct Sevens;
///
/// impl Source for Sevens {
///     fn find(&self, pattern: &str) -> Result<Vec<String>, String> {
///         Ok(vec![pattern.to_owned()])
///     }
///     fn find_tagged(&self, _: &[&str]) -> Result<Vec<String>, String> {
///         Ok(Vec::new())
///     }
///     fn read(&self, _: &str, from_s: i64, until_s: i64, _: i64) -> Result<Option<Points>, String> {
///         let (start_s, n) = slots(from_s, until_s, 60)?;
///         Ok(Some(Points { start_s, step_s: 60, values: vec![7.0; n] }))
///     }
///     fn events(&self, _: EventTags<'_>, _: i64, _: i64) -> Result<Vec<i64>, String> {
///         Ok(Vec::new())
///     }
/// }
///
/// let mut query = Query::new(vec!["a.b".to_owned()], 1_737_336_600);
/// query.from = Some("-10min".to_owned());
/// let series = query.answer(&Sevens).unwrap();
/// assert_eq!((series[0].start_s, series[0].values.len()), (1_737_336_060, 10));
///
/// query.targets.push("scale(a.b)".to_owned());
/// let refusals = query.answer(&Sevens).unwrap_err();
/// assert_eq!(
///     refusals[0].to_string(),
///     "target 'scale(a.b)', column 1: scale() needs factor: scale(seriesList, factor)"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Query {
    /// Expressions; their series follow each other in the answer. Empty ones are skipped.
    pub targets: Vec<String>,
    /// As [`at_time`] reads it; a day ago where it is missing.
    pub from: Option<String>,
    /// As [`at_time`] reads it; now where it is missing. The two may be in any order.
    pub until: Option<String>,
    /// The present, in seconds since the epoch.
    pub now_s: i64,
    /// Where days begin.
    pub zone: TimeZone,
    /// The values of one series that the client has room for.
    pub max_data_points: Option<u64>,
    /// The share of values that buckets need unless a function is told otherwise, 0 to 1.
    pub x_files_factor: f64,
    /// Whether the client wants to hear of nothing: then [`Query::datapoints`] leaves out series without any value,
    /// and whoever writes the others leaves out what is missing.
    pub no_null_points: bool,
    /// What `$name` stands for in every `template()`.
    pub variables: Vec<(String, String)>,
}

/// Why a query, or one target of it, cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A parameter other than a target.
    #[error("{parameter}: {message}")]
    Parameter {
        /// Its name in the request.
        parameter: &'static str,
        /// What is wrong, for people.
        message: String,
    },
    /// A target.
    #[error("target '{}', {problem}", shown(target))]
    Target {
        /// As written.
        target: String,
        /// What is wrong, and where.
        problem: Problem,
    },
}

/// A target as a message quotes it: a long one by its beginning.
fn shown(target: &str) -> String {
    const LONG: usize = 100;
    match target.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}...", &target[..end]),
        None => target.to_owned(),
    }
}

impl Query {
    /// A query for the last 24 hours of `targets` before `now_s` (seconds since 1970), with times of day in UTC.
    #[must_use]
    pub fn new(targets: Vec<String>, now_s: i64) -> Self {
        Self {
            targets,
            from: None,
            until: None,
            now_s,
            zone: TimeZone::UTC,
            max_data_points: None,
            x_files_factor: 0.0,
            no_null_points: false,
            variables: Vec::new(),
        }
    }

    /// The series of all targets, at their own steps.
    ///
    /// # Errors
    /// Everything that is wrong: times, and what each target says.
    pub fn answer(&self, source: &dyn Source) -> Result<Vec<Series>, Vec<Refusal>> {
        let range = self.range();
        let mut refusals: Vec<Refusal> = range.as_ref().err().into_iter().flatten().cloned().collect();
        if self.max_data_points == Some(0) {
            let message = "at least 1, or nothing for all".to_owned();
            refusals.push(Refusal::Parameter { parameter: "maxDataPoints", message });
        }
        let mut request = Request::new(source, self.now_s, self.zone.clone());
        request.x_files_factor = self.x_files_factor;
        let mut all = Vec::new();
        for target in self.targets.iter().filter(|target| !target.trim().is_empty()) {
            let refused = |problem| Refusal::Target { target: target.clone(), problem };
            match (parse_as_graphite_with(target, &self.variables), &range) {
                (Err(problems), _) => refusals.extend(problems.into_iter().map(refused)),
                (Ok(expr), Ok((from_s, until_s))) if refusals.is_empty() => {
                    match request.evaluate(&expr, *from_s, *until_s) {
                        Ok(series) => all.extend(series),
                        Err(problem) => refusals.push(refused(problem)),
                    }
                }
                _ => {}
            }
        }
        if refusals.is_empty() { Ok(all) } else { Err(refusals) }
    }

    /// From and until, in seconds since the epoch and in order.
    ///
    /// # Errors
    /// What cannot be read; a range of nothing.
    pub fn range(&self) -> Result<(i64, i64), Vec<Refusal>> {
        let read = |parameter, text: &Option<String>, default| {
            at_time(text.as_deref().unwrap_or(default), self.now_s, &self.zone)
                .map_err(|message| Refusal::Parameter { parameter, message })
        };
        match (read("from", &self.from, "-1d"), read("until", &self.until, "now")) {
            (Ok(from_s), Ok(until_s)) if from_s == until_s => {
                let message = format!("it is {from_s} s, the same as until: nothing lies in between");
                Err(vec![Refusal::Parameter { parameter: "from", message }])
            }
            (Ok(from_s), Ok(until_s)) => Ok((from_s.min(until_s), from_s.max(until_s))),
            (from, until) => Err(from.err().into_iter().chain(until.err()).collect()),
        }
    }

    /// An answer as JSON has it: consolidated to what the client has room for, and with exactly the values that have
    /// a time: `values[i]` belongs to `start_s + i * step_s`.
    #[must_use]
    pub fn datapoints(&self, mut series: Vec<Series>) -> Vec<Series> {
        let start_s = series.iter().map(|series| series.start_s).min().unwrap_or(0);
        let end_s = series.iter().map(|series| series.end_s).max().unwrap_or(0);
        for series in &mut series {
            match self.max_data_points {
                Some(1) => *series = fewer(series, series.values.len()),
                Some(max) => {
                    if let Some(per_point) = per_point(end_s.saturating_sub(start_s), series.step_s, max) {
                        *series = fewer(&from_whole_point(series, per_point), per_point);
                    }
                }
                None => {}
            }
            cut_to_times(series);
        }
        if self.no_null_points {
            series.retain(|series| series.last().is_some());
        }
        series
    }
}

/// How many values become one, so that at most `max` remain; `None` where all have room.
fn per_point(range_s: i64, step_s: i64, max: u64) -> Option<usize> {
    #[expect(clippy::cast_precision_loss, reason = "times and numbers of points are far below 2^53")]
    let (n, max) = (range_s as f64 / step_s.max(1) as f64, max as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "above 1, and at most a time"
    )]
    (max < n).then(|| (n / max).ceil() as usize)
}

/// `series` from its first whole point of `per_point` values on: points begin at the same times whenever a client
/// asks, so that a picture does not flicker.
fn from_whole_point(series: &Series, per_point: usize) -> Series {
    let step_s = series.step_s.max(1);
    let point_s = step_s.saturating_mul(i64::try_from(per_point).unwrap_or(i64::MAX));
    let nudge_s = point_s.saturating_add(series.start_s % step_s) - series.start_s.rem_euclid(point_s);
    let lost = usize::try_from(nudge_s / step_s - 1).unwrap_or(0);
    let values = series.values.get(lost..).unwrap_or_default().to_vec();
    Series { start_s: series.start_s.saturating_add(nudge_s), values: Arc::new(values), ..series.clone() }
}

/// Each run of `per_point` values as one.
fn fewer(series: &Series, per_point: usize) -> Series {
    let step_s = series.step_s.saturating_mul(i64::try_from(per_point.max(1)).unwrap_or(i64::MAX));
    let values = consolidated(&series.values, per_point, series.consolidation, series.x_files_factor);
    Series { step_s, values: Arc::new(values), ..series.clone() }
}

/// Graphite pairs values with the times up to the end, itself included; the shorter of the two wins.
fn cut_to_times(series: &mut Series) {
    let times_s = series.end_s.saturating_sub(series.start_s);
    let n = if times_s < 0 {
        0
    } else {
        usize::try_from(times_s / series.step_s.max(1) + 1).unwrap_or(usize::MAX)
    };
    if series.values.len() > n {
        series.values_mut().truncate(n);
    }
}

#[cfg(test)]
mod tests {
    use super::{Query, Series};

    fn query(from: &str, until: &str) -> Query {
        let mut query = Query::new(Vec::new(), 1_000_000);
        query.from = Some(from.to_owned());
        query.until = Some(until.to_owned());
        query
    }

    #[test]
    fn ranges() {
        assert_eq!(Query::new(Vec::new(), 1_000_000).range(), Ok((913_600, 1_000_000)));
        assert_eq!(query("now", "-1h").range(), Ok((996_400, 1_000_000)));
        assert_eq!(query("now", "now").range().unwrap_err().len(), 1);
        let refusals = query("soon", "later").range().unwrap_err();
        assert!(refusals[0].to_string().starts_with("from: 'soon' is not a time"), "{}", refusals[0]);
        assert!(refusals[1].to_string().starts_with("until: 'later' is not a time"), "{}", refusals[1]);
    }

    #[track_caller]
    fn check(max_data_points: u64, start_s: i64, n: usize, expected: (i64, i64, &[f64])) {
        let mut query = query("-1h", "now");
        query.max_data_points = Some(max_data_points);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let values = (0..n).map(|i| i as f64).collect();
        let points = query.datapoints(vec![Series::new("a", start_s, 60, values)]);
        assert_eq!((points[0].start_s, points[0].step_s, points[0].values.as_slice()), expected);
    }

    #[test]
    fn fewer_points() {
        check(1, 0, 4, (0, 240, &[1.5]));
        check(4, 0, 4, (0, 60, &[0.0, 1.0, 2.0, 3.0]));
        check(3, 0, 4, (120, 120, &[1.5, 3.0])); // the first point is never whole
        check(2, 60, 5, (180, 180, &[2.0, 4.0]));
        check(1, 0, 0, (0, 60, &[]));
        check(9, 0, 0, (0, 60, &[]));
    }

    #[test]
    fn nothing_to_tell() {
        let mut query = query("-1h", "now");
        query.no_null_points = true;
        let series = [vec![f64::NAN], vec![f64::NAN, 1.0], Vec::new()];
        let series = series.map(|values| Series::new("a", 0, 60, values)).to_vec();
        assert_eq!(query.datapoints(series).len(), 1);
    }
}
