//! From documents to rows: what the values of a unit of time come to, column by column.
//!
//! A unit is named by its start, and units are counted from midnight before the first document. A unit without documents comes to 0
//! where values are counted or added up, and is missing elsewhere; how missing values are filled is a choice.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use crate::frame::{Frame, FrameError};

const DAY_MS: i64 = 86_400_000;

/// Units of time at most: times that are far from each other are mistakes.
pub const MAX_UNITS: i64 = 5_000_000;

/// How the values of a unit become one.
#[derive(Debug, Clone, PartialEq)]
pub enum Method {
    /// Their mean.
    Average,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// How many there are.
    Count,
    /// All of them together.
    Sum,
    /// How many different ones there are.
    Distinct,
    /// How many are this one.
    Equal(String),
    /// How many are none of these.
    Other(BTreeSet<String>),
}

/// What stands where a value is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// Nothing: detectors take it as a gap.
    Gap,
    /// What lies on the line between the values before and after; at the ends the nearest value.
    Linear,
    /// The value before.
    Previous,
    /// The value after.
    Subsequent,
    /// 0.
    Zero,
    /// This.
    Fixed(f64),
}

/// A column of the rows that are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The field of documents.
    pub field: String,
    /// What becomes of its values.
    pub method: Method,
}

/// A value of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// A number.
    Number(f64),
    /// Something else.
    Text(&'a str),
}

impl Cell<'_> {
    /// As a number: text is read as one.
    fn number(self) -> Option<f64> {
        let number = match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => match text.trim() {
                "true" => Some(1.0),
                "false" => Some(0.0),
                text => text.parse().ok(),
            },
        };
        number.filter(|number: &f64| number.is_finite())
    }
}

/// What one unit came to so far, for one feature.
#[derive(Debug, Clone, Default)]
struct Sums {
    n: u64,
    sum: f64,
    low: f64,
    high: f64,
    /// Hashes of the values, where different ones are counted.
    values: BTreeSet<u64>,
}

/// Documents on their way to rows. Memory: that of the units, whatever comes.
#[derive(Debug)]
pub struct Aggregation {
    features: Vec<Feature>,
    unit_ms: i64,
    /// Midnight before the first document.
    origin_ms: Option<i64>,
    units: BTreeMap<i64, Vec<Sums>>,
}

/// Rows of a stretch of time, one a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Units {
    /// When the first unit begins, milliseconds since the Unix epoch.
    pub start_ms: i64,
    /// The rows.
    pub frame: Frame,
}

/// Why no rows are made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// Times lie too far apart.
    #[error(
        "the documents span {n_units} units of time, and at most {MAX_UNITS} are possible; check their times"
    )]
    TooLong {
        /// Units.
        n_units: i64,
    },
    /// The columns make no rows.
    #[error(transparent)]
    Columns(#[from] FrameError),
}

impl Aggregation {
    /// Units of `unit_ms`, at least 1.
    #[must_use]
    pub fn new(features: Vec<Feature>, unit_ms: i64) -> Self {
        Self { features, unit_ms: unit_ms.max(1), origin_ms: None, units: BTreeMap::new() }
    }

    /// Adds a document: `value` says what it has in a field.
    pub fn add<'v>(&mut self, time_ms: i64, value: impl Fn(&str) -> Option<Cell<'v>>) {
        let n = self.features.len();
        let unit = self.unit_of(time_ms);
        let unit = self.units.entry(unit).or_insert_with(|| vec![Sums::default(); n]);
        for (sums, feature) in unit.iter_mut().zip(&self.features) {
            if let Some(cell) = value(&feature.field) {
                sums.add(&feature.method, cell);
            }
        }
    }

    /// The unit of a time; the first one asked for says where midnight is.
    fn unit_of(&mut self, time_ms: i64) -> i64 {
        let midnight_ms = || time_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS);
        let origin_ms = *self.origin_ms.get_or_insert_with(midnight_ms);
        time_ms.saturating_sub(origin_ms).div_euclid(self.unit_ms)
    }

    /// The rows from the first unit with a document to the last one, or of the units between these times; `None` without any.
    ///
    /// # Errors
    /// See [`AggregateError`].
    pub fn finish(
        mut self,
        fill: Fill,
        between_ms: Option<(i64, i64)>,
    ) -> Result<Option<Units>, AggregateError> {
        let found = self.units.keys().next().copied().zip(self.units.keys().next_back().copied());
        let range = match between_ms {
            Some((from_ms, to_ms)) => Some((self.unit_of(from_ms), self.unit_of(to_ms.saturating_sub(1)))),
            None => found,
        };
        let Some((first, last)) = range.filter(|(first, last)| first <= last) else { return Ok(None) };
        let n_units = last.saturating_sub(first).saturating_add(1);
        if n_units > MAX_UNITS {
            return Err(AggregateError::TooLong { n_units });
        }
        let mut columns: Vec<Vec<f64>> =
            (0..self.features.len()).map(|at| self.column(at, first, last)).collect();
        columns.iter_mut().for_each(|column| fill.apply(column));
        let n_rows = usize::try_from(n_units).unwrap_or(0);
        let row =
            |at: usize| columns.iter().map(move |column| narrow(column.get(at).copied().unwrap_or(f64::NAN)));
        let values = (0..n_rows).flat_map(row).collect();
        let names = self.features.iter().map(|feature| feature.name.clone()).collect();
        let start_ms = self.origin_ms.unwrap_or(0) + first * self.unit_ms;
        Ok(Some(Units { start_ms, frame: Frame::new(names, values)? }))
    }

    /// What a feature comes to, unit by unit.
    fn column(&self, at: usize, first: i64, last: i64) -> Vec<f64> {
        let Some(method) = self.features.get(at).map(|feature| &feature.method) else { return Vec::new() };
        let value = |unit: i64| {
            let sums = self.units.get(&unit).and_then(|sums| sums.get(at));
            sums.map_or_else(|| Sums::default().value(method), |sums| sums.value(method))
        };
        (first..=last).map(value).collect()
    }
}

impl Sums {
    fn add(&mut self, method: &Method, cell: Cell<'_>) {
        let text = |cell: Cell<'_>| match cell {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.to_owned(),
        };
        match (method, cell) {
            (Method::Count, _) => self.n += 1,
            (Method::Distinct, cell) => _ = self.values.insert(xxh3_64(text(cell).as_bytes())),
            (Method::Equal(wanted), cell) => self.n += u64::from(text(cell) == *wanted),
            (Method::Other(known), cell) => self.n += u64::from(!known.contains(&text(cell))),
            (_, cell) => cell.number().into_iter().for_each(|number| self.add_number(number)),
        }
    }

    fn add_number(&mut self, number: f64) {
        let is_first = self.n == 0;
        self.low = if is_first { number } else { self.low.min(number) };
        self.high = if is_first { number } else { self.high.max(number) };
        self.sum += number;
        self.n += 1;
    }

    fn value(&self, method: &Method) -> f64 {
        let if_any = |value: f64| if self.n == 0 { f64::NAN } else { value };
        match method {
            Method::Average => if_any(self.sum / self.n as f64),
            Method::Max => if_any(self.high),
            Method::Min => if_any(self.low),
            Method::Sum => self.sum,
            Method::Distinct => self.values.len() as f64,
            Method::Count | Method::Equal(_) | Method::Other(_) => self.n as f64,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rows are kept in single precision")]
const fn narrow(value: f64) -> f32 {
    value as f32
}

impl Fill {
    /// Fills a column.
    fn apply(self, column: &mut [f64]) {
        match self {
            Self::Gap => {}
            Self::Zero => fill_with(column, 0.0),
            Self::Fixed(value) => fill_with(column, value),
            Self::Previous => carry(column.iter_mut()),
            Self::Subsequent => carry(column.iter_mut().rev()),
            Self::Linear => {
                interpolate(column);
                carry(column.iter_mut());
                carry(column.iter_mut().rev());
            }
        }
    }
}

fn fill_with(column: &mut [f64], value: f64) {
    column.iter_mut().filter(|cell| cell.is_nan()).for_each(|cell| *cell = value);
}

/// A missing value becomes the one before.
fn carry<'a>(cells: impl Iterator<Item = &'a mut f64>) {
    let mut last = f64::NAN;
    for cell in cells {
        if cell.is_nan() {
            *cell = last;
        }
        last = *cell;
    }
}

/// Missing values between others come to lie on a line.
fn interpolate(column: &mut [f64]) {
    let known: Vec<usize> = (0..column.len()).filter(|at| column[*at].is_finite()).collect();
    for pair in known.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (low, high) = (column[from], column[to]);
        for (nth, cell) in column[from..to].iter_mut().enumerate().skip(1) {
            *cell = low + (high - low) * nth as f64 / (to - from) as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feature(field: &str, method: Method) -> Feature {
        Feature { name: format!("{field}_{method:?}"), field: field.to_owned(), method }
    }

    fn filled(fill: Fill, column: &[f64]) -> Vec<String> {
        let mut column = column.to_vec();
        fill.apply(&mut column);
        column.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn missing_values_are_filled() {
        let gaps = [f64::NAN, 1.0, f64::NAN, f64::NAN, 4.0, f64::NAN];
        assert_eq!(filled(Fill::Gap, &gaps), ["NaN", "1", "NaN", "NaN", "4", "NaN"]);
        assert_eq!(filled(Fill::Linear, &gaps), ["1", "1", "2", "3", "4", "4"]);
        assert_eq!(filled(Fill::Previous, &gaps), ["NaN", "1", "1", "1", "4", "4"]);
        assert_eq!(filled(Fill::Subsequent, &gaps), ["1", "1", "4", "4", "4", "NaN"]);
        assert_eq!(filled(Fill::Zero, &gaps), ["0", "1", "0", "0", "4", "0"]);
        assert_eq!(filled(Fill::Fixed(-1.0), &gaps), ["-1", "1", "-1", "-1", "4", "-1"]);
        assert_eq!(filled(Fill::Linear, &[f64::NAN]), ["NaN"]);
    }

    #[test]
    fn documents_become_rows() {
        let known = BTreeSet::from(["ssh".to_owned()]);
        let features = vec![
            feature("level", Method::Average),
            feature("level", Method::Sum),
            feature("group", Method::Count),
            feature("group", Method::Distinct),
            feature("group", Method::Equal("ssh".to_owned())),
            feature("group", Method::Other(known)),
        ];
        let mut aggregation = Aggregation::new(features, 60_000);
        let mut add = |time_ms: i64, level: Option<f64>, group: Option<&str>| {
            aggregation.add(time_ms, |field| match field {
                "level" => level.map(Cell::Number),
                _ => group.map(Cell::Text),
            });
        };
        // Out of order, and a unit without any document.
        add(DAY_MS + 185_000, Some(9.0), None);
        add(DAY_MS + 61_000, Some(1.0), Some("ssh"));
        add(DAY_MS + 119_999, Some(2.0), Some("web"));
        add(DAY_MS + 60_000, None, Some("web"));
        let units = aggregation.finish(Fill::Gap, None).unwrap().unwrap();
        assert_eq!((units.start_ms, units.frame.n_rows()), (DAY_MS + 60_000, 3));
        assert_eq!(units.frame.row(0), [1.5, 3.0, 3.0, 2.0, 1.0, 2.0]);
        assert!(units.frame.row(1)[0].is_nan() && units.frame.row(1)[1..] == [0.0; 5]);
        assert_eq!(units.frame.row(2), [9.0, 9.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn times_far_apart_are_refused() {
        let mut aggregation = Aggregation::new(vec![feature("level", Method::Count)], 60_000);
        for time_ms in [i64::MIN, 0, i64::MAX] {
            aggregation.add(time_ms, |_| None);
        }
        let refused = aggregation.finish(Fill::Gap, None).unwrap_err().to_string();
        assert!(refused.contains("check their times"), "{refused}");
        assert_eq!(Aggregation::new(Vec::new(), 0).finish(Fill::Zero, None).unwrap(), None);
    }
}
