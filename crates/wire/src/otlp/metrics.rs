//! Metrics, as samples of series that are called as in Prometheus.
//!
//! Sums and histograms that are totals since their program began stay totals. Those of one interval alone (`delta`) stay what they
//! are as well: each sample is what came in its interval, and its name has no `_total`. Nothing has to be remembered for
//! either, and a restart of Lanner changes neither.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lanner_core::{Labels, Sample, SeriesKey};

use super::body::Body;
use super::error::OtlpError;
use super::message::{Message, Names};
use super::names::{self, Shape};
use super::points::{self, Of, Point};
use super::record::time_ms;
use crate::Report;
use crate::report::shown;

/// The longest labels of a series, bytes.
const MAX_LABELS_BYTES: usize = 64 * 1024;

/// The number of the temporality in which totals are sent.
const CUMULATIVE: i64 = 2;

/// Reads metrics, calling `on_sample` for each sample.
///
/// A data point that cannot be taken, or for which `on_sample` returns a reason, is counted and explained in `report` by the
/// number of its metric, and costs only itself. Gaps and what is no number are skipped, exemplars left out. Cost: O(length).
///
/// # Errors
/// A body that is no such request; samples before the mistake were handed out already.
pub fn read(
    body: &Body<'_>,
    received_ms: i64,
    report: &mut Report,
    mut on_sample: impl FnMut(&SeriesKey, Sample) -> Result<(), String>,
) -> Result<(), OtlpError> {
    let mut number = 0;
    let names = ["resourceMetrics", "scopeMetrics", "metrics"];
    body.each_record(&names, names::of_resource, |resource, message| {
        number += 1;
        let metric = match Metric::read(message) {
            Ok(metric) => metric,
            Err(why) => return report.reject(number, None, why),
        };
        let walked = metric.each_point(|point| {
            let mut taken = Taking { metric: &metric, resource, received_ms, on_sample: &mut on_sample };
            match point.map_err(|why| why.to_string()).and_then(|point| taken.take(&point)) {
                Ok((n_taken, n_skipped)) => {
                    report.accepted += n_taken;
                    report.skipped += n_skipped;
                }
                Err(why) => report.reject(number, None, why),
            }
        });
        if let Err(why) = walked {
            report.reject(number, None, why);
        }
    })
}

struct Taking<'m, F> {
    metric: &'m Metric<'m>,
    resource: &'m BTreeMap<String, String>,
    received_ms: i64,
    on_sample: F,
}

impl<F: FnMut(&SeriesKey, Sample) -> Result<(), String>> Taking<'_, F> {
    /// Hands out the samples of a point; how many, and how many values were no numbers.
    fn take(&mut self, point: &Point) -> Result<(u64, u64), String> {
        if point.is_gap {
            return Ok((0, 1));
        }
        let time_ms = time_ms(point.time_ns, self.received_ms).map_err(|why| why.to_string())?;
        let labels = names::of_point(self.resource, &point.attributes);
        if labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_LABELS_BYTES {
            return Err(OtlpError::LongLabels.to_string());
        }
        let (mut n_taken, mut n_skipped) = (0, 0);
        for Of { suffix, label, value } in &point.values {
            if !value.is_finite() {
                n_skipped += 1;
                continue;
            }
            let labels = match label {
                None => labels.clone(),
                Some((name, text)) => labels.with(&Labels::new([(*name, text.as_str())])),
            };
            let key = SeriesKey::new(format!("{}{suffix}", self.metric.name), labels);
            (self.on_sample)(&key, Sample::new(time_ms, *value))?;
            n_taken += 1;
        }
        Ok((n_taken, n_skipped))
    }
}

/// Reads a kind of point.
type ReadPoint = fn(Message<'_>) -> Result<Point, OtlpError>;

/// A metric, and its data points.
struct Metric<'a> {
    /// What its series are called, without a suffix.
    name: String,
    data: Option<(Message<'a>, ReadPoint)>,
}

const METRIC: Names = &[
    (1, "name"),
    (3, "unit"),
    (5, "gauge"),
    (7, "sum"),
    (9, "histogram"),
    (10, "exponentialHistogram"),
    (11, "summary"),
];
const POINTS: Names = &[(1, "dataPoints")];
const SUM: Names = &[(2, "aggregationTemporality"), (3, "isMonotonic")];

impl<'a> Metric<'a> {
    fn read(message: Message<'a>) -> Result<Self, OtlpError> {
        let (mut name, mut unit, mut data) = (Cow::Borrowed(""), Cow::Borrowed(""), None);
        let mut shape = Shape::Other;
        message.each(METRIC, |number, field| {
            let read: ReadPoint = match number {
                1 => {
                    name = field.text()?;
                    return Ok(());
                }
                3 => {
                    unit = field.text()?;
                    return Ok(());
                }
                5 | 7 => points::number,
                9 => points::histogram,
                10 => points::exponential,
                _ => points::summary,
            };
            let message = field.message()?;
            shape = match number {
                5 => Shape::Gauge,
                7 if is_total(message)? => Shape::Total,
                _ => Shape::Other,
            };
            data = Some((message, read));
            Ok(())
        })?;
        let kept = names::metric(&name, &unit, shape);
        let name = kept.ok_or_else(|| OtlpError::NoName { name: shown(&name) })?;
        Ok(Self { name, data })
    }

    fn each_point(&self, mut on_point: impl FnMut(Result<Point, OtlpError>)) -> Result<(), OtlpError> {
        let Some((data, read)) = self.data else { return Ok(()) };
        data.each(POINTS, |_, field| {
            on_point(field.message().and_then(read));
            Ok(())
        })
    }
}

/// Whether a sum is one that only grows, since its program began.
fn is_total(sum: Message<'_>) -> Result<bool, OtlpError> {
    let (mut temporality, mut is_monotonic) = (0, false);
    sum.each(SUM, |number, field| {
        match number {
            2 => temporality = field.whole()?,
            _ => is_monotonic = field.truth()?,
        }
        Ok(())
    })?;
    Ok(is_monotonic && temporality == CUMULATIVE)
}
