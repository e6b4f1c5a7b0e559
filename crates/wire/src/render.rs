//! Evaluated series as Graphite's `/render` answers them, in each of its formats.
//!
//! Reading order: [`Rendered`] (a series to write), [`json`] (what dashboards ask for), [`text`] (CSV and raw), [`pickle`] and
//! [`msgpack`] (what graphite-web asks of its peers).
//!
//! Every writer appends to a buffer and cannot fail on account of a series, with the one exception that it names.
//! A value of NaN is a gap: `null` in JSON, `None` in raw, an empty cell in CSV.

pub mod json;
pub mod msgpack;
mod number;
pub mod pickle;
mod series_info;
pub mod text;

use std::collections::BTreeMap;

/// A series as it is answered.
///
/// ```
/// use std::collections::BTreeMap;
/// use lanner_wire::render::{Rendered, json};
///
/// let tags = BTreeMap::from([("name".to_owned(), "a.b".to_owned())]);
/// let series = Rendered { start_s: 60, end_s: 180, step_s: 60, ..Rendered::new("a.b", &tags, &[7.0, f64::NAN]) };
/// let mut out = Vec::new();
/// json::write(&[series], &json::Options::default(), &mut out);
/// assert_eq!(out, br#"[{"target": "a.b", "tags": {"name": "a.b"}, "datapoints": [[7.0, 60], [null, 120]]}]"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rendered<'a> {
    /// What the client sees: `alias(..)`, or the expression.
    pub name: &'a str,
    /// The expression that was evaluated.
    pub path_expression: &'a str,
    /// The tags, `name` among them.
    pub tags: &'a BTreeMap<String, String>,
    /// The time of the first value, seconds since 1970.
    pub start_s: i64,
    /// The end: the first step after the last value, seconds since 1970.
    pub end_s: i64,
    /// The distance of the stored values, seconds.
    pub step_s: i64,
    /// How many stored values were consolidated into each of `values`: 1 unless fewer points were asked for.
    pub values_per_point: u32,
    /// The values, oldest first, `step_s * values_per_point` apart; NaN is a gap.
    pub values: &'a [f64],
    /// Which part of the stored values must be there for a consolidated one, 0 to 1.
    pub x_files_factor: f64,
    /// How values are consolidated: `average`, `sum`, ..
    pub consolidation: &'a str,
}

impl<'a> Rendered<'a> {
    /// A series of one-second steps from 1970 that was not consolidated, as a base for the rest.
    #[must_use]
    pub const fn new(name: &'a str, tags: &'a BTreeMap<String, String>, values: &'a [f64]) -> Self {
        Self {
            name,
            path_expression: name,
            tags,
            start_s: 0,
            end_s: values.len() as i64,
            step_s: 1,
            values_per_point: 1,
            values,
            x_files_factor: 0.0,
            consolidation: "average",
        }
    }

    /// The distance between two of `values`, seconds: at least 1.
    fn distance_s(&self) -> i64 {
        self.step_s.saturating_mul(i64::from(self.values_per_point)).max(1)
    }

    /// The values with their times. As in Graphite they end where `last_s` says, be there more of them or not.
    fn points_until(&self, last_s: i64) -> impl ExactSizeIterator<Item = (i64, f64)> + '_ {
        let distance_s = self.distance_s();
        let span_s = u64::try_from(last_s.saturating_sub(self.start_s)).ok();
        let room = span_s.map_or(0, |span_s| span_s / distance_s.unsigned_abs() + 1);
        let n_points = self.values.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let time_s = move |at: usize| self.start_s.saturating_add(distance_s.saturating_mul(at as i64));
        self.values[..n_points].iter().enumerate().map(move |(at, value)| (time_s(at), *value))
    }
}
