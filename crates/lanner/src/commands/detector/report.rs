//! A report of one detector on one table, as one HTML file: its score and threshold, what was found, and each column with what it
//! contributes.

use std::io::Write;

use lanner_deep::{Details, Detector, Judged};
use serde_json::{Value, json};

use super::score::Finding;
use super::sheet::{Moment, Rows};
use crate::charts::{self, MAX_FINDINGS};
use crate::failure::{Failure, Result};
use crate::output::counted;

/// What the scores of the page mean.
const NOTE: &str = "Each row is scored by those before it only; a score of 1 is the threshold. \
    Below a column is what it contributes to the score.";

/// The largest number that is drawn.
const LARGEST: f64 = 1e12;

/// What a report shows.
pub(super) struct Report<'a> {
    pub(super) title: String,
    pub(super) detector: &'a Detector,
    pub(super) rows: &'a Rows,
    pub(super) judged: &'a Judged,
    pub(super) findings: &'a [Finding],
    /// What is expected of each value, where the kind says it.
    pub(super) details: Option<Details>,
    /// Names and values of what was measured.
    pub(super) facts: Vec<(String, String)>,
}

/// Rows that become one point.
struct Point {
    at: i64,
    rows: std::ops::Range<usize>,
    /// The row with the highest score, if any has one.
    highest: Option<usize>,
    /// What each column contributes to that.
    parts: Vec<f64>,
}

impl Report<'_> {
    /// Writes the page. Cost: that of explaining one row for each point.
    pub(super) fn write(&self, to: &mut impl Write) -> Result<()> {
        let points = self.points()?;
        let columns = self.detector.columns();
        let series = (0..columns.len()).map(|column| self.column(column, &points));
        let all = std::iter::once(self.whole(&points)).chain(series);
        Ok(charts::write(to, &self.head(), all)?)
    }

    fn head(&self) -> Value {
        let n = counted(self.findings.len() as u64, "finding");
        let moments: Vec<Moment> = self.rows.at.iter().flatten().copied().collect();
        let between = match &moments[..] {
            [first, .., last] => format!(", {} to {}", first.text(), last.text()),
            _ => String::new(),
        };
        json!({
            "title": self.title,
            "summary": format!("{n} in {}{between}.", counted(self.rows.frame.n_rows() as u64, "row")),
            "note": NOTE,
            "facts": self.facts,
            "has_times": self.rows.step_ms.is_some(),
            "threshold": 1.0,
            "rows": self.rows.frame.n_rows(),
        })
    }

    /// As many rows in each as leave few enough.
    fn points(&self) -> Result<Vec<Point>> {
        let n_rows = self.rows.frame.n_rows();
        let n = n_rows.div_ceil(charts::points_each(self.detector.columns().len() + 1)).max(1);
        let mut points = Vec::new();
        for first in (0..n_rows).step_by(n) {
            let rows = first..n_rows.min(first + n);
            let Some(at) = rows.clone().find_map(|row| self.at(row)) else { continue };
            let scored = rows.clone().filter_map(|row| Some((row, *self.judged.scores.get(row)?)));
            let scored = scored.filter(|(_, score)| score.is_finite());
            let highest = scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(row, _)| row);
            let parts = highest.map_or_else(|| Ok(Vec::new()), |row| self.parts(row))?;
            points.push(Point { at, rows, highest, parts });
        }
        Ok(points)
    }

    /// What each column contributes to the score of a row, by the threshold of that row.
    fn parts(&self, row: usize) -> Result<Vec<f64>> {
        let threshold = self.judged.thresholds.get(row).copied().unwrap_or(f64::INFINITY);
        let n = self.detector.columns().len();
        if let Some(details) = &self.details {
            let at = row.saturating_sub(details.first) * n;
            let errors = details.errors.iter().skip(at).take(n);
            return Ok(errors.map(|error| f64::from(*error) / threshold).collect());
        }
        let parts = self.detector.explain(&self.rows.frame, row);
        let parts = parts.map_err(|error| Failure::user(error.to_string()))?;
        let by = self.detector.threshold() / threshold;
        Ok(parts.into_iter().map(|part| part * by).collect())
    }

    fn at(&self, row: usize) -> Option<i64> {
        self.rows.at.get(row).copied().flatten().map(number_of)
    }

    /// The score of all columns together, in units of the kind, below its threshold; and as it decides.
    fn whole(&self, points: &[Point]) -> Value {
        let score = |point: &Point| point.highest.and_then(|row| self.judged.scores.get(row).copied());
        let threshold = |point: &Point| self.judged.thresholds.get(point.rows.start).copied();
        let values = points.iter().map(|point| {
            let row = point.highest?;
            Some(self.judged.scores.get(row)? * self.judged.thresholds.get(row)?)
        });
        let values: Vec<Value> = values.map(|value| number(value.unwrap_or(f64::NAN))).collect();
        let upper = points.iter().map(|point| number(threshold(point).unwrap_or(f64::NAN)));
        let findings = self.findings.iter().take(MAX_FINDINGS);
        let findings: Vec<Value> = findings
            .map(|it| json!([number_of(it.from), number_of(it.to), number(it.score), it.what()]))
            .collect();
        self.series(points, json!({
            "name": "all columns together",
            "least": values,
            "expected": points.iter().map(|_| Value::Null).collect::<Vec<Value>>(),
            "lower": points.iter().map(|_| number(0.0)).collect::<Vec<Value>>(),
            "upper": upper.collect::<Vec<Value>>(),
            "score": points.iter().map(|point| number(score(point).unwrap_or(f64::NAN))).collect::<Vec<Value>>(),
            "findings": findings,
        }))
    }

    /// A column, with its usual range, what was expected, and what it contributes.
    fn column(&self, column: usize, points: &[Point]) -> Value {
        let name = self.detector.columns().get(column).map(String::as_str).unwrap_or_default();
        let value = |row: usize| f64::from(self.rows.frame.row(row).get(column).copied().unwrap_or(f32::NAN));
        let most = |pick: fn(f64, f64) -> f64| -> Vec<Value> {
            let of = |point: &Point| point.rows.clone().map(value).fold(f64::NAN, pick);
            points.iter().map(|point| number(of(point))).collect()
        };
        let expected = |point: &Point| {
            let (details, row) = (self.details.as_ref()?, point.highest?);
            let at = row.checked_sub(details.first)? * self.detector.columns().len() + column;
            details.forecasts.get(at).copied().map(f64::from)
        };
        let usual = self.detector.usual(column).unwrap_or([f64::NAN; 2]);
        let part = |point: &Point| point.parts.get(column).copied().unwrap_or(f64::NAN);
        let bound = |at: usize| points.iter().map(|_| number(usual[at])).collect::<Vec<Value>>();
        // Where it is among those that contributed most.
        let findings = self.findings.iter().filter_map(|it| {
            let share = it.columns.iter().find(|named| named.column == name)?.share;
            Some(json!([number_of(it.from), number_of(it.to), number(share * it.score), it.what()]))
        });
        let mut series = json!({
            "name": name,
            "caption": "part",
            "limit": null,
            "listed": false,
            "least": most(f64::min),
            "expected": points.iter().map(|point| number(expected(point).unwrap_or(f64::NAN))).collect::<Vec<Value>>(),
            "lower": bound(0),
            "upper": bound(1),
            "score": points.iter().map(|point| number(part(point))).collect::<Vec<Value>>(),
            "findings": findings.take(MAX_FINDINGS).collect::<Vec<Value>>(),
        });
        if points.iter().any(|point| point.rows.len() > 1) {
            series["greatest"] = most(f64::max).into();
        }
        self.series(points, series)
    }

    /// What all series have.
    fn series(&self, points: &[Point], mut series: Value) -> Value {
        let mut last = 0;
        let steps = points.iter().map(|point| point.at - std::mem::replace(&mut last, point.at));
        series["steps"] = steps.collect::<Vec<i64>>().into();
        series["together"] = points.first().map_or(1, |point| point.rows.len()).into();
        series["holes"] = self.holes().into();
        let incidents = lanner_quality::events(&self.rows.is_marked).into_iter();
        let moments = incidents.filter_map(|it| Some([self.at(it.start)?, self.at(it.end - 1)?]));
        series["incidents"] = json!(moments.collect::<Vec<[i64; 2]>>());
        series
    }

    /// From the row before missing ones to that after.
    fn holes(&self) -> Vec<Value> {
        let known: Vec<usize> = (0..self.rows.at.len()).filter(|row| self.at(*row).is_some()).collect();
        let pairs = known.windows(2).filter(|pair| pair[1] > pair[0] + 1);
        pairs.map(|pair| json!([self.at(pair[0]), self.at(pair[1])])).collect()
    }
}

fn number_of(moment: Moment) -> i64 {
    match moment {
        Moment::Time(time) => time.0,
        Moment::Line(line) => line,
    }
}

fn number(number: f64) -> Value {
    charts::number(number, LARGEST)
}
