//! Data points, and the series that each kind of them makes: those that Prometheus has.

use serde_json::{Map, Value};

use super::buckets::Exponential;
use super::data;
use super::error::OtlpError;
use super::message::{Field, Message, Names};

/// What a data point says.
#[derive(Debug, Default)]
pub(super) struct Point {
    pub(super) attributes: Map<String, Value>,
    pub(super) time_ns: u64,
    /// Whether it says that there is no value.
    pub(super) is_gap: bool,
    pub(super) values: Vec<Of>,
}

/// The value of one of the series of a point.
#[derive(Debug)]
pub(super) struct Of {
    /// What is behind the name of the metric.
    pub(super) suffix: &'static str,
    /// The label that tells it from the others.
    pub(super) label: Option<(&'static str, String)>,
    pub(super) value: f64,
}

impl Point {
    fn push(&mut self, suffix: &'static str, value: f64) {
        self.values.push(Of { suffix, label: None, value });
    }

    fn push_bucket(&mut self, bound: f64, count: u64) {
        let written = if bound.is_infinite() { "+Inf".to_owned() } else { bound.to_string() };
        self.values.push(Of { suffix: "_bucket", label: Some(("le", written)), value: count as f64 });
    }

    fn flags(&mut self, field: Field<'_>) -> Result<(), OtlpError> {
        self.is_gap = field.count()? & 1 == 1;
        Ok(())
    }
}

const NUMBER: Names = &[(7, "attributes"), (3, "timeUnixNano"), (4, "asDouble"), (6, "asInt"), (8, "flags")];

/// A point of a gauge or a sum.
pub(super) fn number(message: Message<'_>) -> Result<Point, OtlpError> {
    let mut point = Point::default();
    message.each(NUMBER, |number, field| {
        match number {
            7 => data::attribute(field, &mut point.attributes)?,
            3 => point.time_ns = field.count()?,
            4 => point.push("", field.number()?),
            6 => point.push("", field.whole()? as f64),
            _ => point.flags(field)?,
        }
        Ok(())
    })?;
    // A value that is left out is no value.
    point.is_gap |= point.values.is_empty();
    point.values.truncate(1);
    Ok(point)
}

const HISTOGRAM: Names = &[
    (9, "attributes"),
    (3, "timeUnixNano"),
    (4, "count"),
    (5, "sum"),
    (6, "bucketCounts"),
    (7, "explicitBounds"),
    (10, "flags"),
];

/// A point of a histogram with bounds of its own.
pub(super) fn histogram(message: Message<'_>) -> Result<Point, OtlpError> {
    let mut point = Point::default();
    let (mut count, mut counts, mut bounds) = (0, Vec::new(), Vec::new());
    message.each(HISTOGRAM, |number, field| {
        match number {
            9 => data::attribute(field, &mut point.attributes)?,
            3 => point.time_ns = field.count()?,
            4 => count = field.count()?,
            5 => point.push("_sum", field.number()?),
            6 => field.fixed_counts(&mut counts)?,
            7 => field.numbers(&mut bounds)?,
            _ => point.flags(field)?,
        }
        Ok(())
    })?;
    // Without buckets it has only count and sum.
    if !(counts.is_empty() && bounds.is_empty()) && counts.len() != bounds.len() + 1 {
        return Err(OtlpError::Histogram { bounds: bounds.len(), counts: counts.len() });
    }
    let mut so_far: u64 = 0;
    for (bound, count) in bounds.iter().zip(&counts) {
        so_far = so_far.saturating_add(*count);
        // One that is infinite is the one that has all.
        if bound.is_finite() {
            point.push_bucket(*bound, so_far);
        }
    }
    point.push_bucket(f64::INFINITY, count);
    point.push("_count", count as f64);
    Ok(point)
}

const EXPONENTIAL: Names = &[
    (1, "attributes"),
    (3, "timeUnixNano"),
    (4, "count"),
    (5, "sum"),
    (6, "scale"),
    (7, "zeroCount"),
    (8, "positive"),
    (9, "negative"),
    (10, "flags"),
];
const BUCKETS: Names = &[(1, "offset"), (2, "bucketCounts")];

/// A point of a histogram with exponential bounds.
pub(super) fn exponential(message: Message<'_>) -> Result<Point, OtlpError> {
    let mut point = Point::default();
    let (mut count, mut of) = (0, Exponential::default());
    message.each(EXPONENTIAL, |number, field| {
        match number {
            1 => data::attribute(field, &mut point.attributes)?,
            3 => point.time_ns = field.count()?,
            4 => count = field.count()?,
            5 => point.push("_sum", field.number()?),
            6 => of.scale = field.zigzag()?,
            7 => of.n_zero = field.count()?,
            8 => (of.offset, of.counts) = buckets(field)?,
            9 => of.n_negative = buckets(field)?.1.iter().fold(0, |all, one| all.saturating_add(*one)),
            _ => point.flags(field)?,
        }
        Ok(())
    })?;
    for (bound, count) in of.cumulative() {
        point.push_bucket(bound, count);
    }
    point.push_bucket(f64::INFINITY, count);
    point.push("_count", count as f64);
    Ok(point)
}

fn buckets(field: Field<'_>) -> Result<(i64, Vec<u64>), OtlpError> {
    let (mut offset, mut counts) = (0, Vec::new());
    field.message()?.each(BUCKETS, |number, field| {
        match number {
            1 => offset = field.zigzag()?,
            _ => field.counts(&mut counts)?,
        }
        Ok(())
    })?;
    Ok((offset, counts))
}

const SUMMARY: Names =
    &[(7, "attributes"), (3, "timeUnixNano"), (4, "count"), (5, "sum"), (6, "quantileValues"), (8, "flags")];
const QUANTILE: Names = &[(1, "quantile"), (2, "value")];

/// A point of a summary.
pub(super) fn summary(message: Message<'_>) -> Result<Point, OtlpError> {
    let mut point = Point::default();
    // Both are always there, and left out where they are zero.
    let (mut count, mut sum) = (0, 0.0);
    message.each(SUMMARY, |number, field| {
        match number {
            7 => data::attribute(field, &mut point.attributes)?,
            3 => point.time_ns = field.count()?,
            4 => count = field.count()?,
            5 => sum = field.number()?,
            6 => {
                let (mut quantile, mut value) = (0.0, 0.0);
                field.message()?.each(QUANTILE, |number, field| {
                    *(if number == 1 { &mut quantile } else { &mut value }) = field.number()?;
                    Ok(())
                })?;
                let label = Some(("quantile", quantile.to_string()));
                point.values.push(Of { suffix: "", label, value });
            }
            _ => point.flags(field)?,
        }
        Ok(())
    })?;
    point.push("_sum", sum);
    point.push("_count", count as f64);
    Ok(point)
}
