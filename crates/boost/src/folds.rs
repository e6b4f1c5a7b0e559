//! Parts of a table that are alike, with no group in two of them.

use crate::random::Random;
use crate::table::Table;

/// Rows in folds, numbered from 0. Each row is in exactly one; a fold may be empty where there are few groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    folds: Vec<Vec<usize>>,
}

impl Folds {
    /// How many folds there are, empty ones included.
    #[must_use]
    pub fn n_folds(&self) -> usize {
        self.folds.len()
    }

    /// The rows of one fold, in ascending order.
    ///
    /// # Panics
    /// If there is no fold of this number.
    #[must_use]
    pub fn fold(&self, fold: usize) -> Vec<usize> {
        self.folds[fold].clone()
    }

    /// The rows of all folds but one, in ascending order: what a model learns from that is tried on it.
    #[must_use]
    pub fn others(&self, fold: usize) -> Vec<usize> {
        let others = self.folds.iter().enumerate().filter(|(i, _)| *i != fold);
        let mut rows: Vec<usize> = others.flat_map(|(_, rows)| rows.iter().copied()).collect();
        rows.sort_unstable();
        rows
    }
}

/// A group, as far as folds care.
struct Group {
    rows: Vec<usize>,
    /// Rows that are not positive, and those that are.
    counts: [usize; 2],
}

/// Divides `rows` of a table into `n_folds` parts: groups stay whole, and each part has about the same share of each
/// class. Large, one-sided groups are dealt out first, each to the part that it evens out most. Cost: O(groups × folds).
///
/// # Panics
/// If `n_folds` is 0.
///
/// # Source
/// The greedy rule is that of `StratifiedGroupKFold` of scikit-learn.
#[must_use]
pub fn grouped_folds(table: &Table, rows: &[usize], n_folds: usize, seed: u64) -> Folds {
    assert!(n_folds > 0, "at least one fold");
    let mut groups = groups(table, rows);
    Random::new(seed).shuffle(&mut groups);
    // The spread of a group's two counts is half their difference.
    groups.sort_by_key(|group| std::cmp::Reverse(group.counts[0].abs_diff(group.counts[1])));
    let totals = groups.iter().fold([0, 0], |sum: [usize; 2], group| added(sum, group.counts));
    let mut counts = vec![[0, 0]; n_folds];
    let mut folds = vec![Vec::new(); n_folds];
    for group in groups {
        let fold = most_even(&mut counts, group.counts, totals);
        counts[fold] = added(counts[fold], group.counts);
        folds[fold].extend(group.rows);
    }
    folds.iter_mut().for_each(|rows| rows.sort_unstable());
    Folds { folds }
}

fn groups(table: &Table, rows: &[usize]) -> Vec<Group> {
    let mut rows = rows.to_vec();
    rows.sort_unstable_by_key(|&row| (table.groups()[row], row));
    let groups = rows.chunk_by(|&a, &b| table.groups()[a] == table.groups()[b]);
    let mut groups: Vec<Group> = groups
        .map(|rows| {
            let n_positive = rows.iter().filter(|&&row| table.labels()[row]).count();
            Group { rows: rows.to_vec(), counts: [rows.len() - n_positive, n_positive] }
        })
        .collect();
    // By what they hold, so that names of groups do not matter.
    groups.sort_by_key(|group| group.rows[0]);
    groups
}

/// The fold after which classes would be spread most evenly; of equals the one with fewest rows, then the first.
fn most_even(counts: &mut [[usize; 2]], group: [usize; 2], totals: [usize; 2]) -> usize {
    let mut best = (0, f64::INFINITY, usize::MAX);
    for fold in 0..counts.len() {
        let before = counts[fold];
        counts[fold] = added(before, group);
        let spread = (spread(counts, 0, totals) + spread(counts, 1, totals)) / 2.0;
        let n_rows = counts[fold][0] + counts[fold][1];
        counts[fold] = before;
        let is_even = (spread - best.1).abs() <= 1e-12;
        if (!is_even && spread < best.1) || (is_even && n_rows < best.2) {
            best = (fold, spread, n_rows);
        }
    }
    best.0
}

/// The standard deviation of a class's shares.
fn spread(counts: &[[usize; 2]], class: usize, totals: [usize; 2]) -> f64 {
    let total = totals[class].max(1) as f64;
    let n = counts.len() as f64;
    let share = |count: &[usize; 2]| count[class] as f64 / total;
    let mean = counts.iter().map(share).sum::<f64>() / n;
    (counts.iter().map(|count| (share(count) - mean).powi(2)).sum::<f64>() / n).sqrt()
}

fn added(a: [usize; 2], b: [usize; 2]) -> [usize; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feature::Feature;

    proptest! {
        #[test]
        fn groups_stay_whole_and_classes_even(
            rows in prop::collection::vec((0_u32..40, any::<bool>()), 80..300),
            seed in any::<u64>(),
        ) {
            let (groups, labels): (Vec<u32>, Vec<bool>) = rows.iter().copied().unzip();
            let table = Table::new(vec![Feature::number("x")], vec![vec![0.0; rows.len()]], labels.clone()).unwrap();
            let table = table.grouped(groups.clone()).unwrap();
            let folds = grouped_folds(&table, &table.all_rows(), 4, seed);
            let mut seen = vec![0; rows.len()];
            for fold in 0..4 {
                let (inside, outside) = (folds.fold(fold), folds.others(fold));
                prop_assert_eq!(inside.len() + outside.len(), rows.len());
                prop_assert!(inside.iter().all(|&a| outside.iter().all(|&b| groups[a] != groups[b])));
                inside.iter().for_each(|&row| seen[row] += 1);
                // Groups hold up to some 10 rows, so a fold misses its quarter by that at most.
                let n_positive = inside.iter().filter(|&&row| labels[row]).count() as f64;
                let expected = labels.iter().filter(|&&label| label).count() as f64 / 4.0;
                prop_assert!((n_positive - expected).abs() <= 12.0, "{n_positive} of {expected}");
            }
            prop_assert!(seen.iter().all(|&n| n == 1));
        }
    }
}
