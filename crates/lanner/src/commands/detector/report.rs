//! A report of one detector on one table, as one HTML file: its score and threshold, what was found, and each column with what it
//! contributes.

use std::io::Write;

use lanner_deep::{Details, Detector, Judged};
use lanner_page::chart::Clock;

use super::score::Finding;
use super::sheet::{Moment, Rows};
use crate::charts::{self, Found, MAX_FINDINGS, Series};
use crate::failure::{Failure, Result};
use crate::output::counted;

/// What the scores of the page mean.
const NOTE: &str = "Each row is scored by those before it only; a score of 1 is the threshold. \
    Below a column is what it contributes to the score.";

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
        let columns = (0..self.detector.columns().len()).map(|column| self.column(column, &points));
        let report = charts::Report {
            title: self.title.clone(),
            summary: Some(self.summary()),
            note: NOTE,
            facts: self.facts.clone(),
            clock: if self.rows.step_ms.is_some() { Clock::Utc } else { Clock::Lines },
            n_rows: self.rows.frame.n_rows() as u64,
            series: std::iter::once(self.whole(&points)).chain(columns).collect(),
        };
        Ok(report.write(to)?)
    }

    fn summary(&self) -> String {
        let n = counted(self.findings.len() as u64, "finding");
        let moments: Vec<Moment> = self.rows.at.iter().flatten().copied().collect();
        let between = match &moments[..] {
            [first, .., last] => format!(", {} to {}", first.text(), last.text()),
            _ => String::new(),
        };
        format!("{n} in {}{between}.", counted(self.rows.frame.n_rows() as u64, "row"))
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
    fn whole(&self, points: &[Point]) -> Series {
        let score = |row: usize| self.judged.scores.get(row).copied();
        let threshold = |row: usize| self.judged.thresholds.get(row).copied();
        let scored = |point: &Point| point.highest.and_then(score);
        let value = |point: &Point| Some(scored(point)? * point.highest.and_then(threshold)?);
        let findings = self.findings.iter().take(MAX_FINDINGS).map(|it| found(it, it.score));
        Series {
            name: "all columns together".to_owned(),
            caption: "score",
            limit: Some(1.0),
            least: of_all(points, value),
            expected: of_all(points, |_| None),
            lower: of_all(points, |_| Some(0.0)),
            upper: of_all(points, |point| threshold(point.rows.start)),
            score: of_all(points, scored),
            findings: findings.collect(),
            is_listed: true,
            ..self.series(points)
        }
    }

    /// A column, with its usual range, what was expected, and what it contributes.
    fn column(&self, column: usize, points: &[Point]) -> Series {
        let name = self.detector.columns().get(column).map(String::as_str).unwrap_or_default();
        let value = |row: usize| f64::from(self.rows.frame.row(row).get(column).copied().unwrap_or(f32::NAN));
        let most =
            |pick: fn(f64, f64) -> f64| of_all(points, |point| point.rows.clone().map(value).reduce(pick));
        let expected = |point: &Point| {
            let (details, row) = (self.details.as_ref()?, point.highest?);
            let at = row.checked_sub(details.first)? * self.detector.columns().len() + column;
            details.forecasts.get(at).copied().map(f64::from)
        };
        let usual = self.detector.usual(column);
        // Where it is among those that contributed most.
        let findings = self.findings.iter().filter_map(|it| {
            let share = it.columns.iter().find(|named| named.column == name)?.share;
            Some(found(it, share * it.score))
        });
        let is_one = points.iter().all(|point| point.rows.len() <= 1);
        Series {
            name: name.to_owned(),
            caption: "part",
            least: most(f64::min),
            greatest: if is_one { Vec::new() } else { most(f64::max) },
            expected: of_all(points, expected),
            lower: of_all(points, |_| usual.map(|[low, _]| low)),
            upper: of_all(points, |_| usual.map(|[_, high]| high)),
            score: of_all(points, |point| point.parts.get(column).copied()),
            findings: findings.take(MAX_FINDINGS).collect(),
            ..self.series(points)
        }
    }

    /// What all series have.
    fn series(&self, points: &[Point]) -> Series {
        let incidents = lanner_quality::events(&self.rows.is_marked).into_iter();
        Series {
            at: points.iter().map(|point| point.at).collect(),
            holes: self.holes(),
            incidents: incidents.filter_map(|it| Some((self.at(it.start)?, self.at(it.end - 1)?))).collect(),
            ..Series::default()
        }
    }

    /// From the row before missing ones to that after.
    fn holes(&self) -> Vec<(i64, i64)> {
        let known: Vec<usize> = (0..self.rows.at.len()).filter(|row| self.at(*row).is_some()).collect();
        let pairs = known.windows(2).filter(|pair| pair[1] > pair[0] + 1);
        pairs.filter_map(|pair| Some((self.at(pair[0])?, self.at(pair[1])?))).collect()
    }
}

/// A number of each point, NaN where there is none.
fn of_all(points: &[Point], read: impl Fn(&Point) -> Option<f64>) -> Vec<f64> {
    points.iter().map(|point| read(point).unwrap_or(f64::NAN)).collect()
}

fn found(finding: &Finding, score: f64) -> Found {
    Found { from: number_of(finding.from), to: number_of(finding.to), score, what: finding.what() }
}

fn number_of(moment: Moment) -> i64 {
    match moment {
        Moment::Time(time) => time.0,
        Moment::Line(line) => line,
    }
}
