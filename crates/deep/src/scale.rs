//! Scaling: columns of any unit become comparable.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

/// The share of rows that is left out at each end of a column before its range is taken, so that single outliers do not make
/// everything else look small.
const TRIMMED: f64 = 3e-4;

/// A scaled value is at most this far from 0; the whole range of training is 4 wide. What is further off is as strange as
/// anything, and a column that fails must not drown all others.
const CLIP: f32 = 20.0;

/// Where the values of each column lie: they are scaled by a quarter of their range, around their mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) centres: Vec<f32>,
    /// 0 for a column without any value, which is not looked at.
    pub(crate) widths: Vec<f32>,
    /// Between these all values lie, but for the most extreme ones.
    pub(crate) lows: Vec<f32>,
    pub(crate) highs: Vec<f32>,
}

/// Shows rows, one piece after the other.
pub(crate) type Pieces<'a> = dyn Fn(&mut dyn FnMut(&[f32])) + 'a;

impl Scale {
    /// From rows of `n_columns` values; gaps are left out. Cost: O(values).
    pub(crate) fn fit(rows: &[f32], n_columns: usize) -> Self {
        let columns: Vec<Place> = (0..n_columns)
            .into_par_iter()
            .map(|column| {
                place(
                    rows.iter().skip(column).step_by(n_columns).copied().filter(|v| v.is_finite()).collect(),
                )
            })
            .collect();
        Self::of(&columns)
    }

    /// The same to the last bit, of rows that `pieces` shows one piece after the other, twice. Memory: the most extreme values of
    /// each column.
    pub(crate) fn fit_pieces(n_columns: usize, pieces: &Pieces<'_>) -> Self {
        let mut columns: Vec<Moments> = (0..n_columns).map(|_| Moments::default()).collect();
        let each = |columns: &mut [Moments], piece: &[f32], see: fn(&mut Moments, f32)| {
            columns.par_iter_mut().enumerate().for_each(|(at, moments)| {
                let values = piece.iter().skip(at).step_by(n_columns);
                values.filter(|value| value.is_finite()).for_each(|value| see(moments, *value));
            });
        };
        pieces(&mut |piece| each(&mut columns, piece, Moments::count));
        columns.iter_mut().for_each(Moments::begin);
        pieces(&mut |piece| each(&mut columns, piece, Moments::measure));
        Self::of(&columns.iter().map(Moments::place).collect::<Vec<_>>())
    }

    fn of(columns: &[Place]) -> Self {
        let of = |part: fn(&Place) -> f32| columns.iter().map(part).collect();
        Self {
            centres: of(|place| place.centre),
            widths: of(|place| place.width),
            lows: of(|place| place.low),
            highs: of(|place| place.high),
        }
    }

    /// From where to where the values of a column lay; `None` for one without any.
    pub(crate) fn range(&self, column: usize) -> Option<[f64; 2]> {
        let has_values = self.widths.get(column).is_some_and(|width| *width > 0.0);
        has_values
            .then(|| Some([f64::from(*self.lows.get(column)?), f64::from(*self.highs.get(column)?)]))
            .flatten()
    }

    /// The scaled rows. A gap becomes 0, the usual value: it says nothing.
    pub(crate) fn apply(&self, rows: &[f32]) -> Vec<f32> {
        rows.chunks_exact(self.centres.len()).flat_map(|row| self.of_row(row)).collect()
    }

    /// Scaled rows in their own units again.
    pub(crate) fn restore(&self, scaled: &[f32]) -> Vec<f32> {
        let places = self.centres.iter().zip(&self.widths).cycle();
        scaled.iter().zip(places).map(|(value, (centre, width))| centre + value * width).collect()
    }

    fn of_row<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let places = self.centres.iter().zip(&self.widths);
        row.iter().zip(places).map(|(value, (centre, width))| {
            let scaled = (value - centre) / width;
            if scaled.is_finite() { scaled.clamp(-CLIP, CLIP) } else { 0.0 }
        })
    }
}

/// Where the values of one column lie.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    centre: f32,
    width: f32,
    low: f32,
    high: f32,
}

/// What is seen of a column value by value.
#[derive(Debug, Default)]
struct Moments {
    n: usize,
    sum: f64,
    mean: f64,
    squares: f64,
    /// How many values are left out at each end.
    trimmed: usize,
    /// One more than these of the lowest values, and of the highest ones.
    lowest: BinaryHeap<Ordered>,
    highest: BinaryHeap<Reverse<Ordered>>,
}

impl Moments {
    fn count(&mut self, value: f32) {
        self.n += 1;
        self.sum += f64::from(value);
    }

    fn begin(&mut self) {
        self.mean = self.sum / self.n.max(1) as f64;
        self.trimmed = n_trimmed(self.n);
    }

    fn measure(&mut self, value: f32) {
        self.squares += (f64::from(value) - self.mean).powi(2);
        keep(&mut self.lowest, Ordered(value), self.trimmed + 1);
        keep(&mut self.highest, Reverse(Ordered(value)), self.trimmed + 1);
    }

    fn place(&self) -> Place {
        match (self.lowest.peek(), self.highest.peek()) {
            (Some(Ordered(low)), Some(Reverse(Ordered(high)))) => {
                placed(self.mean, self.squares / self.n as f64, *low, *high)
            }
            _ => Place::default(),
        }
    }
}

/// Keeps the `n` least of all that is given.
fn keep<T: Ord>(least: &mut BinaryHeap<T>, value: T, n: usize) {
    if least.len() < n {
        least.push(value);
    } else if let Some(mut greatest) = least.peek_mut()
        && value < *greatest
    {
        *greatest = value;
    }
}

/// A number in the order of all numbers.
#[derive(Debug)]
struct Ordered(f32);

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

/// How many of `n` values are left out at each end.
fn n_trimmed(n: usize) -> usize {
    ((n as f64 * TRIMMED) as usize).min(n.saturating_sub(1) / 2)
}

fn place(mut column: Vec<f32>) -> Place {
    let n = column.len();
    if n == 0 {
        return Place::default();
    }
    let mean = column.iter().map(|value| f64::from(*value)).sum::<f64>() / n as f64;
    let variance = column.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / n as f64;
    let trimmed = n_trimmed(n);
    let low = *column.select_nth_unstable_by(trimmed, f32::total_cmp).1;
    let high = *column.select_nth_unstable_by(n - 1 - trimmed, f32::total_cmp).1;
    placed(mean, variance, low, high)
}

/// The mean of a column, a quarter of its range, and the range.
#[expect(clippy::cast_possible_truncation, reason = "values are kept in single precision")]
fn placed(mean: f64, variance: f64, low: f32, high: f32) -> Place {
    let width = f64::from(high - low) / 4.0;
    // A column that rests but for some rows is as wide as those make it; one that never changed has no range of its own.
    let width = if width > 0.0 { width.max(variance.sqrt() / 2.0) } else { variance.sqrt() };
    let width = if width > 0.0 { width } else { 0.05 * mean.abs().max(1.0) };
    Place { centre: mean as f32, width: width as f32, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_comparable() {
        let rows: Vec<f32> =
            (0..101_u8).flat_map(|i| [f32::from(i), 1e6 * f32::from(i), 7.0, f32::NAN]).collect();
        let scale = Scale::fit(&rows, 4);
        let scaled = scale.apply(&[100.0, 0.0, 7.0, 3.0, f32::NAN, 1e12, -70.0, 0.0]);
        assert_eq!(scaled, [2.0, -2.0, 0.0, 0.0, 0.0, 20.0, -20.0, 0.0]);
        assert_eq!((scale.range(0), scale.range(3)), (Some([0.0, 100.0]), None));
        // Piece by piece it is the same.
        let pieces: &Pieces<'_> = &|visit| rows.chunks(12).for_each(visit);
        assert_eq!(Scale::fit_pieces(4, pieces), scale);
        assert_eq!(Scale::fit_pieces(4, &|_| ()).range(0), None);
    }
}
