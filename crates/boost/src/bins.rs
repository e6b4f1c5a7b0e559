//! Columns in at most 255 bins: splits are only looked for between bins.

use crate::feature::Kind;
use crate::table::Table;

/// The bin of missing values; those of values follow.
pub(crate) const MISSING: u8 = 0;

/// The bins of the rows that are learned from.
#[derive(Debug)]
pub(crate) struct Bins {
    pub(crate) columns: Vec<Column>,
}

/// One feature.
#[derive(Debug)]
pub(crate) struct Column {
    /// The bin of each row, in the order of the rows that were given.
    pub(crate) bins: Vec<u8>,
    /// Of a number: the largest value of each bin but the last, so bin `i + 1` holds values up to `edges[i]`.
    /// Of a category: the code of each bin, so bin `i + 1` holds `edges[i]`.
    pub(crate) edges: Vec<f64>,
    /// How many bins there are, with that of missing values.
    pub(crate) n_bins: usize,
    pub(crate) kind: Kind,
}

impl Bins {
    /// Bins `rows` of a table, at most `max_bins` for the values of each column.
    pub(crate) fn new(table: &Table, rows: &[usize], max_bins: usize) -> Self {
        let columns = table.features().iter().enumerate().map(|(i, feature)| {
            let values: Vec<f64> = rows.iter().map(|&row| table.column(i)[row]).collect();
            match feature.kind {
                Kind::Number => numbers(&values, max_bins),
                Kind::Category => categories(&values),
            }
        });
        Self { columns: columns.collect() }
    }
}

fn numbers(values: &[f64], max_bins: usize) -> Column {
    let edges = edges(values, max_bins);
    let bin = |value: &f64| match value.is_nan() {
        true => MISSING,
        false => (edges.partition_point(|edge| edge < value) + 1) as u8,
    };
    let bins = values.iter().map(bin).collect();
    let n_bins = edges.len() + 2;
    Column { bins, edges, n_bins, kind: Kind::Number }
}

/// Values between which columns are cut: between all distinct values if there are few, else at evenly spaced ranks.
fn edges(values: &[f64], max_bins: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= max_bins {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let at_rank = |i: usize| {
        let rank = i * sorted.len() / max_bins;
        let below = sorted[rank - 1];
        let above = sorted[sorted.partition_point(|value| *value <= below).min(sorted.len() - 1)];
        (below < above).then(|| between(below, above))
    };
    let mut edges: Vec<f64> = (1..max_bins).filter_map(at_rank).collect();
    edges.dedup();
    edges
}

/// A value from `low` on and below `high`, in their middle if there is one.
fn between(low: f64, high: f64) -> f64 {
    let middle = low / 2.0 + high / 2.0;
    if (low..high).contains(&middle) { middle } else { low }
}

fn categories(values: &[f64]) -> Column {
    let mut codes: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    codes.sort_unstable_by(f64::total_cmp);
    codes.dedup();
    let bin = |value: &f64| match value.is_nan() {
        true => MISSING,
        false => (codes.partition_point(|code| code < value) + 1) as u8,
    };
    let bins = values.iter().map(bin).collect();
    let n_bins = codes.len() + 1;
    Column { bins, edges: codes, n_bins, kind: Kind::Category }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_between() {
        #[track_caller]
        fn check(values: &[f64], max_bins: usize, edges: &[f64], bins: &[u8]) {
            let column = numbers(values, max_bins);
            assert_eq!((&column.edges[..], &column.bins[..]), (edges, bins));
        }
        let nan = f64::NAN;
        check(&[3.0, nan, 1.0, 3.0], 255, &[2.0], &[2, 0, 1, 2]);
        check(&[nan, nan], 255, &[], &[0, 0]);
        check(&[5.0, 5.0], 255, &[], &[1, 1]);
        check(&[1.0, 2.0, 3.0, 4.0], 2, &[2.5], &[1, 1, 2, 2]);
        check(&[1.0, 1.0, 1.0, 1.0, 2.0], 2, &[1.5], &[1, 1, 1, 1, 2]);
        check(&[f64::MIN, 0.0, f64::MAX], 255, &[f64::MIN / 2.0, f64::MAX / 2.0], &[1, 2, 3]);
        check(&[-0.0, 0.0, 1.0], 255, &[0.5], &[1, 1, 2]);
    }

    #[test]
    fn codes_have_a_bin_each() {
        let column = categories(&[7.0, f64::NAN, 2.0, 7.0]);
        assert_eq!((&column.edges[..], &column.bins[..]), (&[2.0, 7.0][..], &[2, 0, 1, 2][..]));
    }
}
